//! An actor's code, ready to run, or why it was not taken.

use wasmtime::{ExternType, InstancePre, Linker, Module, ModuleExport, UnknownImportError, ValType};

use crate::host::Host;
use crate::instrument::{GAS_EXPORT, PAGE_BYTES, STACK_EXPORT};
use crate::running::Running;
use crate::sections::Malformed;

/// Function that runs a method: takes the handle of the parameters, answers the handle of the result.
const INVOKE_EXPORT: &str = "invoke";

/// The actor's one linear memory.
const MEMORY_EXPORT: &str = "memory";

/// Compiled code of an actor, linked once and instantiated for every call.
pub struct Code<H: Host> {
    pub(crate) pre: InstancePre<Running<H>>,
    pub(crate) invoke: ModuleExport,
    pub(crate) memory: ModuleExport,
    pub(crate) gas: ModuleExport,
    pub(crate) stack: ModuleExport,
    pub(crate) memory_bytes_min: u64,
}

impl<H: Host> Code<H> {
    /// Links a compiled, instrumented module and finds what a call needs of it.
    pub(crate) fn link(linker: &Linker<Running<H>>, module: &Module) -> Result<Self, CodeRejected> {
        check_invoke(module)?;
        let memory_bytes_min = memory_bytes_min(module)?;
        let pre = linker.instantiate_pre(module).map_err(|why| match why.downcast_ref::<UnknownImportError>() {
            Some(unknown) => {
                CodeRejected::UnknownImport { module: unknown.module().to_owned(), name: unknown.name().to_owned() }
            }
            None => CodeRejected::ImportType(format!("{why:#}")),
        })?;
        let export = |name| module.get_export_index(name).ok_or(CodeRejected::MissingExport(name));
        Ok(Self {
            pre,
            invoke: export(INVOKE_EXPORT)?,
            memory: export(MEMORY_EXPORT)?,
            gas: export(GAS_EXPORT)?,
            stack: export(STACK_EXPORT)?,
            memory_bytes_min,
        })
    }

    /// Bytes that it takes in memory, as compiled.
    pub(crate) fn compiled_bytes(&self) -> usize {
        let image = self.pre.module().image_range();
        image.end.addr().saturating_sub(image.start.addr())
    }
}

impl<H: Host> std::fmt::Debug for Code<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("memory_bytes_min", &self.memory_bytes_min).finish_non_exhaustive()
    }
}

fn check_invoke(module: &Module) -> Result<(), CodeRejected> {
    let Some(ExternType::Func(invoke)) = module.get_export(INVOKE_EXPORT) else {
        return Err(CodeRejected::MissingExport(INVOKE_EXPORT));
    };
    if is_one_i32(invoke.params()) && is_one_i32(invoke.results()) { Ok(()) } else { Err(CodeRejected::InvokeType) }
}

fn is_one_i32(mut types: impl Iterator<Item = ValType>) -> bool {
    matches!((types.next(), types.next()), (Some(ValType::I32), None))
}

fn memory_bytes_min(module: &Module) -> Result<u64, CodeRejected> {
    let Some(ExternType::Memory(memory)) = module.get_export(MEMORY_EXPORT) else {
        return Err(CodeRejected::MissingExport(MEMORY_EXPORT));
    };
    Ok(memory.minimum().saturating_mul(u64::from(PAGE_BYTES)))
}

/// Why code is not taken: the sender's doing, and the same on every node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeRejected {
    /// Too many bytes.
    #[error("the module has {bytes} bytes; at most {} are taken", crate::survey::CODE_BYTES_MAX)]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Not valid, or it uses a feature that is off: SIMD, threads, 64-bit memory, exceptions, tail calls…
    #[error("the module is not valid here: {0}")]
    Invalid(String),
    /// The sections cannot be read.
    #[error(transparent)]
    Malformed(#[from] MalformedModule),
    /// Too many functions.
    #[error("the module has {functions} functions; at most {} are taken", crate::survey::FUNCTIONS_MAX)]
    TooManyFunctions {
        /// How many it has.
        functions: u32,
    },
    /// A function too large.
    #[error("a function has {bytes} bytes; at most {} are taken", crate::survey::FUNCTION_BYTES_MAX)]
    FunctionTooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// A function whose call takes too much stack.
    #[error(
        "a call of one function may take {elements} elements of stack, for its locals and the values that it makes; at most {} are taken: split it",
        crate::survey::FRAME_ELEMENTS_MAX
    )]
    FrameTooLarge {
        /// How many it may take.
        elements: u32,
    },
    /// A function that takes too long to compile.
    #[error(
        "one function may take {ns} ns to compile, by its instructions, locals and branches; at most {} are taken: split it",
        crate::survey::COMPILE_NS_PER_FUNCTION_MAX
    )]
    TooCostly {
        /// Nanoseconds that it may take.
        ns: u64,
    },
    /// Too many locals.
    #[error("a function has {locals} locals; at most {} are taken", crate::survey::LOCALS_PER_FUNCTION_MAX)]
    TooManyLocals {
        /// How many it has.
        locals: u32,
    },
    /// Functions whose calls take too much stack, all together.
    #[error(
        "calls of the functions up to one may take {elements} elements of stack together, a call of each; at most {} are taken",
        crate::survey::FRAMES_ELEMENTS_MAX
    )]
    FramesTooLarge {
        /// How many they may take.
        elements: u32,
    },
    /// It imports a memory, a table or a global.
    #[error("the module imports {module}.{name}, which is not a function")]
    ForbiddenImport {
        /// Import module.
        module: String,
        /// Import name.
        name: String,
    },
    /// It imports a function that is no syscall of this network, such as one of Filecoin's storage proofs.
    #[error("the module imports {module}.{name}, which this network does not have")]
    UnknownImport {
        /// Import module.
        module: String,
        /// Import name.
        name: String,
    },
    /// It imports a syscall with another type.
    #[error("the module imports a syscall with a type it does not have: {0}")]
    ImportType(String),
    /// It has a start function, which would run before its gas is set.
    #[error("the module has a start function; an actor runs only when it is invoked")]
    StartFunction,
    /// Its memory starts too large.
    #[error(
        "the module's memory starts with {bytes} bytes; at most {} are taken",
        crate::stack::INSTANCE_MEMORY_BYTES_MAX
    )]
    MemoryTooLarge {
        /// How many.
        bytes: u64,
    },
    /// It exports a name that the instrumentation needs.
    #[error("the module exports {name}, which is reserved")]
    ReservedExport {
        /// The name.
        name: String,
    },
    /// It does not export what an actor must.
    #[error("the module does not export {0}")]
    MissingExport(&'static str),
    /// Its `invoke` is no `(i32) -> i32`.
    #[error("the module's invoke does not take one i32 and answer one i32")]
    InvokeType,
    /// Gas or stack cannot be counted in it.
    #[error("the module cannot be metered: {0}")]
    NotInstrumentable(String),
    /// It does not compile, though valid: a bound of the compiler, such as the size of a table.
    #[error("the module does not compile: {0}")]
    NotCompilable(String),
}

/// A module whose sections cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct MalformedModule(Malformed);

impl From<Malformed> for CodeRejected {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(MalformedModule(malformed))
    }
}
