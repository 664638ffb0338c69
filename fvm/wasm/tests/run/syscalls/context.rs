//! `vm`, `network`, `rand`, `gas` and `debug`.

use fvm_ipld_encoding::DAG_CBOR;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;

use super::{answer_of, buffer_of, expect_error, run, run_as};
use crate::world::{NOW, cid_of};

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
