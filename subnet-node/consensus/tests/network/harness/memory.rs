//! An application that keeps its blocks in memory.

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use tributary_chain::{
    AppHash, Block, BlockRef, BlockTime, CommitCertificate, Equivocation, Expected, HeaderRules, LastBlock,
    ValidatorAddress, ValidatorSet, judge_block, next_block, results_hash,
};
use tributary_consensus::{
    Application, ApplicationFatal, Body, DecidedBlock, Decision, HeightParams, Known, Next, Origin, Pacing, Proposed,
    Start, Timeouts, Verdict,
};
use tributary_primitives::{Hash32, Height};

use super::disk::Disk;
use super::fault::Fault;
use super::{BLOCK_BYTES_MAX, now};

/// The smallest application there is: every block is fine that follows the last.
pub(super) struct Memory {
    pub(super) rules: HeaderRules,
    pub(super) set: ValidatorSet,
    pub(super) address: Option<ValidatorAddress>,
    pub(super) disk: Disk,
    pub(super) pacing: Pacing,
}

impl Memory {
    fn params(&self) -> HeightParams {
        HeightParams { validators: self.set.clone(), timeouts: Timeouts::default() }
    }

    fn last(&self) -> Option<CommitCertificate> {
        self.disk.with(|disk| disk.decided.values().next_back().map(|block| block.certificate.clone()))
    }

    fn expected(&self) -> Expected {
        let last = self.last();
        let height = last.as_ref().map_or(Height::FIRST, |last| last.height.next());
        Expected {
            height,
            last: last.map(|last| LastBlock { reference: last.block, validators: self.set.clone() }),
            validators: self.set.clone(),
            next_validators: self.set.clone(),
            app_hash: AppHash(Hash32([7; 32])),
            last_results_hash: results_hash(&[]),
        }
    }

    fn build(&self, height: Height, round: u32, proposer: ValidatorAddress) -> Body {
        let mut expected = self.expected();
        if self.disk.suffers(Fault::ProposesWrongAppHash) {
            expected.app_hash = AppHash(Hash32([8; 32]));
        }
        let time = BlockTime::for_block_after(expected.time_before(&self.rules), now());
        let commit = self.last().map(|last| last.to_commit(&self.set));
        let transactions = self.disk.with(|disk| disk.waiting.clone());
        let block = next_block(&self.rules, &expected, proposer, time, transactions, commit);
        let bytes = block.encode();
        let block = BlockRef::of(&block.header, &bytes).unwrap();
        Body { proposed: Proposed { height, round, valid_round: None, proposer, block }, bytes }
    }

    fn is_valid(&self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> bool {
        let Ok(block) = Block::decode(bytes, BLOCK_BYTES_MAX) else { return false };
        let proposer = (origin != Origin::Sync).then_some(proposed.proposer);
        proposed.block.names_header(&block.header)
            && judge_block(&self.rules, &self.expected(), proposer, now(), &block).is_ok()
    }
}

#[async_trait]
impl Application for Memory {
    async fn start(&mut self) -> Result<Start, ApplicationFatal> {
        if self.disk.suffers(Fault::DiskFull) {
            return Err(ApplicationFatal("no space left on device".into()));
        }
        let height = self.expected().height;
        let sits_out = self.disk.with(|disk| disk.body_missing == Some(height));
        Ok(Start { height, params: self.params(), sits_out })
    }

    async fn known(&mut self, height: Height, round: u32) -> Result<Vec<Known>, ApplicationFatal> {
        let of_round = |(body, valid): &(Body, bool)| {
            let proposed = body.proposed;
            (proposed.height == height && proposed.round == round).then_some(Known { proposed, valid: *valid })
        };
        Ok(self.disk.with(|disk| disk.undecided.values().filter_map(of_round).collect()))
    }

    async fn propose(
        &mut self,
        height: Height,
        round: u32,
        _deadline: Duration,
    ) -> Result<Option<Body>, ApplicationFatal> {
        let Some(proposer) = self.address else { return Ok(None) };
        let known = self.disk.with(|disk| {
            let own = |body: &Body| {
                let proposed = body.proposed;
                (proposed.height, proposed.round, proposed.proposer) == (height, round, proposer)
            };
            disk.undecided.values().map(|(body, _)| body).find(|body| own(body)).cloned()
        });
        let body = known.unwrap_or_else(|| self.build(height, round, proposer));
        self.disk.with(|disk| disk.undecided.insert(body.proposed.block, (body.clone(), true)));
        Ok(Some(body))
    }

    async fn judge(&mut self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> Result<Verdict, ApplicationFatal> {
        if origin == Origin::Sync && self.disk.suffers(Fault::LostBody { taken: false }) {
            return Ok(Verdict::Unavailable);
        }
        let valid = self.is_valid(proposed, origin, bytes);
        let body = Body { proposed: *proposed, bytes: bytes.to_vec() };
        self.disk.with(|disk| disk.undecided.insert(proposed.block, (body, valid)));
        Ok(if valid { Verdict::Valid } else { Verdict::Invalid })
    }

    async fn body(&mut self, block: &BlockRef) -> Result<Option<Body>, ApplicationFatal> {
        Ok(self.disk.with(|disk| disk.undecided.get(block).map(|(body, _)| body.clone())))
    }

    async fn decide(&mut self, certificate: CommitCertificate) -> Result<Decision, ApplicationFatal> {
        certificate.check(&self.rules.chain_id, &self.set).map_err(|e| ApplicationFatal(e.into()))?;
        Ok(self.disk.with(|disk| {
            disk.lose_body(certificate.height);
            let Some((body, _)) = disk.undecided.remove(&certificate.block) else {
                disk.body_missing = Some(certificate.height);
                return Decision::BodyMissing;
            };
            let block = Block::decode(&body.bytes, BLOCK_BYTES_MAX).unwrap();
            disk.waiting.retain(|transaction| !block.transactions.contains(transaction));
            disk.undecided.retain(|_, (body, _)| body.proposed.height > certificate.height);
            disk.decided.insert(certificate.height, DecidedBlock { certificate, bytes: body.bytes });
            Decision::Durable
        }))
    }

    async fn next(&mut self, _height: Height, evidence: Vec<Equivocation>) -> Result<Next, ApplicationFatal> {
        assert!(evidence.is_empty(), "nobody signs twice here: {evidence:?}");
        let transactions_wait = self.disk.with(|disk| !disk.waiting.is_empty());
        Ok(Next { params: self.params(), pacing: self.pacing, transactions_wait })
    }

    async fn decided(&mut self, range: RangeInclusive<Height>) -> Result<Vec<DecidedBlock>, ApplicationFatal> {
        Ok(self.disk.with(|disk| disk.decided.range(range).map(|(_, block)| block.clone()).collect()))
    }

    async fn history_min(&mut self) -> Result<Height, ApplicationFatal> {
        Ok(Height::FIRST)
    }
}
