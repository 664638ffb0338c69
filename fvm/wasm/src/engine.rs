//! The engine: wasmtime with every setting that matters written down, and the code it has compiled.
//!
//! | setting | wasmtime's default | here | why |
//! |---|---|---|---|
//! | allocation | on demand | pooling | an instance is made in microseconds, without `mmap` |
//! | traps | by signal | explicit checks | memory growth would cost two `mprotect` a call, each a TLB shoot-down of every core |
//! | guard regions | 32 MiB, before too | none | explicit checks need none; slots lie closer |
//! | memory images | copy-on-write | copied | worth a tenth at most (`docs/engine.md`); a page that cannot be copied is a signal and no error |
//! | kept resident | 0 | 4 MiB, by page map | a recycled slot is cleared where it was touched, without `madvise` |
//! | NaN | as the machine does | canonical | a NaN's bits would differ between machines |
//! | SIMD and relaxed SIMD, tail calls, several memories, custom page sizes, 64-bit memory, several results, wide arithmetic, extended constants, groups of types and initial values of own globals (GC) | mostly on | off | not metered, or not in the reference |
//! | bulk memory | on | on | compiled Rust uses it; metered |
//! | wasm stack | 512 KiB | 8 MiB | the instrumented limiter must strike first; see `stack.rs` |
//! | async stack | 2 MiB | 8 MiB | may not be less than the wasm stack; no call is async, so none is made |
//! | memory reservation | 4 GiB | 512 MiB | a memory's bound: it never moves, and a slot is no larger |
//! | memory may move | on | off | it has all that it may grow to |
//! | slots for instances, memories, tables | 1,000 | 1,024 for each message at once | a full stack of calls each |
//! | memories and tables of a module | 1, 1 | 1, 1 | the reference's |
//! | table elements | 20,000 | 20,000 | the reference's |
//! | optimisation | speed | speed | code is compiled once and runs often |
//! | compiling on several threads | on | on | installing waits for it |
//! | compiler's own verifier | off | off | it looks for defects of the compiler |
//! | fuel, epochs | off | off | gas is counted by instrumentation |
//! | compiled code on disk | off | on, in the node's home | the checkpoint actor alone takes a second to compile |
//! | debug information, address maps, backtraces, unwind tables | mostly on | off | nobody reads them; they cost memory and time |
//!
//! Threads, garbage collection, components and async calls are compiled out (features of the
//! dependency). Measured with a small actor that reads and writes its state: 7 µs a call, against 23 µs
//! with signal-based traps and nothing kept; a second thread then adds 90 % where it added 20 %.
//!
//! None of it may move gas: gas is counted in the module's own code, before compilation.
//! The settings that are left at wasmtime's default, each with its reason, are in `docs/engine.md`.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use cid::Cid;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, InstanceAllocationStrategy, Linker, Module, OptLevel, OutOfMemory,
    PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::code::{Code, CodeRejected};
use crate::codes::{ASKED_COMPILED_BYTES_MAX, COMPILED_BYTES_MAX, Codes, Purpose};
use crate::error::HostFatal;
use crate::host::Host;
use crate::instrument::instrument;
use crate::running::Running;
use crate::stack::{CALL_DEPTH_MAX, INSTANCE_MEMORY_BYTES_MAX, INVOCATION_STACK_BYTES};
use crate::survey::{CODE_BYTES_MAX, Survey, survey};
use crate::syscalls;

/// Bytes of compiled code kept on disk, more or less: what leaves memory is read from there, in a tenth of the time that compiling takes.
const CACHE_BYTES: u64 = 4 << 30;

/// Elements of an instance's table. Source: ref-fvm 4.8.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 20_000;

/// Bytes of an instance's memory that stay resident between calls.
const MEMORY_KEPT_BYTES: usize = 4 << 20;

/// Bytes of an instance's table that stay resident between calls: all of it.
const TABLE_KEPT_BYTES: usize = 256 << 10;

/// The most slots a process gets: 24 TiB of addresses of the 128 there are.
const SLOTS_MAX: u32 = 48 * 1_024;

/// How instances get their memory. No value changes what code does or costs in gas; [`Self::NODES`] is what [`Engine::new`] takes, and the
/// others are there to be measured beside it: `bench --instantiation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// From slots that are reserved once; else by `mmap`, for each instance.
    pub is_pooled: bool,
    /// A module's data are mapped, and a page of them is copied when it is first written to; else all of them are copied ahead.
    pub has_images: bool,
}

impl Allocation {
    /// What a node's engine does.
    pub const NODES: Self = Self { is_pooled: true, has_images: false };
}

/// What came of compiling: outer, this machine could not, and what it found must get into no receipt; inner, no machine takes the code.
pub type Loaded<T> = Result<Result<T, CodeRejected>, HostFatal>;

/// Compiles and runs actors on hosts of one kind. Cheap to clone; clones share their compiled code.
pub struct Engine<H: Host>(Arc<Inner<H>>);

struct Inner<H: Host> {
    wasmtime: wasmtime::Engine,
    linker: Linker<Running<H>>,
    codes: Codes<Code<H>>,
}

impl<H: Host> Clone for Engine<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: Host> std::fmt::Debug for Engine<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The machine cannot host an engine: no address space, or a setting it does not support.
#[derive(Debug, thiserror::Error)]
#[error("the wasm engine does not start: {0:#}")]
pub struct EngineFatal(wasmtime::Error);

impl<H: Host> Engine<H> {
    /// An engine on which at most `messages` messages execute at a time.
    ///
    /// Reserves, without touching it, half a GiB of address space for each call they can have open.
    /// A message beyond their number may end in [`crate::Halt::Fatal`].
    ///
    /// What it compiles is kept in `code_cache` for the next start, by the module's bytes, this version of the compiler and the
    /// machine's kind. The directory is this node's own, made if it is missing: whoever can write there can make the node run anything.
    pub fn new(messages: NonZeroU32, code_cache: Option<&Path>) -> Result<Self, EngineFatal> {
        Self::allocating(messages, code_cache, Allocation::NODES)
    }

    /// The same, with instances that get their memory otherwise.
    pub fn allocating(
        messages: NonZeroU32,
        code_cache: Option<&Path>,
        allocation: Allocation,
    ) -> Result<Self, EngineFatal> {
        let mut settings = settings(messages, allocation);
        if let Some(directory) = code_cache {
            settings.cache(Some(cache(directory).map_err(EngineFatal)?));
        }
        let wasmtime = wasmtime::Engine::new(&settings).map_err(EngineFatal)?;
        let mut linker = Linker::new(&wasmtime);
        syscalls::link(&mut linker).map_err(EngineFatal)?;
        let codes = Codes::new(COMPILED_BYTES_MAX, ASKED_COMPILED_BYTES_MAX);
        Ok(Self(Arc::new(Inner { wasmtime, linker, codes })))
    }

    /// Code that is already compiled. Cost: a map look-up under a shared lock, or two.
    pub fn get(&self, code_cid: &Cid, purpose: Purpose) -> Option<Arc<Code<H>>> {
        self.0.codes.get(code_cid, purpose)
    }

    /// The code of a CID: what is compiled already, or `wasm` checked, metered, compiled and kept. Inner error: it is no actor's.
    ///
    /// `wasm` is the block of `code_cid`. Cost of compiling: about 7 ms a KiB of module, spread over the
    /// cores: do it when code is installed, not when it is first called.
    pub fn load(&self, code_cid: Cid, wasm: &[u8], purpose: Purpose) -> Loaded<Arc<Code<H>>> {
        if let Some(code) = self.get(&code_cid, purpose) {
            return Ok(Ok(code));
        }
        let code = match self.compile(wasm)? {
            Ok(code) => Arc::new(code),
            Err(rejected) => return Ok(Err(rejected)),
        };
        tracing::debug!(%code_cid, bytes = wasm.len(), ?purpose, "compiled actor code");
        self.0.codes.keep(code_cid, &code, code.compiled_bytes(), purpose);
        Ok(Ok(code))
    }

    /// Whether [`Engine::load`] would take a module, answered by doing its work and keeping nothing.
    pub fn check(&self, wasm: &[u8]) -> Loaded<()> {
        Ok(self.compile(wasm)?.map(drop))
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    /// Whether a module may be compiled, and what that takes. Cost: in proportion to its bytes, about a fiftieth of compiling it.
    pub fn survey(&self, wasm: &[u8]) -> Result<Survey, CodeRejected> {
        if wasm.len() > CODE_BYTES_MAX {
            return Err(CodeRejected::TooLarge { bytes: wasm.len() });
        }
        Module::validate(self.wasmtime(), wasm).map_err(|why| CodeRejected::Invalid(format!("{why:#}")))?;
        survey(wasm)
    }

    /// The module as it is compiled: checked, its gas and its stack counted. Cost: about a tenth of compiling it.
    ///
    /// The same bytes on every machine; what they count is the chain's law.
    pub fn meter(&self, wasm: &[u8]) -> Result<Vec<u8>, CodeRejected> {
        self.survey(wasm)?;
        instrument(wasm)
    }

    fn compile(&self, wasm: &[u8]) -> Loaded<Code<H>> {
        let metered = match self.meter(wasm) {
            Ok(metered) => metered,
            Err(rejected) => return Ok(Err(rejected)),
        };
        match Module::from_binary(self.wasmtime(), &metered) {
            Ok(module) => Ok(Code::link(&self.0.linker, &module)),
            Err(why) if is_the_machines(&why) => {
                Err(HostFatal::refused(format!("actor code does not compile: {why:#}")))
            }
            Err(why) => Ok(Err(CodeRejected::NotCompilable(format!("{why:#}")))),
        }
    }
}

/// Whether the operating system refused something, memory most likely: then another machine would find otherwise.
pub(crate) fn is_the_machines(why: &wasmtime::Error) -> bool {
    why.is::<io::Error>() || why.is::<rustix::io::Errno>() || why.is::<OutOfMemory>()
}

/// wasmtime's own cache, which ages by itself: what was not used for longest goes when there is more than [`CACHE_BYTES`].
fn cache(directory: &Path) -> wasmtime::Result<Cache> {
    let mut config = CacheConfig::new();
    // The cache takes no path that would move with the working directory.
    config.with_directory(std::path::absolute(directory)?).with_files_total_size_soft_limit(CACHE_BYTES);
    Cache::new(config)
}

pub(crate) fn settings(messages: NonZeroU32, allocation: Allocation) -> Config {
    let strategy = if allocation.is_pooled {
        InstanceAllocationStrategy::Pooling(pool(messages))
    } else {
        InstanceAllocationStrategy::OnDemand
    };
    let mut config = Config::new();
    config
        .allocation_strategy(strategy)
        .signals_based_traps(false)
        .memory_reservation(INSTANCE_MEMORY_BYTES_MAX)
        .memory_guard_size(0)
        .guard_before_linear_memory(false)
        .memory_may_move(false)
        .memory_init_cow(allocation.has_images)
        .async_stack_size(INVOCATION_STACK_BYTES)
        .max_wasm_stack(INVOCATION_STACK_BYTES)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .parallel_compilation(true)
        .consume_fuel(false)
        .epoch_interruption(false);
    config
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_multi_value(false)
        .wasm_gc(false)
        .wasm_wide_arithmetic(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_bulk_memory(true);
    config
        .debug_info(false)
        .generate_address_map(false)
        .native_unwind_info(false)
        .wasm_backtrace_max_frames(None)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .cranelift_debug_verifier(false);
    config
}

fn pool(messages: NonZeroU32) -> PoolingAllocationConfig {
    let slots = CALL_DEPTH_MAX.saturating_mul(messages.get()).min(SLOTS_MAX);
    let memory_bytes = usize::try_from(INSTANCE_MEMORY_BYTES_MAX).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(memory_bytes)
        .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        .table_keep_resident(TABLE_KEPT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operating_system_refuses_is_told_from_what_no_machine_takes() {
        let of_the_machine = [
            wasmtime::Error::from(io::Error::from(io::ErrorKind::OutOfMemory)),
            wasmtime::Error::from(rustix::io::Errno::NOMEM),
            wasmtime::Error::from(OutOfMemory::new(7)),
        ];
        for why in of_the_machine {
            assert!(is_the_machines(&why), "{why:#}");
            assert!(is_the_machines(&why.context("publishing code")));
        }
        assert!(!is_the_machines(&wasmtime::format_err!("a table of 20001 elements exceeds the limit of 20000")));
    }
}
