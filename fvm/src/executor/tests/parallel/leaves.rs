//! A state that is read by its leaves: nobody who reads one keeps the other threads from theirs.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::*;
use crate::Executor;
use crate::state::{Leaf, Leaves, StateTree};

/// Nobody waits so long for what comes.
const LONG: Duration = Duration::from_secs(60);

/// Leaves of which some are given once each of them was asked for.
struct Meeting {
    leaves: BTreeMap<Vec<u8>, Vec<u8>>,
    together: BTreeSet<Vec<u8>>,
    asked: Mutex<BTreeSet<Vec<u8>>>,
    came: Condvar,
}

impl Leaves for Meeting {
    fn leaf(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        if self.together.contains(key) {
            let mut asked = self.asked.lock().unwrap();
            asked.insert(key.to_vec());
            self.came.notify_all();
            let all = self.together.len();
            let (_asked, waited) = self.came.wait_timeout_while(asked, LONG, |asked| asked.len() < all).unwrap();
            anyhow::ensure!(!waited.timed_out(), "nobody else asked meanwhile");
        }
        Ok(self.leaves.get(key).cloned())
    }
}

#[test]
fn two_threads_read_at_once_and_get_what_one_gets() {
    let mut world = World::new();
    let keeper = world.deploy(0, MIXER);
    let mut leaves = BTreeMap::new();
    let tree = StateTree::load(Arc::clone(&world.store), &world.root).unwrap();
    tree.for_each_leaf(|key, value| {
        leaves.insert(key, value);
        Ok(())
    })
    .unwrap();
    let senders = [alice(), bob()].map(|key| Leaf::Name(key.eth_address().to_address()).key());
    let leaves = Meeting { leaves, together: senders.into(), asked: Mutex::default(), came: Condvar::new() };
    let block = [
        send(&alice(), 1, keeper, 0, words(&[1, 2])),
        send(&bob(), 0, keeper, 0, words(&[3, 4])),
        send(&alice(), 2, keeper, 0, words(&[5, 6])),
        send(&bob(), 1, keeper, 0, words(&[7, 8])),
    ];
    let executor = Executor::with_workers(world.executor.params().clone(), None, Workers::new(2)).unwrap();
    let state = executor.open_leaves(&world.store, &world.root, Arc::new(leaves)).unwrap();
    let hints = Hints::Lanes(vec![0, 1, 0, 1]);
    let (mut state, run, stats) = executor.run_hinted(Workers::new(2), &hints, state, &world.env(), &block).unwrap();
    assert_eq!((stats.speculated, stats.repeated), (4, 0), "the lanes share the contract and no slot");
    let in_order = world.run(&block);
    assert!(in_order.receipts.iter().all(|receipt| receipt.exit_code.is_success()));
    assert_eq!((state.flush().unwrap(), run.receipts), (in_order.state_root, in_order.receipts));
}
