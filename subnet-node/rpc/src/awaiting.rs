//! Waits until a transaction ran, which may be brought first.
//!
//! ```text
//! listen for heads ─▶ bring it, or know its name ─▶ look: it ran?  yes ─▶ answer
//!                                                    ▲      │ no, it was brought, and a nonce before it is missing ─▶ NotReady, with its hash
//!                                                    │      ▼
//!                           a block that may have it └── wait ─ time is up, and a last look ─▶ NotYet, with its hash
//! ```
//!
//! Whoever brings one that waits already waits for it too, and who brings one that ran gets the answer: so a caller whose time was up
//! may ask again. Who only names one need not know whether it ever came: another node may bring it.
//!
//! What a new block has is read once for all who wait (`announcements`). Looks have places of their own, and no bound on how many wait for
//! one beside that on requests: one that was taken is never lost since the node is busy. Who waits for many delays another by one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};

use crate::announcements::Announcements;
use crate::backend::SubmitRejected;
use crate::clients::Client;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::node::Node;
use crate::room::Parameters;
use crate::submissions::Submissions;

/// Looks that run at once.
const LOOKS_MAX: usize = 2;

/// Longest that a look is waited for beyond anybody's patience, while others look.
const LOOK_MAX: Duration = Duration::from_secs(5);

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

/// Who waits, and the room of what it asked with, which is given back before it waits.
pub struct Waiter {
    /// Whose turn it is to look.
    pub client: Client,
    /// Dropped once the transaction was brought, or its name is known.
    pub parameters: Parameters,
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

/// Where transactions go, and how it is found out what became of them.
#[derive(Clone)]
pub struct Ways {
    submissions: Submissions,
    announcements: Arc<Announcements>,
    looks: Lane,
}

impl Ways {
    /// To the node whose blocks are announced, by `submissions`.
    pub fn new(submissions: Submissions, announcements: Arc<Announcements>) -> Self {
        Self { submissions, announcements, looks: Lane::new("looks at transactions", LOOKS_MAX, usize::MAX) }
    }
}

/// Answers with what `look` finds of it once it ran. Cost: two looks or three, and a read of each block until then that all share who wait.
///
/// # Errors
/// [`RpcRejected::NotYet`] after `patience`, [`RpcRejected::NotReady`], what bringing is refused for, and what looking for one is that was
/// only named.
pub async fn until_ran(
    ways: Ways,
    Waiter { client, parameters }: Waiter,
    awaited: Awaited,
    patience: Duration,
    look: Look,
) -> Result<Box<RawValue>, RpcRejected> {
    let node = Arc::clone(ways.announcements.node());
    let deadline = Instant::now() + patience;
    // Before it is brought or looked for, so that its block is not missed.
    let mut blocks = Blocks::from_now(&ways.announcements);
    let (transaction, is_brought) = match awaited {
        Awaited::Named(hash) => (hash, false),
        Awaited::Brought(raw) => match ways.submissions.submit(raw.clone()).await {
            Ok(hash) | Err(RpcRejected::Submit(SubmitRejected::Known(hash))) => (hash, true),
            Err(refused) => {
                let ran = ways.looks.run_for(client, move || answer_of(&node, &raw, &look)).await?;
                return ran.ok_or(refused);
            }
        },
    };
    drop(parameters);
    let (mut found, mut is_over) = (Found { waits: is_brought, ..Found::default() }, false);
    loop {
        let (node, look) = (Arc::clone(&node), Arc::clone(&look));
        let looked = ways.looks.run_for(client, move || find(&node, transaction, &look));
        let Ok(looked) = timeout_at(deadline + LOOK_MAX, looked).await else {
            return Err(RpcRejected::NotYet { transaction, waited: patience, waits: found.waits });
        };
        match looked {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(so_far)) => found = so_far,
            // It was taken, so it is looked for again.
            Err(_) if is_brought => {}
            Err(refused) => return Err(refused),
        }
        if let Some(missing_nonce) = found.missing_nonce.filter(|_| is_brought) {
            return Err(RpcRejected::NotReady { transaction, missing_nonce });
        }
        if is_over {
            return Err(RpcRejected::NotYet { transaction, waited: patience, waits: found.waits });
        }
        let next = blocks.next_with((!found.is_in_block).then_some(&transaction));
        is_over = timeout_at(deadline, next).await != Ok(true);
    }
}

/// The chain, as somebody follows it.
struct Blocks {
    announcements: Arc<Announcements>,
    heads: watch::Receiver<Height>,
    seen: Height,
}

impl Blocks {
    fn from_now(announcements: &Arc<Announcements>) -> Self {
        let mut heads = announcements.node().backend.heads();
        let seen = *heads.borrow_and_update();
        Self { announcements: Arc::clone(announcements), heads, seen }
    }

    /// Whether there is one more that may have this transaction, or any that nobody looked at if none is named. Returns once there is, or the
    /// node makes no more, since it stops.
    async fn next_with(&mut self, transaction: Option<&Hash32>) -> bool {
        while self.heads.changed().await.is_ok() {
            let (from, to) = (self.seen.next(), *self.heads.borrow_and_update());
            self.seen = to;
            let Some(transaction) = transaction else { return true };
            if self.announcements.may_have(from, to, transaction).await {
                return true;
            }
        }
        false
    }
}

/// What is known of a transaction that there is no answer about.
#[derive(Default)]
struct Found {
    /// Whether it waits in the mempool.
    waits: bool,
    /// Whether it is in a block all the same: it was skipped, and may not have left the mempool yet.
    is_in_block: bool,
    /// The nonce that it waits for.
    missing_nonce: Option<u64>,
}

fn find(node: &Node, transaction: Hash32, look: &Look) -> Result<Result<Box<RawValue>, Found>, RpcRejected> {
    // The mempool first: a transaction leaves it only once it has a position, so it is never missed on its way.
    let waiting = node.backend.pending_transaction(&transaction);
    if let Some(answer) = look(node, transaction)? {
        return Ok(Ok(answer));
    }
    let is_in_block = node.backend.position_of(&transaction)?.is_some();
    let missing_nonce = waiting.as_ref().map(|waiting| node.missing_nonce(waiting)).transpose()?.flatten();
    Ok(Err(Found { waits: waiting.is_some(), is_in_block, missing_nonce }))
}

/// What became of a transaction that is not taken: since it ran, or for another reason.
fn answer_of(node: &Node, raw: &[u8], look: &Look) -> Result<Option<Box<RawValue>>, RpcRejected> {
    match Transaction::decode(raw, node.backend.identity().chain_id) {
        Ok(transaction) => look(node, transaction.hash()),
        Err(_) => Ok(None),
    }
}
