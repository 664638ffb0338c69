//! What is sent next, what is on its way, and what has arrived. A law: its times are given to it.
//!
//! | transaction is | and then | it is |
//! |---|---|---|
//! | signed | its lane's turn comes, and the pace has room | sent |
//! | sent | the node takes it | waiting; confirmed where the answer is its receipt ([`Confirm::Sync`]) |
//! | sent | the node says later, or nothing at all | signed, first of its lane, after [`REST_US`] |
//! | sent | the node refuses it | refused; its sender sends no more, since every later nonce would wait for ever |
//! | sent, waiting | a block has it | confirmed, unless answers are what confirms |
//!
//! A sender belongs to one lane, and a lane has one request on its way, so nonces arrive in order. On its way is what is sent or
//! waiting.

use std::collections::{HashMap, VecDeque};

use tributary_primitives::Hash32;

use crate::answer::{Refusal, Verdict};
use crate::words::{Confirm, Load, Pace};

/// Microseconds that a lane rests after it was told to come later.
pub const REST_US: u64 = 20_000;
/// Microseconds without any progress after which what is on its way is given up.
pub const PATIENCE_US: u64 = 30_000_000;

/// How a load is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When the next is sent.
    pub pace: Pace,
    /// Most transactions of one request.
    pub batch_max: usize,
    /// Requests on their way at once.
    pub lanes: usize,
    /// What confirms a transaction.
    pub confirm: Confirm,
    /// After so many microseconds nothing more is sent.
    pub duration_us: Option<u64>,
}

/// What a lane does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Sends these, by their place in the load.
    Send(Vec<usize>),
    /// Asks again at this time, or when something changed.
    Wait(u64),
    /// Nothing more.
    Done,
}

/// A block that was seen.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// When, in microseconds since the start.
    pub at_us: u64,
    /// Transactions in it.
    pub transactions: u64,
    /// Those of this load.
    pub ours: u64,
    /// Gas that it used.
    pub gas_used: u64,
    /// Gas that it had.
    pub gas_limit: u64,
    /// What it asked for a unit of gas, in wei; zero before EIP-1559.
    pub base_fee: u128,
}

/// A transaction's way. Microseconds since the start.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Right before it was first handed in.
    pub submitted_us: Option<u64>,
    /// When the block with it was seen.
    pub confirmed_us: Option<u64>,
}

/// What went other than wished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Sent again because the node said later.
    pub retried: u64,
    /// Sent again because no answer came.
    pub unanswered: u64,
    /// Refused.
    pub refused: u64,
    /// Why the first was.
    pub first_refusal: Option<Refusal>,
    /// Why the first request had no answer, or blocks were seen no more.
    pub first_silence: Option<String>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Signed,
    Sent,
    Waiting,
    Refused,
    Confirmed,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<usize>,
    rests_until_us: u64,
}

/// A load on its way.
#[derive(Debug)]
pub struct Flight {
    rules: Rules,
    senders: Vec<u32>,
    by_hash: HashMap<Hash32, usize>,
    states: Vec<State>,
    records: Vec<Record>,
    lanes: Vec<Lane>,
    is_dead: Vec<bool>,
    blocks: Vec<Block>,
    trouble: Trouble,
    /// Sent at least once, now or before: what an open pace has let go.
    released: u64,
    on_their_way: u64,
    confirmed: u64,
    last_progress_us: u64,
    is_stopped: bool,
    fee_cap: Option<u128>,
}

impl Flight {
    /// Nothing is sent yet. Cost: a look at each transaction.
    #[must_use]
    pub fn new(load: &Load, rules: Rules) -> Self {
        let count = load.transactions.len();
        let mut lanes: Vec<_> = (0..rules.lanes.max(1)).map(|_| Lane::default()).collect();
        let lane_of = |sender: u32| usize::try_from(sender).unwrap_or_default() % rules.lanes.max(1);
        for (index, signed) in load.transactions.iter().enumerate() {
            lanes[lane_of(signed.sender)].queue.push_back(index);
        }
        Self {
            senders: load.transactions.iter().map(|signed| signed.sender).collect(),
            by_hash: load.transactions.iter().enumerate().map(|(index, signed)| (signed.hash, index)).collect(),
            states: vec![State::Signed; count],
            records: vec![Record::default(); count],
            lanes,
            is_dead: vec![false; usize::try_from(load.senders).unwrap_or_default()],
            blocks: Vec::new(),
            trouble: Trouble::default(),
            released: 0,
            on_their_way: 0,
            confirmed: 0,
            last_progress_us: 0,
            is_stopped: false,
            fee_cap: load.fee_cap,
            rules,
        }
    }

    /// What `lane` does at `now_us`.
    ///
    /// # Panics
    /// When there is no such lane.
    pub fn next(&mut self, lane: usize, now_us: u64) -> Next {
        if self.is_stopped || self.rules.duration_us.is_some_and(|duration_us| now_us >= duration_us) {
            return Next::Done;
        }
        self.skip_the_dead(lane);
        let waiting = &self.lanes[lane];
        if waiting.queue.is_empty() {
            return Next::Done;
        }
        if waiting.rests_until_us > now_us {
            return Next::Wait(waiting.rests_until_us);
        }
        match self.room(now_us) {
            0 => Next::Wait(self.asks_again_us(now_us)),
            room => Next::Send(self.take(lane, room, now_us)),
        }
    }

    /// Notes what the node said to each of a request's transactions, which are in the order in which they were sent.
    pub fn answered(&mut self, lane: usize, verdicts: Vec<(usize, Verdict)>, now_us: u64) {
        // Last first, so that what goes back to the front of the queue is in order there.
        for (index, verdict) in verdicts.into_iter().rev() {
            if self.states[index] != State::Sent {
                // A block was faster than the answer.
                continue;
            }
            match verdict {
                Verdict::Taken if self.rules.confirm == Confirm::Sync => self.land(index, now_us),
                Verdict::Taken => {
                    self.states[index] = State::Waiting;
                    self.last_progress_us = now_us;
                }
                Verdict::Later => {
                    self.trouble.retried += 1;
                    self.put_back(lane, index, now_us);
                }
                Verdict::Refused(why) => self.refuse(index, why),
            }
        }
    }

    /// Notes that a request had no answer: its transactions may have arrived or not, and are sent again.
    pub fn unanswered(&mut self, lane: usize, indices: &[usize], why: String, now_us: u64) {
        self.trouble.first_silence.get_or_insert(why);
        for index in indices.iter().rev().copied() {
            if self.states[index] == State::Sent {
                self.trouble.unanswered += 1;
                self.put_back(lane, index, now_us);
            }
        }
    }

    /// Notes that no more blocks are seen.
    pub fn lost_sight(&mut self, why: String) {
        self.trouble.first_silence.get_or_insert(why);
    }

    /// Notes a block with these transactions.
    pub fn saw(&mut self, block: Block, hashes: &[Hash32]) {
        let ours = match self.rules.confirm {
            Confirm::Poll | Confirm::Subscription => {
                hashes.iter().filter(|hash| self.confirm(hash, block.at_us)).count()
            }
            Confirm::Sync => hashes.iter().filter(|hash| self.by_hash.contains_key(*hash)).count(),
        };
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.blocks.push(Block { transactions: count(hashes.len()), ours: count(ours), ..block });
    }

    /// Sends nothing more.
    pub const fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// When the next is sent.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.rules.pace
    }

    /// Whether it was stopped.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Whether so long nothing happened that what is on its way is given up.
    #[must_use]
    pub const fn is_stalled(&self, now_us: u64) -> bool {
        now_us.saturating_sub(self.last_progress_us) > PATIENCE_US
    }

    /// Whether nothing is on its way.
    #[must_use]
    pub const fn is_landed(&self) -> bool {
        self.on_their_way == 0
    }

    /// Transactions that were handed in and are in no block.
    #[must_use]
    pub const fn on_their_way(&self) -> u64 {
        self.on_their_way
    }

    /// Transactions in a block.
    #[must_use]
    pub const fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Every transaction's way, by its place in the load.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Every block that was seen, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The most that a transaction pays for a unit of gas, in wei; none where that is not counted in Ethereum's.
    #[must_use]
    pub const fn fee_cap(&self) -> Option<u128> {
        self.fee_cap
    }

    /// What went other than wished.
    #[must_use]
    pub const fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Whether the transaction was ever handed in before its present try.
    #[must_use]
    pub fn was_sent_before(&self, index: usize, sent_us: u64) -> bool {
        self.records[index].submitted_us.is_some_and(|first_us| first_us < sent_us)
    }

    fn take(&mut self, lane: usize, room: u64, now_us: u64) -> Vec<usize> {
        let most = usize::try_from(room).unwrap_or(usize::MAX).min(self.rules.batch_max.max(1));
        let mut taken = Vec::with_capacity(most);
        while taken.len() < most {
            let Some(index) = self.lanes[lane].queue.pop_front() else { break };
            if self.states[index] != State::Signed || self.has_dead_sender(index) {
                continue;
            }
            self.states[index] = State::Sent;
            self.on_their_way += 1;
            if self.records[index].submitted_us.is_none() {
                self.records[index].submitted_us = Some(now_us);
                self.released += 1;
            }
            taken.push(index);
        }
        taken
    }

    /// How many may be sent now.
    fn room(&self, now_us: u64) -> u64 {
        match self.rules.pace {
            Pace::Closed { in_flight } => in_flight.saturating_sub(self.on_their_way),
            Pace::Open { rate } => due(rate, now_us).saturating_sub(self.released),
        }
    }

    /// When a lane without room looks again, unless something changes before.
    fn asks_again_us(&self, now_us: u64) -> u64 {
        match self.rules.pace {
            Pace::Closed { .. } => now_us.saturating_add(REST_US),
            // When the next is due, or a millisecond's worth of them.
            Pace::Open { rate } => due_us(rate, self.released.saturating_add(1)).max(now_us.saturating_add(1_000)),
        }
    }

    fn skip_the_dead(&mut self, lane: usize) {
        while let Some(index) = self.lanes[lane].queue.front().copied() {
            if self.states[index] == State::Signed && !self.has_dead_sender(index) {
                return;
            }
            self.lanes[lane].queue.pop_front();
        }
    }

    fn has_dead_sender(&self, index: usize) -> bool {
        self.is_dead[usize::try_from(self.senders[index]).unwrap_or_default()]
    }

    fn put_back(&mut self, lane: usize, index: usize, now_us: u64) {
        self.states[index] = State::Signed;
        self.on_their_way -= 1;
        self.lanes[lane].queue.push_front(index);
        self.lanes[lane].rests_until_us = now_us.saturating_add(REST_US);
    }

    fn refuse(&mut self, index: usize, why: Refusal) {
        self.states[index] = State::Refused;
        self.on_their_way -= 1;
        self.trouble.refused += 1;
        self.trouble.first_refusal.get_or_insert(why);
        self.is_dead[usize::try_from(self.senders[index]).unwrap_or_default()] = true;
    }

    /// Whether `hash` names one of ours that no block had before.
    fn confirm(&mut self, hash: &Hash32, at_us: u64) -> bool {
        let Some(index) = self.by_hash.get(hash).copied() else { return false };
        match self.states[index] {
            State::Sent | State::Waiting => self.on_their_way -= 1,
            // No answer came, and it arrived all the same.
            State::Signed if self.records[index].submitted_us.is_some() => {}
            State::Signed | State::Refused | State::Confirmed => return false,
        }
        self.note_confirmed(index, at_us);
        true
    }

    /// The answer to the request with it was its receipt.
    fn land(&mut self, index: usize, at_us: u64) {
        self.on_their_way -= 1;
        self.note_confirmed(index, at_us);
    }

    fn note_confirmed(&mut self, index: usize, at_us: u64) {
        self.states[index] = State::Confirmed;
        self.records[index].confirmed_us = Some(at_us);
        self.confirmed += 1;
        self.last_progress_us = at_us;
    }
}

/// When an open pace of `rate` a second lets the transaction with this number go, from 1.
pub fn due_us(rate: u64, number: u64) -> u64 {
    u64::try_from((u128::from(number) * 1_000_000).div_ceil(u128::from(rate.max(1)))).unwrap_or(u64::MAX)
}

/// Transactions that an open pace of `rate` a second has let go by `now_us`.
fn due(rate: u64, now_us: u64) -> u64 {
    u64::try_from(u128::from(rate) * u128::from(now_us) / 1_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
