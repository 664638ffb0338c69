//! The one place where transactions of one sender to one parent are made.
//!
//! A desk serves the relayer's children one at a time: whoever holds the [`Turn`] has the only transaction in flight. So two
//! children never take the same nonce, and a transaction that gets lost leaves no gap that others would wait behind. A turn is
//! given in the order of asking and is held until the transaction is in a block, which takes one block of the parent.

use std::sync::Arc;

use fvm_ipld_encoding::RawBytes;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tributary_checkpoint::CheckpointCertificate;
use tributary_checkpoint::actor::SUBMIT_CHECKPOINT;
use tributary_crypto::SecpSecretKey;
use tributary_message::FvmTransaction;
use tributary_primitives::Hash32;

use crate::chain::{ChainUnavailable, Delivery, ParentChain};
use crate::fees::Fees;

/// The right to have a transaction in flight. Given back when dropped.
pub type Turn = OwnedMutexGuard<()>;

/// Makes and sends transactions of one key on one parent.
#[derive(Debug)]
pub struct Desk<P> {
    parent: P,
    key: SecpSecretKey,
    gas_limit: u64,
    turn: Arc<Mutex<()>>,
}

/// What a transaction carries and offers.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The checkpoint actor that judges it.
    pub actor: ActorID,
    /// The certificate to hand in.
    pub certificate: &'a CheckpointCertificate,
    /// The sender's nonce to use up.
    pub nonce: u64,
    /// What to offer.
    pub fees: Fees,
    /// The parent's Ethereum chain id.
    pub chain_id: u64,
}

/// What the desk did with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Signed and handed to the parent's node, which has it or gave no answer.
    Sent {
        /// Its name, to ask for its receipt.
        hash: Hash32,
        /// Its bytes, to send again.
        raw: Vec<u8>,
    },
    /// Tried on the parent's latest state for nothing, and it would fail: not sent.
    WouldFail(ExitCode),
    /// The node did not take it.
    Refused(String),
}

impl<P: ParentChain> Desk<P> {
    /// A desk for `key` on `parent`, which reserves at most `gas_limit` FVM gas for a transaction.
    pub fn new(parent: P, key: SecpSecretKey, gas_limit: u64) -> Self {
        Self { parent, key, gas_limit, turn: Arc::default() }
    }

    /// The chain this desk sends to.
    pub const fn parent(&self) -> &P {
        &self.parent
    }

    /// Who pays: the key's f1 address.
    pub fn sender(&self) -> Address {
        self.key.f1_address()
    }

    /// The turn if nobody holds it.
    pub fn try_turn(&self) -> Option<Turn> {
        Arc::clone(&self.turn).try_lock_owned().ok()
    }

    /// The turn, after everybody who asked before. May be cancelled.
    pub async fn turn(&self) -> Turn {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Tries `order` on the parent's latest state, signs it and sends it.
    ///
    /// # Errors
    /// [`ChainUnavailable`] when the trial got no answer; then nothing was sent.
    pub async fn send(&self, _turn: &Turn, order: &Order<'_>) -> Result<Outcome, ChainUnavailable> {
        let message = self.message(order);
        let forecast = self.parent.forecast(&message).await?;
        if !forecast.exit_code.is_success() {
            return Ok(Outcome::WouldFail(forecast.exit_code));
        }
        // A quarter more than today's cost: another validator's bits or a longer path in the actor's state may cost more.
        let gas_limit = forecast.gas_used.saturating_add(forecast.gas_used / 4).clamp(1, self.gas_limit);
        let signed = match FvmTransaction::sign(Message { gas_limit, ..message }, &self.key, order.chain_id) {
            Ok(signed) => signed,
            Err(why) => return Ok(Outcome::Refused(why.to_string())),
        };
        let (hash, raw) = (signed.hash(), signed.raw().to_vec());
        Ok(match self.resend(&raw).await {
            Delivery::Taken => Outcome::Sent { hash, raw },
            Delivery::Refused(why) => Outcome::Refused(why),
        })
    }

    /// Sends `raw` once more. No answer, or none of use, counts as taken: it may have arrived, and a transaction is safe to send twice.
    pub async fn resend(&self, raw: &[u8]) -> Delivery {
        match self.parent.send(raw).await {
            Ok(delivery) => delivery,
            Err(unavailable) => {
                tracing::warn!(%unavailable, "no answer of use to a transaction; it may have arrived");
                Delivery::Taken
            }
        }
    }

    fn message(&self, order: &Order<'_>) -> Message {
        Message {
            version: 0,
            from: self.sender(),
            to: Address::new_id(order.actor),
            sequence: order.nonce,
            value: TokenAmount::default(),
            method_num: SUBMIT_CHECKPOINT,
            params: RawBytes::new(order.certificate.to_cbor()),
            gas_limit: self.gas_limit,
            gas_fee_cap: TokenAmount::from_atto(order.fees.cap),
            gas_premium: TokenAmount::from_atto(order.fees.premium),
        }
    }
}
