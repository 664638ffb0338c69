//! `tributary`, as people and scripts run it: from a new key to what the parent accepted, and every trouble with its exit code.

mod bls;
mod busy;
mod lossy;
mod modules;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_crypto::SecpSecretKey;
use tributary_genesis::words::AccountAddress;
use tributary_genesis_code::COUNTER_ACTOR;

use self::lossy::{Fate, Way};
use crate::client::until;
use crate::hierarchy::{Hierarchy, url};
use crate::network::{CHAIN_ID, Network, Plan, Process};
use crate::wallet::RICH_KEY;

const TALLY: &str = "contracts/Tally.json";
const TOKEN: &str = "../fvm/bench/contracts/Token.json";
const SEND: &str = "eth_sendRawTransaction";
const SEND_MESSAGE: &str = "subnet_sendMessage";
const BROUGHT: &str = "Brought(address indexed by, uint256 amount, uint256 total)";
/// No transaction's hash.
const NOBODYS: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
/// 1 TRB in attoTRB.
const TRB: u128 = 1_000_000_000_000_000_000;

/// The `tributary` program, built beside the node's.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_subnet-node")).with_file_name("tributary");
    assert!(program.exists(), "run `make test`, or `cargo build --package tributary-cli` first");
    program
}

/// Somebody with keys and a node to ask.
struct Person {
    folder: TempDir,
    rpc: String,
}

impl Person {
    /// With the rich key as `rich`, and a key of their own as `alice`.
    fn of(rpc: String) -> Self {
        let person = Self { folder: tempfile::tempdir().unwrap(), rpc };
        let mut import = person.command(&["keys", "import", "rich", "--from", "-"]);
        let mut import = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        import.stdin.take().unwrap().write_all(hex::encode(RICH_KEY).as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
        person.done(&["keys", "create", "alice"]);
        person
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(words)
            .env("TRIBUTARY_KEYSTORE", self.folder.path().join("keys"))
            .env("TRIBUTARY_PASSWORD", "a password of a test")
            .env("TRIBUTARY_RPC", &self.rpc)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(words).arg("--json").output().unwrap())
    }

    /// What a command that goes well says.
    fn done(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The same, one object a line.
    fn lines(&self, words: &[&str]) -> Vec<Value> {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a command that does not go well says, with the exit code that scripts see.
    fn trouble(&self, words: &[&str], exit_code: i32) -> Value {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit_code), "{words:?}: {said}");
        let error = serde_json::from_str::<Value>(said.lines().last().unwrap()).unwrap()["error"].clone();
        assert_eq!(error["exit_code"], exit_code, "{said}");
        error
    }

    /// A key's addresses: Ethereum's and f1.
    fn addresses(&self, name: &str) -> (String, String) {
        let listed = self.done(&["keys", "list", name]);
        let text = |field: &str| listed[0][field].as_str().unwrap().to_owned();
        (text("ethereum"), text("f1"))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Both accounts of the rich key.
fn rich() -> Vec<AccountAddress> {
    let key = SecpSecretKey::from_bytes(&RICH_KEY).unwrap();
    vec![key.eth_address().into(), key.f1_address().to_string().parse().unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_walks_from_a_new_key_to_what_the_parent_accepted() {
    let hierarchy = Hierarchy::start_with(rich()).await;
    let (parent, person) = (url(&hierarchy.parent), Person::of(url(&hierarchy.child)));
    let (alice, alice_f1) = person.addresses("alice");
    let file = person.folder.path().join("keys/alice.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(person.done(&["keys", "list"]).as_array().unwrap().len(), 2);

    // Nobody carries checkpoints yet.
    let accepted = ["--until", "accepted", "--parent-rpc", &parent];
    let send = ["send", "alice", "5TRB", "--key", "rich", "--wait", "2"];
    let late = person.trouble(&[&send[..], &accepted].concat(), 8);
    let hash = text(&late["transaction"]).to_owned();
    let stage = person.done(&["status", &hash])["stage"].clone();
    assert!(["block", "checkpoint"].contains(&text(&stage)), "{stage}");
    let _relayer = hierarchy.run_relayer();
    let status = person.done(&[&["status", &hash][..], &accepted].concat());
    assert_eq!(status["stage"], "accepted", "{status}");
    assert!(status["accepted_height"].as_u64() >= status["block"].as_u64(), "{status}");
    let stages = person.lines(&[&["watch", "transaction", &hash][..], &accepted].concat());
    assert_eq!(stages.last().unwrap()["stage"], "accepted");
    let held = person.done(&["balance", "alice"]);
    assert_eq!((&held[0]["address"], &held[0]["atto"]), (&json!(alice), &json!((5 * TRB).to_string())));
    assert_eq!(
        (&held[1]["address"], &held[1]["id"]),
        (&json!(alice_f1), &Value::Null),
        "nobody paid her f1 account yet"
    );

    // A contract: made, called, asked, watched.
    let made = person.done(&["deploy", "evm", TALLY, "--key", "alice"]);
    let tally = text(&made["contract"]);
    let brought = person.done(&["invoke", tally, "bring(uint256)", "7", "--key", "alice"]);
    assert_eq!(person.done(&["call", tally, "total()(uint256)"])["values"], json!(["7"]));
    assert_eq!(person.done(&["call", tally, "broughtBy(address)(uint256)", &alice])["values"], json!(["7"]));
    let before = (brought["block"].as_u64().unwrap() - 1).to_string();
    assert_eq!(person.done(&["call", tally, "total()(uint256)", "--block", &before])["values"], json!(["0"]));
    let logs = ["watch", "logs", "--event", BROUGHT, "--address", tally, "--from", "1", "--count", "1"];
    let log = &person.lines(&logs)[0];
    assert_eq!(log["values"], json!({ "by": alice, "amount": "7", "total": "7" }));
    assert_eq!(log["transaction"], brought["transaction"]);

    // The other account of the key: only a message can make it.
    let refused = person.trouble(&["send", &alice_f1, "5TRB", "--key", "rich"], 10);
    assert!(text(&refused["message"]).contains("--as f1 or --as f410"), "{refused}");
    person.done(&["send", &alice_f1, "5TRB", "--key", "rich", "--as", "f1"]);
    person.done(&["send", &alice_f1, "1TRB", "--key", "rich"]);
    let sent = person.done(&["send", &alice_f1, "1TRB", "--key", "rich", "--as", "f410"]);
    assert!(text(&sent["from"]).starts_with("f410"), "{sent}");
    assert_eq!(person.done(&["balance", &alice_f1])[0]["atto"], (7 * TRB).to_string());
    let brought = person.done(&["invoke", tally, "bring(uint256)", "3", "--key", "alice", "--as", "f1"]);
    assert_eq!(brought["exit_code"], 0);
    assert_eq!(person.done(&["call", tally, "total()(uint256)"])["values"], json!(["10"]));

    // An actor: installed, made, called, asked.
    let wasm = person.folder.path().join("counter.wasm");
    std::fs::write(&wasm, COUNTER_ACTOR).unwrap();
    let made = person.done(&["deploy", "wasm", wasm.to_str().unwrap(), "--key", "alice"]);
    let counter = text(&made["actor"]);
    person.done(&["invoke", counter, "Increment", "--key", "alice"]);
    person.done(&["invoke", counter, "Increment", "--key", "alice", "--as", "f4"]);
    assert_eq!(person.done(&["call", counter, "Get"])["value"], 2);
    let another = person.done(&["deploy", "actor", text(&made["code"]), "--key", "alice"]);
    assert_ne!(another["actor"], made["actor"]);

    // A contract's tokens.
    let made = person.done(&["deploy", "evm", TOKEN, "--key", "alice"]);
    let token = text(&made["contract"]);
    person.done(&["send", "rich", "1.5", "--token", token, "--key", "alice"]);
    let held = person.done(&["balance", "rich", "--token", token]);
    assert_eq!(held[0]["units"], (3 * TRB / 2).to_string());
    assert!(text(&held[0]["balance"]).starts_with("1.5 "), "{held}");
    let poor = ["invoke", token, "transfer(address,uint256)", &alice, &TRB.to_string(), "--key", "rich"];
    person.done(&poor);
    let reverted = person.trouble(&poor, 7);
    assert!(text(&reverted["message"]).contains("execution reverted"), "{reverted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_is_seen_until_it_is_in_a_block() {
    let mut network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let (_, alice_f1) = person.addresses("alice");
    let send = ["send", &alice_f1, "1TRB", "--key", "rich", "--as", "f1"];
    let sent = person.done(&[&send[..], &["--nonce", "1", "--until", "admitted"]].concat());
    let hash = text(&sent["transaction"]);
    let waits = person.done(&["status", hash]);
    assert_eq!((&waits["stage"], &waits["missing_nonce"]), (&json!("admitted"), &json!(0)), "{waits}");
    let pending = network.client(0).ask("subnet_pendingMessages", json!([])).await.unwrap();
    assert_eq!((&pending[0]["Hash"], &pending[0]["Message"]["Nonce"]), (&json!(hash), &json!(1)), "{pending}");
    let late = person.trouble(&["status", hash, "--until", "block", "--wait", "1"], 8);
    assert!(text(&late["message"]).contains("it got to: admitted"), "{late}");

    // What it waits for comes while somebody waits for both.
    let (cid, client) = (pending[0]["CID"].clone(), network.client(0));
    let wait = json!([cid, 50_000]);
    let waited = tokio::spawn(async move { client.ask("subnet_waitMessage", wait).await.unwrap() });
    let first = person.done(&send);
    assert_eq!((&first["nonce"], &first["exit_code"]), (&json!(0), &json!(0)), "{first}");
    let waited = waited.await.unwrap();
    assert_eq!((&waited["Message"], &waited["Receipt"]["ExitCode"]), (&cid, &json!(0)), "{waited}");
    let status = person.done(&["status", hash]);
    assert_eq!((&status["stage"], &status["block"]), (&json!("block"), &waited["Height"]), "{status}");
    assert_eq!(person.done(&["balance", &alice_f1])[0]["atto"], (2 * TRB).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_watched_once_and_in_order_with_and_without_a_websocket() {
    let network = Network::running(1);
    network.client(0).reach(3).await;
    let person = Person { folder: tempfile::tempdir().unwrap(), rpc: url(&network) };
    for flags in [&[][..], &["--no-websocket", "--poll-ms", "50"]] {
        let watch = ["watch", "blocks", "--from", "1", "--count", "5"];
        let heights: Vec<_> =
            person.lines(&[&watch[..], flags].concat()).iter().map(|block| block["block"].as_u64().unwrap()).collect();
        assert_eq!(heights, [1, 2, 3, 4, 5]);
    }
}

/// Heights that a watch has written so far.
fn heights(log: &Path) -> Vec<u64> {
    let said = std::fs::read_to_string(log).unwrap();
    // The last line may be on its way.
    let whole = said.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str::<Value>(line).unwrap()["block"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_when_the_node_comes_back_and_nothing_is_lost() {
    let mut network = Network::running(1);
    network.client(0).reach(2).await;
    let person = Person { folder: tempfile::tempdir().unwrap(), rpc: url(&network) };
    let log = person.folder.path().join("blocks");
    let out = std::fs::File::create(&log).unwrap();
    let watch = person.command(&["watch", "blocks", "--from", "1", "--json"]).stdout(out).spawn().unwrap();
    let _watch = Process(watch);
    until("the first blocks", async || heights(&log).len() >= 2).await;
    network.kill(0);
    let before = heights(&log).len();
    network.start(0);
    until("blocks after the node came back", async || heights(&log).len() >= before + 3).await;
    let heights = heights(&log);
    assert!(heights.iter().copied().eq((1..).take(heights.len())), "{heights:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_it_with_its_own_exit_code() {
    let network = Network::running(1);
    network.client(0).reach(1).await;
    let person = Person { folder: tempfile::tempdir().unwrap(), rpc: url(&network) };
    let log = person.folder.path().join("blocks");
    let out = std::fs::File::create(&log).unwrap();
    let mut watch = Process(person.command(&["watch", "blocks", "--from", "1"]).stdout(out).spawn().unwrap());
    until("a block that is told", async || std::fs::read_to_string(&log).unwrap().contains("block 1")).await;
    let sent = Command::new("kill").args(["-INT", &watch.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = tokio::task::block_in_place(|| watch.0.wait().unwrap());
    assert_eq!(ended.code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_twice_for_an_answer_that_was_lost() {
    let mut network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let (node, person) = (network.rpc(0), Person::of(url(&network)));
    let (alice, _) = person.addresses("alice");
    let send = ["send", &alice, "1TRB", "--key", "rich"];
    let held = || person.done(&["balance", &alice])[0]["atto"].clone();

    // Lost once: it is found, and so it is done.
    for (flags, method, nonce) in [(&[][..], &[SEND], 0), (&["--as", "f410"], &[SEND_MESSAGE], 1)] {
        let way = Way::to(node, method, 1, Fate::Breaks).await;
        let sent = person.done(&[&send, flags, &["--rpc", &way.url]].concat());
        assert_eq!((&sent["nonce"], way.lost()), (&json!(nonce), 1), "{sent}");
    }
    assert_eq!(held(), json!((2 * TRB).to_string()));

    // Never found: who sends it again as they are told pays once.
    let way = Way::to(node, &[SEND, "subnet_messageStatus"], usize::MAX, Fate::Breaks).await;
    let doubt = person.trouble(&[&send[..], &["--rpc", &way.url]].concat(), 3);
    let (hash, message) = (text(&doubt["transaction"]), text(&doubt["message"]));
    assert!(message.contains("may have been taken") && message.contains("--nonce 2"), "{message}");
    assert!(message.contains(&format!("`tributary status {hash}`")), "{message}");
    person.done(&["status", hash, "--until", "block"]);
    person.trouble(&[&send[..], &["--nonce", "2"]].concat(), 6);
    assert_eq!(held(), json!((3 * TRB).to_string()));

    // Taken, and nothing more is heard.
    let way = Way::to(node, &["eth_getTransactionReceipt"], usize::MAX, Fate::Breaks).await;
    let silent = person.trouble(&["deploy", "evm", TALLY, "--key", "rich", "--rpc", &way.url], 3);
    assert!(text(&silent["message"]).contains("was taken"), "{silent}");
    person.done(&["status", text(&silent["transaction"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_before_the_answer_tells_which_transaction_may_be_on_its_way() {
    let mut network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let way = Way::to(network.rpc(0), &[SEND], 1, Fate::Silence).await;
    let (alice, _) = person.addresses("alice");
    let mut send = person.command(&["send", &alice, "1TRB", "--key", "rich", "--rpc", &way.url, "--json"]);
    let mut send = Process(send.stderr(Stdio::piped()).spawn().unwrap());
    until("a transaction that is handed in", async || way.lost() == 1).await;
    assert!(Command::new("kill").args(["-INT", &send.0.id().to_string()]).status().unwrap().success());
    let ended = tokio::task::block_in_place(|| send.0.wait().unwrap());
    assert_eq!(ended.code(), Some(130));
    let mut said = String::new();
    send.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let error = serde_json::from_str::<Value>(&said).unwrap()["error"].clone();
    assert!(text(&error["message"]).contains("may have been taken"), "{error}");
    person.done(&["status", text(&error["transaction"]), "--until", "block"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_has_its_exit_code_and_says_what_to_do() {
    let mut network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let (alice, alice_f1) = person.addresses("alice");
    let nobody = {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", taken.local_addr().unwrap())
    };
    let other_chain = (CHAIN_ID + 1).to_string();
    person.done(&["send", &alice, "1", "--key", "rich"]);
    for (words, exit_code, says) in [
        (&["keys", "create", "alice"][..], 9, "already"),
        (&["keys", "export", "bob", "--to", "-"], 9, "keys create bob"),
        (&["send", &alice, "1", "--key", "rich", "--as", "f3"], 2, "--kind bls"),
        (&["send", &alice, "1", "--key", "f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i"], 9, "behind which is no key"),
        (&["invoke", "f01", "2", "--key", "f0100"], 9, "an account signs under its own address"),
        (&["send", &alice, "1.5", "--key", "rich"], 2, "1.5TRB"),
        (&["send", &alice, "--key", "rich"], 2, "were not provided: <AMOUNT>"),
        (&["send", &alice, "1", "--key", "bob"], 9, "keys create bob"),
        (&["send", &alice, "1", "--key", "rich", "--rpc", &nobody], 3, "is a node running there?"),
        (&["send", &alice, "1", "--key", "rich", "--chain-id", &other_chain], 4, "--chain-id"),
        (&["send", &alice, "1", "--key", "rich", "--fee-cap", "1"], 4, "--fee-cap"),
        (&["send", &alice, "2000000TRB", "--key", "rich"], 5, "tributary balance"),
        (&["send", &alice, "1", "--key", "alice"], 5, &alice),
        (&["send", &alice, "1", "--key", "alice", "--as", "f1"], 5, &alice_f1),
        (&["send", &alice, "1", "--key", "alice", "--as", "f410"], 5, "f410"),
        (&["send", &alice, "1", "--key", "rich", "--nonce", "0"], 6, "--nonce"),
        (&["invoke", "f01", "2", "--key", "rich", "--as", "ethereum"], 2, "--as f1 or --as f410"),
        (&["deploy", "evm", TALLY, "--key", "rich", "--as", "f410"], 2, "leave out --as"),
        (&["send", &alice, "1", "--key", "rich", "--until", "accepted"], 2, "is a root"),
        (&["call", "f0999", "Get"], 10, "no such actor"),
        (&["call", "f01", "77"], 7, "no such method"),
        (&["call", &alice, "total()(uint256)"], 7, "is there a contract"),
        (&["call", &alice, "total()(uint256)", "1"], 2, "takes 0 arguments"),
        (&["status", NOBODYS], 10, "no transaction"),
        (&["deploy", "evm", "/no/such/file", "--key", "rich"], 1, "/no/such/file"),
        (&["deploy", "wasm", TALLY, "--key", "rich"], 1, "no WebAssembly"),
    ] {
        let error = person.trouble(words, exit_code);
        assert!(text(&error["message"]).contains(says), "{words:?}: {error}");
    }

    let mut wrong = person.command(&["send", &alice, "1", "--key", "rich"]);
    let output = tokio::task::block_in_place(|| wrong.env("TRIBUTARY_PASSWORD", "another").output().unwrap());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(9) && said.contains("password is wrong"), "{said}");

    // In a block, and failed there: gas that is enough to be taken and not enough to run.
    let made = person.done(&["deploy", "evm", TALLY, "--key", "rich"]);
    let tally = text(&made["contract"]);
    let failed = person.trouble(&["invoke", tally, "bring(uint256)", "7", "--key", "rich", "--gas-limit", "30000"], 7);
    assert!(text(&failed["message"]).contains("failed there"), "{failed}");
    let hash = text(&failed["transaction"]);
    person.trouble(&["status", hash], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_out_and_comes_in_again_as_other_programs_read_it() {
    let person = Person::of("http://127.0.0.1:1".to_owned());
    let path = |name: &str| person.folder.path().join(name).display().to_string();
    let (sealed, plain) = (path("sealed.json"), path("plain.json"));
    person.done(&["keys", "export", "rich", "--to", &sealed]);
    person.done(&["keys", "export", "rich", "--to", &plain, "--plain"]);
    let key = tributary_relayer::key::read_key(Path::new(&plain)).unwrap();
    assert_eq!(key.to_bytes(), RICH_KEY, "as the relayer reads it");
    for (name, from) in [("again", &sealed), ("once-more", &plain)] {
        let imported = person.done(&["keys", "import", name, "--from", from]);
        assert_eq!(imported["f1"], key.f1_address().to_string());
    }
    let refused = person.trouble(&["keys", "export", "rich", "--to", &plain, "--plain"], 9);
    assert!(text(&refused["message"]).contains("exists"), "{refused}");
    let secret = hex::encode(RICH_KEY);
    assert!(!std::fs::read_to_string(&sealed).unwrap().contains(&secret), "sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_hides_no_other_in_the_list() {
    let person = Person::of("http://127.0.0.1:1".to_owned());
    let alice = person.folder.path().join("keys/alice.json");
    std::fs::set_permissions(&alice, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(text(&person.trouble(&["keys", "list"], 9)["message"]).contains("1 of 2 keys"));
    let listed: Value = serde_json::from_slice(&person.run(&["keys", "list"]).stdout).unwrap();
    let told = |at: usize| (&listed[at]["name"], &listed[at]["ethereum"], &listed[at]["problem"]);
    let ((exposed, no_address, problem), (rich, address, no_problem)) = (told(0), told(1));
    assert_eq!((exposed, no_address, rich, no_problem), (&json!("alice"), &Value::Null, &json!("rich"), &Value::Null));
    assert!(text(problem).contains("chmod 600") && text(address).starts_with("0x"), "{listed}");

    let for_people = tokio::task::block_in_place(|| person.command(&["keys", "list"]).output().unwrap());
    let [said, complaints] = [for_people.stdout, for_people.stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(said.contains("name: rich") && !said.contains("alice"), "{said}");
    assert!(complaints.contains("alice: ") && complaints.contains("chmod 600"), "{complaints}");
    person.trouble(&["keys", "list", "alice"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_own_command_tells_what_failed_from_a_wrong_command_line() {
    let mut network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let key = person.folder.path().join("key.json").display().to_string();
    person.done(&["keys", "export", "rich", "--to", &key, "--plain"]);
    for (words, exit_code, says) in [
        (&["query", "f01", "77"][..], 7, ""),
        (&["call", "f01", "77", "--key", &key], 1, "nothing was sent"),
        (&["query", "f01"], 2, "<METHOD>"),
        (&["call", "f01", "77", "--key", "nowhere.json"], 1, "nowhere.json"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_subnet-node"));
        command.arg("actor").args(words).env("TRIBUTARY_RPC", &person.rpc);
        let output = tokio::task::block_in_place(|| command.output().unwrap());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(exit_code) && said.contains(says), "{words:?}: {said}");
    }
}

#[test]
fn completions_are_scripts_of_their_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(program()).args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{shell}");
        // The one that is on every machine reads it.
        if shell == "bash" {
            let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
            bash.stdin.take().unwrap().write_all(&output.stdout).unwrap();
            assert!(bash.wait().unwrap().success());
        }
    }
}
