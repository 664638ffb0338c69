//! What past blocks left: the head after each, the trees of its state, and its transactions.
//!
//! ```text
//! a height ─▶ one of the last heads?  yes ─▶ with the leaves of its state
//!                                     no  ─▶ without: its state is read by trees, which are on disk or made in the time that the asker has
//! ```

use std::sync::Arc;

use cid::Cid;
use tributary_chain::Block;
use tributary_message::Transaction;
use tributary_primitives::Height;
use tributary_rpc::ReadUnavailable;
use tributary_rpc::backend::{ProveRejected, Witnessed};
use tributary_witness::{PartsOf, WitnessFatal, make};

use super::NodeBackend;
use crate::ledger::past::{PastStore, PastUnavailable};
use crate::ledger::{Head, LedgerFatal};

impl NodeBackend {
    /// Where the state after the block at `height`, which has this root, is read by its trees.
    pub(super) fn trees(&self, height: Height, root: &Cid) -> Result<PastStore, ReadUnavailable> {
        self.ledger.past().at(height, root, self.patience).map_err(|why| match why {
            PastUnavailable::Late { height, patience } => ReadUnavailable::StateNotMade { height, patience },
            PastUnavailable::Fatal(why) => self.unreadable(height)(why),
        })
    }

    /// The answer to `question` about the state after the block at `height`, which has this root, and the witness for it.
    pub(super) fn witnessed(&self, height: Height, root: &Cid, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        self.check_state(height)?;
        let trees = self.trees(height, root)?;
        let (parts, witness) = make(&trees, root, question).map_err(|why| match why {
            WitnessFatal::TooLong => ProveRejected::TooLong,
            WitnessFatal::Store(why) => self.unreadable(height)(WitnessFatal::Store(why)).into(),
            // A path leads wherever an actor's blocks do: what it wrote is not this node's fault.
            unreadable @ (WitnessFatal::Missing(_) | WitnessFatal::Malformed(_)) => match self.check_state(height) {
                Ok(()) => ProveRejected::Unreadable(unreadable.to_string()),
                Err(gone) => gone.into(),
            },
        })?;
        Ok(Witnessed { parts, witness })
    }

    /// The head as it was after the block at `height`, which is below the real one: of the last blocks with the leaves of the state.
    pub(super) fn head_at(&self, height: Height) -> Result<Arc<Head>, ReadUnavailable> {
        match self.ledger.recent(height) {
            Some(head) => self.check_state(height).map(|()| head),
            None => self.past_head(height).map(Arc::new),
        }
    }

    /// The same of any block, without leaves.
    fn past_head(&self, height: Height) -> Result<Head, ReadUnavailable> {
        let record = self.ledger.record_at(height).map_err(self.broken())?;
        let certificate = self.ledger.certificate_at(height).map_err(self.broken())?;
        self.check_state(height)?;
        let oldest = self.ledger.store().kept().map_err(self.broken())?.states;
        let record = record.ok_or(ReadUnavailable::StateNotKept { height, oldest })?;
        let hash =
            certificate.as_ref().map_or(self.ledger.facts().genesis_hash(), |certificate| certificate.block.hash);
        Ok(Head { height, hash, record, certificate, leaves: None })
    }

    /// The block at `height` with its transactions, which were found good when it was decided.
    pub(super) fn past_block(&self, height: Height) -> Result<(Block, Vec<Transaction>), ReadUnavailable> {
        let block = self.ledger.block_at(height).map_err(self.broken())?;
        self.check_block(height)?;
        let oldest = self.ledger.store().kept().map_err(self.broken())?.blocks;
        let (_, block) = block.ok_or(ReadUnavailable::BlockNotKept { height, oldest })?;
        let chain_id = self.ledger.facts().chain_id;
        let decode = |raw: &Vec<u8>| Transaction::decode(raw, chain_id);
        let damaged = |why: tributary_message::TransactionRejected| LedgerFatal::Damaged {
            what: "a transaction of the block",
            height,
            why: why.to_string(),
        };
        let transactions = block.transactions.iter().map(decode).collect::<Result<_, _>>();
        Ok((block, transactions.map_err(damaged).map_err(self.broken())?))
    }
}
