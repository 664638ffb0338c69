//! Time, stack, memory, traps.

use fvm_shared::address::Address;
use tributary_script::Op;

use crate::case::{Asked, Case, RAW, call};
use crate::rows::modules::MODULES as TEXTS;
use crate::world::{FIRST, MODULES, SECOND};

/// Gas for what would run for ever.
const LITTLE: u64 = 50_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("spin a little", vec![Op::Spin(10_000)]),
        ("recurse to 10", vec![Op::Recurse(10)]),
        ("recurse to 100", vec![Op::Recurse(100)]),
        ("recurse to 100,000", vec![Op::Recurse(100_000)]),
        ("grow by 16 MiB", vec![Op::Grow(256), Op::Grow(0)]),
        ("grow by 512 MiB", vec![Op::Grow(8_192)]),
        ("grow by 4 GiB", vec![Op::Grow(65_535), Op::Grow(1)]),
        ("grow to the limit", vec![Op::Grow(8_192 - 18 - 1), Op::Grow(0), Op::Grow(64)]),
        (
            "grow in a callee",
            vec![Op::Grow(4_000), Op::Send(call(SECOND, [Op::Grow(4_000), Op::Send(call(FIRST, [Op::Grow(4_000)]))]))],
        ),
        ("five instances of 450 MiB", vec![Op::Grow(7_200), nested(4)]),
        ("fill memory", vec![Op::Fill(1_000_000)]),
        (
            "floats",
            vec![
                float(1.0, 3.0),
                float(-1.0, 0.0),
                float(0.0, 0.0),
                Op::Float(0x7ff4_dead_beef_0001, 0),
                Op::Float(0xfff8_0000_0000_1234, 0x7ff0_0000_0000_0001),
            ],
        ),
        ("divide by zero", vec![Op::Divide(1, 0)]),
        ("divide to overflow", vec![Op::Divide(i32::MIN, -1)]),
        ("divide", vec![Op::Divide(-7, 2)]),
        ("unreachable", vec![Op::Unreachable]),
        ("load from nowhere", vec![Op::Load(0xffff_fff0)]),
        ("load from the last byte of 4 GiB", vec![Op::Load(u32::MAX)]),
        ("panic", vec![Op::Panic]),
        ("return a block that is none", vec![Op::Return(77)]),
        ("return nothing", vec![Op::Return(0)]),
        ("return the parameters", vec![Op::Return(1)]),
        ("return 100 kB", vec![Op::CreateLarge { codec: RAW, len: 100_000 }, Op::Return(2)]),
        ("return 1 MiB", vec![Op::CreateLarge { codec: RAW, len: 1 << 20 }, Op::Return(2)]),
        (
            "log of much",
            vec![Op::CreateLarge { codec: RAW, len: 60_000 }, Op::Read { block: 2, offset: 0, len: 60_000 }],
        ),
    ]
    .into_iter()
    .map(|(name, ops)| Case::ops(format!("limit/{name}"), ops))
    .collect();
    for code in (0..17).chain([24, 33, 1_000, u32::MAX]) {
        let exit = Op::Exit { code, block: 1, message: b"why".into() };
        cases.push(Case::ops(format!("exit/code {code}"), [Op::Write(7), exit]));
    }
    for (name, len) in [("no message", 0), ("a long message", 5_000)] {
        let message = vec![b'x'; len].into();
        cases.push(Case::ops(format!("exit/{name}"), [Op::Exit { code: 40, block: 0, message }]));
    }
    cases.push(Case::ops("exit/data that is none", [Op::Exit { code: 40, block: 77, message: b"why".into() }]));
    cases.push(Case::ops("exit/0 with data that is none", [Op::Exit { code: 0, block: 77, message: b"why".into() }]));
    let spin = Asked { gas_limit: LITTLE, ..Asked::script(FIRST, [Op::Write(7), Op::Spin(u64::MAX)]) };
    cases.push(Case::one("limit/spin without end", spin));
    let big = Op::Log(vec![b'x'; 100_000].into());
    cases.push(Case::ops("limit/parameters of 100 kB", [big]));
    for (id, (name, _)) in (MODULES..).zip(TEXTS) {
        let message = Asked { gas_limit: 5_000_000_000, ..Asked::to(Address::new_id(id), 2, vec![]) };
        cases.push(Case::one(format!("module/{name}"), message));
    }
    cases
}

/// Calls down, each growing its memory to 450 MiB.
fn nested(more: u32) -> Op {
    let actor = if more.is_multiple_of(2) { SECOND } else { FIRST };
    let ops = if more == 0 { vec![Op::Grow(7_200)] } else { vec![Op::Grow(7_200), nested(more - 1)] };
    Op::Send(call(actor, ops))
}

fn float(a: f64, b: f64) -> Op {
    Op::Float(a.to_bits(), b.to_bits())
}
