//! What must be there before the clock starts: senders with money, the token and who holds it, the counters.
//!
//! | workload | set up once | before each run |
//! |---|---|---|
//! | `transfer` | money for senders that have too little | nonces, fees |
//! | `erc20` | the same; the contract, and tokens for every sender | the same |
//! | `wasm` | the counters; the senders have money from genesis on | the same |
//!
//! Everything is paid from one purse, by the way that loads go, so a chain that takes the load takes the set-up.

use std::sync::Arc;

use alloy_primitives::{Address as EvmAddress, U64};
use cid::Cid;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::{ActorID, MethodNum};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tributary_message::{FvmRejected, Transaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, made_actor};
use tributary_primitives::{EthAddress, Hash32};

use crate::accounts::Account;
use crate::check::{Checked, check};
use crate::client::{Client, ClientUnavailable};
use crate::drive::drive;
use crate::fees::{Fees, MoneyRejected, grant};
use crate::flight::Rules;
use crate::http::Endpoint;
use crate::sign::{Deed, INCREMENT, TRANSFER_GAS, Terms, alone, invoke, message, transfer};
use crate::token::Token;
use crate::words::{Confirm, Kind, Load, Pace, Workload};

/// Counters that are called in turn.
const COUNTERS: usize = 100;
/// Tokens that a sender gets: more than it can ever send.
const TOKENS: u64 = 1_000_000_000_000;
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
    /// The code of counters; none where there are no actors.
    pub counter: Option<Cid>,
}

/// A network on which a workload can run.
#[derive(Clone, Debug)]
pub struct Ground {
    /// What the first node calls itself.
    pub client_version: String,
    /// Ethereum's chain id.
    pub chain_id: u64,
    deed: Deed,
    /// Gas of each transaction.
    gas: u64,
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
    /// There are no actors.
    #[error("{0} has no counter actors: the wasm workload runs only on a network of --validators")]
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

#[derive(Deserialize)]
struct GasNeeded {
    gas_limit: u64,
    base_fee: u64,
}

#[derive(Deserialize)]
struct MessageReceipt {
    #[serde(rename = "return")]
    return_data: String,
}

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
    let (deed, gas) = match workload {
        Workload::Transfer | Workload::Payment => {
            tell("looking whether the senders have money");
            setup.fund(senders, TRANSFER_GAS).await?;
            // The deed of a run of transfers is a series of its own.
            let is_payment = workload == Workload::Payment;
            (if is_payment { Deed::Payment } else { Deed::Transfer { series: 0 } }, TRANSFER_GAS)
        }
        Workload::Erc20 => {
            tell("creating the token and giving some to every sender");
            setup.token(senders).await?
        }
        Workload::Wasm => {
            tell("making the counters");
            setup.counters(senders).await?
        }
    };
    Ok(Ground { client_version, chain_id, deed, gas })
}

impl Ground {
    /// What a run's transactions do and pay, and the senders' nonces.
    ///
    /// # Errors
    /// [`SetupUnavailable`].
    pub async fn terms(&self, network: &Network, senders: &[Account]) -> Ready<(Deed, Terms, Vec<u64>)> {
        let mut client = Client::of(network.nodes[0].clone());
        let nonces = nonces(&mut client, self.deed.kind(), senders).await?;
        let fees = match &self.deed {
            Deed::Count { actors } => fvm_fees(&mut client, senders, actors[0]).await?,
            Deed::Transfer { .. } | Deed::Payment | Deed::Erc20 { .. } => {
                let money = balances(&mut client, senders).await?.into_iter().min().unwrap_or_default();
                let (base_fee, tip) = client.fees().await?;
                Fees::borne_by(money, self.gas, base_fee, tip)?
            }
        };
        let deed = match &self.deed {
            // Nonces only grow, so no series comes twice on a chain.
            Deed::Transfer { .. } => Deed::Transfer { series: nonces.iter().sum() },
            deed => deed.clone(),
        };
        Ok((deed, Terms { chain_id: self.chain_id, gas: self.gas, fees }, nonces))
    }
}

struct Setup<'a> {
    network: &'a Network,
    client: Client,
    chain_id: u64,
    stop: &'a watch::Receiver<bool>,
}

impl Setup<'_> {
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
        self.confirm("money for the senders", Kind::Ethereum, gifts).await.map(drop)
    }

    /// Creates the token and gives some to every sender; what its transfers are and the gas they need.
    async fn token(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let (token, purse) = (Token::compiled(), self.purse().clone());
        let creation = json!({"from": purse.eth.to_string(), "data": hex_of(&token.bytecode())});
        let gas = self.estimate(creation).await?;
        let (terms, nonce) = self.purse_terms(gas).await?;
        let create = invoke(terms, &purse.key, nonce, None, token.bytecode());
        self.confirm("the token's contract", Kind::Ethereum, vec![create]).await?;
        let contract = EthAddress(EvmAddress::from(purse.eth.0).create(nonce).into_array());

        let gas = self.estimate(call(purse.eth, contract, &token.transfer(senders[0].eth, TOKENS))).await?;
        self.fund(senders, gas).await?;
        let (terms, nonce) = self.purse_terms(gas).await?;
        let gift = |(sender, nonce): (&Account, u64)| {
            invoke(terms, &purse.key, nonce, Some(contract), token.transfer(sender.eth, TOKENS))
        };
        let gifts = senders.iter().zip(nonce..).map(gift).collect();
        self.confirm("tokens for the senders", Kind::Ethereum, gifts).await?;

        let to = senders[1 % senders.len()].eth;
        let gas = self.estimate(call(senders[0].eth, contract, &token.transfer(to, 1))).await?;
        Ok((Deed::Erc20 { contract, token }, gas))
    }

    /// Makes the counters; what their calls are and the gas they need.
    async fn counters(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let Some(code) = self.network.counter else {
            return Err(SetupUnavailable::NoActors(self.network.name.clone()));
        };
        let purse = self.purse().clone();
        let params = to_vec(&ExecParams { code, params: RawBytes::default() }).expect("a CID and no bytes");
        let init = Address::new_id(INIT_ID);
        let needed = estimate_message(&mut self.client, purse.f1, init, EXEC, &params).await?;
        let fees = Fees { cap: u128::from(needed.base_fee.max(1)).saturating_mul(1_000), tip: 0 };
        let terms = Terms { chain_id: self.chain_id, gas: needed.gas_limit * 3 / 2, fees };
        let nonce = nonces(&mut self.client, Kind::Fvm, std::slice::from_ref(&purse)).await?[0];
        let one = |nonce| message(terms, &purse.key, nonce, init, EXEC, params.clone());
        let count = u64::try_from(senders.len().min(COUNTERS)).unwrap_or(u64::MAX);
        let made = (nonce..).zip(0..count).map(|(nonce, _)| one(nonce)).collect::<Result<Vec<_>, _>>()?;
        let hashes = self.confirm("counters", Kind::Fvm, made).await?;
        let params = hashes.iter().map(|hash| json!([hash])).collect();
        let receipts: Vec<MessageReceipt> = self.client.ask_all(Kind::Fvm.receipt_method(), params).await?;
        let actor = |receipt: &MessageReceipt| made_actor(&hex::decode(receipt.return_data.get(2..)?).ok()?);
        let actors: Option<Vec<ActorID>> = receipts.iter().map(actor).collect();
        let actors = actors.ok_or(SetupUnavailable::NoActor)?;
        let to = Address::new_id(actors[0]);
        let gas = estimate_message(&mut self.client, senders[0].f1, to, INCREMENT, &[]).await?.gas_limit;
        Ok((Deed::Count { actors }, gas.saturating_add(gas / 4)))
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
    async fn confirm(&mut self, what: &'static str, kind: Kind, all: Vec<Transaction>) -> Ready<Vec<Hash32>> {
        let load: Arc<Load> = Arc::new(alone(kind, &all));
        let hashes: Vec<_> = load.transactions.iter().map(|signed| signed.hash).collect();
        let pace = Pace::Closed { in_flight: SETUP_IN_FLIGHT };
        let rules = Rules { pace, batch_max: SETUP_BATCH, lanes: 1, confirm: Confirm::Poll, duration_us: None };
        let first = &self.network.nodes[..1];
        let flight = drive(first, load, rules, self.stop.clone(), |_| ()).await?;
        if flight.confirmed() < u64::try_from(hashes.len()).unwrap_or(u64::MAX) {
            let trouble = flight.trouble();
            let refusal = trouble.first_refusal.as_ref().map(|refusal| refusal.message.clone());
            let why = refusal.or_else(|| trouble.first_silence.clone()).map(|why| format!(": {why}"));
            let (confirmed, wanted) = (flight.confirmed(), hashes.len());
            return Err(SetupUnavailable::Lost { what, confirmed, wanted, why: why.unwrap_or_default() });
        }
        match check(&mut self.client, kind, &hashes).await? {
            Checked { first_failed: Some(hash), .. } => Err(SetupUnavailable::Ineffective { what, hash }),
            Checked { .. } => Ok(hashes),
        }
    }
}

async fn balances(client: &mut Client, senders: &[Account]) -> Ready<Vec<u128>> {
    Ok(client.balances(&senders.iter().map(|sender| sender.eth).collect::<Vec<_>>()).await?)
}

async fn nonces(client: &mut Client, kind: Kind, senders: &[Account]) -> Ready<Vec<u64>> {
    match kind {
        Kind::Ethereum => Ok(client.nonces(&senders.iter().map(|sender| sender.eth).collect::<Vec<_>>()).await?),
        Kind::Fvm => {
            let params = senders.iter().map(|sender| json!([sender.f1.to_string()])).collect();
            Ok(client.ask_all("subnet_nonce", params).await?)
        }
    }
}

async fn fvm_fees(client: &mut Client, senders: &[Account], actor: ActorID) -> Ready<Fees> {
    let to = Address::new_id(actor);
    let needed = estimate_message(client, senders[0].f1, to, INCREMENT, &[]).await?;
    // A million times today's: the senders of a network that was started for this have more than enough.
    Ok(Fees { cap: u128::from(needed.base_fee.max(1)).saturating_mul(1_000_000), tip: 0 })
}

async fn estimate_message(
    client: &mut Client,
    from: Address,
    to: Address,
    method: MethodNum,
    params: &[u8],
) -> Ready<GasNeeded> {
    let call = json!({"from": from.to_string(), "to": to.to_string(), "method": method, "params": hex_of(params)});
    Ok(client.ask("subnet_estimateMessageGas", json!([call])).await?)
}

fn call(from: EthAddress, to: EthAddress, input: &[u8]) -> Value {
    json!({"from": from.to_string(), "to": to.to_string(), "data": hex_of(input)})
}

fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
