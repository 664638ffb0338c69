//! What may be subscribed to, each a stream that makes its next notification only once the last one is on its way.
//!
//! | kind | is told | comes from |
//! |---|---|---|
//! | `newHeads` | the header of every block, each once and in order | [`blocks`] |
//! | `logs` | their logs, those that a filter names | [`blocks`] |
//! | `transactionReceipts` | their receipts, a list for each block, all or those of some transactions | [`blocks`], [`receipts`] |
//! | `newPendingTransactions` | Ethereum transactions as they begin to wait | [`arrivals`] |
//! | `syncing` | whether the node follows the chain, at once and whenever that changes | [`syncing`] |
//!
//! So nothing waits in memory for a reader: where it stands in the chain is all that is kept of it. One that falls too far behind ends its
//! connection.

mod arrivals;
mod blocks;
mod receipts;
mod syncing;

use std::sync::Arc;

use futures::future::ready;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tributary_primitives::{Hash32, Height};

use crate::announcements::{Announced, Announcements};
use crate::arguments::Arguments;
use crate::error::RpcRejected;
use crate::log_filter::LogFilter;
use crate::new_logs::NewLogs;
use crate::traffic::Traffic;
use crate::websocket::Closing;

use blocks::Blocks;
use receipts::{Query, Wanted};

/// The notifications of one subscription. Ends with an error that closes the connection, or when the node stops.
pub type Notifications = BoxStream<'static, Result<Notification, Closing>>;

/// What is sent to a subscriber.
pub struct Notification {
    /// A whole message.
    pub message: String,
    /// The block that it tells of, if it tells of one.
    pub block: Option<Height>,
}

/// The results of one subscription, which others may have too.
type Results = BoxStream<'static, Result<Arc<RawValue>, Closing>>;

/// The same, with the block that each tells of.
type News = BoxStream<'static, Result<(Option<Height>, Arc<RawValue>), Closing>>;

/// What is subscribed to.
#[derive(Debug, PartialEq, Eq)]
pub enum Subscription {
    /// Headers of new blocks.
    NewHeads,
    /// Logs of new blocks.
    Logs(Box<NewLogs>),
    /// Receipts of new blocks.
    TransactionReceipts(Wanted),
    /// Transactions that begin to wait: hashes, or in full.
    NewPendingTransactions { full: bool },
    /// Whether the node follows the chain.
    Syncing,
}

/// Takes subscriptions.
pub struct Subscriptions {
    announcements: Arc<Announcements>,
    traffic: Traffic,
}

impl Subscriptions {
    /// To what these announcements tell.
    pub const fn new(announcements: Arc<Announcements>, traffic: Traffic) -> Self {
        Self { announcements, traffic }
    }

    /// What happens from now on, under the name `id`.
    pub fn open(&self, subscription: Subscription, id: String) -> Notifications {
        let news = match subscription {
            Subscription::NewHeads => self.heads(),
            Subscription::Logs(wanted) => self.logs(wanted),
            Subscription::TransactionReceipts(wanted) => self.receipts(wanted),
            Subscription::NewPendingTransactions { full: false } => of_no_block(self.hashes()),
            Subscription::NewPendingTransactions { full: true } => of_no_block(self.transactions()),
            Subscription::Syncing => of_no_block(syncing::changes(Arc::clone(self.announcements.node()))),
        };
        let open = self.traffic.subscriptions.one();
        let notification = move |(block, result): (Option<Height>, Arc<RawValue>)| {
            let _open = &open;
            Notification { message: message(&id, &result), block }
        };
        news.map_ok(notification).boxed()
    }

    fn blocks(&self) -> impl Stream<Item = Result<Arc<Announced>, Closing>> + Send + use<> {
        Blocks::from_now(&self.announcements).into_stream()
    }

    fn heads(&self) -> News {
        let header = |block: Arc<Announced>| {
            let height = Height(block.header.number);
            ready(in_json(&block.header).map(|header| (Some(height), header)))
        };
        self.blocks().and_then(header).boxed()
    }

    fn logs(&self, wanted: Box<NewLogs>) -> News {
        let wanted: Arc<NewLogs> = Arc::from(wanted);
        let logs = move |block: Arc<Announced>| {
            let height = Height(block.header.number);
            stream::iter(logs_of(block, Arc::clone(&wanted))).map_ok(move |log| (Some(height), log))
        };
        self.blocks().map_ok(logs).try_flatten().boxed()
    }

    fn receipts(&self, wanted: Wanted) -> News {
        let (announcements, wanted) = (Arc::clone(&self.announcements), Arc::new(wanted));
        let bytes_max = usize::try_from(announcements.node().config.response_bytes_max).unwrap_or(usize::MAX);
        let bytes_max = bytes_max.min(receipts::LIST_BYTES_MAX);
        let lists = move |block: Arc<Announced>| {
            let (announcements, wanted) = (Arc::clone(&announcements), Arc::clone(&wanted));
            async move {
                let height = Height(block.header.number);
                let words = if wanted.may_be_in(&block.transactions) {
                    announcements.receipts(height).await.map_err(Closing::Unable)?
                } else {
                    Arc::default()
                };
                let lists = stream::iter(receipts::lists(words, wanted, bytes_max));
                Ok::<_, Closing>(lists.map_ok(move |list| (Some(height), list)))
            }
        };
        self.blocks().and_then(lists).try_flatten().boxed()
    }

    fn arrivals(&self) -> impl Stream<Item = Result<Hash32, Closing>> + Send + use<> {
        arrivals::from_now(self.announcements.node().backend.arrivals())
    }

    fn hashes(&self) -> Results {
        self.arrivals().and_then(|hash| ready(in_json(&hash))).boxed()
    }

    /// What left the mempool and is in no block is left out.
    fn transactions(&self) -> Results {
        let announcements = Arc::clone(&self.announcements);
        let found = move |hash| {
            let announcements = Arc::clone(&announcements);
            async move { announcements.transaction(hash).await.map_err(Closing::Unable) }
        };
        self.arrivals().try_filter_map(found).boxed()
    }
}

impl Subscription {
    /// Reads the parameters of `eth_subscribe`.
    ///
    /// # Errors
    /// [`RpcRejected`] in go-ethereum's words (`rpc/json.go`, `parseSubscriptionName`; `rpc/errors.go`).
    pub fn read(parameters: Option<&str>) -> Result<Self, RpcRejected> {
        let KindFirst(kind) = KindFirst::read(parameters)?;
        match kind.as_str() {
            "newHeads" => <(String,)>::read(parameters).map(|_| Self::NewHeads),
            "logs" => {
                let (_, filter) = <(String, Option<LogFilter>)>::read(parameters)?;
                NewLogs::of(filter.unwrap_or_default(), 1).map(Box::new).map(Self::Logs)
            }
            "transactionReceipts" => {
                let (_, query) = <(String, Option<Query>)>::read(parameters)?;
                Wanted::of(query.unwrap_or_default(), 1).map(Self::TransactionReceipts)
            }
            "newPendingTransactions" => {
                let (_, full) = <(String, Option<bool>)>::read(parameters)?;
                Ok(Self::NewPendingTransactions { full: full.unwrap_or(false) })
            }
            "syncing" => <(String,)>::read(parameters).map(|_| Self::Syncing),
            _ => Err(RpcRejected::NoSuchSubscription(kind)),
        }
    }

    /// How much there is to keep of it, as [`LogFilter::weight`] counts.
    pub fn weight(&self) -> usize {
        match self {
            Self::Logs(wanted) => wanted.filter().weight(),
            Self::TransactionReceipts(wanted) => wanted.weight(),
            Self::NewHeads | Self::NewPendingTransactions { .. } | Self::Syncing => 1,
        }
    }
}

/// The first parameter, whatever follows.
struct KindFirst(String);

impl Arguments for KindFirst {
    fn read(json: Option<&str>) -> Result<Self, RpcRejected> {
        let missing = RpcRejected::MissingSubscription;
        let values: Vec<&RawValue> =
            json.map_or(Ok(Vec::new()), serde_json::from_str).map_err(|_| RpcRejected::NotAList)?;
        let kind = values.first().ok_or_else(|| missing.clone())?;
        String::deserialize(&mut serde_json::Deserializer::from_str(kind.get())).map(Self).map_err(|_| missing)
    }
}

fn of_no_block(results: Results) -> News {
    results.map_ok(|result| (None, result)).boxed()
}

/// The logs of a block that are wanted. None is looked at where the block's bloom excludes them all.
fn logs_of(block: Arc<Announced>, wanted: Arc<NewLogs>) -> impl Iterator<Item = Result<Arc<RawValue>, Closing>> + Send {
    let may_have = wanted.may_be_in(Height(block.header.number), &block.header.logs_bloom);
    let count = if may_have { block.logs.len() } else { 0 };
    // One at a time: a block's logs are many, and so are those who listen.
    (0..count).filter_map(move |at| {
        let log = &block.logs[at];
        wanted.wants(log).then(|| in_json(log))
    })
}

fn in_json(result: &impl Serialize) -> Result<Arc<RawValue>, Closing> {
    to_raw_value(result).map(Arc::from).map_err(|why| {
        tracing::error!(%why, "a notification has no JSON form");
        Closing::Unable(RpcRejected::Internal("a notification has no JSON form"))
    })
}

/// A whole message. Source: go-ethereum, `rpc/subscription.go`.
fn message(subscription: &str, result: &RawValue) -> String {
    #[derive(Serialize)]
    struct Message<'a> {
        jsonrpc: &'static str,
        method: &'static str,
        params: Parameters<'a>,
    }
    #[derive(Serialize)]
    struct Parameters<'a> {
        subscription: &'a str,
        result: &'a RawValue,
    }
    let params = Parameters { subscription, result };
    let message = Message { jsonrpc: "2.0", method: "eth_subscription", params };
    serde_json::to_string(&message).expect("strings and JSON have a JSON form")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use alloy_primitives::{Address, B256, Bloom, BloomInput};
    use alloy_rpc_types_eth::{Header, Log};

    use super::*;

    /// A block with one log, and this in its bloom.
    fn block(bloom: Bloom) -> Arc<Announced> {
        let emitter = Address::repeat_byte(7);
        let inner = alloy_primitives::Log::new_unchecked(emitter, vec![B256::repeat_byte(1)], Default::default());
        let mut header: Header = Header::default();
        (header.inner.number, header.inner.logs_bloom) = (5, bloom);
        let logs = vec![Log { inner, block_number: Some(5), ..Log::default() }];
        Arc::new(Announced { header, logs, transactions: HashSet::new() })
    }

    #[test]
    fn the_logs_of_a_block_whose_bloom_excludes_a_filter_are_not_looked_at() {
        let (mut bloom, emitter) = (Bloom::ZERO, Address::repeat_byte(7));
        bloom.accrue(BloomInput::Raw(emitter.as_slice()));
        for (filter, bloom, told) in [
            (format!(r#"{{"address":"{emitter}"}}"#), bloom, 1),
            // It is there all the same: so nobody looked.
            (format!(r#"{{"address":"{emitter}"}}"#), Bloom::ZERO, 0),
            (format!(r#"{{"address":"{emitter}","fromBlock":"0x6"}}"#), bloom, 0),
            (r#"{"topics":[null,null]}"#.to_owned(), bloom, 0),
        ] {
            let wanted = NewLogs::of(serde_json::from_str(&filter).unwrap(), 1).unwrap();
            assert_eq!(logs_of(block(bloom), Arc::new(wanted)).count(), told, "{filter}");
        }
    }
}
