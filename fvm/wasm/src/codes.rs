//! Compiled code that is kept in memory.
//!
//! ```text
//! a block asks for code    ─▶ on its shelf, or on that of questions, from where it moves over
//! a question asks for code ─▶ on its shelf, or on that of blocks
//! ```
//!
//! Each shelf has a bound; what was not used there for longest goes first. What is only asked about makes no room on the shelf of blocks, and
//! is no use of what lies there: whoever asks for nothing never makes a block compile again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use cid::Cid;

/// Bytes of compiled code kept for blocks: of some hundred MiB of modules.
pub const COMPILED_BYTES_MAX: usize = 1 << 30;

/// Bytes of compiled code kept beside it for those who only ask.
pub const ASKED_COMPILED_BYTES_MAX: usize = 64 << 20;

/// Bytes that a module takes beside its code, more or less.
const BYTES_PER_MODULE: usize = 16 << 10;

/// What code is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A block, whose sender paid for its compiling when it was installed.
    Block,
    /// What would happen, for nothing.
    Question,
}

/// Compiled code by the CID of its module.
#[derive(Debug)]
pub struct Codes<C> {
    blocks: Shelf<C>,
    questions: Shelf<C>,
    clock: AtomicU64,
}

#[derive(Debug)]
struct Shelf<C> {
    bytes_max: usize,
    held: RwLock<Held<C>>,
}

#[derive(Debug)]
struct Held<C> {
    bytes: usize,
    of: HashMap<Cid, Entry<C>, foldhash::fast::RandomState>,
}

#[derive(Debug)]
struct Entry<C> {
    code: Arc<C>,
    bytes: usize,
    used: AtomicU64,
}

impl<C> Codes<C> {
    /// None yet; so many bytes of them at most for blocks, and for questions.
    pub fn new(blocks_bytes_max: usize, questions_bytes_max: usize) -> Self {
        let (blocks, questions) = (Shelf::new(blocks_bytes_max), Shelf::new(questions_bytes_max));
        Self { blocks, questions, clock: AtomicU64::new(0) }
    }

    /// Code that is there. Cost: a map look-up under a shared lock, or two.
    pub fn get(&self, code_cid: &Cid, purpose: Purpose) -> Option<Arc<C>> {
        match purpose {
            Purpose::Block => self.blocks.take_up(code_cid, self.tick()).or_else(|| {
                let (code, bytes) = self.questions.remove(code_cid)?;
                self.blocks.put(*code_cid, &code, bytes, self.tick());
                Some(code)
            }),
            Purpose::Question => {
                self.blocks.look_at(code_cid).or_else(|| self.questions.take_up(code_cid, self.tick()))
            }
        }
    }

    /// Keeps code of so many bytes.
    pub fn keep(&self, code_cid: Cid, code: &Arc<C>, bytes: usize, purpose: Purpose) {
        let (bytes, used) = (bytes.saturating_add(BYTES_PER_MODULE), self.tick());
        match purpose {
            Purpose::Block => self.blocks.put(code_cid, code, bytes, used),
            Purpose::Question => self.questions.put(code_cid, code, bytes, used),
        }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }
}

impl<C> Shelf<C> {
    fn new(bytes_max: usize) -> Self {
        Self { bytes_max, held: RwLock::new(Held { bytes: 0, of: HashMap::default() }) }
    }

    fn look_at(&self, code_cid: &Cid) -> Option<Arc<C>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.of.get(code_cid).map(|entry| Arc::clone(&entry.code))
    }

    fn take_up(&self, code_cid: &Cid, now: u64) -> Option<Arc<C>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let entry = held.of.get(code_cid)?;
        entry.used.store(now, Ordering::Relaxed);
        Some(Arc::clone(&entry.code))
    }

    /// Puts it in, and takes out what was not used for longest until all fits, but never what was put in.
    fn put(&self, code_cid: Cid, code: &Arc<C>, bytes: usize, now: u64) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.remove(&code_cid);
        while held.bytes.saturating_add(bytes) > self.bytes_max {
            let oldest = held.of.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
            let Some(oldest) = oldest.map(|(cid, _)| *cid) else { break };
            held.remove(&oldest);
        }
        held.bytes = held.bytes.saturating_add(bytes);
        held.of.insert(code_cid, Entry { code: Arc::clone(code), bytes, used: AtomicU64::new(now) });
    }

    fn remove(&self, code_cid: &Cid) -> Option<(Arc<C>, usize)> {
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(code_cid)
    }
}

impl<C> Held<C> {
    fn remove(&mut self, code_cid: &Cid) -> Option<(Arc<C>, usize)> {
        let Entry { code, bytes, .. } = self.of.remove(code_cid)?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some((code, bytes))
    }
}

#[cfg(test)]
mod tests {
    use multihash_codetable::{Code, MultihashDigest};

    use super::Purpose::{Block, Question};
    use super::*;

    /// Each code takes this much.
    const BYTES: usize = 1_000;
    const EACH: usize = BYTES + BYTES_PER_MODULE;

    fn cid(number: u8) -> Cid {
        Cid::new_v1(0x55, Code::Blake2b256.digest(&[number]))
    }

    /// Room for three codes on either shelf.
    fn codes() -> Codes<u8> {
        Codes::new(3 * EACH, 3 * EACH)
    }

    fn keep(codes: &Codes<u8>, number: u8, purpose: Purpose) {
        codes.keep(cid(number), &Arc::new(number), BYTES, purpose);
    }

    fn there(shelf: &Shelf<u8>, numbers: &[u8]) -> Vec<u8> {
        numbers.iter().copied().filter(|number| shelf.look_at(&cid(*number)).is_some()).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let codes = codes();
        [1, 2, 3].into_iter().for_each(|number| keep(&codes, number, Block));
        assert_eq!(codes.get(&cid(1), Block).as_deref(), Some(&1));
        keep(&codes, 4, Block);
        assert_eq!(there(&codes.blocks, &[1, 2, 3, 4]), [1, 3, 4]);
        codes.keep(cid(5), &Arc::new(5), 2 * EACH - BYTES_PER_MODULE, Block);
        assert_eq!(there(&codes.blocks, &[1, 3, 4, 5]), [4, 5], "as much as it takes");
        keep(&codes, 4, Block);
        assert_eq!(there(&codes.blocks, &[4, 5]), [4, 5], "twice is once");
        codes.keep(cid(6), &Arc::new(6), usize::MAX, Block);
        assert_eq!(there(&codes.blocks, &[4, 5, 6]), [6], "what is put in is there, however large it is");
        keep(&codes, 7, Block);
        assert_eq!(there(&codes.blocks, &[6, 7]), [7]);
    }

    #[test]
    fn questions_find_what_blocks_use_and_never_make_it_go() {
        let codes = codes();
        [1, 2, 3].into_iter().for_each(|number| keep(&codes, number, Block));
        [4, 5, 6, 7].into_iter().for_each(|number| keep(&codes, number, Question));
        assert_eq!(there(&codes.blocks, &[1, 2, 3, 4, 5, 6, 7]), [1, 2, 3]);
        assert_eq!(there(&codes.questions, &[1, 2, 3, 4, 5, 6, 7]), [5, 6, 7]);
        assert_eq!(codes.get(&cid(1), Question).as_deref(), Some(&1));
        keep(&codes, 8, Block);
        assert_eq!(there(&codes.blocks, &[1, 2, 3, 8]), [2, 3, 8], "to ask for it was no use of it");
    }

    #[test]
    fn what_was_asked_about_first_is_there_for_a_block() {
        let codes = codes();
        keep(&codes, 1, Question);
        assert_eq!(codes.get(&cid(1), Block).as_deref(), Some(&1));
        assert_eq!((there(&codes.blocks, &[1]), there(&codes.questions, &[1])), (vec![1], vec![]), "and moves over");
        assert_eq!(codes.get(&cid(2), Block), None);
    }
}
