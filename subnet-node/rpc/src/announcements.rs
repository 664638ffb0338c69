//! Blocks as subscribers are told of them: each is read and put into words once, however many listen.
//!
//! ```text
//! subscription ─▶ among the last 32?  yes ─▶ it is there, or is being read: wait for that
//!                      │ no
//!                      └─▶ read it: a subscriber that is behind
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy_rpc_types_eth::{Header, Log, Transaction};
use tokio::sync::OnceCell;
use tributary_primitives::{Hash32, Height};

use crate::convert;
use crate::error::RpcRejected;
use crate::eth::transaction_by_hash;
use crate::lane::Lane;
use crate::node::Node;

/// Blocks that are kept for who is told of them next. Each holds its logs: as many bytes as a block's receipts.
const KEPT_MAX: usize = 32;

/// Blocks that are read at once. Whoever is up to date waits for the same one.
const READS_MAX: usize = 2;

/// What is told of a block.
pub struct Announced {
    /// Its header, without a size: that is of a block with its transactions.
    pub header: Header,
    /// Its logs, in order.
    pub logs: Vec<Log>,
}

type Cell = Arc<OnceCell<Arc<Announced>>>;

/// Blocks as subscribers are told of them.
pub struct Announcements {
    node: Arc<Node>,
    reads: Lane,
    kept: Mutex<BTreeMap<Height, Cell>>,
}

impl Announcements {
    /// Of the blocks of this node. Its reads have places of their own: a flood of requests does not silence subscriptions.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, reads: Lane::new("blocks for subscribers", READS_MAX, usize::MAX), kept: Mutex::default() }
    }

    /// The node whose blocks these are.
    pub const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The block at `height`, which is at or below the head.
    ///
    /// # Errors
    /// [`RpcRejected::Unavailable`], such as for a block that went meanwhile.
    pub async fn of(&self, height: Height) -> Result<Arc<Announced>, RpcRejected> {
        self.cell(height).get_or_try_init(|| self.read(height)).await.cloned()
    }

    /// The Ethereum transaction of this hash, as `eth_getTransactionByHash` shows it.
    ///
    /// # Errors
    /// [`RpcRejected::Unavailable`].
    pub async fn transaction(&self, hash: Hash32) -> Result<Option<Transaction>, RpcRejected> {
        let node = Arc::clone(&self.node);
        self.reads.run(move || transaction_by_hash(&node, (hash,))).await
    }

    fn cell(&self, height: Height) -> Cell {
        // Whole after every use, so a thread that panicked elsewhere harms nothing here.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = Arc::clone(kept.entry(height).or_default());
        while kept.len() > KEPT_MAX {
            kept.pop_first();
        }
        cell
    }

    async fn read(&self, height: Height) -> Result<Arc<Announced>, RpcRejected> {
        let node = Arc::clone(&self.node);
        let read = move || {
            let block = node.backend.block_at(height)?.ok_or(RpcRejected::UnknownBlock)?;
            let header = Header { size: None, ..convert::block::header(&block) };
            Ok(Arc::new(Announced { header, logs: convert::log::of_block(&block).collect() }))
        };
        self.reads.run(read).await
    }
}
