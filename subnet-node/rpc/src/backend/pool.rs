//! What waits in the mempool, as the RPC shows it.

use std::sync::Arc;

use tributary_message::EthereumTransaction;

/// How many transactions wait, of both kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolSize {
    /// Those that can run one after the other from their senders' next nonces on.
    pub pending: u64,
    /// Those that wait for one before them.
    pub queued: u64,
}

/// How much of the mempool is shown at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolBounds {
    /// Most transactions.
    pub transactions: usize,
    /// Most bytes of them, as they travel.
    pub bytes: usize,
}

impl PoolBounds {
    /// As much as one answer shows of what may hold a thousand times as much: some 8 MiB of JSON.
    pub const OF_AN_ANSWER: Self = Self { transactions: 4_096, bytes: 4 << 20 };
}

/// An Ethereum transaction that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooled {
    /// The transaction.
    pub transaction: Arc<EthereumTransaction>,
    /// Whether it is one of [`PoolSize::pending`].
    pub is_pending: bool,
}
