//! The Ethereum address manager: makes contracts for senders that are not Ethereum's.
//!
//! | number | method | who | parameters | address |
//! |---|---|---|---|---|
//! | 2 | Create | contracts | `[init code, nonce]` | `CREATE`'s, of the caller and the nonce |
//! | 3 | Create2 | contracts | `[init code, salt]` | `CREATE2`'s, of the caller, the salt and the code |
//! | 4 | CreateExternal | who sent the message | init code, a byte string | `CREATE`'s, of the sender and the message's nonce; a key's account counts as the last 20 bytes of its address' keccak-256 |
//!
//! Each returns `[id, f2 address | null, Ethereum address]`; contracts made here have no f2 address. Contracts seldom need the first two:
//! the EVM's own instructions do the same.
//!
//! Gas: Ethereum's for `CREATE` (EIP-3860 included) at the chain's rate, and what the constructor uses. The former is paid before the init
//! code is hashed; init code that is too long is refused before either, with exit code 16.
//!
//! Source: FIP-0055, "Ethereum Address Manager"; filecoin-project/builtin-actors, `actors/eam/src/lib.rs`.

use fvm_ipld_encoding::strict_bytes;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use revm::primitives::{U256, keccak256};
use tributary_primitives::EthAddress;
use tributary_primitives::actors::{BuiltinActor, EAM_ID};
use tributary_wasm::{Gas, GasTracker, Send};

use super::{Answer, Refusal, bytes_of, cbor, params, unhandled};
use crate::error::StateFatal;
use crate::evm::evm_address;
use crate::evm::nested::{Entry, What, enter};
use crate::kernel::{Kernel, fatal};
use crate::money;
use crate::state::StateView;

const CREATE: u64 = 2;
const CREATE2: u64 = 3;
const CREATE_EXTERNAL: u64 = 4;

/// Most bytes of init code. Source: EIP-3860.
const INIT_CODE_BYTES_MAX: usize = 49_152;
/// Ethereum gas of a creation. Source: Ethereum yellow paper, appendix G, G_create.
const CREATE_GAS: u64 = 32_000;
/// Ethereum gas for each word of init code: 2 (EIP-3860), and 6 to hash it (yellow paper, G_keccak256word).
const INIT_CODE_WORD_GAS: u64 = 8;

#[derive(Serialize_tuple, Deserialize_tuple)]
struct CreateParams {
    #[serde(with = "strict_bytes")]
    init_code: Vec<u8>,
    nonce: u64,
}

#[derive(Serialize_tuple, Deserialize_tuple)]
struct Create2Params {
    #[serde(with = "strict_bytes")]
    init_code: Vec<u8>,
    #[serde(with = "strict_bytes")]
    salt: [u8; 32],
}

#[derive(Serialize_tuple)]
struct Created {
    id: ActorID,
    robust_address: Option<Address>,
    #[serde(with = "strict_bytes")]
    eth_address: [u8; 20],
}

/// A contract to make.
struct Plan {
    creator: EthAddress,
    address: EthAddress,
    init_code: Vec<u8>,
}

pub(super) fn invoke<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let planned = plan(&mut kernel, &send, gas).and_then(|plan| {
        hand_back(&mut kernel, &send)?;
        Ok(plan)
    });
    match planned {
        Ok(plan) => create(kernel, send, plan, gas),
        Err(refusal) => (kernel, Err(refusal)),
    }
}

fn plan<V: StateView>(kernel: &mut Kernel<V>, send: &Send, gas: &mut GasTracker) -> Result<Plan, Refusal> {
    if send.read_only && matches!(send.method, CREATE | CREATE2 | CREATE_EXTERNAL) {
        return Err(Refusal::Exit(ExitCode::USR_READ_ONLY));
    }
    let creator =
        |kernel: &mut Kernel<V>| kernel.journal().eth_address(send.from).map_err(|broken| Refusal::from(fatal(broken)));
    match send.method {
        CREATE => {
            check_caller(kernel, send.from, |code| code == Some(BuiltinActor::Evm))?;
            let CreateParams { init_code, nonce } = params(send)?;
            pay(kernel, &init_code, gas)?;
            let creator = creator(kernel)?;
            Ok(Plan { creator, address: address(evm_address(creator).create(nonce)), init_code })
        }
        CREATE2 => {
            check_caller(kernel, send.from, |code| code == Some(BuiltinActor::Evm))?;
            let Create2Params { init_code, salt } = params(send)?;
            pay(kernel, &init_code, gas)?;
            let creator = creator(kernel)?;
            let made = evm_address(creator).create2(salt, keccak256(&init_code));
            Ok(Plan { creator, address: address(made), init_code })
        }
        CREATE_EXTERNAL => {
            let is_account = |code| matches!(code, Some(BuiltinActor::Account | BuiltinActor::EthAccount));
            check_caller(kernel, send.from, is_account)?;
            // The address is of the message's nonce, which is its sender's.
            if send.from != kernel.course.origin().message.origin {
                return Err(Refusal::Exit(ExitCode::USR_FORBIDDEN));
            }
            let init_code = bytes_of(send)?;
            pay(kernel, &init_code, gas)?;
            let creator = creator(kernel)?;
            let origin = kernel.course.origin();
            let named = if creator.as_actor_id().is_some() { stable_name(&origin.address) } else { creator };
            let made = evm_address(named).create(origin.message.nonce);
            Ok(Plan { creator, address: address(made), init_code })
        }
        _ => unhandled().map(|_| unreachable!("to be unhandled is a refusal")),
    }
}

/// The Ethereum address that stands for a key's account when its contracts are named: known before the account has an id, and what
/// Filecoin's tools compute.
fn stable_name(account: &Address) -> EthAddress {
    address(revm::primitives::Address::from_word(keccak256(account.to_bytes())))
}

fn address(address: revm::primitives::Address) -> EthAddress {
    EthAddress(address.0.0)
}

fn check_caller<V: StateView>(
    kernel: &mut Kernel<V>,
    caller: ActorID,
    may: impl FnOnce(Option<BuiltinActor>) -> bool,
) -> Result<(), Refusal> {
    let actor = kernel.journal().actor(caller).map_err(|broken| Refusal::from(fatal(broken)))?;
    let code = actor.and_then(|actor| actor.code.builtin());
    may(code).then_some(()).ok_or(Refusal::Exit(ExitCode::USR_FORBIDDEN))
}

/// Checks and charges what the EVM's instruction would.
fn pay<V: StateView>(kernel: &Kernel<V>, init_code: &[u8], gas: &mut GasTracker) -> Result<(), Refusal> {
    if init_code.len() > INIT_CODE_BYTES_MAX {
        return Err(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT));
    }
    let words = u64::try_from(init_code.len().div_ceil(32)).unwrap_or(u64::MAX);
    let price = CREATE_GAS + INIT_CODE_WORD_GAS * words;
    let rate = kernel.course.fvm_gas_per_gas();
    gas.charge(Gas::new(price) * rate).map_err(|out| Refusal::Halt(out.into()))
}

/// Hands the value back to who sent it: the creation takes it from there.
fn hand_back<V: StateView>(kernel: &mut Kernel<V>, send: &Send) -> Result<(), Refusal> {
    let value = money::to_u256(&send.value).ok_or(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT))?;
    let moved = kernel.journal().transfer(EAM_ID, send.from, value);
    let moved = moved.map_err(|broken| Refusal::from(fatal(broken)))?;
    moved.then_some(()).ok_or(Refusal::Exit(ExitCode::USR_ILLEGAL_STATE))
}

fn create<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    send: Send,
    plan: Plan,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let Plan { creator, address, init_code } = plan;
    if let Err(broken) = discount(&mut kernel, send.from) {
        return (kernel, Err(fatal(broken).into()));
    }
    let value = money::to_u256(&send.value).unwrap_or(U256::MAX);
    let entry = Entry {
        caller: creator,
        value,
        read_only: false,
        stack: send.stack,
        what: What::Create { address, init_code },
    };
    let (mut kernel, left) = enter(kernel, entry, gas);
    let answer = left.map_err(Refusal::from).and_then(|left| {
        if !left.exit_code.is_success() {
            return Err(Refusal::Said(left.exit_code, super::byte_string(&left.output)?));
        }
        let id = kernel.journal().id_of(address).map_err(|broken| Refusal::from(fatal(broken)))?;
        cbor(&Created { id, robust_address: None, eth_address: address.0 })
    });
    (kernel, answer)
}

/// The EVM is about to count a creation as its caller's, who counts none: an account's message was counted, and a contract says itself which
/// nonce it means. Before, and not after: a constructor may have its creator make more. A creation that fails is undone, and this with it.
fn discount<V: StateView>(kernel: &mut Kernel<V>, creator: ActorID) -> Result<(), StateFatal> {
    let nonce = kernel.journal().nonce(creator)?;
    kernel.journal().set_nonce(creator, nonce.saturating_sub(1))
}
