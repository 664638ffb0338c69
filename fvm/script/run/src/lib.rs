//! What the script actors do: what their parameters say, by every syscall of the FVM, and end in every bad way.
//!
//! Any method runs the script in the parameters; without parameters it does nothing. See `tributary_script`. A contract's call brings
//! the script as call data: a byte string around it.
//!
//! What is no syscall of the FVM the actor brings itself. The imports are the public `fvm_sdk`'s, called without its wrappers, so that a script can pass arguments that no wrapper would.
#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "syscalls are foreign functions")]
#![allow(clippy::as_conversions, reason = "lengths and addresses are 32-bit here")]

mod crypto;
mod ipld;
mod limits;
mod log;
mod more;
mod send;

use fvm_ipld_encoding::BytesDe;
use fvm_sdk::sys;
use tributary_script::{CidArg, Op, Script};

pub use log::Log;

/// The method by which a contract calls. Source: FRC-0042, of the name `InvokeEVM`.
const INVOKE_EVM: u64 = 3_844_450_837;

/// What one invocation remembers between ops.
pub(crate) struct Run {
    log: Log,
    latest: Vec<u8>,
    params: u32,
    beyond: Beyond,
}

/// Does an op that is no syscall of the FVM.
type Beyond = fn(Op, &mut Log);

/// Whether to go on.
pub(crate) enum Next {
    Go,
    Return(u32),
}

/// Runs the script in the parameters; `beyond` does what is no syscall of the FVM. Answers the block to return.
pub fn run(params: u32, beyond: Beyond) -> u32 {
    fvm_sdk::initialize();
    if params == fvm_sdk::NO_DATA_BLOCK_ID {
        return fvm_sdk::NO_DATA_BLOCK_ID;
    }
    let mut run = Run { log: Log::default(), latest: Vec::new(), params, beyond };
    for op in script(params).0 {
        if let Next::Return(block) = run.step(op) {
            return block;
        }
    }
    run.log.into_block()
}

fn script(params: u32) -> Script {
    let block = fvm_sdk::message::params_raw(params).expect("the parameters are there").expect("the handle is not 0");
    let BytesDe(data) = match fvm_sdk::message::method_number() {
        INVOKE_EVM => fvm_ipld_encoding::from_slice(&block.data).expect("call data is a byte string"),
        _ => BytesDe(block.data),
    };
    fvm_ipld_encoding::from_slice(&data).expect("the parameters are a script")
}

impl Run {
    fn step(&mut self, op: Op) -> Next {
        match op {
            Op::Return(block) => return Next::Return(block),
            op @ (Op::Open(_)
            | Op::Create { .. }
            | Op::CreateLarge { .. }
            | Op::CreateAt { .. }
            | Op::Read { .. }
            | Op::Stat(_)
            | Op::Link { .. }
            | Op::Root { .. }
            | Op::SetRoot(_)
            | Op::Write(_)
            | Op::ReadState) => self.ipld(op),
            op @ (Op::VerifySignature { .. }
            | Op::VerifyAggregate { .. }
            | Op::Recover { .. }
            | Op::Hash { .. }
            | Op::HashAt { .. }) => self.crypto(op),
            op @ (Op::Send(_)
            | Op::MessageContext
            | Op::Exit { .. }
            | Op::ExitWithLog(_)
            | Op::CallBack
            | Op::BadPlace(_)) => self.send(op),
            op @ (Op::Spin(_)
            | Op::Recurse(_)
            | Op::Grow(_)
            | Op::Fill(_)
            | Op::Float(..)
            | Op::Unreachable
            | Op::Divide(..)
            | Op::Load(_)
            | Op::Panic) => self.limits(op),
            op @ (Op::EntryGet { .. } | Op::EntrySet { .. } | Op::EntryDelete(_)) => (self.beyond)(op, &mut self.log),
            op => self.more(op),
        }
        Next::Go
    }

    /// A CID's bytes with room after them, and where they are.
    fn cid<T>(&self, cid: &CidArg, ask: impl FnOnce(*const u8) -> T) -> T {
        let mut buffer = [0u8; 128];
        let bytes = match cid {
            CidArg::At(address) => return ask(*address as usize as *const u8),
            CidArg::Given(bytes) => &bytes.0,
            CidArg::Latest => &self.latest,
        };
        buffer[..bytes.len()].copy_from_slice(bytes);
        ask(buffer.as_ptr())
    }

    /// Asks for bytes in a buffer of `len`, and logs as many as came.
    fn bytes(&mut self, len: u32, ask: impl FnOnce(*mut u8) -> Result<u32, sys::ErrorNumber>) {
        let mut buffer = vec![0u8; len as usize];
        match ask(buffer.as_mut_ptr()) {
            Ok(written) => {
                buffer.truncate(written as usize);
                self.log.result(&buffer);
                self.latest = buffer;
            }
            Err(number) => self.log.error(number),
        }
    }
}
