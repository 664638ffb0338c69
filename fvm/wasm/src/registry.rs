//! The blocks one invocation has open, and the CIDs it may open next.
//!
//! A handle is a number from 1, never reused and never closed; 0 means "no data". An actor can open
//! only what it can reach: its state root once asked for, links of blocks it opened or was given, and
//! blocks it linked itself. So no actor's success depends on what else a node happens to store.

use std::collections::HashSet;

use cid::Cid;
use fvm_shared::error::ErrorNumber;
use fvm_shared::sys::BlockId;

use crate::block::Block;
use crate::error::SyscallRejected;

/// The handle that stands for no block.
pub(crate) const NO_BLOCK: BlockId = 0;

/// Blocks in one registry. Source: ref-fvm 4.8; gas runs out long before.
const BLOCKS_MAX: usize = 0x7fff_ffff;

/// One invocation's open blocks.
#[derive(Debug, Default)]
pub(crate) struct BlockRegistry {
    blocks: Vec<Block>,
    reachable: HashSet<Cid, foldhash::fast::RandomState>,
}

impl BlockRegistry {
    /// Opens a block that came from outside: its links become reachable.
    pub(crate) fn put_reachable(&mut self, block: Block) -> Result<BlockId, SyscallRejected> {
        let id = self.next_id()?;
        self.reachable.extend(block.links());
        self.blocks.push(block);
        Ok(id)
    }

    /// Opens a block that the actor made: its links must be reachable already.
    pub(crate) fn put_checked(&mut self, block: Block) -> Result<BlockId, SyscallRejected> {
        let id = self.next_id()?;
        if let Some(link) = block.links().iter().find(|link| !self.is_reachable(link)) {
            return Err(not_reachable(link));
        }
        self.blocks.push(block);
        Ok(id)
    }

    /// The block of a handle.
    pub(crate) fn get(&self, id: BlockId) -> Result<&Block, SyscallRejected> {
        id.checked_sub(1)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| self.blocks.get(index))
            .ok_or_else(|| SyscallRejected::new(ErrorNumber::InvalidHandle, format!("no block has handle {id}")))
    }

    /// The block of a handle, or none for handle 0.
    pub(crate) fn get_optional(&self, id: BlockId) -> Result<Option<&Block>, SyscallRejected> {
        if id == NO_BLOCK { Ok(None) } else { self.get(id).map(Some) }
    }

    /// Makes a CID reachable.
    pub(crate) fn mark_reachable(&mut self, cid: Cid) {
        self.reachable.insert(cid);
    }

    /// Refuses a CID that is not reachable. A block inside a CID is reachable only like any other: it
    /// may hold links that are not.
    pub(crate) fn check_reachable(&self, cid: &Cid) -> Result<(), SyscallRejected> {
        if self.is_reachable(cid) { Ok(()) } else { Err(not_reachable(cid)) }
    }

    /// Bytes that the links of all open blocks count for.
    pub(crate) fn bytes_of_links(&self) -> u64 {
        self.blocks.iter().map(Block::bytes_of_links).fold(0, u64::saturating_add)
    }

    /// Refuses when no further block fits.
    pub(crate) fn check_room(&self) -> Result<(), SyscallRejected> {
        self.next_id().map(|_| ())
    }

    fn is_reachable(&self, cid: &Cid) -> bool {
        self.reachable.contains(cid)
    }

    fn next_id(&self) -> Result<BlockId, SyscallRejected> {
        let full = || SyscallRejected::new(ErrorNumber::LimitExceeded, "too many open blocks");
        let open = self.blocks.len();
        if open >= BLOCKS_MAX {
            return Err(full());
        }
        BlockId::try_from(open + 1).map_err(|_| full())
    }
}

fn not_reachable(cid: &Cid) -> SyscallRejected {
    SyscallRejected::new(ErrorNumber::NotFound, format!("{cid} is not reachable"))
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::{DAG_CBOR, IPLD_RAW, to_vec};
    use multihash_codetable::{Code, MultihashDigest};

    use super::*;

    fn link() -> Cid {
        Cid::new_v1(IPLD_RAW, Code::Blake2b256.digest(b"leaf"))
    }

    fn parent() -> Block {
        Block::new(DAG_CBOR, to_vec(&(link(),)).unwrap()).unwrap()
    }

    #[test]
    fn handles_count_from_one_and_zero_is_no_block() {
        let mut registry = BlockRegistry::default();
        let raw = Block::new(IPLD_RAW, vec![7]).unwrap();
        assert_eq!(registry.put_reachable(raw.clone()), Ok(1));
        assert_eq!(registry.put_checked(raw.clone()), Ok(2));
        assert_eq!(registry.get(2), Ok(&raw));
        assert_eq!(registry.get_optional(NO_BLOCK), Ok(None));
        for id in [0, 3, u32::MAX] {
            assert_eq!(registry.get(id).unwrap_err().number, ErrorNumber::InvalidHandle, "{id}");
        }
    }

    #[test]
    fn a_made_block_may_link_only_to_what_is_reachable() {
        let mut registry = BlockRegistry::default();
        assert_eq!(registry.put_checked(parent()).unwrap_err().number, ErrorNumber::NotFound);
        registry.mark_reachable(link());
        assert_eq!(registry.put_checked(parent()), Ok(1));
    }

    #[test]
    fn a_given_block_makes_its_links_reachable() {
        let mut registry = BlockRegistry::default();
        assert!(registry.check_reachable(&link()).is_err());
        registry.put_reachable(parent()).unwrap();
        assert!(registry.check_reachable(&link()).is_ok());
    }
}
