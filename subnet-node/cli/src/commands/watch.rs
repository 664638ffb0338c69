//! `tributary watch`: follows blocks, logs, or one transaction, until Ctrl-C or until there were enough.

use std::time::Duration;

use alloy_primitives::B256;
use clap::{Args, Subcommand};
use fvm_shared::address::Address;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tributary_primitives::{EthAddress, Hash32, parse_address};

use super::progress::{Found, Looker};
use super::sender::Patience;
use super::target::ethereum_name;
use crate::abi::EventSignature;
use crate::bell::Bell;
use crate::cli::examples;
use crate::follow::Follow;
use crate::node::{Node, NodeArgs, NodeUnavailable, quantity};
use crate::report::{Report, note};
use crate::trouble::{Kind, Trouble};
use crate::wire::{Block, Log};

/// Before a node that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a node may be silent before nobody is followed any more.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What to follow.
#[derive(Debug, Subcommand)]
pub enum WatchCommand {
    /// Every block, once and in order
    #[command(after_help = examples::WATCH_BLOCKS)]
    Blocks(BlocksArgs),
    /// Logs of contracts, once and in order
    #[command(after_help = examples::WATCH_LOGS)]
    Logs(LogsArgs),
    /// One transaction, stage by stage
    #[command(after_help = examples::WATCH_TRANSACTION)]
    Transaction(TransactionArgs),
}

/// From where, how many, and how it is heard of.
#[derive(Args, Debug)]
struct Hearing {
    /// First height [default: the next]
    #[arg(long, value_name = "HEIGHT")]
    from: Option<u64>,
    /// End after so many [default: never]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Look at the chain by the clock alone, without a WebSocket
    #[arg(long)]
    no_websocket: bool,
    /// How often to look while there is no WebSocket
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    poll_ms: u64,
    #[command(flatten)]
    node: NodeArgs,
}

/// Blocks.
#[derive(Args, Debug)]
pub struct BlocksArgs {
    #[command(flatten)]
    hearing: Hearing,
}

/// Logs.
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// Of this contract; may be given several times
    #[arg(long = "address", value_name = "ADDRESS", value_parser = parse_address)]
    addresses: Vec<Address>,
    /// Of this event, as in 'Transfer(address indexed from, address indexed to, uint256 value)'; its logs are read by it
    #[arg(long, value_name = "SIGNATURE")]
    event: Option<EventSignature>,
    /// With this first topic
    #[arg(long, value_name = "HASH", conflicts_with = "event")]
    topic: Option<B256>,
    #[command(flatten)]
    hearing: Hearing,
}

/// A transaction.
#[derive(Args, Debug)]
pub struct TransactionArgs {
    /// The transaction, of either kind
    #[arg(value_name = "HASH")]
    transaction: Hash32,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    node: NodeArgs,
}

impl WatchCommand {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        match self {
            Self::Blocks(args) => args.run(is_json).await,
            Self::Logs(args) => args.run(is_json).await,
            Self::Transaction(args) => args.run(is_json).await,
        }
    }
}

impl Hearing {
    fn bell(&self, node: &Node) -> Bell {
        let websocket = node.endpoint().websocket().filter(|_| !self.no_websocket);
        Bell::hung(websocket, Duration::from_millis(self.poll_ms))
    }

    /// Heights as they come, with what `told` makes of each stretch of them, until there were enough.
    ///
    /// A node that does not answer for a while is asked again: nothing is lost meanwhile. What is too much for one answer is asked for in
    /// parts.
    async fn follow(
        &self,
        node: &Node,
        is_json: bool,
        mut told: impl AsyncFnMut(u64, u64) -> Result<Vec<Report>, NodeUnavailable>,
    ) -> Result<(), Trouble> {
        let (bell, tip) = (self.bell(node), node.status().await?.height);
        let mut follow = Follow::from(self.from.unwrap_or(tip.saturating_add(1)));
        let (mut left, mut silent_since) = (self.count.unwrap_or(u64::MAX), None);
        loop {
            match look(&follow, node, &mut told).await {
                Ok(Look::Told { last, reports }) => {
                    silent_since = None;
                    for report in reports {
                        report.print_line(is_json)?;
                        left -= 1;
                        if left == 0 {
                            return Ok(());
                        }
                    }
                    follow.told(last);
                }
                Ok(Look::TooMuch { last, why }) => {
                    silent_since = None;
                    if !follow.halve(last) {
                        return Err(too_much(last, why));
                    }
                }
                Ok(Look::Nothing) => {
                    silent_since = None;
                    bell.wait().await;
                }
                Err(why) => {
                    let since = *silent_since.get_or_insert_with(|| {
                        note(is_json, &format!("{why}; looking again"));
                        Instant::now()
                    });
                    let trouble = Trouble::from(why);
                    if trouble.kind != Kind::Unreachable || since.elapsed() > SILENCE_MAX {
                        return Err(trouble);
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

/// What came of a look at the chain.
enum Look {
    /// What was due, and its last height.
    Told { last: u64, reports: Vec<Report> },
    /// What is due up to there is more than one answer holds.
    TooMuch { last: u64, why: NodeUnavailable },
    /// Nothing is due.
    Nothing,
}

async fn look(
    follow: &Follow,
    node: &Node,
    told: &mut impl AsyncFnMut(u64, u64) -> Result<Vec<Report>, NodeUnavailable>,
) -> Result<Look, NodeUnavailable> {
    let tip = node.status().await?.height;
    let Some(heights) = follow.due(tip) else { return Ok(Look::Nothing) };
    let last = *heights.end();
    match told(*heights.start(), last).await {
        Ok(reports) => Ok(Look::Told { last, reports }),
        Err(why) if why.is_too_much() => Ok(Look::TooMuch { last, why }),
        Err(why) => Err(why),
    }
}

/// One block, of which no less can be asked for.
fn too_much(height: u64, why: NodeUnavailable) -> Trouble {
    let Trouble { kind, message, .. } = why.into();
    Trouble::new(kind, format!("block {height} alone is more than one answer holds: {message}"))
}

impl BlocksArgs {
    async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        let node = self.hearing.node.node()?;
        let told = async |first: u64, last: u64| {
            let mut reports = Vec::new();
            for height in first..=last {
                let block: Block = node.ask("eth_getBlockByNumber", &[quantity(height), json!(false)]).await?;
                reports.push(of_block(&block));
            }
            Ok::<_, NodeUnavailable>(reports)
        };
        self.hearing.follow(&node, is_json, told).await
    }
}

fn of_block(block: &Block) -> Report {
    Report::new()
        .with("block", block.number.to::<u64>())
        .with("hash", block.hash.to_string())
        .with("time", block.timestamp.to::<u64>())
        .with("transactions", block.transactions.len())
        .with("gas_used", block.gas_used.to::<u64>())
}

impl LogsArgs {
    async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        let node = self.hearing.node.node()?;
        let mut addresses: Vec<EthAddress> = Vec::new();
        for address in &self.addresses {
            addresses.push(ethereum_name(&node, address).await?);
        }
        let topic = self.event.as_ref().map(EventSignature::topic).or(self.topic);
        let told = async |first: u64, last: u64| {
            let filter = filter(&addresses, topic, first, last);
            let logs: Vec<Log> = node.ask("eth_getLogs", &[filter]).await?;
            Ok::<_, NodeUnavailable>(logs.iter().map(|log| of_log(log, self.event.as_ref())).collect())
        };
        self.hearing.follow(&node, is_json, told).await
    }
}

fn filter(addresses: &[EthAddress], topic: Option<B256>, first: u64, last: u64) -> Value {
    let mut filter = json!({ "fromBlock": quantity(first), "toBlock": quantity(last) });
    if !addresses.is_empty() {
        filter["address"] = json!(addresses);
    }
    if let Some(topic) = topic {
        filter["topics"] = json!([topic]);
    }
    filter
}

fn of_log(log: &Log, event: Option<&EventSignature>) -> Report {
    let values = event.and_then(|event| event.decode(&log.topics, &log.data));
    let place = Report::new()
        .with("block", log.block_number.to::<u64>())
        .with("index", log.log_index.to::<u64>())
        .with("address", log.address.to_string());
    let said = match values {
        Some(values) => Report::new().with("values", values),
        None => Report::new().with("topics", json!(log.topics)).with("data", log.data.to_string()),
    };
    place.and(said).and(Report::new().with("transaction", log.transaction_hash.to_string()))
}

impl TransactionArgs {
    async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        let Patience { until, wait, parent_rpc } = &self.patience;
        let node = self.node.node()?;
        let status = node.status().await?;
        let looker = Looker::of(&node, &status, &self.node, parent_rpc.as_deref(), Some(*until)).await?;
        let told = |_, found: &Found| found.report().print_line(is_json);
        let found = looker.until(self.transaction, *until, Duration::from_secs(*wait), told).await?;
        found.check(self.transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Refusal;

    #[test]
    fn a_filter_asks_for_what_was_named_and_nothing_else() {
        assert_eq!(filter(&[], None, 1, 16), json!({ "fromBlock": "0x1", "toBlock": "0x10" }));
        let (address, topic) = (EthAddress([7; 20]), B256::repeat_byte(9));
        let full = filter(&[address], Some(topic), 1, 1);
        assert_eq!((&full["address"], &full["topics"]), (&json!([address]), &json!([topic])));
    }

    #[test]
    fn a_block_that_is_too_much_alone_is_refused_with_what_to_do() {
        let refusal = Refusal {
            method: "eth_getLogs".to_owned(),
            code: -32005,
            message: "query exceeds max results 1, narrow it by address or topics".to_owned(),
            data: Vec::new(),
        };
        let trouble = too_much(7, refusal.into());
        assert_eq!(trouble.kind, Kind::Refused);
        for says in ["block 7 alone", "query exceeds max results 1", "--address", "--topic"] {
            assert!(trouble.message.contains(says), "{says}: {trouble}");
        }
        let (url, method) = ("http://node".to_owned(), "eth_getLogs".to_owned());
        let trouble = too_much(7, NodeUnavailable::TooLarge { url, method, bytes: 1_024 });
        assert!(trouble.message.contains("--response-bytes-max"), "{trouble}");
    }

    #[test]
    fn a_log_of_another_shape_is_told_as_it_is() {
        let transfer: EventSignature = "Transfer(address indexed from, uint256 value)".parse().unwrap();
        let log = |topics: Vec<B256>| Log {
            address: EthAddress([7; 20]),
            topics,
            data: B256::with_last_byte(5).to_vec().into(),
            block_number: alloy_primitives::U64::from(3),
            transaction_hash: B256::ZERO,
            log_index: alloy_primitives::U64::from(1),
        };
        let read = of_log(&log(vec![transfer.topic(), B256::with_last_byte(1)]), Some(&transfer)).to_json();
        assert_eq!((&read["values"]["value"], &read["block"]), (&json!("5"), &json!(3)));
        let other = of_log(&log(vec![B256::ZERO]), Some(&transfer)).to_json();
        assert_eq!((&other["topics"], other.get("values")), (&json!([B256::ZERO]), None));
    }
}
