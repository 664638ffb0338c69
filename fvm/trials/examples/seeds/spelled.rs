//! Seeds of `calls`, `blocks` and `state`, spelled as `arbitrary` reads them: a variant by its number and how many there are, a list with a byte
//! before each element. Numbers follow the types in `src/calls/language.rs` and `src/state.rs`.

pub mod blocks;

type Bytes = Vec<u8>;

/// Variant `number` of `of`, and its fields.
fn variant(number: u64, of: u64, fields: &[&[u8]]) -> Bytes {
    let share = ((number << 32).div_ceil(of)).to_le_bytes();
    [&share[..4], &fields.concat()].concat()
}

fn list(elements: &[Bytes]) -> Bytes {
    let each = elements.iter().flat_map(|element| [&[1][..], element].concat());
    each.chain([0]).collect()
}

/// Who: 0 and 1 have Ethereum accounts, 2 and 3 f1 accounts.
fn who(number: u64) -> Bytes {
    variant(number, 5, &[])
}

fn account(number: u64) -> Bytes {
    variant(0, 7, &[&who(number)])
}

/// Other targets: 1 an actor, 2 a contract, 3 a new Ethereum address, 4 a new key, 5 an id, 6 a precompile.
fn target(kind: u64, number: u8) -> Bytes {
    variant(kind, 7, &[&[number]])
}

fn little(value: u8) -> Bytes {
    variant(1, 4, &[&[value]])
}

fn keep(slot: u8, value: u8, reverts: u8) -> Bytes {
    variant(1, 5, &[&[slot, value, reverts]])
}

fn forward(to: &[u8], data: &[u8]) -> Bytes {
    variant(2, 5, &[to, data])
}

fn data_script(ops: &[Bytes]) -> Bytes {
    variant(3, 5, &[&list(ops)])
}

/// What an actor does, by its number.
fn op(number: u64, fields: &[&[u8]]) -> Bytes {
    variant(number, 17, fields)
}

fn run(actor: u8, ops: &[Bytes], read_only: u8) -> Bytes {
    op(4, &[&[actor], &list(ops), &little(3), &[0], &[read_only]])
}

/// What a contract does, by its number.
fn evm(number: u64, fields: &[&[u8]]) -> Bytes {
    variant(number, 13, fields)
}

fn evm_call(kind: u8, to: &[u8], data: &[u8]) -> Bytes {
    evm(4, &[&[kind], to, &little(1), data, &[0]])
}

/// A message with enough gas, some value and the right nonce.
fn message(from: u64, act: u64, fields: &[&[u8]]) -> Bytes {
    [who(from), variant(act, 7, fields), variant(0, 3, &[]), little(5), variant(0, 5, &[])].concat()
}

fn script(from: u64, actor: u8, ops: &[Bytes]) -> Bytes {
    message(from, 2, &[&[actor], &list(ops)])
}

fn write(number: u8) -> Bytes {
    op(0, &[&[number]])
}

/// Messages of `calls`.
pub fn calls() -> Vec<(&'static str, Vec<Bytes>)> {
    let (keeper, forwarder) = (target(2, 0), target(2, 1));
    let pay = |to: &[u8]| op(3, &[to, &little(9)]);
    let contract = |to: &[u8], data: &[u8]| op(5, &[to, data, &little(2)]);
    let (exit, trap, emit) = (op(8, &[&[20]]), op(9, &[]), op(2, &[&[3, 4]]));
    let (store, log, if_failed) = (evm(0, &[&[1, 2]]), evm(3, &[&[2]]), evm(9, &[]));
    let actor_writes = evm(6, &[&[0], &list(&[write(4), emit.clone()]), &little(1), &[0]]);
    let make = |init: &[Bytes], runtime: &[Bytes]| message(0, 3, &[&list(init), &list(runtime)]);
    let made = target(2, 2);
    let call_made = |data: &[u8]| message(1, 1, &[&made, data]);
    let within = variant(0, 4, &[]);
    // An entry got, set to three bytes, deleted.
    let (got, set, unset) = (|key: u8| write(192 + key), |key: u8| write(220 + key), |key: u8| write(240 + key));
    vec![
        ("pay", vec![message(0, 0, &[&account(1)]), message(2, 0, &[&target(4, 1)]), message(2, 0, &[&target(3, 1)])]),
        ("keep", vec![message(0, 1, &[&keeper, &keep(1, 9, 0)]), message(3, 1, &[&keeper, &keep(1, 0, 1)])]),
        (
            "scripts",
            vec![script(2, 0, &[write(1), emit.clone(), pay(&target(4, 2)), run(1, &[write(2), exit.clone()], 0)])],
        ),
        (
            "entries",
            vec![
                script(2, 0, &[set(1), run(1, &[set(1), run(0, &[set(2), unset(1)], 0), exit], 0), got(1)]),
                script(3, 0, &[got(1), run(1, &[set(1), run(0, &[set(2), unset(1)], 0)], 0), got(1)]),
                script(2, 1, &[run(0, &[set(1), got(1)], 1), op(13, &[&[1]]), set(3)]),
            ],
        ),
        ("read-only", vec![script(3, 0, &[run(1, &[write(2), pay(&account(0))], 1), op(1, &[])])]),
        ("again", vec![script(2, 0, &[write(1), run(1, &[run(0, &[write(9)], 0), trap], 0), op(1, &[])])]),
        ("end", vec![script(2, 0, &[run(1, &[op(13, &[&[1]])], 0), pay(&target(1, 1))]), script(2, 1, &[write(1)])]),
        (
            "across",
            vec![
                script(2, 0, &[contract(&forwarder, &forward(&keeper, &keep(2, 3, 0))), write(7)]),
                message(0, 1, &[&forwarder, &forward(&target(1, 0), &data_script(&[write(8), emit.clone()]))]),
            ],
        ),
        (
            "exec",
            vec![message(2, 4, &[]), script(2, 2, &[write(1)]), message(3, 5, &[&[7]]), script(3, 0, &[op(7, &[])])],
        ),
        (
            "create",
            vec![
                make(
                    &[store.clone(), log.clone()],
                    &[store.clone(), evm_call(0, &keeper, &keep(1, 2, 0)), if_failed.clone()],
                ),
                call_made(&within),
            ],
        ),
        (
            "by-precompile",
            vec![
                make(std::slice::from_ref(&actor_writes), &[actor_writes.clone(), if_failed, log.clone()]),
                call_made(&within),
            ],
        ),
        (
            "nested-create",
            vec![make(
                &[evm(5, &[&[1, 7], &little(0), &list(&[store.clone(), evm(7, &[&account(1)])])]), log.clone()],
                &[evm(7, &[&account(0)])],
            )],
        ),
        (
            "delegate",
            vec![
                make(&[], &[evm_call(2, &keeper, &keep(5, 6, 0)), evm_call(3, &keeper, &keep(5, 6, 0)), store]),
                call_made(&within),
                script(2, 0, &[contract(&made, &within)]),
            ],
        ),
        (
            "methods",
            vec![message(2, 6, &[&target(5, 1), &[2], &[0]]), message(3, 6, &[&target(5, 10), &[4], &[1, 0x40, 0]])],
        ),
    ]
}

/// Changes of `state`.
pub fn state() -> Vec<(&'static str, Vec<Bytes>)> {
    let change = |number, fields: &[&[u8]]| variant(number, 5, fields);
    let set = |actor: u8, balance: u64| change(0, &[&[actor], &balance.to_le_bytes(), &[1, 2]]);
    let delete = |actor: u8| change(1, &[&[actor]]);
    let slot = |kind: u64, number: u8, value: u8| [variant(kind, 3, &[&[number]]), vec![value]].concat();
    let contract = |actor: u8, is_new: u8, slots: &[Bytes]| change(2, &[&[actor, is_new, 1], &list(slots)]);
    let name = |name: u8, actor: u8| change(3, &[&[name, actor]]);
    let flush = || change(4, &[]);
    // Of one actor; the length is one of six, of which the first and the last delete.
    let entry = |key: u8, length: u8| change(3, &[&[192 + key, 48 * length + 1]]);
    let entries = |length: u8| (0..64).map(move |key| entry(key, length));
    let many = |kind: u64, value: u8| (0..40).map(|number| slot(kind, number, value)).collect::<Vec<_>>();
    vec![
        ("set", vec![set(1, 5), set(2, 6), flush(), set(1, 7)]),
        ("set-many", (0..48).map(|actor| set(actor, 9)).collect()),
        ("delete", vec![set(1, 5), flush(), delete(1), flush(), set(1, 5)]),
        ("delete-unknown", vec![delete(3), flush(), set(3, 1), delete(3)]),
        ("names", vec![name(1, 1), name(2, 1), flush(), name(1, 2), name(3, 3)]),
        ("entries", entries(2).chain([flush()]).chain(entries(4)).chain([entry(3, 1), flush(), entry(3, 0)]).collect()),
        ("entries-gone", entries(1).chain([flush()]).chain(entries(0)).chain([flush(), entry(9, 3)]).collect()),
        ("slots", vec![contract(1, 1, &many(0, 3)), flush(), contract(1, 0, &many(0, 0))]),
        (
            "spread-slots",
            vec![contract(1, 1, &many(1, 3)), flush(), contract(1, 0, &many(1, 4)), contract(1, 0, &many(1, 0))],
        ),
        ("twin-slots", vec![contract(1, 1, &many(2, 3)), flush(), contract(1, 0, &[slot(2, 1, 0), slot(2, 2, 9)])]),
        ("again", vec![contract(1, 1, &many(0, 3)), flush(), delete(1), contract(1, 1, &[slot(0, 1, 1)]), flush()]),
        ("renewed", vec![contract(1, 1, &many(0, 3)), flush(), contract(1, 1, &[slot(1, 1, 1)]), set(1, 3)]),
    ]
}

/// A whole input.
pub fn input(elements: &[Bytes]) -> Bytes {
    list(elements)
}
