//! The syscalls: how a call from the guest gets in and out, and where each one is.
//!
//! ```text
//! guest calls ─▶ settle gas ─▶ charge the call ─▶ room for the answer? ─▶ body ─▶ answer ─▶ refill gas
//!                    │              │                    │ no: 1            │
//!                    └── out of gas: unwind ◀────────────│──────────────────┤ halt: unwind
//!                                                        └▶ error number ◀──┘ rejected: the number
//! ```
//!
//! The ABI is that of `fvm_sdk::sys`: every syscall answers an error number, 0 for none. One that has a
//! result takes as its first argument where to write it: little-endian, packed, only on success.
//! Arguments are checked before anything is charged beyond the call itself, as in the reference.
//!
//! Not here, so that a module which imports them is refused when it is loaded: Filecoin's storage proofs
//! (this network has none) and the gated `actor.upgrade_actor` and `actor.install_actor` (code is
//! installed and never replaced).

mod actor;
mod crypto;
mod debug;
mod event;
mod gas;
mod ipld;
mod network;
mod rand;
mod reply;
mod self_;
mod send;
mod tributary;
mod vm;

use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use wasmtime::{Caller, Linker};

use crate::call::Abort;
use crate::error::{Halt, HostFatal, SyscallError};
use crate::host::Host;
use crate::memory::Memory;
use crate::prices;
use crate::running::{Running, refill, settle};
use reply::Reply;

/// Makes every syscall known to a linker.
pub(crate) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    actor::link(linker)?;
    crypto::link(linker)?;
    debug::link(linker)?;
    event::link(linker)?;
    gas::link(linker)?;
    ipld::link(linker)?;
    network::link(linker)?;
    rand::link(linker)?;
    self_::link(linker)?;
    send::link(linker)?;
    tributary::link(linker)?;
    vm::link(linker)
}

/// The running guest, as wasmtime hands it to a syscall.
type Guest<'a, H> = Caller<'a, Running<H>>;

/// What a syscall's body works on.
struct Context<'a, H> {
    memory: Memory<'a>,
    running: &'a mut Running<H>,
}

/// What a syscall's body comes to.
type Answer<T> = Result<T, SyscallError>;

/// Runs a syscall without a result.
fn unit<H: Host>(
    mut guest: Guest<'_, H>,
    body: impl FnOnce(&mut Context<'_, H>) -> Answer<()>,
) -> wasmtime::Result<u32> {
    enter(&mut guest)?;
    let answer = body(&mut context(&mut guest)?);
    leave(&mut guest, answer)
}

/// Runs a syscall whose result is written to `result`.
fn value<H: Host, T: Reply>(
    mut guest: Guest<'_, H>,
    result: u32,
    body: impl FnOnce(&mut Context<'_, H>) -> Answer<T>,
) -> wasmtime::Result<u32> {
    enter(&mut guest)?;
    let answer = answer_into(&mut context(&mut guest)?, result, body);
    leave(&mut guest, answer)
}

/// Runs a syscall that never comes back to the guest.
fn never<H: Host>(mut guest: Guest<'_, H>, body: impl FnOnce(&mut Context<'_, H>) -> Abort) -> wasmtime::Result<u32> {
    enter(&mut guest)?;
    let abort = body(&mut context(&mut guest)?);
    Err(abort.into())
}

fn answer_into<H: Host, T: Reply>(
    context: &mut Context<'_, H>,
    result: u32,
    body: impl FnOnce(&mut Context<'_, H>) -> Answer<T>,
) -> Answer<()> {
    // A syscall whose result has no place must not have happened.
    context.memory.check(result, T::BYTES)?;
    let reply = body(context)?;
    context.memory.write(reply.bytes().as_ref(), result, T::BYTES)?;
    Ok(())
}

fn enter<H: Host>(guest: &mut Guest<'_, H>) -> Result<(), Abort> {
    settle(&mut *guest)?;
    guest.data_mut().gas.charge(prices::SYSCALL).map_err(Halt::from)?;
    Ok(())
}

fn context<'a, H: Host>(guest: &'a mut Guest<'_, H>) -> Result<Context<'a, H>, Abort> {
    let memory = guest.data().guest().map_err(Halt::from)?.memory;
    let (memory, running) = memory.data_and_store_mut(guest);
    Ok(Context { memory: Memory::new(memory), running })
}

fn leave<H: Host>(guest: &mut Guest<'_, H>, answer: Answer<()>) -> wasmtime::Result<u32> {
    let number = match answer {
        Ok(()) => 0,
        Err(SyscallError::Rejected(rejected)) => {
            tracing::trace!(%rejected, "syscall rejected");
            number_of(rejected.number)
        }
        Err(SyscallError::Halt(halt)) => return Err(Abort::Halt(halt).into()),
    };
    refill(&mut *guest).map_err(Abort::Halt)?;
    Ok(number)
}

/// A token amount as the guest sees it. The host promises that it fits.
fn amount(tokens: &TokenAmount) -> Result<u128, HostFatal> {
    u128::try_from(tokens.atto()).map_err(|_| HostFatal(anyhow::anyhow!("{tokens} is no 128-bit amount of tokens")))
}

/// An error number as the guest sees it.
#[expect(clippy::as_conversions, reason = "the enum is `repr(u32)` and has no other way out")]
fn number_of(number: ErrorNumber) -> u32 {
    number as u32
}
