//! A call: its receiver, its value, its code.

use std::sync::Arc;

use fvm_shared::address::{Address, Payload};
use fvm_shared::error::{ErrorNumber, ExitCode};
use fvm_shared::{ActorID, METHOD_SEND};
use revm::primitives::U256;
use tributary_primitives::EthAddress;
use tributary_wasm::{
    Access, GasTracker, Halt, Invocation, InvocationOutcome, Send, SendOutcome, SyscallError, SyscallRejected, prices,
};

use super::{Kernel, fatal};
use crate::error::StateFatal;
use crate::money;
use crate::native;
use crate::state::{ActorHead, StateView};

/// A kernel that comes back from a call, and how the call ended.
pub(crate) type Returned<V, T> = (Box<Kernel<V>>, Result<T, SyscallError>);

impl<V: StateView> Kernel<V> {
    /// Runs a call as one transaction: what it did is undone unless its exit code is zero.
    pub(crate) fn call(self: Box<Self>, send: Send, gas: &mut GasTracker) -> Returned<V, SendOutcome> {
        if self.journal.is_traced() { self.call_traced(send, gas) } else { self.call_untraced(send, gas) }
    }

    pub(super) fn call_untraced(mut self: Box<Self>, send: Send, gas: &mut GasTracker) -> Returned<V, SendOutcome> {
        let checkpoint = self.journal.open();
        let (mut kernel, result) = self.call_open(send, gas);
        match &result {
            Ok(outcome) if outcome.exit_code.is_success() => kernel.journal.keep(),
            _ => kernel.journal.undo(checkpoint),
        }
        (kernel, result)
    }

    fn call_open(mut self: Box<Self>, send: Send, gas: &mut GasTracker) -> Returned<V, SendOutcome> {
        let (receiver, actor) = match self.prepare(&send, gas) {
            Ok(found) => found,
            Err(error) => return (self, Err(error)),
        };
        if send.method == METHOD_SEND {
            return (self, Ok(SendOutcome { exit_code: ExitCode::OK, return_block: None }));
        }
        self.run_actor(&actor, receiver, send, gas)
    }

    /// Runs the code of a receiver that has its value already. Undoing what it did is the caller's.
    pub(crate) fn run(
        mut self: Box<Self>,
        receiver: ActorID,
        send: Send,
        gas: &mut GasTracker,
    ) -> Returned<V, SendOutcome> {
        match self.journal.actor(receiver) {
            Ok(Some(actor)) => self.run_actor(&actor, receiver, send, gas),
            Ok(None) => (self, Err(rejected(ErrorNumber::NotFound, "the receiver does not exist"))),
            Err(broken) => (self, Err(fatal(broken))),
        }
    }

    fn run_actor(
        self: Box<Self>,
        actor: &ActorHead,
        receiver: ActorID,
        send: Send,
        gas: &mut GasTracker,
    ) -> Returned<V, SendOutcome> {
        match actor.code.builtin() {
            Some(builtin) => native::invoke(self, builtin, receiver, send, gas),
            None => self.invoke(actor.code.cid(), receiver, send, gas),
        }
    }

    /// Finds or makes the receiver and moves the value, which leaves what it runs as it is.
    fn prepare(&mut self, send: &Send, gas: &mut GasTracker) -> Result<(ActorID, Arc<ActorHead>), SyscallError> {
        let receiver = self.id_or_new(&send.to, send.read_only, gas)?;
        // The message's own receiver is looked up before it runs, and nobody pays for that.
        if send.stack.depth() == 1 {
            self.journal.own().first_access(receiver, Access::Read);
        }
        self.charge_access(receiver, Access::Read, gas)?;
        let Some(actor) = self.journal.actor(receiver).map_err(fatal)? else {
            return Err(rejected(ErrorNumber::NotFound, "the receiver does not exist"));
        };
        if !send.value.is_zero() {
            self.transfer(send, receiver, gas)?;
        }
        Ok((receiver, actor))
    }

    /// Who cannot pay has paid for looking up, not for updating; who pays itself updates nobody.
    fn transfer(&mut self, send: &Send, receiver: ActorID, gas: &mut GasTracker) -> Result<(), SyscallError> {
        if send.read_only {
            return Err(rejected(ErrorNumber::ReadOnly, "a read-only call moves no value"));
        }
        let amount = money::to_u256(&send.value);
        let amount = amount.ok_or_else(|| rejected(ErrorNumber::IllegalArgument, "the value is negative"))?;
        gas.charge(prices::VALUE_TRANSFER)?;
        self.charge_access(send.from, Access::Read, gas)?;
        // An actor cannot be told of 2^128 or more, and on a chain nobody has that.
        if self.journal.balance(send.from).map_err(fatal)? < amount || amount > U256::from(u128::MAX) {
            return Err(short_of_funds());
        }
        if send.from == receiver {
            return Ok(());
        }
        self.charge_access(send.from, Access::Update, gas)?;
        self.charge_access(receiver, Access::Update, gas)?;
        let is_moved = self.journal.transfer(send.from, receiver, amount).map_err(fatal)?;
        if is_moved { Ok(()) } else { Err(short_of_funds()) }
    }

    /// The id behind an address. A key or an Ethereum address that names nobody yet gets its actor, as by every send to it.
    pub(crate) fn id_or_new(
        &mut self,
        address: &Address,
        read_only: bool,
        gas: &mut GasTracker,
    ) -> Result<ActorID, SyscallError> {
        match self.journal.resolve(address).map_err(fatal)? {
            Some(id) => Ok(id),
            None => self.make_receiver(address, read_only, gas),
        }
    }

    /// An account for a key, a placeholder for an Ethereum address, nothing for any other.
    fn make_receiver(&mut self, to: &Address, read_only: bool, gas: &mut GasTracker) -> Result<ActorID, SyscallError> {
        let is_key = matches!(to.payload(), Payload::Secp256k1(_) | Payload::BLS(_));
        if !is_key && EthAddress::from_address(to).is_none() {
            return Err(rejected(ErrorNumber::NotFound, "no actor has the receiver's address"));
        }
        if read_only {
            return Err(rejected(ErrorNumber::ReadOnly, "a read-only call makes no receiver"));
        }
        // Everybody has the secret key of the point at infinity.
        if to.is_bls_zero_address() {
            return Err(rejected(ErrorNumber::IllegalArgument, "the zero BLS key has no account"));
        }
        if is_key { self.make_account(to, gas) } else { self.make_placeholder(to, gas) }
    }

    /// Runs installed code.
    fn invoke(
        mut self: Box<Self>,
        code: &cid::Cid,
        receiver: ActorID,
        send: Send,
        gas: &mut GasTracker,
    ) -> Returned<V, SendOutcome> {
        let machine = Arc::clone(&self.course.machine);
        let code = match machine.code(&mut self.journal, code) {
            Ok(Ok(code)) => code,
            Ok(Err(rejected)) => {
                tracing::warn!(%code, %rejected, "installed code is no actor");
                let exit_code = ExitCode::SYS_ILLEGAL_INSTRUCTION;
                return (self, Ok(SendOutcome { exit_code, return_block: None }));
            }
            Err(broken) => return (self, Err(fatal(broken))),
        };
        let Send { from, method, params, value, read_only, stack, .. } = send;
        let invocation = Invocation { receiver, caller: from, method, value, params, read_only, stack };
        let (kernel, outcome) = tributary_wasm::invoke(machine.engine(), &code, self, gas, invocation);
        let outcome = outcome.map_err(|halt| SyscallError::from(typed(halt)));
        (
            kernel,
            outcome.map(|InvocationOutcome { exit_code, return_block, .. }| SendOutcome { exit_code, return_block }),
        )
    }
}

/// What the machine refused, by its type: where contracts and actors call each other, that is all that comes through.
fn typed(halt: Halt) -> Halt {
    match halt {
        Halt::Fatal(refused) if refused.is_the_machines() => Halt::Fatal(StateFatal::refused(&refused).into()),
        other => other,
    }
}

/// A call that cannot be made, and whose caller is told so.
pub(crate) fn rejected(number: ErrorNumber, reason: &'static str) -> SyscallError {
    SyscallRejected::new(number, reason).into()
}

fn short_of_funds() -> SyscallError {
    rejected(ErrorNumber::InsufficientFunds, "the sender does not have the value")
}

/// The exit code of a message whose own call could not be made.
pub(crate) fn exit_code_of(error: SyscallError) -> Result<ExitCode, tributary_wasm::HostFatal> {
    match error {
        SyscallError::Rejected(rejected) => Ok(exit_code_of_number(rejected.number)),
        SyscallError::Halt(Halt::OutOfGas(_)) => Ok(ExitCode::SYS_OUT_OF_GAS),
        SyscallError::Halt(Halt::Fatal(fatal)) => Err(fatal),
    }
}

/// The same, for one that a rule refuses.
pub(super) const fn exit_code_of_number(number: ErrorNumber) -> ExitCode {
    match number {
        ErrorNumber::NotFound => ExitCode::SYS_INVALID_RECEIVER,
        ErrorNumber::InsufficientFunds => ExitCode::SYS_INSUFFICIENT_FUNDS,
        _ => ExitCode::SYS_ASSERTION_FAILED,
    }
}
