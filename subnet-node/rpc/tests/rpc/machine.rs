//! Runs transactions on a map of actors. Four contracts make everything happen that a test needs:
//!
//! | actor | does with its input |
//! |---|---|
//! | [`EMITTER`] | first byte n up to 4: emits a log of n topics of 32 bytes and the rest as data; else an event of another shape |
//! | [`REVERTER`] | reverts with it |
//! | [`BURNER`] | uses up all gas |
//! | [`LOOPER`], in calls | runs until nobody waits for it |
//! | anyone else | returns it |

use std::collections::BTreeMap;

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::event::{Entry, Flags};
use tributary_fvm::call::CallOutcome;
use tributary_fvm::receipt::{Event, Receipt};
use tributary_message::Transaction;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, cbor_cid};
use tributary_rpc::backend::ActorView;

pub const EMITTER: u64 = 100;
pub const REVERTER: u64 = 101;
pub const BURNER: u64 = 102;
pub const LOOPER: EthAddress = EthAddress([0x1f; 20]);
/// Gas of everything that ends well.
pub const GAS: u64 = 21_000;
/// FVM gas in a unit of block gas.
pub const FVM_GAS_PER_GAS: u64 = 500;
/// The code of all three contracts.
pub const CODE: [u8; 3] = [0x60, 0x00, 0x56];

/// The actors of one height, by the address they were made with.
pub type State = BTreeMap<Address, ActorView>;

/// The Ethereum address of one of the contracts.
pub fn contract(id: u64) -> EthAddress {
    EthAddress([u8::try_from(id).unwrap(); 20])
}

/// The first state: the three contracts, and 1,000 tokens for each of `rich`.
pub fn first_state(rich: &[Address]) -> State {
    let mut state = State::new();
    for id in [EMITTER, REVERTER, BURNER] {
        actor(&mut state, &contract(id).to_address(), BuiltinActor::Evm);
    }
    for address in rich {
        actor(&mut state, address, BuiltinActor::EthAccount).balance = TokenAmount::from_whole(1_000);
    }
    state
}

/// The actor at an address, made if there is none.
pub fn actor<'a>(state: &'a mut State, at: &Address, code: BuiltinActor) -> &'a mut ActorView {
    let id = EMITTER + u64::try_from(state.len()).unwrap();
    let delegated = EthAddress::from_address(at).map(|address| address.to_address());
    state.entry(*at).or_insert_with(|| ActorView {
        id,
        code: code.code(),
        state: cbor_cid(&[0x80]),
        nonce: 0,
        balance: TokenAmount::default(),
        delegated,
    })
}

/// The actor at an address of any kind.
pub fn find<'a>(state: &'a State, at: &Address) -> Option<&'a ActorView> {
    match at.id() {
        Ok(id) => state.values().find(|actor| actor.id == id),
        Err(_) => state.get(at),
    }
}

/// What a call to `to` with `input` does, within `gas_limit`.
pub fn call(state: &State, to: Option<&Address>, input: &[u8], gas_limit: u64) -> CallOutcome {
    let ended = |exit_code, gas_used, return_data: &[u8], events| CallOutcome {
        exit_code: ExitCode::new(exit_code),
        gas_used,
        fvm_gas_used: gas_used * FVM_GAS_PER_GAS,
        return_data: return_data.to_vec(),
        events,
    };
    match to.and_then(|to| find(state, to)).map(|actor| actor.id) {
        _ if gas_limit < GAS => ended(7, gas_limit, &[], vec![]),
        Some(EMITTER) => ended(0, GAS, &[], vec![emitted(input)]),
        Some(REVERTER) => ended(33, GAS, input, vec![]),
        Some(BURNER) => ended(7, gas_limit, &[], vec![]),
        Some(_) | None => ended(0, GAS, input, vec![]),
    }
}

/// Runs a transaction and says what became of it.
pub fn run(state: &mut State, transaction: &Transaction, base_fee: u64) -> Receipt {
    let sender = transaction.sender();
    if actor(state, &sender, BuiltinActor::EthAccount).nonce != transaction.nonce() {
        return Receipt::skipped(transaction.hash(), ExitCode::SYS_SENDER_STATE_INVALID);
    }
    let (to, input, value) = match transaction {
        Transaction::Ethereum(one) => {
            use alloy_consensus::Transaction as _;
            let value = u128::try_from(one.envelope().value()).unwrap();
            (one.to().map(|to| to.to_address()), one.envelope().input().to_vec(), TokenAmount::from_atto(value))
        }
        Transaction::Fvm(one) => (Some(one.message().to), one.message().params.to_vec(), one.message().value.clone()),
    };
    let is_ethereum = matches!(transaction, Transaction::Ethereum(_));
    let outcome = call(state, to.as_ref(), &input, transaction.block_gas_limit(FVM_GAS_PER_GAS));
    let from = actor(state, &sender, BuiltinActor::EthAccount);
    from.nonce += 1;
    if outcome.exit_code.is_success() {
        from.balance -= &value;
    }
    let made = EthAddress([0xcc; 20]);
    let to = to.unwrap_or_else(|| made.to_address());
    let receiver = find(state, &to).map(|actor| actor.id);
    if outcome.exit_code.is_success() {
        let key = state.iter().find(|(_, actor)| Some(actor.id) == receiver).map_or(to, |(key, _)| *key);
        actor(state, &key, BuiltinActor::EthAccount).balance += value;
    }
    let tip = transaction.tip_cap(FVM_GAS_PER_GAS).min(transaction.fee_cap(FVM_GAS_PER_GAS) - u128::from(base_fee));
    let price = u128::from(base_fee) + tip;
    Receipt {
        transaction: transaction.hash(),
        exit_code: outcome.exit_code,
        gas_used: outcome.gas_used,
        fvm_gas_used: if is_ethereum { 0 } else { outcome.fvm_gas_used },
        effective_gas_price: TokenAmount::from_atto(if is_ethereum {
            price
        } else {
            price / u128::from(FVM_GAS_PER_GAS)
        }),
        return_data: outcome.return_data,
        contract: (is_ethereum && to == made.to_address()).then_some(made),
        events: outcome.events,
        skipped: false,
    }
}

fn emitted(input: &[u8]) -> Event {
    let entry = |key: &str, value: &[u8]| Entry {
        flags: Flags::FLAG_INDEXED_ALL,
        key: key.to_owned(),
        codec: 0x55,
        value: value.to_vec(),
    };
    let entries = match input.split_first() {
        Some((topics @ 0..=4, rest)) if rest.len() >= usize::from(*topics) * 32 => {
            let (topics, data) = rest.split_at(usize::from(*topics) * 32);
            let topics = topics.chunks(32).zip(1..).map(|(topic, position)| entry(&format!("t{position}"), topic));
            topics.chain([entry("d", data)]).collect()
        }
        _ => vec![entry("name", b"of no contract's shape")],
    };
    Event { emitter: EMITTER, address: contract(EMITTER), said: entries.into() }
}
