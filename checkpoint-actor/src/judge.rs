//! Judges one certificate: does it follow the latest accepted checkpoint, and did a quorum sign it?
//!
//! ```text
//! certificate
//!   ├─ from our subnet?                          no ─▶ WrongSubnet
//!   ├─ by the validator set we know?             no ─▶ WrongConfiguration
//!   ├─ above the latest accepted height?         no ─▶ AlreadyAccepted, if it is the one accepted there
//!   │                                                  NotAbove, otherwise
//!   ├─ where a period ends?                      no ─▶ OffPeriod
//!   ├─ keeps every message queued so far?        no ─▶ OutboxShrank
//!   ├─ follows the latest accepted one?          no ─▶ NotNext or SkippedMessages, see below
//!   ├─ a supply that can be?                     no ─▶ NegativeSupply
//!   ├─ bitmap of the set's size?                 no ─▶ BitmapSize
//!   ├─ more than two thirds of the power?        no ─▶ NoQuorum
//!   ├─ aggregate verifies?                       no ─▶ BadSignature
//!   └─ accepted
//! ```
//!
//! Cheap questions first; the last is the only costly one. A rejection leaves the state as it was.
//!
//! # Following and skipping
//!
//! A subnet cuts a checkpoint at the end of every period, and each names the one cut before it. A checkpoint follows when
//! `previous` is the latest accepted one (`None` if there is none). A checkpoint may also *skip*, so that a relayer that was
//! away catches up in one step, when
//!
//! 1. at least one whole period lies between, so that there was something to skip;
//! 2. it names some previous checkpoint; and
//! 3. its outbox count equals the latest accepted one's (0 if there is none).
//!
//! Outbox counts never fall, so by 3 every checkpoint skipped has that same count: none of them brought the parent a message,
//! and nothing is lost with them. A checkpoint that does bring messages is never out of reach: the one cut just before it either
//! skips to here or brings messages itself, and is carried first.

use cid::Cid;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use tributary_primitives::{BlsPublicKey, BlsSignature, Height, SubnetId, VotingPower};

use crate::checkpoint::{Checkpoint, CheckpointCertificate};
use crate::exit_code;
use crate::registration::{ConfigurationNumber, Registration};

/// What is remembered of a checkpoint that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its height.
    pub height: Height,
    /// Its name.
    pub cid: Cid,
    /// Messages queued for the parent up to it.
    pub outbox_count: u64,
}

impl From<&Checkpoint> for Accepted {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self { height: checkpoint.height, cid: checkpoint.cid(), outbox_count: checkpoint.outbox_count }
    }
}

/// Where a subnet stands on its parent: all that a certificate is judged by.
#[derive(Copy, Clone, Debug)]
pub struct Standing<'a> {
    /// Whose certificates, and by which validators.
    pub registration: &'a Registration,
    /// The latest accepted checkpoint; `None` before the first.
    pub latest: Option<&'a Accepted>,
    /// The checkpoint accepted at the certificate's own height, if that is not above the latest. Only tells
    /// [`CertificateRejected::AlreadyAccepted`] from [`CertificateRejected::NotAbove`].
    pub same_height: Option<&'a Cid>,
}

/// Why a certificate is not accepted. Its maker or carrier is at fault, and nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRejected {
    /// Of another subnet.
    #[error("a certificate of subnet {found}, not of {expected}")]
    WrongSubnet {
        /// The subnet that is registered, or trusted.
        expected: SubnetId,
        /// The subnet in the certificate.
        found: SubnetId,
    },
    /// Signed by another validator set.
    #[error("signed by validator set {found}; set {expected} is in force")]
    WrongConfiguration {
        /// The set in force.
        expected: ConfigurationNumber,
        /// The set in the certificate.
        found: ConfigurationNumber,
    },
    /// Somebody brought this very checkpoint before.
    #[error("checkpoint {cid} at height {height} is accepted already")]
    AlreadyAccepted {
        /// Its height.
        height: Height,
        /// Its name.
        cid: Cid,
    },
    /// Not above the latest accepted height, and not the checkpoint accepted there.
    #[error("height {found} is not above {latest}, the latest accepted")]
    NotAbove {
        /// The latest accepted height.
        latest: Height,
        /// The certificate's height.
        found: Height,
    },
    /// No period ends at this height.
    #[error("height {height} is no multiple of the period of {period} blocks")]
    OffPeriod {
        /// The certificate's height.
        height: Height,
        /// Blocks from one checkpoint to the next.
        period: u64,
    },
    /// Fewer messages than the parent knows of.
    #[error("{found} messages queued; the latest accepted checkpoint had {accepted}")]
    OutboxShrank {
        /// Messages up to the latest accepted checkpoint.
        accepted: u64,
        /// Messages up to the certificate's.
        found: u64,
    },
    /// Of another history than the latest accepted checkpoint.
    #[error("follows {}; the latest accepted checkpoint is {}", or_none(.found.as_deref()), or_none(.expected.as_deref()))]
    NotNext {
        /// The latest accepted checkpoint. Boxed, as `found` is: CIDs are large and refusals pass through many hands.
        expected: Option<Box<Cid>>,
        /// What the certificate calls previous.
        found: Option<Box<Cid>>,
    },
    /// A checkpoint between may have brought messages.
    #[error("skips checkpoints after {accepted} messages and has {found}: carry those between first")]
    SkippedMessages {
        /// Messages up to the latest accepted checkpoint.
        accepted: u64,
        /// Messages up to the certificate's.
        found: u64,
    },
    /// Less than nothing in existence.
    #[error("a supply of {0} TRB is below zero")]
    NegativeSupply(TokenAmount),
    /// A bitmap for a set of another size.
    #[error("a bitmap for {found} validators; the set has {expected}")]
    BitmapSize {
        /// Validators in the set.
        expected: usize,
        /// Validators the bitmap is for.
        found: usize,
    },
    /// Two thirds of the power or less.
    #[error("signed by {signed} of {total} power; more than two thirds are needed")]
    NoQuorum {
        /// Power of the signers.
        signed: VotingPower,
        /// Power of the set.
        total: VotingPower,
    },
    /// The aggregate is not the signers' signature over this checkpoint.
    #[error("the signature is not by these signers over this checkpoint")]
    BadSignature,
}

impl CertificateRejected {
    /// The number that the receipt of a refused submission shows.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::WrongSubnet { .. } => exit_code::WRONG_SUBNET,
            Self::WrongConfiguration { .. } => exit_code::WRONG_CONFIGURATION,
            Self::AlreadyAccepted { .. } => exit_code::ALREADY_ACCEPTED,
            Self::NotAbove { .. } => exit_code::NOT_ABOVE,
            Self::OffPeriod { .. } => exit_code::OFF_PERIOD,
            Self::OutboxShrank { .. } => exit_code::OUTBOX_SHRANK,
            Self::NotNext { .. } => exit_code::NOT_NEXT,
            Self::SkippedMessages { .. } => exit_code::SKIPPED_MESSAGES,
            Self::NegativeSupply(_) => exit_code::NEGATIVE_SUPPLY,
            Self::BitmapSize { .. } => exit_code::BITMAP_SIZE,
            Self::NoQuorum { .. } => exit_code::NO_QUORUM,
            Self::BadSignature => exit_code::BAD_SIGNATURE,
        }
    }
}

fn or_none(cid: Option<&Cid>) -> String {
    cid.map_or_else(|| "no checkpoint".to_owned(), Cid::to_string)
}

/// Judges `certificate` where the subnet stands.
///
/// `verify` answers whether one aggregate signature holds for these keys over this message (IETF `FastAggregateVerify`; safe
/// because every key was registered with a proof of possession). It is asked at most once, and last. The keys are in the
/// validator set's order, at least one, at most [`tributary_primitives::VALIDATORS_MAX`].
///
/// # Errors
/// [`CertificateRejected`], one for each rule in the order of the table above.
pub fn judge(
    standing: Standing<'_>,
    certificate: &CheckpointCertificate,
    verify: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
) -> Result<Accepted, CertificateRejected> {
    is_from(standing.registration, &certificate.checkpoint)?;
    follows(standing, &certificate.checkpoint)?;
    is_signed(standing.registration, certificate, verify)?;
    Ok(Accepted::from(&certificate.checkpoint))
}

/// Whether the registered validators say what `certificate` does, whatever came before it: who trusts them need know no other checkpoint.
///
/// `verify` as for [`judge`].
///
/// # Errors
/// [`CertificateRejected`], of `WrongSubnet`, `WrongConfiguration` and from `BitmapSize` on in the table above.
pub fn is_certified(
    registration: &Registration,
    certificate: &CheckpointCertificate,
    verify: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
) -> Result<(), CertificateRejected> {
    is_from(registration, &certificate.checkpoint)?;
    is_signed(registration, certificate, verify)
}

/// A quorum signed it.
fn is_signed(
    registration: &Registration,
    certificate: &CheckpointCertificate,
    verify: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
) -> Result<(), CertificateRejected> {
    let signers = quorum(registration, certificate)?;
    if !verify(&signers, &certificate.checkpoint.signing_payload(), &certificate.signature) {
        return Err(CertificateRejected::BadSignature);
    }
    Ok(())
}

/// The subnet and the validator set are those registered.
fn is_from(registration: &Registration, checkpoint: &Checkpoint) -> Result<(), CertificateRejected> {
    if checkpoint.subnet != registration.subnet {
        let (expected, found) = (registration.subnet.clone(), checkpoint.subnet.clone());
        return Err(CertificateRejected::WrongSubnet { expected, found });
    }
    if checkpoint.configuration != registration.configuration {
        let (expected, found) = (registration.configuration, checkpoint.configuration);
        return Err(CertificateRejected::WrongConfiguration { expected, found });
    }
    Ok(())
}

/// Whether `checkpoint` may come after the latest accepted one, signatures aside. A relayer chooses by this what to carry next.
///
/// # Errors
/// [`CertificateRejected`] from `AlreadyAccepted` to `NegativeSupply` in the table above.
pub fn follows(standing: Standing<'_>, checkpoint: &Checkpoint) -> Result<(), CertificateRejected> {
    is_above(standing, checkpoint)?;
    let period = standing.registration.checkpoint_period;
    if !checkpoint.height.ends_period(period) {
        return Err(CertificateRejected::OffPeriod { height: checkpoint.height, period });
    }
    links_up(standing.latest, checkpoint, period)?;
    if checkpoint.supply.is_negative() {
        return Err(CertificateRejected::NegativeSupply(checkpoint.supply.clone()));
    }
    Ok(())
}

fn is_above(standing: Standing<'_>, checkpoint: &Checkpoint) -> Result<(), CertificateRejected> {
    let Some(latest) = standing.latest.filter(|latest| checkpoint.height <= latest.height) else { return Ok(()) };
    let cid = checkpoint.cid();
    if *latest == Accepted::from(checkpoint) || standing.same_height == Some(&cid) {
        return Err(CertificateRejected::AlreadyAccepted { height: checkpoint.height, cid });
    }
    Err(CertificateRejected::NotAbove { latest: latest.height, found: checkpoint.height })
}

/// The rule of following and skipping.
fn links_up(latest: Option<&Accepted>, checkpoint: &Checkpoint, period: u64) -> Result<(), CertificateRejected> {
    let (latest_height, latest_cid, accepted) =
        latest.map_or((Height::GENESIS, None, 0), |latest| (latest.height, Some(latest.cid), latest.outbox_count));
    let found = checkpoint.outbox_count;
    if found < accepted {
        return Err(CertificateRejected::OutboxShrank { accepted, found });
    }
    if checkpoint.previous == latest_cid {
        return Ok(());
    }
    let something_lies_between = checkpoint.height.0.saturating_sub(latest_height.0) > period;
    if !something_lies_between || checkpoint.previous.is_none() {
        let (expected, found) = (latest_cid.map(Box::new), checkpoint.previous.map(Box::new));
        return Err(CertificateRejected::NotNext { expected, found });
    }
    if found != accepted {
        return Err(CertificateRejected::SkippedMessages { accepted, found });
    }
    Ok(())
}

/// The signers' keys, if they are a quorum.
fn quorum(
    registration: &Registration,
    certificate: &CheckpointCertificate,
) -> Result<Vec<BlsPublicKey>, CertificateRejected> {
    let (expected, found) = (registration.validators.len(), certificate.signers.size());
    if expected != found {
        return Err(CertificateRejected::BitmapSize { expected, found });
    }
    let signers = || certificate.signers.iter().filter_map(|position| registration.validators.get(position));
    let (signed, total) = (signers().map(|signer| signer.power).sum::<VotingPower>(), registration.total_power());
    if !signed.is_quorum_of(total) {
        return Err(CertificateRejected::NoQuorum { signed, total });
    }
    Ok(signers().map(|signer| signer.key).collect())
}

#[cfg(test)]
mod tests;
