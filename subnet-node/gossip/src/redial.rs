//! When each configured peer is dialled.
//!
//! | state | what happens | next state |
//! |---|---|---|
//! | waiting | its time comes | dialling |
//! | dialling | dial did not work | waiting, twice as long as last time |
//! | dialling | the address is our own | retired |
//! | waiting, dialling | connected, by whoever dialled | connected |
//! | connected | up: of our chain | connected, the next wait is the shortest |
//! | connected | last connection lost | waiting, twice as long as last time |
//!
//! Waits start at [`WAIT_FIRST`], double up to [`WAIT_MAX`], and lose up to half by chance, so that nodes which lost a peer together
//! do not come back together. A peer that connects but never comes up, say of another chain, is dialled ever more slowly too.

use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

/// First wait: a process restarts in about this time.
const WAIT_FIRST: Duration = Duration::from_millis(250);

/// Longest wait: a peer that was away for a day is met again within this time.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Doublings after which the longest wait is reached.
const DOUBLINGS_MAX: u32 = 7;

/// A chance from 0 to 1000, drawn by the caller: laws draw none of their own.
#[derive(Copy, Clone, Debug)]
pub struct Chance(pub u32);

/// The configured peers.
#[derive(Debug)]
pub struct Redial {
    peers: Vec<Configured>,
}

#[derive(Debug)]
struct Configured {
    address: Multiaddr,
    /// The key that the address asks for.
    expected: Option<PeerId>,
    state: State,
    /// Waits since the peer was last up.
    waits: u32,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Waiting(Instant),
    Dialling(ConnectionId),
    Connected(PeerId),
    Retired,
}

/// A dial that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Position of the peer, for [`Redial::dialling`].
    pub position: usize,
    /// Where.
    pub address: Multiaddr,
    /// Whom to expect there, if that is known.
    pub expected: Option<PeerId>,
}

impl Redial {
    /// All of `addresses` due at `now`, each once.
    pub fn new(addresses: &[Multiaddr], now: Instant) -> Self {
        let mut peers: Vec<Configured> = Vec::new();
        for address in addresses {
            if peers.iter().any(|peer| peer.address == *address) {
                continue;
            }
            let expected = address.iter().find_map(|part| match part {
                Protocol::P2p(peer) => Some(peer),
                _ => None,
            });
            peers.push(Configured { address: address.clone(), expected, state: State::Waiting(now), waits: 0 });
        }
        Self { peers }
    }

    /// When the next dial is due.
    pub fn next_at(&self) -> Option<Instant> {
        let waiting = self.peers.iter().filter_map(|peer| match peer.state {
            State::Waiting(at) => Some(at),
            _ => None,
        });
        waiting.min()
    }

    /// The dials due at `now`. [`Self::dialling`] answers each.
    pub fn due(&self, now: Instant) -> Vec<Dial> {
        let due = |peer: &Configured| matches!(peer.state, State::Waiting(at) if at <= now);
        let dial = |(position, peer): (usize, &Configured)| {
            due(peer).then(|| Dial { position, address: peer.address.clone(), expected: peer.expected })
        };
        self.peers.iter().enumerate().filter_map(dial).collect()
    }

    /// The dial for `position` began and has this name.
    pub fn dialling(&mut self, position: usize, connection: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(position) {
            peer.state = State::Dialling(connection);
        }
    }

    /// A connection with `who` is there, by our dial or theirs.
    pub fn connected(&mut self, connection: ConnectionId, who: PeerId) {
        for peer in &mut self.peers {
            let ours = peer.state == State::Dialling(connection);
            if ours || (peer.expected == Some(who) && peer.state != State::Retired) {
                peer.state = State::Connected(who);
            }
        }
    }

    /// `who` is of our chain: should it be lost, it is dialled soon.
    pub fn up(&mut self, who: PeerId) {
        self.peers.iter_mut().filter(|peer| peer.state == State::Connected(who)).for_each(|peer| peer.waits = 0);
    }

    /// The last connection with `who` ended.
    pub fn lost(&mut self, who: PeerId, now: Instant, chance: Chance) {
        let lost = self.peers.iter_mut().filter(|peer| peer.state == State::Connected(who));
        lost.for_each(|peer| peer.wait(now, chance));
    }

    /// A dial did not work.
    pub fn failed(&mut self, connection: ConnectionId, now: Instant, chance: Chance) {
        let failed = self.peers.iter_mut().filter(|peer| peer.state == State::Dialling(connection));
        failed.for_each(|peer| peer.wait(now, chance));
    }

    /// A dial reached this very node.
    pub fn own(&mut self, connection: ConnectionId) {
        let own = self.peers.iter_mut().filter(|peer| peer.state == State::Dialling(connection));
        own.for_each(|peer| peer.state = State::Retired);
    }
}

impl Configured {
    fn wait(&mut self, now: Instant, Chance(chance): Chance) {
        let longest = (WAIT_FIRST * (1 << self.waits.min(DOUBLINGS_MAX))).min(WAIT_MAX);
        let wait = longest / 2 + longest * chance.min(1000) / 2000;
        self.state = State::Waiting(now + wait);
        self.waits = self.waits.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATEST: Chance = Chance(1000);

    fn dialling(redial: &mut Redial, connection: usize) -> ConnectionId {
        let connection = ConnectionId::new_unchecked(connection);
        redial.dialling(0, connection);
        connection
    }

    fn one_peer(now: Instant) -> Redial {
        Redial::new(&["/ip4/127.0.0.1/tcp/1".parse().unwrap()], now)
    }

    #[test]
    fn waits_double_up_to_their_bound_and_start_anew_once_a_peer_was_up() {
        let (now, who) = (Instant::now(), PeerId::random());
        let mut redial = one_peer(now);
        for wait_ms in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let connection = dialling(&mut redial, 1);
            redial.failed(connection, now, LATEST);
            assert_eq!(redial.next_at(), Some(now + Duration::from_millis(wait_ms)));
        }
        let connection = dialling(&mut redial, 2);
        redial.connected(connection, who);
        assert_eq!(redial.next_at(), None);
        redial.lost(who, now, LATEST);
        assert_eq!(redial.next_at(), Some(now + WAIT_MAX), "connected is not up");
        let connection = dialling(&mut redial, 3);
        redial.connected(connection, who);
        redial.up(who);
        redial.lost(who, now, LATEST);
        assert_eq!(redial.next_at(), Some(now + WAIT_FIRST));
    }

    #[test]
    fn chance_takes_off_up_to_half() {
        let now = Instant::now();
        for (chance, wait_ms) in [(0, 125), (500, 187), (1000, 250), (u32::MAX, 250)] {
            let mut redial = one_peer(now);
            let connection = dialling(&mut redial, 1);
            redial.failed(connection, now, Chance(chance));
            let wait = redial.next_at().unwrap() - now;
            assert_eq!(wait.as_millis(), wait_ms, "{chance}");
        }
    }

    #[test]
    fn a_peer_with_a_known_key_that_dialled_us_is_not_dialled() {
        let (now, who) = (Instant::now(), PeerId::random());
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/1/p2p/{who}").parse().unwrap();
        let mut redial = Redial::new(&[address.clone(), address], now);
        assert_eq!(redial.due(now).len(), 1, "named twice, dialled once");
        redial.connected(ConnectionId::new_unchecked(9), who);
        assert_eq!(redial.due(now), []);
        redial.lost(who, now, LATEST);
        assert_eq!(redial.due(now), []);
        assert_eq!(redial.due(now + WAIT_FIRST)[0].expected, Some(who));
    }

    #[test]
    fn our_own_address_is_dialled_once() {
        let now = Instant::now();
        let mut redial = one_peer(now);
        let connection = dialling(&mut redial, 1);
        redial.own(connection);
        assert_eq!(redial.next_at(), None);
    }
}
