//! How much native stack a function may take while it runs.
//!
//! Locals and operands do not bound it: a compiler finds that a value was made before, and keeps it from there on, over any calls in between. So
//! every value that a function makes counts, and every parameter. This is read off the wasm code: every machine counts alike, whatever its compiler makes of it.

use wasmparser::{BinaryReader, Operator, OperatorsReader};

use crate::sections::{Malformed, Reader};

/// Elements of a call before anything in the function: return address, frame pointer, saved registers.
const CALL_ELEMENTS: u32 = 6;

/// Values in an element: one has 8 bytes at most, an element stands for [`crate::stack::ELEMENT_BYTES`].
const VALUES_PER_ELEMENT: u32 = 2;

/// Elements of a parameter, which is laid out up to four times: where it is handed over and where it is kept, in the function and in the thunk
/// that the limiter puts before functions of tables. A float that is kept may take 16 bytes.
const ELEMENTS_PER_PARAMETER: u32 = 3;

/// The shape of a function's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Locals that are declared; parameters are none.
    pub(crate) locals: u32,
    params: u32,
    /// Values that its instructions make, as many as the compiler may keep for them.
    values: u32,
}

impl Shape {
    /// Reads the body of a function with `params` parameters: its locals and its instructions.
    pub(crate) fn of(body: &[u8], params: u32) -> Result<Self, Malformed> {
        let mut shape = Self { params, ..Self::default() };
        let mut reader = Reader(body);
        for _ in 0..reader.number()? {
            shape.locals = shape.locals.saturating_add(reader.number()?);
            reader.byte()?;
        }
        let mut operators = OperatorsReader::new(BinaryReader::new(reader.0, 0));
        while !operators.eof() {
            shape.values = shape.values.saturating_add(values(&operators.read().map_err(|_| Malformed)?));
        }
        Ok(shape)
    }

    /// Elements of stack that a call takes beside its locals and operands, which the limiter counts.
    pub(crate) const fn frame_elements(self) -> u32 {
        let params = self.params.saturating_mul(ELEMENTS_PER_PARAMETER);
        (CALL_ELEMENTS + self.values / VALUES_PER_ELEMENT).saturating_add(params)
    }
}

/// Values that an instruction makes: its result, and those on the way there that may be found again, such as an address, its bound and their
/// comparison.
const fn values(operator: &Operator<'_>) -> u32 {
    use Operator as Op;
    match operator {
        Op::Nop
        | Op::Unreachable
        | Op::Else
        | Op::End
        | Op::Br { .. }
        | Op::BrIf { .. }
        | Op::BrTable { .. }
        | Op::Return
        | Op::Drop
        | Op::LocalGet { .. }
        | Op::LocalSet { .. }
        | Op::LocalTee { .. }
        | Op::GlobalSet { .. } => 0,
        Op::CallIndirect { .. } | Op::TableGet { .. } | Op::TableSet { .. } => 8,
        Op::I32Load { .. }
        | Op::I64Load { .. }
        | Op::F32Load { .. }
        | Op::F64Load { .. }
        | Op::I32Load8S { .. }
        | Op::I32Load8U { .. }
        | Op::I32Load16S { .. }
        | Op::I32Load16U { .. }
        | Op::I64Load8S { .. }
        | Op::I64Load8U { .. }
        | Op::I64Load16S { .. }
        | Op::I64Load16U { .. }
        | Op::I64Load32S { .. }
        | Op::I64Load32U { .. }
        | Op::I32Store { .. }
        | Op::I64Store { .. }
        | Op::F32Store { .. }
        | Op::F64Store { .. }
        | Op::I32Store8 { .. }
        | Op::I32Store16 { .. }
        | Op::I64Store8 { .. }
        | Op::I64Store16 { .. }
        | Op::I64Store32 { .. }
        | Op::MemorySize { .. }
        | Op::MemoryGrow { .. }
        | Op::MemoryFill { .. }
        | Op::MemoryCopy { .. }
        | Op::MemoryInit { .. }
        | Op::I32DivS
        | Op::I32DivU
        | Op::I32RemS
        | Op::I32RemU
        | Op::I64DivS
        | Op::I64DivU
        | Op::I64RemS
        | Op::I64RemU => 4,
        // Arithmetic on floats looks for NaN, conversions for what does not fit.
        Op::F32Abs
        | Op::F32Neg
        | Op::F64Abs
        | Op::F64Neg
        | Op::F32Const { .. }
        | Op::F64Const { .. }
        | Op::I32Const { .. }
        | Op::I64Const { .. }
        | Op::I32Add
        | Op::I32Sub
        | Op::I32Mul
        | Op::I32And
        | Op::I32Or
        | Op::I32Xor
        | Op::I64Add
        | Op::I64Sub
        | Op::I64Mul
        | Op::I64And
        | Op::I64Or
        | Op::I64Xor
        | Op::Block { .. }
        | Op::Loop { .. }
        | Op::If { .. }
        | Op::GlobalGet { .. } => 1,
        Op::I32TruncF32S
        | Op::I32TruncF32U
        | Op::I32TruncF64S
        | Op::I32TruncF64U
        | Op::I64TruncF32S
        | Op::I64TruncF32U
        | Op::I64TruncF64S
        | Op::I64TruncF64U => 6,
        _ => 3,
    }
}
