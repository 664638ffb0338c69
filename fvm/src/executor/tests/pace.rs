//! What kind of block a block is, seen by whether a pace knows the kind.

use std::time::Duration;

use tributary_message::Transaction;
use tributary_primitives::EthAddress;

use super::world::*;
use crate::executor::{Executor, Pace, Workers};

const ONE: EthAddress = EthAddress([0xe1; 20]);
const OTHER: EthAddress = EthAddress([0xe2; 20]);

fn call(of: EthAddress, input: &[u8], gas_limit: u64) -> Transaction {
    let unsigned = unsigned(0, Some(of), 0, input.to_vec());
    sign(&alice(), alloy_consensus::TxEip1559 { gas_limit, ..unsigned })
}

#[test]
fn a_block_is_of_the_kind_of_the_method_that_most_of_its_gas_may_go_to() {
    let (most, params) = (Workers::new(4), World::new().executor.params().clone());
    let executor = Executor::with_workers(params, None, most).unwrap();
    let block = |calls: &[(usize, Transaction)]| -> Vec<Transaction> {
        calls.iter().flat_map(|(count, call)| std::iter::repeat_n(call.clone(), *count)).collect()
    };
    let first = [1, 2, 3, 4, 5];
    let fvm = |method| message(&carol(), 0, ONE.to_address(), method, vec![], 0);
    let create = sign(&alice(), unsigned(0, None, 0, vec![0]));
    // FVM gas weighs a five hundredth: 200,000 here, as against a million of an Ethereum transaction.
    for (what, calls, is_known) in [
        ("never seen", vec![(64, call(ONE, &first, 100_000))], false),
        ("the same method of another", vec![(64, call(OTHER, &first[..4], 100_000))], true),
        ("another method", vec![(64, call(ONE, &[1, 2, 3, 5], 100_000))], false),
        ("few that take more", vec![(64, call(ONE, &first, 100_000)), (7, call(ONE, b"take", 1_000_000))], false),
        ("the same, and many", vec![(64, call(ONE, &first, 100_000)), (6, call(ONE, b"more", 1_000_000))], true),
        ("no selector", vec![(64, call(ONE, &[1, 2, 3], 100_000))], false),
        ("plain transfers beside", vec![(64, call(ONE, &first, 30_000)), (9, call(ONE, &[], 1_000_000))], true),
        ("of an actor", vec![(64, fvm(2))], true),
        ("of an actor again, beside less", vec![(64, fvm(2)), (12, call(ONE, b"less", 1_000_000))], true),
        ("of an actor, another", vec![(64, fvm(3))], false),
        ("made", vec![(64, create)], false),
    ] {
        let mut pace = Pace::default();
        let known = [(64, call(ONE, &first, 100_000)), (64, fvm(2))];
        for call in &known[..if what == "never seen" { 0 } else { 2 }] {
            pace.ran(&executor.traffic(&block(std::slice::from_ref(call))), Workers::ONE, 1, Duration::from_millis(1));
        }
        let chosen = pace.choose(&executor.traffic(&block(&calls)));
        assert_eq!(chosen, if is_known { most } else { Workers::ONE }, "{what}");
    }
    let few = executor.traffic(&block(&[(63, call(ONE, &first, 100_000))]));
    let mut pace = Pace::default();
    pace.ran(&few, Workers::ONE, 1, Duration::from_millis(1));
    assert_eq!(pace.choose(&few), Workers::ONE, "so few gain nothing by threads, known or not");
}
