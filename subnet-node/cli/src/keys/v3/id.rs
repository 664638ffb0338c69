//! What a file is called inside itself.

/// A random name (version 4). Source: RFC 9562.
pub(super) fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_name_is_of_version_4() {
        let name = uuid();
        assert_eq!((name.len(), &name[14..15], name.matches('-').count()), (36, "4", 4));
        assert!(["8", "9", "a", "b"].contains(&&name[19..20]));
    }
}
