//! Seeds and mutations of them: what a fuzzer would do, for a few seconds and always the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tributary_trials::{INPUT_BYTES_MAX, TARGETS, Target, blocks};

/// Mutations tried of each target: a few seconds of each on one core. More only find more slowly than libFuzzer does.
const MUTATIONS: [(&str, usize); 5] =
    [("message", 30_000), ("wasm", 400), ("calls", 1_200), ("blocks", 100), ("state", 1_500)];
/// Where every run starts.
const SEED: u64 = 0x7219_6247;

/// A splitmix64 sequence. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

/// The seeds of a target by name.
fn seeds(target: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder(target)).unwrap().map(Result::unwrap);
    let seed =
        |entry: std::fs::DirEntry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
    entries.map(seed).collect()
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(target, _)| *target == name).unwrap().1
}

/// A seed after a few changes: bits, bytes, runs of bytes cut, doubled or taken from another seed.
fn mutate(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut data = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(5) {
        let at = dice.below(data.len() + 1);
        let run = dice.below(16).min(data.len() - at);
        match dice.below(7) {
            0 => data.insert(at, dice.byte()),
            1 => drop(data.drain(at..at + run)),
            2 => {
                let doubled = data[at..at + run].to_vec();
                data.splice(at..at, doubled);
            }
            3 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len() + 1);
                let length = dice.below(other.len() - from + 1);
                data.splice(at..at + run, other[from..from + length].iter().copied());
            }
            _ if at == data.len() => data.push(dice.byte()),
            4 => data[at] ^= 1 << dice.below(8),
            5 => data[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            _ => data[at] = dice.byte(),
        }
    }
    data.truncate(INPUT_BYTES_MAX);
    data
}

/// Runs an input; when it breaks a law, leaves it where the fuzzer would find it and says so.
fn try_one(target: &str, what: &str, data: &[u8]) {
    let run = self::target(target);
    if std::panic::catch_unwind(|| run(data)).is_err() {
        let path = std::env::temp_dir().join(format!("tributary-{target}-finding"));
        std::fs::write(&path, data).unwrap();
        panic!("{target}: {what} breaks a law; the input is in {}", path.display());
    }
}

fn replay(target: &str) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 8, "{target} has {} seeds", seeds.len());
    for (name, data) in &seeds {
        assert!(data.len() <= INPUT_BYTES_MAX, "{target}: seed {name} is too large");
        try_one(target, name, data);
    }
    let seeds: Vec<_> = seeds.into_values().collect();
    let mut dice = Dice(SEED);
    let (_, mutations) = MUTATIONS.iter().find(|(name, _)| *name == target).unwrap();
    for number in 0..*mutations {
        try_one(target, &format!("mutation {number}"), &mutate(&seeds, &mut dice));
    }
}

#[test]
fn messages_from_strangers_keep_the_laws() {
    replay("message");
}

#[test]
fn modules_from_strangers_keep_the_laws() {
    replay("wasm");
}

#[test]
fn calls_between_both_runtimes_keep_the_laws() {
    replay("calls");
}

#[test]
fn large_blocks_made_to_collide_keep_the_laws_on_threads() {
    replay("blocks");
}

#[test]
fn the_state_tree_is_what_a_map_would_be() {
    replay("state");
}

#[test]
fn every_seed_of_blocks_fills_two_large_ones_in_which_a_lot_goes_well() {
    for (name, data) in seeds("blocks") {
        for receipts in blocks::receipts(&data) {
            let went_well = receipts.iter().filter(|receipt| receipt.exit_code.is_success()).count();
            assert!(receipts.len() >= 64 && went_well >= 8, "{name}: {went_well} of {} went well", receipts.len());
        }
    }
}

#[test]
fn every_target_has_seeds_mutations_and_a_fuzz_target() {
    for (name, _) in TARGETS {
        assert!(MUTATIONS.iter().any(|(target, _)| *target == name), "{name}");
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/targets/{name}.rs"));
        assert!(fuzz.is_file(), "{}", fuzz.display());
    }
}
