//! What needs no syscall: time, stack, memory, traps.

use std::hint::black_box;

use tributary_script::Op;

use crate::Run;

impl Run {
    pub(crate) fn limits(&mut self, op: Op) {
        match op {
            Op::Spin(count) => {
                let mut sum = 0u64;
                for n in 0..count {
                    sum = black_box(sum.wrapping_add(n));
                }
                self.log.result(&sum.to_le_bytes());
            }
            Op::Recurse(depth) => self.log.result(&recurse(depth).to_le_bytes()),
            Op::Grow(pages) => {
                self.log.result(&core::arch::wasm32::memory_grow(0, pages as usize).to_le_bytes());
            }
            Op::Fill(len) => {
                let copy = black_box(vec![7u8; len as usize]).clone();
                self.log.result(&[black_box(copy).last().copied().unwrap_or_default()]);
            }
            Op::Float(a, b) => self.floats(f64::from_bits(a), f64::from_bits(b)),
            Op::Unreachable => core::arch::wasm32::unreachable(),
            // The compiler's check would panic; wasm's own division traps.
            Op::Divide(a, b) => self.log.result(&unchecked_quotient(a, b).to_le_bytes()),
            Op::Load(address) => {
                // SAFETY: the host refuses an address out of bounds; any other is this actor's own memory.
                self.log.result(&[unsafe { std::ptr::read_volatile(address as usize as *const u8) }]);
            }
            _ => panic!("as asked"),
        }
    }

    #[expect(clippy::float_arithmetic, reason = "that floats agree is what is asked")]
    fn floats(&mut self, a: f64, b: f64) {
        for result in [black_box(a) / black_box(b), black_box(a).sqrt(), black_box(a) - black_box(b)] {
            self.log.result(&result.to_bits().to_le_bytes());
        }
        self.log.result(&(black_box(a) as f32).to_bits().to_le_bytes());
    }
}

fn unchecked_quotient(a: i32, b: i32) -> i32 {
    let (a, b) = (black_box(a), black_box(b));
    // SAFETY: nothing is assumed of `b`: this is what wasm's `i32.div_s` is asked with.
    unsafe { a.checked_div(b).unwrap_or_else(|| std::hint::unreachable_unchecked()) }
}

/// Not a loop to the compiler: what comes back is used after the call.
#[inline(never)]
fn recurse(depth: u32) -> u32 {
    if depth == 0 { 0 } else { black_box(recurse(black_box(depth - 1))) + 1 }
}
