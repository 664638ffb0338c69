//! Work without order, spread over threads.

use std::thread;

/// What `work` makes of each item, in the items' order. Each thread has its share of them: the items should cost about the same.
pub fn spread<T: Sync, U: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    let work = &work;
    thread::scope(|scope| {
        let shares: Vec<_> =
            items.chunks(share).map(|items| scope.spawn(move || items.iter().map(work).collect::<Vec<_>>())).collect();
        shares.into_iter().flat_map(|share| share.join().expect("work does not panic")).collect()
    })
}

/// Cores of this machine.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_whatever_the_number_of_threads() {
        let items: Vec<_> = (0..10).collect();
        for threads in [0, 1, 3, 10, 99] {
            assert_eq!(spread(&items, threads, |item| item + 1), (1..11).collect::<Vec<_>>(), "{threads}");
        }
        assert!(spread(&[0; 0], 2, |item| *item).is_empty());
    }
}
