//! Gas limits at which a transaction gets an instruction of the EVM further.

use std::collections::BTreeSet;
use std::sync::Arc;

use tributary_fvm::trace::StepOptions;
use tributary_fvm::{Trace, TraceLimits, TraceRequest, Wanted};
use tributary_message::Transaction;
use tributary_trials::world::{EXECUTOR, World, env};

/// Of the limits from `least` to `most` each with which another number of instructions is done than with the one below it, and that one. Found by
/// halving: what is done and undone again between two limits with as many is not seen. Cost: some fifteen runs for each instruction.
pub fn limits(done: impl Fn(u64) -> usize, least: u64, most: u64) -> BTreeSet<u64> {
    let at = |limit| (limit, done(limit));
    let (mut found, mut open) = (BTreeSet::new(), vec![(at(least), at(most))]);
    while let Some((low, high)) = open.pop() {
        match high.0 - low.0 {
            _ if low.1 == high.1 => {}
            1 => found.extend([low.0, high.0]),
            apart => {
                let middle = at(low.0 + apart / 2);
                open.extend([(low, middle), (middle, high)]);
            }
        }
    }
    found
}

/// How many instructions of the EVM the transaction does.
pub fn done(world: &World, transaction: &Transaction) -> usize {
    let options = StepOptions { stack: false, memory: false, storage: false, return_data: false, count_max: 0 };
    let limits = TraceLimits { steps_max: u64::MAX, bytes_max: u64::MAX, is_late: Arc::new(|| false) };
    let request = TraceRequest { wanted: Wanted::Steps(options), limits };
    let state = EXECUTOR.open(&world.store, &world.root).unwrap();
    let traced = EXECUTOR.replay(state, &env(), std::slice::from_ref(transaction), 0..1, &request).unwrap().unwrap();
    let Some(Trace::Steps { steps, .. }) = &traced[0].trace else { return 0 };
    steps.iter().filter(|step| step.error.is_none()).count()
}

#[test]
fn each_limit_at_which_more_is_done_is_found_and_the_one_below() {
    let done = |limit| [10, 11, 500].into_iter().filter(|from| limit >= *from).count();
    assert_eq!(limits(done, 1, 1_000), BTreeSet::from([9, 10, 11, 499, 500]));
    assert_eq!(limits(done, 500, 1_000), BTreeSet::new());
}
