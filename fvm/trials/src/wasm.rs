//! Modules from strangers.
//!
//! ```text
//! first byte
//!   ├─ even  the rest is a module, as somebody would install it
//!   └─ odd   the rest is what a valid module is made of, which exports what an actor must
//!
//! module ─▶ refused, or metered ─▶ valid, twice the same, no larger than was paid for ─▶ compiled ─▶ installed, made an actor of and called with little gas
//! ```

mod nobody;

use std::num::NonZeroU32;
use std::sync::LazyLock;

use arbitrary::{Arbitrary as _, Unstructured};
use fvm_ipld_encoding::{BytesSer, RawBytes, from_slice, to_vec};
use fvm_shared::address::Address;
use fvm_shared::message::Message;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::raw_cid;
use tributary_wasm::{CodeRejected, Engine};
use wasm_smith::{Config, Module};

use self::nobody::Nobody;
use crate::world::{FVM_GAS, Who, World, fvm, message};

/// Method `InstallCode` of the init actor.
const INSTALL_CODE: u64 = 1_596_813_081;
/// Method `Exec` of the init actor.
const EXEC: u64 = 2;
/// Gas of a call: a few million instructions.
const LITTLE_GAS: u64 = 20_000_000;

/// Nanoseconds of compiling that each byte of a module pays for, whatever it is.
const PAID_NS_PER_BYTE: u64 = 7_000;
/// Nanoseconds that must be paid for each byte that the meter makes of a module, beside [`METERED_BYTES`]: so nobody has the compiler work on much
/// more than he paid for.
const NS_PER_METERED_BYTE: u64 = 25;
/// Bytes that the meter adds to any module: its function, its globals and their names.
const METERED_BYTES: u64 = 1_024;

/// Why an engine can tell.
const MACHINE: &str = "the machine has the memory that a module takes";

static ENGINE: LazyLock<Engine<Nobody>> = LazyLock::new(|| Engine::new(NonZeroU32::MIN, None).unwrap());

/// What an actor must export, as a module: wasm-smith makes modules with exactly these.
///
/// `(module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32) unreachable))`
const EXPORTS: &[u8] =
    b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06invoke\0\0\x0a\x05\x01\x03\0\0\x0b";

/// The target.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first % 2 == 0 => judge(rest),
        Some((_, rest)) => {
            if let Some(wasm) = made(rest) {
                judge(&wasm);
            }
        }
        None => {}
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A module of what this chain allows.
fn made(data: &[u8]) -> Option<Vec<u8>> {
    let mut input = Unstructured::new(data);
    let config = Config {
        exports: Some(EXPORTS.to_vec()),
        max_imports: 0,
        // Besides the one that is exported.
        max_memories: 0,
        max_tables: 1,
        max_memory32_bytes: 4 << 20,
        max_table_elements: 1_000,
        memory_max_size_required: false,
        allow_start_export: false,
        bulk_memory_enabled: true,
        reference_types_enabled: bool::arbitrary(&mut input).ok()?,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        multi_value_enabled: false,
        tail_call_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        gc_enabled: false,
        extended_const_enabled: false,
        wide_arithmetic_enabled: false,
        custom_page_sizes_enabled: false,
        ..Config::default()
    };
    Module::new(config, &mut input).ok().map(|module| module.to_bytes())
}

fn judge(wasm: &[u8]) {
    let metered = match ENGINE.meter(wasm) {
        Ok(metered) => metered,
        Err(why) => {
            assert_eq!(ENGINE.check(wasm).expect(MACHINE), Err(why.clone()), "refused for another reason");
            let is_unread = matches!(why, CodeRejected::Malformed(_));
            assert!(!is_unread, "what is valid could not be read: {why}");
            return;
        }
    };
    assert_eq!(ENGINE.meter(wasm).as_ref(), Ok(&metered), "metered in two ways");
    let survey = ENGINE.survey(wasm).expect("what is metered was surveyed");
    let paid_ns = survey.compile_ns.max(count(wasm) * PAID_NS_PER_BYTE);
    let most = METERED_BYTES + paid_ns / NS_PER_METERED_BYTE;
    assert!(count(&metered) <= most, "{} bytes are metered to {}, paid are {most}", wasm.len(), metered.len());
    // Metering again gets as far as the names of the counters: past validation.
    let again = ENGINE.meter(&metered);
    assert!(matches!(again, Err(CodeRejected::ReservedExport { .. })), "metered to what is not valid: {again:?}");
    execute(wasm, ENGINE.check(wasm).expect(MACHINE).is_ok());
}

/// Installs the module, makes an actor of it and calls that, each for its own gas; twice, as the second time it is compiled already.
fn execute(wasm: &[u8], is_code: bool) {
    let mut world = World::new();
    let init = Address::new_id(INIT_ID);
    let install = message(2, init, INSTALL_CODE, to_vec(&BytesSer(wasm)).unwrap());
    let installed = world.one(fvm(Who::Carol, Message { gas_limit: 100 * FVM_GAS, ..install }));
    assert_eq!(installed.exit_code.is_success(), is_code, "{}", installed.exit_code);
    if !is_code {
        return;
    }
    let exec = message(3, init, EXEC, to_vec(&(raw_cid(wasm), RawBytes::new(vec![0x80]))).unwrap());
    let exec = [fvm(Who::Carol, Message { gas_limit: LITTLE_GAS, ..exec })];
    assert_eq!(world.run(&exec), world.run(&exec));
    let [exec] = exec;
    let receipt = world.one(exec);
    assert!(receipt.fvm_gas_used <= LITTLE_GAS);
    let Ok((id, _)) = from_slice::<(Address, Address)>(&receipt.return_data) else {
        assert!(!receipt.exit_code.is_success());
        return;
    };
    let call = [fvm(Who::Carol, Message { gas_limit: LITTLE_GAS, ..message(4, id, 2, vec![0x80]) })];
    let outcome = world.run(&call);
    assert_eq!(outcome, world.run(&call));
    assert!(outcome.receipts[0].fvm_gas_used <= LITTLE_GAS);
}
