//! What a relayer asks of the two chains: two traits, so that law and loop run against chains in memory.
//!
//! | module | holds |
//! |---|---|
//! | [`rpc`] | both traits over JSON-RPC |
//! | [`wire`] | the JSON of every answer |

pub mod rpc;
pub mod wire;

#[cfg(test)]
pub(crate) mod memory;

use std::future::Future;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_checkpoint::{CheckpointCertificate, Registration};
use tributary_primitives::{Hash32, Height, SubnetId};

/// An answer that did not come, or made no sense. It may come later.
#[derive(Debug, thiserror::Error)]
pub enum ChainUnavailable {
    /// No connection, no answer in time, or an answer too large.
    #[error("{url}: {method} got no answer: {why}")]
    NoAnswer {
        /// Who was asked.
        url: String,
        /// What was asked.
        method: &'static str,
        /// What the transport says.
        why: String,
    },
    /// The node answered that it will not.
    #[error("{url}: {method} was refused: {message} (code {code})")]
    Refused {
        /// Who was asked.
        url: String,
        /// What was asked.
        method: &'static str,
        /// JSON-RPC error code.
        code: i32,
        /// The node's reason.
        message: String,
    },
    /// The answer is not what a node of this kind says.
    #[error("{url}: {method} gave an answer that cannot be read: {why}; is this a Tributary node of the same version?")]
    Unreadable {
        /// Who was asked.
        url: String,
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Who a chain says it is and how far it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainStatus {
    /// Its name.
    pub subnet: SubnetId,
    /// Its Ethereum chain id, which FVM messages are signed for.
    pub chain_id: u64,
    /// Its latest block.
    pub height: Height,
    /// Base fee of its next block, attoTRB per FVM gas, rounded up.
    pub base_fee: u128,
}

/// A sender on the parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Next nonce, by the latest block's state.
    pub nonce: u64,
    /// What it holds.
    pub balance: TokenAmount,
}

/// What would happen to a message in the next block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// How it would end.
    pub exit_code: ExitCode,
    /// FVM gas it would use.
    pub gas_used: u64,
    /// What it would return.
    pub returned: Vec<u8>,
}

/// What a node does with a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is in the node's pool, or was before.
    Taken,
    /// The node does not want it, and says why.
    Refused(String),
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// 0 is success; the codes of [`tributary_checkpoint::exit_code`] are the actor's.
    pub exit_code: ExitCode,
    /// FVM gas it used.
    pub gas_used: u64,
    /// What it returned.
    pub returned: Vec<u8>,
}

type Answer<T> = Result<T, ChainUnavailable>;

/// The chain that a child reports to.
pub trait ParentChain: Send + Sync {
    /// Name, height, base fee.
    fn status(&self) -> impl Future<Output = Answer<ChainStatus>> + Send;

    /// Nonce and balance; both zero for an address that never held anything.
    fn account(&self, address: &Address) -> impl Future<Output = Answer<Account>> + Send;

    /// What is registered with `actor`; `None` if it is no checkpoint actor.
    fn registration(&self, actor: ActorID) -> impl Future<Output = Answer<Option<Registration>>> + Send;

    /// The latest certificate that `actor` accepted.
    fn latest(&self, actor: ActorID) -> impl Future<Output = Answer<Option<CheckpointCertificate>>> + Send;

    /// What `message` would do on the latest state. Costs nothing.
    fn forecast(&self, message: &Message) -> impl Future<Output = Answer<Forecast>> + Send;

    /// Hands over a signed transaction. An answer that is lost leaves open whether it arrived.
    fn send(&self, raw: &[u8]) -> impl Future<Output = Answer<Delivery>> + Send;

    /// How the transaction `hash` ended; `None` while it is in no block.
    fn receipt(&self, hash: Hash32) -> impl Future<Output = Answer<Option<Receipt>>> + Send;
}

/// The chain whose certificates are carried.
pub trait ChildChain: Send + Sync {
    /// Name, height, base fee.
    fn status(&self) -> impl Future<Output = Answer<ChainStatus>> + Send;

    /// The certificate of the highest certified checkpoint.
    fn latest_certificate(&self) -> impl Future<Output = Answer<Option<CheckpointCertificate>>> + Send;

    /// At most `limit` certificates from height `from` on, ascending.
    fn certificates(
        &self,
        from: Height,
        limit: usize,
    ) -> impl Future<Output = Answer<Vec<CheckpointCertificate>>> + Send;

    /// When the block at `height` was made, seconds since 1970; `None` if the node does not have it.
    fn block_seconds(&self, height: Height) -> impl Future<Output = Answer<Option<u64>>> + Send;
}
