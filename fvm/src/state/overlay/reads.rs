//! Reading through the overlay: what the block has by now, or else what leaves or trees have, remembered.

use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_primitives::actors::ENTRIES_ID;
use tributary_primitives::{EntryKey, EthAddress, raw_cid};

use super::BlockState;
use super::contracts::Contract;
use crate::error::StateFatal;
use crate::state::actor::{Actor, ActorHead};
use crate::state::contract::ContractHead;
use crate::state::read_block;
use crate::state::view::StateView;

impl<B: Blockstore + Clone + Sync + 'static> StateView for BlockState<B> {
    fn actor(&mut self, id: ActorID) -> Result<Option<Actor>, StateFatal> {
        self.cached_actor(id)
    }

    fn head(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        Ok(self.known_actor(id)?.as_ref().map(|actor| Arc::clone(&actor.head)))
    }

    fn resolve(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        self.cached_id(address)
    }

    fn resolve_ethereum(&mut self, address: EthAddress) -> Result<Option<ActorID>, StateFatal> {
        match address.as_actor_id() {
            Some(id) => Ok(Some(id)),
            None => match self.names.get_ethereum(address) {
                Some(known) => Ok(known),
                None => self.cached_id(&address.to_address()),
            },
        }
    }

    fn contract(&mut self, id: ActorID) -> Result<Option<Arc<ContractHead>>, StateFatal> {
        if let Some(contract) = self.contracts.get(&id) {
            return Ok(Some(Arc::clone(&contract.head)));
        }
        self.load_contract(id)?;
        Ok(self.contracts.get(&id).map(|contract| Arc::clone(&contract.head)))
    }

    fn slot(&mut self, id: ActorID, slot: U256) -> Result<U256, StateFatal> {
        if let Some(contract) = self.contracts.get_mut(&id) {
            return contract.get(&self.store, self.leaves.as_ref(), id, slot);
        }
        self.load_contract(id)?;
        let Some(contract) = self.contracts.get_mut(&id) else { return Ok(U256::ZERO) };
        contract.get(&self.store, self.leaves.as_ref(), id, slot)
    }

    fn entry(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, StateFatal> {
        let value = self.entries.get_or_read((id, *key), || {
            let value = match &self.leaves {
                Some(leaves) => leaves.entry(id, key)?,
                None => self.trees.open(&self.store)?.entry_again(id, key)?,
            };
            Ok::<_, StateFatal>(value.map(Arc::from))
        });
        value.cloned()
    }

    fn bytecode(&mut self, cid: &Cid) -> Result<Bytecode, StateFatal> {
        if let Some(bytecode) = self.codes.get(cid) {
            return Ok(bytecode.clone());
        }
        let bytes = if *cid == raw_cid(&[]) { Vec::new() } else { read_block(&self.store, cid)? };
        let bytecode =
            Bytecode::new_raw_checked(bytes.into()).map_err(|why| StateFatal::malformed(cid, "EVM code", why))?;
        self.codes.insert(*cid, bytecode.clone());
        Ok(bytecode)
    }

    fn code(&mut self, id: ActorID, head: &ContractHead) -> Result<Bytecode, StateFatal> {
        if let Some(code) = self.contracts.get(&id).and_then(Contract::code) {
            return Ok(code.clone());
        }
        let code = self.bytecode(&head.bytecode)?;
        if let Some(contract) = self.contracts.get_mut(&id) {
            contract.keep_code(code.clone());
        }
        Ok(code)
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal> {
        if let Some(block) = self.blocks.get(cid) {
            return Ok(Some(Arc::clone(block)));
        }
        Ok(self.store.get(cid).map_err(StateFatal::tree)?.map(Arc::from))
    }

    fn next_id(&mut self) -> ActorID {
        self.next_id
    }
}

impl<B: Blockstore + Clone + Sync> BlockState<B> {
    pub(crate) fn cached_actor(&mut self, id: ActorID) -> Result<Option<Actor>, StateFatal> {
        Ok(self.known_actor(id)?.clone())
    }

    /// The actor, read now unless it is at hand.
    ///
    /// The one that holds entries is nobody's to see: it is made when a block ends, and a transaction does not see where that is.
    pub(super) fn known_actor(&mut self, id: ActorID) -> Result<&mut Option<Actor>, StateFatal> {
        self.actors.get_or_read(id, || {
            let actor = match &self.leaves {
                _ if id == ENTRIES_ID => None,
                Some(leaves) => leaves.actor(id)?,
                None => self.trees.open(&self.store)?.actor_again(id)?,
            };
            actor.map(|actor| Actor::read(id, actor)).transpose()
        })
    }

    /// Nonce and balance of an actor.
    pub(crate) fn money(&mut self, id: ActorID) -> Result<Option<(u64, U256)>, StateFatal> {
        Ok(self.known_actor(id)?.as_ref().map(|actor| (actor.nonce, actor.balance)))
    }

    pub(crate) fn cached_id(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        if let Ok(id) = address.id() {
            return Ok(Some(id));
        }
        if let Some(known) = self.names.get(address) {
            return Ok(known);
        }
        let id = match &self.leaves {
            Some(leaves) => leaves.name(address)?,
            None => self.tree()?.book_mut().resolve_again(address)?,
        };
        self.names.insert(*address, id);
        Ok(id)
    }
}
