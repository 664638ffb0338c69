//! Entries: what an actor keeps by key, so that calls which touch different keys do not meet.
//!
//! ```text
//! entry_get(result: *mut i32, key: *const u8, key_len: u32, buffer: *mut u8, buffer_len: u32) -> u32
//! entry_set(key: *const u8, key_len: u32, value: *const u8, value_len: u32) -> u32
//! entry_delete(key: *const u8, key_len: u32) -> u32
//! ```
//!
//! | syscall | does | refuses, beside bad pointers |
//! |---|---|---|
//! | `entry_get` | answers the value's length, -1 for no entry, and fills the buffer with as much of the value as it takes | key of 0 bytes: `IllegalArgument`; of more than 64: `LimitExceeded` |
//! | `entry_set` | sets the entry; the value may be empty | the same; value of more than 1,024 bytes: `LimitExceeded`; read-only call: `ReadOnly` |
//! | `entry_delete` | deletes the entry; one that is not there is deleted already | as `entry_get`; read-only call: `ReadOnly` |
//!
//! A buffer that is too small is no error: the length tells, and a buffer of no bytes asks for the length alone.
//!
//! An actor reaches its own entries and nobody else's. One that has deleted itself reaches none: `IllegalOperation`. Its entries stay
//! behind, and since no id is given twice, nobody reads them ever after.

use fvm_shared::ActorID;
use fvm_shared::error::ErrorNumber::{IllegalArgument, LimitExceeded};
use tributary_primitives::EntryKey;
use tributary_primitives::entry::{ENTRY_KEY_BYTES_MAX, ENTRY_VALUE_BYTES_MAX};
use wasmtime::Linker;

use crate::error::rejected;
use crate::host::{Access, Host};
use crate::prices;
use crate::running::Running;
use crate::syscalls::self_::{deleted, refuse_read_only};
use crate::syscalls::{Answer, Context, Guest, unit, value};

/// The length of an entry that is not there.
const NO_ENTRY: i32 = -1;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "tributary",
            "entry_get",
            |guest: Guest<'_, H>, result: u32, key: u32, key_len: u32, buffer: u32, buffer_len: u32| {
                value(guest, result, |context| get(context, (key, key_len), (buffer, buffer_len)))
            },
        )?
        .func_wrap(
            "tributary",
            "entry_set",
            |guest: Guest<'_, H>, key: u32, key_len: u32, value: u32, value_len: u32| {
                unit(guest, |context| set(context, (key, key_len), (value, value_len)))
            },
        )?
        .func_wrap("tributary", "entry_delete", |guest: Guest<'_, H>, key: u32, key_len: u32| {
            unit(guest, |context| delete(context, (key, key_len)))
        })?;
    Ok(())
}

fn get<H: Host>(context: &mut Context<'_, H>, key: (u32, u32), (buffer, buffer_len): (u32, u32)) -> Answer<i32> {
    let key = entry_key(context, key)?;
    let buffer = context.memory.slice_mut(buffer, buffer_len)?;
    let running = &mut *context.running;
    running.gas.charge(prices::ENTRY_READ)?;
    let receiver = existing(running)?;
    let Some(value) = running.host().entry(receiver, &key)? else { return Ok(NO_ENTRY) };
    running.gas.charge(prices::entry_value(value.len()))?;
    let copied = value.len().min(buffer.len());
    buffer[..copied].copy_from_slice(&value[..copied]);
    i32::try_from(value.len()).map_err(|_| rejected(LimitExceeded, "the value has 2 GiB or more"))
}

fn set<H: Host>(context: &mut Context<'_, H>, key: (u32, u32), (value, value_len): (u32, u32)) -> Answer<()> {
    let key = entry_key(context, key)?;
    let value = context.memory.slice(value, value_len)?;
    if value.len() > ENTRY_VALUE_BYTES_MAX {
        return Err(rejected(LimitExceeded, format!("an entry's value has at most {ENTRY_VALUE_BYTES_MAX} bytes")));
    }
    refuse_read_only(context)?;
    let running = &mut *context.running;
    running.gas.charge(prices::entry_set(key.as_bytes().len(), value.len()))?;
    let receiver = existing(running)?;
    Ok(running.host().set_entry(receiver, key, Some(value.into()))?)
}

fn delete<H: Host>(context: &mut Context<'_, H>, key: (u32, u32)) -> Answer<()> {
    let key = entry_key(context, key)?;
    refuse_read_only(context)?;
    let running = &mut *context.running;
    running.gas.charge(prices::entry_delete(key.as_bytes().len()))?;
    let receiver = existing(running)?;
    Ok(running.host().set_entry(receiver, key, None)?)
}

fn entry_key<H>(context: &Context<'_, H>, (key, key_len): (u32, u32)) -> Answer<EntryKey> {
    let key = context.memory.slice(key, key_len)?;
    EntryKey::new(key).ok_or_else(|| match key {
        [] => rejected(IllegalArgument, "an entry's key has at least one byte"),
        _ => rejected(LimitExceeded, format!("an entry's key has at most {ENTRY_KEY_BYTES_MAX} bytes")),
    })
}

/// The receiver, unless it has deleted itself.
fn existing<H: Host>(running: &mut Running<H>) -> Answer<ActorID> {
    let receiver = running.call.receiver;
    running.access(receiver, Access::Read)?;
    if running.host().code_cid(receiver)?.is_none() { Err(deleted()) } else { Ok(receiver) }
}
