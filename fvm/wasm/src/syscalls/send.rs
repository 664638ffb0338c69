//! `send`: one actor calls another.
//!
//! ```text
//! recipient, flags, value, parameters in order?   no ─▶ error number
//! room for the return block, and on the stack?    no ─▶ LimitExceeded
//! push gas limit ─▶ host runs the callee ─▶ pop gas limit
//!   ├─ rejected            ─▶ error number: the caller's fault
//!   ├─ out of gas, some left outside the limit ─▶ exit code 7 of the callee
//!   ├─ out of gas, none left or no limit       ─▶ the caller unwinds too
//!   └─ an exit code, perhaps a block           ─▶ the block is opened for the caller
//! ```

use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber::{IllegalArgument, LimitExceeded, ReadOnly};
use fvm_shared::error::ExitCode;
use fvm_shared::sys::{BlockId, SendFlags, out};
use wasmtime::Linker;

use super::{Answer, Context, Guest, value};
use crate::call::Abort;
use crate::error::{Halt, SyscallError, rejected};
use crate::gas::Gas;
use crate::host::{Host, Send, SendOutcome};
use crate::registry::NO_BLOCK;
use crate::running::{Running, stack_elements};

/// The gas limit that stands for none. Zero is a limit of zero, whatever the sdk's comment says: so
/// the reference behaves.
const NO_GAS_LIMIT: u64 = u64::MAX;

/// A `send` as the guest asked for it.
struct Asked {
    recipient: (u32, u32),
    method: MethodNum,
    params: BlockId,
    value: u128,
    gas_limit: u64,
    flags: u64,
}

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "send",
        "send",
        |mut guest: Guest<'_, H>,
         result: u32,
         recipient: u32,
         recipient_len: u32,
         method: u64,
         params: u32,
         value_hi: u64,
         value_lo: u64,
         gas_limit: u64,
         flags: u64| {
            let recipient = (recipient, recipient_len);
            let amount = (u128::from(value_hi) << u64::BITS) | u128::from(value_lo);
            let asked = Asked { recipient, method, params, value: amount, gas_limit, flags };
            let elements = stack_elements(&mut guest).map_err(Abort::Halt)?;
            value(guest, result, |context| send(context, &asked, elements))
        },
    )?;
    Ok(())
}

fn send<H: Host>(context: &mut Context<'_, H>, asked: &Asked, elements: u32) -> Answer<out::send::Send> {
    let to = context.memory.address(asked.recipient.0, asked.recipient.1)?;
    let running = &mut *context.running;
    let send = prepare(running, asked, to, elements)?;
    let outcome = within_limit(running, send)?;
    let exit_code = outcome.exit_code.value();
    let Some(block) = outcome.return_block else {
        return Ok(out::send::Send { exit_code, return_id: NO_BLOCK, return_codec: 0, return_size: 0 });
    };
    let (return_codec, return_size) = (block.codec(), block.size());
    let bytes = block.bytes_opened();
    let return_id = running.registry.put_reachable(block)?;
    running.limits.hold(bytes);
    Ok(out::send::Send { exit_code, return_id, return_codec, return_size })
}

fn prepare<H: Host>(running: &Running<H>, asked: &Asked, to: Address, elements: u32) -> Answer<Send> {
    let flags = SendFlags::from_bits(asked.flags)
        .ok_or_else(|| rejected(IllegalArgument, format!("send flags {:#x} are unknown", asked.flags)))?;
    let read_only = running.call.read_only || flags.read_only();
    if read_only && asked.value != 0 {
        return Err(rejected(ReadOnly, "a read-only call moves no value"));
    }
    let params = running.registry.get_optional(asked.params)?.cloned();
    running.registry.check_room()?;
    // A block that comes back is held whatever its size: so nobody who holds as much as he may is given any.
    running.limits.check_room(0)?;
    let stack = running
        .call
        .stack
        .enter(elements, running.limits.bytes_used())
        .ok_or_else(|| rejected(LimitExceeded, "the call stack is too deep"))?;
    Ok(Send {
        from: running.call.receiver,
        to,
        method: asked.method,
        params,
        value: TokenAmount::from_atto(asked.value),
        read_only,
        gas_limit: (asked.gas_limit != NO_GAS_LIMIT).then(|| Gas::new(asked.gas_limit)),
        stack,
    })
}

fn within_limit<H: Host>(running: &mut Running<H>, send: Send) -> Answer<SendOutcome> {
    let limit = send.gas_limit;
    if let Some(limit) = limit {
        running.gas.push_limit(limit);
    }
    let outcome = running.send(send);
    if limit.is_some() {
        running.gas.pop_limit();
    }
    match outcome {
        Err(SyscallError::Halt(Halt::OutOfGas(_))) if !running.gas.available().is_zero() => {
            Ok(SendOutcome { exit_code: ExitCode::SYS_OUT_OF_GAS, return_block: None })
        }
        outcome => outcome,
    }
}
