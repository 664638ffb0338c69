//! Which requests of a body have an id, found out as its bytes come.
//!
//! jsonrpsee takes what would be a request, but for an id that is an object, a list, a boolean or a number other than a whole one from 0 and below 2^64, for a
//! notification, and nobody would ever hear of it; and a list of its members too. A notification is an object that has no id at all: so who
//! answers one asks here first ([`batches`](crate::batches)). A body that is no JSON may be said anything of; it is refused for that.
//!
//! Nothing of the text is held but the last key, and no more of that than `id` has, however it is escaped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::http::Extensions;

/// Bytes of the longest way to write `id`: both letters escaped, between quotes.
const KEY_BYTES_MAX: usize = 14;

/// The requests that have an id or are lists, so that none is a notification, by their places in the batch, ascending; 0 of one alone. It goes
/// with a request over HTTP.
#[derive(Clone, Debug, Default)]
pub struct Ids(Arc<Mutex<Vec<usize>>>);

impl Ids {
    /// Whether the request at this place of the body that these go with is one of them. No, where none do.
    pub fn has(extensions: &Extensions, place: usize) -> bool {
        extensions.get::<Self>().is_some_and(|ids| ids.lock().binary_search(&place).is_ok())
    }

    /// Whole after every use, so a thread that panicked elsewhere harms nothing here.
    fn lock(&self) -> MutexGuard<'_, Vec<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where in the text the next byte is.
#[derive(Clone, Copy, Debug)]
enum At {
    Outside,
    String,
    Escape,
}

/// Reads a body.
#[derive(Debug)]
pub struct Reader {
    ids: Ids,
    /// Requests that are looked at: a batch of more is refused.
    places_max: usize,
    at: At,
    /// Lists and objects that are open, and how many are around the members of a request: a batch has a list more.
    depth: usize,
    members: usize,
    place: usize,
    /// The last string with its quotes, or its beginning.
    key: Vec<u8>,
}

impl Reader {
    /// Of a body that may have so many requests, one at least, which is alone; tells `ids`.
    pub fn new(ids: Ids, places_max: usize) -> Self {
        let key = Vec::with_capacity(KEY_BYTES_MAX + 1);
        Self { ids, places_max: places_max.max(1), at: At::Outside, depth: 0, members: 1, place: 0, key }
    }

    /// The next bytes. Cost: a step for each.
    pub fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    fn step(&mut self, byte: u8) {
        match (self.at, byte) {
            (At::Escape, _) => self.within(At::String, byte),
            (At::String, b'\\') => self.within(At::Escape, byte),
            (At::String, b'"') => self.within(At::Outside, byte),
            (At::String, _) => self.within(At::String, byte),
            (At::Outside, b'"') => {
                self.key.clear();
                self.within(At::String, byte);
            }
            (At::Outside, b'[' | b'{') => {
                if self.depth == 0 {
                    self.members = if byte == b'[' { 2 } else { 1 };
                } else if byte == b'[' && self.depth + 1 == self.members {
                    self.found();
                }
                self.depth = self.depth.saturating_add(1);
            }
            (At::Outside, b']' | b'}') => self.depth = self.depth.saturating_sub(1),
            (At::Outside, b',') if self.depth + 1 == self.members => self.place = self.place.saturating_add(1),
            (At::Outside, b':') if self.depth == self.members && is_id(&self.key) => self.found(),
            (At::Outside, _) => {}
        }
    }

    /// A byte of a string; one too many says that it is longer than a key may be.
    fn within(&mut self, next: At, byte: u8) {
        self.at = next;
        if self.key.len() <= KEY_BYTES_MAX {
            self.key.push(byte);
        }
    }

    /// What is at this place is no notification.
    fn found(&self) {
        if self.place >= self.places_max {
            return;
        }
        let mut places = self.ids.lock();
        if places.last() != Some(&self.place) {
            places.push(self.place);
        }
    }
}

fn is_id(key: &[u8]) -> bool {
    key == br#""id""# || (key.contains(&b'\\') && serde_json::from_slice::<String>(key).is_ok_and(|key| key == "id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of those that have an id, whether the text comes at once or byte by byte.
    fn places(text: &str) -> Vec<usize> {
        let read = |part: usize| {
            let ids = Ids::default();
            let mut reader = Reader::new(ids.clone(), 4);
            text.as_bytes().chunks(part).for_each(|bytes| reader.read(bytes));
            ids.lock().clone()
        };
        assert_eq!(read(1), read(usize::MAX), "{text}");
        read(1)
    }

    #[test]
    fn who_has_an_id_is_found_by_its_place() {
        for (text, expected) in [
            (r#"{"id":{}}"#, &[0][..]),
            (r#" { "method" : "a" , "id" : null } "#, &[0]),
            (r#"{"\u0069\u0064":1}"#, &[0]),
            (r#"{"id":1,"id":2}"#, &[0]),
            (r#"{"method":"id","params":[{"id":1}]}"#, &[]),
            (r#"{"params":{"id":1},"method":"\"id"}"#, &[]),
            (r#"{"i":"d","idd":1,"\\id":1,"":1,"id ":1,"\u0069\u0064\u0020":1}"#, &[]),
            ("{}", &[]),
            (r#"[{"id":1},{"method":"a"},7,{"id":[]}]"#, &[0, 3]),
            (r#"[{"params":[{"id":1},2],"a":"},{"},{"a":1,"id":1}]"#, &[1]),
            (r#"[[{"id":1}],{"id":1}]"#, &[0, 1]),
            (r#"[{"params":[[]]},["2.0","a",null]]"#, &[1]),
            ("[]", &[]),
        ] {
            assert_eq!(places(text), expected, "{text}");
        }
    }

    #[test]
    fn no_more_are_looked_at_than_may_be() {
        let batch = format!("[{}]", [r#"{"id":1}"#; 9].join(","));
        assert_eq!(places(&batch), [0, 1, 2, 3]);
    }

    #[test]
    fn whatever_comes_is_read() {
        for text in ["]]}},,::", r#"{"id"#, r#"{"id""#, "\"\\", r#"":":":"#, "{[[[", "{,id:1}"] {
            assert!(places(text).is_empty(), "{text}");
        }
    }
}
