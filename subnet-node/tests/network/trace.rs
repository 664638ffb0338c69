//! Every transaction of a chain, run again on its node and traced by every tracer.

use serde_json::{Value, json};
use tributary_primitives::actors::INIT_ID;

use crate::client::Client;
use crate::network::{Network, Plan};
use crate::wallet::Wallet;

/// All tracers with all their options.
fn tracers() -> [Value; 8] {
    [
        json!({}),
        json!({ "enableMemory": true, "enableReturnData": true }),
        json!({ "tracer": "callTracer" }),
        json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }),
        json!({ "tracer": "prestateTracer" }),
        json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } }),
        json!({ "tracer": "4byteTracer" }),
        json!({ "tracer": "noopTracer" }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transaction_is_run_again_with_its_own_receipt_and_says_what_happened_in_it() {
    let mut wallet = Wallet::rich();
    let rich = vec![wallet.address().into(), wallet.f1_address().to_string().parse().unwrap()];
    let mut network = Network::planned(Plan { rich, ..Plan::root(1) });
    network.start_all();
    let client = network.client(0);
    client.reach(1).await;
    for _ in 0..3 {
        wallet.transfer(&client).await;
        wallet.call(&client).await;
    }
    let token = wallet.make_token(&client, 0).await;
    wallet.mint(&client, 2, token, wallet.f1_address()).await;
    wallet.pay(&client, 3, token, fvm_shared::address::Address::new_id(INIT_ID), 400).await;
    let (_, last) = wallet.transfer(&client).await;
    client.reach(last).await;

    let mut transactions = 0;
    for height in (1..=last).map(|height| format!("{height:#x}")) {
        // The node itself holds every receipt against the one on record, and refuses if they differ.
        for options in tracers() {
            let traces = client.ask("debug_traceBlockByNumber", json!([height, options])).await;
            let traces = traces.unwrap_or_else(|why| panic!("block {height}, {options}: {why}"));
            assert!(traces.as_array().unwrap().iter().all(|trace| trace.get("result").is_some()), "{traces}");
        }
        let block = client.ask("debug_traceBlockByNumber", json!([height, { "tracer": "callTracer" }])).await.unwrap();
        for trace in block.as_array().unwrap() {
            transactions += 1;
            let hash = &trace["txHash"];
            let receipt = client.ask("subnet_getMessageReceipt", json!([hash])).await.unwrap();
            let used = format!("{:#x}", receipt["BlockGasUsed"].as_u64().unwrap());
            assert_eq!(trace["result"]["gasUsed"], json!(used), "{hash}");
            assert_eq!(trace["result"].get("error").is_some(), receipt["ExitCode"] != 0, "{hash}");
            let alone = client.ask("debug_traceTransaction", json!([hash, { "tracer": "callTracer" }])).await.unwrap();
            assert_eq!(alone, trace["result"], "{hash}");
            let message = client.ask("subnet_traceMessage", json!([hash])).await.unwrap();
            assert_eq!(message["MsgRct"]["ExitCode"], receipt["ExitCode"], "{hash}");
        }
    }
    assert!(transactions >= 11, "{transactions} transactions");

    // NUMBER, answered by code that an account has for this call alone.
    let (somebody, code) = ("0x00000000000000000000000000000000000000aa", "0x435f5260205ff3");
    let otherwise = json!({
        "tracer": "callTracer", "stateOverrides": { somebody: { "code": code } }, "blockOverrides": { "number": "0x4d" },
    });
    for block in ["latest", "0x1"] {
        let trace = client.ask("debug_traceCall", json!([{ "to": somebody }, block, otherwise])).await.unwrap();
        assert_eq!(trace["output"], json!(format!("0x{:064x}", 0x4d)), "{block}");
    }
    calls_find_themselves_in_the_block_that_is_named(&client, last).await;
}

/// Whichever way they are asked, and at genesis as after it.
async fn calls_find_themselves_in_the_block_that_is_named(client: &Client, last: u64) {
    // NUMBER, TIMESTAMP, COINBASE, PREVRANDAO, GASLIMIT, BASEFEE and the BLOCKHASH of NUMBER - 1.
    let code = "0x435f52426020524160405244606052456080524860a052600143034060c05260e05ff3";
    let somebody = "0x00000000000000000000000000000000000000aa";
    let whose = json!({ somebody: { "code": code, "balance": "0xffffffffffffffff" } });
    for height in [0, 1, last] {
        let number = format!("{height:#x}");
        let header = client.ask("eth_getHeaderByNumber", json!([number])).await.unwrap();
        let word = |field: &str| format!("{:0>64}", header[field].as_str().unwrap().trim_start_matches("0x"));
        let fields = ["number", "timestamp", "miner", "mixHash", "gasLimit", "baseFeePerGas", "parentHash"];
        let expected = json!(format!("0x{}", fields.map(word).concat()));
        let request =
            json!({ "from": somebody, "to": somebody, "gas": "0x186a0", "gasPrice": header["baseFeePerGas"] });
        let called = client.ask("eth_call", json!([request, number, whose])).await.unwrap();
        assert_eq!(called, expected, "{height}");
        let options = json!({ "tracer": "callTracer", "stateOverrides": whose });
        let traced = client.ask("debug_traceCall", json!([request, number, options])).await.unwrap();
        assert_eq!(traced["output"], expected, "{height}");
        let message = json!({ "from": "f00", "to": somebody, "method": 3_844_450_837_u64 });
        let accounts = json!({ somebody: { "code": code } });
        let called = client.ask("subnet_call", json!([message, height, accounts])).await.unwrap();
        let returned = called["MsgRct"]["Return"].as_str().unwrap();
        assert!(returned.ends_with(expected.as_str().unwrap().trim_start_matches("0x")), "{height}: {called}");
        // NUMBER, of a block that is otherwise.
        let (accounts, block) = (json!({ somebody: { "code": "0x435f5260205ff3" } }), json!({ "number": 77 }));
        let called = client.ask("subnet_call", json!([message, height, accounts, block])).await.unwrap();
        assert!(called["MsgRct"]["Return"].as_str().unwrap().ends_with(&format!("{:064x}", 77)), "{height}: {called}");
    }
    let number = json!([{ "to": somebody }, "pending", { somebody: { "code": "0x435f5260205ff3" } }]);
    let (before, next) = (client.height().await.unwrap(), client.ask("eth_call", number).await.unwrap());
    let next = u64::from_str_radix(next.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    assert!((before + 1..=client.height().await.unwrap() + 1).contains(&next), "{before}, {next}");
}
