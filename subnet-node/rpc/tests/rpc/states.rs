//! What an actor keeps in its state is read as DAG-JSON, at any height that is kept.

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore as _;
use fvm_ipld_encoding::{BytesSer, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use serde::Serialize;
use serde_json::{Value, json};
use tributary_fvm::state::history::HISTORY_ADDRESS;
use tributary_fvm::state::{BlockState, Leaf, MemoryStore};
use tributary_fvm::{GenesisAccount, GenesisState, build_genesis_state};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, cbor_cid, raw_cid};
use tributary_rpc::subnet::view;

use crate::fixture::{Served, alice, bob, serve};
use crate::ledger::TOO_LARGE;

/// An actor of installed code, which is there from block 1 on.
const INSTALLED: u64 = 7_000;
/// One whose state is link after link.
const LONG: u64 = 7_001;
/// One whose state links to what nobody has.
const DANGLING: u64 = 7_002;

fn put<T: Serialize>(trees: &MemoryStore, value: &T) -> Cid {
    let block = to_vec(value).unwrap();
    let cid = cbor_cid(&block);
    trees.put_keyed(&cid, &block).unwrap();
    cid
}

fn sum() -> BTreeMap<&'static str, u64> {
    BTreeMap::from([("sum", 42)])
}

/// A node whose states, after genesis and after block 1, can be read.
async fn served() -> Served {
    let served = serve().await;
    served.ledger.make_block();
    let trees = MemoryStore::default();
    let rich = GenesisAccount { address: alice().eth_address().to_address(), balance: TokenAmount::from_whole(1_000) };
    let genesis = GenesisState { chain_name: "ledger-1".to_owned(), accounts: vec![rich], ..GenesisState::default() };
    let first = build_genesis_state(&trees, &genesis).unwrap();
    let installed = put(&trees, &(7, "words", BytesSer(&[1, 2]), put(&trees, &sum())));
    let long = (0..300).fold(installed, |link, _| put(&trees, &link));
    let dangling = put(&trees, &[cbor_cid(b"nowhere")]);
    let leaves = [(INSTALLED, installed), (LONG, long), (DANGLING, dangling)].map(|(id, state)| {
        let actor = ActorState::new(raw_cid(b"code"), state, TokenAmount::from_atto(5), 3, None);
        (Leaf::Actor(id).key(), Some(to_vec(&actor).unwrap()))
    });
    let mut next = BlockState::load(&trees, &first).unwrap();
    next.apply_leaves(&leaves).unwrap();
    let second = next.flush().unwrap();
    drop(next);
    served.ledger.root_at(0, first);
    served.ledger.root_at(1, second);
    served.ledger.keep_trees(trees);
    served
}

fn id(id: u64) -> String {
    Address::new_id(id).to_string()
}

#[tokio::test]
async fn the_state_of_an_actor_of_installed_code_is_read_whole_and_by_path() {
    let served = served().await;
    let linked = cbor_cid(&to_vec(&sum()).unwrap());
    let head = cbor_cid(&to_vec(&(7, "words", BytesSer(&[1, 2]), linked)).unwrap());
    let whole = json!({
        "Balance": "5",
        "Code": raw_cid(b"code").to_string(),
        "Head": head.to_string(),
        "Nonce": 3,
        "State": [7, "words", {"/": {"bytes": "AQI"}}, {"/": linked.to_string()}],
    });
    for parameters in [json!([id(INSTALLED)]), json!([id(INSTALLED), "", 1]), json!([id(INSTALLED), null, null])] {
        assert_eq!(served.ask::<Value>("subnet_readState", parameters.clone()).await, whole, "{parameters}");
    }
    for (path, state) in [
        ("0", json!(7)),
        ("3", json!({"sum": 42})),
        ("3/sum", json!(42)),
        ("3/none", Value::Null),
        ("4", Value::Null),
        ("0/0", Value::Null),
    ] {
        let read: Value = served.ask("subnet_readState", json!([id(INSTALLED), path])).await;
        assert_eq!((&read["State"], &read["Head"]), (&state, &whole["Head"]), "{path}");
    }
    let unfollowed: Value = served.ask("subnet_readState", json!([id(DANGLING)])).await;
    assert_eq!(unfollowed["State"], json!([{"/": cbor_cid(b"nowhere").to_string()}]));
}

#[tokio::test]
async fn built_in_actors_and_contracts_are_read_by_any_of_their_addresses() {
    let served = served().await;
    let name: view::ActorState = served.ask("subnet_readState", json!(["f01", "2"])).await;
    assert_eq!((name.code, name.state), (BuiltinActor::Init.code().to_string(), Some(json!("ledger-1"))));
    for at in [HISTORY_ADDRESS.to_string(), HISTORY_ADDRESS.to_address().to_string()] {
        let head: Value = served.ask("subnet_readState", json!([at])).await;
        let fields = head["State"].as_array().unwrap();
        assert_eq!((fields.len(), &fields[4]), (6, &json!(1)), "a contract's head with its nonce: {head}");
    }
    let account = alice().eth_address();
    for at in [account.to_string(), account.to_address().to_string(), EthAddress::from_actor_id(100).to_string()] {
        let read: view::ActorState = served.ask("subnet_readState", json!([at])).await;
        assert_eq!((read.balance.as_str(), read.state), ("1000000000000000000000", Some(json!([]))), "{at}");
    }
}

#[tokio::test]
async fn of_nobody_at_that_height_there_is_null() {
    let served = served().await;
    for parameters in [json!([bob().eth_address()]), json!(["f0999", "0"]), json!([id(INSTALLED), null, 0])] {
        let read: Option<view::ActorState> = served.ask("subnet_readState", parameters.clone()).await;
        assert_eq!(read, None, "{parameters}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_for_its_own_reason() {
    let served = served().await;
    served.ledger.prune_states_below(1);
    for (parameters, code, sentence) in [
        (
            json!([id(INSTALLED), "/"]),
            -32602,
            "invalid argument 1: a path is segments with one slash between them, such as 2/0; one of these is empty",
        ),
        (
            json!([id(INSTALLED), TOO_LARGE]),
            -32005,
            "the way there has 4194305 bytes, and at most 4194304 are read; ask for less",
        ),
        (json!([id(LONG)]), -32005, "the answer takes more blocks or bytes than a witness may have; ask for less"),
        (json!([id(INSTALLED), "", 2]), -32000, "header not found"),
        (
            json!([id(INSTALLED), "", 0]),
            -32002,
            "the state after block 0 is not kept on this node; from block 1 on, every one is",
        ),
    ] {
        let refusal = served.refusal("subnet_readState", parameters.clone()).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (code, sentence), "{parameters}");
    }
    let refusal = served.refusal("subnet_readState", json!([id(DANGLING), "0"])).await;
    let begins = format!("the way to the answer cannot be read: state block {}", cbor_cid(b"nowhere"));
    assert!(refusal.code == -32000 && refusal.message.starts_with(&begins), "{refusal:?}");
    let refusal = served.refusal("subnet_readState", json!([id(INSTALLED), 5])).await;
    assert!(refusal.code == -32602 && refusal.message.contains("invalid type: integer `5`"), "{refusal:?}");
}
