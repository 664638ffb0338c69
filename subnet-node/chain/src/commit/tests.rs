use super::*;
use crate::testing::Chain;

#[test]
fn a_certificate_becomes_a_commit_that_checks_out_whatever_its_order() {
    let chain = Chain::of(4);
    let (_, reference) = chain.first_block();
    let mut certificate = chain.certify(Height(1), 2, reference, &[3, 0, 2]);
    assert_eq!(certificate.check(&chain.rules.chain_id, &chain.set), Ok(()));
    let commit = certificate.to_commit(&chain.set);
    assert_eq!(commit.signatures.iter().filter(|entry| entry.is_absent()).count(), 1);
    certificate.signatures.reverse();
    assert_eq!(certificate.to_commit(&chain.set), commit);
}

#[test]
fn a_certificate_reads_back_within_its_bound() {
    let chain = Chain::of(4);
    let certificate = chain.certify(Height(1), 0, chain.first_block().1, &[0, 1, 2, 3]);
    let bytes = borsh::to_vec(&certificate).unwrap();
    assert_eq!(borsh::from_slice::<CommitCertificate>(&bytes).unwrap(), certificate);
    assert_eq!(bytes.len(), CERTIFICATE_BYTES_MAX - (VALIDATORS_MAX - 4) * 84);
    let mut too_many = bytes;
    too_many[88..92].copy_from_slice(&257_u32.to_le_bytes());
    assert!(borsh::from_slice::<CommitCertificate>(&too_many).is_err());
}

#[test]
fn each_bad_commit_is_refused_for_its_own_reason() {
    let chain = Chain::of(4);
    let (_, reference) = chain.first_block();
    let good = chain.certify(Height(1), 0, reference, &[0, 1, 2]).to_commit(&chain.set);
    let check = |change: &dyn Fn(&mut Commit)| {
        let mut commit = good.clone();
        change(&mut commit);
        check_commit(&chain.rules.chain_id, &commit, Height(1), &reference, &chain.set)
    };
    assert_eq!(check(&|_| ()), Ok(()));
    assert_eq!(check(&|commit| commit.height = 2_u32.into()), Err(CommitRejected::Height { got: 2, want: Height(1) }));
    assert_eq!(
        check(&|commit| commit.block_id.part_set_header = Default::default()),
        Err(CommitRejected::Block(reference))
    );
    assert_eq!(check(&|commit| drop(commit.signatures.pop())), Err(CommitRejected::Length { got: 3, want: 4 }));
    assert_eq!(check(&|commit| commit.signatures.swap(0, 1)), Err(CommitRejected::Validator(0)));
    assert_eq!(check(&|commit| commit.round = 1_u8.into()), Err(CommitRejected::Signature(0)));
    assert_eq!(check(&|commit| as_nil(&mut commit.signatures[1])), Err(CommitRejected::NilVote(1)));
    assert_eq!(check(&|commit| later(&mut commit.signatures[2])), Err(CommitRejected::Time(2)));
    let absent = |commit: &mut Commit| commit.signatures[1] = CommitSig::BlockIdFlagAbsent;
    let (signed, total) = (VotingPower(20), VotingPower(40));
    assert_eq!(check(&absent), Err(CommitRejected::NoQuorum { signed, total }));

    let other = "other-1".parse().unwrap();
    let elsewhere = check_commit(&other, &good, Height(1), &reference, &chain.set);
    assert_eq!(elsewhere, Err(CommitRejected::Signature(0)), "a commit of one chain proves nothing on another");
}

fn as_nil(entry: &mut CommitSig) {
    if let CommitSig::BlockIdFlagCommit { validator_address, timestamp, signature } = entry.clone() {
        *entry = CommitSig::BlockIdFlagNil { validator_address, timestamp, signature };
    }
}

fn later(entry: &mut CommitSig) {
    if let CommitSig::BlockIdFlagCommit { timestamp, .. } = entry {
        *timestamp = (*timestamp + std::time::Duration::from_nanos(1)).unwrap();
    }
}
