//! Reads off a module what decides whether it is taken, before anything costly is done with it.
//!
//! ```text
//! module
//!   ├─ small enough?                        no ─▶ TooLarge
//!   ├─ valid, no forbidden feature?         no ─▶ Invalid          (asked of wasmtime, by the engine)
//!   ├─ few enough, small enough functions?  no ─▶ TooManyFunctions, FunctionTooLarge, TooManyLocals,
//!   │                                           FrameTooLarge, FramesTooLarge, TooCostly
//!   ├─ imports functions only?              no ─▶ ForbiddenImport
//!   ├─ no start function?                   no ─▶ StartFunction
//!   ├─ memory within an instance's bound?   no ─▶ MemoryTooLarge
//!   └─ counter names free?                  no ─▶ ReservedExport
//! ```
//!
//! Bounds on functions and frames bound what instrumenting makes of a module: each local is declared by itself, and as many more as its frame may
//! need. What compiling may take is told, to be paid for: [`Survey::compile_ns`].

use crate::code::CodeRejected;
use crate::counter::Functions;
use crate::effort;
use crate::instrument::{GAS_EXPORT, PAGE_BYTES, STACK_EXPORT};
use crate::sections::{self, Malformed, Reader, id};
use crate::shape::Shape;
use crate::stack::INSTANCE_MEMORY_BYTES_MAX;

/// Bytes of a module: what fits a block.
pub const CODE_BYTES_MAX: usize = crate::block::BLOCK_BYTES_MAX;

/// Functions of a module. The largest actor known, an EVM interpreter, has about 1,500.
pub const FUNCTIONS_MAX: u32 = 10_000;

/// Bytes of one function's body.
pub const FUNCTION_BYTES_MAX: usize = 256 << 10;

/// Locals of one function.
pub const LOCALS_PER_FUNCTION_MAX: u32 = 8_192;

/// Elements that a call of one function may take on the stack, locals and what `shape.rs` counts: they are declared as locals,
/// of which WebAssembly engines take 50,000.
pub const FRAME_ELEMENTS_MAX: u32 = 48_000;

/// The same of all functions together: two bytes each once they are declared. The largest actor known has a fifth.
pub const FRAMES_ELEMENTS_MAX: u32 = 1 << 20;

/// Nanoseconds that the compiler may take for one function, as `effort.rs` estimates: four seconds, in which it was never seen to need more than
/// half a GiB. An actor's largest function known takes a tenth of that.
pub const COMPILE_NS_PER_FUNCTION_MAX: u64 = 4_000_000_000;

const IMPORT_FUNCTION: u8 = 0;

/// What is known of a module that may be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Nanoseconds that compiling it may take, on one core: an estimate from above.
    pub compile_ns: u64,
}

/// Checks what the sections say. The module has passed validation.
pub(crate) fn survey(wasm: &[u8]) -> Result<Survey, CodeRejected> {
    for (section, content) in sections::split(wasm)? {
        match section {
            id::IMPORT => check_imports(content)?,
            id::FUNCTION => check_functions(content)?,
            id::MEMORY => check_memory(content)?,
            id::EXPORT => check_exports(content)?,
            id::START => return Err(CodeRejected::StartFunction),
            id::CODE => check_code(content, &Functions::of(wasm)?.params)?,
            _ => {}
        }
    }
    let effort = effort::of_module(wasm)?;
    match effort.of_functions.iter().find(|ns| **ns > COMPILE_NS_PER_FUNCTION_MAX) {
        Some(ns) => Err(CodeRejected::TooCostly { ns: *ns }),
        None => Ok(Survey { compile_ns: effort.all() }),
    }
}

fn check_imports(content: &[u8]) -> Result<(), CodeRejected> {
    let mut reader = Reader(content);
    for _ in 0..reader.number()? {
        let (module, name, kind) = (reader.name()?, reader.name()?, reader.byte()?);
        if kind != IMPORT_FUNCTION {
            return Err(CodeRejected::ForbiddenImport { module: module.to_owned(), name: name.to_owned() });
        }
        reader.number()?;
    }
    Ok(())
}

fn check_functions(content: &[u8]) -> Result<(), CodeRejected> {
    let functions = Reader(content).number()?;
    if functions > FUNCTIONS_MAX { Err(CodeRejected::TooManyFunctions { functions }) } else { Ok(()) }
}

/// At most one memory passes validation; its limits are flags, then the least number of pages.
fn check_memory(content: &[u8]) -> Result<(), CodeRejected> {
    let mut reader = Reader(content);
    if reader.number()? == 0 {
        return Ok(());
    }
    let (_flags, pages) = (reader.byte()?, reader.number()?);
    let bytes = u64::from(pages) * u64::from(PAGE_BYTES);
    if bytes > INSTANCE_MEMORY_BYTES_MAX {
        return Err(CodeRejected::MemoryTooLarge { bytes });
    }
    Ok(())
}

fn check_exports(content: &[u8]) -> Result<(), CodeRejected> {
    let mut reader = Reader(content);
    for _ in 0..reader.number()? {
        let name = reader.name()?;
        if [GAS_EXPORT, STACK_EXPORT].contains(&name) {
            return Err(CodeRejected::ReservedExport { name: name.to_owned() });
        }
        let (_kind, _index) = (reader.byte()?, reader.number()?);
    }
    Ok(())
}

fn check_code(content: &[u8], params: &[u32]) -> Result<(), CodeRejected> {
    let mut reader = Reader(content);
    let mut all_elements: u32 = 0;
    if usize::try_from(reader.number()?) != Ok(params.len()) {
        return Err(Malformed.into());
    }
    for params in params {
        let body = reader.sized()?;
        if body.len() > FUNCTION_BYTES_MAX {
            return Err(CodeRejected::FunctionTooLarge { bytes: body.len() });
        }
        let shape = Shape::of(body, *params)?;
        if shape.locals > LOCALS_PER_FUNCTION_MAX {
            return Err(CodeRejected::TooManyLocals { locals: shape.locals });
        }
        let elements = shape.locals.saturating_add(shape.frame_elements());
        if elements > FRAME_ELEMENTS_MAX {
            return Err(CodeRejected::FrameTooLarge { elements });
        }
        all_elements = all_elements.saturating_add(elements);
        if all_elements > FRAMES_ELEMENTS_MAX {
            return Err(CodeRejected::FramesTooLarge { elements: all_elements });
        }
    }
    Ok(())
}
