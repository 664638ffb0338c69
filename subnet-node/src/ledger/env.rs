//! The environment of a block: of one that is proposed or decided, of the head's own, and of one that is yet to come.

use tributary_chain::tendermint::block::Header;
use tributary_chain::{BlockTime, ValidatorAddress};
use tributary_fvm::{BlockEnv, ReadState};
use tributary_primitives::Hash32;

use super::{Head, Ledger, LedgerFatal};

impl Ledger {
    /// The environment of a block with `header` on top of `head`.
    #[must_use]
    pub fn env(&self, head: &Head, header: &Header) -> BlockEnv {
        let proposer = ValidatorAddress::from(header.proposer_address);
        self.env_of(head, time_of(header), &proposer, randomness_of(header))
    }

    /// The environment that the transactions of `head`'s own block found, whose `state` is the one after it.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn own_env(&self, head: &Head, state: &dyn ReadState) -> Result<BlockEnv, LedgerFatal> {
        let record = &head.record;
        Ok(BlockEnv {
            height: head.height,
            timestamp_s: BlockTime::from_unix_nanos(record.time_ns).unix_seconds(),
            proposer: record.proposer,
            base_fee: record.base_fee,
            gas_limit: self.facts.parameters.block_gas_limit,
            chain_id: self.facts.chain_id,
            // The block before may not be kept; the state is, and has its hash.
            previous_hash: head.height.previous().map_or(Ok(Hash32::default()), |before| state.block_hash(before))?,
            prev_randao: record.randomness,
        })
    }

    /// The environment that a transaction sent now will find, as far as it is known.
    #[must_use]
    pub fn pending_env(&self, head: &Head) -> BlockEnv {
        let height = head.height.next();
        let proposer = self.facts.validators.proposer(height, 0);
        let time = BlockTime::from_unix_nanos(head.record.time_ns).after(self.facts.pacing().interval_min);
        self.env_of(head, time, &proposer, head.record.randomness)
    }

    fn env_of(&self, head: &Head, time: BlockTime, proposer: &ValidatorAddress, prev_randao: Hash32) -> BlockEnv {
        BlockEnv {
            height: head.height.next(),
            timestamp_s: time.unix_seconds(),
            proposer: self.facts.tip_address(proposer),
            base_fee: head.record.next_base_fee,
            gas_limit: self.facts.parameters.block_gas_limit,
            chain_id: self.facts.chain_id,
            previous_hash: head.hash,
            prev_randao,
        }
    }
}

/// The time a header says, which was judged to be in range.
pub(super) fn time_of(header: &Header) -> BlockTime {
    BlockTime::from_tendermint(header.time).unwrap_or_default()
}

/// PREVRANDAO: who signed the block before, hashed. A quorum can choose among its own subsets, so this is no fair dice, and the
/// documentation of contracts says so.
fn randomness_of(header: &Header) -> Hash32 {
    let hash = header.last_commit_hash.as_ref().and_then(|hash| hash.as_bytes().try_into().ok());
    Hash32(hash.unwrap_or_default())
}
