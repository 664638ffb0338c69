//! An actor that does what its parameters say, by the syscalls of the FVM: see `tributary_script_run`.
//!
//! It imports nothing else, so that the reference runs it too.
#![cfg(target_arch = "wasm32")]

/// The entry point.
#[expect(unsafe_code, reason = "the host finds the entry point by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn invoke(params: u32) -> u32 {
    tributary_script_run::run(params, |_, _| ())
}
