//! One Ethereum transaction: may it run, and what did it leave behind?
//!
//! revm asks the questions (nonce, funds, intrinsic gas, EIP-3607, EIP-7825); the block's gas is asked here. A transaction that may
//! not run is skipped: a receipt, no fee, no change.

use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use revm::context_interface::result::InvalidTransaction;
use revm::primitives::U256;
use tributary_message::EthereumTransaction;

use super::Executed;
use super::view::View;
use crate::block::BlockEnv;
use crate::error::ExecutorFatal;
use crate::evm::{self, EvmOutcome, Runner};
use crate::journal::Journal;
use crate::receipt::Receipt;
use crate::{fees, money};

pub(super) fn execute(
    evm: &mut Runner<View>,
    view: View,
    env: &BlockEnv,
    gas_left: u64,
    transaction: &EthereumTransaction,
) -> Result<(View, Executed), ExecutorFatal> {
    let price =
        fees::effective_price(transaction.max_fee_per_gas(), transaction.max_priority_fee_per_gas(), env.base_fee);
    let Some(price) = price.filter(|_| transaction.gas_limit() <= gas_left) else {
        return Ok((view, skipped(transaction)));
    };
    let journal = evm.journal(view);
    let (mut journal, result) = evm.transact(journal, evm::transaction(transaction))?;
    let ended = match result {
        Ok(outcome) => finish(&mut journal, env, transaction, price, outcome)?,
        Err(why) => {
            log_skipped(transaction, &why);
            (journal.end(), skipped(transaction))
        }
    };
    evm.keep(journal);
    Ok(ended)
}

fn finish(
    journal: &mut Journal<View>,
    env: &BlockEnv,
    transaction: &EthereumTransaction,
    price: u128,
    outcome: EvmOutcome,
) -> Result<(View, Executed), ExecutorFatal> {
    let finished = journal.finish()?;
    let tip = money::fee(price - u128::from(env.base_fee), outcome.gas_used);
    let burnt = burnt(finished.vanished, money::fee(price, outcome.gas_used), tip)?;
    let receipt = Receipt {
        transaction: transaction.hash(),
        exit_code: outcome.exit_code,
        gas_used: outcome.gas_used,
        fvm_gas_used: 0,
        effective_gas_price: TokenAmount::from_atto(price),
        // What a constructor returns is code, and stands in the state.
        return_data: if outcome.contract.is_some() { Vec::new() } else { outcome.return_data },
        contract: outcome.contract,
        events: finished.events,
        skipped: false,
    };
    Ok((finished.view, Executed { receipt, changes: finished.changes, burnt, tip, tracer: finished.tracer }))
}

/// What is burnt of all that vanished from accounts, the fee among it.
pub(super) fn burnt(vanished: U256, fee: U256, tip: U256) -> Result<U256, ExecutorFatal> {
    if vanished < fee {
        return Err(ExecutorFatal::Invariant(format!("a fee of {fee} took {vanished} from the accounts")));
    }
    Ok(vanished - tip)
}

fn skipped(transaction: &EthereumTransaction) -> Executed {
    Executed::skipped(Receipt::skipped(transaction.hash(), ExitCode::SYS_SENDER_STATE_INVALID))
}

fn log_skipped(transaction: &EthereumTransaction, why: &InvalidTransaction) {
    tracing::debug!(transaction = %transaction.hash(), %why, "skipped");
}
