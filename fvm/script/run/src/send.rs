//! `send`, `vm`, and results without a place.

use fvm_sdk::sys;
use fvm_sdk::sys::send::SendFlags;
use tributary_script::{BadPlace, Op, Params, SendOp};

use crate::Run;

/// Codec of a script.
const CBOR: u64 = 0x51;
/// An address that no memory of ours reaches.
const NOWHERE: usize = 0xffff_fff0;
const NO_GAS_LIMIT: u64 = u64::MAX;

impl Run {
    pub(crate) fn send(&mut self, op: Op) {
        match op {
            Op::Send(send) => self.send_to(send),
            // SAFETY: takes no pointer.
            Op::MessageContext => self.log.outcome(unsafe { sys::vm::message_context() }),
            Op::Exit { code, block, message } => {
                // SAFETY: pointer and length are a vector's.
                unsafe { sys::vm::exit(code, block, message.0.as_ptr(), message.0.len() as u32) }
            }
            Op::ExitWithLog(code) => {
                let block = std::mem::take(&mut self.log).into_block();
                // SAFETY: no message.
                unsafe { sys::vm::exit(code, block, std::ptr::null(), 0) }
            }
            Op::CallBack => self.call_back(),
            Op::BadPlace(place) => self.bad_place(place),
            _ => {}
        }
    }

    fn send_to(&mut self, send: SendOp) {
        let params = match &send.params {
            Params::Block(block) => *block,
            Params::Script(script) => {
                let data = fvm_ipld_encoding::to_vec(script).expect("a script encodes");
                // SAFETY: pointer and length are a vector's.
                let block = unsafe { sys::ipld::block_create(CBOR, data.as_ptr(), data.len() as u32) };
                block.expect("a script is a small block")
            }
        };
        // SAFETY: pointer and length are a vector's.
        let sent = unsafe {
            sys::send::send(
                send.to.0.as_ptr(),
                send.to.0.len() as u32,
                send.method,
                params,
                send.value.0,
                send.value.1,
                send.gas_limit,
                SendFlags::from_bits_retain(send.flags),
            )
        };
        self.log.outcome(sent);
        if let (Ok(sent), true) = (sent, send.read) {
            self.ipld(Op::Read { block: sent.return_id, offset: 0, len: sent.return_size });
        }
    }

    fn call_back(&mut self) {
        let caller = fvm_shared::address::Address::new_id(fvm_sdk::message::caller());
        let send = SendOp {
            to: caller.to_bytes().into(),
            method: 2,
            params: Params::Block(self.params),
            value: (0, 0),
            gas_limit: NO_GAS_LIMIT,
            flags: 0,
            read: true,
        };
        self.send_to(send);
    }

    fn bad_place(&mut self, place: BadPlace) {
        let mut buffer = [0u8; 128];
        let to = [0u8, 99];
        // SAFETY: buffers are live; the place for the result is the host's to refuse.
        let number = unsafe {
            match place {
                BadPlace::Stat => raw::block_stat(NOWHERE, 1),
                BadPlace::Gas => raw::available(NOWHERE),
                BadPlace::Root => raw::root(NOWHERE, buffer.as_mut_ptr(), 100),
                BadPlace::Context => raw::message_context(NOWHERE),
                BadPlace::Send => raw::send(NOWHERE, to.as_ptr(), 2, 0, 0, 0, 0, NO_GAS_LIMIT, 0),
            }
        };
        self.log.outcome(Ok(number));
    }
}

/// Syscalls with a say in where the result goes.
mod raw {
    #[link(wasm_import_module = "ipld")]
    unsafe extern "C" {
        pub(super) fn block_stat(result: usize, block: u32) -> u32;
    }
    #[link(wasm_import_module = "gas")]
    unsafe extern "C" {
        pub(super) fn available(result: usize) -> u32;
    }
    #[link(wasm_import_module = "self")]
    unsafe extern "C" {
        pub(super) fn root(result: usize, out: *mut u8, len: u32) -> u32;
    }
    #[link(wasm_import_module = "vm")]
    unsafe extern "C" {
        pub(super) fn message_context(result: usize) -> u32;
    }
    #[link(wasm_import_module = "send")]
    unsafe extern "C" {
        #[allow(clippy::too_many_arguments, reason = "the syscall has as many")]
        pub(super) fn send(
            result: usize,
            to: *const u8,
            to_len: u32,
            method: u64,
            params: u32,
            value_hi: u64,
            value_lo: u64,
            gas_limit: u64,
            flags: u64,
        ) -> u32;
    }
}
