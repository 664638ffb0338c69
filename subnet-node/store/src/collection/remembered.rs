//! Names of the blocks that are put while a collection runs, in parts.
//!
//! A set that is full moves all it holds to a larger place, and here that is while a commit waits: there may be millions of names. In parts no more
//! is moved at once than one of them holds. None is made as large as it may get beforehand: most collections see few puts, and names are spread so
//! evenly that some ten thousands would touch all of the memory.

use std::collections::HashSet;

/// How many parts. With [`super::PUT_MAX`] names each holds some four thousand.
const PARTS: usize = 1_024;

/// Names, each once.
pub(super) struct Remembered {
    parts: Vec<HashSet<u128>>,
    len: usize,
}

impl Remembered {
    /// None yet.
    pub fn new() -> Self {
        Self { parts: vec![HashSet::new(); PARTS], len: 0 }
    }

    /// Adds a name, which is as good as random.
    pub fn insert(&mut self, name: u128) {
        if self.parts[part(name)].insert(name) {
            self.len += 1;
        }
    }

    /// Whether it was added.
    pub fn contains(&self, name: u128) -> bool {
        self.parts[part(name)].contains(&name)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }
}

/// The part of a name.
fn part(name: u128) -> usize {
    let [first, second, ..] = name.to_le_bytes();
    usize::from(u16::from_le_bytes([first, second])) % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An odd number: so many names in a row fall into all parts alike.
    const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

    #[test]
    fn what_was_added_is_there_once_and_nothing_else_is() {
        let mut names = Remembered::new();
        for name in [0, 1, 1 << 16, u128::MAX, 1 << 16] {
            names.insert(name);
        }
        assert_eq!(names.len(), 4);
        let there = [0, 1, 2, 1 << 16, 1 << 17, u128::MAX - 1, u128::MAX].map(|name| names.contains(name));
        assert_eq!(there, [true, true, false, true, false, false, true]);
    }

    #[test]
    fn no_more_than_a_thousandth_is_moved_at_once_when_names_outgrow_their_place() {
        const COUNT: usize = 1 << 17;
        let (mut names, mut moved_most, mut moves) = (Remembered::new(), 0, 0);
        for number in 0..u128::try_from(COUNT).unwrap() {
            let name = number.wrapping_mul(SPREAD);
            let (held, room) = (names.parts[part(name)].len(), names.parts[part(name)].capacity());
            names.insert(name);
            if names.parts[part(name)].capacity() > room {
                (moved_most, moves) = (moved_most.max(held), moves + 1);
            }
        }
        assert_eq!(names.len(), COUNT);
        assert!(moves > 0 && moved_most <= COUNT / 1_000, "{moved_most} of {COUNT}");
    }
}
