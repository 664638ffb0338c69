//! The chain's last heads: the last of all, which everyone reads, and those before it that clients still name.
//!
//! Who asks for the last block's number and then for a state names a block that may be the last no more, and does so as long as one question
//! belongs to the other. So the leaves after the last [`RECENT`] blocks stay readable: each is a snapshot, which costs the store what these
//! blocks have replaced, and one more merge of what was merged while they were held; nothing to read by.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock};

use tributary_primitives::Height;

use super::Head;

/// Blocks after which the state is read by its leaves: some seconds at full load, when each holds what it changed, some hundred KB, a while
/// longer on the disk.
pub const RECENT: usize = 64;

/// The last head, and those before it.
pub(super) struct Heads(RwLock<Line>);

struct Line {
    last: Arc<Head>,
    /// Last first, at most [`RECENT`] with the last of all.
    before: VecDeque<Arc<Head>>,
}

impl Heads {
    /// Of a chain that ends with this one; what was before it is not known here.
    pub fn new(last: Head) -> Self {
        Self(RwLock::new(Line { last: Arc::new(last), before: VecDeque::with_capacity(RECENT) }))
    }

    /// The last of all.
    pub fn last(&self) -> Arc<Head> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).last)
    }

    /// The one after the block at `height`, if that is one of the last.
    pub fn at(&self, height: Height) -> Option<Arc<Head>> {
        let line = self.0.read().unwrap_or_else(PoisonError::into_inner);
        [&line.last].into_iter().chain(&line.before).find(|head| head.height == height).cloned()
    }

    /// The chain goes on to this one.
    pub fn push(&self, next: Arc<Head>) {
        // Its snapshot is let go of while nobody waits.
        let _oldest = {
            let mut line = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let before = mem::replace(&mut line.last, next);
            line.before.push_front(before);
            if line.before.len() < RECENT { None } else { line.before.pop_back() }
        };
    }
}
