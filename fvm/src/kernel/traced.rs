//! Calls between actors, as a tracer is told of them. None of it changes what a call does or costs.

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use revm::primitives::U256;
use tributary_primitives::EthAddress;
use tributary_wasm::{Block, Gas, GasTracker, Halt, HostFatal, Send, SendOutcome, SyscallError};

use super::call::{Returned, exit_code_of_number};
use super::{Kernel, fatal};
use crate::error::StateFatal;
use crate::money;
use crate::state::StateView;
use crate::trace::{ActorCall, ActorEnd, Encoded, FrameEnd};

impl<V: StateView> Kernel<V> {
    /// A call in a frame of its own.
    pub(super) fn call_traced(mut self: Box<Self>, send: Send, gas: &mut GasTracker) -> Returned<V, SendOutcome> {
        let (to, before) = (send.to, gas.used());
        if let Err(why) = self.begin_frame(&send, gas) {
            return (self, Err(why));
        }
        let (mut kernel, result) = self.call_untraced(send, gas);
        match kernel.end_frame(&to, &result, gas.used() - before) {
            Ok(()) => (kernel, result),
            Err(broken) => (kernel, Err(fatal(broken))),
        }
    }

    /// Runs the code of a receiver for a call whose frame is open: the EVM opened it, and moved the value.
    pub(crate) fn run_in_frame(
        mut self: Box<Self>,
        receiver: ActorID,
        send: Send,
        gas: &mut GasTracker,
    ) -> Returned<V, SendOutcome> {
        let before = gas.used();
        if let Some((tracer, _)) = self.journal.tracer() {
            tracer.name(actor_call(&send, gas));
        }
        let (mut kernel, result) = self.run(receiver, send, gas);
        if let Some((tracer, _)) = kernel.journal.tracer() {
            tracer.named(ended(&result, gas.used() - before));
        }
        (kernel, result)
    }

    /// A message whose call was not even begun, for this reason.
    pub(crate) fn trace_unbegun(
        &mut self,
        send: &Send,
        exit_code: ExitCode,
        gas: &GasTracker,
    ) -> Result<(), HostFatal> {
        if !self.journal.is_traced() {
            return Ok(());
        }
        if let Err(SyscallError::Halt(Halt::Fatal(fatal))) = self.begin_frame(send, gas) {
            return Err(fatal);
        }
        Ok(self.end_frame(&send.to, &Ok(SendOutcome { exit_code, return_block: None }), Gas::ZERO)?)
    }

    fn begin_frame(&mut self, send: &Send, gas: &GasTracker) -> Result<(), SyscallError> {
        let from = self.journal.eth_address(send.from).map_err(fatal)?;
        let to = self.eth_address_of(&send.to).map_err(fatal)?;
        let rate = self.course.fvm_gas_per_gas();
        let block_gas = gas.available().round_down() / rate;
        let value = money::to_u256(&send.value).unwrap_or(U256::MAX);
        let Some((tracer, events)) = self.journal.tracer() else { return Ok(()) };
        tracer.send(from, to, value, block_gas, actor_call(send, gas), events);
        match tracer.budget().exceeded() {
            // The EVM stops by itself; between actors nobody else would.
            Some(why) => Err(HostFatal(anyhow::anyhow!("{why}")).into()),
            None => Ok(()),
        }
    }

    fn end_frame(
        &mut self,
        to: &Address,
        result: &Result<SendOutcome, SyscallError>,
        used: Gas,
    ) -> Result<(), StateFatal> {
        let to = self.eth_address_of(to)?;
        let rate = Gas::new(self.course.fvm_gas_per_gas()).as_milligas();
        let block_gas = used.as_milligas().div_ceil(rate);
        if let Some((tracer, events)) = self.journal.tracer() {
            tracer.sent(to, block_gas, ended(result, used), events);
        }
        Ok(())
    }

    /// What stands for the actor with this address; for an Ethereum address without an actor, the address.
    fn eth_address_of(&mut self, address: &Address) -> Result<Option<EthAddress>, StateFatal> {
        match self.journal.resolve(address)? {
            Some(id) => self.journal.eth_address(id).map(Some),
            None => Ok(EthAddress::from_address(address)),
        }
    }
}

fn actor_call(send: &Send, gas: &GasTracker) -> ActorCall {
    ActorCall {
        from: send.from,
        to: send.to,
        method: send.method,
        params: send.params.as_ref().map(encoded),
        read_only: send.read_only,
        gas: gas.available().round_down(),
        gas_used: 0,
        exit_code: ExitCode::OK,
        returned: None,
    }
}

fn ended(result: &Result<SendOutcome, SyscallError>, used: Gas) -> ActorEnd {
    let (end, exit_code, returned) = match result {
        Ok(SendOutcome { exit_code, return_block }) if exit_code.is_success() => {
            (FrameEnd::Good, *exit_code, return_block.as_ref())
        }
        Ok(SendOutcome { exit_code, return_block }) => (FrameEnd::Exit(*exit_code), *exit_code, return_block.as_ref()),
        Err(SyscallError::Rejected(why)) => (FrameEnd::Refused(why.number), exit_code_of_number(why.number), None),
        Err(SyscallError::Halt(Halt::OutOfGas(_))) => {
            (FrameEnd::Exit(ExitCode::SYS_OUT_OF_GAS), ExitCode::SYS_OUT_OF_GAS, None)
        }
        Err(SyscallError::Halt(Halt::Fatal(_))) => {
            (FrameEnd::Exit(ExitCode::SYS_ASSERTION_FAILED), ExitCode::SYS_ASSERTION_FAILED, None)
        }
    };
    ActorEnd { end, exit_code, returned: returned.map(encoded), gas_used: used.round_up() }
}

fn encoded(block: &Block) -> Encoded {
    Encoded { codec: block.codec(), data: block.data().clone() }
}
