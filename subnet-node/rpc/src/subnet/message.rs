//! FVM messages: bringing them, their receipts, calls and estimates.

use alloy_eips::{BlockId, BlockNumberOrTag};
use tributary_fvm::Overrides;
use tributary_fvm::call::{CallRequest, FvmCall, GasEstimate};
use tributary_fvm::fees::fvm_base_fee;
use tributary_primitives::{Hash32, Height};

use super::overrides::MessageOverrides;
use super::parameter::{MessageCall, MessageName, RawTransaction};
use super::view::{CallReceipt, CallResult, EstimatedMessage, EventView, MessageReceipt, atto};
use crate::backend::StateView;
use crate::convert::outcome;
use crate::error::RpcRejected;
use crate::eth::BlockOverridesJson;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// `subnet_sendMessage`. Ethereum transactions are taken too: the wire format tells them apart.
pub fn send((raw,): (RawTransaction,)) -> Vec<u8> {
    raw.0
}

/// `subnet_getMessageReceipt`; `null` while it is in no block.
pub fn receipt(node: &Node, (name,): (MessageName,)) -> Result<Option<MessageReceipt>, RpcRejected> {
    Ok(executed(node, name.0)?.map(|(receipt, _)| receipt))
}

/// What became of the transaction with this hash, and whether it is an FVM message; `None` while it is in no block.
pub fn executed(node: &Node, hash: Hash32) -> Result<Option<(MessageReceipt, bool)>, RpcRejected> {
    let Some(position) = node.backend.position_of(&hash)? else { return Ok(None) };
    let Some(block) = node.backend.block_at(position.height)? else { return Ok(None) };
    let Some(executed) = block.transactions.get(position.index) else { return Ok(None) };
    let receipt = &executed.receipt;
    let shown = MessageReceipt {
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
    };
    Ok(Some((shown, !executed.is_ethereum())))
}

/// A call, the height after which it is run, and what it is to find otherwise there: accounts, and the block, as an Ethereum call takes it.
type Call = (MessageCall, Option<Height>, Option<MessageOverrides>, Option<BlockOverridesJson>);

/// `subnet_call`: in the block at the height given, or in the latest, after its last transaction. What the call does wrong is its exit code, not an error.
pub fn call(node: &Node, (call, height, accounts, otherwise): Call) -> Result<CallResult, RpcRejected> {
    let request = CallRequest::Fvm(held(node, call));
    let state = node.state(block_id(height))?;
    let outcome = state.call(&request, &overrides(accounts, otherwise, &*state)?, &node.leash())?;
    let error = if outcome.exit_code.is_success() { String::new() } else { outcome::words(outcome.exit_code) };
    Ok(CallResult {
        msg_rct: CallReceipt {
            exit_code: outcome.exit_code.value(),
            return_data: HexBytes(outcome.return_data),
            gas_used: outcome.fvm_gas_used,
        },
        error,
        events: outcome.events.iter().map(EventView::from).collect(),
    })
}

/// `subnet_estimateMessageGas`
pub fn estimate_gas(node: &Node, (call, height, accounts, otherwise): Call) -> Result<EstimatedMessage, RpcRejected> {
    let request = CallRequest::Fvm(held(node, call.clone()));
    let per_gas = node.backend.identity().parameters.fvm_gas_per_gas;
    let state = node.state(block_id(height))?;
    match state.estimate_gas(&request, &overrides(accounts, otherwise, &*state)?, &node.leash())? {
        GasEstimate::Enough(gas_limit) => {
            Ok(call.estimated(gas_limit, fvm_base_fee(node.backend.tip().next_base_fee, per_gas)))
        }
        GasEstimate::Never(outcome) => Err(RpcRejected::CallStopped(outcome::words(outcome.exit_code))),
    }
}

fn overrides(
    accounts: Option<MessageOverrides>,
    block: Option<BlockOverridesJson>,
    state: &dyn StateView,
) -> Result<Overrides, RpcRejected> {
    let accounts = accounts.unwrap_or_default().read(2, state)?;
    Ok(Overrides { accounts, block: block.unwrap_or_default().read(3)? })
}

/// The call, held to as much work as an Ethereum call may do.
fn held(node: &Node, call: MessageCall) -> FvmCall {
    let per_gas = node.backend.identity().parameters.fvm_gas_per_gas;
    call.into_call(node.config.call_gas_max.saturating_mul(per_gas))
}

pub(super) fn block_id(height: Option<Height>) -> Option<BlockId> {
    height.map(|height| BlockId::Number(BlockNumberOrTag::Number(height.0)))
}
