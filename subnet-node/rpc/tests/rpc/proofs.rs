//! A proof convinces who knows the validators, and no one needs to believe the node.

use fvm_shared::econ::TokenAmount;
use serde_json::{Value, json};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate, Registration, Validator};
use tributary_crypto::{BlsSecretKey, bls};
use tributary_fvm::state::MemoryStore;
use tributary_fvm::state::history::HISTORY_ADDRESS;
use tributary_fvm::{GenesisAccount, GenesisState, build_genesis_state};
use tributary_primitives::{Hash32, Height, SignerBitmap, SubnetId, VotingPower, cbor_cid};
use tributary_proof::{Actor, Proof, Proven, Trusted};

use crate::fixture::{Served, alice, bob, serve};
use crate::ledger::{CHAIN_ID, TOO_LARGE};

fn keys() -> Vec<BlsSecretKey> {
    (1..=4_u8).map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).collect()
}

fn subnet() -> SubnetId {
    SubnetId::root(CHAIN_ID).child(100).unwrap()
}

fn trusted() -> Trusted {
    let validator = |key: &BlsSecretKey| Validator { key: key.public_key(), power: VotingPower(10) };
    Trusted::registered(Registration {
        subnet: subnet(),
        checkpoint_period: 2,
        configuration: ConfigurationNumber::FIRST,
        validators: keys().iter().map(validator).collect(),
    })
}

/// A state where Alice has so many tokens, certified as that after the block at `height`.
fn certified(trees: &MemoryStore, height: u64, tokens: i64) -> CheckpointCertificate {
    let rich = GenesisAccount { address: alice().eth_address().to_address(), balance: TokenAmount::from_whole(tokens) };
    let genesis = GenesisState { chain_name: "ledger-1".to_owned(), accounts: vec![rich], ..GenesisState::default() };
    let checkpoint = Checkpoint {
        subnet: subnet(),
        height: Height(height),
        block_hash: Hash32([5; 32]),
        state_root: build_genesis_state(trees, &genesis).unwrap(),
        previous: None,
        outbox_root: cbor_cid(b"outbox"),
        outbox_count: 0,
        configuration: ConfigurationNumber::FIRST,
        supply: TokenAmount::from_whole(tokens),
    };
    let mut signers = SignerBitmap::none_of(4).unwrap();
    [0, 2, 3].into_iter().for_each(|position| signers.insert(position));
    let signatures: Vec<_> =
        signers.iter().map(|position| keys()[position].sign(&checkpoint.signing_payload())).collect();
    CheckpointCertificate { checkpoint, signers, signature: bls::aggregate(&signatures).unwrap() }
}

/// A node with two certified checkpoints, at 2 and 4.
async fn served() -> Served {
    let served = serve().await;
    let trees = MemoryStore::default();
    for _ in 0..5 {
        served.ledger.make_block();
    }
    for (height, tokens) in [(2, 1_000), (4, 3_000)] {
        served.ledger.certify(certified(&trees, height, tokens));
    }
    served.ledger.keep_trees(trees);
    served
}

/// What an answer proves to somebody who has nothing but its JSON and the validators.
fn proven(answer: &Value) -> Proven {
    let proof = Proof::from_json(answer.to_string().as_bytes()).unwrap();
    tributary_proof::verify(&trusted(), &proof, bls::fast_aggregate_verify).unwrap()
}

fn balance(proven: &Proven) -> String {
    proven.parts.actor.as_ref().unwrap().1.balance.atto().to_string()
}

#[tokio::test]
async fn an_account_is_proven_against_the_latest_checkpoint_or_the_one_asked_for() {
    let served = served().await;
    for (parameters, height, tokens) in [
        (json!([alice().eth_address()]), 4, "3000000000000000000000"),
        (json!([alice().eth_address(), null, 2]), 2, "1000000000000000000000"),
        (json!([alice().eth_address().to_address().to_string(), {}, 4]), 4, "3000000000000000000000"),
        (json!(["f0100", {}, 2]), 2, "1000000000000000000000"),
    ] {
        let proven = proven(&served.ask("subnet_getProof", parameters).await);
        assert_eq!((proven.checkpoint.height, balance(&proven).as_str()), (Height(height), tokens));
    }
    let nobody = proven(&served.ask("subnet_getProof", json!([bob().eth_address()])).await);
    assert_eq!(nobody.parts.actor, None, "that nobody is there is proven too");
}

#[tokio::test]
async fn parts_are_proven_with_the_actor_and_told_in_plain_words() {
    let served = served().await;
    let parts = json!({"slots": ["0x0", "0x7"], "entries": ["0x6b"], "path": "4"});
    let answer: Value = served.ask("subnet_getProof", json!([HISTORY_ADDRESS, parts])).await;
    let zero = format!("0x{:064x}", 0);
    assert_eq!(
        answer["slots"],
        json!([{"slot": zero, "value": zero}, {"slot": format!("0x{:064x}", 7), "value": zero}])
    );
    assert_eq!(answer["entries"], json!([{"key": "0x6b", "value": null}]));
    assert_eq!(answer["state"], json!({"path": "4", "value": 1}), "a contract's nonce");
    let actor: Actor = serde_json::from_value(answer["actor"].clone()).unwrap();
    assert_eq!((actor.builtin.as_deref(), actor.eth_address), (Some("evm"), HISTORY_ADDRESS));
    assert_eq!(answer["certificate"]["checkpoint"]["height"], 4);
    proven(&answer);

    let mut forged = answer;
    forged["slots"][0]["value"] = json!(format!("0x{:064x}", 1));
    let proof = Proof::from_json(forged.to_string().as_bytes()).unwrap();
    let refusal = tributary_proof::verify(&trusted(), &proof, bls::fast_aggregate_verify).unwrap_err().to_string();
    assert!(refusal.starts_with("slots of the proof says one thing"), "{refusal}");
}

#[tokio::test]
async fn what_cannot_be_proven_is_refused_for_its_own_reason() {
    let served = served().await;
    let someone = alice().eth_address();
    for (parameters, code, sentence) in [
        (
            json!([someone, {}, 3]),
            -32000,
            "no checkpoint of block 3 is certified on this node; one is cut every 2 blocks, and the latest certified is of block 4",
        ),
        (
            json!([someone, {"slots": vec!["0x1"; 65]}]),
            -32602,
            "invalid argument 1: 65 slots and entries; one proof has at most 64",
        ),
        (json!([someone, {"entries": ["0x"]}]), -32602, "invalid argument 1: a key has 1 to 64 bytes, not 0"),
        (
            json!([someone, {"path": "/"}]),
            -32602,
            "invalid argument 1: path: a path is segments with one slash between them, such as 2/0; one of these is empty",
        ),
        (
            json!([HISTORY_ADDRESS, {"path": TOO_LARGE}]),
            -32005,
            "the witness has 4194305 bytes, and at most 4194304 are sent; ask for less",
        ),
    ] {
        let refusal = served.refusal("subnet_getProof", parameters.clone()).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (code, sentence), "{parameters}");
    }
    let refusal = served.refusal("subnet_getProof", json!([someone, {"slot": "0x1"}])).await;
    assert!(refusal.code == -32602 && refusal.message.contains("unknown field `slot`"), "{refusal:?}");
    served.ledger.keep_trees(MemoryStore::default());
    let refusal = served.refusal("subnet_getProof", json!([someone])).await;
    assert!(
        refusal.code == -32000 && refusal.message.starts_with("the way to the answer cannot be read"),
        "{refusal:?}"
    );
    served.ledger.prune_states_below(5);
    let refusal = served.refusal("subnet_getProof", json!([someone])).await;
    assert_eq!(refusal.code, -32002, "{refusal:?}");
}

#[tokio::test]
async fn before_the_first_checkpoint_nothing_is_proven() {
    let served = serve().await;
    let refusal = served.refusal("subnet_getProof", json!([alice().eth_address()])).await;
    let sentence = "no checkpoint is certified on this node; one is cut every 2 blocks: ask again later";
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, sentence));
}

#[tokio::test]
async fn ethereums_proofs_are_refused_and_ours_are_named() {
    let served = serve().await;
    for parameters in [json!([]), json!([alice().eth_address(), ["0x0"], "latest"])] {
        let refusal = served.refusal("eth_getProof", parameters).await;
        assert!(refusal.code == -32004 && refusal.message.contains("subnet_getProof"), "{refusal:?}");
    }
}
