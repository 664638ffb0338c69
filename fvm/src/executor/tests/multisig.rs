//! Wallets of several signers, by whole messages. Parameters are tuples written by hand: they pin what Filecoin's tools send.

use fvm_ipld_encoding::{BytesSer, RawBytes, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_crypto::SecpSecretKey;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::{BuiltinActor, INIT_ID};

use super::world::*;
use crate::ReadState as _;
use crate::native::multisig::state::State;
use crate::receipt::Receipt;
use crate::state::read_cbor;

// Filecoin's numbers, written once more: a method that moves is a fault.
const PROPOSE: u64 = 2;
const APPROVE: u64 = 3;
const CANCEL: u64 = 4;
const ADD_SIGNER: u64 = 5;
const REMOVE_SIGNER: u64 = 6;
const SWAP_SIGNER: u64 = 7;
const CHANGE_THRESHOLD: u64 = 8;
const LOCK_BALANCE: u64 = 9;
const RECEIVE: u64 = 3_726_118_371;

const OK: ExitCode = ExitCode::OK;
const ILLEGAL_ARGUMENT: ExitCode = ExitCode::USR_ILLEGAL_ARGUMENT;
const NOT_FOUND: ExitCode = ExitCode::USR_NOT_FOUND;
const FORBIDDEN: ExitCode = ExitCode::USR_FORBIDDEN;
const INSUFFICIENT_FUNDS: ExitCode = ExitCode::USR_INSUFFICIENT_FUNDS;

/// Signers beside Carol, and one who signs nothing.
fn dave() -> SecpSecretKey {
    key(4)
}

fn erin() -> SecpSecretKey {
    key(5)
}

fn mallory() -> SecpSecretKey {
    key(6)
}

/// A world with one wallet.
struct Vault {
    world: World,
    wallet: Address,
}

/// `[number, applied, exit code, return value]`.
type Proposed = (i64, bool, ExitCode, RawBytes);
/// `[applied, exit code, return value]`.
type Approved = (bool, ExitCode, RawBytes);

fn nothing() -> RawBytes {
    RawBytes::default()
}

fn with_accounts() -> World {
    let mut world = World::new();
    let fund = |(nonce, key): (u64, SecpSecretKey)| message(&carol(), nonce, key.f1_address(), 0, vec![], RICH / 100);
    let receipts = world.block(&(0..).zip([dave(), erin(), mallory()]).map(fund).collect::<Vec<_>>());
    assert!(receipts.iter().all(|receipt| receipt.exit_code.is_success()));
    world
}

fn exec(params: &[u8]) -> Vec<u8> {
    to_vec(&(BuiltinActor::Multisig.code(), RawBytes::new(params.to_vec()))).unwrap()
}

fn constructor(signers: &[Address], threshold: u64, unlock_duration: i64, start_epoch: i64) -> Vec<u8> {
    to_vec(&(signers, threshold, unlock_duration, start_epoch)).unwrap()
}

fn keys(keys: &[SecpSecretKey]) -> Vec<Address> {
    keys.iter().map(SecpSecretKey::f1_address).collect()
}

fn proposal(to: Address, value: u128, method: u64, params: Vec<u8>) -> Vec<u8> {
    to_vec(&(to, atto(value), method, RawBytes::new(params))).unwrap()
}

fn numbered(id: i64, hash: &[u8]) -> Vec<u8> {
    to_vec(&(id, BytesSer(hash))).unwrap()
}

impl World {
    /// One message of the key's next nonce, in a block of its own.
    fn act(&mut self, key: &SecpSecretKey, to: Address, method: u64, params: Vec<u8>, value: u128) -> Receipt {
        let receipt = self.one(self.next(key, to, method, params, value));
        assert!(!receipt.skipped);
        receipt
    }

    fn next(&self, key: &SecpSecretKey, to: Address, method: u64, params: Vec<u8>, value: u128) -> Transaction {
        message(key, self.tree().nonce(&key.f1_address()).unwrap(), to, method, params, value)
    }

    fn id(&self, key: &SecpSecretKey) -> Address {
        Address::new_id(self.tree().resolve(&key.f1_address()).unwrap().unwrap())
    }
}

impl Vault {
    /// Carol, Dave and Erin sign; so many of them must.
    fn of_three(threshold: u64) -> Self {
        Self::of(with_accounts(), &keys(&[carol(), dave(), erin()]), threshold)
    }

    fn of(mut world: World, signers: &[Address], threshold: u64) -> Self {
        let params = exec(&constructor(signers, threshold, 0, 0));
        let receipt = world.act(&mallory(), Address::new_id(INIT_ID), 2, params, 1_000);
        assert_eq!(receipt.exit_code, OK);
        let (wallet, _robust): (Address, Address) = from_slice(&receipt.return_data).unwrap();
        Self { world, wallet }
    }

    fn act(&mut self, key: &SecpSecretKey, method: u64, params: Vec<u8>) -> Receipt {
        self.world.act(key, self.wallet, method, params, 0)
    }

    fn propose(&mut self, key: &SecpSecretKey, to: Address, value: u128, method: u64, params: Vec<u8>) -> Proposed {
        let receipt = self.act(key, PROPOSE, proposal(to, value, method, params));
        assert_eq!(receipt.exit_code, OK);
        from_slice(&receipt.return_data).unwrap()
    }

    fn approve(&mut self, key: &SecpSecretKey, id: i64) -> Approved {
        let receipt = self.act(key, APPROVE, numbered(id, &[]));
        assert_eq!(receipt.exit_code, OK);
        from_slice(&receipt.return_data).unwrap()
    }

    fn state(&self) -> State {
        let tree = self.world.tree();
        let (_, actor) = tree.actor_at(&self.wallet).unwrap().unwrap();
        read_cbor(tree.store(), &actor.state, "multisig").unwrap()
    }

    fn holds(&self) -> u128 {
        self.world.balance(self.wallet)
    }

    /// Runs a message that must be refused with this exit code, and finds the wallet as it was.
    fn refuses(&mut self, key: &SecpSecretKey, method: u64, params: Vec<u8>, exit_code: ExitCode) {
        let (state, holds) = (self.state(), self.holds());
        let receipt = self.act(key, method, params);
        assert_eq!((receipt.exit_code, receipt.return_data.len()), (exit_code, 0), "method {method}");
        assert_eq!((self.state(), self.holds()), (state, holds), "method {method}");
    }

    /// What a transaction of the wallet's to itself comes to; the wallet needs one approval.
    fn alone(&mut self, method: u64, params: Vec<u8>) -> ExitCode {
        let (wallet, before) = (self.wallet, self.state());
        let (_, applied, code, _) = self.propose(&carol(), wallet, 0, method, params);
        assert!(applied);
        let after = State { next_id: before.next_id, ..self.state() };
        assert!(code.is_success() || after == before, "a refusal changes nothing: {method}");
        code
    }
}

#[test]
fn anyone_makes_a_wallet_and_its_signers_are_known_by_id() {
    let mut world = with_accounts();
    let stranger = key(77).f1_address();
    let signers = [carol().f1_address(), world.id(&dave()), stranger];
    let params = exec(&constructor(&signers, 2, 50, 1));
    let receipt = world.act(&mallory(), Address::new_id(INIT_ID), 2, params, 700);
    let (wallet, robust): (Address, Address) = from_slice(&receipt.return_data).unwrap();
    let vault = Vault { world, wallet };
    let (state, tree) = (vault.state(), vault.world.tree());
    let made = tree.actor_at(&stranger).unwrap().unwrap();
    assert_eq!(made.1.code, BuiltinActor::Account.code(), "a signer to be gets its account");
    let ids = [vault.world.id(&carol()), vault.world.id(&dave()), Address::new_id(made.0)];
    assert_eq!((&state.signers[..], state.threshold, state.next_id.0), (&ids[..], 2, 0));
    assert_eq!((state.initial_balance, state.unlock_duration, state.start_epoch), (atto(700), 50, 1));
    assert_eq!((vault.holds(), vault.world.balance(robust)), (700, 700));
}

#[test]
fn a_wallet_that_breaks_a_rule_is_not_made() {
    let mut world = with_accounts();
    let (carol_id, init) = (world.id(&carol()), Address::new_id(INIT_ID));
    let three = keys(&[carol(), dave(), erin()]);
    let many: Vec<_> = (0..257).map(Address::new_id).collect();
    let unknown = Address::new_actor(b"nobody");
    for (what, params, exit_code) in [
        ("nobody", constructor(&[], 1, 0, 0), ILLEGAL_ARGUMENT),
        ("too many", constructor(&many, 1, 0, 0), ILLEGAL_ARGUMENT),
        ("twice, by two addresses", constructor(&[carol_id, carol().f1_address()], 1, 0, 0), ILLEGAL_ARGUMENT),
        ("threshold of none", constructor(&three, 0, 0, 0), ILLEGAL_ARGUMENT),
        ("threshold beyond all", constructor(&three, 4, 0, 0), ILLEGAL_ARGUMENT),
        ("a lock that ends before it starts", constructor(&three, 1, -1, 0), ILLEGAL_ARGUMENT),
        ("a signer that is no actor", constructor(&[Address::new_id(9_999)], 1, 0, 0), NOT_FOUND),
        ("an address that names nobody", constructor(&[unknown], 1, 0, 0), ExitCode::USR_UNSPECIFIED),
        ("no parameters", vec![], ILLEGAL_ARGUMENT),
        ("other parameters", to_vec(&(1, 2)).unwrap(), ExitCode::USR_SERIALIZATION),
    ] {
        let before = world.tree().actor(INIT_ID).unwrap();
        let receipt = world.act(&mallory(), init, 2, exec(&params), 0);
        assert_eq!(receipt.exit_code, exit_code, "{what}");
        assert_eq!(world.tree().actor(INIT_ID).unwrap(), before, "{what}: no id is used up");
    }
    let others = BuiltinActor::MANIFEST.into_iter().chain([BuiltinActor::Entries]);
    for builtin in others.filter(|builtin| *builtin != BuiltinActor::Multisig) {
        let params = to_vec(&(builtin.code(), RawBytes::default())).unwrap();
        assert_eq!(world.act(&mallory(), init, 2, params, 0).exit_code, FORBIDDEN, "{}", builtin.name());
    }
}

#[test]
fn a_transaction_waits_for_the_last_approval_it_needs() {
    let mut vault = Vault::of_three(2);
    let erins = vault.world.balance(vault.world.id(&erin()));
    let to = erin().f1_address();
    assert_eq!(vault.propose(&carol(), to, 300, 0, vec![]), (0, false, OK, nothing()));
    assert_eq!(vault.propose(&dave(), to, 40, 0, vec![]), (1, false, OK, nothing()), "proposals are numbered");
    assert_eq!(vault.holds(), 1_000);
    assert_eq!(vault.approve(&dave(), 0), (true, OK, nothing()));
    assert_eq!((vault.holds(), vault.world.balance(vault.world.id(&erin()))), (700, erins + 300));
    vault.refuses(&carol(), APPROVE, numbered(0, &[]), NOT_FOUND);
    assert_eq!(vault.approve(&carol(), 1), (true, OK, nothing()));
    assert_eq!((vault.holds(), vault.state().next_id.0), (660, 2));
    let empty = Vault::of_three(2).state().pending;
    assert_eq!(vault.state().pending, empty, "nothing waits any more");
}

#[test]
fn who_signs_alone_is_told_at_once_how_it_ended() {
    let mut vault = Vault::of_three(1);
    let actor = vault.world.exec_code_by(&mallory(), code());
    let (to_nobody, f4) = (Address::new_id(9_999), EthAddress([0x77; 20]).to_address());
    let answer = RawBytes::new(vec![0x81, 5]);
    for (what, to, method, params, told) in [
        ("a value", actor, 5, vec![], (OK, answer)),
        ("an abort", actor, 9, vec![], (ExitCode::new(99), nothing())),
        ("a trap", actor, 8, vec![], (ExitCode::USR_UNSPECIFIED, nothing())),
        ("nobody", to_nobody, 0, vec![], (ExitCode::USR_UNSPECIFIED, nothing())),
        ("no such method", vault.wallet, 10, vec![], (ExitCode::USR_UNHANDLED_MESSAGE, nothing())),
        ("a new placeholder", f4, 0, vec![], (OK, nothing())),
    ] {
        let id = vault.state().next_id.0;
        let holds = vault.holds();
        let (number, applied, code, ret) = vault.propose(&dave(), to, 10, method, params);
        assert_eq!((number, applied, (code, ret)), (id, true, told), "{what}");
        let is_kept = code != OK || to == vault.wallet;
        assert_eq!(vault.holds(), holds - if is_kept { 0 } else { 10 }, "{what}: a failed send moves nothing");
        vault.refuses(&carol(), APPROVE, numbered(id, &[]), NOT_FOUND);
    }
}

#[test]
fn what_cannot_be_paid_stays_waiting_and_the_approval_is_not_kept() {
    let mut vault = Vault::of_three(2);
    let to = erin().f1_address();
    assert_eq!(vault.propose(&carol(), to, 1_001, 0, vec![]).0, 0);
    vault.refuses(&dave(), APPROVE, numbered(0, &[]), INSUFFICIENT_FUNDS);
    let wallet = vault.wallet;
    assert_eq!(vault.world.act(&mallory(), wallet, 0, vec![], 1).exit_code, OK);
    assert_eq!(vault.approve(&dave(), 0), (true, OK, nothing()));
    assert_eq!(vault.holds(), 0);
    let mut alone = Vault::of_three(1);
    alone.refuses(&carol(), PROPOSE, proposal(to, 1_001, 0, vec![]), INSUFFICIENT_FUNDS);
}

#[test]
fn proposals_approvals_and_cancellations_are_refused_by_rule() {
    let mut vault = Vault::of_three(3);
    let (wallet, to) = (vault.wallet, erin().f1_address());
    vault.propose(&carol(), to, 5, 2, vec![0x80]);
    vault.approve(&dave(), 0);
    let carols = vault.world.id(&carol());
    // [requester, to, value, method, parameters], and with another requester.
    let hash = |requester: Address| {
        let proposal = to_vec(&(requester, to, atto(5), 2u64, RawBytes::new(vec![0x80]))).unwrap();
        tributary_primitives::cbor_cid(&proposal).hash().digest().to_vec()
    };
    let (right, wrong) = (hash(carols), hash(vault.world.id(&dave())));
    let negative = to_vec(&(to, TokenAmount::from_atto(-1), 0u64, RawBytes::default())).unwrap();
    let serialization = ExitCode::USR_SERIALIZATION;
    for (key, method, params, exit_code) in [
        (mallory(), PROPOSE, proposal(to, 5, 0, vec![]), FORBIDDEN),
        (carol(), PROPOSE, negative, ILLEGAL_ARGUMENT),
        (carol(), PROPOSE, vec![], ILLEGAL_ARGUMENT),
        (carol(), PROPOSE, vec![0xff], serialization),
        (mallory(), APPROVE, numbered(0, &[]), FORBIDDEN),
        (erin(), APPROVE, numbered(1, &[]), NOT_FOUND),
        (erin(), APPROVE, numbered(-1, &[]), NOT_FOUND),
        (erin(), APPROVE, numbered(0, &wrong), ILLEGAL_ARGUMENT),
        (erin(), APPROVE, numbered(0, &right[..31]), ILLEGAL_ARGUMENT),
        (carol(), APPROVE, numbered(0, &right), FORBIDDEN),
        (dave(), APPROVE, numbered(0, &right), FORBIDDEN),
        (mallory(), CANCEL, numbered(0, &right), FORBIDDEN),
        (carol(), CANCEL, numbered(1, &[]), NOT_FOUND),
        (dave(), CANCEL, numbered(0, &right), FORBIDDEN),
        (carol(), CANCEL, numbered(0, &wrong), ExitCode::USR_ILLEGAL_STATE),
        (carol(), 1, constructor(&[carols], 1, 0, 0), FORBIDDEN),
        (carol(), 10, vec![], ExitCode::USR_UNHANDLED_MESSAGE),
        (mallory(), RECEIVE, vec![0xff], serialization),
        (mallory(), RECEIVE, vec![], ILLEGAL_ARGUMENT),
    ] {
        vault.refuses(&key, method, params, exit_code);
    }
    let mut twin = Vault::of_three(3);
    twin.propose(&carol(), to, 5, 2, vec![0x80]);
    assert_eq!(vault.act(&carol(), CANCEL, numbered(0, &right)).exit_code, OK);
    vault.refuses(&erin(), APPROVE, numbered(0, &[]), NOT_FOUND);
    assert_eq!(twin.act(&dave(), APPROVE, numbered(0, &right)).exit_code, OK, "the name of the right proposal");
    for (method, params) in [(RECEIVE, to_vec(&(1u32, BytesSer(b"token"))).unwrap()), (1 << 24, vec![0xff])] {
        assert_eq!(vault.world.act(&mallory(), wallet, method, params, 1).exit_code, OK, "anyone may send");
    }
    assert_eq!(vault.holds(), 1_002);
}

#[test]
fn only_the_wallet_itself_changes_the_wallet() {
    let mut vault = Vault::of_three(1);
    let [daves, erins, mallorys] = [dave(), erin(), mallory()].map(|key| vault.world.id(&key));
    for (method, params) in [
        (ADD_SIGNER, to_vec(&(mallorys, false)).unwrap()),
        (REMOVE_SIGNER, to_vec(&(erins, false)).unwrap()),
        (SWAP_SIGNER, to_vec(&(daves, erins)).unwrap()),
        (LOCK_BALANCE, to_vec(&(0i64, 10i64, atto(5))).unwrap()),
        (CHANGE_THRESHOLD, to_vec(&(3u64,)).unwrap()),
    ] {
        for key in [carol(), mallory()] {
            vault.refuses(&key, method, params.clone(), FORBIDDEN);
        }
        assert_eq!(vault.alone(method, params), OK, "method {method}");
        vault.refuses(&carol(), method, vec![], ILLEGAL_ARGUMENT);
        vault.refuses(&carol(), method, vec![0xff], ExitCode::USR_SERIALIZATION);
    }
    let state = vault.state();
    let signers = [vault.world.id(&carol()), mallorys, erins];
    assert_eq!((&state.signers[..], state.threshold, state.initial_balance), (&signers[..], 3, atto(5)));
}

#[test]
fn the_wallets_own_rules_hold_for_itself_too() {
    let mut vault = Vault::of_three(1);
    let (carols, daves) = (vault.world.id(&carol()), vault.world.id(&dave()));
    let (nobody, unknown) = (Address::new_id(9_999), Address::new_actor(b"nobody"));
    let stranger = key(77).f1_address();
    for (method, params, code) in [
        (ADD_SIGNER, to_vec(&(daves, true)).unwrap(), FORBIDDEN),
        (ADD_SIGNER, to_vec(&(dave().f1_address(), true)).unwrap(), FORBIDDEN),
        (ADD_SIGNER, to_vec(&(nobody, true)).unwrap(), NOT_FOUND),
        (ADD_SIGNER, to_vec(&(unknown, true)).unwrap(), ExitCode::USR_UNSPECIFIED),
        (REMOVE_SIGNER, to_vec(&(nobody, false)).unwrap(), FORBIDDEN),
        (REMOVE_SIGNER, to_vec(&(daves, true)).unwrap(), ILLEGAL_ARGUMENT),
        (SWAP_SIGNER, to_vec(&(nobody, carols)).unwrap(), FORBIDDEN),
        (SWAP_SIGNER, to_vec(&(daves, carols)).unwrap(), ILLEGAL_ARGUMENT),
        (SWAP_SIGNER, to_vec(&(daves, nobody)).unwrap(), NOT_FOUND),
        (CHANGE_THRESHOLD, to_vec(&(0u64,)).unwrap(), ILLEGAL_ARGUMENT),
        (CHANGE_THRESHOLD, to_vec(&(4u64,)).unwrap(), ILLEGAL_ARGUMENT),
        (LOCK_BALANCE, to_vec(&(0i64, 0i64, atto(5))).unwrap(), ILLEGAL_ARGUMENT),
        (LOCK_BALANCE, to_vec(&(0i64, 10i64, TokenAmount::from_atto(-5))).unwrap(), ILLEGAL_ARGUMENT),
        (ADD_SIGNER, to_vec(&(stranger, false)).unwrap(), OK),
        (LOCK_BALANCE, to_vec(&(0i64, 10i64, atto(5))).unwrap(), OK),
        (LOCK_BALANCE, to_vec(&(0i64, 10i64, atto(5))).unwrap(), FORBIDDEN),
    ] {
        assert_eq!(vault.alone(method, params), code, "method {method}");
    }
    let made = vault.world.tree().resolve(&stranger).unwrap().unwrap();
    assert_eq!(vault.state().signers[3], Address::new_id(made));
}

#[test]
fn who_is_removed_or_swapped_takes_approvals_along() {
    for (method, is_swap) in [(REMOVE_SIGNER, false), (SWAP_SIGNER, true)] {
        let mut vault = Vault::of_three(2);
        let (wallet, to) = (vault.wallet, mallory().f1_address());
        let [daves, mallorys] = [dave(), mallory()].map(|key| vault.world.id(&key));
        vault.propose(&dave(), to, 1, 0, vec![]);
        let change = if is_swap { to_vec(&(daves, mallorys)).unwrap() } else { to_vec(&(daves, false)).unwrap() };
        vault.propose(&carol(), wallet, 0, method, change);
        assert_eq!(vault.approve(&erin(), 1), (true, OK, nothing()));
        vault.refuses(&carol(), APPROVE, numbered(0, &[]), NOT_FOUND);
        vault.refuses(&dave(), PROPOSE, proposal(to, 1, 0, vec![]), FORBIDDEN);
        assert_eq!(vault.state().signers.contains(&mallorys), is_swap);
    }
}

#[test]
fn a_lower_threshold_lets_any_signer_send_what_waited() {
    let mut vault = Vault::of_three(2);
    let (wallet, to) = (vault.wallet, mallory().f1_address());
    vault.propose(&carol(), to, 1, 0, vec![]);
    vault.propose(&carol(), wallet, 0, CHANGE_THRESHOLD, to_vec(&(1u64,)).unwrap());
    vault.refuses(&carol(), APPROVE, numbered(0, &[]), FORBIDDEN);
    assert_eq!(vault.approve(&dave(), 1), (true, OK, nothing()));
    assert_eq!(vault.approve(&carol(), 0), (true, OK, nothing()), "by who approved it before");
}

#[test]
fn what_is_locked_stays_until_its_epoch() {
    let mut vault = Vault::of_three(1);
    let start = vault.world.height.epoch() + 2;
    assert_eq!(vault.alone(LOCK_BALANCE, to_vec(&(start, 4i64, atto(1_000))).unwrap()), OK);
    let to = erin().f1_address();
    vault.refuses(&carol(), PROPOSE, proposal(to, 1, 0, vec![]), INSUFFICIENT_FUNDS);
    let in_lock: i64 = vault.world.height.epoch() + 1 - start;
    assert_eq!(in_lock, 1, "a quarter is free");
    vault.refuses(&carol(), PROPOSE, proposal(to, 251, 0, vec![]), INSUFFICIENT_FUNDS);
    assert!(vault.propose(&carol(), to, 500, 0, vec![]).1, "a block later it is half");
    vault.refuses(&carol(), PROPOSE, proposal(to, 251, 0, vec![]), INSUFFICIENT_FUNDS);
    assert!(vault.propose(&carol(), to, 500, 0, vec![]).1, "all");
    assert_eq!(vault.holds(), 0);
}

#[test]
fn a_transaction_that_calls_back_to_approve_itself_finds_itself_done() {
    for threshold in [1, 2] {
        let mut vault = Vault::of_three(1);
        let (wallet, rises) = (vault.wallet, threshold == 2);
        assert_eq!(vault.alone(ADD_SIGNER, to_vec(&(wallet, rises)).unwrap()), OK, "a wallet may sign for itself");
        let id = vault.state().next_id.0;
        let proposed = vault.propose(&carol(), wallet, 0, APPROVE, numbered(id, &[]));
        let told = match threshold {
            1 => (proposed.1, proposed.2, proposed.3),
            _ => vault.approve(&dave(), id),
        };
        assert_eq!(told, (true, NOT_FOUND, nothing()), "of {threshold}");
    }
}

#[test]
fn a_wallet_that_is_paid_and_asked_back_pays_once() {
    let Vault { world, wallet } = Vault::of_three(1);
    let Vault { world, wallet: other } = Vault::of(world, &[wallet], 1);
    let mut vault = Vault { world, wallet };
    assert_eq!(vault.alone(ADD_SIGNER, to_vec(&(other, true)).unwrap()), OK);
    let id = vault.state().next_id.0;
    // The other wallet, which signs for this one too, is to have the payment to it approved once more.
    let call_back = proposal(wallet, 0, APPROVE, numbered(id, &[]));
    assert!(!vault.propose(&carol(), other, 100, PROPOSE, call_back).1);
    let (applied, code, ret) = vault.approve(&dave(), id);
    let (_, inner_applied, inner_code, _): Proposed = from_slice(&ret).unwrap();
    assert_eq!((applied, code, inner_applied, inner_code), (true, OK, true, NOT_FOUND));
    assert_eq!((vault.holds(), vault.world.balance(other)), (900, 1_100));
}

#[test]
fn installed_code_and_contracts_cannot_call_the_wallets_own_methods() {
    let mut world = with_accounts();
    let proxy = world.exec_code_by(&mallory(), proxy_code());
    let mut vault = Vault::of(world, &[proxy, carol().f1_address()], 1);
    let (wallet, to) = (vault.wallet, mallory().f1_address());
    let asked = |method: u64, params: Vec<u8>| {
        let to = wallet.to_bytes();
        [&[u8::try_from(to.len()).unwrap()][..], &to, &method.to_le_bytes(), &params].concat()
    };
    let state = vault.state();
    let refused = vault.world.act(&mallory(), proxy, 5, asked(PROPOSE, proposal(to, 5, 0, vec![])), 0);
    assert_eq!((refused.exit_code, vault.state()), (FORBIDDEN, state), "though it is a signer");
    let accepted = vault.world.act(&mallory(), proxy, 5, asked(1 << 24, vec![]), 9);
    assert_eq!((accepted.exit_code, vault.holds()), (OK, 1_009));
    let paid = vault.world.one(send(&alice(), 0, EthAddress::from_actor_id(wallet.id().unwrap()), 11, vec![]));
    assert_eq!((paid.exit_code, vault.holds()), (OK, 1_020), "an Ethereum account pays it like any other");
}

#[test]
fn with_less_and_less_gas_an_approval_runs_out_of_it_and_changes_nothing() {
    let mut vault = Vault::of_three(2);
    vault.propose(&carol(), erin().f1_address(), 300, 0, vec![]);
    let (wallet, world) = (vault.wallet, &vault.world);
    let nonce = world.tree().nonce(&dave().f1_address()).unwrap();
    let with = |gas_limit| {
        let unsigned = unsigned_message(nonce, wallet, APPROVE, numbered(0, &[]), 0);
        world.run(&[message_with(&dave(), Message { gas_limit, ..unsigned })])
    };
    let used = with(FVM_GAS).receipts[0].fvm_gas_used;
    let before = world.tree().actor_at(&wallet).unwrap();
    for gas_limit in (750_000..used).rev().step_by(40_009) {
        let outcome = with(gas_limit);
        assert_eq!(outcome.receipts[0].exit_code, ExitCode::SYS_OUT_OF_GAS, "{gas_limit}");
        let after = crate::StateTree::load(std::sync::Arc::clone(&world.store), &outcome.state_root).unwrap();
        assert_eq!(after.actor_at(&wallet).unwrap(), before, "{gas_limit}");
    }
    assert_eq!(with(used).receipts[0].exit_code, OK);
}

/// Blocks read and written are paid for, so a map library that reads or writes others would fork the chain: the sums are pinned.
#[test]
fn the_gas_of_a_proposal_and_of_its_approval_is_pinned() {
    let mut vault = Vault::of_three(2);
    let params = proposal(erin().f1_address(), 300, 0, vec![]);
    let proposed = vault.act(&carol(), PROPOSE, params).fvm_gas_used;
    let approved = vault.act(&dave(), APPROVE, numbered(0, &[])).fvm_gas_used;
    assert_eq!((proposed, approved), (3_029_381, 4_031_169));
}
