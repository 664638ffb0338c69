//! `callTracer`: calls within calls.
//!
//! Source: go-ethereum, `eth/tracers/native/call.go`.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use fvm_shared::error::ExitCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tributary_fvm::receipt::Event;
use tributary_fvm::trace::{Frame, FrameEnd};
use tributary_primitives::EthAddress;

use super::Ended;
use super::nested::nested;
use crate::convert::{count, log, outcome};
use crate::error::RpcRejected;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallFrame {
    from: EthAddress,
    gas: U64,
    gas_used: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<EthAddress>,
    input: Bytes,
    #[serde(skip_serializing_if = "is_empty")]
    output: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revert_reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<CallLog>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<U256>,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Of an actor's frame: the FVM's method number.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<u64>,
    /// Of an actor's frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u32>,
}

#[derive(Debug, Serialize)]
struct CallLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    index: U64,
    position: U64,
}

pub(super) fn shown(frames: &[Frame], ended: &Ended<'_>, with_log: bool) -> Result<Box<RawValue>, RpcRejected> {
    let logs = if with_log { Logs::of(ended) } else { Logs::default() };
    nested(frames.iter().map(|frame| (frame.depth, of(frame, &logs))), "calls")
}

fn of(frame: &Frame, logs: &Logs) -> CallFrame {
    CallFrame {
        from: frame.from,
        gas: U64::from(frame.gas),
        gas_used: U64::from(frame.gas_used),
        to: frame.to,
        input: frame.input.clone(),
        output: frame.output.clone(),
        error: error_of(frame.end),
        revert_reason: is_reverted(frame.end).then(|| outcome::revert_reason(&frame.output)).flatten(),
        logs: frame.logs.iter().filter_map(|log| logs.at(log.event, log.position)).collect(),
        value: frame.value,
        kind: frame.kind.name(),
        method: frame.actor.as_ref().map(|call| call.method),
        exit_code: frame.actor.as_ref().map(|call| call.exit_code.value()),
    }
}

fn is_empty(bytes: &[u8]) -> bool {
    bytes.is_empty()
}

fn is_reverted(end: FrameEnd) -> bool {
    matches!(end, FrameEnd::Reverted | FrameEnd::Exit(outcome::EVM_REVERTED))
}

/// Why a frame did not end well, in go-ethereum's words where it has some.
fn error_of(end: FrameEnd) -> Option<String> {
    Some(match end {
        FrameEnd::Good => return None,
        FrameEnd::Reverted | FrameEnd::Exit(outcome::EVM_REVERTED) => "execution reverted".to_owned(),
        FrameEnd::Stopped(words) => words.to_owned(),
        FrameEnd::Exit(ExitCode::SYS_OUT_OF_GAS) => "out of gas".to_owned(),
        FrameEnd::Exit(code) => format!("actor exited with code {}", code.value()),
        FrameEnd::Refused(number) => format!("the call could not be made: {number}"),
    })
}

/// The logs of a transaction by the position of their events; none for an event of another shape.
#[derive(Default)]
struct Logs(Vec<Option<(u64, alloy_primitives::Log)>>);

impl Logs {
    fn of(ended: &Ended<'_>) -> Self {
        let mut index = count(ended.logs_before);
        let mut indexed = |event: &Event| {
            let log = log::of_event(event)?;
            index += 1;
            Some((index - 1, log))
        };
        Self(ended.events.iter().map(&mut indexed).collect())
    }

    fn at(&self, event: usize, position: usize) -> Option<CallLog> {
        let (index, log) = self.0.get(event)?.as_ref()?;
        Some(CallLog {
            address: log.address,
            topics: log.topics().to_vec(),
            data: log.data.data.clone(),
            index: U64::from(*index),
            position: U64::from(count(position)),
        })
    }
}
