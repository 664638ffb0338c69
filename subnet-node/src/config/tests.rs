//! Settings from every source, and what they come to or are refused for.

use std::path::Path;
use std::time::Duration;

use tributary_fvm::Workers;
use tributary_replica::mempool::MempoolLimits;
use tributary_rpc::RpcConfig;
use tributary_store::StoreConfig;

use super::NodeConfig;
use crate::history::law::History;

fn load(text: &str, overrides: &[&str]) -> Result<NodeConfig, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
    NodeConfig::load(&file, &overrides).map_err(|refusal| refusal.to_string())
}

#[test]
fn the_template_holds_every_default() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.rpc(), RpcConfig::default());
    assert_eq!(config.mempool(), MempoolLimits::default());
    assert_eq!(config.store(), StoreConfig::default());
}

#[test]
fn what_waits_for_a_missing_nonce_has_a_sixteenth_of_the_mempool() {
    let file = "[mempool]\ntransactions_max = 320\nbytes_max = 1600\ngapped_per_sender_max = 3\n";
    let limits = load(file, &[]).unwrap().mempool();
    assert_eq!((limits.gapped_max, limits.gapped_bytes_max, limits.gapped_per_sender_max), (20, 100, 3));
}

#[test]
fn each_limit_of_the_rpc_is_the_one_that_was_set() {
    let file = r#"
        [rpc]
        listen = "127.0.0.1:1"
        sockets_max = 1
        idle_s = 7
        stalled_s = 5
        connections_max = 2
        websockets_max = 3
        websocket_calls_max = 4
        websocket_ping_s = 6
        subscriptions_max = 7
        subscription_blocks_behind_max = 8
        request_bytes_max = 9
        response_bytes_max = 10
        batch_max = 11
        reads_max = 12
        waiting_max = 13
        call_gas_max = 14
        call_time_max_ms = 15
        client_requests_per_s = 16
        client_requests_burst = 17
        client_connections_max = 18
        client_subscriptions_max = 26
        client_header = "x-real-ip"
        methods_allowed = ["eth_*", "net_*"]
        methods_denied = ["eth_call"]
        traces_max = 23
        trace_steps_max = 24
        trace_time_s = 25
        log_blocks_max = 19
        logs_max = 20
        filters_max = 21
        filter_idle_s = 22
        cors_origins = ["https://wallet.example"]
        allowed_hosts = ["rpc.example"]
    "#;
    let expected = RpcConfig {
        listen: "127.0.0.1:1".parse().unwrap(),
        sockets_max: 1,
        idle_max: Duration::from_secs(7),
        stalled_max: Duration::from_secs(5),
        connections_max: 2,
        websockets_max: 3,
        websocket_calls_max: 4,
        websocket_ping_every: Duration::from_secs(6),
        subscriptions_max: 7,
        subscription_blocks_behind_max: 8,
        request_bytes_max: 9,
        response_bytes_max: 10,
        batch_max: 11,
        reads_max: 12,
        waiting_max: 13,
        call_gas_max: 14,
        call_time_max: Duration::from_millis(15),
        client_requests_per_s: 16,
        client_requests_burst: 17,
        client_connections_max: 18,
        client_subscriptions_max: 26,
        client_header: "x-real-ip".to_owned(),
        methods_allowed: vec!["eth_*".to_owned(), "net_*".to_owned()],
        methods_denied: vec!["eth_call".to_owned()],
        traces_max: 23,
        trace_steps_max: 24,
        trace_time_max: Duration::from_secs(25),
        log_blocks_max: 19,
        logs_max: 20,
        filters_max: 21,
        filter_idle_max: Duration::from_secs(22),
        cors_origins: vec!["https://wallet.example".to_owned()],
        allowed_hosts: vec!["rpc.example".to_owned()],
    };
    assert_eq!(load(file, &[]).unwrap().rpc(), expected);
}

#[test]
fn zero_threads_are_those_of_the_machine() {
    for (setting, workers) in
        [("0", Workers::of_this_machine()), ("1", Workers::ONE), ("32", Workers::new(Workers::MAX))]
    {
        let config = load("", &[&format!("execution.threads={setting}")]).unwrap();
        assert_eq!(config.workers(), workers, "{setting}");
    }
}

#[test]
fn history_is_a_word_or_a_number_from_any_source() {
    for (file, flag, history) in [
        ("", None, History::Archive),
        ("history = \"archive\"", None, History::Archive),
        ("history = \"checkpoints\"", None, History::Checkpoints),
        ("history = 100_000", None, History::Blocks(100_000)),
        ("history = 100_000", Some("storage.history=256"), History::Blocks(256)),
        ("", Some("storage.history=checkpoints"), History::Checkpoints),
    ] {
        let config = load(&format!("[storage]\n{file}\n"), flag.as_slice()).unwrap();
        assert_eq!(config.storage.history, history, "{file}, {flag:?}");
    }
}

#[test]
fn zero_milliseconds_are_any_time() {
    for (setting, budget) in [("0", None), ("1", Some(Duration::from_millis(1)))] {
        let config = load("", &[&format!("consensus.block_time_budget_ms={setting}")]).unwrap();
        assert_eq!(config.block_time_budget(), budget);
    }
}

#[test]
fn a_flag_wins_over_the_file() {
    let file = "moniker = \"a\"\n[rpc]\nlisten = \"127.0.0.1:1\"\n";
    let config = load(file, &["rpc.listen=127.0.0.1:2"]).unwrap();
    assert_eq!((config.moniker.as_str(), config.rpc.listen.port()), ("a", 2));
}

#[test]
fn a_file_that_is_not_there_is_refused_with_what_makes_one() {
    let refusal = NodeConfig::load(Path::new("/nowhere/config.toml"), &[]).unwrap_err().to_string();
    assert!(refusal.contains("/nowhere/config.toml") && refusal.contains("subnet-node init"), "{refusal}");
}

#[test]
fn each_bad_setting_is_refused_by_its_name() {
    for (file, overrides, reason) in [
        ("[rpc]\nlistne = 1\n", &[][..], "listne"),
        ("monicker = \"a\"\n", &[], "monicker"),
        ("[mempool]\nbytes_max = \"many\"\n", &[], "bytes_max"),
        ("[rpc]\nlisten = \"localhost\"\n", &[], "rpc.listen"),
        ("[rpc]\ncall_time_max_ms = 0\n", &[], "rpc.call_time_max_ms"),
        ("[rpc]\nreads_max = 0\n", &[], "rpc.reads_max"),
        ("[execution]\nthreads = 33\n", &[], "execution.threads is 33; a block runs on 32 threads at most"),
        ("", &["execution.threads=-1"], "execution.threads"),
        ("[execution]\nself_check_every = -1\n", &[], "execution.self_check_every"),
        (
            "[storage]\nhistory = \"all\"\n",
            &[],
            "storage.history is \"all\"; it must be \"archive\", \"checkpoints\", or a number",
        ),
        ("[storage]\nhistory = -1\n", &[], "storage.history must be \"archive\", \"checkpoints\", or a number"),
        ("", &["storage.history=127"], "storage.history is 127; a node that writes trees every 32 blocks keeps 128"),
        ("[storage]\nhistory = 1000\ntrees_every = 501\n", &[], "keeps 1002 at least"),
        ("", &["rpc.listen"], "KEY=VALUE"),
        ("[rpc\n", &[], "config.toml"),
    ] {
        let refusal = load(file, overrides).unwrap_err();
        assert!(refusal.contains(reason), "{file:?}: {refusal}");
    }
}
