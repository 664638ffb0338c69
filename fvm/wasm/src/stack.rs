//! What a call stack has used of the three things that nesting uses up.
//!
//! | | bound | beyond it |
//! |---|---|---|
//! | calls | [`CALL_DEPTH_MAX`] | `send` answers `LimitExceeded` |
//! | guest stack | [`STACK_ELEMENTS_MAX`] over all calls | `send` answers `LimitExceeded` |
//! | memory | [`MEMORY_BYTES_MAX`] over all calls | `memory.grow` answers −1, a fresh instance exits with 4 |
//!
//! All three are counted from the wasm code alone, so every machine finds the same bound. The native
//! stack is not counted; [`NATIVE_STACK_BYTES`] is what the thread needs so that it never decides.

/// Calls on the stack, the message's own included. Source: ref-fvm 4.8 `NetworkConfig`.
pub const CALL_DEPTH_MAX: u32 = 1_024;

/// Stack elements (locals and operands, and two a call) of one invocation. See `instrument.rs`.
pub const STACK_ELEMENTS_PER_CALL_MAX: u32 = 8_192;

/// Stack elements of all invocations on the call stack: 512 each for the deepest stack of calls.
pub const STACK_ELEMENTS_MAX: u32 = 512 * CALL_DEPTH_MAX;

/// Memory and tables of all invocations on the call stack: 2 GiB. Source: ref-fvm 4.8.
pub const MEMORY_BYTES_MAX: u64 = 2 << 30;

/// Memory of one instance: 512 MiB. Source: ref-fvm 4.8.
pub const INSTANCE_MEMORY_BYTES_MAX: u64 = 512 << 20;

/// Native stack that a thread which calls [`crate::invoke`] must have: 128 MiB, of which only what is
/// touched is ever resident.
///
/// A stack element is 8 bytes of native frame, and at most about 50 where frames are small (a call counts
/// two elements for its return address, frame pointer and alignment), so [`STACK_ELEMENTS_MAX`] of
/// them are 25 MiB; the rest is for [`CALL_DEPTH_MAX`] times through the host.
pub const NATIVE_STACK_BYTES: usize = 128 << 20;

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

    /// The place of a call made from here, when the calling instance holds this much beyond what
    /// the calls below it hold. `None`: too deep.
    ///
    /// A native actor or an EVM contract holds nothing: `enter(0, 0)`.
    pub fn enter(self, elements: u32, memory_bytes: u64) -> Option<Self> {
        let elements = self.elements.saturating_add(elements);
        if self.depth >= CALL_DEPTH_MAX || elements > STACK_ELEMENTS_MAX {
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
            stack = stack.enter(512, 0).unwrap();
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
