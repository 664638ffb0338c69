//! What happened inside a message, in Filecoin's names: calls within calls.
//!
//! | call | `Method` | `Params` | `ExitCode` |
//! |---|---|---|---|
//! | of an actor | its method's number | as it was called | the actor's |
//! | within the EVM | `InvokeEVM`'s number, 1 (the constructor's) for a creation, 0 for a self-destruction | call data, or init code; `Instruction` names the EVM's instruction | 33 for a revert, 7 for no gas left, 34 for any other end |
//!
//! Single charges of gas are not told: the kernel has no list of them. What each call used together is.
//!
//! Source: Lotus, `chain/types/execresult.go`, `ExecutionTrace`.

use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use serde_json::value::RawValue;
use tributary_fvm::trace::{Encoded, Frame, FrameEnd, FrameKind, Trace, TraceRequest, Wanted};
use tributary_primitives::EthAddress;

use super::parameter::MessageName;
use super::view::{ExecutionTrace, MessageTrace, ReturnTrace, atto};
use crate::convert::{outcome, tokens};
use crate::debug::{limits, nested::nested, place_of, replay};
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// Number of the method by which actors are called like contracts.
const INVOKE_EVM: u64 = 3_844_450_837;
/// Number of a constructor.
const CONSTRUCTOR: u64 = 1;
/// Codec of plain bytes.
const RAW: u64 = 0x55;

/// `subnet_traceMessage`: of either kind of transaction; `null` while it is in no block.
pub fn message(node: &Node, (MessageName(hash),): (MessageName,)) -> Result<Option<Box<RawValue>>, RpcRejected> {
    let (block, position) = match place_of(node, &hash) {
        Err(RpcRejected::NoTransaction) => return Ok(None),
        place => place?,
    };
    let request = TraceRequest { wanted: Wanted::Calls { only_top: false }, limits: limits(&node.config, None) };
    let traced = replay(node, &block, position.index..position.index + 1, &request)?;
    let Some(Trace::Calls(frames)) = traced.first().and_then(|traced| traced.trace.as_ref()) else { return Ok(None) };
    let rate = node.backend.identity().parameters.fvm_gas_per_gas;
    nested(frames.iter().map(|frame| (frame.depth, of(frame, rate))), "Subcalls").map(Some)
}

fn of(frame: &Frame, fvm_gas_per_gas: u64) -> ExecutionTrace {
    let (msg, msg_rct) = match &frame.actor {
        Some(call) => (
            MessageTrace {
                from: Address::new_id(call.from).to_string(),
                to: Some(call.to.to_string()),
                value: value_of(frame),
                method: call.method,
                params: bytes_of(call.params.as_ref()),
                params_codec: codec_of(call.params.as_ref()),
                gas_limit: call.gas,
                read_only: call.read_only,
                instruction: None,
            },
            ReturnTrace {
                exit_code: call.exit_code.value(),
                r#return: bytes_of(call.returned.as_ref()),
                return_codec: codec_of(call.returned.as_ref()),
                gas_used: call.gas_used,
            },
        ),
        None => within_the_evm(frame, fvm_gas_per_gas),
    };
    ExecutionTrace { msg, msg_rct, subcalls: Vec::new() }
}

fn within_the_evm(frame: &Frame, fvm_gas_per_gas: u64) -> (MessageTrace, ReturnTrace) {
    let name = |address: &EthAddress| address.to_address().to_string();
    let method = match frame.kind {
        FrameKind::Create | FrameKind::Create2 => CONSTRUCTOR,
        FrameKind::SelfDestruct => 0,
        FrameKind::Call | FrameKind::CallCode | FrameKind::DelegateCall | FrameKind::StaticCall => INVOKE_EVM,
    };
    let codec = |bytes: &[u8]| if bytes.is_empty() { 0 } else { RAW };
    let msg = MessageTrace {
        from: name(&frame.from),
        to: frame.to.as_ref().map(name),
        value: value_of(frame),
        method,
        params: HexBytes(frame.input.to_vec()),
        params_codec: codec(&frame.input),
        gas_limit: frame.gas.saturating_mul(fvm_gas_per_gas),
        read_only: frame.kind == FrameKind::StaticCall,
        instruction: Some(frame.kind.name().to_owned()),
    };
    let msg_rct = ReturnTrace {
        exit_code: exit_code_of(frame.end).value(),
        r#return: HexBytes(frame.output.to_vec()),
        return_codec: codec(&frame.output),
        gas_used: frame.gas_used.saturating_mul(fvm_gas_per_gas),
    };
    (msg, msg_rct)
}

fn exit_code_of(end: FrameEnd) -> ExitCode {
    match end {
        FrameEnd::Good => ExitCode::OK,
        FrameEnd::Reverted => outcome::EVM_REVERTED,
        FrameEnd::Stopped("out of gas") => ExitCode::SYS_OUT_OF_GAS,
        FrameEnd::Stopped(_) | FrameEnd::Refused(_) => ExitCode::new(34),
        FrameEnd::Exit(code) => code,
    }
}

fn value_of(frame: &Frame) -> String {
    atto(&tokens(frame.value.unwrap_or_default()))
}

fn bytes_of(encoded: Option<&Encoded>) -> HexBytes {
    HexBytes(encoded.map(|encoded| encoded.data.to_vec()).unwrap_or_default())
}

fn codec_of(encoded: Option<&Encoded>) -> u64 {
    encoded.map_or(0, |encoded| encoded.codec)
}
