//! The `debug_` namespace: what happened inside a transaction, in go-ethereum's shapes; and its bytes.
//!
//! ```text
//! transaction or block ─▶ state before its block ─▶ run again, with a tracer ─▶ receipts as they were?  no ─▶ a defect, logged
//!                                                                                  │ yes
//!                                                                                  ▼
//!                                                                               JSON
//! ```
//!
//! Both kinds of transaction are shown, since both change the state that the next one finds. An actor's frame has two members more than a
//! contract's, `method` and `exitCode`.
//!
//! | module | holds |
//! |---|---|
//! | `options` | what a caller asks for |
//! | `nested` | frames within frames, as JSON |
//! | `calls`, `states`, `steps` | the answers |
//! | `raw` | bytes of what ran |
//!
//! Source: go-ethereum, `eth/tracers/api.go`.

mod calls;
pub mod nested;
mod options;
mod raw;
mod states;
mod steps;

use std::ops::Range;
use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::TransactionRequest;
use fvm_shared::error::ExitCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tributary_fvm::call::{CallOutcome, CallRejected, CallRequest};
use tributary_fvm::receipt::{Event, Receipt};
use tributary_fvm::trace::{Trace, TraceCallRejected, TraceRejected, TraceRequest, Traced};
use tributary_primitives::{Hash32, Height};

use crate::backend::{BlockView, TransactionPosition};
use crate::convert::{log, outcome};
use crate::error::RpcRejected;
use crate::eth::{held, raw_transaction_by_hash};
use crate::methods::{Methods, to_json};
use crate::node::Node;
use options::{Asked, TraceOptions};

pub use options::limits;

/// Where `debug_traceCall` has its options.
const OPTIONS_OF_CALL: usize = 2;

/// Puts every method of this namespace into the table.
pub fn register(methods: &mut Methods) {
    methods.trace("debug_traceTransaction", transaction);
    methods.trace("debug_traceBlockByNumber", block_by_number);
    methods.trace("debug_traceBlockByHash", block_by_hash);
    methods.trace("debug_traceCall", call);

    methods.read("debug_getRawTransaction", raw_transaction_by_hash);
    methods.read("debug_getRawReceipts", raw::receipts);
}

/// How a transaction or a call ended, as far as its trace tells of it.
struct Ended<'a> {
    exit_code: ExitCode,
    /// In block gas.
    gas_used: u64,
    events: &'a [Event],
    /// Logs of the block before it.
    logs_before: usize,
}

/// A transaction of a traced block.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfBlock {
    tx_hash: Hash32,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// What a transaction that never ran is told of.
const SKIPPED: &str = "the transaction was skipped: its nonce or its sender's funds did not allow it any more";

/// `debug_traceTransaction`
fn transaction(node: &Node, (hash, options): (Hash32, Option<TraceOptions>)) -> Result<Box<RawValue>, RpcRejected> {
    let asked = options.unwrap_or_default().asked(1)?;
    let (block, TransactionPosition { index, .. }) = place_of(node, &hash)?;
    let traced = replay(node, &block, index..index + 1, &asked.request(&node.config))?;
    let logs_before = logs_of(&block, 0..index);
    match traced.first().and_then(|traced| Some((&traced.receipt, traced.trace.as_ref()?))) {
        Some((receipt, trace)) => shown(trace, &Ended::of(receipt, logs_before), &asked),
        None => Err(RpcRejected::CallStopped(SKIPPED.to_owned())),
    }
}

/// `debug_traceBlockByNumber`
fn block_by_number(
    node: &Node,
    (number, options): (BlockNumberOrTag, Option<TraceOptions>),
) -> Result<Box<RawValue>, RpcRejected> {
    block(node, node.block(number)?, options)
}

/// `debug_traceBlockByHash`
fn block_by_hash(node: &Node, (hash, options): (Hash32, Option<TraceOptions>)) -> Result<Box<RawValue>, RpcRejected> {
    block(node, node.block_by_hash(&hash)?, options)
}

fn block(
    node: &Node,
    block: Option<Arc<BlockView>>,
    options: Option<TraceOptions>,
) -> Result<Box<RawValue>, RpcRejected> {
    let asked = options.unwrap_or_default().asked(1)?;
    let block = block.ok_or(RpcRejected::UnknownBlock)?;
    if block.height == Height::GENESIS {
        return Err(RpcRejected::CallStopped("genesis is not traceable".to_owned()));
    }
    let traced = replay(node, &block, 0..block.transactions.len(), &asked.request(&node.config))?;
    let mut logs_before = 0;
    let mut all = Vec::with_capacity(traced.len());
    for Traced { receipt, trace } in &traced {
        let shown = |trace| shown(trace, &Ended::of(receipt, logs_before), &asked);
        let result = trace.as_ref().map(shown).transpose()?;
        let error = result.is_none().then_some(SKIPPED);
        all.push(OfBlock { tx_hash: receipt.transaction, result, error });
        logs_before += log::of_receipt(receipt).count();
    }
    to_json(&all)
}

/// `debug_traceCall`: on the state after a block and in that block, unless the caller wants either otherwise.
fn call(
    node: &Node,
    (request, block, options): (TransactionRequest, Option<BlockId>, Option<TraceOptions>),
) -> Result<Box<RawValue>, RpcRejected> {
    let (asked, overrides) = options.unwrap_or_default().asked_of_call(OPTIONS_OF_CALL)?;
    let call = CallRequest::Ethereum(held(node, request)?);
    let traced = node.state(block)?.trace_call(&call, &overrides, &asked.request(&node.config))?;
    let (outcome, trace) = traced.map_err(|why| match why {
        TraceCallRejected::Limit(limit) => above_limit(limit),
        TraceCallRejected::Call(CallRejected::Overrides(why)) => RpcRejected::argument(OPTIONS_OF_CALL, why),
        TraceCallRejected::Call(CallRejected::Invalid(why)) => RpcRejected::CallStopped(why.to_string()),
        TraceCallRejected::Call(CallRejected::CutOff(after)) => RpcRejected::OutOfTime(after),
    })?;
    // What was not begun needs more gas than it has before its first instruction.
    let Some(trace) = trace else { return Err(outcome::stopped(outcome)) };
    shown(&trace, &Ended::of_call(&outcome), &asked)
}

/// The block that a transaction ran in, and its place there.
///
/// # Errors
/// [`RpcRejected`]; go-ethereum's words for one that is nowhere.
pub fn place_of(node: &Node, hash: &Hash32) -> Result<(Arc<BlockView>, TransactionPosition), RpcRejected> {
    let position = node.backend.position_of(hash)?.ok_or(RpcRejected::NoTransaction)?;
    let block = node.backend.block_at(position.height)?.ok_or(RpcRejected::NoTransaction)?;
    Ok((block, position))
}

/// Runs transactions of a block again. They end as they did, or this node is not what it should be.
///
/// # Errors
/// [`RpcRejected`].
pub fn replay(
    node: &Node,
    block: &BlockView,
    positions: Range<usize>,
    request: &TraceRequest,
) -> Result<Vec<Traced>, RpcRejected> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let traced = node.backend.replay(block.height, positions.clone(), request)?.map_err(above_limit)?;
    let were = block.transactions[positions].iter().map(|executed| &executed.receipt);
    if !traced.iter().map(|traced| &traced.receipt).eq(were) {
        tracing::error!(height = %block.height, "transactions run again have other receipts than they had");
        return Err(RpcRejected::Internal("a transaction run again has another receipt than it had"));
    }
    Ok(traced)
}

fn above_limit(why: TraceRejected) -> RpcRejected {
    RpcRejected::AboveLimit(why.to_string())
}

fn logs_of(block: &BlockView, transactions: Range<usize>) -> usize {
    block.transactions[transactions].iter().map(|executed| log::of_receipt(&executed.receipt).count()).sum()
}

impl<'a> Ended<'a> {
    fn of(receipt: &'a Receipt, logs_before: usize) -> Self {
        let Receipt { exit_code, gas_used, events, .. } = receipt;
        Self { exit_code: *exit_code, gas_used: *gas_used, events, logs_before }
    }

    fn of_call(outcome: &'a CallOutcome) -> Self {
        let CallOutcome { exit_code, gas_used, events, .. } = outcome;
        Self { exit_code: *exit_code, gas_used: *gas_used, events, logs_before: 0 }
    }
}

fn shown(trace: &Trace, ended: &Ended<'_>, asked: &Asked) -> Result<Box<RawValue>, RpcRejected> {
    match trace {
        Trace::Calls(frames) => calls::shown(frames, ended, asked.with_log),
        Trace::States(states) => states::shown(states),
        Trace::Selectors(counts) => {
            let counts =
                counts.iter().map(|((selector, rest), count)| (format!("0x{}-{rest}", hex::encode(selector)), *count));
            to_json(&counts.collect::<std::collections::BTreeMap<_, _>>())
        }
        Trace::Nothing => to_json(&serde_json::Map::new()),
        Trace::Steps { steps, output } => steps::shown(steps, output, ended),
    }
}
