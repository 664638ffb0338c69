//! What is signed with a consensus key. Each kind has bytes of its own, so a signature of one is never one of another.
//!
//! | signed | bytes |
//! |---|---|
//! | vote | length-delimited protobuf `CanonicalVote`, type 1 (prevote) or 2 (precommit) |
//! | proposal | length-delimited protobuf `CanonicalProposal`, type 32 |
//! | proposal stream | `tributary/proposal-stream/v1` ‖ borsh of chain id and what the stream says it carries |
//!
//! The first two are Tendermint's: their first field, the type, sets them apart, and a light client or a contract with stock
//! code can check them. A stream's bytes start with `t` (a length of 116) and `r` (field 14), which no canonical message has.
//! A vote for a block carries the block's time; a vote for none carries the Unix epoch.
//!
//! Source: CometBFT `types/canonical.go`; `proto/tendermint/types/canonical.proto`.

use prost::Message;
use tendermint_proto::v0_38::types as pb;
use tributary_primitives::Height;

use crate::block_ref::BlockRef;
use crate::chain_id::ChainId;
use crate::keys::ValidatorAddress;
use crate::time::BlockTime;

/// What a proposal stream's signature covers, before its contents.
const STREAM_DOMAIN: &[u8] = b"tributary/proposal-stream/v1";

/// The two steps of voting.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VoteKind {
    /// First step.
    Prevote,
    /// Second step: what commits are made of.
    Precommit,
}

/// The bytes of a vote for `block`, or for none, at `height` and `round`.
#[must_use]
pub fn vote(chain: &ChainId, kind: VoteKind, height: Height, round: u32, block: Option<&BlockRef>) -> Vec<u8> {
    pb::CanonicalVote {
        r#type: i32::from(match kind {
            VoteKind::Prevote => pb::SignedMsgType::Prevote,
            VoteKind::Precommit => pb::SignedMsgType::Precommit,
        }),
        height: signed_height(height),
        round: i64::from(round),
        block_id: block.map(|block| block.block_id().into()),
        timestamp: Some(block.map_or(BlockTime::EPOCH, |block| block.time).to_tendermint().into()),
        chain_id: chain.to_string(),
    }
    .encode_length_delimited_to_vec()
}

/// The bytes of a proposal of `block`, locked in `valid_round` if any.
#[must_use]
pub fn proposal(chain: &ChainId, height: Height, round: u32, valid_round: Option<u32>, block: &BlockRef) -> Vec<u8> {
    pb::CanonicalProposal {
        r#type: i32::from(pb::SignedMsgType::Proposal),
        height: signed_height(height),
        round: i64::from(round),
        pol_round: valid_round.map_or(-1, i64::from),
        block_id: Some(block.block_id().into()),
        timestamp: Some(block.time.to_tendermint().into()),
        chain_id: chain.to_string(),
    }
    .encode_length_delimited_to_vec()
}

/// The bytes a validator signs to vouch for a stream of parts that it sends.
#[must_use]
pub fn proposal_stream(
    chain: &ChainId,
    height: Height,
    round: u32,
    valid_round: Option<u32>,
    proposer: &ValidatorAddress,
    block: &BlockRef,
) -> Vec<u8> {
    let mut bytes = STREAM_DOMAIN.to_vec();
    borsh::to_writer(&mut bytes, &(chain.as_str(), height.0, round, valid_round, proposer, block))
        .expect("writing to memory does not fail");
    bytes
}

/// Heights are `u64` here and `i64` on Tendermint's wire; a chain does not live to see the difference.
fn signed_height(height: Height) -> i64 {
    i64::try_from(height.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use tributary_primitives::Hash32;

    use super::*;

    fn reference() -> BlockRef {
        BlockRef {
            hash: Hash32([1; 32]),
            parts_total: 2,
            parts_hash: Hash32([3; 32]),
            time: BlockTime::from_unix_nanos(1_700_000_000_000_000_001),
        }
    }

    #[test]
    fn a_vote_signs_what_tendermint_signs() {
        let chain: ChainId = "root-1".parse().unwrap();
        for (kind, theirs) in [
            (VoteKind::Prevote, tendermint::vote::Type::Prevote),
            (VoteKind::Precommit, tendermint::vote::Type::Precommit),
        ] {
            for block in [None, Some(reference())] {
                let vote = tendermint::Vote {
                    vote_type: theirs,
                    height: 7_u32.into(),
                    round: 3_u8.into(),
                    block_id: block.map(|block| block.block_id()),
                    timestamp: Some(block.map_or(BlockTime::EPOCH, |block| block.time).to_tendermint()),
                    validator_address: ValidatorAddress([9; 20]).to_tendermint(),
                    validator_index: 0_u32.try_into().unwrap(),
                    signature: None,
                    extension: vec![],
                    extension_signature: None,
                };
                let ours = super::vote(&chain, kind, Height(7), 3, block.as_ref());
                assert_eq!(ours, vote.into_signable_vec(chain.as_tendermint().clone()));
            }
        }
    }

    #[test]
    fn no_two_things_sign_the_same_bytes() {
        let (chain, other): (ChainId, ChainId) = ("root-1".parse().unwrap(), "root-2".parse().unwrap());
        let (block, proposer, height) = (reference(), ValidatorAddress([9; 20]), Height(7));
        let later = BlockRef { time: block.time.after(std::time::Duration::from_nanos(1)), ..block };
        let mut all = vec![
            vote(&chain, VoteKind::Prevote, height, 0, Some(&block)),
            vote(&chain, VoteKind::Precommit, height, 0, Some(&block)),
            vote(&chain, VoteKind::Precommit, height, 0, Some(&later)),
            vote(&chain, VoteKind::Precommit, height, 0, None),
            vote(&chain, VoteKind::Precommit, height, 1, Some(&block)),
            vote(&chain, VoteKind::Precommit, height.next(), 0, Some(&block)),
            vote(&other, VoteKind::Precommit, height, 0, Some(&block)),
            proposal(&chain, height, 0, None, &block),
            proposal(&chain, height, 0, Some(0), &block),
            proposal(&other, height, 0, None, &block),
            proposal_stream(&chain, height, 0, None, &proposer, &block),
            proposal_stream(&chain, height, 0, Some(0), &proposer, &block),
            proposal_stream(&other, height, 0, None, &proposer, &block),
        ];
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_bytes_are_pinned() {
        let chain: ChainId = "root-1".parse().unwrap();
        let vote = vote(&chain, VoteKind::Precommit, Height(7), 3, Some(&reference()));
        let proposal = proposal(&chain, Height(7), 3, None, &reference());
        let stream = proposal_stream(&chain, Height(7), 3, None, &ValidatorAddress([9; 20]), &reference());
        for (bytes, pinned) in [(vote, VOTE), (proposal, PROPOSAL), (stream, STREAM)] {
            assert_eq!(hex::encode(bytes), pinned);
        }
    }

    const VOTE: &str = concat!(
        "70080211070000000000000019030000000000000022480a200101010101010101010101010101010101010101010101",
        "01010101010101010112240802122003030303030303030303030303030303030303030303030303030303030303032a",
        "080880e2cfaa0610013206726f6f742d31",
    );
    const PROPOSAL: &str = concat!(
        "7b082011070000000000000019030000000000000020ffffffffffffffffff012a480a20010101010101010101010101",
        "010101010101010101010101010101010101010112240802122003030303030303030303030303030303030303030303",
        "0303030303030303030332080880e2cfaa0610013a06726f6f742d31",
    );
    const STREAM: &str = concat!(
        "7472696275746172792f70726f706f73616c2d73747265616d2f763106000000726f6f742d3107000000000000000300",
        "000000090909090909090909090909090909090909090901010101010101010101010101010101010101010101010101",
        "0101010101010102000000030303030303030303030303030303030303030303030303030303030303030301002a36fe",
        "9c9717",
    );
}
