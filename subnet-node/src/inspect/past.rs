//! The chain of a home as it was after one block.

use std::sync::Arc;

use cid::Cid;
use tributary_primitives::{Hash32, Height};
use tributary_store::{Buffered, ChainIdentity, Store};

use super::At;
use crate::config::NodeConfig;
use crate::facts::ChainFacts;
use crate::home::Home;
use crate::ledger::LedgerFatal;
use crate::ledger::past::{PastStore, complete};
use crate::ledger::record::{Record, decode_certificate};
use crate::ledger::stored::{load_head, read_record};
use crate::run::{STORE_FORMAT, read_genesis};

/// Why there is no such past.
#[derive(Debug, thiserror::Error)]
pub enum PastRejected {
    /// A state that this node does not keep.
    #[error(
        "the state after block {asked} is not kept here: there are those after block {oldest} and all later ones, up to block {last}"
    )]
    StateNotKept {
        /// The block asked for.
        asked: Height,
        /// From this one on there are all.
        oldest: Height,
        /// The last block.
        last: Height,
    },
    /// A block that this node does not have.
    #[error("there is no block {asked} here: this node has blocks {first} to {last}")]
    NoSuchHeight {
        /// The one asked for.
        asked: Height,
        /// The first that this node has.
        first: Height,
        /// The last.
        last: Height,
    },
    /// A state that is not the one after any block here.
    #[error("no block here left the state {asked}: this node has blocks {first} to {last}")]
    NoSuchState {
        /// The root asked for.
        asked: Box<Cid>,
        /// The first block that this node has.
        first: Height,
        /// The last.
        last: Height,
    },
}

/// A home's chain, open for reading, and one of its blocks.
#[derive(Debug)]
pub struct Past {
    store: Store,
    facts: ChainFacts,
    last: Height,
    height: Height,
    hash: Hash32,
    record: Record,
}

impl Past {
    /// Opens the home, with its settings as a running node reads them.
    ///
    /// # Errors
    /// What is wrong with the home or its store; a node that runs there; [`PastRejected`].
    pub fn open(at: &At) -> anyhow::Result<Self> {
        let home = Home::at(&at.home);
        let config = NodeConfig::load(&home.config(), &[])?;
        let facts = ChainFacts::of(&read_genesis(&home)?)?;
        let identity = ChainIdentity { genesis: facts.genesis_id, format: STORE_FORMAT };
        let store = Store::open_read_only(&home.data(), &config.store(), &identity)?;
        let head = load_head(&store)?;
        let past = Self { facts, last: head.height, height: head.height, hash: head.hash, record: head.record, store };
        match at.height.map(Height) {
            Some(height) if height != past.last => past.back_to(height),
            _ => Ok(past),
        }
    }

    fn back_to(mut self, height: Height) -> anyhow::Result<Self> {
        self.record = self.at(height)?;
        self.hash = match self.store.certificate(height)? {
            None => self.facts.genesis_hash(),
            Some(bytes) => {
                let damaged = |why| LedgerFatal::Damaged { what: "the commit certificate", height, why };
                decode_certificate(&bytes).map_err(damaged)?.block.hash
            }
        };
        self.height = height;
        Ok(self)
    }

    /// What is known after the block at `height`.
    ///
    /// # Errors
    /// [`PastRejected`], and what the store says.
    pub fn at(&self, height: Height) -> anyhow::Result<Record> {
        let (first, base) = (self.store.kept()?.blocks, self.store.base()?);
        if (height >= first || Some(height) == base)
            && let Some(record) = read_record(&self.store, height)?
        {
            return Ok(record);
        }
        Err(PastRejected::NoSuchHeight { asked: height, first, last: self.last }.into())
    }

    /// The last block after which the state has this root. Cost: a small read for every block from there on; for a root that is not here, for
    /// every block.
    ///
    /// # Errors
    /// [`PastRejected`], and what the store says.
    pub fn height_of(&self, root: &Cid) -> anyhow::Result<Height> {
        let (first, base) = (self.store.kept()?.blocks, self.store.base()?);
        for height in (first.0..=self.last.0).rev().map(Height).chain(base) {
            if read_record(&self.store, height)?.is_some_and(|record| record.state_root == *root) {
                return Ok(height);
            }
        }
        Err(PastRejected::NoSuchState { asked: Box::new(*root), first, last: self.last }.into())
    }

    /// A store with all nodes of the state after it.
    ///
    /// # Errors
    /// [`PastRejected`], and what the store says.
    pub fn trees(&self) -> anyhow::Result<PastStore> {
        self.trees_of(&[(self.height, self.record.state_root)])
    }

    /// A store with all nodes of the states after these blocks, which have these roots.
    ///
    /// # Errors
    /// As [`Self::trees`].
    pub fn trees_of(&self, states: &[(Height, Cid)]) -> anyhow::Result<PastStore> {
        let overlay = Arc::new(Buffered::new(self.store.clone()));
        for (height, root) in states {
            if !self.store.keeps_state(*height)? {
                let oldest = self.store.kept()?.states;
                return Err(PastRejected::StateNotKept { asked: *height, oldest, last: self.last }.into());
            }
            complete(&self.store, &overlay, *height, root)?;
        }
        Ok(overlay)
    }

    /// What never changes about the chain.
    #[must_use]
    pub const fn facts(&self) -> &ChainFacts {
        &self.facts
    }

    /// The block's height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// The block's hash; the genesis hash before the first.
    #[must_use]
    pub const fn hash(&self) -> &Hash32 {
        &self.hash
    }

    /// What is known after it.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Root of the state after it.
    #[must_use]
    pub const fn root(&self) -> &Cid {
        &self.record.state_root
    }
}
