//! Whatever a transaction does: with too little gas it leaves the state as it was, but for its fee and its nonce.
//!
//! | of | gas limits that are tried |
//! |---|---|
//! | a message | for each charge of its tracker the one that just holds it and the one below |
//! | an Ethereum transaction | each from 21,000 on, a unit of which is 500 of its tracker's, as long as there are [`EACH_MAX`]; else [`EVENLY`] of them |
//! | either | for each instruction of the EVM the one with which it is just done and the one below; and [`STEPS`], evenly, for what lies between |

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_consensus::TxEip1559;
use alloy_primitives::U256;
use fvm_ipld_encoding::{BytesSer, RawBytes, to_vec};
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_fvm::ReadState as _;
use tributary_genesis_code::SCRIPT_ENTRIES_ACTOR;
use tributary_message::Transaction;
use tributary_primitives::actors::{EAM_ID, INIT_ID};
use tributary_primitives::{EthAddress, raw_cid};
use tributary_script::{EventHeader, Op, Script};
use tributary_trials::laws::check_fees_alone;
use tributary_trials::world::{
    ETHEREUM_GAS, FVM_GAS, INVOKE_EVM, KEEPER, Who, World, call, create, ethereum, fvm, init_code, key, message, words,
};

use crate::actor::{self, NONCE, RAW, id, transfer};
use crate::{charges, instructions};

/// Gas limits tried of each transaction, evenly from next to nothing to one less than enough.
const STEPS: u64 = 64;

/// Most gas limits of an Ethereum transaction that are all tried: a call of an actor has fewer.
const EACH_MAX: u64 = 8_192;

/// Gas limits tried of an Ethereum transaction that has more, about.
const EVENLY: u64 = 1_024;

/// What every Ethereum transaction uses.
const TRANSACTION_GAS: u64 = 21_000;

/// A transaction with any gas limit.
enum WithGas {
    Message(Message),
    Ethereum(TxEip1559),
}

impl WithGas {
    const fn sender(&self) -> Who {
        match self {
            Self::Message(_) => Who::Carol,
            Self::Ethereum(_) => Who::Alice,
        }
    }

    fn limited(&self, gas_limit: u64) -> Transaction {
        match self {
            Self::Message(unsigned) => fvm(self.sender(), Message { gas_limit, ..unsigned.clone() }),
            Self::Ethereum(unsigned) => ethereum(self.sender(), TxEip1559 { gas_limit, ..unsigned.clone() }),
        }
    }

    /// Limits below what it uses with plenty of gas.
    fn limits(&self, what: &str, world: &World) -> BTreeSet<u64> {
        let run = |gas_limit| {
            let receipt = world.run(&[self.limited(gas_limit)]).receipts.remove(0);
            assert_eq!(receipt.exit_code, ExitCode::OK, "{what}");
            receipt
        };
        let (used, close) = match self {
            Self::Message(unsigned) => {
                let (plenty, mut used) = (plenty(), 0);
                let charges = charges::of(plenty, || used = run(plenty).fvm_gas_used);
                // A plain transfer that goes well needs no tracker.
                let is_all = charges.last().map_or(unsigned.method_num == METHOD_SEND, |last| *last == used);
                assert!(is_all, "{what}: its charges are all that it uses");
                (used, charges.into_iter().flat_map(|charged| [charged - 1, charged]).collect())
            }
            Self::Ethereum(_) => {
                let used = run(ETHEREUM_GAS).gas_used;
                let more = used - TRANSACTION_GAS;
                let step = if more <= EACH_MAX { 1 } else { more / EVENLY };
                let limits = (0..more).filter(|above| above.is_multiple_of(step)).map(|above| TRANSACTION_GAS + above);
                (used, limits.collect::<Vec<_>>())
            }
        };
        let done = |limit| instructions::done(world, &self.limited(limit));
        let even = (1..=STEPS).map(|step| used * step / STEPS - 1);
        close
            .into_iter()
            .chain(instructions::limits(done, 1, used))
            .chain(even)
            .map(|limit| limit.max(1))
            .filter(|limit| *limit < used)
            .collect()
    }
}

/// Gas for a message whose charges are asked for: another amount each time.
fn plenty() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(FVM_GAS + 1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Entries set, deleted and got, here and in a call.
fn entries() -> Vec<Op> {
    let set = |key: &[u8], value: &[u8]| Op::EntrySet { key: key.into(), value: value.into() };
    let get = |key: &[u8]| Op::EntryGet { key: key.into(), out_len: 8 };
    let above = actor::call(1, vec![set(b"k", b"above"), get(b"k")]);
    vec![set(b"k", b"new"), Op::EntryDelete(b"old".into()), Op::Send(above), set(b"l", &[7; 500]), get(b"l")]
}

/// A world where the first actor has an entry.
fn with_an_entry() -> World {
    let mut world = World::new();
    let set = Op::EntrySet { key: b"old".into(), value: b"old".into() };
    assert!(
        world.one(fvm(Who::Carol, tributary_trials::world::script(NONCE, id(0), vec![set]))).exit_code.is_success()
    );
    world
}

#[test]
fn entries_are_as_they_were_wherever_gas_runs_out() {
    let unsigned = tributary_trials::world::script(NONCE + 1, id(0), entries());
    let ended = walk_in(&with_an_entry(), "entries", &WithGas::Message(unsigned));
    assert!(ended.len() > 20 && ended.iter().all(|exit| *exit == ExitCode::SYS_OUT_OF_GAS), "{ended:?}");
}

/// Runs it with ever less gas; the exit code with which each fails, none for those that are skipped.
fn walk(what: &str, transaction: &WithGas) -> Vec<ExitCode> {
    walk_in(&World::new(), what, transaction)
}

fn walk_in(world: &World, what: &str, transaction: &WithGas) -> Vec<ExitCode> {
    let start = world.actors();
    let limits = transaction.limits(what, world);
    let limits = limits.into_iter();
    limits.filter_map(|limit| fails(what, world, &start, transaction.sender(), &transaction.limited(limit))).collect()
}

fn fails(
    what: &str,
    world: &World,
    start: &tributary_trials::world::Actors,
    sender: Who,
    transaction: &Transaction,
) -> Option<ExitCode> {
    let outcome = world.run(std::slice::from_ref(transaction));
    let receipt = &outcome.receipts[0];
    assert!(!receipt.exit_code.is_success(), "{what} goes well with less gas than it used");
    let after = world.actors_at(&outcome.state_root);
    check_fees_alone(world, sender, start, &after);
    assert!(receipt.events.is_empty() && receipt.contract.is_none(), "{what}");
    let nonce = world.nonce(sender);
    let now = world.tree_at(&outcome.state_root).nonce(&sender.address()).unwrap();
    assert_eq!(now, nonce + u64::from(!receipt.skipped), "{what}");
    (!receipt.skipped).then_some(receipt.exit_code)
}

fn nested() -> Vec<Op> {
    let headers = vec![EventHeader { flags: 3, codec: RAW, key_len: 1, value_len: 1 }];
    let event = Op::Emit { headers, keys: b"k".into(), values: b"v".into() };
    let to_new = Op::Send(transfer(&key(77).f1_address(), 5));
    let above = actor::call(1, vec![Op::Write(2), event.clone(), to_new]);
    vec![Op::Write(1), event, Op::Send(above), Op::Write(3)]
}

#[test]
fn a_message_with_too_little_gas_runs_out_of_it_and_changes_nothing() {
    let init = Address::new_id(INIT_ID);
    let value = |atto: u64| TokenAmount::from_atto(atto);
    let exec = to_vec(&(raw_cid(SCRIPT_ENTRIES_ACTOR), RawBytes::new(to_vec(&Script(nested())).unwrap()))).unwrap();
    let module = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#,
    );
    for (what, unsigned) in [
        ("a transfer", Message { value: value(5), ..message(NONCE, Who::Bob.address(), 0, vec![]) }),
        (
            "a transfer that makes an account",
            Message { value: value(5), ..message(NONCE, key(77).f1_address(), 0, vec![]) },
        ),
        (
            "a transfer that makes a placeholder",
            Message { value: value(5), ..message(NONCE, EthAddress([0xaa; 20]).to_address(), 0, vec![]) },
        ),
        ("calls in a call", tributary_trials::world::script(NONCE, id(0), nested())),
        ("an actor's end", tributary_trials::world::script(NONCE, id(0), vec![Op::SelfDestruct(true)])),
        // Its constructor pays from what it gets.
        ("a new actor", Message { value: value(9), ..message(NONCE, init, 2, exec) }),
        ("new code", message(NONCE, init, 1_596_813_081, to_vec(&BytesSer(&module.unwrap())).unwrap())),
    ] {
        let ended = walk(what, &WithGas::Message(unsigned));
        assert!(ended.len() > 5, "{what}: {} gas limits got as far as running", ended.len());
        assert!(ended.iter().all(|exit| *exit == ExitCode::SYS_OUT_OF_GAS), "{what}: {ended:?}");
    }
}

#[test]
fn an_ethereum_transaction_with_too_little_gas_changes_nothing() {
    let world = World::new();
    let (keeper, forwarder) = (world.names.contracts[0], world.names.contracts[1]);
    let masked = EthAddress::from_actor_id(id(1));
    let forwarded = |to: EthAddress, data: &[u8]| [&[0; 12][..], &to.0, data].concat();
    let script = to_vec(&Script(vec![Op::Write(2)])).unwrap();
    for (what, unsigned) in [
        ("a contract's store and log", call(2, keeper, words(&[1, 10]))),
        ("a new contract", create(2, init_code(KEEPER))),
        (
            "value to a new address",
            TxEip1559 { value: U256::from(5), ..call(2, forwarder, forwarded(EthAddress([0xaa; 20]), &[])) },
        ),
        ("a contract through another", call(2, forwarder, forwarded(keeper, &words(&[1, 10])))),
        // The one of which every limit is tried.
        ("an actor", call(2, masked, script.clone())),
        ("an actor through a contract", call(2, forwarder, forwarded(masked, &script))),
    ] {
        let ended = walk(what, &WithGas::Ethereum(unsigned));
        assert!(ended.len() > 5, "{what}: {} gas limits got as far as running", ended.len());
    }
}

#[test]
fn a_message_to_a_contract_with_too_little_gas_changes_nothing() {
    let world = World::new();
    let (keeper, forwarder) = (world.names.contracts[0], world.names.contracts[1]);
    let byte_string = |bytes: &[u8]| to_vec(&BytesSer(bytes)).unwrap();
    let forwarded = [&[0; 12][..], &keeper.0, &words(&[1, 10])].concat();
    for (what, unsigned) in [
        ("a contract", message(NONCE, keeper.to_address(), INVOKE_EVM, byte_string(&words(&[1, 10])))),
        ("a contract through another", message(NONCE, forwarder.to_address(), INVOKE_EVM, byte_string(&forwarded))),
        ("a new contract", message(NONCE, Address::new_id(EAM_ID), 4, byte_string(&init_code(KEEPER)))),
    ] {
        let ended = walk(what, &WithGas::Message(unsigned));
        assert!(ended.len() > 5, "{what}: {} gas limits got as far as running", ended.len());
    }
}
