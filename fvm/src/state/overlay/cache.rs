//! What is at hand of a map, and which of it is not yet settled in the tree.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use crate::state::Map;

/// Keys and values at hand.
pub(super) struct Cache<K, V> {
    known: Map<K, Known<V>>,
    /// Keys whose values changed since the last settling, each once.
    changed: Vec<K>,
}

struct Known<V> {
    value: V,
    is_changed: bool,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { known: Map::default(), changed: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash + Ord, V> Cache<K, V> {
    /// A value at hand.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.known.get(key).map(|known| &known.value)
    }

    /// A value at hand, to be brought in line with the tree: it does not count as changed.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.known.get_mut(key).map(|known| &mut known.value)
    }

    /// A value, by `read` unless it is at hand.
    pub(super) fn get_or_read<E>(&mut self, key: K, read: impl FnOnce() -> Result<V, E>) -> Result<&mut V, E> {
        let known = match self.known.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Known { value: read()?, is_changed: false }),
        };
        Ok(&mut known.value)
    }

    /// The value as it was read, unless one is at hand.
    pub(super) fn keep(&mut self, key: K, value: V) {
        self.known.entry(key).or_insert(Known { value, is_changed: false });
    }

    /// Sets a value; it changed.
    pub(super) fn set(&mut self, key: K, value: V) {
        let is_new = match self.known.entry(key) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.value = value;
                !std::mem::replace(&mut known.is_changed, true)
            }
            Entry::Vacant(place) => {
                place.insert(Known { value, is_changed: true });
                true
            }
        };
        if is_new {
            self.changed.push(key);
        }
    }

    /// A value at hand changes below it.
    pub(super) fn touch(&mut self, key: K) {
        if let Some(known) = self.known.get_mut(&key)
            && !std::mem::replace(&mut known.is_changed, true)
        {
            self.changed.push(key);
        }
    }

    /// Keys whose values changed and are not settled, in no order.
    pub(super) fn changed(&self) -> &[K] {
        &self.changed
    }

    /// The same, ascending; from here on they are settled.
    pub(super) fn take_changed(&mut self) -> Vec<K> {
        let mut changed = std::mem::take(&mut self.changed);
        for key in &changed {
            self.known.get_mut(key).into_iter().for_each(|known| known.is_changed = false);
        }
        changed.sort_unstable();
        changed
    }

    /// How many are at hand.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_once_and_in_order() {
        let mut cache = Cache::<u64, &str>::default();
        let read = |cache: &mut Cache<u64, &'static str>, key, value| {
            cache.get_or_read(key, || Ok::<_, ()>(value)).map(|value| *value).unwrap()
        };
        assert_eq!((read(&mut cache, 5, "read"), read(&mut cache, 5, "again")), ("read", "read"));
        cache.keep(5, "late");
        assert_eq!(cache.get(&5), Some(&"read"), "what is at hand stays");
        cache.set(9, "set");
        cache.set(7, "set");
        cache.set(9, "twice");
        cache.touch(5);
        cache.touch(6);
        assert_eq!(cache.get(&9), Some(&"twice"));
        assert_eq!(cache.changed().len(), 3, "what is not at hand does not change");
        assert_eq!(cache.take_changed(), [5, 7, 9]);
        assert!(cache.take_changed().is_empty());
        cache.set(7, "later");
        assert_eq!((cache.take_changed(), cache.len()), (vec![7], 3));
    }
}
