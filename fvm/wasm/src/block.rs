//! An IPLD block as actors hand it around: codec, bytes, and the links found in it once.
//!
//! A block is immutable and cheap to clone. Its links travel with it, so that what was paid for when
//! it was created need not be scanned again by whoever it is sent to.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::error::ErrorNumber;

use crate::error::{SyscallError, SyscallRejected};
use crate::gas::{Gas, GasTracker};
use crate::links;
use crate::prices;

pub use tributary_primitives::layout::BLOCK_BYTES_MAX;
pub(crate) use tributary_primitives::links::CODECS;

/// What an open block counts for beside its bytes and links, and what each link does. Rules of the chain: what takes so much on
/// one machine must be refused alike on all.
const BLOCK_BYTES: u64 = 128;
const LINK_BYTES: u64 = 96;

/// Bytes that an open block of this size counts for at least; its links come on top of that.
pub(crate) fn bytes_without_links(size: u32) -> u64 {
    BLOCK_BYTES + u64::from(size)
}

/// A block: parameters, a return value, or a piece of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    codec: u64,
    data: Arc<[u8]>,
    size: u32,
    /// None for none: most blocks have no links, and an empty slice would be an allocation.
    links: Option<Arc<[Cid]>>,
}

impl Block {
    /// A block whose links, if its codec has any, are found here and not charged for: for parameters
    /// of a message, whose inclusion paid for more, and for what is CBOR or raw and has none to look for.
    ///
    /// Rejects with `LimitExceeded` above [`BLOCK_BYTES_MAX`], `IllegalCodec`, `Serialization` for bytes
    /// that are not DAG-CBOR, `NotFound` for a link to what cannot exist.
    pub fn new(codec: u64, data: impl Into<Arc<[u8]>>) -> Result<Self, SyscallRejected> {
        let mut free = GasTracker::new(Gas::MAX.round_down());
        match Self::scanned(codec, data.into(), &mut free) {
            Ok(block) => Ok(block),
            Err(SyscallError::Rejected(rejected)) => Err(rejected),
            // A scan of at most 1 MiB cannot use up 2⁶³ milligas, and it asks no host.
            Err(SyscallError::Halt(halt)) => Err(SyscallRejected::new(ErrorNumber::LimitExceeded, halt.to_string())),
        }
    }

    /// A block of at most [`BLOCK_BYTES_MAX`] whose scan for links is charged, item by item: for what a contract gives. Its bytes
    /// are the caller's to charge.
    ///
    /// Rejects as [`Self::new`].
    pub fn scanned(codec: u64, data: Arc<[u8]>, gas: &mut GasTracker) -> Result<Self, SyscallError> {
        if data.len() > BLOCK_BYTES_MAX {
            return Err(SyscallRejected::new(ErrorNumber::LimitExceeded, "a block has at most 1 MiB").into());
        }
        Self::opened(codec, data, gas)
    }

    /// A block that is already state, of whatever size it was stored with.
    pub(crate) fn opened(codec: u64, data: Arc<[u8]>, gas: &mut GasTracker) -> Result<Self, SyscallError> {
        let size = u32::try_from(data.len())
            .map_err(|_| SyscallRejected::new(ErrorNumber::LimitExceeded, "a block has fewer than 4 GiB"))?;
        let links = links::scan(codec, &data, gas)?;
        let links = (!links.is_empty()).then(|| links.into());
        Ok(Self { codec, data, size, links })
    }

    /// A block of at most [`BLOCK_BYTES_MAX`] that a contract makes; nothing is copied before all of it is paid for.
    pub(crate) fn made(codec: u64, data: &[u8], gas: &mut GasTracker) -> Result<Self, SyscallError> {
        let size = u32::try_from(data.len())
            .map_err(|_| SyscallRejected::new(ErrorNumber::LimitExceeded, "a block has at most 1 MiB"))?;
        let links = links::scan(codec, data, gas)?;
        gas.charge(prices::block_create(size, links.len()))?;
        let links = (!links.is_empty()).then(|| links.into());
        Ok(Self { codec, data: data.into(), size, links })
    }

    /// How the bytes are to be read.
    pub fn codec(&self) -> u64 {
        self.codec
    }

    /// The bytes, shared.
    pub fn data(&self) -> &Arc<[u8]> {
        &self.data
    }

    /// How many bytes.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Bytes that it counts for while it is open.
    pub(crate) fn bytes_held(&self) -> u64 {
        bytes_without_links(self.size).saturating_add(self.bytes_of_links())
    }

    /// The same where a call did not make it, which may open what it links to: the links are kept a second time there, in a set.
    pub(crate) fn bytes_opened(&self) -> u64 {
        self.bytes_held().saturating_add(self.bytes_of_links())
    }

    /// Bytes that its links count for, each time they are kept.
    pub(crate) fn bytes_of_links(&self) -> u64 {
        LINK_BYTES.saturating_mul(u64::try_from(self.links().len()).unwrap_or(u64::MAX))
    }

    /// The CIDs it links to, in order, repeated as they repeat.
    pub fn links(&self) -> &[Cid] {
        self.links.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::{DAG_CBOR, IPLD_RAW, to_vec};
    use tributary_primitives::raw_cid;

    use super::*;

    #[test]
    fn a_block_is_refused_for_its_size_its_codec_or_its_bytes() {
        let table = [
            (IPLD_RAW, vec![0; BLOCK_BYTES_MAX + 1], ErrorNumber::LimitExceeded),
            (0x70, vec![], ErrorNumber::IllegalCodec),
            (DAG_CBOR, vec![0x82, 0x01], ErrorNumber::Serialization),
        ];
        for (codec, data, number) in table {
            assert_eq!(Block::new(codec, data).unwrap_err().number, number);
        }
    }

    #[test]
    fn a_block_knows_its_codec_size_and_bytes() {
        let block = Block::new(IPLD_RAW, vec![1, 2, 3]).unwrap();
        assert_eq!((block.codec(), block.size(), block.links().len()), (IPLD_RAW, 3, 0));
        assert_eq!(&block.data()[..], [1, 2, 3]);
    }

    #[test]
    fn a_block_counts_for_as_much_as_it_takes() {
        let link = raw_cid(b"leaf");
        for (codec, data, links) in [
            (IPLD_RAW, vec![], 0),
            (IPLD_RAW, vec![0; 1_000], 0),
            (DAG_CBOR, to_vec(&(link,)).unwrap(), 1),
            (DAG_CBOR, to_vec(&[link; 30]).unwrap(), 30),
        ] {
            let bytes = u64::try_from(data.len()).unwrap();
            let block = Block::new(codec, data).unwrap();
            assert_eq!((block.bytes_held(), block.bytes_of_links()), (128 + bytes + 96 * links, 96 * links));
            assert_eq!(block.bytes_opened(), 128 + bytes + 2 * 96 * links);
        }
        assert!(u64::try_from(size_of::<Cid>()).unwrap() <= LINK_BYTES);
        // Two allocations beside it, each with two counts.
        assert!(u64::try_from(size_of::<Block>() + 4 * size_of::<usize>()).unwrap() <= BLOCK_BYTES);
    }
}
