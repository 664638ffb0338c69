//! A state that anyone may read: by its trees at any root, by its leaves at the chain's end.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use revm::primitives::U256;
use tributary_primitives::actors::{BURNT_FUNDS_ID, BuiltinActor};
use tributary_primitives::{EntryKey, EthAddress, Hash32, Height, raw_cid};

use super::contract::ContractHead;
use super::history::{self, HISTORY_ADDRESS};
use super::leaf::{Reads, SharedLeaves};
use super::read_block;
use crate::error::StateFatal;

/// What a state says of an actor, an address, a slot.
///
/// Every error is [`StateFatal`]: the state cannot be read, and nobody who asks is at fault.
pub trait ReadState {
    /// The actor with this id.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says; so for every reader below")]
    fn actor(&self, id: ActorID) -> Result<Option<ActorState>, StateFatal>;

    /// The id behind an address; for an id address the id itself, whether or not the actor exists.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn resolve(&self, address: &Address) -> Result<Option<ActorID>, StateFatal>;

    /// The head of a contract, or of an account that delegates; `None` for the rest. `actor` is the one with this id.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn head_of(&self, id: ActorID, actor: &ActorState) -> Result<Option<ContractHead>, StateFatal>;

    /// A slot of the storage of the actor with this id and head.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn slot_of(&self, id: ActorID, head: &ContractHead, slot: U256) -> Result<U256, StateFatal>;

    /// What an actor keeps under a key.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn entry(&self, id: ActorID, key: &EntryKey) -> Result<Option<Vec<u8>>, StateFatal>;

    /// A block that must be there.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn block(&self, cid: &Cid) -> Result<Vec<u8>, StateFatal>;

    /// The actor behind an address.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn actor_at(&self, address: &Address) -> Result<Option<(ActorID, ActorState)>, StateFatal> {
        let Some(id) = self.resolve(address)? else { return Ok(None) };
        Ok(self.actor(id)?.map(|actor| (id, actor)))
    }

    /// What an address holds, in attoTRB; zero when there is no actor.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn balance(&self, address: &Address) -> Result<TokenAmount, StateFatal> {
        Ok(self.actor_at(address)?.map_or_else(TokenAmount::default, |(_, actor)| actor.balance))
    }

    /// The nonce of the next transaction from an address; of a contract, the number of contracts it made and one.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn nonce(&self, address: &Address) -> Result<u64, StateFatal> {
        let Some((id, actor)) = self.actor_at(address)? else { return Ok(0) };
        if actor.code != BuiltinActor::Evm.code() {
            return Ok(actor.sequence);
        }
        Ok(self.head_of(id, &actor)?.map_or(0, |head| head.nonce))
    }

    /// The code behind an address: a contract's bytecode, a WASM actor's module, an account's delegation; empty for the rest.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn code(&self, address: &Address) -> Result<Vec<u8>, StateFatal> {
        let Some((id, actor)) = self.actor_at(address)? else { return Ok(Vec::new()) };
        match (self.head_of(id, &actor)?, BuiltinActor::from_code(&actor.code)) {
            (Some(head), _) if head.bytecode == raw_cid(&[]) => Ok(Vec::new()),
            (Some(head), _) => self.block(&head.bytecode),
            (None, Some(_)) => Ok(Vec::new()),
            (None, None) => self.block(&actor.code),
        }
    }

    /// A contract's storage slot; zero for any other actor.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn storage(&self, address: &Address, slot: &Hash32) -> Result<Hash32, StateFatal> {
        let Some((id, actor)) = self.actor_at(address)? else { return Ok(Hash32::default()) };
        let Some(head) = self.head_of(id, &actor)? else { return Ok(Hash32::default()) };
        Ok(Hash32(self.slot_of(id, &head, U256::from_be_bytes(slot.0))?.to_be_bytes()))
    }

    /// The hash of the block at `height`, one of the last thousands before the block that this is the state after.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn block_hash(&self, height: Height) -> Result<Hash32, StateFatal> {
        self.storage(&HISTORY_ADDRESS.to_address(), &Hash32(history::slot_of(height).to_be_bytes()))
    }

    /// The Ethereum address that stands for an actor: its own, or the masked id.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn eth_address(&self, id: ActorID) -> Result<EthAddress, StateFatal> {
        let delegated = self.actor(id)?.and_then(|actor| actor.delegated_address);
        Ok(super::view::eth_address(id, delegated.as_ref()))
    }

    /// Tokens burnt since genesis, in attoTRB.
    #[expect(clippy::missing_errors_doc, reason = "as the trait says")]
    fn burnt(&self) -> Result<TokenAmount, StateFatal> {
        self.balance(&Address::new_id(BURNT_FUNDS_ID))
    }
}

/// A state by its leaves; blocks that actors wrote come from `B`. Opening it reads nothing.
#[derive(Clone)]
pub struct FlatState<B> {
    blocks: B,
    leaves: Reads,
}

impl<B: Blockstore> FlatState<B> {
    /// The state that these are the leaves of.
    #[must_use]
    pub fn new(blocks: B, leaves: SharedLeaves) -> Self {
        Self { blocks, leaves: Reads(leaves) }
    }
}

impl<B: Blockstore> ReadState for FlatState<B> {
    fn actor(&self, id: ActorID) -> Result<Option<ActorState>, StateFatal> {
        self.leaves.actor(id)
    }

    fn resolve(&self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        match address.payload() {
            Payload::ID(id) => Ok(Some(*id)),
            _ => self.leaves.name(address),
        }
    }

    fn head_of(&self, id: ActorID, actor: &ActorState) -> Result<Option<ContractHead>, StateFatal> {
        if ContractHead::of(actor).is_some() { self.leaves.contract(id) } else { Ok(None) }
    }

    fn slot_of(&self, id: ActorID, _: &ContractHead, slot: U256) -> Result<U256, StateFatal> {
        self.leaves.slot(id, slot)
    }

    fn entry(&self, id: ActorID, key: &EntryKey) -> Result<Option<Vec<u8>>, StateFatal> {
        self.leaves.entry(id, key)
    }

    fn block(&self, cid: &Cid) -> Result<Vec<u8>, StateFatal> {
        read_block(&self.blocks, cid)
    }
}
