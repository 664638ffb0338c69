//! Tells a tracer what the EVM does.
//!
//! The tracer itself goes with the journal; what watches is no more than the way from revm's inspector to it. revm tells of logs and of
//! calls into precompiled contracts too: the first are events of the journal here, the second frames like any other.

use revm::Inspector;
use revm::context_interface::context::ContextError;
use revm::context_interface::{CreateScheme, JournalTr as _};
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter};
use revm::primitives::{Address, Bytes, U256};

use super::{EvmContext, call_actor};
use crate::state::StateView;
use crate::trace::FrameKind;

/// Watches one EVM.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// A contract that just destroyed itself, who gets what it had, and how much that is.
    destroyed: Option<(Address, Address, U256)>,
}

impl Watch {
    /// revm tells of a self-destruction without the journal, and ends the contract's frame next.
    fn tell_destroyed<V: StateView>(&mut self, context: &mut EvmContext<V>) {
        let Some((contract, target, value)) = self.destroyed.take() else { return };
        if let Some((tracer, events)) = context.journaled_state.tracer() {
            tracer.destroy(contract, target, value, events);
        }
    }
}

impl<V: StateView> Inspector<EvmContext<V>> for Watch {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut EvmContext<V>) {
        let Some((tracer, _)) = context.journaled_state.tracer() else { return };
        if !tracer.begin_step(interpreter) {
            context.error = Err(ContextError::Custom("the trace is at its limits".to_owned()));
            interpreter.halt_fatal();
        }
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, context: &mut EvmContext<V>) {
        if let Some((tracer, _)) = context.journaled_state.tracer() {
            tracer.end_step(interpreter);
        }
    }

    fn call(&mut self, context: &mut EvmContext<V>, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let wants_input = context.journaled_state.tracer().is_some_and(|(tracer, _)| tracer.wants_input());
        let input = if wants_input { inputs.input.bytes(context) } else { Bytes::new() };
        let callee = inputs.bytecode_address;
        let is_precompiled =
            call_actor::is_one(callee) || context.journaled_state.precompile_addresses().contains(&callee);
        if let Some((tracer, events)) = context.journaled_state.tracer() {
            tracer.call(inputs, input, is_precompiled, events);
        }
        None
    }

    fn call_end(&mut self, context: &mut EvmContext<V>, _: &CallInputs, outcome: &mut CallOutcome) {
        self.tell_destroyed(context);
        if let Some((tracer, events)) = context.journaled_state.tracer() {
            tracer.end(&outcome.result, None, events);
        }
    }

    fn create(&mut self, context: &mut EvmContext<V>, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let kind = match inputs.scheme() {
            CreateScheme::Create2 { .. } => FrameKind::Create2,
            CreateScheme::Create | CreateScheme::Custom { .. } => FrameKind::Create,
        };
        if let Some((tracer, events)) = context.journaled_state.tracer() {
            tracer.create(kind, inputs.caller(), inputs.value(), inputs.gas_limit(), inputs.init_code(), events);
        }
        None
    }

    fn create_end(&mut self, context: &mut EvmContext<V>, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.tell_destroyed(context);
        if let Some((tracer, events)) = context.journaled_state.tracer() {
            tracer.end(&outcome.result, outcome.address, events);
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.destroyed = Some((contract, target, value));
    }
}
