//! Entries, safe to use. Copy this file to use them.
//!
//! An entry is a key of 1 to 64 bytes and a value of 0 to 1,024, the actor's own. Calls that touch different entries can run at the
//! same time; calls that change the state root cannot.

use fvm_sdk::vm::abort;
use fvm_shared::error::ExitCode;

#[link(wasm_import_module = "tributary")]
unsafe extern "C" {
    /// Writes the value's length to `result`, -1 for no entry, and as much of the value to `buffer` as it takes.
    fn entry_get(result: *mut i32, key: *const u8, key_len: u32, buffer: *mut u8, buffer_len: u32) -> u32;
    fn entry_set(key: *const u8, key_len: u32, value: *const u8, value_len: u32) -> u32;
    fn entry_delete(key: *const u8, key_len: u32) -> u32;
}

/// The value under a key.
pub(crate) fn get<const N: usize>(key: &[u8]) -> Option<[u8; N]> {
    let (mut len, mut value) = (0, [0; N]);
    // SAFETY: pointers and lengths are those of live buffers.
    let number = unsafe { entry_get(&raw mut len, key.as_ptr(), size(key), value.as_mut_ptr(), size(&value)) };
    check(number);
    match usize::try_from(len) {
        Ok(len) if len == N => Some(value),
        Ok(_) => abort(ExitCode::USR_ILLEGAL_STATE.value(), Some("an entry has another length than was set")),
        Err(_) => None,
    }
}

/// Sets the value under a key.
pub(crate) fn set(key: &[u8], value: &[u8]) {
    // SAFETY: as above.
    check(unsafe { entry_set(key.as_ptr(), size(key), value.as_ptr(), size(value)) });
}

/// Deletes what is under a key, if anything is.
pub(crate) fn delete(key: &[u8]) {
    // SAFETY: as above.
    check(unsafe { entry_delete(key.as_ptr(), size(key)) });
}

/// A call that the host refuses must not look like a success. With keys and values within their bounds, it refuses what is read-only.
fn check(number: u32) {
    if number != 0 {
        abort(ExitCode::USR_READ_ONLY.value(), Some("a read-only call changes no entry"));
    }
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("memory has 32-bit addresses")
}
