//! Whoever records what happens goes with the journal, from runtime to runtime, and comes back with it.
//!
//! At the transaction's end the journal tells which accounts took part, and what they were: all that the EVM or the kernel loaded, which
//! includes everybody whose balance or nonce was asked for, and the proposer. What an actor that is no contract keeps as its own state is
//! not told: the EVM's words have no place for it.

use revm::Database as _;
use revm::bytecode::Bytecode;
use revm::primitives::{Address as EvmAddress, B256, Bytes, KECCAK_EMPTY, U256};
use revm::state::{AccountInfo, EvmStorage};
use tributary_primitives::{EthAddress, Hash32};

use super::{Content, Database, Journal};
use crate::error::StateFatal;
use crate::state::StateView;
use crate::trace::{AccountState, Budget, StateOptions, StateTrace, Tracer};

/// Bytes that JSON takes for the names and numbers of an account, and for a slot, about.
const ACCOUNT_BYTES: usize = 240;
const SLOT_BYTES: usize = 138;

impl<V: StateView> Journal<V> {
    /// The transaction is recorded from here on, if anybody wants it.
    pub(crate) fn trace(&mut self, tracer: Option<Box<Tracer>>) {
        self.0.tracer = tracer;
    }

    /// Whether it is recorded.
    pub(crate) const fn is_traced(&self) -> bool {
        self.0.tracer.is_some()
    }

    /// Who records it, and how many events there are by now.
    pub(crate) fn tracer(&mut self) -> Option<(&mut Tracer, usize)> {
        let events = self.0.own.events.len();
        Some((self.0.tracer.as_deref_mut()?, events))
    }

    /// Ends the recording, the journal still full.
    pub(super) fn end_trace(&mut self) -> Result<Option<Box<Tracer>>, StateFatal> {
        let Some(mut tracer) = self.0.tracer.take() else { return Ok(None) };
        if let Some(options) = tracer.wants_states() {
            let states = self.states(options, tracer.coinbase(), tracer.budget())?;
            tracer.set_states(states);
        }
        Ok(Some(tracer))
    }

    /// The accounts that took part, those of the proposer among them.
    fn states(
        &mut self,
        options: StateOptions,
        coinbase: EthAddress,
        budget: &Budget,
    ) -> Result<StateTrace, StateFatal> {
        let Content { database, evm, .. } = &mut *self.0;
        let mut trace = StateTrace { after: options.is_diff.then(Default::default), ..StateTrace::default() };
        for (address, account) in &evm.state {
            let name = EthAddress(address.0.0);
            let told = Told { options, budget, storage: &account.storage };
            let mut before = told.before(database, &account.original_info())?;
            let is_empty = is_empty(&before);
            if let Some(after) = &mut trace.after {
                // One that is gone has no after.
                if !account.is_selfdestructed() {
                    let Some(changed) = told.after(database, &mut before, &account.info)? else { continue };
                    after.insert(name, changed);
                }
            }
            if !is_empty || options.with_empty {
                trace.before.insert(name, before);
            }
        }
        let proposer = EvmAddress::new(coinbase.0);
        // Its tips come after the block's last transaction, so no transaction changes it by them.
        if options.is_diff || evm.state.contains_key(&proposer) {
            return Ok(trace);
        }
        if let Some(info) = database.basic(proposer)? {
            let told = Told { options, budget, storage: &EvmStorage::default() };
            trace.before.insert(coinbase, told.before(database, &info)?);
        }
        Ok(trace)
    }
}

/// How one account is told.
struct Told<'a> {
    options: StateOptions,
    budget: &'a Budget,
    storage: &'a EvmStorage,
}

impl Told<'_> {
    /// As it was: each slot that was looked at among it.
    fn before<V: StateView>(&self, database: &mut Database<V>, info: &AccountInfo) -> Result<AccountState, StateFatal> {
        let mut told = AccountState {
            balance: Some(info.balance),
            nonce: Some(info.nonce),
            code: self.code(database, info)?,
            code_hash: code_hash(info),
            ..AccountState::default()
        };
        if !self.options.without_storage {
            told.storage = self.storage.iter().map(|(slot, value)| (*slot, value.original_value())).collect();
        }
        self.budget.take_bytes(ACCOUNT_BYTES + 2 * told.code.len() + SLOT_BYTES * told.storage.len());
        Ok(told)
    }

    /// What is another now; slots that are not, and slots that were empty, are taken out of `before`. `None` when nothing is.
    fn after<V: StateView>(
        &self,
        database: &mut Database<V>,
        before: &mut AccountState,
        now: &AccountInfo,
    ) -> Result<Option<AccountState>, StateFatal> {
        let mut told = AccountState {
            balance: Some(now.balance).filter(|_| before.balance != Some(now.balance)),
            nonce: Some(now.nonce).filter(|_| before.nonce != Some(now.nonce)),
            ..AccountState::default()
        };
        let is_other_code = before.code_hash != code_hash(now);
        if is_other_code {
            (told.code, told.code_hash) = (self.code(database, now)?, code_hash(now));
        }
        let mut is_changed = told.balance.is_some() || told.nonce.is_some() || is_other_code;
        if !self.options.without_storage {
            for (slot, value) in self.storage {
                if !value.is_changed() || value.original_value().is_zero() {
                    before.storage.remove(slot);
                }
                if value.is_changed() {
                    is_changed = true;
                    if !value.present_value().is_zero() {
                        told.storage.insert(*slot, value.present_value());
                    }
                }
            }
        }
        if !is_changed {
            return Ok(None);
        }
        self.budget.take_bytes(ACCOUNT_BYTES + 2 * told.code.len() + SLOT_BYTES * told.storage.len());
        Ok(Some(told))
    }

    fn code<V: StateView>(&self, database: &mut Database<V>, info: &AccountInfo) -> Result<Bytes, StateFatal> {
        if self.options.without_code || code_hash(info).is_none() {
            return Ok(Bytes::new());
        }
        let code: Bytecode = match &info.code {
            Some(code) => code.clone(),
            None => database.code_by_hash(info.code_hash)?,
        };
        Ok(code.original_bytes())
    }
}

fn code_hash(info: &AccountInfo) -> Option<Hash32> {
    let is_none = info.code_hash == KECCAK_EMPTY || info.code_hash == B256::ZERO;
    (!is_none).then_some(Hash32(info.code_hash.0))
}

fn is_empty(account: &AccountState) -> bool {
    account.balance.is_none_or(|balance| balance == U256::ZERO)
        && account.nonce.is_none_or(|nonce| nonce == 0)
        && account.code_hash.is_none()
}
