//! What a transaction may read of the state before it. The runtimes know no store, only this.
//!
//! The view is *owned* by the transaction's journal while it runs and comes back afterwards; it takes `&mut self`, so that it may
//! remember what it read (sequential execution) or record it (parallel execution).

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_primitives::{EntryKey, EthAddress, Hash32, Height};

use super::actor::{Actor, ActorHead};
use super::contract::ContractHead;
use super::history::{self, HISTORY_ADDRESS};
use crate::call::Leash;
use crate::error::StateFatal;

/// The state as one transaction finds it.
///
/// Every error says that the node is broken: a missing block of state is never a transaction's fault.
pub trait StateView: 'static {
    /// The actor with this id.
    fn actor(&mut self, id: ActorID) -> Result<Option<Actor>, StateFatal>;

    /// The same without balance and nonce: who asks no more than this does not depend on who pays it.
    fn head(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        Ok(self.actor(id)?.map(|actor| actor.head))
    }

    /// The id behind an address; for an id address the id itself, whether or not the actor exists.
    fn resolve(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal>;

    /// The same for an Ethereum address: nearly every address that is asked for is one.
    fn resolve_ethereum(&mut self, address: EthAddress) -> Result<Option<ActorID>, StateFatal> {
        self.resolve(&address.to_address())
    }

    /// The head of a contract, or of an account that delegates; `None` for any other actor.
    fn contract(&mut self, id: ActorID) -> Result<Option<Arc<ContractHead>>, StateFatal>;

    /// A storage slot of a contract; zero for any other actor.
    fn slot(&mut self, id: ActorID, slot: U256) -> Result<U256, StateFatal>;

    /// What an actor keeps under a key.
    fn entry(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, StateFatal>;

    /// EVM code by the CID of its raw block, analysed.
    fn bytecode(&mut self, cid: &Cid) -> Result<Bytecode, StateFatal>;

    /// The EVM code of the contract `id`, whose head this is, analysed.
    fn code(&mut self, _id: ActorID, head: &ContractHead) -> Result<Bytecode, StateFatal> {
        self.bytecode(&head.bytecode)
    }

    /// A block of state; `None` when there is none.
    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal>;

    /// The id that the next new actor gets.
    fn next_id(&mut self) -> ActorID;

    /// What a call on this view runs on; `None` in a block.
    fn leash(&self) -> Option<&Leash> {
        None
    }

    /// The hash of the block at `height`, as a transaction in the block at `now` may know it.
    fn block_hash(&mut self, height: Height, now: Height) -> Result<Option<Hash32>, StateFatal> {
        let id = self.resolve_ethereum(HISTORY_ADDRESS)?;
        let Some(id) = id.filter(|_| history::is_kept(height, now)) else { return Ok(None) };
        Ok(Some(Hash32(self.slot(id, history::slot_of(height))?.to_be_bytes())))
    }

    /// The Ethereum address that stands for an actor: its own, or the masked id.
    fn eth_address(&mut self, id: ActorID) -> Result<EthAddress, StateFatal> {
        let head = self.head(id)?;
        Ok(eth_address(id, head.as_ref().and_then(|head| head.delegated.as_ref())))
    }
}

impl<V: StateView> StateView for Box<V> {
    fn actor(&mut self, id: ActorID) -> Result<Option<Actor>, StateFatal> {
        self.as_mut().actor(id)
    }

    fn head(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        self.as_mut().head(id)
    }

    fn resolve(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        self.as_mut().resolve(address)
    }

    fn resolve_ethereum(&mut self, address: EthAddress) -> Result<Option<ActorID>, StateFatal> {
        self.as_mut().resolve_ethereum(address)
    }

    fn contract(&mut self, id: ActorID) -> Result<Option<Arc<ContractHead>>, StateFatal> {
        self.as_mut().contract(id)
    }

    fn slot(&mut self, id: ActorID, slot: U256) -> Result<U256, StateFatal> {
        self.as_mut().slot(id, slot)
    }

    fn entry(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, StateFatal> {
        self.as_mut().entry(id, key)
    }

    fn bytecode(&mut self, cid: &Cid) -> Result<Bytecode, StateFatal> {
        self.as_mut().bytecode(cid)
    }

    fn code(&mut self, id: ActorID, head: &ContractHead) -> Result<Bytecode, StateFatal> {
        self.as_mut().code(id, head)
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal> {
        self.as_mut().block(cid)
    }

    fn next_id(&mut self) -> ActorID {
        self.as_mut().next_id()
    }

    fn leash(&self) -> Option<&Leash> {
        self.as_ref().leash()
    }
}

/// The Ethereum address that stands for the actor `id` with this f4 address.
pub(crate) fn eth_address(id: ActorID, delegated: Option<&Address>) -> EthAddress {
    delegated.and_then(EthAddress::from_address).unwrap_or_else(|| EthAddress::from_actor_id(id))
}
