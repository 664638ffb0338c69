use tributary_chain::{BlockRef, BlockTime, ConsensusSignature, ValidatorAddress};
use tributary_primitives::Hash32;

use super::*;
use crate::context::{Address, EngineHeight};

const BLOCK_BYTES_MAX: usize = 4 * PART_BYTES;

fn init(height: u64, bytes: &[u8]) -> Init {
    let address = Address(ValidatorAddress([1; 20]));
    let parts: Vec<&[u8]> = bytes.chunks(PART_BYTES).collect();
    let block = BlockRef {
        hash: Hash32([2; 32]),
        parts_total: u32::try_from(parts.len()).unwrap(),
        parts_hash: tributary_chain::merkle::root(&parts),
        time: BlockTime::EPOCH,
    };
    let (height, signature) = (EngineHeight(Height(height)), ConsensusSignature([0; 64]));
    Init { height, round: 0, valid_round: None, proposer: address, block, streamer: address, signature }
}

fn block_of(parts: usize) -> Vec<u8> {
    (0..parts * PART_BYTES - 7).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn key(publisher: u32, id: u32) -> Key<u32> {
    (publisher, id.to_be_bytes().to_vec())
}

fn contents(height: u64, bytes: &[u8]) -> Vec<(u64, Content)> {
    (0..).zip(cut(init(height, bytes), bytes)).collect()
}

#[test]
fn a_proposal_is_complete_with_its_last_part_in_any_order() {
    let bytes = block_of(3);
    let parts = contents(1, &bytes);
    let count = parts.len();
    assert_eq!(count, 5, "Init, three parts, the end");
    // Every rotation, forward and backward, each part twice.
    for shift in 0..count {
        for backward in [false, true] {
            let mut streams = Streams::new(BLOCK_BYTES_MAX);
            let mut order: Vec<_> = (0..count).map(|at| (at + shift) % count).collect();
            if backward {
                order.reverse();
            }
            for (seen, at) in order.into_iter().enumerate() {
                let (sequence, content) = parts[at].clone();
                let complete = streams.insert(&1, key(1, 1), sequence, content.clone()).unwrap();
                if seen + 1 == count {
                    assert_eq!(complete, Some(Complete { init: init(1, &bytes), bytes: bytes.clone() }));
                } else {
                    assert_eq!(complete, None);
                    assert_eq!(streams.insert(&1, key(1, 1), sequence, content), Ok(None), "again");
                }
            }
            assert!(streams.streams.is_empty());
        }
    }
}

#[test]
fn each_bad_part_is_refused_for_its_own_reason_and_its_stream_with_it() {
    let bytes = block_of(2);
    let data = |len: usize| Content::Part(Part::Data(vec![0; len]));
    let too_large = init(1, &block_of(5));
    for (sequence, content, refusal) in [
        (1, data(0), PartRejected::Size(0)),
        (1, data(PART_BYTES + 1), PartRejected::Size(PART_BYTES + 1)),
        (0, data(1), PartRejected::Place(0)),
        (5, data(1), PartRejected::Place(5)),
        (u64::MAX, data(1), PartRejected::Place(u64::MAX)),
        (1, Content::Part(Part::Init(init(1, &bytes))), PartRejected::Place(1)),
        (0, Content::Part(Part::Init(init(2, &bytes))), PartRejected::Place(0)),
        (0, Content::Part(Part::Init(too_large)), PartRejected::TooManyParts(5)),
        (1, Content::End, PartRejected::Place(1)),
        (6, Content::End, PartRejected::Place(6)),
    ] {
        let mut streams = Streams::new(BLOCK_BYTES_MAX);
        let first = Content::Part(Part::Init(init(1, &bytes)));
        assert_eq!(streams.insert(&1, key(1, 1), 0, first.clone()), Ok(None));
        assert_eq!(streams.insert(&1, key(1, 1), sequence, content), Err(refusal));
        assert_eq!(streams.insert(&1, key(1, 1), 0, first.clone()), Err(PartRejected::TurnedAway));
        assert_eq!(streams.insert(&1, key(1, 2), 0, first), Ok(None), "another stream is not held to account");
    }
    let mut streams = Streams::new(BLOCK_BYTES_MAX);
    assert_eq!(streams.insert(&1, (1, vec![0; 65]), 0, Content::End), Err(PartRejected::StreamId(65)));
}

#[test]
fn bytes_that_are_not_the_block_are_refused_and_the_block_itself_still_gets_through() {
    let bytes = block_of(2);
    let mut streams = Streams::new(BLOCK_BYTES_MAX);
    let forged = [(0, Content::Part(Part::Init(init(1, &bytes)))), (1, Content::Part(Part::Data(vec![9])))];
    for (sequence, content) in forged {
        assert_eq!(streams.insert(&1, key(1, 1), sequence, content), Ok(None));
    }
    assert_eq!(streams.insert(&1, key(1, 1), 2, Content::End), Err(PartRejected::NotTheBlock), "too short");
    let mut complete = None;
    for (sequence, content) in contents(1, &bytes) {
        complete = streams.insert(&2, key(2, 1), sequence, content).unwrap();
    }
    assert_eq!(complete.unwrap().bytes, bytes);
}

#[test]
fn a_flooding_peer_crowds_out_nobody_but_itself() {
    let bytes = block_of(4);
    let mut streams = Streams::new(BLOCK_BYTES_MAX);
    let honest = contents(1, &bytes);
    for (sequence, content) in &honest[..3] {
        streams.insert(&1, key(1, 1), *sequence, content.clone()).unwrap();
    }
    for id in 0..200 {
        // Under ever new names, as many publishers as it likes, through one connection.
        for sequence in 1..=4 {
            let content = Content::Part(Part::Data(vec![0; PART_BYTES]));
            assert_eq!(streams.insert(&2, key(1_000 + id, id), sequence, content), Ok(None));
        }
        let kept: usize = streams.streams.values().filter(|stream| stream.peer == 2).map(|stream| stream.bytes).sum();
        assert!(kept <= BLOCKS_PER_PEER_MAX * BLOCK_BYTES_MAX, "{kept} bytes");
        assert!(streams.streams.len() <= STREAMS_PER_PEER_MAX + 1);
    }
    let mut complete = None;
    for (sequence, content) in &honest[3..] {
        complete = streams.insert(&1, key(1, 1), *sequence, content.clone()).unwrap();
    }
    assert_eq!(complete.unwrap().bytes, bytes);
}

#[test]
fn many_peers_together_stay_within_the_bound() {
    let mut streams = Streams::new(BLOCK_BYTES_MAX);
    for peer in 0..1_000 {
        let content = Content::Part(Part::Data(vec![0; 1]));
        assert_eq!(streams.insert(&peer, key(peer, 0), 1, content), Ok(None));
        assert!(streams.streams.len() <= STREAMS_MAX);
    }
}

#[test]
fn a_new_height_forgets_the_lower_and_the_nameless() {
    let bytes = block_of(1);
    let mut streams = Streams::new(BLOCK_BYTES_MAX);
    for (id, height) in [(1, 4), (2, 5), (3, 6)] {
        streams.insert(&1, key(1, id), 0, Content::Part(Part::Init(init(height, &bytes)))).unwrap();
    }
    streams.insert(&1, key(1, 4), 1, Content::Part(Part::Data(vec![1]))).unwrap();
    streams.turn_away(&1, key(1, 5));
    streams.forget_below(Height(5));
    let left: Vec<_> = streams.streams.keys().cloned().collect();
    assert_eq!(left, [key(1, 2), key(1, 3)]);
}
