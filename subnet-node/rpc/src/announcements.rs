//! Blocks as those are told of them who follow the chain: each is read and put into words once, however many listen.
//!
//! ```text
//! who listens ─▶ among the last 32?  yes ─▶ it is there, or is being read: wait for that
//!                     │ no
//!                     └─▶ read it: one that is behind
//! ```
//!
//! It is read in a task of its own (`aside`): nobody waits for a subscriber that began to read a block and looks no more. So it is with
//! transactions that begin to wait (`arrivals`), and with receipts (`receipts`), each in a lane of their own.

mod arrivals;
mod receipts;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use alloy_rpc_types_eth::{Header, Log};
use serde_json::value::RawValue;
use tokio::sync::OnceCell;
use tributary_primitives::{Hash32, Height};

use crate::aside::aside;
use crate::backend::Executed;
use crate::convert;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::node::Node;

use arrivals::Arrivals;
use receipts::Receipts;

pub use receipts::Words;

/// Blocks that are kept for who is told of them next. Each holds its logs and hashes: as many bytes as a block's receipts.
const KEPT_MAX: usize = 32;

/// Blocks that are read at once. Whoever is up to date waits for the same one.
const READS_MAX: usize = 2;

/// What is told of a block.
pub struct Announced {
    /// Its header, without a size: that is of a block with its transactions.
    pub header: Header,
    /// Its logs, in order.
    pub logs: Vec<Log>,
    /// Its transactions, of both kinds.
    pub transactions: HashSet<Hash32>,
}

type Cell<T> = Arc<OnceCell<T>>;

/// Blocks as subscribers are told of them, and transactions as they begin to wait.
pub struct Announcements {
    node: Arc<Node>,
    reads: Lane,
    arrivals: Arc<Arrivals>,
    receipts: Arc<Receipts>,
    kept: Mutex<BTreeMap<Height, Cell<Arc<Announced>>>>,
}

impl Announcements {
    /// Of the blocks of this node. Its reads have places of their own: a flood of requests does not silence subscriptions.
    pub fn new(node: Arc<Node>) -> Self {
        let reads = Lane::new("blocks that are told of", READS_MAX, usize::MAX);
        let arrivals = Arc::new(Arrivals::new(Arc::clone(&node)));
        let receipts = Arc::new(Receipts::new(Arc::clone(&node)));
        Self { node, reads, arrivals, receipts, kept: Mutex::default() }
    }

    /// The node whose blocks these are.
    pub const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The block at `height`, which is at or below the head.
    ///
    /// # Errors
    /// [`RpcRejected::Unavailable`], such as for a block that went meanwhile.
    pub async fn of(self: &Arc<Self>, height: Height) -> Result<Arc<Announced>, RpcRejected> {
        read_once(cell_of(&self.kept, height, KEPT_MAX), Arc::clone(self).read(height)).await
    }

    /// Whether any of these blocks may have this transaction: one has it, or cannot be read, or they are more than are kept.
    pub async fn may_have(self: &Arc<Self>, from: Height, to: Height, transaction: &Hash32) -> bool {
        if to.0.saturating_sub(from.0) >= convert::count(KEPT_MAX) {
            return true;
        }
        for height in (from.0..=to.0).map(Height) {
            match self.of(height).await {
                Ok(block) if !block.transactions.contains(transaction) => {}
                Ok(_) | Err(_) => return true,
            }
        }
        false
    }

    /// The Ethereum transaction of this hash in JSON, as `eth_getTransactionByHash` shows it; `None` where it is in no block and does not wait.
    ///
    /// # Errors
    /// [`RpcRejected::Unavailable`].
    pub async fn transaction(&self, hash: Hash32) -> Result<Option<Arc<RawValue>>, RpcRejected> {
        self.arrivals.words(hash).await
    }

    /// The receipts of the block at `height`, which is at or below the head.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn receipts(&self, height: Height) -> Result<Arc<Words>, RpcRejected> {
        self.receipts.of(height).await
    }

    async fn read(self: Arc<Self>, height: Height) -> Result<Arc<Announced>, RpcRejected> {
        let node = Arc::clone(&self.node);
        let read = move || {
            let block = node.backend.block_at(height)?.ok_or(RpcRejected::UnknownBlock)?;
            let header = Header { size: None, ..convert::block::header(&block) };
            let logs = convert::log::of_block(&block).collect();
            let transactions = block.transactions.iter().map(Executed::hash).collect();
            Ok(Arc::new(Announced { header, logs, transactions }))
        };
        self.reads.run(read).await
    }
}

/// Where what is told of the block at `height` is, or will be. Of `most` blocks it is kept: of this one, which others that are behind may come
/// to as well, and of the latest.
fn cell_of<T>(kept: &Mutex<BTreeMap<Height, Cell<T>>>, height: Height, most: usize) -> Cell<T> {
    // Whole after every use, so a thread that panicked elsewhere harms nothing here.
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let cell = Arc::clone(kept.entry(height).or_default());
    while kept.len() > most
        && let Some(first) = kept.keys().copied().find(|other| *other != height)
    {
        kept.remove(&first);
    }
    cell
}

/// What is in the cell, which `read` finds if nobody did or does.
async fn read_once<T>(
    cell: Cell<T>,
    read: impl Future<Output = Result<T, RpcRejected>> + Send + 'static,
) -> Result<T, RpcRejected>
where
    T: Clone + Send + Sync + 'static,
{
    if let Some(found) = cell.get() {
        return Ok(found.clone());
    }
    let found = aside(async move { cell.get_or_try_init(|| read).await.cloned() });
    found.await.unwrap_or(Err(RpcRejected::DEFECT))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::poll;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn who_began_to_read_and_looks_no_more_keeps_nobody_waiting() {
        let (cell, release) = (Cell::<u8>::default(), Arc::new(Notify::new()));
        let released = Arc::clone(&release);
        let first = async move {
            released.notified().await;
            Ok(1)
        };
        let mut first = Box::pin(read_once(Arc::clone(&cell), first));
        assert!(poll!(&mut first).is_pending());
        tokio::task::yield_now().await;
        release.notify_one();
        let second = read_once(Arc::clone(&cell), async { Ok(2) });
        let second = tokio::time::timeout(Duration::from_secs(60), second).await;
        assert_eq!(second, Ok(Ok(1)), "what the first began is read once");
        assert_eq!((first.await, read_once(cell, async { Ok(3) }).await), (Ok(1), Ok(1)));
    }

    #[tokio::test]
    async fn what_could_not_be_read_or_was_given_up_is_read_by_the_next() {
        let cell = Cell::<u8>::default();
        let mut gone = Box::pin(read_once(Arc::clone(&cell), std::future::pending()));
        assert!(poll!(&mut gone).is_pending());
        drop(gone);
        let refused = read_once(Arc::clone(&cell), async { Err(RpcRejected::UnknownBlock) }).await;
        assert_eq!(refused, Err(RpcRejected::UnknownBlock));
        assert_eq!(read_once(cell, async { Ok(2) }).await, Ok(2));
    }
}
