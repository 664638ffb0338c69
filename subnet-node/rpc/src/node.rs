//! What every method has at hand: the backend, the limits, and which block a caller means.
//!
//! | tag | block |
//! |---|---|
//! | `latest`, `safe` | the latest: decided and executed, so final |
//! | `finalized` | on a subnet the latest that the parent accepted a checkpoint of, as far as this node knows: none while it knows of none. On a root, which has no parent, the latest |
//! | `pending` | the latest; calls run in the block that comes next, and nonces count what waits in the mempool |
//! | `earliest` | 0: genesis |

use std::sync::Arc;
use std::time::Instant;

use alloy_eips::{BlockId, BlockNumberOrTag};
use tributary_fvm::Leash;
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};

use crate::backend::{Backend, BlockView, StateView};
use crate::comet::Chain;
use crate::config::RpcConfig;
use crate::error::RpcRejected;
use crate::eth::TipCache;
use crate::filters::Filters;
use crate::patience;
use crate::permits::Served;

/// What every method has at hand.
pub struct Node {
    pub backend: Arc<dyn Backend>,
    pub comet: Arc<dyn Chain>,
    pub config: RpcConfig,
    pub served: Served,
    pub tip_cache: TipCache,
    pub filters: Filters,
}

impl Node {
    /// The height that a number or tag means. A number may be above the tip.
    ///
    /// # Errors
    /// [`RpcRejected::NoFinalized`].
    pub fn height_of(&self, block: BlockNumberOrTag) -> Result<Height, RpcRejected> {
        Ok(match block {
            BlockNumberOrTag::Number(number) => Height(number),
            BlockNumberOrTag::Earliest => Height::GENESIS,
            BlockNumberOrTag::Finalized => self.finalized().ok_or(RpcRejected::NoFinalized)?,
            BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Pending => self.backend.tip().height,
        })
    }

    /// The latest that the parent accepted; on a root, where nothing more can happen to a block, the latest.
    fn finalized(&self) -> Option<Height> {
        match self.backend.identity().subnet.parent() {
            Some(_) => self.backend.finalized(),
            None => Some(self.backend.tip().height),
        }
    }

    /// The block that a number or tag means; `None` above the tip, and while none is finalized.
    pub fn block(&self, block: BlockNumberOrTag) -> Result<Option<Arc<BlockView>>, RpcRejected> {
        match self.height_of(block) {
            // As a number that is not there yet. Libraries take it for that; over an error some end the program that waits for it.
            Err(RpcRejected::NoFinalized) => Ok(None),
            height => Ok(self.backend.block_at(height?)?),
        }
    }

    /// The block with this hash; `None` if there is none.
    pub fn block_by_hash(&self, hash: &Hash32) -> Result<Option<Arc<BlockView>>, RpcRejected> {
        match self.backend.height_of(hash)? {
            Some(height) => Ok(self.backend.block_at(height)?),
            None => Ok(None),
        }
    }

    /// The block that a caller means by number, tag or hash; `None` if there is none.
    pub fn block_by_id(&self, block: BlockId) -> Result<Option<Arc<BlockView>>, RpcRejected> {
        match block {
            BlockId::Hash(hash) => self.block_by_hash(&Hash32(hash.block_hash.0)),
            BlockId::Number(number) => self.block(number),
        }
    }

    /// The nonce that a transaction in the mempool waits for: its sender's first that nobody brought. None if there is none before its own.
    pub fn missing_nonce(&self, waiting: &Transaction) -> Result<Option<u64>, RpcRejected> {
        let (sender, nonce, head) = (waiting.sender(), waiting.nonce(), self.backend.tip().height);
        let next = self.state(None)?.actor(&sender)?.map_or(0, |actor| actor.nonce);
        let missing = self.backend.pending_nonce(&sender, next);
        // What ran meanwhile does not wait any more, and is not missing.
        Ok((missing < nonce && self.backend.tip().height == head).then_some(missing))
    }

    /// As long as a call may run, from now on.
    pub fn leash(&self) -> Leash {
        patience::leash(self.config.call_time_max)
    }

    /// Whether a look at many blocks that began then has taken as long as a call may.
    pub fn is_over(&self, began: Instant) -> bool {
        began.elapsed() >= self.config.call_time_max
    }

    /// The state after the block that a caller means, and that block for calls; the latest if it names none.
    pub fn state(&self, block: Option<BlockId>) -> Result<Box<dyn StateView + '_>, RpcRejected> {
        let height = match block {
            None => self.backend.tip().height,
            Some(BlockId::Number(BlockNumberOrTag::Pending)) => return Ok(self.backend.pending_state()?),
            Some(BlockId::Number(number)) => self.height_of(number)?,
            Some(BlockId::Hash(hash)) => {
                self.backend.height_of(&Hash32(hash.block_hash.0))?.ok_or(RpcRejected::UnknownBlock)?
            }
        };
        if height > self.backend.tip().height {
            return Err(RpcRejected::UnknownBlock);
        }
        Ok(self.backend.state_at(height)?)
    }
}
