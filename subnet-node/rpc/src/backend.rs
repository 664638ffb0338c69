//! What the RPC asks of the node, in the node's own words.
//!
//! ```text
//! caller ──JSON──▶ tributary-rpc ──Backend──▶ node: tip, blocks, mempool, certificates
//!                                └─StateView─▶ executor: actors, contracts, calls, at one height
//! ```
//!
//! Every method is synchronous and may read the disk. The server calls them on the runtime's blocking pool and bounds how many
//! run at once ([`RpcConfig::reads_max`](crate::RpcConfig::reads_max)), so no read ever holds a thread that consensus runs on.
//!
//! "Nothing there" is `None`, never an error. [`ReadUnavailable`] says that the node cannot answer a fair question now.

mod block;
mod call;
mod draft;
mod pool;
mod submit;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tokio::sync::{broadcast, watch};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_fvm::call::{Accessed, CallOutcome, CallRequest, EthereumCall, GasEstimate, Leash};
use tributary_fvm::trace::{TraceCallRejected, TraceRejected, TraceRequest, Traced};
use tributary_fvm::{Overrides, TracedCall};
use tributary_message::{FvmTransaction, Transaction};
use tributary_primitives::{BlsPublicKey, EthAddress, Hash32, Height, SubnetId, VotingPower};
use tributary_witness::{Parts, PartsOf};

pub use block::{BlockSummary, BlockView, Executed, Tip, TransactionPosition};
pub use call::CallRejected;
pub use draft::{Draft, Ran, SimulateRejected};
pub use pool::{PoolBounds, PoolSize, Pooled};
pub use submit::SubmitRejected;

/// The node, as the RPC sees it.
///
/// *Decided* blocks are final. A block exists here once it is decided **and** executed; until then the tip is the one before.
pub trait Backend: Send + Sync + 'static {
    /// Who this node is and what its chain agreed on. The same for as long as the process lives.
    fn identity(&self) -> &Identity;

    /// The latest block, and what the next one will cost. Called with most requests: cheap, no disk.
    fn tip(&self) -> Tip;

    /// Tells every new tip's height, of several in quick succession the last.
    fn heads(&self) -> watch::Receiver<Height>;

    /// The latest height whose checkpoint, or a later one, the parent accepted; `None` if that is not known, as on a root.
    fn finalized(&self) -> Option<Height>;

    /// The block at `height`; `None` above the tip. Height 0 is genesis: no transactions, the genesis state root.
    ///
    /// # Errors
    /// [`ReadUnavailable`], also for a block that is not kept any more.
    fn block_at(&self, height: Height) -> Result<Option<Arc<BlockView>>, ReadUnavailable>;

    /// What is known of the block at `height` without reading it, for who goes through thousands; `None` above the tip. Cost: one small read.
    ///
    /// # Errors
    /// As [`Self::block_at`].
    fn summary_at(&self, height: Height) -> Result<Option<BlockSummary>, ReadUnavailable>;

    /// The height of the block with this hash.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn height_of(&self, block: &Hash32) -> Result<Option<Height>, ReadUnavailable>;

    /// Where the transaction with this hash was executed. Where one was skipped does not count: it may have run before, or run later.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn position_of(&self, transaction: &Hash32) -> Result<Option<TransactionPosition>, ReadUnavailable>;

    /// The transaction with this hash, if it waits in the mempool.
    fn pending_transaction(&self, transaction: &Hash32) -> Option<Transaction>;

    /// Tells the hash of every Ethereum transaction that begins to wait in the mempool, whoever brought it. Who listens too slowly misses the
    /// oldest, and is told so.
    fn arrivals(&self) -> broadcast::Receiver<Hash32>;

    /// The nonce after `next` and all of the sender's transactions that wait in the mempool without a gap from there.
    fn pending_nonce(&self, sender: &Address, next: u64) -> u64;

    /// How many transactions wait in the mempool, as far as it knows their senders' nonces.
    fn pool_size(&self) -> PoolSize;

    /// The Ethereum transactions that wait, of `sender` by nonce or of everyone as they came, until one would not fit the bounds: one sender's
    /// after the other's, each in nonce order.
    fn pooled(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Pooled>;

    /// The FVM messages that wait, in the same order and bounds.
    fn pooled_messages(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Arc<FvmTransaction>>;

    /// The state after the block at `height`; calls on it run in that block, after its last transaction. The caller asks for heights up to
    /// the tip only.
    ///
    /// # Errors
    /// [`ReadUnavailable::StateNotKept`] for a state that was pruned.
    fn state_at(&self, height: Height) -> Result<Box<dyn StateView + '_>, ReadUnavailable>;

    /// The state after the latest block; calls on it run in the block that comes next, as far as that is known.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn pending_state(&self) -> Result<Box<dyn StateView + '_>, ReadUnavailable>;

    /// Runs transactions of the block at `height` again, in order on the state before it, and says what happened in those at
    /// `positions`. The caller asks for transactions that are there. Takes as long as the request's limits allow.
    ///
    /// # Errors
    /// [`ReadUnavailable`], also for a block or a state before it that is not kept any more; inner [`TraceRejected`] above a limit of
    /// the request.
    fn replay(
        &self,
        height: Height,
        positions: Range<usize>,
        request: &TraceRequest,
    ) -> Result<Result<Vec<Traced>, TraceRejected>, ReadUnavailable>;

    /// Puts transactions as they travel into the mempool and tells the peers. Returns once they wait, not once they ran.
    ///
    /// What became of each stands at its position: its hash, or [`SubmitRejected`] and nothing of it is kept. Blocks the thread.
    fn submit(&self, raw: Vec<Vec<u8>>) -> Vec<Result<Hash32, SubmitRejected>>;

    /// How far behind the node knows itself to be; `None` when it follows the chain.
    fn syncing(&self) -> Option<SyncProgress>;

    /// How many peers are connected.
    fn peers(&self) -> u64;

    /// Who votes at `height`, up to the height after the tip.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn validators_at(&self, height: Height) -> Result<Option<ValidatorsView>, ReadUnavailable>;

    /// The certificate with the greatest height.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn latest_certificate(&self) -> Result<Option<CheckpointCertificate>, ReadUnavailable>;

    /// Certificates of heights `from` and above, ascending, at most `limit` of them.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn certificates(&self, from: Height, limit: usize) -> Result<Vec<CheckpointCertificate>, ReadUnavailable>;

    /// The answer to `question` about the state that `checkpoint`, which is certified here, names, and the witness for it.
    ///
    /// # Errors
    /// [`ProveRejected`].
    fn prove(&self, checkpoint: &Checkpoint, question: &PartsOf) -> Result<Witnessed, ProveRejected>;
}

/// Parts of a state, and the witness that they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Witnessed {
    /// The parts.
    pub parts: Parts,
    /// The blocks from the state root to all of them, CARv1.
    pub witness: Vec<u8>,
}

/// Why there is no witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveRejected {
    /// More blocks, or bytes, than any witness may have.
    #[error("the answer takes more blocks or bytes than a witness may have; ask for less")]
    TooLong,
    /// The way leads through a block that cannot be read as IPLD. Actors may write such.
    #[error("the way to the answer cannot be read: {0}")]
    Unreadable(String),
    /// The state is not here any more, or the node cannot read it.
    #[error(transparent)]
    Unavailable(#[from] ReadUnavailable),
}

/// The state after one block.
///
/// Calls run as a transaction on this state, where it and the block may be otherwise as far as the caller wants it, and are then forgotten.
/// Their gas limit is always set, and is at most what the server's configuration allows one call; their leash is cut once
/// they, with all their runs, took the time that it allows.
pub trait StateView {
    /// The actor at any kind of address.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn actor(&self, address: &Address) -> Result<Option<ActorView>, ReadUnavailable>;

    /// Parts of this state, and the witness that they are.
    ///
    /// # Errors
    /// [`ProveRejected`].
    fn parts(&self, question: &PartsOf) -> Result<Witnessed, ProveRejected>;

    /// The code that `EXTCODECOPY` would give: a contract's, EIP-7702's designator, or nothing.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn eth_code(&self, address: &EthAddress) -> Result<Vec<u8>, ReadUnavailable>;

    /// The nonce as Ethereum counts: of a contract its own, of anyone else the actor's. Zero for nobody.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn eth_nonce(&self, address: &EthAddress) -> Result<u64, ReadUnavailable>;

    /// A contract's storage slot, big-endian both; zero where nothing was stored.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn eth_storage(&self, address: &EthAddress, slot: &[u8; 32]) -> Result<[u8; 32], ReadUnavailable>;

    /// What a call would do.
    ///
    /// # Errors
    /// [`CallRejected`]; what the call itself does wrong is in its outcome.
    fn call(&self, request: &CallRequest, overrides: &Overrides, leash: &Leash) -> Result<CallOutcome, CallRejected>;

    /// What a call would do, and what would happen in it: nothing if its gas does not let it begin.
    ///
    /// # Errors
    /// [`ReadUnavailable`]; inner [`TraceCallRejected`] above a limit of the request, or when there is no such state.
    fn trace_call(
        &self,
        call: &CallRequest,
        overrides: &Overrides,
        request: &TraceRequest,
    ) -> Result<Result<TracedCall, TraceCallRejected>, ReadUnavailable>;

    /// The gas a transaction needs to do what the call does; at most the call's own limit.
    ///
    /// # Errors
    /// [`CallRejected`].
    fn estimate_gas(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<GasEstimate, CallRejected>;

    /// What a call reaches, so that a transaction may pay for it ahead (EIP-2930). What the call's own list names stays in it.
    ///
    /// # Errors
    /// [`CallRejected`].
    fn access_list(
        &self,
        request: &EthereumCall,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<Accessed, CallRejected>;

    /// This state, to run blocks on that are forgotten.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn draft(&self) -> Result<Box<dyn Draft<'_> + '_>, ReadUnavailable>;
}

/// Who a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Program and version, as in `subnet-node/0.1.0`.
    pub client_version: String,
    /// Where the network stands in the hierarchy.
    pub subnet: SubnetId,
    /// Tendermint's chain id, as in `river-1`: what headers and votes name.
    pub chain_name: String,
    /// Ethereum's chain id, as in EIP-155.
    pub chain_id: u64,
    /// CID of the genesis document.
    pub genesis: cid::Cid,
    /// What genesis fixed.
    pub parameters: ChainParameters,
}

/// Numbers that all nodes of a chain share and that a caller may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainParameters {
    /// Gas of a whole block.
    pub block_gas_limit: u64,
    /// Least base fee there can be, attoTRB per unit of block gas.
    pub base_fee_min: u64,
    /// FVM gas that weighs as much as one unit of block gas. At least 1.
    pub fvm_gas_per_gas: u64,
    /// Blocks from one checkpoint to the next; 0 on a network that cuts none.
    pub checkpoint_period: u64,
}

/// How far a node that fell behind has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncProgress {
    /// Where it started.
    pub starting: Height,
    /// Where it is.
    pub current: Height,
    /// The greatest height that a peer told of.
    pub highest: Height,
}

/// An actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorView {
    /// Its id: f0.
    pub id: ActorID,
    /// What code it runs.
    pub code: cid::Cid,
    /// Root of its state.
    pub state: cid::Cid,
    /// Messages it sent, or the next nonce.
    pub nonce: u64,
    /// In attoTRB.
    pub balance: TokenAmount,
    /// Its f4 address, if it has one.
    pub delegated: Option<Address>,
}

/// The validators of one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorsView {
    /// The number by which checkpoints name this set.
    pub configuration: ConfigurationNumber,
    /// In the order of the certificates' bitmap; at most `VALIDATORS_MAX`.
    pub validators: Vec<ValidatorView>,
}

/// A validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidatorView {
    /// Signs votes: ed25519.
    pub consensus_key: [u8; 32],
    /// Signs checkpoints.
    pub checkpoint_key: BlsPublicKey,
    /// Gets the tips of the blocks it proposes.
    pub reward_address: EthAddress,
    /// Weight of its vote.
    pub power: VotingPower,
}

/// The node cannot answer this now; the same question may be answered later, or by another node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadUnavailable {
    /// The state was pruned.
    #[error("the state after block {height} is not kept on this node; from block {oldest} on, every one is")]
    StateNotKept {
        /// The height asked for.
        height: Height,
        /// The oldest height from which on there is the state after each.
        oldest: Height,
    },
    /// The block was pruned, or was never here since the node joined later.
    #[error("block {height} is not kept on this node; the oldest kept is block {oldest}")]
    BlockNotKept {
        /// The height asked for.
        height: Height,
        /// The oldest height with a block.
        oldest: Height,
    },
    /// The state is made from the blocks around it, and that, or the wait for others, takes longer than a call may.
    #[error("the state after block {height} takes more than {} ms to make; ask again, or for a later block", .patience.as_millis())]
    StateNotMade {
        /// The height asked for.
        height: Height,
        /// What it was waited for.
        patience: Duration,
    },
    /// The node is on its way down.
    #[error("the node is stopping; ask another one")]
    Stopping,
    /// The machine did not give what the answer takes, memory most likely. Nothing is broken.
    #[error("the machine refused memory, or a thread, that the answer takes: {0}; ask again later, or another node")]
    Refused(String),
    /// The node's own disk or rules; the node logs the cause and stops by itself. Callers are told no more than this.
    #[error("the node cannot read its own data; its log says why")]
    Broken,
}
