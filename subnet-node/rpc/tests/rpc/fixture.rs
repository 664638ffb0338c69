//! Keys, signing, serving, asking.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as AlloyAddress, TxKind, U256};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_message::{EthereumTransaction, FvmTransaction};
use tributary_primitives::{EthAddress, Hash32, SubnetId};
use tributary_rpc::{RpcConfig, RpcServer, Traffic};

use crate::comet::chain::CometChain;
use crate::ledger::{CHAIN_ID, Ledger};
use crate::serving::http;

/// Blocks of the chain that CometBFT's methods tell of: its validators change four times.
pub const COMET_BLOCKS: u64 = 13;

/// Her other key, with tokens too.
pub fn alices_bls() -> BlsSecretKey {
    BlsSecretKey::from_bytes(&[7; 32]).unwrap()
}

/// A user with tokens.
pub fn alice() -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[7; 32]).unwrap()
}

/// A user without.
pub fn bob() -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[8; 32]).unwrap()
}

/// A chain in memory, served, and a client of it.
pub struct Served {
    pub ledger: Arc<Ledger>,
    pub comet: Arc<CometChain>,
    pub server: RpcServer,
    pub traffic: Traffic,
    pub client: HttpClient,
}

/// Serves a chain at genesis with the default limits.
pub async fn serve() -> Served {
    serve_with(|_| {}).await
}

/// Serves a chain at genesis with limits that `change` makes.
pub async fn serve_with(change: impl FnOnce(&mut RpcConfig)) -> Served {
    serve_both(change, COMET_BLOCKS, Ledger::new(&rich())).await
}

/// Serves a root at genesis.
pub async fn serve_root() -> Served {
    serve_both(|_| {}, COMET_BLOCKS, Ledger::of(SubnetId::root(CHAIN_ID), &rich())).await
}

/// Serves a chain at genesis, and so many blocks to those who ask as of CometBFT.
pub async fn serve_blocks(blocks: u64) -> Served {
    serve_both(|_| {}, blocks, Ledger::new(&rich())).await
}

fn rich() -> [Address; 3] {
    [alice().eth_address().to_address(), alice().f1_address(), alices_bls().f3_address()]
}

async fn serve_both(change: impl FnOnce(&mut RpcConfig), blocks: u64, ledger: Ledger) -> Served {
    let mut config = RpcConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..RpcConfig::default() };
    change(&mut config);
    let ledger = Arc::new(ledger);
    let comet = Arc::new(CometChain::of(blocks));
    let traffic = Traffic::default();
    let server = RpcServer::start(config, ledger.clone(), comet.clone(), traffic.clone()).await.unwrap();
    let client = HttpClientBuilder::new().build(format!("http://{}", server.local_addr())).unwrap();
    Served { ledger, comet, server, traffic, client }
}

/// A refusal as a caller sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: i32,
    pub message: String,
    pub data: Option<String>,
}

impl Served {
    /// Asks `method` with the list `parameters`; its result as alloy or our own view reads it.
    pub async fn ask<T: DeserializeOwned>(&self, method: &str, parameters: Value) -> T {
        let answer = self.client.request(method, list(&parameters)).await;
        answer.unwrap_or_else(|why| panic!("{method} {parameters}: {why}"))
    }

    /// Asks for what is refused.
    pub async fn refusal(&self, method: &str, parameters: Value) -> Refusal {
        match self.client.request::<Value, _>(method, list(&parameters)).await {
            Err(ClientError::Call(error)) => Refusal {
                code: error.code(),
                message: error.message().to_owned(),
                data: error.data().map(|data| serde_json::from_str(data.get()).unwrap()),
            },
            other => panic!("{method} {parameters} was not refused: {other:?}"),
        }
    }

    /// Asks by a URI; the status and the JSON.
    pub async fn get(&self, uri: &str) -> (u16, Value) {
        let head = format!("GET {uri} HTTP/1.1\r\nhost: localhost");
        status_and_json(&http(self.server.local_addr(), &head, "").await)
    }

    /// Posts a body as it is; the status and the JSON.
    pub async fn post(&self, body: &Value) -> (u16, Value) {
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
        status_and_json(&http(self.server.local_addr(), head, &body.to_string()).await)
    }

    /// Brings a transaction.
    pub async fn send(&self, transaction: &EthereumTransaction) -> Hash32 {
        self.ask("eth_sendRawTransaction", serde_json::json!([hex(transaction.raw())])).await
    }
}

fn status_and_json(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {answer}")))
}

/// Parameters of a request.
pub fn list(parameters: &Value) -> ArrayParams {
    let mut list = ArrayParams::new();
    parameters.as_array().unwrap().iter().for_each(|parameter| list.insert(parameter).unwrap());
    list
}

/// `0x` and hex.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// A transaction of Alice's that tips 10 a gas.
pub fn unsigned(nonce: u64, to: EthAddress, input: &[u8]) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 5_000,
        max_priority_fee_per_gas: 10,
        to: TxKind::Call(AlloyAddress::from(to.0)),
        value: U256::ZERO,
        input: input.to_vec().into(),
        ..TxEip1559::default()
    }
}

/// The same, signed.
pub fn signed(nonce: u64, to: EthAddress, input: &[u8]) -> EthereumTransaction {
    EthereumTransaction::sign(unsigned(nonce, to, input), &alice())
}

/// An FVM message of Alice's.
pub fn message(nonce: u64, to: u64, params: &[u8]) -> FvmTransaction {
    FvmTransaction::sign(unsigned_message(nonce, to, params), &alice(), CHAIN_ID).unwrap()
}

/// The same from whichever account of hers signs it.
pub fn unsigned_message(nonce: u64, to: u64, params: &[u8]) -> Message {
    Message {
        version: 0,
        from: alice().f1_address(),
        to: Address::new_id(to),
        sequence: nonce,
        value: TokenAmount::default(),
        method_num: 2,
        params: RawBytes::new(params.to_vec()),
        gas_limit: 50_000_000,
        gas_fee_cap: TokenAmount::from_atto(100),
        gas_premium: TokenAmount::from_atto(1),
    }
}

/// Input that makes the emitter emit a log of these topics, each 32 times one byte, and data.
pub fn log_input(topics: &[u8], data: &[u8]) -> Vec<u8> {
    let count = u8::try_from(topics.len()).unwrap();
    let words = topics.iter().flat_map(|topic| [*topic; 32]).collect::<Vec<_>>();
    [&[count][..], &words, data].concat()
}
