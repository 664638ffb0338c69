//! revm's journal interface: its own journal does the work, ours follows its checkpoints.

use revm::bytecode::Bytecode;
use revm::context::journal::JournalEntry;
use revm::context_interface::JournalTr;
use revm::context_interface::context::{SStoreResult, SelfDestructResult};
use revm::context_interface::journaled_state::account::JournaledAccount;
use revm::context_interface::journaled_state::{
    AccountInfoLoad, AccountLoad, JournalCheckpoint, JournalLoadError, StateLoad, TransferError,
};
use revm::inspector::JournalExt;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, AddressMap, AddressSet, B256, HashSet, Log, StorageKey, StorageValue, U256};
use revm::state::{Account, EvmState};
use tributary_primitives::EthAddress;

use super::own::Emitted;
use super::{Database, Journal};
use crate::error::StateFatal;
use crate::state::StateView;

type Load<T> = Result<StateLoad<T>, StateFatal>;
type LoadOrSkip<T> = Result<StateLoad<T>, JournalLoadError<StateFatal>>;

impl<V: StateView> JournalTr for Journal<V> {
    type Database = Database<V>;
    type State = EvmState;
    type JournaledAccount<'a> = JournaledAccount<'a, Database<V>, JournalEntry>;

    fn new(database: Self::Database) -> Self {
        let mut journal = Self::idle();
        journal.0.database = database;
        journal
    }

    fn db_and_state(&self) -> (&Self::Database, &Self::State) {
        (&self.0.database, &self.0.evm.state)
    }

    fn db_and_state_mut(&mut self) -> (&mut Self::Database, &mut Self::State) {
        (&mut self.0.database, &mut self.0.evm.state)
    }

    // What both halves take part in.

    fn checkpoint(&mut self) -> JournalCheckpoint {
        JournalCheckpoint { selfdestructed_i: self.0.own.open(), ..self.0.evm.checkpoint() }
    }

    fn checkpoint_commit(&mut self) {
        self.0.evm.checkpoint_commit();
    }

    fn checkpoint_revert(&mut self, checkpoint: JournalCheckpoint) {
        self.0.own.revert_to(checkpoint.selfdestructed_i);
        self.0.evm.checkpoint_revert(checkpoint);
        if self.0.evm.depth == 0 {
            self.0.own.forget_blocks();
        }
    }

    fn create_account_checkpoint(
        &mut self,
        caller: Address,
        address: Address,
        balance: U256,
        spec_id: SpecId,
    ) -> Result<JournalCheckpoint, TransferError> {
        let selfdestructed_i = self.0.own.open();
        let checkpoint = self.0.evm.create_account_checkpoint(caller, address, balance, spec_id)?;
        self.0.own.moved(caller, address, balance);
        Ok(JournalCheckpoint { selfdestructed_i, ..checkpoint })
    }

    fn commit_tx(&mut self) {
        self.note_touched();
        self.0.evm.commit_tx();
    }

    fn discard_tx(&mut self) {
        self.0.own.revert_to(0);
        self.0.evm.discard_tx();
    }

    fn finalize(&mut self) -> Self::State {
        self.0.evm.finalize()
    }

    // Logs are events, in one order with those of WASM actors.

    fn log(&mut self, log: Log) {
        let account = self.0.evm.state.get(&log.address);
        let emitter = account.and_then(|account| self.0.database.loaded(&account.info)).map(|(id, _)| *id);
        self.0.own.emit(Emitted { address: EthAddress(log.address.0.0), emitter, said: log.data.into(), bytes: 0 });
    }

    fn take_logs(&mut self) -> Vec<Log> {
        Vec::new()
    }

    fn logs(&self) -> &[Log] {
        &[]
    }

    fn set_eip7708_config(&mut self, _disabled: bool, _eip8246_delayed_clear_disabled: bool) {
        // Set once, when the journal is made.
    }

    // What is revm's alone.

    fn sload_skip_cold_load(&mut self, address: Address, key: StorageKey, skip: bool) -> LoadOrSkip<StorageValue> {
        self.0.evm.sload_assume_account_present(&mut self.0.database, address, key, skip)
    }

    fn sstore_skip_cold_load(
        &mut self,
        address: Address,
        key: StorageKey,
        value: StorageValue,
        skip: bool,
    ) -> LoadOrSkip<SStoreResult> {
        self.0.evm.sstore_assume_account_present(&mut self.0.database, address, key, value, skip)
    }

    fn tload(&mut self, address: Address, key: StorageKey) -> StorageValue {
        self.0.evm.tload(address, key)
    }

    fn tstore(&mut self, address: Address, key: StorageKey, value: StorageValue) {
        self.0.evm.tstore(address, key, value);
    }

    fn selfdestruct(&mut self, address: Address, target: Address, skip: bool) -> LoadOrSkip<SelfDestructResult> {
        let balance = self.0.evm.state.get(&address).map(|account| account.info.balance);
        let destroyed = self.0.evm.selfdestruct(&mut self.0.database, address, target, skip)?;
        self.0.own.moved(address, target, balance.unwrap_or_default());
        Ok(destroyed)
    }

    fn warm_access_list(&mut self, access_list: AddressMap<HashSet<StorageKey>>) {
        self.0.evm.warm_addresses.set_access_list(access_list);
    }

    fn warm_coinbase_account(&mut self, address: Address) {
        self.0.evm.warm_addresses.set_coinbase(address);
    }

    fn warm_precompiles(&mut self, addresses: &AddressSet) {
        self.0.evm.warm_addresses.set_precompile_addresses(addresses);
    }

    fn precompile_addresses(&self) -> &AddressSet {
        self.0.evm.warm_addresses.precompiles()
    }

    fn set_spec_id(&mut self, spec_id: SpecId) {
        self.0.evm.set_spec_id(spec_id);
    }

    fn touch_account(&mut self, address: Address) {
        self.0.evm.touch(address);
    }

    fn transfer(&mut self, from: Address, to: Address, balance: U256) -> Result<Option<TransferError>, StateFatal> {
        let refused = self.0.evm.transfer(&mut self.0.database, from, to, balance)?;
        if refused.is_none() {
            self.0.own.moved(from, to, balance);
        }
        Ok(refused)
    }

    fn transfer_loaded(&mut self, from: Address, to: Address, balance: U256) -> Option<TransferError> {
        let refused = self.0.evm.transfer_loaded(from, to, balance);
        if refused.is_none() {
            self.0.own.moved(from, to, balance);
        }
        refused
    }

    #[expect(deprecated, reason = "the interface still asks for it")]
    fn caller_accounting_journal_entry(&mut self, address: Address, old_balance: U256, bump_nonce: bool) {
        self.0.evm.caller_accounting_journal_entry(address, old_balance, bump_nonce);
    }

    fn balance_incr(&mut self, address: Address, balance: U256) -> Result<(), StateFatal> {
        self.0.evm.balance_incr(&mut self.0.database, address, balance)
    }

    #[expect(deprecated, reason = "the interface still asks for it")]
    fn nonce_bump_journal_entry(&mut self, address: Address) {
        self.0.evm.nonce_bump_journal_entry(address);
    }

    fn load_account(&mut self, address: Address) -> Load<&Account> {
        self.0.evm.load_account(&mut self.0.database, address)
    }

    fn load_account_with_code(&mut self, address: Address) -> Load<&Account> {
        self.0.evm.load_code(&mut self.0.database, address)
    }

    fn load_account_delegated(&mut self, address: Address) -> Load<AccountLoad> {
        self.0.evm.load_account_delegated(&mut self.0.database, address)
    }

    fn load_account_mut_skip_cold_load(
        &mut self,
        address: Address,
        skip: bool,
    ) -> LoadOrSkip<Self::JournaledAccount<'_>> {
        self.0.evm.load_account_mut_optional(&mut self.0.database, address, skip)
    }

    fn load_account_mut_optional_code(
        &mut self,
        address: Address,
        load_code: bool,
    ) -> Load<Self::JournaledAccount<'_>> {
        self.0
            .evm
            .load_account_mut_optional_code(&mut self.0.database, address, load_code, false)
            .map_err(JournalLoadError::unwrap_db_error)
    }

    fn set_code_with_hash(&mut self, address: Address, code: Bytecode, hash: B256) {
        self.0.evm.set_code_with_hash(address, code, hash);
    }

    fn depth(&self) -> usize {
        self.0.evm.depth
    }

    fn load_account_info_skip_cold_load(
        &mut self,
        address: Address,
        load_code: bool,
        skip: bool,
    ) -> Result<AccountInfoLoad<'_>, JournalLoadError<StateFatal>> {
        let spec = self.0.evm.cfg.spec;
        let load = self.0.evm.load_account_optional(&mut self.0.database, address, load_code, skip)?;
        Ok(AccountInfoLoad::new(&load.data.info, load.is_cold, load.state_clear_aware_is_empty(spec)))
    }
}

impl<V: StateView> JournalExt for Journal<V> {
    fn journal(&self) -> &[JournalEntry] {
        &self.0.evm.journal
    }
}
