//! Filters: where each caller stands in what it asks for again and again.
//!
//! | event | action |
//! |---|---|
//! | a new one, with fewer than `filters_max` and fewer addresses and topics than [`WEIGHT_EACH`] of each | keep it |
//! | a new one, with as many | keep it, and let the longest idle go of the client that has the most, until there is room; refuse it, and let none go, where none would have more than the one who asks |
//! | asked for | keep it for `filter_idle_max` more |
//! | removed, or not asked for that long | it is gone, and its name is unknown |
//!
//! What changed is not gathered: a filter is a place in the chain, or among the transactions that came lately. An answer that would be too
//! large ends early, and the next one goes on from there. Who has the most is told by addresses and topics, of which a filter has one at least.

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

/// Addresses and topics of all filters, for each that may be kept: 16,384 by default, and so 1.6 MiB.
const WEIGHT_EACH: usize = 16;

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

impl Filter {
    /// How much there is to keep of it, as [`LogFilter::weight`](crate::log_filter::LogFilter::weight) counts.
    fn weight(&self) -> usize {
        match self {
            Self::Logs(wanted, _) => wanted.filter().weight(),
            Self::Blocks(_) | Self::Arrivals { .. } => 1,
        }
    }
}

struct Kept {
    client: Client,
    weight: usize,
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
    /// [`RpcRejected::AboveLimit`] when as many are kept as may be, or of as many addresses and topics, and nobody has more than `client` would.
    pub fn keep(&self, client: Client, filter: Filter, now: Instant) -> Result<String, RpcRejected> {
        let mut kept = self.fresh(now);
        let (most, weight) = (self.most, filter.weight());
        let weight_max = most.saturating_mul(WEIGHT_EACH);
        let Some(gone) = room_for(&kept, client, weight, most, weight_max) else {
            let reason = format!("this node keeps {most} at most, of {weight_max} addresses and topics together");
            return Err(RpcRejected::AboveLimit(format!("too many filters: {reason}")));
        };
        for name in gone {
            kept.remove(&name);
        }
        let name = id::new();
        kept.insert(name.clone(), Kept { client, weight, filter: Arc::new(Mutex::new(filter)), asked: now });
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

/// The names of those that go so that one of this weight of `client` may be kept: each time the longest idle of whoever has the most, if that is
/// more than `client` has with the new one. None where that makes no room. Cost: a look at each, for each that goes and once more.
fn room_for(
    kept: &HashMap<String, Kept>,
    client: Client,
    weight: usize,
    most: usize,
    weight_max: usize,
) -> Option<Vec<String>> {
    let (mut weights, mut all) = (HashMap::<Client, usize>::new(), weight);
    for one in kept.values() {
        let of_client = weights.entry(one.client).or_default();
        *of_client = of_client.saturating_add(one.weight);
        all = all.saturating_add(one.weight);
    }
    let own = weights.get(&client).copied().unwrap_or_default().saturating_add(weight);
    let (mut staying, mut gone): (Vec<_>, Vec<_>) = (kept.iter().collect(), Vec::new());
    while staying.len() >= most || all > weight_max {
        let (greatest, has) = weights.iter_mut().max_by_key(|(_, has)| **has).filter(|(_, has)| **has > own)?;
        let of_greatest = staying.iter().enumerate().filter(|(_, (_, one))| one.client == *greatest);
        let (at, _) = of_greatest.min_by_key(|(_, (_, one))| one.asked)?;
        let (name, one) = staying.swap_remove(at);
        (*has, all) = (has.saturating_sub(one.weight), all.saturating_sub(one.weight));
        gone.push(name.clone());
    }
    Some(gone)
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
        let sentence = "too many filters: this node keeps 2 at most, of 32 addresses and topics together";
        assert_eq!(refused.to_string(), sentence);
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

    /// A filter for logs of so many addresses.
    fn logs(addresses: u8) -> Filter {
        let addresses: Vec<_> = (0..addresses).map(alloy_primitives::Address::repeat_byte).collect();
        let wanted = serde_json::from_value(serde_json::json!({ "address": addresses })).unwrap();
        Filter::Logs(Box::new(NewLogs::of(wanted, 0).unwrap()), Place::after(tributary_primitives::Height(7)))
    }

    #[test]
    fn filters_have_so_many_addresses_together_and_who_has_the_most_makes_room() {
        // Of 64 addresses in all.
        let (filters, start) = (Filters::new(4, IDLE_MAX), Instant::now());
        let second = |seconds| start + Duration::from_secs(seconds);
        assert!(filters.keep(client(1), logs(65), start).is_err());
        let large = filters.keep(client(1), logs(40), second(0)).unwrap();
        let small = filters.keep(client(1), filter(), second(1)).unwrap();
        assert!(filters.keep(client(1), logs(24), second(2)).is_err(), "not for its own");
        assert!(filters.keep(client(2), logs(41), second(3)).is_err(), "it would have as many");
        let there = |name: &String| filters.asked(name, second(4)).is_ok();
        assert!(there(&small) && there(&large), "none goes for one that is not kept");
        assert!(filters.keep(client(2), logs(24), second(5)).is_ok());
        assert!(!there(&small) || !there(&large), "one of the client's that had the most");
    }
}
