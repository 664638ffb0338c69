//! What happens inside transactions, as it is told; and that telling it changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use revm::primitives::U256;
use tributary_message::Transaction;
use tributary_primitives::actors::{EAM_ID, INIT_ID};
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::ReadState as _;

use super::crossing::{Chain, byte_string, forwarded, proxied};
use super::world::*;
use crate::evm::INVOKE_EVM;
use crate::evm::abi::{self, Value};
use crate::trace::{
    ActorCall, Frame, FrameEnd, FrameKind, FrameLog, StateOptions, StateTrace, Step, StepOptions, Trace, TraceLimits,
    TraceRejected, Wanted,
};
use crate::{
    AccountOverride, BlockOverrides, CallRejected, CallRequest, EthereumCall, Overrides, OverridesRejected,
    StorageOverride, TraceRequest,
};

const REVERTED: ExitCode = ExitCode::new(33);

const CALLS: Wanted = Wanted::Calls { only_top: false };

const ALL_OF_STEPS: StepOptions =
    StepOptions { stack: true, memory: true, storage: true, return_data: true, count_max: 0 };

const STATES: StateOptions =
    StateOptions { is_diff: false, without_code: false, without_storage: false, with_empty: false };

/// Whatever can be wanted.
pub(super) const EVERYTHING: [Wanted; 7] = [
    CALLS,
    Wanted::Calls { only_top: true },
    Wanted::States(STATES),
    Wanted::States(StateOptions { is_diff: true, ..STATES }),
    Wanted::Selectors,
    Wanted::Nothing,
    Wanted::Steps(ALL_OF_STEPS),
];

fn trace(world: &World, transaction: Transaction, wanted: Wanted) -> Trace {
    let receipt = world.run(std::slice::from_ref(&transaction)).receipts.remove(0);
    let traced = world.replay(&[transaction], 0..1, wanted).remove(0);
    assert_eq!(traced.receipt, receipt);
    traced.trace.unwrap()
}

fn frames(world: &World, transaction: Transaction) -> Vec<Frame> {
    let Trace::Calls(frames) = trace(world, transaction, CALLS) else { panic!("calls were wanted") };
    frames
}

fn steps(world: &World, transaction: Transaction, options: StepOptions) -> Vec<Step> {
    let Trace::Steps { steps, .. } = trace(world, transaction, Wanted::Steps(options)) else { panic!("steps") };
    steps
}

fn states(world: &World, transaction: Transaction, options: StateOptions) -> StateTrace {
    let Trace::States(states) = trace(world, transaction, Wanted::States(options)) else { panic!("states") };
    states
}

/// What a frame is, in a row of a table: depth, kind, from, to, method if it has one, and how it ended.
fn row(frame: &Frame) -> (usize, FrameKind, EthAddress, Option<EthAddress>, Option<u64>, FrameEnd) {
    (frame.depth, frame.kind, frame.from, frame.to, frame.actor.as_ref().map(|call| call.method), frame.end)
}

fn alices() -> EthAddress {
    alice().eth_address()
}

/// An address of zeros but for its first and its last byte.
fn numbered(first: u8, last: u8) -> EthAddress {
    let mut address = [0; 20];
    (address[0], address[19]) = (first, last);
    EthAddress(address)
}

#[test]
fn a_call_goes_through_both_runtimes_and_each_frame_is_there_once() {
    let chain = Chain::new();
    let (input, proxy) = (words(&[1, 10]), chain.masked_proxy());
    let frames = frames(&chain.world, chain.through(2, &input));
    let (call, good) = (FrameKind::Call, FrameEnd::Good);
    assert_eq!(
        frames.iter().map(row).collect::<Vec<_>>(),
        [
            (0, call, alices(), Some(chain.forwarder), None, good),
            (1, call, chain.forwarder, Some(proxy), Some(INVOKE_EVM), good),
            (2, call, proxy, Some(chain.keeper), Some(INVOKE_EVM), good),
        ]
    );
    let receipt = chain.world.run(&[chain.through(2, &input)]).receipts.remove(0);
    assert_eq!((frames[0].gas, frames[0].gas_used), (1_000_000, receipt.gas_used));
    assert!(frames.windows(2).all(|pair| pair[1].gas_used < pair[0].gas_used && pair[1].gas < pair[0].gas));
    assert_eq!(frames[2].input, input, "what the contract got");
    let params = frames[2].actor.as_ref().unwrap().params.as_ref().unwrap();
    assert_eq!(params.data[..], byte_string(&input), "what the actor said");
    let logs: Vec<_> = frames.iter().map(|frame| frame.logs.clone()).collect();
    assert_eq!(logs, [vec![], vec![], vec![FrameLog { event: 0, position: 0 }]], "the keeper's");
}

#[test]
fn what_is_undone_is_told_without_its_logs_up_to_whoever_catches_it() {
    let chain = Chain::new();
    let reverting = words(&[1, 10, 0]);
    let all = frames(&chain.world, chain.through(2, &reverting));
    let ends: Vec<_> = all.iter().map(|frame| frame.end).collect();
    assert_eq!(ends, [FrameEnd::Reverted, FrameEnd::Reverted, FrameEnd::Exit(REVERTED)]);
    let exits: Vec<_> = all.iter().map(|frame| frame.actor.as_ref().map(|call| call.exit_code)).collect();
    assert_eq!(exits, [None, Some(REVERTED), Some(REVERTED)]);
    assert!(all.iter().all(|frame| frame.logs.is_empty()));

    let params = proxied(&chain.keeper.to_address(), INVOKE_EVM, &byte_string(&reverting));
    let caught = frames(&chain.world, message(&carol(), 1, chain.proxy, 8, params, 0));
    let ends: Vec<_> = caught.iter().map(|frame| frame.end).collect();
    assert_eq!(ends, [FrameEnd::Good, FrameEnd::Exit(REVERTED)], "method 8 catches it");
}

#[test]
fn a_message_is_a_frame_with_its_method_and_its_exit_code() {
    let mut world = World::new();
    let actor = world.exec(0);
    let (masked, id) = (EthAddress::from_actor_id(actor.id().unwrap()), actor.id().unwrap());
    let carols = world.tree().resolve(&carol().f1_address()).unwrap().unwrap();
    for (method, exit_code, end) in [
        (2, ExitCode::OK, FrameEnd::Good),
        (9, ExitCode::new(99), FrameEnd::Exit(ExitCode::new(99))),
        (8, ExitCode::SYS_ILLEGAL_INSTRUCTION, FrameEnd::Exit(ExitCode::SYS_ILLEGAL_INSTRUCTION)),
    ] {
        let sent = message(&carol(), 1, actor, method, vec![], 5);
        let receipt = world.run(std::slice::from_ref(&sent)).receipts.remove(0);
        let [frame]: [Frame; 1] = frames(&world, sent).try_into().unwrap();
        let from = EthAddress::from_actor_id(carols);
        assert_eq!(row(&frame), (0, FrameKind::Call, from, Some(masked), Some(method), end));
        assert_eq!((frame.value, frame.gas_used), (Some(U256::from(5)), receipt.gas_used));
        let ActorCall { from, to, exit_code: exited, gas_used, .. } = *frame.actor.unwrap();
        assert_eq!((from, to, exited), (carols, Address::new_id(id), exit_code));
        assert!(gas_used > 0 && gas_used < receipt.fvm_gas_used, "without the message's inclusion");
        let emitted = if exit_code.is_success() { vec![FrameLog { event: 0, position: 0 }] } else { vec![] };
        assert_eq!(frame.logs, emitted);
    }
}

#[test]
fn a_message_that_cannot_be_included_has_a_frame_too() {
    let world = World::new();
    let from = carol().f1_address();
    let call = crate::FvmCall {
        from,
        to: Address::new_id(INIT_ID),
        method: 2,
        params: vec![],
        value: atto(0),
        gas_limit: Some(1),
    };
    let request = TraceRequest { wanted: CALLS, limits: no_limits() };
    let call = CallRequest::Fvm(call);
    let (state, none) = (world.open().unwrap(), Overrides::default());
    let traced = world.executor.trace_call(state, &world.env(), &none, &call, &request).unwrap().unwrap();
    let (outcome, Some(Trace::Calls(frames))) = traced else { panic!("calls were wanted") };
    assert_eq!(outcome.exit_code, ExitCode::SYS_OUT_OF_GAS);
    assert_eq!((frames.len(), frames[0].end), (1, FrameEnd::Exit(ExitCode::SYS_OUT_OF_GAS)));
}

#[test]
fn the_precompiled_contract_that_calls_actors_has_the_actors_frame_below_it() {
    let mut world = World::new();
    let call_actor_id = numbered(0xfe, 5);
    let asker = world.deploy(0, &handing_on(0xf4, call_actor_id));
    let number = |number| Value::Word(U256::from(number));
    let ask = |method: u64, id: u64| {
        abi::encode(&[number(method), number(0), number(0), number(0), Value::Bytes(&[]), number(id)])
    };
    let masked = EthAddress::from_actor_id(INIT_ID);
    let nobody = EthAddress::from_actor_id(5_000);
    for (input, to, method, end, exit_code) in [
        (ask(77, INIT_ID), masked, 77, FrameEnd::Exit(ExitCode::new(22)), 22),
        (ask(2, 5_000), nobody, 2, FrameEnd::Refused(fvm_shared::error::ErrorNumber::NotFound), 5),
    ] {
        let all = frames(&world, send(&alice(), 1, asker, 0, input));
        assert_eq!(
            all.iter().map(row).collect::<Vec<_>>(),
            [
                (0, FrameKind::Call, alices(), Some(asker), None, FrameEnd::Good),
                (1, FrameKind::DelegateCall, asker, Some(call_actor_id), None, FrameEnd::Good),
                (2, FrameKind::Call, asker, Some(to), Some(method), end),
            ]
        );
        assert_eq!(all[2].actor.as_ref().unwrap().exit_code, ExitCode::new(exit_code));
    }
}

#[test]
fn creations_and_self_destructions_are_frames() {
    let world = World::new();
    // CALLER, SELFDESTRUCT: in the constructor.
    let all = frames(&world, sign(&alice(), unsigned(0, None, 5, vec![0x33, 0xff])));
    let made = all[0].to.unwrap();
    assert_eq!(
        all.iter().map(row).collect::<Vec<_>>(),
        [
            (0, FrameKind::Create, alices(), Some(made), None, FrameEnd::Good),
            (1, FrameKind::SelfDestruct, made, Some(alices()), None, FrameEnd::Good),
        ]
    );
    assert_eq!((all[0].value, all[1].value), (Some(U256::from(5)), Some(U256::from(5))));

    // REVERT with nothing.
    let failed = frames(&world, sign(&alice(), unsigned(0, None, 0, vec![0x5f, 0x5f, 0xfd])));
    assert_eq!(row(&failed[0]), (0, FrameKind::Create, alices(), None, None, FrameEnd::Reverted));

    let params = byte_string(&init_code(KEEPER));
    let by_manager = frames(&world, message(&carol(), 0, Address::new_id(EAM_ID), 4, params, 0));
    let kinds: Vec<_> = by_manager.iter().map(|frame| (frame.depth, frame.kind, frame.end)).collect();
    assert_eq!(kinds, [(0, FrameKind::Call, FrameEnd::Good), (1, FrameKind::Create, FrameEnd::Good)]);
    assert_eq!(&by_manager[1].output[..], KEEPER, "the code");
}

#[test]
fn the_evms_faults_are_told_in_go_ethereums_words() {
    let mut world = World::new();
    for (nonce, (code, words)) in (0..).zip([
        (&[0x0c][..], "invalid opcode"),
        (&[0xfe], "invalid opcode: INVALID"),
        (&[0x50], "stack underflow"),
        (&[0x5f, 0x56], "invalid jump destination"),
        (&[0x5b, 0x5f, 0x56], "out of gas"),
        (&[0x60, 0x01, 0x5f, 0x5f, 0x3e], "return data out of bounds"),
    ]) {
        let at = world.deploy(nonce, code);
        let all = frames(&world, send(&alice(), nonce + 1, at, 0, vec![]));
        assert_eq!((all.len(), all[0].end), (1, FrameEnd::Stopped(words)));
    }
}

#[test]
fn only_the_top_call_is_told_where_no_other_is_wanted() {
    let chain = Chain::new();
    let sent = chain.through(2, &words(&[1, 10]));
    let all = frames(&chain.world, sent.clone());
    let Trace::Calls(top) = trace(&chain.world, sent, Wanted::Calls { only_top: true }) else { panic!("calls") };
    assert_eq!(top.iter().map(row).collect::<Vec<_>>(), [row(&all[0])]);
    assert!(top[0].logs.is_empty(), "the log is the keeper's");
}

#[test]
fn steps_add_up_to_the_receipt() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let sent = send(&alice(), 1, keeper, 0, words(&[1, 10]));
    let receipt = world.run(std::slice::from_ref(&sent)).receipts.remove(0);
    let all = steps(&world, sent.clone(), ALL_OF_STEPS);
    let intrinsic = 1_000_000 - all[0].gas;
    assert_eq!(intrinsic + all.iter().map(|step| step.gas_cost).sum::<u64>(), receipt.gas_used);
    assert!(all.windows(2).all(|pair| pair[0].gas - pair[0].gas_cost == pair[1].gas));
    let names: Vec<_> = all.iter().filter_map(Step::name).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(
        (names[..6].join(" "), *names.last().unwrap()),
        ("PUSH1 CALLDATALOAD PUSH0 CALLDATALOAD SSTORE PUSH1".to_owned(), "STOP")
    );
    assert_eq!(all[4].stack, Some(vec![U256::from(10), U256::from(1)]), "before it");
    assert_eq!(all[4].storage, Some(vec![(U256::from(1), U256::from(10))]), "after it");
    assert_eq!(all.iter().filter(|step| step.storage.is_some()).count(), 1);
    let log = all.iter().find(|step| step.name() == Some("LOG1")).unwrap();
    assert_eq!(log.memory.as_ref().map(|memory| memory.to_vec()), Some(words(&[10])));

    let few =
        steps(&world, sent, StepOptions { stack: false, memory: false, storage: false, count_max: 5, ..ALL_OF_STEPS });
    assert_eq!(few.len(), 5);
    assert!(few.iter().all(|step| step.stack.is_none() && step.memory.is_none() && step.storage.is_none()));
}

#[test]
fn what_a_call_may_use_is_part_of_its_cost_and_what_a_creation_may_use_is_not() {
    let mut world = World::new();
    let idle = world.deploy(0, &[0x00]);
    // CREATE of no code: its end is no step. Then `CALL` of the idle contract with 1,000 gas, its address from call data.
    let code = [0x5f, 0x5f, 0x5f, 0xf0, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x35, 0x61, 0x03, 0xe8, 0xf1, 0x00];
    let maker = world.deploy(1, &code);
    let address = [&[0; 12][..], &idle.0].concat();
    let all = steps(&world, send(&alice(), 2, maker, 0, address), ALL_OF_STEPS);
    let costly: Vec<_> = all.iter().filter(|step| step.gas_cost > 3).map(|step| (step.name(), step.gas_cost)).collect();
    assert_eq!(costly, [(Some("CREATE"), 32_000), (Some("CALL"), 2_600 + 1_000)]);
    let within: Vec<_> = all.iter().filter(|step| step.depth == 2).map(|step| (step.name(), step.gas)).collect();
    assert_eq!(within, [(Some("STOP"), 1_000)], "of the call alone");
}

#[test]
fn steps_are_told_of_every_contract_on_the_way_with_its_depth() {
    let chain = Chain::new();
    let all = steps(&chain.world, chain.through(2, &words(&[1, 10])), ALL_OF_STEPS);
    let mut depths: Vec<_> = all.iter().map(|step| step.depth).collect();
    depths.dedup();
    assert_eq!(depths.len(), 3, "forwarder, keeper, forwarder");
    assert!(depths[1] > 2, "the actor is between them");
    let read = all.iter().find(|step| step.name() == Some("SLOAD")).unwrap();
    assert_eq!(read.storage, Some(vec![(U256::ZERO, U256::ZERO)]), "of the forwarder alone");
}

#[test]
fn accounts_are_told_as_they_were_and_as_they_are() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let call = |nonce, value| send(&alice(), nonce, keeper, 0, words(&[1, value]));
    world.block(&[call(1, 7), call(2, 7)]);
    let (rich, sent) = (world.balance(alices()), call(3, 9));
    let before = states(&world, sent.clone(), STATES).before;
    let alices_state = &before[&alices()];
    assert_eq!((alices_state.balance, alices_state.nonce), (Some(U256::from(rich)), Some(3)));
    assert_eq!((&before[&keeper].code[..], before[&keeper].code_hash.is_some()), (KEEPER, true));
    assert_eq!(before[&keeper].storage, BTreeMap::from([(U256::from(1), U256::from(7))]));
    assert!(before.contains_key(&PROPOSER));

    let diff = StateOptions { is_diff: true, ..STATES };
    let StateTrace { before, after } = states(&world, sent.clone(), diff);
    let after = after.unwrap();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert_eq!(after[&keeper].storage, BTreeMap::from([(U256::from(1), U256::from(9))]));
    assert_eq!((after[&keeper].balance, after[&keeper].nonce, after[&keeper].code_hash), (None, None, None));
    let same = states(&world, call(3, 7), diff);
    assert_eq!((same.before.contains_key(&keeper), same.after.unwrap().contains_key(&keeper)), (false, false));
    world.one(sent);
    assert_eq!(after[&alices()].balance, Some(U256::from(world.balance(alices()))));
    assert_eq!(after[&alices()].nonce, Some(4));

    let without = StateOptions { without_code: true, without_storage: true, ..STATES };
    let bare = states(&world, call(4, 9), without).before.remove(&keeper).unwrap();
    assert!(bare.code.is_empty() && bare.storage.is_empty());
    let new = key(77).eth_address();
    let gift = send(&alice(), 4, new, 1, vec![]);
    let with_empty = StateOptions { with_empty: true, ..STATES };
    assert!(!states(&world, gift.clone(), STATES).before.contains_key(&new));
    assert!(states(&world, gift, with_empty).before.contains_key(&new));
}

#[test]
fn selectors_are_counted_but_not_those_of_precompiled_contracts() {
    let mut world = World::new();
    let forwarder = world.deploy(0, FORWARDER);
    let sha256 = numbered(0, 2);
    let idle = world.deploy(1, &[0x00]);
    for (to, expected) in [(sha256, 1), (idle, 2)] {
        let sent = send(&alice(), 2, forwarder, 0, forwarded(to, &[1, 2, 3, 4, 5]));
        let Trace::Selectors(counts) = trace(&world, sent, Wanted::Selectors) else { panic!("selectors") };
        assert_eq!(counts.len(), expected, "{counts:?}");
        assert_eq!(counts.get(&([1, 2, 3, 4], 1)), (to == idle).then_some(&1));
    }
}

#[test]
fn a_call_that_nobody_signed_is_traced_as_it_is_answered() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let call = |gas_limit| {
        let input = words(&[1, 10, 0]);
        CallRequest::Ethereum(EthereumCall {
            from: alices(),
            to: Some(keeper),
            input,
            gas_limit,
            ..EthereumCall::default()
        })
    };
    let request = TraceRequest { wanted: CALLS, limits: no_limits() };
    let traced = |call: &CallRequest| {
        let (state, none) = (world.open().unwrap(), Overrides::default());
        world.executor.trace_call(state, &world.env(), &none, call, &request).unwrap().unwrap()
    };
    let (outcome, trace) = traced(&call(Some(100_000)));
    assert_eq!(outcome, world.call(call(Some(100_000))));
    let Some(Trace::Calls(frames)) = trace else { panic!("calls") };
    assert_eq!((frames.len(), frames[0].end, frames[0].gas), (1, FrameEnd::Reverted, 100_000));
    assert_eq!(frames[0].gas_used, outcome.gas_used);
    assert_eq!(traced(&call(Some(1))).1, None, "its gas does not let it begin");
}

#[test]
fn a_call_is_traced_on_accounts_and_in_a_block_that_are_otherwise() {
    let world = World::new();
    let nobody = numbered(0x99, 0x99);
    // COINBASE, SLOAD of slot 1, ADD, stored in slot 2; then the answer is NUMBER.
    let code = [0x41, 0x60, 0x01, 0x54, 0x01, 0x60, 0x02, 0x55, 0x43, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    let slot = |number: u64| Hash32(U256::from(number).to_be_bytes());
    let account = AccountOverride {
        balance: Some(atto(9)),
        code: Some(code.to_vec()),
        storage: StorageOverride::With(BTreeMap::from([(slot(1), slot(5))])),
        ..AccountOverride::default()
    };
    let proposer = numbered(0, 0xee);
    let block = BlockOverrides { height: Some(Height(77)), proposer: Some(proposer), ..BlockOverrides::default() };
    let overrides = Overrides { accounts: BTreeMap::from([(nobody, account)]), block };
    let call = CallRequest::Ethereum(EthereumCall { to: Some(nobody), ..EthereumCall::default() });
    let traced = |overrides: &Overrides, wanted, limits| {
        let request = TraceRequest { wanted, limits };
        world.executor.trace_call(world.open().unwrap(), &world.env(), overrides, &call, &request).unwrap()
    };
    let (outcome, trace) = traced(&overrides, CALLS, no_limits()).unwrap();
    assert_eq!(Ok(outcome), world.call_with(&overrides, call.clone()));
    let Some(Trace::Calls(frames)) = trace else { panic!("calls were wanted") };
    assert_eq!((frames.len(), &frames[0].output[..]), (1, &words(&[77])[..]));

    let (_, trace) = traced(&overrides, Wanted::States(STATES), no_limits()).unwrap();
    let Some(Trace::States(StateTrace { before, .. })) = trace else { panic!("states were wanted") };
    let told = &before[&nobody];
    assert_eq!((told.balance, &told.code[..]), (Some(U256::from(9)), &code[..]), "as the caller wants it");
    let number = U256::from::<u64>;
    assert_eq!(told.storage, BTreeMap::from([(number(1), number(5)), (number(2), number(0))]));
    let diff = StateOptions { is_diff: true, ..STATES };
    let (_, trace) = traced(&overrides, Wanted::States(diff), no_limits()).unwrap();
    let Some(Trace::States(StateTrace { after: Some(after), .. })) = trace else { panic!("a difference") };
    assert_eq!(after[&nobody].storage, BTreeMap::from([(number(2), number(0xee + 5))]));

    let rejected = CallRejected::from(OverridesRejected::Nobody(EthAddress::from_actor_id(9_999)));
    let accounts = BTreeMap::from([(EthAddress::from_actor_id(9_999), AccountOverride::default())]);
    let none = traced(&Overrides { accounts, ..Overrides::default() }, CALLS, no_limits());
    assert_eq!(none, Err(rejected.into()));
    let limits = TraceLimits { steps_max: 3, ..no_limits() };
    assert_eq!(traced(&overrides, CALLS, limits), Err(TraceRejected::Steps(3).into()), "not the overrides' fault");
}

#[test]
fn only_what_is_asked_for_is_traced_and_what_never_ran_is_not() {
    let mut world = World::new();
    let keeper = world.deploy(0, KEEPER);
    let call = |nonce| send(&alice(), nonce, keeper, 0, words(&[nonce, nonce]));
    let block = [call(1), call(9), call(2)];
    let receipts = world.run(&block).receipts;
    let last = world.replay(&block, 2..3, CALLS);
    assert_eq!((last.len(), &last[0].receipt), (1, &receipts[2]));
    let traced = world.replay(&block, 0..3, CALLS);
    assert_eq!(traced.iter().map(|traced| traced.trace.is_some()).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn each_limit_ends_a_trace_wherever_it_is_passed() {
    let chain = Chain::new();
    let block = [chain.through(2, &words(&[1, 10])), chain.through(3, &words(&[2, 10]))];
    let within = |wanted, limits| chain.world.replay_within(&block, 0..2, wanted, limits).map(|all| all.len());
    let steps_max = |steps_max| TraceLimits { steps_max, ..no_limits() };
    let bytes_max = |bytes_max| TraceLimits { bytes_max, ..no_limits() };
    assert_eq!(within(Wanted::Nothing, steps_max(1_000)), Ok(2));
    // In the first contract, beyond the actor, and in the second transaction.
    for most in [0, 5, 30, 60, 90] {
        assert_eq!(within(Wanted::Nothing, steps_max(most)), Err(TraceRejected::Steps(most)));
    }
    for wanted in [CALLS, Wanted::Steps(ALL_OF_STEPS), Wanted::States(STATES), Wanted::Selectors] {
        assert_eq!(within(wanted, bytes_max(1_000_000)), Ok(2), "{wanted:?}");
        assert_eq!(within(wanted, bytes_max(20)), Err(TraceRejected::Bytes(20)), "{wanted:?}");
    }
    // The clock is looked at now and then; whenever it says so, the trace ends.
    for looks in 0..12 {
        let left = Arc::new(AtomicU64::new(looks));
        let is_late =
            move || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
        let limits = TraceLimits { is_late: Arc::new(is_late), ..no_limits() };
        assert!(matches!(within(CALLS, limits), Ok(2) | Err(TraceRejected::Late)));
    }
    let late = TraceLimits { is_late: Arc::new(|| true), ..no_limits() };
    assert_eq!(within(CALLS, late), Err(TraceRejected::Late));
}
