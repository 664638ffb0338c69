//! A load on its way: lanes hand in, a follower sees blocks, until all has landed or nothing more is wanted.
//!
//! ```text
//! lane 0 ─▶ connection ─▶ node 0 ─┐
//! lane 1 ─▶ connection ─▶ node 1  ├─ blocks ─▶ follower ─▶ flight ─▶ lanes
//! lane 2 ─▶ connection ─▶ node 0 ─┘
//! ```
//!
//! Hands: what is sent and when it ends is the [`Flight`]'s to say. Where answers confirm ([`Confirm::Sync`]) the blocks are only counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::{BlockAnswer, Client, ClientUnavailable};
use crate::flight::{Block, Flight, Next, Rules};
use crate::http::Endpoint;
use crate::subscription::NewBlocks;
use crate::words::{Confirm, Load};

/// From one question for the next block to the following: what a latency is exact to where blocks are asked for.
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
    confirm: Confirm,
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

    /// A block is here.
    fn saw(&self, answer: &BlockAnswer) {
        let (gas_used, gas_limit) = (answer.gas_used.to(), answer.gas_limit.to());
        let base_fee = answer.base_fee_per_gas.map_or(0, |fee| fee.saturating_to());
        let block = Block { at_us: self.now_us(), gas_used, gas_limit, base_fee, ..Block::default() };
        self.flight().saw(block, &answer.transactions);
        self.changed.notify_waiters();
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
    let (confirm, follower) = (rules.confirm, Follower::start(&nodes[0], rules.confirm).await?);
    let flight = Mutex::new(Flight::new(&load, rules));
    let shared = Arc::new(Shared { load, confirm, flight, started: Instant::now(), changed: Notify::new() });
    let mut sending = JoinSet::new();
    for number in 0..lanes {
        let client = Client::of(nodes[number % nodes.len()].clone());
        sending.spawn(lane(number, client, Arc::clone(&shared)));
    }
    let mut following = JoinSet::new();
    following.spawn(follower.run(Arc::clone(&shared)));
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
            Next::Send(indices) => send(number, &mut client, &indices, now_us, &shared).await,
        }
    }
}

async fn send(lane: usize, client: &mut Client, indices: &[usize], now_us: u64, shared: &Shared) {
    let batch: Vec<_> = {
        let flight = shared.flight();
        let transactions = &shared.load.transactions;
        indices.iter().map(|index| (&transactions[*index], flight.was_sent_before(*index, now_us))).collect()
    };
    let answer = client.submit(shared.confirm, &batch).await;
    let now_us = shared.now_us();
    match answer {
        Ok(verdicts) => {
            shared.flight().answered(lane, indices.iter().copied().zip(verdicts).collect(), now_us);
            if shared.confirm == Confirm::Sync {
                shared.changed.notify_waiters();
            }
        }
        Err(why) => shared.flight().unanswered(lane, indices, why.to_string(), now_us),
    }
}

/// Sees blocks, from where it was started on.
enum Follower {
    /// Asks for the one with this number, and the next after that.
    Poll(Client, u64),
    /// Is told of them.
    Subscription(Box<NewBlocks>),
}

impl Follower {
    /// Of the node there. Sees every block with what is handed in from now on.
    async fn start(node: &Endpoint, confirm: Confirm) -> Result<Self, ClientUnavailable> {
        if confirm == Confirm::Subscription {
            return Ok(Self::Subscription(Box::new(NewBlocks::subscribe(node).await?)));
        }
        let mut client = Client::of(node.clone());
        let head = client.head().await?;
        Ok(Self::Poll(client, head.saturating_add(1)))
    }

    /// For ever, or until the subscription ends: what waits for blocks then is given up when its patience is over.
    async fn run(self, shared: Arc<Shared>) {
        match self {
            Self::Poll(client, number) => poll(client, number, &shared).await,
            Self::Subscription(mut blocks) => loop {
                match blocks.next().await {
                    Ok(block) => shared.saw(&block),
                    Err(why) => return shared.flight().lost_sight(why.to_string()),
                }
            },
        }
    }
}

/// Asks for the block with this number, and the one after that, for ever.
async fn poll(mut client: Client, mut number: u64, shared: &Shared) {
    loop {
        match client.block(number).await {
            Ok(Some(block)) => {
                shared.saw(&block);
                number = number.saturating_add(1);
            }
            Ok(None) => sleep(FOLLOW_EVERY).await,
            // Some nodes refuse to speak of a block that is not there yet; and one that does not answer shows as a stall.
            Err(_) => sleep(FOLLOW_REST).await,
        }
    }
}
