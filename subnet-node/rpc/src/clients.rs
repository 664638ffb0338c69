//! Who asks, and how much of the node each may have.
//!
//! ```text
//! connection ─▶ as many open as may be?                  yes ─▶ 503, closed      sockets_max
//!            ─▶ as many of its address?                  yes ─▶ 429, closed      client_connections_max
//!    request ─▶ has its client asked too fast?           yes ─▶ 429              client_requests_per_s
//!      in it ─▶ a batch, a WebSocket: again for each     yes ─▶ -32005
//!    to follow ─▶ as many subscriptions of its client?   yes ─▶ -32005           client_subscriptions_max
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
    subscribed: Arc<Mutex<HashMap<Client, u32>>>,
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

/// A subscription that is counted for its client, until this is dropped.
#[derive(Debug)]
pub struct Subscribed {
    client: Client,
    all: Arc<Mutex<HashMap<Client, u32>>>,
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        one_less(&mut lock(&self.all), self.client);
    }
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

    /// Counts one more subscription of `client`.
    ///
    /// # Errors
    /// [`RpcRejected::AboveLimit`], and it is not counted.
    pub fn subscribe(&self, client: Client) -> Result<Subscribed, RpcRejected> {
        let mut subscribed = lock(&self.subscribed);
        let count = subscribed.get(&client).copied().unwrap_or_default();
        if let Some(most) = self.subscriptions_max.filter(|most| count >= most.get()) {
            let reason = format!("too many subscriptions: a client has {most} at most, on all its connections");
            return Err(RpcRejected::AboveLimit(reason));
        }
        subscribed.insert(client, count.saturating_add(1));
        Ok(Subscribed { client, all: Arc::clone(&self.subscribed) })
    }

    fn who(&self, connection: &Connection, headers: &HeaderMap) -> Client {
        let told = self.header.as_ref().and_then(|name| headers.get_all(name).iter().next_back());
        let last = told.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
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
        let held = [(); 2].map(|()| clients.subscribe(at("192.0.2.7")).unwrap());
        let refused = clients.subscribe(at("192.0.2.7")).unwrap_err();
        assert_eq!(refused.to_string(), "too many subscriptions: a client has 2 at most, on all its connections");
        assert!(clients.subscribe(at("192.0.2.8")).is_ok(), "others are not kept out");
        drop(held);
        assert!(clients.subscribe(at("192.0.2.7")).is_ok());
        assert!(lock(&clients.subscribed).is_empty());
        let clients = self::clients(|config| config.client_subscriptions_max = 0);
        let held: Vec<_> = (0..5_000).map(|_| clients.subscribe(at("192.0.2.7"))).collect();
        assert!(held.iter().all(Result::is_ok), "0 is any number");
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
