//! Every row of the law's table, and what must hold over all of them.

use super::*;
use crate::words::{Kind, Signed};

fn hash(index: usize) -> Hash32 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&index.to_le_bytes());
    Hash32(bytes)
}

/// `count` transactions of `senders` in turn.
fn load(senders: u32, count: usize) -> Load {
    let sender = |index: usize| u32::try_from(index).unwrap() % senders;
    let signed = |index| Signed { kind: Kind::Ethereum, hash: hash(index), raw: "0x".into(), sender: sender(index) };
    Load { senders, fee_cap: None, transactions: (0..count).map(signed).collect() }
}

fn rules(pace: Pace, lanes: usize) -> Rules {
    Rules { pace, batch_max: 3, lanes, confirm: Confirm::Poll, duration_us: None }
}

fn closed(in_flight: u64) -> Pace {
    Pace::Closed { in_flight }
}

impl Flight {
    /// The next request's transactions; empty where there is none now.
    fn sends(&mut self, lane: usize, now_us: u64) -> Vec<usize> {
        match self.next(lane, now_us) {
            Next::Send(indices) => indices,
            Next::Wait(until_us) => {
                assert!(until_us > now_us, "waiting passes time");
                Vec::new()
            }
            Next::Done => Vec::new(),
        }
    }

    fn take_all(&mut self, lane: usize, indices: &[usize], now_us: u64) {
        self.answered(lane, indices.iter().map(|index| (*index, Verdict::Taken)).collect(), now_us);
    }

    fn block(&mut self, indices: &[usize], at_us: u64) {
        let hashes: Vec<_> = indices.iter().map(|index| hash(*index)).collect();
        self.saw(Block { at_us, ..Block::default() }, &hashes);
    }
}

fn refusal() -> Refusal {
    Refusal { code: -32_000, message: "insufficient funds".to_owned() }
}

#[test]
fn a_closed_loop_never_has_more_on_its_way_than_it_may() {
    let mut flight = Flight::new(&load(4, 10), rules(closed(4), 1));
    assert_eq!(flight.sends(0, 0), [0, 1, 2]);
    assert_eq!(flight.sends(0, 1), [3], "one place is left");
    assert_eq!(flight.sends(0, 2), [0; 0]);
    flight.take_all(0, &[0, 1, 2, 3], 3);
    assert_eq!((flight.sends(0, 4), flight.on_their_way()), (vec![], 4), "taken is still on its way");
    flight.block(&[1, 3], 5);
    assert_eq!((flight.sends(0, 6), flight.confirmed()), (vec![4, 5], 2));
}

#[test]
fn an_open_loop_keeps_to_the_clock() {
    for (rate, at_us, released) in
        [(1_000, 0, 0), (1_000, 999, 0), (1_000, 1_000, 1), (1_000, 2_500, 2), (1, 999_999, 0), (1, 1_000_000, 1)]
    {
        let mut flight = Flight::new(&load(1, 9), rules(Pace::Open { rate }, 1));
        assert_eq!(flight.sends(0, at_us).len(), released, "{rate} a second at {at_us} µs");
    }
    let mut flight = Flight::new(&load(1, 9), rules(Pace::Open { rate: 1_000 }, 1));
    let sent: usize = (0..9).map(|milli| flight.sends(0, milli * 1_000).len()).sum();
    assert_eq!(sent, 8, "one a millisecond, whatever the chain does");
    assert_eq!(flight.sends(0, 60_000_000), [8], "and all of them in the end");
}

#[test]
fn what_is_told_to_come_later_comes_first_and_in_order_after_a_rest() {
    let mut flight = Flight::new(&load(1, 6), rules(closed(9), 1));
    let sent = flight.sends(0, 0);
    let later = |index| (index, Verdict::Later);
    flight.answered(0, vec![(sent[0], Verdict::Taken), later(sent[1]), later(sent[2])], 10);
    assert_eq!(flight.next(0, 10), Next::Wait(10 + REST_US));
    assert_eq!(flight.sends(0, 10 + REST_US), [1, 2, 3]);
    assert_eq!((flight.trouble().retried, flight.on_their_way()), (2, 4));
    assert_eq!(flight.records()[1].submitted_us, Some(0), "the first try counts");
    assert!(flight.was_sent_before(1, 10 + REST_US) && !flight.was_sent_before(3, 10 + REST_US));
}

#[test]
fn what_had_no_answer_is_sent_again_unless_a_block_has_it() {
    let mut flight = Flight::new(&load(1, 3), rules(closed(9), 1));
    let sent = flight.sends(0, 0);
    flight.block(&[1], 5);
    flight.unanswered(0, &sent, "connection reset".to_owned(), 10);
    assert_eq!(flight.sends(0, 10 + REST_US), [0, 2]);
    assert_eq!(flight.trouble().unanswered, 2);
    assert_eq!(flight.trouble().first_silence.as_deref(), Some("connection reset"));
    flight.unanswered(0, &[0, 2], "again".to_owned(), 20 + REST_US);
    flight.block(&[0, 2], 30 + REST_US);
    assert_eq!((flight.confirmed(), flight.on_their_way()), (3, 0), "it had arrived all the same");
    assert_eq!(flight.next(0, 90_000), Next::Done, "and is not sent once more");
}

#[test]
fn a_refusal_ends_its_senders_turn_and_no_others() {
    let mut flight = Flight::new(&load(2, 8), rules(closed(9), 1));
    let sent = flight.sends(0, 0);
    assert_eq!(sent, [0, 1, 2]);
    let verdicts = vec![(0, Verdict::Refused(refusal())), (1, Verdict::Taken), (2, Verdict::Refused(refusal()))];
    flight.answered(0, verdicts, 1);
    assert_eq!(flight.sends(0, 2), [3, 5, 7], "sender 0 has even places");
    assert_eq!((flight.trouble().refused, flight.trouble().first_refusal.clone()), (2, Some(refusal())));
    flight.block(&[1, 3, 5, 7], 3);
    assert!(flight.is_landed() && flight.next(0, 4) == Next::Done);
}

#[test]
fn a_sender_stays_on_its_lane() {
    let mut flight = Flight::new(&load(4, 12), rules(closed(99), 2));
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for now_us in 0..4 {
        even.extend(flight.sends(0, now_us));
        odd.extend(flight.sends(1, now_us));
    }
    assert_eq!((even, odd), (vec![0, 2, 4, 6, 8, 10], vec![1, 3, 5, 7, 9, 11]));
}

#[test]
fn a_block_confirms_each_of_ours_once_and_counts_the_rest() {
    let mut flight = Flight::new(&load(1, 3), rules(closed(9), 1));
    let sent = flight.sends(0, 100);
    flight.block(&[0, 1, 77], 500);
    flight.block(&[1, 2], 700);
    flight.take_all(0, &sent, 800);
    let counted: Vec<_> = flight.blocks().iter().map(|block| (block.transactions, block.ours)).collect();
    assert_eq!((counted, flight.confirmed(), flight.on_their_way()), (vec![(3, 2), (2, 1)], 3, 0));
    let record = Record { submitted_us: Some(100), confirmed_us: Some(500) };
    assert_eq!(flight.records()[1], record, "the first block counts");
}

#[test]
fn a_block_confirms_nothing_that_was_never_sent() {
    let mut flight = Flight::new(&load(1, 3), rules(closed(9), 1));
    flight.block(&[0], 5);
    assert_eq!((flight.confirmed(), flight.blocks()[0].ours), (0, 0));
}

#[test]
fn time_and_a_wish_to_stop_end_the_sending() {
    let mut timed = Flight::new(&load(1, 9), Rules { duration_us: Some(1_000), ..rules(closed(9), 1) });
    assert_eq!(timed.sends(0, 999).len(), 3);
    assert_eq!(timed.next(0, 1_000), Next::Done);
    assert!(!timed.is_landed(), "what is on its way is waited for");
    let mut stopped = Flight::new(&load(1, 9), rules(closed(9), 1));
    stopped.stop();
    assert_eq!((stopped.next(0, 0), stopped.is_stopped()), (Next::Done, true));
}

#[test]
fn patience_ends_when_nothing_is_taken_and_nothing_lands() {
    let mut flight = Flight::new(&load(1, 9), rules(closed(9), 1));
    let sent = flight.sends(0, 0);
    flight.take_all(0, &sent, 1_000);
    assert!(!flight.is_stalled(1_000 + PATIENCE_US) && flight.is_stalled(1_001 + PATIENCE_US));
    flight.block(&[], 2_000);
    assert!(flight.is_stalled(1_001 + PATIENCE_US), "an empty block is no progress");
    flight.block(&[0], 3_000);
    assert!(!flight.is_stalled(3_000 + PATIENCE_US));
}

#[test]
fn a_synchronous_answer_confirms_and_a_block_then_only_counts() {
    let sync = Rules { confirm: Confirm::Sync, ..rules(closed(9), 1) };
    let mut flight = Flight::new(&load(1, 3), sync);
    assert_eq!(flight.sends(0, 0), [0, 1, 2]);
    flight.block(&[0, 1], 5);
    assert_eq!((flight.confirmed(), flight.on_their_way(), flight.blocks()[0].ours), (0, 3, 2));
    flight.take_all(0, &[0, 1], 9);
    assert_eq!((flight.confirmed(), flight.on_their_way()), (2, 1));
    assert_eq!(flight.records()[0], Record { submitted_us: Some(0), confirmed_us: Some(9) });
    flight.unanswered(0, &[2], "broken".to_owned(), 10);
    assert!(flight.is_landed() && !flight.is_stalled(9 + PATIENCE_US) && flight.is_stalled(10 + PATIENCE_US));
}
