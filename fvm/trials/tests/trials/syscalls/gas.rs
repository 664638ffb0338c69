//! What syscalls cost: for each the charges that it makes beside its call, to the milligas.
//!
//! Amounts are written as the numbers of Filecoin's price list, network versions 21 to 29, that they are made of.
//!
//! | file | of |
//! |---|---|
//! | here | actors, the actor's own state, the block, what is refused |
//! | `data.rs` | signatures, hashes, events, blocks |
//! | `calls.rs` | sends, creation, exits |
//!
//! Source: ref-fvm 4.8 `fvm/src/gas/price_list.rs`.

mod calls;
mod data;

use std::sync::atomic::{AtomicU64, Ordering};

use fvm_ipld_encoding::to_vec;
use fvm_shared::EMPTY_ARR_CID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_fvm::{ReadState as _, Receipt};
use tributary_genesis_code::SCRIPT_ENTRIES_ACTOR;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::raw_cid;
use tributary_script::{CidArg, Op, SendOp};
use tributary_trials::world::{FVM_GAS, Who, World, fvm, script};

use crate::actor::{DAG_CBOR, NONCE, ROOT, id, read, transfer};
use crate::charges::{self, MILLIGAS};

/// Entering any syscall.
const SYSCALL: u64 = 14_000;
/// The message's first look at an actor.
const LOOKUP: (&str, u64) = ("lookup", 500_000);
/// Its first change of one.
const UPDATE: (&str, u64) = ("update", 475_000);
/// Moving value.
const TRANSFER: (&str, u64) = ("transfer", 6_000);
/// Gas that an actor charges itself before and after the syscall in question: no price is as much.
const MARK: u64 = 1_234_567;
/// The block's height, as an epoch.
const NOW: i64 = 1_000;

/// A syscall, and what it is charged.
struct Row {
    what: &'static str,
    /// What the actor does before.
    before: Vec<Op>,
    op: Op,
    /// Names, and whole gas.
    charges: Vec<(&'static str, u64)>,
}

fn row(what: &'static str, before: Vec<Op>, op: Op, charges: &[(&'static str, u64)]) -> Row {
    Row { what, before, op, charges: charges.to_vec() }
}

/// A syscall that costs nothing but its call.
fn free(what: &'static str, op: Op) -> Row {
    row(what, vec![], op, &[])
}

/// Carol's message to the first actor: its receipt, and its charges in milligas.
fn run(ops: Vec<Op>) -> (Receipt, Vec<u64>) {
    // Each has a limit of its own, by which its charges are told from those of other tests.
    static NEXT: AtomicU64 = AtomicU64::new(FVM_GAS + 1_000_000);
    let gas_limit = NEXT.fetch_add(1, Ordering::Relaxed);
    let message = fvm(Who::Carol, Message { gas_limit, ..script(NONCE, id(0), ops) });
    let mut receipts = Vec::new();
    let charges = charges::each(gas_limit, || receipts = World::new().run(&[message]).receipts);
    (receipts.remove(0), charges)
}

fn mark() -> Op {
    Op::Charge { name: b"mark".into(), amount: MARK }
}

/// Where the actor first charges itself the mark.
fn mark_in(charges: &[u64]) -> usize {
    charges.iter().position(|charge| *charge == MARK * MILLIGAS).unwrap()
}

/// What a syscall was charged beside its call, in milligas, and how many syscalls of the script were refused.
fn charged(what: &str, before: Vec<Op>, op: Op) -> (Vec<u64>, usize) {
    let ops = before.into_iter().chain([mark(), op, mark()]).collect();
    let (receipt, charges) = run(ops);
    assert_eq!(receipt.exit_code, ExitCode::OK, "{what}");
    let refused = read(&receipt.return_data).iter().filter(|answer| answer.is_err()).count();
    let after = &charges[mark_in(&charges) + 1..];
    // Instructions, the syscall, its charges; instructions and the syscall of the second mark.
    let [_, entered, own @ .., _, marking] = &after[..mark_in(after)] else { panic!("{what}: {after:?}") };
    assert_eq!([*entered, *marking], [SYSCALL * MILLIGAS; 2], "{what}");
    (own.to_vec(), refused)
}

/// That each is charged so; `refused` says of how many syscalls in each row an error number comes back.
fn check(refused: usize, rows: Vec<Row>) {
    for Row { what, before, op, charges } in rows {
        let expected: Vec<u64> = charges.iter().map(|(_, gas)| gas * MILLIGAS).collect();
        assert_eq!(charged(what, before, op), (expected, refused), "{what}: {charges:?}");
    }
}

fn bytes(len: usize) -> Vec<u8> {
    vec![7; len]
}

fn create(codec: u64, data: impl AsRef<[u8]>) -> Op {
    Op::Create { codec, data: data.into() }
}

/// A block that links to the actor's first root.
fn linking() -> Op {
    create(DAG_CBOR, to_vec(&(EMPTY_ARR_CID,)).unwrap())
}

fn id_of(who: Who) -> u64 {
    World::new().tree().resolve(&who.address()).unwrap().unwrap()
}

#[test]
fn actors_are_paid_for_once_a_message() {
    let (bob, code) = (id_of(Who::Bob), BuiltinActor::Account.code().to_bytes());
    let code_of = || Op::CodeCid { actor: bob, out_len: 100 };
    let f4_of = || Op::DelegatedAddress { actor: bob, out_len: 100 };
    check(
        0,
        vec![
            free("resolve an f4", Op::Resolve(Who::Bob.address().to_bytes().into())),
            free("resolve an f1", Op::Resolve(Who::Dave.address().to_bytes().into())),
            row("f4", vec![], f4_of(), &[LOOKUP]),
            row("f4 again", vec![f4_of()], f4_of(), &[]),
            row("code", vec![], code_of(), &[LOOKUP]),
            row("code after f4", vec![f4_of()], code_of(), &[]),
            row("balance", vec![], Op::BalanceOf(bob), &[LOOKUP]),
            row("balance after code", vec![code_of()], Op::BalanceOf(bob), &[]),
            free("balance of the origin", Op::BalanceOf(id_of(Who::Carol))),
            free("balance of the receiver", Op::BalanceOf(id(0))),
            free("balance of the burnt funds", Op::BalanceOf(99)),
            free("type of a code", Op::BuiltinType(CidArg::Given(code.into()))),
            free("code of a type", Op::CodeForType { actor_type: 4, out_len: 100 }),
            free("next address", Op::NextAddress { out_len: 100 }),
        ],
    );
}

#[test]
fn an_actor_pays_for_its_root_and_for_its_own_first_change() {
    let set = || Op::SetRoot(CidArg::Latest);
    check(
        0,
        vec![
            row("root", vec![], ROOT, &[("tracked", 300)]),
            row("set root", vec![ROOT], set(), &[("checked", 300), UPDATE]),
            row("set root again", vec![ROOT, set()], set(), &[("checked", 300)]),
            free("balance", Op::CurrentBalance),
            row("delete", vec![], Op::SelfDestruct(true), &[UPDATE]),
            row("delete after a change", vec![ROOT, set()], Op::SelfDestruct(true), &[]),
        ],
    );
}

#[test]
fn the_block_the_message_and_debugging_are_free_and_looking_back_is_not() {
    let back = 5_800 * 19 + 15_000 + 21_000;
    let charge = Op::Charge { name: b"some".into(), amount: 123_456 };
    check(
        0,
        vec![
            free("network", Op::NetworkContext),
            free("supply", Op::CirculatingSupply),
            row(
                "the block before",
                vec![],
                Op::TipsetCid { epoch: NOW - 1, out_len: 100 },
                &[("look-back", back + 75)],
            ),
            row("randomness of the chain", vec![], Op::ChainRandomness(NOW), &[("look-back", back)]),
            row("randomness of the beacon", vec![], Op::BeaconRandomness(NOW), &[("look-back", back)]),
            free("message", Op::MessageContext),
            free("debugging", Op::DebugEnabled),
            free("a log", Op::Log(bytes(1_000).into())),
            free("an artifact", Op::StoreArtifact { name: b"n".into(), data: bytes(1_000).into() }),
            free("gas left", Op::Available),
            row("a charge", vec![], charge, &[("some", 123_456)]),
        ],
    );
}

#[test]
fn what_is_refused_is_paid_as_far_as_it_went() {
    let bob = Who::Bob.address();
    let code = CidArg::Given(raw_cid(SCRIPT_ENTRIES_ACTOR).to_bytes().into());
    let past = ("look-back", 5_800 * 19 + 15_000 + 21_000 + 75 * 10);
    let nobody = Op::Recover { hash: [1; 32].into(), signature: [0xff; 65].into() };
    let stranger = CidArg::Given(EMPTY_ARR_CID.to_bytes().into());
    check(
        1,
        vec![
            free("create an actor, but for init", Op::CreateActor { id: 9_999, code, address: [].into() }),
            free("resolve nobody", Op::Resolve(Address::new_actor(b"unknown").to_bytes().into())),
            row("balance of nobody", vec![], Op::BalanceOf(9_999), &[LOOKUP]),
            row("open what is not reachable", vec![], Op::Open(stranger), &[("read, checked", 187_440 + 300)]),
            row("randomness of the past", vec![], Op::ChainRandomness(NOW - 10), &[past]),
            row("recover nobody", vec![], nobody, &[("recover", 1_637_292)]),
            free("no hash", Op::Hash { code: 0x13, data: bytes(100).into(), out_len: 32 }),
            row(
                "more than there is",
                vec![],
                Op::Send(SendOp { value: (1, 0), ..transfer(&bob, 0) }),
                &[LOOKUP, TRANSFER],
            ),
        ],
    );
}
