//! The chain on this node: what was decided, executed and is on disk, and the head everyone else reads.
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
//!
//! | module | is |
//! |---|---|
//! | here | the head, and what is read at it and below |
//! | `commit` | a decided block on its way to the disk |
//! | `env` | what a block, and a call, find around them |
//! | `stage` | where execution stands |
//! | [`trees`] | the state's trees, written beside the chain |
//! | [`heads`] | the last heads, whose states are read by leaves |
//! | [`past`] | states of blocks further back, and their trees |
//! | [`record`], `stored` | what is known after a block, and all that the store has of one, read back |
//! | `genesis` | the first state and the first record |

mod commit;
mod env;
mod genesis;
pub mod heads;
pub mod past;
pub mod record;
mod stage;
pub(crate) mod stored;
pub mod trees;

pub use commit::Committed;

use std::io;
use std::sync::{Arc, Mutex};

use fvm_shared::address::Address;
use tokio::sync::watch;
use tributary_chain::{AppState, Block, CommitCertificate, Expected, LastBlock};
use tributary_fvm::state::FlatState;
use tributary_fvm::{Executor, ExecutorFatal, ReadState, Receipt, State, StateFatal, StateTree};
use tributary_genesis::SealedGenesis;
use tributary_primitives::{Hash32, Height};
use tributary_replica::mempool::SenderState;
use tributary_store::{Snapshot, Store, StoreFatal};

use crate::facts::ChainFacts;
use genesis::commit_genesis;
use heads::Heads;
use past::{PastStates, Then};
use record::Record;
use stage::Stage;
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

impl LedgerFatal {
    /// As [`ExecutorFatal::refused_by_the_machine`]; of a block's execution never.
    #[must_use]
    pub fn refused_by_the_machine(&self) -> Option<&str> {
        if let Self::Executor(why) = self { why.refused_by_the_machine() } else { None }
    }
}

/// The chain on this node.
pub struct Ledger {
    facts: Arc<ChainFacts>,
    store: Arc<Store>,
    past: Arc<PastStates>,
    stage: Stage,
    recent: Heads,
    /// The head's height, for who waits for the next.
    heads: watch::Sender<Height>,
    /// Held while a block is committed.
    commits: Mutex<()>,
    trees: Arc<TreeWriter>,
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
            trees: Arc::new(TreeWriter::start(store.clone(), head.height, trees)?),
            store: Arc::new(store),
            heads: watch::Sender::new(head.height),
            recent: Heads::new(head),
            commits: Mutex::new(()),
        })
    }

    /// The head as of now.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        self.recent.last()
    }

    /// The head as it was after the block at `height`, if that is one of the last [`heads::RECENT`] that this process has committed.
    #[must_use]
    pub fn recent(&self, height: Height) -> Option<Arc<Head>> {
        self.recent.at(height)
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

    /// The state after `head`'s block, to be read: by leaves if it was the last one when `head` was made, else by trees that are made for this
    /// caller alone, in whatever time that takes.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn state(&self, head: &Head) -> Result<Box<dyn ReadState + Send + Sync>, LedgerFatal> {
        Ok(match &head.leaves {
            Some(leaves) => Box::new(FlatState::new(Arc::clone(&self.store), Arc::new(Then(leaves.clone())))),
            None => {
                let root = &head.record.state_root;
                Box::new(StateTree::load(self.past.alone(head.height, root)?, root)?)
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
            None => self.executor().open(&self.past.alone(head.height, root)?, root)?,
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

impl Record {
    /// What the next header commits to.
    #[must_use]
    pub const fn app_state(&self) -> AppState {
        AppState { state_root: self.state_root, receipts_root: self.receipts_root, outbox_root: self.outbox_root }
    }
}
