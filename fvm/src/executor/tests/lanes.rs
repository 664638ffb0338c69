//! Which transactions of a block go with each other, and what a lane that was wrong teaches.

use std::collections::BTreeSet;

use tributary_crypto::SecpSecretKey;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;

use super::world::*;
use crate::executor::Meetings;

const TOKEN: EthAddress = EthAddress([0xee; 20]);

fn account(number: u8) -> SecpSecretKey {
    key(50 + number)
}

fn transfer(from: u8, to: u8) -> Transaction {
    send(&account(from), 0, account(to).eth_address(), 1, vec![])
}

/// A call of the token that names an account and an amount.
fn token(from: u8, to: u8) -> Transaction {
    let input = [&[1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &account(to).eth_address().0, &words(&[7])];
    send(&account(from), 0, TOKEN, 0, input.concat())
}

/// The lanes as sets, the one with the first transaction first.
fn plan(meetings: &mut Meetings, transactions: &[Transaction], most: usize) -> Option<Vec<BTreeSet<usize>>> {
    let lanes = meetings.plan(transactions, |_| 10, most)?;
    assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), transactions.len(), "each is in one lane");
    assert!(lanes.iter().all(|lane| lane.is_sorted()));
    let mut lanes: Vec<_> = lanes.into_iter().map(BTreeSet::from_iter).collect();
    lanes.sort();
    Some(lanes)
}

fn lanes<const L: usize>(lanes: [&[usize]; L]) -> Option<Vec<BTreeSet<usize>>> {
    Some(lanes.iter().map(|lane| lane.iter().copied().collect()).collect())
}

#[test]
fn who_sends_or_is_named_goes_with_who_names_him() {
    let deploy = |by| sign(&account(by), unsigned(0, None, 0, init_code(&[0])));
    let f1 = |number| account(number).f1_address();
    let message = |from, to, method| message(&account(from), 0, to, method, vec![], 0);
    for (what, transactions, want) in [
        ("one sender", vec![transfer(0, 1), transfer(2, 3), transfer(0, 4), transfer(2, 5)], lanes([&[0, 2], &[1, 3]])),
        (
            "one receiver",
            vec![transfer(0, 1), transfer(2, 3), transfer(4, 1), transfer(6, 3)],
            lanes([&[0, 2], &[1, 3]]),
        ),
        (
            "paid, then pays",
            vec![transfer(0, 1), transfer(2, 3), transfer(1, 9), transfer(3, 8)],
            lanes([&[0, 2], &[1, 3]]),
        ),
        ("pairs of a token", vec![token(0, 1), token(2, 3), token(1, 0), token(3, 2)], lanes([&[0, 2], &[1, 3]])),
        ("both deploy", vec![deploy(0), transfer(2, 3), deploy(1), transfer(4, 5)], lanes([&[0, 2], &[1, 3]])),
        (
            "messages",
            vec![message(0, f1(1), 0), message(2, f1(3), 0), message(1, f1(0), 0), message(3, f1(2), 0)],
            lanes([&[0, 2], &[1, 3]]),
        ),
        ("calls", vec![message(0, f1(9), 2), message(1, f1(9), 2)], lanes([&[0], &[1]])),
        ("all one", vec![token(0, 1), token(2, 1), token(3, 1), token(4, 1)], None),
    ] {
        assert_eq!(plan(&mut Meetings::default(), &transactions, 2), want, "{what}");
    }
}

#[test]
fn a_lane_that_would_be_too_long_is_none() {
    let block = |of_one: u8| {
        let chain = (0..of_one).map(|_| transfer(0, 1));
        chain.chain((of_one..16).map(|number| transfer(2 * number, 2 * number + 1))).collect::<Vec<_>>()
    };
    let is_planned = |of_one| plan(&mut Meetings::default(), &block(of_one), 2).is_some();
    assert!(is_planned(8) && is_planned(12), "a quarter of a gain is one");
    assert!(!is_planned(13));
}

#[test]
fn calls_that_met_go_together_for_a_while() {
    let mut meetings = Meetings::default();
    let block: Vec<_> = (0..8).map(|number| token(2 * number, 2 * number + 1)).collect();
    let is_planned = |meetings: &mut Meetings| plan(meetings, &block, 2).is_some();
    assert!(is_planned(&mut meetings));
    let mut lasted = Vec::new();
    for _ in 0..2 {
        meetings.learn(&block, &[[3, 5], [4, 6]]);
        lasted.push((0..).take_while(|_| !is_planned(&mut meetings)).count());
    }
    assert_eq!(lasted, [255, 511], "twice as long when they meet again");
    let other: Vec<_> = (0..8).map(|number| transfer(2 * number, 2 * number + 1)).collect();
    meetings.learn(&block, &[[0, 1]]);
    assert!(plan(&mut meetings, &other, 2).is_some(), "who is not called is not concerned");
}

#[test]
fn words_that_are_numbers_name_nobody() {
    let call = |from: u8, number: u64| {
        let input = [&[1, 2, 3, 4][..], &words(&[number, number])].concat();
        send(&account(from), 0, TOKEN, 0, input)
    };
    let block = [call(0, u64::MAX), call(1, u64::MAX)];
    assert_eq!(plan(&mut Meetings::default(), &block, 2), lanes([&[0], &[1]]));
}
