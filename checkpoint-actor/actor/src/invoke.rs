//! The wasm entry point: one row a method.
//!
//! | method | who may call | may change the state |
//! |---|---|---|
//! | `Constructor` | the init actor, once | yes |
//! | `SubmitCheckpoint` | anyone | yes |
//! | `LatestCheckpoint`, `CheckpointAt`, `Subnet` | anyone, also read-only | no |
//! | any other | nobody: `USR_UNHANDLED_MESSAGE` | no |

use fvm_ipld_encoding::CBOR;
use fvm_sdk as sdk;
use fvm_shared::error::ExitCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_checkpoint::actor::{
    CHECKPOINT_AT, CONSTRUCTOR, CheckpointAtParams, ConstructorParams, LATEST_CHECKPOINT, SUBMIT_CHECKPOINT, SUBNET,
};
use tributary_checkpoint::{CheckpointCertificate, registration};
use tributary_primitives::actors::INIT_ID;

use crate::host::{self, HostBlocks};
use crate::state::{State, StateFatal, SubmissionRejected};

/// Why a call ends without effect.
struct Abort {
    code: ExitCode,
    reason: String,
}

impl Abort {
    fn new(code: ExitCode, reason: impl ToString) -> Self {
        Self { code, reason: reason.to_string() }
    }
}

impl From<StateFatal> for Abort {
    fn from(fatal: StateFatal) -> Self {
        Self::new(ExitCode::USR_ILLEGAL_STATE, fatal)
    }
}

impl From<SubmissionRejected> for Abort {
    fn from(rejected: SubmissionRejected) -> Self {
        match rejected {
            SubmissionRejected::Certificate(rejected) => Self::new(rejected.exit_code(), rejected),
            SubmissionRejected::State(fatal) => fatal.into(),
        }
    }
}

/// Called by the host for every message: `params` is the id of the parameters' block, the answer the id of the return value's.
#[expect(unsafe_code, reason = "the host finds the entry point by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn invoke(params: u32) -> u32 {
    sdk::initialize();
    match dispatch(params) {
        Ok(block) => block,
        Err(Abort { code, reason }) => sdk::vm::abort(code.value(), Some(&reason)),
    }
}

fn dispatch(params: u32) -> Result<u32, Abort> {
    if sdk::message::value_received().is_positive() {
        return Err(Abort::new(ExitCode::USR_NOT_PAYABLE, "a checkpoint actor holds no tokens: send none"));
    }
    match sdk::message::method_number() {
        CONSTRUCTOR => construct(&read(params)?),
        SUBMIT_CHECKPOINT => submit(&read(params)?),
        LATEST_CHECKPOINT => answer(&load()?.latest(&HostBlocks)?),
        CHECKPOINT_AT => answer(&load()?.at(&HostBlocks, read::<CheckpointAtParams>(params)?.height)?),
        SUBNET => answer(&load()?.registration(&HostBlocks)?),
        other => Err(Abort::new(ExitCode::USR_UNHANDLED_MESSAGE, format!("a checkpoint actor has no method {other}"))),
    }
}

fn construct(params: &ConstructorParams) -> Result<u32, Abort> {
    if sdk::message::caller() != INIT_ID {
        return Err(Abort::new(ExitCode::USR_FORBIDDEN, "only the init actor makes a checkpoint actor"));
    }
    let ConstructorParams { parent, checkpoint_period, validators } = params;
    let actor = sdk::message::receiver();
    let registration = registration::register(parent, actor, *checkpoint_period, validators, host::verify_one)
        .map_err(|rejected| Abort::new(rejected.exit_code(), rejected))?;
    save(&State::new(&HostBlocks, &registration)?)
}

fn submit(certificate: &CheckpointCertificate) -> Result<u32, Abort> {
    let mut state = load()?;
    let accepted = state.submit(&HostBlocks, certificate, host::verify_aggregate)?;
    host::emit(&accepted).map_err(|number| Abort::new(ExitCode::USR_READ_ONLY, number))?;
    save(&state)
}

fn load() -> Result<State, Abort> {
    let root = sdk::sself::root().map_err(|deleted| Abort::new(ExitCode::USR_ILLEGAL_STATE, deleted))?;
    Ok(State::load(&HostBlocks, &root)?)
}

fn save(state: &State) -> Result<u32, Abort> {
    let root = state.save(&HostBlocks)?;
    sdk::sself::set_root(&root).map_err(|refused| Abort::new(ExitCode::USR_READ_ONLY, refused))?;
    Ok(sdk::NO_DATA_BLOCK_ID)
}

/// The parameters, which must be there and be one whole `T`.
fn read<T: DeserializeOwned>(params: u32) -> Result<T, Abort> {
    let bad = |reason: String| Abort::new(ExitCode::USR_SERIALIZATION, reason);
    let block = sdk::message::params_raw(params).map_err(|number| bad(format!("parameters do not read: {number}")))?;
    let block = block.ok_or_else(|| bad("this method takes parameters and got none".to_owned()))?;
    fvm_ipld_encoding::from_slice(&block.data).map_err(|reason| bad(format!("parameters do not decode: {reason}")))
}

fn answer(value: &impl Serialize) -> Result<u32, Abort> {
    let illegal = |reason: String| Abort::new(ExitCode::USR_ILLEGAL_STATE, reason);
    let bytes = fvm_ipld_encoding::to_vec(value).map_err(|reason| illegal(reason.to_string()))?;
    sdk::ipld::put_block(CBOR, &bytes).map_err(|number| illegal(format!("cannot return a block: {number}")))
}
