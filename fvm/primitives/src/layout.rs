//! How the state lies in its blocks: the words that whoever writes it and whoever only checks a proof of it must share.
//!
//! ```text
//! state root  [5, actors, info]
//!   └─ actors      HAMT   bytes of the f0 address ─▶ [code, state, nonce, balance, f4 | null]
//!        ├─ f01  init     [address map, next id, name]                              InitState
//!        │         └─ address map   HAMT   bytes of the address ─▶ id
//!        ├─ …    contract [bytecode, keccak, storage, transient | null, nonce, …]   ContractHead
//!        │         └─ storage       KAMT   slot ─▶ value
//!        └─ f098 entries  HAMT   bytes of the f0 address ─▶ root                     as long as there is one
//!                  └─ of one actor  HAMT   key ─▶ value, a byte string
//! ```
//!
//! | map | keys are placed by | a node has | a bucket holds |
//! |---|---|---|---|
//! | HAMT | SHA-256 of their bytes | 32 children | up to 3 entries |
//! | KAMT | themselves: 32 bytes, big-endian | 32 children | one entry |
//!
//! Slots and values are byte strings without leading zeros; a zero value is no entry. The root tuple and the actor's are
//! `fvm_shared::state`'s.
//!
//! Source: filecoin-project/builtin-actors, `actors/init/src/state.rs` and `actors/evm/src/state.rs`.

use cid::Cid;
use fvm_ipld_encoding::strict_bytes;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::state::ActorState;
use fvm_shared::{ActorID, EMPTY_ARR_CID};
use multihash_codetable::{Code, MultihashDigest};

use crate::actors::BuiltinActor;
use crate::raw_cid;

/// Bits of a key that each level of a HAMT or KAMT takes: 32 children a node, as everywhere in Filecoin's state.
pub const BIT_WIDTH: u32 = 5;

/// Most bytes of a block that an actor writes: 1 MiB, as in the FVM.
pub const BLOCK_BYTES_MAX: usize = 1 << 20;

/// Most bytes of one installed module, a raw block: 8 MiB bounds what a node compiles at its start.
pub const CODE_BYTES_MAX: usize = 8 << 20;

/// The init actor's state: which address names which actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct InitState {
    /// Root of the HAMT from addresses to ids.
    pub address_map: Cid,
    /// The id that the next new actor gets.
    pub next_id: ActorID,
    /// The chain's name, as genesis gave it.
    pub network_name: String,
}

/// A contract's state; also that of an Ethereum account that delegates to code (EIP-7702), or once did and left storage behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ContractHead {
    /// Its code: a raw block; no code is no block.
    pub bytecode: Cid,
    /// keccak-256 of the code.
    #[serde(with = "strict_bytes")]
    pub code_hash: [u8; 32],
    /// Root of its storage.
    pub storage: Cid,
    /// What a transaction keeps for its own length; never kept by us, since revm keeps it in memory.
    pub transient: Option<Lifespan>,
    /// Contracts it made, and one; of an account zero, since its nonce is the actor's.
    pub nonce: u64,
    /// When it destroyed itself; never kept by us: EIP-6780 destroys only what its own transaction made.
    pub tombstone: Option<Lifespan>,
}

/// The transaction that a field belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Lifespan {
    /// Its origin.
    pub origin: u64,
    /// Its nonce.
    pub nonce: u64,
}

impl ContractHead {
    /// One without code.
    #[must_use]
    pub fn empty(storage: Cid) -> Self {
        let keccak = Code::Keccak256.digest(&[]);
        let code_hash = keccak.digest().try_into().expect("keccak-256 gives 32 bytes");
        Self { bytecode: raw_cid(&[]), code_hash, storage, transient: None, nonce: 0, tombstone: None }
    }

    /// Where the head of `actor` is; `None` for an actor that has no contract's state.
    #[must_use]
    pub fn of(actor: &ActorState) -> Option<&Cid> {
        Self::at(BuiltinActor::from_code(&actor.code), &actor.state)
    }

    /// Where the head of an actor of this built-in code, if it is any, and with this state is.
    #[must_use]
    pub fn at(code: Option<BuiltinActor>, state: &Cid) -> Option<&Cid> {
        let may_have = matches!(
            code,
            Some(BuiltinActor::Evm | BuiltinActor::EthAccount) if *state != EMPTY_ARR_CID
        );
        may_have.then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_head_has_ethereums_hash_of_no_code_and_reads_back() {
        let head = ContractHead::empty(raw_cid(b"storage"));
        assert_eq!(head.code_hash[..4], [0xc5, 0xd2, 0x46, 0x01]);
        let cbor = fvm_ipld_encoding::to_vec(&head).unwrap();
        assert_eq!(fvm_ipld_encoding::from_slice::<ContractHead>(&cbor).unwrap(), head);
    }

    #[test]
    fn only_contracts_and_accounts_that_keep_something_have_a_head() {
        let state = raw_cid(b"head");
        for (builtin, state, has_head) in [
            (BuiltinActor::Evm, state, true),
            (BuiltinActor::EthAccount, state, true),
            (BuiltinActor::EthAccount, EMPTY_ARR_CID, false),
            (BuiltinActor::Account, state, false),
        ] {
            let actor = ActorState { state, ..ActorState::new_empty(builtin.code(), None) };
            assert_eq!(ContractHead::of(&actor).is_some(), has_head, "{builtin:?}");
        }
    }
}
