//! What must be there before the clock starts: senders with money; contracts, and what the senders hold of them; actors.
//!
//! | a workload's part | set up once |
//! |---|---|
//! | value | money for senders that have too little |
//! | the token | the same; the contract, and tokens for every sender |
//! | swaps | the same; two coins and their pools, and coins for every sender |
//! | counters, the actor that computes | the actors; the senders have money from genesis on |
//! | the token whose balances are entries | the same; tokens for every sender |
//! | a contract's calls of counters | both; the contract |
//!
//! Nonces and fees are looked up before each run. Everything is paid from one purse, by the way that loads go, so a chain that takes the
//! load takes the set-up.
//!
//! | module | sets up |
//! |---|---|
//! | `contracts` | the token, the pools |
//! | `actors` | actors, and the contract that calls them |

mod actors;
mod contracts;

use std::sync::Arc;

use alloy_primitives::U64;
use cid::Cid;
use serde_json::{Value, json};
use tokio::sync::watch;
use tributary_message::{FvmRejected, Transaction};
use tributary_primitives::{EthAddress, Hash32};
use tributary_workloads::contract::ContractRejected;

use self::actors::fvm_fees;
use crate::accounts::Account;
use crate::check::{Checked, check};
use crate::client::{Client, ClientUnavailable};
use crate::drive::drive;
use crate::fees::{Fees, MoneyRejected, grant};
use crate::flight::Rules;
use crate::http::Endpoint;
use crate::sign::{Deed, TRANSFER_GAS, Task, Terms, alone, transfer};
use crate::words::{ByKind, Confirm, Kind, Load, Pace};
use crate::workload::{Part, Workload};

/// Set-up transactions on their way at once: all are of one sender, and nodes bound those.
const SETUP_IN_FLIGHT: u64 = 60;
/// Set-up transactions of one request.
const SETUP_BATCH: usize = 20;
/// Of a hundred that the purse holds, those that it gives to the senders.
const PURSE_PERCENT: u128 = 80;

/// A network that is measured.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name in reports.
    pub name: String,
    /// Its nodes. The first is asked, all are handed transactions.
    pub nodes: Vec<Endpoint>,
    /// The account that pays for the set-up.
    pub purse: Account,
    /// What actors can be made; none where there are no actors.
    pub actors: Option<Actors>,
}

/// Codes of actors.
#[derive(Copy, Clone, Debug)]
pub struct Actors {
    /// The counter's.
    pub counter: Cid,
    /// That of the actor that does what a script says.
    pub script: Cid,
    /// That of the token whose balances are entries.
    pub token: Cid,
}

/// A network on which a workload can run.
#[derive(Clone, Debug)]
pub struct Ground {
    /// What the first node calls itself.
    pub client_version: String,
    /// Ethereum's chain id.
    pub chain_id: u64,
    /// What its transactions do, in turn, and the gas of each.
    deeds: Vec<(Deed, u64)>,
}

/// The ground cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SetupUnavailable {
    /// A node does not answer.
    #[error(transparent)]
    Client(#[from] ClientUnavailable),
    /// Too little money.
    #[error(transparent)]
    Money(#[from] MoneyRejected),
    /// A message that cannot be.
    #[error(transparent)]
    Message(#[from] FvmRejected),
    /// A contract that is none.
    #[error(transparent)]
    Contract(#[from] ContractRejected),
    /// There are no actors.
    #[error("{0} has no WASM actors to call: the workload runs only on a network of --validators")]
    NoActors(String),
    /// Set-up transactions did not arrive.
    #[error("{what}: {confirmed} of {wanted} are in a block{why}")]
    Lost {
        /// What they were for.
        what: &'static str,
        /// Those that arrived.
        confirmed: u64,
        /// Those that should have.
        wanted: usize,
        /// What the node said to the first that it refused, or the connection.
        why: String,
    },
    /// A set-up transaction changed nothing.
    #[error("{what}: transaction {hash} is in a block and did not go well")]
    Ineffective {
        /// What it was for.
        what: &'static str,
        /// Which.
        hash: Hash32,
    },
    /// The answer to a message names no actor.
    #[error("the init actor's answer names no actor")]
    NoActor,
}

type Ready<T> = Result<T, SetupUnavailable>;

/// Prepares `network` for `workload` of `senders`; `tell` hears what is being done.
///
/// # Errors
/// [`SetupUnavailable`].
pub async fn prepare(
    network: &Network,
    workload: Workload,
    senders: &[Account],
    stop: &watch::Receiver<bool>,
    tell: impl Fn(&str),
) -> Ready<Ground> {
    let mut client = Client::of(network.nodes[0].clone());
    let chain_id = client.chain_id().await?;
    let client_version = client.version().await;
    let mut setup = Setup { network, client, chain_id, stop };
    let mut deeds = Vec::with_capacity(workload.parts().len());
    for part in workload.parts() {
        deeds.push(setup.part(*part, senders, &tell).await?);
    }
    let ground = Ground { client_version, chain_id, deeds };
    if let Some(gas) = ground.gas_max(Kind::Ethereum) {
        tell("looking whether the senders have money");
        setup.fund(senders, gas).await?;
    }
    Ok(ground)
}

impl Ground {
    /// What a run's transactions do and pay, in turn, and the senders' nonces.
    ///
    /// # Errors
    /// [`SetupUnavailable`].
    pub async fn tasks(&self, network: &Network, senders: &[Account]) -> Ready<(Vec<Task>, ByKind<Vec<u64>>)> {
        let mut client = Client::of(network.nodes[0].clone());
        let (mut nonces, mut fees) = (ByKind::<Vec<u64>>::default(), ByKind::<Option<Fees>>::default());
        for kind in Kind::ALL {
            if let Some(gas) = self.gas_max(kind) {
                *nonces.of(kind) = nonces_of(&mut client, kind, senders).await?;
                *fees.of(kind) = Some(fees_of(&mut client, kind, senders, gas).await?);
            }
        }
        let task = |(deed, gas): &(Deed, u64)| {
            let fees = fees.of(deed.kind()).expect("fees of each kind that a deed has");
            let deed = match deed {
                // Nonces only grow, so no series comes twice on a chain.
                Deed::Transfer { .. } => Deed::Transfer { series: nonces.ethereum.iter().sum() },
                deed => deed.clone(),
            };
            Task { deed, terms: Terms { chain_id: self.chain_id, gas: *gas, fees } }
        };
        let tasks = self.deeds.iter().map(task).collect();
        Ok((tasks, nonces))
    }

    /// The most that a transaction of this kind needs; none where there is no such transaction.
    fn gas_max(&self, kind: Kind) -> Option<u64> {
        self.deeds.iter().filter(|(deed, _)| deed.kind() == kind).map(|(_, gas)| *gas).max()
    }

    /// How many transactions there are before the first deed's turn comes again.
    #[must_use]
    pub fn cycle(&self) -> usize {
        self.deeds.len()
    }
}

struct Setup<'a> {
    network: &'a Network,
    client: Client,
    chain_id: u64,
    stop: &'a watch::Receiver<bool>,
}

impl Setup<'_> {
    /// Makes what this part of a workload needs; what its transactions do, and the gas of each.
    async fn part(&mut self, part: Part, senders: &[Account], tell: impl Fn(&str)) -> Ready<(Deed, u64)> {
        match part {
            // The deed of a run of transfers is a series of its own.
            Part::Transfer => Ok((Deed::Transfer { series: 0 }, TRANSFER_GAS)),
            Part::Payment => Ok((Deed::Payment, TRANSFER_GAS)),
            Part::Erc20 => {
                tell("creating the token and giving some to every sender");
                self.token(senders).await
            }
            Part::Swap(count) => {
                tell("creating the pools and giving every sender of their coins");
                self.pools(senders, count).await
            }
            Part::Count => {
                tell("making the counters");
                self.counters(senders).await
            }
            Part::KvTransfer => {
                tell("making the token whose balances are entries and giving some to every sender");
                self.kv_token(senders).await
            }
            Part::Compute => {
                tell("making the actor that computes");
                self.computer(senders).await
            }
            Part::Cross => {
                tell("making the counters and the contract that calls them");
                self.caller(senders).await
            }
        }
    }

    /// Gives money to those that have too little for transactions of `gas`.
    async fn fund(&mut self, senders: &[Account], gas: u64) -> Ready<()> {
        let purse = self.purse().eth;
        let (base_fee, tip) = self.client.fees().await?;
        let money = balances(&mut self.client, senders).await?;
        let held = self.client.balances(&[purse]).await?.into_iter().sum::<u128>();
        let share = held / 100 * PURSE_PERCENT / u128::try_from(senders.len().max(1)).unwrap_or(u128::MAX);
        let grant = grant(share, gas, base_fee, tip);
        let poor = senders.iter().zip(money).filter(|(_, money)| *money < grant / 2).map(|(sender, _)| sender.eth);
        let poor: Vec<_> = poor.collect();
        if poor.is_empty() {
            return Ok(());
        }
        let (terms, nonce) = self.purse_terms(TRANSFER_GAS).await?;
        let key = self.purse().key.clone();
        let gifts = poor.into_iter().zip(nonce..).map(|(to, nonce)| transfer(terms, &key, nonce, to, grant)).collect();
        self.confirm("money for the senders", gifts).await.map(drop)
    }

    fn purse(&self) -> &Account {
        &self.network.purse
    }

    /// What the purse's next transactions pay, and their first nonce.
    async fn purse_terms(&mut self, gas: u64) -> Ready<(Terms, u64)> {
        let purse = self.purse().eth;
        let (base_fee, tip) = self.client.fees().await?;
        let money = self.client.balances(&[purse]).await?[0];
        // What it does not give away bears the fees.
        let fees = Fees::borne_by(money / 100 * (100 - PURSE_PERCENT), gas, base_fee, tip)?;
        Ok((Terms { chain_id: self.chain_id, gas, fees }, self.client.nonces(&[purse]).await?[0]))
    }

    /// Gas for this call, with a tenth to spare.
    async fn estimate(&mut self, call: Value) -> Ready<u64> {
        let gas: u64 = self.client.ask::<U64>("eth_estimateGas", json!([call])).await?.to();
        Ok(gas.saturating_add(gas / 10))
    }

    /// Sends these and waits until each is in a block and went well.
    async fn confirm(&mut self, what: &'static str, all: Vec<Transaction>) -> Ready<Vec<Hash32>> {
        let load: Arc<Load> = Arc::new(alone(&all));
        let hashes: Vec<_> = load.transactions.iter().map(|signed| signed.hash).collect();
        let pace = Pace::Closed { in_flight: SETUP_IN_FLIGHT };
        let rules = Rules { pace, batch_max: SETUP_BATCH, lanes: 1, confirm: Confirm::Poll, duration_us: None };
        let first = &self.network.nodes[..1];
        let flight = drive(first, Arc::clone(&load), rules, self.stop.clone(), |_| ()).await?;
        if flight.confirmed() < u64::try_from(hashes.len()).unwrap_or(u64::MAX) {
            let trouble = flight.trouble();
            let refusal = trouble.first_refusal.as_ref().map(|refusal| refusal.message.clone());
            let why = refusal.or_else(|| trouble.first_silence.clone()).map(|why| format!(": {why}"));
            let (confirmed, wanted) = (flight.confirmed(), hashes.len());
            return Err(SetupUnavailable::Lost { what, confirmed, wanted, why: why.unwrap_or_default() });
        }
        match check(&mut self.client, &load.transactions.iter().collect::<Vec<_>>()).await? {
            Checked { first_failed: Some(hash), .. } => Err(SetupUnavailable::Ineffective { what, hash }),
            Checked { .. } => Ok(hashes),
        }
    }
}

async fn balances(client: &mut Client, senders: &[Account]) -> Ready<Vec<u128>> {
    Ok(client.balances(&senders.iter().map(|sender| sender.eth).collect::<Vec<_>>()).await?)
}

async fn nonces_of(client: &mut Client, kind: Kind, senders: &[Account]) -> Ready<Vec<u64>> {
    match kind {
        Kind::Ethereum => Ok(client.nonces(&senders.iter().map(|sender| sender.eth).collect::<Vec<_>>()).await?),
        Kind::Fvm => {
            let params = senders.iter().map(|sender| json!([sender.f1.to_string()])).collect();
            Ok(client.ask_all("subnet_nonce", params).await?)
        }
    }
}

async fn fees_of(client: &mut Client, kind: Kind, senders: &[Account], gas: u64) -> Ready<Fees> {
    match kind {
        Kind::Fvm => fvm_fees(client, &senders[0]).await,
        Kind::Ethereum => {
            let money = balances(client, senders).await?.into_iter().min().unwrap_or_default();
            let (base_fee, tip) = client.fees().await?;
            Ok(Fees::borne_by(money, gas, base_fee, tip)?)
        }
    }
}

fn call(from: EthAddress, to: EthAddress, input: &[u8]) -> Value {
    json!({"from": from.to_string(), "to": to.to_string(), "data": hex_of(input)})
}

fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
