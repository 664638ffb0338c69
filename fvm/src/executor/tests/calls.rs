//! Calls: the block that they find themselves in, and what they pay for their gas.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use fvm_shared::error::ExitCode;
use tributary_primitives::{EthAddress, Hash32, Height};

use super::world::*;
use crate::ReadState as _;
use crate::block::BlockEnv;
use crate::evm::{TRANSACTION_GAS_MAX, is_ethereums, is_precompiled};
use crate::simulation::CallInvalid;
use crate::{
    AccountOverride, BlockOverrides, CallOutcome, CallRejected, CallRequest, EthereumCall, GasEstimate, Leash,
    Overrides, TraceRequest, Wanted, precompiled_contracts,
};

/// Answers the block's number, the hash of the block before it, and its own, which nobody knows yet.
const HASHES: &[u8] = &[
    0x43, 0x5f, 0x52, 0x60, 0x01, 0x43, 0x03, 0x40, 0x60, 0x20, 0x52, 0x43, 0x40, 0x60, 0x40, 0x52, 0x60, 0x60, 0x5f,
    0xf3,
];
/// Answers the price of gas, the base fee, and what the sender has.
const PRICES: &[u8] = &[0x3a, 0x5f, 0x52, 0x48, 0x60, 0x20, 0x52, 0x32, 0x31, 0x60, 0x40, 0x52, 0x60, 0x60, 0x5f, 0xf3];

/// Takes as much memory as its call data says, in bytes, and answers the block's gas limit.
const HUNGRY: &[u8] = &[0x5f, 0x35, 0x51, 0x50, 0x45, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
/// Bytes of memory that cost 20.8 million gas.
const MORE_THAN_A_TRANSACTION: u64 = 0x32_0000;
/// Bytes of memory that cost 34 million gas.
const MORE_THAN_A_BLOCK: u64 = 0x40_0000;

const CONTRACT: EthAddress = EthAddress([0x97; 20]);
const NOBODY: EthAddress = EthAddress([0x96; 20]);
const GAS: u64 = 100_000;

fn with_code(code: &[u8]) -> Overrides {
    let contract = AccountOverride { code: Some(code.to_vec()), ..AccountOverride::default() };
    Overrides { accounts: BTreeMap::from([(CONTRACT, contract)]), ..Overrides::default() }
}

fn call(from: EthAddress, max_fee_per_gas: u128, max_priority_fee_per_gas: u128) -> EthereumCall {
    EthereumCall {
        from,
        to: Some(CONTRACT),
        gas_limit: Some(GAS),
        max_fee_per_gas,
        max_priority_fee_per_gas,
        ..EthereumCall::default()
    }
}

fn well(outcome: CallOutcome) -> Vec<u8> {
    assert_eq!(outcome.exit_code, ExitCode::OK, "{outcome:?}");
    outcome.return_data
}

#[test]
fn a_call_in_the_states_own_block_knows_the_block_before_it_and_not_its_own_hash() {
    let mut world = World::new();
    let asked = |world: &World, height: Height| {
        let (env, request) = (BlockEnv { height, ..world.env() }, CallRequest::Ethereum(call(NOBODY, 0, 0)));
        let overrides = with_code(HASHES);
        well(
            world.executor.call(world.open().unwrap(), &env, &overrides, &request, &Leash::default()).unwrap().unwrap(),
        )
    };
    assert_eq!(asked(&world, Height::GENESIS), [0; 96], "nothing is before genesis");
    world.block(&[]);
    world.block(&[]);
    let before = [0x11; 32];
    let kept = |height| world.tree().block_hash(Height(height)).unwrap();
    assert_eq!((kept(1), kept(2)), (Hash32(before), Hash32::default()), "who reads the state knows as much");
    assert_eq!(asked(&world, world.height), [&words(&[2])[..], &before, &[0; 32]].concat(), "its own");
    assert_eq!(asked(&world, world.height.next()), [&words(&[3])[..], &before, &[0; 32]].concat(), "the next");
}

#[test]
fn a_call_that_offers_a_price_pays_it_and_one_that_offers_none_finds_no_fee() {
    let (world, sender) = (World::new(), alice().eth_address());
    let left = |price: u64| u64::try_from(RICH).unwrap() - GAS * price;
    let wanted = Some(7);
    for (base_fee, fee, tip, told) in [
        (None, 0, 0, [0, 0, left(0)]),
        (None, 1_500, 5, [1_005, 1_000, left(1_005)]),
        (None, 1_000, 1_000, [1_000, 1_000, left(1_000)]),
        (wanted, 0, 0, [0, 7, left(0)]),
        (wanted, 8, 5, [8, 7, left(8)]),
    ] {
        let block = BlockOverrides { base_fee, ..BlockOverrides::default() };
        let overrides = Overrides { block, ..with_code(PRICES) };
        let outcome = world.call_with(&overrides, CallRequest::Ethereum(call(sender, fee, tip))).unwrap();
        assert_eq!(well(outcome), words(&told), "{base_fee:?} {fee} {tip}");
    }
}

#[test]
fn a_price_that_the_block_does_not_take_or_nobody_can_pay_is_refused_however_the_call_is_asked() {
    let (world, sender) = (World::new(), alice().eth_address());
    let overrides = with_code(PRICES);
    let (balance, cost) = (U256::ZERO, U256::from(GAS * 1_000));
    for (call, why) in [
        (call(sender, 999, 0), CallInvalid::Fee { sender, fee: 999, base_fee: 1_000 }),
        (call(sender, 0, 5), CallInvalid::Tip { sender, tip: 5, fee: 0 }),
        (call(NOBODY, 1_000, 0), CallInvalid::Funds { sender: NOBODY, balance, cost }),
    ] {
        let (env, leash, refused) = (world.env(), Leash::default(), CallRejected::Invalid(why));
        let request = CallRequest::Ethereum(call.clone());
        assert_eq!(world.call_with(&overrides, request.clone()), Err(refused.clone()));
        let list = world.executor.access_list(|| world.open(), &env, &overrides, &call, &leash).unwrap();
        assert_eq!(list, Err(refused.clone()));
        let trace = TraceRequest { wanted: Wanted::Nothing, limits: no_limits() };
        let traced = world.executor.trace_call(world.open().unwrap(), &env, &overrides, &request, &trace).unwrap();
        assert_eq!(traced, Err(refused.clone().into()));
        let estimate = world.executor.estimate_gas(|| world.open(), &env, &overrides, &request, &leash).unwrap();
        if call.from == sender {
            assert_eq!(estimate, Err(refused));
        } else {
            let poor = |outcome: &CallOutcome| outcome.exit_code == ExitCode::SYS_INSUFFICIENT_FUNDS;
            assert!(matches!(&estimate, Ok(GasEstimate::Never(outcome)) if poor(outcome)), "{estimate:?}");
        }
    }
}

#[test]
fn every_precompiled_contract_has_its_name() {
    let named = precompiled_contracts();
    let short = |last: u8| EthAddress([&[0; 19][..], &[last]].concat().try_into().unwrap());
    assert_eq!((named["ECREC"], named["BLS12_MAP_FP2_TO_G2"]), (short(1), short(0x11)));
    assert!(named.values().all(|address| is_precompiled(*address)));
    let count = |is_one: fn(EthAddress) -> bool| named.values().filter(|address| is_one(**address)).count();
    assert_eq!(
        (count(is_ethereums), count(is_precompiled)),
        (18, 23),
        "Ethereum's of Osaka, and five that reach actors"
    );
}

#[test]
fn an_estimate_takes_no_more_gas_than_its_sender_can_pay_for() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let stores = |fee| EthereumCall { to: Some(keeper), input: words(&[1, 10]), ..call(NOBODY, fee, 0) };
    let unpaid = world.estimate(&Overrides::default(), &CallRequest::Ethereum(stores(0)));
    let GasEstimate::Enough(needed) = unpaid else { panic!("{unpaid:?}") };
    let request = CallRequest::Ethereum(stores(1_200));
    let having = |has: u64| {
        let account = AccountOverride { balance: Some(atto(has.into())), ..AccountOverride::default() };
        let accounts = BTreeMap::from([(NOBODY, account)]);
        world.estimate(&Overrides { accounts, ..Overrides::default() }, &request)
    };
    assert_eq!(having(needed * 1_200), GasEstimate::Enough(needed));
    assert_eq!(having(u64::MAX), GasEstimate::Enough(needed));
    let GasEstimate::Never(outcome) = having(needed * 1_200 - 1) else { panic!("it is not enough") };
    assert_eq!((outcome.exit_code, outcome.gas_used), (ExitCode::SYS_OUT_OF_GAS, needed - 1));
}

#[test]
fn a_call_has_the_gas_that_it_asks_for_be_it_more_than_a_transaction_or_a_block_may_have() {
    let (world, leash) = (World::new(), Leash::default());
    let (env, overrides) = (world.env(), with_code(HUNGRY));
    for (bytes, gas_limit, least) in
        [(MORE_THAN_A_TRANSACTION, 25_000_000, TRANSACTION_GAS_MAX), (MORE_THAN_A_BLOCK, 50_000_000, env.gas_limit)]
    {
        for (from, fee) in [(NOBODY, 0), (alice().eth_address(), 1_000)] {
            let call = EthereumCall { input: words(&[bytes]), gas_limit: Some(gas_limit), ..call(from, fee, 0) };
            let request = CallRequest::Ethereum(call.clone());
            let trace = TraceRequest { wanted: Wanted::Nothing, limits: no_limits() };
            let traced = world.executor.trace_call(world.open().unwrap(), &env, &overrides, &request, &trace);
            let listed = world.executor.access_list(|| world.open(), &env, &overrides, &call, &leash);
            for outcome in [
                world.call_with(&overrides, request).unwrap(),
                traced.unwrap().unwrap().0,
                listed.unwrap().unwrap().outcome,
            ] {
                assert!(outcome.gas_used > least && outcome.gas_used <= gas_limit, "{outcome:?}");
                assert_eq!(well(outcome), words(&[30_000_000]), "GASLIMIT is the block's");
            }
            let less = CallRequest::Ethereum(EthereumCall { gas_limit: Some(least), ..call });
            let outcome = world.call_with(&overrides, less).unwrap();
            assert_eq!((outcome.exit_code, outcome.gas_used), (ExitCode::SYS_OUT_OF_GAS, least));
        }
    }
}

#[test]
fn an_estimate_names_no_more_gas_than_a_transaction_and_its_block_may_have() {
    let world = World::new();
    let asked = |bytes: u64, gas_limit: Option<u64>| {
        let call = EthereumCall { input: words(&[bytes]), gas_limit: Some(50_000_000), ..call(NOBODY, 0, 0) };
        let block = BlockOverrides { gas_limit, ..BlockOverrides::default() };
        world.estimate(&Overrides { block, ..with_code(HUNGRY) }, &CallRequest::Ethereum(call))
    };
    for (bytes, block, most) in
        [(MORE_THAN_A_TRANSACTION, None, TRANSACTION_GAS_MAX), (0x10_0000, Some(1_000_000), 1_000_000)]
    {
        let GasEstimate::Never(outcome) = asked(bytes, block) else { panic!("{bytes} need more than {most}") };
        assert_eq!((outcome.exit_code, outcome.gas_used), (ExitCode::SYS_OUT_OF_GAS, most));
    }
    assert!(matches!(asked(0x10_0000, None), GasEstimate::Enough(gas) if gas > 1_000_000));
}
