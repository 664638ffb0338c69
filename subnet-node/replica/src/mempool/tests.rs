use std::convert::Infallible;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, TxKind, U256};
use proptest::prelude::*;
use tributary_crypto::SecpSecretKey;
use tributary_message::EthereumTransaction;

use super::*;

/// Room for five transfers.
pub const RULES: ChainRules = ChainRules { block_gas_limit: 105_000, base_fee_min: 7, fvm_gas_per_gas: 500 };
const RICH: SenderState = SenderState { nonce: 0, balance: u128::MAX };
const SPACE: BlockSpace = BlockSpace { gas: 105_000, bytes: 1 << 20, base_fee: 7 };

fn limits() -> MempoolLimits {
    MempoolLimits { transactions_max: 8, bytes_max: 1 << 20, per_sender_max: 6, lifetime_ms: 1_000 }
}

/// A transfer of one attoTRB from the key made of `seed`, tipping `tip`.
pub fn transfer(seed: u8, nonce: u64, tip: u128) -> Transaction {
    let unsigned = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: tip + 100,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(EvmAddress::repeat_byte(9)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signed = EthereumTransaction::sign(unsigned, &SecpSecretKey::from_bytes(&[seed; 32]).unwrap());
    Transaction::decode(signed.raw(), 7).unwrap()
}

fn pool_of(transactions: &[Transaction]) -> Mempool {
    let mut pool = Mempool::new(limits(), RULES);
    for transaction in transactions {
        pool.admit(transaction.clone(), RICH, 0).unwrap();
    }
    pool
}

/// What is taken when every sender's state is `state`; and that the pool knew whether that would be anything.
fn taken(pool: &Mempool, space: BlockSpace, state: SenderState) -> Vec<Transaction> {
    let taken = pool.select(space, |_| Ok::<_, Infallible>(state)).unwrap();
    assert_eq!(pool.has_ready(space, |_| Ok::<_, Infallible>(state)), Ok(!taken.is_empty()));
    taken
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
        (transfer(1, 2, 20), at(3), MempoolRejected::NonceTooLow { next: 3, got: 2 }),
        (transfer(1, 6, 10), RICH, MempoolRejected::NonceTooHigh { next: 0, got: 6, max: 6 }),
        (transfer(2, 0, 10), poor, MempoolRejected::InsufficientFunds { balance: 5, cost }),
        (transfer(1, 2, 11), RICH, MempoolRejected::ReplacementUnderpriced { needed_cap: 121, needed_tip: 11 }),
    ] {
        assert_eq!(pool.admit(transaction, sender, 0), Err(refusal));
    }
    let refusal = strict.admit(transfer(1, 0, 10), RICH, 0).unwrap_err();
    assert_eq!(refusal, MempoolRejected::Underpriced { offered: 110, needed: 1_000 });
    let mut small = Mempool::new(limits(), ChainRules { block_gas_limit: 20_000, ..RULES });
    let refusal = small.admit(transfer(1, 0, 10), RICH, 0).unwrap_err();
    assert_eq!(refusal, MempoolRejected::GasAboveBlock { gas: 21_000, block: 20_000 });
    assert_eq!((pool.len(), strict.len(), small.len()), (1, 0, 0));
}

#[test]
fn a_tenth_more_replaces_and_the_old_one_is_gone() {
    let mut pool = pool_of(&[transfer(1, 0, 100)]);
    pool.admit(transfer(1, 0, 120), RICH, 0).unwrap();
    assert_eq!(pool.len(), 1);
    assert!(pool.get(&transfer(1, 0, 100).hash()).is_none());
    assert_eq!(pool.bytes(), transfer(1, 0, 120).raw().len());
}

#[test]
fn a_full_pool_makes_room_at_the_cost_of_the_cheapest_senders_last() {
    let mut pool =
        pool_of(&(0..4).flat_map(|nonce| [transfer(1, nonce, 5), transfer(2, nonce, 50)]).collect::<Vec<_>>());
    pool.admit(transfer(3, 0, 10), RICH, 0).unwrap();
    assert!(pool.get(&transfer(1, 3, 5).hash()).is_none(), "the last of the cheapest went");
    assert!(pool.get(&transfer(1, 2, 5).hash()).is_some());
    let refusal = pool.admit(transfer(4, 0, 5), RICH, 0).unwrap_err();
    assert!(matches!(refusal, MempoolRejected::PoolFull { transactions: 8, .. }), "{refusal}");
}

#[test]
fn a_proposer_takes_the_best_tips_first_each_senders_in_order_and_no_gap() {
    let (a0, a1, b0, c1) = (transfer(1, 0, 1), transfer(1, 1, 90), transfer(2, 0, 50), transfer(3, 1, 99));
    let pool = pool_of(&[c1, a1.clone(), b0.clone(), a0.clone()]);
    assert_eq!(taken(&pool, SPACE, RICH), [b0.clone(), a0, a1]);
    assert_eq!(taken(&pool, BlockSpace { gas: 21_000, ..SPACE }, RICH), std::slice::from_ref(&b0));
    assert_eq!(taken(&pool, BlockSpace { bytes: 10, ..SPACE }, RICH), []);
    assert_eq!(taken(&pool, BlockSpace { base_fee: 120, ..SPACE }, RICH), [b0], "others do not pay the base fee");
}

#[test]
fn a_state_that_cannot_be_read_is_told_and_the_pool_is_as_before() {
    let mut pool = pool_of(&[transfer(1, 0, 10)]);
    let broken = |_: &Address| Err("the disk");
    assert_eq!(pool.select(SPACE, broken), Err("the disk"));
    assert_eq!(pool.has_ready(SPACE, broken), Err("the disk"));
    assert_eq!(pool.prune(1_001, broken), Err("the disk"));
    assert_eq!(pool.len(), 1);
}

#[test]
fn a_sender_is_not_taken_past_its_balance() {
    let pool = pool_of(&[transfer(1, 0, 10), transfer(1, 1, 10)]);
    let one = SenderState { nonce: 0, balance: transfer(1, 0, 10).cost_max().unwrap() };
    assert_eq!(taken(&pool, SPACE, one), [transfer(1, 0, 10)]);
}

#[test]
fn what_a_block_used_up_or_time_made_stale_is_dropped() {
    let mut pool = pool_of(&[transfer(1, 0, 10), transfer(1, 1, 10), transfer(2, 0, 10)]);
    let second = transfer(2, 0, 10).sender();
    let after = |sender: &Address| {
        Ok::<_, Infallible>(if *sender == second { SenderState::default() } else { SenderState { nonce: 1, ..RICH } })
    };
    pool.prune(0, after).unwrap();
    assert_eq!(pool.iter().cloned().collect::<Vec<_>>(), [transfer(1, 1, 10)]);
    pool.prune(1_001, |_| Ok::<_, Infallible>(RICH)).unwrap();
    assert!(pool.is_empty() && pool.bytes() == 0 && pool.by_tip.is_empty());
}

#[test]
fn the_pending_nonce_stops_at_the_first_gap() {
    let pool = pool_of(&[transfer(1, 0, 1), transfer(1, 1, 1), transfer(1, 3, 1)]);
    let sender = transfer(1, 0, 1).sender();
    assert_eq!((pool.pending_nonce(&sender, 0), pool.pending_nonce(&sender, 3)), (2, 4));
    assert_eq!(pool.pending_nonce(&Address::new_id(5), 9), 9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever arrives in whatever order: the indices agree, the bounds hold, and what is taken runs without a gap.
    #[test]
    fn the_pool_stays_whole_and_bounded(arrivals in prop::collection::vec((1..4u8, 0..6u64, 1..40u128), 0..24)) {
        let mut pool = Mempool::new(limits(), RULES);
        for (seed, nonce, tip) in arrivals {
            let _refused = pool.admit(transfer(seed, nonce, tip), RICH, 0);
            prop_assert!(pool.len() <= limits().transactions_max);
            prop_assert_eq!(pool.by_tip.len(), pool.len());
            prop_assert_eq!(pool.bytes(), pool.iter().map(|waiting| waiting.raw().len()).sum::<usize>());
        }
        let mut next: HashMap<Address, u64> = HashMap::new();
        for taken in taken(&pool, SPACE, RICH) {
            let expected = next.entry(taken.sender()).or_default();
            prop_assert_eq!(taken.nonce(), *expected);
            *expected += 1;
        }
    }
}
