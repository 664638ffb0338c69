//! What a call stack has used of the three things that nesting uses up.
//!
//! | | bound | beyond it |
//! |---|---|---|
//! | calls | [`CALL_DEPTH_MAX`] | `send` answers `LimitExceeded` |
//! | guest stack | [`STACK_ELEMENTS_MAX`] over all calls | `send` answers `LimitExceeded` |
//! | memory, tables, open blocks | [`MEMORY_BYTES_MAX`] over all calls | `memory.grow` answers −1, `block_create`, `block_open` and `send` answer `LimitExceeded`, a fresh instance exits with 4 |
//!
//! All three are counted from the wasm code alone, so every machine finds the same bound. An element stands for more native stack than
//! any compiler should need for it (`shape.rs`), so that the machine's own stack does not decide. Should a compiler need more all the same,
//! a call is refused as for the second row while [`RESERVED_BYTES`] of the thread are left: no guest ends the process.

use std::cell::Cell;

/// Calls on the stack, the message's own included. Source: ref-fvm 4.8 `NetworkConfig`.
pub const CALL_DEPTH_MAX: u32 = 1_024;

/// Bytes of native stack that an element stands for.
pub const ELEMENT_BYTES: usize = 16;

/// Stack elements of one invocation: 2 MiB of native stack. See `instrument.rs`.
pub const STACK_ELEMENTS_PER_CALL_MAX: u32 = 128 << 10;

/// Stack elements of all invocations on the call stack: 64 MiB of native stack, 4,096 elements each for the deepest stack of calls.
pub const STACK_ELEMENTS_MAX: u32 = 4_096 * CALL_DEPTH_MAX;

/// Bytes of native stack that one invocation's guest code may use: four times what its elements stand for, since compilers do not promise
/// to lay values out well.
pub(crate) const INVOCATION_STACK_BYTES: usize = 8 << 20;

/// Memory, tables and open blocks of all invocations on the call stack: 512 MiB, as much as one instance may have alone. The reference takes 2 GiB, and runs one
/// message at a time; here each of a block's workers may have as much, and what fills it costs a message a thirtieth of a block.
///
/// An open block counts for its bytes, 128 more and 96 for each of its links; one that its call did not make itself for as much again for the
/// links, which it may open. Of parameters, which who sends them holds, the latter alone is the callee's.
pub const MEMORY_BYTES_MAX: u64 = 512 << 20;

/// The same for a call that somebody only asks for, at no price: of those as many as eight run at once.
pub const ASKED_MEMORY_BYTES_MAX: u64 = 128 << 20;

/// Memory of one instance: 512 MiB. Source: ref-fvm 4.8.
pub const INSTANCE_MEMORY_BYTES_MAX: u64 = 512 << 20;

/// Native stack that a thread which calls [`crate::invoke`] must have: 384 MiB, of which only what is
/// touched is ever resident.
///
/// Two thirds of it are four times what [`STACK_ELEMENTS_MAX`] stand for, since an invocation that took more than four times its own would have ended at
/// its own stack; the rest is for [`CALL_DEPTH_MAX`] times through the host. So what is reserved is never reached by guests
/// alone.
pub const NATIVE_STACK_BYTES: usize = 384 << 20;

/// Native stack that must be left for one more call: an invocation's, and the host's around it.
const RESERVED_BYTES: usize = INVOCATION_STACK_BYTES + (2 << 20);

thread_local! {
    /// Where the first call on this thread found its stack.
    static BOTTOM: Cell<usize> = const { Cell::new(0) };
}

/// Whether the thread has [`RESERVED_BYTES`] left. Stacks grow towards lower addresses on every machine that the engine compiles for.
#[inline(never)]
fn has_native_stack() -> bool {
    let mark = std::hint::black_box(0_u8);
    let here = std::ptr::from_ref(&mark).addr();
    let bottom = BOTTOM.get().max(here);
    BOTTOM.set(bottom);
    bottom - here <= NATIVE_STACK_BYTES - RESERVED_BYTES
}

/// A call's place on the call stack, and what the calls below it hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallStack {
    depth: u32,
    elements: u32,
    memory_bytes: u64,
}

impl CallStack {
    /// The message's own call, at depth 1.
    pub const fn bottom() -> Self {
        Self { depth: 1, elements: 0, memory_bytes: 0 }
    }

    /// The same for a call that somebody only asks for, which has [`ASKED_MEMORY_BYTES_MAX`].
    pub const fn bottom_of_asked() -> Self {
        Self { memory_bytes: MEMORY_BYTES_MAX - ASKED_MEMORY_BYTES_MAX, ..Self::bottom() }
    }

    /// The place of a call made from here, when the calling instance holds this much beyond what
    /// the calls below it hold. `None`: too deep.
    ///
    /// A native actor or an EVM contract holds nothing: `enter(0, 0)`.
    pub fn enter(self, elements: u32, memory_bytes: u64) -> Option<Self> {
        let elements = self.elements.saturating_add(elements);
        if self.depth >= CALL_DEPTH_MAX || elements > STACK_ELEMENTS_MAX || !has_native_stack() {
            return None;
        }
        let memory_bytes = self.memory_bytes.saturating_add(memory_bytes);
        Some(Self { depth: self.depth + 1, elements, memory_bytes })
    }

    /// Calls on the stack, this one included.
    pub const fn depth(self) -> u32 {
        self.depth
    }

    /// Bytes of memory that this call may have beside those held below it.
    pub(crate) const fn memory_bytes_left(self) -> u64 {
        MEMORY_BYTES_MAX.saturating_sub(self.memory_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_nest_to_the_depth_and_no_further() {
        let mut stack = CallStack::bottom();
        for depth in 2..=CALL_DEPTH_MAX {
            stack = stack.enter(4_096, 0).unwrap();
            assert_eq!(stack.depth(), depth);
        }
        assert_eq!(stack.enter(0, 0), None);
    }

    #[test]
    fn deep_guests_nest_less_deep() {
        let mut stack = CallStack::bottom();
        while let Some(next) = stack.enter(STACK_ELEMENTS_PER_CALL_MAX, 0) {
            stack = next;
        }
        assert_eq!(stack.depth(), 1 + STACK_ELEMENTS_MAX / STACK_ELEMENTS_PER_CALL_MAX);
    }

    #[test]
    fn memory_below_is_missing_above() {
        let stack = CallStack::bottom().enter(0, 3 << 20).unwrap();
        assert_eq!(stack.memory_bytes_left(), MEMORY_BYTES_MAX - (3 << 20));
    }
}
