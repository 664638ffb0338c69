//! Modules of code: how large one may be that a person installs.

use serde_json::json;
use tributary_genesis_code::SCRIPT_ACTOR;
use tributary_message::{ETHEREUM_BYTES_MAX, TRANSACTION_BYTES_MAX};

use super::{Person, rich, text};
use crate::hierarchy::url;
use crate::network::{Network, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn a_module_larger_than_any_ethereum_transaction_is_installed_and_its_actor_called() {
    let mut network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    assert!(SCRIPT_ACTOR.len() > ETHEREUM_BYTES_MAX, "{} bytes", SCRIPT_ACTOR.len());
    let wasm = person.folder.path().join("script.wasm");
    std::fs::write(&wasm, SCRIPT_ACTOR).unwrap();

    let made = person.done(&["deploy", "wasm", wasm.to_str().unwrap(), "--key", "rich"]);
    let actor = text(&made["actor"]);
    let invoked = person.done(&["invoke", actor, "2", "--key", "rich"]);
    assert_eq!(invoked["exit_code"], 0, "{invoked}");
    // Its own code answers: it does what the parameters say.
    let panicked = person.trouble(&["call", actor, "2", "--params", r#"["Panic"]"#], 7);
    assert!(text(&panicked["message"]).contains("exit code 24"), "{panicked}");
    let code = person.done(&["deploy", "wasm", wasm.to_str().unwrap(), "--key", "rich", "--install-only"]);
    assert_eq!((&code["code"], &code["exit_code"]), (&made["code"], &json!(0)), "a second time is no fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_may_allow_fewer_bytes_than_a_message_can_have() {
    let parameters = &["heartbeat_ms=1000", "block_interval_min_ms=50", "transaction_bytes_max=131072"];
    let mut network = Network::planned(Plan { rich: rich(), parameters, ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let wasm = person.folder.path().join("script.wasm");
    std::fs::write(&wasm, SCRIPT_ACTOR).unwrap();
    let refused = person.trouble(&["deploy", "wasm", wasm.to_str().unwrap(), "--key", "rich"], 4);
    let message = text(&refused["message"]);
    assert!(message.contains("oversized data") && message.contains("limit 131072"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_no_message_carries_is_refused_before_anything_is_asked() {
    let person = Person::of("http://127.0.0.1:1".to_owned());
    let wasm = person.folder.path().join("large.wasm");
    let most = TRANSACTION_BYTES_MAX - 512;
    for (bytes, exit_code, says) in [(most, 3, "is a node running there?"), (most + 1, 1, "carries 523776")] {
        let mut module = b"\0asm".to_vec();
        module.resize(bytes, 0);
        std::fs::write(&wasm, module).unwrap();
        let error = person.trouble(&["deploy", "wasm", wasm.to_str().unwrap(), "--key", "rich"], exit_code);
        assert!(text(&error["message"]).contains(says), "{bytes} bytes: {error}");
    }
}
