//! Calls that end when nobody waits for them any more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use alloy_primitives::Address as EvmAddress;
use fvm_ipld_encoding::{BytesSer, to_vec};
use fvm_shared::error::ExitCode;
use tributary_primitives::EthAddress;

use super::world::*;
use crate::evm::INVOKE_EVM;
use crate::kernel::QUERIES_MAX;
use crate::simulation::{SimulatedBlock, SimulatedCall, SimulationRejected};
use crate::{AccountOverride, CallRejected, CallRequest, EthereumCall, FvmCall, GasEstimate, Leash, Overrides};

/// JUMPDEST, and back to it.
const JUMPER: &[u8] = &[0x5b, 0x5f, 0x56];
/// Reads a slot and jumps 255 times.
const COUNTER: &[u8] = &[0x5f, 0x54, 0x50, 0x60, 0xff, 0x5b, 0x60, 0x01, 0x90, 0x03, 0x80, 0x60, 0x05, 0x57, 0x00];
/// Calls itself, and once that has ended, again.
const CALLER: &[u8] = &[
    0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x30, 0x5a, 0xf1, // call(gas, address, 0, 0, 0, 0, 0)
    0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x30, 0x5a, 0xf1,
];
/// Calls the precompiled contract that answers what it is asked.
const ASKER: &[u8] = &[0x5f, 0x5f, 0x5f, 0x5f, 0x60, 0x04, 0x5a, 0xfa, 0x50];

const CONTRACT: EthAddress = EthAddress([0x97; 20]);
const LENGTH: Duration = Duration::from_secs(5);
const GAS: u64 = 2_000_000;

/// A leash that is cut after so many looks, and how many there were.
fn cut_after(looks_max: u64) -> (Leash, Arc<AtomicU64>) {
    let looks = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&looks);
    (Leash::new(LENGTH, move || count.fetch_add(1, Ordering::Relaxed) >= looks_max), looks)
}

/// Where the contract has this code.
fn with_code(code: &[u8]) -> Overrides {
    let contract = AccountOverride { code: Some(code.to_vec()), ..AccountOverride::default() };
    Overrides { accounts: BTreeMap::from([(CONTRACT, contract)]), ..Overrides::default() }
}

fn call(to: EthAddress, input: Vec<u8>) -> EthereumCall {
    let from = alice().eth_address();
    EthereumCall { from, to: Some(to), input, gas_limit: Some(GAS), ..EthereumCall::default() }
}

#[test]
fn whatever_a_call_does_it_ends_when_nobody_waits_for_it() {
    const LOOKS: u64 = 500;
    let mut world = World::new();
    let (forwarder, proxy) = (world.deploy(0, FORWARDER), world.exec_code(0, proxy_code()));
    let invoked = to_vec(&BytesSer(&[])).unwrap();
    let contract = CONTRACT.to_address().to_bytes();
    let proxied =
        [&[u8::try_from(contract.len()).unwrap()][..], &contract, &INVOKE_EVM.to_le_bytes(), &invoked].concat();
    let masked = EvmAddress::new(EthAddress::from_actor_id(proxy.id().unwrap()).0);
    let forwarded = [&masked.into_word()[..], &proxied].concat();
    let direct = CallRequest::Ethereum(call(CONTRACT, Vec::new()));
    let message = FvmCall {
        from: carol().f1_address(),
        to: CONTRACT.to_address(),
        method: INVOKE_EVM,
        params: invoked,
        value: atto(0),
        gas_limit: Some(GAS * 500),
    };
    for (what, code, request) in [
        ("jumps", JUMPER.to_vec(), direct.clone()),
        ("calls itself", CALLER.to_vec(), direct.clone()),
        ("calls precompiled contracts", ASKER.repeat(1_000), direct),
        ("jumps below an actor", JUMPER.to_vec(), CallRequest::Ethereum(call(forwarder, forwarded))),
        ("jumps as a message has it", JUMPER.to_vec(), CallRequest::Fvm(message)),
    ] {
        let overrides = with_code(&code);
        let (leash, looks) = cut_after(LOOKS);
        assert_eq!(world.call_held(&overrides, &request, &leash), Err(CallRejected::CutOff(LENGTH)), "{what}");
        let looks = looks.load(Ordering::Relaxed);
        assert!((LOOKS..LOOKS + 100).contains(&looks), "{what}: it ended after {looks} looks");
        assert!(world.call_held(&overrides, &request, &Leash::default()).is_ok(), "{what}: its gas ends it too");
    }
}

#[test]
fn all_runs_that_answer_one_question_hang_on_one_leash() {
    let world = World::new();
    let (executor, env, overrides) = (&world.executor, world.env(), with_code(COUNTER));
    let (one, request) = (call(CONTRACT, Vec::new()), CallRequest::Ethereum(call(CONTRACT, Vec::new())));
    let (leash, looks) = cut_after(u64::MAX);
    assert_eq!(world.call_held(&overrides, &request, &leash).unwrap().exit_code, ExitCode::OK);
    let looks_of_one = looks.load(Ordering::Relaxed);
    // Long enough for one run, and too short for two.
    let half = || cut_after(looks_of_one + looks_of_one / 2).0;

    let cut_off = Some(CallRejected::CutOff(LENGTH));
    assert!(world.call_held(&overrides, &request, &half()).is_ok());
    let estimate = |leash: &Leash| executor.estimate_gas(|| world.open(), &env, &overrides, &request, leash).unwrap();
    assert_eq!(estimate(&half()).err(), cut_off);
    assert!(matches!(estimate(&Leash::default()), Ok(GasEstimate::Enough(_))));
    let list = |leash: &Leash| executor.access_list(|| world.open(), &env, &overrides, &one, leash).unwrap();
    assert_eq!(list(&half()).err(), cut_off);
    assert!(list(&Leash::default()).is_ok());

    for validation in [false, true] {
        let simulated =
            SimulatedCall { call: EthereumCall { max_fee_per_gas: 10_000, ..one.clone() }, ..SimulatedCall::default() };
        let block = |calls: usize| SimulatedBlock {
            env: env.clone(),
            accounts: overrides.accounts.clone(),
            calls: vec![simulated.clone(); calls],
            validation,
            trace_transfers: false,
            gas_max: 50_000_000,
            bytes_max: 1 << 20,
        };
        let simulate = |leash: &Leash, state, calls| executor.simulate(state, &block(calls), leash).unwrap();
        let open = || world.open().unwrap();
        assert_eq!(simulate(&half(), open(), 2).err(), Some(SimulationRejected::CutOff(LENGTH)), "in one block");
        let leash = half();
        let (after, _) = simulate(&leash, open(), 1).unwrap();
        assert_eq!(simulate(&leash, after, 1).err(), Some(SimulationRejected::CutOff(LENGTH)), "in two blocks");
    }
}

#[test]
fn a_leash_that_is_cut_lets_nothing_begin() {
    let world = World::new();
    let (cut, _) = cut_after(0);
    let nothing = SimulatedBlock {
        env: world.env(),
        accounts: BTreeMap::new(),
        calls: Vec::new(),
        validation: false,
        trace_transfers: false,
        gas_max: 0,
        bytes_max: 0,
    };
    let simulated = world.executor.simulate(world.open().unwrap(), &nothing, &cut).unwrap();
    assert_eq!(simulated.err(), Some(SimulationRejected::CutOff(LENGTH)));
    let request = CallRequest::Ethereum(call(bob().eth_address(), Vec::new()));
    let called = world.call_held(&Overrides::default(), &request, &cut);
    assert_eq!(called, Err(CallRejected::CutOff(LENGTH)));
}

#[test]
fn no_block_waits_for_calls_however_many_there_are() {
    let mut world = World::new();
    let contract = world.deploy(0, COUNTER);
    let (inside, over) = (Arc::new(AtomicU32::new(0)), Arc::new((Mutex::new(false), Condvar::new())));
    let request = CallRequest::Ethereum(call(contract, Vec::new()));
    // Its first look takes until it is over.
    let stuck = || {
        let (inside, over) = (Arc::clone(&inside), Arc::clone(&over));
        Leash::new(LENGTH, move || {
            inside.fetch_add(1, Ordering::Relaxed);
            let (is_over, told) = &*over;
            *told.wait_while(is_over.lock().unwrap(), |is_over| !*is_over).unwrap()
        })
    };
    let world = &world;
    std::thread::scope(|scope| {
        let (request, tell) = (&request, &over);
        let calls: Vec<_> = (0..QUERIES_MAX.get())
            .map(|_| stuck())
            .map(|leash| scope.spawn(move || world.call_held(&Overrides::default(), request, &leash)))
            .collect();
        while inside.load(Ordering::Relaxed) < QUERIES_MAX.get() {
            std::thread::yield_now();
        }
        let (told, ran) = mpsc::channel();
        scope.spawn(move || told.send(world.run(&[send(&alice(), 1, contract, 0, Vec::new())])).unwrap());
        let ran = ran.recv_timeout(Duration::from_secs(60));
        *tell.0.lock().unwrap() = true;
        tell.1.notify_all();
        assert!(ran.expect("no call ends before it").receipts[0].exit_code.is_success());
        for call in calls {
            assert_eq!(call.join().unwrap(), Err(CallRejected::CutOff(LENGTH)));
        }
    });
}
