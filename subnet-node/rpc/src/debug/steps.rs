//! The struct logger: the EVM's instructions, one by one. All hex has its `0x`.
//!
//! Source: go-ethereum, `eth/tracers/logger/logger.go`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256};
use serde::Serialize;
use serde_json::value::RawValue;
use tributary_fvm::trace::Step;

use super::Ended;
use crate::error::RpcRejected;
use crate::methods::to_json;

/// Bytes of a word of memory.
const WORD: usize = 32;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StructLogs<'a> {
    gas: u64,
    failed: bool,
    return_value: &'a Bytes,
    struct_logs: Vec<StructLog<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StructLog<'a> {
    pc: usize,
    op: Cow<'static, str>,
    gas: u64,
    gas_cost: u64,
    depth: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'a [U256]>,
    #[serde(skip_serializing_if = "is_empty")]
    return_data: &'a Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Vec<B256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<BTreeMap<B256, B256>>,
    #[serde(skip_serializing_if = "is_zero")]
    refund: u64,
}

pub(super) fn shown(steps: &[Step], output: &Bytes, ended: &Ended<'_>) -> Result<Box<RawValue>, RpcRejected> {
    to_json(&StructLogs {
        gas: ended.gas_used,
        failed: !ended.exit_code.is_success(),
        return_value: output,
        struct_logs: steps.iter().map(of).collect(),
    })
}

fn of(step: &Step) -> StructLog<'_> {
    let word = |value: &U256| B256::from(*value);
    StructLog {
        pc: step.pc,
        op: step.name().map_or_else(|| format!("opcode {:#x} not defined", step.op).into(), Cow::Borrowed),
        gas: step.gas,
        gas_cost: step.gas_cost,
        depth: step.depth,
        error: step.error,
        stack: step.stack.as_deref(),
        return_data: &step.return_data,
        // The EVM's memory grows by words.
        memory: step
            .memory
            .as_ref()
            .filter(|memory| !memory.is_empty())
            .map(|memory| memory.chunks(WORD).map(B256::right_padding_from).collect()),
        storage: step
            .storage
            .as_ref()
            .map(|slots| slots.iter().map(|(slot, value)| (word(slot), word(value))).collect()),
        refund: step.refund,
    }
}

fn is_empty(bytes: &[u8]) -> bool {
    bytes.is_empty()
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}
