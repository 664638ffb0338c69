//! CometBFT's RPC, for light clients, relayers and explorers that know Tendermint.
//!
//! ```text
//! GET /block?height=5 ──uri──────┐
//!                                ├─▶ parameters by name ─▶ the lane of reads ─▶ endpoint ─▶ CometBFT's JSON
//! POST {"method": "block", …} ───┘
//! ```
//!
//! On the port of Ethereum's JSON-RPC, whose names start with `eth_` and the like, and within the same limits. `docs/light-clients.md`
//! shows callers the way.
//!
//! | module | holds |
//! |---|---|
//! | [`chain`] | what is asked of the node: [`Chain`] and its words |
//! | `parameters` | names, positions and URIs, made a list |
//! | `endpoints` | one function for each method |
//! | `json` | the JSON of every answer |
//! | `refusal` | [`CometRejected`], and every refusal in CometBFT's shape |
//! | `uri` | GET requests |
//!
//! Source: CometBFT v0.38, `rpc/core` and `rpc/jsonrpc/server`.

pub mod chain;
mod endpoints;
mod json;
mod parameters;
mod refusal;
mod uri;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::RpcModule;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::arguments::Arguments;
use crate::clients::{Asker, Client};
use crate::counters::Counters;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::methods::to_json;
use crate::node::Node;
use crate::permits::Served;

pub use chain::Chain;
pub use refusal::CometRejected;
pub(crate) use uri::UriLayer;

/// Reads parameters, made a list, and answers in JSON.
type Answer = Arc<dyn Fn(&Node, &str) -> Result<Box<RawValue>, RpcRejected> + Send + Sync>;

/// One method.
#[derive(Clone)]
struct Endpoint {
    name: &'static str,
    /// What its parameters are called, in the order of its arguments.
    parameters: &'static [&'static str],
    answer: Answer,
}

impl Endpoint {
    fn new<A, R>(
        name: &'static str,
        parameters: &'static [&'static str],
        answer: fn(&Node, A) -> Result<R, RpcRejected>,
    ) -> Self
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        Self { name, parameters, answer: Arc::new(move |node, list| to_json(&answer(node, A::read(Some(list))?)?)) }
    }
}

/// Every method, and what it answers from.
#[derive(Clone)]
pub(crate) struct Comet {
    endpoints: Arc<BTreeMap<&'static str, Endpoint>>,
    node: Arc<Node>,
    reads: Lane,
    counters: Arc<Counters>,
}

/// Methods that CometBFT has and this node has not. Source: CometBFT v0.38, `rpc/core/routes.go`.
const NOT_HERE: [&str; 18] = [
    "abci_info",
    "abci_query",
    "block_search",
    "broadcast_evidence",
    "broadcast_tx_async",
    "broadcast_tx_commit",
    "broadcast_tx_sync",
    "check_tx",
    "consensus_state",
    "dump_consensus_state",
    "net_info",
    "num_unconfirmed_txs",
    "subscribe",
    "tx",
    "tx_search",
    "unconfirmed_txs",
    "unsubscribe",
    "unsubscribe_all",
];

/// Whether CometBFT has a method of this name, served here or not.
pub(crate) fn has(method: &str) -> bool {
    NOT_HERE.contains(&method) || names().any(|name| name == method)
}

/// The name of every method.
pub fn names() -> impl Iterator<Item = &'static str> {
    endpoints::all().into_iter().map(|endpoint| endpoint.name)
}

impl Comet {
    /// Answers from `node`, with the other reads, what is `served`.
    pub fn new(node: Arc<Node>, reads: Lane, counters: Arc<Counters>, served: &Served) -> Self {
        let endpoints = endpoints::all().into_iter().filter(|endpoint| served.has(endpoint.name));
        let endpoints = endpoints.map(|endpoint| (endpoint.name, endpoint));
        Self { endpoints: Arc::new(endpoints.collect()), node, reads, counters }
    }

    /// Serves every method to callers of JSON-RPC.
    pub fn register(&self, module: &mut RpcModule<Node>) {
        for endpoint in self.endpoints.values() {
            let (comet, endpoint) = (self.clone(), endpoint.clone());
            let registered = module.register_async_method(endpoint.name, move |parameters, _, extensions| {
                let (comet, endpoint) = (comet.clone(), endpoint.clone());
                let list = parameters::from_json(parameters.as_str(), endpoint.parameters);
                let client = Asker::client_in(&extensions);
                async move { comet.answer(&endpoint, list, client).await }
            });
            registered.expect("every name is registered once; a test holds it");
        }
    }

    async fn answer(
        &self,
        endpoint: &Endpoint,
        list: Result<String, RpcRejected>,
        client: Client,
    ) -> Result<Box<RawValue>, ErrorObjectOwned> {
        let started = Instant::now();
        let answered = match list {
            Ok(list) => {
                let (node, answer) = (Arc::clone(&self.node), Arc::clone(&endpoint.answer));
                self.reads.run_for(client, move || answer(&node, &list)).await
            }
            Err(refused) => Err(refused),
        };
        self.counters.count(endpoint.name, &answered, started.elapsed());
        answered.map_err(|refused| refusal::in_comets_shape(&refused, endpoint.parameters))
    }
}
