//! `vm`: the call's context, and leaving it.

use fvm_shared::error::ExitCode;
use fvm_shared::sys::out::vm::{ContextFlags, MessageContext};
use fvm_shared::sys::{BlockId, TokenAmount};
use wasmtime::Linker;

use super::{Answer, Context, Guest, amount, never, value};
use crate::call::Abort;
use crate::host::Host;
use crate::memory::Memory;
use crate::running::Running;

/// Bytes of an exit message that are kept: half from its start, half from its end.
const MESSAGE_BYTES_MAX: usize = 1_024;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("vm", "exit", |guest: Guest<'_, H>, code: u32, block: u32, message: u32, message_len: u32| {
            never(guest, |context| exit(&context.memory, code, block, (message, message_len)))
        })?
        .func_wrap("vm", "message_context", |guest: Guest<'_, H>, result: u32| value(guest, result, message_context))?;
    Ok(())
}

/// Codes below 16, zero apart, belong to the machine: an actor that uses one gets 9.
fn exit(memory: &Memory<'_>, code: u32, block: BlockId, message: (u32, u32)) -> Abort {
    let code = ExitCode::new(code);
    if !code.is_success() && code.is_system_error() {
        let message = format!("the actor exited with code {code}, which is reserved");
        return Abort::Exit { code: ExitCode::SYS_ILLEGAL_EXIT_CODE, message, block };
    }
    Abort::Exit { code, message: exit_message(memory, message), block }
}

/// A message that is not in memory changes nothing: it is for people.
fn exit_message(memory: &Memory<'_>, (message, len): (u32, u32)) -> String {
    let Ok(bytes) = memory.slice(message, len) else {
        return "the actor exited with a message that is not in its memory".to_owned();
    };
    let half = MESSAGE_BYTES_MAX / 2;
    match (bytes.get(..half), bytes.len().checked_sub(half).and_then(|tail| bytes.get(tail..))) {
        (Some(head), Some(tail)) if bytes.len() > MESSAGE_BYTES_MAX => {
            let skipped = bytes.len() - MESSAGE_BYTES_MAX;
            let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
            format!("{head} … ({skipped} bytes) … {tail}")
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn message_context<H: Host>(context: &mut Context<'_, H>) -> Answer<MessageContext> {
    let call = &context.running.call;
    let (caller, receiver, method_number) = (call.caller, call.receiver, call.method);
    let value_received = packed(amount(&call.value)?);
    let flags = if call.read_only { ContextFlags::READ_ONLY } else { ContextFlags::empty() };
    let message = context.running.host().message();
    Ok(MessageContext {
        origin: message.origin,
        nonce: message.nonce,
        caller,
        receiver,
        method_number,
        value_received,
        gas_premium: packed(amount(&message.gas_premium)?),
        flags,
    })
}

/// An amount in its two halves.
#[expect(clippy::as_conversions, reason = "taking the low half is what is meant")]
pub(super) const fn packed(amount: u128) -> TokenAmount {
    TokenAmount { lo: amount as u64, hi: (amount >> u64::BITS) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_two_ends() {
        let mut bytes = vec![b'a'; 600];
        bytes.extend([b'b'; 600]);
        let memory = Memory::new(&mut bytes);
        let message = exit_message(&memory, (0, 1_200));
        assert!(message.starts_with(&"a".repeat(512)) && message.ends_with(&"b".repeat(512)));
        assert!(message.contains("(176 bytes)"));
    }

    #[test]
    fn an_exit_code_of_the_machine_becomes_illegal_and_others_stay() {
        let memory = Memory::new(&mut []);
        for (given, got) in [(0, 0), (1, 9), (9, 9), (15, 9), (16, 16), (u32::MAX, u32::MAX)] {
            let Abort::Exit { code, .. } = exit(&memory, given, 0, (0, 0)) else { panic!("{given} halts") };
            assert_eq!(code, ExitCode::new(got), "{given}");
        }
    }

    #[test]
    fn an_amount_is_cut_in_two() {
        let TokenAmount { lo, hi } = packed((7 << 64) | 9);
        assert_eq!((lo, hi), (9, 7));
    }
}
