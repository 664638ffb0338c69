//! A guest's memory, seen through checked accesses: a bad pointer is `IllegalArgument`, never a panic.

use cid::Cid;
use fvm_shared::MAX_CID_LEN;
use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber;

use crate::error::SyscallRejected;

/// The linear memory of a running guest, for the length of one syscall.
pub(crate) struct Memory<'a>(&'a mut [u8]);

impl<'a> Memory<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// `len` bytes from `offset`. An empty slice may lie at the end of memory but not beyond it.
    pub(crate) fn slice(&self, offset: u32, len: u32) -> Result<&[u8], SyscallRejected> {
        self.tail(offset)?.get(..index(len)).ok_or_else(|| out_of_bounds(offset, len))
    }

    /// `len` bytes from `offset`, to write to.
    pub(crate) fn slice_mut(&mut self, offset: u32, len: u32) -> Result<&mut [u8], SyscallRejected> {
        self.0
            .get_mut(index(offset)..)
            .and_then(|tail| tail.get_mut(..index(len)))
            .ok_or_else(|| out_of_bounds(offset, len))
    }

    /// `N` bytes from `offset`.
    pub(crate) fn array<const N: usize>(&self, offset: u32) -> Result<[u8; N], SyscallRejected> {
        self.tail(offset)?
            .first_chunk()
            .copied()
            .ok_or_else(|| out_of_bounds(offset, u32::try_from(N).unwrap_or(u32::MAX)))
    }

    /// `count` arrays of `N` bytes from `offset`.
    pub(crate) fn arrays<const N: usize>(&self, offset: u32, count: u32) -> Result<&[[u8; N]], SyscallRejected> {
        let len = u32::try_from(N)
            .ok()
            .and_then(|size| size.checked_mul(count))
            .ok_or_else(|| out_of_bounds(offset, u32::MAX))?;
        // The slice's length is a multiple of `N`, so there is no remainder.
        Ok(self.slice(offset, len)?.as_chunks().0)
    }

    /// Refuses a place to write to before any work is done for it.
    pub(crate) fn check(&self, offset: u32, len: u32) -> Result<(), SyscallRejected> {
        self.slice(offset, len).map(|_| ())
    }

    /// Text.
    pub(crate) fn text(&self, offset: u32, len: u32) -> Result<&str, SyscallRejected> {
        std::str::from_utf8(self.slice(offset, len)?).map_err(|why| illegal(format!("text at {offset}: {why}")))
    }

    /// An address in its byte form.
    pub(crate) fn address(&self, offset: u32, len: u32) -> Result<Address, SyscallRejected> {
        Address::from_bytes(self.slice(offset, len)?).map_err(|why| illegal(format!("address at {offset}: {why}")))
    }

    /// A CID. Its length is not given: it is read towards the end of memory, and a CID is never longer
    /// than four varints and 64 bytes of digest.
    pub(crate) fn cid(&self, offset: u32) -> Result<Cid, SyscallRejected> {
        Cid::read_bytes(self.tail(offset)?).map_err(|why| illegal(format!("CID at {offset}: {why}")))
    }

    /// Writes a CID into a buffer and answers its length.
    pub(crate) fn write_cid(&mut self, cid: &Cid, offset: u32, len: u32) -> Result<u32, SyscallRejected> {
        let mut bytes = Vec::with_capacity(MAX_CID_LEN);
        cid.write_bytes(&mut bytes).map_err(|why| illegal(format!("CID {cid}: {why}")))?;
        self.write(&bytes, offset, len)
    }

    /// Writes bytes into a buffer that may be longer, and answers how many.
    pub(crate) fn write(&mut self, bytes: &[u8], offset: u32, len: u32) -> Result<u32, SyscallRejected> {
        let buffer = self.slice_mut(offset, len)?;
        let too_small = || {
            SyscallRejected::new(
                ErrorNumber::BufferTooSmall,
                format!("{} bytes do not fit a buffer of {len}", bytes.len()),
            )
        };
        buffer.get_mut(..bytes.len()).ok_or_else(too_small)?.copy_from_slice(bytes);
        u32::try_from(bytes.len()).map_err(|_| too_small())
    }

    fn tail(&self, offset: u32) -> Result<&[u8], SyscallRejected> {
        self.0.get(index(offset)..).ok_or_else(|| out_of_bounds(offset, 0))
    }
}

/// An offset or length of the guest as one of ours; on a machine too small for it, out of bounds.
pub(crate) fn index(guest: u32) -> usize {
    usize::try_from(guest).unwrap_or(usize::MAX)
}

fn illegal(reason: String) -> SyscallRejected {
    SyscallRejected::new(ErrorNumber::IllegalArgument, reason)
}

fn out_of_bounds(offset: u32, len: u32) -> SyscallRejected {
    illegal(format!("{len} bytes at {offset} are not all in memory"))
}

#[cfg(test)]
mod tests {
    use multihash_codetable::{Code, MultihashDigest};

    use super::*;

    fn cid() -> Cid {
        Cid::new_v1(0x55, Code::Blake2b256.digest(b"x"))
    }

    #[test]
    fn a_slice_lies_in_memory_or_is_refused() {
        let mut bytes = [0; 8];
        let mut memory = Memory::new(&mut bytes);
        let table = [
            (0, 8, true),
            (8, 0, true),
            (0, 9, false),
            (8, 1, false),
            (9, 0, false),
            (u32::MAX, 0, false),
            (4, u32::MAX, false),
        ];
        for (offset, len, fits) in table {
            assert_eq!(memory.slice(offset, len).is_ok(), fits, "{offset} {len}");
            assert_eq!(memory.slice_mut(offset, len).is_ok(), fits, "{offset} {len}");
            assert_eq!(memory.check(offset, len).is_ok(), fits, "{offset} {len}");
        }
    }

    #[test]
    fn arrays_are_cut_from_memory_and_their_count_cannot_overflow() {
        let mut bytes = [1, 2, 3, 4, 5];
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.array::<2>(3), Ok([4, 5]));
        assert!(memory.array::<2>(4).is_err());
        assert_eq!(memory.arrays::<2>(0, 2), Ok(&[[1, 2], [3, 4]][..]));
        for count in [3, u32::MAX, u32::MAX / 2 + 2] {
            assert!(memory.arrays::<2>(0, count).is_err(), "{count}");
        }
    }

    #[test]
    fn a_cid_comes_back_as_it_was_written() {
        let mut bytes = [0; 64];
        let mut memory = Memory::new(&mut bytes);
        assert_eq!(memory.write_cid(&cid(), 10, 54), Ok(38));
        assert_eq!(memory.cid(10), Ok(cid()));
        assert!(memory.cid(11).is_err());
        assert!(memory.cid(65).is_err());
    }

    #[test]
    fn a_small_buffer_is_told_apart_from_a_bad_one() {
        let mut bytes = [0; 64];
        let mut memory = Memory::new(&mut bytes);
        for (offset, len, number) in [(0, 37, ErrorNumber::BufferTooSmall), (30, 38, ErrorNumber::IllegalArgument)] {
            assert_eq!(memory.write_cid(&cid(), offset, len).unwrap_err().number, number);
        }
    }

    #[test]
    fn a_truncated_cid_an_odd_address_and_bad_text_are_illegal() {
        let mut bytes = cid().to_bytes();
        bytes.truncate(20);
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.cid(0).unwrap_err().number, ErrorNumber::IllegalArgument);
        assert_eq!(memory.address(0, 3).unwrap_err().number, ErrorNumber::IllegalArgument);
        let mut bytes = [0xff];
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.text(0, 1).unwrap_err().number, ErrorNumber::IllegalArgument);
    }
}
