use std::sync::mpsc::{self, Receiver, Sender};

use tempfile::TempDir;
use tributary_primitives::cbor_cid;
use tributary_store::{BaseCommit, ChainIdentity, Family, StoreConfig};

use super::*;
use crate::halt;

const EVERY: NonZeroU64 = NonZeroU64::MIN;

/// A writer that tells when it begins, and goes on when it is told how that ended.
struct Told {
    writer: TreeWriter,
    begun: Receiver<Height>,
    ends: Sender<Result<(), StoreFatal>>,
    halted: halt::Halted,
}

fn told() -> Told {
    let (halt, halted) = halt::wire();
    let ((begins, begun), (ends, ended)) = (mpsc::channel(), mpsc::channel());
    let write = move |job: &Job| {
        begins.send(job.height).unwrap();
        ended.recv().unwrap()
    };
    Told { writer: TreeWriter::with(EVERY, halt, write).unwrap(), begun, ends, halted }
}

fn nodes(count: u8) -> Nodes {
    (0..count).map(|number| (cbor_cid(&[number]), vec![number])).collect()
}

impl Told {
    fn write(&self, height: u64) -> Result<(), LedgerFatal> {
        self.writer.write(Height(height), || Ok(nodes(1)))
    }
}

fn store(at: &TempDir) -> Store {
    let identity = ChainIdentity { genesis: cbor_cid(b"genesis"), format: 1 };
    let store = Store::open(at.path(), &StoreConfig::default(), &identity).unwrap();
    let genesis = tributary_primitives::Hash32([1; 32]);
    let base = BaseCommit { height: Height::GENESIS, block_hash: genesis, app: &[], ipld: &[], leaves: &[] };
    store.commit_base(&base).unwrap();
    store
}

#[test]
fn trees_are_due_after_so_many_blocks() {
    let (halt, _halted) = halt::wire();
    let writer = TreeWriter::with(NonZeroU64::new(32).unwrap(), halt, |_| Ok(())).unwrap();
    for (height, saved, is_due) in [(31, 0, false), (32, 0, true), (90, 32, true), (63, 32, false), (32, 32, false)] {
        assert_eq!(writer.is_due(Height(height), Height(saved)), is_due, "{height} after {saved}");
    }
}

#[test]
fn two_heights_are_on_their_way_at_most_and_a_third_waits_for_the_first() {
    let told = told();
    told.write(1).unwrap();
    assert_eq!(told.begun.recv().unwrap(), Height(1));
    told.write(2).unwrap();
    let (asked, asks) = mpsc::channel();
    thread::scope(|scope| {
        let third = scope.spawn(|| {
            told.writer.write(Height(3), || {
                asked.send(()).unwrap();
                Ok(nodes(1))
            })
        });
        // That it waits cannot be seen before it ends; that its nodes were not asked for too early can.
        assert!(asks.try_recv().is_err());
        told.ends.send(Ok(())).unwrap();
        assert_eq!(told.begun.recv().unwrap(), Height(2));
        third.join().unwrap().unwrap();
        asks.recv().unwrap();
    });
    for _ in 2..=3 {
        told.ends.send(Ok(())).unwrap();
    }
    assert_eq!(told.begun.recv().unwrap(), Height(3));
    told.writer.finish().unwrap();
}

#[tokio::test]
async fn a_write_that_is_refused_stops_the_node_and_nothing_is_taken_any_more() {
    let mut told = told();
    told.write(1).unwrap();
    let held = nodes(9);
    told.writer.write(Height(2), || Ok(Arc::clone(&held))).unwrap();
    told.ends.send(Err(StoreFatal::NoBase)).unwrap();
    let cause = told.halted.wait().await;
    assert_eq!(cause.to_string(), "the trees of the state cannot be written");
    assert_eq!(cause.source().unwrap().to_string(), StoreFatal::NoBase.to_string());
    for refused in [told.write(3), told.writer.finish()] {
        assert!(matches!(refused, Err(LedgerFatal::Trees(_))), "{refused:?}");
    }
    assert_eq!(Arc::strong_count(&held), 2, "what is not on disk can still be read");
    drop(told.writer);
}

#[test]
fn a_writer_that_is_gone_lets_nobody_wait() {
    let told = told();
    told.write(1).unwrap();
    drop(told.ends);
    let Told { writer, .. } = told;
    assert!(matches!(writer.finish(), Err(LedgerFatal::NoTrees)));
    assert!(matches!(writer.write(Height(2), || unreachable!("there is no room")), Err(LedgerFatal::NoTrees)));
}

#[test]
fn what_was_handed_over_is_on_disk_once_the_writer_is_dropped() {
    let directory = TempDir::new().unwrap();
    let store = store(&directory);
    let (halt, _halted) = halt::wire();
    let trees = Trees { every: EVERY, halt, metrics: Arc::new(Metrics::new()) };
    let writer = TreeWriter::start(store.clone(), Height::GENESIS, trees).unwrap();
    for height in 1..=5 {
        writer.write(Height(height), || Ok(nodes(u8::try_from(height).unwrap()))).unwrap();
    }
    drop(writer);
    let marks = store.range(Family::Trees, Height(0)..Height(9), 10).unwrap();
    assert_eq!(marks.into_iter().map(|(height, _)| height.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(nodes(5).iter().all(|(cid, _)| fvm_ipld_blockstore::Blockstore::has(&store, cid).unwrap()));
}
