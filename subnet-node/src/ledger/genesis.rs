//! The first state and the first record, where the chain is new.

use alloy_primitives::Bloom;
use cid::Cid;
use fvm_ipld_amt::Amt;
use tributary_chain::results_hash;
use tributary_fvm::{StateTree, receipts_root};
use tributary_genesis::SealedGenesis;
use tributary_primitives::{EthAddress, Hash32, Height};
use tributary_store::{BaseCommit, Buffered, Store};

use super::LedgerFatal;
use super::record::Record;
use crate::facts::ChainFacts;

/// Builds the state that genesis describes, and commits it as what history starts from.
pub(super) fn commit_genesis(facts: &ChainFacts, store: &Store, genesis: &SealedGenesis) -> Result<(), LedgerFatal> {
    let state = Buffered::new(store.clone());
    let state_root = genesis.build_state(&state).map_err(|why| LedgerFatal::Genesis(why.to_string()))?;
    let outbox_root = empty_outbox(&state)?;
    let app = Record {
        state_root,
        receipts_root: receipts_root(&[]),
        outbox_root,
        results_hash: results_hash(&[]),
        gas_used: 0,
        base_fee: facts.parameters.base_fee_initial,
        next_base_fee: facts.parameters.base_fee_initial,
        time_ns: facts.rules.genesis_time.unix_nanos(),
        randomness: Hash32::default(),
        proposer: EthAddress::default(),
        last_checkpoint: None,
        checkpoint: None,
        logs_bloom: Bloom::ZERO,
    };
    let mut leaves = Vec::new();
    StateTree::load(&state, &state_root)?.for_each_leaf(|key, value| {
        leaves.push((key, Some(value)));
        Ok(())
    })?;
    let ipld = state.into_blocks();
    store.commit_base(&BaseCommit {
        height: Height::GENESIS,
        block_hash: facts.genesis_hash(),
        app: &app.to_cbor(),
        ipld: &ipld,
        leaves: &leaves,
    })?;
    Ok(())
}

/// Root of the list of messages for the parent while nothing was ever queued: an empty AMT.
fn empty_outbox(state: &Buffered<Store>) -> Result<Cid, LedgerFatal> {
    Amt::<(), _>::new(state).flush().map_err(|why| LedgerFatal::Genesis(why.to_string()))
}
