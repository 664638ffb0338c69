//! The steps of a transaction that we change: who is charged, and who is paid.

use std::marker::PhantomData;

use revm::context_interface::context::take_error;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::result::{ExecutionResult, HaltReason, Output, ResultGas};
use revm::context_interface::{ContextTr, JournalTr, LocalContextTr, Transaction};
use revm::handler::{EvmTr, FrameResult, Handler, post_execution, pre_execution, validation};
use revm::inspector::InspectorHandler;
use revm::interpreter::InitialAndFloorGas;
use revm::interpreter::interpreter::EthInterpreter;

use super::{EvmContext, EvmError, Mode, OurEvm, Watch};
use crate::state::StateView;

/// Mainnet's steps, but for those below; the same whether or not `W` watches.
pub(super) struct Law<V, W> {
    mode: Mode,
    of: PhantomData<(V, W)>,
}

impl<V, W> Law<V, W> {
    pub(super) const fn new(mode: Mode) -> Self {
        Self { mode, of: PhantomData }
    }
}

impl<V: StateView> InspectorHandler for Law<V, Watch> {
    type IT = EthInterpreter;
}

impl<V: StateView, W> Handler for Law<V, W> {
    type Evm = OurEvm<V, W>;
    type Error = EvmError;
    type HaltReason = HaltReason;

    /// What nobody signed need not fit a block, and a simulation pays nothing for its gas, whatever the base fee. Code finds both as they are.
    fn validate_env(&self, evm: &mut Self::Evm) -> Result<(), EvmError> {
        if self.mode == Mode::Transaction {
            return validation::validate_env(evm.ctx());
        }
        let (gas_limit, base_fee) = (evm.ctx.block.gas_limit, evm.ctx.block.basefee);
        evm.ctx.block.gas_limit = u64::MAX;
        if self.mode == Mode::Simulation {
            evm.ctx.block.basefee = 0;
        }
        let is_valid = validation::validate_env(evm.ctx());
        (evm.ctx.block.gas_limit, evm.ctx.block.basefee) = (gas_limit, base_fee);
        is_valid
    }

    /// A simulation's caller needs no nonce, may be a contract, and is charged nothing.
    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        _init_and_floor_gas: &mut InitialAndFloorGas,
    ) -> Result<(), EvmError> {
        match self.mode {
            Mode::Transaction => return pre_execution::validate_against_state_and_deduct_caller(evm.ctx()),
            Mode::Rehearsal => return charge(evm.ctx()),
            Mode::Simulation => {}
        }
        let (transaction, journal) = evm.ctx().tx_journal_mut();
        let mut caller = journal.load_account_with_code_mut(transaction.caller())?.data;
        if transaction.kind().is_call() {
            caller.bump_nonce();
        }
        Ok(())
    }

    /// As on mainnet; what was returned is moved out, of which revm makes a copy.
    fn execution_result(
        &mut self,
        evm: &mut Self::Evm,
        mut result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult<HaltReason>, EvmError> {
        take_error::<EvmError, _>(evm.ctx().error())?;
        let returned = std::mem::take(&mut result.interpreter_result_mut().output);
        let mut ended = post_execution::output(evm.ctx(), result, gas);
        if let ExecutionResult::Success { output: Output::Call(data) | Output::Create(data, _), .. }
        | ExecutionResult::Revert { output: data, .. } = &mut ended
        {
            *data = returned;
        }
        evm.ctx().journal_mut().commit_tx();
        evm.ctx().local_mut().clear();
        evm.frame_stack().clear();
        Ok(ended)
    }

    /// Tips are folded in after the block's last transaction, so that transactions do not conflict over the proposer's balance.
    fn reward_beneficiary(&self, _evm: &mut Self::Evm, _result: &mut FrameResult) -> Result<(), EvmError> {
        Ok(())
    }
}

/// What the caller of a transaction is asked and charged, whatever its code (EIP-3607 is not asked).
fn charge<V: StateView>(context: &mut EvmContext<V>) -> Result<(), EvmError> {
    let (block, transaction, cfg, journal, _, _) = context.all_mut();
    let mut caller = journal.load_account_with_code_mut(transaction.caller())?.data;
    pre_execution::validate_account_nonce_and_code(&caller.account().info, transaction.nonce(), true, false)?;
    let balance = pre_execution::calculate_caller_fee(*caller.balance(), transaction, block, cfg)?;
    caller.set_balance(balance);
    if transaction.kind().is_call() {
        caller.bump_nonce();
    }
    Ok(())
}
