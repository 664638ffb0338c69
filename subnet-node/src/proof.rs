//! `subnet-node verify-proof`: what a node's answer to `subnet_getProof` proves to whoever knows the validators. No node, no home.
//!
//! ```text
//! proof, a file or standard input ──┐
//!                                   ├─▶ tributary_proof ─▶ about whom and when was asked for? ─▶ what is proven
//! genesis document or set, a file ──┘
//! ```
//!
//! A proof that is false has an exit code of its own: a script must tell it from a file that is missing.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use fvm_shared::address::Address;
use serde_json::json;
use tributary_crypto::bls;
use tributary_genesis::document::DOCUMENT_BYTES_MAX;
use tributary_primitives::{Height, SubnetId, parse_address};
use tributary_proof::json::PROOF_BYTES_MAX;
use tributary_proof::{Proof, ProofRejected, Proven, Trusted};

use crate::files::unavailable;
use crate::inspect::Form;
use crate::inspect::page::Page;
use crate::inspect::question::show_actor;

/// Exit code for a proof that was checked and does not prove what it should.
const NOT_PROVEN: u8 = 3;

/// Options of `verify-proof`.
#[derive(Debug, Args)]
pub struct VerifyProofArgs {
    /// What a node answered to subnet_getProof, as JSON; - for standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    proof: PathBuf,
    /// The subnet's genesis document: its validators are trusted, once they prove that they hold their keys.
    #[arg(long, value_name = "FILE", required_unless_present = "validators", conflicts_with = "validators")]
    genesis: Option<PathBuf>,
    /// What a node that you trust answered to subnet_validators: these validators are trusted.
    #[arg(long, value_name = "FILE", requires = "subnet")]
    validators: Option<PathBuf>,
    /// The subnet that those are of, such as /r31415/f0100.
    #[arg(long, value_name = "ID", requires = "validators")]
    subnet: Option<SubnetId>,
    /// Refuse a proof about anybody but this actor, spelled by the same kind of address.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    address: Option<Address>,
    /// Refuse a proof of how things were before this block.
    #[arg(long, value_name = "N")]
    height_min: Option<u64>,
    #[command(flatten)]
    form: Form,
}

/// Why a proof does not prove what it should.
#[derive(Debug, thiserror::Error)]
pub enum NotProven {
    /// It does not hold.
    #[error("{0}")]
    False(Box<ProofRejected>),
    /// It holds, and is not the one that was asked for.
    #[error(transparent)]
    Unwanted(#[from] UnwantedProof),
}

/// Why a proof that holds is not the one that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum UnwantedProof {
    /// It is about somebody else.
    #[error("the proof is about {found}, not about {wanted}")]
    OtherAddress {
        /// Whom it is about.
        found: Box<Address>,
        /// Who was asked for.
        wanted: Box<Address>,
    },
    /// It is too old.
    #[error("the proof is of block {found}; one of block {least} or later is wanted")]
    TooOld {
        /// Its checkpoint's height.
        found: Height,
        /// The least that is taken.
        least: Height,
    },
}

/// Verifies, and prints what is proven on standard output; or on standard error why it does not prove that, with an exit code that says so.
///
/// # Errors
/// Why nothing was checked; nothing was printed then.
pub fn verify_proof(args: &VerifyProofArgs) -> anyhow::Result<ExitCode> {
    let proof = Proof::from_json(&read(&args.proof, PROOF_BYTES_MAX)?)?;
    match judge(&proof, &trusted(args)?, args) {
        Ok(proven) => {
            writeln!(io::stdout().lock(), "{}", say(&proof, &proven, args.form.json))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            eprintln!("subnet-node: {why}");
            Ok(ExitCode::from(NOT_PROVEN))
        }
    }
}

fn judge(proof: &Proof, trusted: &Trusted, args: &VerifyProofArgs) -> Result<Proven, NotProven> {
    let proven = tributary_proof::verify(trusted, proof, bls::fast_aggregate_verify)
        .map_err(|why| NotProven::False(Box::new(why)))?;
    is_wanted(&proven, args)?;
    Ok(proven)
}

fn trusted(args: &VerifyProofArgs) -> anyhow::Result<Trusted> {
    let named = |path: &Path| path.display().to_string();
    let read = |path: &Path| read(path, DOCUMENT_BYTES_MAX);
    match (&args.genesis, &args.validators, &args.subnet) {
        (Some(genesis), ..) => {
            let trusted = Trusted::of_genesis(&read(genesis)?, bls::verify);
            trusted.map_err(|why| anyhow::Error::new(why).context(named(genesis)))
        }
        (None, Some(validators), Some(subnet)) => {
            let trusted = Trusted::of_validators(&read(validators)?, subnet.clone());
            trusted.map_err(|why| anyhow::Error::new(why).context(named(validators)))
        }
        // The command line asks for one or the other.
        _ => anyhow::bail!("name the validators to trust: --genesis FILE, or --validators FILE --subnet ID"),
    }
}

/// All of a file, or of standard input for `-`; of one that is larger than `most`, a byte more than that.
fn read(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let take = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(take).read_to_end(&mut bytes).map_err(unavailable(Path::new("standard input")))?;
    } else {
        File::open(path).and_then(|file| file.take(take).read_to_end(&mut bytes)).map_err(unavailable(path))?;
    }
    Ok(bytes)
}

fn is_wanted(proven: &Proven, args: &VerifyProofArgs) -> Result<(), UnwantedProof> {
    let found = *proven.question.actor();
    if let Some(wanted) = args.address.filter(|wanted| *wanted != found) {
        return Err(UnwantedProof::OtherAddress { found: Box::new(found), wanted: Box::new(wanted) });
    }
    let (found, least) = (proven.checkpoint.height, Height(args.height_min.unwrap_or(0)));
    if found < least {
        return Err(UnwantedProof::TooOld { found, least });
    }
    Ok(())
}

/// The proof's own words, which were found to be what it proves.
fn say(proof: &Proof, proven: &Proven, json: bool) -> String {
    let checkpoint = &proven.checkpoint;
    let page = Page::default()
        .with("height", checkpoint.height.0)
        .with("subnet", checkpoint.subnet.to_string())
        .with("state_root", checkpoint.state_root.to_string())
        .with("signers", proof.certificate.signers.len())
        .with("address", proof.address.as_str());
    if json {
        let page = page.with("actor", json!(proof.actor)).with("slots", json!(proof.slots));
        return page.with("entries", json!(proof.entries)).with("state", json!(proof.state)).say(true);
    }
    let actor = match &proven.parts.actor {
        Some((id, actor)) => show_actor(*id, actor).say(false),
        None => format!("no actor has the address {}", proof.address),
    };
    let slots = proof.slots.iter().map(|one| format!("slot {}: {}", one.slot, one.value));
    let bytes = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    let entries = proof.entries.iter().map(|one| {
        let value = one.value.as_ref().map_or_else(|| "none".to_owned(), |value| bytes(&value.0));
        format!("entry {}: {value}", bytes(&one.key.0))
    });
    let state = proof.state.iter().map(|state| {
        let value = state.value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        format!("state at {:?}: {value}", state.path)
    });
    let parts: Vec<_> = slots.chain(entries).chain(state).collect();
    let sections = [page.say(false), actor, parts.join("\n")];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n\n")
}
