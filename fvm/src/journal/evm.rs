//! revm's journal interface: its own journal does the work, ours follows its checkpoints.

use fvm_ipld_encoding::IPLD_RAW;
use fvm_shared::event::{ActorEvent, Entry, Flags};
use revm::bytecode::Bytecode;
use revm::context::journal::JournalEntry;
use revm::context_interface::JournalTr;
use revm::context_interface::context::{SStoreResult, SelfDestructResult};
use revm::context_interface::journaled_state::account::JournaledAccount;
use revm::context_interface::journaled_state::{
    AccountInfoLoad, AccountLoad, JournalCheckpoint, JournalLoadError, StateLoad, TransferError,
};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, AddressMap, AddressSet, B256, HashSet, Log, StorageKey, StorageValue, U256};
use revm::state::{Account, EvmState};
use tributary_primitives::EthAddress;

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
        Self { database, ..Self::idle() }
    }

    fn db_and_state(&self) -> (&Self::Database, &Self::State) {
        (&self.database, &self.evm.state)
    }

    fn db_and_state_mut(&mut self) -> (&mut Self::Database, &mut Self::State) {
        (&mut self.database, &mut self.evm.state)
    }

    // What both halves take part in.

    fn checkpoint(&mut self) -> JournalCheckpoint {
        JournalCheckpoint { selfdestructed_i: self.own.position(), ..self.evm.checkpoint() }
    }

    fn checkpoint_commit(&mut self) {
        self.evm.checkpoint_commit();
    }

    fn checkpoint_revert(&mut self, checkpoint: JournalCheckpoint) {
        self.own.revert_to(checkpoint.selfdestructed_i);
        self.evm.checkpoint_revert(checkpoint);
    }

    fn create_account_checkpoint(
        &mut self,
        caller: Address,
        address: Address,
        balance: U256,
        spec_id: SpecId,
    ) -> Result<JournalCheckpoint, TransferError> {
        let selfdestructed_i = self.own.position();
        let checkpoint = self.evm.create_account_checkpoint(caller, address, balance, spec_id)?;
        Ok(JournalCheckpoint { selfdestructed_i, ..checkpoint })
    }

    fn commit_tx(&mut self) {
        self.note_touched();
        self.evm.commit_tx();
    }

    fn discard_tx(&mut self) {
        self.own.revert_to(0);
        self.evm.discard_tx();
    }

    fn finalize(&mut self) -> Self::State {
        self.evm.finalize()
    }

    // Logs are events, in one order with those of WASM actors.

    fn log(&mut self, log: Log) {
        self.own.emit(EthAddress(log.address.0.0), event_of(&log));
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
        self.evm.sload_assume_account_present(&mut self.database, address, key, skip)
    }

    fn sstore_skip_cold_load(
        &mut self,
        address: Address,
        key: StorageKey,
        value: StorageValue,
        skip: bool,
    ) -> LoadOrSkip<SStoreResult> {
        self.evm.sstore_assume_account_present(&mut self.database, address, key, value, skip)
    }

    fn tload(&mut self, address: Address, key: StorageKey) -> StorageValue {
        self.evm.tload(address, key)
    }

    fn tstore(&mut self, address: Address, key: StorageKey, value: StorageValue) {
        self.evm.tstore(address, key, value);
    }

    fn selfdestruct(&mut self, address: Address, target: Address, skip: bool) -> LoadOrSkip<SelfDestructResult> {
        self.evm.selfdestruct(&mut self.database, address, target, skip)
    }

    fn warm_access_list(&mut self, access_list: AddressMap<HashSet<StorageKey>>) {
        self.evm.warm_addresses.set_access_list(access_list);
    }

    fn warm_coinbase_account(&mut self, address: Address) {
        self.evm.warm_addresses.set_coinbase(address);
    }

    fn warm_precompiles(&mut self, addresses: &AddressSet) {
        self.evm.warm_addresses.set_precompile_addresses(addresses);
    }

    fn precompile_addresses(&self) -> &AddressSet {
        self.evm.warm_addresses.precompiles()
    }

    fn set_spec_id(&mut self, spec_id: SpecId) {
        self.evm.set_spec_id(spec_id);
    }

    fn touch_account(&mut self, address: Address) {
        self.evm.touch(address);
    }

    fn transfer(&mut self, from: Address, to: Address, balance: U256) -> Result<Option<TransferError>, StateFatal> {
        self.evm.transfer(&mut self.database, from, to, balance)
    }

    fn transfer_loaded(&mut self, from: Address, to: Address, balance: U256) -> Option<TransferError> {
        self.evm.transfer_loaded(from, to, balance)
    }

    #[expect(deprecated, reason = "the interface still asks for it")]
    fn caller_accounting_journal_entry(&mut self, address: Address, old_balance: U256, bump_nonce: bool) {
        self.evm.caller_accounting_journal_entry(address, old_balance, bump_nonce);
    }

    fn balance_incr(&mut self, address: Address, balance: U256) -> Result<(), StateFatal> {
        self.evm.balance_incr(&mut self.database, address, balance)
    }

    #[expect(deprecated, reason = "the interface still asks for it")]
    fn nonce_bump_journal_entry(&mut self, address: Address) {
        self.evm.nonce_bump_journal_entry(address);
    }

    fn load_account(&mut self, address: Address) -> Load<&Account> {
        self.evm.load_account(&mut self.database, address)
    }

    fn load_account_with_code(&mut self, address: Address) -> Load<&Account> {
        self.evm.load_code(&mut self.database, address)
    }

    fn load_account_delegated(&mut self, address: Address) -> Load<AccountLoad> {
        self.evm.load_account_delegated(&mut self.database, address)
    }

    fn load_account_mut_skip_cold_load(
        &mut self,
        address: Address,
        skip: bool,
    ) -> LoadOrSkip<Self::JournaledAccount<'_>> {
        self.evm.load_account_mut_optional(&mut self.database, address, skip)
    }

    fn load_account_mut_optional_code(
        &mut self,
        address: Address,
        load_code: bool,
    ) -> Load<Self::JournaledAccount<'_>> {
        self.evm
            .load_account_mut_optional_code(&mut self.database, address, load_code, false)
            .map_err(JournalLoadError::unwrap_db_error)
    }

    fn set_code_with_hash(&mut self, address: Address, code: Bytecode, hash: B256) {
        self.evm.set_code_with_hash(address, code, hash);
    }

    fn depth(&self) -> usize {
        self.evm.depth
    }

    fn load_account_info_skip_cold_load(
        &mut self,
        address: Address,
        load_code: bool,
        skip: bool,
    ) -> Result<AccountInfoLoad<'_>, JournalLoadError<StateFatal>> {
        let spec = self.evm.cfg.spec;
        let load = self.evm.load_account_optional(&mut self.database, address, load_code, skip)?;
        Ok(AccountInfoLoad::new(&load.data.info, load.is_cold, load.state_clear_aware_is_empty(spec)))
    }
}

/// A log as an event of the FVM.
///
/// Source: FIP-0054, "Logs": keys `t1` to `t4` and `d`, raw codec, all indexed.
fn event_of(log: &Log) -> ActorEvent {
    let entry = |key: &str, value: &[u8]| Entry {
        flags: Flags::FLAG_INDEXED_ALL,
        key: key.to_owned(),
        codec: IPLD_RAW,
        value: value.to_vec(),
    };
    let topics = ["t1", "t2", "t3", "t4"].into_iter().zip(log.data.topics());
    let mut entries: Vec<_> = topics.map(|(key, topic)| entry(key, topic.as_slice())).collect();
    if !log.data.data.is_empty() {
        entries.push(entry("d", &log.data.data));
    }
    ActorEvent::from(entries)
}
