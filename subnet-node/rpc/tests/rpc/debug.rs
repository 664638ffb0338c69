//! Traces: what they look like, what may be asked of them, and what they may cost.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_fvm::{AccountOverride, BlockOverrides, Overrides};
use tributary_primitives::{EthAddress, Hash32, Height, cbor_cid_of};
use tributary_rpc::subnet::view::ExecutionTrace;

use crate::fixture::{Served, alice, hex, log_input, message, serve, serve_with, signed};
use crate::machine::{BURNER, EMITTER, GAS, contract};
use crate::traces::{ACTOR, STEPS, no};

/// A chain with one block: a transaction that emits two logs but for one, an FVM message, and a transaction out of turn.
async fn chain() -> (Served, [String; 3]) {
    let served = serve().await;
    let first = signed(0, contract(EMITTER), &log_input(&[1, 2], b"data"));
    let second = message(0, EMITTER, &log_input(&[3], b""));
    let third = signed(5, contract(EMITTER), &[]);
    served.send(&first).await;
    served.ask::<Value>("subnet_sendMessage", json!([hex(second.raw())])).await;
    served.send(&third).await;
    served.ledger.make_block();
    (served, [first.hash(), second.hash(), third.hash()].map(|hash| hash.to_string()))
}

fn tracer(name: &str, config: Value) -> Value {
    json!({ "tracer": name, "tracerConfig": config })
}

#[tokio::test]
async fn calls_are_nested_and_each_says_how_it_ended() {
    let (served, [hash, ..]) = chain().await;
    let trace: Value = served.ask("debug_traceTransaction", json!([hash, { "tracer": "callTracer" }])).await;
    let (from, to, actor) = (alice().eth_address(), contract(EMITTER), EthAddress::from_actor_id(ACTOR));
    let input = hex(log_input(&[1, 2], b"data"));
    let expected = json!({
        "type": "CALL", "from": from, "to": to, "value": "0x5", "gas": "0x186a0", "gasUsed": "0x5208", "input": input,
        "calls": [
            {
                "type": "CALL", "from": to, "to": actor, "value": "0x0", "gas": "0xa", "gasUsed": "0x5", "input": "0x8107",
                "method": 7, "exitCode": 99, "error": "actor exited with code 99",
                "calls": [{
                    "type": "STATICCALL", "from": actor, "to": to, "gas": "0x4", "gasUsed": "0x2", "input": "0x",
                    "output": hex(no()), "error": "execution reverted", "revertReason": "no",
                }],
            },
            {
                "type": "SELFDESTRUCT", "from": to, "to": contract(BURNER), "value": "0x5", "gas": "0x0", "gasUsed": "0x0",
                "input": "0x",
            },
        ],
    });
    assert_eq!(trace, expected);
    let top: Value =
        served.ask("debug_traceTransaction", json!([hash, tracer("callTracer", json!({ "onlyTopCall": true }))])).await;
    assert_eq!((top.get("calls"), &top["gasUsed"]), (None, &expected["gasUsed"]));
}

#[tokio::test]
async fn logs_have_their_place_in_the_block_and_in_the_call() {
    let (served, [hash, ..]) = chain().await;
    let options = tracer("callTracer", json!({ "withLog": true }));
    let trace: Value = served.ask("debug_traceTransaction", json!([hash, options])).await;
    let topic = |byte: u8| hex([byte; 32]);
    let log = |topics: Value, data: &str, index: &str| json!([{ "address": contract(EMITTER), "topics": topics, "data": data, "index": index, "position": "0x2" }]);
    assert_eq!(trace["logs"], log(json!([topic(1), topic(2)]), "0x64617461", "0x0"));
    let block: Value = served.ask("debug_traceBlockByNumber", json!(["0x1", options])).await;
    assert_eq!(block[1]["result"]["logs"], log(json!([topic(3)]), "0x", "0x1"), "the second of the block");
}

#[tokio::test]
async fn a_block_is_traced_as_a_whole_and_says_what_never_ran() {
    let (served, hashes) = chain().await;
    let options = json!({ "tracer": "callTracer" });
    let by_number: Value = served.ask("debug_traceBlockByNumber", json!(["latest", options])).await;
    let block: Value = served.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    let by_hash: Value = served.ask("debug_traceBlockByHash", json!([block["hash"], options])).await;
    assert_eq!(by_number, by_hash);
    assert_eq!([0, 1, 2].map(|at| by_number[at]["txHash"].clone()), hashes.clone().map(Value::from));
    let one: Value = served.ask("debug_traceTransaction", json!([hashes[1], options])).await;
    assert_eq!(by_number[1]["result"], one, "an FVM message among Ethereum's");
    let skipped = by_number[2].as_object().unwrap();
    assert!(!skipped.contains_key("result") && skipped["error"].as_str().unwrap().contains("skipped"), "{skipped:?}");
    let refusal = served.refusal("debug_traceTransaction", json!([hashes[2], options])).await;
    assert!(refusal.code == -32000 && refusal.message.contains("skipped"), "{refusal:?}");
}

#[tokio::test]
async fn states_are_told_before_and_after() {
    let (served, [hash, ..]) = chain().await;
    let word = |number: u8| format!("0x{number:064x}");
    let account = json!({
        "balance": "0x3e8", "code": "0xfe", "codeHash": hex([0xcc; 32]), "storage": { word(1): word(2) },
    });
    let alice = alice().eth_address().to_string();
    let before: Value = served.ask("debug_traceTransaction", json!([hash, { "tracer": "prestateTracer" }])).await;
    assert_eq!(before, json!({ alice.clone(): account }));
    let options = tracer("prestateTracer", json!({ "diffMode": true }));
    let both: Value = served.ask("debug_traceTransaction", json!([hash, options])).await;
    assert_eq!(both, json!({ "pre": { alice.clone(): account }, "post": { alice: { "nonce": 1 } } }));
}

#[tokio::test]
async fn selectors_are_counted_and_nothing_is_nothing() {
    let (served, [hash, ..]) = chain().await;
    for (tracer, answer) in [("4byteTracer", json!({ "0xa9059cbb-64": 2 })), ("noopTracer", json!({}))] {
        let trace: Value = served.ask("debug_traceTransaction", json!([hash, { "tracer": tracer }])).await;
        assert_eq!(trace, answer, "{tracer}");
    }
}

#[tokio::test]
async fn without_a_tracer_each_instruction_is_told() {
    let (served, [hash, ..]) = chain().await;
    let word = |number: u8| format!("0x{number:064x}");
    for options in [json!(null), json!({ "enableMemory": true })] {
        let trace: Value = served.ask("debug_traceTransaction", json!([hash, options])).await;
        let mut logs = json!([
            { "pc": 0, "op": "PUSH1", "gas": GAS, "gasCost": 3, "depth": 1, "stack": [] },
            {
                "pc": 2, "op": "SSTORE", "gas": GAS, "gasCost": 3, "depth": 1, "stack": ["0x1f", "0x1"], "refund": 4_800,
                "storage": { word(1): word(31) },
            },
            { "pc": 3, "op": "opcode 0xc not defined", "gas": GAS, "gasCost": 3, "depth": 1, "error": "invalid opcode" },
        ]);
        if !options.is_null() {
            logs[1]["memory"] = json!([hex([1; 32]), hex([1; 32])]);
        }
        let input = hex(log_input(&[1, 2], b"data"));
        assert_eq!(trace, json!({ "gas": GAS, "failed": false, "returnValue": input, "structLogs": logs }));
    }
}

#[tokio::test]
async fn a_call_is_traced_however_it_ends_but_not_if_it_cannot_begin() {
    let (served, _) = chain().await;
    let options = json!({ "tracer": "callTracer" });
    let call = |to: u64| json!({ "from": alice().eth_address(), "to": contract(to), "input": "0x01" });
    for (to, error) in [(EMITTER, json!(null)), (BURNER, json!("out of gas"))] {
        let trace: Value = served.ask("debug_traceCall", json!([call(to), "latest", options])).await;
        assert_eq!((&trace["input"], &trace["error"]), (&json!("0x01"), &error));
    }
    let few = json!({ "to": contract(EMITTER), "gas": "0x1" });
    let refusal = served.refusal("debug_traceCall", json!([few, "latest", options])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "out of gas (exit code 7)"));
    let refusal = served.refusal("debug_traceCall", json!([call(EMITTER), "latest", { "txIndex": "0x0" }])).await;
    assert_eq!(refusal.code, -32602);
}

#[tokio::test]
async fn a_call_is_traced_on_accounts_and_in_a_block_that_are_otherwise_and_a_transaction_is_not() {
    let (served, [hash, ..]) = chain().await;
    let whose = EthAddress([0xaa; 20]);
    let otherwise =
        json!({ "stateOverrides": { whose.to_string(): { "nonce": "0x7" } }, "blockOverrides": { "number": "0x9" } });
    let call = json!({ "to": contract(EMITTER) });
    served.ask::<Value>("debug_traceCall", json!([call, "latest", otherwise])).await;
    let account = AccountOverride { nonce: Some(7), ..AccountOverride::default() };
    let block = BlockOverrides { height: Some(Height(9)), ..BlockOverrides::default() };
    assert_eq!(served.ledger.overrides(), Overrides { accounts: BTreeMap::from([(whose, account)]), block });
    served.ask::<Value>("debug_traceCall", json!([call, "latest", { "stateOverrides": {} }])).await;
    assert_eq!(served.ledger.overrides(), Overrides::default());

    let nobody = EthAddress::from_actor_id(4_000).to_string();
    let nobody = json!({ "stateOverrides": { nobody: {} } });
    for (method, parameters, message) in [
        ("debug_traceCall", json!([call, "latest", nobody]), "invalid argument 2: account 0xff"),
        (
            "debug_traceCall",
            json!([call, "latest", { "blockOverrides": { "x": 1 } }]),
            "invalid argument 2: unknown field",
        ),
        ("debug_traceTransaction", json!([hash, otherwise]), "invalid argument 1: stateOverrides and blockOverrides"),
        (
            "debug_traceBlockByNumber",
            json!(["0x1", otherwise]),
            "invalid argument 1: stateOverrides and blockOverrides",
        ),
    ] {
        let refusal = served.refusal(method, parameters).await;
        assert!(refusal.code == -32602 && refusal.message.starts_with(message), "{method}: {refusal:?}");
    }
}

#[tokio::test]
async fn a_trace_above_a_limit_is_refused_for_that_limit() {
    for (limit, reason) in [
        ("steps", "the trace follows more than 2 instructions"),
        ("time", "execution timeout"),
        ("bytes", "the trace has more than 1500 bytes"),
    ] {
        let served = serve_with(|config| match limit {
            "steps" => config.trace_steps_max = STEPS - 1,
            "time" => config.trace_time_max = Duration::ZERO,
            _ => config.response_bytes_max = 1_500,
        })
        .await;
        let sent = signed(0, contract(EMITTER), &[]);
        served.send(&sent).await;
        served.ledger.make_block();
        for (method, what) in [
            ("debug_traceTransaction", json!(sent.hash())),
            ("debug_traceBlockByNumber", json!("0x1")),
            ("debug_traceCall", json!({ "to": contract(EMITTER) })),
            ("subnet_traceMessage", json!(sent.hash())),
        ] {
            let refusal = served.refusal(method, json!([what])).await;
            assert!(refusal.code == -32005 && refusal.message.starts_with(reason), "{method}: {refusal:?}");
        }
    }
    let (served, [hash, ..]) = chain().await;
    let refusal = served.refusal("debug_traceTransaction", json!([hash, { "timeout": "0s" }])).await;
    assert_eq!(refusal.code, -32005, "the caller's own");
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_go_ethereums_words() {
    let (served, [hash, ..]) = chain().await;
    let nowhere = hex([9; 32]);
    for (method, parameters, code, message) in [
        ("debug_traceTransaction", json!([nowhere]), -32000, "transaction not found"),
        ("debug_traceBlockByHash", json!([nowhere]), -32000, "header not found"),
        ("debug_traceBlockByNumber", json!(["0x9"]), -32000, "header not found"),
        ("debug_traceBlockByNumber", json!(["earliest"]), -32000, "genesis is not traceable"),
        (
            "debug_traceTransaction",
            json!([hash, { "tracer": "callTracer", "tracerConfig": { "x": 1 } }]),
            -32602,
            "unknown",
        ),
        ("debug_traceTransaction", json!([hash, { "tracer": "prestate" }]), -32602, "tracer not found: prestate"),
        ("debug_traceTransaction", json!([hash, { "tracer": "{step: function() {}}" }]), -32602, "JavaScript"),
    ] {
        let refusal = served.refusal(method, parameters.clone()).await;
        assert!(refusal.code == code && refusal.message.contains(message), "{method} {parameters}: {refusal:?}");
    }
    assert_eq!(served.ask::<Value>("subnet_traceMessage", json!([nowhere])).await, Value::Null);
    served.ledger.prune_states_below(1);
    let refusal = served.refusal("debug_traceTransaction", json!([hash])).await;
    assert_eq!(refusal.code, -32002, "{refusal:?}");
}

#[tokio::test]
async fn a_transaction_that_ends_otherwise_when_it_is_run_again_is_this_nodes_fault() {
    let (served, [hash, ..]) = chain().await;
    served.ledger.forget_how_transactions_ended();
    let refusal = served.refusal("debug_traceTransaction", json!([hash])).await;
    assert_eq!(refusal.code, -32603);
    assert!(refusal.message.contains("another receipt"), "{refusal:?}");
}

#[tokio::test]
async fn a_message_is_traced_in_filecoins_names_by_either_of_its_own() {
    let (served, [hash, message, _]) = chain().await;
    let cid = cbor_cid_of(&message.parse::<Hash32>().unwrap().0).to_string();
    let [by_hash, by_cid] = [&message, &cid].map(|name| json!([name]));
    let trace: Value = served.ask("subnet_traceMessage", by_hash).await;
    assert_eq!((&trace["Msg"]["To"], trace["Subcalls"].as_array().unwrap().len()), (&json!("f0100"), 2), "{trace}");
    assert_eq!(served.ask::<Value>("subnet_traceMessage", by_cid).await, trace);
    let trace: Value = served.ask("subnet_traceMessage", json!([hash])).await;
    let calls = trace["Subcalls"].as_array().unwrap();
    let msg = json!({
        "From": "f0100", "To": "f0103", "Value": "0", "Method": 7, "Params": "0x8107", "ParamsCodec": 0x51,
        "GasLimit": 5_000, "ReadOnly": false,
    });
    assert_eq!(calls[0]["Msg"], msg);
    let rct = json!({ "ExitCode": 99, "Return": "0x", "ReturnCodec": 0, "GasUsed": 2_001 });
    assert_eq!(calls[0]["MsgRct"], rct);
    let within = &calls[0]["Subcalls"][0];
    assert_eq!((&within["Msg"]["Instruction"], &within["MsgRct"]["ExitCode"]), (&json!("STATICCALL"), &json!(33)));
    let read: ExecutionTrace = serde_json::from_value(trace.clone()).unwrap();
    assert_eq!((read.subcalls.len(), read.subcalls[0].subcalls.len()), (2, 1));
    assert_eq!(serde_json::to_value(&read).unwrap(), trace, "it reads back");
}
