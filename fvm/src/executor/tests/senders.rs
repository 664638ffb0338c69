//! Who may send messages: keys' accounts (f1, f3) and Ethereum's (f410), one law a test.

use fvm_ipld_encoding::{BytesDe, BytesSer, RawBytes, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use revm::bytecode::Bytecode;
use revm::primitives::{Address as EvmAddress, Bytes};
use tributary_crypto::SecpSecretKey;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::{BuiltinActor, EAM_ID, INIT_ID};

use super::world::*;
use crate::journal::changes::{ActorChange, Changes, ContractChange};
use crate::receipt::Receipt;
use crate::state::{Actor, StateView as _};
use crate::{CallRequest, FvmCall, GasEstimate, Overrides, ReadState as _, Wanted};

/// Alice and bob, by whom they are to messages.
const ALICE: Account = Account::F410(1);
const BOB: Account = Account::F410(2);
/// Carol's f1.
const CAROL: Account = Account::F1(3);
/// Gets its tokens from carol, by the message with nonce 0.
const DAVE: Account = Account::F3(4);

/// FVM gas of an f3's signature: 66 bytes are signed.
const PAIRING: u64 = 16_598_605 + 66 * 26;
/// FVM gas of a byte on the chain.
const CHAIN_BYTE: u64 = 1_300;

/// Method number of a contract's call. Source: FRC-0042.
const INVOKE_EVM: u64 = 3_844_450_837;

fn world() -> World {
    let mut world = World::new();
    let funded = world.one(CAROL.message(0, DAVE.address(), 0, vec![], RICH / 4));
    assert!(funded.exit_code.is_success());
    world
}

fn code_of(world: &World, account: Account) -> cid::Cid {
    world.tree().actor_at(&account.address()).unwrap().unwrap().1.code
}

fn nonce_of(world: &World, account: Account) -> u64 {
    world.tree().nonce(&account.address()).unwrap()
}

/// The address of a contract that the account makes by its transaction of this nonce.
fn creation(key: &SecpSecretKey, nonce: u64) -> EthAddress {
    EthAddress(EvmAddress::new(key.eth_address().0).create(nonce).0.0)
}

fn exits(receipts: &[Receipt]) -> Vec<ExitCode> {
    receipts.iter().map(|receipt| receipt.exit_code).collect()
}

#[test]
fn every_kind_of_account_calls_actors_pays_its_fee_and_uses_up_its_nonce() {
    let mut world = world();
    let actor = world.exec(1);
    for (account, nonce) in [(CAROL, 2), (DAVE, 0), (BOB, 0)] {
        let before = world.balance(account.address());
        let messages = [account.message(nonce, actor, 5, vec![], 30), account.message(nonce + 1, actor, 9, vec![], 30)];
        let replayed = world.replay(&messages, 0..2, Wanted::Calls { only_top: false });
        let receipts = world.block(&messages);
        assert_eq!(exits(&receipts), [ExitCode::OK, ExitCode::new(99)], "{account:?}");
        assert_eq!(receipts[0].return_data, [0x81, 5]);
        let fees = receipts.iter().map(|receipt| u128::from(receipt.fvm_gas_used) * 3).sum::<u128>();
        assert_eq!((world.balance(account.address()), nonce_of(&world, account)), (before - fees - 30, nonce + 2));
        assert!(replayed.iter().map(|traced| &traced.receipt).eq(&receipts), "{account:?}: run again, another receipt");
    }
}

#[test]
fn every_kind_of_account_makes_actors() {
    let mut world = world();
    for (account, nonce) in [(CAROL, 1), (DAVE, 0), (BOB, 0)] {
        let params = to_vec(&(code(), RawBytes::default())).unwrap();
        let receipt = world.one(account.message(nonce, Address::new_id(INIT_ID), 2, params, 0));
        let (id, robust): (Address, Address) = from_slice(&receipt.return_data).unwrap();
        assert_eq!(Address::new_id(world.tree().resolve(&robust).unwrap().unwrap()), id, "{account:?}");
    }
}

#[test]
fn an_ethereum_account_is_itself_to_contracts_that_it_calls_by_a_message() {
    // Answers who calls, and who sent the transaction.
    const WHO: &[u8] = &[0x33, 0x5f, 0x52, 0x32, 0x60, 0x20, 0x52, 0x60, 0x40, 0x5f, 0xf3];
    let mut world = world();
    let contract = world.deploy(0, WHO);
    let receipt = world.one(BOB.message(0, contract.to_address(), INVOKE_EVM, to_vec(&BytesSer(&[])).unwrap(), 0));
    let BytesDe(answer) = from_slice(&receipt.return_data).unwrap();
    let word = [&[0; 12][..], &bob().eth_address().0].concat();
    assert_eq!(answer, [word.clone(), word].concat());
}

#[test]
fn a_placeholder_becomes_an_account_by_its_first_message_even_by_one_that_fails() {
    for method in [5, 9] {
        let mut world = world();
        let actor = world.exec(1);
        assert_eq!(code_of(&world, BOB), BuiltinActor::Placeholder.code());
        let receipt = world.one(BOB.message(0, actor, method, vec![], 0));
        assert_eq!(receipt.exit_code.is_success(), method == 5);
        assert_eq!((code_of(&world, BOB), nonce_of(&world, BOB)), (BuiltinActor::EthAccount.code(), 1));
    }
}

#[test]
fn a_message_that_is_skipped_leaves_a_placeholder_one() {
    let world = world();
    let unchanged = world.run(&[]).state_root;
    let good = || unsigned_message(0, Address::new_id(100), 0, vec![], 1);
    for (what, message) in [
        ("nonce", Message { sequence: 1, ..good() }),
        ("funds", Message { value: atto(RICH), ..good() }),
        ("fee cap", Message { gas_fee_cap: atto(1), ..good() }),
        ("inclusion", Message { gas_limit: 500_000, ..good() }),
        ("block", Message { gas_limit: 15_000_000_001, ..good() }),
    ] {
        let outcome = world.run(&[BOB.sign(message)]);
        assert!(outcome.receipts[0].skipped, "{what}");
        assert_eq!(outcome.receipts[0].exit_code, ExitCode::SYS_SENDER_STATE_INVALID, "{what}");
        assert_eq!(outcome.state_root, unchanged, "{what}");
    }
}

#[test]
fn an_address_that_nobody_has_sends_nothing() {
    let world = world();
    for account in [Account::F1(50), Account::F3(50), Account::F410(50)] {
        let outcome = world.run(&[account.message(0, Address::new_id(100), 0, vec![], 0)]);
        assert_eq!(exits(&outcome.receipts), [ExitCode::SYS_SENDER_INVALID], "{account:?}");
        assert_eq!(outcome.state_root, world.run(&[]).state_root);
    }
}

#[test]
fn messages_and_ethereum_transactions_of_an_account_share_its_nonces() {
    let mut world = world();
    let (actor, to) = (world.exec(1), bob().eth_address());
    let receipts = world.block(&[
        send(&alice(), 0, to, 1, vec![]),
        ALICE.message(1, actor, 5, vec![], 1),
        ALICE.message(1, actor, 6, vec![], 1),
        send(&alice(), 1, to, 1, vec![]),
        send(&alice(), 2, to, 1, vec![]),
        ALICE.message(3, to.to_address(), 0, vec![], 1),
        sign(&alice(), unsigned(4, None, 0, init_code(KEEPER))),
    ]);
    let skipped: Vec<_> = receipts.iter().map(|receipt| receipt.skipped).collect();
    assert_eq!(skipped, [false, false, true, true, false, false, false]);
    assert_eq!((nonce_of(&world, ALICE), world.balance(actor), world.balance(to)), (5, 1, RICH + 3));
    let made = receipts[6].contract.unwrap();
    assert_eq!(made, creation(&alice(), 4), "named by the nonce after the messages");
}

/// Source: FIP-0055, `CreateExternal`: the address is the one that Ethereum's own creation would give it.
#[test]
fn an_ethereum_account_makes_a_contract_by_a_message_at_the_address_that_its_nonce_gives() {
    let mut world = world();
    let init_code = to_vec(&BytesSer(&init_code(KEEPER))).unwrap();
    let made = |receipt: Receipt| {
        let (_, _, BytesDe(address)): (u64, Option<Address>, BytesDe) = from_slice(&receipt.return_data).unwrap();
        EthAddress(address.try_into().unwrap())
    };
    for nonce in 0..2 {
        let receipt = world.one(BOB.message(nonce, Address::new_id(EAM_ID), 4, init_code.clone(), 0));
        assert_eq!((made(receipt), nonce_of(&world, BOB)), (creation(&bob(), nonce), nonce + 1));
    }
}

#[test]
fn an_account_that_delegates_sends_messages_as_it_sends_transactions() {
    let mut world = world();
    let keeper = world.deploy(0, KEEPER);
    world.one(set_code(&alice(), 1, (&bob(), 0), keeper, words(&[1, 2])));
    let actor = world.exec(1);
    let receipts = world.block(&[BOB.message(1, actor, 5, vec![], 1), send(&bob(), 2, keeper, 0, words(&[3, 4]))]);
    assert_eq!(exits(&receipts), [ExitCode::OK; 2]);
    assert_eq!((code_of(&world, BOB), nonce_of(&world, BOB)), (BuiltinActor::EthAccount.code(), 3));
    let called = world.one(send(&alice(), 2, bob().eth_address(), 0, words(&[5, 6])));
    assert_eq!(
        (called.exit_code, world.stored(bob().eth_address(), 5).to::<u64>()),
        (ExitCode::OK, 6),
        "it still delegates"
    );
}

/// Whoever finds a key of a contract's address, or a wallet that became a contract, spends nothing. Source: EIP-3607.
#[test]
fn a_contract_sends_nothing_though_somebody_holds_a_key_of_its_address() {
    let mut world = world();
    let mut state = world.open().unwrap();
    let id = state.resolve(&BOB.address()).unwrap().unwrap();
    let bobs = state.actor(id).unwrap().unwrap();
    let code = Bytecode::new_raw(Bytes::from_static(KEEPER));
    let made = ContractChange { is_new: true, nonce: 0, code: Some((code.hash_slow(), code)), slots: vec![] };
    let contract = Actor { balance: bobs.balance, ..Actor::new(BuiltinActor::Evm, Some(BOB.address())) };
    let change = ActorChange { id, actor: Some(contract), contract: Some(made) };
    state.apply(Changes { actors: vec![change], ..Changes::default() }).unwrap();
    world.root = state.flush().unwrap();

    let receipts =
        world.run(&[BOB.message(0, Address::new_id(100), 0, vec![], 1), send(&bob(), 0, PROPOSER, 1, vec![])]);
    assert!(receipts.receipts.iter().all(|receipt| receipt.skipped));
    assert_eq!(receipts.receipts[0].exit_code, ExitCode::SYS_SENDER_INVALID);
    assert_eq!(receipts.state_root, world.run(&[]).state_root);
}

#[test]
fn an_f3_pays_for_the_verification_of_its_signature_and_nobody_else_does() {
    let mut world = world();
    let actor = world.exec(1);
    let length = |transaction: &Transaction| u64::try_from(transaction.raw().len()).unwrap();
    for (to, method, value) in [(actor, 5, 3), (Address::new_id(100), 0, 3), (Address::new_id(100), 0, 0)] {
        let sent = [CAROL, DAVE, BOB].map(|account| {
            let nonce = nonce_of(&world, account);
            account.message(nonce, to, method, vec![], value)
        });
        let used = |transaction: &Transaction| {
            let receipt = world.run(std::slice::from_ref(transaction)).receipts.remove(0);
            assert!(receipt.exit_code.is_success());
            receipt.fvm_gas_used - CHAIN_BYTE * length(transaction)
        };
        let [f1, f3, f410] = [&sent[0], &sent[1], &sent[2]].map(used);
        assert_eq!((f3 - f1, f410), (PAIRING, f1), "method {method}, {value}");
    }
}

#[test]
fn an_f3_whose_gas_limit_does_not_hold_its_verification_is_skipped() {
    let world = world();
    let with = |gas_limit| DAVE.sign(Message { gas_limit, ..unsigned_message(0, Address::new_id(100), 0, vec![], 0) });
    let all = world.run(&[with(FVM_GAS)]).receipts.remove(0).fvm_gas_used;
    for (gas_limit, skipped) in [(all, false), (all - 1, true)] {
        assert_eq!(*crate::intrinsic::gas_limits(&with(gas_limit)).start(), all, "what a mempool asks for");
        let receipt = world.run(&[with(gas_limit)]).receipts.remove(0);
        assert_eq!((receipt.skipped, receipt.fvm_gas_used), (skipped, if skipped { 0 } else { all }));
    }
}

/// An f3's address is 29 bytes longer than an f1's in CBOR, its signature 31.
#[test]
fn an_estimate_for_an_f3_counts_its_address_and_its_signature() {
    let mut world = world();
    let actor = world.exec(1);
    let [f1, f3] = [CAROL, DAVE].map(|account| {
        let call =
            FvmCall { from: account.address(), to: actor, method: 5, params: vec![], value: atto(1), gas_limit: None };
        match world.estimate(&Overrides::default(), &CallRequest::Fvm(call)) {
            GasEstimate::Enough(gas_limit) => gas_limit,
            never => panic!("{never:?}"),
        }
    });
    assert_eq!(f3 - f1, PAIRING + 60 * CHAIN_BYTE);
}

#[test]
fn an_estimate_is_enough_for_every_kind_of_account() {
    let mut world = world();
    let actor = world.exec(1);
    for account in [CAROL, DAVE, ALICE, BOB] {
        let call =
            FvmCall { from: account.address(), to: actor, method: 5, params: vec![], value: atto(1), gas_limit: None };
        let estimate = world.estimate(&Overrides::default(), &CallRequest::Fvm(call));
        let GasEstimate::Enough(gas_limit) = estimate else { panic!("{estimate:?}") };
        let unsigned = unsigned_message(nonce_of(&world, account), actor, 5, vec![], 1);
        let receipt = world.one(account.sign(Message { gas_limit, ..unsigned }));
        assert_eq!(receipt.exit_code, ExitCode::OK, "{account:?}");
        // What it is longer by at most: nonce, fees and gas limit.
        assert!(gas_limit - receipt.fvm_gas_used < 64 * CHAIN_BYTE, "{account:?}: {gas_limit}");
    }
}

#[test]
fn an_ethereum_account_signs_for_a_multisig() {
    let mut world = world();
    let constructor = to_vec(&([BOB.address(), DAVE.address()], 2_u64, 0_i64, 0_i64)).unwrap();
    let params = to_vec(&(BuiltinActor::Multisig.code(), RawBytes::new(constructor))).unwrap();
    let receipt = world.one(BOB.message(0, Address::new_id(INIT_ID), 2, params, 100));
    let (wallet, _): (Address, Address) = from_slice(&receipt.return_data).unwrap();
    let proposal = to_vec(&(CAROL.address(), atto(70), 0_u64, RawBytes::default())).unwrap();
    let approval = to_vec(&(0_i64, BytesSer(&[]))).unwrap();
    let receipts = world.block(&[BOB.message(1, wallet, 2, proposal, 0), DAVE.message(0, wallet, 3, approval, 0)]);
    assert_eq!(exits(&receipts), [ExitCode::OK; 2]);
    assert_eq!(world.balance(wallet), 30, "two signed, and it paid");
}
