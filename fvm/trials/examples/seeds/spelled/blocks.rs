//! Seeds of `blocks`: each fills two blocks with what its name says. Numbers follow the types in `src/blocks/language.rs`.

use super::{Bytes, account, data_script, evm, evm_call, forward, keep, list, little, op, target, variant, who, write};

/// One of the crowd after the other, all the same.
const ALL_SAME: [u8; 4] = [1, 0, 0, 31];
/// One of the crowd after the other, each to another of twelve.
const ALL_TO_OTHERS: [u8; 4] = [1, 5, 0, 11];
/// One of the crowd after the other, each in another of eight cells.
const ALL_IN_CELLS: [u8; 4] = [1, 0, 1, 7];
/// One of the crowd after the other, everything moves on.
const ALL_MOVE: [u8; 4] = [1, 1, 1, 255];
/// Always the same sender, everything else moves on.
const CHAIN: [u8; 4] = [0, 1, 1, 255];
/// Contracts in the order in which they are there.
const KEEPER: u8 = 0;
const FORWARDER: u8 = 1;
const TOKEN: u8 = 2;
const MIXER: u8 = 3;
const FACTORY: u8 = 4;
const MADE: u8 = 5;

fn plenty() -> Bytes {
    variant(0, 3, &[])
}

/// So many parts of 65,536 of enough gas.
fn gas_part(part: u16) -> Bytes {
    variant(1, 3, &[&part.to_le_bytes()])
}

fn right() -> Bytes {
    variant(0, 5, &[])
}

/// A message, with its steps.
fn sent(from: u64, act: &[u8], gas: &[u8], value: &[u8], nonce: &[u8], steps: [u8; 4]) -> Bytes {
    [&variant(0, 2, &[&who(from), act, gas, value, nonce])[..], &steps].concat()
}

/// With enough gas, some value and the right nonce.
fn good(from: u64, act: &[u8], steps: [u8; 4]) -> Bytes {
    sent(from, act, &plenty(), &little(5), &right(), steps)
}

/// The same without value, which not every method takes.
fn free(from: u64, act: &[u8], steps: [u8; 4]) -> Bytes {
    sent(from, act, &plenty(), &variant(0, 4, &[]), &right(), steps)
}

fn pay(to: &[u8]) -> Bytes {
    variant(0, 7, &[to])
}

fn call(to: &[u8], data: &[u8]) -> Bytes {
    variant(1, 7, &[to, data])
}

fn contract(number: u8, first: u8, second: u8) -> Bytes {
    call(&target(2, number), &keep(first, second, 0))
}

fn script(actor: u8, ops: &[Bytes]) -> Bytes {
    variant(2, 7, &[&[actor], &list(ops)])
}

fn create(init: &[Bytes], runtime: &[Bytes]) -> Bytes {
    variant(3, 7, &[&list(init), &list(runtime)])
}

fn exec() -> Bytes {
    variant(4, 7, &[])
}

fn delegate(from: u64, authority: u64, to: &[u8], data: &[u8], steps: [u8; 4]) -> Bytes {
    [&variant(1, 2, &[&who(from), &who(authority), to, data, &plenty(), &right()])[..], &steps].concat()
}

/// So often in all.
fn pattern(times: u8, sent: &[Bytes]) -> Bytes {
    [&[times - 1][..], &list(sent)].concat()
}

/// On three threads by every kind of hint, with all the gas there is; the second block as the first.
fn trial(first: &[Bytes]) -> Bytes {
    trial_of(&variant(0, 2, &[]), 3, first, &[])
}

fn trial_of(gas: &[u8], threads: u8, first: &[Bytes], second: &[Bytes]) -> Bytes {
    [gas, &[threads], &list(first), &list(second)].concat()
}

/// So many thousands of block gas.
fn block_gas(thousands: u16) -> Bytes {
    variant(1, 2, &[&thousands.to_le_bytes()])
}

/// Every seed: name and bytes.
pub fn blocks() -> Vec<(&'static str, Bytes)> {
    [transfers(), contracts(), actors(), ends()].concat()
}

fn transfers() -> Vec<(&'static str, Bytes)> {
    let much = variant(2, 4, &[&u32::MAX.to_le_bytes()]);
    let too_much = variant(3, 4, &[]);
    let poor = |nonce: &[u8]| sent(4, &pay(&account(1)), &plenty(), &much, nonce, [1, 0, 0, 2]);
    vec![
        ("one-receiver", trial(&[pattern(200, &[good(0, &pay(&account(1)), ALL_SAME)])])),
        (
            "first-transfers",
            trial(&[pattern(
                60,
                &[
                    good(0, &pay(&target(3, 0)), ALL_MOVE),
                    good(2, &pay(&target(4, 0)), ALL_MOVE),
                    good(1, &pay(&target(3, 0)), [1, 1, 0, 3]),
                    good(0, &pay(&target(5, 150)), ALL_MOVE),
                ],
            )]),
        ),
        (
            "one-sender",
            trial(&[pattern(
                80,
                &[
                    good(0, &pay(&account(1)), CHAIN),
                    free(0, &contract(MIXER, 0, 1), [0, 0, 1, 7]),
                    free(2, &script(0, &[write(1)]), [0, 1, 1, 7]),
                ],
            )]),
        ),
        (
            "poor-senders",
            trial(&[
                pattern(12, &[poor(&right()), good(0, &pay(&account(2)), ALL_SAME)]),
                pattern(20, &[good(0, &pay(&account(4)), [1, 1, 0, 2]), poor(&variant(3, 5, &[]))]),
                pattern(60, &[good(0, &contract(TOKEN, 3, 1), ALL_SAME), poor(&right())]),
            ]),
        ),
        (
            "skipped",
            trial(&[
                pattern(80, &[free(0, &contract(MIXER, 0, 1), ALL_IN_CELLS)]),
                pattern(1, &[sent(0, &pay(&account(1)), &plenty(), &too_much, &right(), ALL_SAME)]),
                pattern(
                    3,
                    &[
                        sent(1, &pay(&account(0)), &plenty(), &little(1), &variant(4, 5, &[&[2]]), ALL_SAME),
                        sent(2, &pay(&account(0)), &plenty(), &little(1), &variant(3, 5, &[]), ALL_SAME),
                    ],
                ),
                pattern(80, &[free(0, &contract(MIXER, 0, 1), ALL_IN_CELLS)]),
            ]),
        ),
    ]
}

fn contracts() -> Vec<(&'static str, Bytes)> {
    let (store, end) = (evm(0, &[&[1, 2]]), evm(7, &[&account(0)]));
    let nested = evm(5, &[&[1, 7], &little(0), &list(std::slice::from_ref(&store))]);
    let ended = evm(5, &[&[0], &little(1), &list(std::slice::from_ref(&end))]);
    let nothing = variant(0, 5, &[]);
    vec![
        ("token", trial(&[pattern(250, &[free(0, &contract(TOKEN, 0, 3), ALL_IN_CELLS)])])),
        ("token-to-one", trial(&[pattern(120, &[free(0, &contract(TOKEN, 3, 1), ALL_SAME)])])),
        (
            "slots",
            trial(&[pattern(
                150,
                &[
                    free(0, &contract(MIXER, 0, 1), ALL_IN_CELLS),
                    free(1, &contract(KEEPER, 2, 9), ALL_IN_CELLS),
                    free(0, &contract(MIXER, 3, 3), [3, 0, 0, 31]),
                    free(2, &call(&target(2, FORWARDER), &forward(&target(2, MIXER), &keep(1, 2, 0))), ALL_IN_CELLS),
                ],
            )]),
        ),
        (
            "deployments",
            trial_of(
                &variant(0, 2, &[]),
                1,
                &[pattern(
                    40,
                    &[
                        good(0, &create(&[store.clone(), nested], std::slice::from_ref(&store)), ALL_SAME),
                        free(0, &contract(MIXER, 0, 0), ALL_SAME),
                        good(1, &create(&[ended], &[evm_call(0, &target(2, KEEPER), &keep(1, 2, 0)), end]), ALL_SAME),
                        good(2, &exec(), ALL_SAME),
                    ],
                )],
                &[pattern(100, &[good(0, &call(&target(2, MADE), &nothing), ALL_MOVE)])],
            ),
        ),
        (
            "same-address",
            trial(&[pattern(
                100,
                &[
                    free(0, &contract(FACTORY, 0, 0), [1, 0, 1, 5]),
                    // Init code that stores, of one byte more each time: then a deployment that others find there.
                    free(
                        1,
                        &call(
                            &target(2, FACTORY),
                            &variant(4, 5, &[&list(&[0x60, 1, 0x5f, 0x55, 0, 0].map(|byte| vec![byte]))]),
                        ),
                        [1, 0, 1, 9],
                    ),
                ],
            )]),
        ),
        (
            "delegations",
            trial(&[pattern(
                50,
                &[
                    delegate(0, 1, &target(2, MIXER), &keep(0, 1, 0), [7, 3, 1, 15]),
                    free(0, &call(&account(1), &keep(0, 1, 0)), ALL_MOVE),
                    delegate(1, 1, &target(2, KEEPER), &keep(1, 2, 0), ALL_TO_OTHERS),
                    free(2, &call(&account(1), &keep(0, 1, 0)), ALL_TO_OTHERS),
                    delegate(0, 1, &target(6, 0), &nothing, [1, 3, 1, 15]),
                    good(1, &pay(&account(0)), ALL_TO_OTHERS),
                ],
            )]),
        ),
    ]
}

fn actors() -> Vec<(&'static str, Bytes)> {
    let (read, emit) = (op(1, &[]), op(2, &[&[3, 4]]));
    // An entry got, set to three bytes, deleted.
    let (got, set, unset) = (|key: u8| write(192 + key), |key: u8| write(220 + key), |key: u8| write(240 + key));
    let run = |actor: u8, ops: &[Bytes]| op(4, &[&[actor], &list(ops), &little(1), &[0], &[0]]);
    let fails = |actor: u8, ops: &[Bytes]| run(actor, &[ops, &[op(9, &[])]].concat());
    let to_contract = |data: &[u8]| op(5, &[&target(2, MIXER), data, &variant(0, 4, &[])]);
    vec![
        (
            "roots",
            trial(&[pattern(
                100,
                &[
                    free(2, &script(0, &[read.clone(), write(1)]), [1, 1, 1, 7]),
                    free(3, &script(0, &[read.clone(), emit.clone()]), [1, 1, 0, 2]),
                ],
            )]),
        ),
        (
            "entries",
            trial(&[pattern(
                120,
                &[
                    free(2, &script(0, &[got(0), set(0)]), ALL_IN_CELLS),
                    free(3, &script(0, &[got(1), unset(2)]), ALL_IN_CELLS),
                    free(0, &script(1, &[set(1), fails(0, &[set(0)]), got(0)]), [1, 1, 1, 7]),
                ],
            )]),
        ),
        ("own-entries", trial(&[pattern(200, &[free(2, &script(0, &[got(0), set(0)]), [1, 0, 1, 255])])])),
        (
            "across",
            trial(&[pattern(
                60,
                &[
                    good(2, &script(0, &[to_contract(&keep(0, 1, 0)), write(1)]), ALL_MOVE),
                    free(
                        0,
                        &call(
                            &target(2, FORWARDER),
                            &forward(&target(1, 0), &data_script(&[set(0), got(1), write(3)])),
                        ),
                        ALL_IN_CELLS,
                    ),
                    good(3, &script(1, &[run(0, &[set(0), to_contract(&keep(2, 3, 0))]), got(0)]), [1, 1, 1, 7]),
                    good(1, &script(0, &[set(1), op(3, &[&account(0), &little(2)]), write(9)]), ALL_TO_OTHERS),
                ],
            )]),
        ),
        (
            "actors-end",
            trial(&[
                pattern(40, &[free(2, &script(0, &[set(0), got(1), write(1)]), [1, 1, 1, 7])]),
                pattern(
                    8,
                    &[
                        free(2, &script(0, &[set(0), op(13, &[&[1]])]), [1, 1, 1, 7]),
                        good(0, &pay(&target(1, 0)), ALL_MOVE),
                        free(3, &script(0, &[got(0), set(1), write(1)]), [1, 1, 1, 3]),
                        good(2, &exec(), ALL_SAME),
                    ],
                ),
                pattern(40, &[free(2, &script(0, &[set(0), got(1), write(1)]), [1, 1, 1, 7])]),
            ]),
        ),
    ]
}

fn ends() -> Vec<(&'static str, Bytes)> {
    let mixed = |gas: &[u8]| {
        pattern(
            80,
            &[
                sent(0, &contract(MIXER, 0, 1), gas, &variant(0, 4, &[]), &right(), ALL_IN_CELLS),
                sent(2, &script(0, &[write(220), write(1), write(193)]), gas, &little(1), &right(), [1, 1, 1, 7]),
                sent(1, &contract(TOKEN, 0, 3), gas, &variant(0, 4, &[]), &right(), ALL_IN_CELLS),
                sent(0, &create(&[evm(0, &[&[1, 2]])], &[]), gas, &little(1), &right(), ALL_SAME),
            ],
        )
    };
    vec![
        ("gas-runs-out", trial(&[mixed(&gas_part(900)), mixed(&gas_part(1_500)), mixed(&plenty())])),
        ("block-gas-ends", trial_of(&block_gas(9_000), 5, &[mixed(&plenty())], &[mixed(&gas_part(2_000))])),
        (
            "block-gas-ends-slowly",
            trial_of(&block_gas(6_000), 3, &[mixed(&gas_part(2_500)), mixed(&gas_part(900))], &[]),
        ),
    ]
}
