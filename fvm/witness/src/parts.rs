//! An actor and several parts of its state, asked for at once: one witness for all, with each block once.
//!
//! ```text
//! actor ─▶ slots, in the order asked ─▶ entries, in the order asked ─▶ what lies at the path
//! ```
//!
//! What is on the way to several parts, the actor before all, is in the witness where the first of them needs it.

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use ipld_core::ipld::Ipld;
use tributary_primitives::{EntryKey, Hash32};

use crate::question::{ActorAt, Blocks, EntryAt, Question, SlotAt, StatePath, ValueAt};

/// Most slots and entries of one question. So many slots of a contract with a million take 230 blocks, of the 256 that a witness may have.
pub const PARTS_MAX: usize = 64;

/// Which actor does this address name, and what is in these parts of its state?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsOf {
    actor: Address,
    slots: Vec<Hash32>,
    entries: Vec<EntryKey>,
    path: Option<StatePath>,
}

/// The answer: nothing and zero stand for what they do in the questions about one part.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The actor, and its id.
    pub actor: Option<(ActorID, ActorState)>,
    /// What is in the slots, in the order asked.
    pub slots: Vec<Hash32>,
    /// What is under the keys, in the order asked.
    pub entries: Vec<Option<Vec<u8>>>,
    /// What lies at the path, if one was asked for.
    pub value: Option<Ipld>,
}

/// More parts than one question may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} slots and entries; one proof has at most {PARTS_MAX}")]
pub struct TooManyParts(pub usize);

impl PartsOf {
    /// The question about the actor at this address, these slots (big-endian) and entries of it, and what lies at `path` below its state.
    ///
    /// # Errors
    /// [`TooManyParts`] for more than [`PARTS_MAX`] slots and entries together.
    pub fn new(
        actor: Address,
        slots: Vec<Hash32>,
        entries: Vec<EntryKey>,
        path: Option<StatePath>,
    ) -> Result<Self, TooManyParts> {
        let parts = slots.len().saturating_add(entries.len());
        if parts > PARTS_MAX {
            return Err(TooManyParts(parts));
        }
        Ok(Self { actor, slots, entries, path })
    }

    /// The actor.
    #[must_use]
    pub const fn actor(&self) -> &Address {
        &self.actor
    }

    /// The slots.
    #[must_use]
    pub fn slots(&self) -> &[Hash32] {
        &self.slots
    }

    /// The keys of entries.
    #[must_use]
    pub fn entries(&self) -> &[EntryKey] {
        &self.entries
    }

    /// The path below the actor's state.
    #[must_use]
    pub const fn path(&self) -> Option<&StatePath> {
        self.path.as_ref()
    }
}

impl From<ValueAt> for PartsOf {
    /// The actor, and what lies at the path.
    fn from(ValueAt { actor, path }: ValueAt) -> Self {
        Self { actor, slots: vec![], entries: vec![], path: Some(path) }
    }
}

impl Question for PartsOf {
    type Answer = Parts;

    fn ask<S: Blocks>(&self, blocks: &mut S, root: &Cid) -> Result<Parts, S::Refused> {
        let actor = ActorAt(self.actor).ask(blocks, root)?;
        let (mut slots, mut entries) = (Vec::new(), Vec::new());
        for slot in &self.slots {
            slots.push(SlotAt { contract: self.actor, slot: *slot }.ask(blocks, root)?);
        }
        for key in &self.entries {
            entries.push(EntryAt { actor: self.actor, key: *key }.ask(blocks, root)?);
        }
        let value = match &self.path {
            Some(path) => ValueAt { actor: self.actor, path: path.clone() }.ask(blocks, root)?,
            None => None,
        };
        Ok(Parts { actor, slots, entries, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CONTRACT, CONTRACT_ID, World};
    use crate::{make, verify};

    fn word(low: u8) -> Hash32 {
        Hash32(std::array::from_fn(|at| if at == 31 { low } else { 0 }))
    }

    fn question(slots: &[u8]) -> PartsOf {
        let slots = slots.iter().map(|slot| word(*slot)).collect();
        let (entries, path) = (vec![EntryKey::new(b"k").unwrap()], Some("4".parse().unwrap()));
        PartsOf::new(CONTRACT.to_address(), slots, entries, path).unwrap()
    }

    #[test]
    fn one_witness_proves_every_part_and_has_each_block_once() {
        let world = World::small();
        let question = question(&[1, 20, 99]);
        let (parts, witness) = make(&world.store, &world.root, &question).unwrap();
        assert_eq!(parts.actor, Some((CONTRACT_ID, world.actors[&CONTRACT_ID].clone())));
        assert_eq!(parts.slots, [word(2), word(40), word(0)], "the last is not there");
        assert_eq!((parts.entries.as_slice(), &parts.value), (&[None][..], &Some(Ipld::Integer(0))), "nonce 0");
        assert_eq!(verify(&world.root, &witness, &question).unwrap(), parts);

        let alone = |slot| SlotAt { contract: CONTRACT.to_address(), slot: word(slot) };
        let apart: usize =
            [1, 20, 99].map(|slot| make(&world.store, &world.root, &alone(slot)).unwrap().1.len()).iter().sum();
        assert!(witness.len() < apart, "{} and {apart} bytes", witness.len());
    }

    #[test]
    fn a_witness_for_other_parts_proves_nothing() {
        let world = World::small();
        let ask = |actor, slots, path: Option<&str>| {
            PartsOf::new(actor, slots, vec![], path.map(|path| path.parse().unwrap())).unwrap()
        };
        let contract = CONTRACT.to_address();
        let (_, witness) = make(&world.store, &world.root, &ask(contract, vec![word(1)], None)).unwrap();
        for (other, why) in [
            (ask(contract, vec![], None), "the question does not lead to"),
            (ask(contract, vec![word(1)], Some("0")), "lacks block"),
            (ask(Address::new_id(7_777), vec![], None), "the question does not lead to"),
        ] {
            let refusal = verify(&world.root, &witness, &other).unwrap_err().to_string();
            assert!(refusal.contains(why), "{other:?}: {refusal}");
        }
    }

    #[test]
    fn of_nobody_there_is_nothing() {
        let world = World::small();
        let nobody =
            PartsOf::new(Address::new_id(7_777), vec![word(1)], vec![EntryKey::new(b"k").unwrap()], None).unwrap();
        let (parts, witness) = make(&world.store, &world.root, &nobody).unwrap();
        assert_eq!(parts, Parts { actor: None, slots: vec![word(0)], entries: vec![None], value: None });
        assert_eq!(verify(&world.root, &witness, &nobody).unwrap(), parts);
    }

    #[test]
    fn a_question_has_a_bound() {
        let ask =
            |slots| PartsOf::new(CONTRACT.to_address(), vec![word(1); slots], vec![EntryKey::new(b"k").unwrap()], None);
        assert!(ask(PARTS_MAX - 1).is_ok());
        assert_eq!(ask(PARTS_MAX), Err(TooManyParts(PARTS_MAX + 1)));
    }
}
