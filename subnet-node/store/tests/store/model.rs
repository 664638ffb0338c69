//! Random sequences of writes and restarts, against a model in memory.

use std::collections::{BTreeMap, BTreeSet};

use fvm_ipld_blockstore::Blockstore;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;
use tributary_primitives::{BlsPublicKey, Hash32, Height};
use tributary_store::{Buffered, Committed, Decision, Kept, Store, StoreFatal, Survives};

use crate::block::{Block, NODES, NODES_OF_A_PIECE, identity, open};
use crate::{commit_base, open_with_base};

#[derive(Clone, Debug)]
enum Step {
    /// A block `ahead` of the tip, 1 following it, executed in a buffer.
    Commit {
        ahead: u64,
        fork: u8,
    },
    /// A decision for a block `ahead` of the tip.
    Decide {
        ahead: u64,
        fork: u8,
    },
    /// An execution that is thrown away.
    Abandon,
    /// So many pieces of the trees after the tip.
    Trees {
        pieces: usize,
    },
    Propose {
        ahead: u64,
        round: u32,
        fork: u8,
    },
    Share {
        height: u64,
        signer: u8,
        share: u8,
    },
    Certify {
        height: u64,
    },
    DeleteShares {
        below: u64,
    },
    /// What is below so many blocks before the tip is kept no more, and so many of them go.
    Prune {
        last: u64,
        steps: u64,
    },
    Flush,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (1..2_u64, 0..2_u8).prop_map(|(ahead, fork)| Step::Commit { ahead, fork }),
        2 => (0..4_u64, 0..2_u8).prop_map(|(ahead, fork)| Step::Commit { ahead, fork }),
        3 => (0..3_u64, 0..2_u8).prop_map(|(ahead, fork)| Step::Decide { ahead, fork }),
        1 => Just(Step::Abandon),
        2 => (0..5_usize).prop_map(|pieces| Step::Trees { pieces }),
        4 => (0..3_u64, 0..3_u32, 0..2_u8).prop_map(|(ahead, round, fork)| Step::Propose { ahead, round, fork }),
        4 => (0..6_u64, 0..4_u8, any::<u8>()).prop_map(|(height, signer, share)| Step::Share { height, signer, share }),
        1 => (0..6_u64).prop_map(|height| Step::Certify { height }),
        1 => (0..6_u64).prop_map(|below| Step::DeleteShares { below }),
        2 => (0..4_u64, 0..4_u64).prop_map(|(last, steps)| Step::Prune { last, steps }),
        1 => Just(Step::Flush),
        2 => Just(Step::Restart),
    ];
    vec(step, 1..30)
}

/// What a store should hold.
#[derive(Default)]
struct Model {
    /// Which fork was committed, by height.
    blocks: BTreeMap<u64, u8>,
    /// Which fork was decided for the height after the tip.
    decided: Option<u8>,
    /// How many nodes of which trees are there; and which trees are complete.
    nodes: BTreeMap<u64, usize>,
    trees: BTreeSet<u64>,
    undecided: BTreeMap<(u64, u32, Hash32), Vec<u8>>,
    shares: BTreeMap<(u64, u8), u8>,
    checkpoints: BTreeSet<u64>,
    /// The oldest block kept, and the oldest there.
    kept: u64,
    pruned: u64,
}

impl Model {
    fn tip(&self) -> u64 {
        self.blocks.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// Does a step on both, and compares the answers.
    fn step(&mut self, store: &Store, step: &Step) {
        match *step {
            Step::Commit { ahead, fork } => self.commit(store, self.tip() + ahead, fork),
            Step::Decide { ahead, fork } => self.decide(store, ahead, fork),
            Step::Abandon => {
                let buffer = Buffered::new(store.clone());
                let block = Block::fork(Height(self.tip() + 1), 9);
                block.ipld.iter().for_each(|(cid, bytes)| buffer.put_keyed(cid, bytes).unwrap());
            }
            Step::Trees { pieces } => self.trees(store, pieces),
            Step::Propose { ahead, round, fork } => {
                let height = self.tip() + ahead;
                let block = Block::fork(Height(height), fork);
                store.put_undecided(Height(height), round, &block.hash, &block.app).unwrap();
                self.undecided.insert((height, round, block.hash), block.app);
            }
            Step::Share { height, signer, share } => {
                let key = BlsPublicKey([signer; 48]);
                store.put_share(Height(height), &key, &[share], Survives::Process).unwrap();
                self.shares.insert((height, signer), share);
            }
            Step::Certify { height } => {
                store.put_checkpoint(Height(height), &height.to_be_bytes()).unwrap();
                self.checkpoints.insert(height);
                self.shares.retain(|(at, _), _| *at != height);
            }
            Step::DeleteShares { below } => {
                store.delete_shares_below(Height(below)).unwrap();
                self.shares.retain(|(at, _), _| *at >= below);
            }
            Step::Prune { last, steps } => self.prune(store, last, steps),
            Step::Flush => store.flush().unwrap(),
            Step::Restart => unreachable!("done by the caller, who owns the store"),
        }
    }

    /// The block at `height`, which was committed.
    fn block(&self, height: u64) -> Block {
        Block::fork(Height(height), self.blocks.get(&height).copied().unwrap_or_default())
    }

    fn trees(&mut self, store: &Store, pieces: usize) {
        let tip = self.tip();
        let mut trees = store.begin_trees(Height(tip), self.block(tip).nodes());
        let all = NODES.div_ceil(NODES_OF_A_PIECE);
        for piece in 1..=pieces.min(all) {
            assert_eq!(trees.step().unwrap().is_break(), piece == all);
        }
        let nodes = self.nodes.entry(tip).or_default();
        *nodes = (pieces * NODES_OF_A_PIECE).min(NODES).max(*nodes);
        if pieces >= all {
            self.trees.insert(tip);
        }
    }

    fn prune(&mut self, store: &Store, last: u64, steps: u64) {
        self.kept = self.kept.max(self.tip().saturating_sub(last));
        let kept = Kept { blocks: Height(self.kept), states: Height(self.kept) };
        store.keep_from(kept).unwrap();
        for height in (self.pruned..self.kept).take(usize::try_from(steps).unwrap()) {
            let made = self.blocks.get(&height).map(|fork| Block::fork(Height(height), *fork));
            let transactions: Vec<_> =
                made.iter().flat_map(|block| &block.transactions).map(|(hash, _)| *hash).collect();
            let hash = made.map(|block| block.hash);
            let deleted = store.delete_block(Height(height), hash.as_ref(), &transactions).unwrap();
            // Genesis keeps its record; a block has five entries and its hash, and some have trees.
            let trees = u64::from(height == 0 || self.trees.contains(&height));
            self.trees.remove(&height);
            let expected = if height == 0 { 1 } else { 6 + trees + u64::try_from(transactions.len()).unwrap() };
            assert_eq!(deleted.entries, expected, "{height}");
            self.pruned = height + 1;
        }
        assert_eq!(store.kept().unwrap(), kept);
        assert_eq!(store.pruned().unwrap(), Kept { blocks: Height(self.pruned), states: Height(self.pruned) });
    }

    fn decide(&mut self, store: &Store, ahead: u64, fork: u8) {
        let Block { height, hash: block_hash, certificate, .. } = Block::fork(Height(self.tip() + ahead), fork);
        let answer = store.decide(&Decision { height, block_hash, certificate });
        match (ahead, self.decided) {
            (0, _) => answer.unwrap(),
            (1, Some(decided)) if decided != fork => assert!(matches!(answer, Err(StoreFatal::Conflict { .. }))),
            (1, _) => {
                answer.unwrap();
                self.decided = Some(fork);
            }
            _ => assert!(matches!(answer, Err(StoreFatal::Gap { .. }))),
        }
    }

    fn commit(&mut self, store: &Store, height: u64, fork: u8) {
        let buffer = Buffered::new(store.clone());
        let made = Block::fork(Height(height), fork);
        made.ipld.iter().for_each(|(cid, bytes)| buffer.put_keyed(cid, bytes).unwrap());
        let block = Block { ipld: buffer.into_blocks(), ..made };
        let answer = store.commit_block(&block.commit());
        // Genesis is the base's block at fork 0.
        let stored = if height == 0 { Some(0) } else { self.blocks.get(&height).copied() };
        match stored {
            _ if (1..self.pruned).contains(&height) => assert!(matches!(answer, Err(StoreFatal::Gap { .. }))),
            Some(stored) if stored != fork && height < self.kept => {
                assert!(matches!(answer, Err(StoreFatal::Gap { .. })));
            }
            Some(stored) if stored == fork => assert_eq!(answer.unwrap(), Committed::Before),
            Some(_) => assert!(matches!(answer, Err(StoreFatal::Conflict { .. }))),
            None if height == self.tip() + 1 && self.decided.is_some_and(|decided| decided != fork) => {
                assert!(matches!(answer, Err(StoreFatal::Conflict { .. })));
            }
            None if height == self.tip() + 1 => {
                assert_eq!(answer.unwrap(), Committed::Now);
                self.decided = None;
                self.blocks.insert(height, fork);
                self.undecided.retain(|(at, _, _), _| *at > height);
            }
            None => assert!(matches!(answer, Err(StoreFatal::Gap { .. }))),
        }
    }

    fn compare(&self, store: &Store) {
        assert_eq!(store.tip().unwrap().unwrap().height, Height(self.tip()));
        let owed = store.decided().unwrap().map(|decision| (decision.height, decision.block_hash));
        let next = |fork| (Height(self.tip() + 1), Block::fork(Height(self.tip() + 1), fork).hash);
        assert_eq!(owed, self.decided.map(next));
        let base = Block::at(Height::GENESIS);
        assert_eq!(store.app(Height::GENESIS).unwrap(), Some(base.app), "the base keeps its record");
        assert_eq!(store.height_of(&base.hash).unwrap(), Some(Height::GENESIS));
        for height in 1..=self.tip() + 4 {
            let at = Height(height);
            let fork = self.blocks.get(&height).filter(|_| height >= self.pruned).copied();
            let stored = fork.map(|fork| Block::fork(at, fork));
            assert_eq!(store.app(at).unwrap(), stored.as_ref().map(|block| block.app.clone()));
            assert_eq!(store.changes(at).unwrap(), stored.as_ref().map(|block| block.leaves.clone()));
            assert_eq!(store.block(at).unwrap(), stored.as_ref().map(|block| block.block.clone()));
            assert_eq!(store.receipts(at).unwrap(), stored.as_ref().map(|block| block.receipts.clone()));
            let committed = self.blocks.get(&height);
            for one in [0, 1, 9] {
                let block = Block::fork(at, one);
                assert_eq!(store.height_of(&block.hash).unwrap().is_some(), fork == Some(one));
                assert_eq!(store.transaction(&block.transactions[0].0).unwrap().is_some(), fork == Some(one));
                let there = committed == Some(&one);
                assert!(block.ipld.iter().all(|(cid, _)| store.has(cid).unwrap() == there));
            }
            let bytes = |round, hash| store.undecided_block(at, round, &hash).unwrap().unwrap();
            let kept = store.undecided(at).unwrap().into_iter();
            let kept: Vec<_> = kept.map(|(round, hash)| ((height, round, hash), bytes(round, hash))).collect();
            let expected = self.undecided.range((height, 0, Hash32([0; 32]))..(height + 1, 0, Hash32([0; 32])));
            assert_eq!(kept, expected.map(|(key, bytes)| (*key, bytes.clone())).collect::<Vec<_>>());
        }
        for height in 0..=self.tip() {
            let nodes = self.block(height).nodes();
            let there = nodes.iter().filter(|(cid, _)| store.has(cid).unwrap()).count();
            assert_eq!(there, self.nodes.get(&height).copied().unwrap_or_default(), "{height}");
            let base = (self.pruned == 0).then_some(0);
            let complete = self.trees.range(..=height).next_back().copied().or(base);
            assert_eq!(store.trees_until(Height(height)).unwrap(), complete.map(Height));
        }
        for height in 0..6 {
            let shares = store.shares(Height(height)).unwrap();
            let expected = self.shares.range((height, 0)..(height + 1, 0));
            let expected: Vec<_> =
                expected.map(|((_, signer), share)| (BlsPublicKey([*signer; 48]), vec![*share])).collect();
            assert_eq!(shares, expected);
            let certified = store.checkpoint(Height(height)).unwrap().is_some();
            assert_eq!(certified, self.checkpoints.contains(&height));
            let latest = store.latest_checkpoint(Height(height)).unwrap().map(|(at, _)| at.0);
            assert_eq!(latest, self.checkpoints.range(..=height).next_back().copied());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_holds_what_a_map_would(steps in steps()) {
        let directory = TempDir::new().unwrap();
        let mut store = open_with_base(directory.path());
        let mut model = Model::default();
        for step in &steps {
            if matches!(step, Step::Restart) {
                drop(store);
                store = open(directory.path(), &identity()).unwrap();
                assert_eq!(commit_base(&store, Height::GENESIS).unwrap(), Committed::Before);
            } else {
                model.step(&store, step);
            }
        }
        model.compare(&store);
        drop(store);
        model.compare(&open(directory.path(), &identity()).unwrap());
    }
}
