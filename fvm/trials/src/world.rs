//! A chain in memory: accounts, two script actors and two contracts, and transactions of theirs.
//!
//! [`chain`] runs its blocks as a node does, on a state that stays open.

pub mod chain;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, TxKind, U256};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{RawBytes, from_slice, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use fvm_shared::state::ActorState;
use tributary_crypto::SecpSecretKey;
use tributary_fvm::ReadState as _;
use tributary_fvm::state::{MemoryStore, StateTree};
use tributary_fvm::{
    BlockEnv, BlockOutcome, CodeInstaller, ExecutionParams, Executor, GenesisAccount, GenesisState, Receipt, Workers,
    build_genesis_state,
};
use tributary_genesis_code::SCRIPT_ENTRIES_ACTOR;
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::{EthAddress, Hash32, Height, raw_cid};
use tributary_script::{Op, Script};

/// EIP-155's.
pub const CHAIN_ID: u64 = 7;
/// attoTRB per unit of block gas.
pub const BASE_FEE: u64 = 1_000;
/// FVM gas in a unit of block gas.
pub const FVM_GAS_PER_GAS: u64 = 500;
/// FVM gas for a message whose limit is not the point.
pub const FVM_GAS: u64 = 300_000_000;
/// Ethereum gas for a transaction whose limit is not the point.
pub const ETHEREUM_GAS: u64 = 3_000_000;
/// What each account has, in attoTRB.
pub const RICH: u128 = 1_000_000_000_000_000_000;
/// What each script actor has, in attoTRB.
pub const ACTOR_BALANCE: u128 = 1_000_000;
/// Method by which contracts are called.
pub const INVOKE_EVM: u64 = 3_844_450_837;

/// Threads that a block of a trial runs on, when it runs on several.
pub const WORKERS: u32 = 4;

/// Executes every trial: it holds what it has compiled.
pub static EXECUTOR: LazyLock<Executor> = LazyLock::new(|| {
    let params = ExecutionParams {
        fvm_gas_per_gas: FVM_GAS_PER_GAS,
        genesis_supply: genesis().supply(),
        code_installer: CodeInstaller::Anyone,
        cron_entry_gas: 0,
    };
    Executor::with_workers(params, None, Workers::new(WORKERS)).unwrap()
});

/// Who sends, and from which kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, arbitrary::Arbitrary)]
pub enum Who {
    /// An Ethereum account.
    Alice,
    /// Another.
    Bob,
    /// An f1 account.
    Carol,
    /// Another.
    Dave,
    /// An Ethereum address without funds.
    Nobody,
}

impl Who {
    /// Who has an account from the start.
    pub const RICH: [Self; 4] = [Self::Alice, Self::Bob, Self::Carol, Self::Dave];

    /// Everybody.
    pub const ALL: [Self; 5] = [Self::Alice, Self::Bob, Self::Carol, Self::Dave, Self::Nobody];

    /// Where it stands among all.
    #[must_use]
    pub const fn number(self) -> usize {
        match self {
            Self::Alice => 0,
            Self::Bob => 1,
            Self::Carol => 2,
            Self::Dave => 3,
            Self::Nobody => 4,
        }
    }

    /// The key.
    #[must_use]
    pub fn key(self) -> SecpSecretKey {
        key(1 + u8::try_from(self.number()).unwrap())
    }

    /// Whether it signs Ethereum transactions.
    #[must_use]
    pub const fn is_ethereum(self) -> bool {
        matches!(self, Self::Alice | Self::Bob | Self::Nobody)
    }

    /// The address it sends from.
    #[must_use]
    pub fn address(self) -> Address {
        if self.is_ethereum() { self.key().eth_address().to_address() } else { self.key().f1_address() }
    }
}

/// Where everybody sends from, by [`Who::number`].
pub(crate) static WHO: LazyLock<[Address; 5]> = LazyLock::new(|| Who::ALL.map(Who::address));

/// A secret key; 0 gives that of 1.
#[must_use]
pub fn key(seed: u8) -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[seed.max(1); 32]).unwrap_or_else(|_| SecpSecretKey::from_bytes(&[1; 32]).unwrap())
}

/// Gets the tips. It has an account from the start, so that no block's end makes one.
#[must_use]
pub fn proposer() -> EthAddress {
    key(9).eth_address()
}

fn genesis() -> GenesisState {
    let account = |address| GenesisAccount { address, balance: TokenAmount::from_atto(RICH) };
    let addresses = Who::RICH.map(Who::address).into_iter().chain([proposer().to_address()]);
    GenesisState {
        chain_name: "trials".into(),
        accounts: addresses.map(account).collect(),
        code: vec![SCRIPT_ENTRIES_ACTOR.to_vec()],
        ..GenesisState::default()
    }
}

/// A store over one that stays as it is.
#[derive(Debug, Default)]
pub struct Layered {
    below: Arc<MemoryStore>,
    own: MemoryStore,
}

impl Layered {
    /// A store above everything that this one has by now.
    fn above(&self) -> Self {
        let below = MemoryStore::default();
        for (cid, block) in self.below.blocks().into_iter().chain(self.own.blocks()) {
            below.put_keyed(&cid, &block).unwrap();
        }
        Self { below: Arc::new(below), own: MemoryStore::default() }
    }
}

impl Blockstore for Layered {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        match self.own.get(cid)? {
            Some(block) => Ok(Some(block)),
            None => self.below.get(cid),
        }
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.own.put_keyed(cid, block)
    }
}

/// What is where: a script or a contract names others by number.
#[derive(Clone, Debug)]
pub struct Names {
    /// Script actors, two from the start.
    pub actors: Vec<ActorID>,
    /// Contracts: [`KEEPER`] and [`FORWARDER`] from the start.
    pub contracts: Vec<EthAddress>,
}

impl Names {
    /// What a transaction made gets a number.
    pub fn remember(&mut self, receipt: &Receipt) {
        if !receipt.exit_code.is_success() {
            return;
        }
        self.contracts.extend(receipt.contract);
        if let Ok((id, _)) = from_slice::<(Address, Address)>(&receipt.return_data) {
            self.actors.extend(id.id());
        }
    }
}

/// A chain.
#[derive(Clone, Debug)]
pub struct World {
    /// Its blocks of state.
    pub store: Arc<Layered>,
    /// State of its last block.
    pub root: Cid,
    /// What was made on it.
    pub names: Names,
}

/// All actors of a state.
pub type Actors = BTreeMap<ActorID, ActorState>;

/// Where every trial starts: made once.
static START: LazyLock<(Arc<MemoryStore>, Cid, Names)> = LazyLock::new(start);

fn start() -> (Arc<MemoryStore>, Cid, Names) {
    let store = Arc::new(MemoryStore::default());
    let root = build_genesis_state(&*store, &genesis()).unwrap();
    let exec = to_vec(&(raw_cid(SCRIPT_ENTRIES_ACTOR), RawBytes::default())).unwrap();
    let init = Address::new_id(INIT_ID);
    let transactions = [
        fvm(Who::Carol, Message { value: TokenAmount::from_atto(ACTOR_BALANCE), ..message(0, init, 2, exec.clone()) }),
        fvm(Who::Carol, Message { value: TokenAmount::from_atto(ACTOR_BALANCE), ..message(1, init, 2, exec) }),
        ethereum(Who::Alice, create(0, init_code(KEEPER))),
        ethereum(Who::Alice, create(1, init_code(FORWARDER))),
    ];
    let outcome = EXECUTOR.execute_block(&store, &root, &env(), &transactions).unwrap();
    let made = |receipt: &Receipt| {
        assert!(receipt.exit_code.is_success(), "{receipt:?}");
        from_slice::<(Address, Address)>(&receipt.return_data).unwrap().0.id().unwrap()
    };
    let actors = outcome.receipts[..2].iter().map(made).collect();
    let contracts = outcome.receipts[2..].iter().map(|receipt| receipt.contract.unwrap()).collect();
    (store, outcome.state_root, Names { actors, contracts })
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// The chain that every trial starts from. Cost: nothing but the first time.
    #[must_use]
    pub fn new() -> Self {
        let (below, root, names) = &*START;
        let store = Layered { below: Arc::clone(below), own: MemoryStore::default() };
        Self { store: Arc::new(store), root: *root, names: names.clone() }
    }

    /// Runs a block and forgets it.
    #[must_use]
    pub fn run(&self, transactions: &[Transaction]) -> BlockOutcome {
        EXECUTOR.execute_block(&self.store, &self.root, &env(), transactions).unwrap()
    }

    /// Runs a block and goes on from it, as the world where trials start.
    #[must_use]
    pub fn founded_by(mut self, transactions: &[Transaction]) -> Self {
        let outcome = self.run(transactions);
        for receipt in &outcome.receipts {
            assert!(receipt.exit_code.is_success(), "{receipt:?}");
            self.names.remember(receipt);
        }
        Self { store: Arc::new(self.store.above()), root: outcome.state_root, names: self.names }
    }

    /// Runs a block of one transaction and goes on from it.
    pub fn one(&mut self, transaction: Transaction) -> Receipt {
        let mut outcome = self.run(&[transaction]);
        self.root = outcome.state_root;
        outcome.receipts.remove(0)
    }

    /// The state.
    #[must_use]
    pub fn tree(&self) -> StateTree<Arc<Layered>> {
        self.tree_at(&self.root)
    }

    /// The state under another root.
    #[must_use]
    pub fn tree_at(&self, root: &Cid) -> StateTree<Arc<Layered>> {
        StateTree::load(Arc::clone(&self.store), root).unwrap()
    }

    /// Every actor under a root.
    #[must_use]
    pub fn actors_at(&self, root: &Cid) -> Actors {
        let mut actors = Actors::new();
        self.tree_at(root).for_each_actor(|id, actor| drop(actors.insert(id, actor.clone()))).unwrap();
        actors
    }

    /// Every actor.
    #[must_use]
    pub fn actors(&self) -> Actors {
        self.actors_at(&self.root)
    }

    /// The nonce of somebody's next transaction.
    #[must_use]
    pub fn nonce(&self, who: Who) -> u64 {
        self.nonce_of(&who.address())
    }

    /// The nonce of an address' next transaction.
    #[must_use]
    pub fn nonce_of(&self, address: &Address) -> u64 {
        self.tree().nonce(address).unwrap()
    }
}

/// The block of every trial: the same for each, so that transactions do not see where one block ends and another starts.
#[must_use]
pub fn env() -> BlockEnv {
    BlockEnv {
        height: Height(1_000),
        timestamp_s: 1_700_000_000,
        proposer: proposer(),
        base_fee: BASE_FEE,
        gas_limit: u64::MAX / 2,
        chain_id: CHAIN_ID,
        previous_hash: Hash32([0x11; 32]),
        prev_randao: Hash32([0x22; 32]),
    }
}

/// A message with enough gas.
#[must_use]
pub fn message(nonce: u64, to: Address, method_num: u64, params: Vec<u8>) -> Message {
    Message {
        version: 0,
        from: Address::new_id(0),
        to,
        sequence: nonce,
        value: TokenAmount::default(),
        method_num,
        params: RawBytes::new(params),
        gas_limit: FVM_GAS,
        gas_fee_cap: TokenAmount::from_atto(10),
        gas_premium: TokenAmount::from_atto(1),
    }
}

/// A message that runs a script.
#[must_use]
pub fn script(nonce: u64, actor: ActorID, ops: Vec<Op>) -> Message {
    message(nonce, Address::new_id(actor), 2, to_vec(&Script(ops)).unwrap())
}

/// Signs a message.
#[must_use]
pub fn fvm(who: Who, message: Message) -> Transaction {
    Transaction::Fvm(Arc::new(FvmTransaction::sign(message, &who.key(), CHAIN_ID).unwrap()))
}

/// A transaction with enough gas that calls.
#[must_use]
pub fn call(nonce: u64, to: EthAddress, input: Vec<u8>) -> TxEip1559 {
    TxEip1559 { to: TxKind::Call(EvmAddress::new(to.0)), ..create(nonce, input) }
}

/// A transaction with enough gas that makes a contract.
#[must_use]
pub fn create(nonce: u64, input: Vec<u8>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: ETHEREUM_GAS,
        max_fee_per_gas: 10_000,
        max_priority_fee_per_gas: 5,
        to: TxKind::Create,
        value: U256::ZERO,
        input: input.into(),
        ..TxEip1559::default()
    }
}

/// Signs a transaction.
#[must_use]
pub fn ethereum(who: Who, unsigned: TxEip1559) -> Transaction {
    Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, &who.key())))
}

/// Init code that makes a contract of `runtime`.
#[must_use]
pub fn init_code(runtime: &[u8]) -> Vec<u8> {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    [&[0x61, length[0], length[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3], runtime].concat()
}

/// Words, as a contract's call data has them.
#[must_use]
pub fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}

/// Stores the second word of the call data at the slot that the first names, logs it, and reverts when there is more data.
pub const KEEPER: &[u8] = &[
    0x60, 0x20, 0x35, 0x5f, 0x35, 0x55, // sstore(calldata[0], calldata[32])
    0x60, 0x20, 0x35, 0x5f, 0x52, 0x5f, 0x35, 0x60, 0x20, 0x5f, 0xa1, // log1(value, slot)
    0x60, 0x40, 0x36, 0x11, 0x60, 0x19, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd, // if calldatasize > 64 revert
];

/// Calls the address in the first word of its call data with the rest of the data and the value it got; counts in slot 0 the calls
/// that went well, and answers or reverts with what the other said.
pub const FORWARDER: &[u8] = &[
    0x60, 0x20, 0x36, 0x03, 0x80, 0x60, 0x20, 0x5f, 0x37, // calldatacopy(0, 32, calldatasize - 32)
    0x5f, 0x5f, 0x82, 0x5f, 0x34, 0x5f, 0x35, 0x5a, 0xf1, // call(gas, calldata[0], callvalue, 0, the rest)
    0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x1c, 0x57, // returndatacopy(0, 0, returndatasize)
    0x3d, 0x5f, 0xfd, 0x5b, // unless it went well: revert(0, returndatasize)
    0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55, 0x3d, 0x5f,
    0xf3, // sstore(0, sload(0) + 1); return(0, returndatasize)
];
