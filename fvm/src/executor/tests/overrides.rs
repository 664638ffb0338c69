//! Calls on a state that is otherwise: what both runtimes see of it, and that nothing of it stays.

use std::collections::BTreeMap;

use alloy_primitives::{Address as EvmAddress, U256};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore as _;
use fvm_ipld_encoding::{BytesSer, to_vec};
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use tributary_primitives::{EntryKey, EthAddress, Hash32, Height, cbor_cid};

use super::super::query::draft;
use super::world::*;
use crate::ReadState as _;
use crate::evm::INVOKE_EVM;
use crate::{
    AccountOverride, BlockOverrides, CallOutcome, CallRejected, CallRequest, EthereumCall, FvmCall, GasEstimate,
    Overrides, OverridesRejected, StorageOverride, precompiled_contracts,
};

/// Answers the slot that the first word of its call data names.
const READER: &[u8] = &[0x5f, 0x35, 0x54, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// Answers the balance of the address in the first word of its call data.
const BALANCE: &[u8] = &[0x5f, 0x35, 0x31, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// Makes an empty contract and answers its address.
const MAKER: &[u8] = &[0x5f, 0x5f, 0x5f, 0xf0, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

/// Answers what its caller and what it has itself, 16 bytes each, little-endian.
const TELLER: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "actor" "balance_of" (func $balance (param i32 i64) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "invoke") (param i32) (result i32)
    (drop (call $context (i32.const 512)))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 1)) (then (return (i32.const 0))))
    (if (call $balance (i32.const 600) (i64.load (i32.const 528))) (then (unreachable)))
    (if (call $balance (i32.const 616) (i64.load (i32.const 536))) (then (unreachable)))
    (drop (call $create (i32.const 256) (i64.const 0x55) (i32.const 600) (i32.const 32)))
    (i32.load (i32.const 256))))"#;

const NOBODY: EthAddress = EthAddress([0x99; 20]);

fn on_accounts<const N: usize>(accounts: [(EthAddress, AccountOverride); N]) -> Overrides {
    Overrides { accounts: BTreeMap::from(accounts), ..Overrides::default() }
}

fn on_block(block: BlockOverrides) -> Overrides {
    Overrides { block, ..Overrides::default() }
}

fn balance(amount: u128) -> AccountOverride {
    AccountOverride { balance: Some(atto(amount)), ..AccountOverride::default() }
}

fn code(code: &[u8]) -> AccountOverride {
    AccountOverride { code: Some(code.to_vec()), ..AccountOverride::default() }
}

fn moved_to(address: EthAddress) -> AccountOverride {
    AccountOverride { precompile_to: Some(address), ..AccountOverride::default() }
}

/// Ethereum's precompiled contract of this number.
fn precompiled(number: u8) -> EthAddress {
    EthAddress([&[0; 19][..], &[number]].concat().try_into().unwrap())
}

/// The most that an account can have.
fn largest() -> TokenAmount {
    TokenAmount::from_atto(U256::MAX.to_string().parse::<BigInt>().unwrap())
}

fn word(number: u64) -> Hash32 {
    Hash32(U256::from(number).to_be_bytes())
}

fn slots<const N: usize>(slots: [(u64, u64); N]) -> BTreeMap<Hash32, Hash32> {
    slots.into_iter().map(|(slot, value)| (word(slot), word(value))).collect()
}

fn asking(to: EthAddress, input: Vec<u8>) -> CallRequest {
    CallRequest::Ethereum(EthereumCall { to: Some(to), input, ..EthereumCall::default() })
}

fn address_word(address: EthAddress) -> Vec<u8> {
    EvmAddress::new(address.0).into_word().to_vec()
}

fn well(outcome: CallOutcome) -> Vec<u8> {
    assert_eq!(outcome.exit_code, ExitCode::OK, "{outcome:?}");
    outcome.return_data
}

/// An actor that tells what its caller has, as contracts know it.
fn teller(world: &mut World) -> EthAddress {
    let receipts = world.block(&install_and_make(&wat::parse_str(TELLER).unwrap(), 0));
    let (id, _robust): (Address, Address) = fvm_ipld_encoding::from_slice(&receipts[1].return_data).unwrap();
    EthAddress::from_actor_id(id.id().unwrap())
}

#[test]
fn a_contract_and_an_actor_that_it_calls_see_the_same_balances() {
    let mut world = World::new();
    let (teller, forwarder) = (teller(&mut world), world.deploy(0, FORWARDER));
    let teller_told = [&5u128.to_le_bytes()[..], &9u128.to_le_bytes()].concat();
    let overrides = on_accounts([(forwarder, balance(5)), (teller, balance(9)), (NOBODY, code(BALANCE))]);
    let forwarded = |data: &[u8]| asking(forwarder, [address_word(teller), data.to_vec()].concat());
    assert_eq!(well(world.call_with(&overrides, forwarded(&[1])).unwrap()), teller_told);
    for (whose, has) in [(forwarder, 5), (teller, 9), (bob().eth_address(), u64::try_from(RICH).unwrap())] {
        assert_eq!(well(world.call_with(&overrides, asking(NOBODY, address_word(whose))).unwrap()), words(&[has]));
    }
    let without = well(world.call(forwarded(&[1])));
    assert_eq!(without, [0; 32], "the next call finds the chain's");
}

#[test]
fn money_that_a_caller_is_given_can_be_spent_in_both_runtimes() {
    let mut world = World::new();
    let (forwarder, proxy) = (world.deploy(0, FORWARDER), world.exec_code(0, proxy_code()));
    let stranger = key(9).f1_address().to_bytes();
    let told = [&[u8::try_from(stranger.len()).unwrap()][..], &stranger, &[0; 8]].concat();
    let input = [address_word(EthAddress::from_actor_id(proxy.id().unwrap())), told].concat();
    let call = EthereumCall { from: NOBODY, to: Some(forwarder), value: atto(7), input, ..EthereumCall::default() };
    let request = CallRequest::Ethereum(call);
    let outcome = world.call(request.clone());
    assert_eq!(outcome.exit_code, ExitCode::SYS_INSUFFICIENT_FUNDS);
    let rich = on_accounts([(NOBODY, balance(7))]);
    well(world.call_with(&rich, request.clone()).unwrap());
    assert!(matches!(world.estimate(&rich, &request), GasEstimate::Enough(gas) if gas > 21_000));
    assert!(matches!(world.estimate(&Overrides::default(), &request), GasEstimate::Never(_)));
}

#[test]
fn code_and_storage_are_what_contracts_and_actors_run() {
    let mut world = World::new();
    let (forwarder, proxy) = (world.deploy(0, FORWARDER), world.exec_code(0, proxy_code()));
    let storage = StorageOverride::With(slots([(3, 33)]));
    let reader = || AccountOverride { storage: storage.clone(), ..code(READER) };
    let overrides = on_accounts([(NOBODY, reader())]);
    assert_eq!(well(world.call_with(&overrides, asking(NOBODY, words(&[3]))).unwrap()), words(&[33]));
    let input = [address_word(NOBODY), words(&[3])].concat();
    assert_eq!(well(world.call_with(&overrides, asking(forwarder, input)).unwrap()), words(&[33]));

    // An actor calls it: `InvokeEVM`, call data and answer as CBOR byte strings.
    let name = NOBODY.to_address().to_bytes();
    let data = to_vec(&BytesSer(&words(&[3]))).unwrap();
    let length = [u8::try_from(name.len()).unwrap()];
    let params = [&length[..], &name, &INVOKE_EVM.to_le_bytes(), &data].concat();
    let call = FvmCall { from: carol().f1_address(), to: proxy, method: 5, params, value: atto(0), gas_limit: None };
    let outcome = world.call_with(&overrides, CallRequest::Fvm(call)).unwrap();
    assert_eq!(well(outcome), to_vec(&BytesSer(&words(&[33]))).unwrap());
}

/// Answers the root block of its state; by method 3 its entry `k`, which must be there; by method 4 the block that the root, a list of one
/// link, links to.
const STATE_READER: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "self" "root" (func $root (param i32 i32 i32) (result i32)))
  (import "ipld" "block_open" (func $open (param i32 i32) (result i32)))
  (import "ipld" "block_read" (func $read (param i32 i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (import "tributary" "entry_get" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 256) "k")
  (func $ok (param i32) (if (local.get 0) (then (unreachable))))
  (func (export "invoke") (param i32) (result i32)
    (call $ok (call $context (i32.const 512)))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 1)) (then (return (i32.const 0))))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 3))
      (then
        (call $ok (call $get (i32.const 700) (i32.const 256) (i32.const 1) (i32.const 1024) (i32.const 1024)))
        (if (i32.lt_s (i32.load (i32.const 700)) (i32.const 0)) (then (unreachable)))
        (call $ok (call $create (i32.const 704) (i64.const 0x55) (i32.const 1024) (i32.load (i32.const 700))))
        (return (i32.load (i32.const 704)))))
    (call $ok (call $root (i32.const 600) (i32.const 800) (i32.const 100)))
    (call $ok (call $open (i32.const 640) (i32.const 800)))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 4))
      (then ;; a list's head, a tag, a byte string's head and a zero stand before the CID
        (call $ok (call $read (i32.const 700) (i32.load (i32.const 648)) (i32.const 0) (i32.const 1024) (i32.const 100)))
        (call $ok (call $open (i32.const 640) (i32.const 1030)))))
    (i32.load (i32.const 648))))"#;

/// An actor of it.
fn state_reader(world: &mut World) -> Address {
    let receipts = world.block(&install_and_make(&wat::parse_str(STATE_READER).unwrap(), 0));
    let (id, _robust): (Address, Address) = fvm_ipld_encoding::from_slice(&receipts[1].return_data).unwrap();
    id
}

#[test]
fn an_actor_of_installed_code_finds_the_state_and_the_entries_that_were_wanted() {
    let mut world = World::new();
    let to = state_reader(&mut world);
    let reader = EthAddress::from_actor_id(to.id().unwrap());
    let ask = |method, wanted: AccountOverride| {
        let from = carol().f1_address();
        let call = FvmCall { from, to, method, params: vec![], value: atto(0), gas_limit: None };
        world.call_with(&on_accounts([(reader, wanted)]), CallRequest::Fvm(call))
    };
    let state = |block: &[u8]| AccountOverride { state: Some(block.to_vec()), ..AccountOverride::default() };
    let entry = |value: Option<&[u8]>| AccountOverride {
        entries: BTreeMap::from([(EntryKey::new(b"k").unwrap(), value.map(<[u8]>::to_vec))]),
        ..AccountOverride::default()
    };
    assert_eq!(well(ask(2, state(&[0x82, 1, 2])).unwrap()), [0x82, 1, 2]);
    assert_eq!(well(ask(3, entry(Some(b"value"))).unwrap()), b"value");
    for wanted in [entry(None), balance(1)] {
        assert_eq!(ask(3, wanted).unwrap().exit_code, ExitCode::SYS_ILLEGAL_INSTRUCTION, "there is none");
    }
    assert_eq!(ask(3, entry(Some(b""))).unwrap().exit_code, ExitCode::OK);
    for (wanted, part) in [
        (state(&[0x82, 1]), "cannot have this state"),
        (state(&vec![0; 1 << 21]), "at most 1 MiB"),
        (entry(Some(&[0; 1_025])), "cannot have an entry of 1025 bytes: at most 1024"),
        (AccountOverride { storage: StorageOverride::Only(BTreeMap::new()), ..state(&[0x80]) }, "no contract"),
    ] {
        let refused = ask(2, wanted).unwrap_err().to_string();
        assert!(refused.contains(part) && refused.contains(&reader.to_string()), "{refused}");
    }
    for somebody in [NOBODY, bob().eth_address(), EthAddress::from_actor_id(1)] {
        for wanted in [state(&[0x80]), entry(None)] {
            let refused = world.call_with(&on_accounts([(somebody, wanted)]), asking(NOBODY, Vec::new())).unwrap_err();
            assert_eq!(refused, OverridesRejected::NotInstalled(somebody).into());
        }
    }
}

#[test]
fn a_link_that_leads_nowhere_is_its_callers_fault() {
    let mut world = World::new();
    let to = state_reader(&mut world);
    let call = FvmCall { from: carol().f1_address(), to, method: 4, params: vec![], value: atto(0), gas_limit: None };
    let reader = EthAddress::from_actor_id(to.id().unwrap());
    let with_link_to =
        |cid: &Cid| AccountOverride { state: Some(to_vec(&(*cid,)).unwrap()), ..AccountOverride::default() };
    let ask = |cid: &Cid| world.call_with(&on_accounts([(reader, with_link_to(cid))]), CallRequest::Fvm(call.clone()));
    let refused = ask(&cbor_cid(b"nowhere")).unwrap_err();
    assert!(
        matches!(&refused, CallRejected::Overrides(OverridesRejected::Impossible(why)) if why.contains("is not stored")),
        "{refused}"
    );
    assert_eq!(
        well(ask(&world.root).unwrap()),
        &world.store.get(&world.root).unwrap().unwrap()[..],
        "what is stored may be reached"
    );
}

#[test]
fn a_precompiled_contract_answers_where_it_is_moved_and_its_account_runs_its_own_code() {
    let mut world = World::new();
    let (forwarder, proxy) = (world.deploy(0, FORWARDER), world.exec_code(0, proxy_code()));
    let (identity, hash) = (precompiled(4), precompiled(2));
    let reader = || AccountOverride { storage: StorageOverride::With(slots([(7, 77)])), ..code(READER) };
    let both = AccountOverride { precompile_to: Some(NOBODY), ..reader() };
    let (echo, read) = (|| words(&[7]), || words(&[77]));
    for (wanted, at_identity, at_nobody) in [
        (None, echo(), vec![]),
        (Some(balance(1)), vec![], vec![]),
        (Some(reader()), read(), vec![]),
        (Some(moved_to(NOBODY)), vec![], echo()),
        (Some(both), read(), echo()),
    ] {
        let accounts = wanted.into_iter().map(|wanted| (identity, wanted)).collect();
        let overrides = Overrides { accounts, ..Overrides::default() };
        for (to, told) in [(identity, &at_identity), (NOBODY, &at_nobody)] {
            let forwarded = asking(forwarder, [address_word(to), words(&[7])].concat());
            for request in [asking(to, words(&[7])), forwarded] {
                assert_eq!(&well(world.call_with(&overrides, request).unwrap()), told, "{to} {overrides:?}");
            }
        }
    }
    let on_another = on_accounts([(identity, moved_to(hash))]);
    assert_eq!(well(world.call_with(&on_another, asking(hash, words(&[7]))).unwrap()), words(&[7]), "and no hash");

    // Below an actor too.
    let name = forwarder.to_address().to_bytes();
    let data = to_vec(&BytesSer(&[address_word(NOBODY), words(&[7])].concat())).unwrap();
    let length = [u8::try_from(name.len()).unwrap()];
    let params = [&length[..], &name, &INVOKE_EVM.to_le_bytes(), &data].concat();
    let call = FvmCall { from: carol().f1_address(), to: proxy, method: 5, params, value: atto(0), gas_limit: None };
    let outcome = world.call_with(&on_accounts([(identity, moved_to(NOBODY))]), CallRequest::Fvm(call)).unwrap();
    assert_eq!(well(outcome), to_vec(&BytesSer(&words(&[7]))).unwrap());

    // One that reaches actors is no other.
    let resolve = precompiled_contracts()["RESOLVE_ADDRESS"];
    let bobs = bob().eth_address().to_address().to_bytes();
    let id = well(world.call(asking(resolve, bobs.clone())));
    assert_eq!(id.len(), 32);
    let moved = on_accounts([(resolve, moved_to(NOBODY))]);
    assert_eq!(well(world.call_with(&moved, asking(NOBODY, bobs)).unwrap()), id);
}

#[test]
fn storage_is_replaced_or_changed_slot_by_slot() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    world.block(&[send(&alice(), 1, keeper, 0, words(&[1, 10])), send(&alice(), 2, keeper, 0, words(&[2, 20]))]);
    for (storage, read) in [
        (StorageOverride::Kept, [10, 20, 0]),
        (StorageOverride::With(slots([(2, 22), (3, 33)])), [10, 22, 33]),
        (StorageOverride::Only(slots([(2, 22)])), [0, 22, 0]),
        (StorageOverride::Only(BTreeMap::new()), [0, 0, 0]),
        (StorageOverride::With(slots([(1, 0)])), [0, 20, 0]),
    ] {
        let overrides = on_accounts([(keeper, AccountOverride { storage: storage.clone(), ..code(READER) })]);
        for (slot, value) in (1..).zip(read) {
            let answer = well(world.call_with(&overrides, asking(keeper, words(&[slot]))).unwrap());
            assert_eq!(answer, words(&[value]), "{storage:?}, slot {slot}");
        }
    }
}

#[test]
fn a_nonce_is_ethereums_whoever_has_it() {
    let mut world = World::new();
    let forwarder = world.deploy(0, FORWARDER);
    let made = |maker: EthAddress, nonce| address_word(EthAddress(EvmAddress::new(maker.0).create(nonce).0.0));
    for (who, wanted, nonce) in [
        (NOBODY, AccountOverride { nonce: Some(5), ..code(MAKER) }, 5),
        (NOBODY, code(MAKER), 0),
        (forwarder, code(MAKER), 1),
        (alice().eth_address(), code(MAKER), 1),
        (bob().eth_address(), AccountOverride { nonce: Some(7), ..code(MAKER) }, 7),
    ] {
        let outcome = world.call_with(&on_accounts([(who, wanted)]), asking(who, Vec::new())).unwrap();
        assert_eq!(well(outcome), made(who, nonce), "{who}");
    }
}

#[test]
fn an_account_delegates_and_a_contract_loses_its_code() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let delegation = [&[0xef, 0x01, 0x00], &keeper.0[..]].concat();
    let overrides = on_accounts([(bob().eth_address(), code(&delegation))]);
    let outcome = world.call_with(&overrides, asking(bob().eth_address(), words(&[1, 10]))).unwrap();
    assert_eq!(outcome.events[0].address, bob().eth_address(), "the keeper's code ran in bob's name");
    let outcome = world.call_with(&on_accounts([(keeper, code(&[]))]), asking(keeper, words(&[1, 10]))).unwrap();
    assert_eq!((outcome.exit_code, outcome.events.len()), (ExitCode::OK, 0));
}

#[test]
fn a_block_is_as_its_caller_wants_it() {
    let mut world = World::new();
    // number, timestamp, coinbase, base fee, gas limit, prevrandao
    let code = [
        0x43, 0x5f, 0x52, 0x42, 0x60, 0x20, 0x52, 0x41, 0x60, 0x40, 0x52, 0x48, 0x60, 0x60, 0x52, 0x45, 0x60, 0x80,
        0x52, 0x44, 0x60, 0xa0, 0x52, 0x60, 0xc0, 0x5f, 0xf3,
    ];
    let contract = world.deploy(0, &code);
    let told = |number, time, proposer, base_fee, gas_limit, randao: [u8; 32]| {
        let numbers = [words(&[number, time]), address_word(proposer), words(&[base_fee, gas_limit])];
        [numbers.concat(), randao.to_vec()].concat()
    };
    let plain = well(world.call(asking(contract, Vec::new())));
    assert_eq!(plain, told(2, 1_700_000_000, PROPOSER, 0, 30_000_000, [0x22; 32]));
    let overrides = on_block(BlockOverrides {
        height: Some(Height(77)),
        timestamp_s: Some(78),
        proposer: Some(NOBODY),
        base_fee: Some(79),
        gas_limit: Some(80_000),
        prev_randao: Some(Hash32([0x81; 32])),
    });
    let outcome = world.call_with(&overrides, asking(contract, Vec::new())).unwrap();
    assert_eq!(well(outcome), told(77, 78, NOBODY, 79, 80_000, [0x81; 32]));
    let small = on_block(BlockOverrides { gas_limit: Some(21_000), ..BlockOverrides::default() });
    let outcome = world.call_with(&small, asking(contract, Vec::new())).unwrap();
    assert_eq!((outcome.exit_code, outcome.gas_used), (ExitCode::SYS_OUT_OF_GAS, 21_000));
}

#[test]
fn past_blocks_are_the_chains_whatever_the_number() {
    let mut world = World::new();
    // blockhash(calldata[0])
    let contract = world.deploy(0, &[0x5f, 0x35, 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    let at = |number, asked| {
        let overrides = on_block(BlockOverrides { height: number, ..BlockOverrides::default() });
        well(world.call_with(&overrides, asking(contract, words(&[asked]))).unwrap())
    };
    assert_eq!(world.height, Height(1));
    assert_eq!(at(None, 1), [0x11; 32], "the block before, which a call stands on");
    assert_eq!(at(Some(Height(100)), 1), [0x11; 32]);
    assert_eq!(
        (at(Some(Height(100)), 2), at(None, 2), at(Some(Height(1)), 1)),
        (vec![0; 32], vec![0; 32], vec![0; 32])
    );
}

#[test]
fn nothing_of_it_reaches_the_chain() {
    let world = World::new();
    let overrides =
        on_accounts([(bob().eth_address(), balance(1)), (NOBODY, AccountOverride { nonce: Some(3), ..code(KEEPER) })]);
    let (blocks, sum) = (world.store.blocks().len(), world.tree().balance(&bob().eth_address().to_address()).unwrap());
    well(world.call_with(&overrides, asking(NOBODY, words(&[1, 10]))).unwrap());
    assert_eq!(world.store.blocks().len(), blocks);
    assert_eq!(world.tree().balance(&bob().eth_address().to_address()).unwrap(), sum);
    assert_eq!(world.tree().resolve(&NOBODY.to_address()).unwrap(), None);
    let (mut draft, _) = draft(world.open().unwrap(), &world.env(), &overrides.accounts).unwrap().unwrap();
    let refusal = draft.flush().unwrap_err().to_string();
    assert!(refusal.contains("a draft"), "{refusal}");
    assert_eq!(world.store.blocks().len(), blocks);
}

#[test]
fn what_no_account_can_be_is_refused_for_its_own_reason() {
    let mut world = World::new();
    let actor = EthAddress::from_actor_id(world.exec(0).id().unwrap());
    let bobs = world.tree().resolve(&bob().eth_address().to_address()).unwrap().unwrap();
    let (nobody, masked_bob) = (EthAddress::from_actor_id(4_000), EthAddress::from_actor_id(bobs));
    let stored = AccountOverride { storage: StorageOverride::Only(BTreeMap::new()), ..AccountOverride::default() };
    let with = |balance: TokenAmount| AccountOverride { balance: Some(balance), ..AccountOverride::default() };
    let delegation = AccountOverride { code: Some(vec![0xef, 0x01, 0x00, 0x11]), ..AccountOverride::default() };
    for (account, wanted, part) in [
        (nobody, balance(1), "there is no such actor"),
        (masked_bob, balance(1), "override that one"),
        (actor, code(READER), "is an actor and no contract"),
        (actor, stored, "is an actor and no contract"),
        (NOBODY, moved_to(precompiled(4)), "is not a precompile"),
        (NOBODY, with(atto(0) - atto(1)), "from 0 to 2^256 - 1"),
        (NOBODY, with(largest() + atto(1)), "from 0 to 2^256 - 1"),
        (NOBODY, delegation, "cannot have this code"),
    ] {
        let refused = world.call_with(&on_accounts([(account, wanted)]), asking(NOBODY, Vec::new())).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(part) && text.contains(&account.to_string()), "{text}");
    }
    let taken = on_accounts([(precompiled(4), moved_to(NOBODY)), (NOBODY, balance(1))]);
    let refused = world.call_with(&taken, asking(NOBODY, Vec::new())).unwrap_err();
    assert_eq!(refused.to_string(), format!("account {NOBODY} is already overridden"));
    for (account, wanted) in [(actor, balance(1)), (precompiled(4), balance(1)), (NOBODY, with(largest()))] {
        well(world.call_with(&on_accounts([(account, wanted)]), asking(NOBODY, Vec::new())).unwrap());
    }
}

#[test]
fn more_than_there_can_be_is_told_to_a_contract_and_held_for_an_actor() {
    let mut world = World::new();
    let (teller, forwarder) = (teller(&mut world), world.deploy(0, FORWARDER));
    let boundless = || AccountOverride { balance: Some(largest()), ..AccountOverride::default() };
    let overrides = on_accounts([
        (NOBODY, boundless()),
        (forwarder, boundless()),
        (EthAddress([0x98; 20]), code(BALANCE)),
        (EthAddress([0x97; 20]), boundless()),
    ]);
    let told = [&u128::MAX.to_le_bytes()[..], &0u128.to_le_bytes()].concat();
    let forwarded = |value| {
        let input = [address_word(teller), vec![1]].concat();
        CallRequest::Ethereum(EthereumCall {
            from: NOBODY,
            to: Some(forwarder),
            value,
            input,
            ..EthereumCall::default()
        })
    };
    assert_eq!(well(world.call_with(&overrides, forwarded(atto(0))).unwrap()), told);
    let asked = asking(EthAddress([0x98; 20]), address_word(NOBODY));
    assert_eq!(well(world.call_with(&overrides, asked).unwrap()), [0xff; 32]);
    // Two balances that no sum holds, and amounts that no actor can be told of: a call ends, and the node goes on.
    for to in [EthAddress([0x97; 20]), EthAddress([0x96; 20])] {
        let call = EthereumCall { from: NOBODY, to: Some(to), value: largest(), ..EthereumCall::default() };
        drop(world.call_with(&overrides, CallRequest::Ethereum(call)));
    }
    let poor = on_accounts([(NOBODY, boundless())]);
    for value in [largest(), TokenAmount::from_atto(u128::MAX) + atto(1)] {
        let outcome = world.call_with(&poor, forwarded(value)).unwrap();
        assert_eq!(outcome.exit_code, ExitCode::new(33), "{outcome:?}");
    }
}

#[test]
fn a_law_that_overrides_break_is_their_callers_fault() {
    let world = World::new();
    let overrides = on_accounts([
        (NOBODY, AccountOverride { balance: Some(largest()), ..AccountOverride::default() }),
        (alice().eth_address(), balance(2)),
    ]);
    // A contract that calls alice and destroys itself for itself: three are burnt of a sum that wrapped to one.
    let init =
        [&[0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x73][..], &alice().eth_address().0, &[0x5a, 0xf1, 0x30, 0xff]].concat();
    let call = EthereumCall { from: NOBODY, value: atto(3), input: init, ..EthereumCall::default() };
    let refused = world.call_with(&overrides, CallRequest::Ethereum(call)).unwrap_err();
    assert!(matches!(refused, CallRejected::Overrides(OverridesRejected::Impossible(_))), "{refused}");
}
