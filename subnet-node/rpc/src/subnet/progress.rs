//! Where a transaction is on its way, and waiting for it.
//!
//! ```text
//! admitted ─▶ block ─▶ checkpoint ─▶ accepted
//! it waits    final    certified by   the parent's actor
//! here        here     the validators took it
//! ```
//!
//! A checkpoint commits to the state after its block, so it carries every block up to its height; the first that carries a block is cut at
//! the next multiple of the period. A transaction that was skipped and waits again is waited for: it may still run.
//!
//! Source of the names: Lotus, `api/types.go` (`MsgLookup`), `chain/types/signedmessage.go`.

use std::time::Duration;

use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height, cbor_cid_of};

use super::message;
use super::parameter::{AnyAddress, MessageName};
use super::view::{LookupReceipt, MessageLookup, MessageReceipt, MessageStatus, PendingMessage, Stage, Waiting};
use crate::awaiting::patience;
use crate::backend::PoolBounds;
use crate::error::RpcRejected;
use crate::methods::Patient;
use crate::node::Node;

/// How long `subnet_waitMessage` waits unless it is told: some clients give up an answer after 60 s.
const WAIT: Duration = Duration::from_secs(30);

/// Where a transaction is.
enum Whereabouts {
    /// In no block, and not here.
    Nowhere,
    /// In the mempool.
    Waiting(Transaction),
    /// In a block.
    InBlock { receipt: Box<MessageReceipt>, is_message: bool },
}

/// `subnet_waitMessage`: blocks are final, so there is nothing to be confident of.
pub fn wait((name, timeout_ms): (MessageName, Option<u64>)) -> Result<Patient<Hash32>, RpcRejected> {
    Ok((name.0, patience(1, timeout_ms, WAIT)?))
}

/// What `subnet_waitMessage` answers; `None` while it is in no block.
pub fn lookup(node: &Node, (hash,): (Hash32,)) -> Result<Option<MessageLookup>, RpcRejected> {
    let Whereabouts::InBlock { receipt, is_message } = find(node, hash)? else { return Ok(None) };
    Ok(Some(MessageLookup {
        message: is_message.then(|| cbor_cid_of(&hash.0).to_string()),
        hash,
        height: receipt.height,
        block_hash: receipt.block_hash,
        index: receipt.index,
        receipt: LookupReceipt {
            exit_code: receipt.exit_code,
            gas_used: if is_message { receipt.gas_used } else { receipt.block_gas_used },
            skipped: receipt.skipped,
            return_data: receipt.return_data,
        },
    }))
}

/// `subnet_messageStatus`; `null` for one that is in no block and does not wait here.
pub fn status(node: &Node, (name,): (MessageName,)) -> Result<Option<MessageStatus>, RpcRejected> {
    let MessageName(hash) = name;
    let (waiting, receipt) = match find(node, hash)? {
        Whereabouts::Nowhere => return Ok(None),
        Whereabouts::Waiting(transaction) => (Some(how_it_waits(node, &transaction)?), None),
        Whereabouts::InBlock { receipt, .. } => (None, Some(*receipt)),
    };
    let certified = node.backend.latest_certificate()?.map(|certificate| certificate.checkpoint.height);
    let (finalized, height) = (node.backend.finalized(), receipt.as_ref().map(|receipt| receipt.height));
    let period = node.backend.identity().parameters.checkpoint_period;
    Ok(Some(MessageStatus {
        hash,
        stage: height.map_or(Stage::Admitted, |height| stage(height, certified, finalized)),
        waiting,
        receipt,
        checkpoint_height: height.and_then(|height| height.0.checked_next_multiple_of(period)).map(Height),
        certified_height: certified,
        finalized_height: finalized,
    }))
}

/// `subnet_pendingMessages`: of one sender or of everyone; of each sender in nonce order.
pub fn pending(node: &Node, (sender,): (Option<AnyAddress>,)) -> Result<Vec<PendingMessage>, RpcRejected> {
    let sender = sender.map(|sender| sender.0);
    let messages = node.backend.pooled_messages(sender.as_ref(), PoolBounds::OF_AN_ANSWER);
    Ok(messages.iter().map(|message| PendingMessage::from(&**message)).collect())
}

fn find(node: &Node, hash: Hash32) -> Result<Whereabouts, RpcRejected> {
    // The mempool first: a transaction leaves it only once it has a position, so it is never missed on its way.
    let waiting = node.backend.pending_transaction(&hash);
    Ok(match (message::executed(node, hash)?, waiting) {
        (Some((receipt, is_message)), waiting) if waiting.is_none() || !receipt.skipped => {
            Whereabouts::InBlock { receipt: Box::new(receipt), is_message }
        }
        (_, Some(transaction)) => Whereabouts::Waiting(transaction),
        (_, None) => Whereabouts::Nowhere,
    })
}

fn how_it_waits(node: &Node, transaction: &Transaction) -> Result<Waiting, RpcRejected> {
    let (from, nonce) = (transaction.sender().to_string(), transaction.nonce());
    Ok(Waiting { from, nonce, missing_nonce: node.missing_nonce(transaction)? })
}

/// How far the block at `height` got.
fn stage(height: Height, certified: Option<Height>, finalized: Option<Height>) -> Stage {
    if finalized >= Some(height) {
        return Stage::Accepted;
    }
    if certified >= Some(height) { Stage::Checkpoint } else { Stage::Block }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_carried_by_every_checkpoint_from_its_height_on() {
        let height = |height: u64| Some(Height(height));
        for (certified, finalized, expected) in [
            (None, None, Stage::Block),
            (height(10), None, Stage::Block),
            (height(11), None, Stage::Checkpoint),
            (height(20), height(10), Stage::Checkpoint),
            (height(20), height(11), Stage::Accepted),
            // The parent may have it before this node has heard of the certificate.
            (height(10), height(20), Stage::Accepted),
        ] {
            assert_eq!(stage(Height(11), certified, finalized), expected, "{certified:?} {finalized:?}");
        }
    }
}
