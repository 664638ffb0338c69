//! Programs made at random: several actors that write, call each other, emit and abort, in messages one after another.
//!
//! Senders and receivers are those whose gas is exact on both sides: no f1 address without an account, since making one runs the
//! account's constructor, which is native here.

use anyhow::Result;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner};
use tributary_primitives::EthAddress;
use tributary_script::{CidArg, EventHeader, Op, Params, Script, SendOp};

use crate::case::{Asked, BLAKE2B_256, Case, DAG_CBOR, NO_LIMIT, RAW};
use crate::world::{ALICE, BOB, COUNTER, ERIN, FIRST, SECOND, THIRD, Who, dave_address};

/// Where failing seeds are kept: with the code.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions.txt");

/// Runs `cases` of them through `check`, which says what differs.
///
/// # Errors
/// The smallest program found that differs, and how.
pub fn run(cases: u32, check: impl Fn(&Case) -> Result<Option<String>>) -> Result<()> {
    let persistence = FileFailurePersistence::Direct(REGRESSIONS);
    let config = Config {
        cases,
        max_shrink_iters: 4_096,
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&program(), |messages| {
        let case = Case { name: "generated".to_owned(), messages };
        match check(&case).map_err(|why| TestCaseError::fail(format!("{why:#}")))? {
            None => Ok(()),
            Some(differences) => Err(TestCaseError::fail(differences)),
        }
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, messages)) => {
            let scripts: Vec<_> = messages.iter().map(describe).collect();
            anyhow::bail!("{why}\n  the smallest program found:\n{}", scripts.join("\n"))
        }
        Err(TestError::Abort(why)) => anyhow::bail!("{why}"),
    }
}

fn describe(asked: &Asked) -> String {
    let script = fvm_ipld_encoding::from_slice::<Script>(&asked.params).map(|script| script.0);
    let Asked { from, to, method, value, gas_limit, .. } = asked;
    format!("    {from:?} → {to}, method {method}, value {value}, gas limit {gas_limit}: {script:?}")
}

fn program() -> impl Strategy<Value = Vec<Asked>> {
    vec(message(), 1..4)
}

fn message() -> impl Strategy<Value = Asked> {
    let script = (actor(), vec(op(), 0..7)).prop_map(|(actor, ops)| Asked::script(actor, ops));
    let plain = receiver().prop_map(|to| Asked::to(to, 0, vec![]));
    let who = prop_oneof![3 => Just(Who::Alice), 1 => Just(Who::Bob)];
    let gas_limit = prop_oneof![4 => Just(5_000_000_000u64), 1 => 600_000..60_000_000u64];
    (prop_oneof![5 => script.boxed(), 1 => plain.boxed()], who, affordable(), gas_limit)
        .prop_map(|(asked, from, value, gas_limit)| Asked { from, value, gas_limit, ..asked })
}

fn actor() -> impl Strategy<Value = ActorID> {
    prop::sample::select(vec![FIRST, SECOND, THIRD])
}

fn receiver() -> impl Strategy<Value = Address> {
    let known = [ALICE, BOB, ERIN, FIRST, SECOND, THIRD, COUNTER, 99, 9_999].map(Address::new_id);
    let named = [Who::Bob.address(), dave_address(), Address::new_actor(b"nobody")];
    let unknown = (0u8..3).map(|n| EthAddress([0xa0 + n; 20]).to_address());
    prop::sample::select(known.into_iter().chain(named).chain(unknown).collect::<Vec<_>>())
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0u64), 3 => 1..1_000u64, 1 => 400_000..1_200_000u64]
}

/// What a sender has at every message: without it ours skips the message, which [`crate::wanted`] says.
fn affordable() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0u64), 3 => 1..1_000u64, 1 => 1_000..300_000u64]
}

fn op() -> impl Strategy<Value = Op> {
    leaf().prop_recursive(4, 24, 5, |inner| {
        let limit = prop_oneof![3 => Just(NO_LIMIT), 1 => 0..30_000_000u64];
        (actor(), vec(inner, 0..5), value(), limit, prop::bool::weighted(0.15)).prop_map(
            |(actor, ops, value, gas_limit, read_only)| {
                Op::Send(SendOp {
                    to: Address::new_id(actor).to_bytes().into(),
                    method: 2,
                    params: Params::Script(Script(ops)),
                    value: (0, if read_only { 0 } else { value }),
                    gas_limit,
                    flags: u64::from(read_only),
                    read: true,
                })
            },
        )
    })
}

fn leaf() -> impl Strategy<Value = Op> {
    let pay = (receiver(), value(), prop::bool::weighted(0.1), prop_oneof![6 => Just(NO_LIMIT), 1 => 0..3_000_000u64]);
    let pay = pay.prop_map(|(to, value, read_only, gas_limit)| {
        let (to, flags) = (to.to_bytes().into(), u64::from(read_only));
        Op::Send(SendOp { to, method: 0, params: Params::Block(0), value: (0, value), gas_limit, flags, read: false })
    });
    let emit = (0..4u64, prop::sample::select(vec![RAW, 0x51, DAG_CBOR]), 0..33u32, 0..40u32).prop_map(
        |(flags, codec, key_len, value_len)| Op::Emit {
            headers: vec![EventHeader { flags, codec, key_len, value_len }],
            keys: vec![b'k'; usize::try_from(key_len).unwrap_or_default()].into(),
            values: vec![7; usize::try_from(value_len).unwrap_or_default()].into(),
        },
    );
    let data = vec(any::<u8>(), 0..12);
    let create = (prop::sample::select(vec![RAW, 0x51, DAG_CBOR, 0x70]), data)
        .prop_map(|(codec, data)| Op::Create { codec, data: data.into() });
    let exit = prop_oneof![0..40u32, Just(u32::MAX)].prop_map(Op::ExitWithLog);
    prop_oneof![
        4 => (0..50u64).prop_map(Op::Write),
        3 => Just(Op::ReadState),
        4 => pay,
        2 => emit,
        2 => create,
        1 => (0..6u32).prop_map(|block| Op::Link { block, hash: BLAKE2B_256, hash_len: 32, out_len: 100 }),
        1 => Just(Op::SetRoot(CidArg::Latest)),
        1 => Just(Op::Open(CidArg::Latest)),
        1 => (0..6u32, 0..20u32, 0..20u32).prop_map(|(block, offset, len)| Op::Read { block, offset, len }),
        1 => exit,
        1 => Just(Op::MessageContext),
        1 => Just(Op::Available),
        1 => Just(Op::CurrentBalance),
        1 => prop::sample::select(vec![ALICE, BOB, ERIN, FIRST, SECOND, 9_999]).prop_map(Op::BalanceOf),
        1 => receiver().prop_map(|address| Op::Resolve(address.to_bytes().into())),
        1 => (0..3_000u64).prop_map(Op::Spin),
        1 => (0..20_000_000u64).prop_map(|amount| Op::Charge { name: b"work".into(), amount }),
        1 => (0..3u32).prop_map(Op::Grow),
        1 => any::<bool>().prop_map(Op::SelfDestruct),
        1 => Just(Op::Unreachable),
        1 => (0..9u32).prop_map(Op::Return),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(a, b)| Op::Float(a, b)),
    ]
}
