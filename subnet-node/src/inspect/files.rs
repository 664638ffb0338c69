//! What `inspect` writes into files, and reads out of them.

use std::fs;
use std::io::{self, BufReader, Write as _};
use std::path::Path;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tributary_witness::witness::WITNESS_BYTES_MAX;
use tributary_witness::{Archived, Question, make, verify as prove};

use super::imported;
use super::page::Page;
use super::progress::Progress;
use super::question::{Asker, QuestionArgs};
use super::state::State;
use crate::files::{open_file, unavailable, whole};

/// Writes the whole state into `file`.
///
/// # Errors
/// What the store or the disk says; there is no file then.
pub fn export(file: &Path, state: &State) -> anyhow::Result<Page> {
    let done = whole(file, |to| {
        let to = Progress::writing(file, to);
        let (done, to) = tributary_witness::export(state.store(), state.root(), to)?;
        Ok((done, to.into_inner()))
    })?;
    Ok(show(file, &done).with("height", state.height().map(|height| height.0)))
}

/// Reads an archive to its end and keeps nothing.
///
/// # Errors
/// What is wrong with it.
pub fn check(file: &Path, root: Option<&Cid>) -> anyhow::Result<Page> {
    let from = BufReader::new(Progress::reading(file, open_file(file)?)?);
    Ok(show(file, &tributary_witness::import(from, &Nowhere, root)?))
}

/// Reads an archive into a directory that the other commands can look at.
///
/// # Errors
/// What is wrong with the archive or the directory.
pub fn import(file: &Path, into: &Path, root: Option<&Cid>) -> anyhow::Result<Page> {
    let done = imported::import(file, into, root)?;
    Ok(show(file, &done).with("into", into.display().to_string()))
}

fn show(file: &Path, done: &Archived) -> Page {
    let page = Page::default().with("file", file.display().to_string()).with("state_root", done.root.to_string());
    page.with("blocks", done.blocks).with("bytes", done.bytes)
}

/// A store that keeps nothing.
struct Nowhere;

impl Blockstore for Nowhere {
    fn get(&self, _: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn put_keyed(&self, _: &Cid, _: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Writes a witness into `file`; says what it proves, and under which root.
///
/// # Errors
/// What the store or the disk says.
pub fn witness(file: &Path, state: &State, question: &QuestionArgs) -> anyhow::Result<String> {
    let mut maker = Maker { state, witness: Vec::new() };
    let answer = question.ask(&mut maker, false)?;
    whole(file, |mut to| {
        to.write_all(&maker.witness).map_err(unavailable(file))?;
        Ok(((), to))
    })?;
    let page = Page::default().with("file", file.display().to_string()).with("bytes", maker.witness.len());
    let page = page.with("height", state.height().map(|height| height.0)).with("state_root", state.root().to_string());
    Ok(format!("{}\n\nit proves:\n{answer}", page.say(false)))
}

/// What the witness in `file` proves.
///
/// # Errors
/// Why it proves nothing.
pub fn verify(file: &Path, root: &Cid, question: &QuestionArgs, json: bool) -> anyhow::Result<String> {
    let bytes = fs::metadata(file).map_err(unavailable(file))?.len();
    if usize::try_from(bytes).map_or(true, |bytes| bytes > WITNESS_BYTES_MAX) {
        let why = format!("{bytes} bytes are no witness; it has at most {WITNESS_BYTES_MAX}");
        return Err(unavailable(file)(io::Error::new(io::ErrorKind::FileTooLarge, why)).into());
    }
    let witness = fs::read(file).map_err(unavailable(file))?;
    question.ask(&mut Verifier { root, witness: &witness }, json)
}

struct Maker<'a> {
    state: &'a State,
    witness: Vec<u8>,
}

impl Asker for Maker<'_> {
    fn ask<Q: Question>(&mut self, question: &Q) -> anyhow::Result<Q::Answer> {
        let (answer, witness) = make(self.state.store(), self.state.root(), question)?;
        self.witness = witness;
        Ok(answer)
    }
}

struct Verifier<'a> {
    root: &'a Cid,
    witness: &'a [u8],
}

impl Asker for Verifier<'_> {
    fn ask<Q: Question>(&mut self, question: &Q) -> anyhow::Result<Q::Answer> {
        Ok(prove(self.root, self.witness, question)?)
    }
}
