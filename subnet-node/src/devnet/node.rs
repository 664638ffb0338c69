//! Questions to a node of the devnet, over its JSON-RPC.

use std::time::Duration;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde::de::DeserializeOwned;
use tributary_checkpoint::actor::{CertificateReturn, LATEST_CHECKPOINT};
use tributary_message::Transaction;
use tributary_primitives::actors::SYSTEM_ID;
use tributary_primitives::{Hash32, Height};
use tributary_rpc::HexBytes;
use tributary_rpc::subnet::view::{CallResult, MessageReceipt, Status};

use super::plan::NodePorts;

/// Time a node has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time a transaction has to get into a block.
pub const RECEIPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks for a receipt: what a latency is exact to.
const RECEIPT_POLL: Duration = Duration::from_millis(10);

/// A node that is asked over HTTP. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Node {
    client: HttpClient,
    url: String,
}

/// A node gave no answer of use. May go better later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeUnavailable {
    /// It answers nothing, or nothing that can be read.
    #[error("{url}: no answer to {method}: {why}")]
    NoAnswer {
        /// The node.
        url: String,
        /// What was asked.
        method: &'static str,
        /// What came instead.
        why: String,
    },
    /// It will not.
    #[error("{url}: {method}: {why}")]
    Refused {
        /// The node.
        url: String,
        /// What was asked.
        method: &'static str,
        /// Its reason.
        why: String,
    },
    /// A transaction is in no block.
    #[error("{url}: transaction {hash} is in no block after {after} s", after = RECEIPT_TIMEOUT.as_secs())]
    NoReceipt {
        /// The node.
        url: String,
        /// The transaction.
        hash: Hash32,
    },
    /// A transaction is in a block and changed nothing.
    #[error("{url}: transaction {hash} ended with exit code {exit_code}")]
    Ineffective {
        /// The node.
        url: String,
        /// The transaction.
        hash: Hash32,
        /// Why it changed nothing.
        exit_code: u32,
    },
}

type Answer<T> = Result<T, NodeUnavailable>;

impl Node {
    /// The node that listens at `ports`. Connects at the first question.
    #[must_use]
    pub fn at(ports: &NodePorts) -> Self {
        let url = ports.rpc_url();
        let client = HttpClientBuilder::new().request_timeout(ANSWER_TIMEOUT).build(&url);
        Self { client: client.expect("an address and a port make a URL"), url }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How its chain stands.
    ///
    /// # Errors
    /// [`NodeUnavailable`].
    pub async fn status(&self) -> Answer<Status> {
        self.ask("subnet_status", rpc_params![]).await
    }

    /// The nonce of the next transaction from `sender`.
    ///
    /// # Errors
    /// [`NodeUnavailable`].
    pub async fn nonce(&self, sender: &Address) -> Answer<u64> {
        self.ask("subnet_nonce", rpc_params![sender.to_string()]).await
    }

    /// Height of the latest checkpoint that `actor` accepted.
    ///
    /// # Errors
    /// [`NodeUnavailable`].
    pub async fn accepted(&self, actor: ActorID) -> Answer<Option<Height>> {
        const METHOD: &str = "subnet_call";
        let (from, to) = (Address::new_id(SYSTEM_ID).to_string(), Address::new_id(actor).to_string());
        let call = serde_json::json!({ "from": from, "to": to, "method": LATEST_CHECKPOINT });
        let CallResult { msg_rct: receipt, .. } = self.ask(METHOD, rpc_params![call]).await?;
        if receipt.exit_code != ExitCode::OK.value() {
            return Err(self.refused(METHOD, format!("checkpoint actor f0{actor}: exit code {}", receipt.exit_code)));
        }
        let latest: Result<CertificateReturn, _> = fvm_ipld_encoding::from_slice(&receipt.return_data.0);
        let latest = latest.map_err(|why| self.refused(METHOD, format!("checkpoint actor f0{actor}: {why}")))?;
        Ok(latest.map(|certificate| certificate.checkpoint.height))
    }

    /// Hands in a transaction.
    ///
    /// # Errors
    /// [`NodeUnavailable`].
    pub async fn submit(&self, transaction: &Transaction) -> Answer<Hash32> {
        let method = match transaction {
            Transaction::Ethereum(_) => "eth_sendRawTransaction",
            Transaction::Fvm(_) => "subnet_sendMessage",
        };
        self.ask(method, rpc_params![HexBytes(transaction.raw().to_vec())]).await
    }

    /// The receipt of a transaction that did what it should, once it is in a block.
    ///
    /// # Errors
    /// [`NodeUnavailable`]; [`NodeUnavailable::NoReceipt`] after [`RECEIPT_TIMEOUT`].
    pub async fn receipt(&self, hash: Hash32) -> Answer<MessageReceipt> {
        let found = tokio::time::timeout(RECEIPT_TIMEOUT, self.poll_receipt(hash)).await;
        let receipt = found.unwrap_or_else(|_| Err(NodeUnavailable::NoReceipt { url: self.url.clone(), hash }))?;
        match receipt.exit_code {
            0 => Ok(receipt),
            exit_code => Err(NodeUnavailable::Ineffective { url: self.url.clone(), hash, exit_code }),
        }
    }

    async fn poll_receipt(&self, hash: Hash32) -> Answer<MessageReceipt> {
        loop {
            let receipt: Option<MessageReceipt> = self.ask("subnet_getMessageReceipt", rpc_params![hash]).await?;
            match receipt {
                Some(receipt) => return Ok(receipt),
                None => tokio::time::sleep(RECEIPT_POLL).await,
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, method: &'static str, params: ArrayParams) -> Answer<T> {
        self.client.request(method, params).await.map_err(|why| match why {
            ClientError::Call(error) => self.refused(method, error.message().to_owned()),
            other => NodeUnavailable::NoAnswer { url: self.url.clone(), method, why: other.to_string() },
        })
    }

    fn refused(&self, method: &'static str, why: String) -> NodeUnavailable {
        NodeUnavailable::Refused { url: self.url.clone(), method, why }
    }
}
