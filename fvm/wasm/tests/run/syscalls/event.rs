//! `event`.

use fvm_shared::error::ErrorNumber;
use fvm_shared::event::Flags;

use super::{Data, answer_of, expect_error, run, run_as};
use crate::guest::{actor, refusal};
use crate::world::{ME, World};

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
fn events_are_bounded_by_the_gas_limit_at_the_price_of_what_is_stored() {
    let header: Vec<u8> =
        [3_u64, 0x55].iter().flat_map(|part| part.to_le_bytes()).chain([0, 0, 0, 0, 0, 16, 0, 0]).collect();
    // Of 4,096 bytes and 20 around them each, until no more are taken; returns how many were and why not one more.
    let body = "
        (loop $more
          (i32.store (i32.const 4) (call $emit_event
            (i32.const 1024) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 4096)))
          (if (i32.eqz (i32.load (i32.const 4)))
            (then (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (br $more))))
        (call $reply (i32.const 0) (i32.const 8))";
    let wasm = actor(body, &[(1_024, &header)]);
    let limit_exceeded = refusal(ErrorNumber::LimitExceeded) - 100;
    for events in [1_u32, 7] {
        let enough = u64::from(events) * 4_116 * 3_340;
        for (limit, emitted) in [(enough - 1, events - 1), (enough, events)] {
            let ran = World::new(&wasm).run(limit);
            assert_eq!(ran.returned(), [emitted, limit_exceeded].map(u32::to_le_bytes).concat(), "{limit}");
            assert_eq!(ran.world.state.events.len(), usize::try_from(emitted).unwrap());
        }
    }
}
