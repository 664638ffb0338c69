//! As much of Solidity's ABI as the boundary between the runtimes needs.
//!
//! Source: Solidity documentation, "Contract ABI Specification".

use revm::primitives::{Bytes, U256};

/// First four bytes of `Error(string)`.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];

/// Bytes of a word.
const WORD: usize = 32;

/// What a revert with a sentence carries.
pub(super) fn error_string(why: &str) -> Bytes {
    let mut data = ERROR_SELECTOR.to_vec();
    data.extend(encode(&[Value::Bytes(why.as_bytes())]));
    data.into()
}

/// A value of a tuple.
pub(crate) enum Value<'a> {
    /// Any type of one word.
    Word(U256),
    /// `bytes` or `string`.
    Bytes(&'a [u8]),
}

/// A tuple: a word for each value (for bytes, where they start), then the bytes, each with their length and padded to words.
pub(crate) fn encode(values: &[Value<'_>]) -> Vec<u8> {
    let word = |number: usize| U256::from(number).to_be_bytes::<WORD>();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::Word(number) => head.extend(number.to_be_bytes::<WORD>()),
            Value::Bytes(bytes) => {
                head.extend(word(values.len() * WORD + tail.len()));
                tail.extend(word(bytes.len()));
                tail.extend_from_slice(bytes);
                tail.resize(tail.len().next_multiple_of(WORD), 0);
            }
        }
    }
    head.extend(tail);
    head
}

/// Word `at` of a tuple.
pub(super) fn word(data: &[u8], at: usize) -> Option<U256> {
    data.get(at * WORD..)?.first_chunk::<WORD>().map(|word| U256::from_be_bytes(*word))
}

/// Value `at` of a tuple, a number of at most 64 bits.
pub(crate) fn number(data: &[u8], at: usize) -> Option<u64> {
    word(data, at)?.try_into().ok()
}

/// Value `at` of a tuple, bytes. What they say of their place and length is held against what there is.
pub(crate) fn bytes(data: &[u8], at: usize) -> Option<&[u8]> {
    let start = usize::try_from(number(data, at)?).ok()?;
    let rest = data.get(start..)?;
    let length = usize::try_from(number(rest, 0)?).ok()?;
    rest.get(WORD..)?.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_solidity_writes_it() {
        let data = error_string("no");
        assert_eq!(data.len(), 4 + 96);
        assert_eq!((&data[..4], data[35], data[67], &data[68..71]), (&ERROR_SELECTOR[..], 32, 2, &b"no\0"[..]));
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let data = encode(&[Value::Word(U256::from(7)), Value::Bytes(b"abc"), Value::Bytes(b"")]);
        assert_eq!(data.len(), 3 * WORD + 2 * WORD + WORD);
        assert_eq!((number(&data, 0), bytes(&data, 1), bytes(&data, 2)), (Some(7), Some(&b"abc"[..]), Some(&b""[..])));
    }

    #[test]
    fn lengths_and_places_beyond_the_end_are_nothing() {
        let data = encode(&[Value::Bytes(b"abc")]);
        assert_eq!(bytes(&data[..data.len() - 30], 0), None, "cut short");
        assert_eq!((word(&data, 3), number(&encode(&[Value::Word(U256::MAX)]), 0)), (None, None));
        for at in [U256::MAX, U256::from(u64::MAX), U256::from(1 << 20)] {
            assert_eq!(bytes(&encode(&[Value::Word(at)]), 0), None, "starts at {at}");
            assert_eq!(bytes(&encode(&[Value::Word(U256::from(32)), Value::Word(at)]), 0), None, "{at} bytes long");
        }
    }
}
