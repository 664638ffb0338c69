//! Bounds how many bytes of answers there are that are made and not sent yet, over all connections.
//!
//! ```text
//! an answer, or one more in a batch ─▶ all of it free?   yes ─▶ held
//!                                         │ no
//!                                         ├─ no room left for the rest ─▶ NoRoom
//!                                         └─▶ held, until its last byte is sent or nobody waits for it
//! ```
//!
//! So who asks for much and reads it slowly, or never, takes room from those alone who ask for much. What has a bound of its own is free:
//! the connections, and how many messages of one are being answered.

use std::sync::Arc;

use hyper::http::Extensions;
use jsonrpsee::server::MethodResponse;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::RpcRejected;

/// As many of the largest answers there is room for: twice those that are made at once, by reads and traces.
const LARGEST_MAX: usize = 16;

/// Bytes of an answer, or of a batch of them, that need no room.
const FREE_BYTES: usize = 16 << 10;

/// Room is given in pieces of so many bytes.
const PIECE_BYTES: usize = 1 << 10;

/// What there is for all answers of a server.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// For answers of `response_bytes_max` bytes at most.
    pub fn new(response_bytes_max: usize) -> Self {
        let pieces = response_bytes_max.div_ceil(PIECE_BYTES).saturating_mul(LARGEST_MAX);
        Self(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }

    /// For an answer that has no bytes yet.
    pub fn share(&self) -> Share {
        Share { room: Arc::clone(&self.0), bytes: 0, held: None }
    }
}

/// The room of one answer, until it is dropped.
#[derive(Debug)]
pub struct Share {
    room: Arc<Semaphore>,
    bytes: usize,
    held: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Takes room for so many bytes more.
    ///
    /// # Errors
    /// [`RpcRejected::NoRoom`]; it is as it was.
    pub fn grow(&mut self, bytes: usize) -> Result<(), RpcRejected> {
        let bytes = self.bytes.saturating_add(bytes);
        let pieces = bytes.saturating_sub(FREE_BYTES).div_ceil(PIECE_BYTES);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(pieces.saturating_sub(held)).map_err(|_| RpcRejected::NoRoom)?;
        if more > 0 {
            let more = Arc::clone(&self.room).try_acquire_many_owned(more).map_err(|_| RpcRejected::NoRoom)?;
            match &mut self.held {
                Some(held) => held.merge(more),
                None => self.held = Some(more),
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Goes with an answer from here on, for whoever sends it.
    pub fn put_on(self, extensions: &mut Extensions) {
        if self.held.is_some() {
            extensions.insert(Arc::new(self));
        }
    }

    /// What goes with an answer; none with one that is free.
    pub fn of(extensions: &mut Extensions) -> Option<Arc<Self>> {
        extensions.remove()
    }
}

/// How many bytes an answer has.
pub fn bytes_of(answer: &MethodResponse) -> usize {
    answer.as_json().get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Result<(), RpcRejected> = Err(RpcRejected::NoRoom);

    /// With sixteen pieces.
    fn room() -> Room {
        Room::new(PIECE_BYTES)
    }

    #[test]
    fn what_is_free_needs_no_room_and_the_rest_does_in_pieces() {
        let room = room();
        let free = |room: &Room| room.0.available_permits();
        for (bytes, pieces) in
            [(0, 0), (1, 0), (FREE_BYTES, 0), (FREE_BYTES + 1, 1), (FREE_BYTES + 1_024, 1), (FREE_BYTES + 1_025, 2)]
        {
            let mut share = room.share();
            share.grow(bytes).unwrap();
            assert_eq!(free(&room), 16 - pieces, "{bytes}");
        }
        assert_eq!(free(&room), 16, "it comes back");
    }

    #[test]
    fn a_share_grows_while_there_is_room_and_what_is_free_always_has_some() {
        let room = room();
        let (mut first, mut second) = (room.share(), room.share());
        first.grow(FREE_BYTES).unwrap();
        first.grow(15 * PIECE_BYTES).unwrap();
        assert_eq!(second.grow(FREE_BYTES + 2 * PIECE_BYTES), FULL);
        assert_eq!(second.grow(FREE_BYTES + PIECE_BYTES), Ok(()), "what was refused took nothing");
        assert_eq!((first.grow(1), room.share().grow(FREE_BYTES)), (FULL, Ok(())));
        drop(second);
        assert_eq!(first.grow(1), Ok(()));
    }

    #[test]
    fn a_share_lasts_as_long_as_what_it_goes_with() {
        let (room, mut extensions) = (room(), Extensions::new());
        let mut share = room.share();
        share.grow(FREE_BYTES + 16 * PIECE_BYTES).unwrap();
        share.put_on(&mut extensions);
        let share = Share::of(&mut extensions);
        assert!(Share::of(&mut extensions).is_none());
        assert_eq!(room.share().grow(FREE_BYTES + 1), FULL);
        drop(share);
        assert_eq!(room.share().grow(FREE_BYTES + 1), Ok(()));
    }
}
