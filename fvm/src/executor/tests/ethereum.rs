//! Ethereum transactions, one law a test.

use alloy_consensus::{TxEip1559, TxEip7702};
use alloy_primitives::{Address as EvmAddress, U256, keccak256};
use fvm_ipld_encoding::from_slice;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use revm::primitives::hex;
use tributary_primitives::actors::{BURNT_FUNDS_ID, BuiltinActor};
use tributary_primitives::{EthAddress, Hash32, Height};

use super::world::*;
use crate::ReadState as _;
use crate::state::contract::{ContractHead, Storage};
use crate::state::history::HISTORY_ADDRESS;
use crate::state::read_block;
use crate::{CallRequest, EthereumCall, GasEstimate, Overrides, SignedAuthorization};

const REVERTED: ExitCode = ExitCode::new(33);

/// Beacon roots (EIP-4788), requests to withdraw (EIP-7002) and to consolidate (EIP-7251).
const BEACON_CONTRACTS: [EthAddress; 3] = [
    EthAddress(hex!("000f3df6d732807ef1319fb7b8bb8522d0beac02")),
    EthAddress(hex!("00000961ef480eb55e80d19ad83579a64c007002")),
    EthAddress(hex!("0000bbddc7ce488642fb579f8b00f3a590007251")),
];

fn slot(number: u64) -> Hash32 {
    Hash32(U256::from(number).to_be_bytes())
}

#[test]
fn a_plain_transfer_costs_21000_and_moves_money() {
    let mut world = World::new();
    let stranger = EthAddress([0x77; 20]);
    let receipt = world.one(send(&alice(), 0, stranger, 500, Vec::new()));
    assert_eq!((receipt.gas_used, receipt.exit_code, receipt.skipped), (21_000, ExitCode::OK, false));
    assert_eq!(receipt.effective_gas_price, atto(1_005));
    assert_eq!(world.balance(stranger), 500);
    assert_eq!(world.balance(alice().eth_address()), RICH - 500 - 21_000 * 1_005);
    assert_eq!(world.balance(Address::new_id(BURNT_FUNDS_ID)), 21_000 * 1_000);
    assert_eq!(world.balance(PROPOSER), 21_000 * TIP);
    let code_of = |address: EthAddress| world.tree().actor_at(&address.to_address()).unwrap().unwrap().1.code;
    assert_eq!(code_of(stranger), BuiltinActor::Placeholder.code());
    assert_eq!(code_of(alice().eth_address()), BuiltinActor::EthAccount.code());
    assert_eq!(world.tree().nonce(&alice().eth_address().to_address()).unwrap(), 1);
}

#[test]
fn what_may_not_run_is_skipped_and_changes_nothing() {
    let world = World::new();
    let good = || unsigned(0, Some(bob().eth_address()), 1, Vec::new());
    let unchanged = world.run(&[]).state_root;
    for (what, bad) in [
        ("nonce too high", TxEip1559 { nonce: 1, ..good() }),
        ("funds", TxEip1559 { value: U256::from(RICH), ..good() }),
        ("fee cap", TxEip1559 { max_fee_per_gas: 999, ..good() }),
        ("intrinsic gas", TxEip1559 { gas_limit: 20_999, ..good() }),
        ("more gas than a block", TxEip1559 { gas_limit: 30_000_001, ..good() }),
        ("more gas than a transaction", TxEip1559 { gas_limit: (1 << 24) + 1, ..good() }),
    ] {
        let outcome = world.run(&[sign(&alice(), bad)]);
        let receipt = &outcome.receipts[0];
        assert!(receipt.skipped, "{what}");
        assert_eq!((receipt.exit_code, receipt.gas_used), (ExitCode::SYS_SENDER_STATE_INVALID, 0), "{what}");
        assert_eq!(outcome.state_root, unchanged, "{what}");
    }
    let twice = sign(&alice(), good());
    let receipts = world.run(&[twice.clone(), twice]).receipts;
    assert_eq!((receipts[0].skipped, receipts[1].skipped), (false, true), "nonce too low");
}

#[test]
fn contracts_of_a_beacon_chain_are_not_there() {
    let world = World::new();
    let code_of = |address: EthAddress| world.tree().code(&address.to_address()).unwrap();
    for address in BEACON_CONTRACTS {
        assert_eq!(code_of(address), [0; 0], "{address}");
        let input = words(&[1_700_000_000]);
        let call = EthereumCall { to: Some(address), input, ..EthereumCall::default() };
        let outcome = world.call(CallRequest::Ethereum(call));
        assert_eq!((outcome.exit_code, outcome.return_data), (ExitCode::OK, Vec::new()), "{address}");
    }
    assert_ne!(code_of(HISTORY_ADDRESS), [0; 0], "EIP-2935 needs no beacon chain");
}

#[test]
fn a_block_never_uses_more_gas_than_it_has() {
    let world = World::new();
    let large =
        |nonce| TxEip1559 { gas_limit: 15_990_000, ..unsigned(nonce, Some(bob().eth_address()), 1, Vec::new()) };
    let receipts = world
        .run(&[
            sign(&alice(), large(0)),
            sign(&alice(), large(1)),
            sign(&alice(), TxEip1559 { gas_limit: 29_990_000, ..large(2) }),
        ])
        .receipts;
    assert_eq!(receipts.iter().map(|receipt| receipt.skipped).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_contract_deploys_stores_logs_and_reverts() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    assert_eq!(world.tree().code(&keeper.to_address()).unwrap(), KEEPER);
    let receipts = world.block(&[
        send(&alice(), 1, keeper, 0, words(&[1, 10])),
        send(&alice(), 2, keeper, 0, words(&[2, 300])),
        send(&alice(), 3, keeper, 0, words(&[1, 11, 0])),
        send(&alice(), 4, keeper, 0, words(&[2, 0])),
    ]);
    assert_eq!(
        receipts.iter().map(|r| r.exit_code).collect::<Vec<_>>(),
        [ExitCode::OK, ExitCode::OK, REVERTED, ExitCode::OK]
    );
    let stored = |number| world.tree().storage(&keeper.to_address(), &slot(number)).unwrap();
    assert_eq!((stored(1), stored(2)), (slot(10), slot(0)));
    let event = &receipts[0].events[0];
    let said: Vec<_> = event.said.entries().into_iter().map(|entry| (entry.key, entry.value)).collect();
    let expected = [("t1", words(&[1])), ("d", words(&[10]))].map(|(key, value)| (key.to_owned(), value));
    assert_eq!((event.address, said), (keeper, expected.to_vec()));
    assert!(receipts[2].events.is_empty(), "a reverted log");
}

#[test]
fn what_a_constructor_logs_is_logged_by_the_contract() {
    let mut world = World::new();
    // log0(0, 0) and no code
    let receipt = world.one(sign(&alice(), unsigned(0, None, 0, vec![0x5f, 0x5f, 0xa0])));
    assert_eq!(receipt.events.iter().map(|event| event.address).collect::<Vec<_>>(), [receipt.contract.unwrap()]);
}

#[test]
fn a_contract_whose_code_is_that_of_no_contract_ends_like_any_other() {
    let mut world = World::new();
    let invalid = world.deploy(0, &[0xfe]);
    for (nonce, input) in [(1, Vec::new()), (2, vec![1])] {
        let receipt = world.one(send(&alice(), nonce, invalid, 5, input));
        assert_eq!((receipt.exit_code, receipt.gas_used), (ExitCode::new(34), 1_000_000));
    }
    assert_eq!(world.balance(invalid), 0);
}

#[test]
fn a_storage_root_is_that_of_a_kamt_built_apart() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let pairs: Vec<(u64, u64)> = (0..40).map(|number| (number * 977, number + 1)).collect();
    for (nonce, chunk) in pairs.chunks(10).enumerate() {
        let calls = chunk.iter().enumerate().map(|(at, (slot, value))| {
            let nonce = u64::try_from(1 + nonce * 10 + at).unwrap();
            send(&alice(), nonce, keeper, 0, words(&[*slot, *value]))
        });
        world.block(&calls.collect::<Vec<_>>());
    }
    let (_, actor) = world.tree().actor_at(&keeper.to_address()).unwrap().unwrap();
    let head: ContractHead = from_slice(&read_block(&*world.store, &actor.state).unwrap()).unwrap();
    let mut apart = Storage::default();
    for (slot, value) in pairs.iter().rev() {
        Storage::set_all(&*world.store, vec![(&mut apart, vec![(U256::from(*slot), U256::from(*value))])], 1).unwrap();
    }
    assert_eq!(head.storage, apart.root(1));
    assert_eq!((head.code_hash, head.nonce), (keccak256(KEEPER).0, 1));
    let mut read = Vec::new();
    world.tree().for_each_slot(&keeper.to_address(), |number, value| read.push((number, value))).unwrap();
    assert_eq!(read, pairs.iter().map(|(number, value)| (slot(*number), slot(*value))).collect::<Vec<_>>());
}

#[test]
fn create2_makes_a_contract_where_eip_1014_says_and_only_once() {
    let mut world = World::new();
    // create2(0, call data, 0); answers the address
    let factory: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x36, 0x5f, 0x5f, 0xf5, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    let factory = world.deploy(0, factory);
    let made = EvmAddress::new(factory.0).create2_from_code([0; 32], init_code(KEEPER));
    let first = world.one(send(&alice(), 1, factory, 0, init_code(KEEPER)));
    assert_eq!(first.return_data[12..], made.0.0);
    assert_eq!(world.tree().code(&EthAddress(made.0.0).to_address()).unwrap(), KEEPER);
    let second = world.one(send(&alice(), 2, factory, 0, init_code(KEEPER)));
    assert_eq!(second.return_data, [0; 32], "the address is taken");
    assert_eq!(world.tree().nonce(&factory.to_address()).unwrap(), 3, "both attempts count");
}

#[test]
fn a_call_that_makes_a_contract_answers_its_code_and_a_receipt_does_not() {
    let mut world = World::new();
    let call = EthereumCall { input: init_code(KEEPER), ..EthereumCall::default() };
    let outcome = world.call(CallRequest::Ethereum(call));
    assert_eq!((outcome.exit_code, outcome.return_data.as_slice()), (ExitCode::OK, KEEPER));
    let receipt = world.one(sign(&alice(), unsigned(0, None, 0, init_code(KEEPER))));
    assert_eq!((receipt.exit_code, receipt.return_data.len()), (ExitCode::OK, 0));
}

#[test]
fn what_destroys_itself_in_its_first_transaction_burns_what_it_keeps() {
    let mut world = World::new();
    // selfdestruct(address(this)) in the constructor
    let receipt = world.one(sign(&alice(), unsigned(0, None, 77, vec![0x30, 0xff])));
    assert_eq!(receipt.exit_code, ExitCode::OK);
    let fee = u128::from(receipt.gas_used) * 1_000;
    assert_eq!(world.balance(Address::new_id(BURNT_FUNDS_ID)), fee + 77);
    assert_eq!(world.balance(receipt.contract.unwrap()), 0);
}

#[test]
fn an_older_contract_gives_its_money_away_and_stays() {
    let mut world = World::new();
    let generous = world.deploy(0, &[0x33, 0xff]);
    world.one(send(&bob(), 0, generous, 9, Vec::new()));
    world.one(send(&alice(), 1, generous, 4, Vec::new()));
    assert_eq!(world.balance(generous), 0);
    assert_eq!(world.tree().code(&generous.to_address()).unwrap(), [0x33, 0xff], "EIP-6780");
}

#[test]
fn an_account_delegates_to_code_keeps_storage_and_takes_it_back() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let delegate = |nonce, to, tx_nonce, input| set_code(&alice(), tx_nonce, (&bob(), nonce), to, input);
    let name = bob().eth_address().to_address();
    let receipt = world.one(delegate(0, keeper, 1, words(&[5, 6])));
    assert_eq!(receipt.exit_code, ExitCode::OK);
    assert_eq!(world.tree().code(&name).unwrap(), [&[0xef, 0x01, 0x00], &keeper.0[..]].concat());
    assert_eq!((world.tree().storage(&name, &slot(5)).unwrap(), world.tree().nonce(&name).unwrap()), (slot(6), 1));
    assert_eq!(receipt.events[0].address, bob().eth_address());
    world.one(send(&bob(), 1, alice().eth_address(), 1, Vec::new()));
    world.one(delegate(2, EthAddress([0; 20]), 2, vec![]));
    assert!(world.tree().code(&name).unwrap().is_empty());
    assert_eq!((world.tree().storage(&name, &slot(5)).unwrap(), world.tree().nonce(&name).unwrap()), (slot(6), 3));
    let (_, actor) = world.tree().actor_at(&name).unwrap().unwrap();
    assert_eq!(actor.code, BuiltinActor::EthAccount.code());
}

#[test]
fn blockhash_answers_what_the_state_remembers() {
    let mut world = World::new();
    // returns blockhash(number - 1)
    let runtime = [0x60, 0x01, 0x43, 0x03, 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    let contract = world.deploy(0, &runtime);
    let receipt = world.one(send(&alice(), 1, contract, 0, Vec::new()));
    assert_eq!((world.height, receipt.return_data), (Height(2), vec![0x11; 32]));
}

#[test]
fn the_first_block_knows_the_hash_of_genesis() {
    let mut world = World::new();
    // Init code: keeps blockhash(number - 1) in slot 0.
    let init = vec![0x60, 0x01, 0x43, 0x03, 0x40, 0x5f, 0x55, 0x00];
    let contract = world.one(sign(&alice(), unsigned(0, None, 0, init))).contract.unwrap();
    assert_eq!((world.height, world.stored(contract, 0)), (Height(1), U256::from_be_bytes([0x11; 32])));
}

#[test]
fn a_wasm_actor_takes_value_from_the_evm_and_gets_call_data_as_invoke_evm() {
    let mut world = World::new();
    let actor = world.exec(0);
    let masked = EthAddress::from_actor_id(actor.id().unwrap());
    assert_eq!(world.one(send(&alice(), 0, masked, 5, Vec::new())).exit_code, ExitCode::OK);
    let called = world.one(send(&alice(), 1, masked, 6, vec![1]));
    assert_eq!((called.exit_code, called.events.len()), (ExitCode::OK, 1));
    // The low byte of InvokeEVM's number, 3844450837, as the actor keeps it; what is no byte string is handed on as it is.
    assert_eq!(called.return_data, [0x81, 0x15]);
    assert_eq!(world.balance(actor), 11);
}

#[test]
fn money_for_a_masked_id_that_is_nobodys_comes_back() {
    let mut world = World::new();
    let bobs = world.tree().resolve(&bob().eth_address().to_address()).unwrap().unwrap();
    for (nonce, id) in [(0, 4_000), (1, bobs)] {
        let receipt = world.one(send(&alice(), nonce, EthAddress::from_actor_id(id), 5, Vec::new()));
        assert_eq!(receipt.exit_code, REVERTED, "{id}");
    }
    assert_eq!(world.balance(bob().eth_address()), RICH);
}

#[test]
fn with_less_and_less_gas_nothing_changes_but_fee_and_nonce() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let call = |gas_limit| TxEip1559 { gas_limit, ..unsigned(1, Some(keeper), 7, words(&[1, 10])) };
    let used = world.run(&[sign(&alice(), call(1_000_000))]).receipts[0].gas_used;
    for gas_limit in (21_000..used).rev().step_by(191) {
        let outcome = world.run(&[sign(&alice(), call(gas_limit))]);
        let after = crate::StateTree::load(std::sync::Arc::clone(&world.store), &outcome.state_root).unwrap();
        assert_ne!(outcome.receipts[0].exit_code, ExitCode::OK, "{gas_limit}");
        assert_eq!(after.storage(&keeper.to_address(), &slot(1)).unwrap(), slot(0), "{gas_limit}");
        assert_eq!(after.balance(&keeper.to_address()).unwrap(), atto(0), "{gas_limit}");
        assert!(outcome.receipts[0].events.is_empty());
    }
}

#[test]
fn a_call_changes_nothing_and_an_estimate_is_the_least_that_is_enough() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let call = EthereumCall {
        from: alice().eth_address(),
        to: Some(keeper),
        input: words(&[1, 10]),
        ..EthereumCall::default()
    };
    let blocks = world.store.len();
    let outcome = world.call(CallRequest::Ethereum(call.clone()));
    assert_eq!((outcome.exit_code, outcome.events.len(), world.store.len()), (ExitCode::OK, 1, blocks));
    let request = CallRequest::Ethereum(call);
    let estimate = world.estimate(&Overrides::default(), &request);
    let GasEstimate::Enough(gas_limit) = estimate else { panic!("{estimate:?}") };
    let with = |gas_limit| sign(&alice(), TxEip1559 { gas_limit, ..unsigned(1, Some(keeper), 0, words(&[1, 10])) });
    assert_eq!(world.run(&[with(gas_limit)]).receipts[0].exit_code, ExitCode::OK);
    assert_ne!(world.run(&[with(gas_limit - 1)]).receipts[0].exit_code, ExitCode::OK);
    let reverts =
        CallRequest::Ethereum(EthereumCall { to: Some(keeper), input: words(&[1, 2, 3]), ..EthereumCall::default() });
    let never = world.estimate(&Overrides::default(), &reverts);
    assert!(matches!(never, GasEstimate::Never(outcome) if outcome.exit_code == REVERTED));
}

#[test]
fn a_call_runs_whom_its_authorizations_name_and_an_estimate_pays_for_them() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let (input, bobs) = (words(&[1, 10]), bob().eth_address());
    let call = |to, authorizations| {
        let (from, input) = (alice().eth_address(), input.clone());
        EthereumCall { from, to: Some(to), input, authorizations, ..EthereumCall::default() }
    };
    // An account that is there, whose refund comes back, one that never was, and the sender, whose nonce the call uses up first.
    let new = key(9);
    for (authority, nonce) in [(bob(), 0), (new, 0), (alice(), 2)] {
        let name = authority.eth_address();
        let request = CallRequest::Ethereum(call(name, vec![authorize(&authority, CHAIN_ID, nonce, keeper)]));
        let outcome = world.call(request.clone());
        assert_eq!((outcome.exit_code, outcome.events[0].address), (ExitCode::OK, name));
        let with = |gas_limit| {
            let unsigned = unsigned_set_code((&authority, nonce), keeper, input.clone());
            world.run(&[set_code_with(&alice(), TxEip7702 { nonce: 1, gas_limit, ..unsigned })]).receipts.remove(0)
        };
        assert_eq!(outcome.gas_used, with(500_000).gas_used, "as a transaction");
        let estimate = world.estimate(&Overrides::default(), &request);
        let GasEstimate::Enough(gas_limit) = estimate else { panic!("{estimate:?}") };
        assert!(gas_limit >= 25_000 + 21_000, "{gas_limit}");
        assert_eq!(with(gas_limit).exit_code, ExitCode::OK);
        assert_ne!(with(gas_limit - 1).exit_code, ExitCode::OK);
    }
    // What takes no effect is paid for all the same: another nonce, another chain, nobody's signature.
    let (good, one) = (authorize(&bob(), CHAIN_ID, 0, keeper), U256::from(1));
    let garbled = SignedAuthorization::new_unchecked(good.inner().clone(), 7, one, one);
    for idle in [authorize(&bob(), CHAIN_ID, 1, keeper), authorize(&bob(), CHAIN_ID + 1, 0, keeper), garbled] {
        let outcome = world.call(CallRequest::Ethereum(call(bobs, vec![idle])));
        // EIP-2028: 2 bytes of 16 gas, 62 of 4.
        assert_eq!((outcome.gas_used, outcome.events.len()), (21_000 + 280 + 25_000, 0));
    }
    assert_eq!(world.tree().code(&bobs.to_address()).unwrap(), [0; 0], "nothing lasts");
}
