//! The init actor: installs code, and makes actors of it.
//!
//! | number | method | parameters | returns |
//! |---|---|---|---|
//! | 2 | Exec | `[code CID, constructor parameters]` | `[id address, f2 address]`; the constructor's exit code if it aborts |
//! | 3 | Exec4 | | refuses: contracts are made natively |
//! | 1596813081 | InstallCode | the module, a byte string | `[code CID, whether it is new]` |
//!
//! Filecoin lets users make multisigs and payment channels only; here anyone may make a multisig and an actor of any code that is
//! installed. Who may install is the chain's parameter `code_installer`; others get exit code 18, `USR_FORBIDDEN`. A module that is no
//! actor's code is refused by an exit code for each rule, so that no sentence of a compiler ever gets into the chain:
//!
//! | exit code | the module |
//! |---|---|
//! | 33 | is too large |
//! | 34 | is no valid WASM, or uses a feature that is off |
//! | 35 | has sections that cannot be read |
//! | 36, 37, 38 | has too many functions, too large a function, too many locals |
//! | 39, 40, 41 | imports what is no function, a syscall that does not exist, one with another type |
//! | 42, 43 | does not export what an actor must; its `invoke` has another type |
//! | 44 | has a start function |
//! | 45 | starts with too large a memory |
//! | 46 | exports a reserved name |
//! | 47, 48 | cannot be metered, does not compile |
//! | 49, 50 | has a function whose call takes too much stack, one that may take too long to compile |
//! | 51 | has functions whose calls take too much stack all together |
//!
//! Source: filecoin-project/builtin-actors, `actors/init/src/lib.rs`, `exec`.

use cid::Cid;
use fvm_ipld_encoding::CBOR;
use fvm_ipld_encoding::tuple::{Serialize_tuple, serde_tuple};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::{ActorID, METHOD_CONSTRUCTOR};
use tributary_primitives::actors::{BuiltinActor, INIT_ID, SYSTEM_ID};
use tributary_primitives::init::{EXEC, ExecParams, ExecReturn};
use tributary_primitives::raw_cid;
use tributary_wasm::{Access, Block, CodeRejected, Gas, GasTracker, NewActor, Send, SyscallError, prices};

use super::{Answer, Refusal, bytes_of, cbor, params, unhandled};
use crate::kernel::Kernel;
use crate::state::StateView;

/// Looking whether code is installed: the system actor's state is read, and a node of its map of code.
const LOOK_UP: Gas = Gas::new(2 * prices::BLOCK_OPEN.round_up());

/// FVM gas to hash a byte with blake2b. Source: as for the syscall `hash`.
const BLAKE2B_BYTE_GAS: u64 = 10;

/// Method number of `InstallCode`.
///
/// Source: FRC-0042, of that name.
const INSTALL_CODE: u64 = 1_596_813_081;

pub(super) fn invoke<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    match send.method {
        EXEC => exec(kernel, send, gas),
        INSTALL_CODE => {
            let answer = install(&mut kernel, &send, gas);
            (kernel, answer)
        }
        _ => (kernel, unhandled()),
    }
}

#[derive(Clone, Debug, Serialize_tuple)]
struct InstallReturn {
    code: Cid,
    is_new: bool,
}

/// Installs a module. One that is installed already costs naming it and looking for it, and stays.
fn install<V: StateView>(kernel: &mut Kernel<V>, send: &Send, gas: &mut GasTracker) -> Answer {
    if send.read_only {
        return Err(Refusal::Exit(ExitCode::USR_READ_ONLY));
    }
    if !kernel.may_install(send.from) {
        return Err(Refusal::Exit(ExitCode::USR_FORBIDDEN));
    }
    let wasm = bytes_of(send)?;
    gas.charge(prices::hash(BLAKE2B_BYTE_GAS, wasm.len()) + LOOK_UP).map_err(SyscallError::from)?;
    let code = raw_cid(&wasm);
    if kernel.is_installed(&code)? {
        return cbor(&InstallReturn { code, is_new: false });
    }
    let bytes = u32::try_from(wasm.len()).map_err(|_| Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT))?;
    gas.charge(prices::install(bytes)).map_err(SyscallError::from)?;
    kernel.charge_access(SYSTEM_ID, Access::Update, gas)?;
    match kernel.install(&wasm, gas)? {
        Ok(code) => cbor(&InstallReturn { code, is_new: true }),
        Err(rejected) => {
            tracing::debug!(%code, %rejected, "code not installed");
            Err(Refusal::Exit(exit_code_of(&rejected)))
        }
    }
}

/// The table above.
const fn exit_code_of(rejected: &CodeRejected) -> ExitCode {
    ExitCode::new(match rejected {
        CodeRejected::TooLarge { .. } => 33,
        CodeRejected::Invalid(_) => 34,
        CodeRejected::Malformed(_) => 35,
        CodeRejected::TooManyFunctions { .. } => 36,
        CodeRejected::FunctionTooLarge { .. } => 37,
        CodeRejected::TooManyLocals { .. } => 38,
        CodeRejected::ForbiddenImport { .. } => 39,
        CodeRejected::UnknownImport { .. } => 40,
        CodeRejected::ImportType(_) => 41,
        CodeRejected::MissingExport(_) => 42,
        CodeRejected::InvokeType => 43,
        CodeRejected::StartFunction => 44,
        CodeRejected::MemoryTooLarge { .. } => 45,
        CodeRejected::ReservedExport { .. } => 46,
        CodeRejected::NotInstrumentable(_) => 47,
        CodeRejected::NotCompilable(_) => 48,
        CodeRejected::FrameTooLarge { .. } => 49,
        CodeRejected::TooCostly { .. } => 50,
        CodeRejected::FramesTooLarge { .. } => 51,
    })
}

/// Makes an actor, runs its constructor with the value that came along, and answers its id and its f2 address.
///
/// The actor stays only if its constructor goes well; if not, `Exec` aborts with the constructor's exit code.
fn exec<V: StateView>(mut kernel: Box<Kernel<V>>, send: Send, gas: &mut GasTracker) -> (Box<Kernel<V>>, Answer) {
    let (id, robust, constructor) = match prepare(&mut kernel, &send, gas) {
        Ok(prepared) => prepared,
        Err(refusal) => return (kernel, Err(refusal)),
    };
    let (kernel, constructed) = kernel.call(constructor, gas);
    let answer = match constructed.map_err(Refusal::from) {
        Ok(outcome) if outcome.exit_code.is_success() => cbor(&ExecReturn { id: Address::new_id(id), robust }),
        Ok(outcome) => Err(Refusal::Exit(outcome.exit_code)),
        Err(refusal) => Err(refusal),
    };
    (kernel, answer)
}

/// Makes the actor; answers its id, its f2 address and the call of its constructor.
fn prepare<V: StateView>(
    kernel: &mut Kernel<V>,
    send: &Send,
    gas: &mut GasTracker,
) -> Result<(ActorID, Address, Send), Refusal> {
    let ExecParams { code, params } = params(send)?;
    if send.read_only {
        return Err(Refusal::Exit(ExitCode::USR_READ_ONLY));
    }
    if code != BuiltinActor::Multisig.code() {
        gas.charge(LOOK_UP).map_err(SyscallError::from)?;
        if !kernel.is_installed(&code)? {
            return Err(Refusal::Exit(ExitCode::USR_FORBIDDEN));
        }
    }
    let stack = send.stack.enter(0, 0).ok_or(Refusal::Exit(ExitCode::USR_FORBIDDEN))?;
    let params = (!params.is_empty()).then(|| Block::new(CBOR, params.bytes())).transpose();
    let params = params.map_err(|_| Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT))?;
    gas.charge(prices::ADDRESS_ASSIGN).map_err(SyscallError::from)?;
    let robust = kernel.next_address();
    let id = kernel.journal().take_id();
    kernel.journal().name(robust, id);
    kernel.create(NewActor { id, code, delegated_address: None }, gas)?;
    let (to, value) = (Address::new_id(id), send.value.clone());
    let constructor =
        Send { from: INIT_ID, to, method: METHOD_CONSTRUCTOR, params, value, read_only: false, gas_limit: None, stack };
    Ok((id, robust, constructor))
}
