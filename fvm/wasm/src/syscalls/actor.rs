//! `actor`: addresses, code and balances of actors; creation, for the init actor only.

use fvm_shared::ActorID;
use fvm_shared::address::PAYLOAD_HASH_LEN;
use fvm_shared::error::ErrorNumber::{BufferTooSmall, Forbidden, IllegalArgument, NotFound, ReadOnly};
use tributary_primitives::actors::INIT_ID;
use wasmtime::Linker;

use super::{Answer, Context, Guest, amount, unit, value};
use crate::error::{SyscallError, rejected};
use crate::host::{Access, Host, NewActor};
use crate::running::Running;

/// Bytes of an f2 address: its class, then a digest.
const F2_BYTES: usize = PAYLOAD_HASH_LEN + 1;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("actor", "resolve_address", |guest: Guest<'_, H>, result: u32, address: u32, address_len: u32| {
            value(guest, result, |context| resolve_address(context, address, address_len))
        })?
        .func_wrap(
            "actor",
            "lookup_delegated_address",
            |guest: Guest<'_, H>, result: u32, actor: u64, out: u32, out_len: u32| {
                value(guest, result, |context| lookup_delegated_address(context, actor, out, out_len))
            },
        )?
        .func_wrap(
            "actor",
            "get_actor_code_cid",
            |guest: Guest<'_, H>, result: u32, actor: u64, out: u32, out_len: u32| {
                value(guest, result, |context| get_actor_code_cid(context, actor, out, out_len))
            },
        )?
        .func_wrap("actor", "balance_of", |guest: Guest<'_, H>, result: u32, actor: u64| {
            value(guest, result, |context| balance_of(context, actor))
        })?
        .func_wrap("actor", "get_builtin_actor_type", |guest: Guest<'_, H>, result: u32, code: u32| {
            value(guest, result, |context| get_builtin_actor_type(context, code))
        })?
        .func_wrap(
            "actor",
            "get_code_cid_for_type",
            |guest: Guest<'_, H>, result: u32, actor_type: i32, out: u32, out_len: u32| {
                value(guest, result, |context| get_code_cid_for_type(context, actor_type, out, out_len))
            },
        )?
        .func_wrap("actor", "next_actor_address", |guest: Guest<'_, H>, result: u32, out: u32, out_len: u32| {
            value(guest, result, |context| next_actor_address(context, out, out_len))
        })?
        .func_wrap(
            "actor",
            "create_actor",
            |guest: Guest<'_, H>, id: u64, code: u32, delegated: u32, delegated_len: u32| {
                unit(guest, |context| create_actor(context, id, code, delegated, delegated_len))
            },
        )?;
    Ok(())
}

fn resolve_address<H: Host>(context: &mut Context<'_, H>, address: u32, len: u32) -> Answer<u64> {
    let address = context.memory.address(address, len)?;
    let actor = context.running.host().resolve_address(&address)?;
    actor.ok_or_else(|| rejected(NotFound, format!("no actor has address {address}")))
}

fn lookup_delegated_address<H: Host>(
    context: &mut Context<'_, H>,
    actor: ActorID,
    out: u32,
    out_len: u32,
) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    context.running.access(actor, Access::Read)?;
    match context.running.host().delegated_address(actor)? {
        None => Err(no_actor(actor)),
        Some(None) => Ok(0),
        Some(Some(address)) => Ok(context.memory.write(&address.to_bytes(), out, out_len)?),
    }
}

fn get_actor_code_cid<H: Host>(context: &mut Context<'_, H>, actor: ActorID, out: u32, out_len: u32) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    context.running.access(actor, Access::Read)?;
    let code = context.running.host().code_cid(actor)?.ok_or_else(|| no_actor(actor))?;
    Ok(context.memory.write_cid(&code, out, out_len)?)
}

fn balance_of<H: Host>(context: &mut Context<'_, H>, actor: ActorID) -> Answer<u128> {
    context.running.access(actor, Access::Read)?;
    let balance = context.running.host().balance(actor)?.ok_or_else(|| no_actor(actor))?;
    Ok(amount(&balance)?)
}

fn get_builtin_actor_type<H: Host>(context: &mut Context<'_, H>, code: u32) -> Answer<u32> {
    let code = context.memory.cid(code)?;
    // The manifest counts from one: zero is no built-in actor.
    Ok(context.running.host().builtin_type(&code).unwrap_or(0))
}

fn get_code_cid_for_type<H: Host>(
    context: &mut Context<'_, H>,
    actor_type: i32,
    out: u32,
    out_len: u32,
) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    let code = u32::try_from(actor_type)
        .ok()
        .and_then(|actor_type| context.running.host().builtin_code(actor_type))
        .ok_or_else(|| rejected(IllegalArgument, format!("no built-in actor has type {actor_type}")))?;
    Ok(context.memory.write_cid(&code, out, out_len)?)
}

/// Like the reference, answers anybody: only creating is restricted.
fn next_actor_address<H: Host>(context: &mut Context<'_, H>, out: u32, out_len: u32) -> Answer<u32> {
    if context.memory.slice_mut(out, out_len)?.len() < F2_BYTES {
        return Err(rejected(BufferTooSmall, "an f2 address has 21 bytes"));
    }
    let address = context.running.host().next_actor_address();
    Ok(context.memory.write(&address.to_bytes(), out, out_len)?)
}

fn create_actor<H: Host>(
    context: &mut Context<'_, H>,
    id: ActorID,
    code: u32,
    delegated: u32,
    delegated_len: u32,
) -> Answer<()> {
    let code = context.memory.cid(code)?;
    let delegated_address =
        (delegated_len > 0).then(|| context.memory.address(delegated, delegated_len)).transpose()?;
    if context.running.call.receiver != INIT_ID {
        return Err(rejected(Forbidden, "only the init actor creates actors"));
    }
    if context.running.call.read_only {
        return Err(rejected(ReadOnly, "no actor is created in a read-only call"));
    }
    context.running.create_actor(NewActor { id, code, delegated_address })
}

fn no_actor(actor: ActorID) -> SyscallError {
    rejected(NotFound, format!("there is no actor {actor}"))
}
