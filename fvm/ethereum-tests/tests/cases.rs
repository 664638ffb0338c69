//! Our own cases, in the public tests' format: what stands in each file is what stock revm gives, and our executor does it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tributary_ethereum_tests::alloc::Outcome;
use tributary_ethereum_tests::fixture::{self, Entry, Test};
use tributary_ethereum_tests::oracle::{self, Rules};
use tributary_ethereum_tests::transaction::Sent;
use tributary_ethereum_tests::{Fork, Report, Rule, executor, suite};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn tests() -> Vec<Test> {
    suite::files(&cases()).unwrap().iter().flat_map(|file| fixture::read(&file.path).unwrap()).collect()
}

fn by_revm(test: &Test, entry: &Entry) -> Outcome {
    let Sent::Signed(unsigned) = &entry.sent else { panic!("{} is never signed", test.name) };
    oracle::run(&test.env, &test.pre, unsigned, &Rules::of(Fork::Osaka)).unwrap()
}

#[test]
fn every_expectation_is_what_stock_revm_gives() {
    for test in tests() {
        for entry in &test.entries["Osaka"] {
            let (outcome, expected) = (by_revm(&test, entry), &entry.expected);
            let name = format!("{} {}", test.name, entry.label);
            assert_eq!(Some(&outcome.alloc), expected.state.as_ref(), "{name}");
            assert_eq!((outcome.root, outcome.logs), (expected.root, expected.logs), "{name}");
            assert_eq!(outcome.refusal.is_some(), expected.exception.is_some(), "{name}: {:?}", outcome.refusal);
        }
    }
}

#[test]
fn our_executor_passes_every_case() {
    let files = suite::files(&cases()).unwrap();
    let report = suite::run(&executor().unwrap(), &files, Fork::Osaka, NonZeroUsize::MIN, |_| ());
    assert_eq!(report.failures, []);
    let total = report.total();
    assert!(total.passed == total.all() && total.passed >= 30, "{report}");
}

/// Judges one file with this content, published for `fork`.
fn judge(content: &str, fork: Fork) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.json");
    std::fs::write(&path, content).unwrap();
    suite::run(&executor().unwrap(), &suite::files(&path).unwrap(), fork, NonZeroUsize::MIN, |_| ())
}

fn content(case: &str) -> String {
    std::fs::read_to_string(cases().join(format!("{case}.json"))).unwrap()
}

#[test]
fn a_wrong_expectation_fails_with_its_reason() {
    for (case, from, to, reason) in [
        ("transfer", "\"balance\": \"0x3e8\"", "\"balance\": \"0x3e9\"", "balance is 1000, should be 1001"),
        ("transfer", "\"hash\": \"0x", "\"hash\": \"0x00", "is no state test"),
        ("transfer", "\"transaction\"", "\"transection\"", "is no state test"),
        ("create", "\"logs\": \"0x1dcc4de8dec", "\"logs\": \"0x1dcc4de9dec", "logs hash is"),
        (
            "out_of_gas",
            "\"currentBaseFee\": \"0x0a\"",
            "\"currentBaseFee\": \"0x0b\"",
            "balance is 189000, should be 210000",
        ),
        ("refused", "\"0x01000001\"", "\"0x00fffff0\"", "published: TransactionException.GAS_LIMIT_EXCEEDS_MAXIMUM"),
    ] {
        let good = content(case);
        assert!(good.contains(from), "{from} is not in {case}");
        let report = judge(&good.replace(from, to), Fork::Osaka);
        let whys: Vec<_> = report.failures.iter().map(|failure| failure.why.as_str()).collect();
        assert!(!report.is_good() && whys.iter().any(|why| why.contains(reason)), "{case}: {whys:?}");
    }
}

#[test]
fn what_an_older_fork_expects_is_explained_by_the_rules_that_came_later() {
    for (case, label, rule) in [
        ("precompiles", "d0g0v0", Rule::BlsPrecompiles),
        ("precompiles", "d2g0v0", Rule::P256Precompile),
        ("precompiles", "d4g0v0", Rule::ModexpPrice),
        ("environment", "d0g0v0", Rule::CountLeadingZeros),
        ("refused_floor", "d0g0v0", Rule::CalldataFloor),
    ] {
        let test = tests().into_iter().find(|test| test.name == case).unwrap();
        let at = test.entries["Osaka"].iter().position(|entry| entry.label == label).unwrap();
        let Sent::Signed(unsigned) = &test.entries["Osaka"][at].sent else { panic!("{case} is never signed") };
        let then = oracle::run(&test.env, &test.pre, unsigned, &Rules::of(Fork::Cancun)).unwrap();
        let mut older: Value = serde_json::from_str(&content(case)).unwrap();
        let indexes = older[case]["post"]["Osaka"][at]["indexes"].clone();
        older[case]["post"] = json!({ "Cancun": [{ "indexes": indexes, "hash": then.root, "logs": then.logs }] });
        let report = judge(&older.to_string(), Fork::Cancun);
        assert_eq!(
            (report.total().fork_differences, report.total().all()),
            (1, 1),
            "{case} {label}: {:?}",
            report.failures
        );
        assert_eq!(report.rules.into_keys().collect::<Vec<_>>(), [rule], "{case} {label}");
    }
}

/// `create` with an edited environment and init code, expecting what stock revm gives in Osaka.
fn create_with(edit: impl Fn(&mut Value)) -> String {
    let mut case: Value = serde_json::from_str(&content("create")).unwrap();
    let mut entry = case["create"]["post"]["Osaka"][0].clone();
    entry.as_object_mut().unwrap().remove("state");
    case["create"]["post"]["Osaka"] = json!([entry]);
    edit(&mut case["create"]);
    let test = &fixture::parse(case.to_string().as_bytes()).unwrap()[0];
    let outcome = by_revm(test, &test.entries["Osaka"][0]);
    case["create"]["post"]["Osaka"][0]["hash"] = json!(outcome.root);
    case["create"]["post"]["Osaka"][0]["logs"] = json!(outcome.logs);
    case.to_string()
}

#[test]
fn each_way_of_ours_has_its_name() {
    // What `create` makes, at nonce 0.
    let made = "0x6295ee1b4f6dd65047762f924ecd367c17eabf8f";
    let destroyed = create_with(|case| {
        case["env"]["currentCoinbase"] = json!(made);
        case["transaction"]["data"][0] = json!("0x30ff");
    });
    let blob_price = create_with(|case| {
        case["env"]["currentExcessBlobGas"] = json!("0x10000000");
        case["transaction"]["data"][0] = json!("0x4a5f55");
    });
    let large = create_with(|case| {
        case["transaction"]["to"] = json!(made);
        case["transaction"]["gasLimit"][0] = json!("0x01000000");
        case["transaction"]["data"][0] = json!(format!("0x{}", "00".repeat(128 << 10)));
    });
    let blobs = create_with(|_| ()).replace("\"gasPrice\"", "\"maxFeePerBlobGas\":\"0x01\",\"gasPrice\"");
    let actor = create_with(|case| {
        case["pre"]["0xff00000000000000000000000000000000000001"] =
            case["pre"].as_object().unwrap()["0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"].clone();
    });
    for (case, rule) in [
        (destroyed, Rule::TipsAtTheEnd),
        (blob_price, Rule::NoBlobPrice),
        (large, Rule::TransactionBytes),
        (blobs, Rule::NoBlobs),
        (actor, Rule::ActorAddress),
    ] {
        let report = judge(&case, Fork::Osaka);
        assert_eq!(report.failures, []);
        assert_eq!(report.rules.into_keys().collect::<Vec<_>>(), [rule]);
    }
}

#[test]
fn the_program_teaches_counts_and_says_by_its_exit_code_whether_all_is_well() {
    let run = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_ethereum-tests")).args(arguments).output().unwrap();
    let cases = cases();
    let cases = cases.to_str().unwrap();
    let help = run(&["--help"]);
    assert!(String::from_utf8(help.stdout).unwrap().contains("git clone"));
    let good = run(&["--jobs", "2", cases]);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    assert!(String::from_utf8(good.stdout).unwrap().contains("| **all** |"));
    let json: Value = serde_json::from_slice(&run(&["--json", cases]).stdout).unwrap();
    assert_eq!((json["total"]["failed"].as_u64(), json["fork"].as_str()), (Some(0), Some("Osaka")));
    let nothing = run(&["--fork", "Prague", cases]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("no entry for Prague"));
    assert_eq!(run(&["--fork", "London", cases]).status.code(), Some(2));
}
