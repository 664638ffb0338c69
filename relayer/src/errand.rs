//! One message for a person: tried for nothing, signed, sent, and waited for.
//!
//! ```text
//! message ─▶ forecast ──fails──▶ WouldFail: nothing was sent
//!               │ goes well
//!               ▼
//!             sign, with the gas it used and a quarter more ─▶ send ──refused──▶ NotTaken
//!                                                               │ ▲
//!                                                               │ └─ no answer: the same again, SENDS_MAX in all
//!                                                               ▼
//!                                           its receipt, or NotYet after a while
//! ```
//!
//! Once it was sent, whatever goes wrong is told with its hash (InDoubt, NotYet): who sends another one pays twice.
//!
//! The relayer's own transactions go over the desk, which never gives up; a person who waits is told and decides.

use std::time::Duration;

use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tokio::time::sleep;
use tributary_crypto::SecpSecretKey;
use tributary_message::FvmTransaction;
use tributary_primitives::Hash32;

use crate::chain::{ChainUnavailable, Delivery, ParentChain, Receipt};

/// Between two questions for the receipt.
const RECEIPT_POLL: Duration = Duration::from_millis(250);
/// Questions for the receipt: two minutes.
const RECEIPT_POLLS_MAX: u32 = 480;

/// Times that the same bytes are sent while no answer comes. A node takes them once.
const SENDS_MAX: u32 = 3;

/// Why a message did not get into a block, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The node does not answer, or not with sense.
    #[error(transparent)]
    Unavailable(#[from] ChainUnavailable),
    /// It would fail.
    #[error("it would fail with {}; nothing was sent", tell(*.0))]
    WouldFail(ExitCode),
    /// It cannot be signed.
    #[error("it cannot be signed: {0}")]
    Unsigned(String),
    /// The node did not take it.
    #[error("the node did not take it: {0}")]
    NotTaken(String),
    /// It was sent, and nobody tells what became of it.
    #[error(
        "{why}; transaction {hash} may have been taken: before you send again, look by `tributary status {hash}`, or by subnet_messageStatus"
    )]
    InDoubt {
        /// The transaction.
        hash: Hash32,
        /// What the node said instead.
        why: ChainUnavailable,
    },
    /// It is in no block yet.
    #[error("transaction {hash} is in no block after {} seconds; it may still get there", WAITED.as_secs())]
    NotYet {
        /// The transaction.
        hash: Hash32,
    },
}

/// How long a receipt is waited for.
const WAITED: Duration = RECEIPT_POLL.saturating_mul(RECEIPT_POLLS_MAX);

/// An exit code in words, as far as its number alone tells.
#[must_use]
pub fn tell(code: ExitCode) -> String {
    let why = match code {
        ExitCode::SYS_SENDER_INVALID => ": the sender is no account; does its address hold tokens on this chain?",
        ExitCode::SYS_SENDER_STATE_INVALID => ": the sender cannot pay, or its nonce is used up",
        ExitCode::SYS_INVALID_RECEIVER => ": there is no such actor",
        ExitCode::SYS_INSUFFICIENT_FUNDS => ": the sender does not have the value",
        ExitCode::SYS_OUT_OF_GAS => ": out of gas",
        ExitCode::SYS_ILLEGAL_INSTRUCTION => ": the actor trapped",
        ExitCode::USR_FORBIDDEN => ": forbidden",
        ExitCode::USR_UNHANDLED_MESSAGE => ": the actor has no such method",
        ExitCode::USR_SERIALIZATION => ": the parameters are not what the method takes",
        _ => "",
    };
    format!("exit code {}{why}", code.value())
}

/// Tries `message`, whose gas limit is the most it may have, signs it for the chain with `chain_id`, sends it and waits for its
/// receipt.
///
/// # Errors
/// [`NotDone`].
pub async fn run(
    chain: &impl ParentChain,
    chain_id: u64,
    message: Message,
    key: &SecpSecretKey,
) -> Result<(Hash32, Receipt), NotDone> {
    let forecast = chain.forecast(&message).await?;
    if !forecast.exit_code.is_success() {
        return Err(NotDone::WouldFail(forecast.exit_code));
    }
    let gas_limit = forecast.gas_used.saturating_add(forecast.gas_used / 4).clamp(1, message.gas_limit);
    let signed = FvmTransaction::sign(Message { gas_limit, ..message }, key, chain_id);
    let signed = signed.map_err(|why| NotDone::Unsigned(why.to_string()))?;
    let hash = signed.hash();
    let in_doubt = |why| NotDone::InDoubt { hash, why };
    if let Delivery::Refused(why) = send(chain, signed.raw()).await.map_err(in_doubt)? {
        return Err(NotDone::NotTaken(why));
    }
    for _ in 0..RECEIPT_POLLS_MAX {
        if let Some(receipt) = chain.receipt(hash).await.map_err(in_doubt)? {
            return Ok((hash, receipt));
        }
        sleep(RECEIPT_POLL).await;
    }
    Err(NotDone::NotYet { hash })
}

/// Sends it until an answer comes.
async fn send(chain: &impl ParentChain, raw: &[u8]) -> Result<Delivery, ChainUnavailable> {
    let mut sends = 1;
    loop {
        match chain.send(raw).await {
            // After an answer that was lost this may mean that it ran: its receipt tells.
            Ok(Delivery::Refused(_)) if sends > 1 => return Ok(Delivery::Taken),
            Err(_) if sends < SENDS_MAX => {}
            answer => return answer,
        }
        sleep(RECEIPT_POLL).await;
        sends += 1;
    }
}

#[cfg(test)]
mod tests;
