//! When checkpoint shares make a certificate.
//!
//! Every validator that executed the block at the end of a period cuts the same checkpoint and signs it: a *share*. Shares and
//! certificates travel by gossip; whoever holds shares of more than two thirds of the power assembles the certificate.
//!
//! | state of a height | event | next | action |
//! |---|---|---|---|
//! | – | cut | open | sign and publish own share |
//! | open | share, quorum not reached | open | keep it |
//! | open | share, quorum reached | certified | publish the certificate |
//! | open | certificate | certified | keep it |
//! | certified | share or certificate | certified | nothing |
//! | – | share or certificate for a height not cut here | – | [`ShareOutcome::NotCut`]: it comes again |
//!
//! Lost messages come again because an open height's own share is published again from time to time ([`ShareBook::open_shares`]).
//! Bounds: [`OPEN_MAX`] open heights, one share a validator for each.

use std::collections::BTreeMap;

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use tributary_checkpoint::{Checkpoint, CheckpointCertificate, Registration};
use tributary_primitives::{BlsPublicKey, BlsSignature, Height, SignerBitmap, VotingPower};

/// Most heights that wait for shares at once. Past it the lowest is given up: the next checkpoint covers its blocks too.
pub const OPEN_MAX: usize = 64;

/// One validator's signature over the checkpoint it cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Share {
    /// Height of the checkpoint.
    pub height: Height,
    /// Position of the signer in the validator set.
    pub signer: u16,
    /// Its signature over the checkpoint's signing payload.
    pub signature: BlsSignature,
}

/// Why a share or a certificate from a peer is refused. Its sender is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareRejected {
    /// A position past the validator set.
    #[error("share for height {height} is from validator {signer} of {validators}")]
    NoSuchValidator {
        /// Height of the share.
        height: Height,
        /// Position it claims.
        signer: u16,
        /// Size of the set.
        validators: usize,
    },
    /// The signature is not the validator's over the checkpoint cut here.
    #[error("share for height {height} is not validator {signer}'s signature over the checkpoint cut here")]
    BadShare {
        /// Height of the share.
        height: Height,
        /// Position it claims.
        signer: u16,
    },
    /// The certificate is for another checkpoint than the one cut here, or a quorum did not sign it.
    #[error("certificate for height {0} does not certify the checkpoint cut here")]
    BadCertificate(Height),
}

/// What a share or a certificate led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareOutcome {
    /// Kept; more are needed.
    Kept,
    /// Nothing new.
    Known,
    /// No checkpoint was cut here at that height yet, or it was given up.
    NotCut,
    /// The height is certified from now on.
    Certified(Box<CheckpointCertificate>),
}

struct Open {
    checkpoint: Checkpoint,
    payload: Vec<u8>,
    shares: BTreeMap<u16, BlsSignature>,
}

/// The checkpoints that wait for a quorum. `verify` and `aggregate` of the methods below do the cryptography.
pub struct ShareBook {
    registration: Registration,
    open: BTreeMap<Height, Open>,
    certified: Height,
}

impl ShareBook {
    /// A book for this validator set, in which every height up to `certified` is done.
    #[must_use]
    pub const fn new(registration: Registration, certified: Height) -> Self {
        Self { registration, open: BTreeMap::new(), certified }
    }

    /// A checkpoint was cut here: shares for it are welcome from now on.
    pub fn cut(&mut self, checkpoint: Checkpoint) {
        if checkpoint.height <= self.certified {
            return;
        }
        let payload = checkpoint.signing_payload();
        self.open.entry(checkpoint.height).or_insert_with(|| Open { checkpoint, payload, shares: BTreeMap::new() });
        if self.open.len() > OPEN_MAX {
            self.open.pop_first();
        }
    }

    /// Takes a share in. `verify` answers whether one key signed a message; it is asked once, for a share that is new.
    ///
    /// # Errors
    /// [`ShareRejected`]; nothing changed.
    pub fn add_share(
        &mut self,
        share: &Share,
        verify: impl FnOnce(&BlsPublicKey, &[u8], &BlsSignature) -> bool,
        aggregate: impl FnOnce(&[BlsSignature]) -> Option<BlsSignature>,
    ) -> Result<ShareOutcome, ShareRejected> {
        let Share { height, signer, signature } = *share;
        if height <= self.certified {
            return Ok(ShareOutcome::Known);
        }
        let Some(open) = self.open.get_mut(&height) else { return Ok(ShareOutcome::NotCut) };
        let validators = &self.registration.validators;
        let Some(validator) = validators.get(usize::from(signer)) else {
            return Err(ShareRejected::NoSuchValidator { height, signer, validators: validators.len() });
        };
        if open.shares.contains_key(&signer) {
            return Ok(ShareOutcome::Known);
        }
        if !verify(&validator.key, &open.payload, &signature) {
            return Err(ShareRejected::BadShare { height, signer });
        }
        open.shares.insert(signer, signature);
        let Some(certificate) = assemble(open, &self.registration, aggregate) else { return Ok(ShareOutcome::Kept) };
        Ok(self.certify(certificate))
    }

    /// Takes in a certificate that somebody else assembled. `verify` as IETF `FastAggregateVerify`.
    ///
    /// # Errors
    /// [`ShareRejected::BadCertificate`]; nothing changed.
    pub fn add_certificate(
        &mut self,
        certificate: CheckpointCertificate,
        verify: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
    ) -> Result<ShareOutcome, ShareRejected> {
        let height = certificate.checkpoint.height;
        if height <= self.certified {
            return Ok(ShareOutcome::Known);
        }
        let Some(open) = self.open.get(&height) else { return Ok(ShareOutcome::NotCut) };
        let signed = signed_power(&certificate.signers, &self.registration);
        let keys: Vec<_> =
            certificate.signers.iter().filter_map(|at| Some(self.registration.validators.get(at)?.key)).collect();
        let holds = certificate.checkpoint == open.checkpoint
            && certificate.signers.size() == self.registration.validators.len()
            && signed.is_quorum_of(self.registration.total_power())
            && verify(&keys, &open.payload, &certificate.signature);
        if !holds {
            return Err(ShareRejected::BadCertificate(height));
        }
        Ok(self.certify(certificate))
    }

    /// The open heights, lowest first, each with the share of `signer` if it is there: what to publish again.
    pub fn open_shares(&self, signer: u16) -> impl Iterator<Item = Share> + '_ {
        self.open.iter().filter_map(move |(height, open)| {
            let signature = *open.shares.get(&signer)?;
            Some(Share { height: *height, signer, signature })
        })
    }

    /// Height of the latest certified checkpoint.
    #[must_use]
    pub const fn certified(&self) -> Height {
        self.certified
    }

    /// A certified height closes every height below it too: its checkpoint covers their blocks.
    fn certify(&mut self, certificate: CheckpointCertificate) -> ShareOutcome {
        self.certified = certificate.checkpoint.height;
        self.open = self.open.split_off(&self.certified.next());
        ShareOutcome::Certified(Box::new(certificate))
    }
}

fn signed_power(signers: &SignerBitmap, registration: &Registration) -> VotingPower {
    signers.iter().filter_map(|at| registration.validators.get(at)).map(|validator| validator.power).sum()
}

/// The certificate, once the shares' power is a quorum.
fn assemble(
    open: &Open,
    registration: &Registration,
    aggregate: impl FnOnce(&[BlsSignature]) -> Option<BlsSignature>,
) -> Option<CheckpointCertificate> {
    let mut signers = SignerBitmap::none_of(registration.validators.len()).ok()?;
    open.shares.keys().for_each(|signer| signers.insert(usize::from(*signer)));
    if !signed_power(&signers, registration).is_quorum_of(registration.total_power()) {
        return None;
    }
    let signatures: Vec<_> = open.shares.values().copied().collect();
    Some(CheckpointCertificate { checkpoint: open.checkpoint.clone(), signers, signature: aggregate(&signatures)? })
}

#[cfg(test)]
mod tests {
    use fvm_shared::econ::TokenAmount;
    use tributary_checkpoint::{ConfigurationNumber, Validator};
    use tributary_crypto::{BlsSecretKey, bls};
    use tributary_primitives::{Hash32, SubnetId, cbor_cid};

    use super::*;

    fn keys() -> Vec<BlsSecretKey> {
        (1..=4u8).map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).collect()
    }

    fn checkpoint(height: u64) -> Checkpoint {
        Checkpoint {
            subnet: SubnetId::root(7).child(100).unwrap(),
            height: Height(height),
            block_hash: Hash32([1; 32]),
            state_root: cbor_cid(&[0x80]),
            previous: None,
            outbox_root: cbor_cid(&[0x80]),
            outbox_count: 0,
            configuration: ConfigurationNumber::FIRST,
            supply: TokenAmount::from_atto(1),
        }
    }

    fn book() -> ShareBook {
        let validators = keys().iter().map(|key| Validator { key: key.public_key(), power: VotingPower(1) }).collect();
        let registration = Registration {
            subnet: checkpoint(10).subnet,
            checkpoint_period: 10,
            configuration: ConfigurationNumber::FIRST,
            validators,
        };
        ShareBook::new(registration, Height::GENESIS)
    }

    fn share(height: u64, signer: u16) -> Share {
        let signature = keys()[usize::from(signer)].sign(&checkpoint(height).signing_payload());
        Share { height: Height(height), signer, signature }
    }

    fn add(book: &mut ShareBook, share: &Share) -> Result<ShareOutcome, ShareRejected> {
        book.add_share(share, bls::verify, bls::aggregate)
    }

    #[test]
    fn the_share_that_makes_a_quorum_makes_a_certificate_that_verifies() {
        let mut book = book();
        book.cut(checkpoint(10));
        assert_eq!(add(&mut book, &share(10, 3)), Ok(ShareOutcome::Kept));
        assert_eq!(add(&mut book, &share(10, 3)), Ok(ShareOutcome::Known));
        assert_eq!(add(&mut book, &share(10, 0)), Ok(ShareOutcome::Kept));
        let Ok(ShareOutcome::Certified(certificate)) = add(&mut book, &share(10, 1)) else { panic!("no certificate") };
        assert_eq!(certificate.signers.iter().collect::<Vec<_>>(), [0, 1, 3]);
        assert_eq!(add(&mut book, &share(10, 2)), Ok(ShareOutcome::Known), "late");
        let mut elsewhere = self::book();
        elsewhere.cut(checkpoint(10));
        let adopted = elsewhere.add_certificate(*certificate.clone(), bls::fast_aggregate_verify);
        assert_eq!(adopted, Ok(ShareOutcome::Certified(certificate)));
    }

    #[test]
    fn each_bad_share_is_refused_for_its_own_reason_and_kept_out() {
        let mut book = book();
        assert_eq!(add(&mut book, &share(10, 0)), Ok(ShareOutcome::NotCut));
        book.cut(checkpoint(10));
        let stranger = Share { signer: 4, ..share(10, 0) };
        let refusal = add(&mut book, &stranger).unwrap_err();
        assert_eq!(refusal, ShareRejected::NoSuchValidator { height: Height(10), signer: 4, validators: 4 });
        let forged = Share { signer: 1, ..share(10, 0) };
        let refusal = add(&mut book, &forged).unwrap_err();
        assert_eq!(refusal, ShareRejected::BadShare { height: Height(10), signer: 1 });
        assert_eq!(book.open_shares(1).count(), 0);
    }

    #[test]
    fn a_certificate_without_a_quorum_or_for_another_checkpoint_is_refused() {
        let mut book = book();
        book.cut(checkpoint(10));
        let mut signers = SignerBitmap::none_of(4).unwrap();
        let signatures: Vec<_> = [0, 1].map(|signer| share(10, signer).signature).to_vec();
        [0, 1].into_iter().for_each(|at| signers.insert(at));
        let two = CheckpointCertificate {
            checkpoint: checkpoint(10),
            signers,
            signature: bls::aggregate(&signatures).unwrap(),
        };
        let other = CheckpointCertificate {
            checkpoint: Checkpoint { supply: TokenAmount::from_atto(2), ..checkpoint(10) },
            ..two.clone()
        };
        for bad in [two, other] {
            let refusal = book.add_certificate(bad, bls::fast_aggregate_verify).unwrap_err();
            assert_eq!(refusal, ShareRejected::BadCertificate(Height(10)));
        }
    }

    #[test]
    fn open_heights_are_bounded_and_a_certified_one_closes_those_below() {
        let mut book = book();
        for height in 1..=100 {
            book.cut(checkpoint(height * 10));
        }
        assert_eq!(book.open.len(), OPEN_MAX);
        for signer in 0..3 {
            add(&mut book, &share(990, signer)).unwrap();
        }
        assert_eq!(book.certified(), Height(990));
        assert_eq!(book.open.keys().copied().collect::<Vec<_>>(), [Height(1_000)]);
    }
}
