//! Each syscall once as it is meant, and once for each reason to refuse.

use fvm_ipld_encoding::{CBOR, DAG_CBOR, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use fvm_shared::event::Flags;
use multihash_codetable::{Code, MultihashDigest};
use tributary_crypto::{BlsSecretKey, SecpSecretKey, bls, secp};
use tributary_primitives::actors::INIT_ID;
use tributary_wasm::{Block, Invocation};

use crate::guest::{actor, refusal};
use crate::world::{ALICE, LEAF, ME, NOW, PLENTY, Ran, World, account_code, alice_f4, cid_of, first_root};

type Data<'a> = &'a [(u32, &'a [u8])];

fn run(body: &str, data: Data<'_>) -> Ran {
    run_as(body, data, |_| {})
}

fn run_as(body: &str, data: Data<'_>, change: impl FnOnce(&mut Invocation)) -> Ran {
    World::new(&actor(body, data)).run_as(change, PLENTY)
}

/// Runs the body of one syscall that answers an error number, and checks the number.
fn expect_error(what: &str, ran: &Ran, number: ErrorNumber) {
    assert_eq!(ran.exit_code(), refusal(number), "{what}: {:?}", ran.outcome);
}

fn answer_of(call: &str, len: u32) -> String {
    format!("(call $ok {call}) (call $reply (i32.const 0) (i32.const {len}))")
}

/// The answer is a length at 0, and so many bytes at 256.
fn buffer_of(call: &str) -> String {
    format!("(call $ok {call}) (call $reply (i32.const 256) (i32.load (i32.const 0)))")
}

#[test]
fn actor_syscalls_answer() {
    let (f4, code) = (alice_f4().to_bytes(), account_code().to_bytes());
    let f4_len = f4.len();
    let table: [(&str, String, Vec<u8>); 10] = [
        (
            "resolve",
            answer_of(&format!("(call $resolve_address (i32.const 0) (i32.const 1024) (i32.const {f4_len}))"), 8),
            ALICE.to_le_bytes().to_vec(),
        ),
        (
            "delegated",
            buffer_of("(call $lookup_delegated_address (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 100))"),
            f4.clone(),
        ),
        (
            "no delegated",
            buffer_of("(call $lookup_delegated_address (i32.const 0) (i64.const 102) (i32.const 256) (i32.const 100))"),
            vec![],
        ),
        (
            "code",
            buffer_of("(call $get_actor_code_cid (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 100))"),
            code.clone(),
        ),
        (
            "balance",
            answer_of("(call $balance_of (i32.const 0) (i64.const 101))", 16),
            1_000_u128.to_le_bytes().to_vec(),
        ),
        ("type", answer_of("(call $get_builtin_actor_type (i32.const 0) (i32.const 2048))", 4), vec![4, 0, 0, 0]),
        ("no type", answer_of("(call $get_builtin_actor_type (i32.const 0) (i32.const 3072))", 4), vec![0; 4]),
        (
            "code of type",
            buffer_of("(call $get_code_cid_for_type (i32.const 0) (i32.const 4) (i32.const 256) (i32.const 100))"),
            code.clone(),
        ),
        (
            "next address",
            buffer_of("(call $next_actor_address (i32.const 0) (i32.const 256) (i32.const 21))"),
            Address::new_actor(&[0; 8]).to_bytes(),
        ),
        (
            "unaligned answer",
            "(call $ok (call $balance_of (i32.const 3) (i64.const 101))) (call $reply (i32.const 3) (i32.const 16))"
                .to_owned(),
            1_000_u128.to_le_bytes().to_vec(),
        ),
    ];
    let other = cid_of(0x55, b"other").to_bytes();
    for (what, body, expected) in table {
        let ran = run(&body, &[(1_024, &f4), (2_048, &code), (3_072, &other)]);
        assert_eq!(ran.returned(), expected, "{what}");
    }
}

#[test]
fn actor_syscalls_refuse() {
    let code = account_code().to_bytes();
    let table = [
        (
            "odd address",
            "(call $resolve_address (i32.const 0) (i32.const 1024) (i32.const 3))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "unknown address",
            "(call $resolve_address (i32.const 0) (i32.const 3072) (i32.const 21))",
            ErrorNumber::NotFound,
        ),
        (
            "delegated of nobody",
            "(call $lookup_delegated_address (i32.const 0) (i64.const 9) (i32.const 256) (i32.const 99))",
            ErrorNumber::NotFound,
        ),
        (
            "delegated, small",
            "(call $lookup_delegated_address (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 2))",
            ErrorNumber::BufferTooSmall,
        ),
        (
            "delegated, outside",
            "(call $lookup_delegated_address (i32.const 0) (i64.const 101) (i32.const 65530) (i32.const 99))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "code of nobody",
            "(call $get_actor_code_cid (i32.const 0) (i64.const 9) (i32.const 256) (i32.const 99))",
            ErrorNumber::NotFound,
        ),
        (
            "code, small",
            "(call $get_actor_code_cid (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 9))",
            ErrorNumber::BufferTooSmall,
        ),
        ("balance of nobody", "(call $balance_of (i32.const 0) (i64.const 9))", ErrorNumber::NotFound),
        (
            "type of no CID",
            "(call $get_builtin_actor_type (i32.const 0) (i32.const 65535))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "code of no type",
            "(call $get_code_cid_for_type (i32.const 0) (i32.const -1) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "next address, small",
            "(call $next_actor_address (i32.const 0) (i32.const 256) (i32.const 20))",
            ErrorNumber::BufferTooSmall,
        ),
        (
            "create, no init",
            "(call $create_actor (i64.const 200) (i32.const 2048) (i32.const 0) (i32.const 0))",
            ErrorNumber::Forbidden,
        ),
        ("answer outside", "(call $balance_of (i32.const 65530) (i64.const 101))", ErrorNumber::IllegalArgument),
        ("answer far outside", "(call $balance_of (i32.const -1) (i64.const 101))", ErrorNumber::IllegalArgument),
    ];
    let unknown = Address::new_actor(b"unknown").to_bytes();
    for (what, call, number) in table {
        let data: Data<'_> = &[(2_048, &code), (3_072, &unknown)];
        expect_error(what, &run(&answer_of(call, 0), data), number);
    }
}

#[test]
fn the_init_actor_creates_actors_unless_it_may_only_read() {
    let (code, f4) = (account_code().to_bytes(), Address::new_delegated(10, &[1; 20]).unwrap());
    let f4_bytes = f4.to_bytes();
    let call = format!(
        "(call $create_actor (i64.const 200) (i32.const 1024) (i32.const 2048) (i32.const {}))",
        f4_bytes.len()
    );
    let data: Data<'_> = &[(1_024, &code), (2_048, &f4_bytes)];
    for (read_only, number) in [(false, None), (true, Some(ErrorNumber::ReadOnly))] {
        let wasm = actor(&answer_of(&call, 0), data);
        let mut world = World::new(&wasm);
        world.install(INIT_ID, &wasm);
        let ran = world.run_as(
            |invocation| {
                invocation.receiver = INIT_ID;
                invocation.read_only = read_only;
            },
            PLENTY,
        );
        match number {
            Some(number) => expect_error("read-only", &ran, number),
            None => {
                ran.returned();
                let created = &ran.world.state.actors[&200];
                assert_eq!((created.code, created.delegated), (account_code(), Some(f4)));
            }
        }
    }
}

#[test]
fn self_syscalls_answer() {
    let root = first_root().0.to_bytes();
    let ran = run(&buffer_of("(call $root (i32.const 0) (i32.const 256) (i32.const 99))"), &[]);
    assert_eq!(ran.returned(), root);

    let ran = run(&answer_of("(call $current_balance (i32.const 0))", 16), &[]);
    assert_eq!(ran.returned(), 1_000_u128.to_le_bytes());

    let ran = run(&answer_of("(call $self_destruct (i32.const 1))", 0), &[]);
    assert_eq!((ran.exit_code(), ran.world.state.actors.contains_key(&ME)), (0, false));
}

#[test]
fn a_new_root_is_created_linked_and_set() {
    let block = to_vec(&(1_u64, 2_u64)).unwrap();
    let body = format!(
        "(call $ok (call $block_create (i32.const 0) (i64.const 0x71) (i32.const 1024) (i32.const {})))
         (call $ok (call $block_link (i32.const 4) (i32.load (i32.const 0)) (i64.const 0xb220) (i32.const 32)
                     (i32.const 256) (i32.const 99)))
         (call $ok (call $set_root (i32.const 256)))
         (call $reply (i32.const 256) (i32.load (i32.const 4)))",
        block.len()
    );
    let ran = run(&body, &[(1_024, &block)]);
    let cid = cid_of(DAG_CBOR, &block);
    assert_eq!(ran.returned(), cid.to_bytes());
    assert_eq!(ran.world.state.actors[&ME].root, cid);
    assert_eq!(ran.world.blocks[&cid][..], block);
}

#[test]
fn self_syscalls_refuse() {
    let stranger = cid_of(DAG_CBOR, b"stranger").to_bytes();
    let root_then = |call: &str| {
        format!("(call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99))) (call $ok {call}) (i32.const 0)")
    };
    let deleted_then = |call: &str| {
        format!(
            "(call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
                 (call $ok (call $self_destruct (i32.const 1))) (call $ok {call}) (i32.const 0)"
        )
    };
    let set_root = "(call $set_root (i32.const 256))";
    let table = [
        (
            "small",
            root_then("(call $root (i32.const 0) (i32.const 256) (i32.const 3))"),
            false,
            ErrorNumber::BufferTooSmall,
        ),
        ("unreachable", root_then("(call $set_root (i32.const 1024))"), false, ErrorNumber::NotFound),
        ("no CID", root_then("(call $set_root (i32.const 65535))"), false, ErrorNumber::IllegalArgument),
        ("read-only root", root_then(set_root), true, ErrorNumber::ReadOnly),
        ("read-only end", root_then("(call $self_destruct (i32.const 1))"), true, ErrorNumber::ReadOnly),
        ("funds left", root_then("(call $self_destruct (i32.const 0))"), false, ErrorNumber::IllegalOperation),
        ("deleted, set", deleted_then(set_root), false, ErrorNumber::IllegalOperation),
        (
            "deleted, get",
            deleted_then("(call $root (i32.const 0) (i32.const 256) (i32.const 99))"),
            false,
            ErrorNumber::IllegalOperation,
        ),
    ];
    for (what, body, read_only, number) in table {
        let ran = run_as(&body, &[(1_024, &stranger)], |invocation| invocation.read_only = read_only);
        expect_error(what, &ran, number);
    }
}

#[test]
fn a_block_is_reachable_through_the_root_and_not_before() {
    let leaf = cid_of(DAG_CBOR, LEAF).to_bytes();
    let data: Data<'_> = &[(1_024, &leaf)];
    let open_leaf = "(call $ok (call $block_open (i32.const 32) (i32.const 1024)))";
    expect_error("early", &run(&format!("{open_leaf} (i32.const 0)"), data), ErrorNumber::NotFound);

    let body = format!(
        "(call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
         (call $ok (call $block_open (i32.const 0) (i32.const 256)))
         {open_leaf}
         (call $ok (call $block_read (i32.const 64) (i32.load (i32.const 40)) (i32.const 0) (i32.const 512) (i32.const 9)))
         (call $ok (call $block_stat (i32.const 68) (i32.load (i32.const 40))))
         (call $reply (i32.const 32) (i32.const 48))"
    );
    let returned = run(&body, data).returned();
    // Opened second, so handle 2; codec and size as stored; nine bytes asked for, four there.
    assert_eq!(returned[..16], [0x71, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]);
    assert_eq!(returned[32..36], (-5_i32).to_le_bytes());
    assert_eq!(returned[36..48], [0x71, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]);
}

#[test]
fn a_block_is_read_in_pieces() {
    let body = "
        (call $ok (call $block_create (i32.const 0) (i64.const 0x55) (i32.const 1024) (i32.const 6)))
        (call $ok (call $block_read (i32.const 4) (i32.const 1) (i32.const 2) (i32.const 12) (i32.const 3)))
        (call $ok (call $block_read (i32.const 8) (i32.const 1) (i32.const 99) (i32.const 64) (i32.const 3)))
        (call $reply (i32.const 4) (i32.const 11))";
    let returned = run(body, &[(1_024, b"abcdef")]).returned();
    assert_eq!(returned[..4], 1_i32.to_le_bytes(), "one byte is left");
    assert_eq!(returned[4..8], (-96_i32).to_le_bytes(), "far past the end");
    assert_eq!(returned[8..], *b"cde");
}

#[test]
fn ipld_syscalls_refuse() {
    let unreachable = to_vec(&(cid_of(DAG_CBOR, b"stranger"),)).unwrap();
    let table = [
        ("open, no CID", "(call $block_open (i32.const 0) (i32.const 65535))", ErrorNumber::IllegalArgument),
        (
            "create, codec",
            "(call $block_create (i32.const 0) (i64.const 0x70) (i32.const 0) (i32.const 0))",
            ErrorNumber::IllegalCodec,
        ),
        (
            "create, outside",
            "(call $block_create (i32.const 0) (i64.const 0x55) (i32.const 65535) (i32.const 2))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "create, no CBOR",
            "(call $block_create (i32.const 0) (i64.const 0x71) (i32.const 0) (i32.const 0))",
            ErrorNumber::Serialization,
        ),
        (
            "create, unreachable",
            "(call $block_create (i32.const 0) (i64.const 0x71) (i32.const 1024) (i32.const 44))",
            ErrorNumber::NotFound,
        ),
        (
            "create, large",
            "(drop (memory.grow (i32.const 20))) (call $block_create (i32.const 0) (i64.const 0x55) (i32.const 0) (i32.const 1048577))",
            ErrorNumber::LimitExceeded,
        ),
        (
            "read, handle",
            "(call $block_read (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 256) (i32.const 1))",
            ErrorNumber::InvalidHandle,
        ),
        (
            "read, overflow",
            "(call $block_read (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 256) (i32.const 1))",
            ErrorNumber::IllegalArgument,
        ),
        ("stat, handle", "(call $block_stat (i32.const 0) (i32.const 0))", ErrorNumber::InvalidHandle),
        (
            "link, handle",
            "(call $block_link (i32.const 0) (i32.const 1) (i64.const 0xb220) (i32.const 32) (i32.const 256) (i32.const 99))",
            ErrorNumber::InvalidHandle,
        ),
        (
            "link, hash",
            "(call $block_link (i32.const 0) (i32.const 1) (i64.const 0x12) (i32.const 32) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalCid,
        ),
        (
            "link, length",
            "(call $block_link (i32.const 0) (i32.const 1) (i64.const 0xb220) (i32.const 31) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalCid,
        ),
    ];
    assert_eq!(unreachable.len(), 44);
    for (what, call, number) in table {
        // What precedes the call proper stands before it.
        let (before, call) = call
            .rsplit_once("(call $")
            .map_or(("", call.to_owned()), |(before, call)| (before, format!("(call ${call}")));
        let body = format!("{before} (call $ok {call}) (i32.const 0)");
        expect_error(what, &run(&body, &[(1_024, &unreachable)]), number);
    }
}

#[test]
fn parameters_are_block_one_and_make_their_links_reachable() {
    let leaf = cid_of(DAG_CBOR, LEAF);
    let params = to_vec(&(leaf,)).unwrap();
    let body = "
        (call $ok (call $block_open (i32.const 0) (i32.const 1024)))
        (call $ok (call $block_stat (i32.const 16) (local.get $params)))
        (i32.store (i32.const 28) (local.get $params))
        (call $reply (i32.const 16) (i32.const 16))";
    let block = Block::new(DAG_CBOR, params.clone()).unwrap();
    let ran = run_as(body, &[(1_024, &leaf.to_bytes())], |invocation| invocation.params = Some(block));
    let size = u8::try_from(params.len()).unwrap();
    assert_eq!(ran.returned(), [0x71, 0, 0, 0, 0, 0, 0, 0, size, 0, 0, 0, 1, 0, 0, 0]);

    // The same bytes as plain CBOR hold no links.
    let block = Block::new(CBOR, params).unwrap();
    let ran = run_as(body, &[(1_024, &leaf.to_bytes())], |invocation| invocation.params = Some(block));
    expect_error("plain CBOR", &ran, ErrorNumber::NotFound);
}

#[test]
fn context_syscalls_answer() {
    let ran = run_as(&answer_of("(call $message_context (i32.const 0))", 80), &[], |invocation| {
        invocation.value = TokenAmount::from_atto((1_u128 << 64) + 5);
        invocation.read_only = true;
    });
    let expected: Vec<u8> = [102_u64, 7, 102, 100, 2, 5, 1, 3, 0, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(ran.returned(), expected, "origin, nonce, caller, receiver, method, value, premium, flags");

    let ran = run(&answer_of("(call $network_context (i32.const 0))", 44), &[]);
    let mut expected: Vec<u8> =
        [1_000_u64, 1_700_000_000, 100, 0, 31_415].iter().flat_map(|n| n.to_le_bytes()).collect();
    expected.extend(28_u32.to_le_bytes());
    assert_eq!(ran.returned(), expected, "epoch, timestamp, base fee, chain id, version");

    let ran = run(&answer_of("(call $circulating_supply (i32.const 0))", 16), &[]);
    assert_eq!(ran.returned(), ((1_u128 << 64) + 2).to_le_bytes());

    let ran = run(&buffer_of("(call $tipset_cid (i32.const 0) (i64.const 999) (i32.const 256) (i32.const 99))"), &[]);
    assert_eq!(ran.returned(), cid_of(DAG_CBOR, &(NOW - 1).to_le_bytes()).to_bytes());

    for (name, byte) in [("chain", 0xc0), ("beacon", 0xbe)] {
        let ran = run(&answer_of(&format!("(call ${name}_randomness (i32.const 0) (i64.const 1000))"), 32), &[]);
        assert_eq!(ran.returned(), [byte; 32], "{name}");
    }
}

#[test]
fn context_syscalls_refuse() {
    let table = [
        (
            "this tipset",
            "(call $tipset_cid (i32.const 0) (i64.const 1000) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "negative tipset",
            "(call $tipset_cid (i32.const 0) (i64.const -1) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "old tipset",
            "(call $tipset_cid (i32.const 0) (i64.const 5) (i32.const 256) (i32.const 99))",
            ErrorNumber::LimitExceeded,
        ),
        (
            "small tipset",
            "(call $tipset_cid (i32.const 0) (i64.const 999) (i32.const 256) (i32.const 9))",
            ErrorNumber::BufferTooSmall,
        ),
        ("future chain", "(call $chain_randomness (i32.const 0) (i64.const 1001))", ErrorNumber::IllegalArgument),
        ("negative beacon", "(call $beacon_randomness (i32.const 0) (i64.const -1))", ErrorNumber::IllegalArgument),
        (
            "first beacon",
            "(call $beacon_randomness (i32.const 0) (i64.const 0x8000000000000000))",
            ErrorNumber::IllegalArgument,
        ),
        ("context outside", "(call $network_context (i32.const 65500))", ErrorNumber::IllegalArgument),
        ("message outside", "(call $message_context (i32.const 65500))", ErrorNumber::IllegalArgument),
        (
            "charge, no text",
            "(call $gas_charge (i32.const 1024) (i32.const 1) (i64.const 1))",
            ErrorNumber::IllegalArgument,
        ),
    ];
    for (what, call, number) in table {
        expect_error(what, &run(&answer_of(call, 0), &[(1_024, &[0xff])]), number);
    }
}

#[test]
fn debugging_is_off_and_harmless() {
    let body = "
        (call $ok (call $debug_enabled (i32.const 0)))
        (call $ok (call $debug_log (i32.const -1) (i32.const 9)))
        (call $ok (call $store_artifact (i32.const -1) (i32.const 9) (i32.const -1) (i32.const 9)))
        (call $reply (i32.const 0) (i32.const 4))";
    assert_eq!(run(body, &[]).returned(), (-1_i32).to_le_bytes());
}

#[test]
fn gas_is_told_and_charged_in_whole_units() {
    let body = "
        (call $ok (call $gas_available (i32.const 0)))
        (call $ok (call $gas_charge (i32.const 0) (i32.const 0) (i64.const 1000000)))
        (call $ok (call $gas_available (i32.const 8)))
        (call $reply (i32.const 0) (i32.const 16))";
    let returned = run(body, &[]).returned();
    let before = u64::from_le_bytes(returned[..8].try_into().unwrap());
    let after = u64::from_le_bytes(returned[8..].try_into().unwrap());
    // Two more syscalls at 14,000, and a few instructions.
    assert!((1_028_000..1_029_000).contains(&(before - after)), "{}", before - after);
}

#[test]
fn an_event_reaches_the_host_unless_the_call_is_read_only() {
    let mut header = Vec::new();
    header.extend(3_u64.to_le_bytes());
    header.extend(0x55_u64.to_le_bytes());
    header.extend(3_u32.to_le_bytes());
    header.extend(2_u32.to_le_bytes());
    let call = "(call $emit_event (i32.const 1024) (i32.const 1) (i32.const 2048) (i32.const 3) (i32.const 3072) (i32.const 2))";
    let data: Data<'_> = &[(1_024, &header), (2_048, b"key"), (3_072, &[1, 2])];
    let ran = run(&answer_of(call, 0), data);
    ran.returned();
    let [stamped] = &ran.world.state.events[..] else { panic!("one event") };
    let [entry] = &stamped.event.entries[..] else { panic!("one entry") };
    assert_eq!((stamped.emitter, entry.key.as_str(), &entry.value[..]), (ME, "key", &[1, 2][..]));
    assert_eq!(entry.flags, Flags::FLAG_INDEXED_ALL);

    let ran = run_as(&answer_of(call, 0), data, |invocation| invocation.read_only = true);
    expect_error("read-only", &ran, ErrorNumber::ReadOnly);
    assert!(ran.world.state.events.is_empty());

    let outside = call.replace("(i32.const 1)", "(i32.const -1)");
    expect_error("outside", &run(&answer_of(&outside, 0), data), ErrorNumber::IllegalArgument);
}

#[test]
fn hashes_are_the_functions_they_say_and_cut_to_the_buffer() {
    for (number, code) in [
        (0x12, Code::Sha2_256),
        (0x1b, Code::Keccak256),
        (0x1053, Code::Ripemd160),
        (0xb220, Code::Blake2b256),
        (0xb240, Code::Blake2b512),
    ] {
        for room in [100, 7] {
            let call = format!(
                "(call $hash (i32.const 0) (i64.const {number}) (i32.const 1024) (i32.const 3) (i32.const 256) (i32.const {room}))"
            );
            let digest = code.digest(b"abc").digest().to_vec();
            let expected = &digest[..digest.len().min(room)];
            assert_eq!(run(&buffer_of(&call), &[(1_024, b"abc")]).returned(), expected, "{number:#x}");
        }
    }
    let call = "(call $hash (i32.const 0) (i64.const 0x13) (i32.const 0) (i32.const 0) (i32.const 256) (i32.const 9))";
    expect_error("unknown", &run(&answer_of(call, 0), &[]), ErrorNumber::IllegalArgument);
}

#[test]
fn a_signature_holds_for_its_signer_and_message_alone() {
    let (secp_key, bls_key) =
        (SecpSecretKey::from_bytes(&[7; 32]).unwrap(), BlsSecretKey::from_bytes(&[9; 32]).unwrap());
    let digest = Code::Blake2b256.digest(b"message").digest().try_into().unwrap();
    let secp = (1, secp_key.sign(digest).to_vec(), secp_key.f1_address());
    let bls = (2, bls_key.sign(b"message").0.to_vec(), Address::new_bls(&bls_key.public_key().0).unwrap());
    let other = Address::new_secp256k1(&SecpSecretKey::from_bytes(&[8; 32]).unwrap().public_key()).unwrap();
    let verify = |kind: u32, signature: &[u8], signer: &Address, message: &[u8]| {
        let signer = signer.to_bytes();
        let call = format!(
            "(call $verify_signature (i32.const 0) (i32.const {kind}) (i32.const 1024) (i32.const {})
               (i32.const 2048) (i32.const {}) (i32.const 3072) (i32.const {}))",
            signature.len(),
            signer.len(),
            message.len()
        );
        run(&answer_of(&call, 4), &[(1_024, signature), (2_048, &signer), (3_072, message)])
    };
    for (kind, signature, signer) in [&secp, &bls] {
        let mut bent = signature.clone();
        bent[5] ^= 1;
        let table = [
            ("good", *kind, &signature[..], *signer, &b"message"[..], 0),
            ("message", *kind, signature, *signer, b"massage", -1),
            ("signature", *kind, &bent, *signer, b"message", -1),
            ("length", *kind, &signature[1..], *signer, b"message", -1),
            ("signer", *kind, signature, other, b"message", -1),
            ("kind", 3 - *kind, signature, *signer, b"message", -1),
        ];
        for (what, kind, signature, signer, message, verdict) in table {
            assert_eq!(verify(kind, signature, &signer, message).returned(), i32::to_le_bytes(verdict), "{what}");
        }
    }
    for (what, kind, signer) in [("kind", 3, secp.2), ("signer", 1, Address::new_id(5))] {
        expect_error(what, &verify(kind, &secp.1, &signer, b"message"), ErrorNumber::IllegalArgument);
    }
}

#[test]
fn a_public_key_is_recovered_or_there_is_none() {
    let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
    let signature = key.sign([1; 32]);
    let call = "(call $recover_secp_public_key (i32.const 0) (i32.const 1024) (i32.const 2048))";
    let returned = run(&answer_of(call, 65), &[(1_024, &[1; 32]), (2_048, &signature)]).returned();
    assert_eq!(returned, key.public_key());
    assert_eq!(secp::f1_address(&returned.try_into().unwrap()), key.f1_address());
    let ran = run(&answer_of(call, 65), &[(1_024, &[1; 32]), (2_048, &[0xff; 65])]);
    expect_error("no key", &ran, ErrorNumber::IllegalArgument);
}

#[test]
fn an_aggregate_holds_for_its_signers_and_messages_alone() {
    let keys: Vec<_> = [1, 2, 3].map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).into();
    let public: Vec<u8> = keys.iter().flat_map(|key| key.public_key().0).collect();

    let messages = [&b"a"[..], b"bc", b"def"];
    let parts: Vec<_> = keys.iter().zip(messages).map(|(key, message)| key.sign(message)).collect();
    let apart = bls::aggregate(&parts).unwrap().0;
    let parts: Vec<_> = keys.iter().map(|key| key.sign(b"one")).collect();
    let together = bls::aggregate(&parts).unwrap().0;
    let lens: Vec<u8> = [1_u32, 2, 3].iter().flat_map(|len| len.to_le_bytes()).collect();

    let verify_apart = |signers: u32, signature: &[u8]| {
        let call = format!(
            "(call $verify_bls_aggregate (i32.const 0) (i32.const {signers}) (i32.const 1024) (i32.const 2048)
               (i32.const 3072) (i32.const 4096))"
        );
        run(&answer_of(&call, 4), &[(1_024, signature), (2_048, &public), (3_072, b"abcdef"), (4_096, &lens)])
    };
    let verify_together = |signers: u32, signature: &[u8]| {
        let call = format!(
            "(call $bls_fast_aggregate_verify (i32.const 0) (i32.const {signers}) (i32.const 2048)
               (i32.const 3072) (i32.const 3) (i32.const 1024))"
        );
        run(&answer_of(&call, 4), &[(1_024, signature), (2_048, &public), (3_072, b"one")])
    };
    for (what, ran, verdict) in [
        ("apart", verify_apart(3, &apart), 0),
        ("apart, a signer less", verify_apart(2, &apart), -1),
        ("apart, other signature", verify_apart(3, &together), -1),
        ("apart, nobody", verify_apart(0, &[0; 96]), 0),
        ("together", verify_together(3, &together), 0),
        ("together, a signer less", verify_together(2, &together), -1),
        ("together, other signature", verify_together(3, &apart), -1),
        ("together, nobody", verify_together(0, &together), -1),
    ] {
        assert_eq!(ran.returned(), i32::to_le_bytes(verdict), "{what}");
    }
    for ran in [verify_apart(1_000_000_000, &apart), verify_together(2_000, &together)] {
        expect_error("too many for memory", &ran, ErrorNumber::IllegalArgument);
    }
}
