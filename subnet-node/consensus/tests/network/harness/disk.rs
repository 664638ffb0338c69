//! What a node keeps across restarts: its blocks, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tributary_chain::{Block, BlockRef, CommitCertificate, ValidatorAddress};
use tributary_consensus::{Body, DecidedBlock};
use tributary_primitives::Height;

use super::BLOCK_BYTES_MAX;
use super::fault::Fault;

/// What survives a restart.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<Contents>>);

pub(super) struct Contents {
    pub(super) decided: BTreeMap<Height, DecidedBlock>,
    pub(super) undecided: BTreeMap<BlockRef, (Body, bool)>,
    /// The last height that was decided without its block.
    pub(super) body_missing: Option<Height>,
    pub(super) waiting: Vec<Vec<u8>>,
    pub(super) fault: Fault,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Contents {
            decided: BTreeMap::new(),
            undecided: BTreeMap::new(),
            body_missing: None,
            waiting: Vec::new(),
            fault: Fault::None,
        })))
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&mut Contents) -> T) -> T {
        read(&mut self.0.lock().unwrap())
    }

    pub(crate) fn tip(&self) -> Height {
        self.with(|disk| disk.decided.keys().next_back().copied().unwrap_or_default())
    }

    /// The encoded block of a decided height.
    pub(crate) fn block(&self, height: Height) -> Vec<u8> {
        self.with(|disk| disk.decided[&height].bytes.clone())
    }

    pub(super) fn blocks(&self) -> Vec<(CommitCertificate, Block)> {
        let decided = self.with(|disk| disk.decided.values().cloned().collect::<Vec<_>>());
        decided
            .into_iter()
            .map(|entry| (entry.certificate, Block::decode(&entry.bytes, BLOCK_BYTES_MAX).unwrap()))
            .collect()
    }

    /// How many blocks after `height` a validator proposed.
    pub(crate) fn proposed_by(&self, address: ValidatorAddress, height: Height) -> usize {
        let blocks = self.blocks();
        let by = |block: &Block| ValidatorAddress::from(block.header.proposer_address) == address;
        blocks.iter().filter(|(certificate, block)| certificate.height > height && by(block)).count()
    }

    pub(crate) fn rounds_lost(&self) -> u32 {
        self.blocks().iter().map(|(certificate, _)| certificate.round).sum()
    }

    pub(crate) fn transactions(&self) -> Vec<Vec<u8>> {
        self.blocks().into_iter().flat_map(|(_, block)| block.transactions).collect()
    }
}
