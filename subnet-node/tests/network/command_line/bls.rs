//! A BLS key: from the day that it is made to what its f3 account sent.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use tributary_crypto::BlsSecretKey;
use tributary_genesis_code::COUNTER_ACTOR;

use super::{Person, TALLY, TRB, rich, text};
use crate::hierarchy::url;
use crate::network::{Network, Plan};

/// The secret of a key that genesis made rich, as Filecoin's tools write it: all of its bytes are the same, so either end is the first.
const RICH_SECRET: [u8; 32] = [7; 32];

fn rich_f3() -> String {
    BlsSecretKey::from_bytes(&RICH_SECRET).unwrap().f3_address().to_string()
}

/// Brings a key by standard input; what is said of it.
fn brought(person: &Person, name: &str, secret: &str, flags: &[&str]) -> Value {
    let mut import = person.command(&[&["keys", "import", name, "--from", "-", "--json"][..], flags].concat());
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    let output = tokio::task::block_in_place(|| import.wait_with_output().unwrap());
    assert!(output.status.success(), "{name}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bls_key_is_made_gets_tokens_and_sends_messages() {
    let accounts = [rich(), vec![rich_f3().parse().unwrap()]].concat();
    let mut network = Network::planned(Plan { rich: accounts, ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let (alice, _) = person.addresses("alice");

    let carol = person.done(&["keys", "create", "carol", "--kind", "bls"]);
    let f3 = text(&carol["f3"]);
    assert!(f3.starts_with("f3") && carol["ethereum"].is_null() && carol["f1"].is_null(), "{carol}");
    assert_eq!(person.done(&["keys", "list", "carol"])[0]["f3"], carol["f3"]);

    // Nobody is there until a message pays it; then it pays and calls by messages of its own.
    assert!(text(&person.trouble(&["send", &alice, "1TRB", "--key", "carol"], 5)["message"]).starts_with(f3));
    let refused = person.trouble(&["send", "carol", "5TRB", "--key", "rich"], 10);
    assert!(text(&refused["message"]).contains("--as f1 or --as f410"), "{refused}");
    person.done(&["send", "carol", "5TRB", "--key", "rich", "--as", "f1"]);
    let sent = person.done(&["send", &alice, "1TRB", "--key", "carol"]);
    assert_eq!((&sent["from"], &sent["nonce"], &sent["exit_code"]), (&json!(f3), &json!(0), &json!(0)), "{sent}");
    assert_eq!(person.done(&["balance", &alice])[0]["atto"], TRB.to_string());
    let held = person.done(&["balance", "carol"]);
    assert_eq!((held.as_array().unwrap().len(), &held[0]["nonce"]), (1, &json!(1)), "{held}");

    // One that genesis made rich makes an actor, and calls it and a contract.
    let imported = brought(&person, "dora", &hex::encode(RICH_SECRET), &["--kind", "bls"]);
    assert_eq!(imported["f3"], rich_f3());
    let wasm = person.folder.path().join("counter.wasm");
    std::fs::write(&wasm, COUNTER_ACTOR).unwrap();
    let made = person.done(&["deploy", "wasm", wasm.to_str().unwrap(), "--key", "dora"]);
    let counter = text(&made["actor"]);
    person.done(&["invoke", counter, "Increment", "--key", "dora"]);
    assert_eq!(person.done(&["call", counter, "Get"])["value"], 1);
    let made = person.done(&["deploy", "evm", TALLY, "--key", "rich"]);
    let tally = text(&made["contract"]);
    person.done(&["invoke", tally, "bring(uint256)", "7", "--key", "dora"]);
    assert_eq!(person.done(&["call", tally, "total()(uint256)"])["values"], json!(["7"]));

    // What only an Ethereum account does.
    for (words, says) in [
        (&["deploy", "evm", TALLY, "--key", "carol"][..], "sign by a secp256k1 key"),
        (&["send", &alice, "1", "--key", "carol", "--as", "ethereum"], "leave out --as"),
        (&["invoke", counter, "Increment", "--key", "carol", "--as", "f1"], "leave out --as"),
    ] {
        let error = person.trouble(words, 2);
        assert!(text(&error["message"]).contains(says), "{words:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bls_key_goes_out_and_comes_in_again_as_lotus_writes_it() {
    let person = Person::of("http://127.0.0.1:1".to_owned());
    let path = |name: &str| person.folder.path().join(name).display().to_string();
    let (sealed, plain) = (path("sealed.json"), path("lotus.key"));
    let carol = person.done(&["keys", "create", "carol", "--kind", "bls"]);
    person.done(&["keys", "export", "carol", "--to", &sealed]);
    person.done(&["keys", "export", "carol", "--to", &plain, "--plain"]);
    for (name, from) in [("again", &sealed), ("once-more", &plain)] {
        let imported = person.done(&["keys", "import", name, "--from", from]);
        assert_eq!((&imported["kind"], &imported["f3"]), (&json!("bls"), &carol["f3"]));
        let refused = person.trouble(&["keys", "import", "other", "--from", from, "--kind", "secp256k1"], 2);
        assert!(text(&refused["message"]).contains("leave out --kind"), "{refused}");
    }
    let exported = std::fs::read_to_string(&plain).unwrap();
    let info: Value = serde_json::from_slice(&hex::decode(exported.trim_end()).unwrap()).unwrap();
    assert_eq!(info["Type"], "bls");
}
