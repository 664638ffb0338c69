//! FVM messages, one law a test.

use fvm_ipld_blockstore::Blockstore as _;
use fvm_ipld_encoding::{BytesSer, RawBytes, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use multihash_codetable::{Code, MultihashDigest};
use tributary_message::Transaction;
use tributary_primitives::actors::{BURNT_FUNDS_ID, BuiltinActor, EAM_ID, INIT_ID};
use tributary_primitives::{EthAddress, cbor_cid, raw_cid};

use super::world::*;
use crate::ReadState as _;
use crate::evm::INVOKE_EVM;
use crate::fees;
use crate::{CallRequest, CodeInstaller, ExecutorFatal, FvmCall, GasEstimate, Overrides, StateFatal, StateTree};

fn state_of(world: &World, actor: &Address) -> cid::Cid {
    world.tree().actor_at(actor).unwrap().unwrap().1.state
}

#[test]
fn init_makes_an_actor_of_installed_code() {
    let mut world = World::new();
    let actor = world.exec(0);
    let (_, state) = world.tree().actor_at(&actor).unwrap().unwrap();
    assert_eq!((state.code, state.state), (code(), cbor_cid(&[0x81, 1])), "the constructor ran");
    let second = world.exec(1);
    assert_ne!(actor, second);
}

#[test]
fn init_refuses_code_that_is_not_installed() {
    let mut world = World::new();
    let params = to_vec(&(raw_cid(b"no module"), RawBytes::default())).unwrap();
    let receipt = world.one(message(&carol(), 0, Address::new_id(INIT_ID), 2, params, 0));
    assert_eq!((receipt.exit_code, receipt.return_data.len()), (ExitCode::USR_FORBIDDEN, 0));
}

/// A module that is none of genesis': the smallest actor there is.
const SMALLEST: &str =
    r#"(module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#;

/// The number of an exported method. Source: FRC-0042.
fn method(name: &str) -> u64 {
    let hash = Code::Blake2b512.digest(format!("1|{name}").as_bytes());
    let mut numbers = hash.digest().chunks_exact(4).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
    numbers.find(|number| *number >= 1 << 24).unwrap().into()
}

fn install(key: &tributary_crypto::SecpSecretKey, nonce: u64, wasm: &[u8]) -> Transaction {
    let params = to_vec(&BytesSer(wasm)).unwrap();
    let unsigned = unsigned_message(nonce, Address::new_id(INIT_ID), method("InstallCode"), params, 0);
    message_with(key, Message { gas_limit: 1_000_000_000, ..unsigned })
}

#[test]
fn code_that_a_user_installs_makes_actors_in_the_same_block_and_in_later_ones() {
    let mut world = World::new();
    let wasm = wat::parse_str(SMALLEST).unwrap();
    let (code, exec) = (raw_cid(&wasm), |nonce| {
        let params = to_vec(&(raw_cid(&wasm), RawBytes::default())).unwrap();
        message(&carol(), nonce, Address::new_id(INIT_ID), 2, params, 0)
    });
    let receipts = world.block(&[exec(0), install(&carol(), 1, &wasm), exec(2)]);
    let exits: Vec<_> = receipts.iter().map(|receipt| receipt.exit_code).collect();
    assert_eq!(exits, [ExitCode::USR_FORBIDDEN, ExitCode::OK, ExitCode::OK]);
    assert_eq!(receipts[1].return_data, to_vec(&(code, true)).unwrap());
    let price = 70_000 * u64::try_from(wasm.len()).unwrap();
    assert!(receipts[1].fvm_gas_used > price, "compiling is paid");

    let again = world.one(install(&carol(), 3, &wasm));
    assert_eq!(again.return_data, to_vec(&(code, false)).unwrap());
    assert!(again.fvm_gas_used < receipts[1].fvm_gas_used - price, "and paid once");
    let (id, _robust): (Address, Address) = from_slice(&world.one(exec(4)).return_data).unwrap();
    assert_eq!(world.tree().actor_at(&id).unwrap().unwrap().1.code, code);
}

#[test]
fn a_module_that_is_no_actors_code_is_refused_by_the_rule_it_breaks_and_nothing_is_installed() {
    let world = World::new();
    let memory = r#"(memory (export "memory") 1)"#;
    let invoke = r#"(func (export "invoke") (param i32) (result i32) (i32.const 0))"#;
    let module = |parts: &[&str]| wat::parse_str(format!("(module {})", parts.concat())).unwrap();
    for (exit_code, wasm) in [
        (34, vec![]),
        (34, vec![1, 2, 3]),
        (34, module(&[memory, invoke, "(func (result v128) (v128.const i64x2 0 0))"])),
        (38, module(&[memory, invoke, "(func", &" (local i32)".repeat(8_193), ")"])),
        (39, module(&[r#"(import "env" "memory" (memory 1))"#, invoke])),
        (40, module(&[r#"(import "env" "print" (func))"#, memory, invoke])),
        (41, module(&[r#"(import "vm" "exit" (func))"#, memory, invoke])),
        (42, module(&[memory, "(func)"])),
        (42, module(&[invoke])),
        (43, module(&[memory, r#"(func (export "invoke"))"#])),
        (44, module(&[memory, invoke, "(func $start) (start $start)"])),
        (45, module(&[r#"(memory (export "memory") 8193)"#, invoke])),
    ] {
        let outcome = world.run(&[install(&carol(), 0, &wasm)]);
        assert_eq!(outcome.receipts[0].exit_code, ExitCode::new(exit_code), "{} bytes", wasm.len());
        assert!(outcome.receipts[0].return_data.is_empty());
        let code = raw_cid(&wasm);
        assert!(world.store.get(&code).unwrap().is_none(), "{code} is no block of state");
    }
}

/// What a message uses beside its inclusion.
fn used_for_itself(world: &World, sent: Transaction) -> (ExitCode, u64) {
    let Transaction::Fvm(signed) = &sent else { panic!("it is a message") };
    let inclusion = fees::inclusion(signed.message().from.protocol(), signed.raw().len()).round_up();
    let receipt = world.run(&[sent]).receipts.remove(0);
    (receipt.exit_code, receipt.fvm_gas_used - inclusion)
}

#[test]
fn parameters_of_a_built_in_actor_are_paid_by_the_byte_and_what_more_is_done_with_them_too() {
    let mut world = World::new();
    let idle = world.deploy(0, &[0x00]);
    let data = "a".repeat(5_000);
    let wasm = wat::parse_str(SMALLEST.replace("(func", &format!("(data (i32.const 0) \"{data}\") (func"))).unwrap();
    assert!(world.one(install(&carol(), 0, &wasm)).exit_code.is_success());
    let (init, eam) = (Address::new_id(INIT_ID), Address::new_id(EAM_ID));
    let length = u64::try_from(wasm.len()).unwrap();
    let is_installed = to_vec(&(raw_cid(&wasm), false)).unwrap().len();
    // Named by its hash, and looked for in two blocks; what is returned to the chain costs 1,300 a byte.
    let again = 10 * length + 2 * 187_740 + 1_300 * u64::try_from(is_installed).unwrap();
    for (what, to, method, params, exit_code, more) in [
        ("a contract that stops", idle.to_address(), INVOKE_EVM, vec![1; 5_000], ExitCode::OK, 1_300),
        ("init code that is too long", eam, 4, vec![0; 49_153], ExitCode::USR_ILLEGAL_ARGUMENT, 0),
        ("a method that nobody has", init, 77, vec![1; 5_000], ExitCode::USR_UNHANDLED_MESSAGE, 0),
        ("code that is installed", init, method("InstallCode"), wasm, ExitCode::OK, again),
    ] {
        let params = to_vec(&BytesSer(&params)).unwrap();
        let bytes = u64::try_from(params.len()).unwrap();
        let used = used_for_itself(&world, message(&carol(), 1, to, method, params, 0));
        assert_eq!(used, (exit_code, 75_000 + 10 * bytes + more), "{what}");
    }
}

#[test]
fn a_chain_says_who_may_install() {
    let wasm = wat::parse_str(SMALLEST).unwrap();
    let id_of = |world: &World, key: &tributary_crypto::SecpSecretKey| {
        world.tree().resolve(&key.f1_address()).unwrap().unwrap()
    };
    let carols = id_of(&World::new(), &carol());
    for (installer, exit_code) in [
        (CodeInstaller::Nobody, ExitCode::USR_FORBIDDEN),
        (CodeInstaller::Actor(carols + 1), ExitCode::USR_FORBIDDEN),
        (CodeInstaller::Actor(carols), ExitCode::OK),
        (CodeInstaller::Anyone, ExitCode::OK),
    ] {
        let world = World::ruled_by(installer);
        assert_eq!(world.run(&[install(&carol(), 0, &wasm)]).receipts[0].exit_code, exit_code, "{installer:?}");
    }
}

#[test]
fn an_actor_is_called_and_what_it_emits_and_returns_is_in_the_receipt() {
    let mut world = World::new();
    let actor = world.exec(0);
    let receipt = world.one(message(&carol(), 1, actor, 5, Vec::new(), 30));
    assert_eq!((receipt.exit_code, &receipt.return_data[..]), (ExitCode::OK, &[0x81, 5][..]));
    assert_eq!(receipt.events[0].emitter, actor.id().unwrap());
    assert_eq!(receipt.events[0].address, EthAddress::from_actor_id(actor.id().unwrap()));
    assert_eq!((state_of(&world, &actor), world.balance(actor)), (cbor_cid(&[0x81, 5]), 30));
    assert_eq!(receipt.gas_used, receipt.fvm_gas_used.div_ceil(500));
}

#[test]
fn an_abort_and_a_trap_leave_the_state_as_it_was_but_for_fee_and_nonce() {
    let mut world = World::new();
    let actor = world.exec(0);
    for (nonce, method, exit_code) in [(1, 9, ExitCode::new(99)), (2, 8, ExitCode::SYS_ILLEGAL_INSTRUCTION)] {
        let (before, burnt) = (world.balance(carol().f1_address()), world.balance(Address::new_id(BURNT_FUNDS_ID)));
        let tips = world.balance(PROPOSER);
        let receipt = world.one(message(&carol(), nonce, actor, method, Vec::new(), 30));
        assert_eq!((receipt.exit_code, receipt.events.len()), (exit_code, 0), "method {method}");
        assert_eq!((state_of(&world, &actor), world.balance(actor)), (cbor_cid(&[0x81, 1]), 0));
        let gas = u128::from(receipt.fvm_gas_used);
        assert_eq!(receipt.effective_gas_price, atto(3), "base fee 1000 / 500, premium 1");
        assert_eq!(world.balance(carol().f1_address()), before - gas * 3);
        assert_eq!(world.balance(Address::new_id(BURNT_FUNDS_ID)), burnt + gas * 2);
        assert_eq!(world.balance(PROPOSER), tips + gas);
        assert_eq!(world.tree().nonce(&carol().f1_address()).unwrap(), nonce + 1);
    }
}

#[test]
fn value_makes_the_account_of_a_key_and_the_placeholder_of_an_ethereum_address() {
    let mut world = World::new();
    let (new_key, new_eth) = (key(40).f1_address(), key(41).eth_address());
    let receipts = world.block(&[
        message(&carol(), 0, new_key, 0, Vec::new(), 20_000_000_000),
        message(&carol(), 1, new_eth.to_address(), 0, Vec::new(), 9),
        message(&carol(), 2, Address::new_actor(b"nobody"), 0, Vec::new(), 9),
    ]);
    let codes: Vec<_> = receipts.iter().map(|receipt| receipt.exit_code).collect();
    assert_eq!(codes, [ExitCode::OK, ExitCode::OK, ExitCode::SYS_INVALID_RECEIVER]);
    let (id, account) = world.tree().actor_at(&new_key).unwrap().unwrap();
    let (next, placeholder) = world.tree().actor_at(&new_eth.to_address()).unwrap().unwrap();
    assert_eq!((account.code, placeholder.code), (BuiltinActor::Account.code(), BuiltinActor::Placeholder.code()));
    assert_eq!((next, world.balance(new_eth)), (id + 1, 9));
    let back = world.one(message(&key(40), 0, carol().f1_address(), 0, Vec::new(), 1));
    assert_eq!(back.exit_code, ExitCode::OK, "the new account sends");
}

#[test]
fn what_may_not_run_is_skipped_for_its_own_reason() {
    let world = World::new();
    let good = || unsigned_message(0, Address::new_id(100), 0, Vec::new(), 1);
    let unchanged = world.run(&[]).state_root;
    for (what, transaction, reason) in [
        ("no account", message_with(&key(50), good()), ExitCode::SYS_SENDER_INVALID),
        ("nonce", message_with(&carol(), Message { sequence: 1, ..good() }), ExitCode::SYS_SENDER_STATE_INVALID),
        ("funds", message_with(&carol(), Message { value: atto(RICH), ..good() }), ExitCode::SYS_SENDER_STATE_INVALID),
        (
            "fee cap",
            message_with(&carol(), Message { gas_fee_cap: atto(1), ..good() }),
            ExitCode::SYS_SENDER_STATE_INVALID,
        ),
        (
            "inclusion",
            message_with(&carol(), Message { gas_limit: 500_000, ..good() }),
            ExitCode::SYS_SENDER_STATE_INVALID,
        ),
        (
            "block",
            message_with(&carol(), Message { gas_limit: 15_000_000_001, ..good() }),
            ExitCode::SYS_SENDER_STATE_INVALID,
        ),
    ] {
        let outcome = world.run(&[transaction]);
        assert!(outcome.receipts[0].skipped, "{what}");
        assert_eq!(outcome.receipts[0].exit_code, reason, "{what}");
        assert_eq!(outcome.state_root, unchanged, "{what}");
    }
}

#[test]
fn with_less_and_less_gas_the_message_runs_out_of_it_and_changes_nothing() {
    let mut world = World::new();
    let actor = world.exec(0);
    let with =
        |gas_limit| message_with(&carol(), Message { gas_limit, ..unsigned_message(1, actor, 5, Vec::new(), 3) });
    let used = world.run(&[with(FVM_GAS)]).receipts[0].fvm_gas_used;
    for gas_limit in (750_000..used).rev().step_by(61_001) {
        let outcome = world.run(&[with(gas_limit)]);
        let receipt = &outcome.receipts[0];
        let after = StateTree::load(std::sync::Arc::clone(&world.store), &outcome.state_root).unwrap();
        assert_eq!((receipt.exit_code, receipt.fvm_gas_used), (ExitCode::SYS_OUT_OF_GAS, gas_limit));
        assert_eq!(after.actor_at(&actor).unwrap(), world.tree().actor_at(&actor).unwrap(), "{gas_limit}");
        assert!(receipt.events.is_empty());
    }
    assert_eq!(world.run(&[with(used)]).receipts[0].exit_code, ExitCode::OK);
}

#[test]
fn an_estimate_for_a_message_is_enough_once_it_is_signed() {
    let mut world = World::new();
    let actor = world.exec(0);
    let call = FvmCall {
        from: carol().f1_address(),
        to: actor,
        method: 5,
        params: Vec::new(),
        value: atto(1),
        gas_limit: None,
    };
    let request = CallRequest::Fvm(call);
    let outcome = world.call(request.clone());
    assert_eq!((outcome.exit_code, &outcome.return_data[..]), (ExitCode::OK, &[0x81, 5][..]));
    let estimate = world.estimate(&Overrides::default(), &request);
    let GasEstimate::Enough(gas_limit) = estimate else { panic!("{estimate:?}") };
    let signed = message_with(&carol(), Message { gas_limit, ..unsigned_message(1, actor, 5, Vec::new(), 1) });
    assert_eq!(world.one(signed).exit_code, ExitCode::OK);
}

#[test]
fn a_missing_block_of_state_stops_the_node_and_is_never_a_receipt() {
    let mut world = World::new();
    let actor = world.exec(0);
    let root = world.root;
    assert!(world.store.remove(&code()));
    let fresh = crate::Executor::new(world.executor.params().clone(), None).unwrap();
    let call = message(&carol(), 1, actor, 5, Vec::new(), 0);
    let failed = fresh.execute_block(&world.store, &root, &world.env(), &[call]).unwrap_err();
    assert!(failed.to_string().contains(&code().to_string()), "{failed}");
    world.store.remove(&root);
    let failed = fresh.execute_block(&world.store, &root, &world.env(), &[]).unwrap_err();
    assert!(matches!(failed, ExecutorFatal::State(StateFatal::Missing(cid)) if *cid == root));
}

/// What the proxy is told: to send value with method 0.
fn paying(to: &Address) -> Vec<u8> {
    let to = to.to_bytes();
    [&[u8::try_from(to.len()).unwrap()][..], &to, &0u64.to_le_bytes()].concat()
}

/// Prices as in the reference: 500,000 for a look-up, 475,000 for an update, each once a message.
#[test]
fn an_actor_pays_to_look_up_and_to_update_whom_it_pays() {
    let mut world = World::new();
    let proxy = world.exec_code(0, proxy_code());
    let bob = Address::new_id(world.tree().resolve(&bob().eth_address().to_address()).unwrap().unwrap());
    let origin = Address::new_id(world.tree().resolve(&carol().f1_address()).unwrap().unwrap());
    let gas = |to: &Address, value| {
        let receipt = world.run(&[message(&carol(), 1, proxy, 5, paying(to), value)]).receipts.remove(0);
        assert_eq!(receipt.exit_code, ExitCode::OK);
        receipt.fvm_gas_used
    };
    assert_eq!(gas(&bob, 0) - gas(&origin, 0), 500_000, "a look-up");
    assert_eq!(gas(&bob, 7) - gas(&origin, 7), 975_000, "a look-up and an update");
    assert_eq!(gas(&Address::new_id(BURNT_FUNDS_ID), 7), gas(&origin, 7), "nobody pays for actors always at hand");
}

#[test]
fn making_a_placeholder_costs_its_storage_its_address_its_look_up_and_its_update() {
    let mut world = World::new();
    let pay = |nonce, to: EthAddress| message(&carol(), nonce, to.to_address(), 0, Vec::new(), 5);
    let (old, new) = (bob().eth_address(), key(41).eth_address());
    let receipts = world.block(&[pay(0, old), pay(1, new)]);
    // The one that is there is looked up with the message; both are updated.
    let made = 650_000 + 1_050_000 + 1_000_000 + 500_000;
    assert_eq!(receipts[1].fvm_gas_used - receipts[0].fvm_gas_used, made);
}

#[test]
fn the_zero_bls_key_gets_no_account() {
    let mut world = World::new();
    let mut point_at_infinity = [0; 48];
    point_at_infinity[0] = 0xc0;
    let zero = Address::new_bls(&point_at_infinity).unwrap();
    let receipt = world.one(message(&carol(), 0, zero, 0, Vec::new(), 5));
    assert_eq!(receipt.exit_code, ExitCode::SYS_ASSERTION_FAILED);
    assert_eq!(world.tree().resolve(&zero).unwrap(), None);
}
