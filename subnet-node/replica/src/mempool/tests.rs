mod funds;
mod gapped;
mod model;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, TxKind, U256};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use proptest::prelude::*;
use tributary_crypto::SecpSecretKey;
use tributary_message::{EthereumTransaction, FvmTransaction};

use super::*;
use crate::filling::Fill;

/// Room for five transfers.
pub const RULES: ChainRules =
    ChainRules { block_gas_limit: 105_000, base_fee_min: 7, fvm_gas_per_gas: 500, transaction_bytes_max: 1 << 20 };
const RICH: SenderState = SenderState { nonce: 0, balance: u128::MAX };
const WHOLE: Fill = Fill { gas: 105_000, bytes: 1 << 20 };
const SPACE: BlockSpace = BlockSpace { most: WHOLE, fill: WHOLE, base_fee: 7 };

fn limits() -> MempoolLimits {
    MempoolLimits {
        transactions_max: 8,
        bytes_max: 1 << 20,
        per_sender_max: 6,
        gapped_per_sender_max: 3,
        gapped_max: 4,
        gapped_bytes_max: 1 << 20,
        lifetime_ms: 1_000,
    }
}

/// A transfer of one attoTRB from the key made of `seed`, tipping `tip`.
pub fn transfer(seed: u8, nonce: u64, tip: u128) -> Transaction {
    capped(seed, nonce, tip, tip + 100)
}

/// The same, paying at most `cap`.
fn capped(seed: u8, nonce: u64, tip: u128, cap: u128) -> Transaction {
    let unsigned = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: cap,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(EvmAddress::repeat_byte(9)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signed = EthereumTransaction::sign(unsigned, &SecpSecretKey::from_bytes(&[seed; 32]).unwrap());
    Transaction::decode(signed.raw(), 7).unwrap()
}

/// An FVM message from the same key's Ethereum account, which offers and tips 500 a unit of the block's gas.
fn message(seed: u8, nonce: u64) -> Transaction {
    let message = Message {
        version: 0,
        from: Address::new_id(0),
        to: Address::new_id(100),
        sequence: nonce,
        value: TokenAmount::default(),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: 21_000 * RULES.fvm_gas_per_gas,
        gas_fee_cap: TokenAmount::from_atto(1),
        gas_premium: TokenAmount::from_atto(1),
    };
    let key = SecpSecretKey::from_bytes(&[seed; 32]).unwrap();
    Transaction::Fvm(FvmTransaction::sign_delegated(message, &key, 7).unwrap().into())
}

fn pool_of(transactions: &[Transaction]) -> Mempool {
    let mut pool = Mempool::new(limits(), RULES);
    for transaction in transactions {
        pool.admit(transaction.clone(), RICH, Height(0), 0).unwrap();
    }
    pool
}

/// What is taken on top of the genesis block.
fn taken(pool: &mut Mempool, space: BlockSpace) -> Vec<Transaction> {
    let Selection { transactions, unsure } = pool.select(space, Height(0), usize::MAX);
    assert_eq!(unsure, [], "all were admitted after the genesis block");
    transactions
}

/// A block whose limits these are.
const fn room_of(gas: u64, bytes: usize) -> BlockSpace {
    BlockSpace { most: Fill { gas, bytes }, fill: Fill { gas, bytes }, ..SPACE }
}

fn sender(seed: u8) -> Address {
    transfer(seed, 0, 1).sender()
}

#[test]
fn each_fault_is_refused_for_its_own_reason_and_changes_nothing() {
    let mut pool = pool_of(&[transfer(1, 2, 10)]);
    let strict = ChainRules { base_fee_min: 1_000, ..RULES };
    let mut strict = Mempool::new(limits(), strict);
    let at = |nonce| SenderState { nonce, ..RICH };
    let poor = SenderState { nonce: 0, balance: 5 };
    let cost = 21_000 * 110 + 1;
    for (transaction, sender, refusal) in [
        (transfer(1, 2, 10), RICH, MempoolRejected::Known(transfer(1, 2, 10).hash())),
        (transfer(2, 2, 20), at(3), MempoolRejected::NonceTooLow { next: 3, got: 2 }),
        (transfer(1, 6, 10), RICH, MempoolRejected::NonceTooHigh { next: 0, got: 6, max: 6 }),
        (transfer(2, 0, 10), poor, MempoolRejected::InsufficientFunds { balance: 5, queued: 0, cost }),
        (transfer(1, 2, 11), RICH, MempoolRejected::ReplacementUnderpriced { needed_cap: 121, needed_tip: 11 }),
    ] {
        assert_eq!(pool.admit(transaction, sender, Height(0), 0), Err(refusal));
    }
    let refusal = strict.admit(transfer(1, 0, 10), RICH, Height(0), 0).unwrap_err();
    assert_eq!(refusal, MempoolRejected::Underpriced { offered: 110, needed: 1_000 });
    let mut small = Mempool::new(limits(), ChainRules { block_gas_limit: 20_000, ..RULES });
    let refusal = small.admit(transfer(1, 0, 10), RICH, Height(0), 0).unwrap_err();
    assert_eq!(refusal, MempoolRejected::GasAboveBlock { gas: 21_000, block: 20_000 });
    let bytes = transfer(1, 0, 10).raw().len();
    let mut narrow = Mempool::new(limits(), ChainRules { transaction_bytes_max: bytes - 1, ..RULES });
    let refusal = narrow.admit(transfer(1, 0, 10), RICH, Height(0), 0).unwrap_err();
    assert_eq!(refusal, MempoolRejected::TooLarge { bytes, most: bytes - 1 });
    let mut as_large = Mempool::new(limits(), ChainRules { transaction_bytes_max: bytes, ..RULES });
    as_large.admit(transfer(1, 0, 10), RICH, Height(0), 0).unwrap();
    assert_eq!((pool.len(), strict.len(), small.len(), narrow.len()), (1, 0, 0, 0));
}

#[test]
fn a_tenth_more_replaces_and_the_old_one_is_gone() {
    let mut pool = pool_of(&[transfer(1, 0, 100)]);
    pool.admit(transfer(1, 0, 120), RICH, Height(0), 0).unwrap();
    assert_eq!(pool.len(), 1);
    assert!(pool.get(&transfer(1, 0, 100).hash()).is_none());
    assert_eq!(pool.bytes(), transfer(1, 0, 120).raw().len());
}

#[test]
fn an_ethereum_accounts_transactions_and_messages_wait_in_one_queue_and_replace_each_other() {
    let mut pool = pool_of(&[message(1, 1), transfer(1, 0, 1), message(1, 2), transfer(1, 3, 1)]);
    assert_eq!(pool.pending_nonce(&sender(1), 0), 4);
    assert_eq!(taken(&mut pool, SPACE), [transfer(1, 0, 1), message(1, 1), message(1, 2), transfer(1, 3, 1)]);
    for (replacing, replaced) in [(message(1, 0), transfer(1, 0, 1)), (transfer(1, 1, 550), message(1, 1))] {
        pool.admit(replacing, RICH, Height(0), 0).unwrap();
        assert!(pool.get(&replaced.hash()).is_none());
    }
    let refusal = pool.admit(transfer(1, 2, 549), RICH, Height(0), 0).unwrap_err();
    assert_eq!(refusal, MempoolRejected::ReplacementUnderpriced { needed_cap: 550, needed_tip: 550 });
    assert_eq!(pool.len(), 4);
}

#[test]
fn a_full_pool_makes_room_at_the_cost_of_the_cheapest_senders_last() {
    let mut pool =
        pool_of(&(0..4).flat_map(|nonce| [transfer(1, nonce, 5), transfer(2, nonce, 50)]).collect::<Vec<_>>());
    pool.admit(transfer(3, 0, 10), RICH, Height(0), 0).unwrap();
    assert!(pool.get(&transfer(1, 3, 5).hash()).is_none(), "the last of the cheapest went");
    assert!(pool.get(&transfer(1, 2, 5).hash()).is_some());
    let refusal = pool.admit(transfer(4, 0, 5), RICH, Height(0), 0).unwrap_err();
    assert!(matches!(refusal, MempoolRejected::PoolFull { transactions: 8, .. }), "{refusal}");
}

#[test]
fn a_proposer_takes_the_best_tips_first_each_senders_in_order_and_no_gap() {
    let (a0, a1, b0, c1) = (transfer(1, 0, 1), transfer(1, 1, 90), transfer(2, 0, 50), transfer(3, 1, 99));
    let mut pool = pool_of(&[c1, a1.clone(), b0.clone(), a0.clone()]);
    assert_eq!(taken(&mut pool, SPACE), [b0.clone(), a0, a1]);
    assert_eq!(taken(&mut pool, room_of(21_000, 1 << 20)), std::slice::from_ref(&b0));
    assert_eq!(taken(&mut pool, room_of(105_000, 10)), []);
    let rich = taken(&mut pool, BlockSpace { base_fee: 120, ..SPACE });
    assert_eq!(rich, std::slice::from_ref(&b0), "others do not pay the base fee");
    assert_eq!(pool.select(SPACE, Height(0), 1).transactions, [b0]);
}

#[test]
fn what_is_left_above_the_base_fee_is_what_counts() {
    let (wide, narrow, legacy) = (capped(1, 0, 30, 1_000), capped(2, 0, 40, 100), capped(3, 0, 90, 90));
    let mut pool = pool_of(&[wide.clone(), narrow.clone(), legacy.clone()]);
    for (base_fee, order) in [
        (7, &[&legacy, &narrow, &wide][..]),
        (55, &[&narrow, &legacy, &wide]),
        (61, &[&narrow, &wide, &legacy]),
        (90, &[&wide, &narrow, &legacy]),
        (91, &[&wide, &narrow]),
        (101, &[&wide]),
        (1_000, &[&wide]),
        (1_001, &[]),
        (60, &[&narrow, &legacy, &wide]),
        (7, &[&legacy, &narrow, &wide]),
    ] {
        let taken = taken(&mut pool, BlockSpace { base_fee, ..SPACE });
        assert_eq!(taken.iter().collect::<Vec<_>>(), order, "base fee {base_fee}");
    }
}

#[test]
fn a_block_is_filled_no_further_than_the_fill_but_its_first_transaction_always_fits() {
    let mut pool = pool_of(&[transfer(1, 0, 30), transfer(2, 0, 20), transfer(3, 0, 10)]);
    for (fill, count) in [
        (Fill { gas: 42_000, ..WHOLE }, 2),
        (Fill { gas: 41_999, ..WHOLE }, 1),
        (Fill { gas: 0, ..WHOLE }, 1),
        (Fill { bytes: 0, ..WHOLE }, 1),
        (WHOLE, 3),
    ] {
        assert_eq!(taken(&mut pool, BlockSpace { fill, ..SPACE }).len(), count, "{fill:?}");
    }
}

#[test]
fn a_sender_is_not_taken_past_its_balance() {
    let mut pool = pool_of(&[transfer(1, 0, 10), transfer(1, 1, 10)]);
    let one = SenderState { nonce: 0, balance: transfer(1, 0, 10).cost_max().unwrap() };
    pool.learn(&sender(1), one, Height(0));
    assert_eq!(taken(&mut pool, SPACE), [transfer(1, 0, 10)]);
}

#[test]
fn a_sender_not_heard_of_since_the_last_block_is_asked_for_and_what_turns_out_void_is_dropped() {
    let mut pool = pool_of(&[transfer(1, 0, 10), transfer(1, 1, 10), transfer(2, 0, 20)]);
    let first = pool.select(SPACE, Height(1), usize::MAX);
    assert_eq!((first.transactions.len(), first.unsure), (3, vec![sender(2), sender(1)]));
    pool.learn(&sender(2), SenderState::default(), Height(1));
    pool.learn(&sender(1), SenderState { nonce: 1, ..RICH }, Height(1));
    let second = pool.select(SPACE, Height(1), usize::MAX);
    assert_eq!((second.transactions, second.unsure), (vec![transfer(1, 1, 10)], vec![]));
    assert_eq!(pool.len(), 1);
}

#[test]
fn an_older_state_than_known_says_nothing() {
    let mut pool = Mempool::new(limits(), RULES);
    pool.admit(transfer(1, 3, 10), SenderState { nonce: 3, ..RICH }, Height(5), 0).unwrap();
    pool.learn(&sender(1), SenderState { nonce: 3, balance: 0 }, Height(4));
    let refusal = pool.admit(transfer(1, 2, 10), SenderState { nonce: 2, ..RICH }, Height(4), 0);
    assert_eq!(refusal, Err(MempoolRejected::NonceTooLow { next: 3, got: 2 }));
    assert_eq!(pool.select(SPACE, Height(5), usize::MAX).transactions, [transfer(1, 3, 10)]);
}

#[test]
fn after_a_block_its_senders_are_due_and_every_other_in_its_turn() {
    let waiting: Vec<_> = (1..=5).map(|seed| transfer(seed, 0, 10)).collect();
    let mut pool = pool_of(&waiting);
    let due = pool.due([sender(4), sender(9), sender(4)].into_iter());
    assert_eq!(due, [4, 1, 2, 3, 5].map(sender), "who does not wait is not due, and nobody twice");
    assert_eq!(Mempool::new(limits(), RULES).due(std::iter::empty()), []);

    let limits = MempoolLimits { transactions_max: 1_000, ..limits() };
    let (mut pool, count) = (Mempool::new(limits, RULES), TURNS_PER_BLOCK + 50);
    for number in 0..count {
        pool.admit(numbered(number), RICH, Height(0), 0).unwrap();
    }
    let mut heard: IndexSet<Address> = pool.due(std::iter::empty()).into_iter().collect();
    assert_eq!(heard.len(), TURNS_PER_BLOCK);
    heard.extend(pool.due(std::iter::empty()));
    assert_eq!(heard.len(), count);
}

#[test]
fn what_a_block_used_up_or_time_made_stale_is_dropped() {
    let mut pool = pool_of(&[transfer(1, 0, 10), transfer(1, 1, 10), transfer(2, 0, 10)]);
    pool.learn(&sender(1), SenderState { nonce: 1, ..RICH }, Height(1));
    pool.learn(&sender(2), SenderState::default(), Height(1));
    assert_eq!(all(&pool).cloned().collect::<Vec<_>>(), [transfer(1, 1, 10)]);
    pool.expire(1_000);
    assert_eq!(pool.len(), 1);
    pool.expire(1_001);
    assert!(pool.is_empty() && pool.bytes() == 0);
    is_whole(&pool);
}

#[test]
fn the_pending_nonce_stops_at_the_first_gap() {
    let pool = pool_of(&[transfer(1, 0, 1), transfer(1, 1, 1), transfer(1, 3, 1)]);
    let sender = transfer(1, 0, 1).sender();
    assert_eq!((pool.pending_nonce(&sender, 0), pool.pending_nonce(&sender, 3)), (2, 4));
    assert_eq!(pool.pending_nonce(&Address::new_id(5), 9), 9);
}

/// A transfer from a key of its own for every number.
fn numbered(number: usize) -> Transaction {
    let mut key = [1; 32];
    key[..8].copy_from_slice(&(number + 1).to_be_bytes());
    let unsigned = TxEip1559 {
        chain_id: 7,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000 + u128::try_from(number % 100).unwrap(),
        max_priority_fee_per_gas: 1 + u128::try_from(number % 50).unwrap(),
        to: TxKind::Call(EvmAddress::repeat_byte(9)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    Transaction::Ethereum(EthereumTransaction::sign(unsigned, &SecpSecretKey::from_bytes(&key).unwrap()).into())
}

/// All that waits, oldest first.
fn all(pool: &Mempool) -> impl Iterator<Item = &Transaction> {
    pool.since(None).map(|(_, shown)| shown.transaction)
}

/// Every index holds what waits, and no more.
fn is_whole(pool: &Mempool) {
    let limits = &pool.limits;
    assert!(pool.len() <= limits.transactions_max && pool.bytes() <= limits.bytes_max);
    assert!(pool.gapped.len() <= limits.gapped_max && pool.gapped.bytes() <= limits.gapped_bytes_max);
    let in_queues: usize = pool.senders.values().map(|queue| queue.waiting.len()).sum();
    assert_eq!([pool.by_age.len(), all(pool).count(), in_queues], [pool.len(); 3]);
    for (order, is_pending) in [(&pool.pending, true), (&pool.gapped, false)] {
        let shown = pool.since(None).map(|(_, shown)| shown).filter(|shown| shown.is_pending == is_pending);
        let mut found: Vec<_> = shown.map(|shown| (shown.transaction.tip_cap(500), shown.transaction.hash())).collect();
        found.sort();
        assert_eq!(order.cheapest_first().collect::<Vec<_>>(), found);
        let bytes: usize = found.iter().map(|(_, hash)| pool.get(hash).unwrap().raw().len()).sum();
        assert_eq!((order.len(), order.bytes()), (found.len(), bytes));
    }
    let all_pending: usize = pool.senders.values().map(|queue| pending(queue).count()).sum();
    assert_eq!(pool.pending(), all_pending);
    assert_eq!(pool.since(None).filter(|(_, shown)| shown.is_pending).count(), all_pending);
    let next: usize = pool.senders.values().filter(|queue| queue.next.is_some()).count();
    assert_eq!(pool.ready.len(), [next; 2]);
    for queue in pool.senders.values() {
        assert!(!queue.waiting.is_empty());
        assert_eq!(queue.next, queue.next(RULES.fvm_gas_per_gas));
        let cost: u128 = queue.waiting.values().map(|waiting| waiting.transaction.cost_max().unwrap()).sum();
        assert_eq!(queue.cost, cost);
        assert!(cost <= queue.known.balance);
        assert_eq!(queue.gapped(), queue.waiting.len() - pending(queue).count());
        assert!(queue.gapped() <= limits.gapped_per_sender_max);
    }
}

fn show(shown: Shown<'_>) -> (Address, u64, bool) {
    (shown.transaction.sender(), shown.transaction.nonce(), shown.is_pending)
}

/// The nonces that wait without a gap from the sender's next one on, found by looking.
fn pending(queue: &Queue) -> impl Iterator<Item = u64> {
    (queue.known.nonce..).take_while(|nonce| queue.waiting.contains_key(nonce))
}

#[test]
fn who_looks_in_parts_sees_each_that_waits_all_the_time_once_whatever_comes_and_goes() {
    let mut pool = Mempool::new(limits(), RULES);
    for (now_ms, seed) in (0..).zip(1..=6) {
        pool.admit(transfer(seed, 0, 10), RICH, Height(0), now_ms).unwrap();
    }
    let (mut seen, mut last) = (Vec::new(), None);
    for part in 0..4 {
        for (arrival, shown) in pool.since(last).take(2) {
            last = Some(arrival);
            seen.push(shown.transaction.sender());
        }
        match part {
            // Of those seen and of those to come one goes each, and one comes anew.
            0 => {
                [1, 4].iter().for_each(|seed| pool.learn(&sender(*seed), SenderState::default(), Height(1)));
                pool.admit(transfer(7, 0, 10), RICH, Height(1), 9).unwrap();
            }
            // One that was seen is replaced: it is another.
            1 => pool.admit(transfer(2, 0, 120), RICH, Height(1), 10).unwrap(),
            _ => {}
        }
    }
    assert_eq!(seen, [1, 2, 3, 5, 6, 7, 2].map(sender));
    assert_eq!(pool.last(), last);
}

#[test]
fn the_count_of_those_that_can_run_follows_gaps_that_close_and_open() {
    let mut pool = pool_of(&[transfer(1, 0, 10), transfer(1, 2, 10), transfer(1, 3, 10), transfer(2, 1, 10)]);
    assert_eq!((pool.pending(), pool.len()), (1, 4));
    pool.admit(transfer(1, 1, 10), RICH, Height(0), 0).unwrap();
    assert_eq!(pool.pending(), 4, "a gap closes");
    pool.admit(transfer(1, 1, 120), RICH, Height(0), 0).unwrap();
    assert_eq!(pool.pending(), 4, "one is replaced in the middle");
    pool.learn(&sender(1), SenderState { nonce: 2, ..RICH }, Height(1));
    assert_eq!(pool.pending(), 2, "two ran");
    pool.learn(&sender(1), SenderState { nonce: 1, ..RICH }, Height(2));
    assert_eq!(pool.pending(), 0, "a nonce that goes back leaves a gap before them");
    pool.learn(&sender(2), SenderState { nonce: 1, ..RICH }, Height(2));
    assert_eq!(pool.pending(), 1, "what was missing ran elsewhere");
    is_whole(&pool);
}

#[test]
fn what_waits_is_told_apart_from_what_waits_for_another() {
    let pool = pool_of(&[transfer(1, 0, 1), transfer(1, 1, 1), transfer(1, 3, 1), transfer(2, 2, 1)]);
    let told = |sender: &Address, from| -> Vec<_> { pool.of(sender, from).map(show).collect() };
    let (first, second) = (sender(1), sender(2));
    let of_first = [(first, 0, true), (first, 1, true), (first, 3, false)];
    assert_eq!(told(&first, 0), of_first);
    assert_eq!((told(&first, 1), told(&first, 2)), (of_first[1..].to_vec(), of_first[2..].to_vec()));
    assert_eq!(told(&second, 0), [(second, 2, false)]);
    assert_eq!(told(&sender(3), 0), []);
    let everyone: Vec<_> = pool.since(None).map(|(_, shown)| show(shown)).collect();
    assert!(everyone.len() == 4 && of_first.iter().all(|one| everyone.contains(one)));

    let mut pool = pool;
    pool.learn(&first, SenderState { nonce: 1, ..RICH }, Height(1));
    let told: Vec<_> = pool.of(&first, 0).map(show).collect();
    assert_eq!(told, [(first, 1, true), (first, 3, false)], "from the sender's next nonce on");
}

#[test]
fn since_when_a_transaction_waits_is_known_while_it_does() {
    let mut pool = Mempool::new(limits(), RULES);
    let transaction = transfer(1, 0, 10);
    assert_eq!(pool.arrived_ms(&transaction.hash()), None);
    pool.admit(transaction.clone(), RICH, Height(0), 7).unwrap();
    assert_eq!(pool.arrived_ms(&transaction.hash()), Some(7));
    pool.learn(&sender(1), SenderState { nonce: 1, ..RICH }, Height(1));
    assert_eq!(pool.arrived_ms(&transaction.hash()), None, "it ran");
}
