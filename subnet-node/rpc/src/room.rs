//! Bounds how many bytes of requests there are that are being read or answered, and of answers that are made and not sent yet: each over all
//! connections and of each client.
//!
//! ```text
//! a request or an answer, or more of it ─▶ all of it free?   yes ─▶ held
//!                                             │ no
//!                                             ├─ its client would hold more than is then left for others ─▶ -32005
//!                                             └─▶ held
//! ```
//!
//! | held for | from | until |
//! |---|---|---|
//! | a request | before it is read, or more of it | it is answered, or waits and needs no more of it |
//! | an answer, or a batch of them | it is made, or one more in it | its last byte is sent, or nobody waits for it |
//!
//! So a client that asks much at once, or reads slowly or never, holds half of a room at most, two of them a third each, and there is always
//! some left for one more. What has a bound of its own is free: the connections, and how many messages of one are being answered.
//!
//! Source: Choudhury, Hahne, "Dynamic queue length thresholds for shared-memory packet switches", with a factor of one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::Extensions;
use jsonrpsee::server::MethodResponse;

use crate::clients::Client;
use crate::error::RpcRejected;

/// As many of the largest requests, and of the largest answers, there is room for: twice those that reads and traces work on at once.
const LARGEST_MAX: usize = 16;

/// Bytes of a request, or of an answer or a batch of them, that need no room.
const FREE_BYTES: usize = 16 << 10;

/// What there is for all requests of a server, or for all its answers.
#[derive(Clone, Debug)]
pub struct Room {
    held: Arc<Mutex<Held>>,
    /// What who finds no room is told.
    full: RpcRejected,
}

/// Who holds how much of it.
#[derive(Debug)]
struct Held {
    left: usize,
    /// Nobody who holds nothing. So as many as there are messages being answered, at most.
    of: HashMap<Client, usize>,
}

impl Room {
    /// For requests of `bytes_max` bytes at most.
    pub fn of_requests(bytes_max: usize) -> Self {
        Self::new(bytes_max, RpcRejected::NoRoomToRead)
    }

    /// For answers of `bytes_max` bytes at most.
    pub fn of_answers(bytes_max: usize) -> Self {
        Self::new(bytes_max, RpcRejected::NoRoom)
    }

    fn new(bytes_max: usize, full: RpcRejected) -> Self {
        let left = bytes_max.saturating_mul(LARGEST_MAX);
        Self { held: Arc::new(Mutex::new(Held { left, of: HashMap::new() })), full }
    }

    /// For a request or an answer of `client` that has no bytes yet.
    pub fn share(&self, client: Client) -> Share {
        Share(Arc::new(Part { room: self.clone(), client, bytes: Mutex::new(0) }))
    }
}

impl Held {
    /// Whether there was so much; if not, nothing changed.
    fn take(&mut self, client: Client, bytes: usize) -> bool {
        let held = self.of.get(&client).copied().unwrap_or_default().saturating_add(bytes);
        let Some(left) = self.left.checked_sub(bytes).filter(|left| held <= *left) else { return false };
        self.left = left;
        self.of.insert(client, held);
        true
    }

    fn give_back(&mut self, client: Client, bytes: usize) {
        self.left += bytes;
        match self.of.get_mut(&client) {
            Some(held) if *held > bytes => *held -= bytes,
            _ => drop(self.of.remove(&client)),
        }
    }
}

/// The room of one request or answer, until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Share(Arc<Part>);

#[derive(Debug)]
struct Part {
    room: Room,
    client: Client,
    bytes: Mutex<usize>,
}

impl Share {
    /// Takes room for so many bytes more.
    ///
    /// # Errors
    /// [`RpcRejected::NoRoomToRead`] or [`RpcRejected::NoRoom`], as the room is; the share is as it was.
    pub fn grow(&self, bytes: usize) -> Result<(), RpcRejected> {
        let Part { room, client, bytes: grown } = &*self.0;
        let mut grown = lock(grown);
        let whole = grown.saturating_add(bytes);
        let more = held_of(whole) - held_of(*grown);
        if more > 0 && !lock(&room.held).take(*client, more) {
            return Err(room.full.clone());
        }
        *grown = whole;
        Ok(())
    }

    /// Gives room for so many bytes back, or for all if there are fewer.
    pub fn give_back(&self, bytes: usize) {
        let Part { room, client, bytes: grown } = &*self.0;
        let mut grown = lock(grown);
        let rest = grown.saturating_sub(bytes);
        let less = held_of(*grown) - held_of(rest);
        if less > 0 {
            lock(&room.held).give_back(*client, less);
        }
        *grown = rest;
    }

    /// Goes with an answer from here on, for whoever sends it.
    pub fn put_on_answer(self, extensions: &mut Extensions) {
        if held_of(*lock(&self.0.bytes)) > 0 {
            extensions.insert(OfAnswer(self));
        }
    }

    /// What goes with an answer; none with one that is free.
    pub fn of_answer(extensions: &mut Extensions) -> Option<Self> {
        extensions.remove().map(|OfAnswer(share)| share)
    }

    /// Goes with a request from here on, whose parameters nobody else holds: for the method that lets go of them before it answers.
    pub fn put_on_request(self, extensions: &mut Extensions) {
        extensions.insert(OfRequest(self));
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let held = held_of(*lock(&self.bytes));
        if held > 0 {
            lock(&self.room.held).give_back(self.client, held);
        }
    }
}

#[derive(Clone)]
struct OfAnswer(Share);

#[derive(Clone)]
struct OfRequest(Share);

/// The room of a request's parameters, given back once this is dropped. Nothing where others hold them too.
#[derive(Debug)]
pub struct Parameters {
    share: Option<Share>,
    bytes: usize,
}

impl Parameters {
    /// Of the request that has these on it.
    pub fn of(extensions: &Extensions, parameters: Option<&str>) -> Self {
        let share: Option<&OfRequest> = extensions.get();
        Self { share: share.map(|OfRequest(share)| share.clone()), bytes: parameters.map_or(0, str::len) }
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        if let Some(share) = &self.share {
            share.give_back(self.bytes);
        }
    }
}

/// How many of so many bytes need room.
const fn held_of(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

/// How many bytes an answer has.
pub fn bytes_of(answer: &MethodResponse) -> usize {
    answer.as_json().get().len()
}

/// Whole after every use, so a thread that panicked elsewhere harms nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const FULL: Result<(), RpcRejected> = Err(RpcRejected::NoRoom);

    /// With 1,600 bytes.
    fn room() -> Room {
        Room::of_answers(100)
    }

    fn client(last: u8) -> Client {
        Client::at(Ipv4Addr::new(192, 0, 2, last).into())
    }

    fn left(room: &Room) -> usize {
        lock(&room.held).left
    }

    /// A share of so many bytes beyond those that are free.
    fn held(room: &Room, last: u8, bytes: usize) -> Result<Share, RpcRejected> {
        let share = room.share(client(last));
        share.grow(FREE_BYTES + bytes).map(|()| share)
    }

    #[test]
    fn what_is_free_needs_no_room_and_the_rest_does() {
        let room = room();
        for (bytes, taken) in [(0, 0), (1, 0), (FREE_BYTES, 0), (FREE_BYTES + 1, 1), (FREE_BYTES + 800, 800)] {
            let share = room.share(client(1));
            share.grow(bytes).unwrap();
            assert_eq!(left(&room), 1_600 - taken, "{bytes}");
        }
        assert_eq!(left(&room), 1_600, "it comes back");
        assert!(lock(&room.held).of.is_empty(), "nobody who holds nothing is remembered");
        assert_eq!(held(&room, 1, usize::MAX - FREE_BYTES).map(drop), FULL);
    }

    #[test]
    fn a_client_holds_no_more_than_it_leaves_to_the_others() {
        let room = room();
        let first = held(&room, 1, 500).unwrap();
        assert_eq!(held(&room, 1, 301).map(drop), FULL, "in all that is its");
        let second = held(&room, 1, 300).unwrap();
        assert_eq!((first.grow(1), left(&room)), (FULL, 800), "what was refused took nothing");
        assert_eq!(held(&room, 2, 401).map(drop), FULL);
        let other = held(&room, 2, 400).unwrap();
        assert!(held(&room, 3, 200).is_ok(), "there is always some left for one more");
        assert_eq!(room.share(client(1)).grow(FREE_BYTES), Ok(()), "what is free always has room");
        drop((second, other));
        assert_eq!(first.grow(300), Ok(()));
        drop(first);
        assert_eq!((left(&room), lock(&room.held).of.len()), (1_600, 0));
    }

    #[test]
    fn what_is_given_back_early_is_given_back_once() {
        let room = room();
        let share = held(&room, 1, 500).unwrap();
        for (bytes, taken) in [(0, 500), (200, 300), (299, 1), (100, 0), (usize::MAX, 0)] {
            share.give_back(bytes);
            assert_eq!(left(&room), 1_600 - taken, "{bytes}");
        }
        assert_eq!(share.grow(FREE_BYTES + 700), Ok(()), "it may grow again");
        drop(share);
        assert_eq!((left(&room), lock(&room.held).of.len()), (1_600, 0));
    }

    #[test]
    fn a_share_lasts_as_long_as_what_it_goes_with() {
        let (room, mut extensions) = (room(), Extensions::new());
        held(&room, 1, 800).unwrap().put_on_answer(&mut extensions);
        let share = Share::of_answer(&mut extensions);
        assert!(Share::of_answer(&mut extensions).is_none());
        assert_eq!(held(&room, 1, 1).map(drop), FULL);
        drop(share);
        assert!(held(&room, 1, 1).is_ok());
    }

    #[test]
    fn parameters_that_are_let_go_of_leave_the_rest_of_a_request_its_room() {
        let (room, mut extensions) = (Room::of_requests(100), Extensions::new());
        held(&room, 1, 800).unwrap().put_on_request(&mut extensions);
        assert_eq!(held(&room, 1, 1).map(drop), Err(RpcRejected::NoRoomToRead));
        let (copy, parameters) = (extensions.clone(), "x".repeat(500));
        assert!(Share::of_answer(&mut extensions).is_none(), "it is no answer's");
        drop(Parameters::of(&extensions, Some(&parameters)));
        assert_eq!(left(&room), 1_300);
        drop((extensions, copy));
        assert_eq!(left(&room), 1_600);
        drop(Parameters::of(&Extensions::new(), Some(&parameters)));
        assert_eq!(left(&room), 1_600, "others hold them too");
    }
}
