//! One law a test; a pinned block for each form that other tools read.

use fvm_ipld_blockstore::Blockstore as _;
use fvm_ipld_encoding::{RawBytes, to_vec};

use super::*;
use crate::native::multisig::pending::Pending;
use crate::state::MemoryStore;

fn atto(amount: u64) -> TokenAmount {
    TokenAmount::from_atto(amount)
}

fn approved_by(approved: &[ActorID]) -> Transaction {
    Transaction {
        to: Address::new_id(7),
        value: atto(5),
        method: 2,
        params: RawBytes::new(vec![0x80]),
        approved: approved.iter().map(|id| Address::new_id(*id)).collect(),
    }
}

/// A wallet of 100, 101 and 102, two of whom must sign.
fn wallet() -> State {
    let pending = Pending::new(&MemoryStore::default()).flush().unwrap();
    State::new(&[100, 101, 102], 2, pending).unwrap()
}

#[test]
fn the_state_is_filecoins_tuple() {
    let mut state = wallet();
    state.next_id = TransactionId(3);
    state.lock_balance(5, 10, atto(1_000)).unwrap();
    let signers = [0x83, 0x42, 0, 100, 0x42, 0, 101, 0x42, 0, 102];
    let numbers = [2, 3, 0x43, 0, 0x03, 0xe8, 5, 10];
    let link = [&[0xd8, 0x2a, 0x58, 0x27, 0][..], &state.pending.to_bytes()].concat();
    assert_eq!(to_vec(&state).unwrap(), [&[0x87][..], &signers, &numbers, &link].concat());
}

#[test]
fn what_waits_is_filecoins_map() {
    let store = MemoryStore::default();
    let mut pending = Pending::new(&store);
    let empty = pending.flush().unwrap();
    assert_eq!(store.get(&empty).unwrap().unwrap(), [0x82, 0x40, 0x80], "an empty node");
    pending.set(TransactionId(0), approved_by(&[100])).unwrap();
    let root = pending.flush().unwrap();
    // SHA-256 of the key, a zero byte, starts with 01101: child 13 of 32, so bit 13 is set. A bucket of one entry.
    let node = [0x82, 0x42, 0x20, 0x00, 0x81, 0x81, 0x82, 0x41, 0x00];
    let transaction = [0x85, 0x42, 0, 7, 0x42, 0, 5, 2, 0x41, 0x80, 0x81, 0x42, 0, 100];
    assert_eq!(store.get(&root).unwrap().unwrap(), [&node[..], &transaction].concat());
    pending.remove(TransactionId(0)).unwrap();
    assert_eq!(pending.flush().unwrap(), empty);
}

#[test]
fn a_signer_who_goes_takes_approvals_along_and_what_nobody_approves_is_gone() {
    let store = MemoryStore::default();
    let mut pending = Pending::new(&store);
    for (id, approved) in (0..).zip([&[100][..], &[100, 101], &[101, 100], &[101]]) {
        pending.set(TransactionId(id), approved_by(approved)).unwrap();
    }
    pending.purge(&Address::new_id(100)).unwrap();
    let root = pending.flush().unwrap();
    let pending = Pending::load(&store, &root).unwrap();
    assert_eq!(pending.get(TransactionId(0)).unwrap(), None);
    for id in 1..=3 {
        assert_eq!(pending.get(TransactionId(id)).unwrap(), Some(approved_by(&[101])), "{id}");
    }
}

#[test]
fn a_wallet_has_different_signers_and_a_threshold_that_they_can_reach() {
    let pending = wallet().pending;
    let most: Vec<_> = (100..).take(SIGNERS_MAX).collect();
    let too_many: Vec<_> = (100..=100).chain(most.iter().map(|id| id + 1)).collect();
    for (signers, threshold, is_good) in [
        (&[100][..], 1, true),
        (&[100, 101], 2, true),
        (&most, 256, true),
        (&[], 0, false),
        (&[100], 0, false),
        (&[100], 2, false),
        (&[100, 100], 1, false),
        (&too_many, 1, false),
    ] {
        let made = State::new(signers, threshold, pending);
        assert_eq!(made.is_ok(), is_good, "{} signers, threshold {threshold}", signers.len());
        assert!(made.is_ok() || made == Err(ExitCode::USR_ILLEGAL_ARGUMENT));
    }
}

#[test]
fn as_many_must_approve_as_the_threshold_says() {
    let state = wallet();
    assert!(!state.is_approved(&approved_by(&[100])));
    assert!(state.is_approved(&approved_by(&[100, 101])));
    assert!(state.is_approved(&approved_by(&[100, 101, 102])));
}

/// A change and what it must come to: signers and threshold, or the exit code of a wallet that stays as it was.
type Row = (fn(&mut State) -> Judged, Result<(&'static [ActorID], u64), ExitCode>);

#[test]
fn signers_come_and_go_by_rule_and_a_refusal_changes_nothing() {
    let (forbidden, illegal) = (Err(ExitCode::USR_FORBIDDEN), Err(ExitCode::USR_ILLEGAL_ARGUMENT));
    let rows: [Row; 14] = [
        (|state| state.add_signer(103, false), Ok((&[100, 101, 102, 103], 2))),
        (|state| state.add_signer(103, true), Ok((&[100, 101, 102, 103], 3))),
        (|state| state.add_signer(101, false), forbidden),
        (|state| state.remove_signer(101, false), Ok((&[100, 102], 2))),
        (|state| state.remove_signer(101, true), Ok((&[100, 102], 1))),
        (|state| state.remove_signer(103, false), forbidden),
        (|state| state.swap_signer(100, 103), Ok((&[101, 102, 103], 2))),
        (|state| state.swap_signer(103, 104), forbidden),
        (|state| state.swap_signer(100, 102), illegal),
        (|state| state.swap_signer(100, 100), illegal),
        (|state| state.set_threshold(3), Ok((&[100, 101, 102], 3))),
        (|state| state.set_threshold(1), Ok((&[100, 101, 102], 1))),
        (|state| state.set_threshold(0), illegal),
        (|state| state.set_threshold(4), illegal),
    ];
    for (row, (change, expected)) in rows.into_iter().enumerate() {
        let mut state = wallet();
        let judged = change(&mut state).map(|()| {
            let signers: Vec<_> = state.signers.iter().map(|signer| signer.id().unwrap()).collect();
            (signers, state.threshold)
        });
        assert_eq!(judged, expected.map(|(signers, threshold)| (signers.to_vec(), threshold)), "row {row}");
        assert!(judged.is_ok() || state == wallet(), "row {row}");
    }
}

#[test]
fn a_wallet_keeps_a_signer_and_a_threshold_that_the_rest_can_reach() {
    let with = |signers: &[ActorID], threshold| State::new(signers, threshold, wallet().pending).unwrap();
    assert_eq!(with(&[100], 1).remove_signer(100, false), Err(ExitCode::USR_FORBIDDEN));
    assert_eq!(with(&[100, 101], 2).remove_signer(100, false), Err(ExitCode::USR_ILLEGAL_ARGUMENT));
    assert_eq!(with(&[100, 101], 1).remove_signer(100, true), Err(ExitCode::USR_ILLEGAL_ARGUMENT));
    assert_eq!(with(&[100, 101], 1).remove_signer(100, false), Ok(()));
    assert_eq!(with(&[100, 101], 2).remove_signer(100, true), Ok(()));
    let most: Vec<_> = (100..).take(SIGNERS_MAX).collect();
    assert_eq!(with(&most, 1).add_signer(1_000, false), Err(ExitCode::USR_FORBIDDEN));
}

#[test]
fn a_lock_opens_linearly_rounded_up_and_is_set_once() {
    let mut state = wallet();
    assert_eq!(state.locked(0), atto(0));
    for (duration, amount) in [(0, 10), (-1, 10)] {
        let illegal = Err(ExitCode::USR_ILLEGAL_ARGUMENT);
        assert_eq!(state.lock_balance(100, duration, atto(amount)), illegal);
        assert_eq!(state.lock_balance(100, 3, TokenAmount::from_atto(-1)), illegal);
    }
    state.lock_balance(100, 3, atto(10)).unwrap();
    for (epoch, locked) in [(i64::MIN, 10), (0, 10), (100, 10), (101, 7), (102, 4), (103, 0), (i64::MAX, 0)] {
        assert_eq!(state.locked(epoch), atto(locked), "epoch {epoch}");
    }
    assert_eq!(state.lock_balance(100, 3, atto(10)), Err(ExitCode::USR_FORBIDDEN));
}

#[test]
fn what_is_locked_or_not_there_is_not_spent_and_nothing_always_is() {
    let mut state = wallet();
    state.lock_balance(100, 10, atto(10)).unwrap();
    let short = Err(ExitCode::USR_INSUFFICIENT_FUNDS);
    for (balance, amount, epoch, judged) in [
        (10, 0, 100, Ok(())),
        (0, 0, 100, Ok(())),
        (10, 1, 100, short),
        (11, 1, 100, Ok(())),
        (10, 1, 101, Ok(())),
        (10, 2, 101, short),
        (10, 10, 110, Ok(())),
        (10, 11, 110, short),
    ] {
        assert_eq!(state.check_spend(&atto(balance), &atto(amount), epoch), judged, "{amount} of {balance} at {epoch}");
    }
    let negative = state.check_spend(&atto(10), &TokenAmount::from_atto(-1), 110);
    assert_eq!(negative, Err(ExitCode::USR_ILLEGAL_ARGUMENT));
}
