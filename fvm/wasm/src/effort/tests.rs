//! What is counted, held against the form in which the compiler has a function once it has done all it can about it.

use std::fmt::Write;
use std::num::NonZeroU32;

use wasmtime::{Engine, Module};

use super::works;
use crate::engine::{Allocation, settings};
use crate::instrument::instrument;
use crate::survey::survey;

/// Locals that change between any two branches, all of them, each to another value.
const LOCALS: usize = 30;

/// Every local's next value; the first two are parameters, of which one steers and one only waits.
fn changes() -> String {
    (0..LOCALS).fold(String::new(), |mut text, at| {
        let (local, factor) = (at + 2, 2 * at + 3);
        let next = format!("(i32.add (local.get {local}) (i32.mul (local.get 0) (i32.const {factor})))");
        write!(text, "(local.set {local} {next})").unwrap();
        text
    })
}

/// Every local is of use after all of it.
fn uses() -> String {
    let used = |at| format!("(global.set 0 (i32.add (global.get 0) (local.get {})))", at + 2);
    (0..LOCALS).map(used).collect()
}

/// As many branches as this of each kind, around code that changes every local.
fn shapes(branches: usize) -> [(&'static str, String); 5] {
    let changes = changes();
    let labels: String = (0..branches).map(|label| format!(" {label}")).collect();
    let switch = format!("(br_table{labels} (local.get 0))");
    let out = "1 ".repeat(branches);
    [
        ("conditions", format!("(if (local.get 0) (then {changes}))").repeat(branches)),
        ("loops", format!("(loop $again {changes} (br_if $again (local.get 0)))").repeat(branches)),
        ("ways out", format!("(block {})", format!("{changes} (br_if 0 (local.get 0))").repeat(branches))),
        ("a switch", (0..branches).fold(switch, |inner, _| format!("(block {inner}) {changes}"))),
        ("ways to one place", format!("(block (block (br_table {out} 0 (local.get 0))) {changes})")),
    ]
}

fn module(body: &str) -> Vec<u8> {
    let locals = "(local i32)".repeat(LOCALS);
    let text = format!(
        r#"(module (memory (export "memory") 1) (global (mut i32) (i32.const 0))
             (func (export "invoke") (param i32) (result i32) (call 1 (local.get 0) (i32.const 0)) (i32.const 0))
             (func (param i32 i32) {locals} {body} {}))"#,
        uses()
    );
    wat::parse_str(text).unwrap()
}

/// Values that the branches of a module carry, as compiled here.
fn carried(wasm: &[u8]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(NonZeroU32::MIN, Allocation::NODES);
    settings.emit_clif(folder.path());
    Module::from_binary(&Engine::new(&settings).unwrap(), &instrument(wasm).unwrap()).unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap();
    files.map(|file| carried_in(&std::fs::read_to_string(file.unwrap().path()).unwrap())).sum()
}

/// The same of one function's text: `brif v3, block4(v1, v2), block5` carries two.
fn carried_in(text: &str) -> u64 {
    let branches =
        text.lines().filter(|line| [" jump ", " brif ", " br_table "].iter().any(|word| line.contains(word)));
    let targets = branches.flat_map(|line| line.split("block").skip(1));
    let values = targets.filter_map(|target| {
        let (number, values) = target.split_once('(')?;
        let values = values.split_once(')')?.0;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| values.split(',').count())
    });
    u64::try_from(values.sum::<usize>()).unwrap()
}

#[test]
fn values_that_branches_carry_are_read_off_the_compilers_form() {
    let text = "
        block0(v0: i64, v1: i32):
        @0040    v2 = iconst.i32 3
        @0041    brif v1, block2, block3(v1, v2)  ; v2 = 3
                 br_table v1, block3(v2, v2), [block3(v1, v2), block2]
                 jump block12(v2)";
    assert_eq!(carried_in(text), 2 + 4 + 1);
}

#[test]
fn no_branch_carries_more_than_is_counted_and_some_more_than_a_third_of_it() {
    let mut tight = Vec::new();
    for (what, body) in shapes(60) {
        let wasm = module(&body);
        assert!(survey(&wasm).is_ok(), "{what}: it may be installed");
        let counted: u64 = works(&wasm).unwrap().iter().map(|work| work.branch_locals).sum();
        let carried = carried(&wasm);
        assert!(carried <= counted, "{what}: {carried} are carried, {counted} counted");
        tight.extend((3 * carried > counted).then_some(what));
    }
    assert!(tight.starts_with(&["conditions", "loops"]), "{tight:?}");
}
