//! What happens at the end of a block that nobody signed.

use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use tributary_message::Transaction;
use tributary_primitives::actors::{BuiltinActor, CRON_ID, SYSTEM_ID};
use tributary_primitives::{EthAddress, cbor_cid};

use super::world::*;
use crate::ReadState as _;
use crate::genesis::{CRON_ENTRIES_MAX, CronEntry, GenesisRejected, GenesisState, build_genesis_state};
use crate::state::MemoryStore;
use crate::{CallRequest, FvmCall};

const INVOKE_EVM: u64 = 3_844_450_837;
/// The id of the first actor that is made after genesis.
const FIRST_MADE: u64 = 104;

/// Adds one to slot 0.
const COUNTER: &[u8] = &[0x5f, 0x54, 0x60, 0x01, 0x01, 0x5f, 0x55, 0x00];
/// Stores one in slot 0, then goes round for ever.
const LOOP: &[u8] = &[0x60, 0x01, 0x5f, 0x55, 0x5b, 0x60, 0x04, 0x56];

fn entry(receiver: Address, method: u64) -> CronEntry {
    CronEntry { receiver, method }
}

/// The address of the contract that alice makes with this nonce.
fn alices(nonce: u64) -> EthAddress {
    let alice = revm::primitives::Address::new(alice().eth_address().0);
    EthAddress(alice.create(nonce).0.0)
}

fn calls(nonce: u64) -> CronEntry {
    entry(alices(nonce).to_address(), INVOKE_EVM)
}

fn deploy(nonce: u64, runtime: &[u8]) -> Transaction {
    sign(&alice(), unsigned(nonce, None, 0, init_code(runtime)))
}

#[test]
fn each_block_from_the_one_that_makes_it_calls_the_receiver_once() {
    let mut world = World::ticking(vec![calls(0)]);
    world.block(&[]);
    let receipts = world.block(&[deploy(0, COUNTER)]);
    assert_eq!((receipts.len(), world.stored(alices(0), 0).to::<u64>()), (1, 1), "and no receipt tells of it");
    for count in 2..5 {
        assert_eq!(world.block(&[]), []);
        assert_eq!(world.stored(alices(0), 0).to::<u64>(), count);
    }
    let tips = world.balance(PROPOSER);
    world.block(&[]);
    assert_eq!(world.balance(PROPOSER), tips, "nobody pays for it");
    assert_eq!(world.tree().nonce(&Address::new_id(SYSTEM_ID)).unwrap(), 0, "it takes no nonce");
}

#[test]
fn an_entry_sees_what_the_blocks_transactions_did() {
    let mut world = World::ticking(vec![entry(Address::new_id(FIRST_MADE), 5)]);
    let actor = world.exec(0);
    assert_eq!(actor, Address::new_id(FIRST_MADE));
    let state = |world: &World| world.tree().actor_at(&actor).unwrap().unwrap().1.state;
    assert_eq!(state(&world), cbor_cid(&[0x81, 5]), "the tick came after the constructor");
    assert_eq!(world.one(message(&carol(), 1, actor, 7, vec![], 0)).return_data, [0x81, 7]);
    assert_eq!(state(&world), cbor_cid(&[0x81, 5]));
}

#[test]
fn a_chain_that_lists_nobody_runs_nothing() {
    let world = World::new();
    assert_eq!(world.run(&[]).cron_gas_used, 0);
    let actor = world.tree().actor(CRON_ID).unwrap().unwrap();
    assert_eq!((actor.code, actor.state), (BuiltinActor::Cron.code(), cbor_cid(&[0x81, 0x80])));
}

#[test]
fn an_entry_that_fails_is_undone_and_the_others_run() {
    let made = Address::new_id(FIRST_MADE);
    let failing = [
        ("aborts", entry(made, 9)),
        ("traps", entry(made, 8)),
        ("is not there", entry(Address::new_id(9_999), 2)),
        ("has no name", entry(Address::new_actor(b"nobody"), 2)),
        ("is no actor that acts", entry(Address::new_id(100), 2)),
    ];
    for (what, bad) in failing {
        let mut world = World::ticking(vec![bad, calls(0)]);
        assert_eq!(world.exec(0), made);
        let before = world.tree().actor_at(&made).unwrap();
        world.block(&[deploy(0, COUNTER)]);
        assert_eq!(world.stored(alices(0), 0).to::<u64>(), 1, "{what}");
        assert_eq!(world.tree().actor_at(&made).unwrap(), before, "{what}");
    }
}

#[test]
fn an_entry_has_gas_of_its_own_and_no_more() {
    let mut world = World::ticking(vec![calls(0), calls(1), calls(0)]);
    world.block(&[deploy(0, LOOP), deploy(1, COUNTER)]);
    assert_eq!(world.stored(alices(0), 0).to::<u64>(), 0, "out of gas, and undone");
    assert_eq!(world.stored(alices(1), 0).to::<u64>(), 1);
    let outcome = world.run(&[]);
    let spent = outcome.cron_gas_used;
    assert!((2 * CRON_ENTRY_GAS..3 * CRON_ENTRY_GAS + 1_000_000).contains(&spent), "{spent}");
    assert_eq!(outcome.gas_used, 0, "beside the block's gas");
    assert_eq!(outcome, world.run(&[]), "the same block twice");
}

#[test]
fn sixteen_entries_that_never_end_leave_the_block_as_good_as_any() {
    let mut world = World::ticking(vec![calls(0); CRON_ENTRIES_MAX]);
    let receipts = world.block(&[deploy(0, LOOP)]);
    assert!(receipts[0].exit_code.is_success());
    assert_eq!(world.stored(alices(0), 0).to::<u64>(), 0);
}

#[test]
fn nobody_but_the_system_actor_makes_it_tick() {
    let mut world = World::ticking(vec![calls(0)]);
    world.block(&[deploy(0, COUNTER)]);
    let (cron, proxy) = (Address::new_id(CRON_ID), world.exec_code(0, proxy_code()));
    let through = [&[2, 0, 3][..], &2u64.to_le_bytes()].concat();
    for (what, to, method, params, exit_code) in [
        ("a message", cron, 2, vec![], ExitCode::USR_FORBIDDEN),
        ("with parameters", cron, 2, vec![0x80], ExitCode::USR_ILLEGAL_ARGUMENT),
        ("an actor", proxy, 5, through, ExitCode::USR_FORBIDDEN),
        ("the constructor", cron, 1, vec![0x81, 0x80], ExitCode::USR_UNHANDLED_MESSAGE),
        ("another method", cron, 3, vec![], ExitCode::USR_UNHANDLED_MESSAGE),
        ("an exported method", cron, INVOKE_EVM, vec![], ExitCode::USR_UNHANDLED_MESSAGE),
    ] {
        let before = world.stored(alices(0), 0).to::<u64>();
        let nonce = world.tree().nonce(&carol().f1_address()).unwrap();
        let receipt = world.one(message(&carol(), nonce, to, method, params, 0));
        assert_eq!(receipt.exit_code, exit_code, "{what}");
        assert_eq!(world.stored(alices(0), 0).to::<u64>(), before + 1, "the block's own tick: {what}");
    }
}

#[test]
fn a_question_in_the_system_actors_name_tries_the_tick_and_changes_nothing() {
    let mut world = World::ticking(vec![calls(0)]);
    world.block(&[deploy(0, COUNTER)]);
    let root = world.root;
    let call = FvmCall {
        from: Address::new_id(SYSTEM_ID),
        to: Address::new_id(CRON_ID),
        method: 2,
        params: vec![],
        value: atto(0),
        gas_limit: None,
    };
    let outcome = world.call(CallRequest::Fvm(call));
    assert_eq!((outcome.exit_code, outcome.return_data.len(), world.root), (ExitCode::OK, 0, root));
    assert!(outcome.fvm_gas_used > world.run(&[]).cron_gas_used, "it counts a message's own gas too");
}

/// Makes one more actor of [`code`] whenever it is called, but by its constructor.
fn maker() -> Vec<u8> {
    let params = to_vec(&(code(), RawBytes::default())).unwrap();
    let escaped: String = params.iter().map(|byte| format!("\\{byte:02x}")).collect();
    wat::parse_str(format!(
        r#"(module
        (import "vm" "message_context" (func $context (param i32) (result i32)))
        (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
        (import "send" "send" (func $send (param i32 i32 i32 i64 i32 i64 i64 i64 i64) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\00\01")
        (data (i32.const 16) "{escaped}")
        (func (export "invoke") (param i32) (result i32)
          (drop (call $context (i32.const 512)))
          (if (i64.eq (i64.load (i32.const 544)) (i64.const 1)) (then (return (i32.const 0))))
          (if (call $create (i32.const 256) (i64.const 0x51) (i32.const 16) (i32.const {length})) (then (unreachable)))
          (if (call $send (i32.const 700) (i32.const 0) (i32.const 2) (i64.const 2) (i32.load (i32.const 256))
                (i64.const 0) (i64.const 0) (i64.const -1) (i64.const 0)) (then (unreachable)))
          (if (i32.load (i32.const 700)) (then (unreachable)))
          (i32.const 0)))"#,
        length = params.len()
    ))
    .unwrap()
}

/// Deletes itself and burns what it holds when it is called, but by its constructor.
const LAST_WILL: &str = r#"(module
    (import "vm" "message_context" (func $context (param i32) (result i32)))
    (import "self" "self_destruct" (func $destroy (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "invoke") (param i32) (result i32)
      (drop (call $context (i32.const 512)))
      (if (i64.ne (i64.load (i32.const 544)) (i64.const 1))
        (then (if (call $destroy (i32.const 1)) (then (unreachable)))))
      (i32.const 0)))"#;

#[test]
fn actors_that_entries_make_get_addresses_of_their_own_in_every_block() {
    let mut world = World::ticking(vec![entry(Address::new_id(FIRST_MADE), 2); 2]);
    world.block(&install_and_make(&maker(), 0));
    world.block(&[]);
    let mut made = 0;
    world.tree().for_each_actor(|_, actor| made += u32::from(actor.code == code())).unwrap();
    assert_eq!(made, 4, "two entries in two blocks");
}

#[test]
fn what_an_entry_burns_is_burnt() {
    let mut world = World::ticking(vec![entry(Address::new_id(FIRST_MADE), 2)]);
    // The sum of all balances is checked with every block.
    let receipts = world.block(&install_and_make(&wat::parse_str(LAST_WILL).unwrap(), 90));
    let fees: u128 = receipts.iter().map(|receipt| u128::from(receipt.fvm_gas_used) * 2).sum();
    assert_eq!(world.tree().burnt().unwrap(), atto(fees + 90));
    assert!(world.tree().actor(FIRST_MADE).unwrap().is_none());
    world.block(&[]);
}

#[test]
fn genesis_lists_only_what_can_be_called_and_not_too_much_of_it() {
    let build = |cron| {
        let genesis = GenesisState { cron, ..GenesisState::default() };
        build_genesis_state(&MemoryStore::default(), &genesis).map(drop)
    };
    for good in [
        entry(Address::new_id(100), 2),
        entry(Address::new_actor(b"somebody"), 2),
        entry(EthAddress([7; 20]).to_address(), u64::MAX),
    ] {
        assert!(build(vec![good; CRON_ENTRIES_MAX]).is_ok());
    }
    for bad in [
        entry(Address::new_id(100), 0),
        entry(Address::new_id(100), 1),
        entry(Address::new_id(99), 2),
        entry(Address::new_delegated(10, &EthAddress::from_actor_id(100).0).unwrap(), 2),
        entry(carol().f1_address(), 2),
        entry(Address::new_bls(&[1; 48]).unwrap(), 2),
        entry(Address::new_delegated(11, &[7; 20]).unwrap(), 2),
    ] {
        let refused = build(vec![entry(Address::new_id(100), 2), bad.clone()]);
        assert!(matches!(refused, Err(GenesisRejected::BadCronEntry(entry)) if entry == bad), "{bad:?}");
    }
    let many = vec![entry(Address::new_id(100), 2); CRON_ENTRIES_MAX + 1];
    assert!(matches!(build(many), Err(GenesisRejected::TooManyCronEntries(17))));
}
