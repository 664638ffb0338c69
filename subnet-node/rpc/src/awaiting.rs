//! Brings a transaction and waits until it ran.
//!
//! ```text
//! listen for heads ─▶ bring it ─▶ is it in a block? ─ yes ─▶ answer
//!                                   ▲         │ no
//!                                   └─ head ◀─┴─ time is up ─▶ NotYet, with its hash
//! ```
//!
//! Whoever brings one that waits already waits for it too, and who brings one that ran gets the answer: so a caller whose time was up
//! may ask again.

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

/// Looks for what became of a transaction; `None` while it is in no block.
pub type Look = Arc<dyn Fn(&Node, Hash32) -> Result<Option<Box<RawValue>>, RpcRejected> + Send + Sync>;

/// Where transactions and reads go.
#[derive(Clone)]
pub struct Ways {
    pub reads: Lane,
    pub submissions: Submissions,
}

/// Brings `raw` and answers with what `look` finds once it ran. Cost: one read, and one more for each block until then.
///
/// # Errors
/// [`RpcRejected::NotYet`] after `patience`, and what bringing and looking are refused for.
pub async fn bring(
    node: Arc<Node>,
    ways: Ways,
    raw: Vec<u8>,
    patience: Duration,
    look: Look,
) -> Result<Box<RawValue>, RpcRejected> {
    let deadline = Instant::now() + patience;
    // Before it is brought, so that its block is not missed.
    let mut heads = node.backend.heads();
    let transaction = match ways.submissions.submit(raw.clone()).await {
        Ok(hash) | Err(RpcRejected::Submit(SubmitRejected::Known(hash))) => hash,
        Err(refused) => {
            let ran = ways.reads.run(move || answer_of(&node, &raw, &look)).await?;
            return ran.ok_or(refused);
        }
    };
    loop {
        heads.borrow_and_update();
        let (look, node) = (Arc::clone(&look), Arc::clone(&node));
        if let Some(answer) = ways.reads.run(move || look(&node, transaction)).await? {
            return Ok(answer);
        }
        match timeout_at(deadline, heads.changed()).await {
            Ok(Ok(())) => {}
            // Time is up, or the node makes no more heads since it stops.
            Ok(Err(_)) | Err(_) => return Err(RpcRejected::NotYet { transaction, waited: patience }),
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
