//! What syscalls cost, as an actor sees its gas go down. The prices are the reference's.

use fvm_shared::address::Address;
use tributary_fvm::ReadState as _;
use tributary_script::{EventHeader, Op};
use tributary_trials::world::{Who, key};

use crate::actor::{BLAKE2B_256, MADE, RAW, ROOT, answers, transfer};

/// Every syscall's.
const SYSCALL: u64 = 14_000;
const LOOKUP: u64 = 500_000;
const UPDATE: u64 = 475_000;
/// The instructions around one syscall, at most: reading the script, writing the log.
const INSTRUCTIONS: u64 = 25_000;

/// Gas between two looks at it, what looking costs taken off.
fn between(what: &str, before: Vec<Op>, op: Option<Op>) -> u64 {
    let ops = before.into_iter().chain([Op::Available]).chain(op).chain([Op::Available]).collect();
    let answers = answers(what, ops);
    let seen: Vec<u64> = answers
        .iter()
        .flatten()
        .filter_map(|answer| <[u8; 8]>::try_from(answer.as_slice()).ok().map(u64::from_le_bytes))
        // The only other number of this size is an actor's id.
        .filter(|number| *number > 10_000)
        .collect();
    seen[seen.len() - 2] - seen[seen.len() - 1]
}

#[test]
fn every_syscall_costs_what_the_reference_charges() {
    let looking = between("looking", vec![], None);
    let bytes = |len: usize| vec![7u8; len];
    let block = || vec![Op::Create { codec: RAW, data: bytes(100).into() }];
    let (bob, carol) = (Who::Bob.address(), Who::Carol.address());
    let id = |who: Who| tributary_trials::world::World::new().tree().resolve(&who.address()).unwrap().unwrap();
    let hash = |code| Op::Hash { code, data: bytes(1_000).into(), out_len: 32 };
    let header = EventHeader { flags: 3, codec: RAW, key_len: 3, value_len: 100 };
    let verify = Op::VerifySignature {
        kind: 1,
        signature: key(3).sign([1; 32]).into(),
        signer: carol.to_bytes().into(),
        message: bytes(100).into(),
    };
    for (what, before, op, price) in [
        ("balance", vec![], Op::CurrentBalance, 0),
        ("root", vec![], ROOT, 300),
        ("create", vec![], Op::Create { codec: RAW, data: bytes(100).into() }, 1_000),
        ("read", block(), Op::Read { block: MADE, offset: 0, len: 100 }, 40),
        ("stat", block(), Op::Stat(MADE), 0),
        ("link", block(), Op::Link { block: MADE, hash: BLAKE2B_256, hash_len: 32, out_len: 100 }, 506_300 + 335_240),
        ("sha2-256", vec![], hash(0x12), 7_000),
        ("keccak-256", vec![], hash(0x1b), 33_000),
        ("ripemd-160", vec![], hash(0x1053), 35_000),
        ("blake2b-256", vec![], hash(0xb220), 10_000),
        ("recover", vec![], Op::Recover { hash: [1; 32].into(), signature: key(3).sign([1; 32]).into() }, 1_637_292),
        ("verify", vec![], verify, 1_637_292 + 1_000),
        ("resolve", vec![], Op::Resolve(bob.to_bytes().into()), 0),
        ("balance of the origin", vec![], Op::BalanceOf(id(Who::Carol)), 0),
        ("balance of another", vec![], Op::BalanceOf(id(Who::Bob)), LOOKUP),
        ("balance of another again", vec![Op::BalanceOf(id(Who::Bob))], Op::BalanceOf(id(Who::Bob)), 0),
        ("f4 of another", vec![], Op::DelegatedAddress { actor: id(Who::Bob), out_len: 100 }, LOOKUP),
        ("code of another", vec![], Op::CodeCid { actor: id(Who::Bob), out_len: 100 }, LOOKUP),
        ("randomness", vec![], Op::ChainRandomness(1_000), 146_200),
        ("the block before", vec![], Op::TipsetCid { epoch: 999, out_len: 100 }, 146_200 + 75),
        ("a charge", vec![], Op::Charge { name: b"some".into(), amount: 123_456 }, 123_456),
        (
            "an event",
            vec![],
            Op::Emit { headers: vec![header], keys: b"key".into(), values: bytes(100).into() },
            2_500 + 1_400 + 48 + 2_132,
        ),
        ("nothing to another", vec![], Op::Send(transfer(&bob, 0)), LOOKUP),
        ("value to another", vec![], Op::Send(transfer(&bob, 5)), LOOKUP + 6_000 + 2 * UPDATE),
        ("value again", vec![Op::Send(transfer(&bob, 5))], Op::Send(transfer(&bob, 5)), 6_000),
        ("value to burnt funds", vec![], Op::Send(transfer(&Address::new_id(99), 5)), 6_000 + UPDATE),
    ] {
        let cost = between(what, before, Some(op)) - looking;
        let least = SYSCALL + price;
        assert!((least..least + INSTRUCTIONS).contains(&cost), "{what}: {cost}, not {least}");
    }
}
