//! Why a transaction may not wait.

use tributary_message::funds::overshot;
use tributary_primitives::Hash32;

/// Why a transaction may not wait. Nothing gave way to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MempoolRejected {
    /// The very same transaction waits already.
    #[error("transaction {0} is already known")]
    Known(Hash32),
    /// More bytes than a transaction of this chain may have.
    #[error("transaction has {bytes} bytes; this chain allows {most} at most")]
    TooLarge {
        /// Bytes of the transaction.
        bytes: usize,
        /// Most of this chain.
        most: usize,
    },
    /// It could never fit a block.
    #[error("transaction wants {gas} gas; a block has {block}")]
    GasAboveBlock {
        /// Gas limit of the transaction, in the block's gas.
        gas: u64,
        /// Gas of a block.
        block: u64,
    },
    /// It pays less than the base fee can ever be.
    #[error("transaction pays at most {offered} per gas; the base fee is never below {needed}")]
    Underpriced {
        /// Fee cap of the transaction.
        offered: u128,
        /// Least base fee.
        needed: u128,
    },
    /// Its nonce is used up.
    #[error("nonce too low: next nonce {next}, transaction nonce {got}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
    },
    /// Its nonce is too far ahead of the sender's.
    #[error("nonce too high: next nonce {next}, transaction nonce {got}, at most {max} may wait")]
    NonceTooHigh {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
        /// Most nonces ahead.
        max: u64,
    },
    /// So many of the sender's that cannot run yet wait already.
    #[error(
        "nonce too high: nonce {missing} is missing, transaction nonce {got}; at most {max} wait for a missing one"
    )]
    TooManyGapped {
        /// The sender's first nonce that nobody brought.
        missing: u64,
        /// Nonce of the transaction.
        got: u64,
        /// Most of one sender that wait for a missing one.
        max: usize,
    },
    /// The sender cannot pay it, or not together with its others that wait.
    #[error("insufficient funds for gas * price + value: {}", overshot(*balance, *queued, *cost))]
    InsufficientFunds {
        /// Balance in attoTRB.
        balance: u128,
        /// Worst cost in attoTRB of the sender's that wait, but for the one that this would replace.
        queued: u128,
        /// Worst cost in attoTRB; `u128::MAX` stands for all above.
        cost: u128,
    },
    /// One with the same nonce waits and pays as much.
    #[error("replacement transaction underpriced: fee cap and tip must both rise to {needed_cap} and {needed_tip}")]
    ReplacementUnderpriced {
        /// Least fee cap that replaces.
        needed_cap: u128,
        /// Least tip that replaces.
        needed_tip: u128,
    },
    /// The pool is full and this one pays no better than what waits.
    #[error("mempool is full: {transactions} transactions, {bytes} bytes; pay a higher tip or try again later")]
    PoolFull {
        /// Transactions that wait.
        transactions: usize,
        /// Bytes that wait.
        bytes: usize,
    },
    /// What waits for missing nonces fills its part of the pool, and this one would wait for one too and tips no better.
    #[error(
        "mempool is full: {transactions} transactions, {bytes} bytes wait for a missing nonce; send that one first or try again later"
    )]
    GappedFull {
        /// Transactions that wait for a missing nonce.
        transactions: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The pool is full, and this one cannot run yet: it drives out none that can.
    #[error(
        "future transaction tries to replace pending: the mempool is full; send the missing nonce first or try again later"
    )]
    FutureReplacesPending,
}
