//! Block sync: decided blocks to and from peers.

use malachite_app_channel::app::engine::host::SyncedValueOutcome;
use malachite_app_channel::app::types::sync::RawDecidedValue;
use tributary_chain::{Block, BlockRef, ValidatorAddress};
use tributary_primitives::Height;

use super::Bridge;
use super::heights::proposed_value;
use crate::application::{Application, ApplicationFatal, Origin, Proposed, Verdict};
use crate::codec::raw_decided;
use crate::config::SYNC_BATCH;
use crate::context::Chain;

impl<A: Application> Bridge<A> {
    /// A block with a certificate that the engine has verified. That the certificate names this block, the engine checks with the answer.
    pub(super) async fn judge_synced(
        &mut self,
        height: Height,
        round: u32,
        proposer: ValidatorAddress,
        bytes: &[u8],
    ) -> Result<SyncedValueOutcome<Chain>, ApplicationFatal> {
        let Some(block) = self.name(height, bytes) else { return Ok(SyncedValueOutcome::PeerFault) };
        let proposed = Proposed { height, round, valid_round: None, proposer, block };
        let verdict = self.application.judge(&proposed, Origin::Sync, bytes).await?;
        if verdict == Verdict::Valid {
            self.synced = Some(height);
        }
        Ok(match verdict {
            Verdict::Valid => SyncedValueOutcome::Verdict(proposed_value(&proposed, true)),
            Verdict::Invalid => SyncedValueOutcome::Verdict(proposed_value(&proposed, false)),
            Verdict::Unavailable => SyncedValueOutcome::LocalTransientError,
        })
    }

    /// The reference of a block of `height`; `None` for bytes that are none.
    fn name(&self, height: Height, bytes: &[u8]) -> Option<BlockRef> {
        let block = Block::decode(bytes, self.block_bytes_max).ok()?;
        (block.header.height.value() == height.0).then(|| BlockRef::of(&block.header, bytes)).flatten()
    }

    /// The first few decided blocks of the range a peer asks for.
    pub(super) async fn serve(
        &mut self,
        first: Height,
        last: Height,
    ) -> Result<Vec<RawDecidedValue<Chain>>, ApplicationFatal> {
        let batch = u64::try_from(SYNC_BATCH).unwrap_or(u64::MAX);
        let last = Height(last.0.min(first.0.saturating_add(batch - 1)));
        if first > last {
            return Ok(Vec::new());
        }
        let decided = self.application.decided(first..=last).await?;
        Ok(decided.into_iter().take(SYNC_BATCH).map(raw_decided).collect())
    }
}
