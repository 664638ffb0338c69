//! Who asks, and how much of the node each may have.
//!
//! ```text
//! connection ─▶ as many open as may be?                  yes ─▶ 503, closed      sockets_max
//!            ─▶ as many of its address?                  yes ─▶ 429, closed      client_connections_max
//!    request ─▶ has its client asked too fast?           yes ─▶ 429              client_requests_per_s
//!      in it ─▶ a batch, a WebSocket: again for each     yes ─▶ -32005            also for what is no request
//!    to follow ─▶ as many subscriptions of its client?   yes ─▶ -32005           client_subscriptions_max
//!              ─▶ of as many addresses, topics, hashes?          yes ─▶ -32005           sixteen for each that there may be
//! ```
//!
//! | | a connection is counted for | a request is counted for |
//! |---|---|---|
//! | usually | the address it comes from | the same |
//! | behind a proxy (`client_header`) | the address it comes from: the proxy | the last address in that header, which the proxy wrote |
//!
//! Of IPv6 addresses the first 64 bits count: who has one address there has them all.
//!
//! Memory: some 40 bytes for each open connection's client, for each that subscribed, and for each of [`CLIENTS_MAX`] that asked lately; all
//! others share one bucket. The law of rates is `buckets`, which asks no clock.

mod buckets;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::HeaderMap;
use hyper::header::HeaderName;
use hyper::http::Extensions;

use crate::config::RpcConfig;
use crate::error::RpcRejected;
use crate::traffic::Traffic;

use buckets::Buckets;

/// Clients whose rate is known at once: 4 MiB.
const CLIENTS_MAX: usize = 65_536;

/// Addresses and topics that a client's subscriptions may have for each subscription that it may have: in all 16,384 and so 1.6 MiB by default.
/// What single ones have above it all clients together may have as often as there may be subscriptions: so whoever has few is never refused
/// because of others' many.
const WEIGHT_EACH: usize = 16;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(IpAddr);

impl Client {
    /// Nobody in particular.
    pub const NOBODY: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// Who has this address.
    pub fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

/// Who asks, and whether the request over HTTP, which was counted when it came, is still to be made use of.
#[derive(Clone, Debug)]
pub struct Asker {
    client: Client,
    has_paid: Arc<AtomicBool>,
}

impl Asker {
    /// Who sent the request that has these on it; nobody's address where it does not say.
    pub fn client_in(extensions: &Extensions) -> Client {
        Self::client(extensions.get())
    }

    /// Who it is; nobody's address for none.
    pub fn client(asker: Option<&Self>) -> Client {
        asker.map_or(Client::NOBODY, |asker| asker.client)
    }
}

/// Where a request comes from, and its connection's place. It is the connection's as long as a clone of this is there.
#[derive(Clone, Debug)]
pub struct Connection {
    from: SocketAddr,
    _place: Arc<Place>,
}

/// Why a connection is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// As many are open as may be.
    AtAll,
    /// As many of its address.
    OfAddress,
}

/// All clients of a server.
pub struct Clients {
    header: Option<HeaderName>,
    sockets_max: usize,
    connections_max: Option<NonZeroU32>,
    open: Arc<Mutex<Open>>,
    subscriptions_max: Option<NonZeroU32>,
    /// Most addresses, topics and hashes of all subscriptions above [`WEIGHT_EACH`] of each.
    weight_above_max: usize,
    subscribed: Arc<Mutex<Followed>>,
    pace: Option<Pace>,
    started: Instant,
    traffic: Traffic,
}

/// How fast a client may ask.
struct Pace {
    per_s: NonZeroU32,
    burst: NonZeroU32,
    buckets: Mutex<Buckets>,
}

/// Connections open: all, and by client.
#[derive(Debug, Default)]
struct Open {
    all: usize,
    of: HashMap<Client, u32>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
struct Place {
    client: Client,
    open: Arc<Mutex<Open>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all -= 1;
        one_less(&mut open.of, self.client);
    }
}

/// What is subscribed to.
#[derive(Debug, Default)]
struct Followed {
    of: HashMap<Client, Following>,
    /// Addresses and topics of all subscriptions above [`WEIGHT_EACH`] of each.
    weight_above: usize,
}

/// Subscriptions of a client, and addresses, topics and hashes of all of them.
#[derive(Clone, Copy, Debug, Default)]
struct Following {
    count: u32,
    weight: usize,
}

/// A subscription that is counted for its client, until this is dropped.
#[derive(Debug)]
pub struct Subscribed {
    client: Client,
    weight: usize,
    all: Arc<Mutex<Followed>>,
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        all.weight_above = all.weight_above.saturating_sub(above(self.weight));
        match all.of.get_mut(&self.client) {
            Some(following) if following.count > 1 => {
                following.count -= 1;
                following.weight = following.weight.saturating_sub(self.weight);
            }
            // Nobody who has none is remembered.
            _ => drop(all.of.remove(&self.client)),
        }
    }
}

const fn above(weight: usize) -> usize {
    weight.saturating_sub(WEIGHT_EACH)
}

/// Counts one less; nobody who has none is remembered.
fn one_less(counts: &mut HashMap<Client, u32>, client: Client) {
    match counts.get_mut(&client) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(&client)),
    }
}

impl Clients {
    /// Nobody yet. `header` is what `config.client_header` names.
    pub fn new(config: &RpcConfig, header: Option<HeaderName>, traffic: Traffic) -> Self {
        let pace = |per_s| Pace {
            per_s,
            burst: NonZeroU32::new(config.client_requests_burst).unwrap_or(NonZeroU32::MIN),
            buckets: Mutex::new(Buckets::new(per_s, config.client_requests_burst, CLIENTS_MAX)),
        };
        Self {
            header,
            sockets_max: config.sockets_max,
            connections_max: NonZeroU32::new(config.client_connections_max),
            open: Arc::default(),
            subscriptions_max: NonZeroU32::new(config.client_subscriptions_max),
            weight_above_max: [config.subscriptions_max, WEIGHT_EACH]
                .into_iter()
                .fold(config.websockets_max, usize::saturating_mul),
            subscribed: Arc::default(),
            pace: NonZeroU32::new(config.client_requests_per_s).map(pace),
            started: Instant::now(),
            traffic,
        }
    }

    /// Takes a connection from there in.
    ///
    /// # Errors
    /// [`NoPlace`], and it is counted as refused.
    pub fn connect(&self, from: SocketAddr) -> Result<Connection, NoPlace> {
        let client = Client::at(from.ip());
        self.take_place(client).inspect_err(|_| self.traffic.refused_connection())?;
        let place = Place { client, open: Arc::clone(&self.open) };
        Ok(Connection { from, _place: Arc::new(place) })
    }

    fn take_place(&self, client: Client) -> Result<(), NoPlace> {
        let mut open = lock(&self.open);
        if open.all >= self.sockets_max {
            return Err(NoPlace::AtAll);
        }
        let count = open.of.get(&client).copied().unwrap_or_default();
        if self.connections_max.is_some_and(|most| count >= most.get()) {
            return Err(NoPlace::OfAddress);
        }
        open.all += 1;
        open.of.insert(client, count + 1);
        Ok(())
    }

    /// Counts a request over HTTP, or an upgrade, with these headers, and says who asks. The first request of JSON-RPC in it is that one.
    ///
    /// # Errors
    /// [`RpcRejected::TooFast`], and it is not counted.
    pub fn admit(&self, connection: &Connection, headers: &HeaderMap) -> Result<Asker, RpcRejected> {
        let client = self.who(connection, headers);
        self.ask(client)?;
        Ok(Asker { client, has_paid: Arc::new(AtomicBool::new(true)) })
    }

    /// Counts one request of JSON-RPC.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn count(&self, asker: &Asker) -> Result<(), RpcRejected> {
        if asker.has_paid.swap(false, Ordering::Relaxed) { Ok(()) } else { self.ask(asker.client) }
    }

    /// The same, of nobody where it is not known who asks.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn count_if_known(&self, asker: Option<&Asker>) -> Result<(), RpcRejected> {
        asker.map_or(Ok(()), |asker| self.count(asker))
    }

    /// Counts one more subscription of `client`, with so many addresses, topics and hashes.
    ///
    /// # Errors
    /// [`RpcRejected::AboveLimit`], and it is not counted.
    pub fn subscribe(&self, client: Client, weight: usize) -> Result<Subscribed, RpcRejected> {
        let mut all = lock(&self.subscribed);
        let Following { count, weight: before } = all.of.get(&client).copied().unwrap_or_default();
        let (own, weight_above) = (before.saturating_add(weight), all.weight_above.saturating_add(above(weight)));
        if let Some(most) = self.subscriptions_max {
            if count >= most.get() {
                return Err(too_many(format!("a client has {most} at most, on all its connections")));
            }
            let most = usize::try_from(most.get()).unwrap_or(usize::MAX).saturating_mul(WEIGHT_EACH);
            if own > most {
                let reason = format!(
                    "those of a client have {most} addresses, topics and hashes at most, on all its connections"
                );
                return Err(too_many(reason));
            }
        }
        if weight_above > self.weight_above_max && above(weight) > 0 {
            let reason = format!(
                "they have as many addresses, topics and hashes as may be; one with up to {WEIGHT_EACH} has a place"
            );
            return Err(too_many(reason));
        }
        all.of.insert(client, Following { count: count.saturating_add(1), weight: own });
        all.weight_above = weight_above;
        Ok(Subscribed { client, weight, all: Arc::clone(&self.subscribed) })
    }

    fn who(&self, connection: &Connection, headers: &HeaderMap) -> Client {
        let told = self.header.as_ref().and_then(|name| headers.get_all(name).iter().next_back());
        let last = told.and_then(|value| address(value.to_str().ok()?.rsplit(',').next()?));
        Client::at(last.unwrap_or_else(|| connection.from.ip()))
    }

    fn ask(&self, client: Client) -> Result<(), RpcRejected> {
        let Some(Pace { per_s, burst, buckets }) = &self.pace else { return Ok(()) };
        let now_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        lock(buckets).take(client, now_ns).map_err(|wait| {
            self.traffic.limited_request();
            RpcRejected::TooFast { per_s: per_s.get(), burst: burst.get(), wait }
        })
    }
}

fn too_many(reason: String) -> RpcRejected {
    RpcRejected::AboveLimit(format!("too many subscriptions: {reason}"))
}

/// An address, alone or as some proxies write it, with a port or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse().ok()
}

/// Whole after every use, so a thread that panicked elsewhere harms nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Client {
        Client::at(address.parse().unwrap())
    }

    fn clients(change: impl FnOnce(&mut RpcConfig)) -> Clients {
        let mut config = RpcConfig::default();
        change(&mut config);
        Clients::new(&config, Some(HeaderName::from_static("x-forwarded-for")), Traffic::default())
    }

    #[test]
    fn a_client_is_an_address_or_the_first_half_of_one() {
        assert_eq!(at("::ffff:192.0.2.7"), at("192.0.2.7"));
        assert_ne!(at("192.0.2.7"), at("192.0.2.8"));
        assert_eq!(at("2001:db8:1:2::7"), at("2001:db8:1:2:ffff::"));
        assert_ne!(at("2001:db8:1:2::7"), at("2001:db8:1:3::7"));
    }

    #[test]
    fn a_connection_has_its_place_as_long_as_somebody_holds_it() {
        let clients = clients(|config| config.client_connections_max = 2);
        let from: SocketAddr = "192.0.2.7:1".parse().unwrap();
        let (first, second) = (clients.connect(from).unwrap(), clients.connect(from).unwrap());
        assert_eq!(clients.connect(from).unwrap_err(), NoPlace::OfAddress);
        assert!(clients.connect("192.0.2.8:1".parse().unwrap()).is_ok(), "others are not kept out");
        assert_eq!(clients.traffic.refused_connections(), 1);
        let held = first.clone();
        drop(first);
        assert!(clients.connect(from).is_err());
        drop((held, second));
        assert!(clients.connect(from).is_ok());
        let open = lock(&clients.open);
        assert_eq!((open.all, open.of.len()), (0, 0), "nobody who is gone is remembered");
    }

    #[test]
    fn no_more_connections_are_open_than_may_be_wherever_they_come_from() {
        let clients = clients(|config| config.sockets_max = 2);
        let from = |last: u8| SocketAddr::from(([192, 0, 2, last], 1));
        let held = [1, 2].map(|last| clients.connect(from(last)).unwrap());
        assert_eq!(clients.connect(from(3)).unwrap_err(), NoPlace::AtAll);
        assert_eq!(clients.traffic.refused_connections(), 1);
        drop(held);
        assert!(clients.connect(from(3)).is_ok());
    }

    #[test]
    fn a_client_has_so_many_subscriptions_and_whoever_has_none_is_forgotten() {
        let clients = clients(|config| config.client_subscriptions_max = 2);
        let held = [(); 2].map(|()| clients.subscribe(at("192.0.2.7"), 1).unwrap());
        let refused = clients.subscribe(at("192.0.2.7"), 1).unwrap_err();
        assert_eq!(refused.to_string(), "too many subscriptions: a client has 2 at most, on all its connections");
        assert!(clients.subscribe(at("192.0.2.8"), 1).is_ok(), "others are not kept out");
        drop(held);
        assert!(clients.subscribe(at("192.0.2.7"), 1).is_ok());
        assert!(lock(&clients.subscribed).of.is_empty());
        let clients = self::clients(|config| config.client_subscriptions_max = 0);
        let held: Vec<_> = (0..5_000).map(|_| clients.subscribe(at("192.0.2.7"), 1)).collect();
        assert!(held.iter().all(Result::is_ok), "0 is any number");
    }

    #[test]
    fn subscriptions_of_a_client_and_of_all_have_so_many_addresses_and_topics() {
        // Sixteen for each of four, and above sixteen of each as many for all.
        let clients = clients(|config| {
            (config.client_subscriptions_max, config.websockets_max, config.subscriptions_max) = (4, 2, 2);
        });
        let refusal = |client, weight| clients.subscribe(at(client), weight).map(drop).unwrap_err().to_string();
        let own = "too many subscriptions: those of a client have 64 addresses, topics and hashes at most, on all its connections";
        let all = "too many subscriptions: they have as many addresses, topics and hashes as may be; one with up to 16 has a place";
        assert_eq!(refusal("192.0.2.7", 65), own);
        let first = clients.subscribe(at("192.0.2.7"), 60).unwrap();
        assert_eq!(refusal("192.0.2.7", 5), own);
        let second = clients.subscribe(at("192.0.2.7"), 4).unwrap();
        // 44 of 64 are had.
        assert_eq!(refusal("192.0.2.8", 37), all);
        let third = clients.subscribe(at("192.0.2.8"), 36).unwrap();
        assert_eq!(refusal("192.0.2.9", 17), all);
        drop(clients.subscribe(at("192.0.2.9"), 16).unwrap());
        drop(first);
        drop(clients.subscribe(at("192.0.2.7"), 60).unwrap());
        drop((second, third));
        let followed = lock(&clients.subscribed);
        assert_eq!((followed.of.len(), followed.weight_above), (0, 0), "whoever has none is forgotten");
    }

    #[test]
    fn behind_a_proxy_the_last_address_it_wrote_asks() {
        let clients = clients(|_| {});
        let connection = clients.connect("10.0.0.1:1".parse().unwrap()).unwrap();
        for (value, expected) in [
            (None, "10.0.0.1"),
            (Some("192.0.2.7"), "192.0.2.7"),
            (Some("6.6.6.6, 192.0.2.7"), "192.0.2.7"),
            (Some("2001:db8:1:2::7"), "2001:db8:1:2::"),
            (Some("6.6.6.6:6, 192.0.2.7:567"), "192.0.2.7"),
            (Some("[2001:db8:1:2::7]:567"), "2001:db8:1:2::"),
            (Some("[2001:db8:1:2::7]"), "2001:db8:1:2::"),
            (Some("192.0.2.7:"), "10.0.0.1"),
            (Some("nonsense"), "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert("x-forwarded-for", value.parse().unwrap());
            }
            assert_eq!(clients.who(&connection, &headers), at(expected), "{value:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append("x-forwarded-for", "6.6.6.6".parse().unwrap());
        twice.append("x-forwarded-for", "192.0.2.7".parse().unwrap());
        assert_eq!(clients.who(&connection, &twice), at("192.0.2.7"), "the proxy's own stands last");
    }

    #[test]
    fn without_a_rate_nobody_is_too_fast() {
        let clients = clients(|config| config.client_requests_per_s = 0);
        assert!((0..100_000).all(|_| clients.ask(at("192.0.2.7")).is_ok()));
    }

    #[test]
    fn a_request_is_counted_when_it_comes_and_more_in_it_one_by_one() {
        let clients = clients(|config| {
            config.client_requests_per_s = 1;
            config.client_requests_burst = 3;
        });
        let connection = clients.connect("192.0.2.7:1".parse().unwrap()).unwrap();
        let asker = clients.admit(&connection, &HeaderMap::new()).unwrap();
        assert_eq!([(); 4].map(|()| clients.count(&asker).is_ok()), [true, true, true, false], "three in all");
        assert!(clients.admit(&connection, &HeaderMap::new()).is_err());
        assert_eq!(clients.traffic.limited_requests(), 2);
    }
}
