//! What an executor did with a case, and how two outcomes differ.

use std::collections::BTreeMap;
use std::fmt;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_hamt::Hamt;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::event::Entry;
use fvm_shared::state::ActorState;

use crate::store::Store;

/// What became of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Exit code.
    pub exit_code: u32,
    /// Return data.
    pub return_data: Vec<u8>,
    /// FVM gas.
    pub gas_used: u64,
    /// Emitter and entries.
    pub events: Vec<(ActorID, Vec<Entry>)>,
    /// What an executor says about it, for people; never compared.
    pub note: String,
}

/// The field under which [`Seen::ran_out_while_burning`] is reported.
pub const BURNING: &str = "out of gas while burning";

impl Seen {
    /// Whether the reference met a fatal error because gas ran out in the middle of a `self_destruct`. It ends the whole message,
    /// gas limits of sends in between notwithstanding.
    #[must_use]
    pub fn ran_out_while_burning(&self) -> bool {
        self.note.contains("[FATAL]") && self.note.contains("]: out of gas")
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran.
    Ran {
        /// In the order of the messages.
        messages: Vec<Seen>,
        /// The state after it.
        after: After,
    },
    /// The executor cannot go on: ours stops the node.
    Stopped(String),
}

/// A state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Every actor.
    pub actors: BTreeMap<ActorID, ActorState>,
    /// Root of the tree of actors, the history contract as it was before.
    pub root: Cid,
    /// Actors whose state's block is not stored.
    pub unstored: Vec<ActorID>,
}

impl After {
    /// Reads a whole tree of actors.
    ///
    /// # Errors
    /// When a node of it is missing.
    pub fn read(store: &Store, mut tree: Hamt<Store, ActorState>) -> anyhow::Result<Self> {
        let mut actors = BTreeMap::new();
        for entry in &tree {
            let (key, actor) = entry?;
            actors.insert(Address::from_bytes(&key.0)?.id()?, actor.clone());
        }
        let mut unstored = Vec::new();
        for (id, actor) in &actors {
            if !store.has(&actor.state)? {
                unstored.push(*id);
            }
        }
        Ok(Self { actors, root: tree.flush()?, unstored })
    }
}

/// One field in which two outcomes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// Number of the message, from 0; none for the state after it.
    pub message: Option<usize>,
    /// What differs.
    pub field: String,
    /// The reference's.
    pub theirs: String,
    /// Ours.
    pub ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.case)?;
        if let Some(message) = self.message {
            write!(f, ", message {message}")?;
        }
        write!(f, ": {}\n    theirs {}\n    ours   {}", self.field, self.theirs, self.ours)
    }
}

/// Every field in which they differ; none when they agree.
#[must_use]
pub fn compare(case: &str, theirs: &Outcome, ours: &Outcome) -> Vec<Difference> {
    let mut found = Differences { case, all: Vec::new() };
    match (theirs, ours) {
        (Outcome::Ran { messages: theirs, after: their_state }, Outcome::Ran { messages: ours, after: our_state }) => {
            for (at, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                // From here on nothing can be the same.
                if theirs.ran_out_while_burning() {
                    found.push(Some(at), BURNING, theirs.note.clone(), format!("exit code {}", ours.exit_code));
                    return found.all;
                }
                found.messages(at, theirs, ours);
            }
            found.states(their_state, our_state);
        }
        (theirs, ours) => found.push(None, "whether it runs", ending(theirs), ending(ours)),
    }
    found.all
}

fn ending(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Stopped(why) => format!("stopped: {why}"),
        Outcome::Ran { messages, .. } => {
            let ended = |seen: &Seen| format!("exit code {}, {} gas {}", seen.exit_code, seen.gas_used, seen.note);
            format!("ran: {}", messages.iter().map(ended).collect::<Vec<_>>().join("; "))
        }
    }
}

struct Differences<'a> {
    case: &'a str,
    all: Vec<Difference>,
}

impl Differences<'_> {
    fn push(&mut self, message: Option<usize>, field: impl Into<String>, theirs: String, ours: String) {
        if theirs != ours {
            self.all.push(Difference { case: self.case.to_owned(), message, field: field.into(), theirs, ours });
        }
    }

    fn messages(&mut self, at: usize, theirs: &Seen, ours: &Seen) {
        if theirs.exit_code != ours.exit_code {
            let say = |seen: &Seen| format!("{} {}", seen.exit_code, seen.note);
            self.push(Some(at), "exit code", say(theirs), say(ours));
        }
        self.push(Some(at), "return", hex(&theirs.return_data), hex(&ours.return_data));
        if theirs.gas_used != ours.gas_used {
            let apart = i128::from(ours.gas_used) - i128::from(theirs.gas_used);
            self.push(Some(at), "gas", theirs.gas_used.to_string(), format!("{} ({apart:+})", ours.gas_used));
        }
        self.push(Some(at), "events", format!("{:?}", theirs.events), format!("{:?}", ours.events));
    }

    fn states(&mut self, theirs: &After, ours: &After) {
        let ids: std::collections::BTreeSet<_> = theirs.actors.keys().chain(ours.actors.keys()).collect();
        for id in ids {
            let say = |state: &After| state.actors.get(id).map_or_else(|| "none".to_owned(), describe);
            self.push(None, format!("actor {id}"), say(theirs), say(ours));
        }
        self.push(None, "root of the actors", theirs.root.to_string(), ours.root.to_string());
        self.push(None, "states not stored", format!("{:?}", theirs.unstored), format!("{:?}", ours.unstored));
    }
}

fn describe(actor: &ActorState) -> String {
    let ActorState { code, state, sequence, balance, delegated_address } = actor;
    let f4 = delegated_address.map(|address| address.to_string());
    format!("code {code}, state {state}, nonce {sequence}, balance {}, f4 {f4:?}", balance.atto())
}

/// Hex, the middle left out when there is much.
fn hex(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if text.len() <= 1_200 {
        text
    } else {
        format!("{}… {} bytes, fnv {:x}", &text[..1_000], bytes.len(), fnv(bytes))
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
