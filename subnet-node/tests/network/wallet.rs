//! A key that sends transfers.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use cid::Cid;
use fvm_ipld_encoding::{BytesSer, RawBytes, to_vec};
use fvm_shared::address::Address as FilecoinAddress;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::SecpSecretKey;
use tributary_genesis_code::TOKEN_ACTOR;
use tributary_message::{EthereumTransaction, FvmTransaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams};
use tributary_primitives::{EthAddress, raw_cid};

use crate::client::{Client, until};
use crate::network::CHAIN_ID;

/// The secret of the wallet that every test network's genesis made rich.
pub const RICH_KEY: [u8; 32] = [7; 32];

/// Makes a contract without code: a log of topic 0, PUSH0 three times and LOG1. One without topic and data would be no log here.
const LOGGER: &[u8] = &[0x5f, 0x5f, 0x5f, 0xa1];

/// Methods of the init actor and of the token.
const INSTALL_CODE: u64 = 1_596_813_081;
const MINT: u64 = 116_935_346;
const TRANSFER: u64 = 80_475_954;

/// A key and its next nonce.
pub struct Wallet {
    key: SecpSecretKey,
    nonce: u64,
    chain_id: u64,
}

impl Wallet {
    /// The wallet that genesis made rich, with nothing sent yet.
    pub fn rich() -> Self {
        Self::of(RICH_KEY)
    }

    /// Another wallet, as rich as genesis makes it.
    pub fn of(secret: [u8; 32]) -> Self {
        Self { key: SecpSecretKey::from_bytes(&secret).unwrap(), nonce: 0, chain_id: CHAIN_ID }
    }

    /// The same key on another chain than a test's usual one.
    pub fn on(self, chain_id: u64) -> Self {
        Self { chain_id, ..self }
    }

    pub fn address(&self) -> EthAddress {
        self.key.eth_address()
    }

    /// Sends one attoTRB to nobody in particular through `client`; the transaction's hash.
    pub async fn send(&mut self, client: &Client) -> String {
        self.send_with(client, 21_000, &[]).await
    }

    /// The same with a byte of data: a call, and what is called has no code.
    pub async fn call(&mut self, client: &Client) -> String {
        self.send_with(client, 30_000, &[1]).await
    }

    async fn send_with(&mut self, client: &Client, gas_limit: u64, input: &'static [u8]) -> String {
        let transaction = self.next(gas_limit, input);
        client.send(transaction.raw()).await.unwrap()
    }

    /// The next transfer of one attoTRB, to be sent.
    pub fn next_transfer(&mut self) -> EthereumTransaction {
        self.next(21_000, &[])
    }

    /// Makes a contract whose constructor logs once, and waits until it is in a block; the transaction's hash.
    pub async fn log(&mut self, client: &Client) -> String {
        let made = TxEip1559 { to: TxKind::Create, value: U256::ZERO, ..self.unsigned(1_000_000, LOGGER) };
        let hash = client.send(EthereumTransaction::sign(made, &self.key).raw()).await.unwrap();
        until(&format!("the receipt of {hash}"), async || client.block_of(&hash).await.is_some()).await;
        hash
    }

    fn next(&mut self, gas_limit: u64, input: &'static [u8]) -> EthereumTransaction {
        let unsigned = self.unsigned(gas_limit, input);
        EthereumTransaction::sign(unsigned, &self.key)
    }

    fn unsigned(&mut self, gas_limit: u64, input: &'static [u8]) -> TxEip1559 {
        let nonce = self.nonce;
        self.nonce += 1;
        TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            input: input.into(),
            max_fee_per_gas: 10_u128.pow(10),
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(Address::repeat_byte(0x99)),
            value: U256::from(1),
            ..TxEip1559::default()
        }
    }

    /// The address that it sends messages from.
    pub fn f1_address(&self) -> FilecoinAddress {
        self.key.f1_address()
    }

    /// Has an actor made of `code` without parameters, by the first message from its f1 address; the height of the block with it.
    pub async fn exec(&self, client: &Client, code: Cid) -> u64 {
        let params = to_vec(&ExecParams { code, params: RawBytes::default() }).unwrap();
        self.message(client, 0, FilecoinAddress::new_id(INIT_ID), EXEC, params).await
    }

    /// Sends the message of nonce `sequence` from its f1 address, and waits for its block; that block's height.
    pub async fn message(
        &self,
        client: &Client,
        sequence: u64,
        to: FilecoinAddress,
        method_num: u64,
        params: Vec<u8>,
    ) -> u64 {
        let message = Message {
            version: 0,
            from: self.f1_address(),
            to,
            sequence,
            value: TokenAmount::default(),
            method_num,
            params: RawBytes::new(params),
            gas_limit: 10_000_000_000,
            gas_fee_cap: TokenAmount::from_atto(1_000_000_000),
            gas_premium: TokenAmount::default(),
        };
        let message = FvmTransaction::sign(message, &self.key, self.chain_id).unwrap();
        let hash = client.send_message(message.raw()).await;
        let mut height = None;
        until(&format!("the receipt of {hash}"), async || {
            height = client.block_of_message(&hash).await;
            height.is_some()
        })
        .await;
        height.unwrap()
    }

    /// Installs the token whose balances are entries and makes one, by the messages of nonce `sequence` and the next; the token.
    pub async fn make_token(&self, client: &Client, sequence: u64) -> FilecoinAddress {
        let init = FilecoinAddress::new_id(INIT_ID);
        self.message(client, sequence, init, INSTALL_CODE, to_vec(&BytesSer(TOKEN_ACTOR)).unwrap()).await;
        let code = raw_cid(TOKEN_ACTOR);
        let params = to_vec(&ExecParams { code, params: RawBytes::default() }).unwrap();
        self.message(client, sequence + 1, init, EXEC, params).await;
        client.actor_of(&code).await
    }

    /// Mints some of that token for an actor, by the message of nonce `sequence`.
    pub async fn mint(&self, client: &Client, sequence: u64, token: FilecoinAddress, to: FilecoinAddress) {
        self.message(client, sequence, token, MINT, to_vec(&(to, 1_000_u64)).unwrap()).await;
    }

    /// Gives that many of that token to an actor, by the message of nonce `sequence`.
    pub async fn pay(&self, client: &Client, sequence: u64, token: FilecoinAddress, to: FilecoinAddress, amount: u64) {
        self.message(client, sequence, token, TRANSFER, to_vec(&(to, amount)).unwrap()).await;
    }

    /// Sends, and waits until the transfer is in a block; its hash and that block's height.
    pub async fn transfer(&mut self, client: &Client) -> (String, u64) {
        let hash = self.send(client).await;
        let mut height = None;
        until(&format!("the receipt of {hash}"), async || {
            height = client.block_of(&hash).await;
            height.is_some()
        })
        .await;
        (hash, height.unwrap())
    }
}
