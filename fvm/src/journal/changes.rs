//! What a finished transaction changed: words between the journal, which makes them, and the block's state, which takes them over.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::bytecode::Bytecode;
use revm::primitives::{B256, U256};
use tributary_primitives::EntryKey;

use crate::state::actor::Actor;

/// All changes of one transaction. Fees are not among them: the block folds them in at its end.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Actors changed, made and deleted.
    pub actors: Vec<ActorChange>,
    /// Entries of actors set and deleted, ascending by actor and key, each once.
    pub entries: Vec<EntryChange>,
    /// Addresses that name a new actor, in the order of creation.
    pub names: Vec<(Address, ActorID)>,
    /// The id that the next new actor gets, if this transaction made one.
    pub next_id: Option<ActorID>,
    /// Amounts that actors got which this transaction knows no more of than that they exist, in attoTRB.
    pub credits: Vec<(ActorID, U256)>,
    /// Blocks of state to keep.
    pub blocks: Vec<(Cid, Arc<[u8]>)>,
}

/// One actor's change.
#[derive(Clone, Debug)]
pub struct ActorChange {
    /// Which.
    pub id: ActorID,
    /// What it is now; `None` when it was deleted. The state of a contract is brought up to date when the block is flushed.
    pub actor: Option<Actor>,
    /// What changed below the head of a contract, or of an account that delegates.
    pub contract: Option<ContractChange>,
}

/// One entry's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    /// Whose.
    pub id: ActorID,
    /// Which.
    pub key: EntryKey,
    /// What it is now; `None` when it was deleted.
    pub value: Option<Arc<[u8]>>,
}

/// A contract's change.
#[derive(Clone, Debug)]
pub struct ContractChange {
    /// Whether it was made by this transaction: it has no older storage.
    pub is_new: bool,
    /// The nonce in its head.
    pub nonce: u64,
    /// Its code and the code's keccak-256, if that changed.
    pub code: Option<(B256, Bytecode)>,
    /// Slots set, each once, in any order, with their new values; zero clears.
    pub slots: Vec<(U256, U256)>,
}
