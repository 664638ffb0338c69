use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::event::{Entry, Flags};
use serde_json::{Value, json};
use tributary_fvm::{BlockEnv, CodeInstaller, Event, ExecutionParams, Receipt, Stats, Workers};
use tributary_primitives::{EthAddress, Hash32, Height, cbor_cid, raw_cid};

use super::*;

/// One of everything, no two fields alike.
fn dump() -> Dump<Recorded> {
    let env = BlockEnv {
        height: Height(7),
        timestamp_s: 1_700_000_000,
        proposer: EthAddress([1; 20]),
        base_fee: u64::MAX,
        gas_limit: 30_000_000,
        chain_id: 31_415,
        previous_hash: Hash32([2; 32]),
        prev_randao: Hash32([3; 32]),
    };
    let params = ExecutionParams {
        fvm_gas_per_gas: 500,
        genesis_supply: TokenAmount::from_atto(10_u128.pow(30)),
        code_installer: CodeInstaller::Actor(100),
        cron_entry_gas: 5,
    };
    let entry = Entry { flags: Flags::FLAG_INDEXED_ALL, key: "t1".to_owned(), codec: 0x55, value: vec![0xfe, 1] };
    let event = Event { emitter: 9, address: EthAddress([4; 20]), said: vec![entry].into() };
    let receipt = Receipt {
        transaction: Hash32([5; 32]),
        exit_code: ExitCode::new(33),
        gas_used: 21_000,
        fvm_gas_used: 6,
        effective_gas_price: TokenAmount::from_atto(8),
        return_data: vec![0, 0xff],
        contract: Some(EthAddress([6; 20])),
        events: vec![event],
        skipped: false,
    };
    let receipts = vec![receipt, Receipt::skipped(Hash32([7; 32]), ExitCode::OK)];
    let live = BlockOutcome { state_root: cbor_cid(b"after"), receipts, gas_used: 21_000, cron_gas_used: 4 };
    let blocks = [(cbor_cid(&[0x80]), vec![0x80]), (raw_cid(b"code"), b"code".to_vec())];
    let state = Recorded { blocks: blocks.into(), ..Recorded::default() };
    let case = Case { parent_root: cbor_cid(&[0x80]), env, params, block: vec![1, 2, 3] };
    let execution = Execution::Parallel { workers: Workers::new(4), gave_up: true };
    Dump { case, live: live.clone(), execution, in_order: Ok(live), state, is_cut: true }
}

#[test]
fn a_dump_reads_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let good = dump();
    let parallel = |threads| Execution::Parallel { workers: Workers::new(threads), gave_up: false };
    for (at, in_order, installer, execution) in [
        ("a", good.in_order.clone(), CodeInstaller::Actor(100), good.execution),
        ("b", Err("no thread".to_owned()), CodeInstaller::Nobody, Execution::InOrder),
        ("c", good.in_order.clone(), CodeInstaller::Anyone, parallel(2)),
        ("d", good.in_order.clone(), CodeInstaller::Anyone, parallel(Workers::MAX)),
    ] {
        let params = ExecutionParams { code_installer: installer, ..good.case.params.clone() };
        let written = Dump { execution, in_order, case: Case { params, ..good.case.clone() }, ..dump() };
        let path = written.write(&directory.path().join(at)).unwrap();
        assert!(path.ends_with("block-7"));
        let read = Dump::read(&path).unwrap();
        assert_eq!((read.case, read.live, read.in_order), (written.case, written.live, written.in_order));
        assert_eq!((read.state.blocks().len(), read.execution, read.is_cut), (2, execution, true));
        assert_eq!(read.state.get(&raw_cid(b"code")).unwrap().as_deref(), Some(&b"code"[..]));
    }
}

#[test]
fn a_dump_that_is_there_is_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    dump().write(directory.path()).unwrap();
    let refusal = Dump { is_cut: false, ..dump() }.write(directory.path()).unwrap_err().to_string();
    assert!(refusal.contains("block-7") && refusal.contains("exists"), "{refusal}");
    assert!(Dump::read(&directory.path().join("block-7")).unwrap().is_cut);
}

#[test]
fn how_a_node_ran_a_block_is_one_of_its_ways_on_as_many_threads_as_a_block_may_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = dump().write(directory.path()).unwrap();
    let case: Value = serde_json::from_slice(&fs::read(path.join(CASE)).unwrap()).unwrap();
    assert_eq!(case["execution"], json!({"parallel": {"threads": 4, "gave_up": true}}));
    let of = |execution: Value| {
        let mut case = case.clone();
        case["execution"] = execution;
        fs::write(path.join(CASE), case.to_string()).unwrap();
        Dump::read(&path).map(|dump| (dump.execution.way(), dump.execution.workers().threads()))
    };
    assert_eq!(of(json!("in_order")).unwrap(), ("in_order", 1));
    assert_eq!(of(json!({"parallel": {"threads": 2, "gave_up": false}})).unwrap(), ("parallel", 2));
    assert_eq!(of(json!({"parallel": {"threads": 32, "gave_up": true}})).unwrap(), ("parallel_then_in_order", 32));
    for wrong in [
        json!({"parallel": {"threads": 1, "gave_up": false}}),
        json!({"parallel": {"threads": 33, "gave_up": false}}),
        json!({"parallel": {"threads": 4}}),
        json!({"parallel": {"threads": 4, "gave_up": false, "lanes": 2}}),
        json!("parallel"),
        json!("backwards"),
        Value::Null,
    ] {
        let refusal = of(wrong.clone()).unwrap_err().to_string();
        assert!(refusal.contains("case.json is not what a node writes there"), "{wrong}: {refusal}");
    }
    let mut without = case.clone();
    without.as_object_mut().unwrap().remove("execution");
    fs::write(path.join(CASE), without.to_string()).unwrap();
    let refusal = Dump::read(&path).unwrap_err().to_string();
    assert!(refusal.contains("execution"), "{refusal}");
}

#[test]
fn how_a_block_ran_follows_from_its_threads_and_from_whether_they_gave_up() {
    for (threads, is_closed, way) in
        [(1, false, "in_order"), (4, false, "parallel"), (4, true, "parallel_then_in_order")]
    {
        let execution = Execution::of(Workers::new(threads), Stats { is_closed, ..Stats::default() });
        assert_eq!((execution.way(), execution.workers()), (way, Workers::new(threads)));
    }
}

#[test]
fn each_fault_of_a_dump_is_refused_with_its_file() {
    type Fault = fn(&Path);
    let rows: [(&str, Fault); 6] = [
        ("case.json: No such file", |dump| fs::remove_file(dump.join(CASE)).unwrap()),
        ("case.json is not what a node writes there", |dump| fs::write(dump.join(CASE), "{}").unwrap()),
        ("live.json is not what a node writes there", |dump| fs::write(dump.join(LIVE), "[]").unwrap()),
        ("in_order.json is not", |dump| fs::write(dump.join(IN_ORDER), "{\"outcome\": 1}").unwrap()),
        ("the file ends early", |dump| fs::write(dump.join(STATE), "").unwrap()),
        ("and the block runs on", |dump| {
            let car = CarWriter::new(Vec::new(), &cbor_cid(b"other")).unwrap().into_inner();
            fs::write(dump.join(STATE), car).unwrap();
        }),
    ];
    for (reason, fault) in rows {
        let directory = tempfile::tempdir().unwrap();
        let path = dump().write(directory.path()).unwrap();
        fault(&path);
        let refusal = Dump::read(&path).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{refusal} is not {reason}");
    }
}
