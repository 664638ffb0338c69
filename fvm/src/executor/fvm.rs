//! One FVM message: may it run, what does it pay, and what did it leave behind?
//!
//! | question | no |
//! |---|---|
//! | is the sender an account, of a key or Ethereum's, or a placeholder? | skipped, 1 `SYS_SENDER_INVALID` |
//! | is it its nonce? | skipped, 2 `SYS_SENDER_STATE_INVALID` |
//! | does it have value and all gas at the fee cap? | skipped, 2 |
//! | does the fee cap reach the base fee? | skipped, 2 |
//! | does the gas limit hold the message's inclusion, and the block the gas limit? | skipped, 2 |
//!
//! A placeholder becomes an Ethereum account by the nonce that its first message uses up, as by its first Ethereum transaction; the
//! journal sees to that. Nonces of an Ethereum account are one sequence, whichever kind of transaction uses them up.
//!
//! Then the sender pays for its gas limit at the effective price, the call runs, and what gas is left is paid back in full.
//! Filecoin burns a part of what was over-estimated; a chain of blocks that fill on demand has no need to.

use fvm_ipld_encoding::CBOR;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use revm::primitives::U256;
use tributary_message::FvmTransaction;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::BuiltinActor;
use tributary_wasm::{Block, GasTracker, MessageContext, Send};

use super::Executed;
use super::ethereum::burnt;
use super::view::View;
use crate::block::BlockEnv;
use crate::error::{ExecutorFatal, StateFatal};
use crate::evm::Runner;
use crate::journal::Journal;
use crate::kernel::{Kernel, Origin, exit_code_of};
use crate::receipt::Receipt;
use crate::state::view::eth_address;
use crate::{fees, money};

/// How a message's call ended.
pub(super) struct Ended {
    pub(super) journal: Journal<View>,
    pub(super) exit_code: ExitCode,
    pub(super) return_data: Vec<u8>,
    /// In FVM gas.
    pub(super) gas_used: u64,
}

pub(super) fn execute(
    runner: &mut Runner<View>,
    view: View,
    env: &BlockEnv,
    gas_left: u64,
    transaction: &FvmTransaction,
) -> Result<(View, Executed), ExecutorFatal> {
    let message = transaction.message();
    let rate = runner.machine().params().fvm_gas_per_gas;
    let base_fee = fees::fvm_base_fee(env.base_fee, rate);
    let price = fees::effective_price(transaction.fee_cap(), transaction.premium(), base_fee);
    let is_room = fees::block_gas(message.gas_limit, rate) <= gas_left;
    let mut journal = runner.journal(view);
    let (price, sender) = match (price.filter(|_| is_room), sender(&mut journal, transaction)?) {
        (Some(price), Ok(sender)) => (price, sender),
        (None, Ok(_)) => return Ok(skip(runner, journal, transaction, ExitCode::SYS_SENDER_STATE_INVALID)),
        (_, Err(reason)) => return Ok(skip(runner, journal, transaction, reason)),
    };

    let Sender { id: sender, eth_address } = sender;
    if !journal.take(eth_address, money::fee(price, message.gas_limit))? {
        return Err(ExecutorFatal::Invariant("a sender that was found able to pay could not".to_owned()));
    }
    journal.bump_nonce(eth_address)?;
    let premium = TokenAmount::from_atto(price - u128::from(base_fee));
    let origin = Origin {
        message: MessageContext { origin: sender, nonce: message.sequence, gas_premium: premium },
        address: message.from,
        eth_address,
        gas_price: price.saturating_mul(rate.into()),
    };
    let kernel = Kernel::new(journal, runner.course(origin));
    let mut ended = run(kernel, sender, message, transaction.raw().len())?;

    let left = message.gas_limit.saturating_sub(ended.gas_used);
    ended.journal.give_back(eth_address, money::fee(price, left))?;
    let finished = ended.journal.finish()?;
    runner.keep(ended.journal);
    let tip = money::fee(price - u128::from(base_fee), ended.gas_used);
    let burnt = burnt(finished.vanished, money::fee(price, ended.gas_used), tip)?;
    let receipt = Receipt {
        transaction: transaction.hash(),
        exit_code: ended.exit_code,
        gas_used: fees::block_gas(ended.gas_used, rate),
        fvm_gas_used: ended.gas_used,
        effective_gas_price: TokenAmount::from_atto(price),
        return_data: ended.return_data,
        contract: None,
        events: finished.events,
        skipped: false,
    };
    Ok((finished.view, Executed { receipt, changes: finished.changes, burnt, tip, tracer: finished.tracer }))
}

/// Who sent a message.
struct Sender {
    id: ActorID,
    /// What stands for it: its balance and nonce are kept there.
    eth_address: EthAddress,
}

/// The sender, if the message may run for its part.
fn sender(journal: &mut Journal<View>, transaction: &FvmTransaction) -> Result<Result<Sender, ExitCode>, StateFatal> {
    let message = transaction.message();
    let Some(sender) = account_of(journal, &message.from)? else { return Ok(Err(ExitCode::SYS_SENDER_INVALID)) };
    let (nonce, balance) = journal.nonce_and_balance(sender.eth_address)?;
    let can_pay = transaction.cost_max().is_some_and(|cost| U256::from(cost) <= balance);
    let is_included = fees::inclusion(message.from.protocol(), transaction.raw().len()).round_up() <= message.gas_limit;
    let may_run = nonce == message.sequence && can_pay && is_included;
    Ok(may_run.then_some(sender).ok_or(ExitCode::SYS_SENDER_STATE_INVALID))
}

/// The account that may send messages from this address. One that delegates may too (EIP-7702); a contract may not (EIP-3607).
fn account_of(journal: &mut Journal<View>, from: &Address) -> Result<Option<Sender>, StateFatal> {
    let Some(id) = journal.resolve(from)? else { return Ok(None) };
    let may_send = |code: Option<BuiltinActor>| {
        matches!(code, Some(BuiltinActor::Account | BuiltinActor::EthAccount | BuiltinActor::Placeholder))
    };
    let account = journal.actor(id)?.filter(|actor| may_send(actor.code.builtin()));
    Ok(account.map(|account| Sender { id, eth_address: eth_address(id, account.delegated.as_ref()) }))
}

fn skip(
    runner: &mut Runner<View>,
    mut journal: Journal<View>,
    transaction: &FvmTransaction,
    reason: ExitCode,
) -> (View, Executed) {
    tracing::debug!(transaction = %transaction.hash(), %reason, "skipped");
    let view = journal.end();
    runner.keep(journal);
    (view, Executed::skipped(Receipt::skipped(transaction.hash(), reason)))
}

/// Runs a message's call, its inclusion of `message_bytes` charged first. What it did is undone unless its exit code is zero.
pub(super) fn run(
    mut kernel: Box<Kernel<View>>,
    sender: ActorID,
    message: &Message,
    message_bytes: usize,
) -> Result<Ended, ExecutorFatal> {
    let mut gas = GasTracker::new(message.gas_limit);
    let is_included = gas.charge(fees::inclusion(message.from.protocol(), message_bytes)).is_ok();
    let params = message.params.bytes();
    let params = (!params.is_empty() && is_included).then(|| Block::new(CBOR, params)).transpose();
    let unbegun = match (is_included, &params) {
        (false, _) => Some(ExitCode::SYS_OUT_OF_GAS),
        (true, Err(_)) => Some(ExitCode::SYS_ASSERTION_FAILED),
        (true, Ok(_)) => None,
    };
    let params = params.unwrap_or_default();
    let send = Send {
        from: sender,
        to: message.to,
        method: message.method_num,
        params,
        value: message.value.clone(),
        read_only: false,
        gas_limit: None,
        stack: kernel.journal.bottom(),
    };
    if let Some(exit_code) = unbegun {
        kernel.trace_unbegun(&send, exit_code, &gas)?;
        return Ok(ended(kernel, exit_code, Vec::new(), &gas));
    }
    let (kernel, result) = kernel.call(send, &mut gas);
    let (exit_code, return_block) = match result {
        Ok(outcome) => (outcome.exit_code, outcome.return_block),
        Err(error) => (exit_code_of(error)?, None),
    };
    let return_data = return_block.map(|block| block.data().to_vec()).unwrap_or_default();
    Ok(ended(kernel, exit_code, return_data, &gas))
}

fn ended(kernel: Box<Kernel<View>>, exit_code: ExitCode, return_data: Vec<u8>, gas: &GasTracker) -> Ended {
    Ended { journal: kernel.into_journal(), exit_code, return_data, gas_used: gas.used().round_up() }
}
