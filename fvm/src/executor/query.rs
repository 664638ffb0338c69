//! Calls that nobody signed, and the search for the gas they need.

use std::sync::Arc;

use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_wasm::MessageContext;

use super::fvm::{Ended, run};
use super::view::View;
use crate::block::{BlockEnv, ExecutionParams};
use crate::call::{CallOutcome, CallRequest, EthereumCall, FvmCall, GasEstimate};
use crate::error::ExecutorFatal;
use crate::evm::{self, Mode, Runner, TRANSACTION_GAS_MAX};
use crate::fees;
use crate::journal::Journal;
use crate::kernel::{BlockContext, Course, Kernel, Machine, Origin};

/// Bytes by which a signed message is longer than the message: tuple head, byte string head, type, signature.
const SIGNATURE_BYTES: usize = 1 + 2 + 1 + 65;

pub(super) fn call(
    machine: &Arc<Machine<View>>,
    view: View,
    env: &BlockEnv,
    call: &CallRequest,
) -> Result<CallOutcome, ExecutorFatal> {
    let gas_limit = gas_limit(env, machine.params(), call);
    match call {
        CallRequest::Ethereum(call) => call_ethereum(machine, view, env, call, gas_limit),
        CallRequest::Fvm(call) => call_fvm(machine, view, env, call, gas_limit),
    }
}

/// The call's own gas limit, held to what a transaction may have.
fn gas_limit(env: &BlockEnv, params: &ExecutionParams, call: &CallRequest) -> u64 {
    let (asked, most) = match call {
        CallRequest::Ethereum(call) => (call.gas_limit, env.gas_limit.min(TRANSACTION_GAS_MAX)),
        CallRequest::Fvm(call) => (call.gas_limit, env.gas_limit.saturating_mul(params.fvm_gas_per_gas)),
    };
    asked.unwrap_or(most).min(most)
}

fn call_ethereum(
    machine: &Arc<Machine<View>>,
    view: View,
    env: &BlockEnv,
    call: &EthereumCall,
    gas_limit: u64,
) -> Result<CallOutcome, ExecutorFatal> {
    let journal = Journal::over(view, env.height);
    match Runner::new(machine, env, Mode::Simulation).transact(journal, evm::simulated(call, gas_limit))? {
        (mut journal, Ok(outcome)) => Ok(CallOutcome {
            exit_code: outcome.exit_code,
            gas_used: outcome.gas_used,
            fvm_gas_used: 0,
            return_data: outcome.return_data,
            events: journal.finish()?.events,
        }),
        // Of what makes a transaction invalid only the gas limit is left.
        (_, Err(why)) => {
            tracing::debug!(%why, "call is not valid");
            Ok(ended_early(ExitCode::SYS_OUT_OF_GAS, gas_limit))
        }
    }
}

fn ended_early(exit_code: ExitCode, gas_used: u64) -> CallOutcome {
    CallOutcome { exit_code, gas_used, fvm_gas_used: 0, return_data: Vec::new(), events: Vec::new() }
}

fn call_fvm(
    machine: &Arc<Machine<View>>,
    view: View,
    env: &BlockEnv,
    call: &FvmCall,
    gas_limit: u64,
) -> Result<CallOutcome, ExecutorFatal> {
    let mut journal = Journal::over(view, env.height);
    // Nobody signs a call, so any actor may be named: a question is usually asked in the system actor's name.
    let sender = match journal.resolve(&call.from)? {
        Some(sender) if journal.actor(sender)?.is_some() => sender,
        _ => return Ok(ended_early(ExitCode::SYS_SENDER_INVALID, 0)),
    };
    let eth_address = journal.eth_address(sender)?;
    let (nonce, _) = journal.nonce_and_balance(eth_address)?;
    journal.bump_nonce(eth_address)?;
    let message = message_of(call, gas_limit, nonce);
    let bytes = bytes_max(&message);
    let origin = Origin {
        message: MessageContext { origin: sender, nonce, gas_premium: TokenAmount::default() },
        address: call.from,
        eth_address,
        gas_price: 0,
    };
    let block = Arc::new(BlockContext::new(env.clone(), machine.params().fvm_gas_per_gas));
    let kernel = Kernel::new(journal, Course::new(Arc::clone(machine), block, origin));
    let Ended { mut journal, exit_code, return_data, gas_used } = run(kernel, sender, &message, bytes)?;
    Ok(CallOutcome {
        exit_code,
        gas_used: fees::block_gas(gas_used, machine.params().fvm_gas_per_gas),
        fvm_gas_used: gas_used,
        return_data,
        events: journal.finish()?.events,
    })
}

fn message_of(call: &FvmCall, gas_limit: u64, nonce: u64) -> Message {
    Message {
        version: 0,
        from: call.from,
        to: call.to,
        sequence: nonce,
        value: call.value.clone(),
        method_num: call.method,
        params: RawBytes::new(call.params.clone()),
        gas_limit,
        gas_fee_cap: TokenAmount::default(),
        gas_premium: TokenAmount::default(),
    }
}

/// Most bytes that the message can have once it is signed, whatever its gas limit, fees and nonce will be.
fn bytes_max(message: &Message) -> usize {
    let most = TokenAmount::from_atto(u128::MAX);
    let largest = Message {
        sequence: u64::MAX,
        gas_limit: u64::MAX,
        gas_fee_cap: most.clone(),
        gas_premium: most,
        ..message.clone()
    };
    to_vec(&largest).map_or(0, |bytes| bytes.len()) + SIGNATURE_BYTES
}

/// Searches for the least gas limit with which `run` ends with exit code zero.
///
/// What a call uses with all the gas is at most what it needs: refunds come back only after it ran, and a call may keep gas back for
/// calls of its own. That amount is tried first, then the rest is halved. Enough gas is taken to stay enough when there is more of
/// it; a contract that goes by the gas it has left can break that, and gets an estimate that works, not the least.
pub(super) fn estimate<E>(
    env: &BlockEnv,
    params: &ExecutionParams,
    call: &CallRequest,
    mut run: impl FnMut(&CallRequest) -> Result<CallOutcome, E>,
) -> Result<GasEstimate, E> {
    let mut high = gas_limit(env, params, call);
    let all = run(&with_gas_limit(call, high))?;
    if !all.exit_code.is_success() {
        return Ok(GasEstimate::Never(all));
    }
    let used = match call {
        CallRequest::Ethereum(_) => all.gas_used,
        CallRequest::Fvm(_) => all.fvm_gas_used,
    };
    let mut is_enough = |gas_limit| Ok::<_, E>(run(&with_gas_limit(call, gas_limit))?.exit_code.is_success());
    if is_enough(used)? {
        return Ok(GasEstimate::Enough(used));
    }
    let mut low = used;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_enough(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(GasEstimate::Enough(high))
}

fn with_gas_limit(call: &CallRequest, gas_limit: u64) -> CallRequest {
    let gas_limit = Some(gas_limit);
    match call {
        CallRequest::Ethereum(call) => CallRequest::Ethereum(EthereumCall { gas_limit, ..call.clone() }),
        CallRequest::Fvm(call) => CallRequest::Fvm(FvmCall { gas_limit, ..call.clone() }),
    }
}
