//! FVM messages: bringing them, their receipts, calls and estimates.

use alloy_eips::{BlockId, BlockNumberOrTag};
use tributary_fvm::Overrides;
use tributary_fvm::call::{CallRequest, FvmCall, GasEstimate};
use tributary_fvm::fees::fvm_base_fee;
use tributary_primitives::{Hash32, Height};

use super::parameter::{MessageCall, RawTransaction};
use super::view::{CallResult, EventView, GasNeeded, MessageReceipt, atto};
use crate::convert::outcome;
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// `subnet_sendMessage`. Ethereum transactions are taken too: the wire format tells them apart.
pub fn send((raw,): (RawTransaction,)) -> Vec<u8> {
    raw.0
}

/// `subnet_getMessageReceipt`; `null` while it is in no block.
pub fn receipt(node: &Node, (hash,): (Hash32,)) -> Result<Option<MessageReceipt>, RpcRejected> {
    let Some(position) = node.backend.position_of(&hash)? else { return Ok(None) };
    let Some(block) = node.backend.block_at(position.height)? else { return Ok(None) };
    let Some(executed) = block.transactions.get(position.index) else { return Ok(None) };
    let receipt = &executed.receipt;
    Ok(Some(MessageReceipt {
        hash,
        height: block.height,
        block_hash: block.hash,
        index: position.index,
        exit_code: receipt.exit_code.value(),
        return_data: HexBytes(receipt.return_data.clone()),
        gas_used: receipt.fvm_gas_used,
        block_gas_used: receipt.gas_used,
        effective_gas_price: atto(&receipt.effective_gas_price),
        skipped: receipt.skipped,
        events: receipt.events.iter().map(EventView::from).collect(),
    }))
}

/// `subnet_call`: at the height given, or at the latest. What the call does wrong is its exit code, not an error.
pub fn call(node: &Node, (call, height): (MessageCall, Option<Height>)) -> Result<CallResult, RpcRejected> {
    let request = CallRequest::Fvm(held(node, call));
    let outcome = node.state(block_id(height))?.call(&request, &Overrides::default(), &node.leash())?;
    Ok(CallResult {
        exit_code: outcome.exit_code.value(),
        return_data: HexBytes(outcome.return_data),
        gas_used: outcome.fvm_gas_used,
        events: outcome.events.iter().map(EventView::from).collect(),
    })
}

/// `subnet_estimateMessageGas`
pub fn estimate_gas(node: &Node, (call,): (MessageCall,)) -> Result<GasNeeded, RpcRejected> {
    let request = CallRequest::Fvm(held(node, call));
    let per_gas = node.backend.identity().parameters.fvm_gas_per_gas;
    match node.state(None)?.estimate_gas(&request, &Overrides::default(), &node.leash())? {
        GasEstimate::Enough(gas_limit) => {
            Ok(GasNeeded { gas_limit, base_fee: fvm_base_fee(node.backend.tip().next_base_fee, per_gas) })
        }
        GasEstimate::Never(outcome) => Err(RpcRejected::CallStopped(outcome::words(outcome.exit_code))),
    }
}

/// The call, held to as much work as an Ethereum call may do.
fn held(node: &Node, call: MessageCall) -> FvmCall {
    let per_gas = node.backend.identity().parameters.fvm_gas_per_gas;
    call.into_call(node.config.call_gas_max.saturating_mul(per_gas))
}

pub(super) fn block_id(height: Option<Height>) -> Option<BlockId> {
    height.map(|height| BlockId::Number(BlockNumberOrTag::Number(height.0)))
}
