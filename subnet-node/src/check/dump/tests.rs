use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::event::{Entry, Flags};
use tributary_fvm::{BlockEnv, CodeInstaller, Event, ExecutionParams, Receipt};
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
    Dump { case, live: live.clone(), in_order: Ok(live), state, is_cut: true }
}

#[test]
fn a_dump_reads_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let good = dump();
    for (at, in_order, installer) in [
        ("a", good.in_order.clone(), CodeInstaller::Actor(100)),
        ("b", Err("no thread".to_owned()), CodeInstaller::Nobody),
        ("c", good.in_order.clone(), CodeInstaller::Anyone),
    ] {
        let params = ExecutionParams { code_installer: installer, ..good.case.params.clone() };
        let written = Dump { in_order, case: Case { params, ..good.case.clone() }, ..dump() };
        let path = written.write(&directory.path().join(at)).unwrap();
        assert!(path.ends_with("block-7"));
        let read = Dump::read(&path).unwrap();
        assert_eq!((read.case, read.live, read.in_order), (written.case, written.live, written.in_order));
        assert_eq!((read.state.blocks().len(), read.is_cut), (2, true));
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
