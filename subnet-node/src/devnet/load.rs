//! The demo load on the child: plain transfers, a WASM actor and a Solidity contract.
//!
//! | task | does | pace |
//! |---|---|---|
//! | transfers | one sender each: submit, wait for the receipt, wait for its turn | `--tps` together |
//! | counter | makes a counter actor, then increments it | every [`CALL_EVERY`] |
//! | tally | creates a contract, then brings it something | every [`CALL_EVERY`] |
//!
//! The loop is closed: a sender has one transaction on its way. When the child is slower than asked, the rate falls and nothing
//! piles up. What goes wrong is counted and told, and tried anew after a rest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};
use tributary_crypto::SecpSecretKey;
use tributary_genesis_code::counter_actor_cid;
use tributary_message::Transaction;
use tributary_primitives::init::made_actor;
use tributary_rpc::subnet::view::MessageReceipt;

use super::contract::Tally;
use super::keys::{LOAD_KEYS, load_key};
use super::message::{NO_ACTOR, call, create, created_contract, exec, invoke, transfer};
use super::node::Node;
use super::plan::Network;
use super::report::{Samples, Summary};

/// From one call of the counter, or of the contract, to the next.
pub const CALL_EVERY: Duration = Duration::from_secs(2);
/// After something went wrong.
const REST: Duration = Duration::from_secs(1);
/// Hash of the name `Increment`, as FRC-0042 says; see the counter's documentation.
const INCREMENT: MethodNum = 2_922_929_132;
/// attoTRB of one transfer.
const TRANSFER_ATTO: u64 = 1_000;
/// Keys of the two tasks that call; the others transfer.
const COUNTER_KEY: u16 = 0;
const TALLY_KEY: u16 = 1;
const FIRST_TRANSFER_KEY: u16 = 2;
/// Most transfers a second that can be asked for.
pub const TPS_MAX: u16 = 1_000;

/// What the load came to so far.
#[derive(Clone, Debug, Default)]
struct Progress {
    confirmed: u64,
    failed: u64,
    last_failure: Option<String>,
    counter: Option<Counter>,
    tally_calls: Option<u64>,
    latency: Samples,
}

/// The WASM actor that the load made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// Its address, as in `f0232`.
    pub actor: String,
    /// What it counted to.
    pub counted: u64,
}

/// The same to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LoadView {
    /// Transactions in a block.
    pub confirmed: u64,
    /// Transactions that went wrong.
    pub failed: u64,
    /// What the last of them told.
    pub last_failure: Option<String>,
    /// The WASM actor; none before it counted once.
    pub counter: Option<Counter>,
    /// Calls of the Solidity contract; none before it is created.
    pub tally_calls: Option<u64>,
    /// From handing in a transaction to its receipt.
    pub submit_to_receipt: Option<Summary>,
}

/// The load. Dropping it stops it.
#[derive(Debug, Default)]
pub struct Load {
    tasks: JoinSet<()>,
    progress: Shared,
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Progress>>);

impl Load {
    /// Starts `tps` transfers a second and the two callers, spread over `nodes`.
    #[must_use]
    pub fn start(nodes: &[Node], tps: u16) -> Self {
        let mut load = Self::default();
        let node = |number: usize| nodes[number % nodes.len()].clone();
        let progress = || load.progress.clone();
        let counter = Sender::fvm(node(0), load_key(COUNTER_KEY), progress());
        let tally = Sender::ethereum(node(1), load_key(TALLY_KEY), progress());
        let keys = (FIRST_TRANSFER_KEY..LOAD_KEYS).map(load_key);
        let senders = keys.enumerate().map(|(number, key)| Sender::ethereum(node(number), key, progress()));
        let transferring: Vec<_> = senders.zip(turns(tps)).collect();
        load.tasks.spawn(count(counter));
        load.tasks.spawn(bring(tally));
        for (sender, (first, pace)) in transferring {
            load.tasks.spawn(transfers(sender, first, pace));
        }
        load
    }

    /// How it goes. Cost: sorting the latencies.
    #[must_use]
    pub fn view(&self) -> LoadView {
        let progress = self.progress.lock();
        LoadView {
            confirmed: progress.confirmed,
            failed: progress.failed,
            last_failure: progress.last_failure.clone(),
            counter: progress.counter.clone(),
            tally_calls: progress.tally_calls,
            submit_to_receipt: progress.latency.summary(),
        }
    }

    /// Stops it: what is on its way is not waited for.
    pub async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Plain numbers: a panic elsewhere leaves them as they are.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When each sender starts, and how long it waits between two transfers, so that all together make `tps` a second, evenly spread.
///
/// One sender for each transfer a second, as far as there are keys: then each has a second for its round.
fn turns(tps: u16) -> Vec<(Duration, Duration)> {
    let senders = tps.min(LOAD_KEYS - FIRST_TRANSFER_KEY);
    let apart = Duration::from_secs(1).checked_div(tps.into()).unwrap_or_default();
    (0..senders).map(|turn| (apart.saturating_mul(turn.into()), apart.saturating_mul(senders.into()))).collect()
}

/// One account that sends one transaction after the other.
struct Sender {
    node: Node,
    key: SecpSecretKey,
    address: Address,
    /// The next nonce; none when it must be asked for.
    nonce: Option<u64>,
    progress: Shared,
}

impl Sender {
    /// An Ethereum account.
    fn ethereum(node: Node, key: SecpSecretKey, progress: Shared) -> Self {
        Self { node, address: key.eth_address().to_address(), key, nonce: None, progress }
    }

    /// An f1 account.
    fn fvm(node: Node, key: SecpSecretKey, progress: Shared) -> Self {
        Self { node, address: key.f1_address(), key, nonce: None, progress }
    }

    /// The nonce of the next transaction.
    async fn nonce(&mut self) -> anyhow::Result<u64> {
        match self.nonce {
            Some(nonce) => Ok(nonce),
            None => Ok(self.node.nonce(&self.address).await?),
        }
    }

    /// Sends what `make` makes of the next nonce, and waits for its receipt.
    async fn send(
        &mut self,
        make: impl FnOnce(&SecpSecretKey, u64) -> anyhow::Result<Transaction>,
    ) -> anyhow::Result<MessageReceipt> {
        let nonce = self.nonce().await?;
        // Known again only once this one is in a block.
        self.nonce = None;
        let transaction = make(&self.key, nonce)?;
        let submitted = Instant::now();
        let receipt = self.node.receipt(self.node.submit(&transaction).await?).await?;
        let mut progress = self.progress.lock();
        progress.confirmed += 1;
        progress.latency.add(submitted.elapsed());
        self.nonce = Some(nonce + 1);
        Ok(receipt)
    }

    /// Counts what went wrong, and rests.
    async fn failed(&self, why: anyhow::Error) {
        {
            let mut progress = self.progress.lock();
            progress.failed += 1;
            progress.last_failure = Some(format!("{why:#}"));
        }
        sleep(REST).await;
    }
}

async fn transfers(mut sender: Sender, first: Duration, pace: Duration) {
    let to = load_key(COUNTER_KEY).eth_address();
    sleep(first).await;
    let mut turns = every(pace);
    loop {
        turns.tick().await;
        if let Err(why) = sender.send(|key, nonce| Ok(transfer(key, nonce, to, TRANSFER_ATTO))).await {
            sender.failed(why).await;
        }
    }
}

/// Makes a counter and increments it; starts anew when something goes wrong.
async fn count(mut sender: Sender) {
    loop {
        if let Err(why) = count_on(&mut sender).await {
            sender.failed(why).await;
        }
    }
}

/// Others may count too, so the counter may be further than this sender brought it, never back.
async fn count_on(sender: &mut Sender) -> anyhow::Result<()> {
    let made = sender.send(|key, nonce| exec(Network::Child, key, nonce, counter_actor_cid(), Vec::new())).await?;
    let actor = made_actor(&made.return_data.0).context(NO_ACTOR)?;
    let (mut turns, mut last) = (every(CALL_EVERY), 0);
    loop {
        turns.tick().await;
        let receipt = sender.send(|key, nonce| call(Network::Child, key, nonce, actor, INCREMENT, Vec::new())).await?;
        let counted: u64 = fvm_ipld_encoding::from_slice(&receipt.return_data.0)?;
        ensure!(counted > last, "the counter f0{actor} says {counted} after it said {last}");
        sender.progress.lock().counter = Some(Counter { actor: format!("f0{actor}"), counted });
        last = counted;
    }
}

/// Creates a tally and brings it something; starts anew when something goes wrong.
async fn bring(mut sender: Sender) {
    loop {
        if let Err(why) = bring_on(&mut sender).await {
            sender.failed(why).await;
        }
    }
}

async fn bring_on(sender: &mut Sender) -> anyhow::Result<()> {
    let tally = Tally::compiled();
    let contract = created_contract(sender.key.eth_address(), sender.nonce().await?);
    sender.send(|key, nonce| Ok(create(key, nonce, tally.bytecode()))).await?;
    let mut turns = every(CALL_EVERY);
    for number in 1_u64.. {
        turns.tick().await;
        let receipt = sender.send(|key, nonce| Ok(invoke(key, nonce, contract, tally.bring(number)))).await?;
        // A call of an address without code goes well and does nothing.
        ensure!(receipt.events.len() == 1, "the contract {contract} emitted {} events in a call", receipt.events.len());
        sender.progress.lock().tally_calls = Some(number);
    }
    Ok(())
}

/// Ticks at least `pace` apart: a slow answer delays what follows instead of piling it up.
fn every(pace: Duration) -> Interval {
    let mut turns = interval(pace.max(Duration::from_millis(1)));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_senders_together_make_what_was_asked_for_evenly_spread() {
        let ms = Duration::from_millis;
        for (tps, senders, pace) in [(1, 1, 1_000), (5, 5, 1_000), (50, 50, 1_000), (100, 62, 620), (1_000, 62, 62)] {
            let turns = turns(tps);
            assert_eq!((turns.len(), turns[0]), (senders, (ms(0), ms(pace))), "{tps}");
            let (last, _) = turns[senders - 1];
            assert!(last < ms(pace), "{tps}: every sender starts within the first round");
        }
        assert_eq!(turns(5)[4].0, ms(800));
        assert!(turns(0).is_empty());
    }
}
