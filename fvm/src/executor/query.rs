//! Calls that nobody signed, and the search for the gas they need.
//!
//! A call runs on a draft: the state after a block, with the accounts that its caller wants otherwise. It finds itself in that block, after
//! its last transaction, or in the block that comes next; which of both is its caller's to say.
//!
//! A call that offers a price for its gas pays it: its sender must have all its gas and the value, and gets back what is left. One that
//! offers none pays nothing, and finds no base fee, as with Ethereum's clients.

use std::sync::Arc;

use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use revm::primitives::U256;
use tributary_message::fvm::Kind;
use tributary_wasm::MessageContext;

use super::fvm::{Ended, run};
use super::simulate::unpaid;
use super::view::View;
use super::{State, access, begin};
use crate::block::BlockEnv;
use crate::call::{CallOutcome, CallRejected, CallRequest, EthereumCall, FvmCall, GasEstimate, Leash};
use crate::error::{ExecutorFatal, StateFatal};
use crate::evm::{self, Mode, MovedPrecompiles, Runner, TRANSACTION_GAS_MAX};
use crate::journal::{Accesses, Journal};
use crate::kernel::{BlockContext, Course, Kernel, Machine, Origin};
use crate::overrides::{AccountOverrides, Overrides, OverridesRejected};
use crate::trace::Tracer;
use crate::{fees, money};

/// Bytes by which a signed message is longer than the message and its signature's bytes: tuple head, byte string head, type.
const ENVELOPE_BYTES: usize = 1 + 2 + 1;

/// What comes of a state that was altered, unless it cannot be altered so.
pub(super) type Altered<T> = Result<T, OverridesRejected>;

/// A state that was altered, and the precompiled contracts that are elsewhere on it.
pub(super) type Drafted = (State, Option<Arc<MovedPrecompiles>>);

/// What comes of a call, unless it has no outcome.
type Answered<T> = Result<T, CallRejected>;

/// What a call does, and who recorded it if it was begun and somebody did.
pub(super) type Called = (CallOutcome, Option<Box<Tracer>>);

/// A chain's machine, the block that calls find themselves in, what is to be otherwise, and whoever waits for what runs there.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) machine: &'a Arc<Machine<View>>,
    pub(super) env: &'a BlockEnv,
    pub(super) overrides: &'a Overrides,
    pub(super) leash: &'a Leash,
}

impl Scene<'_> {
    /// Runs a call on `state`.
    pub(super) fn call(self, state: State, call: &CallRequest) -> Result<Answered<CallOutcome>, ExecutorFatal> {
        Ok(self.call_traced(state, call, None)?.map(|(outcome, _)| outcome))
    }

    /// The same, recorded by `tracer`.
    pub(super) fn call_traced(
        self,
        state: State,
        call: &CallRequest,
        tracer: Option<Box<Tracer>>,
    ) -> Result<Answered<Called>, ExecutorFatal> {
        self.on_draft(state, |journal| match call {
            CallRequest::Ethereum(call) => {
                Ok(self.call_ethereum(journal, call, tracer, |_| ())?.map(|(called, ())| called))
            }
            CallRequest::Fvm(call) => self.call_fvm(journal, call, tracer).map(Ok),
        })
    }

    /// The same for an Ethereum call, and what it reached that a list would save gas for.
    pub(super) fn call_noting(
        self,
        state: State,
        call: &EthereumCall,
    ) -> Result<Answered<(CallOutcome, Accesses)>, ExecutorFatal> {
        let chain_id = self.env.chain_id;
        self.on_draft(state, |journal| {
            let called = self.call_ethereum(journal, call, None, |journal| access::noted(journal, call, chain_id))?;
            Ok(called.map(|((outcome, _), reached)| (outcome, reached)))
        })
    }

    /// The most gas that the sender of a call can pay for at what it offers; `None` if it has no more than the value.
    pub(super) fn payable(self, state: State, call: &EthereumCall) -> Result<Answered<Option<u64>>, ExecutorFatal> {
        self.on_draft(state, |mut journal| {
            let (_, balance) = journal.nonce_and_balance(call.from)?;
            let left = money::to_u256(&call.value).map_or(U256::ZERO, |value| balance.saturating_sub(value));
            let gas = u64::try_from(left / U256::from(call.max_fee_per_gas.max(1))).unwrap_or(u64::MAX);
            Ok(Ok((!left.is_zero()).then_some(gas)))
        })
    }

    /// Runs `run` on the state as the caller wants it, as long as somebody waits.
    fn on_draft<T>(
        self,
        state: State,
        run: impl FnOnce(Journal<View>) -> Result<Answered<T>, ExecutorFatal>,
    ) -> Result<Answered<T>, ExecutorFatal> {
        let (state, moved) = match draft(state, self.env, &self.overrides.accounts)? {
            Ok(drafted) => drafted,
            Err(rejected) => return Ok(Err(rejected.into())),
        };
        // Which past blocks there are is the chain's to say, whatever the block's number.
        let mut journal = Journal::over(View::Held(state, self.leash.clone()), self.env.height);
        journal.own().move_precompiles(moved);
        match run(journal) {
            // Whatever the runtimes made of it: they were told to end.
            Err(_) if self.leash.is_cut() => Ok(Err(CallRejected::CutOff(self.leash.length()))),
            // No law of ours holds for accounts that no block made.
            Err(fatal) if fatal.is_a_law() && !self.overrides.accounts.is_empty() => {
                tracing::debug!(%fatal, "a call met what its overrides made");
                Ok(Err(OverridesRejected::Impossible(fatal.to_string()).into()))
            }
            ran => ran,
        }
    }

    /// The block that calls find themselves in.
    pub(super) fn block(self) -> BlockEnv {
        self.overrides.block.on(self.env)
    }

    /// The most gas that an estimate may name: the call's own, held to what a transaction may have, since one is to be made of it.
    pub(super) fn estimate_max(self, call: &CallRequest) -> u64 {
        match call {
            CallRequest::Ethereum(call) => self.ethereum_gas_limit(call).min(self.transaction_gas_max()),
            CallRequest::Fvm(call) => self.fvm_gas_limit(call),
        }
    }

    /// The call's gas limit, as it weighs in a block.
    pub(super) fn block_gas_limit(self, call: &CallRequest) -> u64 {
        match call {
            CallRequest::Ethereum(call) => self.ethereum_gas_limit(call),
            CallRequest::Fvm(call) => fees::block_gas(self.fvm_gas_limit(call), self.machine.params().fvm_gas_per_gas),
        }
    }

    /// The call's own, be it more than a transaction may have: no block has to hold it, and who asks for it has been held by its caller.
    fn ethereum_gas_limit(self, call: &EthereumCall) -> u64 {
        call.gas_limit.unwrap_or_else(|| self.transaction_gas_max())
    }

    fn transaction_gas_max(self) -> u64 {
        self.block().gas_limit.min(TRANSACTION_GAS_MAX)
    }

    fn fvm_gas_limit(self, call: &FvmCall) -> u64 {
        let most = self.block().gas_limit.saturating_mul(self.machine.params().fvm_gas_per_gas);
        call.gas_limit.unwrap_or(most).min(most)
    }

    /// What an Ethereum call does, and what `look` sees in the journal after it.
    fn call_ethereum<T>(
        self,
        mut journal: Journal<View>,
        call: &EthereumCall,
        tracer: Option<Box<Tracer>>,
        look: impl FnOnce(&Journal<View>) -> T,
    ) -> Result<Answered<(Called, T)>, ExecutorFatal> {
        let gas_limit = self.ethereum_gas_limit(call);
        journal.trace(tracer);
        let (mode, block, transaction) = if call.pays() {
            // Nonces do not matter: it has its sender's next.
            let (nonce, _) = journal.nonce_and_balance(call.from)?;
            (Mode::Rehearsal, self.block(), evm::rehearsed(call, gas_limit, nonce, self.env.chain_id))
        } else {
            let block = BlockEnv { base_fee: self.overrides.block.base_fee.unwrap_or(0), ..self.block() };
            (Mode::Simulation, block, evm::simulated(call, gas_limit, 0, self.env.chain_id))
        };
        let (mut journal, ended) = Runner::new(self.machine, &block, mode).transact(journal, transaction)?;
        let seen = look(&journal);
        let called = match ended {
            Ok(outcome) => {
                let finished = journal.finish()?;
                (outcome.into_call(finished.events), finished.tracer)
            }
            // Of what makes a transaction invalid only the price is left, and the gas limit.
            Err(why) => {
                if let Some(unpaid) = unpaid(call, block.base_fee, &why) {
                    return Ok(Err(unpaid.into()));
                }
                tracing::debug!(%why, "call is not valid");
                (ended_early(ExitCode::SYS_OUT_OF_GAS, gas_limit), None)
            }
        };
        Ok(Ok((called, seen)))
    }

    fn call_fvm(
        self,
        mut journal: Journal<View>,
        call: &FvmCall,
        tracer: Option<Box<Tracer>>,
    ) -> Result<Called, ExecutorFatal> {
        journal.trace(tracer);
        // Nobody signs a call, so any actor may be named: a question is usually asked in the system actor's name.
        let sender = match journal.resolve(&call.from)? {
            Some(sender) if journal.actor(sender)?.is_some() => sender,
            _ => return Ok((ended_early(ExitCode::SYS_SENDER_INVALID, 0), None)),
        };
        let eth_address = journal.eth_address(sender)?;
        let (nonce, _) = journal.nonce_and_balance(eth_address)?;
        journal.bump_nonce(eth_address)?;
        let message = message_of(call, self.fvm_gas_limit(call), nonce);
        let bytes = bytes_max(&message);
        let origin = Origin {
            message: MessageContext { origin: sender, nonce, gas_premium: TokenAmount::default() },
            address: call.from,
            eth_address,
            gas_price: 0,
        };
        let rate = self.machine.params().fvm_gas_per_gas;
        let block = Arc::new(BlockContext::new(self.block(), rate));
        let kernel = Kernel::new(journal, Course::new(Arc::clone(self.machine), block, origin));
        let Ended { mut journal, exit_code, return_data, gas_used } = run(kernel, sender, &message, bytes)?;
        let finished = journal.finish()?;
        let outcome = CallOutcome {
            exit_code,
            gas_used: fees::block_gas(gas_used, rate),
            fvm_gas_used: gas_used,
            return_data,
            events: finished.events,
        };
        Ok((outcome, finished.tracer))
    }
}

/// The state as a transaction in the block `env` finds it, with these accounts otherwise, and the precompiled contracts that are not in their
/// places then. Nothing is made of it but answers.
pub(super) fn draft(state: State, env: &BlockEnv, accounts: &AccountOverrides) -> Result<Altered<Drafted>, StateFatal> {
    let mut state = begin(state, env)?;
    state.begin_draft();
    let moved = match MovedPrecompiles::of(accounts) {
        Ok(moved) => moved,
        Err(rejected) => return Ok(Err(rejected)),
    };
    for (address, wanted) in accounts {
        if let Err(rejected) = state.alter(*address, wanted)? {
            return Ok(Err(rejected));
        }
    }
    Ok(Ok((state, moved)))
}

/// What becomes of a call whose sender cannot pay for any gas.
pub(super) fn poor() -> CallOutcome {
    ended_early(ExitCode::SYS_INSUFFICIENT_FUNDS, 0)
}

fn ended_early(exit_code: ExitCode, gas_used: u64) -> CallOutcome {
    CallOutcome { exit_code, gas_used, fvm_gas_used: 0, return_data: Vec::new(), events: Vec::new() }
}

fn message_of(call: &FvmCall, gas_limit: u64, nonce: u64) -> Message {
    Message {
        version: 0,
        from: call.from,
        to: call.to,
        sequence: nonce,
        value: call.value.clone(),
        method_num: call.method,
        params: RawBytes::new(call.params.clone()),
        gas_limit,
        gas_fee_cap: TokenAmount::default(),
        gas_premium: TokenAmount::default(),
    }
}

/// Most bytes that the message can have once it is signed, whatever its gas limit, fees and nonce will be.
fn bytes_max(message: &Message) -> usize {
    let most = TokenAmount::from_atto(u128::MAX);
    let largest = Message {
        sequence: u64::MAX,
        gas_limit: u64::MAX,
        gas_fee_cap: most.clone(),
        gas_premium: most,
        ..message.clone()
    };
    // Who is named and cannot sign is taken for a key's account: an f0 usually stands for one.
    let kind = Kind::of_sender(&message.from).unwrap_or(Kind::Secp256k1);
    to_vec(&largest).map_or(0, |bytes| bytes.len()) + ENVELOPE_BYTES + kind.signature_bytes()
}

/// Searches for the least gas limit, at most `high`, with which `run` ends with exit code zero.
///
/// What a call uses with all the gas is at most what it needs: refunds come back only after it ran, and a call may keep gas back for
/// calls of its own. That amount is tried first, then the rest is halved. Enough gas is taken to stay enough when there is more of
/// it; a contract that goes by the gas it has left can break that, and gets an estimate that works, not the least.
pub(super) fn estimate<E>(
    mut high: u64,
    call: &CallRequest,
    mut run: impl FnMut(&CallRequest) -> Result<CallOutcome, E>,
) -> Result<GasEstimate, E> {
    let all = run(&with_gas_limit(call, high))?;
    if !all.exit_code.is_success() {
        return Ok(GasEstimate::Never(all));
    }
    let used = match call {
        CallRequest::Ethereum(_) => all.gas_used,
        CallRequest::Fvm(_) => all.fvm_gas_used,
    };
    let mut is_enough = |gas_limit| Ok::<_, E>(run(&with_gas_limit(call, gas_limit))?.exit_code.is_success());
    if is_enough(used)? {
        return Ok(GasEstimate::Enough(used));
    }
    let mut low = used;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_enough(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(GasEstimate::Enough(high))
}

fn with_gas_limit(call: &CallRequest, gas_limit: u64) -> CallRequest {
    let gas_limit = Some(gas_limit);
    match call {
        CallRequest::Ethereum(call) => CallRequest::Ethereum(EthereumCall { gas_limit, ..call.clone() }),
        CallRequest::Fvm(call) => CallRequest::Fvm(FvmCall { gas_limit, ..call.clone() }),
    }
}
