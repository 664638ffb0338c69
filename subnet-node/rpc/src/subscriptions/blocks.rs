//! Walks the chain: every block from where it began, each once and in order, however many were decided since the last step.

use std::sync::Arc;

use futures::stream::{self, Stream};
use tokio::sync::watch;
use tributary_primitives::Height;

use crate::announcements::{Announced, Announcements};
use crate::websocket::Closing;

/// A place in the chain.
pub struct Blocks {
    announcements: Arc<Announcements>,
    heads: watch::Receiver<Height>,
    next: Height,
    behind_max: u64,
}

impl Blocks {
    /// Begins with the first block that is decided from now on.
    pub fn from_now(announcements: &Arc<Announcements>) -> Self {
        let node = announcements.node();
        let mut heads = node.backend.heads();
        let next = heads.borrow_and_update().next();
        let behind_max = node.config.subscription_blocks_behind_max;
        Self { announcements: Arc::clone(announcements), heads, next, behind_max }
    }

    /// All of them. Ends when the node makes no more, since it stops.
    pub fn into_stream(self) -> impl Stream<Item = Result<Arc<Announced>, Closing>> + Send {
        stream::try_unfold(self, |mut blocks| async move { Ok(blocks.next().await?.map(|block| (block, blocks))) })
    }

    async fn next(&mut self) -> Result<Option<Arc<Announced>>, Closing> {
        let mut head = *self.heads.borrow_and_update();
        while head < self.next {
            if self.heads.changed().await.is_err() {
                return Ok(None);
            }
            head = *self.heads.borrow_and_update();
        }
        let behind = head.0 - self.next.0;
        if behind > self.behind_max {
            return Err(Closing::Behind { blocks: behind, most: self.behind_max });
        }
        let block = self.announcements.of(self.next).await.map_err(Closing::Unable)?;
        self.next = self.next.next();
        Ok(Some(block))
    }
}
