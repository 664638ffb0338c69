use std::time::Duration;

use tendermint::block::CommitSig;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};
use tributary_primitives::Height;

use super::*;
use crate::testing::{Chain, NOW};

fn verify(trusted: &LightBlock, new: &LightBlock) -> Verdict {
    let header = &trusted.signed_header.header;
    ProdVerifier::default().verify_update_header(
        UntrustedBlockState {
            signed_header: &new.signed_header,
            validators: &new.validators,
            next_validators: Some(&new.next_validators),
        },
        TrustedBlockState {
            chain_id: &header.chain_id,
            header_time: header.time,
            height: header.height,
            next_validators: &trusted.next_validators,
            next_validators_hash: header.next_validators_hash,
        },
        &Options {
            trust_threshold: TrustThreshold::ONE_THIRD,
            trusting_period: Duration::from_secs(1_000),
            clock_drift: Duration::from_secs(5),
        },
        NOW.to_tendermint(),
    )
}

#[test]
fn a_stock_light_client_follows_the_chain_step_by_step_and_skipping() {
    let chain = Chain::of(4);
    let blocks = chain.light_blocks(6);
    for pair in blocks.windows(2) {
        assert_eq!(verify(&pair[0], &pair[1]), Verdict::Success);
    }
    for later in &blocks[2..] {
        assert_eq!(verify(&blocks[0], later), Verdict::Success);
    }
}

#[test]
fn a_stock_light_client_refuses_each_forgery() {
    let chain = Chain::of(4);
    let blocks = chain.light_blocks(2);
    let forged = |change: &dyn Fn(&mut LightBlock)| {
        let mut block = blocks[1].clone();
        change(&mut block);
        format!("{:?}", verify(&blocks[0], &block))
    };
    let entry = |block: &mut LightBlock, place: usize, entry: CommitSig| {
        block.signed_header.commit.signatures[place] = entry;
    };
    let late = forged(&|block| {
        if let CommitSig::BlockIdFlagCommit { timestamp, .. } = &mut block.signed_header.commit.signatures[0] {
            *timestamp = (*timestamp + Duration::from_nanos(1)).unwrap();
        }
    });
    assert!(late.contains("InvalidSignature"), "{late}");
    let other_state = forged(&|block| block.signed_header.header.app_hash = vec![9; 32].try_into().unwrap());
    assert!(other_state.contains("InvalidCommitValue"), "{other_state}");
    let unsigned = forged(&|block| {
        entry(block, 0, CommitSig::BlockIdFlagAbsent);
        entry(block, 1, CommitSig::BlockIdFlagAbsent);
    });
    assert!(unsigned.contains("InsufficientSignersOverlap") || unsigned.contains("NotEnoughTrust"), "{unsigned}");
}

#[test]
fn a_light_block_reads_back_from_json() {
    let block = Chain::of(4).light_blocks(1).remove(0);
    let json = serde_json::to_string(&block).unwrap();
    let back: LightBlock = serde_json::from_str(&json).unwrap();
    assert_eq!(back.signed_header, block.signed_header);
    assert_eq!(back.validators.hash(), block.validators.hash());
    assert_eq!(verify(&back, &Chain::of(4).light_blocks(2).remove(1)), Verdict::Success);
}

#[test]
fn parts_of_two_blocks_are_no_light_block() {
    let chain = Chain::of(4);
    let certificate = chain.certify(Height(1), 0, chain.first_block().1, &[0, 1, 2]);
    let second = chain.second_block().0.header;
    let refusal = LightBlock::new(second, &certificate, &chain.set, &chain.set).unwrap_err();
    assert_eq!(refusal, LightBlockRejected { header: 2, certificate: 1 });
}
