//! Checkpoints on this node: cut with the block, signed, gathered, certified.
//!
//! A message is one byte for what it is, one byte that counts how often it was sent again (gossip drops bytes that it carried before), and
//! the share or certificate in DAG-CBOR.
//!
//! The law of shares is [`tributary_replica::shares`]; this is its hand: it signs, writes to disk, publishes, and answers peers.
//! What is lost on the way comes again: [`Checkpoints::republish`] sends this node's open shares every [`REPUBLISH_EVERY`], and
//! a share for a height that is certified here is answered with the certificate.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_crypto::{BlsSecretKey, bls};
use tributary_gossip::GossipHandle;
use tributary_primitives::Height;
use tributary_replica::shares::{OPEN_MAX, Share, ShareBook, ShareOutcome, ShareRejected};
use tributary_store::{StoreFatal, Survives};

use crate::ledger::{Ledger, LedgerFatal};

/// How often this node's open shares are published again.
pub const REPUBLISH_EVERY: Duration = Duration::from_secs(2);
/// A peer that asks for a certificate by an old share gets it at most this often.
const ANSWER_EVERY: Duration = Duration::from_millis(500);

/// First byte of a message: what follows it.
const SHARE: u8 = 0;
const CERTIFICATE: u8 = 1;
/// Second byte of a message that was not sent before.
const FIRST_TIME: u8 = 0;

/// This node's part in certifying checkpoints.
pub struct Checkpoints {
    book: Mutex<ShareBook>,
    /// Position in the validator set, and the key; none on a follower.
    signer: Option<(u16, BlsSecretKey)>,
    ledger: Arc<Ledger>,
    gossip: GossipHandle,
    answered: Mutex<Option<Instant>>,
    /// Counts what is sent again.
    again: AtomicU8,
}

/// Why a peer's message is refused: the peer is at fault.
#[derive(Debug, thiserror::Error)]
pub enum MessageRejected {
    /// Neither a share nor a certificate.
    #[error("checkpoint message is neither a share nor a certificate: {0}")]
    Malformed(String),
    /// A share or certificate that does not hold.
    #[error(transparent)]
    Refused(#[from] ShareRejected),
}

/// What became of a peer's message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// New here: others may want it too.
    Fresh,
    /// Known, or for a height not cut here yet.
    Stale,
}

impl Checkpoints {
    /// Takes up where the disk left off: what was cut and is not certified is signed and gathered again.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn open(ledger: Arc<Ledger>, key: &BlsSecretKey, gossip: GossipHandle) -> Result<Self, LedgerFatal> {
        let registration = ledger.facts().registration();
        let public_key = key.public_key();
        let position = registration.validators.iter().position(|validator| validator.key == public_key);
        let signer = position.and_then(|at| Some((u16::try_from(at).ok()?, key.clone())));
        let head = ledger.head().height;
        let certified = ledger.store().latest_checkpoint(head)?.map_or(Height::GENESIS, |(height, _)| height);
        let book = Mutex::new(ShareBook::new(registration, certified));
        let checkpoints = Self { book, signer, ledger, gossip, answered: Mutex::new(None), again: AtomicU8::new(0) };
        checkpoints.cut_again(certified, head)?;
        Ok(checkpoints)
    }

    /// The checkpoints of the last periods above `certified` and up to `head`.
    fn cut_again(&self, certified: Height, head: Height) -> Result<(), LedgerFatal> {
        let Some(period) = self.ledger.facts().checkpoint_period() else { return Ok(()) };
        let reach = u64::try_from(OPEN_MAX).unwrap_or(u64::MAX).saturating_mul(period);
        let first = certified.0.max(head.0.saturating_sub(reach)) / period + 1;
        for height in (first..=head.0 / period).map(|number| Height(number * period)) {
            if let Some(checkpoint) = self.ledger.record_at(height)?.and_then(|record| record.checkpoint) {
                self.cut(checkpoint)?;
            }
        }
        Ok(())
    }

    /// A checkpoint was cut with a block: this node signs it, and gathers shares for it from now on.
    ///
    /// The share is on disk before it is published: a validator must never be seen to sign two checkpoints of one height.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn cut(&self, checkpoint: Checkpoint) -> Result<(), LedgerFatal> {
        let (height, payload) = (checkpoint.height, checkpoint.signing_payload());
        self.lock().cut(checkpoint);
        let Some((signer, key)) = &self.signer else { return Ok(()) };
        let share = Share { height, signer: *signer, signature: key.sign(&payload) };
        let bytes = encode(SHARE, FIRST_TIME, &share);
        self.ledger.store().put_share(height, &key.public_key(), &bytes, Survives::PowerLoss)?;
        match self.lock().add_share(&share, bls::verify, bls::aggregate) {
            Ok(outcome) => self.act_on(outcome)?,
            Err(why) => tracing::error!(%why, "this node's own share is refused"),
        }
        self.publish(bytes);
        Ok(())
    }

    /// Takes a peer's message in. The inner error is the peer's fault, and nothing changed.
    ///
    /// # Errors
    /// [`LedgerFatal`]: a certificate could not be kept or read, and this node must stop.
    pub fn receive(&self, bytes: &[u8]) -> Result<Result<Reception, MessageRejected>, LedgerFatal> {
        let (outcome, height) = match self.take(bytes) {
            Ok(taken) => taken,
            Err(why) => return Ok(Err(why)),
        };
        let reception = if matches!(outcome, ShareOutcome::Kept | ShareOutcome::Certified(_)) {
            Reception::Fresh
        } else {
            Reception::Stale
        };
        if outcome == ShareOutcome::Known && bytes.first() == Some(&SHARE) {
            self.answer(height)?;
        }
        self.act_on(outcome)?;
        Ok(Ok(reception))
    }

    /// What the book makes of a peer's message, and for which height it is.
    fn take(&self, bytes: &[u8]) -> Result<(ShareOutcome, Height), MessageRejected> {
        match bytes.split_first_chunk() {
            Some(([SHARE, _], body)) => {
                let share: Share = decode(body)?;
                Ok((self.lock().add_share(&share, bls::verify, bls::aggregate)?, share.height))
            }
            Some(([CERTIFICATE, _], body)) => {
                let certificate: CheckpointCertificate = decode(body)?;
                let height = certificate.checkpoint.height;
                Ok((self.lock().add_certificate(certificate, bls::fast_aggregate_verify)?, height))
            }
            _ => Err(MessageRejected::Malformed("unknown kind".to_owned())),
        }
    }

    /// Publishes this node's shares of heights that are not certified.
    pub fn republish(&self) {
        let Some((signer, _)) = &self.signer else { return };
        let shares: Vec<_> = self.lock().open_shares(*signer).collect();
        for share in shares {
            self.publish(encode(SHARE, self.again(), &share));
        }
    }

    /// Height of the latest certified checkpoint; 0 before the first.
    #[must_use]
    pub fn certified(&self) -> Height {
        self.lock().certified()
    }

    fn act_on(&self, outcome: ShareOutcome) -> Result<(), StoreFatal> {
        let ShareOutcome::Certified(certificate) = outcome else { return Ok(()) };
        let height = certificate.checkpoint.height;
        self.ledger.store().put_checkpoint(height, &certificate.to_cbor())?;
        self.ledger.store().delete_shares_below(height)?;
        tracing::info!(%height, signers = certificate.signers.count(), "checkpoint certified");
        self.publish(encode(CERTIFICATE, FIRST_TIME, certificate.as_ref()));
        Ok(())
    }

    /// A peer still gathers for a height that is certified here: it gets the certificate.
    fn answer(&self, height: Height) -> Result<(), StoreFatal> {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.is_some_and(|at| at.elapsed() < ANSWER_EVERY) {
            return Ok(());
        }
        if let Some(certificate) = self.ledger.store().checkpoint(height)? {
            *answered = Some(Instant::now());
            self.publish([&[CERTIFICATE, self.again()], certificate.as_slice()].concat());
        }
        Ok(())
    }

    /// The second byte of a message that is sent again: another one each time, as far as a byte goes.
    fn again(&self) -> u8 {
        self.again.fetch_add(2, Ordering::Relaxed) | 1
    }

    fn publish(&self, bytes: Vec<u8>) {
        if let Err(why) = self.gossip.publish_checkpoint(bytes.into()) {
            tracing::debug!(%why, "checkpoint message not published; it comes again");
        }
    }

    /// The book is whole after every call of its own.
    fn lock(&self) -> MutexGuard<'_, ShareBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(kind: u8, again: u8, body: &impl serde::Serialize) -> Vec<u8> {
    let body = fvm_ipld_encoding::to_vec(body).expect("shares and certificates have a DAG-CBOR form");
    [&[kind, again], body.as_slice()].concat()
}

fn decode<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, MessageRejected> {
    fvm_ipld_encoding::from_slice(body).map_err(|why| MessageRejected::Malformed(why.to_string()))
}
