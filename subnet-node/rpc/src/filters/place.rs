//! A place in the chain, and what lies between it and the head: as much of that as one answer may hold, and as is found in `call_time_max`.
//! The first block is always looked at, so whoever comes back gets on.

use std::time::Instant;

use alloy_primitives::B256;
use alloy_rpc_types_eth::Log;
use tributary_primitives::Height;

use crate::convert;
use crate::error::RpcRejected;
use crate::found_logs::FoundLogs;
use crate::new_logs::NewLogs;
use crate::node::Node;

/// A place in the chain: in a block, after so many of its logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    height: Height,
    logs: usize,
}

impl Place {
    /// After all of a block.
    pub const fn after(height: Height) -> Self {
        Self { height: height.next(), logs: 0 }
    }

    /// Hashes of the blocks from here on, at most `log_blocks_max`. Cost: one read for each.
    pub fn blocks(&mut self, node: &Node) -> Result<Vec<B256>, RpcRejected> {
        let (mut hashes, began) = (Vec::new(), Instant::now());
        for height in self.heights(node) {
            if height > self.height && node.is_over(began) {
                break;
            }
            let Some(block) = node.backend.block_at(height)? else { break };
            hashes.push(convert::hash(block.hash));
        }
        *self = Self { height: Height(self.height.0 + convert::count(hashes.len())), logs: 0 };
        Ok(hashes)
    }

    /// Logs from here on that are wanted: of at most `log_blocks_max` blocks, and as many as [`FoundLogs`] holds. Cost: one small read for
    /// each block, and another for one that may have such logs.
    pub fn logs(&mut self, node: &Node, wanted: &NewLogs) -> Result<Vec<Log>, RpcRejected> {
        let (mut found, mut place, began) = (FoundLogs::new(&node.config), *self, Instant::now());
        for height in self.heights(node) {
            if height > self.height && node.is_over(began) {
                break;
            }
            let Some(summary) = node.backend.summary_at(height)? else { break };
            if wanted.may_be_in(height, &summary.logs_bloom) {
                let Some(block) = node.backend.block_at(height)? else { break };
                for log in convert::log::of_block(&block).skip(place.logs) {
                    if wanted.wants(&log) && found.add(log).is_err() {
                        *self = place;
                        return Ok(found.into_logs());
                    }
                    place.logs += 1;
                }
            }
            place = Self::after(height);
        }
        *self = place;
        Ok(found.into_logs())
    }

    fn heights(&self, node: &Node) -> impl Iterator<Item = Height> + use<> {
        let most = self.height.0.saturating_add(node.config.log_blocks_max.max(1));
        (self.height.0..most.min(node.backend.tip().height.0.saturating_add(1))).map(Height)
    }
}
