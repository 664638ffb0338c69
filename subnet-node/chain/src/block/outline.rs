//! A block without its transactions: what is asked of most blocks, at the price of its header and its commit.

use prost::Message;
use tendermint::block::{Commit, Header};
use tendermint_proto::v0_38::types as pb;

use super::{BlockBytesRejected, malformed};
use crate::wire;

/// Header, last commit, and how many transactions there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOutline {
    /// What is hashed and voted on.
    pub header: Header,
    /// Who signed the block before; `None` in the first block only.
    pub last_commit: Option<Commit>,
    /// How many transactions the block holds.
    pub transactions: usize,
}

/// The fields of `tendermint.types.Block` that are read; the decoder skips the others.
#[derive(Clone, PartialEq, Message)]
struct Fields {
    #[prost(message, optional, tag = "1")]
    header: Option<pb::Header>,
    #[prost(message, optional, tag = "4")]
    last_commit: Option<pb::Commit>,
}

impl BlockOutline {
    /// Reads the outline of an encoded block that was judged before: neither its length nor its one encoding is looked at. Cost: a walk
    /// over `bytes`; allocates a small multiple of header and commit.
    ///
    /// # Errors
    /// [`BlockBytesRejected::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockBytesRejected> {
        let counts = wire::count(bytes).ok_or_else(|| malformed("broken protobuf"))?;
        let Fields { header, last_commit } = Fields::decode(bytes).map_err(malformed)?;
        Ok(Self {
            header: header.ok_or_else(|| malformed("no header"))?.try_into().map_err(malformed)?,
            last_commit: last_commit.map(TryInto::try_into).transpose().map_err(malformed)?,
            transactions: counts.transactions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chain;

    #[test]
    fn an_outline_is_of_its_block() {
        let chain = Chain::of(4);
        for block in [chain.first_block().0, chain.second_block().0] {
            let outline = BlockOutline::decode(&block.encode()).unwrap();
            assert_eq!(outline.header, block.header);
            assert_eq!(outline.last_commit, block.last_commit);
            assert_eq!(outline.transactions, block.transactions.len());
        }
    }

    #[test]
    fn bytes_that_are_no_block_have_none() {
        for bytes in [&b""[..], &[0x0a, 0xff], &[0x12, 0]] {
            assert!(matches!(BlockOutline::decode(bytes), Err(BlockBytesRejected::Malformed(_))), "{bytes:?}");
        }
    }
}
