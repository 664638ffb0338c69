//! A block whose check found another outcome, as files: enough to run it again without a node and without a home.
//!
//! ```text
//! HOME/dumps/block-7/
//! ├─ block            the block as it travelled
//! ├─ state.car        the blocks of state that running it in order read; its root is that of the state before
//! ├─ live.json        what the node committed
//! ├─ in_order.json    what its check found
//! └─ case.json        height, environment, parameters, how the node ran it; written last, so a directory that has it has the rest
//! ```
//!
//! A dump is evidence: one that is there is not written over.

mod json;

use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_fvm::BlockOutcome;
use tributary_fvm::state::MemoryStore;
use tributary_witness::car::{CarReader, CarWriter};

use self::json::{AttemptForm, CaseForm, OutcomeForm};
use super::recorder::Recorded;
use super::words::{Attempt, Case, Execution};
use crate::files::{open_file, unavailable, whole};

const BLOCK: &str = "block";
const STATE: &str = "state.car";
const LIVE: &str = "live.json";
const IN_ORDER: &str = "in_order.json";
const CASE: &str = "case.json";

/// A block, its two outcomes, and the state to run it on.
#[derive(Debug)]
pub struct Dump<S> {
    /// The block.
    pub case: Case,
    /// What the node committed.
    pub live: BlockOutcome,
    /// How it came to that.
    pub execution: Execution,
    /// What its check found.
    pub in_order: Attempt,
    /// The state before the block, as far as running it in order read it.
    pub state: S,
    /// Whether more was read than was kept: running it again will miss some.
    pub is_cut: bool,
}

/// Why a directory is no dump.
#[derive(Debug, thiserror::Error)]
pub enum DumpRejected {
    /// A file of JSON that is not what it must be.
    #[error("{path} is not what a node writes there: {why}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        why: String,
    },
    /// The archive is of another state.
    #[error("{path} holds state {found}, and the block runs on {expected}", path = .path.display())]
    OtherState {
        /// The archive.
        path: PathBuf,
        /// Its root.
        found: Box<Cid>,
        /// The root before the block.
        expected: Box<Cid>,
    },
}

impl Dump<Recorded> {
    /// Writes it into `dumps`, a directory that is made when it is missing; where it lies then.
    ///
    /// # Errors
    /// What the disk says; also when that block was dumped before.
    pub fn write(&self, dumps: &Path) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(dumps).map_err(unavailable(dumps))?;
        let directory = dumps.join(format!("block-{}", self.case.env.height));
        fs::create_dir(&directory).map_err(unavailable(&directory))?;
        put(&directory.join(BLOCK), &self.case.block)?;
        self.write_state(&directory.join(STATE))?;
        put(&directory.join(LIVE), &to_json(&OutcomeForm::of(self.live.clone()))?)?;
        put(&directory.join(IN_ORDER), &to_json(&AttemptForm::of(self.in_order.clone()))?)?;
        put(&directory.join(CASE), &to_json(&CaseForm::of(&self.case, self.execution, self.is_cut))?)?;
        Ok(directory)
    }

    fn write_state(&self, file: &Path) -> anyhow::Result<()> {
        whole(file, |to| {
            let mut car = CarWriter::new(to, &self.case.parent_root).map_err(unavailable(file))?;
            for (cid, block) in &self.state.blocks {
                car.block(cid, block).map_err(unavailable(file))?;
            }
            Ok(((), car.into_inner()))
        })
    }
}

impl Dump<MemoryStore> {
    /// Reads what [`Dump::write`] wrote.
    ///
    /// # Errors
    /// [`DumpRejected`], and what is wrong with a file.
    pub fn read(directory: &Path) -> anyhow::Result<Self> {
        let case: CaseForm = from_json(&directory.join(CASE))?;
        let block = directory.join(BLOCK);
        let block = fs::read(&block).map_err(unavailable(&block))?;
        let live: OutcomeForm = from_json(&directory.join(LIVE))?;
        let in_order: AttemptForm = from_json(&directory.join(IN_ORDER))?;
        let (case, execution, is_cut) = case.into_parts(block);
        let state = read_state(&directory.join(STATE), &case.parent_root)?;
        let (live, in_order) = (live.into_outcome(), in_order.into_attempt());
        Ok(Self { case, live, execution, in_order, state, is_cut })
    }
}

fn read_state(file: &Path, expected: &Cid) -> anyhow::Result<MemoryStore> {
    let (mut car, found) = CarReader::open(BufReader::new(open_file(file)?))?;
    if found != *expected {
        let (found, expected) = (Box::new(found), Box::new(*expected));
        return Err(DumpRejected::OtherState { path: file.to_owned(), found, expected }.into());
    }
    let store = MemoryStore::default();
    while let Some((cid, block)) = car.block()? {
        store.put_keyed(&cid, &block)?;
    }
    Ok(store)
}

fn put(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    whole(file, |mut to| {
        to.write_all(bytes).map_err(unavailable(file))?;
        Ok(((), to))
    })
}

/// DAG-JSON, laid out for people.
fn to_json(form: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(&serde_ipld_dagjson::to_vec(form)?)?;
    Ok(serde_json::to_vec_pretty(&value)?)
}

fn from_json<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let json = fs::read(file).map_err(unavailable(file))?;
    let read = serde_ipld_dagjson::from_slice(&json);
    Ok(read.map_err(|why| DumpRejected::Malformed { path: file.to_owned(), why: why.to_string() })?)
}

#[cfg(test)]
mod tests;
