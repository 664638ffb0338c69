//! A place in the chain, and what lies between it and the head: as much of that as one answer may hold.

use alloy_primitives::B256;
use alloy_rpc_types_eth::Log;
use tributary_primitives::Height;

use crate::convert;
use crate::error::RpcRejected;
use crate::new_logs::NewLogs;
use crate::node::Node;

/// Bytes of a log's JSON beside its data, whose bytes are two digits each.
const LOG_BYTES: usize = 1_024;

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
        let mut hashes = Vec::new();
        for height in self.heights(node) {
            let Some(block) = node.backend.block_at(height)? else { break };
            hashes.push(convert::hash(block.hash));
        }
        *self = Self { height: Height(self.height.0 + convert::count(hashes.len())), logs: 0 };
        Ok(hashes)
    }

    /// Logs from here on that are wanted: at most `logs_max`, of at most `log_blocks_max` blocks, and about half of what an answer may be.
    /// Cost: one read for each block.
    pub fn logs(&mut self, node: &Node, wanted: &NewLogs) -> Result<Vec<Log>, RpcRejected> {
        let bytes_max = usize::try_from(node.config.response_bytes_max).unwrap_or(usize::MAX) / 2;
        let (mut found, mut bytes, mut place) = (Vec::new(), 0_usize, *self);
        for height in self.heights(node) {
            let Some(block) = node.backend.block_at(height)? else { break };
            for log in convert::log::of_block(&block).skip(place.logs) {
                if wanted.wants(&log) {
                    let more = LOG_BYTES + log.data().data.len() * 2;
                    if found.len() >= node.config.logs_max || (bytes + more > bytes_max && !found.is_empty()) {
                        *self = place;
                        return Ok(found);
                    }
                    bytes += more;
                    found.push(log);
                }
                place.logs += 1;
            }
            place = Self::after(height);
        }
        *self = place;
        Ok(found)
    }

    fn heights(&self, node: &Node) -> impl Iterator<Item = Height> + use<> {
        let most = self.height.0.saturating_add(node.config.log_blocks_max.max(1));
        (self.height.0..most.min(node.backend.tip().height.0.saturating_add(1))).map(Height)
    }
}
