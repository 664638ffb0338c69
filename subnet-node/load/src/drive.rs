//! A load on its way: lanes hand in, a follower sees blocks, until all has landed or nothing more is wanted.
//!
//! ```text
//! lane 0 ─▶ connection ─▶ node 0 ─┐
//! lane 1 ─▶ connection ─▶ node 1  ├─ blocks ─▶ follower ─▶ flight ─▶ lanes
//! lane 2 ─▶ connection ─▶ node 0 ─┘
//! ```
//!
//! Hands: what is sent and when it ends is the [`Flight`]'s to say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::{Client, ClientUnavailable};
use crate::flight::{Block, Flight, Next, Rules};
use crate::http::Endpoint;
use crate::words::Load;

/// From one question for the next block to the following: what a latency is exact to.
const FOLLOW_EVERY: Duration = Duration::from_millis(4);
/// After a question for a block that had no answer.
const FOLLOW_REST: Duration = Duration::from_millis(100);
/// From one look whether it is over to the next.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// From one word on how it goes to the next.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How it goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Since the start.
    pub elapsed: Duration,
    /// Transactions in a block.
    pub confirmed: u64,
    /// Those since the last word.
    pub confirmed_lately: u64,
    /// Transactions handed in and in no block.
    pub on_their_way: u64,
    /// Transactions sent again so far.
    pub retried: u64,
    /// Transactions refused so far.
    pub refused: u64,
}

struct Shared {
    load: Arc<Load>,
    flight: Mutex<Flight>,
    started: Instant,
    /// Something landed, so that there may be room.
    changed: Notify,
}

impl Shared {
    fn flight(&self) -> MutexGuard<'_, Flight> {
        // A panic elsewhere ends the run anyway.
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn at(&self, micros: u64) -> Instant {
        self.started + Duration::from_micros(micros)
    }
}

/// Sends `load` to `nodes` until all has landed, its time is over and the rest landed, nothing moves any more, or `stop` says so.
///
/// # Errors
/// [`ClientUnavailable`] where the first node does not answer before the start.
pub async fn drive(
    nodes: &[Endpoint],
    load: Arc<Load>,
    rules: Rules,
    mut stop: watch::Receiver<bool>,
    mut tell: impl FnMut(Progress),
) -> Result<Flight, ClientUnavailable> {
    let lanes = rules.lanes.max(1);
    let mut follower = Client::of(nodes[0].clone());
    let head = follower.head().await?;
    let flight = Mutex::new(Flight::new(&load, rules));
    let shared = Arc::new(Shared { load, flight, started: Instant::now(), changed: Notify::new() });
    let mut sending = JoinSet::new();
    for number in 0..lanes {
        let client = Client::of(nodes[number % nodes.len()].clone());
        sending.spawn(lane(number, client, Arc::clone(&shared)));
    }
    let mut following = JoinSet::new();
    following.spawn(follow(follower, head, Arc::clone(&shared)));
    let (mut told_at, mut told) = (shared.started, 0);
    loop {
        if *stop.borrow_and_update() {
            shared.flight().stop();
        }
        while let Some(ended) = sending.try_join_next() {
            ended.expect("a lane does not panic");
        }
        {
            let flight = shared.flight();
            let is_given_up = flight.is_stopped() || flight.is_stalled(shared.now_us());
            if is_given_up || (sending.is_empty() && flight.is_landed()) {
                break;
            }
            if told_at.elapsed() >= TELL_EVERY {
                tell(progress(&flight, shared.started.elapsed(), told));
                (told_at, told) = (Instant::now(), flight.confirmed());
            }
        }
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
    sending.shutdown().await;
    following.shutdown().await;
    let shared = Arc::into_inner(shared).expect("all tasks that shared it have ended");
    Ok(shared.flight.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn progress(flight: &Flight, elapsed: Duration, told: u64) -> Progress {
    let trouble = flight.trouble();
    Progress {
        elapsed,
        confirmed: flight.confirmed(),
        confirmed_lately: flight.confirmed().saturating_sub(told),
        on_their_way: flight.on_their_way(),
        retried: trouble.retried.saturating_add(trouble.unanswered),
        refused: trouble.refused,
    }
}

/// Hands in one request after the other.
async fn lane(number: usize, mut client: Client, shared: Arc<Shared>) {
    let method = shared.load.kind.submit_method();
    loop {
        // Before the question, so that what changes in between is not missed.
        let changed = shared.changed.notified();
        let now_us = shared.now_us();
        let next = shared.flight().next(number, now_us);
        match next {
            Next::Done => return,
            Next::Wait(until_us) => tokio::select! {
                () = changed => {}
                () = sleep_until(shared.at(until_us)) => {}
            },
            Next::Send(indices) => send(number, &mut client, method, &indices, now_us, &shared).await,
        }
    }
}

async fn send(lane: usize, client: &mut Client, method: &str, indices: &[usize], now_us: u64, shared: &Shared) {
    let batch: Vec<_> = {
        let flight = shared.flight();
        let transactions = &shared.load.transactions;
        indices.iter().map(|index| (&transactions[*index], flight.was_sent_before(*index, now_us))).collect()
    };
    let answer = client.submit(method, &batch).await;
    let now_us = shared.now_us();
    match answer {
        Ok(verdicts) => {
            shared.flight().answered(lane, indices.iter().copied().zip(verdicts).collect(), now_us);
        }
        Err(why) => shared.flight().unanswered(lane, indices, why.to_string(), now_us),
    }
}

/// Asks for the block after `head`, and the one after that, for ever.
async fn follow(mut client: Client, head: u64, shared: Arc<Shared>) {
    let mut number = head.saturating_add(1);
    loop {
        let asked = client.block(number).await;
        let at_us = shared.now_us();
        match asked {
            Ok(Some(answer)) => {
                let (gas_used, gas_limit) = (answer.gas_used.to(), answer.gas_limit.to());
                let block = Block { at_us, gas_used, gas_limit, ..Block::default() };
                shared.flight().saw(block, &answer.transactions);
                shared.changed.notify_waiters();
                number = number.saturating_add(1);
            }
            Ok(None) => sleep(FOLLOW_EVERY).await,
            // Some nodes refuse to speak of a block that is not there yet; and one that does not answer shows as a stall.
            Err(_) => sleep(FOLLOW_REST).await,
        }
    }
}
