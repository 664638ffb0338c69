//! The actor's state on the host, with real BLS keys.

use cid::Cid;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_shared::econ::TokenAmount;
use tributary_checkpoint::registration::register;
use tributary_checkpoint::{Candidate, Checkpoint, ConfigurationNumber, exit_code};
use tributary_crypto::bls::{self, BlsSecretKey};
use tributary_primitives::{Hash32, SignerBitmap, SubnetId, VotingPower, cbor_cid};

use super::*;

const PERIOD: u64 = 10;

/// A parent with one registered child, and the child's keys.
struct Parent {
    store: MemoryBlockstore,
    keys: Vec<BlsSecretKey>,
    state: State,
}

impl Parent {
    fn new() -> Self {
        let keys: Vec<_> = (1..=4u8).map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).collect();
        let candidate = |key: &BlsSecretKey| Candidate {
            key: key.public_key(),
            possession: key.prove_possession(),
            power: VotingPower(1),
        };
        let candidates: Vec<_> = keys.iter().map(candidate).collect();
        let registration = register(&SubnetId::root(7), 100, PERIOD, &candidates, bls::verify).unwrap();
        let store = MemoryBlockstore::default();
        let state = State::new(&store, &registration).unwrap();
        Self { store, keys, state }
    }

    /// The certificate of three of the four validators.
    fn certify(&self, period: u64, previous: Option<Cid>) -> CheckpointCertificate {
        let checkpoint = Checkpoint {
            subnet: SubnetId::root(7).child(100).unwrap(),
            height: Height(period * PERIOD),
            block_hash: Hash32([1; 32]),
            state_root: cbor_cid(&period.to_be_bytes()),
            previous,
            outbox_root: cbor_cid(b"outbox"),
            outbox_count: period,
            configuration: ConfigurationNumber::FIRST,
            supply: TokenAmount::from_whole(1),
        };
        let mut signers = SignerBitmap::none_of(self.keys.len()).unwrap();
        (1..4).for_each(|position| signers.insert(position));
        let payload = checkpoint.signing_payload();
        let signatures: Vec<_> = signers.iter().map(|position| self.keys[position].sign(&payload)).collect();
        CheckpointCertificate { checkpoint, signers, signature: bls::aggregate(&signatures).unwrap() }
    }

    fn submit(&mut self, certificate: &CheckpointCertificate) -> Result<Accepted, SubmissionRejected> {
        self.state.submit(&self.store, certificate, bls::fast_aggregate_verify)
    }

    /// Submits `periods` checkpoints, each after the other.
    fn run(&mut self, periods: u64) -> Vec<CheckpointCertificate> {
        let mut certificates: Vec<CheckpointCertificate> = Vec::new();
        for period in 1..=periods {
            let previous = certificates.last().map(|certificate| certificate.checkpoint.cid());
            let certificate = self.certify(period, previous);
            self.submit(&certificate).unwrap();
            certificates.push(certificate);
        }
        certificates
    }
}

#[test]
fn every_accepted_certificate_can_be_asked_for_again() {
    let mut parent = Parent::new();
    assert_eq!(parent.state.latest(&parent.store).unwrap(), None);
    // More than one level of the list.
    let certificates = parent.run(20);
    assert_eq!(parent.state.latest(&parent.store).unwrap().as_ref(), certificates.last());
    for certificate in &certificates {
        let kept = parent.state.at(&parent.store, certificate.checkpoint.height).unwrap();
        assert_eq!(kept.as_ref(), Some(certificate));
    }
    for height in [0, 5, 15, 210, u64::MAX] {
        assert_eq!(parent.state.at(&parent.store, Height(height)).unwrap(), None, "{height}");
    }
}

#[test]
fn a_state_reads_back_from_its_root() {
    let mut parent = Parent::new();
    parent.run(2);
    let root = parent.state.save(&parent.store).unwrap();
    assert_eq!(State::load(&parent.store, &root).unwrap(), parent.state);
    assert_eq!(parent.state.registration(&parent.store).unwrap().validators.len(), 4);
}

#[test]
fn a_refused_certificate_leaves_the_state_as_it_was() {
    let mut parent = Parent::new();
    let certificates = parent.run(3);
    let before = parent.state.clone();
    let mut forged = parent.certify(4, Some(certificates[2].checkpoint.cid()));
    forged.checkpoint.supply = TokenAmount::from_whole(2);
    for (certificate, code) in [
        (&certificates[2], exit_code::ALREADY_ACCEPTED),
        (&certificates[0], exit_code::ALREADY_ACCEPTED),
        (&parent.certify(2, None), exit_code::NOT_ABOVE),
        (&parent.certify(4, None), exit_code::NOT_NEXT),
        (&forged, exit_code::BAD_SIGNATURE),
    ] {
        let refusal = parent.submit(certificate).unwrap_err();
        let SubmissionRejected::Certificate(refusal) = refusal else { panic!("{refusal}") };
        assert_eq!(refusal.exit_code(), code, "{refusal}");
        assert_eq!(parent.state, before);
    }
}

#[test]
fn blocks_of_the_child_are_no_links_of_the_parent() {
    let mut parent = Parent::new();
    parent.run(1);
    assert_eq!(parent.state.latest.unwrap().codec(), CBOR, "the parent does not follow links in a certificate");
}

#[test]
fn a_missing_block_is_named() {
    let parent = Parent::new();
    let refusal = parent.state.registration(&MemoryBlockstore::default()).unwrap_err();
    assert!(refusal.to_string().contains(&parent.state.registration.to_string()));
}
