//! The precompiled contracts by which a contract reaches actors.
//!
//! | address | name | call data | answer |
//! |---|---|---|---|
//! | `0xfe…01` | resolve_address | an address of any kind, as bytes | its id as a word; empty if nobody has it |
//! | `0xfe…02` | lookup_delegated_address | id, a word | the actor's f4 address as bytes; empty if it has none |
//! | `0xfe…03` | call_actor | `(uint64 method, uint256 value, uint64 flags, uint64 codec, bytes params, bytes address)` | `(int256 exit, uint64 codec, bytes data)` |
//! | `0xfe…05` | call_actor_id | the same with `uint64 id` for the address | the same |
//! | `0xfe…06` | get_randomness | epoch, a word | 32 bytes |
//!
//! The two that call are called by `DELEGATECALL`, so that they act in the contract's own name, and answer also when the actor aborted:
//! its exit code is positive; negative is the number of the rule by which the call could not be made. Flag 1 is read-only. Codecs: 0 for
//! no parameters, `0x51` CBOR, `0x71` DAG-CBOR, `0x55` raw. DAG-CBOR with a link to a block is refused: a contract opens no block, so there is
//! none that it could know to be there.
//!
//! A call pays for its data before it is looked at (see `crossing`), and 35 FVM gas for each item of DAG-CBOR, 400 for each CID, as in the
//! syscall `block_create`. Data that is no such call reverts, with what gas is left.
//!
//! Source: FIP-0054, "FEVM-specific precompiles"; filecoin-solidity, `contracts/v0.8/utils/Actor.sol`, for the layouts in use.

use std::borrow::Cow;

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use fvm_shared::sys::SendFlags;
use revm::interpreter::{CallInputs, InstructionResult, InterpreterResult};
use revm::primitives::{Address as EvmAddress, Bytes, U256, address};
use tributary_primitives::EthAddress;
use tributary_wasm::{Access, Block, CallStack, GasTracker, Host, RandomnessSource, Send, SendOutcome, SyscallError};

use super::EvmContext;
use super::abi::{self, Value};
use super::crossing::{cross, refuse};
use crate::kernel::{Kernel, Returned, fatal, rejected};
use crate::money;
use crate::state::StateView;

const RESOLVE_ADDRESS: EvmAddress = address!("fe00000000000000000000000000000000000001");
const LOOKUP_DELEGATED_ADDRESS: EvmAddress = address!("fe00000000000000000000000000000000000002");
const CALL_ACTOR: EvmAddress = address!("fe00000000000000000000000000000000000003");
const CALL_ACTOR_ID: EvmAddress = address!("fe00000000000000000000000000000000000005");
const GET_RANDOMNESS: EvmAddress = address!("fe00000000000000000000000000000000000006");

/// All of them by name.
pub(super) const ALL: [(&str, EvmAddress); 5] = [
    ("RESOLVE_ADDRESS", RESOLVE_ADDRESS),
    ("LOOKUP_DELEGATED_ADDRESS", LOOKUP_DELEGATED_ADDRESS),
    ("CALL_ACTOR", CALL_ACTOR),
    ("CALL_ACTOR_ID", CALL_ACTOR_ID),
    ("GET_RANDOMNESS", GET_RANDOMNESS),
];

/// Whether this is the address of one.
pub(super) const fn is_one(address: EvmAddress) -> bool {
    matches!(address, RESOLVE_ADDRESS | LOOKUP_DELEGATED_ADDRESS | CALL_ACTOR | CALL_ACTOR_ID | GET_RANDOMNESS)
}

/// Runs the one with this address; `None` for any other callee.
pub(super) fn run<V: StateView>(
    context: &mut EvmContext<V>,
    inputs: &CallInputs,
) -> Result<Option<InterpreterResult>, String> {
    let address = inputs.bytecode_address;
    if !is_one(address) {
        return Ok(None);
    }
    match address {
        CALL_ACTOR | CALL_ACTOR_ID => call(context, inputs, address == CALL_ACTOR_ID),
        _ => ask(context, inputs),
    }
    .map(Some)
}

fn ask<V: StateView>(context: &mut EvmContext<V>, inputs: &CallInputs) -> Result<InterpreterResult, String> {
    let crossed = cross(context, inputs, |mut kernel, data, _, gas| {
        let answer = match inputs.bytecode_address {
            RESOLVE_ADDRESS => resolve(&mut kernel, data),
            LOOKUP_DELEGATED_ADDRESS => delegated(&mut kernel, data, gas),
            _ => randomness(&mut kernel, data),
        };
        (kernel, answer)
    });
    match crossed {
        Some(crossed) => crossed.end(|answer| (InstructionResult::Return, answer)),
        None => Ok(refuse(inputs, TOO_DEEP)),
    }
}

const TOO_DEEP: &str = "the call stack is too deep";

fn resolve<V: StateView>(kernel: &mut Kernel<V>, data: &[u8]) -> Result<Bytes, SyscallError> {
    let Ok(address) = Address::from_bytes(data) else { return Ok(Bytes::new()) };
    let id = kernel.journal().resolve(&address).map_err(fatal)?;
    Ok(id.map(|id| Bytes::copy_from_slice(&U256::from(id).to_be_bytes::<32>())).unwrap_or_default())
}

fn delegated<V: StateView>(kernel: &mut Kernel<V>, data: &[u8], gas: &mut GasTracker) -> Result<Bytes, SyscallError> {
    let Some(id) = abi::number(data, 0) else { return Ok(Bytes::new()) };
    kernel.charge_access(id, Access::Read, gas)?;
    let actor = kernel.journal().actor(id).map_err(fatal)?;
    Ok(actor.and_then(|actor| actor.delegated).map(|address| address.to_bytes().into()).unwrap_or_default())
}

fn randomness<V: StateView>(kernel: &mut Box<Kernel<V>>, data: &[u8]) -> Result<Bytes, SyscallError> {
    let epoch = abi::number(data, 0).and_then(|epoch| i64::try_from(epoch).ok());
    let Some(epoch) = epoch else { return Ok(Bytes::new()) };
    let drawn = kernel.randomness(RandomnessSource::Chain, epoch)?;
    Ok(drawn.map(|drawn| Bytes::copy_from_slice(&drawn)).unwrap_or_default())
}

/// A call as its data describes it.
struct Asked {
    method: u64,
    value: TokenAmount,
    is_read_only: bool,
    params: Option<Block>,
    to: Address,
}

/// What became of a call that was paid for.
enum Called {
    Ended(SendOutcome),
    /// By a rule it cannot be made. That is an answer too.
    Refused(ErrorNumber),
    /// Its data is none.
    Unread(Cow<'static, str>),
}

fn call<V: StateView>(
    context: &mut EvmContext<V>,
    inputs: &CallInputs,
    is_by_id: bool,
) -> Result<InterpreterResult, String> {
    if !inputs.scheme.is_delegate_call() {
        return Ok(refuse(inputs, "an actor is called by delegatecall"));
    }
    let contract = EthAddress(inputs.target_address.0.0);
    let crossed = cross(context, inputs, |kernel, data, stack, gas| {
        let asked = match read(data, is_by_id, gas) {
            Ok(asked) => asked,
            Err(SyscallError::Rejected(why)) => return (kernel, Ok(Called::Unread(why.reason))),
            Err(halt) => return (kernel, Err(halt)),
        };
        let (kernel, result) = send(kernel, contract, asked, inputs.is_static, stack, gas);
        let result = match result {
            Ok(outcome) => Ok(Called::Ended(outcome)),
            Err(SyscallError::Rejected(why)) => Ok(Called::Refused(why.number)),
            Err(halt) => Err(halt),
        };
        (kernel, result)
    });
    match crossed {
        Some(crossed) => crossed.end(answer),
        None => Ok(refuse(inputs, TOO_DEEP)),
    }
}

/// Rejects data that describes no call.
fn read(data: &[u8], is_by_id: bool, gas: &mut GasTracker) -> Result<Asked, SyscallError> {
    let unless = |why| move || rejected(ErrorNumber::IllegalArgument, why);
    let short = unless("the call data is no (uint64,uint256,uint64,uint64,bytes,address)");
    let method = abi::number(data, 0).ok_or_else(short)?;
    let value = abi::word(data, 1).ok_or_else(short)?;
    let flags = abi::number(data, 2).and_then(SendFlags::from_bits).ok_or_else(unless("the send flags are unknown"))?;
    let codec = abi::number(data, 3).ok_or_else(short)?;
    let params = abi::bytes(data, 4).ok_or_else(short)?;
    let params = match (codec, params) {
        (0, []) => None,
        (0, _) => return Err(unless("parameters need a codec")()),
        (codec, params) => Some(block(codec, params, gas)?),
    };
    let to = if is_by_id {
        Address::new_id(abi::number(data, 5).ok_or_else(short)?)
    } else {
        let address = abi::bytes(data, 5).ok_or_else(short)?;
        Address::from_bytes(address).ok().ok_or_else(unless("the address is none"))?
    };
    Ok(Asked { method, value: money::to_tokens(value), is_read_only: flags.read_only(), params, to })
}

fn block(codec: u64, params: &[u8], gas: &mut GasTracker) -> Result<Block, SyscallError> {
    let of_another = "the parameters are not of their codec";
    match Block::scanned(codec, params.into(), gas) {
        Ok(block) if block.links().is_empty() => Ok(block),
        Ok(_) => Err(rejected(ErrorNumber::NotFound, "the parameters link to blocks, and a contract reaches none")),
        Err(SyscallError::Rejected(why)) => Err(rejected(why.number, of_another)),
        Err(halt) => Err(halt),
    }
}

fn send<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    contract: EthAddress,
    asked: Asked,
    is_static: bool,
    stack: CallStack,
    gas: &mut GasTracker,
) -> Returned<V, SendOutcome> {
    let from = match kernel.journal().id_of(contract) {
        Ok(from) => from,
        Err(broken) => return (kernel, Err(fatal(broken))),
    };
    let Asked { method, value, is_read_only, params, to } = asked;
    let read_only = is_static || is_read_only;
    kernel.call(Send { from, to, method, params, value, read_only, gas_limit: None, stack }, gas)
}

/// The answer, whether the actor did what it was asked or not.
fn answer(called: Called) -> (InstructionResult, Bytes) {
    let (exit, block) = match called {
        Called::Ended(outcome) => (U256::from(outcome.exit_code.value()), outcome.return_block),
        Called::Refused(number) => (U256::ZERO.wrapping_sub(U256::from(value_of(number))), None),
        Called::Unread(why) => return (InstructionResult::Revert, abi::error_string(&why)),
    };
    let (codec, data) = block.as_ref().map_or((0, &[][..]), |block| (block.codec(), &block.data()[..]));
    let output = abi::encode(&[Value::Word(exit), Value::Word(U256::from(codec)), Value::Bytes(data)]);
    (InstructionResult::Return, output.into())
}

#[expect(clippy::as_conversions, reason = "the enum is `repr(u32)` and has no other way out")]
const fn value_of(number: ErrorNumber) -> u32 {
    number as u32
}
