//! The node, as consensus sees it: proposes, judges and keeps blocks, and has the decided ones committed.
//!
//! | asked | waits for the commit below | does | on disk before it answers |
//! |---|---|---|---|
//! | start | | commits the block that a crash left owed; where that is missing, its height is sat out | that block |
//! | propose | yes | takes from the pool, builds the block, begins to execute | the block, fsync |
//! | judge | while it reads the transactions | header, commit, transactions; begins to execute | the block and the verdict, fsync |
//! | decide | yes | begins to commit the block, if it is here: [`crate::committer`] | the decision, fsync |
//! | next | no | says whether transactions wait, as far as that is known | |

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
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
use tributary_replica::proposal::{ProposalRejected, judge_pairings, judge_transactions};

use crate::committer::{Committer, Committing, Done, Owed};
use crate::kept::Kept;
use crate::ledger::{Head, Ledger};
use crate::metrics::Metrics;
use crate::pool::Pool;

/// What consensus asks of this node.
pub struct Node {
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    committer: Arc<Committer>,
    metrics: Arc<Metrics>,
    me: ValidatorAddress,
    /// The last block decided, until somebody needs what it led to.
    committing: Option<Committing>,
    /// Blocks of the height in progress that may be decided, by their hash.
    candidates: HashMap<Hash32, Candidate>,
    filling: Filling<ValidatorAddress>,
}

/// A proposal's header and transactions.
type Checked = (Header, Arc<[Transaction]>);

/// A block that may be decided.
struct Candidate {
    /// Decoded and recovered once.
    transactions: Arc<[Transaction]>,
    /// When it was built here, or judged.
    since: Instant,
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
        committer: Arc<Committer>,
        metrics: Arc<Metrics>,
        me: ValidatorAddress,
        filling: Filling<ValidatorAddress>,
    ) -> Self {
        Self { ledger, pool, committer, metrics, me, committing: None, candidates: HashMap::new(), filling }
    }

    /// The height after the last block decided.
    fn next_height(&self) -> Height {
        self.committing.as_ref().map_or_else(|| self.ledger.head().height, |committing| committing.height).next()
    }

    /// The head after the last block decided, which is waited for.
    fn settled(&mut self) -> Result<Arc<Head>, ApplicationFatal> {
        if let Some(committing) = self.committing.take() {
            let done = committing.wait().map_err(fatal)?;
            done.into_iter().for_each(|done| self.kept_up(&done));
        }
        Ok(self.ledger.head())
    }

    /// The same for the next block, which is to be made or judged on it.
    fn parent(&mut self) -> Result<Arc<Head>, ApplicationFatal> {
        let (started, is_owed) = (Instant::now(), self.committing.is_some());
        let head = self.settled()?;
        if is_owed {
            self.metrics.waited(started.elapsed());
        }
        Ok(head)
    }

    /// Commits the block whose decision is on disk and whose commit a crash cut short. `false` when that block is not here.
    fn commit_owed(&mut self) -> Result<bool, ApplicationFatal> {
        let Some(certificate) = self.ledger.owed().map_err(fatal)? else { return Ok(true) };
        let (height, block) = (certificate.height, certificate.block);
        let Some(Kept { bytes, .. }) = self.kept(height, &block)? else {
            tracing::warn!(%height, "the last block decided is not here: this node votes at no height before a peer has sent it");
            return Ok(false);
        };
        tracing::info!(%height, "the last block decided was not committed when this node ended: it is executed again");
        self.committer.commit(Owed { certificate, bytes, transactions: None }).map_err(ApplicationFatal)?;
        Ok(true)
    }

    fn keep(&self, proposed: Proposed, valid: bool, bytes: &[u8]) -> Result<(), ApplicationFatal> {
        Kept { proposed, valid, bytes: bytes.to_vec() }.put(self.ledger.store()).map_err(fatal)
    }

    fn kept(&self, height: Height, block: &BlockRef) -> Result<Option<Kept>, ApplicationFatal> {
        Kept::of(self.ledger.store(), height, block).map_err(fatal)
    }

    /// This block may be decided.
    fn expect(&mut self, block: &BlockRef, header: &Header, transactions: Arc<[Transaction]>, origin: Origin) {
        // One block runs ahead, and the state is made again if another is decided: so it is not whatever a validator sends in another's name.
        if origin != Origin::Relayed {
            self.ledger.expect(block.hash, header, &transactions);
        }
        self.candidates.insert(block.hash, Candidate { transactions, since: Instant::now() });
    }

    /// Builds the block this node proposes on top of the head.
    fn build(&mut self, head: &Head, height: Height, round: u32) -> Result<Option<Body>, ApplicationFatal> {
        if head.height.next() != height {
            return Ok(None);
        }
        let facts = self.ledger.facts();
        let fill = self.filling.fill();
        let transactions = self.pool.select(head, facts.block_room(), fill).map_err(fatal)?;
        self.metrics.filled(fill);
        tracing::debug!(
            %height, round, gas_max = fill.gas, bytes_max = fill.bytes, transactions = transactions.len(), "block filled"
        );
        let raw = transactions.iter().map(|transaction| transaction.raw().to_vec()).collect();
        let expected = self.ledger.expected_after(head);
        let time = BlockTime::for_block_after(expected.time_before(&facts.rules), now());
        let last_commit = head.certificate.as_ref().map(|certificate| certificate.to_commit(&facts.validators));
        let block = next_block(&facts.rules, &expected, self.me, time, raw, last_commit);
        let bytes = block.encode();
        let Some(reference) = BlockRef::of(&block.header, &bytes) else { return Ok(None) };
        self.expect(&reference, &block.header, transactions.into(), Origin::Proposal);
        let proposed = Proposed { height, round, valid_round: None, proposer: self.me, block: reference };
        Ok(Some(Body { proposed, bytes }))
    }

    /// The block's header and transactions, if it may follow the head. While that is still to come, the transactions are read.
    fn check(
        &mut self,
        proposed: &Proposed,
        origin: Origin,
        bytes: &[u8],
    ) -> Result<Result<Checked, String>, ApplicationFatal> {
        let block = match self.parse(proposed, bytes) {
            Ok(block) => block,
            Err(why) => return Ok(Err(why)),
        };
        let early = self.committing.is_some().then(|| self.decode(&block.transactions));
        let head = self.parent()?;
        let proposer = (origin != Origin::Sync).then_some(proposed.proposer);
        let (rules, expected) = (&self.ledger.facts().rules, self.ledger.expected_after(&head));
        if let Err(why) = judge_block(rules, &expected, proposer, now(), &block) {
            return Ok(Err(why.to_string()));
        }
        let transactions = early.unwrap_or_else(|| self.decode(&block.transactions));
        Ok(transactions.map(|transactions| (block.header, transactions.into())).map_err(|why| why.to_string()))
    }

    fn parse(&self, proposed: &Proposed, bytes: &[u8]) -> Result<Block, String> {
        let block = Block::decode(bytes, self.ledger.facts().rules.block_bytes_max).map_err(|why| why.to_string())?;
        if proposed.block.names_header(&block.header) {
            Ok(block)
        } else {
            Err("the header is not the one that the proposal names".to_owned())
        }
    }

    fn decode(&self, raw: &[Vec<u8>]) -> Result<Vec<Transaction>, ProposalRejected> {
        let facts = self.ledger.facts();
        judge_pairings(raw, facts.pairings_max())?;
        judge_transactions(self.pool.decode(raw), facts.mempool_rules())
    }

    /// The next block is filled by what became of this one.
    fn kept_up(&mut self, done: &Done) {
        let Done { head, transactions, took } = done;
        let facts = self.ledger.facts();
        let gas = transactions.iter().map(|transaction| transaction.block_gas_limit(facts.parameters.fvm_gas_per_gas));
        self.filling.executed(gas.fold(0, u64::saturating_add), *took);
        let round = head.certificate.as_ref().map_or(0, |certificate| certificate.round);
        let proposer = |round| facts.validators.proposer(head.height, round);
        self.filling.decided(proposer(round), (0..round).map(proposer));
    }

    /// Keeps the decision, and begins to commit its block if its bytes are here.
    fn agree(&mut self, certificate: CommitCertificate) -> Result<Decision, ApplicationFatal> {
        // Without its block too: the engine forgets its votes of this height either way, and a node that is killed then must not vote there again.
        self.ledger.decide(&certificate).map_err(fatal)?;
        let kept = self.kept(certificate.height, &certificate.block)?;
        let Some(Kept { bytes, .. }) = kept else { return Ok(Decision::BodyMissing) };
        let candidate = self.candidates.remove(&certificate.block.hash);
        self.candidates.clear();
        let transactions = candidate.map(|Candidate { transactions, since }| {
            let voted = since.elapsed();
            self.metrics.decided(voted);
            self.metrics.waited_for_proposal(self.pool.waits(&transactions, voted));
            transactions
        });
        let committing = self.committer.begin(Owed { certificate, bytes, transactions }).map_err(fatal)?;
        self.committing = Some(committing);
        Ok(Decision::Durable)
    }
}

#[async_trait]
impl Application for Node {
    async fn start(&mut self) -> Result<Start, ApplicationFatal> {
        let sits_out = !block_in_place(|| self.commit_owed())?;
        let height = self.ledger.head().height.next();
        Ok(Start { height, params: self.ledger.facts().height_params(), sits_out })
    }

    async fn known(&mut self, height: Height, round: u32) -> Result<Vec<Known>, ApplicationFatal> {
        block_in_place(|| Kept::known(self.ledger.store(), height, round)).map_err(fatal)
    }

    async fn propose(
        &mut self,
        height: Height,
        round: u32,
        _deadline: Duration,
    ) -> Result<Option<Body>, ApplicationFatal> {
        block_in_place(|| {
            let mine = Kept::by(self.ledger.store(), height, round, self.me).map_err(fatal)?;
            if let Some(Kept { proposed, bytes, .. }) = mine {
                return Ok(Some(Body { proposed, bytes }));
            }
            let head = self.parent()?;
            let started = Instant::now();
            let Some(body) = self.build(&head, height, round)? else { return Ok(None) };
            self.keep(body.proposed, true, &body.bytes)?;
            self.metrics.proposed(started.elapsed());
            Ok(Some(body))
        })
    }

    async fn judge(&mut self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> Result<Verdict, ApplicationFatal> {
        if proposed.height != self.next_height() {
            return Ok(Verdict::Unavailable);
        }
        block_in_place(|| {
            let checked = self.check(proposed, origin, bytes)?;
            self.keep(*proposed, checked.is_ok(), bytes)?;
            match checked {
                Ok((header, transactions)) => {
                    self.expect(&proposed.block, &header, transactions, origin);
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
        let kept = block_in_place(|| self.kept(self.next_height(), block))?;
        Ok(kept.map(|Kept { proposed, bytes, .. }| Body { proposed, bytes }))
    }

    async fn decide(&mut self, certificate: CommitCertificate) -> Result<Decision, ApplicationFatal> {
        block_in_place(|| {
            if certificate.height <= self.settled()?.height {
                return Ok(Decision::Durable);
            }
            self.agree(certificate)
        })
    }

    async fn next(&mut self, height: Height, evidence: Vec<Equivocation>) -> Result<Next, ApplicationFatal> {
        for equivocation in &evidence {
            tracing::warn!(validator = %equivocation.validator, height = %equivocation.height, "validator said two things at once");
            self.metrics.equivocation();
        }
        block_in_place(|| {
            let (head, facts) = (self.ledger.head(), self.ledger.facts());
            // Of a block that is not committed yet it is not known what it leaves waiting: the committer wakes consensus when it is.
            let transactions_wait = head.height == height && self.pool.is_wanted(&head).map_err(fatal)?;
            Ok(Next { params: facts.height_params(), pacing: facts.pacing(), transactions_wait })
        })
    }

    async fn decided(&mut self, range: RangeInclusive<Height>) -> Result<Vec<DecidedBlock>, ApplicationFatal> {
        block_in_place(|| {
            if self.committing.as_ref().is_some_and(|committing| range.contains(&committing.height)) {
                self.settled()?;
            }
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
