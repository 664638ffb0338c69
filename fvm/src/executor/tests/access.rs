//! What calls reach, and what it saves to pay for that ahead.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, B256, U256};
use fvm_shared::error::ExitCode;
use revm::context::transaction::{AccessList, AccessListItem};
use tributary_primitives::{EthAddress, Hash32};

use super::world::*;
use crate::{Accessed, AccessedAccount, CallRequest, EthereumCall, GasEstimate, Leash, Overrides};

/// Answers the slot that the first word of its call data names.
const READER: &[u8] = &[0x5f, 0x35, 0x54, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

fn list(world: &World, call: &EthereumCall) -> Accessed {
    let (overrides, leash) = (Overrides::default(), Leash::default());
    world.executor.access_list(|| world.open(), &world.env(), &overrides, call, &leash).unwrap().unwrap()
}

fn account(address: EthAddress, slots: &[u64]) -> AccessedAccount {
    AccessedAccount { address, slots: slots.iter().map(|slot| Hash32(U256::from(*slot).to_be_bytes())).collect() }
}

fn sorted(mut accounts: Vec<AccessedAccount>) -> Vec<AccessedAccount> {
    accounts.sort_by_key(|account| account.address);
    accounts
}

fn forwarded(to: EthAddress, data: &[u8]) -> Vec<u8> {
    [&EvmAddress::new(to.0).into_word()[..], data].concat()
}

fn asking(to: EthAddress, input: Vec<u8>) -> EthereumCall {
    EthereumCall { from: alice().eth_address(), to: Some(to), input, ..EthereumCall::default() }
}

/// What a transaction with this list uses.
fn paid(world: &World, nonce: u64, call: &EthereumCall) -> u64 {
    let items = call.access_list.iter().map(|account| AccessListItem {
        address: EvmAddress::new(account.address.0),
        storage_keys: account.slots.iter().map(|slot| B256::new(slot.0)).collect(),
    });
    let access_list = AccessList(items.collect());
    let transaction = TxEip1559 { access_list, ..unsigned(nonce, call.to, 0, call.input.clone()) };
    let receipt = world.run(&[sign(&alice(), transaction)]).receipts.remove(0);
    assert_eq!(receipt.exit_code, ExitCode::OK);
    receipt.gas_used
}

#[test]
fn a_list_names_what_a_call_reaches_and_a_transaction_with_it_uses_what_was_said() {
    let mut world = World::new();
    let (forwarder, reader) = (world.deploy(0, FORWARDER), world.deploy(1, READER));
    let call = asking(forwarder, forwarded(reader, &words(&[5])));
    let accessed = list(&world, &call);
    assert_eq!(accessed.list, sorted(vec![account(forwarder, &[0]), account(reader, &[5])]));
    let with_list = EthereumCall { access_list: accessed.list, ..call };
    assert_eq!(paid(&world, 2, &with_list), accessed.outcome.gas_used);
    let request = CallRequest::Ethereum(with_list);
    let estimate = world.estimate(&Overrides::default(), &request);
    assert!(matches!(estimate, GasEstimate::Enough(gas) if gas >= accessed.outcome.gas_used), "{estimate:?}");
}

#[test]
fn what_is_warm_anyway_is_not_listed() {
    let mut world = World::new();
    let (keeper, forwarder) = (world.deploy(0, KEEPER), world.deploy(1, FORWARDER));
    let identity = EthAddress([&[0; 19][..], &[4]].concat().try_into().unwrap());
    for (call, expected) in [
        (asking(bob().eth_address(), Vec::new()), vec![]),
        (asking(identity, vec![1]), vec![]),
        (EthereumCall { to: None, ..asking(keeper, init_code(KEEPER)) }, vec![]),
        (asking(forwarder, forwarded(identity, &[1])), vec![account(forwarder, &[0])]),
        (asking(forwarder, forwarded(alice().eth_address(), &[])), vec![account(forwarder, &[0])]),
    ] {
        let accessed = list(&world, &call);
        assert_eq!((accessed.outcome.exit_code, accessed.list), (ExitCode::OK, expected), "{call:?}");
    }
    let to_bob = asking(forwarder, forwarded(bob().eth_address(), &[]));
    let with = |authorization| EthereumCall { authorizations: vec![authorization], ..to_bob.clone() };
    // What bob signed for another chain does not make him warm.
    for (chain_id, nonce, listed) in [(0, 0, false), (CHAIN_ID, 5, false), (CHAIN_ID + 1, 0, true)] {
        let call = with(authorize(&bob(), chain_id, nonce, EthAddress([0; 20])));
        let bobs = listed.then(|| account(bob().eth_address(), &[]));
        let expected = bobs.into_iter().chain([account(forwarder, &[0])]).collect();
        assert_eq!(list(&world, &call).list, sorted(expected), "{chain_id} {nonce}");
    }
    world.block(&[set_code(&alice(), 2, (&bob(), 0), keeper, words(&[5, 6]))]);
    let accessed = list(&world, &asking(bob().eth_address(), words(&[7, 8])));
    assert_eq!(accessed.list, [account(bob().eth_address(), &[7])], "and not whose code runs in bob's name");
}

#[test]
fn what_the_caller_lists_stays_and_a_revert_is_listed_too() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let known =
        vec![account(EthAddress([0x99; 20]), &[1, 1]), account(keeper, &[]), account(EthAddress([0x99; 20]), &[])];
    let reverts = EthereumCall { access_list: known, ..asking(keeper, words(&[1, 10, 0])) };
    let accessed = list(&world, &reverts);
    assert_eq!(accessed.list, sorted(vec![account(EthAddress([0x99; 20]), &[1]), account(keeper, &[1])]));
    assert_eq!(accessed.outcome.exit_code, ExitCode::new(33));
}

#[test]
fn a_call_that_reaches_something_else_each_time_gets_a_list_at_last() {
    let mut world = World::new();
    // sload(gas)
    let restless = world.deploy(0, &[0x5a, 0x54, 0x00]);
    let accessed = list(&world, &asking(restless, Vec::new()));
    let [listed] = &accessed.list[..] else { panic!("{accessed:?}") };
    assert_eq!((listed.address, listed.slots.len()), (restless, 15), "one for each run but the last");
}
