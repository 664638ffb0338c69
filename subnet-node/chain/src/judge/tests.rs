use tributary_primitives::Hash32;

use super::*;
use crate::app_state::AppHash;
use crate::testing::{Chain, NOW};
use crate::validators::ValidatorSet;

#[test]
fn the_first_and_the_second_block_are_accepted() {
    let chain = Chain::of(4);
    let (first, _) = chain.first_block();
    let (second, _) = chain.second_block();
    for (expected, block) in [(chain.expected_first(), first), (chain.expected_second(), second)] {
        let proposer = chain.set.proposer(expected.height, 0);
        assert_eq!(judge_block(&chain.rules, &expected, Some(proposer), NOW, &block), Ok(()));
        assert_eq!(judge_block(&chain.rules, &expected, None, NOW, &block), Ok(()));
    }
}

#[test]
fn a_sync_block_by_any_validator_is_accepted_and_by_a_stranger_is_not() {
    let chain = Chain::of(4);
    let expected = chain.expected_second();
    let commit = chain.second_block().0.last_commit;
    let other = chain.set.proposer(Height(2), 1);
    let time = NOW;
    let block = crate::next_block(&chain.rules, &expected, other, time, vec![], commit.clone());
    assert_eq!(judge_block(&chain.rules, &expected, None, NOW, &block), Ok(()));
    let want = chain.set.proposer(Height(2), 0);
    let refusal = BlockRejected::Proposer { got: other, want };
    assert_eq!(judge_block(&chain.rules, &expected, Some(want), NOW, &block), Err(refusal));
    let stranger = ValidatorAddress([9; 20]);
    let block = crate::next_block(&chain.rules, &expected, stranger, time, vec![], commit);
    let refusal = BlockRejected::ProposerNotValidator(stranger);
    assert_eq!(judge_block(&chain.rules, &expected, None, NOW, &block), Err(refusal));
}

/// One good block, then one fault a row.
#[test]
fn each_bad_block_is_refused_for_its_own_reason() {
    let chain = Chain::of(4);
    let expected = chain.expected_second();
    let good = chain.second_block().0;
    let hash = tendermint::Hash::Sha256([9; 32]);
    let judge = |change: &dyn Fn(&mut Block)| {
        let mut block = good.clone();
        change(&mut block);
        judge_block(&chain.rules, &expected, None, NOW, &block).unwrap_err()
    };
    let got = BlockTime::from_tendermint(good.header.time).unwrap();
    let before = expected.time_before(&chain.rules);
    let far = NOW.after(std::time::Duration::from_millis(chain.rules.clock_drift_ms + 1));
    let drift_ms = chain.rules.clock_drift_ms;
    assert!(got > before);

    for (change, refusal) in [
        (
            (&|block: &mut Block| block.header.height = 3_u32.into()) as &dyn Fn(&mut Block),
            BlockRejected::Height { got: 3, want: Height(2) },
        ),
        (
            &|block| block.header.chain_id = "other-1".parse().unwrap(),
            BlockRejected::ChainId { got: "other-1".to_owned(), want: "test-1".to_owned() },
        ),
        (&|block| block.header.time = before.to_tendermint(), BlockRejected::TimeNotLater { got: before, before }),
        (&|block| block.header.time = far.to_tendermint(), BlockRejected::TimeAhead { got: far, now: NOW, drift_ms }),
        (
            &|block| block.header.time = tendermint::Time::from_unix_timestamp(-1, 0).unwrap(),
            BlockRejected::TimeOutOfRange("1969-12-31T23:59:59Z".to_owned()),
        ),
        (&|block| block.last_commit = None, BlockRejected::NoLastCommit),
        (&|block| block.header.version.app = 9, BlockRejected::Version),
        (&|block| block.header.version.block = 10, BlockRejected::Version),
        (&|block| block.header.last_block_id = None, BlockRejected::LastBlockId),
        (&|block| block.header.last_commit_hash = Some(hash), BlockRejected::LastCommitHash),
        (&|block| block.last_commit.as_mut().unwrap().signatures.reverse(), BlockRejected::LastCommitHash),
        (&|block| block.header.data_hash = None, BlockRejected::DataHash),
        (&|block| block.transactions.reverse(), BlockRejected::DataHash),
        (&|block| block.header.validators_hash = hash, BlockRejected::ValidatorsHash),
        (&|block| block.header.next_validators_hash = hash, BlockRejected::NextValidatorsHash),
        (&|block| block.header.consensus_hash = hash, BlockRejected::ConsensusHash),
        (&|block| block.header.app_hash = AppHash(Hash32([9; 32])).to_tendermint(), BlockRejected::AppHash),
        (&|block| block.header.last_results_hash = Some(hash), BlockRejected::LastResultsHash),
        (&|block| block.header.evidence_hash = Some(hash), BlockRejected::EvidenceHash),
        (
            // The commit's round is in no hash of the header; its signatures do not verify for another round.
            &|block| block.last_commit.as_mut().unwrap().round = 5_u8.into(),
            BlockRejected::LastCommit(CommitRejected::Signature(0)),
        ),
    ] {
        assert_eq!(judge(change), refusal);
    }
}

#[test]
fn a_first_block_with_a_commit_is_refused() {
    let chain = Chain::of(4);
    let mut block = chain.first_block().0;
    block.last_commit = chain.second_block().0.last_commit;
    let judged = judge_block(&chain.rules, &chain.expected_first(), None, NOW, &block);
    assert_eq!(judged, Err(BlockRejected::UnexpectedLastCommit));
}

#[test]
fn the_next_set_is_committed_to_one_height_ahead() {
    let chain = Chain::of(4);
    let next_validators = ValidatorSet::new(chain.set.iter().copied().take(3)).unwrap();
    let expected = Expected { next_validators: next_validators.clone(), ..chain.expected_second() };
    let proposer = chain.set.proposer(Height(2), 0);
    let commit = chain.second_block().0.last_commit;
    let block = crate::next_block(&chain.rules, &expected, proposer, NOW, vec![], commit);
    assert_eq!(block.header.next_validators_hash, tendermint::Hash::Sha256(next_validators.hash().0));
    assert_eq!(judge_block(&chain.rules, &expected, Some(proposer), NOW, &block), Ok(()));
}
