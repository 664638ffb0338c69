//! Nodes on loopback, in one process: what reaches whom, what does not, and what is left after the end.
//!
//! Every wait is for an event, within [`PATIENCE`]; what must *not* arrive is shown by something sent after it that does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tributary_gossip::{
    CHECKPOINT_BYTES_MAX, Gossip, GossipConfig, GossipEvent, GossipFatal, GossipHandle, GossipLimits, Multiaddr,
    NetworkKey, PeerId, PublishRejected, PublishUnavailable, TRANSACTION_BYTES_MAX, Token,
};

use stranger::Stranger;

mod stranger;

const PATIENCE: Duration = Duration::from_secs(60);
const CHAIN: &str = "root-1";

struct Node {
    handle: GossipHandle,
    events: mpsc::Receiver<GossipEvent>,
}

fn config(seed: u8, peers: &[&Multiaddr]) -> GossipConfig {
    GossipConfig {
        chain_id: CHAIN.into(),
        network_key: NetworkKey([seed; 32]),
        listen: "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
        peers: peers.iter().map(|peer| (*peer).clone()).collect(),
        limits: GossipLimits::default(),
    }
}

async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

async fn counted(counter: &AtomicU64, least: u64) {
    let reached = async {
        while counter.load(Ordering::Relaxed) < least {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    patiently("a counter", reached).await;
}

impl Node {
    async fn start(config: GossipConfig) -> Self {
        let (handle, events) = Gossip::start(config).await.unwrap();
        Self { handle, events }
    }

    /// A node with these nodes as its configured peers, once all of them are up.
    async fn joining(seed: u8, others: &mut [&mut Self]) -> Self {
        let addresses: Vec<_> = others.iter().map(|other| other.handle.address().clone()).collect();
        let mut node = Self::start(config(seed, &addresses.iter().collect::<Vec<_>>())).await;
        for _ in &*others {
            node.up().await;
        }
        for other in others {
            assert_eq!(other.up().await, node.handle.peer_id());
        }
        node
    }

    async fn next(&mut self) -> GossipEvent {
        patiently("an event", self.events.recv()).await.unwrap()
    }

    async fn up(&mut self) -> PeerId {
        match self.next().await {
            GossipEvent::PeerUp(peer) => peer,
            other => panic!("{other:?} instead of a peer"),
        }
    }

    async fn down(&mut self) -> PeerId {
        match self.next().await {
            GossipEvent::PeerDown(peer) => peer,
            other => panic!("{other:?} instead of a peer's end"),
        }
    }

    async fn transactions(&mut self) -> (Vec<Bytes>, Token) {
        match self.next().await {
            GossipEvent::Transactions { transactions, token, .. } => (transactions, token),
            other => panic!("{other:?} instead of transactions"),
        }
    }

    async fn checkpoint(&mut self) -> (Bytes, Token) {
        match self.next().await {
            GossipEvent::Checkpoint { bytes, token, .. } => (bytes, token),
            other => panic!("{other:?} instead of a checkpoint"),
        }
    }

    fn publish(&self, transaction: &'static str) {
        self.handle.publish_transactions(vec![Bytes::from_static(transaction.as_bytes())]).unwrap();
    }

    /// Accepts the next transactions, which must be this one.
    async fn accept(&mut self, transaction: &'static str) {
        let (transactions, token) = self.transactions().await;
        assert_eq!(transactions, [transaction]);
        token.accept();
    }
}

#[tokio::test]
async fn a_transaction_reaches_every_node_once_and_travels_through_one_that_accepted_it() {
    let mut first = Node::start(config(1, &[])).await;
    let mut middle = Node::joining(2, &mut [&mut first]).await;
    let mut last = Node::joining(3, &mut [&mut middle]).await;
    assert_eq!([first.handle.peer_count(), middle.handle.peer_count(), last.handle.peer_count()], [1, 2, 1]);

    for transaction in ["pay one", "pay two", "pay three"] {
        first.publish(transaction);
        middle.accept(transaction).await;
        last.accept(transaction).await;
    }
    first.handle.publish_checkpoint(Bytes::from_static(b"share")).unwrap();
    for node in [&mut middle, &mut last] {
        let (bytes, token) = node.checkpoint().await;
        assert_eq!(bytes, "share");
        token.accept();
    }
    counted(&middle.handle.metrics().messages_accepted, 4).await;
    assert_eq!(last.handle.metrics().transactions_received.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn the_same_transaction_by_two_nodes_arrives_once_in_a_full_mesh() {
    let mut a = Node::start(config(1, &[])).await;
    let mut b = Node::joining(2, &mut [&mut a]).await;
    let mut c = Node::joining(3, &mut [&mut a, &mut b]).await;
    a.publish("pay one");
    for node in [&mut b, &mut c] {
        node.accept("pay one").await;
    }
    b.publish("pay one");
    b.publish("pay two");
    // The two leave b together or apart; either way a and c see the new one, and see nothing twice in the same message.
    for node in [&mut a, &mut c] {
        let (transactions, token) = node.transactions().await;
        assert!(transactions.ends_with(&[Bytes::from_static(b"pay two")]), "{transactions:?}");
        token.accept();
    }
    assert_eq!(c.handle.metrics().messages_received.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn many_transactions_leave_in_few_messages_and_none_is_lost() {
    let mut from = Node::start(config(1, &[])).await;
    let mut to = Node::joining(2, &mut [&mut from]).await;
    let sent: BTreeSet<Bytes> = (0..2_000_u32).map(|n| n.to_be_bytes().repeat(50).into()).collect();
    from.handle.publish_transactions(sent.iter().cloned().collect()).unwrap();
    let mut received = BTreeSet::new();
    while received.len() < sent.len() {
        let (transactions, token) = to.transactions().await;
        received.extend(transactions);
        token.accept();
    }
    assert_eq!(received, sent);
    assert_eq!(from.handle.metrics().messages_published.load(Ordering::Relaxed), 7, "400 KB in messages of 64 KiB");
}

#[tokio::test]
async fn what_a_node_does_not_accept_goes_no_further() {
    let mut first = Node::start(config(1, &[])).await;
    let mut middle = Node::joining(2, &mut [&mut first]).await;
    let mut last = Node::joining(3, &mut [&mut middle]).await;

    first.publish("bad signature");
    middle.transactions().await.1.reject();
    first.publish("known already");
    middle.transactions().await.1.ignore();
    first.publish("forgotten");
    drop(middle.transactions().await);
    first.publish("good");
    middle.accept("good").await;
    last.accept("good").await;

    let metrics = middle.handle.metrics();
    counted(&metrics.messages_ignored, 2).await;
    assert_eq!(metrics.messages_rejected.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_peer_that_sends_bad_messages_is_not_listened_to_for_long() {
    let mut bad = Node::start(config(1, &[])).await;
    let mut good = Node::start(config(2, &[])).await;
    let mut judge = Node::joining(3, &mut [&mut bad, &mut good]).await;
    for transaction in ["bad one", "bad two", "bad three"] {
        bad.publish(transaction);
        judge.transactions().await.1.reject();
    }
    counted(&judge.handle.metrics().messages_rejected, 3).await;

    bad.publish("said in vain");
    counted(&bad.handle.metrics().messages_published, 4).await;
    good.publish("heard");
    judge.accept("heard").await;
}

#[tokio::test]
async fn messages_beyond_what_the_application_can_judge_are_let_go_of() {
    let mut from = Node::start(config(1, &[])).await;
    let limits = GossipLimits { outstanding_max: 1, ..GossipLimits::default() };
    let mut to = Node::start(GossipConfig { limits, ..config(2, &[from.handle.address()]) }).await;
    to.up().await;
    from.up().await;

    from.publish("first");
    let (_, token) = to.transactions().await;
    from.publish("second");
    counted(&to.handle.metrics().dropped_outstanding, 1).await;
    token.accept();
    counted(&to.handle.metrics().messages_accepted, 1).await;
    from.publish("third");
    to.accept("third").await;
}

#[tokio::test]
async fn messages_beyond_the_bytes_that_may_wait_are_let_go_of() {
    let mut from = Node::start(config(1, &[])).await;
    // One message of the largest size, and nothing beside it.
    let limits = GossipLimits { outstanding_bytes_max: TRANSACTION_BYTES_MAX + 4, ..GossipLimits::default() };
    let mut to = Node::start(GossipConfig { limits, ..config(2, &[from.handle.address()]) }).await;
    to.up().await;
    from.up().await;

    from.publish("small");
    let (_, small) = to.transactions().await;
    from.handle.publish_transactions(vec![vec![1; TRANSACTION_BYTES_MAX].into()]).unwrap();
    counted(&to.handle.metrics().dropped_outstanding, 1).await;
    small.accept();
    counted(&to.handle.metrics().messages_accepted, 1).await;
    from.handle.publish_transactions(vec![vec![2; TRANSACTION_BYTES_MAX].into()]).unwrap();
    let (transactions, large) = to.transactions().await;
    assert_eq!(transactions[0].len(), TRANSACTION_BYTES_MAX);
    from.publish("another");
    counted(&to.handle.metrics().dropped_outstanding, 2).await;
    large.accept();
    counted(&to.handle.metrics().messages_accepted, 2).await;
    from.publish("third");
    to.accept("third").await;
}

#[tokio::test]
async fn undecodable_and_oversize_messages_are_refused_and_not_forwarded() {
    let mut near = Node::start(config(1, &[])).await;
    let mut far = Node::joining(2, &mut [&mut near]).await;
    let mut stranger = Stranger::of_chain(CHAIN);
    stranger.join(near.handle.address()).await;
    near.up().await;

    stranger.publish("transactions", vec![0, 0, 0, 9, 1]);
    stranger.run_until(&near.handle.metrics().messages_undecodable, 1).await;
    // Larger than a checkpoint may be, though a transaction may.
    stranger.publish("checkpoints", vec![1; 2 * CHECKPOINT_BYTES_MAX]);
    stranger.publish("transactions", b"\0\0\0\x04good".to_vec());
    stranger.run_beside(PATIENCE, near.accept("good")).await.unwrap();
    far.accept("good").await;
    assert_eq!(near.handle.metrics().messages_undecodable.load(Ordering::Relaxed), 1);
    assert_eq!(near.handle.metrics().messages_received.load(Ordering::Relaxed), 1);

    // Larger than any message: nothing more is read of the stream it comes on, so nothing can be sent after it to show that it was
    // read. It gets time to arrive; with too little, this would prove less, not fail.
    stranger.publish("transactions", [&600_000_u32.to_be_bytes(), vec![1; 600_000].as_slice()].concat());
    assert!(stranger.run_beside(Duration::from_millis(500), near.next()).await.is_none());
    let mut other = Stranger::of_chain(CHAIN);
    other.join(near.handle.address()).await;
    near.up().await;
    other.publish("transactions", b"\0\0\0\x05still".to_vec());
    other.run_beside(PATIENCE, near.accept("still")).await.unwrap();
    far.accept("still").await;
}

#[tokio::test]
async fn a_node_of_another_chain_is_cut_off() {
    let mut ours = Node::start(config(1, &[])).await;
    let theirs = GossipConfig { chain_id: "root-2".into(), ..config(2, &[ours.handle.address()]) };
    let theirs = Node::start(theirs).await;
    // Whichever hears the other's chain first cuts it off.
    let refused = async {
        let count = |node: &Node| node.handle.metrics().peers_refused.load(Ordering::Relaxed);
        while count(&ours) + count(&theirs) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    patiently("a refusal", refused).await;
    let third = Node::joining(3, &mut [&mut ours]).await;
    assert_eq!((ours.handle.peer_count(), theirs.handle.peer_count()), (1, 0));
    drop(third);
}

#[tokio::test]
async fn a_peer_that_does_not_introduce_itself_is_cut_off() {
    let limits = GossipLimits { introduction_max: Duration::from_millis(50), ..GossipLimits::default() };
    let node = Node::start(GossipConfig { limits, ..config(1, &[]) }).await;
    let mut stranger = Stranger::silent();
    stranger.join_and_be_cut_off(node.handle.address()).await;
    assert_eq!(node.handle.metrics().peers_silent.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn peers_meet_again_after_a_restart() {
    let mut stays = Node::start(config(1, &[])).await;
    let mut leaves = Node::joining(2, &mut [&mut stays]).await;
    let name = stays.handle.peer_id();
    let bound: Multiaddr = stays.handle.address().iter().take(2).collect();
    stays.handle.stop().await;
    assert_eq!(leaves.down().await, name);
    assert_eq!(leaves.handle.peer_count(), 0);

    let mut back = Node::start(GossipConfig { listen: bound, ..config(1, &[]) }).await;
    assert_eq!(leaves.up().await, name);
    back.up().await;
    leaves.publish("after the restart");
    back.accept("after the restart").await;
}

#[tokio::test]
async fn a_node_that_names_itself_as_a_peer_leaves_itself_alone() {
    let first = Node::start(config(1, &[])).await;
    let own: Multiaddr = first.handle.address().iter().take(2).collect();
    first.handle.stop().await;
    let mut node = Node::start(GossipConfig { listen: own.clone(), ..config(1, &[&own]) }).await;
    let other = Node::joining(2, &mut [&mut node]).await;
    assert_eq!((node.handle.peer_count(), other.handle.peer_count()), (1, 1));
    assert_eq!(node.handle.metrics().dials_failed.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn stopping_leaves_no_task_and_frees_the_port() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let mut a = Node::start(config(1, &[])).await;
    let mut b = Node::joining(2, &mut [&mut a]).await;
    assert!(tasks() > before);
    let bound: Multiaddr = a.handle.address().iter().take(2).collect();

    a.publish("last words");
    a.handle.stop().await;
    b.accept("last words").await;
    a.handle.stop().await;
    assert_eq!(
        a.handle.publish_transactions(vec![Bytes::from_static(b"late")]),
        Err(PublishUnavailable::Stopped.into())
    );
    assert!(std::net::TcpListener::bind(socket_of(&bound)).is_ok(), "the port is free");

    drop(b);
    let gone = async {
        while tasks() > before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    patiently("the tasks' end", gone).await;
}

#[tokio::test]
async fn lengths_that_no_node_takes_are_not_published() {
    let node = Node::start(config(1, &[])).await;
    for length in [0, TRANSACTION_BYTES_MAX + 1] {
        let good = Bytes::from_static(b"good");
        let refusal = node.handle.publish_transactions(vec![good, vec![1; length].into()]).unwrap_err();
        assert_eq!(refusal, PublishRejected::TransactionLength(length).into());
    }
    for length in [0, CHECKPOINT_BYTES_MAX + 1] {
        let refusal = node.handle.publish_checkpoint(vec![1; length].into()).unwrap_err();
        assert_eq!(refusal, PublishRejected::CheckpointLength(length).into());
    }
    node.publish("to nobody");
    counted(&node.handle.metrics().dropped_unheard, 1).await;
}

#[tokio::test]
async fn an_address_in_use_is_refused_with_its_name() {
    let node = Node::start(config(1, &[])).await;
    let taken: Multiaddr = node.handle.address().iter().take(2).collect();
    // Another kind of listener, since libp2p lets its own share a port.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let foreign: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", other.local_addr().unwrap().port()).parse().unwrap();
    assert_ne!(taken, foreign);
    let refusal = Gossip::start(GossipConfig { listen: foreign.clone(), ..config(2, &[]) }).await.unwrap_err();
    assert!(matches!(&refusal, GossipFatal::Listen { address, .. } if *address == foreign), "{refusal}");
    assert!(refusal.to_string().contains("port is free: "), "{refusal}");
    assert!(refusal.to_string().contains("in use"), "{refusal}");
}

fn socket_of(address: &Multiaddr) -> String {
    let text = address.to_string();
    let parts: Vec<_> = text.split('/').collect();
    format!("{}:{}", parts[2], parts[4])
}
