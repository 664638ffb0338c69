//! The commonest transaction of all, without a runtime: value moves from an account to somebody who only receives it.
//!
//! ```text
//! transaction ─▶ plain?   sender    an account, at its nonce, able to pay
//!                         receiver  another actor that is there, and runs nothing for this
//!                         nothing called, no data, gas enough to end well
//!                  │ yes                             │ no, or not sure
//!                  ▼                                 ▼
//!                two balances and a nonce            a journal and a runtime
//! ```
//!
//! It is a short cut, never a rule of its own: for a transaction that it takes, receipt and changes are those of the runtimes, and
//! a test holds the two against each other. Whatever does not end well, or may not run at all, is for them to say.

use std::sync::Arc;

use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::{ActorID, METHOD_SEND};
use revm::primitives::U256;
use tributary_message::{EthereumTransaction, FvmTransaction};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, Hash32};
use tributary_wasm::{Access, Gas, prices};

use super::Executed;
use crate::block::BlockEnv;
use crate::error::StateFatal;
use crate::evm::TRANSACTION_GAS_MAX;
use crate::journal::Own;
use crate::journal::changes::{ActorChange, Changes};
use crate::receipt::Receipt;
use crate::state::view::eth_address;
use crate::state::{Actor, ActorHead, StateView};
use crate::{fees, money};

/// Gas of a transaction that only moves value.
///
/// Source: Yellow Paper, appendix G, `G_transaction`.
const TRANSFER_GAS: u64 = 21_000;

/// Bytes of an address before those that number a precompiled contract, or an actor.
const ADDRESS_PREFIX: usize = 12;

/// A transfer that will go well.
struct Transfer {
    from: (ActorID, Actor),
    to: ActorID,
    value: U256,
    /// In the unit of the price.
    gas_used: u64,
    /// What a unit of gas costs the sender, in attoTRB, and the part of it that is burnt.
    price: u128,
    base_fee: u64,
}

/// Runs an Ethereum transaction that is a plain transfer; `None` for any other.
pub(super) fn ethereum<V: StateView>(
    view: &mut V,
    env: &BlockEnv,
    gas_left: u64,
    transaction: &EthereumTransaction,
) -> Result<Option<Executed>, StateFatal> {
    let (gas_limit, cap) = (transaction.gas_limit(), transaction.max_fee_per_gas());
    let is_gas_fine = (TRANSFER_GAS..=TRANSACTION_GAS_MAX.min(gas_left)).contains(&gas_limit);
    let Some(to) = transaction.to().filter(|_| is_gas_fine && transaction.is_bare()) else { return Ok(None) };
    let Some(price) = fees::effective_price(cap, transaction.max_priority_fee_per_gas(), env.base_fee) else {
        return Ok(None);
    };
    let Some((to, _)) = ethereum_account(view, to)? else { return Ok(None) };
    let Some((from, _)) = ethereum_account(view, transaction.sender())? else { return Ok(None) };
    let Some(mut sender) = view.actor(from)? else { return Ok(None) };
    let (value, price_of_all) = (transaction.value(), money::fee(cap, gas_limit));
    let can_pay = price_of_all.checked_add(value).is_some_and(|cost| cost <= sender.balance);
    if from == to || sender.nonce != transaction.nonce() || !can_pay {
        return Ok(None);
    }
    // Who sends is an account, whatever it was before.
    if !sender.head.code.is(BuiltinActor::EthAccount) {
        Arc::make_mut(&mut sender.head).code = BuiltinActor::EthAccount.into();
    }
    let transfer = Transfer { from: (from, sender), to, value, gas_used: TRANSFER_GAS, price, base_fee: env.base_fee };
    Ok(Some(transfer.run(receipt(transaction.hash(), TRANSFER_GAS, 0, price))))
}

/// Runs an FVM message that is a plain transfer; `None` for any other.
pub(super) fn fvm<V: StateView>(
    view: &mut V,
    env: &BlockEnv,
    rate: u64,
    gas_left: u64,
    transaction: &FvmTransaction,
) -> Result<Option<Executed>, StateFatal> {
    let message = transaction.message();
    let is_room = fees::block_gas(message.gas_limit, rate) <= gas_left;
    if message.method_num != METHOD_SEND || !message.params.is_empty() || !is_room {
        return Ok(None);
    }
    let base_fee = fees::fvm_base_fee(env.base_fee, rate);
    let Some(price) = fees::effective_price(transaction.fee_cap(), transaction.premium(), base_fee) else {
        return Ok(None);
    };
    let (from, to) = (view.resolve(&message.from)?, view.resolve(&message.to)?);
    let (Some((from, _)), Some((to, _))) = (party(view, from)?, party(view, to)?) else { return Ok(None) };
    let Some(sender) = view.actor(from)? else { return Ok(None) };
    let is_account = sender.head.code.is(BuiltinActor::Account);
    let can_pay = transaction.cost_max().is_some_and(|cost| U256::from(cost) <= sender.balance);
    let value = U256::from(transaction.value());
    let inclusion = fees::inclusion(message.from.protocol(), transaction.raw().len());
    let gas_used = fvm_gas(inclusion, value, to).round_up();
    if !is_account || !can_pay || from == to || sender.nonce != message.sequence || gas_used > message.gas_limit {
        return Ok(None);
    }
    let transfer = Transfer { from: (from, sender), to, value, gas_used, price, base_fee };
    Ok(Some(transfer.run(receipt(transaction.hash(), fees::block_gas(gas_used, rate), gas_used, price))))
}

/// What a message that moves value pays: its inclusion, the transfer, and the receiver's update.
fn fvm_gas(inclusion: Gas, value: U256, to: ActorID) -> Gas {
    if value.is_zero() {
        return inclusion;
    }
    let mut accesses = Own::default();
    accesses.first_access(to, Access::Read);
    let update = prices::access(accesses.first_access(to, Access::Update));
    inclusion + prices::VALUE_TRANSFER + update
}

/// Who takes part, without what they have: a receiver's balance is not asked for.
type Party = (ActorID, Arc<ActorHead>);

fn party<V: StateView>(view: &mut V, id: Option<ActorID>) -> Result<Option<Party>, StateFatal> {
    let Some(id) = id else { return Ok(None) };
    Ok(view.head(id)?.map(|head| (id, head)))
}

/// The account behind an Ethereum address, if nothing runs when it is called.
fn ethereum_account<V: StateView>(view: &mut V, address: EthAddress) -> Result<Option<Party>, StateFatal> {
    // Precompiled contracts, Ethereum's and ours, and masked ids: eleven zeros follow the first byte.
    if address.0[1..ADDRESS_PREFIX].iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let id = view.resolve_ethereum(address)?;
    let Some((id, head)) = party(view, id)? else { return Ok(None) };
    let is_plain = match head.code.builtin() {
        Some(BuiltinActor::Placeholder) => true,
        // One that delegates runs its delegate's code.
        Some(BuiltinActor::EthAccount) => view.contract(id)?.is_none(),
        _ => false,
    };
    let is_own = eth_address(id, head.delegated.as_ref()) == address;
    Ok((is_plain && is_own).then_some((id, head)))
}

impl Transfer {
    fn run(self, receipt: Receipt) -> Executed {
        let Self { from: (from, mut sender), to, value, gas_used, price, base_fee } = self;
        sender.nonce += 1;
        sender.balance -= money::fee(price, gas_used) + value;
        let actors = vec![ActorChange { id: from, actor: Some(sender), contract: None }];
        let credits = if value.is_zero() { Vec::new() } else { vec![(to, value)] };
        let changes = Changes { actors, credits, ..Changes::default() };
        let burnt = money::fee(base_fee.into(), gas_used);
        let tip = money::fee(price - u128::from(base_fee), gas_used);
        Executed { receipt, changes, burnt, tip, tracer: None }
    }
}

fn receipt(transaction: Hash32, gas_used: u64, fvm_gas_used: u64, price: u128) -> Receipt {
    Receipt {
        transaction,
        exit_code: ExitCode::OK,
        gas_used,
        fvm_gas_used,
        effective_gas_price: TokenAmount::from_atto(price),
        return_data: Vec::new(),
        contract: None,
        events: Vec::new(),
        skipped: false,
    }
}
