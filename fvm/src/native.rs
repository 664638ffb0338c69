//! The built-in actors, run natively: method numbers and states are Filecoin's, so that its tools and actors meet no surprise.
//!
//! | actor | method 1 | others |
//! |---|---|---|
//! | system | refuses: genesis makes the one there is | – |
//! | init | refuses, as above | 2 `Exec`, `InstallCode`: see [`init`] |
//! | cron | refuses, as above | 2 `EpochTick`: see [`cron`] |
//! | multisig | for the init actor alone | 2 to 9, `Receive`: see [`multisig`]; others from 2²⁴ on accepts |
//! | reward | refuses, as for init | from 2²⁴ on accepts; Filecoin's 2 to 4 refuses: there is no block reward to reckon |
//! | account | refuses: a send to its key makes it | 2 `PubkeyAddress`, 2643134072 `AuthenticateMessage`; from 2²⁴ on accepts |
//! | Ethereum account | refuses | `InvokeEVM` runs its delegate (EIP-7702), if it has one; others from 2²⁴ on accepts |
//! | placeholder | accepts | accepts |
//! | contract | refuses | see [`contract`] |
//! | Ethereum address manager | refuses | 2 `Create`, 3 `Create2`, 4 `CreateExternal`: see [`eam`] |
//!
//! Ids below 100 are given by genesis alone, so nobody else can have them:
//!
//! | id | actor | what is sent there |
//! |---|---|---|
//! | 0, 1, 3, 10 | system, init, cron, Ethereum address manager | stays there for good, as on Filecoin; a contract's or Ethereum account's payment is refused |
//! | 2 | reward | goes to the block's proposer at the block's end, with the tips |
//! | 98 | entries, once there are any: no transaction sees it | refused, as for the rest |
//! | 99 | burnt funds, an account without a key | is burnt: it circulates no more |
//! | the rest | none | refused: no such receiver (5), the value stays with its sender |
//!
//! To accept is to return nothing with exit code 0; to refuse is exit code 22, `USR_UNHANDLED_MESSAGE`. Value without a method arrives.
//!
//! Gas: as for a WASM actor's invocation and return, and what each method's work costs. There are no instructions to count. Parameters are
//! paid for before anything is done, whatever the method: 10 gas a byte, as for a block that is created, since no method copies them oftener.
//! What more than copies them has its own price, paid before: hashing, verifying, compiling.

pub(crate) mod account;
mod contract;
pub(crate) mod cron;
mod eam;
mod init;
pub(crate) mod multisig;
mod store;

use fvm_ipld_encoding::{BytesDe, BytesSer, CBOR};
use fvm_shared::ActorID;
use fvm_shared::error::ExitCode;
use serde::Serialize;
use tributary_primitives::actors::BuiltinActor;
use tributary_wasm::{Block, Gas, GasTracker, Halt, Send, SendOutcome, SyscallError, prices};

use crate::evm::INVOKE_EVM;
use crate::kernel::{Kernel, Returned};
use crate::state::StateView;

/// First method number that an account accepts without knowing it.
///
/// Source: FRC-0042, "Calling convention for hashed method name"; FIP-0050.
const FIRST_EXPORTED_METHOD: u64 = 1 << 24;

/// How a native method ended.
type Answer = Result<Option<Block>, Refusal>;

/// Why a native method did not do what it was asked.
pub(crate) enum Refusal {
    /// The actor aborts.
    Exit(ExitCode),
    /// It aborts, and says something with it.
    Said(ExitCode, Block),
    /// The call unwinds.
    Halt(Halt),
}

impl From<SyscallError> for Refusal {
    /// An actor whose syscall is rejected aborts, as Filecoin's do.
    fn from(error: SyscallError) -> Self {
        match error {
            SyscallError::Rejected(_) => Self::Exit(ExitCode::USR_ILLEGAL_STATE),
            SyscallError::Halt(halt) => Self::Halt(halt),
        }
    }
}

/// Runs a built-in actor.
pub(crate) fn invoke<V: StateView>(
    kernel: Box<Kernel<V>>,
    actor: BuiltinActor,
    receiver: ActorID,
    send: Send,
    gas: &mut GasTracker,
) -> Returned<V, SendOutcome> {
    if let Err(out) = gas.charge(price(send.params.as_ref())) {
        return (kernel, Err(out.into()));
    }
    let depth = send.stack.depth();
    let (kernel, answer) = answer(kernel, actor, receiver, send, gas);
    (kernel, outcome_of(answer, depth, gas))
}

/// What every call of a built-in actor pays ahead.
fn price(params: Option<&Block>) -> Gas {
    let (bytes, links) = params.map_or((0, 0), |params| (params.size(), params.links().len()));
    prices::invocation(links) + prices::block_create(bytes, 0)
}

fn answer<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    actor: BuiltinActor,
    receiver: ActorID,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let is_exported = send.method >= FIRST_EXPORTED_METHOD;
    let answer = match actor {
        BuiltinActor::Init => return init::invoke(kernel, send, gas),
        BuiltinActor::Evm => return contract::invoke(kernel, receiver, send, gas),
        BuiltinActor::EthAccount if send.method == INVOKE_EVM => return contract::invoke(kernel, receiver, send, gas),
        BuiltinActor::EthereumAddressManager => return eam::invoke(kernel, send, gas),
        BuiltinActor::Multisig => return multisig::invoke(kernel, receiver, send, gas),
        BuiltinActor::Cron => return cron::invoke(kernel, &send, gas),
        BuiltinActor::Account => account::invoke(&mut kernel, receiver, &send, gas),
        BuiltinActor::EthAccount | BuiltinActor::Reward if is_exported => Ok(None),
        BuiltinActor::Placeholder => Ok(None),
        BuiltinActor::System | BuiltinActor::EthAccount | BuiltinActor::Reward | BuiltinActor::Entries => unhandled(),
    };
    (kernel, answer)
}

fn unhandled() -> Answer {
    Err(Refusal::Exit(ExitCode::USR_UNHANDLED_MESSAGE))
}

fn outcome_of(answer: Answer, depth: u32, gas: &mut GasTracker) -> Result<SendOutcome, SyscallError> {
    let outcome = match answer {
        Ok(return_block) => SendOutcome { exit_code: ExitCode::OK, return_block },
        Err(Refusal::Exit(exit_code)) => SendOutcome { exit_code, return_block: None },
        Err(Refusal::Said(exit_code, said)) => SendOutcome { exit_code, return_block: Some(said) },
        Err(Refusal::Halt(halt)) => return Err(halt.into()),
    };
    if let Some(block) = &outcome.return_block {
        gas.charge(prices::invocation_return(depth, block.size(), block.links().len()))?;
    }
    Ok(outcome)
}

/// A return value.
fn cbor<T: Serialize>(value: &T) -> Answer {
    let bytes = fvm_ipld_encoding::to_vec(value).map_err(|_| Refusal::Exit(ExitCode::USR_SERIALIZATION))?;
    Block::new(CBOR, bytes).map(Some).map_err(|_| Refusal::Exit(ExitCode::USR_SERIALIZATION))
}

/// Bytes, as a CBOR byte string.
fn byte_string(bytes: &[u8]) -> Result<Block, Refusal> {
    let too_long = |_| Refusal::Exit(ExitCode::USR_SERIALIZATION);
    let bytes = fvm_ipld_encoding::to_vec(&BytesSer(bytes)).expect("bytes have a CBOR form");
    Block::new(CBOR, bytes).map_err(too_long)
}

/// Parameters that are a byte string; none stand for an empty one.
fn bytes_of(send: &Send) -> Result<Vec<u8>, Refusal> {
    if send.params.is_none() {
        return Ok(Vec::new());
    }
    params::<BytesDe>(send).map(|bytes| bytes.0)
}

/// Parameters that a method must have.
fn params<T: serde::de::DeserializeOwned>(send: &Send) -> Result<T, Refusal> {
    let bytes = send.params.as_ref().map(|params| params.data());
    let bytes = bytes.ok_or(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT))?;
    fvm_ipld_encoding::from_slice(bytes).map_err(|_| Refusal::Exit(ExitCode::USR_SERIALIZATION))
}
