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
//! no parameters, `0x51` CBOR, `0x71` DAG-CBOR, `0x55` raw.
//!
//! Source: FIP-0054, "FEVM-specific precompiles"; filecoin-solidity, `contracts/v0.8/utils/Actor.sol`, for the layouts in use.

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
use crate::kernel::{Kernel, Returned, fatal};
use crate::money;
use crate::state::StateView;

const RESOLVE_ADDRESS: EvmAddress = address!("fe00000000000000000000000000000000000001");
const LOOKUP_DELEGATED_ADDRESS: EvmAddress = address!("fe00000000000000000000000000000000000002");
const CALL_ACTOR: EvmAddress = address!("fe00000000000000000000000000000000000003");
const CALL_ACTOR_ID: EvmAddress = address!("fe00000000000000000000000000000000000005");
const GET_RANDOMNESS: EvmAddress = address!("fe00000000000000000000000000000000000006");

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
    let data = inputs.input.bytes(context);
    match address {
        CALL_ACTOR | CALL_ACTOR_ID => call(context, inputs, &data, address == CALL_ACTOR_ID),
        _ => ask(context, inputs, &data),
    }
    .map(Some)
}

fn ask<V: StateView>(
    context: &mut EvmContext<V>,
    inputs: &CallInputs,
    data: &[u8],
) -> Result<InterpreterResult, String> {
    let crossed = cross(context, inputs.gas_limit, |mut kernel, _, gas| {
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

fn call<V: StateView>(
    context: &mut EvmContext<V>,
    inputs: &CallInputs,
    data: &[u8],
    is_by_id: bool,
) -> Result<InterpreterResult, String> {
    if !inputs.scheme.is_delegate_call() {
        return Ok(refuse(inputs, "an actor is called by delegatecall"));
    }
    let asked = match read(data, is_by_id) {
        Ok(asked) => asked,
        Err(why) => return Ok(refuse(inputs, why)),
    };
    let contract = EthAddress(inputs.target_address.0.0);
    let crossed = cross(context, inputs.gas_limit, |kernel, stack, gas| {
        let (kernel, result) = send(kernel, contract, asked, inputs.is_static, stack, gas);
        // That a call could not be made is an answer too.
        let result = match result {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(SyscallError::Rejected(why)) => Ok(Err(why.number)),
            Err(SyscallError::Halt(halt)) => Err(halt.into()),
        };
        (kernel, result)
    });
    match crossed {
        Some(crossed) => crossed.end(answer),
        None => Ok(refuse(inputs, TOO_DEEP)),
    }
}

fn read(data: &[u8], is_by_id: bool) -> Result<Asked, &'static str> {
    let short = "the call data is no (uint64,uint256,uint64,uint64,bytes,address)";
    let method = abi::number(data, 0).ok_or(short)?;
    let value = abi::word(data, 1).ok_or(short)?;
    let flags = abi::number(data, 2).and_then(SendFlags::from_bits).ok_or("the send flags are unknown")?;
    let codec = abi::number(data, 3).ok_or(short)?;
    let params = abi::bytes(data, 4).ok_or(short)?;
    let params = match (codec, params) {
        (0, []) => None,
        (0, _) => return Err("parameters need a codec"),
        (codec, params) => Some(Block::new(codec, params).map_err(|_| "the parameters are not of their codec")?),
    };
    let to = if is_by_id {
        Address::new_id(abi::number(data, 5).ok_or(short)?)
    } else {
        Address::from_bytes(abi::bytes(data, 5).ok_or(short)?).map_err(|_| "the address is none")?
    };
    Ok(Asked { method, value: money::to_tokens(value), is_read_only: flags.read_only(), params, to })
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
fn answer(called: Result<SendOutcome, ErrorNumber>) -> (InstructionResult, Bytes) {
    let (exit, block) = match called {
        Ok(outcome) => (U256::from(outcome.exit_code.value()), outcome.return_block),
        Err(number) => (U256::ZERO.wrapping_sub(U256::from(value_of(number))), None),
    };
    let (codec, data) = block.as_ref().map_or((0, &[][..]), |block| (block.codec(), &block.data()[..]));
    let output = abi::encode(&[Value::Word(exit), Value::Word(U256::from(codec)), Value::Bytes(data)]);
    (InstructionResult::Return, output.into())
}

#[expect(clippy::as_conversions, reason = "the enum is `repr(u32)` and has no other way out")]
const fn value_of(number: ErrorNumber) -> u32 {
    number as u32
}
