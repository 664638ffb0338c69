//! The nodes of a state's trees, put piece by piece beside commits, and the mark that says that all of them are here.
//!
//! ```text
//! block committed ─▶ begin ─▶ piece ─▶ piece ─▶ … ─▶ last piece and mark: one batch
//!                               └─ commits of later blocks, in between ─┘
//! ```
//!
//! **The mark is never ahead of a node.** Each piece is on the disk itself before the next one is written, and the mark comes with the last.
//! Wherever that ends, by a kill or a power loss, the last mark names trees that are whole; the changes of the blocks since then
//! lead on from them.
//!
//! **What is here of trees without a mark harms nobody.** It is what it says, so the trees that are made again put the same blocks; and
//! what they do not need a collection finds. One that begins before the mark leaves all of them alone (`collection`).
//!
//! A commit waits for one piece at most, which it may find being written: [`PIECE_BYTES`] and an fsync. In one batch, or not
//! synced piece by piece, all nodes would go to the disk in some commit's own fsync.

use std::ops::ControlFlow;
use std::sync::Arc;

use rocksdb::WriteBatch;
use tributary_primitives::Height;

use crate::commit::by_cid;
use crate::ipld::{IpldBlock, Nodes};
use crate::store::Store;
use crate::undecided::Survives;
use crate::{Family, StoreFatal, key};

/// Bytes of nodes that are written at once, but for the end of the last of them: where an fsync took 3 ms, one with a piece took 6.
pub const PIECE_BYTES: usize = 1024 * 1024;

/// Trees on their way to the disk. Dropped before its end, it leaves no mark.
#[derive(Debug)]
pub struct TreesWrite {
    store: Store,
    height: Height,
    nodes: Nodes,
    /// How many are here.
    put: usize,
}

impl Store {
    /// Begins to write the nodes that the state after the block at `height`, which is committed, lacks here: with them it has them all.
    #[must_use]
    pub fn begin_trees(&self, height: Height, nodes: Nodes) -> TreesWrite {
        self.commits().trees.push(Arc::clone(&nodes));
        TreesWrite { store: self.clone(), height, nodes, put: 0 }
    }
}

impl TreesWrite {
    /// Writes the next piece, and breaks with the last one, in which the mark is: the trees are complete.
    ///
    /// On the disk itself when it returns. Cost: one fsync, while which commits wait.
    ///
    /// # Errors
    /// [`StoreFatal::Write`]: the trees are not complete, and are to be begun anew.
    pub fn step(&mut self) -> Result<ControlFlow<()>, StoreFatal> {
        let (piece, is_last) = self.piece();
        let (mut batch, mut putting) = (WriteBatch::default(), self.store.commits());
        self.store.put_ipld(&mut batch, &mut putting, by_cid(piece));
        if is_last {
            batch.put_cf(self.store.family(Family::Trees), key::height(self.height), []);
        }
        self.store.write(batch, Survives::PowerLoss)?;
        self.put += piece.len();
        Ok(if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Writes all that is left.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn finish(mut self) -> Result<(), StoreFatal> {
        while self.step()?.is_continue() {}
        Ok(())
    }

    /// The nodes that come next, and whether they are the last.
    fn piece(&self) -> (&[IpldBlock], bool) {
        let left = &self.nodes[self.put..];
        let mut bytes = 0_usize;
        let full = left.iter().position(|(_, block)| {
            bytes += block.len();
            bytes >= PIECE_BYTES
        });
        full.map_or((left, true), |full| (&left[..=full], full + 1 == left.len()))
    }
}

impl Drop for TreesWrite {
    /// A collection that begins from here on finds them by their mark, or needs none of them.
    fn drop(&mut self) {
        self.store.commits().trees.retain(|nodes| !Arc::ptr_eq(nodes, &self.nodes));
    }
}
