//! An Ethereum block of a decided one.
//!
//! | Ethereum's field | is here |
//! |---|---|
//! | `hash`, `parentHash` | the Tendermint header's hash: what commits and light clients name, not the hash of this JSON |
//! | `stateRoot` | digest of the state root's CID **after** the block; the header of the next block commits to it |
//! | `transactionsRoot`, `receiptsRoot` | Tendermint's `data_hash`, and the root of the receipts |
//! | `logsBloom` | of all logs, those of FVM messages too |
//! | `miner` | the proposer's reward address |
//! | `timestamp` | whole seconds; blocks of one second share it |
//! | `mixHash` | PREVRANDAO |
//! | `difficulty`, `nonce`, `extraData`, `uncles` | 0 or empty: there is no proof of work |
//! | `withdrawals`, `withdrawalsRoot`, `requestsHash`, `parentBeaconBlockRoot` | empty or 0: there is no beacon chain. Tools tell by these fields which of Ethereum's rules a chain follows |
//! | `blobGasUsed`, `excessBlobGas` | 0: there are no blobs |
//! | `transactions` | as hashes all, FVM messages too; as objects only what an Ethereum wallet signed |

use alloy_consensus::Header as ConsensusHeader;
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_eips::eip4895::Withdrawals;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{Block, BlockTransactions, Header};

use super::{address, digest, hash, log, transaction};
use crate::backend::BlockView;
use crate::error::RpcRejected;

/// The block with its transactions' hashes, or with the Ethereum transactions in full.
///
/// Cost: two keccak-256 for each log; in full, one signature recovery for each transaction.
pub fn of(block: &BlockView, full: bool, chain_id: u64) -> Result<Block, RpcRejected> {
    let transactions = if full {
        let objects =
            (0..block.transactions.len()).filter_map(|index| transaction::at(block, index, chain_id).transpose());
        BlockTransactions::Full(objects.collect::<Result<_, _>>()?)
    } else {
        BlockTransactions::Hashes(block.transactions.iter().map(|executed| hash(executed.hash())).collect())
    };
    Ok(Block::new(header(block), transactions).with_withdrawals(Some(Withdrawals::default())))
}

/// The block's header.
///
/// Cost: two keccak-256 for each log.
pub fn header(block: &BlockView) -> Header {
    let logs = block.transactions.iter().flat_map(|executed| log::of_receipt(&executed.receipt));
    let inner = ConsensusHeader {
        parent_hash: hash(block.parent_hash),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: address(block.proposer),
        state_root: digest(&block.state_root),
        transactions_root: hash(block.transactions_root),
        receipts_root: hash(block.receipts_root),
        logs_bloom: log::bloom(logs),
        number: block.height.0,
        gas_limit: block.gas_limit,
        gas_used: block.gas_used,
        timestamp: block.unix_seconds(),
        mix_hash: hash(block.prev_randao),
        base_fee_per_gas: Some(block.base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..ConsensusHeader::default()
    };
    Header { hash: hash(block.hash), inner, total_difficulty: None, size: Some(U256::from(block.bytes)) }
}
