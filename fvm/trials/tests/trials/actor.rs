//! Scripts for the two script actors, and what comes back from them.

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::{ErrorNumber, ExitCode};
use tributary_fvm::Receipt;
use tributary_script::{Bytes, Op, Params, Script, SendOp};
use tributary_trials::world::{Who, World, fvm, script};

/// Codecs.
pub const RAW: u64 = 0x55;
pub const CBOR: u64 = 0x51;
pub const DAG_CBOR: u64 = 0x71;
/// The hash that names state.
pub const BLAKE2B_256: u64 = 0xb220;
/// An address that no memory of the script actor reaches.
pub const NOWHERE: u32 = 0xffff_fff0;
/// The first block that a script makes: block 1 is its parameters.
pub const MADE: u32 = 2;
/// Asks for the actor's root.
pub const ROOT: Op = Op::Root { out_len: 100 };
/// Carol's nonce at the start: she made the actors.
pub const NONCE: u64 = 2;

/// What a syscall answered: the bytes of its result, or an error number.
pub type Answer = Result<Vec<u8>, u32>;

/// The first script actor, or the second.
pub fn id(number: usize) -> ActorID {
    World::new().names.actors[number]
}

/// Carol's message to the first actor.
pub fn run(ops: Vec<Op>) -> Receipt {
    let mut world = World::new();
    world.one(fvm(Who::Carol, script(NONCE, id(0), ops)))
}

/// What the last syscall of a script answered; the script itself must go well.
pub fn last(what: &str, ops: Vec<Op>) -> Answer {
    answers(what, ops).pop().unwrap_or_else(|| panic!("{what}: nothing was asked"))
}

/// What every syscall of a script answered.
pub fn answers(what: &str, ops: Vec<Op>) -> Vec<Answer> {
    let receipt = run(ops);
    assert_eq!(receipt.exit_code, ExitCode::OK, "{what}");
    read(&receipt.return_data)
}

/// A script's log.
pub fn read(log: &[u8]) -> Vec<Answer> {
    let number = |at: &[u8]| u32::from_le_bytes(at.try_into().unwrap());
    let (mut rest, mut answers) = (log, Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(4) {
        rest = tail;
        answers.push(match number(head) {
            0 => {
                let (length, tail) = rest.split_at(4);
                let (result, tail) = tail.split_at(usize::try_from(number(length)).unwrap());
                rest = tail;
                Ok(result.to_vec())
            }
            error => Err(error),
        });
    }
    assert!(rest.is_empty(), "the log ends in the middle");
    answers
}

/// The error number that a script logs.
#[expect(clippy::as_conversions, reason = "the enum is `repr(u32)` and has no other way out")]
pub fn refused(number: ErrorNumber) -> Answer {
    Err(number as u32)
}

/// A send of value alone.
pub fn transfer(to: &Address, value: u64) -> SendOp {
    SendOp {
        to: Bytes(to.to_bytes()),
        method: 0,
        params: Params::Block(0),
        value: (0, value),
        gas_limit: u64::MAX,
        flags: 0,
        read: false,
    }
}

/// A send of a script, read back.
pub fn call(actor: usize, ops: Vec<Op>) -> SendOp {
    SendOp { params: Params::Script(Script(ops)), method: 2, read: true, ..transfer(&Address::new_id(id(actor)), 0) }
}

/// What a send answers: exit code, and the callee's log if it has one.
pub fn sent(answers: &[Answer], at: usize) -> (u32, Vec<Answer>) {
    let outcome = answers[at].as_ref().unwrap();
    let exit_code = u32::from_le_bytes(outcome[..4].try_into().unwrap());
    let size = u32::from_le_bytes(outcome[16..20].try_into().unwrap());
    // Block 0 is none: the script's read of it is refused.
    let log = answers.get(at + 2).filter(|_| size > 0).map(|log| read(log.as_ref().unwrap()));
    (exit_code, log.unwrap_or_default())
}
