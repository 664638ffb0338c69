//! What went wrong with accounts in other executors, one test each. Those of scheduling are in `fvm/parallel/tests/equal/lessons.rs`.

use fvm_shared::error::ExitCode;
use revm::primitives::{Address as EvmAddress, U256};
use tributary_primitives::actors::BuiltinActor;

use super::*;
use crate::block::BlockOutcome;
use crate::journal::changes::{ActorChange, Changes, ContractChange};
use crate::state::{Actor, StateView as _};

/// What a block comes to in order, which is what it comes to on threads.
fn agreed(world: &World, transactions: &[Transaction]) -> BlockOutcome {
    let in_order = world.run(transactions);
    let lanes = Hints::Lanes((0..transactions.len()).collect());
    for (workers, hints) in
        (2..=4).flat_map(|workers| [(workers, &Hints::Senders), (workers, &Hints::Nothing), (workers, &lanes)])
    {
        let state = world.open().unwrap();
        let ran = world.executor.run_hinted(Workers::new(workers), hints, state, &world.env(), transactions);
        let (mut state, run, _) = ran.unwrap();
        assert_eq!(run.receipts, in_order.receipts, "{workers} workers, {hints:?}");
        assert_eq!(state.flush().unwrap(), in_order.state_root, "{workers} workers, {hints:?}");
    }
    in_order
}

/// A world where that many senders have something.
fn world(senders: u8) -> World {
    let mut world = World::new();
    let paid: Vec<_> =
        (0..senders).map(|by| send(&alice(), by.into(), sender(by).eth_address(), RICH / 100, vec![])).collect();
    world.block(&paid);
    world
}

/// Who ran after an account had changed its delegate found the old one's code: that the account has code was no news, only which.
/// Source: Galxe/grevm, `src/incarnation_db.rs`.
#[test]
fn an_account_that_delegates_anew_runs_its_new_delegate_from_the_next_transaction_on() {
    let mut world = world(6);
    let [keeper, mixer] = [(6, KEEPER), (7, MIXER)].map(|(nonce, code)| world.deploy(nonce, code));
    let account = authority(0);
    let delegate =
        |by, nonce, to, words: [u64; 2]| set_code(&sender(by), 0, (&account, nonce), to, super::words(&words));
    let call = |by, words: [u64; 2]| send(&sender(by), 0, account.eth_address(), 0, super::words(&words));
    let block = [
        delegate(0, 0, keeper, [1, 5]),
        call(1, [1, 6]),
        delegate(2, 1, mixer, [1, 2]),
        call(3, [1, 3]),
        delegate(4, 2, EthAddress([0; 20]), [1, 4]),
        call(5, [1, 5]),
    ];
    let outcome = agreed(&world, &block);
    assert!(outcome.receipts.iter().all(|receipt| receipt.exit_code.is_success()));
    world.root = outcome.state_root;
    let slots = (1..=5).map(|slot| world.stored(account.eth_address(), slot));
    assert_eq!(
        slots.collect::<Vec<_>>(),
        [6, 7, 7, 0, 0].map(U256::from),
        "kept, mixed twice, and then nobody is called"
    );
}

/// Slots of who was there before show through a contract made in their place, unless its making masks them. Source: Galxe/grevm,
/// `StorageReset` in `src/incarnation_db.rs`.
#[test]
fn a_contract_made_where_slots_lie_finds_none_of_them() {
    let mut world = world(3);
    let factory = world.deploy(3, FACTORY);
    let init = init_code(MIXER);
    let made = EthAddress(EvmAddress::new(factory.0).create2_from_code([0; 32], &init).0.0);
    // No rule leaves slots behind where none has code; a broken one might.
    world.one(send(&alice(), 4, made, 1, vec![]));
    let mut state = world.open().unwrap();
    let id = state.resolve(&made.to_address()).unwrap().unwrap();
    let was = Actor { balance: U256::from(1), ..Actor::new(BuiltinActor::Evm, Some(made.to_address())) };
    let slots = vec![(U256::from(0), U256::from(3)), (U256::from(1), U256::from(4))];
    let contract = ContractChange { is_new: true, nonce: 0, code: None, slots };
    let change = ActorChange { id, actor: Some(was), contract: Some(contract) };
    state.apply(Changes { actors: vec![change], ..Changes::default() }).unwrap();
    world.root = state.flush().unwrap();
    assert_eq!(world.stored(made, 1), U256::from(4));

    let mix = |by, from| send(&sender(by), 0, made, 0, words(&[from, 2]));
    let outcome = agreed(&world, &[send(&sender(0), 0, factory, 0, init), mix(1, 0), mix(2, 1)]);
    assert!(outcome.receipts.iter().all(|receipt| receipt.exit_code.is_success()));
    world.root = outcome.state_root;
    assert_eq!([0, 1, 2].map(|slot| world.stored(made, slot)), [0, 0, 1].map(U256::from));
}

/// Nonces and balances of plain transfers were added up at the block's end, and one that did not fit failed the whole block. Source:
/// risechain/pevm, `crates/pevm/src/pevm.rs`.
#[test]
fn who_lacks_money_or_a_nonce_in_mid_block_is_skipped_and_nobody_else() {
    let world = world(3);
    let (poor, gas) = (key(90), 21_000 * (u128::from(BASE_FEE) + TIP));
    let pay = |from: &SecpSecretKey, nonce, to: &SecpSecretKey, value| {
        let unsigned = unsigned(nonce, Some(to.eth_address()), value, vec![]);
        sign(
            from,
            alloy_consensus::TxEip1559 { gas_limit: 21_000, max_fee_per_gas: u128::from(BASE_FEE) + TIP, ..unsigned },
        )
    };
    let block = [
        pay(&poor, 0, &bob(), 1),
        pay(&sender(0), 0, &poor, 2 * gas + 10),
        pay(&poor, 0, &bob(), 7),
        pay(&sender(1), 1, &bob(), 1),
        pay(&poor, 1, &bob(), 4),
        pay(&poor, 1, &bob(), 3),
        pay(&poor, 1, &bob(), 0),
        pay(&sender(2), 0, &bob(), 1),
    ];
    let receipts = agreed(&world, &block).receipts;
    let skipped: Vec<_> = receipts.iter().map(|receipt| receipt.skipped).collect();
    assert_eq!(skipped, [true, false, false, true, true, false, true, false]);
    assert!(receipts.iter().all(|receipt| receipt.skipped || receipt.exit_code == ExitCode::OK));
}
