use std::sync::mpsc;

use tempfile::TempDir;
use tributary_crypto::SecpSecretKey;
use tributary_genesis::Keys;
use tributary_primitives::EthAddress;
use tributary_store::{ChainIdentity, StoreConfig};

use super::*;
use crate::devnet::genesis::{parent, validator};
use crate::facts::ChainFacts;
use crate::ledger::genesis::commit_genesis;
use crate::ledger::stored::load_head;

/// A chain without a block, and where it stands.
struct Bench {
    stage: Stage,
    head: Head,
    task: Task,
    _directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let validators = vec![validator("node", &Keys::generate())];
        let genesis = parent(validators, &SecpSecretKey::generate()).unwrap().verify().unwrap();
        let (facts, directory) = (ChainFacts::of(&genesis).unwrap(), TempDir::new().unwrap());
        let identity = ChainIdentity { genesis: facts.genesis_id, format: 1 };
        let store = Store::open(directory.path(), &StoreConfig::default(), &identity).unwrap();
        commit_genesis(&facts, &store, &genesis).unwrap();
        let head = load_head(&store).unwrap();
        let env = BlockEnv {
            height: Height::FIRST,
            timestamp_s: 1,
            proposer: EthAddress::default(),
            base_fee: head.record.base_fee,
            gas_limit: facts.parameters.block_gas_limit,
            chain_id: facts.chain_id,
            previous_hash: head.hash,
            prev_randao: Hash32::default(),
        };
        let task = Task { block: Hash32([1; 32]), env, transactions: Arc::default() };
        let stage = Stage::new(Executor::new(facts.execution(), None).unwrap(), store, &head).unwrap();
        Self { stage, head, task, _directory: directory }
    }

    fn place(&self) -> Place {
        Place::at(&self.stage.store, &self.head).unwrap()
    }

    fn finish(&self) -> Result<Cid, LedgerFatal> {
        self.stage.finish(&self.head, &self.task).map(|ran| ran.place.root)
    }
}

#[test]
fn who_proposes_waits_for_no_nodes_and_the_block_that_runs_waits_for_them() {
    let bench = Bench::new();
    let root = bench.finish().unwrap();
    assert_ne!(root, bench.head.record.state_root, "a block changes the state, an empty one too");
    for begins in [true, false] {
        let ((go, going), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let save = move |_: &mut Place| {
            going.recv().unwrap();
            tell.send(()).unwrap();
            Ok(())
        };
        bench.stage.stand_once(bench.place(), save).unwrap();
        if begins {
            bench.stage.begin(&bench.head, bench.task.clone());
            assert!(matches!(*bench.stage.standing(), Standing::In(..)), "it has begun, while nodes are handed over");
        }
        assert!(told.try_recv().is_err());
        go.send(()).unwrap();
        assert_eq!(bench.finish().unwrap(), root);
        told.try_recv().expect("nodes are handed over before the next block changes them");
    }
}

#[test]
fn nodes_that_cannot_be_handed_over_stop_the_next_block() {
    let bench = Bench::new();
    for begins in [true, false] {
        for is_defect in [true, false] {
            let save = move |_: &mut Place| {
                assert!(!is_defect, "a defect");
                Err(LedgerFatal::NoTrees)
            };
            bench.stage.stand_once(bench.place(), save).unwrap();
            if begins {
                bench.stage.begin(&bench.head, bench.task.clone());
            }
            assert!(matches!(bench.finish(), Err(LedgerFatal::NoTrees)), "begun: {begins}, a defect: {is_defect}");
        }
    }
    bench.stage.stand_once(bench.place(), |_| Err(LedgerFatal::NoTrees)).unwrap();
    assert!(matches!(bench.stage.hand_over(&bench.head), Err(LedgerFatal::NoTrees)), "nor does a node stop in peace");
}

#[test]
fn a_node_that_stops_waits_for_nodes_and_hands_over_those_of_its_last_block_once() {
    let bench = Bench::new();
    let head = Head { height: Height::FIRST, ..bench.head.clone() };
    let hand_over = |place: &mut Place| place.hand_over(Height::FIRST).map(drop);
    bench.stage.stand_once(bench.place(), hand_over).unwrap();
    assert!(bench.stage.hand_over(&head).unwrap().is_none(), "they are on their way");
    assert!(matches!(&*bench.stage.standing(), Standing::After(place) if place.saved == Height::FIRST));
    bench.stage.stand(bench.place());
    assert!(bench.stage.hand_over(&head).unwrap().is_some());
}
