//! A key that sends transfers.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use tributary_crypto::SecpSecretKey;
use tributary_message::EthereumTransaction;
use tributary_primitives::EthAddress;

use crate::client::{Client, until};
use crate::network::CHAIN_ID;

/// The secret of the wallet that every test network's genesis made rich.
pub const RICH_KEY: [u8; 32] = [7; 32];

/// A key and its next nonce.
pub struct Wallet {
    key: SecpSecretKey,
    nonce: u64,
}

impl Wallet {
    /// The wallet that genesis made rich, with nothing sent yet.
    pub fn rich() -> Self {
        Self { key: SecpSecretKey::from_bytes(&RICH_KEY).unwrap(), nonce: 0 }
    }

    pub fn address(&self) -> EthAddress {
        self.key.eth_address()
    }

    /// Sends one attoTRB to nobody in particular through `client`; the transaction's hash.
    pub async fn send(&mut self, client: &Client) -> String {
        let unsigned = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 10_u128.pow(10),
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(Address::repeat_byte(0x99)),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        let transaction = EthereumTransaction::sign(unsigned, &self.key);
        let hash = client.send(transaction.raw()).await.unwrap();
        self.nonce += 1;
        hash
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
