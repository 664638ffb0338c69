//! A simulated block in Ethereum's words.
//!
//! Its hash is that of this header, and its roots are Ethereum's own over what it shows; but the state that it leads to has no root, so
//! `stateRoot` is zero. What of a header means nothing on a subnet is as in [`super::block`]. Its transactions are of EIP-1559's type, or
//! with authorizations of EIP-7702's, and their signature is zero, for nobody signed them. Logs that trace moved tokens are shown with the call, and count for no bloom and no root.

use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy_consensus::transaction::{Recovered, TransactionInfo};
use alloy_consensus::{
    Block as ConsensusBlock, BlockBody, Eip658Value, Header as ConsensusHeader, Receipt, ReceiptEnvelope,
    ReceiptWithBloom, Signed, TxEip1559, TxEip7702, TxEnvelope, TxType,
};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip4895::Withdrawals;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, Log as PrimitiveLog, Signature, TxKind, U256};
use alloy_rpc_types_eth::simulate::{SimCallResult, SimulateError, SimulatedBlock as Answer};
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Log, Transaction};
use tributary_fvm::BlockEnv;
use tributary_fvm::call::CallOutcome;
use tributary_fvm::simulation::{Simulated, SimulatedBlock, SimulatedCall, TOKEN_ADDRESS};

use super::{address, count, hash, log, outcome, wei};
use crate::error::RpcRejected;

/// Code of a call that ended without a result for another reason than a revert.
///
/// Source: go-ethereum, `internal/ethapi/errors.go`, `errCodeVMError`.
const VM_ERROR: i32 = -32015;

/// The block with what became of its calls, and its transactions' hashes or, in full, these.
///
/// Cost: some keccak-256 for each call and for each topic of its logs.
pub fn block(block: &SimulatedBlock, results: Vec<Simulated>, full: bool) -> Answer {
    let envelopes: Vec<_> =
        block.calls.iter().zip(&results).map(|(call, one)| envelope(call, one, block.env.chain_id)).collect();
    let logs: Vec<Vec<_>> =
        results.iter().map(|one| one.outcome.events.iter().filter_map(log::of_event).collect()).collect();
    let header = header(&block.env, &envelopes, &results, &logs);
    let hash = header.hash_slow();
    let place = Place { hash, env: &block.env };
    let calls = place.calls(&envelopes, results, logs);
    let senders = block.calls.iter().map(|call| address(call.call.from));
    let withdrawals = Some(Withdrawals::default());
    let body = BlockBody { transactions: envelopes, ommers: Vec::<ConsensusHeader>::new(), withdrawals };
    let size = Some(U256::from(ConsensusBlock::rlp_length_for(&header, &body)));
    let transactions = if full {
        let recovered = body.transactions.into_iter().zip(senders);
        let recovered = recovered.map(|(envelope, sender)| Recovered::new_unchecked(envelope, sender));
        BlockTransactions::Full(recovered.enumerate().map(|(index, one)| place.transaction(one, index)).collect())
    } else {
        BlockTransactions::Hashes(body.transactions.iter().map(|envelope| *envelope.tx_hash()).collect())
    };
    let header = Header { hash, inner: header, total_difficulty: None, size };
    Answer { inner: Block::new(header, transactions).with_withdrawals(body.withdrawals), calls }
}

fn envelope(call: &SimulatedCall, one: &Simulated, chain_id: u64) -> TxEnvelope {
    let items = call.call.access_list.iter().map(|account| AccessListItem {
        address: address(account.address),
        storage_keys: account.slots.iter().map(|slot| B256::new(slot.0)).collect(),
    });
    let (access_list, unsigned) = (AccessList(items.collect()), Signature::new(U256::ZERO, U256::ZERO, false));
    if let (Some(to), false) = (call.call.to, call.call.authorizations.is_empty()) {
        let transaction = TxEip7702 {
            chain_id,
            nonce: one.nonce,
            gas_limit: one.gas_limit,
            max_fee_per_gas: call.call.max_fee_per_gas,
            max_priority_fee_per_gas: call.call.max_priority_fee_per_gas,
            to: address(to),
            value: wei(&call.call.value),
            access_list,
            authorization_list: call.call.authorizations.clone(),
            input: call.call.input.clone().into(),
        };
        return TxEnvelope::Eip7702(Signed::new_unhashed(transaction, unsigned));
    }
    let transaction = TxEip1559 {
        chain_id,
        nonce: one.nonce,
        gas_limit: one.gas_limit,
        max_fee_per_gas: call.call.max_fee_per_gas,
        max_priority_fee_per_gas: call.call.max_priority_fee_per_gas,
        to: call.call.to.map_or(TxKind::Create, |to| TxKind::Call(address(to))),
        value: wei(&call.call.value),
        access_list,
        input: call.call.input.clone().into(),
    };
    TxEnvelope::Eip1559(Signed::new_unhashed(transaction, unsigned))
}

fn header(
    env: &BlockEnv,
    envelopes: &[TxEnvelope],
    results: &[Simulated],
    logs: &[Vec<PrimitiveLog>],
) -> ConsensusHeader {
    let mut gas_used = 0;
    let receipts = envelopes.iter().zip(results).zip(logs).map(|((envelope, one), logs)| {
        gas_used += one.outcome.gas_used;
        receipt(envelope.tx_type(), &one.outcome, gas_used, logs)
    });
    let receipts: Vec<_> = receipts.collect();
    ConsensusHeader {
        parent_hash: hash(env.previous_hash),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: address(env.proposer),
        state_root: B256::ZERO,
        transactions_root: calculate_transaction_root(envelopes),
        receipts_root: calculate_receipt_root(&receipts),
        logs_bloom: log::bloom(logs.iter().flatten().filter(|log| is_emitted(log)).cloned()),
        number: env.height.0,
        gas_limit: env.gas_limit,
        gas_used,
        timestamp: env.timestamp_s,
        mix_hash: hash(env.prev_randao),
        base_fee_per_gas: Some(env.base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..ConsensusHeader::default()
    }
}

fn receipt(kind: TxType, outcome: &CallOutcome, cumulative_gas_used: u64, logs: &[PrimitiveLog]) -> ReceiptEnvelope {
    let logs: Vec<_> = logs.iter().filter(|log| is_emitted(log)).cloned().collect();
    let status = Eip658Value::Eip658(outcome.exit_code.is_success());
    let logs_bloom = log::bloom(logs.iter().cloned());
    let receipt = ReceiptWithBloom { receipt: Receipt { status, cumulative_gas_used, logs }, logs_bloom };
    match kind {
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
        _ => ReceiptEnvelope::Eip1559(receipt),
    }
}

/// Whether a contract or actor emitted it.
fn is_emitted(log: &PrimitiveLog) -> bool {
    log.address != address(TOKEN_ADDRESS)
}

/// Where things of a block stand.
struct Place<'a> {
    hash: B256,
    env: &'a BlockEnv,
}

impl Place<'_> {
    fn transaction(&self, transaction: Recovered<TxEnvelope>, index: usize) -> Transaction {
        let place = TransactionInfo {
            hash: Some(*transaction.inner().tx_hash()),
            index: Some(count(index)),
            block_hash: Some(self.hash),
            block_number: Some(self.env.height.0),
            base_fee: Some(self.env.base_fee),
            block_timestamp: Some(self.env.timestamp_s),
        };
        Transaction::from_transaction(transaction, place)
    }

    fn calls(
        &self,
        envelopes: &[TxEnvelope],
        results: Vec<Simulated>,
        logs: Vec<Vec<PrimitiveLog>>,
    ) -> Vec<SimCallResult> {
        let mut log_index = 0..;
        let calls = envelopes.iter().zip(results).zip(logs).enumerate().map(|(index, ((envelope, one), logs))| {
            let logs = logs.into_iter().zip(&mut log_index).map(|(inner, log_index)| Log {
                inner,
                block_hash: Some(self.hash),
                block_number: Some(self.env.height.0),
                block_timestamp: Some(self.env.timestamp_s),
                transaction_hash: Some(*envelope.tx_hash()),
                transaction_index: Some(count(index)),
                log_index: Some(log_index),
                removed: false,
            });
            result(one, logs.collect())
        });
        calls.collect()
    }
}

fn result(one: Simulated, logs: Vec<Log>) -> SimCallResult {
    let Simulated { outcome, max_gas_used, .. } = one;
    let (gas_used, status) = (outcome.gas_used, outcome.exit_code.is_success());
    let (return_data, error) = match outcome::returned(outcome) {
        Ok(returned) => (returned, None),
        Err(RpcRejected::Reverted { message, data }) => {
            let code = SimulateError::EXECUTION_REVERTED_CODE;
            (Vec::new(), Some(SimulateError { code, message, data: Some(data.into()) }))
        }
        Err(other) => (Vec::new(), Some(SimulateError { code: VM_ERROR, message: other.to_string(), data: None })),
    };
    SimCallResult { return_data: return_data.into(), logs, gas_used, max_used_gas: Some(max_gas_used), status, error }
}
