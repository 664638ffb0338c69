//! A store that keeps what is read from it, and notes what could not be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use super::words::ReplayUnavailable;

/// Bytes of state that are kept of one block's check; what is read beyond them is read and not kept. A block of thirty million gas
/// reads some 14,000 storage slots at most, a few KiB of tree each.
pub const RECORDED_BYTES_MAX: usize = 64 << 20;

/// Reads `base`; writes nothing.
pub struct Recorder<B> {
    base: B,
    bytes_max: usize,
    is_stopping: Arc<AtomicBool>,
    recorded: Mutex<(Recorded, Option<ReplayUnavailable>)>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Blocks by CID.
    pub blocks: BTreeMap<Cid, Vec<u8>>,
    /// Their bytes.
    pub bytes: usize,
    /// Whether more was read than is kept.
    pub is_cut: bool,
}

/// Nothing is put into a store that records.
#[derive(Debug, thiserror::Error)]
#[error("a recorded store is only read")]
struct ReadOnly;

impl<B: Blockstore> Recorder<B> {
    /// Keeps `bytes_max` bytes of what is read, and gives no more once `is_stopping`.
    pub fn new(base: B, bytes_max: usize, is_stopping: Arc<AtomicBool>) -> Self {
        Self { base, bytes_max, is_stopping, recorded: Mutex::default() }
    }

    /// Takes out what was read so far, and why the first block that could not be read was not.
    pub fn take(&self) -> (Recorded, Option<ReplayUnavailable>) {
        std::mem::take(&mut *self.recorded())
    }

    fn read(&self, cid: &Cid) -> Result<Vec<u8>, ReplayUnavailable> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err(ReplayUnavailable::Stopping);
        }
        let unreadable =
            |why: anyhow::Error| ReplayUnavailable::Unreadable { cid: Box::new(*cid), why: format!("{why:#}") };
        self.base.get(cid).map_err(unreadable)?.ok_or_else(|| ReplayUnavailable::Missing(Box::new(*cid)))
    }

    /// Valid after every read, so a thread that panicked elsewhere harms nothing here.
    fn recorded(&self) -> MutexGuard<'_, (Recorded, Option<ReplayUnavailable>)> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    fn keep(&mut self, cid: &Cid, block: &[u8], bytes_max: usize) {
        if self.is_cut || self.blocks.contains_key(cid) {
            return;
        }
        self.is_cut = self.bytes + block.len() > bytes_max;
        if !self.is_cut {
            self.bytes += block.len();
            self.blocks.insert(*cid, block.to_vec());
        }
    }
}

impl<B: Blockstore> Blockstore for Recorder<B> {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        let read = self.read(cid);
        let (recorded, unread) = &mut *self.recorded();
        match read {
            Ok(block) => {
                recorded.keep(cid, &block, self.bytes_max);
                Ok(Some(block))
            }
            Err(why) => {
                unread.get_or_insert_with(|| why.clone());
                if matches!(why, ReplayUnavailable::Missing(_)) { Ok(None) } else { Err(why.into()) }
            }
        }
    }

    fn put_keyed(&self, _: &Cid, _: &[u8]) -> anyhow::Result<()> {
        Err(ReadOnly.into())
    }
}

#[cfg(test)]
mod tests {
    use tributary_fvm::state::MemoryStore;
    use tributary_primitives::raw_cid;

    use super::*;

    fn recorder(blocks: &[&[u8]], bytes_max: usize) -> Recorder<MemoryStore> {
        let store = MemoryStore::default();
        blocks.iter().for_each(|block| store.put_keyed(&raw_cid(block), block).unwrap());
        Recorder::new(store, bytes_max, Arc::default())
    }

    #[test]
    fn what_is_read_is_kept_once_and_up_to_its_bound() {
        let recorder = recorder(&[b"one", b"two", b"three"], 6);
        for block in [&b"one"[..], b"one", b"two", b"three", b"two"] {
            assert_eq!(recorder.get(&raw_cid(block)).unwrap().as_deref(), Some(block));
        }
        let (recorded, unread) = recorder.take();
        let kept = [&b"one"[..], b"two"].map(|block| (raw_cid(block), block.to_vec()));
        assert_eq!((recorded.blocks, recorded.bytes, recorded.is_cut), (kept.into(), 6, true));
        assert_eq!(unread, None);
    }

    #[test]
    fn what_is_missing_is_noted_and_a_node_that_stops_reads_no_more() {
        let recorder = recorder(&[b"one"], 6);
        assert_eq!(recorder.get(&raw_cid(b"gone")).unwrap(), None);
        assert_eq!(recorder.take().1, Some(ReplayUnavailable::Missing(Box::new(raw_cid(b"gone")))));
        recorder.is_stopping.store(true, Ordering::Relaxed);
        assert!(recorder.get(&raw_cid(b"one")).is_err());
        assert_eq!(recorder.take(), (Recorded::default(), Some(ReplayUnavailable::Stopping)));
    }

    #[test]
    fn nothing_is_written() {
        assert!(recorder(&[], 6).put_keyed(&raw_cid(b"one"), b"one").is_err());
    }
}
