//! `event`.

use fvm_shared::error::ErrorNumber as No;
use tributary_script::{EventHeader, Op, SendOp};

use crate::actor::{CBOR, DAG_CBOR, RAW, answers, call, id, last, refused, run, sent};

fn header() -> EventHeader {
    EventHeader { flags: 3, codec: RAW, key_len: 3, value_len: 2 }
}

fn emit(headers: Vec<EventHeader>, keys: &[u8], values: &[u8]) -> Op {
    Op::Emit { headers, keys: keys.into(), values: values.into() }
}

fn good() -> Op {
    emit(vec![header()], b"key", b"ab")
}

#[test]
fn an_event_is_in_the_receipt_as_it_was_emitted() {
    let receipt = run(vec![good(), emit(vec![], b"", b""), good()]);
    let [first, empty, second] = receipt.events.as_slice() else { panic!("{:?}", receipt.events) };
    assert_eq!((first, first.emitter, empty.said.entries().len()), (second, id(0), 0));
    let [entry] = &first.said.entries()[..] else { panic!("one entry") };
    assert_eq!((entry.key.as_str(), &entry.value[..], entry.codec, entry.flags.bits()), ("key", &b"ab"[..], RAW, 3));
}

#[test]
fn what_is_emitted_wrong_has_its_error_number() {
    let one = |header: EventHeader, key: &[u8], value: &[u8]| vec![emit(vec![header], key, value)];
    let long = |len: usize| vec![b'k'; len];
    let many = |count: usize| vec![EventHeader { key_len: 0, value_len: 0, ..header() }; count];
    for (what, ops, number) in [
        ("no such codec", one(EventHeader { codec: DAG_CBOR, ..header() }, b"key", b"ab"), No::IllegalCodec),
        ("no such flag", one(EventHeader { flags: 4, ..header() }, b"key", b"ab"), No::IllegalArgument),
        ("a key of 32 bytes", one(EventHeader { key_len: 32, ..header() }, &long(32), b"ab"), No::LimitExceeded),
        ("a key that is no text", one(header(), &[0xff; 3], b"ab"), No::IllegalArgument),
        (
            "a value of more than 8 KiB",
            one(EventHeader { value_len: 8_193, ..header() }, b"key", &long(8_193)),
            No::LimitExceeded,
        ),
        ("256 entries", vec![emit(many(256), b"", b"")], No::LimitExceeded),
        ("keys too short", one(header(), b"ke", b"ab"), No::IllegalArgument),
        ("values too short", one(header(), b"key", b"a"), No::IllegalArgument),
        ("keys left over", one(header(), b"keyed", b"ab"), No::IllegalArgument),
        ("values left over", one(header(), b"key", b"abc"), No::IllegalArgument),
    ] {
        assert_eq!(last(what, ops), refused(number), "{what}");
    }
    for (what, ops) in [
        ("255 entries", vec![emit(many(255), b"", b"")]),
        ("a key of 31 bytes", one(EventHeader { key_len: 31, ..header() }, &long(31), b"ab")),
        ("a value of 8 KiB", one(EventHeader { value_len: 8_192, ..header() }, b"key", &long(8_192))),
        ("a value in CBOR", one(EventHeader { codec: CBOR, ..header() }, b"key", b"ab")),
    ] {
        assert_eq!(last(what, ops), Ok(vec![]), "{what}");
    }
    let read_only = answers("read-only", vec![Op::Send(SendOp { flags: 1, ..call(1, vec![good()]) })]);
    assert_eq!(sent(&read_only, 0).1, [refused(No::ReadOnly)]);
}

#[test]
fn events_of_a_call_that_fails_are_gone_and_those_around_it_stay() {
    let receipt =
        run(vec![good(), Op::Send(call(1, vec![good(), Op::ExitWithLog(20)])), Op::Send(call(1, vec![good()]))]);
    let emitters: Vec<_> = receipt.events.iter().map(|event| event.emitter).collect();
    assert_eq!(emitters, [id(0), id(1)]);
}
