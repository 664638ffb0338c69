//! Nodes that keep less than all of their chain.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::json;
use tempfile::TempDir;
use tributary_message::EthereumTransaction;
use tributary_node::history::collect::{CollectUnavailable, collect};
use tributary_node::history::law::{History, Keeping};
use tributary_node::history::prune::{Pruned, prune};
use tributary_node::ledger::Ledger;
use tributary_node::ledger::past::PastStore;
use tributary_primitives::actors::{BuiltinActor, INIT_ID};
use tributary_primitives::init::{EXEC, ExecParams};
use tributary_primitives::{Height, SubnetId};
use tributary_store::BlockCommit;
use tributary_witness::export;

use crate::client::until;
use crate::ledger::{Decided, LeavesAt, decided, leaves_at, ledger, make};
use crate::light_client::open;
use crate::network::{CHAIN_ID, Network, Plan};
use crate::wallet::Wallet;

/// What proposes to a wallet of several signers.
const PROPOSE: u64 = 2;

/// A chain with contracts, transfers, an actor whose own blocks change from block to block and one whose entries do; and the states
/// after all blocks.
struct Chain {
    network: Network,
    source: Ledger,
    states: BTreeMap<Height, LeavesAt>,
}

impl Chain {
    async fn made() -> Self {
        let mut wallet = Wallet::rich();
        let rich = vec![wallet.address().into(), wallet.f1_address().to_string().parse().unwrap()];
        let mut network = Network::planned(Plan { rich, ..Plan::root(1) });
        network.start_all();
        let client = network.client(0);
        client.reach(1).await;
        // A wallet that two must sign for, in which proposals pile up.
        let signers = [wallet.f1_address(), Address::new_id(INIT_ID)];
        let params = RawBytes::new(to_vec(&(&signers[..], 2_u64, 0_i64, 0_i64)).unwrap());
        let exec = to_vec(&ExecParams { code: BuiltinActor::Multisig.code(), params }).unwrap();
        wallet.message(&client, 0, Address::new_id(INIT_ID), EXEC, exec).await;
        let multisig = client.actor_of(&BuiltinActor::Multisig.code()).await;
        // And a token: its minter's balance grows, and goes, to the last, to whoever has none yet.
        let token = wallet.make_token(&client, 1).await;
        for sequence in (3..18).step_by(3) {
            let proposal = (signers[0], TokenAmount::default(), 0_u64, RawBytes::default());
            wallet.message(&client, sequence, multisig, PROPOSE, to_vec(&proposal).unwrap()).await;
            wallet.mint(&client, sequence + 1, token, signers[0]).await;
            wallet.pay(&client, sequence + 2, token, Address::new_id(sequence), 1_000).await;
            wallet.transfer(&client).await;
        }
        let height = client.height().await.unwrap();
        client.reach(height + 1).await;
        assert!(network.stop(0).success());
        let source = open(&network);
        let heights = (0..=source.head().height.0).map(Height);
        let states = heights.map(|height| (height, leaves_at(&source, height))).collect();
        Self { network, source, states }
    }

    fn last(&self) -> Height {
        self.source.head().height
    }

    fn ledger(&self, at: &Path, trees_every: u64) -> Ledger {
        ledger(at, &self.network, trees_every)
    }

    fn commit(&self, copy: &Ledger, height: Height) {
        let Decided { certificate, bytes, block, transactions } = decided(&self.source, height);
        copy.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
        assert_eq!(copy.record_at(height).unwrap(), self.source.record_at(height).unwrap(), "{height}");
    }

    /// What is kept is as it was, and what is not is not there.
    fn compare(&self, copy: &Ledger, history: History) {
        let (store, head) = (copy.store(), copy.head().height);
        let kept = store.kept().unwrap();
        for (height, leaves) in self.states.range(..=head) {
            let is_spared = history == History::Checkpoints && height.0.is_multiple_of(PERIOD);
            let is_kept = store.keeps_state(*height).unwrap();
            // With trees of its own only where the copy wrote them: this chain cuts no checkpoints.
            let is_spared = is_spared && store.trees_until(*height).unwrap() == Some(*height);
            assert_eq!(is_kept, *height >= kept.states || is_spared, "{height}");
            if is_kept {
                assert_eq!(leaves_at(copy, *height), *leaves, "the state after {height}");
            }
        }
        for height in (1..=head.0).map(Height) {
            let Decided { certificate, bytes, transactions, .. } = decided(&self.source, height);
            let is_there = height >= kept.blocks;
            assert_eq!(store.block(height).unwrap(), is_there.then_some(bytes), "{height}");
            assert_eq!(store.height_of(&certificate.block.hash).unwrap(), is_there.then_some(height));
            for transaction in transactions.iter() {
                let place = store.transaction(&transaction.hash()).unwrap().map(|place| place.height);
                assert_eq!(place, is_there.then_some(height));
            }
        }
        assert!(copy.record_at(Height::GENESIS).unwrap().is_some(), "genesis stays");
    }
}

/// Blocks from one checkpoint to the next.
const PERIOD: u64 = 4;

const fn keeping(history: History) -> Keeping {
    Keeping { history, period: Some(PERIOD), recent: 3 }
}

/// A store that remembers what was read from it.
struct Watched(PastStore, RefCell<Vec<Cid>>);

impl Blockstore for Watched {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.1.borrow_mut().push(*cid);
        self.0.get(cid)
    }

    fn put_keyed(&self, _: &Cid, _: &[u8]) -> anyhow::Result<()> {
        unreachable!("an export only reads")
    }
}

/// Every state that is kept is whole, the blocks of its actors too; and on disk are these blocks and no others.
fn assert_exact(copy: &Ledger) {
    let store = copy.store();
    let mut needed = store.begin_collection().unwrap();
    for height in (0..=copy.head().height.0).map(Height) {
        if store.keeps_state(height).unwrap() {
            let record = copy.record_at(height).unwrap().unwrap();
            let state = copy.past().at(height, &record.state_root, Duration::MAX).unwrap();
            let watched = Watched(state, RefCell::default());
            export(&watched, &record.state_root, io::sink()).unwrap();
            for cid in watched.1.into_inner().iter().chain([&record.outbox_root]) {
                needed.mark(cid).unwrap();
            }
        }
    }
    loop {
        let swept = needed.sweep().unwrap();
        assert_eq!(swept.deleted.entries, 0, "nothing that no state needs was left");
        if swept.is_done {
            break;
        }
    }
}

fn prune_all(copy: &Ledger, history: History) -> Pruned {
    prune(copy.store(), &keeping(history), || ControlFlow::Continue(())).unwrap()
}

/// Commits the next block, and a certificate when a checkpoint is due.
fn go_on(chain: &Chain, copy: &Ledger) {
    let height = copy.head().height.next();
    chain.commit(copy, height);
    if height.ends_period(PERIOD) {
        copy.store().put_checkpoint(height, b"certified").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_pruned_chain_is_as_it_was_wherever_the_node_was_stopped() {
    let chain = Chain::made().await;
    for (history, trees_every, every) in [
        (History::Blocks(3), 1, 1),
        (History::Blocks(5), 3, 2),
        (History::Blocks(2), 4, 5),
        (History::Checkpoints, 2, 3),
        (History::Archive, 2, 3),
    ] {
        let directory = TempDir::new().unwrap();
        let mut copy = chain.ledger(directory.path(), trees_every);
        for height in 1..=chain.last().0 {
            go_on(&chain, &copy);
            if height.is_multiple_of(every) {
                // Broken off after a few steps, and gone on with after a stop.
                let mut steps = 0..height % 3;
                let step = || if steps.next().is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
                prune(copy.store(), &keeping(history), step).unwrap();
                drop(copy);
                copy = chain.ledger(directory.path(), trees_every);
                assert!(prune_all(&copy, history).is_done);
                chain.compare(&copy, history);
            }
        }
        let (kept, last) = (copy.store().kept().unwrap(), chain.last().0);
        // So many blocks, those since the last certificate and the last trees, and those since it was looked.
        let most = match history {
            History::Archive => last,
            History::Blocks(blocks) => blocks + PERIOD + trees_every + every,
            History::Checkpoints => 3 + PERIOD + trees_every + every,
        };
        assert!(kept.states.0 + most >= last, "{history:?}: {kept:?} of {last}");
        assert_eq!(copy.store().pruned().unwrap(), kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_leaves_exactly_what_is_kept_whatever_is_committed_meanwhile_and_wherever_it_was_broken_off() {
    let chain = Chain::made().await;
    for (history, trees_every) in
        [(History::Blocks(1), 1), (History::Blocks(3), 4), (History::Blocks(5), 2), (History::Checkpoints, 3)]
    {
        let directory = TempDir::new().unwrap();
        let mut copy = chain.ledger(directory.path(), trees_every);
        let mut deleted = 0;
        for round in 0.. {
            (0..1 + round % 3).for_each(|_| {
                if copy.head().height < chain.last() {
                    go_on(&chain, &copy)
                }
            });
            prune_all(&copy, history);
            // Some blocks are committed while it runs, each at another place of it, and some collections are broken off.
            let mut steps = 0;
            let step = || {
                steps += 1;
                if steps % (1 + round % 4) == 0 && steps < 12 && copy.head().height < chain.last() {
                    go_on(&chain, &copy);
                }
                if round % 3 == 1 && steps > round { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            match collect(copy.store(), step) {
                Ok(collected) => deleted += collected.deleted.entries,
                Err(CollectUnavailable::Stopping) => {}
                Err(why) => panic!("{why}"),
            }
            if round % 2 == 1 {
                drop(copy);
                copy = chain.ledger(directory.path(), trees_every);
            }
            chain.compare(&copy, history);
            if copy.head().height == chain.last() && round > 4 {
                break;
            }
        }
        prune_all(&copy, history);
        deleted += collect(copy.store(), || ControlFlow::Continue(())).unwrap().deleted.entries;
        assert!(deleted > 0, "{history:?}: something went");
        assert_exact(&copy);
        chain.compare(&copy, history);
        // The state in memory goes on from what is left.
        copy.save().unwrap();
        drop(copy);
        chain.compare(&chain.ledger(directory.path(), trees_every), history);
    }
}

#[test]
fn a_step_takes_one_height_however_many_are_to_go_and_blocks_are_committed_between_steps() {
    let network = Network::planned(Plan::root(1));
    for (history, backlog) in [(History::Blocks(1), 8), (History::Blocks(1), 48), (History::Checkpoints, 24)] {
        let directory = TempDir::new().unwrap();
        let copy = ledger(directory.path(), &network, 1);
        let mut wallet = Wallet::rich();
        let mut commit_next = || make(&copy, &[&wallet.next_transfer()]);
        (0..backlog).for_each(|_| commit_next());
        // What is kept begins where trees are on disk.
        copy.save().unwrap();
        let (mut gone, mut steps) = (copy.store().pruned().unwrap(), 0);
        let step = || {
            let now = copy.store().pruned().unwrap();
            let heights = (now.blocks.0 - gone.blocks.0).max(now.states.0 - gone.states.0);
            assert_eq!(heights, 1, "{history:?}: from {gone:?} to {now:?}");
            (gone, steps) = (now, steps + 1);
            commit_next();
            assert_eq!(copy.head().height.0, backlog + steps, "{history:?}");
            ControlFlow::Continue(())
        };
        let keeping = Keeping { history, period: None, recent: 1 };
        let pruned = prune(copy.store(), &keeping, step).unwrap();
        assert!(pruned.is_done, "{history:?}");
        assert_eq!((steps, gone, gone.states), (backlog, pruned.kept, Height(backlog)), "all of it went in the end");
    }
}

#[test]
fn a_skipped_transaction_is_found_once_it_runs_and_a_repeated_one_where_it_ran() {
    let network = Network::planned(Plan::root(1));
    let directory = TempDir::new().unwrap();
    let copy = ledger(directory.path(), &network, 1);
    let mut wallet = Wallet::rich();
    let [first, second, third] = [(); 3].map(|()| wallet.next_transfer());
    let place = |transaction: &EthereumTransaction| {
        copy.store().transaction(&transaction.hash()).unwrap().map(|place| (place.height.0, place.index))
    };
    let places = || [&first, &second, &third].map(place);
    make(&copy, &[&third, &first]);
    assert_eq!(places(), [Some((1, 1)), None, None], "the third is skipped");
    make(&copy, &[&first, &third]);
    assert_eq!(places(), [Some((1, 1)), None, None], "both are skipped, and the first ran before");
    make(&copy, &[&second, &third]);
    assert_eq!(places(), [Some((1, 1)), Some((3, 0)), Some((3, 1))], "both run");
    make(&copy, &[&second, &wallet.next_transfer()]);
    assert_eq!(places(), [Some((1, 1)), Some((3, 0)), Some((3, 1))], "the second is skipped, and ran before");

    make(&copy, &[]);
    // What is kept begins where trees are on disk.
    copy.save().unwrap();
    let keeping = Keeping { history: History::Blocks(1), period: None, recent: 1 };
    assert!(prune(copy.store(), &keeping, || ControlFlow::Continue(())).unwrap().is_done);
    assert_eq!(places(), [None; 3], "they go with their blocks");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trees_of_checkpoints_that_a_killed_node_had_still_to_write_are_there_once_it_starts_and_stay() {
    let subnet = SubnetId::root(CHAIN_ID + 1).child(103).unwrap();
    let parameters = &["heartbeat_ms=1000", "block_interval_min_ms=50", "checkpoint_period=4"];
    let mut network = Network::planned(Plan { chain: ("child-1", CHAIN_ID, subnet), parameters, ..Plan::root(1) });
    network.start_all();
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    while client.height().await.unwrap() < 3 * PERIOD + 2 {
        wallet.transfer(&client).await;
    }
    assert!(network.stop(0).success());
    let source = open(&network);
    let last = source.head().height;

    // What such a node has: blocks, leaves, changes.
    let directory = TempDir::new().unwrap();
    let copy = ledger(directory.path(), &network, 1_000);
    for height in (1..=last.0).map(Height) {
        let Decided { certificate, bytes, .. } = decided(&source, height);
        let store = source.store();
        copy.store()
            .commit_block(&BlockCommit {
                height,
                block_hash: certificate.block.hash,
                block: &bytes,
                certificate: &store.certificate(height).unwrap().unwrap(),
                receipts: &store.receipts(height).unwrap().unwrap(),
                app: &store.app(height).unwrap().unwrap(),
                transactions: &[],
                leaves: &store.changes(height).unwrap().unwrap(),
                ipld: &[],
            })
            .unwrap();
    }
    assert_eq!(copy.store().trees_until(last).unwrap(), Some(Height::GENESIS));
    drop(copy);

    let copy = ledger(directory.path(), &network, 1_000);
    for height in (0..=last.0).map(Height) {
        let complete = Height(height.0 - height.0 % PERIOD);
        assert_eq!(copy.store().trees_until(height).unwrap(), Some(complete), "{height}");
    }
    for height in (1..=3).map(|number| Height(number * PERIOD)) {
        copy.store().put_checkpoint(height, b"certified").unwrap();
    }
    assert!(prune_all(&copy, History::Checkpoints).kept.states > Height(PERIOD), "the changes before went");
    collect(copy.store(), || ControlFlow::Continue(())).unwrap();
    assert_exact(&copy);
    for height in (0..=last.0).map(Height) {
        let is_kept = height.0.is_multiple_of(PERIOD) || height >= copy.store().kept().unwrap().states;
        assert_eq!(copy.store().keeps_state(height).unwrap(), is_kept, "{height}");
        if is_kept {
            assert_eq!(leaves_at(&copy, height), leaves_at(&source, height), "{height}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_keeps_little_goes_on_and_who_has_nothing_learns_all_from_those_that_keep_it() {
    let mut network = Network::of(4);
    let config = network.home(0).config();
    let told = fs::read_to_string(&config).unwrap().replace("history = \"archive\"", "history = 128");
    let told = told.replace("trees_every = 32", "trees_every = 8");
    fs::write(&config, told).unwrap();
    (0..3).for_each(|at| network.start(at));
    let (mut wallet, client) = (Wallet::rich(), network.client(1));
    client.reach(1).await;
    let (first, _) = wallet.transfer(&client).await;
    while client.height().await.unwrap() < 142 {
        wallet.transfer(&client).await;
    }
    until("a block that is kept no more", async || network.metric(0, "tributary_pruned_blocks_total") > 4).await;
    let (oldest, pruned) = (network.metric(0, "tributary_history_oldest_block"), network.client(0));
    // One that stays for a while: what is kept moves with every block.
    let kept = oldest + 40;
    assert_eq!(network.metric(1, "tributary_history_oldest_block"), 0, "an archive");
    let someone = format!("0x{}", "99".repeat(20));
    for (method, params, refusal) in [
        ("eth_getBlockByNumber", json!(["0x1", false]), "block 1 is not kept on this node; the oldest kept is block"),
        ("eth_getLogs", json!([{ "fromBlock": "0x1", "toBlock": "0x2" }]), "the oldest kept is block"),
        ("eth_getBalance", json!([someone, "0x1"]), "the state after block 1 is not kept on this node"),
        ("eth_getBalance", json!([someone, "0x0"]), "the state after block 0 is not kept on this node"),
    ] {
        let said = pruned.ask(method, params).await.unwrap_err();
        assert!(said.contains(refusal), "{method}: {said}");
    }
    for method in ["block", "header", "commit", "block_results", "validators"] {
        let said = pruned.ask(method, json!(["1"])).await.unwrap_err();
        assert!(said.contains("height 1 is not available, lowest height is "), "{method}: {said}");
        assert!(pruned.ask(method, json!([kept.to_string()])).await.is_ok(), "{method} of a later block");
        assert!(client.ask(method, json!(["1"])).await.is_ok(), "{method} of an archive");
    }
    let status = pruned.ask("status", json!([])).await.unwrap();
    assert!(status["sync_info"]["earliest_block_height"].as_str().unwrap().parse::<u64>().unwrap() >= oldest);
    assert_eq!(pruned.ask("eth_getTransactionReceipt", json!([first])).await.unwrap(), json!(null));
    assert!(pruned.ask("eth_getBlockByNumber", json!(["0x0", false])).await.unwrap().is_object(), "genesis stays");
    assert!(pruned.ask("eth_getBalance", json!([someone, format!("{kept:#x}")])).await.is_ok());
    assert!(client.block_hash(1).await.is_some());

    network.start(3);
    let (_, last) = wallet.transfer(&client).await;
    network.client(3).reach(last).await;
    assert!(network.client(3).block_hash(1).await.is_some(), "history is there from the first block on");
    network.kill(0);
    network.start(0);
    let (_, last) = wallet.transfer(&client).await;
    network.client(0).reach(last).await;
    assert_eq!(network.client(0).block_hash(last).await, client.block_hash(last).await);
    assert!(network.metric(0, "tributary_history_oldest_block") >= oldest);
}
