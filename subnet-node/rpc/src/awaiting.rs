//! Waits until a transaction ran, which may be brought first.
//!
//! ```text
//! listen for heads ─▶ bring it, or know its name ─▶ is it in a block? ─ yes ─▶ answer
//!                                                     ▲         │ no
//!                                                     └─ head ◀─┴─ time is up ─▶ NotYet, with its hash
//! ```
//!
//! Whoever brings one that waits already waits for it too, and who brings one that ran gets the answer: so a caller whose time was up
//! may ask again. Who only names one need not know whether it ever came: another node may bring it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tributary_message::Transaction;
use tributary_primitives::Hash32;

use crate::backend::SubmitRejected;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::node::Node;
use crate::submissions::Submissions;

/// Longest that anybody waits: each that waits holds a connection.
pub const PATIENCE_MAX: Duration = Duration::from_secs(60);

/// How long the parameter at `position` lets a caller wait, in milliseconds; `otherwise` where it says nothing.
///
/// # Errors
/// Not at all, or longer than [`PATIENCE_MAX`].
pub fn patience(position: usize, millis: Option<u64>, otherwise: Duration) -> Result<Duration, RpcRejected> {
    let patience = millis.map_or(otherwise, Duration::from_millis);
    if patience.is_zero() || patience > PATIENCE_MAX {
        let most = PATIENCE_MAX.as_millis();
        return Err(RpcRejected::argument(position, format!("a timeout is 1 to {most} milliseconds")));
    }
    Ok(patience)
}

/// What is waited for.
pub enum Awaited {
    /// A transaction as it travels, to be brought first.
    Brought(Vec<u8>),
    /// One that somebody else brings, or has brought.
    Named(Hash32),
}

/// Looks for what became of a transaction; `None` while it is in no block.
pub type Look = Arc<dyn Fn(&Node, Hash32) -> Result<Option<Box<RawValue>>, RpcRejected> + Send + Sync>;

/// Where transactions and reads go.
#[derive(Clone)]
pub struct Ways {
    pub reads: Lane,
    pub submissions: Submissions,
}

/// Answers with what `look` finds of it once it ran. Cost: one read, and one more for each block until then.
///
/// # Errors
/// [`RpcRejected::NotYet`] after `patience`, and what bringing and looking are refused for.
pub async fn until_ran(
    node: Arc<Node>,
    ways: Ways,
    awaited: Awaited,
    patience: Duration,
    look: Look,
) -> Result<Box<RawValue>, RpcRejected> {
    let deadline = Instant::now() + patience;
    // Before it is brought or looked for, so that its block is not missed.
    let mut heads = node.backend.heads();
    let transaction = match awaited {
        Awaited::Named(hash) => hash,
        Awaited::Brought(raw) => match ways.submissions.submit(raw.clone()).await {
            Ok(hash) | Err(RpcRejected::Submit(SubmitRejected::Known(hash))) => hash,
            Err(refused) => {
                let ran = ways.reads.run(move || answer_of(&node, &raw, &look)).await?;
                return ran.ok_or(refused);
            }
        },
    };
    loop {
        heads.borrow_and_update();
        let (look, node) = (Arc::clone(&look), Arc::clone(&node));
        let seen = ways.reads.run(move || {
            let waits = node.backend.pending_transaction(&transaction).is_some();
            Ok(look(&node, transaction)?.ok_or(waits))
        });
        let waits = match seen.await? {
            Ok(answer) => return Ok(answer),
            Err(waits) => waits,
        };
        match timeout_at(deadline, heads.changed()).await {
            Ok(Ok(())) => {}
            // Time is up, or the node makes no more heads since it stops.
            Ok(Err(_)) | Err(_) => return Err(RpcRejected::NotYet { transaction, waited: patience, waits }),
        }
    }
}

/// What became of a transaction that is not taken: since it ran, or for another reason.
fn answer_of(node: &Node, raw: &[u8], look: &Look) -> Result<Option<Box<RawValue>>, RpcRejected> {
    match Transaction::decode(raw, node.backend.identity().chain_id) {
        Ok(transaction) => look(node, transaction.hash()),
        Err(_) => Ok(None),
    }
}
