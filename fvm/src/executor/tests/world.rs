//! A chain in memory, and hands to write transactions with.

use std::ops::Range;
use std::sync::Arc;

use alloy_consensus::{TxEip1559, TxEip7702};
use alloy_primitives::{Address as EvmAddress, TxKind, U256};
use cid::Cid;
use fvm_ipld_encoding::{BytesSer, RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use revm::context::transaction::{Authorization, SignedAuthorization};
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::{EthAddress, Hash32, Height, raw_cid};

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

/// Keeps its last method number as its state, emits an event, aborts with 99 on method 9 and traps on method 8.
pub(super) const ACTOR: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (import "ipld" "block_link" (func $link (param i32 i32 i64 i32 i32 i32) (result i32)))
  (import "self" "set_root" (func $set_root (param i32) (result i32)))
  (import "event" "emit_event" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\81\00")
  (data (i32.const 340) "k")
  (data (i32.const 344) "v")
  (func (export "invoke") (param i32) (result i32)
    (local $method i64)
    (drop (call $context (i32.const 512)))
    (local.set $method (i64.load (i32.const 544)))
    (i32.store8 (i32.const 1) (i32.wrap_i64 (local.get $method)))
    (drop (call $create (i32.const 256) (i64.const 0x71) (i32.const 0) (i32.const 2)))
    (drop (call $link (i32.const 260) (i32.load (i32.const 256)) (i64.const 0xb220) (i32.const 32)
      (i32.const 600) (i32.const 100)))
    (if (call $set_root (i32.const 600)) (then (unreachable)))
    (i64.store (i32.const 300) (i64.const 3))
    (i64.store (i32.const 308) (i64.const 0x55))
    (i32.store (i32.const 316) (i32.const 1))
    (i32.store (i32.const 320) (i32.const 1))
    (if (call $emit (i32.const 300) (i32.const 1) (i32.const 340) (i32.const 1) (i32.const 344) (i32.const 1))
      (then (unreachable)))
    (if (i64.eq (local.get $method) (i64.const 9))
      (then (drop (call $exit (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i64.eq (local.get $method) (i64.const 8)) (then (unreachable)))
    (i32.load (i32.const 256))))"#;

/// Calls another actor, or a contract, as its parameters say: length of an address, the address, method (8 bytes, little-endian),
/// parameters. Keeps `[7]` as its state first, and answers what the other answered. When the other aborts, it aborts with the same
/// exit code and data; called by method 8, it answers nothing instead. Called like a contract, it finds the same in the call data.
pub(super) const PROXY: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_read" (func $read (param i32 i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (import "ipld" "block_link" (func $link (param i32 i32 i64 i32 i32 i32) (result i32)))
  (import "self" "set_root" (func $set_root (param i32) (result i32)))
  (import "send" "send" (func $send (param i32 i32 i32 i64 i32 i64 i64 i64 i64) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\81\07")
  (func (export "invoke") (param $params i32) (result i32)
    (local $at i32) (local $end i32) (local $block i32) (local $head i32)
    (drop (call $context (i32.const 512)))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 1)) (then (return (i32.const 0))))
    (if (call $read (i32.const 256) (local.get $params) (i32.const 0) (i32.const 1024) (i32.const 4096))
      (then (unreachable)))
    (local.set $end (i32.add (i32.const 5120) (i32.load (i32.const 256))))
    (local.set $at (i32.const 1024))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 3844450837))
      (then ;; the head of a CBOR byte string has one byte, or two from 24 on, or three
        (local.set $head (i32.and (i32.load8_u (i32.const 1024)) (i32.const 0x1f)))
        (local.set $at (i32.add (i32.const 1025)
          (select (i32.sub (local.get $head) (i32.const 23)) (i32.const 0) (i32.gt_u (local.get $head) (i32.const 23)))))))
    (drop (call $create (i32.const 256) (i64.const 0x71) (i32.const 0) (i32.const 2)))
    (drop (call $link (i32.const 260) (i32.load (i32.const 256)) (i64.const 0xb220) (i32.const 32)
      (i32.const 600) (i32.const 100)))
    (if (call $set_root (i32.const 600)) (then (unreachable)))
    (local.set $head (i32.load8_u (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (if (i32.lt_u (i32.add (i32.add (local.get $at) (local.get $head)) (i32.const 8)) (local.get $end))
      (then
        (drop (call $create (i32.const 256) (i64.const 0x51)
          (i32.add (i32.add (local.get $at) (local.get $head)) (i32.const 8))
          (i32.sub (local.get $end) (i32.add (i32.add (local.get $at) (local.get $head)) (i32.const 8)))))
        (local.set $block (i32.load (i32.const 256)))))
    (if (call $send (i32.const 700) (local.get $at) (local.get $head)
          (i64.load (i32.add (local.get $at) (local.get $head))) (local.get $block)
          (i64.load (i32.const 560)) (i64.load (i32.const 552)) (i64.const -1) (i64.const 0))
      (then (unreachable)))
    (if (i32.load (i32.const 700))
      (then
        (if (i64.eq (i64.load (i32.const 544)) (i64.const 8)) (then (return (i32.const 0))))
        (drop (call $exit (i32.load (i32.const 700)) (i32.load (i32.const 704)) (i32.const 0) (i32.const 0)))))
    (i32.load (i32.const 704))))"#;

/// Does with one of its entries what its method number says, from 16 on: two bits of what to do, two of the key, two of the value's
/// length. It sets (0), deletes (1), makes the value one byte longer, after three bytes empty again (2), or sets and aborts with 99 (3).
pub(super) const KEEPER_ACTOR: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
  (import "tributary" "entry_get" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "tributary" "entry_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "tributary" "entry_delete" (func $delete (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 256) "k")
  (data (i32.const 300) "vvvv")
  (func $ok (param i32) (if (local.get 0) (then (unreachable))))
  (func (export "invoke") (param i32) (result i32)
    (local $method i32) (local $do i32) (local $len i32)
    (drop (call $context (i32.const 512)))
    (local.set $method (i32.sub (i32.wrap_i64 (i64.load (i32.const 544))) (i32.const 16)))
    (if (i32.lt_s (local.get $method) (i32.const 0)) (then (return (i32.const 0))))
    (local.set $do (i32.and (i32.shr_u (local.get $method) (i32.const 4)) (i32.const 3)))
    (i32.store8 (i32.const 257) (i32.and (i32.shr_u (local.get $method) (i32.const 2)) (i32.const 3)))
    (local.set $len (i32.and (local.get $method) (i32.const 3)))
    (if (i32.eq (local.get $do) (i32.const 1))
      (then (call $ok (call $delete (i32.const 256) (i32.const 2))) (return (i32.const 0))))
    (if (i32.eq (local.get $do) (i32.const 2))
      (then
        (call $ok (call $get (i32.const 400) (i32.const 256) (i32.const 2) (i32.const 0) (i32.const 0)))
        (local.set $len (i32.and (i32.add (i32.load (i32.const 400)) (i32.const 1)) (i32.const 3)))))
    (call $ok (call $set (i32.const 256) (i32.const 2) (i32.const 300) (local.get $len)))
    (if (i32.eq (local.get $do) (i32.const 3))
      (then (drop (call $exit (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (i32.const 0)))"#;

pub(super) struct World {
    pub(super) store: Arc<MemoryStore>,
    pub(super) executor: Executor,
    pub(super) root: Cid,
    pub(super) height: Height,
    pub(super) supply: TokenAmount,
}

pub(super) fn key(seed: u8) -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[seed; 32]).unwrap()
}

/// Ethereum accounts.
pub(super) fn alice() -> SecpSecretKey {
    key(1)
}

pub(super) fn bob() -> SecpSecretKey {
    key(2)
}

/// An f1 account.
pub(super) fn carol() -> SecpSecretKey {
    key(3)
}

pub(super) fn code() -> Cid {
    raw_cid(&wat::parse_str(ACTOR).unwrap())
}

pub(super) fn proxy_code() -> Cid {
    raw_cid(&wat::parse_str(PROXY).unwrap())
}

pub(super) fn keeper_code() -> Cid {
    raw_cid(&wat::parse_str(KEEPER_ACTOR).unwrap())
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

/// An unsigned transaction that tips, with enough gas.
pub(super) fn unsigned(nonce: u64, to: Option<EthAddress>, value: u128, input: Vec<u8>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 10_000,
        max_priority_fee_per_gas: TIP,
        to: to.map_or(TxKind::Create, |to| TxKind::Call(EvmAddress::new(to.0))),
        value: U256::from(value),
        input: input.into(),
        ..TxEip1559::default()
    }
}

pub(super) fn sign(key: &SecpSecretKey, unsigned: TxEip1559) -> Transaction {
    Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, key)))
}

pub(super) fn send(key: &SecpSecretKey, nonce: u64, to: EthAddress, value: u128, input: Vec<u8>) -> Transaction {
    sign(key, unsigned(nonce, Some(to), value, input))
}

/// `authority`, at this nonce, delegates to `delegate` on the chain with this id (EIP-7702).
pub(super) fn authorize(
    authority: &SecpSecretKey,
    chain_id: u64,
    nonce: u64,
    delegate: EthAddress,
) -> SignedAuthorization {
    let authorization = Authorization { chain_id: U256::from(chain_id), address: EvmAddress::new(delegate.0), nonce };
    let signature = authority.sign(authorization.signature_hash().0);
    let part = |from: usize| U256::from_be_slice(&signature[from..from + 32]);
    SignedAuthorization::new_unchecked(authorization, signature[64], part(0), part(32))
}

/// `authority`, at its nonce, delegates to `delegate` (EIP-7702), and is called with `input`.
pub(super) fn set_code(
    key: &SecpSecretKey,
    nonce: u64,
    authority: (&SecpSecretKey, u64),
    delegate: EthAddress,
    input: Vec<u8>,
) -> Transaction {
    set_code_with(key, TxEip7702 { nonce, ..unsigned_set_code(authority, delegate, input) })
}

pub(super) fn set_code_with(key: &SecpSecretKey, unsigned: TxEip7702) -> Transaction {
    Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, key)))
}

pub(super) fn unsigned_set_code(
    (authority, nonce): (&SecpSecretKey, u64),
    delegate: EthAddress,
    input: Vec<u8>,
) -> TxEip7702 {
    TxEip7702 {
        chain_id: CHAIN_ID,
        gas_limit: 500_000,
        max_fee_per_gas: 10_000,
        to: EvmAddress::new(authority.eth_address().0),
        input: input.into(),
        authorization_list: vec![authorize(authority, CHAIN_ID, nonce, delegate)],
        ..TxEip7702::default()
    }
}

pub(super) fn message(
    key: &SecpSecretKey,
    nonce: u64,
    to: Address,
    method: u64,
    params: Vec<u8>,
    value: u128,
) -> Transaction {
    message_with(key, Message { gas_limit: FVM_GAS, ..unsigned_message(nonce, to, method, params, value) })
}

pub(super) fn message_with(key: &SecpSecretKey, message: Message) -> Transaction {
    Transaction::Fvm(Arc::new(FvmTransaction::sign(message, key, CHAIN_ID).unwrap()))
}

/// An account that sends messages, by the seed of its key.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    F1(u8),
    F3(u8),
    F410(u8),
}

impl Account {
    pub(super) fn address(self) -> Address {
        match self {
            Self::F1(seed) => key(seed).f1_address(),
            Self::F3(seed) => bls_key(seed).f3_address(),
            Self::F410(seed) => key(seed).eth_address().to_address(),
        }
    }

    /// A message with enough gas.
    pub(super) fn message(self, nonce: u64, to: Address, method: u64, params: Vec<u8>, value: u128) -> Transaction {
        self.sign(unsigned_message(nonce, to, method, params, value))
    }

    pub(super) fn sign(self, message: Message) -> Transaction {
        let signed = match self {
            Self::F1(seed) => FvmTransaction::sign(message, &key(seed), CHAIN_ID),
            Self::F3(seed) => FvmTransaction::sign_bls(message, &bls_key(seed), CHAIN_ID),
            Self::F410(seed) => FvmTransaction::sign_delegated(message, &key(seed), CHAIN_ID),
        };
        Transaction::Fvm(Arc::new(signed.unwrap()))
    }
}

fn bls_key(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_bytes(&[seed; 32]).unwrap()
}

pub(super) fn unsigned_message(nonce: u64, to: Address, method: u64, params: Vec<u8>, value: u128) -> Message {
    Message {
        version: 0,
        from: Address::new_id(0),
        to,
        sequence: nonce,
        value: atto(value),
        method_num: method,
        params: RawBytes::new(params),
        gas_limit: FVM_GAS,
        gas_fee_cap: atto(100),
        gas_premium: atto(1),
    }
}

/// Installs a module and makes an actor of it with `value`: carol's messages with nonces 0 and 1.
pub(super) fn install_and_make(wasm: &[u8], value: u128) -> [Transaction; 2] {
    let (init, install_code) = (Address::new_id(INIT_ID), 1_596_813_081);
    let install = unsigned_message(0, init, install_code, to_vec(&BytesSer(wasm)).unwrap(), 0);
    let exec = to_vec(&(raw_cid(wasm), RawBytes::default())).unwrap();
    [
        message_with(&carol(), Message { gas_limit: 1_000_000_000, ..install }),
        message(&carol(), 1, init, 2, exec, value),
    ]
}

/// Init code that makes a contract of `runtime`.
pub(super) fn init_code(runtime: &[u8]) -> Vec<u8> {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    let prefix = [0x61, length[0], length[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    [&prefix[..], runtime].concat()
}

/// Stores the second word of the call data at the slot that the first names, logs it, and reverts when there is more data.
pub(super) const KEEPER: &[u8] = &[
    0x60, 0x20, 0x35, 0x5f, 0x35, 0x55, // sstore(calldata[0], calldata[32])
    0x60, 0x20, 0x35, 0x5f, 0x52, 0x5f, 0x35, 0x60, 0x20, 0x5f, 0xa1, // log1(value, slot)
    0x60, 0x40, 0x36, 0x11, 0x60, 0x19, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd, // if calldatasize > 64 revert
];

pub(super) fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}

/// Calls the address that the first word of its call data names, with the rest of the data and the value it got. Counts in slot 0 the
/// calls that went well, and answers or reverts with what the other said.
pub(super) const FORWARDER: &[u8] = &[
    0x60, 0x20, 0x36, 0x03, 0x80, 0x60, 0x20, 0x5f, 0x37, // calldatacopy(0, 32, calldatasize - 32)
    0x5f, 0x5f, 0x82, 0x5f, 0x34, 0x5f, 0x35, 0x5a,
    0xf1, // call(gas, calldata[0], callvalue, 0, calldatasize - 32, 0, 0)
    0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x1c, 0x57, // returndatacopy(0, 0, returndatasize)
    0x3d, 0x5f, 0xfd, 0x5b, // unless it went well: revert(0, returndatasize)
    0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55, 0x3d, 0x5f,
    0xf3, // sstore(0, sload(0) + 1); return(0, returndatasize)
];

/// Hands its call data to `callee` by `opcode`, `0xf4` for delegatecall or `0xfa` for staticcall, and answers or reverts with what comes.
pub(super) fn handing_on(opcode: u8, callee: EthAddress) -> Vec<u8> {
    let head = [0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x73]; // calldatacopy(0, 0, calldatasize); (0, 0, calldatasize, 0)
    let tail = [0x5a, opcode, 0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x29, 0x57, 0x3d, 0x5f, 0xfd, 0x5b, 0x3d, 0x5f, 0xf3];
    [&head[..], &callee.0, &tail].concat()
}
