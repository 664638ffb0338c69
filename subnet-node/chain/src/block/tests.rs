use proptest::prelude::*;

use super::*;
use crate::block_ref::BlockRef;
use crate::testing::Chain;

#[test]
fn a_block_reads_back_and_is_tendermints_own_encoding() {
    let chain = Chain::of(4);
    for block in [chain.first_block().0, chain.second_block().0] {
        let bytes = block.encode();
        assert_eq!(Block::decode(&bytes, bytes.len()), Ok(block.clone()));
        let theirs = tendermint::block::Block::new(
            block.header.clone(),
            block.transactions.clone(),
            Default::default(),
            block.last_commit.clone(),
        );
        assert_eq!(bytes, pb::Block::from(theirs).encode_to_vec());
    }
}

#[test]
fn each_bad_encoding_is_refused_for_its_own_reason() {
    let good = Chain::of(4).second_block().0;
    let proto = || pb::Block::decode(&good.encode()[..]).unwrap();
    let with = |change: &dyn Fn(&mut pb::Block)| {
        let mut block = proto();
        change(&mut block);
        Block::decode(&block.encode_to_vec(), BLOCK_BYTES_LIMIT).unwrap_err()
    };
    assert_eq!(
        with(&|block| block.data.as_mut().unwrap().txs = vec![vec![]; TRANSACTIONS_MAX + 1]),
        BlockBytesRejected::TooManyTransactions(TRANSACTIONS_MAX + 1)
    );
    assert_eq!(
        with(&|block| block.last_commit.as_mut().unwrap().signatures = vec![Default::default(); 257]),
        BlockBytesRejected::TooManySignatures(257)
    );
    assert_eq!(
        with(&|block| block.evidence = Some(pb::EvidenceList { evidence: vec![pb::Evidence { sum: None }] })),
        BlockBytesRejected::Evidence
    );
    assert_eq!(with(&|block| block.evidence = None), BlockBytesRejected::NotCanonical);
    assert_eq!(with(&|block| block.header = None), BlockBytesRejected::Malformed("no header".to_owned()));
    assert!(matches!(with(&|block| block.header.as_mut().unwrap().height = -1), BlockBytesRejected::Malformed(_)));

    let bytes = good.encode();
    let max = bytes.len() - 1;
    assert_eq!(Block::decode(&bytes, max), Err(BlockBytesRejected::TooLong { bytes: bytes.len(), max }));
    assert!(matches!(Block::decode(&bytes[..max], bytes.len()), Err(BlockBytesRejected::Malformed(_))));
    let mut unknown_field = bytes.clone();
    unknown_field.extend([0x48, 7]);
    assert_eq!(Block::decode(&unknown_field, BLOCK_BYTES_LIMIT), Err(BlockBytesRejected::NotCanonical));
}

proptest! {
    /// Whatever a peer sends, decoding ends in a block that encodes to the same bytes, or in a refusal.
    #[test]
    fn no_bytes_are_two_blocks(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (block, reference) = Chain::of(2).second_block();
        let good = block.encode();
        let mut bytes = good.clone();
        for (at, value) in flips {
            *at.get_mut(&mut bytes) = value;
        }
        if let Ok(decoded) = Block::decode(&bytes, BLOCK_BYTES_LIMIT) {
            prop_assert_eq!(decoded.encode(), bytes.clone());
            prop_assert_eq!(BlockRef::of(&decoded.header, &bytes) == Some(reference), bytes == good);
        }
    }
}
