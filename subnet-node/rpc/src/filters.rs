//! Filters: where each caller stands in what it asks for again and again.
//!
//! | event | action |
//! |---|---|
//! | a new one, with fewer than `filters_max` | keep it |
//! | a new one, with as many | keep it, and let the longest idle go of the client that has the most; refuse it where none would have more than the one who asks |
//! | asked for | keep it for `filter_idle_max` more |
//! | removed, or not asked for that long | it is gone, and its name is unknown |
//!
//! What changed is not gathered: a filter is a place in the chain, or among the transactions that came lately. An answer that would be too
//! large ends early, and the next one goes on from there.

mod place;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;
use tributary_primitives::Hash32;

use crate::clients::Client;
use crate::error::RpcRejected;
use crate::id;
use crate::new_logs::NewLogs;

pub use place::Place;

/// What is asked for again and again.
pub enum Filter {
    /// Hashes of new blocks.
    Blocks(Place),
    /// Logs of new blocks.
    Logs(Box<NewLogs>, Place),
    /// Transactions that began to wait: hashes, or in full.
    Arrivals { arrivals: broadcast::Receiver<Hash32>, full: bool },
}

/// All filters of a server.
pub struct Filters {
    most: usize,
    idle_max: Duration,
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    client: Client,
    filter: Arc<Mutex<Filter>>,
    asked: Instant,
}

impl Filters {
    /// None yet; at most `most`, each for `idle_max` since it was last asked for.
    pub fn new(most: usize, idle_max: Duration) -> Self {
        Self { most, idle_max, kept: Mutex::default() }
    }

    /// Keeps one of `client`; its name.
    ///
    /// # Errors
    /// [`RpcRejected::AboveLimit`] when as many are kept as may be, and nobody has more than `client` would.
    pub fn keep(&self, client: Client, filter: Filter, now: Instant) -> Result<String, RpcRejected> {
        let mut kept = self.fresh(now);
        if kept.len() >= self.most && !make_room(&mut kept, client) {
            let most = self.most;
            return Err(RpcRejected::AboveLimit(format!("too many filters: this node keeps {most} at most")));
        }
        let name = id::new();
        kept.insert(name.clone(), Kept { client, filter: Arc::new(Mutex::new(filter)), asked: now });
        Ok(name)
    }

    /// The one of this name, which is asked for now.
    ///
    /// # Errors
    /// [`RpcRejected::NoFilter`].
    pub fn asked(&self, name: &str, now: Instant) -> Result<Arc<Mutex<Filter>>, RpcRejected> {
        let mut kept = self.fresh(now);
        let kept = kept.get_mut(name).ok_or(RpcRejected::NoFilter)?;
        kept.asked = now;
        Ok(Arc::clone(&kept.filter))
    }

    /// Removes one; whether it was there.
    pub fn remove(&self, name: &str, now: Instant) -> bool {
        self.fresh(now).remove(name).is_some()
    }

    /// Those that are not gone yet. Cost: a look at each.
    fn fresh(&self, now: Instant) -> MutexGuard<'_, HashMap<String, Kept>> {
        // Whole after every use, so a thread that panicked elsewhere harms nothing here.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now.saturating_duration_since(kept.asked) < self.idle_max);
        kept
    }
}

/// Lets one go of whoever has the most, if that is more than `client` has with one more; whether it did. Cost: two looks at each.
fn make_room(kept: &mut HashMap<String, Kept>, client: Client) -> bool {
    let mut counts = HashMap::<Client, usize>::new();
    for one in kept.values() {
        *counts.entry(one.client).or_default() += 1;
    }
    let own = counts.get(&client).copied().unwrap_or_default();
    let most = counts.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > own + 1);
    let Some((greatest, _)) = most else { return false };
    let of_greatest = kept.iter().filter(|(_, one)| one.client == greatest);
    let longest_idle = of_greatest.min_by_key(|(_, one)| one.asked).map(|(name, _)| name.clone());
    longest_idle.is_some_and(|name| kept.remove(&name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE_MAX: Duration = Duration::from_secs(300);

    fn client(number: u32) -> Client {
        Client::at(std::net::Ipv4Addr::from_bits(number).into())
    }

    fn filter() -> Filter {
        Filter::Blocks(Place::after(tributary_primitives::Height(7)))
    }

    #[test]
    fn a_filter_is_there_while_it_is_asked_for_and_gone_once_it_is_not() {
        let (filters, start) = (Filters::new(8, IDLE_MAX), Instant::now());
        let name = filters.keep(client(1), filter(), start).unwrap();
        let almost = IDLE_MAX - Duration::from_nanos(1);
        assert!(filters.asked(&name, start + almost).is_ok());
        assert!(filters.asked(&name, start + almost * 2).is_ok(), "it was asked for meanwhile");
        assert_eq!(filters.asked(&name, start + almost * 2 + IDLE_MAX).err(), Some(RpcRejected::NoFilter));
        assert!(!filters.remove(&name, start), "it does not come back");
    }

    #[test]
    fn as_many_are_kept_as_may_be_and_one_that_goes_makes_room() {
        let (filters, start) = (Filters::new(2, IDLE_MAX), Instant::now());
        let first = filters.keep(client(1), filter(), start).unwrap();
        filters.keep(client(1), filter(), start).unwrap();
        let refused = filters.keep(client(1), filter(), start).unwrap_err();
        assert_eq!(refused.to_string(), "too many filters: this node keeps 2 at most");
        assert!(filters.remove(&first, start) && !filters.remove(&first, start));
        filters.keep(client(1), filter(), start).unwrap();
        filters.keep(client(1), filter(), start + IDLE_MAX).unwrap();
    }

    #[test]
    fn who_has_the_most_makes_room_for_others_until_all_have_as_many() {
        let (filters, start) = (Filters::new(4, IDLE_MAX), Instant::now());
        let second = |seconds| start + Duration::from_secs(seconds);
        let first = [0, 1, 2, 3].map(|at| filters.keep(client(1), filter(), second(at)).unwrap());
        assert!(filters.asked(&first[0], second(4)).is_ok(), "the second is idle for longer now");
        assert!(filters.keep(client(1), filter(), second(5)).is_err(), "not for its own");
        let others = [6, 7].map(|at| filters.keep(client(2), filter(), second(at)).unwrap());
        let there = |name: &String| filters.asked(name, second(8)).is_ok();
        assert_eq!(first.each_ref().map(there), [true, false, false, true]);
        assert_eq!(others.each_ref().map(there), [true, true]);
        for number in [1, 2] {
            assert!(filters.keep(client(number), filter(), second(9)).is_err(), "each has two");
        }
        assert!(filters.keep(client(3), filter(), second(9)).is_ok(), "one of two");
        assert!(filters.keep(client(4), filter(), second(9)).is_ok(), "and one of the other two");
        assert!(filters.keep(client(5), filter(), second(9)).is_err(), "each has one");
    }
}
