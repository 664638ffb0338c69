use malachite_core_types::{NilOrVal, SignedMessage, VoteType};
use tributary_chain::{BlockRef, BlockTime, ValidatorAddress};
use tributary_primitives::{Hash32, Height};

use super::*;
use crate::context::{Init, Proposal, Vote};

const SIGNATURE: ConsensusSignature = ConsensusSignature([5; 64]);
const ADDRESS: Address = Address(ValidatorAddress([6; 20]));

fn block() -> BlockRef {
    let time = BlockTime::from_unix_nanos(7);
    BlockRef { hash: Hash32([1; 32]), parts_total: 2, parts_hash: Hash32([3; 32]), time }
}

fn vote() -> SignedConsensusMsg<Chain> {
    let (height, round) = (EngineHeight(Height(9)), Round::new(1));
    let value = NilOrVal::Val(Value(block()));
    SignedConsensusMsg::Vote(SignedMessage::new(
        Vote { kind: VoteType::Precommit, height, round, value, address: ADDRESS },
        SIGNATURE,
    ))
}

fn decided(count: usize) -> Response<Chain> {
    let certificate =
        CommitCertificate { height: Height(9), round: 1, block: block(), signatures: vec![(ADDRESS.0, SIGNATURE); 3] };
    let value = raw_decided(DecidedBlock { certificate, bytes: vec![8; 100] });
    Response::ValueResponse(ValueResponse::new(EngineHeight(Height(9)), vec![value; count]))
}

#[test]
fn every_message_reads_back() {
    let (height, round) = (EngineHeight(Height(9)), Round::new(1));
    let proposal = Proposal { height, round, value: Value(block()), pol_round: Round::Nil, address: ADDRESS };
    for message in [vote(), SignedConsensusMsg::Proposal(SignedMessage::new(proposal, SIGNATURE))] {
        assert_eq!(BorshCodec.decode(BorshCodec.encode(&message).unwrap()).ok(), Some(message));
    }
    let (valid_round, proposer, streamer, signature) = (Some(0), ADDRESS, ADDRESS, SIGNATURE);
    let init = Init { height, round: 1, valid_round, proposer, block: block(), streamer, signature };
    for part in [Part::Init(init), Part::Data(vec![1, 2, 3])] {
        assert_eq!(BorshCodec.decode(BorshCodec.encode(&part).unwrap()).ok(), Some(part));
    }
    let proof = ValidatorProof::<Chain>::new(vec![1; 32], vec![2; 38], SIGNATURE);
    assert_eq!(BorshCodec.decode(BorshCodec.encode(&proof).unwrap()).ok(), Some(proof));
}

#[test]
fn a_reply_of_decided_blocks_reads_back_and_knows_its_length() {
    for count in 0..=SYNC_BATCH {
        let reply = decided(count);
        let bytes = BorshCodec.encode(&reply).unwrap();
        assert_eq!(BorshCodec.encoded_len(&reply).unwrap(), bytes.len());
        assert_eq!(BorshCodec.decode(bytes).ok(), Some(reply));
    }
}

#[test]
fn a_reply_that_is_too_long_cut_short_or_padded_is_refused() {
    let bytes = BorshCodec.encode(&decided(2)).unwrap().to_vec();
    let refused = |bytes: Vec<u8>| Codec::<Response<Chain>>::decode(&BorshCodec, bytes.into()).is_err();
    assert!(refused(BorshCodec.encode(&decided(SYNC_BATCH + 1)).unwrap().to_vec()));
    assert!(refused(bytes[..bytes.len() - 1].to_vec()));
    assert!(refused([&bytes[..], &[0]].concat()));
}

/// The write-ahead log of one release is replayed by the next.
#[test]
fn the_bytes_of_a_vote_are_pinned() {
    let mut want = vec![0, 1];
    want.extend(9_u64.to_le_bytes());
    want.extend([1, 1, 0, 0, 0, 1]);
    want.extend([1; 32]);
    want.extend(2_u32.to_le_bytes());
    want.extend([3; 32]);
    want.extend(7_u64.to_le_bytes());
    want.extend([6; 20]);
    want.extend([5; 64]);
    assert_eq!(BorshCodec.encode(&vote()).unwrap(), want);
}
