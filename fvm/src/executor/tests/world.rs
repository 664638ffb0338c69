//! A chain in memory, and hands to write transactions with.

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, TxKind, U256};
use cid::Cid;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::SecpSecretKey;
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::{EthAddress, Hash32, Height, raw_cid};

use crate::block::{BlockEnv, BlockOutcome, ExecutionParams};
use crate::genesis::{GenesisAccount, GenesisState, build_genesis_state};
use crate::receipt::Receipt;
use crate::state::{MemoryStore, StateTree};
use crate::{CallOutcome, CallRequest, Executor};

pub(super) const CHAIN_ID: u64 = 7;
pub(super) const BASE_FEE: u64 = 1_000;
pub(super) const TIP: u128 = 5;
pub(super) const RICH: u128 = 1_000_000_000_000_000_000;
pub(super) const PROPOSER: EthAddress = EthAddress([0xbb; 20]);
pub(super) const FVM_GAS: u64 = 100_000_000;

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

pub(super) fn atto(amount: u128) -> TokenAmount {
    TokenAmount::from_atto(amount)
}

impl World {
    pub(super) fn new() -> Self {
        let account = |address| GenesisAccount { address, balance: atto(RICH) };
        let genesis = GenesisState {
            chain_name: "test".into(),
            accounts: vec![
                account(alice().eth_address().to_address()),
                account(bob().eth_address().to_address()),
                account(carol().f1_address()),
            ],
            code: vec![wat::parse_str(ACTOR).unwrap()],
        };
        let store = Arc::new(MemoryStore::default());
        let root = build_genesis_state(&*store, &genesis).unwrap();
        let params = ExecutionParams { fvm_gas_per_gas: 500, genesis_supply: genesis.supply() };
        let executor = Executor::new(params).unwrap();
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
        self.executor.call(&self.store, &self.root, &self.env(), &call).unwrap()
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

    /// Makes an actor of the installed module; answers its id address.
    pub(super) fn exec(&mut self, nonce: u64) -> Address {
        let params = to_vec(&(code(), RawBytes::default())).unwrap();
        let receipt = self.one(message(&carol(), nonce, Address::new_id(INIT_ID), 2, params, 0));
        assert!(receipt.exit_code.is_success(), "{}", receipt.exit_code);
        let (id, _robust): (Address, Address) = fvm_ipld_encoding::from_slice(&receipt.return_data).unwrap();
        id
    }
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
