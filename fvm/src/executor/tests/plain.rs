//! Plain transfers: the short cut and the runtimes say the same.

use fvm_shared::address::Address;
use fvm_shared::message::Message;
use proptest::prelude::*;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;

use super::world::*;
use crate::ReadState as _;
use crate::evm::{Mode, Runner};
use crate::executor::view::View;
use crate::executor::{Executed, State, plain};
use crate::receipt::Receipt;

/// What a block leaves behind, run one way.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    receipts: Vec<Receipt>,
    burnt: revm::primitives::U256,
    tips: revm::primitives::U256,
    root: cid::Cid,
}

/// Runs transactions one by one, by the short cut where it takes them, or never by it.
fn run(world: &World, transactions: &[Transaction], may_be_short: bool) -> Left {
    let env = world.env();
    let mut evm = Runner::new(&world.executor.machine, &env, Mode::Transaction);
    let mut state: State = world.executor.open(&world.store, &world.root).unwrap();
    let (mut receipts, mut burnt, mut tips) = (vec![], revm::primitives::U256::ZERO, revm::primitives::U256::ZERO);
    for transaction in transactions {
        let run = if may_be_short { crate::Executor::execute } else { crate::Executor::execute_by_runtime };
        let view = View::InOrder(state);
        let (view, executed) = run(&world.executor, &mut evm, view, &env, env.gas_limit, transaction).unwrap();
        state = view.into_state().unwrap();
        let Executed { receipt, changes, burnt: more, tip, tracer: _ } = executed;
        state.apply(changes).unwrap();
        receipts.push(receipt);
        burnt += more;
        tips += tip;
    }
    Left { receipts, burnt, tips, root: state.flush().unwrap() }
}

/// Whether the short cut takes a transaction.
fn is_plain(world: &World, transaction: &Transaction) -> bool {
    let env = world.env();
    let mut state = world.executor.open(&world.store, &world.root).unwrap();
    let executed = match transaction {
        Transaction::Ethereum(transaction) => plain::ethereum(&mut state, &env, env.gas_limit, transaction),
        Transaction::Fvm(message) => plain::fvm(&mut state, &env, 500, env.gas_limit, message),
    };
    executed.unwrap().is_some()
}

/// A contract, a WASM actor, an account that delegates to the contract, one that never sent, and a precompiled contract with money.
struct Parties {
    world: World,
    receivers: Vec<EthAddress>,
    actor: Address,
}

/// The precompiled contract that answers what it is given.
fn identity_contract() -> EthAddress {
    let mut address = [0; 20];
    address[19] = 4;
    EthAddress(address)
}

fn parties() -> Parties {
    let mut world = World::new();
    let contract = world.deploy(0, KEEPER);
    let actor = world.exec(0);
    let (quiet, identity, delegating) = (key(60).eth_address(), identity_contract(), key(61));
    world.block(&[
        send(&alice(), 1, quiet, 10, vec![]),
        send(&alice(), 2, identity, 10, vec![]),
        send(&alice(), 3, delegating.eth_address(), RICH / 4, vec![]),
        set_code(&alice(), 4, (&delegating, 0), contract, words(&[1, 2])),
        message(&carol(), 1, F3.address(), 0, vec![], RICH / 4),
    ]);
    let carol = world.tree().resolve(&carol().f1_address()).unwrap().unwrap();
    let nobody = key(62).eth_address();
    let masked = EthAddress::from_actor_id(carol);
    let actor_masked = EthAddress::from_actor_id(actor.id().unwrap());
    let receivers = vec![
        alice().eth_address(),
        bob().eth_address(),
        quiet,
        identity,
        delegating.eth_address(),
        contract,
        nobody,
        masked,
        actor_masked,
        PROPOSER,
    ];
    Parties { world, receivers, actor }
}

#[test]
fn a_transfer_between_accounts_takes_the_short_cut_and_what_runs_something_does_not() {
    let Parties { world, receivers, actor } = parties();
    let [_, bob_address, quiet, identity, delegating, contract, nobody, masked, actor_masked, _] = receivers[..] else {
        panic!("ten receivers");
    };
    let pay = |to| send(&alice(), 5, to, 1, vec![]);
    for (to, plainly) in [
        (bob_address, true),
        (quiet, true),
        (identity, false),
        (delegating, false),
        (contract, false),
        (nobody, false),
        (masked, false),
        (actor_masked, false),
        (alice().eth_address(), false),
    ] {
        assert_eq!(is_plain(&world, &pay(to)), plainly, "{to}");
    }
    for (account, nonce, plainly) in [(Account::F1(3), 2, true), (F3, 0, true), (Account::F410(1), 5, false)] {
        let pay = account.message(nonce, bob_address.to_address(), 0, vec![], 1);
        assert_eq!(is_plain(&world, &pay), plainly, "{account:?}");
    }
    let message = |to, method, params| message(&carol(), 2, to, method, params, 1);
    for (transaction, plainly) in [
        (message(quiet.to_address(), 0, vec![]), true),
        (message(contract.to_address(), 0, vec![]), true),
        (message(actor, 0, vec![]), true),
        (message(actor, 2, vec![]), false),
        (message(actor, 0, vec![0x80]), false),
        (message(nobody.to_address(), 0, vec![]), false),
        (message(carol().f1_address(), 0, vec![]), false),
        (send(&alice(), 5, bob_address, 1, vec![1]), false),
        (send(&alice(), 6, bob_address, 1, vec![]), false),
        (send(&alice(), 5, bob_address, 2 * RICH, vec![]), false),
    ] {
        assert_eq!(is_plain(&world, &transaction), plainly);
    }
}

/// The account that sends messages as f3.
const F3: Account = Account::F3(63);

/// One transaction of a random block.
#[derive(Clone, Debug)]
struct Pay {
    /// Alice, bob and the account that delegates; by a message, carol, an f3, alice and bob.
    from: usize,
    to: usize,
    by_message: bool,
    value: u128,
    /// Added to the right nonce.
    gap: u64,
    gas_limit: u64,
    fee_cap: u128,
    data: Vec<u8>,
}

fn pay() -> impl Strategy<Value = Pay> {
    let value = prop_oneof![5 => 0..3u128, 1 => Just(RICH / 4), 1 => Just(2 * RICH)];
    let gas_limit =
        prop_oneof![6 => Just(0), 1 => Just(21_000), 1 => Just(20_999), 1 => Just(1 << 24), 1 => Just((1 << 24) + 1)];
    let fee_cap = prop_oneof![6 => Just(10_000), 1 => Just(1_004), 1 => Just(999)];
    let data = prop_oneof![8 => Just(vec![]), 1 => Just(vec![0]), 1 => Just(words(&[1, 2]))];
    let gap = prop_oneof![12 => Just(0), 1 => Just(1)];
    (0..4usize, 0..11usize, any::<bool>(), value, gap, gas_limit, fee_cap, data).prop_map(
        |(from, to, by_message, value, gap, gas_limit, fee_cap, data)| Pay {
            from,
            to,
            by_message,
            value,
            gap,
            gas_limit,
            fee_cap,
            data,
        },
    )
}

impl Pay {
    fn sign(&self, parties: &Parties, nonces: &mut [u64; 5]) -> Transaction {
        let eth = parties.receivers.get(self.to).copied();
        if self.by_message {
            let to = eth.map_or(parties.actor, |to| to.to_address());
            let (account, place) =
                [(Account::F1(3), 3), (F3, 4), (Account::F410(1), 0), (Account::F410(2), 1)][self.from];
            let unsigned = unsigned_message(nonces[place] + self.gap, to, 0, self.data.clone(), self.value);
            let gas_limit = if self.gas_limit == 0 { FVM_GAS } else { 600_000 + self.gas_limit / 8 };
            nonces[place] += 1 - self.gap;
            return account.sign(Message { gas_limit, ..unsigned });
        }
        let from = self.from % 3;
        let unsigned = unsigned(nonces[from] + self.gap, eth.or(Some(PROPOSER)), self.value, self.data.clone());
        let gas_limit = if self.gas_limit == 0 { unsigned.gas_limit } else { self.gas_limit };
        let tip = TIP.min(self.fee_cap);
        nonces[from] += 1 - self.gap;
        let keys = [alice(), bob(), key(61)];
        let unsigned = alloy_consensus::TxEip1559 {
            gas_limit,
            max_fee_per_gas: self.fee_cap,
            max_priority_fee_per_gas: tip,
            ..unsigned
        };
        sign(&keys[from], unsigned)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_short_cut_and_the_runtimes_leave_the_same(pays in prop::collection::vec(pay(), 1..20)) {
        let parties = parties();
        // Of alice, bob, the account that delegates, carol, the f3.
        let mut nonces = [5, 0, 1, 2, 0];
        let transactions: Vec<_> = pays.iter().map(|pay| pay.sign(&parties, &mut nonces)).collect();
        let (short, long) = (run(&parties.world, &transactions, true), run(&parties.world, &transactions, false));
        prop_assert_eq!(short, long);
    }
}
