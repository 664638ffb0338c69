//! Blocks of calls that are forgotten.

use alloy_primitives::{Address as EvmAddress, U256};
use fvm_shared::error::ExitCode;
use tributary_primitives::{EthAddress, Hash32};

use super::world::*;
use crate::block::BlockEnv;
use crate::evm::TRANSACTION_GAS_MAX;
use crate::receipt::Event;
use crate::simulation::{
    CallInvalid, Simulated, SimulatedBlock, SimulatedCall, SimulationRejected, TOKEN_ADDRESS, TRANSFER_TOPIC,
};
use crate::{AccountOverride, AccountOverrides, EthereumCall, Leash, State};

/// Answers the slot that the first word of its call data names.
const READER: &[u8] = &[0x5f, 0x35, 0x54, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
/// Answers the balance of the address in the first word of its call data.
const BALANCE: &[u8] = &[0x5f, 0x35, 0x31, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
/// Answers the hash of the block whose number is the first word of its call data.
const BLOCK_HASH: &[u8] = &[0x5f, 0x35, 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// Answers with 98,560 bytes of zero, for little gas.
const LARGE: &[u8] = &[0x62, 0x01, 0x81, 0x00, 0x5f, 0xf3];
/// Reverts with 1,000 bytes of zero.
const REVERTS: &[u8] = &[0x61, 0x03, 0xe8, 0x5f, 0xfd];

/// Takes as much memory as its call data says, in bytes.
const HUNGRY: &[u8] = &[0x5f, 0x35, 0x51, 0x00];

const SOMEONE: EthAddress = EthAddress([0x99; 20]);

fn block(env: BlockEnv, calls: Vec<SimulatedCall>) -> SimulatedBlock {
    let env = BlockEnv { base_fee: 0, ..env };
    let accounts = AccountOverrides::new();
    let (gas_max, bytes_max) = (50_000_000, 1 << 20);
    SimulatedBlock { env, accounts, calls, validation: false, trace_transfers: false, gas_max, bytes_max }
}

fn validated(env: BlockEnv, calls: Vec<SimulatedCall>) -> SimulatedBlock {
    SimulatedBlock { env: env.clone(), validation: true, ..block(env, calls) }
}

fn with_code(block: SimulatedBlock, address: EthAddress, code: &[u8]) -> SimulatedBlock {
    let wanted = AccountOverride { code: Some(code.to_vec()), ..AccountOverride::default() };
    SimulatedBlock { accounts: AccountOverrides::from([(address, wanted)]), ..block }
}

/// A call of alice's that pays.
fn call(to: EthAddress, value: u128, input: Vec<u8>) -> SimulatedCall {
    let call = EthereumCall {
        from: alice().eth_address(),
        to: Some(to),
        value: atto(value),
        input,
        gas_limit: Some(1_000_000),
        max_fee_per_gas: 10_000,
        max_priority_fee_per_gas: TIP,
        ..EthereumCall::default()
    };
    SimulatedCall { call, nonce: None }
}

fn run(world: &World, state: State, block: &SimulatedBlock) -> Result<(State, Vec<Simulated>), SimulationRejected> {
    world.executor.simulate(state, block, &Leash::default()).unwrap()
}

fn first(world: &World, block: &SimulatedBlock) -> Result<Vec<Simulated>, SimulationRejected> {
    run(world, world.open().unwrap(), block).map(|(_, done)| done)
}

fn address_word(address: EthAddress) -> Vec<u8> {
    EvmAddress::new(address.0).into_word().to_vec()
}

#[test]
fn each_call_finds_what_those_before_it_did_in_its_block_and_in_earlier_ones() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let blocks = world.store.blocks().len();
    let stores = block(world.env(), vec![call(keeper, 0, words(&[1, 10])), call(keeper, 0, words(&[1, 11]))]);
    let (state, done) = run(&world, world.open().unwrap(), &stores).unwrap();
    assert_eq!(
        done.iter().map(|one| (one.nonce, one.outcome.exit_code)).collect::<Vec<_>>(),
        [(1, ExitCode::OK), (2, ExitCode::OK)]
    );
    assert!(done[1].outcome.gas_used < done[0].outcome.gas_used, "the slot is not empty any more");
    let next = BlockEnv { height: world.env().height.next(), previous_hash: Hash32([0x77; 32]), ..world.env() };
    let reads = with_code(block(next.clone(), vec![call(keeper, 0, words(&[1]))]), keeper, READER);
    let (state, done) = run(&world, state, &reads).unwrap();
    assert_eq!((done[0].nonce, &done[0].outcome.return_data), (3, &words(&[11])));
    let hashes = with_code(
        block(
            BlockEnv { height: next.height.next(), ..next },
            vec![call(SOMEONE, 0, words(&[2])), call(SOMEONE, 0, words(&[1]))],
        ),
        SOMEONE,
        BLOCK_HASH,
    );
    let (mut state, done) = run(&world, state, &hashes).unwrap();
    assert_eq!(done[0].outcome.return_data, [0x77; 32], "a simulated block's");
    assert_eq!(done[1].outcome.return_data, [0x11; 32], "the chain's");
    assert!(state.flush().is_err(), "a draft");
    assert_eq!((world.store.blocks().len(), world.stored(keeper, 1)), (blocks, U256::ZERO));
}

#[test]
fn the_gas_that_a_call_needs_is_told_beside_what_it_pays_for() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let (sets, clears) = (call(keeper, 0, words(&[1, 10])), call(keeper, 0, words(&[1, 0])));
    let long = call(SOMEONE, 0, vec![1; 1_000]);
    let told = |calls: &[&SimulatedCall]| {
        let done = first(&world, &block(world.env(), calls.iter().map(|call| (*call).clone()).collect())).unwrap();
        done.iter().map(|one| (one.max_gas_used, one.outcome.gas_used)).collect::<Vec<_>>()
    };
    let gas = told(&[&sets, &clears, &long]);
    assert_eq!(gas[0].0, gas[0].1);
    assert_eq!(gas[1].0 - gas[1].1, 4_800, "what comes back for an emptied slot (EIP-3529)");
    assert_eq!(gas[2], (61_000, 61_000), "40 for each byte at least (EIP-7623)");
    for (less, is_enough) in [(0, true), (1, false)] {
        let gas_limit = Some(gas[1].0 - less);
        let tight = SimulatedCall { call: EthereumCall { gas_limit, ..clears.call.clone() }, ..clears.clone() };
        let done = first(&world, &block(world.env(), vec![sets.clone(), tight])).unwrap();
        assert_eq!(done[1].outcome.exit_code.is_success(), is_enough);
    }
}

#[test]
fn a_contract_is_made_and_called() {
    let world = World::new();
    let made = EthAddress(EvmAddress::new(alice().eth_address().0).create(0).0.0);
    let create = SimulatedCall {
        call: EthereumCall { to: None, ..call(SOMEONE, 0, init_code(KEEPER)).call },
        ..call(SOMEONE, 0, vec![])
    };
    let done = first(&world, &block(world.env(), vec![create, call(made, 0, words(&[1, 10]))])).unwrap();
    assert_eq!((done[0].contract, done[0].outcome.return_data.as_slice()), (Some(made), KEEPER), "its code");
    assert_eq!((done[1].outcome.events.len(), done[1].outcome.events[0].address), (1, made));
}

#[test]
fn an_authorization_takes_effect_and_stays_for_the_calls_after_it() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let (name, input) = (bob().eth_address(), words(&[1, 10]));
    let later = call(name, 0, input.clone());
    let authorizations = vec![authorize(&bob(), CHAIN_ID, 0, keeper)];
    let sets = SimulatedCall { call: EthereumCall { authorizations, ..later.call.clone() }, ..later.clone() };
    let as_transaction = world.run(&[set_code(&alice(), 1, (&bob(), 0), keeper, input)]).receipts.remove(0);
    let calls = vec![sets, later];
    for block in [block(world.env(), calls.clone()), validated(world.env(), calls)] {
        let done = first(&world, &block).unwrap();
        assert_eq!(done[0].outcome.gas_used, as_transaction.gas_used);
        assert!(done.iter().all(|one| one.outcome.events[0].address == name), "{done:?}");
    }
}

#[test]
fn without_validation_nobody_pays_and_any_nonce_will_do() {
    let world = World::new();
    let any = SimulatedCall { nonce: Some(77), ..call(SOMEONE, 5, vec![]) };
    let poor = EthereumCall { from: SOMEONE, value: atto(5), ..call(bob().eth_address(), 0, vec![]).call };
    let poor = SimulatedCall { call: poor, nonce: None };
    let done = first(&world, &block(world.env(), vec![any, poor])).unwrap();
    assert_eq!((done[0].nonce, done[1].nonce), (77, 0));
    assert_eq!((done[0].outcome.gas_used, done[1].outcome.exit_code), (21_000, ExitCode::OK));
}

#[test]
fn with_validation_gas_is_paid_for_burnt_and_tipped_as_in_a_block() {
    let world = World::new();
    let pays = validated(world.env(), vec![call(SOMEONE, 5, vec![])]);
    let (state, done) = run(&world, world.open().unwrap(), &pays).unwrap();
    assert_eq!(done[0].outcome.gas_used, 21_000);
    let next = BlockEnv { height: world.env().height.next(), ..world.env() };
    let asks = [PROPOSER, alice().eth_address(), EthAddress::from_actor_id(99)];
    let asks = with_code(
        block(next, asks.iter().map(|whose| call(EthAddress([0x98; 20]), 0, address_word(*whose))).collect()),
        EthAddress([0x98; 20]),
        BALANCE,
    );
    let (_, done) = run(&world, state, &asks).unwrap();
    let told: Vec<_> =
        done.iter().map(|one| u128::try_from(U256::from_be_slice(&one.outcome.return_data)).unwrap()).collect();
    assert_eq!(told, [21_000 * TIP, RICH - 5 - 21_000 * 1_005, 21_000 * 1_000]);
}

#[test]
fn what_may_not_run_is_told_apart() {
    let world = World::new();
    let sender = alice().eth_address();
    let good = || call(SOMEONE, 5, vec![]);
    let with_gas = |gas| SimulatedCall { call: EthereumCall { gas_limit: Some(gas), ..good().call }, ..good() };
    let value = SimulatedCall { call: EthereumCall { value: atto(RICH + 1), ..good().call }, ..good() };
    let cost = U256::from(RICH) + U256::from(10_000_000_000u64);
    let init = EthereumCall { to: None, input: vec![0; 49_153], ..good().call };
    let all_but_value = SimulatedCall { call: EthereumCall { value: atto(RICH), ..good().call }, ..good() };
    let cheap = EthereumCall { max_fee_per_gas: 999, ..good().call };
    let generous = EthereumCall { max_priority_fee_per_gas: 10_001, ..good().call };
    for (invalid, why) in [
        (SimulatedCall { nonce: Some(1), ..good() }, CallInvalid::NonceTooHigh { sender, got: 1, next: 0 }),
        (value, CallInvalid::Funds { sender, balance: U256::from(RICH), cost: U256::from(RICH + 1) }),
        (all_but_value, CallInvalid::Funds { sender, balance: U256::from(RICH), cost }),
        (with_gas(20_999), CallInvalid::IntrinsicGas { have: 20_999, want: 21_000 }),
        (with_gas(30_000_001), CallInvalid::BlockGas { asked: 30_000_001, limit: 30_000_000 }),
        (SimulatedCall { call: init, ..good() }, CallInvalid::InitCode(49_153)),
        (SimulatedCall { call: cheap, ..good() }, CallInvalid::Fee { sender, fee: 999, base_fee: 1_000 }),
        (SimulatedCall { call: generous, ..good() }, CallInvalid::Tip { sender, tip: 10_001, fee: 10_000 }),
    ] {
        assert_eq!(first(&world, &validated(world.env(), vec![invalid])), Err(SimulationRejected::Call(why)));
    }
    let twice = validated(world.env(), vec![good(), SimulatedCall { nonce: Some(0), ..good() }]);
    assert_eq!(first(&world, &twice), Err(CallInvalid::NonceTooLow { sender, got: 0, next: 1 }.into()));
    let little = SimulatedBlock { gas_max: 41_999, ..block(world.env(), vec![good(), good()]) };
    assert_eq!(first(&world, &little), Err(CallInvalid::AllGas(41_999).into()));
    let enough = SimulatedBlock { gas_max: 42_000, ..block(world.env(), vec![good(), good()]) };
    assert_eq!(first(&world, &enough).unwrap()[1].gas_limit, 21_000);
}

#[test]
fn whoever_has_code_may_send_too() {
    let world = World::new();
    let sends = with_code(validated(world.env(), vec![call(SOMEONE, 5, vec![])]), alice().eth_address(), KEEPER);
    assert_eq!(first(&world, &sends).unwrap()[0].outcome.exit_code, ExitCode::OK);
}

#[test]
fn moved_tokens_are_told_in_order_unless_they_come_back() {
    let mut world = World::new();
    let (forwarder, keeper, proxy) =
        (world.deploy(0, FORWARDER), world.deploy(1, KEEPER), world.exec_code(0, proxy_code()));
    let masked = EthAddress::from_actor_id(proxy.id().unwrap());
    let (bob, stranger) = (bob().eth_address(), key(9).f1_address().to_bytes());
    let told = [&[u8::try_from(stranger.len()).unwrap()][..], &stranger, &[0; 8]].concat();
    let calls = vec![
        call(forwarder, 7, address_word(bob)),
        call(forwarder, 7, [address_word(masked), told].concat()),
        call(keeper, 0, words(&[1, 10])),
        call(forwarder, 7, [address_word(keeper), words(&[1, 10, 0])].concat()),
    ];
    let traced = SimulatedBlock { trace_transfers: true, ..block(world.env(), calls.clone()) };
    let done = first(&world, &traced).unwrap();
    let transfer = |event: &Event| {
        let log = event.said.as_log().unwrap();
        assert_eq!((event.address, log.topics()[0]), (TOKEN_ADDRESS, TRANSFER_TOPIC));
        let party = |at: usize| EthAddress(EvmAddress::from_word(log.topics()[at]).0.0);
        (party(1), party(2), U256::from_be_slice(&log.data))
    };
    let seven = U256::from(7);
    let transfers: Vec<_> = done[0].outcome.events.iter().map(transfer).collect();
    assert_eq!(transfers, [(alice().eth_address(), forwarder, seven), (forwarder, bob, seven)]);
    let transfers: Vec<_> = done[1].outcome.events.iter().map(transfer).collect();
    assert_eq!(transfers[..2], [(alice().eth_address(), forwarder, seven), (forwarder, masked, seven)]);
    assert_eq!((transfers.len(), transfers[2].0, transfers[2].2), (3, masked, seven), "the actor's own");
    assert_eq!(done[2].outcome.events.len(), 1, "the keeper's log, and nothing moved");
    assert_eq!((done[3].outcome.exit_code, done[3].outcome.events.len()), (ExitCode::new(33), 0));
    let silent = first(&world, &block(world.env(), calls)).unwrap();
    assert_eq!(silent.iter().map(|one| one.outcome.events.len()).collect::<Vec<_>>(), [0, 0, 1, 0]);
}

#[test]
fn nothing_more_runs_once_what_came_of_the_calls_is_more_than_an_answer_holds() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let large = |calls, bytes_max| {
        let block = with_code(block(world.env(), vec![call(SOMEONE, 0, vec![]); calls]), SOMEONE, LARGE);
        first(&world, &SimulatedBlock { bytes_max, ..block }).map(|done| done.len())
    };
    for (calls, bytes_max, ran) in [
        (2, 4 * 98_560, Ok(2)),
        (2, 4 * 98_560 - 1, Err(SimulationRejected::TooLarge)),
        // All of them would return 100 MB.
        (1_024, 4 * 98_560, Err(SimulationRejected::TooLarge)),
        (1, 2 * 98_560, Ok(1)),
        (1, 0, Err(SimulationRejected::TooLarge)),
    ] {
        assert_eq!(large(calls, bytes_max), ran, "{calls} {bytes_max}");
    }
    let stores = block(world.env(), vec![call(keeper, 0, words(&[1, 10]))]);
    let done = first(&world, &stores).unwrap();
    let (log, returned) = (done[0].outcome.events[0].said.as_log().unwrap(), done[0].outcome.return_data.len());
    assert_eq!(done[0].bytes(), 2 * returned + 1_024 + 2 * log.data.len(), "a log has a place and topics");
    let bytes = done[0].bytes();
    assert!(first(&world, &SimulatedBlock { bytes_max: bytes, ..stores.clone() }).is_ok());
    let refused = first(&world, &SimulatedBlock { bytes_max: bytes - 1, ..stores });
    assert_eq!(refused, Err(SimulationRejected::TooLarge));
    let reverts = with_code(block(world.env(), vec![call(SOMEONE, 0, vec![])]), SOMEONE, REVERTS);
    assert_eq!(first(&world, &reverts).unwrap()[0].bytes(), 8_000, "as data, and in words");
}

#[test]
fn a_call_is_held_to_what_its_block_has_left_and_not_to_what_a_transaction_may_have() {
    let world = World::new();
    let hungry = |gas_limit| {
        let hungry = call(SOMEONE, 0, words(&[0x32_0000]));
        SimulatedCall { call: EthereumCall { gas_limit, ..hungry.call }, ..hungry }
    };
    for block in [block, validated] {
        for (gas_limit, held) in [(Some(25_000_000), 25_000_000), (None, 30_000_000)] {
            let done = first(&world, &with_code(block(world.env(), vec![hungry(gas_limit)]), SOMEONE, HUNGRY)).unwrap();
            assert_eq!((done[0].gas_limit, done[0].outcome.exit_code), (held, ExitCode::OK));
            assert!(done[0].outcome.gas_used > TRANSACTION_GAS_MAX);
        }
        let both = with_code(block(world.env(), vec![hungry(None), hungry(Some(25_000_000))]), SOMEONE, HUNGRY);
        let refused = first(&world, &both).unwrap_err();
        let has_too_little =
            matches!(refused, SimulationRejected::Call(CallInvalid::BlockGas { limit: 30_000_000, .. }));
        assert!(has_too_little, "{refused}");
    }
}

#[test]
fn a_precompiled_contract_is_moved_for_its_block_alone() {
    let world = World::new();
    let identity = EthAddress([&[0; 19][..], &[4]].concat().try_into().unwrap());
    let moves = AccountOverride { precompile_to: Some(SOMEONE), ..AccountOverride::default() };
    let asks = || vec![call(SOMEONE, 0, words(&[7])), call(identity, 0, words(&[7]))];
    let told = |done: &[Simulated]| done.iter().map(|one| one.outcome.return_data.clone()).collect::<Vec<_>>();
    let accounts = AccountOverrides::from([(identity, moves)]);
    let moved = SimulatedBlock { accounts, ..block(world.env(), asks()) };
    let (state, done) = run(&world, world.open().unwrap(), &moved).unwrap();
    assert_eq!(told(&done), [words(&[7]), vec![]]);
    let next = BlockEnv { height: world.env().height.next(), ..world.env() };
    let (_, done) = run(&world, state, &block(next, asks())).unwrap();
    assert_eq!(told(&done), [vec![], words(&[7])]);
}
