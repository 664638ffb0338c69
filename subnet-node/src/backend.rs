//! What the RPC asks, answered from the ledger, the pool and the certificates.
//!
//! | module | is |
//! |---|---|
//! | here | the node's answers |
//! | `past` | what past blocks left: heads, trees, transactions |
//! | `state` | the state after one block, read and run on |

mod past;
mod state;

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fvm_shared::address::Address;
use tokio::sync::{broadcast, watch};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_fvm::{TraceRejected, TraceRequest, Traced};
use tributary_message::{FvmTransaction, Transaction};
use tributary_primitives::{Hash32, Height};
use tributary_rpc::backend::{
    BlockSummary, BlockView, ChainParameters, Executed, Identity, PoolBounds, PoolSize, Pooled, ProveRejected,
    SyncProgress, Tip, TransactionPosition, ValidatorView, ValidatorsView, Witnessed,
};
use tributary_rpc::{Backend, ReadUnavailable, StateView, SubmitRejected};
use tributary_store::Family;
use tributary_witness::PartsOf;

use crate::facts::ChainFacts;
use crate::halt::Halt;
use crate::ledger::record::Record;
use crate::ledger::{Ledger, LedgerFatal};
use crate::parent::Acceptance;
use crate::pool::Pool;
use crate::status::Status;
use state::Vantage;

/// This node, as the RPC sees it.
pub struct NodeBackend {
    identity: Identity,
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    status: Arc<Status>,
    acceptance: Acceptance,
    /// How long a state is waited for that is to be made.
    patience: Duration,
    halt: Halt,
}

impl NodeBackend {
    /// Answers from these. Who asks for a past state that is to be made waits for it as long as `patience`.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        pool: Arc<Pool>,
        status: Arc<Status>,
        acceptance: Acceptance,
        patience: Duration,
        halt: Halt,
    ) -> Self {
        Self { identity: identity_of(ledger.facts()), ledger, pool, status, acceptance, patience, halt }
    }

    /// The node stops, and its last line is the cause; a caller learns only that this node is broken.
    fn broken<E: Error + Send + Sync + 'static>(&self) -> impl Fn(E) -> ReadUnavailable {
        |why| {
            self.halt.because(why);
            ReadUnavailable::Broken
        }
    }

    /// Refuses a block that is not kept; the base has its record always. Asked after a read: what is kept then was there whole.
    fn check_block(&self, height: Height) -> Result<(), ReadUnavailable> {
        let store = self.ledger.store();
        let (oldest, base) = (store.kept().map_err(self.broken())?.blocks, store.base().map_err(self.broken())?);
        if height >= oldest || Some(height) == base {
            return Ok(());
        }
        Err(ReadUnavailable::BlockNotKept { height, oldest })
    }

    /// Refuses a state that is not kept.
    fn check_state(&self, height: Height) -> Result<(), ReadUnavailable> {
        let store = self.ledger.store();
        if store.keeps_state(height).map_err(self.broken())? {
            return Ok(());
        }
        Err(ReadUnavailable::StateNotKept { height, oldest: store.kept().map_err(self.broken())?.states })
    }

    /// The state after the block at `height` cannot be read: since it went meanwhile, or because this node is broken.
    fn unreadable<E: Error + Send + Sync + 'static>(&self, height: Height) -> impl Fn(E) -> ReadUnavailable {
        move |why| self.check_state(height).err().unwrap_or_else(|| self.broken()(why))
    }

    /// What the machine lacks for an answer refuses that one; else as [`Self::unreadable`].
    fn unanswered<E: Into<LedgerFatal>>(&self, height: Height) -> impl Fn(E) -> ReadUnavailable {
        move |why| {
            let why = why.into();
            let refused = why.refused_by_the_machine().map(str::to_owned);
            refused.map_or_else(|| self.unreadable(height)(why), ReadUnavailable::Refused)
        }
    }

    fn view(&self, height: Height) -> Result<Option<BlockView>, LedgerFatal> {
        let Some(record) = self.ledger.record_at(height)? else { return Ok(None) };
        let facts = self.ledger.facts();
        let view = BlockView {
            height,
            hash: facts.genesis_hash(),
            parent_hash: Hash32::default(),
            time_ns: record.time_ns,
            proposer: record.proposer,
            prev_randao: record.randomness,
            state_root: record.state_root,
            transactions_root: Hash32::default(),
            receipts_root: record.receipts_root,
            base_fee: record.base_fee,
            gas_limit: facts.parameters.block_gas_limit,
            gas_used: record.gas_used,
            bytes: 0,
            transactions: Vec::new(),
        };
        let (Some((bytes, block)), Some(certificate), Some(receipts)) =
            (self.ledger.block_at(height)?, self.ledger.certificate_at(height)?, self.ledger.receipts_at(height)?)
        else {
            return Ok(Some(view));
        };
        let hash = |hash: Option<tributary_chain::tendermint::Hash>| {
            Hash32(hash.and_then(|hash| hash.as_bytes().try_into().ok()).unwrap_or_default())
        };
        let parent = block.header.last_block_id.map(|id| id.hash);
        let executed = block.transactions.into_iter().zip(receipts).map(|(raw, receipt)| Executed { raw, receipt });
        Ok(Some(BlockView {
            hash: certificate.block.hash,
            parent_hash: parent.map_or(facts.genesis_hash(), |parent| hash(Some(parent))),
            transactions_root: hash(block.header.data_hash),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            transactions: executed.collect(),
            ..view
        }))
    }
}

fn identity_of(facts: &ChainFacts) -> Identity {
    Identity {
        client_version: concat!("subnet-node/", env!("CARGO_PKG_VERSION")).to_owned(),
        subnet: facts.subnet.clone(),
        chain_name: facts.rules.chain_id.as_str().to_owned(),
        chain_id: facts.chain_id,
        genesis: facts.genesis_id,
        parameters: ChainParameters {
            block_gas_limit: facts.parameters.block_gas_limit,
            base_fee_min: facts.parameters.base_fee_min,
            fvm_gas_per_gas: facts.parameters.fvm_gas_per_gas,
            checkpoint_period: facts.checkpoint_period().unwrap_or(0),
        },
    }
}

impl Backend for NodeBackend {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn tip(&self) -> Tip {
        let head = self.ledger.head();
        Tip {
            height: head.height,
            hash: head.hash,
            time_ns: head.record.time_ns,
            gas_used: head.record.gas_used,
            gas_limit: self.ledger.facts().parameters.block_gas_limit,
            base_fee: head.record.base_fee,
            next_base_fee: head.record.next_base_fee,
        }
    }

    fn heads(&self) -> watch::Receiver<Height> {
        self.ledger.heads()
    }

    fn finalized(&self) -> Option<Height> {
        self.acceptance.height()
    }

    fn block_at(&self, height: Height) -> Result<Option<Arc<BlockView>>, ReadUnavailable> {
        if height > self.ledger.head().height {
            return Ok(None);
        }
        let view = self.view(height).map_err(self.broken())?.map(Arc::new);
        self.check_block(height)?;
        Ok(view)
    }

    fn summary_at(&self, height: Height) -> Result<Option<BlockSummary>, ReadUnavailable> {
        if height > self.ledger.head().height {
            return Ok(None);
        }
        let record = self.ledger.record_at(height).map_err(self.broken())?;
        self.check_block(height)?;
        Ok(record.map(|Record { base_fee, gas_used, logs_bloom, .. }| BlockSummary {
            base_fee,
            gas_limit: self.ledger.facts().parameters.block_gas_limit,
            gas_used,
            logs_bloom,
        }))
    }

    fn height_of(&self, block: &Hash32) -> Result<Option<Height>, ReadUnavailable> {
        let height = self.ledger.store().height_of(block).map_err(self.broken())?;
        Ok(height.filter(|height| self.check_block(*height).is_ok()))
    }

    fn position_of(&self, transaction: &Hash32) -> Result<Option<TransactionPosition>, ReadUnavailable> {
        let Some(place) = self.ledger.store().transaction(transaction).map_err(self.broken())? else { return Ok(None) };
        // The batch with the index is on disk an instant before the head moves: what is not executed for readers is not there.
        let visible = place.height <= self.ledger.head().height && self.check_block(place.height).is_ok();
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        Ok(visible.then_some(TransactionPosition { height: place.height, index }))
    }

    fn pending_transaction(&self, transaction: &Hash32) -> Option<Transaction> {
        self.pool.get(transaction)
    }

    fn arrivals(&self) -> broadcast::Receiver<Hash32> {
        self.pool.arrivals()
    }

    fn pending_nonce(&self, sender: &Address, next: u64) -> u64 {
        self.pool.pending_nonce(sender, next)
    }

    fn pool_size(&self) -> PoolSize {
        self.pool.counts()
    }

    fn pooled(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Pooled> {
        self.pool.pooled(sender, bounds)
    }

    fn pooled_messages(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Arc<FvmTransaction>> {
        self.pool.pooled_messages(sender, bounds)
    }

    fn state_at(&self, height: Height) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        let head = self.ledger.head();
        let head = if height == head.height { head } else { self.head_at(height)? };
        Ok(Box::new(self.state_after(head, Vantage::Own)?))
    }

    fn pending_state(&self) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        Ok(Box::new(self.state_after(self.ledger.head(), Vantage::Next)?))
    }

    fn replay(
        &self,
        height: Height,
        positions: Range<usize>,
        request: &TraceRequest,
    ) -> Result<Result<Vec<Traced>, TraceRejected>, ReadUnavailable> {
        let (block, transactions) = self.past_block(height)?;
        // Genesis has no transactions, so nobody asks for what is before it.
        let before = height.previous().unwrap_or(Height::GENESIS);
        let parent = self.head_at(before)?;
        let (env, executor) = (self.ledger.env(&parent, &block.header), self.ledger.executor());
        let replay = |state| executor.replay(state, &env, &transactions, positions.clone(), request);
        if parent.leaves.is_some() {
            let state = self.ledger.open_state(&parent).map_err(self.unreadable(before))?;
            match replay(state) {
                Ok(replayed) => return Ok(replayed),
                // A block may look further than leaves lead, at all that a contract held. Whatever else it was is met again below.
                Err(why) => tracing::debug!(%height, %why, "the block is run again by trees"),
            }
        }
        let root = &parent.record.state_root;
        let state = executor.open(&self.trees(before, root)?, root).map_err(self.unreadable(before))?;
        replay(state).map_err(self.unanswered(before))
    }

    fn submit(&self, raw: Vec<Vec<u8>>) -> Vec<Result<Hash32, SubmitRejected>> {
        let count = raw.len();
        self.pool.submit(raw).unwrap_or_else(|why| {
            let broken = SubmitRejected::Unavailable(self.broken()(why));
            vec![Err(broken); count]
        })
    }

    fn syncing(&self) -> Option<SyncProgress> {
        self.status.syncing()
    }

    fn peers(&self) -> u64 {
        self.status.peers()
    }

    fn validators_at(&self, height: Height) -> Result<Option<ValidatorsView>, ReadUnavailable> {
        if height > self.ledger.head().height.next() {
            return Ok(None);
        }
        let view = |validator: &tributary_genesis::GenesisValidator| ValidatorView {
            consensus_key: validator.consensus_key.0,
            checkpoint_key: validator.bls_key,
            reward_address: validator.tip_address(),
            power: validator.power,
        };
        let validators = self.ledger.facts().registered.iter().map(view).collect();
        Ok(Some(ValidatorsView { configuration: ConfigurationNumber::FIRST, validators }))
    }

    fn latest_certificate(&self) -> Result<Option<CheckpointCertificate>, ReadUnavailable> {
        let height = self.ledger.head().height;
        let latest = self.ledger.store().latest_checkpoint(height).map_err(self.broken())?;
        latest.map(|(height, bytes)| self.read_certificate(height, &bytes)).transpose()
    }

    fn certificates(&self, from: Height, limit: usize) -> Result<Vec<CheckpointCertificate>, ReadUnavailable> {
        let heights = from..self.ledger.head().height.next();
        let entries = self.ledger.store().range(Family::Checkpoints, heights, limit).map_err(self.broken())?;
        entries.into_iter().map(|(height, bytes)| self.read_certificate(height, &bytes)).collect()
    }

    fn prove(&self, checkpoint: &Checkpoint, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        self.witnessed(checkpoint.height, &checkpoint.state_root, question)
    }
}

impl NodeBackend {
    fn read_certificate(&self, height: Height, bytes: &[u8]) -> Result<CheckpointCertificate, ReadUnavailable> {
        let damaged = |why: fvm_ipld_encoding::Error| LedgerFatal::Damaged {
            what: "the checkpoint certificate",
            height,
            why: why.to_string(),
        };
        fvm_ipld_encoding::from_slice(bytes).map_err(damaged).map_err(self.broken())
    }
}
