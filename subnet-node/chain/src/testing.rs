//! A small chain for this crate's tests: keys, a set, and as many decided blocks as asked for.

use std::time::Duration;

use tributary_primitives::{Hash32, Height, VotingPower, cbor_cid};

use crate::*;

/// What the judge's clock says in tests: 2023-11-14.
pub(crate) const NOW: BlockTime = BlockTime::from_unix_nanos(1_700_000_000_000_000_000);

pub(crate) struct Chain {
    /// In the set's order.
    pub(crate) keys: Vec<ConsensusKey>,
    pub(crate) set: ValidatorSet,
    pub(crate) rules: HeaderRules,
}

impl Chain {
    /// `count` validators of power 10 each.
    pub(crate) fn of(count: u8) -> Self {
        let mut keys: Vec<_> = (1..=count).map(|seed| ConsensusKey::from_seed([seed; 32])).collect();
        let validator = |key: &ConsensusKey| Validator { public_key: key.public_key(), power: VotingPower(10) };
        let set = ValidatorSet::new(keys.iter().map(validator)).unwrap();
        keys.sort_by_key(|key| set.position(&key.public_key().address()));
        let rules = HeaderRules {
            chain_id: "test-1".parse().unwrap(),
            app_version: 1,
            genesis_time: BlockTime::from_unix_nanos(NOW.unix_nanos() - 100_000_000_000),
            block_bytes_max: 1 << 20,
            block_gas_max: 30_000_000,
            clock_drift_ms: 500,
        };
        Self { keys, set, rules }
    }

    fn expected(&self, height: Height, last: Option<BlockRef>) -> Expected {
        let state = AppState {
            state_root: cbor_cid(&height.0.to_be_bytes()),
            receipts_root: Hash32([1; 32]),
            outbox_root: cbor_cid(b"outbox"),
        };
        Expected {
            height,
            last: last.map(|reference| LastBlock { reference, validators: self.set.clone() }),
            validators: self.set.clone(),
            next_validators: self.set.clone(),
            app_hash: state.app_hash(),
            last_results_hash: results_hash(&[]),
        }
    }

    pub(crate) fn expected_first(&self) -> Expected {
        self.expected(Height(1), None)
    }

    pub(crate) fn expected_second(&self) -> Expected {
        self.expected(Height(2), Some(self.first_block().1))
    }

    fn block(&self, expected: &Expected, last: Option<CommitCertificate>) -> (Block, BlockRef) {
        let time = expected.time_before(&self.rules).after(Duration::from_secs(1));
        let proposer = self.set.proposer(expected.height, 0);
        let commit = last.map(|certificate| certificate.to_commit(&self.set));
        let transactions = vec![vec![1; 100], vec![2; 50]];
        let block = next_block(&self.rules, expected, proposer, time, transactions, commit);
        let reference = BlockRef::of(&block.header, &block.encode()).unwrap();
        (block, reference)
    }

    pub(crate) fn first_block(&self) -> (Block, BlockRef) {
        self.block(&self.expected_first(), None)
    }

    pub(crate) fn second_block(&self) -> (Block, BlockRef) {
        let signers: Vec<_> = (0..self.keys.len()).collect();
        self.block(&self.expected_second(), Some(self.certify(Height(1), 0, self.first_block().1, &signers)))
    }

    /// The precommits of the validators at these positions.
    pub(crate) fn certify(&self, height: Height, round: u32, block: BlockRef, signers: &[usize]) -> CommitCertificate {
        let kind = sign_bytes::VoteKind::Precommit;
        let message = sign_bytes::vote(&self.rules.chain_id, kind, height, round, Some(&block));
        let sign = |position: &usize| {
            let key = &self.keys[*position];
            (key.public_key().address(), key.sign(&message))
        };
        CommitCertificate { height, round, block, signatures: signers.iter().map(sign).collect() }
    }

    /// The first `count` heights, each signed by all but one, in the round of its number modulo 3.
    pub(crate) fn light_blocks(&self, count: u64) -> Vec<LightBlock> {
        let mut last: Option<CommitCertificate> = None;
        let mut blocks = Vec::new();
        for height in (1..=count).map(Height) {
            let expected = self.expected(height, last.as_ref().map(|certificate| certificate.block));
            let (block, reference) = self.block(&expected, last);
            let absent = usize::try_from(height.0).unwrap() % self.keys.len();
            let signers: Vec<_> = (0..self.keys.len()).filter(|position| *position != absent).collect();
            let certificate = self.certify(height, u32::try_from(height.0 % 3).unwrap(), reference, &signers);
            blocks.push(LightBlock::new(block.header, &certificate, &self.set, &self.set).unwrap());
            last = Some(certificate);
        }
        blocks
    }
}
