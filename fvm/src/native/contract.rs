//! A contract as an actor: what other actors may ask of it.
//!
//! | number | method | parameters | returns |
//! |---|---|---|---|
//! | 1 | Constructor | | refuses: the Ethereum address manager, or a contract, makes contracts |
//! | 2 | Resurrect | | refuses: a contract that is gone is made anew by creation |
//! | 3 | GetBytecode | none | CID of the code; null when there is none |
//! | 4 | GetBytecodeHash | none | keccak-256 of the code, a byte string |
//! | 5 | GetStorageAt | slot, a byte string of at most 32 bytes in a tuple | value, likewise; for the system actor alone, so for calls that nobody signed |
//! | 6 | InvokeContractDelegate | | refuses: the EVM delegates within itself |
//! | 3844450837 | InvokeEVM | call data, a byte string; none for empty | what it returns, a byte string; 33 and the revert's data |
//! | others from 1024 | handle_filecoin_method | any, with their codec | what the contract's `handle_filecoin_method(uint64,uint64,bytes)` returns |
//!
//! The last must answer `(uint32 exit_code, uint64 codec, bytes data)`; anything else is exit code 21, `USR_SERIALIZATION`, and so is DAG-CBOR
//! that links to blocks: a contract opens none, so there is none that it could know to be there. What it answers is scanned for links at
//! the price of the syscall `block_create`. A contract without code accepts every call.
//!
//! Source: FIP-0054, "EVM runtime actor"; filecoin-project/builtin-actors, `actors/evm/src/lib.rs`.

use cid::Cid;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{BytesDe, BytesSer, DAG_CBOR};
use fvm_shared::ActorID;
use fvm_shared::error::ExitCode;
use revm::context_interface::JournalTr;
use revm::primitives::U256;
use tributary_primitives::actors::SYSTEM_ID;
use tributary_primitives::{EthAddress, raw_cid};
use tributary_wasm::{Block, GasTracker, Send, SyscallError, prices};

use super::{Answer, Refusal, byte_string, bytes_of, cbor, params, unhandled};
use crate::evm::abi::{self, Value};
use crate::evm::nested::{Entry, Left, What, enter};
use crate::evm::{INVOKE_EVM, evm_address};
use crate::kernel::{Kernel, fatal};
use crate::money;
use crate::state::StateView;

const GET_BYTECODE: u64 = 3;
const GET_BYTECODE_HASH: u64 = 4;
const GET_STORAGE_AT: u64 = 5;
/// Methods below are the contract actor's own.
const FIRST_METHOD_OF_THE_CONTRACT: u64 = 1_024;

/// First four bytes of the call data of `handle_filecoin_method(uint64,uint64,bytes)`.
const HANDLE_FILECOIN_METHOD: [u8; 4] = [0x86, 0x8e, 0x10, 0xc4];

/// A word of the EVM: big-endian, without leading zeros.
#[derive(Serialize_tuple, Deserialize_tuple)]
struct StorageKey {
    key: BytesDe,
}

pub(super) fn invoke<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    receiver: ActorID,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let input = match send.method {
        INVOKE_EVM => bytes_of(&send),
        method if method >= FIRST_METHOD_OF_THE_CONTRACT => Ok(native_method(method, send.params.as_ref())),
        GET_BYTECODE => return with(kernel, |kernel| bytecode(kernel, receiver, gas)),
        GET_BYTECODE_HASH => return with(kernel, |kernel| bytecode_hash(kernel, receiver)),
        GET_STORAGE_AT => return with(kernel, |kernel| storage_at(kernel, receiver, &send)),
        _ => unhandled().map(|_| Vec::new()),
    };
    let addresses = input.and_then(|input| {
        let mut address = |id| kernel.journal().eth_address(id).map_err(|broken| Refusal::from(fatal(broken)));
        Ok((input, address(send.from)?, address(receiver)?))
    });
    let (input, caller, contract) = match addresses {
        Ok(known) => known,
        Err(refusal) => return (kernel, Err(refusal)),
    };
    run(kernel, input, caller, contract, send, gas)
}

fn with<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    answer: impl FnOnce(&mut Kernel<V>) -> Answer,
) -> (Box<Kernel<V>>, Answer) {
    let answer = answer(&mut kernel);
    (kernel, answer)
}

fn run<V: StateView>(
    kernel: Box<Kernel<V>>,
    input: Vec<u8>,
    caller: EthAddress,
    contract: EthAddress,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let Some(value) = money::to_u256(&send.value) else {
        return (kernel, Err(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT)));
    };
    let entry =
        Entry { caller, value, read_only: send.read_only, stack: send.stack, what: What::Call { contract, input } };
    let (kernel, left) = enter(kernel, entry, gas);
    let answer = left.map_err(Refusal::from).and_then(|left| match left {
        Left { exit_code, output } if !exit_code.is_success() => Err(Refusal::Said(exit_code, byte_string(&output)?)),
        Left { output, .. } if send.method == INVOKE_EVM => byte_string(&output).map(Some),
        Left { output, .. } => answer_of_native_method(&output, gas),
    });
    (kernel, answer)
}

/// Call data of `handle_filecoin_method`.
fn native_method(method: u64, params: Option<&Block>) -> Vec<u8> {
    let (codec, data) = params.map_or((0, &[][..]), |params| (params.codec(), &params.data()[..]));
    let arguments = [Value::Word(U256::from(method)), Value::Word(U256::from(codec)), Value::Bytes(data)];
    [&HANDLE_FILECOIN_METHOD[..], &abi::encode(&arguments)].concat()
}

/// What the contract says its method returned.
fn answer_of_native_method(output: &[u8], gas: &mut GasTracker) -> Answer {
    // A contract without code has nothing to say.
    if output.is_empty() {
        return Ok(None);
    }
    let read = || {
        let exit_code = u32::try_from(abi::number(output, 0)?).ok()?;
        Some((ExitCode::new(exit_code), abi::number(output, 1)?, abi::bytes(output, 2)?))
    };
    let (exit_code, codec, data) = read().ok_or(MALFORMED)?;
    let block = match (codec, data) {
        (0, []) => None,
        (0, _) => return Err(MALFORMED),
        (codec, data) => Some(answered(codec, data, gas)?),
    };
    match (exit_code, block) {
        (exit_code, block) if exit_code.is_success() => Ok(block),
        // Codes below are the system's own.
        (exit_code, _) if exit_code.is_system_error() => Err(Refusal::Exit(ExitCode::SYS_ILLEGAL_EXIT_CODE)),
        (exit_code, Some(block)) => Err(Refusal::Said(exit_code, block)),
        (exit_code, None) => Err(Refusal::Exit(exit_code)),
    }
}

/// What a contract answers that is no answer.
const MALFORMED: Refusal = Refusal::Exit(ExitCode::USR_SERIALIZATION);

fn answered(codec: u64, data: &[u8], gas: &mut GasTracker) -> Result<Block, Refusal> {
    match Block::scanned(codec, data.into(), gas) {
        Ok(block) if block.links().is_empty() => Ok(block),
        Ok(_) | Err(SyscallError::Rejected(_)) => Err(MALFORMED),
        Err(halt) => Err(halt.into()),
    }
}

/// The code as a block of state, which the caller may open. Paid for before it is hashed.
fn bytecode<V: StateView>(kernel: &mut Kernel<V>, receiver: ActorID, gas: &mut GasTracker) -> Answer {
    let code = code(kernel, receiver)?.1;
    let mut cid: Option<Cid> = None;
    if !code.is_empty() {
        gas.charge(prices::block_link(u32::try_from(code.len()).unwrap_or(u32::MAX))).map_err(SyscallError::from)?;
        let named = raw_cid(&code);
        kernel.journal().put_block(named, code.into());
        cid = Some(named);
    }
    let bytes = fvm_ipld_encoding::to_vec(&cid).map_err(|_| Refusal::Exit(ExitCode::USR_SERIALIZATION))?;
    Block::new(DAG_CBOR, bytes).map(Some).map_err(|_| Refusal::Exit(ExitCode::USR_SERIALIZATION))
}

fn bytecode_hash<V: StateView>(kernel: &mut Kernel<V>, receiver: ActorID) -> Answer {
    byte_string(&code(kernel, receiver)?.0).map(Some)
}

fn code<V: StateView>(kernel: &mut Kernel<V>, receiver: ActorID) -> Result<([u8; 32], Vec<u8>), Refusal> {
    let broken = |broken| Refusal::from(fatal(broken));
    let address = kernel.journal().eth_address(receiver).map_err(broken)?;
    let account = kernel.journal().load_account_with_code(evm_address(address)).map_err(broken)?;
    let code = account.data.info.code.as_ref().map(|code| code.original_bytes().to_vec()).unwrap_or_default();
    Ok((account.data.info.code_hash.0, code))
}

fn storage_at<V: StateView>(kernel: &mut Kernel<V>, receiver: ActorID, send: &Send) -> Answer {
    if send.from != SYSTEM_ID {
        return Err(Refusal::Exit(ExitCode::USR_FORBIDDEN));
    }
    let StorageKey { key: BytesDe(key) } = params(send)?;
    let key = U256::try_from_be_slice(&key).ok_or(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT))?;
    let broken = |broken| Refusal::from(fatal(broken));
    let address = evm_address(kernel.journal().eth_address(receiver).map_err(broken)?);
    kernel.journal().load_account(address).map_err(broken)?;
    let value = kernel.journal().sload(address, key).map_err(broken)?.data;
    cbor(&BytesSer(&value.to_be_bytes_trimmed_vec()))
}
