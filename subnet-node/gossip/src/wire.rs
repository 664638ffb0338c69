//! Topics and messages as bytes. All nodes of a chain share this; a change takes a new version in the topic's name.
//!
//! ```text
//! transactions   one or more of: length (4 bytes, big-endian), that many bytes of one raw transaction
//! checkpoints    one share or certificate, as the checkpoint crate writes it
//! ```

use bytes::Bytes;
use libp2p::gossipsub::IdentTopic;

/// Most bytes of one raw transaction: those of an FVM message. Whether it is of a kind that may have as many is asked where it is read.
pub const TRANSACTION_BYTES_MAX: usize = 512 * 1024;

/// Most bytes of a share or certificate. A certificate of 256 validators takes under 1 KiB.
pub const CHECKPOINT_BYTES_MAX: usize = 16 * 1024;

/// Bytes before each transaction of a message.
pub const LENGTH_BYTES: usize = 4;

/// Most bytes of a message: one transaction of the largest size. A message of several is sent long before (`batch`).
pub const MESSAGE_BYTES_MAX: usize = TRANSACTION_BYTES_MAX + LENGTH_BYTES;

/// Most transactions of a message.
pub const MESSAGE_TRANSACTIONS_MAX: usize = 1024;

/// The topic of transactions.
pub fn transactions_topic(chain_id: &str) -> IdentTopic {
    IdentTopic::new(format!("/tributary/{chain_id}/transactions/1"))
}

/// The topic of shares and certificates.
pub fn checkpoints_topic(chain_id: &str) -> IdentTopic {
    IdentTopic::new(format!("/tributary/{chain_id}/checkpoints/1"))
}

/// What peers of a chain tell each other that they speak.
pub fn protocol(chain_id: &str) -> String {
    format!("/tributary/{chain_id}/gossip/1")
}

/// Why bytes are no message.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageRejected {
    /// No transaction in it.
    #[error("a message without a transaction")]
    Empty,
    /// More than any node sends.
    #[error("a message of {0} bytes")]
    TooLarge(usize),
    /// More transactions than any node sends.
    #[error("a message of more than {MESSAGE_TRANSACTIONS_MAX} transactions")]
    TooMany,
    /// A length that no transaction has.
    #[error("a transaction of {0} bytes; 1 to {TRANSACTION_BYTES_MAX} are allowed")]
    BadLength(u32),
    /// The bytes end within a transaction.
    #[error("a message that ends within a transaction")]
    CutShort,
}

/// Transactions as a message. The caller keeps the bounds above.
pub fn encode(transactions: &[Bytes]) -> Vec<u8> {
    let bytes = transactions.iter().map(|transaction| LENGTH_BYTES + transaction.len()).sum();
    let mut message = Vec::with_capacity(bytes);
    for transaction in transactions {
        let length = u32::try_from(transaction.len()).expect("at most TRANSACTION_BYTES_MAX");
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(transaction);
    }
    message
}

/// The transactions of a message.
///
/// Each is copied out of it, so that keeping one does not keep the whole message. Allocates no more than `message` holds.
pub fn decode(message: &[u8]) -> Result<Vec<Bytes>, MessageRejected> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(MessageRejected::TooLarge(message.len()));
    }
    let mut transactions = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        if transactions.len() == MESSAGE_TRANSACTIONS_MAX {
            return Err(MessageRejected::TooMany);
        }
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(MessageRejected::CutShort)?;
        let length = u32::from_be_bytes(*length);
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if bytes == 0 || bytes > TRANSACTION_BYTES_MAX {
            return Err(MessageRejected::BadLength(length));
        }
        let (transaction, after) = after.split_at_checked(bytes).ok_or(MessageRejected::CutShort)?;
        transactions.push(Bytes::copy_from_slice(transaction));
        rest = after;
    }
    if transactions.is_empty() { Err(MessageRejected::Empty) } else { Ok(transactions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_message_is_pinned() {
        let transactions = [Bytes::from_static(&[7]), Bytes::from_static(&[8, 9])];
        let message = [0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9];
        assert_eq!(encode(&transactions), message);
        assert_eq!(decode(&message).unwrap(), transactions);
        assert_eq!(transactions_topic("root-1").to_string(), "/tributary/root-1/transactions/1");
        assert_eq!(checkpoints_topic("root-1").to_string(), "/tributary/root-1/checkpoints/1");
    }

    #[test]
    fn the_largest_transaction_fits_in_a_message() {
        let largest = [Bytes::from(vec![1; TRANSACTION_BYTES_MAX])];
        assert_eq!(decode(&encode(&largest)).unwrap(), largest);
    }

    #[test]
    fn each_bad_message_is_refused_for_its_own_reason() {
        let over: u32 = 512 * 1024 + 1;
        for (message, refusal) in [
            (vec![], MessageRejected::Empty),
            (vec![0; MESSAGE_BYTES_MAX + 1], MessageRejected::TooLarge(MESSAGE_BYTES_MAX + 1)),
            ([0, 0, 0, 1, 5].repeat(MESSAGE_TRANSACTIONS_MAX + 1), MessageRejected::TooMany),
            (vec![0, 0, 0, 0], MessageRejected::BadLength(0)),
            (over.to_be_bytes().to_vec(), MessageRejected::BadLength(over)),
            (vec![0xff; 4], MessageRejected::BadLength(u32::MAX)),
            (vec![0, 0, 1], MessageRejected::CutShort),
            (vec![0, 0, 0, 2, 5], MessageRejected::CutShort),
        ] {
            assert_eq!(decode(&message).unwrap_err(), refusal);
        }
    }
}
