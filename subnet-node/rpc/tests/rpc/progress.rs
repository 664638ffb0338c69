//! Where a message is on its way, what waits, and waiting for it.

use fvm_shared::address::Address;
use serde_json::{Value, json};
use tributary_message::FvmTransaction;
use tributary_primitives::{Hash32, Height, cbor_cid_of};
use tributary_rpc::subnet::view::{MessageLookup, MessageStatus, PendingMessage, Stage, Waiting};

use crate::fixture::{Served, alice, alices_bls, hex, log_input, message, serve, signed, unsigned_message};
use crate::ledger::CHAIN_ID;
use crate::machine::{BURNER, EMITTER, FVM_GAS_PER_GAS, GAS, REVERTER, contract};
use crate::subnet::certificate;

async fn send(served: &Served, sent: &FvmTransaction) -> Hash32 {
    served.ask("subnet_sendMessage", json!([hex(sent.raw())])).await
}

async fn status(served: &Served, hash: Hash32) -> MessageStatus {
    served.ask("subnet_messageStatus", json!([hash])).await
}

#[tokio::test]
async fn who_waits_for_a_message_learns_what_came_of_it_with_the_block_that_has_it() {
    let served = serve().await;
    let (good, bad) = (message(0, EMITTER, &log_input(&[1], b"a")), message(1, REVERTER, b"no"));
    let cids = [&good, &bad].map(|sent| cbor_cid_of(&sent.hash().0).to_string());
    // Before anybody brings it, by its hash and by its CID.
    let asked = served.ask::<MessageLookup>("subnet_waitMessage", json!([good.hash(), 60_000]));
    let by_cid = served.ask::<MessageLookup>("subnet_waitMessage", json!([cids[1]]));
    let made = async {
        send(&served, &good).await;
        send(&served, &bad).await;
        served.ledger.make_block()
    };
    let (found, other, block_hash) = tokio::join!(asked, by_cid, made);
    assert_eq!((found.hash, found.message), (good.hash(), Some(cids[0].clone())));
    assert_eq!((found.height, found.block_hash, found.index), (Height(1), block_hash, 0));
    assert_eq!((found.receipt.exit_code, found.receipt.gas_used), (0, GAS * FVM_GAS_PER_GAS));
    assert_eq!((other.hash, other.index, other.receipt.exit_code), (bad.hash(), 1, 33));
    assert_eq!((other.receipt.return_data.0.as_slice(), other.receipt.skipped), (&b"no"[..], false));

    let written: Value = served.ask("subnet_waitMessage", json!([good.hash()])).await;
    let expected = json!({
        "Message": cids[0], "Hash": good.hash(), "Height": 1, "BlockHash": block_hash, "Index": 0,
        "Receipt": {"ExitCode": 0, "Return": "0x", "GasUsed": GAS * FVM_GAS_PER_GAS, "Skipped": false},
    });
    assert_eq!(written, expected);
}

#[tokio::test]
async fn a_block_is_read_once_for_all_who_wait() {
    let served = serve().await;
    let sent: Vec<_> = (0..20).map(|nonce| message(nonce, EMITTER, &[])).collect();
    let asked = sent.iter().map(|sent| served.ask::<MessageLookup>("subnet_waitMessage", json!([sent.hash(), 60_000])));
    let made = async {
        served.ledger.listened_to_by(sent.len()).await;
        served.ledger.make_block();
        served.ledger.make_block();
        // From here on somebody waits, whoever has still to look whether its message ran.
        let mut read = Vec::new();
        while read.len() < 2 {
            read.extend(served.ledger.blocks_read());
            tokio::task::yield_now().await;
        }
        for sent in &sent {
            send(&served, sent).await;
        }
        served.ledger.make_block();
        read
    };
    let (found, mut read) = tokio::join!(futures::future::join_all(asked), made);
    assert!(found.iter().all(|found| found.height == Height(3)));
    read.extend(served.ledger.blocks_read());
    read.sort_unstable();
    assert_eq!(read[..3], [1, 2, 3]);
    assert_eq!(read[3..], [3; 20], "and once by each for its answer");
}

#[tokio::test]
async fn an_ethereum_transaction_is_waited_for_too() {
    let served = serve().await;
    let sent = signed(0, contract(EMITTER), &[]);
    served.send(&sent).await;
    let asked = served.ask::<MessageLookup>("subnet_waitMessage", json!([sent.hash()]));
    let (found, _) = tokio::join!(asked, async { served.ledger.make_block() });
    assert_eq!((found.message, found.receipt.gas_used), (None, GAS));
}

#[tokio::test]
async fn who_waited_too_long_learns_whether_the_message_waits_at_all() {
    let served = serve().await;
    let sent = message(0, EMITTER, &[]);
    for (part, is_sent) in [("does not wait in this node's mempool", false), ("it still waits", true)] {
        if is_sent {
            send(&served, &sent).await;
        }
        let refusal = served.refusal("subnet_waitMessage", json!([sent.hash(), 1])).await;
        assert_eq!((refusal.code, refusal.data), (4, Some(sent.hash().to_string())));
        assert!(refusal.message.contains(part) && refusal.message.contains("1 ms"), "{}", refusal.message);
    }
}

#[tokio::test]
async fn a_wait_has_bounds_and_a_name_of_a_message() {
    let served = serve().await;
    let hash = Hash32([1; 32]);
    for (parameters, part) in [
        (json!([hash, 0]), "invalid argument 1: a timeout is 1 to 60000 milliseconds"),
        (json!([hash, 60_001]), "invalid argument 1: a timeout is 1 to 60000 milliseconds"),
        (json!([hash, "soon"]), "invalid argument 1"),
        (json!(["0x12"]), "invalid argument 0: hex of 2 digits"),
        (json!(["message"]), "invalid argument 0: neither 0x and hex nor a CID"),
        (json!([]), "missing value for required argument 0"),
    ] {
        let refusal = served.refusal("subnet_waitMessage", parameters.clone()).await;
        assert!(refusal.code == -32602 && refusal.message.contains(part), "{parameters}: {refusal:?}");
    }
}

#[tokio::test]
async fn a_message_is_seen_at_every_stage_of_its_way() {
    let served = serve().await;
    let sent = message(0, EMITTER, &[]);
    let hash = sent.hash();
    assert_eq!(served.ask::<Value>("subnet_messageStatus", json!([hash])).await, Value::Null, "nobody brought it");
    send(&served, &sent).await;
    let admitted = status(&served, hash).await;
    let from = alice().f1_address().to_string();
    assert_eq!(admitted.waiting, Some(Waiting { from, nonce: 0, missing_nonce: None }));
    assert_eq!((admitted.stage, admitted.receipt, admitted.checkpoint_height), (Stage::Admitted, None, None));
    served.ledger.make_block();
    let in_block = status(&served, hash).await;
    assert_eq!((in_block.stage, in_block.waiting, in_block.checkpoint_height), (Stage::Block, None, Some(Height(2))));
    assert_eq!(in_block.receipt.map(|receipt| (receipt.height, receipt.exit_code)), Some((Height(1), 0)));
    served.ledger.certify(certificate(2, None));
    assert_eq!(status(&served, hash).await.stage, Stage::Checkpoint);
    served.ledger.finalize(2);
    let accepted: Value = served.ask("subnet_messageStatus", json!([cbor_cid_of(&hash.0).to_string()])).await;
    assert_eq!((&accepted["stage"], &accepted["certified_height"]), (&json!("accepted"), &json!(2)));
}

#[tokio::test]
async fn a_message_says_which_nonce_it_waits_for_and_one_that_was_skipped_may_wait_again() {
    let served = serve().await;
    let (first, second) = (message(0, EMITTER, &[]), message(1, EMITTER, &[]));
    send(&served, &second).await;
    assert_eq!(status(&served, second.hash()).await.waiting.unwrap().missing_nonce, Some(0));
    // A proposer would not take it; this one does.
    served.ledger.make_block();
    let skipped: MessageLookup = served.ask("subnet_waitMessage", json!([second.hash()])).await;
    assert_eq!((skipped.receipt.skipped, skipped.receipt.exit_code), (true, 2));
    send(&served, &first).await;
    send(&served, &second).await;
    let again = status(&served, second.hash()).await;
    assert_eq!((again.stage, again.waiting.unwrap().missing_nonce), (Stage::Admitted, None));
    let asked = served.ask::<MessageLookup>("subnet_waitMessage", json!([second.hash()]));
    let (found, _) = tokio::join!(asked, async { served.ledger.make_block() });
    assert_eq!((found.height, found.receipt.skipped), (Height(2), false));
}

#[tokio::test]
async fn messages_that_wait_are_shown_in_filecoins_names() {
    let served = serve().await;
    let sent = [message(0, EMITTER, &[1, 2]), message(2, BURNER, &[])];
    for one in &sent {
        send(&served, one).await;
    }
    served.send(&signed(0, contract(EMITTER), &[])).await;
    let shown: Vec<Value> = served.ask("subnet_pendingMessages", json!([])).await;
    assert_eq!(shown.len(), 2, "messages alone");
    let (from, to) = (alice().f1_address().to_string(), Address::new_id(EMITTER).to_string());
    let expected = json!({
        "Message": {
            "Version": 0, "To": to, "From": from, "Nonce": 0, "Value": "0", "GasLimit": 50_000_000, "GasFeeCap": "100",
            "GasPremium": "1", "Method": 2, "Params": "0x0102",
        },
        "Signature": {"Type": 1, "Data": hex(&sent[0].raw()[sent[0].raw().len() - 65..])},
        "CID": cbor_cid_of(&sent[0].hash().0).to_string(),
        "Hash": sent[0].hash(),
    });
    assert_eq!(shown[0], expected);
    assert_eq!(shown[1]["Message"]["Nonce"], 2);
    for (sender, count) in [(from.as_str(), 2), ("f0999", 0)] {
        let of_sender: Vec<PendingMessage> = served.ask("subnet_pendingMessages", json!([sender])).await;
        assert_eq!(of_sender.len(), count, "{sender}");
    }
    served.ledger.make_block();
    assert!(served.ask::<Vec<Value>>("subnet_pendingMessages", json!([])).await.is_empty());
}

#[tokio::test]
async fn a_message_is_taken_from_every_kind_of_account_and_shown_with_its_kind_of_signature() {
    let served = serve().await;
    let unsigned = |nonce| unsigned_message(nonce, EMITTER, &[]);
    let bls = alices_bls();
    let sent = [
        (1, message(0, EMITTER, &[])),
        (2, FvmTransaction::sign_bls(unsigned(0), &bls, CHAIN_ID).unwrap()),
        (3, FvmTransaction::sign_delegated(unsigned(1), &alice(), CHAIN_ID).unwrap()),
    ];
    // Of the Ethereum account, whose nonces its messages share.
    served.send(&signed(0, contract(EMITTER), &[])).await;
    for (kind, one) in &sent {
        send(&served, one).await;
        let (from, data) = (one.message().from.to_string(), one.signature().data().to_vec());
        let shown: Vec<PendingMessage> = served.ask("subnet_pendingMessages", json!([from])).await;
        assert_eq!((shown.len(), shown[0].signature.kind, &shown[0].signature.data.0), (1, *kind, &data), "{from}");
    }
    let address = alice().eth_address();
    for next in [
        served.ask::<Value>("subnet_nonce", json!([address])).await,
        served.ask::<Value>("subnet_nonce", json!([address.to_address().to_string()])).await,
    ] {
        assert_eq!(next, 2);
    }
    assert_eq!(served.ask::<Value>("eth_getTransactionCount", json!([address, "pending"])).await, "0x2");
    served.ledger.make_block();
    for (_, one) in &sent {
        assert_eq!(status(&served, one.hash()).await.stage, Stage::Block);
    }
}

#[tokio::test]
async fn no_more_messages_are_shown_than_the_bound() {
    let served = serve().await;
    for nonce in 0..4_100 {
        send(&served, &message(nonce, EMITTER, &[])).await;
    }
    assert_eq!(served.ask::<Vec<Value>>("subnet_pendingMessages", json!([])).await.len(), 4_096);
}
