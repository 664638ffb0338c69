//! `network`, `rand`, `vm`, `gas` and `debug`.

use fvm_shared::error::{ErrorNumber as No, ExitCode};
use tributary_fvm::ReadState as _;
use tributary_script::{BadPlace, Op};
use tributary_trials::world::{BASE_FEE, CHAIN_ID, FVM_GAS_PER_GAS, Who, World, env};

use crate::actor::{NONCE, answers, id, last, refused, run};

/// The block's height, as an epoch.
const NOW: i64 = 1_000;

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn an_actor_knows_its_message_and_its_block() {
    let carol = World::new().tree().resolve(&Who::Carol.address()).unwrap().unwrap();
    let message = numbers(&[carol, NONCE, carol, id(0), 2, 0, 0, 1, 0, 0]);
    let base_fee = BASE_FEE / FVM_GAS_PER_GAS;
    let mut network = numbers(&[NOW.unsigned_abs(), env().timestamp_s, base_fee, 0, CHAIN_ID]);
    network.extend(21u32.to_le_bytes());
    let supply =
        World::new().actors().values().map(|actor| actor.balance.clone()).sum::<fvm_shared::econ::TokenAmount>()
            - World::new().tree().burnt().unwrap();
    let supply = u128::try_from(supply.atto()).unwrap().to_le_bytes().to_vec();
    for (what, op, answer) in [
        ("message", Op::MessageContext, message),
        ("network", Op::NetworkContext, network),
        ("supply", Op::CirculatingSupply, supply),
        ("randomness", Op::ChainRandomness(NOW), env().prev_randao.0.to_vec()),
        ("debugging is off", Op::DebugEnabled, (-1i32).to_le_bytes().to_vec()),
        ("a log for nobody", Op::Log([b'x'; 10_000].into()), vec![]),
        ("an artifact for nobody", Op::StoreArtifact { name: b"n".into(), data: b"d".into() }, vec![]),
    ] {
        assert_eq!(last(what, vec![op]), Ok(answer), "{what}");
    }
    let hash = last("the block before", vec![Op::TipsetCid { epoch: NOW - 1, out_len: 100 }]).unwrap();
    assert!(hash.ends_with(&env().previous_hash.0), "{hash:x?}");
}

#[test]
fn what_is_asked_wrong_has_its_error_number() {
    let tipset = |epoch, out_len| Op::TipsetCid { epoch, out_len };
    for (what, op, number) in [
        ("this tipset", tipset(NOW, 100), No::IllegalArgument),
        ("a tipset to come", tipset(NOW + 1, 100), No::IllegalArgument),
        ("a tipset before all", tipset(-1, 100), No::IllegalArgument),
        ("a tipset into too little", tipset(NOW - 1, 9), No::BufferTooSmall),
        ("randomness to come", Op::ChainRandomness(NOW + 1), No::IllegalArgument),
        ("randomness before all", Op::BeaconRandomness(-1), No::IllegalArgument),
        ("randomness before that", Op::BeaconRandomness(i64::MIN), No::IllegalArgument),
        ("a charge without a name", Op::Charge { name: [0xff].into(), amount: 1 }, No::IllegalArgument),
        ("a context for nowhere", Op::BadPlace(BadPlace::Context), No::IllegalArgument),
        ("a root for nowhere", Op::BadPlace(BadPlace::Root), No::IllegalArgument),
        ("gas for nowhere", Op::BadPlace(BadPlace::Gas), No::IllegalArgument),
        ("a stat for nowhere", Op::BadPlace(BadPlace::Stat), No::IllegalArgument),
        ("a send for nowhere", Op::BadPlace(BadPlace::Send), No::IllegalArgument),
    ] {
        // The log holds the number that a result without a place comes with as a result.
        let answer = last(what, vec![op.clone()]);
        let expected = refused(number);
        let told = match op {
            Op::BadPlace(_) => Ok(expected.unwrap_err().to_le_bytes().to_vec()),
            _ => expected,
        };
        assert_eq!(answer, told, "{what}");
    }
}

#[test]
fn more_gas_than_there_is_cannot_be_charged() {
    let receipt = run(vec![Op::Write(7), Op::Charge { name: b"all".into(), amount: u64::MAX }]);
    assert_eq!((receipt.exit_code, receipt.fvm_gas_used), (ExitCode::SYS_OUT_OF_GAS, tributary_trials::world::FVM_GAS));
}

#[test]
fn an_actor_ends_as_it_says() {
    let exit = |code, block| vec![Op::Write(7), Op::Exit { code, block, message: b"why".into() }];
    let illegal = ExitCode::SYS_ILLEGAL_EXIT_CODE;
    for (what, ops, exit_code) in [
        ("well", exit(0, 0), ExitCode::OK),
        ("well, with data", exit(0, 1), ExitCode::OK),
        ("with the first code of its own", exit(16, 0), ExitCode::new(16)),
        ("with the last", exit(u32::MAX, 0), ExitCode::new(u32::MAX)),
        ("with a code of the system", exit(1, 0), illegal),
        ("with the last of those", exit(15, 0), illegal),
        ("with data that is none", exit(33, 9), ExitCode::SYS_MISSING_RETURN),
        ("returning a block that is none", vec![Op::Return(77)], ExitCode::SYS_MISSING_RETURN),
        ("by a trap", vec![Op::Unreachable], ExitCode::SYS_ILLEGAL_INSTRUCTION),
        ("by a division", vec![Op::Divide(1, 0)], ExitCode::SYS_ILLEGAL_INSTRUCTION),
        ("by reading what is no memory", vec![Op::Load(u32::MAX)], ExitCode::SYS_ILLEGAL_INSTRUCTION),
        ("by a panic", vec![Op::Panic], ExitCode::USR_ASSERTION_FAILED),
    ] {
        assert_eq!(run(ops).exit_code, exit_code, "{what}");
    }
    let data = run(exit(33, 1));
    assert!(!data.return_data.is_empty() && data.events.is_empty(), "who aborts may say why");
    assert_eq!(answers("returning nothing", vec![Op::Return(0)]), []);
}
