//! What a transaction has changed so far, and how it is undone: one journal for both runtimes.
//!
//! ```text
//!                        Journal
//!   EVM (revm) ─────▶ ┌───────────────────────────┬──────────────────────────┐ ◀───── FVM (kernel, native actors)
//!                     │ revm's JournalInner       │ ours                     │
//!                     │ balances, nonces, storage,│ heads, code and entries  │
//!                     │ EVM code, warm sets,      │ of actors, new names,    │
//!                     │ transient storage         │ staged blocks, events,   │
//!                     │                           │ first accesses           │
//!                     └───────────────────────────┴──────────────────────────┘
//!                        one checkpoint for both; a revert undoes both, but for blocks: see `own`
//!                                  │ reads
//!                                  ▼
//!                              StateView: the state before the transaction
//! ```
//!
//! Balance and nonce of *every* actor live in revm's half, under the actor's one Ethereum address: its own f410 if it has one, the
//! masked id otherwise. So money moves by one law, and an EVM revert takes back what a WASM actor did below it.
//!
//! A checkpoint is revm's, whose field for EIP-8246 we put to use: that rule starts with the Amsterdam fork, and our position
//! in the own half's undo log is kept there. A second stack of checkpoints would have to be kept in step with revm's own.
//!
//! | module | holds |
//! |---|---|
//! | [`changes`] | what a finished transaction changed, ready for the block's state |
//! | `blocks` | the journal as a store of IPLD blocks |
//! | `database` | revm's view of our state |
//! | `evm` | revm's journal interface |
//! | `own` | our half, with its undo log |
//! | `traced` | whoever records what happens goes with the journal |

pub(crate) mod blocks;
pub mod changes;
mod database;
mod evm;
mod finish;
mod own;
mod traced;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::event::ActorEvent;
use revm::context::journal::{JournalEntry, JournalInner};
use revm::context_interface::JournalTr;
use revm::context_interface::journaled_state::JournalCheckpoint;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::handler::EthPrecompiles;
use revm::primitives::{Address as EvmAddress, U256};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EntryKey, EthAddress, Height};
use tributary_wasm::{CallStack, Purpose};

use crate::call::Leash;
use crate::error::StateFatal;
use crate::evm::SPEC;
use crate::state::StateView;
use crate::state::actor::ActorHead;
use crate::state::view::eth_address;
use crate::trace::Tracer;

pub(crate) use database::{Database, NATIVE_CODE_HASH, is_native, native_code};
use own::Emitted;
pub(crate) use own::Own;

/// Accounts and undo entries that a journal keeps room for from one transaction to the next.
const ROOM_MAX: usize = 1_024;

/// One transaction's changes over a view of the state. Moving it costs a pointer: it goes from runtime to runtime with every message.
pub struct Journal<V>(Box<Content<V>>);

struct Content<V> {
    database: Database<V>,
    evm: JournalInner<JournalEntry>,
    own: Own,
    /// Accounts touched, in the order of their first touch; filled when the transaction is over.
    touched: Vec<EvmAddress>,
    /// Records what happens, where somebody asked for it.
    tracer: Option<Box<Tracer>>,
}

/// Who answers a call from the EVM.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A contract or an account.
    Evm,
    /// An actor that the EVM cannot run.
    Actor,
    /// A masked id that is nobody's one Ethereum address.
    Nobody,
}

/// Accounts, and slots of each.
pub(crate) type Accesses = BTreeMap<EvmAddress, BTreeSet<U256>>;

/// Where a transaction can be taken back to.
pub(crate) type Checkpoint = JournalCheckpoint;

impl<V: StateView> Journal<V> {
    /// Nothing changed yet, in a block at height `now`. Cost: its tables are made; see [`Self::begin`].
    pub(crate) fn over(view: V, now: Height) -> Self {
        let mut journal = Self::idle();
        journal.begin(view, now);
        journal
    }

    /// A journal between two transactions: without a view, all the rest ready.
    pub(crate) fn idle() -> Self {
        let mut journal = Self::vacant();
        journal.0.evm.set_spec_id(SPEC);
        // Rules of the Amsterdam fork; the list of destroyed accounts that the second keeps must stay empty: see above.
        journal.0.evm.set_eip7708_config(true, true);
        journal.0.evm.warm_addresses.set_precompile_addresses(EthPrecompiles::new(SPEC).warm_addresses());
        journal
    }

    /// Begins a transaction, in a block at height `now`, on a journal that is idle. Cost: nothing is allocated.
    pub(crate) fn begin(&mut self, view: V, now: Height) {
        self.0.database.begin(view, now);
    }

    /// Ends the transaction, all changes forgotten: the journal is idle again, with the room that it has got by now.
    pub(crate) fn end(&mut self) -> V {
        let view = self.0.database.end();
        if self.0.evm.state.capacity().max(self.0.evm.journal.capacity()) > ROOM_MAX {
            *self = Self::idle();
            return view;
        }
        let mut accounts = self.0.evm.finalize();
        accounts.clear();
        self.0.evm.state = accounts;
        self.0.own.clear();
        self.0.touched.clear();
        self.0.tracer = None;
        view
    }

    /// Takes the content out to where the transaction goes on: from the EVM to the kernel, or back. What stays is a vacant place, and
    /// is asked nothing until the content is put there again. Cost: two allocations, for what stays.
    pub(crate) fn take_out(&mut self) -> Self {
        std::mem::replace(self, Self::vacant())
    }

    /// A place for a journal.
    pub(crate) fn vacant() -> Self {
        let (database, evm, own, touched) = (Database::vacant(), JournalInner::new(), Own::default(), Vec::new());
        Self(Box::new(Content { database, evm, own, touched, tracer: None }))
    }

    /// The state before the transaction.
    pub(crate) const fn view(&mut self) -> &mut V {
        self.0.database.view()
    }

    /// Whether what runs on it is to end at once, since nobody waits for it any more. Never so in a block.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        self.view().leash().is_some_and(Leash::is_cut)
    }

    /// Whether somebody only asks what would happen. Never so in a block.
    pub(crate) fn is_asked(&mut self) -> bool {
        self.view().leash().is_some()
    }

    /// What the code that runs on it is used for.
    pub(crate) fn purpose(&mut self) -> Purpose {
        if self.is_asked() { Purpose::Question } else { Purpose::Block }
    }

    /// Where the calls of what runs on it begin.
    pub(crate) fn bottom(&mut self) -> CallStack {
        if self.is_asked() { CallStack::bottom_of_asked() } else { CallStack::bottom() }
    }

    /// The height of the block in execution.
    pub(crate) const fn now(&self) -> Height {
        self.0.database.now
    }

    /// Begins what can be undone alone.
    pub(crate) fn open(&mut self) -> Checkpoint {
        JournalTr::checkpoint(self)
    }

    /// Ends what was begun last; it stays.
    pub(crate) fn keep(&mut self) {
        self.checkpoint_commit();
    }

    /// Ends what was begun at `checkpoint`; it is undone.
    pub(crate) fn undo(&mut self, checkpoint: Checkpoint) {
        self.checkpoint_revert(checkpoint);
    }

    /// An actor as the transaction has it by now: all but balance and nonce.
    pub(crate) fn actor(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        let head = match self.0.own.actor(id) {
            Some(head) => head.cloned(),
            None => self.0.database.view().head(id)?,
        };
        Ok(head.map(|head| self.as_the_evm_has_it(id, head)))
    }

    /// What the transaction made of an Ethereum actor so far: a placeholder that sent is an account, one that got code a contract.
    fn as_the_evm_has_it(&self, id: ActorID, head: Arc<ActorHead>) -> Arc<ActorHead> {
        let builtin = head.code.builtin();
        if !matches!(builtin, Some(BuiltinActor::Placeholder | BuiltinActor::EthAccount | BuiltinActor::Evm)) {
            return head;
        }
        let address = eth_address(id, head.delegated.as_ref());
        match self.0.evm.state.get(&EvmAddress::new(address.0)) {
            Some(account) if Some(finish::kind_of(account, builtin)) != builtin => {
                let code = finish::kind_of(account, builtin).into();
                Arc::new(ActorHead { code, ..ActorHead::clone(&head) })
            }
            _ => head,
        }
    }

    /// The id of the actor behind an account of the EVM. One that never had an actor gets it now, before the transaction's end.
    pub(crate) fn id_of(&mut self, address: EthAddress) -> Result<ActorID, StateFatal> {
        if let Some(id) = self.0.own.resolve_ethereum(address) {
            return Ok(id);
        }
        if let Some(id) = self.view().resolve_ethereum(address)? {
            self.0.database.note(address, id);
            return Ok(id);
        }
        let id = self.take_id();
        self.name(address.to_address(), id);
        self.set_actor(id, Some(finish::placeholder(address)));
        Ok(id)
    }

    /// Replaces, makes or (with `None`) deletes an actor; balance and nonce stay what they are.
    pub(crate) fn set_actor(&mut self, id: ActorID, head: Option<ActorHead>) {
        self.0.own.set_actor(id, head.map(Arc::new));
    }

    /// An actor's entry as the transaction has it by now.
    pub(crate) fn entry(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, StateFatal> {
        match self.0.own.entry(id, key) {
            Some(value) => Ok(value.cloned()),
            None => self.0.database.view().entry(id, key),
        }
    }

    /// The id behind an address, names given by this transaction included.
    pub(crate) fn resolve(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        match self.0.own.resolve(address) {
            Some(id) => Ok(Some(id)),
            None => self.0.database.view().resolve(address),
        }
    }

    /// Gives a new name to an actor.
    pub(crate) fn name(&mut self, address: Address, id: ActorID) {
        self.0.own.name(address, id);
    }

    /// Takes the next id.
    pub(crate) fn take_id(&mut self) -> ActorID {
        let id = match self.0.own.next_id {
            Some(id) => id,
            // Asked by who makes an actor, and by nobody else: it is another one for every actor made.
            None => self.0.database.view().next_id(),
        };
        self.0.own.advance_to(id + 1);
        id
    }

    /// The Ethereum address under which the actor's balance and nonce are kept.
    pub(crate) fn eth_address(&mut self, id: ActorID) -> Result<EthAddress, StateFatal> {
        let head = self.actor(id)?;
        Ok(eth_address(id, head.as_ref().and_then(|head| head.delegated.as_ref())))
    }

    /// What an actor has, in attoTRB; zero when there is none.
    pub(crate) fn balance(&mut self, id: ActorID) -> Result<U256, StateFatal> {
        let address = self.eth_address(id)?;
        Ok(self.nonce_and_balance(address)?.1)
    }

    /// The nonce of the next message from the actor that `address` stands for, and what it has, in attoTRB.
    pub(crate) fn nonce_and_balance(&mut self, address: EthAddress) -> Result<(u64, U256), StateFatal> {
        let account = &self.load_account(EvmAddress::new(address.0))?.data.info;
        Ok((account.nonce, account.balance))
    }

    /// Uses up one nonce of the actor that `address` stands for.
    pub(crate) fn bump_nonce(&mut self, address: EthAddress) -> Result<(), StateFatal> {
        let is_bumped = self.load_account_mut(EvmAddress::new(address.0))?.data.bump_nonce();
        is_bumped.then_some(()).ok_or_else(|| StateFatal::Invariant(format!("{address} has used all nonces")))
    }

    /// The nonce of the next message from an actor.
    pub(crate) fn nonce(&mut self, id: ActorID) -> Result<u64, StateFatal> {
        let address = self.eth_address(id)?;
        Ok(self.nonce_and_balance(address)?.0)
    }

    /// Sets the nonce of the next message.
    pub(crate) fn set_nonce(&mut self, id: ActorID, nonce: u64) -> Result<(), StateFatal> {
        let address = self.evm_address(id)?;
        self.load_account_mut(address)?.data.set_nonce(nonce);
        Ok(())
    }

    /// Moves `amount`; `false`, and nothing moved, when `from` does not have it.
    pub(crate) fn transfer(&mut self, from: ActorID, to: ActorID, amount: U256) -> Result<bool, StateFatal> {
        let (from, to) = (self.evm_address(from)?, self.evm_address(to)?);
        Ok(JournalTr::transfer(self, from, to, amount)?.is_none())
    }

    /// Adds to a balance what the transaction took from it before.
    pub(crate) fn give_back(&mut self, address: EthAddress, amount: U256) -> Result<(), StateFatal> {
        self.balance_incr(EvmAddress::new(address.0), amount)
    }

    /// Takes `amount` from the balance of the actor that `address` stands for; `false`, and nothing taken, when it does not have it.
    /// What is taken and not given back until the transaction is over goes to fees and is burnt.
    pub(crate) fn take(&mut self, address: EthAddress, amount: U256) -> Result<bool, StateFatal> {
        Ok(self.load_account_mut(EvmAddress::new(address.0))?.data.decr_balance(amount))
    }

    /// Marks an actor's account as one whose code the EVM cannot run.
    pub(crate) fn mark_native(&mut self, id: ActorID) -> Result<(), StateFatal> {
        let address = self.evm_address(id)?;
        self.load_account(address)?;
        self.set_code_with_hash(address, native_code(), NATIVE_CODE_HASH);
        Ok(())
    }

    /// Who answers a call to an account that is loaded.
    pub(crate) fn callee(&self, address: EvmAddress) -> Callee {
        let Some(account) = self.0.evm.state.get(&address) else { return Callee::Evm };
        let is_masked = EthAddress(address.0.0).as_actor_id().is_some();
        match () {
            // A contract may have this very code, `0xfe`, under an address of its own; actors that are none have masked ids.
            () if is_masked && account.info.code_hash == NATIVE_CODE_HASH => Callee::Actor,
            () if is_masked && account.is_loaded_as_not_existing() => Callee::Nobody,
            () => Callee::Evm,
        }
    }

    /// Accounts that were looked at so far, and slots of their storage, also by calls that were undone; all but those of contracts that the
    /// transaction itself makes.
    pub(crate) fn accessed(&self) -> Accesses {
        let accounts = self.0.evm.state.iter().filter(|(_, account)| !account.is_created());
        accounts.map(|(address, account)| (*address, account.storage.keys().copied().collect())).collect()
    }

    /// Whose code an account that is loaded runs instead of its own (EIP-7702).
    pub(crate) fn delegate(&self, address: EvmAddress) -> Option<EvmAddress> {
        self.0.evm.state.get(&address)?.info.code.as_ref()?.eip7702_address()
    }

    /// A block of state, this transaction's own included.
    pub(crate) fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal> {
        match self.0.own.block(cid) {
            Some(block) => Ok(Some(block)),
            None => self.0.database.view().block(cid),
        }
    }

    /// Keeps a block of state, unless the whole transaction is undone.
    pub(crate) fn put_block(&mut self, cid: Cid, block: Arc<[u8]>) {
        self.0.own.put_block(cid, block);
    }

    /// Appends an event of an actor, which takes so many bytes. Its own Ethereum address, if it has one, is put in when the transaction is over.
    pub(crate) fn emit(&mut self, emitter: ActorID, event: ActorEvent, bytes: u64) {
        self.0.own.emit(Emitted {
            address: EthAddress::from_actor_id(emitter),
            emitter: Some(emitter),
            said: event.into(),
            bytes,
        });
    }

    /// Our half, for what concerns no other.
    pub(crate) const fn own(&mut self) -> &mut Own {
        &mut self.0.own
    }

    fn evm_address(&mut self, id: ActorID) -> Result<EvmAddress, StateFatal> {
        Ok(EvmAddress::new(self.eth_address(id)?.0))
    }
}
