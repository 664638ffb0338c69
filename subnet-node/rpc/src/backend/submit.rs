//! Why a transaction may not wait in the mempool, in sentences that Ethereum's tools already know.
//!
//! Wallets and libraries find out what went wrong by looking for go-ethereum's words in the message, so each message starts with
//! them. Source: go-ethereum, `core/error.go`, `core/txpool/errors.go`.

use tributary_message::TransactionRejected;
use tributary_message::ethereum::EthereumRejected;
use tributary_message::funds::overshot;
use tributary_primitives::Hash32;

use super::ReadUnavailable;

/// A transaction that was not taken. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitRejected {
    /// The bytes are no transaction of this chain.
    #[error("{}", malformed(.0))]
    Transaction(#[from] TransactionRejected),
    /// The very same transaction waits already.
    #[error("already known: {0}")]
    Known(Hash32),
    /// Its nonce is used up.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
    },
    /// Its nonce is so far ahead that it would wait for too many others.
    #[error("nonce too high: next nonce {next}, tx nonce {got}; at most {max} of a sender wait")]
    NonceTooHigh {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
        /// Most transactions of a sender that wait.
        max: u64,
    },
    /// It pays less than the base fee can ever be.
    #[error("transaction underpriced: max fee per gas {offered}, minimum needed {needed}")]
    Underpriced {
        /// Most it pays, attoTRB per unit of block gas.
        offered: u128,
        /// Least base fee.
        needed: u128,
    },
    /// One with the same nonce waits and pays as much.
    #[error(
        "replacement transaction underpriced: max fee per gas must be at least {needed_cap}, priority fee at least {needed_tip}"
    )]
    ReplacementUnderpriced {
        /// Least fee cap that replaces, attoTRB per unit of block gas.
        needed_cap: u128,
        /// Least tip that replaces.
        needed_tip: u128,
    },
    /// The sender cannot pay for it.
    #[error("insufficient funds for gas * price + value: {}", overshot(*balance, *queued, *cost))]
    InsufficientFunds {
        /// The sender's balance, attoTRB.
        balance: u128,
        /// Worst cost of the sender's others that wait, attoTRB.
        queued: u128,
        /// Value and all gas at the fee cap, attoTRB; `u128::MAX` stands for all above.
        cost: u128,
    },
    /// It could never fit a block.
    #[error("exceeds block gas limit: transaction wants {gas}, a block has {block}")]
    GasAboveBlock {
        /// Gas limit of the transaction, in block gas.
        gas: u64,
        /// Gas of a block.
        block: u64,
    },
    /// Its gas would not even pay for being in a block.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGasTooLow {
        /// Gas limit of the transaction.
        gas: u64,
        /// What its bytes alone cost.
        needed: u64,
    },
    /// More gas than one transaction may have (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    GasAboveCap {
        /// Gas limit of the transaction.
        gas: u64,
        /// Most gas of one transaction.
        cap: u64,
    },
    /// No room, and it pays no better than what waits.
    #[error("txpool is full: {transactions} transactions wait; offer a higher priority fee or try again later")]
    PoolFull {
        /// Transactions that wait.
        transactions: usize,
    },
    /// So many of the sender's that cannot run yet wait already.
    #[error(
        "nonce too high: nonce {missing} is missing, tx nonce {got}; at most {max} of a sender wait for a missing one"
    )]
    TooManyGapped {
        /// The nonce that comes next.
        missing: u64,
        /// The nonce it has.
        got: u64,
        /// Most that wait for a missing one.
        max: usize,
    },
    /// What waits for missing nonces fills its part of the pool.
    #[error(
        "txpool is full: {transactions} transactions wait for a missing nonce; send that one first or try again later"
    )]
    GappedFull {
        /// Transactions that wait for one.
        transactions: usize,
    },
    /// The pool is full, and it cannot run yet.
    #[error(
        "future transaction tries to replace pending: the txpool is full; send the missing nonce first or try again later"
    )]
    FutureReplacesPending,
    /// The node cannot judge it now.
    #[error(transparent)]
    Unavailable(#[from] ReadUnavailable),
}

/// go-ethereum's words for a transaction that is not even one; ours where it has none.
fn malformed(rejected: &TransactionRejected) -> String {
    match rejected {
        TransactionRejected::TooLarge { bytes, most } => {
            format!("oversized data: transaction size {bytes}, limit {most}")
        }
        TransactionRejected::UnknownType(_) | TransactionRejected::Ethereum(EthereumRejected::Blobs) => {
            format!("transaction type not supported: {rejected}")
        }
        TransactionRejected::Ethereum(EthereumRejected::WrongChainId { got, want }) => {
            format!("invalid sender: invalid chain id for signer: have {got} want {want}")
        }
        TransactionRejected::Ethereum(EthereumRejected::NoChainId) => {
            "only replay-protected (EIP-155) transactions allowed over RPC".to_owned()
        }
        TransactionRejected::Ethereum(EthereumRejected::BadSignature) => {
            format!("invalid sender: invalid transaction v, r, s values: {rejected}")
        }
        TransactionRejected::Ethereum(EthereumRejected::TipAboveCap { tip, cap }) => format!(
            "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {cap}"
        ),
        TransactionRejected::Ethereum(EthereumRejected::NonceTooHigh) => format!("nonce has max value: {rejected}"),
        TransactionRejected::Ethereum(EthereumRejected::NoAuthorization) => {
            format!("EIP-7702 transaction with empty auth list: {rejected}")
        }
        other => other.to_string(),
    }
}
