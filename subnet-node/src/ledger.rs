//! The chain on this node: what was decided, executed and is on disk, and the head everyone else reads.
//!
//! ```text
//!     proposal ─▶ execute ─▶ settle ──┐       while votes travel, and beside the next height
//!                 (executor) (root)   ▼
//! certificate ──▶ decision ─────▶ record ─▶ one atomic batch ─▶ new head
//!               (store, fsync)              (store)         │   (seen by mempool, RPC, proposer)
//!                                                           └─▶ now and then: new nodes of the trees, written beside the chain
//! ```
//!
//! Consensus waits for the decision alone. The commit that follows is owed: a node that is killed in between executes the block again.
//!
//! | of the state | on disk | serves |
//! |---|---|---|
//! | its leaves | with each block | look-ups at the chain's end, one read each |
//! | what a block changed | with each block | trees that are not on disk, after a crash or for a past block |
//! | its trees | soon after every so many blocks and after checkpoints, and at a stop | the root, proofs, past blocks |
//!
//! How much of the past is kept is [`crate::history`]'s.
//!
//! Only [`Ledger::commit`] moves the head, and only [`crate::committer`] calls it. Everybody else takes the head as it is: an immutable value.

mod genesis;
pub mod past;
pub mod record;
mod stage;
pub(crate) mod stored;
pub mod trees;

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use cid::Cid;
use fvm_shared::address::Address;
use tokio::sync::watch;
use tributary_chain::tendermint::block::Header;
use tributary_chain::{
    AppState, Block, BlockTime, CommitCertificate, Expected, LastBlock, TransactionResult, ValidatorAddress,
    results_hash,
};
use tributary_checkpoint::Checkpoint;
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_fvm::fees::{circulating_supply, next_base_fee};
use tributary_fvm::state::FlatState;
use tributary_fvm::{
    BlockEnv, BlockOutcome, BlockRun, Executor, ExecutorFatal, ReadState, Receipt, State, StateFatal, StateTree, Stats,
    Workers, receipts_root,
};
use tributary_genesis::SealedGenesis;
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};
use tributary_replica::mempool::SenderState;
use tributary_rpc::logs_bloom;
use tributary_store::{BlockCommit, Decision, Snapshot, Store, StoreFatal};

use crate::facts::ChainFacts;
use genesis::commit_genesis;
use past::{PastStates, Then};
use record::{Record, decode_certificate, encode_certificate, encode_receipts};
use stage::{Ran, Stage, Task};
use stored::{load_head, read_certificate, read_receipts, read_record};
use trees::{TreeWriter, Trees};

/// The chain's end as this node knows it.
#[derive(Clone, Debug)]
pub struct Head {
    /// Height of the last block; 0 before the first.
    pub height: Height,
    /// Its hash; the genesis hash before the first.
    pub hash: Hash32,
    /// What is known after it.
    pub record: Record,
    /// Who decided it; `None` before the first.
    pub certificate: Option<CommitCertificate>,
    /// The state's leaves after it; `None` for a block that was not the last any more when this was made.
    pub leaves: Option<Snapshot>,
}

/// A block that was executed and is on disk.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The head that it made.
    pub head: Arc<Head>,
    /// Root of the state that it ran on.
    pub parent_root: Cid,
    /// What it ran in.
    pub env: BlockEnv,
    /// What came out.
    pub outcome: BlockOutcome,
    /// The threads it ran on.
    pub workers: Workers,
    /// What that brought.
    pub stats: Stats,
    /// How long it took to run and to write, without what it waited for in between.
    pub took: Duration,
}

/// This node cannot go on: its disk, or a rule of our own, is broken.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFatal {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFatal),
    /// The executor.
    #[error(transparent)]
    Executor(#[from] ExecutorFatal),
    /// The executor, at a block.
    #[error("block {height} cannot be executed")]
    Execution {
        /// The block.
        height: Height,
        /// Why.
        source: Box<ExecutorFatal>,
    },
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateFatal),
    /// What is written beside the chain cannot be.
    #[error("the trees of the state cannot be written")]
    Trees(#[source] Arc<StoreFatal>),
    /// What writes it is gone, by a defect that it told of itself.
    #[error("the thread that writes the trees of the state ended by itself")]
    NoTrees,
    /// There is no thread to write it on.
    #[error("no thread to write the trees of the state on: {0}")]
    Thread(io::Error),
    /// Genesis gives no state, though it was verified.
    #[error("the genesis state cannot be built: {0}")]
    Genesis(String),
    /// Bytes that this node wrote do not read back.
    #[error(
        "the data directory is damaged: {what} of height {height} does not read back ({why}); restore it from a backup, or remove it and let the node sync again"
    )]
    Damaged {
        /// Which.
        what: &'static str,
        /// Of which height.
        height: Height,
        /// What the decoder said.
        why: String,
    },
}

/// The chain on this node.
pub struct Ledger {
    facts: Arc<ChainFacts>,
    store: Arc<Store>,
    past: Arc<PastStates>,
    stage: Stage,
    head: RwLock<Arc<Head>>,
    /// The head's height, for who waits for the next.
    heads: watch::Sender<Height>,
    /// Held while a block is committed.
    commits: Mutex<()>,
    trees: TreeWriter,
}

/// Nonces and balances after a block.
pub struct Senders(Box<dyn ReadState + Send + Sync>);

impl Ledger {
    /// Opens the chain: from its last block, or from genesis when the store is new.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn open(
        facts: Arc<ChainFacts>,
        store: Store,
        executor: Executor,
        genesis: &SealedGenesis,
        trees: Trees,
    ) -> Result<Self, LedgerFatal> {
        if store.tip()?.is_none() {
            commit_genesis(&facts, &store, genesis)?;
        }
        let head = load_head(&store)?;
        trees::complete_checkpoints(&store, head.height)?;
        Ok(Self {
            facts,
            past: Arc::new(PastStates::new(store.clone())),
            stage: Stage::new(executor, store.clone(), &head)?,
            trees: TreeWriter::start(store.clone(), head.height, trees)?,
            store: Arc::new(store),
            heads: watch::Sender::new(head.height),
            head: RwLock::new(Arc::new(head)),
            commits: Mutex::new(()),
        })
    }

    /// The head as of now.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells every new head's height, of several in quick succession the last.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<Height> {
        self.heads.subscribe()
    }

    /// What never changes about the chain.
    #[must_use]
    pub const fn facts(&self) -> &Arc<ChainFacts> {
        &self.facts
    }

    /// Blocks, receipts and state on disk.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// States of past blocks.
    #[must_use]
    pub const fn past(&self) -> &Arc<PastStates> {
        &self.past
    }

    /// Runs calls that change nothing.
    #[must_use]
    pub const fn executor(&self) -> &Executor {
        self.stage.executor()
    }

    /// What the block after `head` must hold.
    #[must_use]
    pub fn expected_after(&self, head: &Head) -> Expected {
        let validators = self.facts.validators.clone();
        let last = |certificate: &CommitCertificate| LastBlock {
            reference: certificate.block,
            validators: validators.clone(),
        };
        Expected {
            height: head.height.next(),
            last: head.certificate.as_ref().map(last),
            next_validators: validators.clone(),
            app_hash: head.record.app_state().app_hash(),
            last_results_hash: head.record.results_hash,
            validators,
        }
    }

    /// The environment of a block with `header` on top of `head`.
    #[must_use]
    pub fn env(&self, head: &Head, header: &Header) -> BlockEnv {
        let proposer = ValidatorAddress::from(header.proposer_address);
        self.env_of(head, time_of(header), &proposer, randomness_of(header))
    }

    /// The environment that the transactions of `head`'s own block found, whose `state` is the one after it.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn own_env(&self, head: &Head, state: &dyn ReadState) -> Result<BlockEnv, LedgerFatal> {
        let record = &head.record;
        Ok(BlockEnv {
            height: head.height,
            timestamp_s: BlockTime::from_unix_nanos(record.time_ns).unix_seconds(),
            proposer: record.proposer,
            base_fee: record.base_fee,
            gas_limit: self.facts.parameters.block_gas_limit,
            chain_id: self.facts.chain_id,
            // The block before may not be kept; the state is, and has its hash.
            previous_hash: head.height.previous().map_or(Ok(Hash32::default()), |before| state.block_hash(before))?,
            prev_randao: record.randomness,
        })
    }

    /// The environment that a transaction sent now will find, as far as it is known.
    #[must_use]
    pub fn pending_env(&self, head: &Head) -> BlockEnv {
        let height = head.height.next();
        let proposer = self.facts.validators.proposer(height, 0);
        let time = BlockTime::from_unix_nanos(head.record.time_ns).after(self.facts.pacing().interval_min);
        self.env_of(head, time, &proposer, head.record.randomness)
    }

    fn env_of(&self, head: &Head, time: BlockTime, proposer: &ValidatorAddress, prev_randao: Hash32) -> BlockEnv {
        BlockEnv {
            height: head.height.next(),
            timestamp_s: time.unix_seconds(),
            proposer: self.facts.tip_address(proposer),
            base_fee: head.record.next_base_fee,
            gas_limit: self.facts.parameters.block_gas_limit,
            chain_id: self.facts.chain_id,
            previous_hash: head.hash,
            prev_randao,
        }
    }

    /// A block on top of the head may be decided: it begins to run beside everything else, if no other does.
    pub fn expect(&self, hash: Hash32, header: &Header, transactions: &Arc<[Transaction]>) {
        let head = self.head();
        if u64::from(header.height) == head.height.next().0 {
            self.stage.begin(&head, self.task(&head, hash, header, transactions));
        }
    }

    fn task(&self, head: &Head, block: Hash32, header: &Header, transactions: &Arc<[Transaction]>) -> Task {
        Task { block, env: self.env(head, header), transactions: Arc::clone(transactions) }
    }

    /// Keeps a decision, on the disk itself, whose block lies among the proposals: consensus may go on, and the commit is owed.
    ///
    /// Blocks the thread: an fsync.
    ///
    /// # Errors
    /// [`LedgerFatal`]: the node must stop.
    pub fn decide(&self, certificate: &CommitCertificate) -> Result<(), LedgerFatal> {
        let (height, block_hash) = (certificate.height, certificate.block.hash);
        Ok(self.store.decide(&Decision { height, block_hash, certificate: encode_certificate(certificate) })?)
    }

    /// The decision whose block is not committed, after a node that was killed before it was.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn owed(&self) -> Result<Option<CommitCertificate>, LedgerFatal> {
        let Some(Decision { height, certificate, .. }) = self.store.decided()? else { return Ok(None) };
        let damaged = |why| LedgerFatal::Damaged { what: "the decision", height, why };
        decode_certificate(&certificate).map(Some).map_err(damaged)
    }

    /// Executes a decided block on top of the head, unless that was begun before, and writes all it brings in one atomic batch. Trees, where
    /// they are due, are written beside the blocks that follow.
    ///
    /// Blocks the thread: what is left of the execution, and the write; an fsync too where the decision was not kept before; and where trees are due while those of two earlier blocks are on
    /// their way, until the first of them are written. `None` for a block at or below the head, which is there already: nothing happens.
    ///
    /// # Errors
    /// [`LedgerFatal`]: the node must stop. The head is what is on disk.
    pub fn commit(
        &self,
        certificate: CommitCertificate,
        block: &Block,
        bytes: &[u8],
        transactions: &Arc<[Transaction]>,
    ) -> Result<Option<Committed>, LedgerFatal> {
        let _committing = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.head();
        if certificate.height <= head.height {
            return Ok(None);
        }
        let task = self.task(&head, certificate.block.hash, &block.header, transactions);
        let Ran { mut place, run, leaves, workers, stats, took } = self.stage.finish(&head, &task)?;
        let started = Instant::now();
        let BlockRun { receipts, gas_used, cron_gas_used } = run;
        let outcome = BlockOutcome { state_root: place.root, receipts, gas_used, cron_gas_used };
        let record = self.record(&head, &task.env, block, &certificate, transactions, &outcome, &mut place.state)?;
        let ipld = place.store.take_blocks();
        let executed = (0_u32..).zip(&outcome.receipts).filter(|(_, receipt)| !receipt.skipped);
        self.store.commit_block(&BlockCommit {
            height: certificate.height,
            block_hash: certificate.block.hash,
            block: bytes,
            certificate: &encode_certificate(&certificate),
            receipts: &encode_receipts(&outcome.receipts),
            app: &record.to_cbor(),
            transactions: &executed.map(|(index, receipt)| (receipt.transaction, index)).collect::<Vec<_>>(),
            leaves: &leaves,
            ipld: &ipld,
        })?;
        let new = Arc::new(Head {
            height: certificate.height,
            hash: certificate.block.hash,
            record,
            certificate: Some(certificate),
            leaves: Some(self.store.snapshot()),
        });
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        self.heads.send_replace(new.height);
        if new.record.checkpoint.is_some() || self.trees.is_due(new.height, place.saved) {
            self.trees.write(new.height, || place.hand_over(new.height))?;
        }
        place.state.forget();
        self.stage.stand(place);
        let (parent_root, env, took) = (head.record.state_root, task.env, took + started.elapsed());
        Ok(Some(Committed { head: new, parent_root, env, outcome, workers, stats, took }))
    }

    /// Writes the trees of the last block's state, after those that are on their way, so that the next start need not make them again.
    /// For a node that stops in peace; what was committed is safe without.
    ///
    /// # Errors
    /// [`LedgerFatal`]; so for trees that could not be written before.
    pub fn save(&self) -> Result<(), LedgerFatal> {
        let _committing = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.head();
        if let Some(nodes) = self.stage.hand_over(&head)? {
            self.trees.write(head.height, || Ok(nodes))?;
        }
        self.trees.finish()
    }

    #[expect(clippy::too_many_arguments, reason = "everything a block leaves behind, put together in one place")]
    fn record(
        &self,
        head: &Head,
        env: &BlockEnv,
        block: &Block,
        certificate: &CommitCertificate,
        transactions: &[Transaction],
        outcome: &BlockOutcome,
        state: &mut State,
    ) -> Result<Record, LedgerFatal> {
        let parameters = &self.facts.parameters;
        let mut record = Record {
            state_root: outcome.state_root,
            receipts_root: receipts_root(&outcome.receipts),
            outbox_root: head.record.outbox_root,
            results_hash: results_hash(&self.results(transactions, &outcome.receipts)),
            gas_used: outcome.gas_used,
            base_fee: env.base_fee,
            next_base_fee: next_base_fee(env.base_fee, outcome.gas_used, env.gas_limit, parameters.base_fee_min),
            time_ns: time_of(&block.header).unix_nanos(),
            randomness: env.prev_randao,
            proposer: env.proposer,
            last_checkpoint: head.record.last_checkpoint,
            checkpoint: None,
            logs_bloom: logs_bloom(&outcome.receipts),
        };
        if self.facts.checkpoint_period().is_some_and(|period| certificate.height.ends_period(period)) {
            let burnt = state.burnt()?;
            record.cut(Checkpoint {
                subnet: self.facts.subnet.clone(),
                height: certificate.height,
                block_hash: certificate.block.hash,
                state_root: outcome.state_root,
                previous: head.record.last_checkpoint,
                outbox_root: head.record.outbox_root,
                outbox_count: 0,
                configuration: ConfigurationNumber::FIRST,
                supply: circulating_supply(&self.facts.supply, &burnt),
            });
        }
        Ok(record)
    }

    /// What a block's transactions returned, as the next header's `last_results_hash` has it.
    #[must_use]
    pub fn results(&self, transactions: &[Transaction], receipts: &[Receipt]) -> Vec<TransactionResult> {
        let ratio = self.facts.parameters.fvm_gas_per_gas;
        let result = |(transaction, receipt): (&Transaction, &Receipt)| TransactionResult {
            code: receipt.exit_code.value(),
            data: receipt.return_data.clone(),
            gas_wanted: transaction.block_gas_limit(ratio),
            gas_used: receipt.gas_used,
        };
        transactions.iter().zip(receipts).map(result).collect()
    }

    /// The state after `head`'s block, to be read: by leaves if it was the last one when `head` was taken, else by trees.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn state(&self, head: &Head) -> Result<Box<dyn ReadState + Send + Sync>, LedgerFatal> {
        Ok(match &head.leaves {
            Some(leaves) => Box::new(FlatState::new(Arc::clone(&self.store), Arc::new(Then(leaves.clone())))),
            None => {
                Box::new(StateTree::load(self.past.at(head.height, &head.record.state_root)?, &head.record.state_root)?)
            }
        })
    }

    /// The same, to run a call on.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn open_state(&self, head: &Head) -> Result<State, LedgerFatal> {
        let root = &head.record.state_root;
        Ok(match &head.leaves {
            Some(leaves) => self.executor().open_leaves(&self.store, root, Arc::new(Then(leaves.clone())))?,
            None => self.executor().open(&self.past.at(head.height, root)?, root)?,
        })
    }

    /// Who sends transactions, as the mempool asks: after `head`'s block.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn senders(&self, head: &Head) -> Result<Senders, LedgerFatal> {
        Ok(Senders(self.state(head)?))
    }

    /// What is known after the block at `height`; `None` above the head.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn record_at(&self, height: Height) -> Result<Option<Record>, LedgerFatal> {
        read_record(&self.store, height)
    }

    /// The decided block at `height`, as it travelled, and decoded.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn block_at(&self, height: Height) -> Result<Option<(Vec<u8>, Block)>, LedgerFatal> {
        let Some(bytes) = self.store.block(height)? else { return Ok(None) };
        let damaged = |why: tributary_chain::BlockBytesRejected| LedgerFatal::Damaged {
            what: "the block",
            height,
            why: why.to_string(),
        };
        let block = Block::decode(&bytes, self.facts.rules.block_bytes_max).map_err(damaged)?;
        Ok(Some((bytes, block)))
    }

    /// Who decided the block at `height`.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn certificate_at(&self, height: Height) -> Result<Option<CommitCertificate>, LedgerFatal> {
        read_certificate(&self.store, height)
    }

    /// What became of the transactions of the block at `height`.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn receipts_at(&self, height: Height) -> Result<Option<Vec<Receipt>>, LedgerFatal> {
        read_receipts(&self.store, height)
    }
}

impl Senders {
    /// Nonce and balance of `sender`. Cost: two reads.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn of(&self, sender: &Address) -> Result<SenderState, LedgerFatal> {
        let Some((_, actor)) = self.0.actor_at(sender)? else { return Ok(SenderState::default()) };
        let balance = u128::try_from(actor.balance.atto()).unwrap_or(u128::MAX);
        Ok(SenderState { nonce: actor.sequence, balance })
    }
}

/// The time a header says, which was judged to be in range.
fn time_of(header: &Header) -> BlockTime {
    BlockTime::from_tendermint(header.time).unwrap_or_default()
}

/// PREVRANDAO: who signed the block before, hashed. A quorum can choose among its own subsets, so this is no fair dice, and the
/// documentation of contracts says so.
fn randomness_of(header: &Header) -> Hash32 {
    let hash = header.last_commit_hash.as_ref().and_then(|hash| hash.as_bytes().try_into().ok());
    Hash32(hash.unwrap_or_default())
}

impl Record {
    /// What the next header commits to.
    #[must_use]
    pub const fn app_state(&self) -> AppState {
        AppState { state_root: self.state_root, receipts_root: self.receipts_root, outbox_root: self.outbox_root }
    }
}
