//! The node, as consensus sees it: proposes, judges, keeps and commits blocks.
//!
//! | asked | does | on disk before it answers |
//! |---|---|---|
//! | propose | takes from the pool, builds the block, begins to execute | the block |
//! | judge | header, commit, transactions; begins to execute | the block and the verdict |
//! | decide | executes to the end, commits, moves the head, prunes the pool | block, certificate, receipts, state: one batch, fsync |
//! | next | cuts the checkpoint | own share of the checkpoint |

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use tokio::task::block_in_place;
use tributary_chain::tendermint::block::Header;
use tributary_chain::{
    Block, BlockRef, BlockTime, CommitCertificate, Equivocation, ValidatorAddress, judge_block, next_block,
};
use tributary_consensus::{
    Application, ApplicationFatal, Body, DecidedBlock, Decision, Known, Next, Origin, Proposed, Start, Verdict,
};
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};
use tributary_replica::filling::Filling;
use tributary_replica::proposal::judge_transactions;
use tributary_store::Survives;

use crate::check::checker::{Checker, Order};
use crate::check::words::Case;
use crate::checkpoints::Checkpoints;
use crate::ledger::{Committed, Head, Ledger};
use crate::metrics::Metrics;
use crate::pool::Pool;

/// Most proposals kept of one height. One a round is usual; beyond this many, a height is in trouble that more do not mend.
const UNDECIDED_MAX: usize = 256;
/// What consensus asks of this node.
pub struct Node {
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    checkpoints: Arc<Checkpoints>,
    metrics: Arc<Metrics>,
    /// None when no block is ever checked.
    checker: Option<Arc<Checker>>,
    me: ValidatorAddress,
    /// Blocks of the height in progress that may be decided, by their hash.
    candidates: HashMap<Hash32, Candidate>,
    filling: Filling<ValidatorAddress>,
}

/// A block that may be decided.
struct Candidate {
    /// Decoded and recovered once.
    transactions: Arc<[Transaction]>,
    /// When it was built here, or judged.
    since: Instant,
}

/// A proposal as it lies on disk.
#[derive(BorshSerialize, BorshDeserialize)]
struct Kept {
    valid_round: Option<u32>,
    proposer: [u8; 20],
    block: BlockRef,
    valid: bool,
    bytes: Vec<u8>,
}

fn fatal(why: impl std::error::Error + Send + Sync + 'static) -> ApplicationFatal {
    ApplicationFatal(Box::new(why))
}

impl Node {
    /// The application of a node that votes as `me`, if it is in the set.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        pool: Arc<Pool>,
        checkpoints: Arc<Checkpoints>,
        metrics: Arc<Metrics>,
        checker: Option<Arc<Checker>>,
        me: ValidatorAddress,
        filling: Filling<ValidatorAddress>,
    ) -> Self {
        Self { ledger, pool, checkpoints, metrics, checker, me, candidates: HashMap::new(), filling }
    }

    fn keep(&self, proposed: &Proposed, valid: bool, bytes: &[u8]) -> Result<(), ApplicationFatal> {
        let kept = Kept {
            valid_round: proposed.valid_round,
            proposer: proposed.proposer.0,
            block: proposed.block,
            valid,
            bytes: bytes.to_vec(),
        };
        let kept = borsh::to_vec(&kept).expect("writing to memory does not fail");
        let store = self.ledger.store();
        store
            .put_undecided(proposed.height, proposed.round, &proposed.block.hash, &kept, Survives::Process)
            .map_err(fatal)
    }

    fn kept(&self, height: Height) -> Result<Vec<(Proposed, Kept)>, ApplicationFatal> {
        let undecided = self.ledger.store().undecided(height, UNDECIDED_MAX).map_err(fatal)?;
        let read = |entry: tributary_store::UndecidedBlock| {
            // One that does not read back is as good as one that never came.
            let kept: Kept = borsh::from_slice(&entry.bytes).ok()?;
            let proposed = Proposed {
                height,
                round: entry.round,
                valid_round: kept.valid_round,
                proposer: ValidatorAddress(kept.proposer),
                block: kept.block,
            };
            Some((proposed, kept))
        };
        Ok(undecided.into_iter().filter_map(read).collect())
    }

    /// This block may be decided.
    fn expect(&mut self, block: &BlockRef, header: &Header, transactions: Arc<[Transaction]>) {
        self.ledger.expect(block.hash, header, &transactions);
        self.candidates.insert(block.hash, Candidate { transactions, since: Instant::now() });
    }

    /// Builds the block this node proposes on top of the head.
    fn build(&mut self, height: Height, round: u32) -> Result<Option<Body>, ApplicationFatal> {
        let head = self.ledger.head();
        if head.height.next() != height {
            return Ok(None);
        }
        let facts = self.ledger.facts();
        let fill = self.filling.fill();
        let transactions = self.pool.select(&head, facts.block_room(), fill).map_err(fatal)?;
        self.metrics.filled(fill);
        tracing::debug!(
            %height, round, gas_max = fill.gas, bytes_max = fill.bytes, transactions = transactions.len(), "block filled"
        );
        let raw = transactions.iter().map(|transaction| transaction.raw().to_vec()).collect();
        let expected = self.ledger.expected_after(&head);
        let time = BlockTime::for_block_after(expected.time_before(&facts.rules), now());
        let last_commit = head.certificate.as_ref().map(|certificate| certificate.to_commit(&facts.validators));
        let block = next_block(&facts.rules, &expected, self.me, time, raw, last_commit);
        let bytes = block.encode();
        let Some(reference) = BlockRef::of(&block.header, &bytes) else { return Ok(None) };
        self.expect(&reference, &block.header, transactions.into());
        let proposed = Proposed { height, round, valid_round: None, proposer: self.me, block: reference };
        Ok(Some(Body { proposed, bytes }))
    }

    /// The block's header and transactions, if it may follow the head.
    fn check(&self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> Result<(Header, Arc<[Transaction]>), String> {
        let facts = self.ledger.facts();
        let block = Block::decode(bytes, facts.rules.block_bytes_max).map_err(|why| why.to_string())?;
        if !proposed.block.names_header(&block.header) {
            return Err("the header is not the one that the proposal names".to_owned());
        }
        let proposer = (origin == Origin::Proposal).then_some(proposed.proposer);
        let expected = self.ledger.expected_after(&self.ledger.head());
        judge_block(&facts.rules, &expected, proposer, now(), &block).map_err(|why| why.to_string())?;
        let transactions = self.decode(&block.transactions).map_err(|why| why.to_string())?;
        Ok((block.header, transactions.into()))
    }

    fn decode(&self, raw: &[Vec<u8>]) -> Result<Vec<Transaction>, tributary_replica::proposal::ProposalRejected> {
        judge_transactions(self.pool.decode(raw), self.ledger.facts().mempool_rules())
    }

    /// The next block is filled by what became of this one.
    fn kept_up(&mut self, head: &Head, transactions: &[Transaction], took: Duration) {
        let facts = self.ledger.facts();
        let gas = transactions.iter().map(|transaction| transaction.block_gas_limit(facts.parameters.fvm_gas_per_gas));
        self.filling.executed(gas.fold(0, u64::saturating_add), took);
        let round = head.certificate.as_ref().map_or(0, |certificate| certificate.round);
        let proposer = |round| facts.validators.proposer(head.height, round);
        self.filling.decided(proposer(round), (0..round).map(proposer));
    }

    fn commit(&mut self, certificate: CommitCertificate, bytes: &[u8]) -> Result<(), ApplicationFatal> {
        let rules = &self.ledger.facts().rules;
        let block = Block::decode(bytes, rules.block_bytes_max).map_err(fatal)?;
        let transactions = match self.candidates.remove(&certificate.block.hash) {
            Some(Candidate { transactions, since }) => {
                self.metrics.decided(since.elapsed());
                transactions
            }
            None => self.decode(&block.transactions).map_err(fatal)?.into(),
        };
        self.candidates.clear();
        let committed = self.ledger.commit(certificate, &block, bytes, &transactions).map_err(fatal)?;
        let Some(committed) = committed else { return Ok(()) };
        self.metrics.committed(&committed, transactions.len());
        self.kept_up(&committed.head, &transactions, committed.took);
        self.pool.after_block(&committed.head, &transactions).map_err(fatal)?;
        let Committed { head, parent_root, env, outcome, workers, stats, .. } = committed;
        tracing::info!(
            height = %head.height, transactions = transactions.len(), gas = head.record.gas_used,
            state_root = %head.record.state_root, "block committed"
        );
        tracing::debug!(
            height = %head.height, transactions = transactions.len(), threads = workers.threads(),
            ahead = stats.speculated, repeated = stats.repeated, gave_up = stats.is_closed, "block executed"
        );
        if let Some(checker) = &self.checker {
            let params = || self.ledger.executor().params().clone();
            let case = || Case { parent_root, env, params: params(), block: bytes.to_vec() };
            checker.offer(head.height, || Order { case: case(), live: outcome });
        }
        Ok(())
    }
}

#[async_trait]
impl Application for Node {
    async fn start(&mut self) -> Result<Start, ApplicationFatal> {
        let height = self.ledger.head().height.next();
        Ok(Start { height, params: self.ledger.facts().height_params() })
    }

    async fn known(&mut self, height: Height, round: u32) -> Result<Vec<Known>, ApplicationFatal> {
        let kept = block_in_place(|| self.kept(height))?;
        let of_round = kept.into_iter().filter(|(proposed, _)| proposed.round == round);
        Ok(of_round.map(|(proposed, kept)| Known { proposed, valid: kept.valid }).collect())
    }

    async fn propose(
        &mut self,
        height: Height,
        round: u32,
        _deadline: Duration,
    ) -> Result<Option<Body>, ApplicationFatal> {
        block_in_place(|| {
            let mine = |(proposed, _): &(Proposed, Kept)| proposed.round == round && proposed.proposer == self.me;
            if let Some((proposed, kept)) = self.kept(height)?.into_iter().find(mine) {
                return Ok(Some(Body { proposed, bytes: kept.bytes }));
            }
            let started = Instant::now();
            let Some(body) = self.build(height, round)? else { return Ok(None) };
            self.keep(&body.proposed, true, &body.bytes)?;
            self.metrics.proposed(started.elapsed());
            Ok(Some(body))
        })
    }

    async fn judge(&mut self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> Result<Verdict, ApplicationFatal> {
        if proposed.height != self.ledger.head().height.next() {
            return Ok(Verdict::Unavailable);
        }
        block_in_place(|| {
            let checked = self.check(proposed, origin, bytes);
            self.keep(proposed, checked.is_ok(), bytes)?;
            match checked {
                Ok((header, transactions)) => {
                    self.expect(&proposed.block, &header, transactions);
                    Ok(Verdict::Valid)
                }
                Err(why) => {
                    tracing::warn!(height = %proposed.height, round = proposed.round, proposer = %proposed.proposer, why, "proposal refused");
                    self.metrics.refused_proposal();
                    Ok(Verdict::Invalid)
                }
            }
        })
    }

    async fn body(&mut self, block: &BlockRef) -> Result<Option<Body>, ApplicationFatal> {
        let height = self.ledger.head().height.next();
        let kept = block_in_place(|| self.kept(height))?;
        let found = kept.into_iter().find(|(proposed, _)| proposed.block == *block);
        Ok(found.map(|(proposed, kept)| Body { proposed, bytes: kept.bytes }))
    }

    async fn decide(&mut self, certificate: CommitCertificate) -> Result<Decision, ApplicationFatal> {
        if certificate.height <= self.ledger.head().height {
            return Ok(Decision::Committed);
        }
        block_in_place(|| {
            let kept = self.kept(certificate.height)?;
            let Some((_, kept)) = kept.into_iter().find(|(proposed, _)| proposed.block == certificate.block) else {
                return Ok(Decision::BodyMissing);
            };
            self.commit(certificate, &kept.bytes)?;
            Ok(Decision::Committed)
        })
    }

    async fn next(&mut self, height: Height, evidence: Vec<Equivocation>) -> Result<Next, ApplicationFatal> {
        for equivocation in &evidence {
            tracing::warn!(validator = %equivocation.validator, height = %equivocation.height, "validator said two things at once");
            self.metrics.equivocation();
        }
        block_in_place(|| {
            let head = self.ledger.head();
            if head.height == height
                && let Some(checkpoint) = head.record.checkpoint.clone()
            {
                self.checkpoints.cut(checkpoint).map_err(fatal)?;
            }
            let facts = self.ledger.facts();
            let transactions_wait = self.pool.is_wanted(&head).map_err(fatal)?;
            Ok(Next { params: facts.height_params(), pacing: facts.pacing(), transactions_wait })
        })
    }

    async fn decided(&mut self, range: RangeInclusive<Height>) -> Result<Vec<DecidedBlock>, ApplicationFatal> {
        block_in_place(|| {
            let mut blocks = Vec::new();
            for height in (range.start().0..=range.end().0).map(Height) {
                let certificate = self.ledger.certificate_at(height).map_err(fatal)?;
                let bytes = self.ledger.store().block(height).map_err(fatal)?;
                let (Some(certificate), Some(bytes)) = (certificate, bytes) else { break };
                blocks.push(DecidedBlock { certificate, bytes });
            }
            Ok(blocks)
        })
    }

    async fn history_min(&mut self) -> Result<Height, ApplicationFatal> {
        let store = self.ledger.store();
        let first = store.base().map_err(fatal)?.map_or(Height::FIRST, Height::next);
        Ok(first.max(store.kept().map_err(fatal)?.blocks))
    }
}

fn now() -> BlockTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    BlockTime::from_unix_nanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
