//! `subnet-node inspect`: looks into the state of a stopped node, proves parts of it, and takes all of it out.
//!
//! ```text
//! head, actor, state, storage, entry, diff   home ─▶ text, or JSON
//! witness, export                            home ─▶ file
//! verify, check                              file ─▶ answer           no home, no node, no trust but in a root
//! import                                     file ─▶ directory        to look at as at a home
//! replay                                     dump ─▶ verdict          no home, no node
//! ```
//!
//! | file | is |
//! |---|---|
//! | [`question`] | the questions of `witness` and `verify`, and their answers on the page |
//! | [`past`] | the chain of a home as it was after one block |
//! | [`imported`] | a directory with a state and no chain |
//! | [`state`] | the state of either |
//! | [`sides`] | the two states of a comparison |
//! | [`mod@diff`] | what differs between them |
//! | [`mod@replay`] | a dumped block, run again |
//! | [`page`] | names and values, for people or as JSON |
//! | [`files`] | what writes and reads files |
//! | [`progress`] | how far a large file is |
//!
//! A home is opened for reading only: no byte of it changes, and a home whose node runs is refused.

pub mod diff;
pub mod files;
pub mod imported;
pub mod page;
pub mod past;
pub mod progress;
pub mod question;
pub mod replay;
pub mod sides;
pub mod state;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use cid::Cid;
use clap::{Args, Subcommand};
use fvm_shared::address::Address;
use tributary_primitives::{EntryKey, Hash32, parse_address};
use tributary_witness::{ActorAt, EntryAt, SlotAt, StatePath, ValueAt, read};

use self::diff::{Bounds, diff};
use self::page::Page;
use self::past::Past;
use self::question::{
    Absent, QuestionArgs, parse_entry_key, parse_slot, show_actor, show_entry, show_head, show_root, show_slot,
    to_dag_json,
};
use self::replay::ReplayArgs;
use self::sides::{Side, Sides, parse_side};
use self::state::State;

/// Options of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// What to look at.
    #[command(subcommand)]
    what: What,
}

/// Which state to look at.
#[derive(Debug, Args)]
pub struct At {
    /// The home of a node that does not run, or what `import` made.
    #[arg(long, env = "TRIBUTARY_HOME", value_name = "DIR")]
    pub home: PathBuf,
    /// The block after which to look; the latest without.
    #[arg(long, value_name = "N")]
    pub height: Option<u64>,
}

/// How to say it.
#[derive(Debug, Args)]
pub struct Form {
    /// As one JSON object, for programs.
    #[arg(long)]
    pub json: bool,
}

/// What to look at.
#[derive(Debug, Subcommand)]
enum What {
    /// The chain after a block: its hash, state root, base fee, last checkpoint.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect head --home node0
  subnet-node inspect head --home node0 --height 12 --json")]
    Head {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        form: Form,
    },
    /// An actor: its id, code, state, nonce and balance.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect actor 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 --home node0
  subnet-node inspect actor f0100 --home node0 --height 12 --json")]
    Actor {
        /// 0x…, f0…, f1…, f4….
        #[arg(value_parser = parse_address)]
        address: Address,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        form: Form,
    },
    /// An actor's state, or what lies at a path below it, as DAG-JSON.
    #[command(
        after_help = "A path is keys of maps and positions in lists, from 0, with slashes between them. A link stands for its block.

EXAMPLES:
  subnet-node inspect state f01 --home node0            # [address map, next id, chain name]
  subnet-node inspect state f01 2 --home node0          # the chain's name
  subnet-node inspect state f01 0 --home node0 | jq .   # the root node of the address map"
    )]
    State {
        /// 0x…, f0…, f1…, f4….
        #[arg(value_parser = parse_address)]
        address: Address,
        /// Below the state, such as 2/0.
        #[arg(default_value = "")]
        path: StatePath,
        #[command(flatten)]
        at: At,
    },
    /// A contract's storage slot.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect storage 0x0000f90827f1c53a10cb7a02335b175320002935 1 --home node0
  subnet-node inspect storage 0x0000f90827f1c53a10cb7a02335b175320002935 0x1f --home node0 --height 12")]
    Storage {
        /// The contract, 0x….
        #[arg(value_parser = parse_address)]
        address: Address,
        /// A number, or 0x and up to 64 hex digits.
        #[arg(value_parser = parse_slot)]
        slot: Hash32,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        form: Form,
    },
    /// What an actor keeps under a key of its entries.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect entry f0135 alice --home node0
  subnet-node inspect entry f0135 0x616c696365 --home node0 --json")]
    Entry {
        /// 0x…, f0…, f1…, f4….
        #[arg(value_parser = parse_address)]
        address: Address,
        /// 0x and hex digits, or the key as text.
        #[arg(value_parser = parse_entry_key)]
        key: EntryKey,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        form: Form,
    },
    /// Which actors differ between two states, in what, and in which storage slots and entries: slot or key, before, after.
    #[command(
        after_help = "A state is the one after a block, by its height, or the one under a root. In what `import` made there is one, by its root.

EXAMPLES:
  subnet-node inspect diff 1 2 --home node0
  subnet-node inspect diff 1 200 --home node0 --slots-max 10 --entries-max 10 --json
  subnet-node inspect diff bafy2bzace… bafy2bzace… --home node0
  subnet-node inspect diff 1 bafy2bzace… --home node0 --to-home copy"
    )]
    Diff {
        /// The earlier state: a block's height, or a state root.
        #[arg(value_parser = parse_side)]
        from: Side,
        /// The later one.
        #[arg(value_parser = parse_side)]
        to: Side,
        /// The home of a node that does not run, or what `import` made.
        #[arg(long, env = "TRIBUTARY_HOME", value_name = "DIR")]
        home: PathBuf,
        /// Another one, where the later state is.
        #[arg(long, value_name = "DIR")]
        to_home: Option<PathBuf>,
        #[command(flatten)]
        bounds: Bounds,
        #[command(flatten)]
        form: Form,
    },
    /// Write the whole state into a CARv1 file.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect export state.car --home node0
  subnet-node inspect export state.car --home node0 --height 12")]
    Export {
        /// The file to make.
        file: PathBuf,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        form: Form,
    },
    /// Check such a file: every block, every link, nothing missing and nothing else.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect check state.car
  subnet-node inspect check state.car --root bafy2bzacedswlcz5ddgqnyo3sak3jmhmkxashisnlpq6ujgyhe4mlobzpnhs6")]
    Check {
        /// The file.
        file: PathBuf,
        /// The state root that it must hold.
        #[arg(long, value_name = "CID")]
        root: Option<Cid>,
        #[command(flatten)]
        form: Form,
    },
    /// Read such a file into a directory that the other commands can look at; `--home DIR` names it then.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect import state.car --into copy
  subnet-node inspect actor f01 --home copy")]
    Import {
        /// The file.
        file: PathBuf,
        /// The directory to make; one that is there must be empty.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        /// The state root that it must hold.
        #[arg(long, value_name = "CID")]
        root: Option<Cid>,
        #[command(flatten)]
        form: Form,
    },
    /// Write a proof of an answer into a file.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect witness proof.car --home node0 actor f01
  subnet-node inspect witness proof.car --home node0 storage 0x0000f90827f1c53a10cb7a02335b175320002935 1
  subnet-node inspect witness proof.car --home node0 --height 5 state f01 2")]
    Witness {
        /// The file to make.
        file: PathBuf,
        #[command(flatten)]
        at: At,
        /// What to prove.
        #[command(subcommand)]
        question: QuestionArgs,
    },
    /// Check a proof: needs the file, the state root that you trust, and the question. No node.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect verify proof.car --root bafy2bzace… actor f01
  subnet-node inspect verify proof.car --root bafy2bzace… state f01 2

EXIT CODES:
  0  the file proves what is printed, which may be that there is nothing
  1  it proves nothing; the last line says why")]
    Verify {
        /// The file.
        file: PathBuf,
        /// The state root that you trust: a checkpoint's, or a head's.
        #[arg(long, value_name = "CID")]
        root: Cid,
        #[command(flatten)]
        form: Form,
        /// What it should prove.
        #[command(subcommand)]
        question: QuestionArgs,
    },
    /// Run a block again that a node found two outcomes for: once in order, and several times on threads. No home, no node.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect replay --dump node0/dumps/block-7
  subnet-node inspect replay --dump block-7 --threads 16 --times 1000 --json

What differs is told as: the outcome named / the outcome in order, here.

EXIT CODES:
  0  nothing is wrong: threads and in order agree with the dump
  1  the dump cannot be run; the last line says why
  2  the command line is wrong
  3  the outcome that was committed is wrong: threads and in order agree on another
  4  the outcome of the node's check is wrong: threads and in order agree with what was committed
  5  threads and in order do not agree")]
    Replay(ReplayArgs),
}

/// Looks, and prints what it found on standard output. The exit code is success but for a replay that finds somebody wrong.
///
/// # Errors
/// What was refused, missing or damaged; nothing was printed then.
pub fn inspect(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let (said, code) = look(args.what)?;
    writeln!(io::stdout().lock(), "{said}")?;
    Ok(code)
}

fn look(what: What) -> anyhow::Result<(String, ExitCode)> {
    let said = match what {
        What::Replay(args) => return replay::run(&args),
        What::Head { at, form } => head(&at).map(|page| page.say(form.json)),
        What::Actor { address, at, form } => {
            let state = State::open(&at)?;
            let actor = read(state.store(), state.root(), &ActorAt(address))?;
            let (id, actor) = actor.ok_or_else(|| Absent::actor(&address, &state))?;
            Ok(show_actor(id, &actor).say(form.json))
        }
        What::State { address, path, at } => {
            let state = State::open(&at)?;
            let question = ValueAt { actor: address, path };
            let value = read(state.store(), state.root(), &question)?;
            Ok(to_dag_json(&value.ok_or_else(|| Absent::value(&question, &state))?)?)
        }
        What::Storage { address, slot, at, form } => {
            let state = State::open(&at)?;
            let question = SlotAt { contract: address, slot };
            Ok(show_slot(&question, &read(state.store(), state.root(), &question)?).say(form.json))
        }
        What::Entry { address, key, at, form } => {
            let state = State::open(&at)?;
            let question = EntryAt { actor: address, key };
            Ok(show_entry(&question, read(state.store(), state.root(), &question)?.as_deref()).say(form.json))
        }
        What::Diff { from, to, home, to_home, bounds, form } => {
            diff(&Sides { home, to_home }, [from, to], bounds, form.json)
        }
        What::Export { file, at, form } => Ok(files::export(&file, &State::open(&at)?)?.say(form.json)),
        What::Check { file, root, form } => Ok(files::check(&file, root.as_ref())?.say(form.json)),
        What::Import { file, into, root, form } => Ok(files::import(&file, &into, root.as_ref())?.say(form.json)),
        What::Witness { file, at, question } => files::witness(&file, &State::open(&at)?, &question),
        What::Verify { file, root, form, question } => files::verify(&file, &root, &question, form.json),
    };
    Ok((said?, ExitCode::SUCCESS))
}

fn head(at: &At) -> anyhow::Result<Page> {
    match imported::open(at)? {
        Some((_, root)) => Ok(show_root(&root)),
        None => Ok(show_head(&Past::open(at)?)),
    }
}
