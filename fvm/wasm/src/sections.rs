//! Reads and rewrites the sections of a wasm binary, as far as the instrumentation needs it.
//!
//! Module bytes have passed validation before they come here, but nothing here trusts that: what
//! cannot be read is [`Malformed`], never a panic.
//!
//! Source of the format: WebAssembly core specification 2.0, chapter 5.

/// Section ids.
pub(crate) mod id {
    pub(crate) const TYPE: u8 = 1;
    pub(crate) const IMPORT: u8 = 2;
    pub(crate) const FUNCTION: u8 = 3;
    pub(crate) const MEMORY: u8 = 5;
    pub(crate) const GLOBAL: u8 = 6;
    pub(crate) const EXPORT: u8 = 7;
    pub(crate) const START: u8 = 8;
    pub(crate) const CODE: u8 = 10;
}

/// Bytes before the first section: magic and version.
const HEADER_BYTES: usize = 8;

/// The bytes are not the sections of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the module's sections cannot be read")]
pub(crate) struct Malformed;

/// A module's sections in order: id and content.
pub(crate) fn split(wasm: &[u8]) -> Result<Vec<(u8, &[u8])>, Malformed> {
    let mut reader = Reader(wasm.get(HEADER_BYTES..).ok_or(Malformed)?);
    let mut sections = Vec::new();
    while !reader.is_empty() {
        sections.push((reader.byte()?, reader.sized()?));
    }
    Ok(sections)
}

/// The module with each section's content replaced by what `rewrite` makes of it.
pub(crate) fn rewrite(
    wasm: &[u8],
    mut rewrite: impl FnMut(u8, &[u8]) -> Result<Vec<u8>, Malformed>,
) -> Result<Vec<u8>, Malformed> {
    let mut out = wasm.get(..HEADER_BYTES).ok_or(Malformed)?.to_vec();
    for (id, content) in split(wasm)? {
        out.push(id);
        put_sized(&mut out, &rewrite(id, content)?)?;
    }
    Ok(out)
}

/// What is left of a section.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    pub(crate) fn number(&mut self) -> Result<u32, Malformed> {
        let mut number: u64 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| Malformed);
            }
        }
        Err(Malformed)
    }

    /// A number of bytes, then so many bytes: a name, a section, a function's body.
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let size = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(size).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A name.
    pub(crate) fn name(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.sized()?).map_err(|_| Malformed)
    }
}

/// Writes an unsigned LEB128 number.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u32) {
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes bytes with their number before them.
pub(crate) fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Malformed> {
    put_number(out, u32::try_from(bytes.len()).map_err(|_| Malformed)?);
    out.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_written() {
        for number in [0, 1, 127, 128, 300, 1 << 14, 1 << 21, 1 << 28, u32::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(Reader(&bytes).number(), Ok(number));
        }
    }

    #[test]
    fn a_number_that_ends_early_or_is_too_long_is_malformed() {
        for bytes in [&[0x80][..], &[], &[0xff, 0xff, 0xff, 0xff, 0x1f], &[0x80; 6]] {
            assert_eq!(Reader(bytes).number(), Err(Malformed), "{bytes:x?}");
        }
    }

    #[test]
    fn a_module_comes_back_from_an_idle_rewrite() {
        let wasm = b"\0asm\x01\0\0\0\x00\x03\x01ab\x05\x01\x00";
        assert_eq!(rewrite(wasm, |_, content| Ok(content.to_vec())).as_deref(), Ok(&wasm[..]));
        for end in 0..wasm.len() {
            let cut = split(&wasm[..end]);
            assert_eq!(cut.is_ok(), [8, 13].contains(&end), "cut at {end}");
        }
    }
}
