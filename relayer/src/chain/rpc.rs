//! Both chains over JSON-RPC: one client for a node, with a time limit and a size limit on every answer.
//!
//! | trait | methods |
//! |---|---|
//! | [`ParentChain`] | `subnet_status`, `subnet_getActor`, `subnet_call`, `subnet_sendMessage`, `subnet_getMessageReceipt` |
//! | [`ChildChain`] | `subnet_status`, `subnet_latestCertificate`, `subnet_checkpoints`, `eth_getBlockByNumber` |

use std::time::Duration;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde::de::DeserializeOwned;
use tributary_checkpoint::actor::{CertificateReturn, LATEST_CHECKPOINT, SUBNET};
use tributary_checkpoint::{CheckpointCertificate, Registration};
use tributary_primitives::{Hash32, Height};

use super::wire::{ActorJson, BlockJson, CallJson, CertificateJson, HexBytes, OutcomeJson, ReceiptJson, StatusJson};
use super::{Account, Answer, ChainStatus, ChainUnavailable, ChildChain, Delivery, Forecast, ParentChain, Receipt};
use crate::settings::{Endpoint, SettingsRejected};

/// Most bytes of an answer: [`CERTIFICATES_MAX`](crate::view::CERTIFICATES_MAX) certificates in hex with their readable
/// fields are about 150 KiB.
const RESPONSE_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// Most bytes of a question: a message of 512 KiB in hex, and what stands around it.
const REQUEST_BYTES_MAX: u32 = 2 * 1024 * 1024;

/// FVM gas that a question to an actor may use: reading a registration of 256 validators.
const READ_GAS: u64 = 1_000_000_000;

const CALL: &str = "subnet_call";

/// A node that broke or stopped meanwhile, and may have taken what it was sent. Source: JSON-RPC 2.0, "internal error"; EIP-1474,
/// "resource unavailable".
const IN_DOUBT: [i32; 2] = [-32603, -32002];

/// A node that is asked over HTTP.
#[derive(Clone, Debug)]
pub struct NodeClient {
    client: HttpClient,
    name: String,
}

impl NodeClient {
    /// A client for the node at `endpoint`, which has `timeout` for each answer. Connects at the first question.
    ///
    /// # Errors
    /// [`SettingsRejected::BadUrl`] for a URL that no client can be made for.
    pub fn new(endpoint: &Endpoint, timeout: Duration) -> Result<Self, SettingsRejected> {
        let client = HttpClientBuilder::new()
            .request_timeout(timeout)
            .connect_timeout(timeout)
            .max_response_size(RESPONSE_BYTES_MAX)
            .max_request_size(REQUEST_BYTES_MAX)
            .build(endpoint.url())
            .map_err(|why| SettingsRejected::BadUrl { url: endpoint.name().to_owned(), why: why.to_string() })?;
        Ok(Self { client, name: endpoint.name().to_owned() })
    }

    async fn ask<T: DeserializeOwned>(&self, method: &'static str, params: ArrayParams) -> Answer<T> {
        self.client.request(method, params).await.map_err(|why| self.unavailable(method, why))
    }

    fn unavailable(&self, method: &'static str, why: ClientError) -> ChainUnavailable {
        let url = self.name.clone();
        match why {
            ClientError::Call(error) => {
                ChainUnavailable::Refused { url, method, code: error.code(), message: error.message().to_owned() }
            }
            ClientError::ParseError(why) => ChainUnavailable::Unreadable { url, method, why: why.to_string() },
            other => ChainUnavailable::NoAnswer { url, method, why: other.to_string() },
        }
    }

    fn unreadable(&self, method: &'static str, why: impl ToString) -> ChainUnavailable {
        ChainUnavailable::Unreadable { url: self.name.clone(), method, why: why.to_string() }
    }

    async fn status(&self) -> Answer<ChainStatus> {
        self.ask::<StatusJson>("subnet_status", rpc_params![]).await.map(ChainStatus::from)
    }

    /// What `call` would do on the latest state.
    async fn call(&self, call: CallJson) -> Answer<OutcomeJson> {
        self.ask(CALL, rpc_params![call]).await
    }

    /// What a method without parameters returns; `None` if there is no such actor, or it has no such method.
    async fn read<T: DeserializeOwned>(&self, actor: ActorID, method: u64) -> Answer<Option<T>> {
        let outcome = self.call(CallJson::read(actor, method, READ_GAS)).await?;
        match outcome.exit_code() {
            ExitCode::OK => {}
            ExitCode::SYS_INVALID_RECEIVER | ExitCode::USR_UNHANDLED_MESSAGE => return Ok(None),
            other => return Err(self.unreadable(CALL, format!("actor f0{actor} ended with exit code {other}"))),
        }
        let returned = fvm_ipld_encoding::from_slice(outcome.returned());
        returned.map(Some).map_err(|why| self.unreadable(CALL, format!("actor f0{actor}: {why}")))
    }
}

impl ParentChain for NodeClient {
    async fn status(&self) -> Answer<ChainStatus> {
        Self::status(self).await
    }

    async fn account(&self, at: &Address) -> Answer<Account> {
        // The actor's own nonce: `subnet_nonce` would count what waits in the pool, and a restart would send everything twice.
        let actor: Option<ActorJson> = self.ask("subnet_getActor", rpc_params![at.to_string()]).await?;
        Ok(actor.map_or_else(Account::default, Account::from))
    }

    async fn registration(&self, actor: ActorID) -> Answer<Option<Registration>> {
        self.read(actor, SUBNET).await
    }

    async fn latest(&self, actor: ActorID) -> Answer<Option<CheckpointCertificate>> {
        Ok(self.read::<CertificateReturn>(actor, LATEST_CHECKPOINT).await?.flatten())
    }

    async fn forecast(&self, message: &Message) -> Answer<Forecast> {
        self.call(CallJson::from(message)).await.map(Forecast::from)
    }

    async fn send(&self, raw: &[u8]) -> Answer<Delivery> {
        delivery(self.ask("subnet_sendMessage", rpc_params![HexBytes(raw.to_vec())]).await)
    }

    async fn receipt(&self, hash: Hash32) -> Answer<Option<Receipt>> {
        let receipt: Option<ReceiptJson> = self.ask("subnet_getMessageReceipt", rpc_params![hash]).await?;
        Ok(receipt.map(Receipt::from))
    }
}

impl ChildChain for NodeClient {
    async fn status(&self) -> Answer<ChainStatus> {
        Self::status(self).await
    }

    async fn latest_certificate(&self) -> Answer<Option<CheckpointCertificate>> {
        const METHOD: &str = "subnet_latestCertificate";
        let latest: Option<CertificateJson> = self.ask(METHOD, rpc_params![]).await?;
        latest.map(|latest| latest.decode().map_err(|why| self.unreadable(METHOD, why))).transpose()
    }

    async fn certificates(&self, from: Height, limit: usize) -> Answer<Vec<CheckpointCertificate>> {
        const METHOD: &str = "subnet_checkpoints";
        let found: Vec<CertificateJson> = self.ask(METHOD, rpc_params![from, limit]).await?;
        found.into_iter().take(limit).map(|one| one.decode().map_err(|why| self.unreadable(METHOD, why))).collect()
    }

    async fn block_seconds(&self, height: Height) -> Answer<Option<u64>> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block: Option<BlockJson> = self.ask(METHOD, rpc_params![format!("{:#x}", height.0), false]).await?;
        Ok(block.map(|block| block.timestamp.0))
    }
}

/// What an answer to a transaction means.
fn delivery(answer: Answer<Hash32>) -> Answer<Delivery> {
    match answer {
        Ok(_) => Ok(Delivery::Taken),
        // The node's own sentence for a transaction that waits already, as go-ethereum has it.
        Err(ChainUnavailable::Refused { message, .. }) if message.starts_with("already known") => Ok(Delivery::Taken),
        Err(ChainUnavailable::Refused { code, message, .. }) if !IN_DOUBT.contains(&code) => {
            Ok(Delivery::Refused(message))
        }
        Err(unavailable) => Err(unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_judged_a_transaction_refused_it_and_one_that_could_not_left_it_in_doubt() {
        let refused = |code, message: &str| {
            let (url, message) = ("http://node".to_owned(), message.to_owned());
            delivery(Err(ChainUnavailable::Refused { url, method: "subnet_sendMessage", code, message }))
        };
        assert_eq!(delivery(Ok(Hash32([7; 32]))).unwrap(), Delivery::Taken);
        assert_eq!(refused(-32000, "already known").unwrap(), Delivery::Taken);
        for (code, why) in [(-32000, "nonce too low"), (-32602, "not a transaction"), (-32005, "too many wait")] {
            assert_eq!(refused(code, why).unwrap(), Delivery::Refused(why.to_owned()));
        }
        for code in IN_DOUBT {
            let Err(ChainUnavailable::Refused { code: told, .. }) = refused(code, "the node stops") else {
                panic!("{code} is taken for a judgement")
            };
            assert_eq!(told, code);
        }
    }
}
