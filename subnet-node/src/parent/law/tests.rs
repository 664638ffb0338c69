use fvm_shared::econ::TokenAmount;
use tributary_checkpoint::{ConfigurationNumber, Validator};
use tributary_crypto::{BlsSecretKey, bls};
use tributary_primitives::{Hash32, SignerBitmap, VotingPower, cbor_cid};

use super::*;

fn root() -> SubnetId {
    SubnetId::root(7)
}

fn keys() -> Vec<BlsSecretKey> {
    (1..=4u8).map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).collect()
}

fn registration() -> Registration {
    let validator = |key: &BlsSecretKey| Validator { key: key.public_key(), power: VotingPower(1) };
    Registration {
        subnet: root().child(100).unwrap(),
        checkpoint_period: 10,
        configuration: ConfigurationNumber::FIRST,
        validators: keys().iter().map(validator).collect(),
    }
}

fn checkpoint(height: u64) -> Checkpoint {
    Checkpoint {
        subnet: registration().subnet,
        height: Height(height),
        block_hash: Hash32([1; 32]),
        state_root: cbor_cid(b"state"),
        previous: None,
        outbox_root: cbor_cid(b"outbox"),
        outbox_count: 0,
        configuration: ConfigurationNumber::FIRST,
        supply: TokenAmount::from_atto(1),
    }
}

fn other_state(height: u64) -> Checkpoint {
    Checkpoint { state_root: cbor_cid(b"another state"), ..checkpoint(height) }
}

/// `checkpoint`, signed by the first `signers` of four.
fn signed(checkpoint: Checkpoint, signers: usize) -> CheckpointCertificate {
    let payload = checkpoint.signing_payload();
    let signatures: Vec<_> = keys().iter().take(signers).map(|key| key.sign(&payload)).collect();
    let mut bitmap = SignerBitmap::none_of(4).unwrap();
    (0..signers).for_each(|at| bitmap.insert(at));
    CheckpointCertificate { checkpoint, signers: bitmap, signature: bls::aggregate(&signatures).unwrap() }
}

fn told(latest: CheckpointCertificate) -> Told {
    Told { network: root(), latest: Some(latest) }
}

/// What a node makes of `told` that cut a checkpoint at 10, 20 and 30, the last of which is not certified, and knows of `accepted`.
fn judged(told: &Told, accepted: Option<u64>) -> Result<Option<u64>, ToldRejected> {
    let cut = [10, 20, 30].map(checkpoint).into_iter().find(|cut| cut.height == told.height());
    let here = Here {
        registration: &registration(),
        cut: cut.as_ref(),
        certified: Height(20),
        accepted: accepted.map(Height),
    };
    Ok(judge(told, &here, bls::fast_aggregate_verify)?.map(|height| height.0))
}

#[test]
fn what_is_accepted_rises_and_never_falls() {
    assert_eq!(judged(&Told { network: root(), latest: None }, None), Ok(None));
    assert_eq!(judged(&Told { network: root(), latest: None }, Some(10)), Ok(Some(10)), "a node that is behind");
    for (height, before, after) in [(10, None, 10), (20, Some(10), 20), (20, Some(20), 20), (10, Some(20), 20)] {
        assert_eq!(judged(&told(signed(checkpoint(height), 3)), before), Ok(Some(after)), "{height} after {before:?}");
    }
}

#[test]
fn nothing_counts_that_is_not_certified_here() {
    for (height, why) in [(30, "cut, not certified"), (40, "not cut yet"), (5, "not kept")] {
        assert_eq!(judged(&told(signed(checkpoint(height), 3)), Some(10)), Ok(Some(10)), "{why}");
        assert_eq!(judged(&told(signed(checkpoint(height), 3)), None), Ok(None), "{why}");
    }
}

#[test]
fn a_signature_is_not_verified_for_what_this_node_cut_itself() {
    let here =
        Here { registration: &registration(), cut: Some(&checkpoint(10)), certified: Height(10), accepted: None };
    let verify = |_: &[BlsPublicKey], _: &[u8], _: &BlsSignature| panic!("asked");
    assert_eq!(judge(&told(signed(checkpoint(10), 3)), &here, verify), Ok(Some(Height(10))));
}

#[test]
fn each_answer_that_cannot_be_is_refused_for_its_own_reason() {
    let other_chain = Checkpoint { subnet: root().child(101).unwrap(), ..checkpoint(40) };
    let moved = CheckpointCertificate { checkpoint: other_state(20), ..signed(checkpoint(20), 3) };
    for (told, reason) in [
        (Told { network: SubnetId::root(8), latest: Some(signed(checkpoint(20), 3)) }, "it is a node of /r8"),
        (Told { network: registration().subnet, latest: None }, "it is a node of /r7/f0100"),
        (told(signed(other_state(20), 2)), "signed by 2 of 4 power"),
        (told(moved), "the signature is not by these signers"),
        (told(signed(checkpoint(40), 2)), "signed by 2 of 4 power"),
        (told(signed(other_chain, 4)), "a certificate of subnet /r7/f0101"),
        (told(signed(other_state(20), 3)), "validators signed two histories"),
        (told(signed(other_state(30), 3)), "validators signed two histories"),
    ] {
        let refusal = judged(&told, Some(10)).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{refusal}");
    }
}
