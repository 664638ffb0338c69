//! What can be asked of a state, and which blocks answer it.
//!
//! | question | answer | none or zero when |
//! |---|---|---|
//! | [`ActorAt`] | id and actor behind an address | no actor has the address, or the id |
//! | [`SlotAt`] | a contract's storage slot | there is no such contract, or no value in the slot |
//! | [`EntryAt`] | what an actor of installed code keeps under a key | there is no such actor, or nothing under the key |
//! | [`ValueAt`] | what lies at a path below an actor's state | there is no such actor, or the path leaves what is there |
//!
//! Several of the last three about one actor are one question: [`parts`](crate::parts).
//!
//! One walk serves the maker, who reads a store, and the verifier, who reads the witness: they cannot disagree about the way.

use std::fmt;
use std::str::FromStr;

use cid::Cid;
use fvm_ipld_encoding::DAG_CBOR;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::state::{ActorState, StateRoot, StateTreeVersion};
use ipld_core::ipld::Ipld;
use serde::Deserialize;
use tributary_primitives::actors::{ENTRIES_ID, INIT_ID};
use tributary_primitives::layout::{ContractHead, InitState};
use tributary_primitives::{EntryKey, Hash32};

use crate::block::{Place, place};
use crate::node::{NodeRejected, decode, read_as};
use crate::{hamt, kamt};

/// Most segments of a path: bounds a witness, and what a page of text can mean.
pub const SEGMENTS_MAX: usize = 64;
/// Most bytes of a path.
pub const PATH_BYTES_MAX: usize = 4096;

/// Where a walk gets its blocks from.
pub trait Blocks {
    /// Why a block is not to be had.
    type Refused: From<NodeRejected>;

    /// The block that `cid` names. Asking twice gives the same block.
    ///
    /// # Errors
    /// Why it is not to be had.
    fn block(&mut self, cid: &Cid) -> Result<Vec<u8>, Self::Refused>;
}

/// A question about the state under a root.
pub trait Question {
    /// What it answers, nothing included.
    type Answer;

    /// Walks from `root` to the answer.
    ///
    /// # Errors
    /// What `blocks` refuses, and [`NodeRejected`] when a block is not what its place demands, or has too many items.
    fn ask<S: Blocks>(&self, blocks: &mut S, root: &Cid) -> Result<Self::Answer, S::Refused>;
}

/// Which actor does this address name?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorAt(pub Address);

/// What is in this storage slot of the contract at this address?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotAt {
    /// The contract, or the account that delegates.
    pub contract: Address,
    /// The slot, big-endian.
    pub slot: Hash32,
}

/// What does the actor at this address keep under this key?
///
/// An actor that has deleted itself keeps nothing: what it left behind is not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryAt {
    /// The actor.
    pub actor: Address,
    /// The key.
    pub key: EntryKey,
}

/// What lies at this path below the state of the actor at this address?
///
/// A link on the way, and at the end, stands for the block it names, as in `ipfs dag get`. Blocks of plain CBOR and raw bytes have
/// no links: a path ends in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueAt {
    /// The actor.
    pub actor: Address,
    /// The path.
    pub path: StatePath,
}

impl Question for ActorAt {
    type Answer = Option<(ActorID, ActorState)>;

    fn ask<S: Blocks>(&self, blocks: &mut S, root: &Cid) -> Result<Self::Answer, S::Refused> {
        let actors = actors(blocks, root)?;
        let id = match self.0.payload() {
            Payload::ID(id) => Some(*id),
            _ => id_of(blocks, &actors, &self.0)?,
        };
        let Some(id) = id else { return Ok(None) };
        Ok(actor(blocks, &actors, id)?.map(|actor| (id, actor)))
    }
}

impl Question for EntryAt {
    type Answer = Option<Vec<u8>>;

    fn ask<S: Blocks>(&self, blocks: &mut S, root: &Cid) -> Result<Self::Answer, S::Refused> {
        let Some((id, _)) = ActorAt(self.actor).ask(blocks, root)? else { return Ok(None) };
        let actors = actors(blocks, root)?;
        let Some(holder) = actor(blocks, &actors, ENTRIES_ID)? else { return Ok(None) };
        let malformed = |cid, what| NodeRejected::new(cid, "map of entries", what).into();
        match hamt::find(blocks, &holder.state, &Address::new_id(id).to_bytes())? {
            None => Ok(None),
            Some(Ipld::Link(entries)) => match hamt::find(blocks, &entries, self.key.as_bytes())? {
                None => Ok(None),
                Some(Ipld::Bytes(value)) => Ok(Some(value)),
                Some(_) => Err(malformed(&entries, "a value is no byte string")),
            },
            Some(_) => Err(malformed(&holder.state, "an actor's entries are no link")),
        }
    }
}

impl Question for SlotAt {
    type Answer = Hash32;

    fn ask<S: Blocks>(&self, blocks: &mut S, root: &Cid) -> Result<Hash32, S::Refused> {
        let Some((_, actor)) = ActorAt(self.contract).ask(blocks, root)? else { return Ok(Hash32::default()) };
        let Some(head) = ContractHead::of(&actor) else { return Ok(Hash32::default()) };
        let head: ContractHead = read_as(blocks, head, "contract head")?;
        kamt::find(blocks, &head.storage, &self.slot.0).map(Hash32)
    }
}

impl Question for ValueAt {
    type Answer = Option<Ipld>;

    fn ask<S: Blocks>(&self, blocks: &mut S, root: &Cid) -> Result<Option<Ipld>, S::Refused> {
        let Some((_, actor)) = ActorAt(self.actor).ask(blocks, root)? else { return Ok(None) };
        let mut here = open(blocks, Ipld::Link(actor.state), true)?;
        for segment in &self.path.0 {
            let Some(below) = child(here.value, segment) else { return Ok(None) };
            here = open(blocks, below, here.has_links)?;
        }
        Ok(Some(here.value))
    }
}

/// The root of the map of actors.
fn actors<S: Blocks>(blocks: &mut S, root: &Cid) -> Result<Cid, S::Refused> {
    let state: StateRoot = read_as(blocks, root, "state root")?;
    if state.version != StateTreeVersion::V5 {
        return Err(NodeRejected::new(root, "state root", "its version is not 5").into());
    }
    Ok(state.actors)
}

/// The actor that the init actor's address map names by `address`.
fn id_of<S: Blocks>(blocks: &mut S, actors: &Cid, address: &Address) -> Result<Option<ActorID>, S::Refused> {
    let Some(init) = actor(blocks, actors, INIT_ID)? else {
        return Err(NodeRejected::new(actors, "map of actors", "it has no init actor").into());
    };
    let state: InitState = read_as(blocks, &init.state, "init actor state")?;
    let id = hamt::find(blocks, &state.address_map, &address.to_bytes())?;
    let as_id = |id| ActorID::deserialize(id).map_err(|why| NodeRejected::new(&state.address_map, "address map", why));
    Ok(id.map(as_id).transpose()?)
}

fn actor<S: Blocks>(blocks: &mut S, actors: &Cid, id: ActorID) -> Result<Option<ActorState>, S::Refused> {
    let found = hamt::find(blocks, actors, &Address::new_id(id).to_bytes())?;
    Ok(found.map(|actor| as_actor(actors, actor)).transpose()?)
}

pub(crate) fn as_actor(actors: &Cid, actor: Ipld) -> Result<ActorState, NodeRejected> {
    ActorState::deserialize(actor).map_err(|why| NodeRejected::new(actors, "map of actors", why))
}

/// A value, and whether the CIDs in it are links.
struct Here {
    value: Ipld,
    has_links: bool,
}

/// Follows `value` as long as it is a link. Each one followed is another block, of which there are bounded many.
fn open<S: Blocks>(blocks: &mut S, mut value: Ipld, mut has_links: bool) -> Result<Here, S::Refused> {
    while let (true, Ipld::Link(cid)) = (has_links, &value) {
        let cid = *cid;
        let bytes = match place(&cid).map_err(|why| NodeRejected::new(&cid, "block of state", why))? {
            Place::Stored => blocks.block(&cid)?,
            Place::Inline(bytes) => bytes.to_vec(),
            Place::Nowhere => break,
        };
        (value, has_links) = (decode(&cid, bytes)?, cid.codec() == DAG_CBOR);
    }
    Ok(Here { value, has_links })
}

fn child(value: Ipld, segment: &str) -> Option<Ipld> {
    match value {
        Ipld::Map(mut map) => map.remove(segment),
        Ipld::List(mut list) => {
            let is_index = segment == "0" || !segment.starts_with(['0', '+']);
            let index = segment.parse().ok().filter(|index| is_index && *index < list.len())?;
            Some(list.swap_remove(index))
        }
        _ => None,
    }
}

/// The way from an actor's state to a value: keys of maps and positions in lists, from 0. In text `latest/1/0`; empty for the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePath(Vec<String>);

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathRejected {
    /// Two slashes meet.
    #[error("a path is segments with one slash between them, such as 2/0; one of these is empty")]
    EmptySegment,
    /// More than any path needs.
    #[error("a path has at most {SEGMENTS_MAX} segments and {PATH_BYTES_MAX} bytes")]
    TooLong,
}

impl FromStr for StatePath {
    type Err = PathRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > PATH_BYTES_MAX || text.split('/').count() > SEGMENTS_MAX {
            return Err(PathRejected::TooLong);
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        let segments: Vec<_> = text.split('/').map(str::to_owned).collect();
        if segments.iter().any(String::is_empty) { Err(PathRejected::EmptySegment) } else { Ok(Self(segments)) }
    }
}

impl fmt::Display for StatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_segments_between_slashes() {
        assert_eq!("latest/0".parse(), Ok(StatePath(vec!["latest".to_owned(), "0".to_owned()])));
        assert_eq!("".parse(), Ok(StatePath::default()));
        assert_eq!("2/0".parse::<StatePath>().unwrap().to_string(), "2/0");
        for (text, refusal) in [
            ("/", PathRejected::EmptySegment),
            ("a//b", PathRejected::EmptySegment),
            ("a/", PathRejected::EmptySegment),
            (&"a/".repeat(SEGMENTS_MAX), PathRejected::TooLong),
            (&"a".repeat(PATH_BYTES_MAX + 1), PathRejected::TooLong),
        ] {
            assert_eq!(text.parse::<StatePath>(), Err(refusal), "{text}");
        }
    }

    #[test]
    fn a_position_has_one_spelling() {
        let list = || Ipld::List(vec![Ipld::Bool(true), Ipld::Null]);
        assert_eq!(child(list(), "0"), Some(Ipld::Bool(true)));
        for absent in ["2", "01", "+1", "-1", "a", ""] {
            assert_eq!(child(list(), absent), None, "{absent}");
        }
    }
}
