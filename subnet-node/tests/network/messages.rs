//! FVM messages, handed to a node by accounts of every kind, and those that a node does not take.

use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::{Address, Protocol};
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use serde_json::{Value, json};
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_fvm::fees;
use tributary_message::FvmTransaction;

use crate::client::{Client, until};
use crate::network::{CHAIN_ID, Network, Plan};
use crate::wallet::{RICH_KEY, Wallet};

/// FVM gas that is enough for any of these.
const GAS: u64 = 1_000_000_000;

fn pay(to: Address, sequence: u64, tokens: i64) -> Message {
    Message {
        version: 0,
        from: Address::new_id(0),
        to,
        sequence,
        value: TokenAmount::from_whole(tokens),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: GAS,
        gas_fee_cap: TokenAmount::from_atto(1_000_000_000),
        gas_premium: TokenAmount::default(),
    }
}

async fn send(client: &Client, raw: &[u8]) -> Result<Value, String> {
    client.ask("subnet_sendMessage", json!([format!("0x{}", hex::encode(raw))])).await
}

async fn landed(client: &Client, message: FvmTransaction) {
    let sent = send(client, message.raw()).await.unwrap();
    until("the receipt", async || {
        let receipt = client.ask("subnet_getMessageReceipt", json!([sent])).await.unwrap();
        assert!(receipt.is_null() || receipt["ExitCode"] == 0, "{receipt}");
        !receipt.is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_every_kind_send_messages_and_none_is_taken_that_costs_a_node_and_not_its_sender() {
    let wallet = Wallet::rich();
    let rich = vec![wallet.address().into(), wallet.f1_address().to_string().parse().unwrap()];
    let mut network = Network::planned(Plan { rich, ..Plan::root(1) });
    network.start_all();
    let client = network.client(0);
    client.reach(1).await;
    let key = SecpSecretKey::from_bytes(&RICH_KEY).unwrap();
    let [bls, poor] = [[7; 32], [8; 32]].map(|secret| BlsSecretKey::from_bytes(&secret).unwrap());
    let somebody = Address::new_secp256k1(&[9; 65]).unwrap();

    landed(&client, FvmTransaction::sign(pay(bls.f3_address(), 0, 100), &key, CHAIN_ID).unwrap()).await;
    landed(&client, FvmTransaction::sign_bls(pay(somebody, 0, 1), &bls, CHAIN_ID).unwrap()).await;
    landed(&client, FvmTransaction::sign_delegated(pay(somebody, 0, 1), &key, CHAIN_ID).unwrap()).await;

    let forged = |message: FvmTransaction| {
        let mut raw = message.raw().to_vec();
        *raw.last_mut().unwrap() ^= 1;
        raw
    };
    let from_f3 = |key, sequence| FvmTransaction::sign_bls(pay(somebody, sequence, 1), key, CHAIN_ID).unwrap();
    // Execution would skip it, for free, in block after block.
    let too_little = |message: Message, from: Protocol, bytes: usize| {
        let gas_limit = fees::inclusion(from, bytes).round_up() - 1;
        Message { gas_limit, ..message }
    };
    let f1 = |message| FvmTransaction::sign(message, &key, CHAIN_ID).unwrap();
    let f1_bytes = f1(too_little(pay(somebody, 1, 1), Protocol::Secp256k1, 130)).raw().len();
    for (raw, reason) in [
        // Asked in this order: whether the sender could pay, and only then whether it signed.
        (forged(from_f3(&poor, 0)), "insufficient funds"),
        (forged(from_f3(&bls, 0)), "nonce too low"),
        (forged(from_f3(&bls, 1)), "signature is not"),
        (f1(too_little(pay(somebody, 1, 1), Protocol::Secp256k1, f1_bytes)).raw().to_vec(), "intrinsic gas too low"),
    ] {
        let refusal = send(&client, &raw).await.unwrap_err();
        assert!(refusal.contains(reason), "{reason}: {refusal}");
    }
}
