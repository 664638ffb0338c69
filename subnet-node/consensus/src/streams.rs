//! Puts proposals together from parts, which come from peers in any order and cannot be relied on.
//!
//! ```text
//! part
//!   ├─ of a stream that was turned away?                 ─▶ refused
//!   ├─ within its bounds (place, size, one Init)?     no ─▶ refused, the stream is turned away
//!   ├─ first of its stream, or the peer's room is full?  ─▶ the peer's oldest stream makes room
//!   ├─ kept; is anything missing?                    yes ─▶ nothing yet
//!   └─ do the bytes match the block's parts hash?     no ─▶ refused;  yes ─▶ complete
//! ```
//!
//! A stream is Init (sequence 0), the block's parts in order (1 to n), and its end (n + 1). Who may send one is asked by the caller,
//! with the Init, before the part comes here. Parts that arrive before their Init are kept in memory within the same bounds.
//! Room is counted against the peer that delivered a part, so one peer can crowd out nobody but itself.

use std::collections::BTreeMap;

use tributary_chain::PART_BYTES;
use tributary_primitives::Height;

use crate::context::{Init, Part};

/// Most streams kept for one peer: proposals of a few rounds, by a few proposers, relayed by it.
pub(crate) const STREAMS_PER_PEER_MAX: usize = 16;

/// Most bytes kept for one peer, in full blocks.
pub(crate) const BLOCKS_PER_PEER_MAX: usize = 2;

/// Most streams kept in all.
pub(crate) const STREAMS_MAX: usize = 256;

/// Most bytes of a stream's name.
pub(crate) const STREAM_ID_BYTES_MAX: usize = 64;

/// Streams that are not yet complete. `P` names a peer.
#[derive(Debug)]
pub(crate) struct Streams<P> {
    /// Of a block, the chain's limit.
    parts_max: u64,
    streams: BTreeMap<Key<P>, Stream<P>>,
    /// Rises with each new stream: the smallest is the oldest.
    age: u64,
}

/// Who publishes it, and what the publisher calls it.
pub(crate) type Key<P> = (P, Vec<u8>);

/// What came with one message.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and most carry a part")]
pub(crate) enum Content {
    Part(Part),
    End,
}

/// A whole proposal: the bytes are those its reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complete {
    pub(crate) init: Init,
    pub(crate) bytes: Vec<u8>,
}

/// Why a part was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PartRejected {
    #[error("stream name of {0} bytes; at most {STREAM_ID_BYTES_MAX} are allowed")]
    StreamId(usize),
    #[error("its stream was turned away")]
    TurnedAway,
    #[error("part {0} is out of place")]
    Place(u64),
    #[error("part of {0} bytes; at most {PART_BYTES} are allowed, and none is empty")]
    Size(usize),
    #[error("block of {0} parts, more than the chain allows")]
    TooManyParts(u32),
    #[error("parts do not make up the block their stream names")]
    NotTheBlock,
}

#[derive(Debug)]
struct Stream<P> {
    /// The peer that its room is counted against: the one that delivered the first part.
    peer: P,
    age: u64,
    init: Option<Init>,
    parts: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    /// The sequence of the end.
    end: Option<u64>,
    turned_away: bool,
}

impl<P: Ord + Clone> Streams<P> {
    /// For a chain whose blocks have at most `block_bytes_max` bytes.
    pub(crate) fn new(block_bytes_max: usize) -> Self {
        let parts_max = u64::try_from(block_bytes_max.div_ceil(PART_BYTES)).unwrap_or(u64::MAX);
        Self { parts_max, streams: BTreeMap::new(), age: 0 }
    }

    /// Keeps one part that `peer` delivered.
    ///
    /// # Errors
    /// [`PartRejected`]: the part is dropped, and but for a bad name all that follow in its stream.
    pub(crate) fn insert(
        &mut self,
        peer: &P,
        key: Key<P>,
        sequence: u64,
        content: Content,
    ) -> Result<Option<Complete>, PartRejected> {
        if key.1.len() > STREAM_ID_BYTES_MAX {
            return Err(PartRejected::StreamId(key.1.len()));
        }
        self.make_room(peer, &key);
        let (parts_max, age) = (self.parts_max, self.age);
        let stream = self.streams.entry(key.clone()).or_insert_with(|| Stream::new(peer.clone(), age));
        if stream.turned_away {
            return Err(PartRejected::TurnedAway);
        }
        if let Err(refusal) = stream.keep(sequence, content, parts_max) {
            stream.turn_away();
            return Err(refusal);
        }
        if !stream.is_complete() {
            return Ok(None);
        }
        let stream = self.streams.remove(&key).expect("it was just found");
        stream.complete().map(Some)
    }

    /// Keeps nothing of a stream any more, whatever comes.
    pub(crate) fn turn_away(&mut self, peer: &P, key: Key<P>) {
        if key.1.len() <= STREAM_ID_BYTES_MAX {
            self.make_room(peer, &key);
            let age = self.age;
            self.streams.entry(key).or_insert_with(|| Stream::new(peer.clone(), age)).turn_away();
        }
    }

    /// `height` has started: streams for lower heights are dropped, and those whose height is still not known.
    pub(crate) fn forget_below(&mut self, height: Height) {
        self.streams.retain(|_, stream| stream.init.as_ref().is_some_and(|init| init.height.0 >= height));
    }

    /// Before a part of `peer` is kept: drops its oldest other streams, then anybody's, until the bounds hold with the part in.
    fn make_room(&mut self, peer: &P, key: &Key<P>) {
        self.age += 1;
        let bytes_max =
            usize::try_from(self.parts_max).unwrap_or(usize::MAX).saturating_mul(PART_BYTES * BLOCKS_PER_PEER_MAX);
        loop {
            let (mut count, mut bytes) = (0, 0_usize);
            for (_, stream) in self.streams.iter().filter(|(other, stream)| stream.peer == *peer && *other != key) {
                count += 1;
                bytes = bytes.saturating_add(stream.bytes);
            }
            let own = self.streams.get(key).map_or(0, |stream| stream.bytes);
            if count < STREAMS_PER_PEER_MAX && bytes.saturating_add(own) < bytes_max {
                break;
            }
            if !self.drop_oldest(|other, stream| stream.peer == *peer && other != key) {
                break;
            }
        }
        while self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(key) {
            self.drop_oldest(|_, _| true);
        }
    }

    fn drop_oldest(&mut self, of: impl Fn(&Key<P>, &Stream<P>) -> bool) -> bool {
        let candidates = self.streams.iter().filter(|(key, stream)| of(key, stream));
        let oldest = candidates.min_by_key(|(_, stream)| stream.age).map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.streams.remove(&key).is_some())
    }
}

impl<P> Stream<P> {
    const fn new(peer: P, age: u64) -> Self {
        Self { peer, age, init: None, parts: BTreeMap::new(), bytes: 0, end: None, turned_away: false }
    }

    fn keep(&mut self, sequence: u64, content: Content, parts_max: u64) -> Result<(), PartRejected> {
        match content {
            Content::Part(Part::Init(init)) => self.keep_init(sequence, init, parts_max),
            Content::Part(Part::Data(bytes)) => self.keep_data(sequence, bytes, parts_max),
            Content::End if (2..=parts_max + 1).contains(&sequence) && self.end.is_none_or(|end| end == sequence) => {
                self.end = Some(sequence);
                Ok(())
            }
            Content::End => Err(PartRejected::Place(sequence)),
        }
    }

    fn keep_init(&mut self, sequence: u64, init: Init, parts_max: u64) -> Result<(), PartRejected> {
        if u64::from(init.block.parts_total) > parts_max {
            return Err(PartRejected::TooManyParts(init.block.parts_total));
        }
        if sequence != 0 || self.init.as_ref().is_some_and(|known| *known != init) {
            return Err(PartRejected::Place(sequence));
        }
        self.init = Some(init);
        Ok(())
    }

    fn keep_data(&mut self, sequence: u64, bytes: Vec<u8>, parts_max: u64) -> Result<(), PartRejected> {
        if bytes.is_empty() || bytes.len() > PART_BYTES {
            return Err(PartRejected::Size(bytes.len()));
        }
        if sequence == 0 || sequence > parts_max {
            return Err(PartRejected::Place(sequence));
        }
        // A part that comes twice is the first one; the hash over all of them is the judge.
        if let std::collections::btree_map::Entry::Vacant(place) = self.parts.entry(sequence) {
            self.bytes += bytes.len();
            place.insert(bytes);
        }
        Ok(())
    }

    /// Every part below the end is there, and the end is where Init says.
    fn is_complete(&self) -> bool {
        let (Some(init), Some(end)) = (&self.init, self.end) else { return false };
        // A stream that is too long for its block is complete too: as wrong as can be known.
        let parts = u64::from(init.block.parts_total);
        end != parts + 1 || u64::try_from(self.parts.len()).is_ok_and(|have| have >= parts)
    }

    fn complete(self) -> Result<Complete, PartRejected> {
        let init = self.init.ok_or(PartRejected::NotTheBlock)?;
        let mut bytes = Vec::with_capacity(self.bytes);
        self.parts.into_values().for_each(|part| bytes.extend(part));
        if !init.block.names_bytes(&bytes) {
            return Err(PartRejected::NotTheBlock);
        }
        Ok(Complete { init, bytes })
    }

    fn turn_away(&mut self) {
        self.turned_away = true;
        self.parts.clear();
        self.bytes = 0;
    }
}

/// Cuts a block into the contents of a stream, in order, its end last.
pub(crate) fn cut(init: Init, bytes: &[u8]) -> impl Iterator<Item = Content> {
    let parts = bytes.chunks(PART_BYTES).map(|part| Content::Part(Part::Data(part.to_vec())));
    std::iter::once(Content::Part(Part::Init(init))).chain(parts).chain(std::iter::once(Content::End))
}

#[cfg(test)]
mod tests;
