//! One good certificate and one fault a row; then the rule of skipping; then quorums in general.

use proptest::prelude::*;
use tributary_primitives::{SignerBitmap, cbor_cid};

use super::*;
use crate::checkpoint::tests::first_checkpoint;
use crate::registration::Validator;

/// Stands for BLS here: a signature that depends on every byte of the keys and the message.
fn toy_signature(keys: &[BlsPublicKey], message: &[u8]) -> BlsSignature {
    let signed: Vec<u8> = keys.iter().flat_map(|key| key.0).chain(message.iter().copied()).collect();
    let digest = cbor_cid(&signed);
    let mut signature = BlsSignature([0; 96]);
    signature.0[..32].copy_from_slice(digest.hash().digest());
    signature
}

fn toy_verify(keys: &[BlsPublicKey], message: &[u8], signature: &BlsSignature) -> bool {
    toy_signature(keys, message) == *signature
}

fn registration(powers: &[u64]) -> Registration {
    let validator =
        |(number, power): (u8, &u64)| Validator { key: BlsPublicKey([number; 48]), power: VotingPower(*power) };
    Registration {
        subnet: first_checkpoint().subnet,
        checkpoint_period: 10,
        configuration: ConfigurationNumber::FIRST,
        validators: (1..).zip(powers).map(validator).collect(),
    }
}

/// `checkpoint` signed by the validators at `positions`.
fn certify(registration: &Registration, checkpoint: Checkpoint, positions: &[usize]) -> CheckpointCertificate {
    let mut signers = SignerBitmap::none_of(registration.validators.len()).unwrap();
    positions.iter().for_each(|position| signers.insert(*position));
    let keys: Vec<_> = signers.iter().map(|position| registration.validators[position].key).collect();
    let signature = toy_signature(&keys, &checkpoint.signing_payload());
    CheckpointCertificate { checkpoint, signers, signature }
}

/// A parent that accepted a checkpoint at height 10 with 5 messages and is handed the next.
#[derive(Clone)]
struct Case {
    registration: Registration,
    latest: Option<Accepted>,
    same_height: Option<Cid>,
    checkpoint: Checkpoint,
    positions: Vec<usize>,
}

impl Case {
    fn good() -> Self {
        let first = Checkpoint { outbox_count: 5, ..first_checkpoint() };
        let latest = Accepted::from(&first);
        let checkpoint = Checkpoint { height: Height(20), previous: Some(latest.cid), outbox_count: 7, ..first };
        Self {
            registration: registration(&[10, 10, 10, 10]),
            latest: Some(latest),
            same_height: None,
            checkpoint,
            positions: vec![0, 1, 3],
        }
    }

    fn latest(&self) -> &Accepted {
        self.latest.as_ref().unwrap()
    }

    fn standing(&self) -> Standing<'_> {
        Standing {
            registration: &self.registration,
            latest: self.latest.as_ref(),
            same_height: self.same_height.as_ref(),
        }
    }

    fn certificate(&self) -> CheckpointCertificate {
        certify(&self.registration, self.checkpoint.clone(), &self.positions)
    }

    fn judge(&self) -> Result<Accepted, CertificateRejected> {
        judge(self.standing(), &self.certificate(), toy_verify)
    }
}

#[test]
fn a_good_certificate_is_accepted() {
    let case = Case::good();
    assert_eq!(case.judge(), Ok(Accepted::from(&case.checkpoint)));
}

#[test]
fn each_fault_is_refused_for_its_own_reason() {
    type Fault = fn(&mut Case);
    type Refusal = fn(&Case) -> CertificateRejected;
    let rows: [(Fault, Refusal); 15] = [
        (
            |case| case.checkpoint.subnet = SubnetId::root(1),
            |case| CertificateRejected::WrongSubnet {
                expected: case.registration.subnet.clone(),
                found: SubnetId::root(1),
            },
        ),
        (
            |case| case.checkpoint.configuration = ConfigurationNumber(2),
            |_| CertificateRejected::WrongConfiguration {
                expected: ConfigurationNumber(1),
                found: ConfigurationNumber(2),
            },
        ),
        (
            |case| case.latest = Some(Accepted::from(&case.checkpoint)),
            |case| CertificateRejected::AlreadyAccepted { height: Height(20), cid: case.checkpoint.cid() },
        ),
        (
            |case| {
                case.latest.as_mut().unwrap().height = Height(30);
                case.same_height = Some(case.checkpoint.cid());
            },
            |case| CertificateRejected::AlreadyAccepted { height: Height(20), cid: case.checkpoint.cid() },
        ),
        (
            |case| case.latest.as_mut().unwrap().height = Height(20),
            |_| CertificateRejected::NotAbove { latest: Height(20), found: Height(20) },
        ),
        (
            |case| case.checkpoint.height = Height(25),
            |_| CertificateRejected::OffPeriod { height: Height(25), period: 10 },
        ),
        (|case| case.checkpoint.outbox_count = 4, |_| CertificateRejected::OutboxShrank { accepted: 5, found: 4 }),
        (
            |case| case.checkpoint.previous = Some(cbor_cid(b"another checkpoint")),
            |case| CertificateRejected::NotNext {
                expected: Some(Box::new(case.latest().cid)),
                found: Some(Box::new(cbor_cid(b"another checkpoint"))),
            },
        ),
        (
            |case| case.checkpoint.previous = None,
            |case| CertificateRejected::NotNext { expected: Some(Box::new(case.latest().cid)), found: None },
        ),
        (
            |case| {
                case.checkpoint.height = Height(30);
                case.checkpoint.previous = Some(cbor_cid(b"another checkpoint"));
            },
            |_| CertificateRejected::SkippedMessages { accepted: 5, found: 7 },
        ),
        (
            |case| case.checkpoint.supply = TokenAmount::from_atto(-1),
            |_| CertificateRejected::NegativeSupply(TokenAmount::from_atto(-1)),
        ),
        (
            |case| case.registration.validators.truncate(3),
            |_| CertificateRejected::BitmapSize { expected: 3, found: 4 },
        ),
        (
            |case| case.positions = vec![],
            |_| CertificateRejected::NoQuorum { signed: VotingPower(0), total: VotingPower(40) },
        ),
        (
            // Twenty of thirty is two thirds, and two thirds is not enough.
            |case| {
                case.registration.validators[3].power = VotingPower(0);
                case.positions = vec![0, 1];
            },
            |_| CertificateRejected::NoQuorum { signed: VotingPower(20), total: VotingPower(30) },
        ),
        (|case| case.registration.validators[0].key = BlsPublicKey([9; 48]), |_| CertificateRejected::BadSignature),
    ];
    for (fault, refusal) in rows {
        let mut case = Case::good();
        fault(&mut case);
        // The validators sign as the four they are, whatever the parent has registered.
        let certificate = certify(&Case::good().registration, case.checkpoint.clone(), &case.positions);
        assert_eq!(judge(case.standing(), &certificate, toy_verify), Err(refusal(&case)));
    }
}

#[test]
fn a_signature_holds_for_its_own_checkpoint_and_signers_only() {
    let case = Case::good();
    let good = case.certificate();
    let mut other_signers = good.clone();
    other_signers.signers.insert(2);
    let mut other_checkpoint = good.clone();
    other_checkpoint.checkpoint.state_root = cbor_cid(b"another state");
    let mut other_signature = good;
    other_signature.signature.0[0] ^= 1;
    for certificate in [other_signers, other_checkpoint, other_signature] {
        assert_eq!(judge(case.standing(), &certificate, toy_verify), Err(CertificateRejected::BadSignature));
    }
}

#[test]
fn who_trusts_the_validators_need_know_no_checkpoint_before() {
    let case = Case::good();
    let asked = |checkpoint: Checkpoint, positions: &[usize]| {
        is_certified(&case.registration, &certify(&case.registration, checkpoint, positions), toy_verify)
    };
    let lone = Checkpoint { height: Height(7_777), previous: Some(cbor_cid(b"unknown")), ..case.checkpoint.clone() };
    assert_eq!(asked(lone.clone(), &[0, 1, 3]), Ok(()));
    let no_quorum = CertificateRejected::NoQuorum { signed: VotingPower(20), total: VotingPower(40) };
    assert_eq!(asked(lone.clone(), &[0, 1]), Err(no_quorum));
    let elsewhere = Checkpoint { subnet: SubnetId::root(1), ..lone.clone() };
    assert!(matches!(asked(elsewhere, &[0, 1, 3]), Err(CertificateRejected::WrongSubnet { .. })));
    let other_set = Checkpoint { configuration: ConfigurationNumber(2), ..lone };
    assert!(matches!(asked(other_set, &[0, 1, 3]), Err(CertificateRejected::WrongConfiguration { .. })));
    let mut forged = case.certificate();
    forged.signature.0[0] ^= 1;
    assert_eq!(is_certified(&case.registration, &forged, toy_verify), Err(CertificateRejected::BadSignature));
}

#[test]
fn the_costly_question_is_asked_last() {
    let case = Case { positions: vec![0, 1], ..Case::good() };
    let never = |_: &[BlsPublicKey], _: &[u8], _: &BlsSignature| unreachable!("no quorum, no verification");
    assert!(judge(case.standing(), &case.certificate(), never).is_err());
}

#[test]
fn checkpoints_without_messages_may_be_skipped() {
    let some = Some(cbor_cid(b"skipped"));
    let skip = |height: u64, outbox_count: u64| {
        let mut case = Case::good();
        case.checkpoint = Checkpoint { height: Height(height), previous: some, outbox_count, ..case.checkpoint };
        case.judge().map(|accepted| accepted.height.0)
    };
    assert_eq!(skip(30, 5), Ok(30));
    assert_eq!(skip(1_000, 5), Ok(1_000));
    assert_eq!(skip(1_000, 6), Err(CertificateRejected::SkippedMessages { accepted: 5, found: 6 }));
}

#[test]
fn a_subnet_that_was_never_carried_may_begin_late_if_it_queued_nothing() {
    let begin = |height: u64, previous: Option<Cid>, outbox_count: u64| {
        let mut case = Case { latest: None, ..Case::good() };
        case.checkpoint = Checkpoint { height: Height(height), previous, outbox_count, ..case.checkpoint };
        case.judge().map(|accepted| accepted.height.0)
    };
    let some = Some(cbor_cid(b"the first"));
    assert_eq!(begin(10, None, 3), Ok(10));
    assert_eq!(begin(50, some, 0), Ok(50));
    assert_eq!(begin(50, some, 3), Err(CertificateRejected::SkippedMessages { accepted: 0, found: 3 }));
    assert_eq!(begin(10, some, 0), Err(CertificateRejected::NotNext { expected: None, found: some.map(Box::new) }));
    assert_eq!(begin(0, None, 0), Err(CertificateRejected::OffPeriod { height: Height(0), period: 10 }));
}

proptest! {
    #[test]
    fn a_bitmap_passes_if_and_only_if_its_power_is_a_quorum(
        signed_powers in prop::collection::vec((any::<bool>(), 1_u64..=1 << 52), 1..=256),
    ) {
        let powers: Vec<u64> = signed_powers.iter().map(|(_, power)| *power).collect();
        let positions: Vec<usize> = (0..).zip(&signed_powers).filter_map(|(at, (signs, _))| signs.then_some(at)).collect();
        let signed: u128 = positions.iter().map(|position| u128::from(powers[*position])).sum();
        let total: u128 = powers.iter().copied().map(u128::from).sum();
        let case = Case { registration: registration_of(&powers), positions, ..Case::good() };
        prop_assert_eq!(case.judge().is_ok(), 3 * signed > 2 * total);
    }
}

/// As [`registration`], for any number of validators.
fn registration_of(powers: &[u64]) -> Registration {
    let mut wide = registration(&[]);
    wide.validators = (0_u64..)
        .zip(powers)
        .map(|(number, power)| {
            let mut key = BlsPublicKey([0; 48]);
            key.0[..8].copy_from_slice(&number.to_be_bytes());
            Validator { key, power: VotingPower(*power) }
        })
        .collect();
    wide
}
