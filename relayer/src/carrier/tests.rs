//! The loop against chains in memory: one fault each, then many at once from a seed.

use proptest::prelude::*;
use tributary_crypto::SecpSecretKey;

use super::*;
use crate::chain::memory::{GAS, World};
use crate::telemetry::Metrics;

type TestCarrier = Carrier<World, crate::chain::memory::ChildNode, World>;

const ACTOR: u64 = 100;

fn key(seed: u8) -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[seed; 32]).unwrap()
}

fn desk(world: &World, seed: u8) -> Arc<Desk<World>> {
    Arc::new(Desk::new(world.clone(), key(seed), 10 * GAS))
}

fn carrier(world: &World, desk: &Arc<Desk<World>>, actor: u64) -> TestCarrier {
    let limits = Limits { gas_limit: 10 * GAS, ..Limits::default() };
    Carrier::new(Arc::clone(desk), world.child(actor), world.clone(), limits, Metrics::new().of_child("child"))
}

/// A world with one child that certified `periods` checkpoints, and two relayers' keys with tokens.
fn world(periods: u64) -> World {
    let world = World::with_children(&[ACTOR]);
    [1, 2].into_iter().for_each(|seed| world.fund(&key(seed).f1_address()));
    certify(&world, ACTOR, periods);
    world
}

fn certify(world: &World, actor: u64, periods: u64) {
    (0..periods).for_each(|_| world.lock().children.get_mut(&actor).unwrap().certify_next());
}

fn never() -> watch::Receiver<bool> {
    watch::channel(false).1
}

/// One turn and the wait after it.
async fn step(world: &World, carrier: &mut TestCarrier) -> Turned {
    let turned = carrier.turn(&mut never()).await;
    let wait = match &turned {
        Turned::Acted(wait) | Turned::Waits(wait, _) | Turned::Idle(wait) | Turned::Blind(wait, _) => *wait,
        Turned::Halted(why) => panic!("{why}"),
    };
    world.sleep(wait).await;
    turned
}

fn nonce(world: &World, seed: u8) -> u64 {
    world.lock().accounts[&key(seed).f1_address().to_bytes()].nonce
}

#[tokio::test]
async fn a_backlog_is_carried_in_as_few_transactions_as_the_messages_allow() {
    let world = world(9);
    carrier(&world, &desk(&world, 1), ACTOR).run_once(never()).await.unwrap();
    let heights: Vec<u64> = world.lock().children[&ACTOR].accepted.iter().map(|c| c.checkpoint.height.0).collect();
    assert_eq!(heights, [60, 70, 90], "checkpoint 7 brings a message and is carried itself");
    assert_eq!(nonce(&world, 1), 3);
}

#[tokio::test]
async fn a_relayer_that_dies_after_submitting_does_no_harm() {
    let world = world(1);
    let desk_before = desk(&world, 1);
    let mut before = carrier(&world, &desk_before, ACTOR);
    assert!(matches!(before.turn(&mut never()).await, Turned::Acted(_)));
    assert_eq!(world.lock().pool.len(), 1);
    drop((before, desk_before));
    // The new process knows nothing; it makes the same bytes with the same nonce, and the parent knows them already.
    let mut after = carrier(&world, &desk(&world, 1), ACTOR);
    assert!(matches!(after.turn(&mut never()).await, Turned::Acted(_)));
    assert_eq!(world.lock().pool.len(), 1);
    world.lock().make_block();
    assert!(matches!(after.turn(&mut never()).await, Turned::Idle(_)));
    assert_eq!((world.accepted_height(ACTOR), nonce(&world, 1)), (10, 1), "paid once");
}

#[tokio::test]
async fn a_relayer_that_dies_before_a_dearer_block_does_no_harm() {
    let world = world(1);
    let mut before = carrier(&world, &desk(&world, 1), ACTOR);
    before.turn(&mut never()).await;
    drop(before);
    // Another base fee makes another transaction with the same nonce: only one of the two can be in a block.
    world.lock().base_fee = 101;
    carrier(&world, &desk(&world, 1), ACTOR).run_once(never()).await.unwrap();
    assert_eq!((world.accepted_height(ACTOR), nonce(&world, 1)), (10, 1), "paid once");
}

#[tokio::test]
async fn a_second_relayer_finds_it_done_and_goes_on() {
    let world = world(1);
    let (mut first, mut second) = (carrier(&world, &desk(&world, 1), ACTOR), carrier(&world, &desk(&world, 2), ACTOR));
    // Both submit before either is in a block.
    first.turn(&mut never()).await;
    second.turn(&mut never()).await;
    world.lock().make_block();
    assert!(matches!(first.turn(&mut never()).await, Turned::Idle(_)));
    assert!(matches!(second.turn(&mut never()).await, Turned::Idle(_)));
    assert_eq!(world.lock().children[&ACTOR].accepted.len(), 1);
    certify(&world, ACTOR, 1);
    second.run_once(never()).await.unwrap();
    assert_eq!(world.accepted_height(ACTOR), 20);
}

#[tokio::test]
async fn a_stuck_transaction_is_bumped_until_it_pays_the_base_fee() {
    let world = world(1);
    let mut carrier = carrier(&world, &desk(&world, 1), ACTOR);
    assert!(matches!(step_without_block(&world, &mut carrier).await, Turned::Acted(_)));
    world.lock().base_fee = 1_000;
    for _ in 0..10 {
        step(&world, &mut carrier).await;
    }
    assert_eq!((world.accepted_height(ACTOR), nonce(&world, 1)), (10, 1));
    assert_eq!(carrier.metrics.counted(Event::Bumped), 1, "one bump to today's quote is enough");
}

async fn step_without_block(world: &World, carrier: &mut TestCarrier) -> Turned {
    world.lock().makes_blocks = false;
    let turned = step(world, carrier).await;
    world.lock().makes_blocks = true;
    turned
}

#[tokio::test]
async fn a_lost_transaction_and_a_lost_answer_are_made_good() {
    let world = world(1);
    world.lock().losses = 1;
    carrier(&world, &desk(&world, 1), ACTOR).run_once(never()).await.unwrap();
    assert_eq!((world.accepted_height(ACTOR), nonce(&world, 1)), (10, 1));
    certify(&world, ACTOR, 1);
    world.lock().lost_answers = 1;
    carrier(&world, &desk(&world, 1), ACTOR).run_once(never()).await.unwrap();
    assert_eq!((world.accepted_height(ACTOR), nonce(&world, 1)), (20, 2), "it had arrived, and was not paid twice");
}

#[tokio::test]
async fn a_parent_that_stands_still_is_asked_at_a_bounded_rate_and_paid_no_more() {
    let world = world(1);
    world.lock().makes_blocks = false;
    let mut carrier = carrier(&world, &desk(&world, 1), ACTOR);
    for _ in 0..1_000 {
        step(&world, &mut carrier).await;
    }
    assert!(world.lock().now >= Duration::from_secs(1_000), "a second between two looks");
    assert_eq!((carrier.metrics.counted(Event::Submitted), carrier.metrics.counted(Event::Bumped)), (1, 0));
}

#[tokio::test]
async fn an_outage_is_waited_out_longer_each_time() {
    let world = world(1);
    world.lock().parent_outages = 4;
    let mut carrier = carrier(&world, &desk(&world, 1), ACTOR);
    let mut waits = Vec::new();
    for _ in 0..4 {
        match step(&world, &mut carrier).await {
            Turned::Blind(wait, Blind::Parent(_)) => waits.push(wait.as_secs()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [1, 2, 4, 8]);
    carrier.run_once(never()).await.unwrap();
}

#[tokio::test]
async fn several_children_share_a_key_without_sharing_a_nonce() {
    let actors: Vec<u64> = (100..105).collect();
    let world = World::with_children(&actors);
    world.fund(&key(1).f1_address());
    actors.iter().for_each(|actor| certify(&world, *actor, 3));
    let desk = desk(&world, 1);
    let carriers = actors.iter().map(|actor| carrier(&world, &desk, *actor).run_once(never()));
    let carried: Vec<_> = carriers.map(|once| async { once.await.unwrap() }).collect();
    join_all(carried).await;
    for actor in &actors {
        assert_eq!(world.accepted_height(*actor), 30, "actor {actor}");
    }
    assert_eq!(nonce(&world, 1), 5, "one transaction each");
}

/// Runs all of them in this thread, in turns.
async fn join_all(all: Vec<impl Future<Output = ()>>) {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_child_that_falls_silent_does_not_hold_up_the_others() {
    let world = World::with_children(&[100, 101]);
    world.fund(&key(1).f1_address());
    [100, 101].into_iter().for_each(|actor| certify(&world, actor, 1));
    world.lock().losses = 1;
    let desk = desk(&world, 1);
    let mut silent = carrier(&world, &desk, 100);
    assert!(matches!(silent.turn(&mut never()).await, Turned::Acted(_)), "takes the turn, and its transaction is lost");
    world.lock().children.get_mut(&100).unwrap().outages = u32::MAX;
    assert!(matches!(silent.turn(&mut never()).await, Turned::Blind(_, Blind::Child(_))));
    assert!(desk.try_turn().is_some(), "the turn is free");
    carrier(&world, &desk, 101).run_once(never()).await.unwrap();
    assert_eq!(world.accepted_height(101), 10);
}

#[tokio::test]
async fn what_the_parent_would_refuse_is_not_paid_for() {
    let world = world(2);
    {
        let mut state = world.lock();
        let child = state.children.get_mut(&ACTOR).unwrap();
        let forged = child.certificates[0].signature;
        child.certificates.iter_mut().for_each(|certificate| certificate.signature = forged);
        child.certificates.remove(0);
    }
    let refused = carrier(&world, &desk(&world, 1), ACTOR).run_once(never()).await.unwrap_err();
    assert!(matches!(refused, NotCarried::Waits(Why::Refused(_))), "{refused}");
    assert!(world.lock().pool.is_empty());
    assert_eq!(nonce(&world, 1), 0);
}

#[tokio::test]
async fn a_stop_ends_the_loop_at_once() {
    let world = world(1);
    let (stop, stopped) = watch::channel(true);
    carrier(&world, &desk(&world, 1), ACTOR).run(stopped).await.unwrap();
    assert_eq!(world.lock().calls, 0);
    drop(stop);
}

/// Something that happens between two steps of two relayers.
#[derive(Copy, Clone, Debug)]
enum Happening {
    First,
    Second,
    FirstDies,
    SecondDies,
    Certifies,
    ParentSilent,
    ChildSilent,
    TransactionLost,
    AnswerLost,
    BaseFee(u128),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => Just(Happening::First),
        6 => Just(Happening::Second),
        1 => Just(Happening::FirstDies),
        1 => Just(Happening::SecondDies),
        2 => Just(Happening::Certifies),
        1 => Just(Happening::ParentSilent),
        1 => Just(Happening::ChildSilent),
        1 => Just(Happening::TransactionLost),
        1 => Just(Happening::AnswerLost),
        1 => (50..400u128).prop_map(Happening::BaseFee),
    ]
}

async fn happen(world: &World, relayers: &mut [TestCarrier; 2], happening: Happening) {
    match happening {
        Happening::First => drop(step(world, &mut relayers[0]).await),
        Happening::Second => drop(step(world, &mut relayers[1]).await),
        Happening::FirstDies => relayers[0] = carrier(world, &desk(world, 1), ACTOR),
        Happening::SecondDies => relayers[1] = carrier(world, &desk(world, 2), ACTOR),
        Happening::Certifies => certify(world, ACTOR, 1),
        Happening::ParentSilent => world.lock().parent_outages = 3,
        Happening::ChildSilent => world.lock().children.get_mut(&ACTOR).unwrap().outages = 3,
        Happening::TransactionLost => world.lock().losses = 1,
        Happening::AnswerLost => world.lock().lost_answers = 1,
        Happening::BaseFee(base_fee) => world.lock().base_fee = base_fee,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_relayers_carry_everything_once_the_chains_answer(happenings in proptest::collection::vec(any_happening(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = world(1);
            let mut relayers = [carrier(&world, &desk(&world, 1), ACTOR), carrier(&world, &desk(&world, 2), ACTOR)];
            for happening in happenings {
                let before = world.accepted_height(ACTOR);
                happen(&world, &mut relayers, happening).await;
                prop_assert!(world.accepted_height(ACTOR) >= before);
            }
            // From here on both chains answer. A backlog needs at most a few transactions, each at most patience away.
            let mut steps = 0;
            while !world.lock().children[&ACTOR].is_carried() {
                steps += 1;
                prop_assert!(steps < 400, "converges");
                for relayer in &mut relayers {
                    step(&world, relayer).await;
                }
            }
            Ok(())
        })?;
    }
}
