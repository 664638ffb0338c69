//! The end of a transaction: from the journal's accounts to actors.
//!
//! Accounts that the EVM touched become actors by this table; the first row that fits decides.
//!
//! | account at the end | becomes |
//! |---|---|
//! | under a masked id that is nobody's one Ethereum address | nothing; what it holds is burnt |
//! | of an actor that is not Ethereum's: account, WASM, system | the same actor, balance and nonce updated |
//! | destroyed | a placeholder without balance, which keeps the address's id |
//! | never had an actor, and is empty (EIP-161) | nothing |
//! | made by this transaction as a contract, or a contract before | a contract |
//! | delegates (EIP-7702), has sent, or was an Ethereum account before | an Ethereum account |
//! | any other | a placeholder |
//!
//! An address that never had an actor gets its id here, in the order in which the transaction touched the surviving accounts
//! first. Money is counted on both sides: it may vanish from accounts (fees, and what was burnt), it may never appear.

use std::sync::Arc;

use fvm_shared::{ActorID, EMPTY_ARR_CID};
use revm::context::journal::JournalEntry;
use revm::primitives::{Address as EvmAddress, KECCAK_EMPTY, U256};
use revm::state::Account;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::BuiltinActor;

use super::Journal;
use super::changes::{ActorChange, Changes, ContractChange, EntryChange};
use super::own::{Emitted, Set};
use crate::error::StateFatal;
use crate::receipt::Event;
use crate::state::StateView;
use crate::state::actor::{Actor, ActorHead};
use crate::state::view::eth_address;
use crate::trace::Tracer;

/// A finished transaction.
pub(crate) struct Finished<V> {
    /// The view it ran on.
    pub(crate) view: V,
    /// What it changed.
    pub(crate) changes: Changes,
    /// What it emitted.
    pub(crate) events: Vec<Event>,
    /// What is gone from all accounts together, in attoTRB: the fee, and what was burnt.
    pub(crate) vanished: U256,
    /// Who recorded it, where somebody did.
    pub(crate) tracer: Option<Box<Tracer>>,
}

/// Balances of the touched accounts before and after.
#[derive(Default)]
struct Ledger {
    before: U256,
    after: U256,
}

impl<V: StateView> Journal<V> {
    /// Notes which accounts were touched, while the journal still knows in which order.
    pub(super) fn note_touched(&mut self) {
        self.0.touched.extend(self.0.evm.journal.iter().filter_map(|entry| match entry {
            JournalEntry::AccountTouched { address } => Some(*address),
            _ => None,
        }));
    }

    /// Ends the transaction; the journal is idle again. After an error it is good for nothing.
    pub(crate) fn finish(&mut self) -> Result<Finished<V>, StateFatal> {
        if self.0.touched.is_empty() {
            self.note_touched();
        }
        let tracer = self.end_trace()?;
        let mut ledger = Ledger::default();
        let mut actors = Vec::with_capacity(self.0.touched.len() + self.0.own.actors.len());
        let touched = std::mem::take(&mut self.0.touched);
        for address in &touched {
            // An account counts where it was touched first.
            if let Some(account) = self.0.evm.state.remove(address) {
                actors.extend(self.settle(*address, &account, &mut ledger)?);
            }
        }
        self.0.touched = touched;
        self.settle_heads(&mut actors)?;
        let vanished = ledger.before.checked_sub(ledger.after);
        let vanished = vanished.ok_or_else(|| StateFatal::Invariant("a transaction made money from nothing".into()))?;
        let events = self.stamp_events()?;
        let entries = std::mem::take(&mut self.0.own.entries).into_iter();
        let changes = Changes {
            actors,
            entries: entries.map(|((id, key), set)| EntryChange { id, key, value: set.value }).collect(),
            names: std::mem::take(&mut self.0.own.names_in_order),
            next_id: self.0.own.next_id,
            credits: Vec::new(),
            blocks: std::mem::take(&mut self.0.own.blocks_in_order),
        };
        Ok(Finished { view: self.end(), changes, events, vanished, tracer })
    }

    /// One touched account. `None` when nothing changed.
    fn settle(
        &mut self,
        address: EvmAddress,
        account: &Account,
        ledger: &mut Ledger,
    ) -> Result<Option<ActorChange>, StateFatal> {
        let address = EthAddress(address.0.0);
        let (known, before) = match self.0.database.loaded(&account.info) {
            Some((id, actor)) => (Some(*id), Some(actor.clone())),
            None => self.find(address)?,
        };
        let head = match known.and_then(|id| self.0.own.actor(id)) {
            Some(head) => head.cloned(),
            None => before.as_ref().map(|actor| Arc::clone(&actor.head)),
        };
        let is_deleted = head.is_none() && before.is_some();
        let named = before.as_ref().map(|actor| &actor.head).or(head.as_ref());
        let is_ours = known.zip(named).is_some_and(|(id, head)| eth_address(id, head.delegated.as_ref()) == address);
        if known.is_some() && !is_ours {
            return Ok(None);
        }
        if let Some(before) = &before {
            ledger.before += before.balance;
        }
        if let (true, Some(id)) = (is_deleted, known) {
            return Ok(Some(ActorChange { id, actor: None, contract: None }));
        }
        let is_destroyed = account.is_selfdestructed();
        if head.is_none() && account.is_empty() && !is_destroyed {
            return Ok(None);
        }
        let (actor, contract) = actor_of(address, account, head, is_destroyed);
        ledger.after += actor.balance;
        if before.as_ref() == Some(&actor) && contract.is_none() {
            return Ok(None);
        }
        let id = known.unwrap_or_else(|| self.new_id(address));
        Ok(Some(ActorChange { id, actor: Some(actor), contract }))
    }

    /// The actor of an account that the EVM found none for, if the transaction gave it one since, or it is nobody's to touch.
    fn find(&mut self, address: EthAddress) -> Result<(Option<ActorID>, Option<Actor>), StateFatal> {
        let known = self.resolve(&address.to_address())?;
        let before = known.map(|id| self.view().actor(id)).transpose()?.flatten();
        Ok((known, before))
    }

    fn new_id(&mut self, address: EthAddress) -> ActorID {
        let id = self.take_id();
        self.name(address.to_address(), id);
        id
    }

    /// Adds the actors whose head changed but whose account nobody touched.
    fn settle_heads(&mut self, settled: &mut Vec<ActorChange>) -> Result<(), StateFatal> {
        for change in &*settled {
            self.0.own.actors.remove(&change.id);
        }
        let mut heads: Vec<_> = self.0.own.actors.drain().collect();
        heads.sort_unstable_by_key(|(id, _)| *id);
        for (id, Set { value: head, .. }) in heads {
            let before = self.view().actor(id)?;
            let actor = head.map(|head| {
                let (nonce, balance) = before.map(|actor| (actor.nonce, actor.balance)).unwrap_or_default();
                Actor { head, nonce, balance }
            });
            settled.push(ActorChange { id, actor, contract: None });
        }
        Ok(())
    }

    fn stamp_events(&mut self) -> Result<Vec<Event>, StateFatal> {
        let events = std::mem::take(&mut self.0.own.events);
        let stamp = |Emitted { address, emitter, said, .. }| {
            let emitter = match emitter {
                Some(emitter) => Some(emitter),
                None => self.resolve(&address.to_address())?,
            };
            let emitter =
                emitter.ok_or_else(|| StateFatal::Invariant(format!("{address} emitted an event and is no actor")))?;
            // A contract made just now is known by its address before its head is in the state.
            let address = if address.as_actor_id().is_some() { self.eth_address(emitter)? } else { address };
            Ok(Event { emitter, address, said })
        };
        events.into_iter().map(stamp).collect()
    }
}

/// The table above, from its second row.
fn actor_of(
    address: EthAddress,
    account: &Account,
    head: Option<Arc<ActorHead>>,
    is_destroyed: bool,
) -> (Actor, Option<ContractChange>) {
    let balance = account.info.balance;
    let builtin = head.as_ref().map(|head| head.code.builtin());
    let was = match (head, builtin) {
        (Some(head), Some(Some(BuiltinActor::Evm | BuiltinActor::EthAccount | BuiltinActor::Placeholder))) => head,
        (Some(head), _) => return (Actor { head, nonce: account.info.nonce, balance }, None),
        (None, _) => Arc::new(placeholder(address)),
    };
    let was_kind = builtin.flatten().unwrap_or(BuiltinActor::Placeholder);
    if is_destroyed {
        return (Actor { head: Arc::new(placeholder(address)), nonce: 0, balance: U256::ZERO }, None);
    }
    let kind = kind_of(account, Some(was_kind));
    let is_contract = kind == BuiltinActor::Evm;
    let nonce = if is_contract { 0 } else { account.info.nonce };
    let contract = contract_change(account, is_contract);
    let head = if kind == was_kind { was } else { Arc::new(ActorHead { code: kind.into(), ..ActorHead::clone(&was) }) };
    (Actor { head, nonce, balance }, contract)
}

pub(super) fn placeholder(address: EthAddress) -> ActorHead {
    let code = BuiltinActor::Placeholder.into();
    ActorHead { code, state: EMPTY_ARR_CID, delegated: Some(address.to_address()) }
}

pub(super) fn kind_of(account: &Account, was: Option<BuiltinActor>) -> BuiltinActor {
    let has_code = account.info.code_hash != KECCAK_EMPTY;
    if account.is_created() || was == Some(BuiltinActor::Evm) {
        BuiltinActor::Evm
    } else if has_code || account.info.nonce > 0 || was == Some(BuiltinActor::EthAccount) {
        BuiltinActor::EthAccount
    } else {
        BuiltinActor::Placeholder
    }
}

/// What changed below the head; `None` when nothing did.
fn contract_change(account: &Account, is_contract: bool) -> Option<ContractChange> {
    let original = account.original_info();
    let code_hash = account.info.code_hash;
    let code = (code_hash != original.code_hash).then(|| (code_hash, account.info.code.clone().unwrap_or_default()));
    let mut slots: Vec<_> =
        account.changed_storage_slots().map(|(slot, value)| (*slot, value.present_value())).collect();
    slots.sort_unstable();
    let is_nonce_changed = is_contract && account.info.nonce != original.nonce;
    let is_changed = account.is_created() || is_nonce_changed || code.is_some() || !slots.is_empty();
    let nonce = if is_contract { account.info.nonce } else { 0 };
    is_changed.then_some(ContractChange { is_new: account.is_created(), nonce, code, slots })
}
