//! A wallet of several signers. Made by the init actor's `Exec`, by anyone; what comes with that is its first balance.
//!
//! | number | method | who | parameters | returns |
//! |---|---|---|---|---|
//! | 1 | Constructor | init actor | `[signers, threshold, unlock duration, start epoch]` | |
//! | 2 | Propose | signer | `[to, value, method, parameters]` | `[number, applied, exit code, return value]` |
//! | 3 | Approve | signer | `[number, hash]` | `[applied, exit code, return value]` |
//! | 4 | Cancel | the proposer | `[number, hash]` | |
//! | 5 | AddSigner | itself | `[signer, whether the threshold rises]` | |
//! | 6 | RemoveSigner | itself | `[signer, whether the threshold falls]` | |
//! | 7 | SwapSigner | itself | `[from, to]` | |
//! | 8 | ChangeNumApprovalsThreshold | itself | `[threshold]` | |
//! | 9 | LockBalance | itself | `[start epoch, unlock duration, amount]` | |
//! | 3726118371 | Receive | anyone | `[kind, payload]` | |
//! | others from 2²⁴ | | anyone | any | |
//!
//! To propose is to approve first. "Itself" is a transaction that enough signers approved; an epoch is a height. Contracts and actors of
//! installed code may not call the methods below 2²⁴, as on Filecoin: they sign by being called, never by calling.
//!
//! ```text
//! Propose, Approve ─▶ signer? known? not twice? ─▶ enough approvals?
//!                       no ─▶ kept, not applied
//!                      yes ─▶ funds there and not locked?   no ─▶ abort; the approval is not kept
//!                             taken off the list, state written ─▶ sent ─▶ applied, whatever its exit code
//! ```
//!
//! A transaction is off the list before it is sent, so what it calls finds it done. It tells its exit code and never aborts the call that
//! approved it: else a transaction that fails would wait for ever.
//!
//! | exit code | refused |
//! |---|---|
//! | 16 | parameters that are missing, out of range, or for another proposal (`Approve`); a signer listed twice |
//! | 17 | a transaction that does not wait; a signer that is no actor |
//! | 18 | not by this caller; approved before; too many signers, the last one removed, locked before |
//! | 19 | the balance does not have it, or it is locked |
//! | 20 | `Cancel` for another proposal; pending transactions that would not fit a block of 1 MiB |
//! | 21 | parameters of another form |
//! | 22 | no such method |
//! | 25 | a read-only call |
//!
//! Source: filecoin-project/builtin-actors, `actors/multisig/src/lib.rs`.

mod methods;
mod pending;
mod sending;
pub(crate) mod state;
pub(crate) mod words;

use fvm_shared::error::ExitCode;
use fvm_shared::{ActorID, METHOD_CONSTRUCTOR};
use tributary_primitives::actors::BuiltinActor;
use tributary_wasm::{GasTracker, Send};

use self::sending::perform;
use self::words::{
    ApproveReturn, CONSTRUCTOR_BYTES_MAX, ConstructorParams, ProposeReturn, ReceiverParams, Transaction, TransactionId,
};
use super::{Answer, FIRST_EXPORTED_METHOD, Refusal, cbor, params, unhandled};
use crate::kernel::{Kernel, fatal};
use crate::state::StateView;

const PROPOSE: u64 = 2;
const APPROVE: u64 = 3;
const CANCEL: u64 = 4;
const ADD_SIGNER: u64 = 5;
const REMOVE_SIGNER: u64 = 6;
const SWAP_SIGNER: u64 = 7;
const CHANGE_THRESHOLD: u64 = 8;
const LOCK_BALANCE: u64 = 9;
/// Source: FRC-0046, `Receive`.
const RECEIVE: u64 = 3_726_118_371;

/// What a method decided; its state is written.
enum Decided {
    Done,
    /// A new proposal, to be sent if it is approved already.
    Proposed(TransactionId, Option<Transaction>),
    /// An approval, perhaps the last that was needed.
    Approved(Option<Transaction>),
}

pub(super) fn invoke<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    receiver: ActorID,
    send: Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let decided = Call { kernel: &mut kernel, receiver, send: &send, gas }.decide();
    match decided {
        Ok(Decided::Done) => (kernel, Ok(None)),
        Ok(Decided::Proposed(id, transaction)) => {
            let (kernel, ended) = perform(kernel, receiver, &send, transaction, gas);
            (
                kernel,
                ended.and_then(|ApproveReturn { applied, code, ret }| cbor(&ProposeReturn { id, applied, code, ret })),
            )
        }
        Ok(Decided::Approved(transaction)) => {
            let (kernel, ended) = perform(kernel, receiver, &send, transaction, gas);
            (kernel, ended.and_then(|ended| cbor(&ended)))
        }
        Err(refusal) => (kernel, Err(refusal)),
    }
}

/// One call of a wallet.
struct Call<'a, V: StateView> {
    kernel: &'a mut Kernel<V>,
    receiver: ActorID,
    send: &'a Send,
    gas: &'a mut GasTracker,
}

impl<V: StateView> Call<'_, V> {
    fn decide(&mut self) -> Result<Decided, Refusal> {
        let send = self.send;
        if send.method < FIRST_EXPORTED_METHOD {
            self.check_caller_is_built_in()?;
        }
        match send.method {
            METHOD_CONSTRUCTOR => self.construct(constructor_params(send)?),
            PROPOSE => return self.propose(params(send)?),
            APPROVE => return self.approve(params(send)?),
            CANCEL => self.cancel(params(send)?),
            ADD_SIGNER => self.add_signer(params(send)?),
            REMOVE_SIGNER => self.remove_signer(params(send)?),
            SWAP_SIGNER => self.swap_signer(params(send)?),
            CHANGE_THRESHOLD => self.change_threshold(params(send)?),
            LOCK_BALANCE => self.lock_balance(params(send)?),
            RECEIVE => params::<ReceiverParams>(send).map(drop),
            exported if exported >= FIRST_EXPORTED_METHOD => Ok(()),
            _ => unhandled().map(drop),
        }?;
        Ok(Decided::Done)
    }

    /// Source: filecoin-project/builtin-actors, `runtime/src/builtin/shared.rs`, `restrict_internal_api`.
    fn check_caller_is_built_in(&mut self) -> Result<(), Refusal> {
        let caller = self.kernel.journal().actor(self.send.from).map_err(fatal)?;
        let builtin = caller.and_then(|caller| caller.code.builtin());
        forbid_unless(builtin.is_some_and(|builtin| builtin != BuiltinActor::Evm))
    }
}

/// The constructor's parameters. So many signers that nobody has them are refused unread.
fn constructor_params(send: &Send) -> Result<ConstructorParams, Refusal> {
    if send.params.as_ref().is_some_and(|params| params.data().len() > CONSTRUCTOR_BYTES_MAX) {
        return Err(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT));
    }
    params(send)
}

fn forbid_unless(may: bool) -> Result<(), Refusal> {
    may.then_some(()).ok_or(Refusal::Exit(ExitCode::USR_FORBIDDEN))
}
