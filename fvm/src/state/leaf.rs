//! The state leaf by leaf: what a look-up finds without a tree, and what a block changed.
//!
//! | leaf | key | value |
//! |---|---|---|
//! | actor | 0, id | as in the tree of actors |
//! | contract | 1, id | head, as in its block |
//! | slot | 2, id, slot (32) | the value without leading zeros; zero is no leaf |
//! | name | 3, address | id, as in the address map |
//! | next id | 4 | id, as in the address map |
//! | entry | 5, id, key (1 to 64) | as in the actor's map: a byte string of CBOR, so that an empty value is a leaf |
//!
//! Ids take 8 bytes; numbers are big-endian. The leaves follow from the root, and the root from the leaves: whoever keeps both can
//! answer from the one and commit to the other, and make either again when it is lost.

use std::sync::Arc;

use cid::Cid;
use fvm_ipld_encoding::{BytesDe, from_slice, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use revm::primitives::U256;
use tributary_primitives::EntryKey;
use tributary_primitives::actors::{ENTRIES_ID, INIT_ID};
use tributary_primitives::entry::ENTRY_KEY_BYTES_MAX;

use super::contract::ContractHead;
use crate::error::StateFatal;

/// What a leaf is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// An actor.
    Actor(ActorID),
    /// The head of a contract, or of an account that delegates.
    Contract(ActorID),
    /// A slot of its storage.
    Slot(ActorID, U256),
    /// Whom an address names.
    Name(Address),
    /// The id that the next new actor gets.
    NextId,
    /// What an actor keeps under a key.
    Entry(ActorID, EntryKey),
}

/// Leaves that a block changed, ascending by key, each once; `None` for one that is no more.
pub type LeafChanges = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Where leaves are looked up.
pub trait Leaves: Send + Sync {
    /// The value under a leaf's key, if there is one. Cost: one read.
    ///
    /// # Errors
    /// What the store says: this node is broken.
    fn leaf(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>>;
}

/// A handle on any leaves.
pub type SharedLeaves = Arc<dyn Leaves>;

impl Leaf {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + 8 + ENTRY_KEY_BYTES_MAX);
        match self {
            Self::Actor(id) => {
                key.push(0);
                key.extend(id.to_be_bytes());
            }
            Self::Contract(id) => {
                key.push(1);
                key.extend(id.to_be_bytes());
            }
            Self::Slot(id, slot) => {
                key.push(2);
                key.extend(id.to_be_bytes());
                key.extend(slot.to_be_bytes::<32>());
            }
            Self::Name(address) => {
                key.push(3);
                key.extend(address.to_bytes());
            }
            Self::NextId => key.push(4),
            Self::Entry(id, entry) => {
                key.push(5);
                key.extend(id.to_be_bytes());
                key.extend(entry.as_bytes());
            }
        }
        key
    }

    /// The leaf of a key; `None` for bytes that are no key.
    #[must_use]
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let (kind, rest) = key.split_first()?;
        let id = |bytes: &[u8]| Some(ActorID::from_be_bytes(bytes.try_into().ok()?));
        match kind {
            0 => Some(Self::Actor(id(rest)?)),
            1 => Some(Self::Contract(id(rest)?)),
            2 => {
                let (of, slot) = rest.split_at_checked(8)?;
                Some(Self::Slot(id(of)?, U256::from_be_bytes::<32>(slot.try_into().ok()?)))
            }
            3 => Some(Self::Name(Address::from_bytes(rest).ok()?)),
            4 if rest.is_empty() => Some(Self::NextId),
            5 => {
                let (of, entry) = rest.split_at_checked(8)?;
                Some(Self::Entry(id(of)?, EntryKey::new(entry)?))
            }
            _ => None,
        }
    }
}

/// The block that a leaf leads to and that is written with the block which changes the leaf: an actor's own state, a contract's code.
///
/// Heads and storage of contracts, and the states of the init actor and of the one that holds entries, are written with the trees;
/// until then they follow from leaves.
///
/// # Errors
/// [`StateFatal`] for a leaf that is damaged.
pub fn own_block(key: &[u8], value: &[u8]) -> Result<Option<Cid>, StateFatal> {
    let leaf = Leaf::of_key(key);
    let leaf = leaf.ok_or_else(|| StateFatal::Invariant(format!("{key:02x?} is no leaf's key")))?;
    Ok(match leaf {
        Leaf::Actor(INIT_ID | ENTRIES_ID) => None,
        Leaf::Actor(_) => {
            let actor: ActorState = decode(&leaf, value)?;
            ContractHead::of(&actor).is_none().then_some(actor.state)
        }
        Leaf::Contract(_) => Some(decode::<ContractHead>(&leaf, value)?.bytecode),
        Leaf::Slot(..) | Leaf::Name(_) | Leaf::NextId | Leaf::Entry(..) => None,
    })
}

/// A slot's value as a leaf has it; zero is no leaf.
pub(super) fn slot_value(value: U256) -> Option<Vec<u8>> {
    (!value.is_zero()).then(|| value.to_be_bytes_trimmed_vec())
}

pub(crate) fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StateFatal> {
    to_vec(value).map_err(StateFatal::tree)
}

/// Typed reads of leaves.
#[derive(Clone)]
pub(crate) struct Reads(pub(super) SharedLeaves);

impl Reads {
    fn raw(&self, leaf: &Leaf) -> Result<Option<Vec<u8>>, StateFatal> {
        self.0.leaf(&leaf.key()).map_err(StateFatal::tree)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, leaf: &Leaf) -> Result<Option<T>, StateFatal> {
        self.raw(leaf)?.map(|value| decode(leaf, &value)).transpose()
    }

    pub(super) fn actor(&self, id: ActorID) -> Result<Option<ActorState>, StateFatal> {
        self.read(&Leaf::Actor(id))
    }

    pub(super) fn contract(&self, id: ActorID) -> Result<Option<ContractHead>, StateFatal> {
        self.read(&Leaf::Contract(id))
    }

    pub(super) fn slot(&self, id: ActorID, slot: U256) -> Result<U256, StateFatal> {
        let leaf = Leaf::Slot(id, slot);
        self.raw(&leaf)?.map_or(Ok(U256::ZERO), |value| decode_slot(&leaf, &value))
    }

    pub(super) fn name(&self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        self.read(&Leaf::Name(*address))
    }

    pub(super) fn entry(&self, id: ActorID, key: &EntryKey) -> Result<Option<Vec<u8>>, StateFatal> {
        let value = self.read::<BytesDe>(&Leaf::Entry(id, *key))?;
        Ok(value.map(|value| value.0))
    }

    pub(super) fn next_id(&self) -> Result<ActorID, StateFatal> {
        let next = self.read(&Leaf::NextId)?;
        next.ok_or_else(|| StateFatal::Invariant("no leaf holds the next id".to_owned()))
    }
}

/// A leaf's value as what it must be.
pub(super) fn decode<T: serde::de::DeserializeOwned>(leaf: &Leaf, value: &[u8]) -> Result<T, StateFatal> {
    from_slice(value).map_err(|why| malformed(leaf, why))
}

pub(super) fn decode_slot(leaf: &Leaf, value: &[u8]) -> Result<U256, StateFatal> {
    U256::try_from_be_slice(value).ok_or_else(|| malformed(leaf, "more than 32 bytes"))
}

fn malformed(leaf: &Leaf, why: impl std::fmt::Display) -> StateFatal {
    StateFatal::Invariant(format!("the leaf {leaf:?} is damaged: {why}"))
}

#[cfg(test)]
mod tests {
    use fvm_shared::EMPTY_ARR_CID;
    use tributary_primitives::actors::BuiltinActor;
    use tributary_primitives::{cbor_cid, raw_cid};

    use super::*;

    #[test]
    fn a_key_reads_back_and_nothing_else_is_one() {
        let address = Address::new_actor(b"somebody");
        let entry = |key: &[u8]| EntryKey::new(key).unwrap();
        let leaves = [
            Leaf::Actor(7),
            Leaf::Contract(u64::MAX),
            Leaf::Slot(7, U256::from(9)),
            Leaf::Slot(7, U256::MAX),
            Leaf::Name(address),
            Leaf::NextId,
            Leaf::Entry(7, entry(&[0])),
            Leaf::Entry(7, entry(&[7; ENTRY_KEY_BYTES_MAX])),
        ];
        for leaf in leaves {
            let key = leaf.key();
            assert_eq!(Leaf::of_key(&key), Some(leaf));
            let mut longer = key.clone();
            longer.push(0);
            // A key of entries may be longer or shorter, and is then another entry's.
            for other in [&longer[..], &key[..key.len() - 1]] {
                let found = Leaf::of_key(other);
                assert!(found.is_none_or(|found| found.key() == other && matches!(found, Leaf::Entry(..))), "{leaf:?}");
            }
        }
        for key in [&[5][..], &[5; 9], &[5; 9 + ENTRY_KEY_BYTES_MAX + 1], &[6]] {
            assert_eq!(Leaf::of_key(key), None, "{key:?}");
        }
        assert!(leaves.iter().map(Leaf::key).is_sorted(), "keys sort as leaves do");
    }

    #[test]
    fn a_leaf_leads_to_what_no_tree_writes() {
        let (state, code) = (cbor_cid(b"state"), raw_cid(b"code"));
        let actor = |code: Cid, state| encode(&ActorState::new(code, state, Default::default(), 0, None)).unwrap();
        let head = ContractHead { bytecode: code, ..ContractHead::empty(state) };
        let (multisig, evm) = (BuiltinActor::Multisig.code(), BuiltinActor::Evm.code());
        for (leaf, value, expected) in [
            (Leaf::Actor(100), actor(multisig, state), Some(state)),
            (Leaf::Actor(100), actor(code, state), Some(state)),
            (Leaf::Actor(100), actor(evm, state), None),
            (Leaf::Actor(100), actor(BuiltinActor::EthAccount.code(), state), None),
            (Leaf::Actor(100), actor(BuiltinActor::EthAccount.code(), EMPTY_ARR_CID), Some(EMPTY_ARR_CID)),
            (Leaf::Actor(INIT_ID), actor(BuiltinActor::Init.code(), state), None),
            (Leaf::Actor(ENTRIES_ID), actor(BuiltinActor::Entries.code(), state), None),
            (Leaf::Entry(100, EntryKey::new(b"key").unwrap()), vec![0x40], None),
            (Leaf::Contract(100), encode(&head).unwrap(), Some(code)),
            (Leaf::Slot(100, U256::from(1)), vec![1], None),
            (Leaf::Name(Address::new_id(1)), encode(&1_u64).unwrap(), None),
            (Leaf::NextId, encode(&1_u64).unwrap(), None),
        ] {
            assert_eq!(own_block(&leaf.key(), &value).unwrap(), expected, "{leaf:?}");
        }
        assert!(own_block(&[9], &[]).is_err() && own_block(&Leaf::Actor(100).key(), &[1]).is_err());
    }
}
