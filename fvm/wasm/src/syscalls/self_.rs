//! `self`: the running actor's own state and balance. (The underscore: `self` is a keyword.)

use fvm_shared::error::ErrorNumber::{IllegalOperation, ReadOnly};
use wasmtime::Linker;

use super::{Answer, Context, Guest, amount, unit, value};
use crate::error::{SyscallError, rejected};
use crate::host::{Access, Host};
use crate::prices;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("self", "root", |guest: Guest<'_, H>, result: u32, out: u32, out_len: u32| {
            value(guest, result, |context| root(context, out, out_len))
        })?
        .func_wrap("self", "set_root", |guest: Guest<'_, H>, cid: u32| unit(guest, |context| set_root(context, cid)))?
        .func_wrap("self", "current_balance", |guest: Guest<'_, H>, result: u32| value(guest, result, current_balance))?
        .func_wrap("self", "self_destruct", |guest: Guest<'_, H>, burn: u32| {
            unit(guest, |context| self_destruct(context, burn != 0))
        })?;
    Ok(())
}

fn root<H: Host>(context: &mut Context<'_, H>, out: u32, out_len: u32) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    context.running.gas.charge(prices::ROOT_GET)?;
    let receiver = context.running.call.receiver;
    context.running.access(receiver, Access::Read)?;
    let root = context.running.host().state_root(receiver)?.ok_or_else(deleted)?;
    context.running.registry.mark_reachable(root);
    Ok(context.memory.write_cid(&root, out, out_len)?)
}

fn set_root<H: Host>(context: &mut Context<'_, H>, cid: u32) -> Answer<()> {
    let root = context.memory.cid(cid)?;
    refuse_read_only(context)?;
    context.running.gas.charge(prices::ROOT_SET)?;
    context.running.registry.check_reachable(&root)?;
    let receiver = context.running.call.receiver;
    context.running.access(receiver, Access::Read)?;
    // The code tells that the actor exists without reading the root that is about to be replaced.
    if context.running.host().code_cid(receiver)?.is_none() {
        return Err(deleted());
    }
    context.running.access(receiver, Access::Update)?;
    Ok(context.running.host().set_state_root(receiver, root)?)
}

/// An actor that is deleted has nothing.
fn current_balance<H: Host>(context: &mut Context<'_, H>) -> Answer<u128> {
    let receiver = context.running.call.receiver;
    context.running.access(receiver, Access::Read)?;
    Ok(context.running.host().balance(receiver)?.map_or(Ok(0), |balance| amount(&balance))?)
}

/// Deleting twice is the same as once.
fn self_destruct<H: Host>(context: &mut Context<'_, H>, burn: bool) -> Answer<()> {
    refuse_read_only(context)?;
    if current_balance(context)? != 0 && !burn {
        return Err(rejected(IllegalOperation, "the actor has funds that it does not want burnt"));
    }
    let receiver = context.running.call.receiver;
    context.running.access(receiver, Access::Update)?;
    Ok(context.running.host().self_destruct(receiver)?)
}

pub(super) fn refuse_read_only<H>(context: &Context<'_, H>) -> Answer<()> {
    if context.running.call.read_only { Err(rejected(ReadOnly, "the call is read-only")) } else { Ok(()) }
}

pub(super) fn deleted() -> SyscallError {
    rejected(IllegalOperation, "the actor is deleted")
}
