//! Chooses the certificate to carry: the highest that the parent will accept, so that a backlog takes few transactions.
//!
//! ```text
//! certificates, highest first
//!   ├─ does it follow the latest accepted one?   no ─▶ the next lower
//!   ├─ would the parent's actor accept it?       no ─▶ the next lower
//!   └─ carry it
//! none ─▶ why the lowest above the latest accepted one is refused
//! ```
//!
//! The judge is the parent actor's own; only its signature check is done by the BLS library here. A child's node is not
//! trusted: what it offers costs a relayer nothing until it was judged.

use tributary_checkpoint::{Accepted, CertificateRejected, CheckpointCertificate, Registration, Standing, judge};
use tributary_crypto::bls::fast_aggregate_verify;
use tributary_primitives::Height;

/// What the certificates of a child come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Nothing above the latest accepted checkpoint.
    Nothing,
    /// The parent will accept this one.
    Carry(&'a CheckpointCertificate),
    /// There is something, but the parent would refuse all of it.
    Refused(CertificateRejected),
}

/// Chooses among `certificates`. Cost: one hash each, and 1 ms for each that has a quorum and a wrong signature.
#[must_use]
pub fn choose<'a>(
    registration: &Registration,
    latest: Option<&Accepted>,
    certificates: &'a [CheckpointCertificate],
) -> Choice<'a> {
    let accepted_height = latest.map_or(Height::GENESIS, |latest| latest.height);
    let mut above: Vec<_> =
        certificates.iter().filter(|certificate| certificate.checkpoint.height > accepted_height).collect();
    above.sort_by_key(|certificate| std::cmp::Reverse(certificate.checkpoint.height));
    let standing = Standing { registration, latest, same_height: None };
    let mut refusal = None;
    for certificate in above {
        match judge(standing, certificate, fast_aggregate_verify) {
            Ok(_) => return Choice::Carry(certificate),
            Err(why) => refusal = Some(why),
        }
    }
    refusal.map_or(Choice::Nothing, Choice::Refused)
}

/// A certificate of another checkpoint than the one accepted at its height, signed by a quorum of the same set: more than a
/// third of the power signed twice.
#[must_use]
pub fn find_fork<'a>(
    registration: &Registration,
    latest: &Accepted,
    certificates: &'a [CheckpointCertificate],
) -> Option<&'a CheckpointCertificate> {
    certificates.iter().find(|certificate| {
        let checkpoint = &certificate.checkpoint;
        checkpoint.height == latest.height && checkpoint.cid() != latest.cid && is_signed(registration, certificate)
    })
}

/// Whether a quorum of the registered set signed `certificate`, wherever it stands in the history.
fn is_signed(registration: &Registration, certificate: &CheckpointCertificate) -> bool {
    // Judged as if all before it were accepted: then only who speaks and who signed is left to ask.
    let checkpoint = &certificate.checkpoint;
    let before = checkpoint.previous.map(|cid| Accepted {
        height: Height(checkpoint.height.0.saturating_sub(registration.checkpoint_period)),
        cid,
        outbox_count: checkpoint.outbox_count,
    });
    let standing = Standing { registration, latest: before.as_ref(), same_height: None };
    judge(standing, certificate, fast_aggregate_verify).is_ok()
}

#[cfg(test)]
mod tests {
    use tributary_checkpoint::Checkpoint;
    use tributary_primitives::BlsSignature;

    use super::*;
    use crate::fixture::Family;

    fn heights(choice: Choice<'_>) -> Option<u64> {
        match choice {
            Choice::Carry(certificate) => Some(certificate.checkpoint.height.0),
            Choice::Nothing | Choice::Refused(_) => None,
        }
    }

    #[test]
    fn the_highest_that_the_parent_accepts_is_carried() {
        let family = Family::of(100);
        let (registration, certificates) =
            (family.registration(), (1..=9).map(|n| family.certificate(n)).collect::<Vec<_>>());
        // Checkpoint 7 brings the first message: up to 6 all may be skipped, and 7 must be carried itself.
        for (accepted, carried) in
            [(None, Some(60)), (Some(3), Some(60)), (Some(6), Some(70)), (Some(7), Some(90)), (Some(9), None)]
        {
            let latest = accepted.map(|number| family.accepted(number));
            assert_eq!(heights(choose(&registration, latest.as_ref(), &certificates)), carried, "after {accepted:?}");
        }
    }

    #[test]
    fn a_bad_certificate_above_a_good_one_is_passed_over() {
        let family = Family::of(100);
        let (registration, good) = (family.registration(), family.certificate(1));
        let forged = CheckpointCertificate { signature: good.signature, ..family.certificate(2) };
        let minority = family.certify_by(family.checkpoint(3), &[0, 1]);
        let no_point = CheckpointCertificate { signature: BlsSignature([7; 96]), ..family.certificate(4) };
        let certificates = [forged, minority, good, no_point];
        assert_eq!(heights(choose(&registration, None, &certificates)), Some(10));
        let refused = choose(&registration, None, &certificates[..1]);
        assert_eq!(refused, Choice::Refused(CertificateRejected::BadSignature));
    }

    #[test]
    fn a_fork_is_found_only_when_a_quorum_signed_it() {
        let family = Family::of(100);
        let (registration, latest) = (family.registration(), family.accepted(2));
        let other = Checkpoint { outbox_count: 0, state_root: latest.cid, ..family.checkpoint(2) };
        let signed = [family.certify_by(other.clone(), &[1, 2, 3])];
        assert!(find_fork(&registration, &latest, &signed).is_some());
        assert!(find_fork(&registration, &latest, &[family.certify_by(other, &[1, 2])]).is_none(), "no quorum");
        assert!(find_fork(&registration, &latest, &[family.certificate(2)]).is_none(), "the very same");
        assert!(find_fork(&registration, &latest, &[family.certificate(3)]).is_none(), "another height");
    }
}
