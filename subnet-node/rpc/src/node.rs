//! What every method has at hand: the backend, the limits, and which block a caller means.
//!
//! | tag | block |
//! |---|---|
//! | `latest`, `safe` | the latest: decided and executed, so final |
//! | `finalized` | the latest that the parent holds a checkpoint of, if that is known; else the latest |
//! | `pending` | the latest; only nonces count what waits in the mempool |
//! | `earliest` | 0: genesis |

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use tributary_fvm::Leash;
use tributary_primitives::{Hash32, Height};

use crate::backend::{Backend, BlockView, StateView};
use crate::comet::Chain;
use crate::config::RpcConfig;
use crate::error::RpcRejected;
use crate::eth::TipCache;
use crate::filters::Filters;
use crate::patience;

/// What every method has at hand.
pub struct Node {
    pub backend: Arc<dyn Backend>,
    pub comet: Arc<dyn Chain>,
    pub config: RpcConfig,
    pub tip_cache: TipCache,
    pub filters: Filters,
}

impl Node {
    /// The height that a number or tag means. A number may be above the tip.
    pub fn height_of(&self, block: BlockNumberOrTag) -> Height {
        match block {
            BlockNumberOrTag::Number(number) => Height(number),
            BlockNumberOrTag::Earliest => Height::GENESIS,
            BlockNumberOrTag::Finalized => self.backend.finalized().unwrap_or_else(|| self.backend.tip().height),
            BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Pending => self.backend.tip().height,
        }
    }

    /// The block that a number or tag means; `None` above the tip.
    pub fn block(&self, block: BlockNumberOrTag) -> Result<Option<Arc<BlockView>>, RpcRejected> {
        Ok(self.backend.block_at(self.height_of(block))?)
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

    /// As long as a call may run, from now on.
    pub fn leash(&self) -> Leash {
        patience::leash(self.config.call_time_max)
    }

    /// The state after the block that a caller means; after the latest if it names none.
    pub fn state(&self, block: Option<BlockId>) -> Result<Box<dyn StateView + '_>, RpcRejected> {
        let height = match block {
            None => self.backend.tip().height,
            Some(BlockId::Number(number)) => self.height_of(number),
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
