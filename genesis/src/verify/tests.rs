//! One good document; then one fault a row, each refused at its field for its own reason.

use ed25519_consensus::SigningKey;
use tributary_checkpoint::registration::register;
use tributary_crypto::BlsSecretKey;
use tributary_fvm::state::MemoryStore;
use tributary_primitives::{BlsSignature, EthAddress, SubnetId};

use super::*;
use crate::document::{GenesisAccount, GenesisCronEntry, Seal};
use crate::time::GenesisTime;
use crate::words::{Balance, ConsensusPublicKey};

fn validator(seed: u8) -> GenesisValidator {
    let bls = BlsSecretKey::from_bytes(&[seed; 32]).unwrap();
    GenesisValidator {
        name: Some(format!("validator {seed}")),
        consensus_key: ConsensusPublicKey(SigningKey::from([seed; 32]).verification_key().to_bytes()),
        bls_key: bls.public_key(),
        bls_possession: bls.prove_possession(),
        power: VotingPower(100),
        reward_address: Some(EthAddress([seed; 20])),
    }
}

fn account(seed: u8) -> GenesisAccount {
    GenesisAccount { address: EthAddress([seed; 20]).into(), balance: Balance(1_000) }
}

/// A child of two validators, two accounts and, so that its id does not depend on a compiler, an empty module for code.
fn good() -> Genesis {
    let mut genesis = Genesis::draft("brook-1", 31_416, SubnetId::root(31_415).child(100).unwrap());
    genesis.genesis_time = Some(GenesisTime::from_unix(1_763_640_000).unwrap());
    genesis.validators = vec![validator(1), validator(2)];
    genesis.accounts = vec![account(1), account(2)];
    genesis.code = vec![GenesisCode::new("checkpoint", WASM_HEADER.to_vec())];
    genesis.cron = vec![entry(2), entry(3)];
    genesis
}

fn entry(method: u64) -> GenesisCronEntry {
    GenesisCronEntry { receiver: EthAddress([3; 20]).into(), method }
}

#[test]
fn a_good_document_has_an_id_and_a_first_state() {
    let sealed = good().verify().unwrap();
    assert_eq!(sealed.genesis_id().to_string(), include_str!("../../vectors/genesis_id").trim());
    assert_eq!(sealed.supply().atto(), &2_000.into());
    let store = MemoryStore::default();
    assert_eq!(sealed.build_state(&store).unwrap(), sealed.state_root());
}

#[test]
fn a_sealed_document_reads_back_and_verifies_as_itself() {
    let sealed = good().verify().unwrap();
    let read = Genesis::from_json(sealed.genesis().to_json().as_bytes()).unwrap();
    assert_eq!(read.verify(), Ok(sealed));
}

#[test]
fn a_draft_with_the_checkpoint_actor_verifies() {
    let mut genesis = good();
    genesis.code = Genesis::draft("brook-1", 31_416, SubnetId::root(31_415)).code;
    assert!(genesis.verify().is_ok());
}

#[test]
fn a_verified_document_can_be_registered_with_its_parent() {
    let genesis = good();
    let registration = register(
        genesis.parent.as_ref().unwrap(),
        genesis.subnet.actor().unwrap(),
        genesis.parameters.checkpoint_period,
        &genesis.candidates(),
        bls::verify,
    )
    .unwrap();
    assert_eq!(registration.subnet, genesis.subnet);
    assert_eq!(registration.validators.len(), genesis.validators.len());
}

#[test]
fn an_account_of_a_bls_key_holds_tokens_from_the_start() {
    let f3 = BlsSecretKey::from_bytes(&[9; 32]).unwrap().f3_address().to_string();
    let mut genesis = good();
    genesis.accounts.push(GenesisAccount { address: f3.parse().unwrap(), balance: Balance(7) });
    let sealed = genesis.verify().unwrap();
    assert_eq!(sealed.supply().atto(), &2_007.into());
    let json = sealed.genesis().to_json();
    assert!(json.contains(&f3), "{json}");
    assert_eq!(Genesis::from_json(json.as_bytes()).unwrap().verify(), Ok(sealed));
}

#[test]
fn each_fault_is_refused_at_its_field_for_its_own_reason() {
    type Fault = fn(&mut Genesis);
    let rows: [(Fault, &str, &str); 41] = [
        (|genesis| genesis.version = 2, "version", "this program reads 1"),
        (|genesis| genesis.chain_name = "brook".into(), "chain_name", "a revision from 1"),
        (|genesis| genesis.chain_name = "brook-0".into(), "chain_name", "a revision from 1"),
        (|genesis| genesis.chain_name = "brook-01".into(), "chain_name", "a revision from 1"),
        (|genesis| genesis.chain_name = "Brook-1".into(), "chain_name", "a-z"),
        (|genesis| genesis.chain_name = "-1".into(), "chain_name", "starts with a letter"),
        (|genesis| genesis.chain_name = format!("{}-1", "b".repeat(49)), "chain_name", "at most 50"),
        (|genesis| genesis.chain_id = 0, "chain_id", "must be 1 to"),
        (|genesis| genesis.chain_id = CHAIN_ID_MAX + 1, "chain_id", "must be 1 to"),
        (|genesis| genesis.chain_id = 31_415, "chain_id", "is the root's chain id"),
        (|genesis| (genesis.subnet, genesis.parent) = (SubnetId::root(7), None), "subnet", "/r31416"),
        (|genesis| genesis.parent = None, "parent", "no parent where the subnet id says /r31415"),
        (|genesis| genesis.parent = Some(SubnetId::root(7)), "parent", "/r7 where the subnet id says /r31415"),
        (|genesis| genesis.genesis_time = None, "genesis_time", "missing"),
        (|genesis| genesis.validators.clear(), "validators", "0 entries; there must be 1 to 256"),
        (|genesis| genesis.validators = vec![validator(1); 257], "validators", "257 entries"),
        (|genesis| genesis.validators[1].name = Some(String::new()), "validators[1].name", "printable"),
        (|genesis| genesis.validators[1].name = Some("n".repeat(65)), "validators[1].name", "printable"),
        (|genesis| genesis.validators[1].name = Some("\u{1b}[2J".into()), "validators[1].name", "printable"),
        (|genesis| genesis.validators[1].consensus_key.0 = [2; 32], "validators[1].consensus_key", "no ed25519"),
        (
            |genesis| genesis.validators[1].consensus_key = genesis.validators[0].consensus_key,
            "validators[1].consensus_key",
            "the same as validators[0].consensus_key",
        ),
        (
            |genesis| {
                let first = genesis.validators[0].clone();
                genesis.validators[1] =
                    GenesisValidator { consensus_key: genesis.validators[1].consensus_key, ..first };
            },
            "validators[1].bls_key",
            "the same as validators[0].bls_key",
        ),
        (|genesis| genesis.validators[1].power = VotingPower(0), "validators[1].power", "more than 0"),
        (|genesis| genesis.validators[1].power = VotingPower::TOTAL_MAX, "validators", "adds up to more"),
        (
            |genesis| genesis.validators[1].bls_possession = BlsSignature([0; 96]),
            "validators[1].bls_possession",
            "no proof of possession",
        ),
        (
            |genesis| genesis.validators[1].reward_address = Some(EthAddress::from_actor_id(100)),
            "validators[1].reward_address",
            "stands for an actor id",
        ),
        (|genesis| genesis.accounts[1] = genesis.accounts[0], "accounts[1].address", "the same as accounts[0].address"),
        (|genesis| genesis.accounts[1].balance = Balance(u128::MAX), "accounts", "add up to 2^128"),
        (|genesis| genesis.accounts = vec![account(1); 65_537], "accounts", "65537 entries"),
        (|genesis| genesis.code.clear(), "code", "no code is called \"checkpoint\""),
        (|genesis| genesis.code = vec![genesis.code[0].clone(); 65], "code", "65 entries"),
        (
            |genesis| genesis.code.push(GenesisCode::new("Counter", [WASM_HEADER, b"c"].concat())),
            "code[1].name",
            "of a-z, 0-9 and hyphen",
        ),
        (
            |genesis| genesis.code.push(GenesisCode::new("checkpoint", [WASM_HEADER, b"c"].concat())),
            "code[1].name",
            "the same as code[0].name",
        ),
        (
            |genesis| genesis.code.push(GenesisCode::new("counter", b"\x7fELF".to_vec())),
            "code[1].wasm",
            "no WASM module",
        ),
        (|genesis| genesis.code[0].wasm.push(0), "code[0].cid", "where the code's hash is"),
        (|genesis| genesis.cron[1].method = 0, "cron[1].method", "0 only sends value"),
        (|genesis| genesis.cron[1].method = 1, "cron[1].method", "1 is the constructor"),
        (|genesis| genesis.cron[1] = genesis.cron[0], "cron[1]", "the same as cron[0]"),
        (|genesis| genesis.cron = vec![entry(2); 17], "cron", "17 entries; there must be 0 to 16"),
        (
            |genesis| genesis.parameters.cron_entry_gas = 10_000_000_001,
            "parameters.cron_entry_gas",
            "must be 1000000 to 10000000000",
        ),
        (
            |genesis| genesis.parameters.block_gas_limit = 10_000_000_001,
            "parameters.block_gas_limit",
            "10000000001 gas must be 1000000 to",
        ),
    ];
    for (fault, path, reason) in rows {
        let mut genesis = good();
        fault(&mut genesis);
        let Err(GenesisRejected::Violations(violations)) = genesis.verify() else { panic!("{path}: {reason}") };
        let paths: Vec<_> = violations.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, [path], "one fault, one violation");
        let told = violations[0].to_string();
        assert!(told.contains(reason), "{told}");
    }
}

#[test]
fn code_past_its_bound_is_refused() {
    let mut genesis = good();
    let long = [WASM_HEADER, &vec![0; CODE_BYTES_MAX]].concat();
    genesis.code.push(GenesisCode::new("long", long));
    assert_eq!(
        genesis.violations(),
        [Violation {
            path: "code[1].wasm".to_owned(),
            rule: Rule::CodeSize { bytes: CODE_BYTES_MAX + WASM_HEADER.len() },
        }]
    );
}

#[test]
fn cron_entries_take_no_longer_together_than_a_block() {
    let mut genesis = good();
    (genesis.parameters.cron_entry_gas, genesis.parameters.block_gas_limit) = (1_000_000_001, 4_000_001);
    let told = genesis.violations().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            "cron: 2 entries may use 4000002 gas together, of cron_entry_gas each; at most block_gas_limit, which is 4000001"
        ]
    );
    genesis.parameters.block_gas_limit += 1;
    assert_eq!(genesis.violations(), []);
    genesis.cron.clear();
    genesis.parameters.block_gas_limit = 1_000_000;
    assert_eq!(genesis.violations(), [], "who lists nobody need not care");
}

#[test]
fn all_broken_rules_are_told_at_once() {
    let mut genesis = good();
    genesis.chain_id = 0;
    genesis.validators[0].power = VotingPower(0);
    let told = genesis.verify().unwrap_err().to_string();
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.starts_with("the document breaks 2 rules:"), "{told}");
}

#[test]
fn a_document_changed_after_sealing_is_refused() {
    let sealed = good().verify().unwrap();
    let mut changed = sealed.genesis().clone();
    changed.accounts[0].balance = Balance(1_001);
    let Err(GenesisRejected::Violations(violations)) = changed.verify() else { panic!("the seal holds no more") };
    let paths: Vec<_> = violations.iter().map(|violation| violation.path.as_str()).collect();
    assert_eq!(paths, ["seal.genesis_id", "seal.state_root"]);
    let swapped = Seal { genesis_id: sealed.state_root(), state_root: sealed.state_root() };
    assert!(Genesis { seal: Some(swapped), ..good() }.verify().is_err());
}

#[test]
fn every_part_of_the_document_is_in_its_id() {
    type Change = fn(&mut Genesis);
    let changes: [Change; 14] = [
        |genesis| genesis.chain_name = "brook-2".into(),
        |genesis| genesis.chain_id = 31_417,
        |genesis| {
            genesis.subnet = SubnetId::root(31_415).child(101).unwrap();
        },
        |genesis| genesis.genesis_time = Some(GenesisTime::from_unix(1).unwrap()),
        |genesis| genesis.validators.swap(0, 1),
        |genesis| genesis.validators[0].power = VotingPower(101),
        |genesis| genesis.validators[0].name = None,
        |genesis| genesis.validators[0].reward_address = None,
        |genesis| genesis.accounts.swap(0, 1),
        |genesis| genesis.accounts[0].balance = Balance(1_001),
        |genesis| genesis.code.push(GenesisCode::new("more", [WASM_HEADER, b"c"].concat())),
        |genesis| genesis.cron.swap(0, 1),
        |genesis| genesis.cron[0].receiver = EthAddress([4; 20]).into(),
        |genesis| genesis.parameters.heartbeat_ms += 1,
    ];
    let mut ids = vec![good().verify().unwrap().genesis_id()];
    for change in changes {
        let mut genesis = good();
        change(&mut genesis);
        ids.push(genesis.verify().unwrap().genesis_id());
    }
    for (position, id) in ids.iter().enumerate() {
        assert!(!ids[..position].contains(id), "change {position} leaves the id as it was");
    }
}

#[test]
fn what_is_no_document_is_refused_before_any_rule_is_asked() {
    let json = good().to_json();
    let too_large = " ".repeat(DOCUMENT_BYTES_MAX + 1);
    let rows = [
        (json.replacen("\"chain_name\"", "\"chain_nam\"", 1), "unknown field `chain_nam`"),
        (json.replacen("\"power\"", "\"powr\"", 1), "unknown field `powr`"),
        (json.replacen("\"heartbeat_ms\"", "\"heartbeat\"", 1), "unknown field `heartbeat`"),
        (json.replacen("\"chain_id\"", "\"chain_name\"", 1), "duplicate field `chain_name`"),
        (json.replacen("\"1000\"", "1000", 1), "invalid type"),
        (json.replacen("\"1000\"", "\"-1000\"", 1), "not a whole number"),
        (json.replacen("0x0101010101010101010101010101010101010101", "0x01", 1), "hex of 2 digits"),
        (json.replacen("0x0303030303030303030303030303030303030303", "f03", 1), "is no actor that can be called"),
        (json.replacen("2025-11-20T12", "2025-11-31T12", 1), "is not a time"),
        (json.replacen("\"cid\": \"b", "\"cid\": \"!", 1), "is no CID"),
        (json.replacen("\"wasm\": \"", "\"wasm\": \"?", 1), "no base64"),
        (json[..json.len() - 3].to_owned(), "EOF"),
        (format!("{json}{json}"), "trailing"),
        (too_large, "at most 67108864 are read"),
    ];
    for (text, reason) in rows {
        assert_ne!(text, json, "{reason}");
        let told = Genesis::from_json(text.as_bytes()).unwrap_err().to_string();
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[test]
fn a_document_may_leave_out_what_has_a_default() {
    let json = r#"{"version": 1, "chain_name": "river-1", "chain_id": 7, "subnet": "/r7"}"#;
    let genesis = Genesis::from_json(json.as_bytes()).unwrap();
    let paths: Vec<_> = genesis.violations().into_iter().map(|violation| violation.path).collect();
    assert_eq!(paths, ["genesis_time", "validators", "code"]);
}
