//! Makes a module count its own gas and its own stack, once, before it is compiled.
//!
//! ```text
//! module
//!   ├─ each local declared by itself   so that the limiter counts locals and not groups of them; and as many
//!   │                                  more as its frame may need beside them: see `shape.rs`
//!   ├─ stack limiter                   a global counts stack elements; too many trap
//!   ├─ gas metering                    each straight run of code pays before it runs; none left traps
//!   ├─ counters owned and exported     the metering's imported counter becomes the module's own
//!   └─ counter kept in locals          a charge is a few instructions, not a call: see `counter.rs`
//! ```
//!
//! The limiter comes before the metering, so what it adds is paid for: this is how the reference does
//! it, and gas agrees with the reference to the milligas.
//!
//! One deviation, about the stack and not about gas: the reference limits 2,048 elements but counts a
//! *group* of locals (fifty thousand locals of one type may be one group) as one element, so that the
//! native stack of one call is bounded by nothing that is the same on every machine. Here every local
//! counts, and every value that the function makes, since a compiler may keep it; and the limit is 64 times as
//! many, which for compiled Rust is more recursion. A call itself counts eight elements, so no function recurses for free.
//!
//! Owning the counter is sound because an actor may import functions only: then the counter, the one
//! imported global, has index 0, and as the module's own first global it has index 0 again. The point
//! of it: a linked module holds nothing of one call, so one `InstancePre` serves every call.

use std::num::NonZeroU32;
use std::panic::catch_unwind;

use fvm_wasm_instrument::gas_metering::{self, InstructionCost, Operator, Rules};
use fvm_wasm_instrument::stack_limiter;

use crate::code::CodeRejected;
use crate::counter::{Functions, keep_in_locals};
use crate::prices;
use crate::sections::{self, Malformed, Reader, id, put_number, put_sized};
use crate::shape::Shape;
use crate::stack::STACK_ELEMENTS_PER_CALL_MAX;

/// Name under which a module exports its gas counter, in milligas; below zero when it ran out.
pub(crate) const GAS_EXPORT: &str = "tributary.gas";

/// Name under which a module exports its stack height, in elements.
pub(crate) const STACK_EXPORT: &str = "tributary.stack";

/// Index of the gas counter among a module's globals.
pub(crate) const GAS_COUNTER: u32 = 0;

/// Import module that the metering gives its counter; an actor cannot import anything but functions.
const GAS_IMPORT_MODULE: &str = "gas";

/// Bytes of a page of linear memory.
pub(crate) const PAGE_BYTES: u32 = 65_536;

/// Bytes of a table element. Source: ref-fvm 4.8.
pub(crate) const TABLE_ELEMENT_BYTES: u32 = 8;

/// The type of a local that only counts.
const I32: u8 = 0x7f;

const IMPORT_GLOBAL: u8 = 3;
const EXPORT_GLOBAL: u8 = 3;

/// `(mut i64) (i64.const 0)`: a global's type and initial value.
const COUNTER: [u8; 5] = [0x7e, 0x01, 0x42, 0x00, 0x0b];

/// The module with its gas and stack counted. `wasm` has passed [`crate::survey::survey`].
pub(crate) fn instrument(wasm: &[u8]) -> Result<Vec<u8>, CodeRejected> {
    Ok(keep_in_locals(&metered(wasm)?)?)
}

/// The same, charging by calls.
pub(crate) fn metered(wasm: &[u8]) -> Result<Vec<u8>, CodeRejected> {
    let wasm = declare_locals_singly(wasm)?;
    let wasm = guarded(|| stack_limiter::inject(&wasm, STACK_ELEMENTS_PER_CALL_MAX).map_err(|why| why.to_string()))?;
    let wasm = guarded(|| gas_metering::inject(&wasm, &Prices, GAS_IMPORT_MODULE).map_err(|why| why.to_string()))?;
    Ok(own_counters(&wasm)?)
}

/// Runs a step of the instrumenter, which panics on some modules it cannot read: a panic refuses
/// the module, as the same module panics everywhere.
fn guarded(step: impl FnOnce() -> Result<Vec<u8>, String> + std::panic::UnwindSafe) -> Result<Vec<u8>, CodeRejected> {
    catch_unwind(step)
        .unwrap_or_else(|_| Err("it has a form that is not understood".to_owned()))
        .map_err(CodeRejected::NotInstrumentable)
}

fn declare_locals_singly(wasm: &[u8]) -> Result<Vec<u8>, Malformed> {
    let params = Functions::of(wasm)?.params;
    sections::rewrite(wasm, |section, content| {
        if section != id::CODE {
            return Ok(content.to_vec());
        }
        let mut reader = Reader(content);
        let mut out = Vec::with_capacity(content.len());
        put_number(&mut out, reader.number()?);
        for params in &params {
            put_sized(&mut out, &with_single_locals(reader.sized()?, *params)?)?;
        }
        Ok(out)
    })
}

fn with_single_locals(body: &[u8], params: u32) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader(body);
    let mut types = Vec::new();
    for _ in 0..reader.number()? {
        let count = usize::try_from(reader.number()?).map_err(|_| Malformed)?;
        types.extend(std::iter::repeat_n(reader.byte()?, count));
    }
    // They are never read, so no compiler makes room for them.
    let more = usize::try_from(Shape::of(body, params)?.frame_elements()).map_err(|_| Malformed)?;
    types.extend(std::iter::repeat_n(I32, more));
    let mut out = Vec::with_capacity(body.len() + 2 * types.len());
    put_number(&mut out, u32::try_from(types.len()).map_err(|_| Malformed)?);
    for valtype in types {
        out.extend([1, valtype]);
    }
    out.extend_from_slice(reader.0);
    Ok(out)
}

fn own_counters(wasm: &[u8]) -> Result<Vec<u8>, Malformed> {
    // The limiter appends its global, and the gas counter goes before all of them.
    let mut stack_index = None;
    sections::rewrite(wasm, |section, content| {
        let mut reader = Reader(content);
        let mut out = Vec::with_capacity(content.len() + 64);
        match section {
            id::IMPORT => return without_gas_import(content),
            id::GLOBAL => {
                let globals = reader.number()?;
                stack_index = Some(globals);
                put_number(&mut out, globals.checked_add(1).ok_or(Malformed)?);
                out.extend(COUNTER);
                out.extend_from_slice(reader.0);
            }
            id::EXPORT => {
                put_number(&mut out, reader.number()?.checked_add(2).ok_or(Malformed)?);
                out.extend_from_slice(reader.0);
                for (name, index) in [(GAS_EXPORT, GAS_COUNTER), (STACK_EXPORT, stack_index.ok_or(Malformed)?)] {
                    put_sized(&mut out, name.as_bytes())?;
                    out.push(EXPORT_GLOBAL);
                    put_number(&mut out, index);
                }
            }
            _ => out.extend_from_slice(content),
        }
        Ok(out)
    })
}

/// The imports, all functions, without the one global.
fn without_gas_import(content: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader(content);
    let imports = reader.number()?;
    let mut out = Vec::with_capacity(content.len());
    put_number(&mut out, imports.checked_sub(1).ok_or(Malformed)?);
    for _ in 0..imports {
        let (module, name, kind) = (reader.sized()?, reader.sized()?, reader.byte()?);
        if kind == IMPORT_GLOBAL {
            let (_valtype, _mutable) = (reader.byte()?, reader.byte()?);
        } else {
            put_sized(&mut out, module)?;
            put_sized(&mut out, name)?;
            out.push(kind);
            put_number(&mut out, reader.number()?);
        }
    }
    Ok(out)
}

/// What instructions cost, in milligas.
///
/// SIMD, atomics, exceptions and tail calls do not pass validation (see `engine.rs`); instructions on
/// references do, and are forbidden here as in the reference.
struct Prices;

impl Rules for Prices {
    fn instruction_cost(&self, instruction: &Operator<'_>) -> anyhow::Result<InstructionCost> {
        use Operator as Op;
        Ok(match instruction {
            // Free: they only shape control flow (FIP-0032).
            Op::Nop
            | Op::Block { .. }
            | Op::Loop { .. }
            | Op::Unreachable
            | Op::Return
            | Op::Else
            | Op::End
            | Op::Drop => InstructionCost::Fixed(0),
            Op::MemoryGrow { .. } => per_unit(PAGE_BYTES)?,
            Op::MemoryFill { .. } | Op::MemoryInit { .. } | Op::MemoryCopy { .. } => per_unit(1)?,
            Op::TableInit { .. } | Op::TableCopy { .. } | Op::TableFill { .. } | Op::TableGrow { .. } => {
                per_unit(TABLE_ELEMENT_BYTES)?
            }
            Op::RefNull { .. } | Op::RefIsNull | Op::RefFunc { .. } => {
                anyhow::bail!("instructions on references are forbidden")
            }
            _ => InstructionCost::Fixed(prices::instruction_milligas()),
        })
    }

    fn gas_charge_cost(&self) -> u64 {
        0
    }

    fn linear_calc_cost(&self) -> u64 {
        0
    }
}

/// An instruction, and so many bytes for each unit on top of the stack.
fn per_unit(bytes: u32) -> anyhow::Result<InstructionCost> {
    let unit = NonZeroU32::try_from(u32::try_from(prices::copy_byte_milligas() * u64::from(bytes))?)?;
    Ok(InstructionCost::Linear(prices::instruction_milligas(), unit))
}
