//! A chain in memory.
//!
//! | module | has |
//! |---|---|
//! | here | the chain: blocks, calls, and what they leave |
//! | `programs` | modules and contracts that it runs |
//! | `transactions` | hands to write transactions with |

mod programs;
mod transactions;

pub(super) use programs::*;
pub(super) use transactions::*;

use std::ops::Range;
use std::sync::Arc;

use alloy_primitives::U256;
use cid::Cid;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_crypto::SecpSecretKey;
use tributary_message::Transaction;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::ReadState as _;
use crate::block::{BlockEnv, BlockOutcome, CodeInstaller, ExecutionParams};
use crate::genesis::{CronEntry, GenesisAccount, GenesisState, build_genesis_state};
use crate::receipt::Receipt;
use crate::state::{MemoryStore, StateTree};
use crate::{
    CallOutcome, CallRejected, CallRequest, Executor, ExecutorFatal, GasEstimate, Leash, Overrides, State, TraceLimits,
    TraceRejected, TraceRequest, Traced, Wanted,
};

pub(super) const CHAIN_ID: u64 = 7;
pub(super) const BASE_FEE: u64 = 1_000;
pub(super) const TIP: u128 = 5;
pub(super) const RICH: u128 = 1_000_000_000_000_000_000;
pub(super) const PROPOSER: EthAddress = EthAddress([0xbb; 20]);
pub(super) const FVM_GAS: u64 = 100_000_000;
pub(super) const CRON_ENTRY_GAS: u64 = 50_000_000;

pub(super) struct World {
    pub(super) store: Arc<MemoryStore>,
    pub(super) executor: Executor,
    pub(super) root: Cid,
    pub(super) height: Height,
    pub(super) supply: TokenAmount,
}

pub(super) fn atto(amount: u128) -> TokenAmount {
    TokenAmount::from_atto(amount)
}

impl World {
    pub(super) fn new() -> Self {
        Self::ruled_by(CodeInstaller::Anyone)
    }

    pub(super) fn ruled_by(code_installer: CodeInstaller) -> Self {
        Self::with(code_installer, Vec::new())
    }

    /// A chain whose cron actor has these entries.
    pub(super) fn ticking(cron: Vec<CronEntry>) -> Self {
        Self::with(CodeInstaller::Anyone, cron)
    }

    fn with(code_installer: CodeInstaller, cron: Vec<CronEntry>) -> Self {
        let account = |address| GenesisAccount { address, balance: atto(RICH) };
        let genesis = GenesisState {
            chain_name: "test".into(),
            accounts: vec![
                account(alice().eth_address().to_address()),
                account(bob().eth_address().to_address()),
                account(carol().f1_address()),
            ],
            code: [ACTOR, PROXY, KEEPER_ACTOR].map(|actor| wat::parse_str(actor).unwrap()).into(),
            cron,
        };
        let store = Arc::new(MemoryStore::default());
        let root = build_genesis_state(&*store, &genesis).unwrap();
        let params = ExecutionParams {
            fvm_gas_per_gas: 500,
            genesis_supply: genesis.supply(),
            code_installer,
            cron_entry_gas: CRON_ENTRY_GAS,
        };
        let executor = Executor::new(params, None).unwrap();
        Self { store, executor, root, height: Height::GENESIS, supply: genesis.supply() }
    }

    pub(super) fn env(&self) -> BlockEnv {
        BlockEnv {
            height: self.height.next(),
            timestamp_s: 1_700_000_000,
            proposer: PROPOSER,
            base_fee: BASE_FEE,
            gas_limit: 30_000_000,
            chain_id: CHAIN_ID,
            previous_hash: Hash32([0x11; 32]),
            prev_randao: Hash32([0x22; 32]),
        }
    }

    /// Runs a block and goes on from it, once the sum of all balances was found unchanged.
    pub(super) fn block(&mut self, transactions: &[Transaction]) -> Vec<Receipt> {
        let outcome = self.run(transactions);
        self.root = outcome.state_root;
        self.height = self.height.next();
        assert_eq!(self.sum(), self.supply, "money was made or lost");
        outcome.receipts
    }

    pub(super) fn run(&self, transactions: &[Transaction]) -> BlockOutcome {
        self.executor.execute_block(&self.store, &self.root, &self.env(), transactions).unwrap()
    }

    pub(super) fn one(&mut self, transaction: Transaction) -> Receipt {
        self.block(&[transaction]).remove(0)
    }

    pub(super) fn call(&self, call: CallRequest) -> CallOutcome {
        self.call_with(&Overrides::default(), call).unwrap()
    }

    pub(super) fn call_with(&self, overrides: &Overrides, call: CallRequest) -> Result<CallOutcome, CallRejected> {
        self.call_held(overrides, &call, &Leash::default())
    }

    pub(super) fn call_held(
        &self,
        overrides: &Overrides,
        call: &CallRequest,
        leash: &Leash,
    ) -> Result<CallOutcome, CallRejected> {
        self.executor.call(self.open().unwrap(), &self.env(), overrides, call, leash).unwrap()
    }

    pub(super) fn estimate(&self, overrides: &Overrides, call: &CallRequest) -> GasEstimate {
        self.executor.estimate_gas(|| self.open(), &self.env(), overrides, call, &Leash::default()).unwrap().unwrap()
    }

    /// Runs those of these transactions again that are `traced`, as a block after the last one.
    pub(super) fn replay(&self, transactions: &[Transaction], traced: Range<usize>, wanted: Wanted) -> Vec<Traced> {
        self.replay_within(transactions, traced, wanted, no_limits()).unwrap()
    }

    pub(super) fn replay_within(
        &self,
        transactions: &[Transaction],
        traced: Range<usize>,
        wanted: Wanted,
        limits: TraceLimits,
    ) -> Result<Vec<Traced>, TraceRejected> {
        let request = TraceRequest { wanted, limits };
        self.executor.replay(self.open().unwrap(), &self.env(), transactions, traced, &request).unwrap()
    }

    pub(super) fn open(&self) -> Result<State, ExecutorFatal> {
        self.executor.open(&self.store, &self.root)
    }

    pub(super) fn tree(&self) -> StateTree<Arc<MemoryStore>> {
        StateTree::load(Arc::clone(&self.store), &self.root).unwrap()
    }

    pub(super) fn balance(&self, address: impl Into<Named>) -> u128 {
        u128::try_from(self.tree().balance(&address.into().0).unwrap().atto()).unwrap()
    }

    fn sum(&self) -> TokenAmount {
        let mut sum = TokenAmount::default();
        self.tree().for_each_actor(|_, actor| sum += &actor.balance).unwrap();
        sum
    }

    /// Makes a contract of alice's.
    pub(super) fn deploy(&mut self, nonce: u64, runtime: &[u8]) -> EthAddress {
        let receipt = self.one(sign(&alice(), unsigned(nonce, None, 0, init_code(runtime))));
        assert!(receipt.exit_code.is_success(), "{}", receipt.exit_code);
        receipt.contract.unwrap()
    }

    /// A slot of a contract.
    pub(super) fn stored(&self, contract: EthAddress, slot: u64) -> U256 {
        let slot = Hash32(U256::from(slot).to_be_bytes());
        U256::from_be_bytes(self.tree().storage(&contract.to_address(), &slot).unwrap().0)
    }

    /// Makes an actor of [`ACTOR`]; answers its id address.
    pub(super) fn exec(&mut self, nonce: u64) -> Address {
        self.exec_code(nonce, code())
    }

    /// Makes an actor of an installed module; answers its id address.
    pub(super) fn exec_code(&mut self, nonce: u64, code: Cid) -> Address {
        self.exec_code_of(&carol(), nonce, code)
    }

    /// Makes an actor of an installed module, by the key's next message.
    pub(super) fn exec_code_by(&mut self, key: &SecpSecretKey, code: Cid) -> Address {
        let nonce = self.tree().nonce(&key.f1_address()).unwrap();
        self.exec_code_of(key, nonce, code)
    }

    fn exec_code_of(&mut self, key: &SecpSecretKey, nonce: u64, code: Cid) -> Address {
        let params = to_vec(&(code, RawBytes::default())).unwrap();
        let receipt = self.one(message(key, nonce, Address::new_id(INIT_ID), 2, params, 0));
        assert!(receipt.exit_code.is_success(), "{}", receipt.exit_code);
        let (id, _robust): (Address, Address) = fvm_ipld_encoding::from_slice(&receipt.return_data).unwrap();
        id
    }
}

/// Limits of a trace that none reaches.
pub(super) fn no_limits() -> TraceLimits {
    TraceLimits { steps_max: u64::MAX, bytes_max: u64::MAX, is_late: Arc::new(|| false) }
}

/// An address of either kind.
pub(super) struct Named(Address);

impl From<Address> for Named {
    fn from(address: Address) -> Self {
        Self(address)
    }
}

impl From<EthAddress> for Named {
    fn from(address: EthAddress) -> Self {
        Self(address.to_address())
    }
}
