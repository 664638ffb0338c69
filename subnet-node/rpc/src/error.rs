//! Answers that are no result: one code and one sentence each, as Ethereum's tools know them.
//!
//! | code | when | source |
//! |---|---|---|
//! | 3 | a contract reverted; `data` is what it returned | go-ethereum |
//! | 4 | a transaction that did not run in time; `data` is its hash | EIP-7966 |
//! | 5 | a transaction that waits for one before it; `data` is its hash | EIP-7966 |
//! | -32000 | a transaction or call that cannot be; an unknown block, checkpoint, subscription or filter; a transaction to trace that is nowhere; percentiles of a fee history that cannot be | go-ethereum |
//! | -32002 | a block or state that this node does not keep; a node that is stopping | EIP-1474, resource unavailable |
//! | -32004 | a method that has no meaning on this chain | EIP-1474, method not supported |
//! | -32005 | more than a limit allows, faster than a client may ask, or more than the node can answer at once | EIP-1474, limit exceeded |
//! | -32007 | a request larger than may be, over HTTP | jsonrpsee |
//! | -32008, -32011 | an answer, or the answers to a batch, larger than the server may send | jsonrpsee |
//! | -32010 | a batch of too many requests | jsonrpsee |
//! | -32600 | JSON that is no request, or one whose id is neither text nor a whole number from 0 and below 2^64 nor null, or is there twice | JSON-RPC 2.0 |
//! | -32601 | no such method or subscription, or none that this node serves; a subscription over HTTP | JSON-RPC 2.0, go-ethereum |
//! | -32602 | an argument that is missing, malformed or of a meaning that is not served; logs of blocks above the latest | JSON-RPC 2.0 |
//! | -32603 | a defect or a broken disk on this node | JSON-RPC 2.0 |
//! | -32700 | no JSON | JSON-RPC 2.0 |
//! | -38010 to -38026 | a simulation that cannot be: `eth_simulateV1` alone | execution API |

use std::time::Duration;

use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE, METHOD_NOT_FOUND_CODE};
use tributary_primitives::{Hash32, Height};

use crate::backend::{CallRejected, ProveRejected, ReadUnavailable, SubmitRejected};
use crate::comet::{self, CometRejected};

/// A contract reverted.
const REVERTED: i32 = 3;
/// EIP-7966, a transaction that was taken and did not run in time.
const NOT_YET: i32 = 4;
/// EIP-7966, a transaction that was taken and cannot run yet.
const NOT_READY: i32 = 5;
/// EIP-1474, "transaction rejected" and the like: go-ethereum's catch-all.
const SERVER: i32 = -32000;
/// EIP-1474, "resource unavailable".
const UNAVAILABLE: i32 = -32002;
/// EIP-1474, "method not supported".
const NOT_SUPPORTED: i32 = -32004;
/// EIP-1474, "limit exceeded".
const LIMIT: i32 = -32005;

/// How much of a method's name is told to who asked for it: more than any has.
const METHOD_BYTES_SHOWN_MAX: usize = 128;

/// Why a request has no result. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcRejected {
    /// The parameters are an object, or no JSON list.
    #[error("non-array args: parameters go by position, as a list")]
    NotAList,
    /// A parameter that has no default was left out.
    #[error("missing value for required argument {position}")]
    MissingArgument {
        /// Position, from 0.
        position: usize,
    },
    /// More parameters than the method has.
    #[error("too many arguments, want at most {most}")]
    TooManyArguments {
        /// How many the method has.
        most: usize,
    },
    /// A parameter that is not what the method asks for.
    #[error("invalid argument {position}: {reason}")]
    InvalidArgument {
        /// Position, from 0.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// What to subscribe to was left out.
    #[error("expected subscription name as first argument")]
    MissingSubscription,
    /// Nothing of this name can be subscribed to.
    #[error("no {0:?} subscription in eth namespace")]
    NoSuchSubscription(String),
    /// Over HTTP nothing can be sent that was not asked for.
    #[error("notifications not supported")]
    NoNotifications,
    /// This connection has no subscription of this name.
    #[error("subscription not found")]
    NoSubscription,
    /// No filter has this name, or it was not asked for in time.
    #[error("filter not found")]
    NoFilter,
    /// Logs of what is not final yet: there are none.
    #[error("pending logs are not supported")]
    PendingLogs,
    /// More than one request may ask for.
    #[error("{0}")]
    AboveLimit(String),
    /// A client that asks faster than it may.
    #[error("too many requests: {per_s} a second are answered, {burst} at once; ask again in {} ms", wait.as_millis() + 1)]
    TooFast {
        /// Requests a second.
        per_s: u32,
        /// Requests at once.
        burst: u32,
        /// How long until the next is answered.
        wait: Duration,
    },
    /// No method has this name, or none that the operator of this node serves. CometBFT's have CometBFT's sentence.
    #[error("{}", no_method(.0))]
    NoMethod(String),
    /// Too many requests at once.
    #[error("the node is answering as many {0} as it may and as many wait, in all or of this client; try again later")]
    Busy(&'static str),
    /// As many bytes of requests are being read or answered as may, of this client or in all.
    #[error(
        "there is no room for this request beside those that are being read and answered; send it again later, or less at once"
    )]
    NoRoomToRead,
    /// As many bytes of answers wait to be sent as may, to this client or in all.
    #[error(
        "there is no room for this answer beside those that are not read yet; read them, try again later, or ask for less at once"
    )]
    NoRoom,
    /// What is left of a batch that takes too long.
    #[error("the requests of a batch begin within {} s of it; ask this one again", .0.as_secs())]
    BatchOver(Duration),
    /// No transaction with this hash was executed.
    #[error("transaction not found")]
    NoTransaction,
    /// No block has this hash, or the chain is not that high.
    #[error("header not found")]
    UnknownBlock,
    /// The parent accepted nothing yet, as far as this node knows. In go-ethereum's words.
    #[error("finalized block not found: this node knows of no checkpoint of this chain that the parent accepted")]
    NoFinalized,
    /// No checkpoint that is certified, to prove anything against.
    #[error("no checkpoint {}is certified on this node; {}", of_block(*height), certified(*latest, *period))]
    NotCertified {
        /// The height asked for; none for the latest.
        height: Option<Height>,
        /// The latest that is certified.
        latest: Option<Height>,
        /// Blocks from one checkpoint to the next; 0 on a network that cuts none.
        period: u64,
    },
    /// What was asked for cannot be proven.
    #[error(transparent)]
    Prove(#[from] ProveRejected),
    /// Proofs of another chain's state.
    #[error(
        "eth_getProof proves paths in Merkle-Patricia tries, and this chain's state is HAMTs and KAMTs of IPLD blocks: subnet_getProof proves \
         accounts and storage slots of it, against a certified checkpoint"
    )]
    NoTries,
    /// Percentiles of a fee history that are none, or do not rise.
    #[error("invalid reward percentile: {0}")]
    BadPercentile(String),
    /// A range of blocks that goes past the end of the chain.
    #[error("request beyond head block: requested {asked}, head {tip}")]
    BeyondTip {
        /// The height asked for.
        asked: Height,
        /// The latest height.
        tip: Height,
    },
    /// A search for logs in blocks that are not there yet.
    #[error("block range extends beyond current head block: requested {asked}, head {tip}")]
    BlocksBeyondTip {
        /// The height asked for.
        asked: Height,
        /// The latest height.
        tip: Height,
    },
    /// A transaction that the mempool does not take.
    #[error(transparent)]
    Submit(#[from] SubmitRejected),
    /// A transaction that is in no block yet.
    #[error("{}", not_yet(*waited, *waits))]
    NotYet {
        /// Its hash.
        transaction: Hash32,
        /// How long the caller waited.
        waited: Duration,
        /// Whether it waits in the mempool, as far as it was last looked at.
        waits: bool,
    },
    /// A transaction that waits for one before it.
    #[error(
        "the transaction was added to the mempool but was not processed due to a missing nonce: {missing_nonce} of its sender"
    )]
    NotReady {
        /// Its hash.
        transaction: Hash32,
        /// The first nonce of its sender that nobody brought.
        missing_nonce: u64,
    },
    /// A contract reverted.
    #[error("{message}")]
    Reverted {
        /// `execution reverted`, and the contract's reason if it gave one.
        message: String,
        /// What it returned.
        data: Vec<u8>,
    },
    /// A call that ended without a result for another reason than a revert.
    #[error("{0}")]
    CallStopped(String),
    /// Blocks that cannot be simulated.
    #[error("{message}")]
    Simulation {
        /// The execution API's code.
        code: i32,
        /// Why not.
        message: String,
    },
    /// A call that ran longer than this node lets one, in go-ethereum's words.
    #[error("execution aborted (timeout = {0:?})")]
    OutOfTime(Duration),
    /// The node cannot answer now.
    #[error(transparent)]
    Unavailable(#[from] ReadUnavailable),
    /// What CometBFT's methods refuse in words of its own.
    #[error(transparent)]
    Comet(#[from] CometRejected),
    /// The node's own doing; the log has the cause.
    #[error("the node could not answer: {0}")]
    Internal(&'static str),
}

impl RpcRejected {
    /// A panic.
    pub(crate) const DEFECT: Self = Self::Internal("a defect stopped this answer");

    /// A parameter at fault.
    pub(crate) fn argument(position: usize, reason: impl ToString) -> Self {
        Self::InvalidArgument { position, reason: reason.to_string() }
    }

    /// The number in the answer's `code`.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::NotAList
            | Self::MissingArgument { .. }
            | Self::TooManyArguments { .. }
            | Self::MissingSubscription
            | Self::InvalidArgument { .. }
            | Self::BlocksBeyondTip { .. }
            | Self::PendingLogs
            | Self::Comet(CometRejected::Parameters(_)) => INVALID_PARAMS_CODE,
            Self::NoSuchSubscription(_) | Self::NoNotifications | Self::NoMethod(_) => METHOD_NOT_FOUND_CODE,
            Self::AboveLimit(_)
            | Self::TooFast { .. }
            | Self::Busy(_)
            | Self::NoRoomToRead
            | Self::NoRoom
            | Self::BatchOver(_)
            | Self::Prove(ProveRejected::TooLong) => LIMIT,
            Self::Reverted { .. } => REVERTED,
            Self::Simulation { code, .. } => *code,
            Self::NotYet { .. } => NOT_YET,
            Self::NotReady { .. } => NOT_READY,
            Self::NoTries => NOT_SUPPORTED,
            Self::NoTransaction
            | Self::UnknownBlock
            | Self::NoFinalized
            | Self::NotCertified { .. }
            | Self::Prove(ProveRejected::Unreadable(_))
            | Self::BeyondTip { .. }
            | Self::BadPercentile(_)
            | Self::CallStopped(_)
            | Self::OutOfTime(_)
            | Self::NoSubscription
            | Self::NoFilter => SERVER,
            Self::Submit(SubmitRejected::Unavailable(why))
            | Self::Prove(ProveRejected::Unavailable(why))
            | Self::Unavailable(why) => unavailable_code(why),
            Self::Submit(_) => SERVER,
            Self::Comet(_) | Self::Internal(_) => INTERNAL_ERROR_CODE,
        }
    }

    /// Whether the node, and not the caller, is why there is no result.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        match self {
            Self::Busy(_)
            | Self::NoRoomToRead
            | Self::NoRoom
            | Self::Unavailable(_)
            | Self::Submit(SubmitRejected::Unavailable(_))
            | Self::Prove(ProveRejected::Unavailable(_))
            | Self::Internal(_) => true,
            Self::Comet(refused) => refused.is_ours(),
            _ => false,
        }
    }
}

/// In go-ethereum's words, by which libraries know it; of a name that CometBFT has, in CometBFT's.
fn no_method(name: &str) -> String {
    if comet::has(name) {
        return "Method not found".to_owned();
    }
    let shown = &name[..name.floor_char_boundary(METHOD_BYTES_SHOWN_MAX)];
    format!("the method {shown} does not exist/is not available")
}

fn not_yet(waited: Duration, waits: bool) -> String {
    let waited = waited.as_millis();
    if waits {
        return format!(
            "the transaction was added to the mempool but was not processed in {waited} ms; it still waits"
        );
    }
    format!("the transaction is in no block after {waited} ms, and does not wait in this node's mempool")
}

fn of_block(height: Option<Height>) -> String {
    height.map_or_else(String::new, |height| format!("of block {height} "))
}

fn certified(latest: Option<Height>, period: u64) -> String {
    match latest {
        _ if period == 0 => "this network cuts none, as every root".to_owned(),
        None => format!("one is cut every {period} blocks: ask again later"),
        Some(latest) => format!("one is cut every {period} blocks, and the latest certified is of block {latest}"),
    }
}

const fn unavailable_code(why: &ReadUnavailable) -> i32 {
    match why {
        ReadUnavailable::Broken | ReadUnavailable::Refused(_) => INTERNAL_ERROR_CODE,
        ReadUnavailable::StateNotKept { .. }
        | ReadUnavailable::BlockNotKept { .. }
        | ReadUnavailable::StateNotMade { .. }
        | ReadUnavailable::Stopping => UNAVAILABLE,
    }
}

impl From<CallRejected> for RpcRejected {
    /// Accounts that are otherwise stand at position 2 of every method of one call.
    fn from(rejected: CallRejected) -> Self {
        match rejected {
            CallRejected::Call(tributary_fvm::CallRejected::Overrides(why)) => Self::argument(2, why),
            CallRejected::Call(tributary_fvm::CallRejected::Invalid(why)) => Self::CallStopped(why.to_string()),
            CallRejected::Call(tributary_fvm::CallRejected::CutOff(after)) => Self::OutOfTime(after),
            CallRejected::Unavailable(why) => why.into(),
        }
    }
}

impl From<RpcRejected> for ErrorObjectOwned {
    fn from(rejected: RpcRejected) -> Self {
        let data = match &rejected {
            RpcRejected::Reverted { data, .. } => Some(format!("0x{}", hex::encode(data))),
            RpcRejected::NotYet { transaction, .. } | RpcRejected::NotReady { transaction, .. } => {
                Some(transaction.to_string())
            }
            _ => None,
        };
        Self::owned(rejected.code(), rejected.to_string(), data)
    }
}
