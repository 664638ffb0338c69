//! A chain in memory that answers the RPC. Blocks are made when a test says so.
//!
//! | module | is |
//! |---|---|
//! | here | the chain, and what a test does to it |
//! | `backend` | the chain as the RPC sees it |
//! | `snapshot` | a state of it, in which calls run, and blocks that are forgotten |

mod backend;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use cid::Cid;
use fvm_shared::address::Address;
use tokio::sync::{broadcast, watch};
use tributary_checkpoint::CheckpointCertificate;
use tributary_fvm::Overrides;
use tributary_fvm::call::SignedAuthorization;
use tributary_fvm::fees::next_base_fee;
use tributary_fvm::simulation::SimulatedBlock;
use tributary_fvm::state::MemoryStore;
use tributary_message::Transaction;
use tributary_primitives::{EthAddress, Hash32, Height, SubnetId, cbor_cid};
use tributary_rpc::backend::{BlockView, ChainParameters, Executed, Identity, ReadUnavailable, SyncProgress};

use crate::machine::{FVM_GAS_PER_GAS, State, first_state, run};

pub const CHAIN_ID: u64 = 31_415;
pub const BLOCK_GAS_LIMIT: u64 = 30_000_000;
pub const BASE_FEE_MIN: u64 = 1_000;
/// When the chain began: 2023-11-14, half a second past a whole one.
const GENESIS_NS: u64 = 1_700_000_000_500_000_000;

/// A path to what takes a larger witness than is sent.
pub const TOO_LARGE: &str = "too/large";

/// Gas that comes back to every simulated call.
pub const REFUND: u64 = 4_800;

/// Arrivals that are remembered.
pub const ARRIVALS_KEPT: usize = 8;

pub struct Ledger {
    identity: Identity,
    heads: watch::Sender<Height>,
    arrivals: broadcast::Sender<Hash32>,
    inner: Mutex<Inner>,
}

struct Inner {
    blocks: Vec<Arc<BlockView>>,
    states: Vec<State>,
    waiting: Vec<Transaction>,
    certificates: Vec<CheckpointCertificate>,
    /// Of every checkpoint, and of the states that were given a root.
    trees: MemoryStore,
    /// Of states whose parts can be read.
    roots: BTreeMap<Height, Cid>,
    finalized: Option<Height>,
    oldest_state: Height,
    oldest_block: Height,
    /// Blocks that were read since this was last asked.
    read: Vec<Height>,
    /// Transactions that were looked for among those that wait, since this was last asked.
    looked_for: Vec<Hash32>,
    syncing: Option<SyncProgress>,
    /// What the last call was to find otherwise.
    overrides: Overrides,
    /// The block that it ran in.
    called_in: Height,
    /// What the last call's accounts let others do.
    authorizations: Vec<SignedAuthorization>,
    /// Blocks that were simulated, all of them.
    simulated: Vec<SimulatedBlock>,
    /// Whether transactions end differently when they are run again.
    forgets: bool,
}

impl Ledger {
    /// A subnet at genesis where each of `rich` has 1,000 tokens.
    pub fn new(rich: &[Address]) -> Self {
        Self::of(SubnetId::root(CHAIN_ID).child(100).unwrap(), rich)
    }

    /// The same with another place in the hierarchy.
    pub fn of(subnet: SubnetId, rich: &[Address]) -> Self {
        let parameters = ChainParameters {
            block_gas_limit: BLOCK_GAS_LIMIT,
            base_fee_min: BASE_FEE_MIN,
            fvm_gas_per_gas: FVM_GAS_PER_GAS,
            checkpoint_period: 2,
        };
        let identity = Identity {
            client_version: "subnet-node/test".to_owned(),
            subnet,
            chain_name: "ledger-1".to_owned(),
            chain_id: CHAIN_ID,
            genesis: cbor_cid(b"genesis"),
            parameters,
        };
        let inner = Inner {
            blocks: vec![Arc::new(block(Height::GENESIS, Hash32::default(), BASE_FEE_MIN, vec![]))],
            states: vec![first_state(rich)],
            waiting: vec![],
            certificates: vec![],
            trees: MemoryStore::default(),
            roots: BTreeMap::new(),
            finalized: None,
            oldest_state: Height::GENESIS,
            oldest_block: Height::GENESIS,
            read: vec![],
            looked_for: vec![],
            syncing: None,
            overrides: Overrides::default(),
            called_in: Height::GENESIS,
            authorizations: vec![],
            simulated: vec![],
            forgets: false,
        };
        let (heads, arrivals) = (watch::Sender::new(Height::GENESIS), broadcast::Sender::new(ARRIVALS_KEPT));
        Self { identity, heads, arrivals, inner: Mutex::new(inner) }
    }

    /// Makes a block of everything that waits and returns its hash.
    pub fn make_block(&self) -> Hash32 {
        let mut inner = self.lock();
        let (parent, mut state) = (Arc::clone(inner.blocks.last().unwrap()), inner.states.last().unwrap().clone());
        let base_fee = fee_after(&parent);
        let executed = std::mem::take(&mut inner.waiting).into_iter().map(|transaction| Executed {
            raw: transaction.raw().to_vec(),
            receipt: run(&mut state, &transaction, base_fee),
        });
        let made = block(parent.height.next(), parent.hash, base_fee, executed.collect());
        let (hash, height) = (made.hash, made.height);
        inner.blocks.push(Arc::new(made));
        inner.states.push(state);
        self.heads.send_replace(height);
        hash
    }

    /// What the last call was to find otherwise.
    pub fn overrides(&self) -> Overrides {
        self.lock().overrides.clone()
    }

    /// The height of the block that the last call ran in.
    pub fn called_in(&self) -> u64 {
        self.lock().called_in.0
    }

    /// What the last Ethereum call brought.
    pub fn authorizations(&self) -> Vec<SignedAuthorization> {
        self.lock().authorizations.clone()
    }

    /// Blocks that were simulated since this was last asked.
    pub fn simulated(&self) -> Vec<SimulatedBlock> {
        std::mem::take(&mut self.lock().simulated)
    }

    /// Heights of the blocks that were read since this was last asked, in order.
    pub fn blocks_read(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().read).into_iter().map(|height| height.0).collect()
    }

    /// Transactions that were looked for among those that wait, since this was last asked, in order.
    pub fn looked_for(&self) -> Vec<Hash32> {
        std::mem::take(&mut self.lock().looked_for)
    }

    /// Returns once so many wait for blocks.
    pub async fn listened_to_by(&self, count: usize) {
        while self.heads.receiver_count() < count {
            tokio::task::yield_now().await;
        }
    }

    /// How many transactions wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub fn certify(&self, certificate: CheckpointCertificate) {
        self.lock().certificates.push(certificate);
    }

    /// What checkpoints are proven by from now on.
    pub fn keep_trees(&self, trees: MemoryStore) {
        self.lock().trees = trees;
    }

    /// What the parts of the state after the block at `height` are read by from now on.
    pub fn root_at(&self, height: u64, root: Cid) {
        self.lock().roots.insert(Height(height), root);
    }

    pub fn finalize(&self, height: u64) {
        self.lock().finalized = Some(Height(height));
    }

    pub fn prune_states_below(&self, height: u64) {
        self.lock().oldest_state = Height(height);
    }

    pub fn prune_blocks_below(&self, height: u64) {
        self.lock().oldest_block = Height(height);
    }

    pub fn fall_behind(&self, progress: SyncProgress) {
        self.lock().syncing = Some(progress);
    }

    pub fn forget_how_transactions_ended(&self) {
        self.lock().forgets = true;
    }

    pub fn catch_up(&self) {
        self.lock().syncing = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

impl Inner {
    fn block_at(&self, height: Height) -> Result<Option<Arc<BlockView>>, ReadUnavailable> {
        if height < self.oldest_block {
            return Err(ReadUnavailable::BlockNotKept { height, oldest: self.oldest_block });
        }
        Ok(self.blocks.iter().find(|block| block.height == height).cloned())
    }
}

fn fee_after(block: &BlockView) -> u64 {
    next_base_fee(block.base_fee, block.gas_used, block.gas_limit, BASE_FEE_MIN)
}

fn block(height: Height, parent_hash: Hash32, base_fee: u64, transactions: Vec<Executed>) -> BlockView {
    let seal = cbor_cid(&[&height.0.to_be_bytes()[..], &parent_hash.0].concat());
    BlockView {
        height,
        hash: Hash32(seal.hash().digest().try_into().unwrap()),
        parent_hash,
        time_ns: GENESIS_NS + height.0 * 400_000_000,
        proposer: EthAddress([0xbb; 20]),
        prev_randao: Hash32([0x44; 32]),
        state_root: cbor_cid(&height.0.to_be_bytes()),
        transactions_root: Hash32([0x11; 32]),
        receipts_root: Hash32([0x22; 32]),
        base_fee,
        gas_limit: BLOCK_GAS_LIMIT,
        gas_used: transactions.iter().map(|executed| executed.receipt.gas_used).sum(),
        bytes: 500,
        transactions,
    }
}
