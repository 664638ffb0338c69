//! `event`.

use fvm_shared::error::ErrorNumber;
use fvm_shared::event::Flags;

use super::{Data, answer_of, expect_error, run, run_as};
use crate::world::ME;

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
