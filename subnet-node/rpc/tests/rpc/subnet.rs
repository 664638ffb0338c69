//! The `subnet_` namespace, read by its own views.

use std::collections::BTreeMap;

use fvm_shared::econ::TokenAmount;
use serde_json::{Value, json};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_fvm::{AccountOverride, BlockOverrides, Overrides, StorageOverride};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{BlsSignature, EntryKey, EthAddress, Hash32, Height, SignerBitmap, SubnetId, cbor_cid};
use tributary_rpc::backend::Backend as _;
use tributary_rpc::subnet::view::{
    Actor, CallResult, Certificate, EstimatedMessage, Genesis, MessageReceipt, Status, Validators,
};

use crate::fixture::{alice, hex, log_input, message, serve, signed};
use crate::ledger::CHAIN_ID;
use crate::machine::{BURNER, EMITTER, FVM_GAS_PER_GAS, GAS, REVERTER, contract};

pub fn certificate(height: u64, previous: Option<&CheckpointCertificate>) -> CheckpointCertificate {
    let mut signers = SignerBitmap::none_of(4).unwrap();
    [0, 2, 3].into_iter().for_each(|position| signers.insert(position));
    let checkpoint = Checkpoint {
        subnet: SubnetId::root(CHAIN_ID).child(100).unwrap(),
        height: Height(height),
        block_hash: Hash32([5; 32]),
        state_root: cbor_cid(b"state"),
        previous: previous.map(|previous| previous.checkpoint.cid()),
        outbox_root: cbor_cid(b"outbox"),
        outbox_count: 3,
        configuration: ConfigurationNumber::FIRST,
        supply: TokenAmount::from_whole(2_000),
    };
    CheckpointCertificate { checkpoint, signers, signature: BlsSignature([6; 96]) }
}

#[tokio::test]
async fn a_node_says_where_it_stands() {
    let served = serve().await;
    let hash = served.ledger.make_block();
    served.ledger.certify(certificate(2, None));
    served.ledger.finalize(1);
    let status: Status = served.ask("subnet_status", json!([])).await;
    let expected = Status {
        subnet: SubnetId::root(CHAIN_ID).child(100).unwrap(),
        chain_id: CHAIN_ID,
        height: Height(1),
        block_hash: hash,
        time_ms: 1_700_000_000_900,
        base_fee: 1_000,
        fvm_base_fee: 2,
        certified_height: Some(Height(2)),
        finalized_height: Some(Height(1)),
        peers: 3,
        syncing_to: None,
        client_version: "subnet-node/test".to_owned(),
    };
    assert_eq!(status, expected);
}

#[tokio::test]
async fn genesis_names_the_network_and_what_it_fixed() {
    let served = serve().await;
    let genesis: Genesis = served.ask("subnet_genesis", json!([])).await;
    assert_eq!(genesis.genesis_id, cbor_cid(b"genesis").to_string());
    assert_eq!((genesis.chain_name.as_str(), genesis.chain_id), ("ledger-1", CHAIN_ID));
    assert_eq!((genesis.fvm_gas_per_gas, genesis.checkpoint_period), (FVM_GAS_PER_GAS, 2));
    assert_eq!(genesis.block_hash, served.ledger.tip().hash);
}

#[tokio::test]
async fn validators_stand_in_the_order_of_the_bitmap() {
    let served = serve().await;
    let latest: Validators = served.ask("subnet_validators", json!([])).await;
    let next: Validators = served.ask("subnet_validators", json!([1])).await;
    assert_eq!((latest.height, next.height, latest.total_power.0), (Height(0), Height(1), 40));
    let keys = latest.validators.iter().map(|validator| validator.consensus_key.0[0]).collect::<Vec<_>>();
    assert_eq!((keys, latest.configuration), (vec![0, 1, 2, 3], 1));
}

#[tokio::test]
async fn certificates_are_shown_and_their_bytes_are_what_the_parent_takes() {
    let served = serve().await;
    let first = certificate(2, None);
    let second = certificate(4, Some(&first));
    served.ledger.certify(first.clone());
    served.ledger.certify(second.clone());

    let latest: Certificate = served.ask("subnet_latestCertificate", json!([])).await;
    assert_eq!(fvm_ipld_encoding::from_slice::<CheckpointCertificate>(&latest.cbor.0).unwrap(), second);
    assert_eq!((latest.signers.as_slice(), latest.checkpoint.height), (&[0, 2, 3][..], Height(4)));
    assert_eq!(latest.checkpoint.previous, Some(first.checkpoint.cid().to_string()));
    assert_eq!(latest.checkpoint.supply, "2000000000000000000000");

    assert_eq!(served.ask::<Certificate>("subnet_certificate", json!([4])).await, latest);
    assert_eq!(served.ask::<Value>("subnet_certificate", json!([3])).await, Value::Null);
    for (from, limit, heights) in [(0, 9, vec![2, 4]), (0, 1, vec![2]), (3, 9, vec![4]), (5, 9, vec![])] {
        let found: Vec<Certificate> = served.ask("subnet_checkpoints", json!([from, limit])).await;
        let found = found.iter().map(|certificate| certificate.checkpoint.height.0).collect::<Vec<_>>();
        assert_eq!(found, heights, "from {from}, at most {limit}");
    }
}

#[tokio::test]
async fn a_message_is_sent_in_either_spelling_and_has_a_receipt() {
    use base64::Engine as _;
    let served = serve().await;
    let spelled = [
        hex(message(0, EMITTER, &log_input(&[1], b"a")).raw()),
        base64::engine::general_purpose::STANDARD.encode(message(1, EMITTER, &[0xff]).raw()),
    ];
    let mut names = Vec::new();
    for text in spelled {
        names.push(served.ask::<Hash32>("subnet_sendMessage", json!([text])).await);
    }
    assert_eq!(served.ask::<u64>("subnet_nonce", json!([alice().f1_address().to_string()])).await, 2, "both wait");
    let block_hash = served.ledger.make_block();
    let shapes = [vec!["t1", "d"], vec!["name"]];
    for (index, (hash, keys)) in names.into_iter().zip(shapes).enumerate() {
        let receipt: MessageReceipt = served.ask("subnet_getMessageReceipt", json!([hash])).await;
        assert_eq!(
            (receipt.hash, receipt.height, receipt.block_hash, receipt.index),
            (hash, Height(1), block_hash, index)
        );
        assert_eq!((receipt.exit_code, receipt.gas_used, receipt.block_gas_used), (0, GAS * FVM_GAS_PER_GAS, GAS));
        assert_eq!((receipt.effective_gas_price.as_str(), receipt.skipped), ("3", false));
        let [event] = receipt.events.as_slice() else { panic!("one event") };
        assert_eq!((event.emitter.as_str(), event.eth_address), ("f0100", contract(EMITTER)));
        assert_eq!(
            event.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(),
            keys,
            "events of every shape"
        );
    }
}

#[tokio::test]
async fn an_ethereum_transaction_has_a_receipt_here_too() {
    let served = serve().await;
    let sent = signed(0, contract(REVERTER), b"no");
    served.ask::<Hash32>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    served.ledger.make_block();
    let receipt: MessageReceipt = served.ask("subnet_getMessageReceipt", json!([sent.hash()])).await;
    assert_eq!((receipt.exit_code, receipt.return_data.0.as_slice(), receipt.gas_used), (33, &b"no"[..], 0));
}

#[tokio::test]
async fn a_call_tells_its_exit_code_and_is_no_error() {
    let served = serve().await;
    for (to, params, exit_code, returned, events) in
        [("f0100", "0x0061", 0, "0x", 1), ("f0101", "0x1234", 33, "0x1234", 0), ("f0999", "0x80", 0, "0x80", 0)]
    {
        let call =
            json!({"from": "f00", "to": to, "method": 5, "params": params, "gas_limit": 50_000_000, "value": "0"});
        for parameters in [json!([call]), json!([call, 0])] {
            let result: CallResult = served.ask("subnet_call", parameters).await;
            let receipt = &result.msg_rct;
            assert_eq!((receipt.exit_code, hex(&receipt.return_data.0).as_str()), (exit_code, returned), "{to}");
            assert_eq!((receipt.gas_used, result.events.len()), (GAS * FVM_GAS_PER_GAS, events));
            assert_eq!(result.error.is_empty(), exit_code == 0, "{}", result.error);
        }
    }
}

#[tokio::test]
async fn messages_are_written_and_answered_in_filecoins_names() {
    let served = serve().await;
    let call = json!({"Version": 0, "From": "f00", "To": "f0100", "Nonce": 0, "Value": "0", "GasLimit": 0, "GasFeeCap": "0",
        "GasPremium": "0", "Method": 5, "Params": "AGE="});
    let result: Value = served.ask("subnet_call", json!([call])).await;
    assert_eq!(result["MsgRct"], json!({"ExitCode": 0, "Return": "0x", "GasUsed": GAS * FVM_GAS_PER_GAS}));
    assert_eq!(result["Error"], "");
    let event = &result["Events"][0];
    assert_eq!((&event["Emitter"], &event["Entries"][0]["Key"]), (&json!("f0100"), &json!("d")));
    let estimated: Value = served.ask("subnet_estimateMessageGas", json!([call])).await;
    let expected = json!({"Version": 0, "From": "f00", "To": "f0100", "Nonce": 0, "Value": "0",
        "GasLimit": GAS * FVM_GAS_PER_GAS, "GasFeeCap": "4", "GasPremium": "0", "Method": 5, "Params": "0x0061", "BaseFee": 2});
    assert_eq!(estimated, expected);
    served.ask::<Value>("subnet_call", json!([{"From": "f00", "To": "f0100", "Params": estimated["Params"]}])).await;

    let sent = message(0, EMITTER, &[0xff]);
    served.ask::<Hash32>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    served.ledger.make_block();
    let receipt: Value = served.ask("subnet_getMessageReceipt", json!([sent.hash()])).await;
    let mut members: Vec<_> = receipt.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = [
        "BlockGasUsed",
        "BlockHash",
        "EffectiveGasPrice",
        "Events",
        "ExitCode",
        "GasUsed",
        "Hash",
        "Height",
        "Index",
        "Return",
        "Skipped",
    ];
    assert_eq!(members, expected);
    assert_eq!((&receipt["ExitCode"], &receipt["Return"]), (&json!(0), &json!("0x")));
}

#[tokio::test]
async fn an_estimate_gives_the_limit_and_the_price() {
    let served = serve().await;
    let call = |to: u64| json!([{"from": alice().f1_address().to_string(), "to": format!("f0{to}"), "method": 2}]);
    let needed: EstimatedMessage = served.ask("subnet_estimateMessageGas", call(EMITTER)).await;
    assert_eq!((needed.message.gas_limit, needed.base_fee), (GAS * FVM_GAS_PER_GAS, 2));
    for (to, message) in [(BURNER, "out of gas (exit code 7)"), (REVERTER, "execution reverted (exit code 33)")] {
        let refusal = served.refusal("subnet_estimateMessageGas", call(to)).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (-32000, message));
    }
}

#[tokio::test]
async fn what_a_message_is_to_find_otherwise_reaches_the_state_that_it_runs_on() {
    let served = serve().await;
    let (alices, new) = (alice().f1_address().to_string(), EthAddress([9; 20]));
    let id: String = served.ask("subnet_resolve", json!([alices])).await;
    let accounts = json!({
        &alices: {"balance": "7", "nonce": 8},
        "f0100": {"code": "0x60", "slots": {"0x3": "0x4"}},
        new.to_string(): {"balance": "5"},
        "f0777": {"state": "0x80", "entries": {"0x6b": "0x0102", "0x6c": null}},
    });
    let word = |last: u8| Hash32([&[0; 31][..], &[last]].concat().try_into().unwrap());
    let key = |key: &[u8]| EntryKey::new(key).unwrap();
    let masked = |id: &str| EthAddress::from_actor_id(id.trim_start_matches("f0").parse().unwrap());
    let balance = |atto: u64| Some(TokenAmount::from_atto(atto));
    let expected = BTreeMap::from([
        (masked(&id), AccountOverride { balance: balance(7), nonce: Some(8), ..AccountOverride::default() }),
        (
            contract(EMITTER),
            AccountOverride {
                code: Some(vec![0x60]),
                storage: StorageOverride::With(BTreeMap::from([(word(3), word(4))])),
                ..AccountOverride::default()
            },
        ),
        (new, AccountOverride { balance: balance(5), ..AccountOverride::default() }),
        (
            masked("f0777"),
            AccountOverride {
                state: Some(vec![0x80]),
                entries: BTreeMap::from([(key(b"k"), Some(vec![1, 2])), (key(b"l"), None)]),
                ..AccountOverride::default()
            },
        ),
    ]);
    // As eth_call takes it, and numbers as this namespace writes them.
    let block = json!({"number": 16, "time": "0x11", "gasLimit": 18, "feeRecipient": new, "prevRandao": word(5)});
    let otherwise = BlockOverrides {
        height: Some(Height(16)),
        timestamp_s: Some(17),
        gas_limit: Some(18),
        proposer: Some(new),
        prev_randao: Some(word(5)),
        base_fee: None,
    };
    let call = json!({"from": "f00", "to": "f0100", "method": 5});
    for method in ["subnet_call", "subnet_estimateMessageGas"] {
        served.ask::<Value>(method, json!([call, null, accounts])).await;
        assert_eq!(served.ledger.overrides(), Overrides { accounts: expected.clone(), ..Overrides::default() });
        served.ask::<Value>(method, json!([call, null, accounts, block])).await;
        let both = Overrides { accounts: expected.clone(), block: otherwise.clone() };
        assert_eq!(served.ledger.overrides(), both, "{method}");
        for nothing in
            [json!([call, 0, null]), json!([call, null, {}, {}]), json!([call, null, null, null]), json!([call])]
        {
            served.ask::<Value>(method, nothing).await;
            assert!(served.ledger.overrides().is_empty(), "{method}");
        }
    }
}

#[tokio::test]
async fn an_actor_is_found_by_each_of_its_addresses() {
    let served = serve().await;
    let eth = contract(EMITTER);
    let mut shown = Vec::new();
    for at in
        ["f0100".to_owned(), eth.to_address().to_string(), eth.to_string(), EthAddress::from_actor_id(100).to_string()]
    {
        shown.push(served.ask::<Actor>("subnet_getActor", json!([at])).await);
        assert_eq!(served.ask::<String>("subnet_resolve", json!([at])).await, "f0100", "{at}");
    }
    shown.dedup();
    let [actor] = shown.as_slice() else { panic!("one actor, shown alike") };
    assert_eq!((actor.id.as_str(), actor.builtin.as_deref()), ("f0100", Some("evm")));
    let (code, head) = (BuiltinActor::Evm.code().to_string(), cbor_cid(&[0x80]).to_string());
    assert_eq!((&actor.code.cid, &actor.head.cid), (&code, &head));
    assert_eq!((&actor.delegated_address, actor.eth_address), (&Some(eth.to_address().to_string()), eth));
    let key: Actor = served.ask("subnet_getActor", json!([alice().f1_address().to_string(), 0])).await;
    assert_eq!((key.balance.as_str(), key.delegated_address), ("1000000000000000000000", None));
    assert_eq!(key.eth_address, EthAddress::from_actor_id(key.id[2..].parse().unwrap()), "its id, masked");
}
