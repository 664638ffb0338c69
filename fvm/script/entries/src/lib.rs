//! The script actor of this network: what `tributary_script_run` does, and entries.
#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "syscalls are foreign functions, and the host finds the entry point by its name")]
#![allow(clippy::as_conversions, reason = "lengths are 32-bit here")]

use tributary_script::Op;
use tributary_script_run::Log;

#[link(wasm_import_module = "tributary")]
unsafe extern "C" {
    fn entry_get(result: *mut i32, key: *const u8, key_len: u32, buffer: *mut u8, buffer_len: u32) -> u32;
    fn entry_set(key: *const u8, key_len: u32, value: *const u8, value_len: u32) -> u32;
    fn entry_delete(key: *const u8, key_len: u32) -> u32;
}

/// The entry point.
#[unsafe(no_mangle)]
pub extern "C" fn invoke(params: u32) -> u32 {
    tributary_script_run::run(params, entries)
}

fn entries(op: Op, log: &mut Log) {
    // SAFETY: pointers and lengths are those of live buffers.
    unsafe {
        match op {
            Op::EntryGet { key, out_len } => {
                let (mut buffer, mut len) = (vec![0; out_len as usize], 0);
                let number = entry_get(&raw mut len, key.0.as_ptr(), key.0.len() as u32, buffer.as_mut_ptr(), out_len);
                // The length, and as much of the value as there is room for.
                buffer.truncate(usize::try_from(len).unwrap_or_default());
                log.numbered(number, &[&len.to_le_bytes(), &buffer[..]].concat());
            }
            Op::EntrySet { key, value } => {
                let (key, value) = (key.0, value.0);
                let number = entry_set(key.as_ptr(), key.len() as u32, value.as_ptr(), value.len() as u32);
                log.numbered(number, &[]);
            }
            Op::EntryDelete(key) => log.numbered(entry_delete(key.0.as_ptr(), key.0.len() as u32), &[]),
            _ => {}
        }
    }
}
