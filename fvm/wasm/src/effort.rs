//! How long a compiler may take for a module, estimated from above before it begins.
//!
//! Bytes do not bound it, and an attacker writes the code. What was found to take long, with the sizes of one function:
//!
//! | | grows with | ns each |
//! |---|---|---|
//! | each branch carries the locals that may differ where it leads | locals times branches, a table's ways each | 1,000 |
//! | values that wait | locals, operands and open blocks, summed over the instructions | 60 |
//! | everything that looks at a function as a whole | instructions squared | 2 |
//! | what is made around a function: a thunk that counts its stack, a way in from the host | functions | 100,000 |
//! | both hand its parameters over | parameters of all functions | 4,000 |
//! | a way out to the host for each type, which hands its parameters over | types, their parameters | 50,000, 2,000 |
//! | the instrumenter looks at all functions for each | functions squared | 20 |
//!
//! Measured on two shared cores, as the slowest of some thirty modules written for the purpose. Compiled Rust stays below a third of what its bytes
//! pay for. What branches carry is bounded and not only measured: a test reads it off the compiler's own form of functions that are written to make
//! it carry most, and finds no more than is counted here, and of the worst ones more than a third of it.

use wasmparser::{Operator, OperatorsReader, Parser, ValidPayload, Validator, WasmFeatures};

use crate::counter::Functions;
use crate::sections::Malformed;

#[cfg(test)]
mod tests;

const BRANCH_LOCAL_NS: u64 = 1_000;
const WAITING_NS: u64 = 60;
const SQUARE_NS: u64 = 2;
const FUNCTION_NS: u64 = 100_000;
const PARAM_NS: u64 = 4_000;
const TYPE_NS: u64 = 50_000;
const TYPE_PARAM_NS: u64 = 2_000;
const PAIR_NS: u64 = 20;

/// Nanoseconds for a module.
pub(crate) struct Effort {
    /// For each of its functions.
    pub(crate) of_functions: Vec<u64>,
    /// Beside them.
    pub(crate) of_the_whole: u64,
}

impl Effort {
    /// For all of it.
    pub(crate) fn all(&self) -> u64 {
        self.of_functions.iter().fold(self.of_the_whole, |all, ns| all.saturating_add(*ns))
    }
}

/// What of a function takes long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Work {
    instructions: u64,
    /// Values that its branches carry, all together: the compiler's phis, an operand each.
    branch_locals: u64,
    waiting: u64,
    params: u64,
}

impl Work {
    fn ns(&self) -> u64 {
        sum(&[
            (self.branch_locals, BRANCH_LOCAL_NS),
            (self.waiting, WAITING_NS),
            (self.instructions.saturating_mul(self.instructions), SQUARE_NS),
            (1, FUNCTION_NS),
            (self.params, PARAM_NS),
        ])
    }
}

/// What a valid module takes. Cost: as validating it.
pub(crate) fn of_module(wasm: &[u8]) -> Result<Effort, Malformed> {
    let of_functions: Vec<_> = works(wasm)?.iter().map(Work::ns).collect();
    let types = Functions::of(wasm)?.types;
    let functions = count(of_functions.len());
    let params = types.iter().fold(0_u64, |all, params| all.saturating_add(u64::from(*params)));
    let of_the_whole =
        sum(&[(functions.saturating_mul(functions), PAIR_NS), (count(types.len()), TYPE_NS), (params, TYPE_PARAM_NS)]);
    Ok(Effort { of_functions, of_the_whole })
}

fn works(wasm: &[u8]) -> Result<Vec<Work>, Malformed> {
    // What is allowed was asked before: this is about heights of stacks alone.
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut works = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|_| Malformed)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(|_| Malformed)? {
            let mut function = function.into_validator(Default::default());
            let mut reader = body.get_binary_reader();
            let mut work = Work { params: u64::from(function.len_locals()), ..Work::default() };
            function.read_locals(&mut reader).map_err(|_| Malformed)?;
            let locals = u64::from(function.len_locals());
            let mut operators = OperatorsReader::new(reader);
            while !operators.eof() {
                let (operator, offset) = operators.read_with_offset().map_err(|_| Malformed)?;
                work.instructions = work.instructions.saturating_add(1);
                work.branch_locals = work.branch_locals.saturating_add(locals.saturating_mul(ways(&operator)));
                function.op(offset, &operator).map_err(|_| Malformed)?;
                let open = u64::from(function.operand_stack_height()) + u64::from(function.control_stack_height());
                work.waiting = work.waiting.saturating_add(locals.saturating_add(open));
            }
            works.push(work);
        }
    }
    Ok(works)
}

/// So many of each, so many nanoseconds each.
fn sum(parts: &[(u64, u64)]) -> u64 {
    parts.iter().fold(0, |all, (count, ns)| count.saturating_mul(*ns).saturating_add(all))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Ways that an instruction may go on but the next one, and places that others lead to.
fn ways(operator: &Operator<'_>) -> u64 {
    use Operator as Op;
    match operator {
        Op::Block { .. } | Op::Loop { .. } | Op::Br { .. } | Op::BrIf { .. } | Op::Else | Op::Return => 1,
        Op::If { .. } => 2,
        Op::BrTable { targets } => u64::from(targets.len()) + 1,
        _ => 0,
    }
}
