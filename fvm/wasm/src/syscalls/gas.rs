//! `gas`: what is left, and charging oneself.

use wasmtime::Linker;

use super::{Answer, Context, Guest, unit, value};
use crate::gas::Gas;
use crate::host::Host;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("gas", "charge", |guest: Guest<'_, H>, name: u32, name_len: u32, amount: u64| {
            unit(guest, |context| charge(context, name, name_len, amount))
        })?
        .func_wrap("gas", "available", |guest: Guest<'_, H>, result: u32| {
            value(guest, result, |context| Ok(context.running.gas.available().round_down()))
        })?;
    Ok(())
}

/// The name is for people; it must be text all the same.
fn charge<H: Host>(context: &mut Context<'_, H>, name: u32, name_len: u32, amount: u64) -> Answer<()> {
    context.memory.text(name, name_len)?;
    Ok(context.running.gas.charge(Gas::new(amount))?)
}
