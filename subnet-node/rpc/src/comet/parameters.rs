//! Parameters as callers send them, made a list in the order of a method's arguments.
//!
//! | sent | as |
//! |---|---|
//! | JSON-RPC, by name | `{"height": "5"}`; a name that is not known is passed over, as CometBFT does |
//! | JSON-RPC, by position | `["5"]` |
//! | in a URI | `height=5`, `height="5"`, `hash=0x1f…`; an empty value is as if left out |
//!
//! Integers may be JSON numbers too, which CometBFT itself refuses. Nothing is kept of a name that is not known.
//!
//! Source: CometBFT `rpc/jsonrpc/server/http_json_handler.go` and `http_uri_handler.go`.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tributary_primitives::Hash32;

use super::refusal::CometRejected;
use crate::error::RpcRejected;

/// Most bytes of a URI's query: room for any parameters that a method has.
const QUERY_BYTES_MAX: usize = 1024;

/// The list that `json` means, where parameters are called `names`.
///
/// # Errors
/// [`RpcRejected::Comet`].
pub fn from_json(json: Option<&str>, names: &[&str]) -> Result<String, RpcRejected> {
    match json.map(str::trim_start) {
        None => Ok("[]".to_owned()),
        Some(list) if list.starts_with('[') => Ok(list.to_owned()),
        Some(map) if map.starts_with('{') => {
            let named = Named(names).deserialize(&mut serde_json::Deserializer::from_str(map));
            Ok(list_of(&named.map_err(|why| refused(&why.to_string()))?))
        }
        Some("null") => Ok("[]".to_owned()),
        Some(_) => Err(refused("parameters go by name, as a map, or by position, as an array")),
    }
}

/// The list that a URI's query means.
///
/// # Errors
/// [`RpcRejected::Comet`].
pub fn from_query(query: Option<&str>, names: &[&str]) -> Result<String, RpcRejected> {
    let query = query.unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        return Err(refused(&format!("query of {} bytes; at most {QUERY_BYTES_MAX} are read", query.len())));
    }
    let mut values = vec![None; names.len()];
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let Some(place) = names.iter().position(|known| *known == name) else { continue };
        let value = percent_decoded(value).ok_or_else(|| refused(&format!("{name}: broken escape")))?;
        let text = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(&value);
        // Of several the first, as Go has it.
        if !value.is_empty() && values[place].is_none() {
            values[place] = Some(Cow::Owned(serde_json::Value::from(text).to_string()));
        }
    }
    Ok(list_of(&values))
}

fn refused(why: &str) -> RpcRejected {
    CometRejected::Parameters(why.to_owned()).into()
}

fn list_of(values: &[Option<Cow<'_, str>>]) -> String {
    let values: Vec<_> = values.iter().map(|value| value.as_deref().unwrap_or("null")).collect();
    format!("[{}]", values.join(","))
}

/// `None` for an escape that is none, or bytes that are no UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => 16 * digit(rest.next()?)? + digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Reads a map's values in the order of these names; the rest is read past.
struct Named<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = Vec<Option<Cow<'de, str>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Vec<Option<Cow<'de, str>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        while let Some(name) = map.next_key::<String>()? {
            match self.0.iter().position(|known| *known == name) {
                Some(place) => values[place] = Some(Cow::Borrowed(map.next_value::<&RawValue>()?.get())),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// An integer, as CometBFT writes them: in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int(pub i64);

impl<'de> serde::Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor).map(Self)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a 64-bit integer, as in \"5\"")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
        value.try_into().map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<i64, E> {
        let digits = value.strip_prefix('-').unwrap_or(value);
        let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let read = is_decimal.then(|| value.parse().ok()).flatten();
        read.ok_or_else(|| E::custom(format_args!("{} is no 64-bit integer", shown(value))))
    }
}

/// A block's hash: 64 hex digits, with or without `0x`, or base64 of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHash(pub Hash32);

impl<'de> serde::Deserialize<'de> for BlockHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        let bytes = match digits.len() {
            64 => hex::decode(digits).ok(),
            _ => BASE64.decode(text.as_bytes()).ok(),
        };
        let hash = bytes.and_then(|bytes| bytes.try_into().ok()).map(|hash| Self(Hash32(hash)));
        hash.ok_or_else(|| de::Error::custom(format_args!("{} is no hash of 32 bytes, hex or base64", shown(&text))))
    }
}

/// So much of a caller's text as is worth saying again.
fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 70;
    let start: String = text.chars().take(CHARACTERS_MAX).collect();
    if start.len() < text.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

#[cfg(test)]
mod tests;
