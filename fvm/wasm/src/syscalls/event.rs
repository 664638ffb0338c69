//! `event`: an event comes in three pieces, its entries' headers, all keys and all values, so that it
//! can be priced before it is parsed.

use fvm_ipld_encoding::{CBOR, IPLD_RAW};
use fvm_shared::error::ErrorNumber::{IllegalArgument, IllegalCodec, LimitExceeded, ReadOnly};
use fvm_shared::event::{ActorEvent, Entry, Flags};
use wasmtime::Linker;

use super::{Answer, Context, Guest, unit};
use crate::error::rejected;
use crate::host::Host;
use crate::memory::index;
use crate::prices;
use crate::running::Running;

/// Entries of an event. This and the next two: FIP-0049 and FIP-0072.
const ENTRIES_MAX: usize = 255;

/// Bytes of an entry's key.
const KEY_BYTES_MAX: u32 = 31;

/// Bytes of all values of an event.
const VALUES_BYTES_MAX: usize = 8 << 10;

/// Bytes that an entry counts beside its key and value, and an event beside its entries: what CBOR puts around them, at most 9 and 12.
const AROUND_BYTES: usize = 10;

/// Bytes of an entry's header.
const HEADER_BYTES: usize = 24;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "event",
        "emit_event",
        |guest: Guest<'_, H>, headers: u32, entries: u32, keys: u32, keys_len: u32, values: u32, values_len: u32| {
            unit(guest, |context| emit_event(context, (headers, entries), (keys, keys_len), (values, values_len)))
        },
    )?;
    Ok(())
}

fn emit_event<H: Host>(
    context: &mut Context<'_, H>,
    (headers, entries): (u32, u32),
    (keys, keys_len): (u32, u32),
    (values, values_len): (u32, u32),
) -> Answer<()> {
    let headers = context.memory.arrays::<HEADER_BYTES>(headers, entries)?;
    let keys = context.memory.slice(keys, keys_len)?;
    let values = context.memory.slice(values, values_len)?;
    if context.running.call.read_only {
        return Err(rejected(ReadOnly, "a read-only call emits no events"));
    }
    context.running.gas.charge(prices::event(headers.len(), keys.len(), values.len()))?;
    let event = parse(headers, keys, values)?;
    let bytes = bytes_of(&event);
    let (emitter, most) = (context.running.call.receiver, prices::event_bytes_max(context.running.gas.whole_limit()));
    let host = context.running.host();
    if host.event_bytes().saturating_add(bytes) > most {
        return Err(rejected(LimitExceeded, format!("with its gas limit the message emits at most {most} bytes")));
    }
    host.emit(emitter, event, bytes);
    Ok(())
}

/// Bytes that an event counts: keys, values, and what stands around them.
fn bytes_of(event: &ActorEvent) -> u64 {
    let bytes = |entry: &Entry| AROUND_BYTES + entry.key.len() + entry.value.len();
    let bytes = AROUND_BYTES + event.entries.iter().map(bytes).sum::<usize>();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn parse(headers: &[[u8; HEADER_BYTES]], keys: &[u8], values: &[u8]) -> Answer<ActorEvent> {
    if headers.len() > ENTRIES_MAX {
        return Err(rejected(LimitExceeded, "an event has at most 255 entries"));
    }
    if values.len() > VALUES_BYTES_MAX {
        return Err(rejected(LimitExceeded, "an event has at most 8 KiB of values"));
    }
    let mut keys =
        std::str::from_utf8(keys).map_err(|why| rejected(IllegalArgument, format!("an event's keys: {why}")))?;
    let mut values = values;
    let mut entries = Vec::with_capacity(headers.len());
    for header in headers {
        entries.push(entry(&Header::read(header), &mut keys, &mut values)?);
    }
    if keys.is_empty() && values.is_empty() {
        Ok(ActorEvent::from(entries))
    } else {
        Err(rejected(IllegalArgument, "an event has keys or values that are nobody's"))
    }
}

/// Takes one entry's key and value off the front of what is left.
fn entry(header: &Header, keys: &mut &str, values: &mut &[u8]) -> Answer<Entry> {
    let flags = Flags::from_bits(header.flags)
        .ok_or_else(|| rejected(IllegalArgument, format!("flags {:#x} are unknown", header.flags)))?;
    if header.key_len > KEY_BYTES_MAX {
        return Err(rejected(LimitExceeded, "a key has at most 31 bytes"));
    }
    let missing = || rejected(IllegalArgument, "an entry's key or value is not all there");
    let (key, more_keys) = keys.split_at_checked(index(header.key_len)).ok_or_else(missing)?;
    let (value, more_values) = values.split_at_checked(index(header.value_len)).ok_or_else(missing)?;
    if ![IPLD_RAW, CBOR].contains(&header.codec) {
        return Err(rejected(IllegalCodec, format!("an event has no codec {:#x}", header.codec)));
    }
    (*keys, *values) = (more_keys, more_values);
    Ok(Entry { flags, key: key.to_owned(), codec: header.codec, value: value.to_vec() })
}

/// An entry's header: `fvm_shared::sys::EventEntry`, packed.
struct Header {
    flags: u64,
    codec: u64,
    key_len: u32,
    value_len: u32,
}

impl Header {
    fn read(bytes: &[u8; HEADER_BYTES]) -> Self {
        let [f0, f1, f2, f3, f4, f5, f6, f7, c0, c1, c2, c3, c4, c5, c6, c7, rest @ ..] = *bytes;
        let [k0, k1, k2, k3, v0, v1, v2, v3] = rest;
        Self {
            flags: u64::from_le_bytes([f0, f1, f2, f3, f4, f5, f6, f7]),
            codec: u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
            key_len: u32::from_le_bytes([k0, k1, k2, k3]),
            value_len: u32::from_le_bytes([v0, v1, v2, v3]),
        }
    }
}

#[cfg(test)]
mod tests {
    use fvm_shared::error::ErrorNumber;

    use super::*;
    use crate::error::SyscallError;

    fn header(flags: u64, codec: u64, key_len: u32, value_len: u32) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&codec.to_le_bytes());
        bytes[16..20].copy_from_slice(&key_len.to_le_bytes());
        bytes[20..].copy_from_slice(&value_len.to_le_bytes());
        bytes
    }

    #[test]
    fn entries_take_their_keys_and_values_in_turn() {
        let headers = [header(3, IPLD_RAW, 1, 2), header(0, CBOR, 2, 1)];
        let event = parse(&headers, b"abc", &[1, 2, 3]).unwrap();
        let entry =
            |flags, key: &str, codec, value: &[u8]| Entry { flags, key: key.to_owned(), codec, value: value.to_vec() };
        assert_eq!(
            event.entries,
            [entry(Flags::FLAG_INDEXED_ALL, "a", IPLD_RAW, &[1, 2]), entry(Flags::empty(), "bc", CBOR, &[3]),]
        );
    }

    /// What is wrong, headers, keys, values, and the answer.
    type Fault<'a> = (&'a str, Vec<[u8; HEADER_BYTES]>, &'a [u8], Vec<u8>, ErrorNumber);

    #[test]
    fn a_fault_in_an_event_is_refused_for_its_own_reason() {
        let good = header(0, IPLD_RAW, 1, 1);
        let table: [Fault<'_>; 9] = [
            ("entries", vec![good; 256], b"", vec![], LimitExceeded),
            ("values", vec![good], b"k", vec![0; (8 << 10) + 1], LimitExceeded),
            ("key text", vec![good], b"\xff", vec![1], IllegalArgument),
            ("flags", vec![header(4, IPLD_RAW, 1, 1)], b"k", vec![1], IllegalArgument),
            ("key length", vec![header(0, IPLD_RAW, 32, 0)], &[b'k'; 32], vec![], LimitExceeded),
            ("key missing", vec![good], b"", vec![1], IllegalArgument),
            ("value missing", vec![good], b"k", vec![], IllegalArgument),
            ("codec", vec![header(0, 0x71, 1, 1)], b"k", vec![1], IllegalCodec),
            ("left over", vec![good], b"kk", vec![1], IllegalArgument),
        ];
        for (what, headers, keys, values, number) in table {
            let Err(SyscallError::Rejected(why)) = parse(&headers, keys, &values) else { panic!("{what} is no fault") };
            assert_eq!(why.number, number, "{what}");
        }
    }

    #[test]
    fn a_key_is_never_cut_inside_a_character() {
        let headers = [header(0, IPLD_RAW, 1, 0), header(0, IPLD_RAW, 1, 0)];
        assert!(parse(&headers, "é".as_bytes(), &[]).is_err());
    }
}
