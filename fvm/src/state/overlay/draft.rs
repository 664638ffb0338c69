//! A state with accounts as somebody wants them, for a look at what would be. It is never settled: no root, no leaf, nothing written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::entry::ENTRY_VALUE_BYTES_MAX;
use tributary_primitives::hash::DAG_CBOR;
use tributary_primitives::{EthAddress, Hash32, cbor_cid, raw_cid};
use tributary_wasm::Block;

use super::BlockState;
use super::contracts::Contract;
use crate::error::StateFatal;
use crate::money;
use crate::overrides::{AccountOverride, OverridesRejected, StorageOverride};
use crate::state::view::eth_address;
use crate::state::{Actor, ActorCode};

/// An account on its way to what is wanted.
struct Account {
    id: ActorID,
    actor: Actor,
    /// As Ethereum counts.
    nonce: u64,
}

impl<B: Blockstore + Clone + Sync> BlockState<B> {
    /// From here on this state is a draft.
    pub(crate) const fn begin_draft(&mut self) {
        self.is_draft = true;
    }

    /// Makes an account of this draft what is wanted. Inner error: there is no such account, or it cannot be that; what changed until
    /// then has changed.
    ///
    /// Cost: a few reads, and one look at each byte of the code; storage that goes is not read.
    pub(crate) fn alter(
        &mut self,
        address: EthAddress,
        wanted: &AccountOverride,
    ) -> Result<Result<(), OverridesRejected>, StateFatal> {
        let mut account = match self.account(address)? {
            Ok(account) => account,
            Err(rejected) => return Ok(Err(rejected)),
        };
        if let Some(balance) = &wanted.balance {
            match money::to_u256(balance) {
                Some(balance) => account.actor.balance = balance,
                None => return Ok(Err(OverridesRejected::Balance(address))),
            }
        }
        if let Some(nonce) = wanted.nonce {
            account.nonce = nonce;
        }
        if !is_ethereums(&account.actor.head.code) {
            if wanted.has_code_or_storage() {
                return Ok(Err(OverridesRejected::Actor(address)));
            }
        } else if let Err(rejected) = self.alter_contract(address, &mut account, wanted)? {
            return Ok(Err(rejected));
        }
        if wanted.has_state_or_entries()
            && let Err(rejected) = self.alter_installed(address, &mut account, wanted)
        {
            return Ok(Err(rejected));
        }
        self.put_account(account)?;
        Ok(Ok(()))
    }

    /// The account with this address, or a new one that is nobody's yet.
    fn account(&mut self, address: EthAddress) -> Result<Result<Account, OverridesRejected>, StateFatal> {
        let name = address.to_address();
        let known = self.cached_id(&name)?;
        let actor = known.map(|id| self.cached_actor(id)).transpose()?.flatten();
        let (id, actor) = match (known, actor) {
            (Some(id), Some(actor)) => (id, actor),
            _ if address.as_actor_id().is_some() => return Ok(Err(OverridesRejected::Nobody(address))),
            (known, None) => {
                let id = known.unwrap_or_else(|| self.name_next(name));
                (id, Actor::new(BuiltinActor::Placeholder, Some(name)))
            }
            (None, Some(_)) => return Err(StateFatal::Invariant(format!("{address} has an actor and no id"))),
        };
        let own = eth_address(id, actor.head.delegated.as_ref());
        if own != address {
            return Ok(Err(OverridesRejected::OtherName { asked: address, own }));
        }
        let is_contract = actor.head.code.is(BuiltinActor::Evm) && self.load_contract(id)?;
        let nonce = self.contracts.get(&id).filter(|_| is_contract).map_or(actor.nonce, |contract| contract.head.nonce);
        Ok(Ok(Account { id, actor, nonce }))
    }

    /// Gives code and storage to a contract, an Ethereum account or a placeholder; it becomes what has such.
    fn alter_contract(
        &mut self,
        address: EthAddress,
        account: &mut Account,
        wanted: &AccountOverride,
    ) -> Result<Result<(), OverridesRejected>, StateFatal> {
        let code = match wanted.code.as_ref().map(|code| Bytecode::new_raw_checked(code.clone().into())).transpose() {
            Ok(code) => code,
            Err(why) => return Ok(Err(OverridesRejected::Code { account: address, why: why.to_string() })),
        };
        let head = &mut account.actor.head;
        let kind = match &code {
            Some(code) if !code.is_empty() && !code.is_eip7702() => BuiltinActor::Evm,
            Some(_) => BuiltinActor::EthAccount,
            None if head.code.is(BuiltinActor::Placeholder) && (account.nonce > 0 || wanted.has_code_or_storage()) => {
                BuiltinActor::EthAccount
            }
            None => head.code.builtin().unwrap_or(BuiltinActor::Placeholder),
        };
        if !head.code.is(kind) {
            Arc::make_mut(head).code = kind.into();
        }
        if wanted.has_code_or_storage() {
            self.open_contract(account.id)?;
            if let Some(code) = code {
                self.set_code(account.id, code);
            }
            self.alter_storage(account.id, &wanted.storage);
        }
        Ok(Ok(()))
    }

    /// Gives state and entries to an actor of installed code. Others keep theirs in their own ways, which nobody checks again.
    fn alter_installed(
        &mut self,
        address: EthAddress,
        account: &mut Account,
        wanted: &AccountOverride,
    ) -> Result<(), OverridesRejected> {
        if account.actor.head.code.builtin().is_some() {
            return Err(OverridesRejected::NotInstalled(address));
        }
        if let Some(state) = &wanted.state {
            let block = Block::new(DAG_CBOR, state.as_slice());
            let block = block.map_err(|why| OverridesRejected::State { account: address, why: why.to_string() })?;
            let root = cbor_cid(state);
            self.blocks.insert(root, Arc::clone(block.data()));
            Arc::make_mut(&mut account.actor.head).state = root;
        }
        for (key, value) in &wanted.entries {
            let bytes = value.as_ref().map_or(0, Vec::len);
            if bytes > ENTRY_VALUE_BYTES_MAX {
                return Err(OverridesRejected::Entry { account: address, bytes });
            }
            self.entries.set((account.id, *key), value.as_deref().map(Arc::from));
        }
        Ok(())
    }

    /// Has a contract at hand for this account, an empty one if there was none.
    fn open_contract(&mut self, id: ActorID) -> Result<(), StateFatal> {
        if !self.load_contract(id)? {
            self.contracts.insert(id, Contract::new(BTreeSet::new()));
        }
        Ok(())
    }

    fn set_code(&mut self, id: ActorID, code: Bytecode) {
        let bytes = code.original_bytes();
        let bytecode = raw_cid(&bytes);
        if let Some(contract) = self.contracts.get_mut(&id) {
            contract.set_code(bytecode, code.hash_slow(), code.clone());
        }
        if !bytes.is_empty() {
            self.blocks.insert(bytecode, Arc::from(bytes.as_ref()));
        }
        self.codes.insert(bytecode, code);
    }

    fn alter_storage(&mut self, id: ActorID, wanted: &StorageOverride) {
        let Some(contract) = self.contracts.get_mut(&id) else { return };
        let set = |contract: &mut Contract, slots: &BTreeMap<Hash32, Hash32>| {
            for (slot, value) in slots {
                contract.set(U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0));
            }
        };
        match wanted {
            StorageOverride::Kept => {}
            StorageOverride::Only(slots) => {
                *contract = contract.without_storage();
                set(contract, slots);
            }
            StorageOverride::With(slots) => set(contract, slots),
        }
    }

    /// Keeps the nonce where an actor of its kind has it.
    fn put_account(&mut self, account: Account) -> Result<(), StateFatal> {
        let Account { id, mut actor, nonce } = account;
        let is_contract = actor.head.code.is(BuiltinActor::Evm);
        actor.nonce = if is_contract { 0 } else { nonce };
        if is_contract {
            self.open_contract(id)?;
        }
        if let Some(contract) = self.contracts.get_mut(&id) {
            let nonce = if is_contract { nonce } else { 0 };
            if contract.head.nonce != nonce {
                Arc::make_mut(&mut contract.head).nonce = nonce;
            }
        }
        self.set_actor(id, Some(actor));
        Ok(())
    }
}

/// Whether an actor of this code may have EVM code and storage.
fn is_ethereums(code: &ActorCode) -> bool {
    matches!(code.builtin(), Some(BuiltinActor::Evm | BuiltinActor::EthAccount | BuiltinActor::Placeholder))
}
