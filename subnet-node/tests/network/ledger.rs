//! A chain that a network made, taken over block by block into stores of the test's own.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Address;
use tempfile::TempDir;
use tributary_chain::{Block, BlockRef, CommitCertificate, next_block};
use tributary_fvm::{Executor, StateTree};
use tributary_message::{EthereumTransaction, Transaction};
use tributary_node::facts::ChainFacts;
use tributary_node::halt;
use tributary_node::history::collect::collect;
use tributary_node::ledger::Ledger;
use tributary_node::ledger::past::complete;
use tributary_node::ledger::trees::Trees;
use tributary_node::metrics::Metrics;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::{EthAddress, Hash32, Height};
use tributary_store::{Buffered, ChainIdentity, Nodes, Store, StoreConfig};

use crate::light_client::open;
use crate::network::{Network, Plan};
use crate::wallet::Wallet;

/// A block, to be committed to another ledger.
pub struct Decided {
    pub certificate: CommitCertificate,
    pub bytes: Vec<u8>,
    pub block: Block,
    pub transactions: Arc<[Transaction]>,
}

/// All leaves of a state.
pub type LeavesAt = BTreeMap<Vec<u8>, Vec<u8>>;

/// A network's ledger after transfers, calls, a made actor, and entries set and deleted.
async fn chain() -> (Network, Ledger) {
    let mut wallet = Wallet::rich();
    let rich = vec![wallet.address().into(), wallet.f1_address().to_string().parse().unwrap()];
    let mut network = Network::planned(Plan { rich, ..Plan::root(1) });
    network.start_all();
    let client = network.client(0);
    client.reach(1).await;
    for _ in 0..3 {
        wallet.transfer(&client).await;
        wallet.call(&client).await;
    }
    let token = wallet.make_token(&client, 0).await;
    wallet.mint(&client, 2, token, wallet.f1_address()).await;
    for (sequence, amount) in [(3, 400), (4, 600)] {
        wallet.pay(&client, sequence, token, Address::new_id(INIT_ID), amount).await;
    }
    let (_, height) = wallet.transfer(&client).await;
    client.reach(height + 1).await;
    assert!(network.stop(0).success());
    let ledger = open(&network);
    (network, ledger)
}

/// A ledger of the network's chain, in a directory of its own.
pub fn ledger(at: &Path, network: &Network, trees_every: u64) -> Ledger {
    let facts = Arc::new(ChainFacts::of(network.genesis()).unwrap());
    let identity = ChainIdentity { genesis: facts.genesis_id, format: tributary_node::run::STORE_FORMAT };
    let store = Store::open(at, &StoreConfig::default(), &identity).unwrap();
    let executor = Executor::new(facts.execution(), None).unwrap();
    Ledger::open(facts, store, executor, network.genesis(), trees(trees_every)).unwrap()
}

/// Trees every so many blocks. That they cannot be written nobody hears of; the ledger refuses to go on.
pub fn trees(every: u64) -> Trees {
    Trees { every: NonZeroU64::new(every).unwrap(), halt: halt::wire().0, metrics: Arc::new(Metrics::new()) }
}

/// The block at `height`.
pub fn decided(ledger: &Ledger, height: Height) -> Decided {
    let certificate = ledger.certificate_at(height).unwrap().unwrap();
    let (bytes, block) = ledger.block_at(height).unwrap().unwrap();
    let chain_id = ledger.facts().chain_id;
    let decode = |raw: &Vec<u8>| Transaction::decode(raw, chain_id).unwrap();
    let transactions = block.transactions.iter().map(decode).collect();
    Decided { certificate, bytes, block, transactions }
}

/// Commits a block of these transactions that nobody signed for.
pub fn make(ledger: &Ledger, transactions: &[&EthereumTransaction]) {
    let (head, facts) = (ledger.head(), ledger.facts());
    let expected = ledger.expected_after(&head);
    let (proposer, _) = facts.validators.with_addresses().next().unwrap();
    let last = head.certificate.as_ref().map(|certificate| certificate.to_commit(&facts.validators));
    let raw = transactions.iter().map(|transaction| transaction.raw().to_vec()).collect();
    let block = next_block(&facts.rules, &expected, *proposer, expected.time_before(&facts.rules), raw, last);
    let bytes = block.encode();
    let certificate = CommitCertificate {
        height: expected.height,
        round: 0,
        block: BlockRef::of(&block.header, &bytes).unwrap(),
        signatures: Vec::new(),
    };
    let transactions =
        transactions.iter().map(|transaction| Transaction::Ethereum(Arc::new((*transaction).clone()))).collect();
    ledger.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
}

/// All leaves of the state after a block, by its trees.
pub fn leaves_at(ledger: &Ledger, height: Height) -> LeavesAt {
    let root = ledger.record_at(height).unwrap().unwrap().state_root;
    let (store, mut leaves) = (ledger.past().at(height, &root, Duration::MAX).unwrap(), LeavesAt::new());
    let tree = StateTree::load(store, &root).unwrap();
    tree.for_each_leaf(|key, value| {
        leaves.insert(key, value);
        Ok(())
    })
    .unwrap();
    leaves
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_lead_to_the_same_states_however_they_came_and_wherever_the_node_was_stopped() {
    let (network, source) = chain().await;
    let last = source.head().height;
    let states: Vec<_> = (0..=last.0).map(|height| leaves_at(&source, Height(height))).collect();
    for trees_every in [1, 3, 1_000] {
        let directory = TempDir::new().unwrap();
        let mut copy = ledger(directory.path(), &network, trees_every);
        for height in (1..=last.0).map(Height) {
            let Decided { certificate, bytes, block, transactions } = decided(&source, height);
            let hash = certificate.block.hash;
            let env = copy.env(&copy.head(), &block.header);
            // Some run ahead of their decision, some are decided where another was expected, some are forgotten at a stop.
            match height.0 % 4 {
                1 => copy.expect(hash, &block.header, &transactions),
                2 => copy.expect(Hash32([9; 32]), &block.header, &Arc::default()),
                3 => {
                    copy.expect(hash, &block.header, &transactions);
                    drop(copy);
                    copy = ledger(directory.path(), &network, trees_every);
                }
                _ => {}
            }
            copy.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
            assert_eq!(copy.record_at(height).unwrap(), source.record_at(height).unwrap(), "{height}");
            let (head, state) = (copy.head(), copy.state(&copy.head()).unwrap());
            assert_eq!(copy.own_env(&head, &*state).unwrap(), env, "a call finds itself where the transactions were");
            for (key, value) in &states[usize::try_from(height.0).unwrap()] {
                assert_eq!(copy.store().leaf(key).unwrap().as_ref(), Some(value), "a leaf after {height}");
            }
            if height.0 % 5 == 0 {
                copy.save().unwrap();
            }
        }
        for (height, state) in (0..).map(Height).zip(&states) {
            assert_eq!(leaves_at(&copy, height), *state, "trees every {trees_every}, block {height}");
        }
    }
}

/// The nodes of the trees after a block that a node has still to write.
fn lacking(ledger: &Ledger, height: Height) -> Nodes {
    let overlay = Arc::new(Buffered::new(ledger.store().as_ref().clone()));
    let root = ledger.record_at(height).unwrap().unwrap().state_root;
    complete(ledger.store(), &overlay, height, &root).unwrap();
    overlay.hand_over()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_anywhere_in_the_writing_of_trees_comes_to_the_same_states() {
    let (network, source) = chain().await;
    let last = source.head().height;
    let states: Vec<_> = (0..=last.0).map(|height| leaves_at(&source, Height(height))).collect();
    type Cut = fn(usize) -> usize;
    let cuts: [(&str, Cut); 6] = [
        ("before", |_| 0),
        ("after a node", |_| 1),
        ("half way", |all| all / 2),
        ("before the last node", |all| all - 1),
        ("before the mark", |all| all),
        ("after the mark", |all| all),
    ];
    for (cut, written) in cuts {
        let directory = TempDir::new().unwrap();
        let mut copy = ledger(directory.path(), &network, 1_000);
        for height in (1..=last.0).map(Height) {
            let Decided { certificate, bytes, block, transactions } = decided(&source, height);
            copy.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
            assert_eq!(copy.record_at(height).unwrap(), source.record_at(height).unwrap(), "killed {cut}, {height}");
            if !height.0.is_multiple_of(3) {
                continue;
            }
            let nodes = lacking(&copy, height);
            let written = nodes[..written(nodes.len())].iter().map(|(cid, node)| (*cid, node));
            copy.store().put_many_keyed(written).unwrap();
            if cut == "after the mark" {
                copy.store().begin_trees(height, nodes).finish().unwrap();
            }
            drop(copy);
            copy = ledger(directory.path(), &network, 1_000);
            let complete = if cut == "after the mark" { height } else { Height::GENESIS };
            assert_eq!(copy.store().trees_until(height).unwrap(), Some(complete), "killed {cut}");
            if height.0.is_multiple_of(2) {
                // What is there of trees that are not complete, nobody relies on.
                collect(copy.store(), || ControlFlow::Continue(())).unwrap();
            }
        }
        copy.save().unwrap();
        drop(copy);
        let copy = ledger(directory.path(), &network, 1_000);
        assert_eq!(copy.store().trees_until(last).unwrap(), Some(last));
        for (height, state) in (0..).map(Height).zip(&states) {
            assert_eq!(leaves_at(&copy, height), *state, "killed {cut}, block {height}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_after_any_block_is_read_whether_or_not_its_trees_were_written() {
    let (network, source) = chain().await;
    let (last, receiver) = (source.head().height, EthAddress([0x99; 20]).to_address());
    let directory = TempDir::new().unwrap();
    let copy = ledger(directory.path(), &network, 1_000);
    let mut balances = Vec::new();
    for height in (1..=last.0).map(Height) {
        let Decided { certificate, bytes, block, transactions } = decided(&source, height);
        copy.commit(certificate, &block, &bytes, &transactions).unwrap();
        balances.push((copy.head(), copy.state(&copy.head()).unwrap().balance(&receiver).unwrap()));
    }
    assert_eq!(copy.store().trees_until(last).unwrap(), Some(Height::GENESIS), "no trees were written");
    assert!(balances.windows(2).filter(|pair| pair[0].1 != pair[1].1).count() >= 3, "payments are seen");
    for (head, balance) in balances {
        assert_eq!(copy.state(&head).unwrap().balance(&receiver).unwrap(), balance, "as it was seen then");
        let past = tributary_node::ledger::Head { leaves: None, ..head.as_ref().clone() };
        assert_eq!(copy.state(&past).unwrap().balance(&receiver).unwrap(), balance, "by its trees, made again");
    }
}
