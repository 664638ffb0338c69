//! Asks a node by JSON-RPC, as any client would.

use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use cid::Cid;
use fvm_shared::address::Address;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde_json::{Value, json};

/// How long anything may take before a test gives up. Far above what is needed: no test depends on speed.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A client of one node.
pub struct Client(HttpClient);

impl Client {
    /// A client of the node that serves there.
    pub fn of(rpc: SocketAddrV4) -> Self {
        Self(HttpClientBuilder::default().build(format!("http://{rpc}")).unwrap())
    }

    /// The height of the node's head; `None` while it does not answer.
    pub async fn height(&self) -> Option<u64> {
        let status: Value = self.0.request("subnet_status", rpc_params![]).await.ok()?;
        status["height"].as_u64()
    }

    /// Sends a signed transaction; its hash.
    pub async fn send(&self, raw: &[u8]) -> Result<String, String> {
        let raw = format!("0x{}", hex::encode(raw));
        self.0.request("eth_sendRawTransaction", rpc_params![raw]).await.map_err(|why| why.to_string())
    }

    /// Sends a signed message; its hash.
    pub async fn send_message(&self, raw: &[u8]) -> String {
        let raw = format!("0x{}", hex::encode(raw));
        self.0.request("subnet_sendMessage", rpc_params![raw]).await.unwrap()
    }

    /// Height of the block with this message, once it is in one.
    pub async fn block_of_message(&self, message: &str) -> Option<u64> {
        let receipt: Value = self.0.request("subnet_getMessageReceipt", rpc_params![message]).await.ok()?;
        receipt["Height"].as_u64()
    }

    /// Height of the block with this transaction, once it is in one.
    pub async fn block_of(&self, transaction: &str) -> Option<u64> {
        let receipt: Value = self.0.request("eth_getTransactionReceipt", rpc_params![transaction]).await.ok()?;
        let number = receipt["blockNumber"].as_str()?;
        u64::from_str_radix(number.trim_start_matches("0x"), 16).ok()
    }

    /// Asks `method`; the answer, or the refusal.
    pub async fn ask(&self, method: &str, params: Value) -> Result<Value, String> {
        let mut positional = jsonrpsee::core::params::ArrayParams::new();
        params.as_array().unwrap().iter().for_each(|param| positional.insert(param).unwrap());
        self.0.request(method, positional).await.map_err(|why| why.to_string())
    }

    /// The first actor of this code that somebody made.
    pub async fn actor_of(&self, code: &Cid) -> Address {
        for id in 100..200 {
            let actor = self.ask("subnet_getActor", json!([format!("f0{id}")])).await.unwrap();
            if actor["Code"]["/"] == json!(code.to_string()) {
                return Address::new_id(id);
            }
        }
        panic!("nobody made an actor of {code}");
    }

    /// Hash of the block at `height`.
    pub async fn block_hash(&self, height: u64) -> Option<String> {
        let block: Value =
            self.0.request("eth_getBlockByNumber", rpc_params![format!("{height:#x}"), false]).await.ok()?;
        Some(block["hash"].as_str()?.to_owned())
    }

    /// Messages that the actor at `address` has sent.
    pub async fn nonce(&self, address: &str) -> Option<u64> {
        let actor: Value = self.0.request("subnet_getActor", rpc_params![address]).await.ok()?;
        actor["Nonce"].as_u64()
    }

    /// Asks actor `actor` by `method` with CBOR `params`; what it returns.
    pub async fn ask_actor(&self, actor: u64, method: u64, params: &[u8]) -> Vec<u8> {
        let call = json!({
            "from": "f00",
            "to": format!("f0{actor}"),
            "method": method,
            "params": format!("0x{}", hex::encode(params)),
        });
        let outcome: Value = self.0.request("subnet_call", rpc_params![call]).await.unwrap();
        let receipt = &outcome["MsgRct"];
        assert_eq!(receipt["ExitCode"], 0, "{outcome}");
        hex::decode(receipt["Return"].as_str().unwrap().trim_start_matches("0x")).unwrap()
    }

    /// Waits until the head is at `height` or above.
    pub async fn reach(&self, height: u64) {
        let reached = async || self.height().await.is_some_and(|head| head >= height);
        until(&format!("height {height}"), reached).await;
    }
}

/// Asks again and again until the answer is yes.
pub async fn until(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !ask().await {
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
