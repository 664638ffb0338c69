//! The gas counter of a function that runs: in a local, where the compiler keeps it in a register.
//!
//! The metering charges by calling a function, once for every straight run of code: a call, and a counter that goes through memory each
//! time round a loop. Here each function carries the counter itself, and only writes it down:
//!
//! | in a function | becomes |
//! |---|---|
//! | its beginning | `L = counter` |
//! | a charge: cost on the stack, call of the metering's function | `L = L - cost; counter = L; if L < 0 trap` |
//! | any other call | the call, and `L = counter`: whoever ran has charged too |
//!
//! So the counter holds after every charge what it would have held, and a trap at any place finds it right: nothing that is counted
//! changes. The limiter of the stack has counted the function's locals before; this one is beside them, 8 bytes of native stack a call.

use wasmparser::{BinaryReader, Operator, OperatorsReader};

use crate::instrument::GAS_COUNTER;
use crate::sections::{self, Malformed, Reader, id, put_number, put_sized};

/// `i64`.
const I64: u8 = 0x7e;

/// Opcodes. Source: WebAssembly core specification 2.0, section 5.4.
mod op {
    pub(super) const UNREACHABLE: u8 = 0x00;
    pub(super) const IF: u8 = 0x04;
    pub(super) const END: u8 = 0x0b;
    pub(super) const LOCAL_GET: u8 = 0x20;
    pub(super) const LOCAL_SET: u8 = 0x21;
    pub(super) const LOCAL_TEE: u8 = 0x22;
    pub(super) const GLOBAL_GET: u8 = 0x23;
    pub(super) const GLOBAL_SET: u8 = 0x24;
    pub(super) const I64_CONST: u8 = 0x42;
    pub(super) const I64_LT_S: u8 = 0x53;
    pub(super) const I64_ADD: u8 = 0x7c;
    pub(super) const I64_MUL: u8 = 0x7e;
    /// The type of a block without results.
    pub(super) const EMPTY: u8 = 0x40;
    /// -1 and 0 as signed LEB128.
    pub(super) const MINUS_ONE: u8 = 0x7f;
    pub(super) const ZERO: u8 = 0x00;
}

/// A metered module whose functions keep the counter in a local. The metering's function is its last one.
pub(crate) fn keep_in_locals(wasm: &[u8]) -> Result<Vec<u8>, Malformed> {
    let module = Functions::of(wasm)?;
    let charge = module.imported.checked_add(count(module.params.len())?).and_then(|all| all.checked_sub(1));
    let charge = charge.ok_or(Malformed)?;
    sections::rewrite(wasm, |section, content| {
        if section != id::CODE {
            return Ok(content.to_vec());
        }
        let mut reader = Reader(content);
        let mut out = Vec::with_capacity(content.len().saturating_mul(2));
        let bodies = reader.number()?;
        put_number(&mut out, bodies);
        for at in 0..bodies {
            let params = module.params.get(usize::try_from(at).map_err(|_| Malformed)?).ok_or(Malformed)?;
            put_sized(&mut out, &rewritten(reader.sized()?, *params, charge)?)?;
        }
        Ok(out)
    })
}

/// What calls and locals are numbered by.
pub(crate) struct Functions {
    /// Functions that are imported; their numbers come first.
    imported: u32,
    /// Parameters of each of the module's own.
    pub(crate) params: Vec<u32>,
    /// Parameters of each type.
    pub(crate) types: Vec<u32>,
}

impl Functions {
    pub(crate) fn of(wasm: &[u8]) -> Result<Self, Malformed> {
        let (mut types, mut imported, mut params) = (Vec::new(), 0, Vec::new());
        for (section, content) in sections::split(wasm)? {
            let mut reader = Reader(content);
            match section {
                id::TYPE => types = params_of_types(reader)?,
                // Actors import functions and nothing else.
                id::IMPORT => imported = reader.number()?,
                id::FUNCTION => {
                    for _ in 0..reader.number()? {
                        let of = usize::try_from(reader.number()?).map_err(|_| Malformed)?;
                        params.push(*types.get(of).ok_or(Malformed)?);
                    }
                }
                _ => {}
            }
        }
        Ok(Self { imported, params, types })
    }
}

/// How many parameters each function type has.
fn params_of_types(mut reader: Reader<'_>) -> Result<Vec<u32>, Malformed> {
    let mut types = Vec::new();
    for _ in 0..reader.number()? {
        let _function = reader.byte()?;
        types.push(count(reader.sized()?.len())?);
        let _results = reader.sized()?;
    }
    Ok(types)
}

/// A function's body; as it is when it charges nothing.
fn rewritten(body: &[u8], params: u32, charge: u32) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader(body);
    let mut out = Vec::with_capacity(body.len().saturating_mul(2));
    let groups = reader.number()?;
    put_number(&mut out, groups.checked_add(1).ok_or(Malformed)?);
    let mut local = params;
    for _ in 0..groups {
        let (locals, valtype) = (reader.number()?, reader.byte()?);
        local = local.checked_add(locals).ok_or(Malformed)?;
        put_number(&mut out, locals);
        out.push(valtype);
    }
    out.extend([1, I64]);
    load(&mut out, local);

    let code = reader.0;
    let mut operators = OperatorsReader::new(BinaryReader::new(code, 0));
    let (mut copied, mut charges) = (0, false);
    while !operators.eof() {
        let (operator, start) = operators.read_with_offset().map_err(|_| Malformed)?;
        let end = operators.original_position();
        match operator {
            Operator::Call { function_index } if function_index == charge => {
                out.extend_from_slice(code.get(copied..start).ok_or(Malformed)?);
                subtract(&mut out, local);
                (copied, charges) = (end, true);
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                out.extend_from_slice(code.get(copied..end).ok_or(Malformed)?);
                load(&mut out, local);
                copied = end;
            }
            _ => {}
        }
    }
    out.extend_from_slice(code.get(copied..).ok_or(Malformed)?);
    Ok(if charges { out } else { body.to_vec() })
}

/// `L = counter`.
fn load(out: &mut Vec<u8>, local: u32) {
    out.push(op::GLOBAL_GET);
    put_number(out, GAS_COUNTER);
    out.push(op::LOCAL_SET);
    put_number(out, local);
}

/// `L = L - cost; counter = L; if L < 0 trap`, the cost on the stack.
fn subtract(out: &mut Vec<u8>, local: u32) {
    out.extend([op::I64_CONST, op::MINUS_ONE, op::I64_MUL, op::LOCAL_GET]);
    put_number(out, local);
    out.extend([op::I64_ADD, op::LOCAL_TEE]);
    put_number(out, local);
    out.push(op::GLOBAL_SET);
    put_number(out, GAS_COUNTER);
    out.push(op::LOCAL_GET);
    put_number(out, local);
    out.extend([op::I64_CONST, op::ZERO, op::I64_LT_S, op::IF, op::EMPTY, op::UNREACHABLE, op::END]);
}

fn count(length: usize) -> Result<u32, Malformed> {
    u32::try_from(length).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use wasmtime::{Caller, Engine, Extern, Global, Instance, Linker, Module, Store, Val};

    use super::*;
    use crate::instrument::{GAS_EXPORT, STACK_EXPORT, metered};

    /// Milligas that the host takes when it is asked, and gives back.
    const TOLL: i64 = 7;

    /// Loops, calls of every kind, charges by the unit, and each way to trap.
    const PROGRAMS: [&str; 8] = [
        "(func (export \"run\") (param $n i32) (loop $again (local.set $n (i32.sub (local.get $n) (i32.const 1)))
           (br_if $again (i32.gt_s (local.get $n) (i32.const 0)))))",
        "(func $fib (param $n i32) (result i32) (local $sum i32)
           (if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $n))))
           (local.set $sum (call $fib (i32.sub (local.get $n) (i32.const 1))))
           (i32.add (local.get $sum) (call $fib (i32.sub (local.get $n) (i32.const 2)))))
         (func (export \"run\") (param i32) (drop (call $fib (local.get 0))))",
        "(func (export \"run\") (param i32) (call $host) (call $host) (drop (i32.add (local.get 0) (i32.const 1))) (call $host))",
        "(memory 1) (func (export \"run\") (param i32)
           (memory.fill (i32.const 0) (i32.const 7) (local.get 0)) (memory.copy (i32.const 9) (i32.const 0) (local.get 0)))",
        "(memory 1) (func (export \"run\") (param i32) (i32.store (i32.const 0) (i32.const 1)) (i32.store (i32.const -1) (local.get 0)))",
        "(func (export \"run\") (param i32) (if (local.get 0) (then (drop (i32.div_s (i32.const 1) (i32.const 0))))))",
        "(func $deep (export \"run\") (param i32) (call $deep (local.get 0)))",
        "(table funcref (elem $one $host)) (type $nothing (func)) (func $one (drop (i32.const 1)))
         (func (export \"run\") (param i32) (local $at i32)
           (loop $again (call_indirect (type $nothing) (local.get $at))
             (local.set $at (i32.add (local.get $at) (i32.const 1))) (br_if $again (local.get 0))))",
    ];

    struct Machine {
        store: Store<()>,
        instance: Instance,
    }

    impl Machine {
        fn of(wasm: &[u8]) -> Self {
            let engine = Engine::default();
            let mut linker = Linker::new(&engine);
            let host = |mut guest: Caller<'_, ()>| {
                let Some(Extern::Global(counter)) = guest.get_export(GAS_EXPORT) else { panic!("no counter") };
                let left = counter.get(&mut guest).i64().unwrap();
                counter.set(&mut guest, Val::I64(left - TOLL)).unwrap();
            };
            linker.func_wrap("test", "host", host).unwrap();
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate(&mut store, &Module::new(&engine, wasm).unwrap()).unwrap();
            Self { store, instance }
        }

        fn global(&mut self, name: &str) -> Global {
            self.instance.get_global(&mut self.store, name).unwrap()
        }

        /// The counters afterwards, and the trap.
        fn run(&mut self, gas: i64, argument: i32) -> (i64, i32, Option<String>) {
            let (counter, stack) = (self.global(GAS_EXPORT), self.global(STACK_EXPORT));
            counter.set(&mut self.store, Val::I64(gas)).unwrap();
            stack.set(&mut self.store, Val::I32(0)).unwrap();
            let run = self.instance.get_typed_func::<i32, ()>(&mut self.store, "run").unwrap();
            let trap = run.call(&mut self.store, argument).err();
            let trap = trap.map(|why| why.downcast_ref::<wasmtime::Trap>().unwrap().to_string());
            (counter.get(&mut self.store).i64().unwrap(), stack.get(&mut self.store).i32().unwrap(), trap)
        }
    }

    #[test]
    fn whatever_the_gas_and_however_it_ends_the_counters_are_the_meterings() {
        for program in PROGRAMS {
            let wasm = format!("(module (import \"test\" \"host\" (func $host)) {program})");
            let plain = metered(&wat::parse_str(&wasm).unwrap()).unwrap();
            let kept = keep_in_locals(&plain).unwrap();
            assert_ne!(plain, kept);
            let (mut plain, mut kept) = (Machine::of(&plain), Machine::of(&kept));
            for argument in [0, 1, 5] {
                let mut traps = 0;
                for gas in (0..600_000).step_by(1_237).chain([2, 10, 4_000, 8_000, 12_000, 50_000_000]) {
                    let expected = plain.run(gas, argument);
                    assert_eq!(kept.run(gas, argument), expected, "{gas} milligas, run({argument}): {program}");
                    traps += u32::from(expected.2.is_some());
                }
                assert!(traps > 0, "gas runs out: {program}");
            }
        }
    }

    #[test]
    fn a_body_that_is_cut_is_malformed() {
        let plain =
            metered(&wat::parse_str("(module (func (export \"run\") (param i32) (drop (i32.const 1))))").unwrap());
        let plain = plain.unwrap();
        for end in 9..plain.len() {
            // A cut between two sections leaves a module without functions, or none at all.
            drop(keep_in_locals(&plain[..end]));
        }
        assert_eq!(keep_in_locals(&plain[..20]), Err(Malformed));
    }
}
