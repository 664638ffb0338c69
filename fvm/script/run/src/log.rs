//! What the actor saw: for each op its error number, then the length of its result and the result.

use fvm_sdk::sys;
use fvm_shared::error::ErrorNumber;

/// Codec of what the actor returns.
const RAW: u64 = 0x55;

/// The log of one invocation.
#[derive(Default)]
pub struct Log(Vec<u8>);

impl Log {
    pub(crate) fn error(&mut self, number: ErrorNumber) {
        self.0.extend((number as u32).to_le_bytes());
    }

    pub(crate) fn result(&mut self, bytes: &[u8]) {
        self.0.extend(0u32.to_le_bytes());
        self.0.extend((bytes.len() as u32).to_le_bytes());
        self.0.extend(bytes);
    }

    /// Logs an error number, and with 0 a result.
    pub fn numbered(&mut self, number: u32, result: &[u8]) {
        if number == 0 { self.result(result) } else { self.0.extend(number.to_le_bytes()) }
    }

    /// Logs a plain structure of the ABI by its bytes.
    pub(crate) fn outcome<T>(&mut self, outcome: Result<T, ErrorNumber>) {
        match outcome {
            Ok(value) => {
                // SAFETY: results of syscalls are packed numbers and arrays of bytes: every byte is initialised.
                let bytes = unsafe { std::slice::from_raw_parts((&raw const value).cast::<u8>(), size_of::<T>()) };
                self.result(bytes);
            }
            Err(number) => self.error(number),
        }
    }

    pub(crate) fn into_block(self) -> u32 {
        // SAFETY: pointer and length are a vector's.
        let block = unsafe { sys::ipld::block_create(RAW, self.0.as_ptr(), self.0.len() as u32) };
        block.expect("a log is a small raw block")
    }
}
