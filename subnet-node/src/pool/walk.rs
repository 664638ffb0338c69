//! A look at all that waits, in parts: nobody who needs the pool meanwhile waits for more than one of them.
//!
//! ```text
//! hold: the next AT_ONCE ─▶ let go: look at each ─▶ rest as long as the pool was held ─▶ hold: …
//! ```
//!
//! Without the rest whoever waits for the pool would find it held again each time.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use fvm_shared::address::Address;
use tributary_message::Transaction;
use tributary_replica::mempool::{Mempool, Shown};

use super::AT_ONCE;

/// A transaction that waited a moment ago, and whether it could run once those before it have.
pub struct Seen {
    /// It.
    pub transaction: Transaction,
    /// See [`Shown::is_pending`].
    pub is_pending: bool,
}

/// Shows all that waits, oldest first, until `see` breaks off. What waits all the time is seen once; what comes meanwhile is not, so
/// it comes to an end. Cost: a look at each.
pub fn everyone(pool: &Mutex<Mempool>, see: impl FnMut(&Seen) -> ControlFlow<()>) {
    let (mut last, until) = (None, hold(pool).last());
    let part = |pool: &Mempool| {
        let since = pool.since(last).take_while(|(arrival, _)| Some(*arrival) <= until);
        let part: Vec<_> = since.take(AT_ONCE).map(|(arrival, shown)| (arrival, Seen::of(shown))).collect();
        last = part.last().map(|(arrival, _)| *arrival).or(last);
        part.into_iter().map(|(_, seen)| seen).collect()
    };
    in_parts(pool, part, see);
}

/// The same of one sender, in nonce order.
pub fn of(pool: &Mutex<Mempool>, sender: &Address, see: impl FnMut(&Seen) -> ControlFlow<()>) {
    let mut from = 0;
    let part = |pool: &Mempool| {
        let part: Vec<_> = pool.of(sender, from).take(AT_ONCE).map(Seen::of).collect();
        from = part.last().map_or(from, |seen| seen.transaction.nonce().saturating_add(1));
        part
    };
    in_parts(pool, part, see);
}

fn in_parts(
    pool: &Mutex<Mempool>,
    mut part: impl FnMut(&Mempool) -> Vec<Seen>,
    mut see: impl FnMut(&Seen) -> ControlFlow<()>,
) {
    loop {
        let (part, held) = {
            let pool = hold(pool);
            let since = Instant::now();
            (part(&pool), since.elapsed())
        };
        if part.iter().try_for_each(&mut see).is_break() || part.len() < AT_ONCE {
            return;
        }
        thread::sleep(held);
    }
}

/// The pool is whole after every call of its own, so a thread that panicked elsewhere harms nothing here.
pub fn hold(pool: &Mutex<Mempool>) -> MutexGuard<'_, Mempool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn of(shown: Shown<'_>) -> Self {
        Self { transaction: shown.transaction.clone(), is_pending: shown.is_pending }
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::TxEip1559;
    use alloy_primitives::{Address as EvmAddress, TxKind, U256};
    use tributary_crypto::SecpSecretKey;
    use tributary_message::EthereumTransaction;
    use tributary_primitives::Height;
    use tributary_replica::mempool::{ChainRules, MempoolLimits, SenderState};

    use super::*;

    const RULES: ChainRules =
        ChainRules { block_gas_limit: 105_000, base_fee_min: 7, fvm_gas_per_gas: 500, transaction_bytes_max: 1 << 20 };
    const RICH: SenderState = SenderState { nonce: 0, balance: u128::MAX };

    /// Of each sender so many wait: several parts, the last one not full.
    const OF_EACH: u64 = 300;

    fn transfer(seed: u8, nonce: u64) -> Transaction {
        let unsigned = TxEip1559 {
            chain_id: 7,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 100,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(EvmAddress::repeat_byte(9)),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        let key = SecpSecretKey::from_bytes(&[seed; 32]).unwrap();
        Transaction::Ethereum(EthereumTransaction::sign(unsigned, &key).into())
    }

    fn sender(seed: u8) -> Address {
        transfer(seed, 0).sender()
    }

    /// The first sender's come first, a nonce a millisecond.
    fn pool() -> Mutex<Mempool> {
        let mut pool = Mempool::new(MempoolLimits::default(), RULES);
        for (now_ms, nonce) in (0..).zip((0..OF_EACH).chain(0..OF_EACH)) {
            let seed = if now_ms < OF_EACH { 1 } else { 2 };
            pool.admit(transfer(seed, nonce), RICH, Height(0), now_ms).unwrap();
        }
        Mutex::new(pool)
    }

    /// What is seen, and `meanwhile` is called with the pool as each is: nobody else holds it.
    fn seen(
        pool: &Mutex<Mempool>,
        sender: Option<&Address>,
        mut meanwhile: impl FnMut(usize, &mut Mempool),
    ) -> Vec<(Address, u64, bool)> {
        let mut all = Vec::new();
        let see = |seen: &Seen| {
            all.push((seen.transaction.sender(), seen.transaction.nonce(), seen.is_pending));
            meanwhile(all.len(), &mut pool.try_lock().expect("the pool is free while somebody looks"));
            ControlFlow::Continue(())
        };
        match sender {
            None => everyone(pool, see),
            Some(sender) => of(pool, sender, see),
        }
        all
    }

    #[test]
    fn all_that_waits_is_seen_once_and_the_pool_is_free_meanwhile() {
        let (pool, [first, second]) = (pool(), [1, 2].map(sender));
        let expected = |sender| (0..OF_EACH).map(move |nonce| (sender, nonce, true));
        let all: Vec<_> = expected(first).chain(expected(second)).collect();
        assert_eq!(seen(&pool, None, |_, _| ()), all);
        assert_eq!(seen(&pool, Some(&second), |_, _| ()), expected(second).collect::<Vec<_>>());
        assert_eq!(seen(&pool, Some(&sender(3)), |_, _| ()), []);
    }

    #[test]
    fn no_more_is_taken_at_once_than_a_part_and_what_comes_and_goes_meanwhile_is_seen_or_not() {
        let gone = |pool: &mut Mempool| {
            [1, 2].iter().for_each(|seed| pool.learn(&sender(*seed), SenderState::default(), Height(1)));
        };
        for whose in [None, Some(sender(1))] {
            let pool = pool();
            let seen = seen(&pool, whose.as_ref(), |count, pool| {
                if count == 1 {
                    gone(pool);
                    pool.admit(transfer(3, 0), RICH, Height(1), 10_000).unwrap();
                }
            });
            assert_eq!(seen.len(), AT_ONCE, "those that were taken before all went");
            assert_eq!(hold(&pool).len(), 1);
        }
    }

    #[test]
    fn a_look_ends_though_transactions_come_all_the_time_and_where_it_is_broken_off() {
        let pool = pool();
        let mut next = OF_EACH;
        let seen = seen(&pool, None, |_, pool| {
            pool.admit(transfer(2, next), RICH, Height(0), 1_000 + next).unwrap();
            next += 1;
        });
        assert_eq!(u64::try_from(seen.len()).unwrap(), 2 * OF_EACH);

        let mut count = 0;
        everyone(&pool, |_| {
            count += 1;
            if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(count, 3);
    }
}
