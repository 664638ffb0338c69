//! Receipts of blocks, in words: those of a block are made and put into JSON once, however many subscribed, and not at all where nobody did.
//!
//! To make them takes a signature's recovery a transaction, so they are no part of what everybody is told of a block.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alloy_rpc_types_eth::TransactionReceipt;
use serde_json::value::RawValue;
use tributary_primitives::{Hash32, Height};

use super::{Cell, cell_of, read_once};
use crate::convert;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::methods::to_json;
use crate::node::Node;

/// Blocks whose receipts are kept for who is told of them next: about a kilobyte for each transaction, and its logs.
const KEPT_MAX: usize = 4;

/// Blocks whose receipts are made at once. Whoever is up to date waits for the same one.
const READS_MAX: usize = 2;

/// The receipts of a block's Ethereum transactions that ran, in order, each with its transaction.
pub type Words = Vec<(Hash32, Box<RawValue>)>;

/// Receipts as subscribers are told of them.
pub struct Receipts {
    node: Arc<Node>,
    reads: Lane,
    kept: Mutex<BTreeMap<Height, Cell<Arc<Words>>>>,
}

impl Receipts {
    /// Of this node's blocks. They have places of their own: who wants them keeps no header from others.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, reads: Lane::new("receipts that are told of", READS_MAX, usize::MAX), kept: Mutex::default() }
    }

    /// Those of the block at `height`, which is at or below the head, as `eth_getTransactionReceipt` shows them.
    ///
    /// # Errors
    /// [`RpcRejected::Unavailable`], such as for a block that went meanwhile.
    pub async fn of(self: &Arc<Self>, height: Height) -> Result<Arc<Words>, RpcRejected> {
        read_once(cell_of(&self.kept, height, KEPT_MAX), Arc::clone(self).read(height)).await
    }

    async fn read(self: Arc<Self>, height: Height) -> Result<Arc<Words>, RpcRejected> {
        let node = Arc::clone(&self.node);
        let read = move || {
            let block = node.backend.block_at(height)?.ok_or(RpcRejected::UnknownBlock)?;
            let has_run = |receipt: &TransactionReceipt| {
                let index = receipt.transaction_index.and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| block.transactions.get(index)).is_some_and(|executed| !executed.receipt.skipped)
            };
            let receipts = convert::receipt::all(&block, node.backend.identity().chain_id)?;
            let mut words = Words::new();
            for receipt in receipts.iter().filter(|receipt| has_run(receipt)) {
                words.push((Hash32(receipt.transaction_hash.0), to_json(receipt)?));
            }
            Ok(Arc::new(words))
        };
        self.reads.run(read).await
    }
}
