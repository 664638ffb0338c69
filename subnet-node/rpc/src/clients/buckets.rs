//! How fast each client may ask: a token bucket each, kept as one number.
//!
//! ```text
//!        now                 due
//! ────────┼───────────────────┼────────▶ nanoseconds since the start
//!         ├── tokens missing ─┤           each is 1 s / rate
//!         ├── burst − 1 tokens ──────┤
//! ```
//!
//! *Due* is when the client's bucket would be full again. A request moves it on by one token; it is refused when more than `burst − 1` tokens
//! were missing before. A client whose bucket is full need not be remembered.
//!
//! | a client that is not known comes, and | |
//! |---|---|
//! | there is room | it gets a bucket, which is full |
//! | there is none, and nobody was forgotten for a second | who has a full bucket is forgotten, first |
//! | there is none after that | it shares a bucket with all such |
//!
//! So who comes from ever new addresses pushes nobody out who asks.
//!
//! Source: ITU-T I.371, Annex A, the virtual scheduling algorithm.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::Client;

/// From one forgetting to the next, at least: it looks at every bucket.
const FORGET_EVERY_NS: u64 = NS_PER_S;
const NS_PER_S: u64 = 1_000_000_000;

/// A bucket for each client that asked lately.
#[derive(Debug)]
pub struct Buckets {
    token_ns: u64,
    burst_ns: u64,
    most: usize,
    /// When each is full again.
    due: HashMap<Client, u64>,
    /// The bucket of those who have none.
    others: u64,
    forgot_ns: Option<u64>,
}

impl Buckets {
    /// `per_s` requests a second, and `burst` at once, of each of `most` clients and of all others together.
    pub fn new(per_s: NonZeroU32, burst: u32, most: usize) -> Self {
        let token_ns = NS_PER_S / u64::from(per_s.get());
        let burst_ns = token_ns.saturating_mul(u64::from(burst.saturating_sub(1)));
        Self { token_ns, burst_ns, most, due: HashMap::new(), others: 0, forgot_ns: None }
    }

    /// Takes a token for a request of `client` now.
    ///
    /// # Errors
    /// How long until there is one; none is taken.
    pub fn take(&mut self, client: Client, now_ns: u64) -> Result<(), Duration> {
        let (token_ns, burst_ns) = (self.token_ns, self.burst_ns);
        let due = self.due_of(client, now_ns);
        let missing_ns = due.saturating_sub(now_ns);
        if missing_ns > burst_ns {
            return Err(Duration::from_nanos(missing_ns - burst_ns));
        }
        *due = now_ns.saturating_add(missing_ns).saturating_add(token_ns);
        Ok(())
    }

    fn due_of(&mut self, client: Client, now_ns: u64) -> &mut u64 {
        if self.due.len() >= self.most && !self.due.contains_key(&client) {
            self.forget(now_ns);
            if self.due.len() >= self.most {
                return &mut self.others;
            }
        }
        self.due.entry(client).or_insert(now_ns)
    }

    /// Forgets whose bucket is full.
    fn forget(&mut self, now_ns: u64) {
        if self.forgot_ns.is_none_or(|forgot_ns| now_ns.saturating_sub(forgot_ns) >= FORGET_EVERY_NS) {
            self.due.retain(|_, due| *due > now_ns);
            self.forgot_ns = Some(now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const MS: u64 = 1_000_000;

    fn client(number: u32) -> Client {
        Client::at(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    /// Ten a second, three at once, of two clients.
    fn buckets() -> Buckets {
        Buckets::new(NonZeroU32::new(10).unwrap(), 3, 2)
    }

    #[test]
    fn a_burst_is_answered_and_then_as_many_as_the_rate_allows() {
        let mut buckets = buckets();
        let mut ask = |at_ms: u64| buckets.take(client(1), at_ms * MS);
        assert_eq!([0, 0, 0].map(&mut ask), [Ok(()); 3]);
        assert_eq!(ask(0), Err(Duration::from_millis(100)));
        assert_eq!(ask(99), Err(Duration::from_millis(1)), "a refusal costs nothing");
        assert_eq!((ask(100), ask(100)), (Ok(()), Err(Duration::from_millis(100))));
        assert_eq!([1_000, 1_000, 1_000].map(&mut ask), [Ok(()); 3], "the bucket is full again, and no fuller");
        assert!(ask(1_000).is_err());
        let answered = (2_000..12_000).filter(|at_ms| ask(*at_ms).is_ok()).count();
        assert_eq!(answered, 2 + 100, "ten seconds");
    }

    #[test]
    fn each_client_has_a_bucket_of_its_own() {
        let mut buckets = buckets();
        let asked = [1, 1, 1, 1, 2, 2, 2, 2].map(|number| buckets.take(client(number), 0).is_ok());
        assert_eq!(asked, [true, true, true, false, true, true, true, false]);
    }

    #[test]
    fn who_comes_too_many_share_a_bucket_and_push_nobody_out() {
        let mut buckets = buckets();
        for known in [1, 2] {
            for _ in 0..3 {
                buckets.take(client(known), 0).unwrap();
            }
        }
        let strangers = (3..100).filter(|stranger| buckets.take(client(*stranger), 0).is_ok()).count();
        assert_eq!((strangers, buckets.due.len()), (3, 2), "three of all strangers together");
        assert!(buckets.take(client(1), 0).is_err(), "the known are known");
        // A second later the known have full buckets, and are forgotten for whoever comes.
        assert!(buckets.take(client(3), 1_000 * MS).is_ok());
        assert!(buckets.due.contains_key(&client(3)) && buckets.due.len() == 1);
    }

    #[test]
    fn a_rate_beyond_what_can_be_told_apart_is_none() {
        let mut fast = Buckets::new(NonZeroU32::MAX, 1, 1);
        assert!((0..1_000).all(|_| fast.take(client(1), 0).is_ok()));
    }
}
