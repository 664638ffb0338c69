//! The init actor: makes actors of installed code.
//!
//! Filecoin lets users make multisigs and payment channels only; here the code that may be executed is what the system actor lists
//! as installed.
//!
//! Source: filecoin-project/builtin-actors, `actors/init/src/lib.rs`, `exec`.

use cid::Cid;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{CBOR, RawBytes};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::{ActorID, METHOD_CONSTRUCTOR};
use tributary_primitives::actors::INIT_ID;
use tributary_wasm::{Block, GasTracker, NewActor, Send, SyscallError, prices};

use super::{Answer, Refusal, cbor, params};
use crate::kernel::Kernel;
use crate::state::StateView;

/// Method number of `Exec`.
pub(super) const EXEC: u64 = 2;

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
struct ExecParams {
    code_cid: Cid,
    constructor_params: RawBytes,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
struct ExecReturn {
    id_address: Address,
    robust_address: Address,
}

/// Makes an actor, runs its constructor with the value that came along, and answers its id and its f2 address.
///
/// The actor stays only if its constructor goes well; if not, `Exec` aborts with the constructor's exit code.
pub(super) fn exec<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let (id, robust_address, constructor) = match prepare(&mut kernel, &send, gas) {
        Ok(prepared) => prepared,
        Err(refusal) => return (kernel, Err(refusal)),
    };
    let (kernel, constructed) = kernel.call(constructor, gas);
    let answer = match constructed.map_err(Refusal::from) {
        Ok(outcome) if outcome.exit_code.is_success() => {
            cbor(&ExecReturn { id_address: Address::new_id(id), robust_address })
        }
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
    let ExecParams { code_cid, constructor_params } = params(send)?;
    if send.read_only {
        return Err(Refusal::Exit(ExitCode::USR_READ_ONLY));
    }
    if !kernel.is_installed(&code_cid)? {
        return Err(Refusal::Exit(ExitCode::USR_FORBIDDEN));
    }
    let stack = send.stack.enter(0, 0).ok_or(Refusal::Exit(ExitCode::USR_FORBIDDEN))?;
    let params = (!constructor_params.is_empty()).then(|| Block::new(CBOR, constructor_params.to_vec())).transpose();
    let params = params.map_err(|_| Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT))?;
    gas.charge(prices::ADDRESS_ASSIGN).map_err(SyscallError::from)?;
    let robust_address = kernel.next_address();
    let id = kernel.journal().take_id();
    kernel.journal().name(robust_address, id);
    kernel.create(NewActor { id, code: code_cid, delegated_address: None }, gas)?;
    let (to, value) = (Address::new_id(id), send.value.clone());
    let constructor =
        Send { from: INIT_ID, to, method: METHOD_CONSTRUCTOR, params, value, read_only: false, gas_limit: None, stack };
    Ok((id, robust_address, constructor))
}
