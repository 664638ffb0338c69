//! What waits of a sender is covered by what it has.

use super::*;

/// What a transfer costs at most that tips ten.
const COST: u128 = 21_000 * 110 + 1;

const fn has(balance: u128) -> SenderState {
    SenderState { nonce: 0, balance }
}

/// Refused for want of money, in these words after go-ethereum's name for it.
fn short(pool: &mut Mempool, transaction: Transaction, balance: u128, words: &str) {
    let refusal = pool.admit(transaction, has(balance), Height(0), 0).unwrap_err();
    assert_eq!(refusal.to_string(), format!("insufficient funds for gas * price + value: {words}"));
    is_whole(pool);
}

#[test]
fn a_sender_is_refused_what_it_cannot_pay_together_with_what_waits_of_it() {
    let (mut pool, balance) = (Mempool::new(limits(), RULES), 2 * COST - 1);
    short(&mut pool, transfer(1, 0, 10), 5, "balance 5, tx cost 2310001, overshot 2309996");
    pool.admit(transfer(1, 0, 10), has(balance), Height(0), 0).unwrap();
    let words = "balance 4620001, queued cost 2310001, tx cost 2310001, overshot 1";
    short(&mut pool, transfer(1, 1, 10), balance, words);
    short(&mut pool, transfer(1, 2, 10), balance, words);
    pool.admit(transfer(2, 1, 10), has(COST), Height(0), 0).expect("another's money is another's");
    pool.admit(transfer(1, 1, 10), has(2 * COST), Height(1), 0).unwrap();
    is_whole(&pool);
}

#[test]
fn messages_and_transactions_of_one_account_are_paid_from_the_same_money() {
    let mut pool = Mempool::new(limits(), RULES);
    let balance = 10_500_000 + COST - 1;
    pool.admit(message(1, 0), has(balance), Height(0), 0).unwrap();
    let words = "balance 12810000, queued cost 10500000, tx cost 2310001, overshot 1";
    short(&mut pool, transfer(1, 1, 10), balance, words);
    let words = "balance 12810000, queued cost 10500000, tx cost 10500000, overshot 8190000";
    short(&mut pool, message(1, 1), balance, words);
}

#[test]
fn a_replacement_is_paid_from_what_the_replaced_one_was() {
    let (mut pool, raised) = (Mempool::new(limits(), RULES), 21_000 * 121 + 1);
    for nonce in 0..2 {
        pool.admit(transfer(1, nonce, 10), has(2 * COST), Height(0), 0).unwrap();
    }
    let words = "balance 4620002, queued cost 2310001, tx cost 2541001, overshot 231000";
    short(&mut pool, transfer(1, 0, 21), 2 * COST, words);
    pool.admit(transfer(1, 0, 21), has(COST + raised), Height(1), 0).unwrap();
    assert_eq!(pool.len(), 2);
    is_whole(&pool);
}

#[test]
fn money_is_free_again_once_what_it_was_for_ran_or_went() {
    let (mut pool, has_two) = (Mempool::new(limits(), RULES), has(2 * COST));
    let mut admit = |nonce, state, height, now_ms| pool.admit(transfer(1, nonce, 10), state, Height(height), now_ms);
    admit(0, has_two, 0, 0).unwrap();
    admit(1, has_two, 0, 0).unwrap();
    admit(2, has_two, 0, 0).unwrap_err();
    admit(2, SenderState { nonce: 1, ..has_two }, 1, 500).expect("one ran");
    admit(3, SenderState { nonce: 1, ..has_two }, 1, 500).unwrap_err();
    pool.expire(1_001);
    pool.admit(transfer(1, 1, 10), SenderState { nonce: 1, ..has_two }, Height(1), 1_001).expect("one went");
    assert_eq!((pool.len(), pool.pending()), (2, 2));
    is_whole(&pool);
}

#[test]
fn who_has_less_than_before_keeps_the_first_ones_that_it_can_pay() {
    let dear = capped(1, 1, 10, 1_000);
    for (balance, kept) in [(4 * COST, 1), (COST + dear.cost_max().unwrap(), 2), (COST, 1), (COST - 1, 0)] {
        let mut pool = pool_of(&[transfer(1, 0, 10), dear.clone(), transfer(1, 2, 10)]);
        pool.learn(&sender(1), has(balance), Height(1));
        assert_eq!((pool.len(), pool.pending()), (kept, kept), "{balance}: no gap opens");
        is_whole(&pool);
    }
}
