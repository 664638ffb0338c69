//! Collects transactions into messages: few messages when many come, no delay when few come.
//!
//! | what happens | what leaves |
//! |---|---|
//! | a transaction that no longer fits in 64 KiB, or past the count | what was collected before it |
//! | a transaction, when none left in the last 5 ms | that transaction, and what came with it |
//! | 5 ms after a message left | what was collected since, if anything |

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::wire::{LENGTH_BYTES, MESSAGE_TRANSACTIONS_MAX};

/// How long after a message transactions wait for company, unless they fill the next one before: small beside a block's time, long beside a
/// burst's gaps.
const DELAY: Duration = Duration::from_millis(5);

/// Bytes that a message of several transactions stays within, so that one peer's slow line is not blocked for long.
const BYTES: usize = 64 * 1024;

/// Transactions that wait to leave.
#[derive(Debug, Default)]
pub struct Batch {
    transactions: Vec<Bytes>,
    bytes: usize,
    due: Option<Instant>,
    /// When the last message left.
    left: Option<Instant>,
}

impl Batch {
    /// Adds a transaction; gives back the transactions of a message that is now to leave before it.
    pub fn push(&mut self, transaction: Bytes, now: Instant) -> Option<Vec<Bytes>> {
        let bytes = LENGTH_BYTES + transaction.len();
        let full = self.bytes + bytes > BYTES || self.transactions.len() == MESSAGE_TRANSACTIONS_MAX;
        let leaving = if full { self.take(now) } else { None };
        let quiet = self.left.map_or(now, |left| now.max(left + DELAY));
        self.due.get_or_insert(quiet);
        self.bytes += bytes;
        self.transactions.push(transaction);
        leaving
    }

    /// When what is collected is to leave; `None` while nothing is.
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What was collected, which leaves now; `None` if nothing was.
    pub fn take(&mut self, now: Instant) -> Option<Vec<Bytes>> {
        if self.transactions.is_empty() {
            return None;
        }
        let Self { transactions, .. } = std::mem::replace(self, Self { left: Some(now), ..Self::default() });
        Some(transactions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MESSAGE_BYTES_MAX, TRANSACTION_BYTES_MAX, encode};

    #[test]
    fn a_lone_transaction_leaves_at_once_and_those_soon_after_wait_for_company() {
        let start = Instant::now();
        let mut batch = Batch::default();
        assert_eq!((batch.due(), batch.take(start)), (None, None));
        assert_eq!(batch.push(Bytes::from_static(&[1]), start), None);
        assert_eq!(batch.due(), Some(start), "nothing left before it");
        assert_eq!(batch.take(start).unwrap().len(), 1);
        assert_eq!(batch.push(Bytes::from_static(&[2]), start + DELAY / 4), None);
        assert_eq!(batch.push(Bytes::from_static(&[3]), start + DELAY / 2), None);
        assert_eq!(batch.due(), Some(start + DELAY), "the last message's time counts");
        assert_eq!(batch.take(start + DELAY).unwrap().len(), 2);
        assert_eq!((batch.due(), batch.take(start + DELAY)), (None, None));
        assert_eq!(batch.push(Bytes::from_static(&[4]), start + DELAY * 3), None);
        assert_eq!(batch.due(), Some(start + DELAY * 3), "it was quiet for longer than that");
    }

    #[test]
    fn every_message_keeps_its_bounds_and_the_order() {
        let now = Instant::now();
        let sizes = [1, 60_000, 6_000, 5_000, TRANSACTION_BYTES_MAX, 1, TRANSACTION_BYTES_MAX, TRANSACTION_BYTES_MAX];
        let sizes: Vec<_> = sizes.into_iter().chain([1; MESSAGE_TRANSACTIONS_MAX + 1]).collect();
        let mut batch = Batch::default();
        let mut messages: Vec<_> =
            sizes.iter().filter_map(|size| batch.push(Bytes::from(vec![7; *size]), now)).collect();
        messages.extend(batch.take(now));
        for message in &messages {
            let bytes = encode(message).len();
            assert!(bytes <= BYTES || (message.len() == 1 && bytes <= MESSAGE_BYTES_MAX), "{bytes}");
            assert!(message.len() <= MESSAGE_TRANSACTIONS_MAX);
        }
        assert_eq!(messages.concat().iter().map(Bytes::len).collect::<Vec<_>>(), sizes);
    }
}
