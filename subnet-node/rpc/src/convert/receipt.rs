//! An Ethereum receipt, with gas and logs counted through the block.
//!
//! FVM messages of the same block have no Ethereum receipt, but their gas and their logs count: `cumulativeGasUsed` and
//! `logIndex` are positions in the whole block.

use alloy_consensus::{Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, Typed2718};
use alloy_rpc_types_eth::{Log, TransactionReceipt};
use tributary_message::EthereumTransaction;

use super::{address, count, hash, log, price, transaction};
use crate::backend::BlockView;
use crate::error::RpcRejected;

/// The receipt of the Ethereum transaction at `index`; `None` past the last and for an FVM message.
///
/// Cost: one signature recovery, and one step for each event of the block.
pub fn at(block: &BlockView, index: usize, chain_id: u64) -> Result<Option<TransactionReceipt>, RpcRejected> {
    let Some(transaction) = transaction::decode(block, index, chain_id)? else { return Ok(None) };
    let cumulative_gas_used = block.transactions[..=index].iter().map(|executed| executed.receipt.gas_used).sum();
    let logs = log::of_block(block).filter(|log| log.transaction_index == Some(count(index))).collect();
    Ok(Some(of(block, index, &transaction, cumulative_gas_used, logs)))
}

/// The receipts of a block's Ethereum transactions, in order.
///
/// Cost: one signature recovery a transaction, and one step for each event.
pub fn all(block: &BlockView, chain_id: u64) -> Result<Vec<TransactionReceipt>, RpcRejected> {
    let mut logs = log::of_block(block).peekable();
    let mut cumulative_gas_used = 0;
    let mut receipts = Vec::new();
    for (index, executed) in block.transactions.iter().enumerate() {
        cumulative_gas_used += executed.receipt.gas_used;
        let own = std::iter::from_fn(|| logs.next_if(|log| log.transaction_index == Some(count(index)))).collect();
        if let Some(transaction) = transaction::decode(block, index, chain_id)? {
            receipts.push(of(block, index, &transaction, cumulative_gas_used, own));
        }
    }
    Ok(receipts)
}

fn of(
    block: &BlockView,
    index: usize,
    transaction: &EthereumTransaction,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
) -> TransactionReceipt {
    let receipt = &block.transactions[index].receipt;
    let logs_bloom = log::bloom(logs.iter().map(|log| log.inner.clone()));
    let status = Eip658Value::Eip658(receipt.exit_code.is_success());
    let inner = ReceiptWithBloom { receipt: Receipt { status, cumulative_gas_used, logs }, logs_bloom };
    TransactionReceipt {
        inner: envelope(transaction.envelope().ty(), inner),
        transaction_hash: hash(receipt.transaction),
        transaction_index: Some(count(index)),
        block_hash: Some(hash(block.hash)),
        block_number: Some(block.height.0),
        gas_used: receipt.gas_used,
        effective_gas_price: price(&receipt.effective_gas_price),
        blob_gas_used: None,
        blob_gas_price: None,
        from: address(transaction.sender()),
        to: transaction.envelope().to(),
        contract_address: receipt.contract.map(address),
    }
}

/// Puts a receipt under its transaction's type; blobs (type 3) never occur.
fn envelope(transaction_type: u8, receipt: ReceiptWithBloom<Receipt<Log>>) -> ReceiptEnvelope<Log> {
    match transaction_type {
        1 => ReceiptEnvelope::Eip2930(receipt),
        2 => ReceiptEnvelope::Eip1559(receipt),
        4 => ReceiptEnvelope::Eip7702(receipt),
        _ => ReceiptEnvelope::Legacy(receipt),
    }
}
