//! A decided block on its way to the disk, and to the head.
//!
//! ```text
//!     proposal ─▶ execute ─▶ settle ──┐       while votes travel, and beside the next height
//!                 (executor) (root)   ▼
//! certificate ──▶ decision ─────▶ record ─▶ one atomic batch ─▶ new head
//!               (store, fsync)              (store)         │   (seen by mempool, RPC, proposer)
//!                                                           └─▶ now and then: new nodes of the trees, put together and written beside the chain
//! ```
//!
//! Consensus waits for the decision alone. The commit that follows is owed: a node that is killed in between executes the block again.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use cid::Cid;
use tributary_chain::tendermint::block::Header;
use tributary_chain::{Block, CommitCertificate, TransactionResult, results_hash};
use tributary_checkpoint::Checkpoint;
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_fvm::fees::{circulating_supply, next_base_fee};
use tributary_fvm::{BlockEnv, BlockOutcome, BlockRun, Receipt, State, Stats, Workers, receipts_root};
use tributary_message::Transaction;
use tributary_primitives::Hash32;
use tributary_rpc::logs_bloom;
use tributary_store::{BlockCommit, Decision};

use super::env::time_of;
use super::record::{Record, decode_certificate, encode_certificate, encode_receipts};
use super::stage::{Ran, Task};
use super::{Head, Ledger, LedgerFatal};

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

impl Ledger {
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

    /// Keeps a decision, on the disk itself: consensus may forget the height, and the commit is owed. The block lies among the proposals, or is to
    /// come from a peer.
    ///
    /// Blocks the thread: an fsync.
    ///
    /// # Errors
    /// [`LedgerFatal`]: the node must stop.
    pub fn decide(&self, certificate: &CommitCertificate) -> Result<(), LedgerFatal> {
        let (height, block_hash) = (certificate.height, certificate.block.hash);
        Ok(self.store.decide(&Decision { height, block_hash, certificate: encode_certificate(certificate) })?)
    }

    /// The decision whose block is not committed, after a node that ended before it was.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn owed(&self) -> Result<Option<CommitCertificate>, LedgerFatal> {
        let Some(Decision { height, certificate, .. }) = self.store.decided()? else { return Ok(None) };
        let damaged = |why| LedgerFatal::Damaged { what: "the decision", height, why };
        decode_certificate(&certificate).map(Some).map_err(damaged)
    }

    /// Executes a decided block on top of the head, unless that was begun before, and writes all it brings in one atomic batch. Trees, where
    /// they are due, are put together and written beside what follows.
    ///
    /// Blocks the thread: what is left of the execution, and the write; an fsync too where the decision was not kept before. The execution of a
    /// block after trees that are due begins once their nodes are handed over: that takes the longer the more of them changed, and where those
    /// of two earlier blocks are on their way, until the first of them are written. `None` for a block at or below the head, which is there
    /// already: nothing happens.
    ///
    /// # Errors
    /// [`LedgerFatal`], of trees that the block before was to hand over too: the node must stop. The head is what is on disk.
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
        self.recent.push(Arc::clone(&new));
        self.heads.send_replace(new.height);
        if new.record.checkpoint.is_some() || self.trees.is_due(new.height, place.saved) {
            let (trees, height) = (Arc::clone(&self.trees), new.height);
            self.stage.stand_once(place, move |place| {
                trees.write(height, || place.hand_over(height))?;
                place.state.forget();
                Ok(())
            })?;
        } else {
            place.state.forget();
            self.stage.stand(place);
        }
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
}
