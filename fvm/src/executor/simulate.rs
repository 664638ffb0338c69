//! A block of calls on a draft. What it is, is told in [`crate::simulation`].

use std::sync::Arc;

use revm::context::result::InvalidTransaction;
use revm::primitives::U256;

use super::ethereum::burnt;
use super::query::draft;
use super::view::View;
use super::{State, pay};
use crate::call::{CallOutcome, EthereumCall, Leash};
use crate::error::ExecutorFatal;
use crate::evm::{self, EvmOutcome, Mode, MovedPrecompiles, Runner};
use crate::journal::Journal;
use crate::kernel::Machine;
use crate::overrides::OverridesRejected;
use crate::simulation::{CallInvalid, Simulated, SimulatedBlock, SimulatedCall, SimulationRejected};
use crate::{fees, money};

/// A draft after its last block, and what became of the block's calls; or why it could not be run.
type Ran = Result<(State, Vec<Simulated>), SimulationRejected>;

/// Runs the block on `state`, as long as somebody waits.
pub(super) fn simulate(
    machine: &Arc<Machine<View>>,
    state: State,
    block: &SimulatedBlock,
    leash: &Leash,
) -> Result<Ran, ExecutorFatal> {
    let cut_off = Ok(Err(SimulationRejected::CutOff(leash.length())));
    // A block without calls looks at nothing.
    if leash.is_cut() {
        return cut_off;
    }
    let (state, moved) = match draft(state, &block.env, &block.accounts)? {
        Ok(drafted) => drafted,
        Err(rejected) => return Ok(Err(rejected.into())),
    };
    match Series::new(machine, block, leash, moved).run(state) {
        // Whatever the runtimes made of it: they were told to end.
        Err(_) if leash.is_cut() => cut_off,
        // No law of ours holds for accounts that no block made, in this block or in one before.
        Err(fatal) if fatal.is_a_law() => {
            tracing::warn!(%fatal, "a simulation met what its overrides made");
            Ok(Err(OverridesRejected::Impossible(fatal.to_string()).into()))
        }
        ran => ran,
    }
}

/// The calls of a block, one after the other.
struct Series<'a> {
    block: &'a SimulatedBlock,
    leash: &'a Leash,
    moved: Option<Arc<MovedPrecompiles>>,
    evm: Runner<View>,
    gas_used: u64,
    /// In attoTRB.
    burnt: U256,
    /// In attoTRB.
    tips: U256,
}

impl<'a> Series<'a> {
    fn new(
        machine: &Arc<Machine<View>>,
        block: &'a SimulatedBlock,
        leash: &'a Leash,
        moved: Option<Arc<MovedPrecompiles>>,
    ) -> Self {
        let mode = if block.validation { Mode::Rehearsal } else { Mode::Simulation };
        let evm = Runner::new(machine, &block.env, mode);
        Self { block, leash, moved, evm, gas_used: 0, burnt: U256::ZERO, tips: U256::ZERO }
    }

    fn run(mut self, mut state: State) -> Result<Ran, ExecutorFatal> {
        let block = self.block;
        let (mut done, mut bytes_left) = (Vec::with_capacity(block.calls.len()), block.bytes_max);
        for call in &block.calls {
            match self.run_one(state, call)? {
                Ok((after, one)) => {
                    // Before the next one runs: a little gas returns much, so all of them together could fill the memory.
                    let Some(left) = bytes_left.checked_sub(one.bytes()) else {
                        return Ok(Err(SimulationRejected::TooLarge));
                    };
                    (state, bytes_left) = (after, left);
                    done.push(one);
                }
                Err(invalid) => return Ok(Err(invalid.into())),
            }
        }
        pay(&mut state, &block.env, self.burnt, self.tips)?;
        Ok(Ok((state, done)))
    }

    fn run_one(
        &mut self,
        state: State,
        call: &SimulatedCall,
    ) -> Result<Result<(State, Simulated), CallInvalid>, ExecutorFatal> {
        let gas_limit = match self.gas_limit(call) {
            Ok(gas_limit) => gas_limit,
            Err(invalid) => return Ok(Err(invalid)),
        };
        let mut journal = self.evm.journal(View::Held(state, self.leash.clone()));
        journal.own().move_precompiles(self.moved.clone());
        if self.block.trace_transfers {
            journal.own().trace_transfers();
        }
        let (next, balance) = journal.nonce_and_balance(call.call.from)?;
        let value = money::to_u256(&call.call.value).unwrap_or(U256::MAX);
        if balance < value {
            return Ok(Err(CallInvalid::Funds { sender: call.call.from, balance, cost: value }));
        }
        let nonce = call.nonce.unwrap_or(next);
        let chain_id = self.block.env.chain_id;
        let transaction = if self.block.validation {
            evm::rehearsed(&call.call, gas_limit, nonce, chain_id)
        } else {
            evm::simulated(&call.call, gas_limit, nonce, chain_id)
        };
        match self.evm.transact(journal, transaction)? {
            (journal, Ok(outcome)) => {
                let EvmOutcome { contract, max_gas_used, .. } = outcome;
                let (state, outcome) = self.finish(journal, &call.call, outcome)?;
                Ok(Ok((state, Simulated { nonce, gas_limit, max_gas_used, contract, outcome })))
            }
            (_, Err(why)) => Ok(Err(self.invalid(&call.call, gas_limit, &why))),
        }
    }

    /// What a call may use: what it asks for, which its block must have left, held to what is left for all. More than a transaction may have
    /// is fine, as with go-ethereum.
    fn gas_limit(&self, call: &SimulatedCall) -> Result<u64, CallInvalid> {
        let limit = self.block.env.gas_limit;
        let left = limit.saturating_sub(self.gas_used);
        let asked = call.call.gas_limit.unwrap_or(left);
        if asked > left {
            return Err(CallInvalid::BlockGas { asked: self.gas_used.saturating_add(asked), limit });
        }
        Ok(asked.min(self.gas_left()))
    }

    fn gas_left(&self) -> u64 {
        self.block.gas_max.saturating_sub(self.gas_used)
    }

    fn finish(
        &mut self,
        mut journal: Journal<View>,
        call: &EthereumCall,
        outcome: EvmOutcome,
    ) -> Result<(State, CallOutcome), ExecutorFatal> {
        let finished = journal.finish()?;
        self.evm.keep(journal);
        let (fee, tip) = self.fee(call, outcome.gas_used);
        self.burnt += burnt(finished.vanished, fee, tip)?;
        self.tips += tip;
        self.gas_used = self.gas_used.saturating_add(outcome.gas_used);
        let mut state = finished.view.into_state()?;
        state.apply(finished.changes)?;
        Ok((state, outcome.into_call(finished.events)))
    }

    /// What a call pays, and the part of it that is a tip, in attoTRB.
    fn fee(&self, call: &EthereumCall, gas_used: u64) -> (U256, U256) {
        let base_fee = self.block.env.base_fee;
        let price = fees::effective_price(call.max_fee_per_gas, call.max_priority_fee_per_gas, base_fee);
        match price.filter(|_| self.block.validation) {
            Some(price) => (money::fee(price, gas_used), money::fee(price - u128::from(base_fee), gas_used)),
            None => (U256::ZERO, U256::ZERO),
        }
    }

    fn invalid(&self, call: &EthereumCall, gas_limit: u64, why: &InvalidTransaction) -> CallInvalid {
        if let Some(invalid) = unpaid(call, self.block.env.base_fee, why) {
            return invalid;
        }
        let sender = call.from;
        match *why {
            InvalidTransaction::NonceTooLow { tx, state } => CallInvalid::NonceTooLow { sender, got: tx, next: state },
            InvalidTransaction::NonceTooHigh { tx, state } => {
                CallInvalid::NonceTooHigh { sender, got: tx, next: state }
            }
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { .. }
                if gas_limit == self.gas_left() =>
            {
                CallInvalid::AllGas(self.block.gas_max)
            }
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas: want, gas_limit: have }
            | InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor: want, gas_limit: have } => {
                CallInvalid::IntrinsicGas { have, want }
            }
            InvalidTransaction::CreateInitCodeSizeLimit => CallInvalid::InitCode(call.input.len()),
            ref other => CallInvalid::Rule(other.to_string()),
        }
    }
}

/// Why what a call offers for its gas is not taken, if that is why it is invalid.
pub(super) fn unpaid(call: &EthereumCall, base_fee: u64, why: &InvalidTransaction) -> Option<CallInvalid> {
    let (sender, fee) = (call.from, call.max_fee_per_gas);
    Some(match why {
        InvalidTransaction::LackOfFundForMaxFee { fee: cost, balance } => {
            CallInvalid::Funds { sender, balance: **balance, cost: **cost }
        }
        InvalidTransaction::OverflowPaymentInTransaction => {
            CallInvalid::Funds { sender, balance: U256::ZERO, cost: U256::MAX }
        }
        InvalidTransaction::GasPriceLessThanBasefee => CallInvalid::Fee { sender, fee, base_fee },
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => {
            CallInvalid::Tip { sender, tip: call.max_priority_fee_per_gas, fee }
        }
        _ => return None,
    })
}
