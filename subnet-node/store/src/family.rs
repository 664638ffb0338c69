//! The column families and how RocksDB keeps each.

use std::fmt;

use rocksdb::{BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, Options};

/// Bits of Bloom filter for each key: about one needless read in a hundred look-ups of an absent key.
const FILTER_BITS_PER_KEY: f64 = 10.0;

/// Values from this size lie in files of their own, so that compaction does not copy whole blocks again and again. Smaller
/// ones are cheaper to read inline.
const BLOB_BYTES_MIN: u64 = 16 * 1024;

/// A run of this many entries of a table, half of them deletions, has the table merged with what it deletes: so the disk gets its
/// room back from what was pruned, and whoever walks the family does not step over it for long.
const DELETIONS_WINDOW: usize = 4_096;
const DELETIONS_RATIO: f64 = 0.5;

/// A map of the store. The table of what each holds is in the crate's documentation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPLD blocks by CID.
    Ipld,
    /// The state's leaves after the last block.
    Leaves,
    /// Leaves that a block changed, by height.
    Changes,
    /// Heights whose state has all its nodes in `ipld`.
    Trees,
    /// Tendermint blocks by height.
    Blocks,
    /// Commit certificates by height.
    Certificates,
    /// Receipts by height.
    Receipts,
    /// The application's record by height.
    App,
    /// Where a transaction is.
    Transactions,
    /// Which height a block hash has.
    Hashes,
    /// Certified checkpoints by height.
    Checkpoints,
    /// Shares of checkpoints that are not certified.
    Shares,
    /// Proposed blocks of heights that are not decided.
    Undecided,
    /// Which chain, and where it stands.
    Meta,
}

impl Family {
    /// All of them. Adding one changes the format.
    pub const ALL: [Self; 14] = [
        Self::Ipld,
        Self::Leaves,
        Self::Changes,
        Self::Trees,
        Self::Blocks,
        Self::Certificates,
        Self::Receipts,
        Self::App,
        Self::Transactions,
        Self::Hashes,
        Self::Checkpoints,
        Self::Shares,
        Self::Undecided,
        Self::Meta,
    ];

    /// The name on disk, in metrics and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipld => "ipld",
            Self::Leaves => "leaves",
            Self::Changes => "changes",
            Self::Trees => "trees",
            Self::Blocks => "blocks",
            Self::Certificates => "certificates",
            Self::Receipts => "receipts",
            Self::App => "app",
            Self::Transactions => "transactions",
            Self::Hashes => "hashes",
            Self::Checkpoints => "checkpoints",
            Self::Shares => "shares",
            Self::Undecided => "undecided",
            Self::Meta => "meta",
        }
    }

    /// How RocksDB keeps this family; all families share one cache.
    pub(crate) fn options(self, cache: &Cache) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(cache);
        // Index and filters live in the cache too, so that its size bounds what reads keep in memory. They are cut into blocks: as
        // one, a large table's would be larger than a shard of the cache, and be read anew for every look-up.
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_partition_filters(true);
        table.set_pin_top_level_index_and_filter(true);

        let mut options = Options::default();
        options.set_compression_type(DBCompressionType::Lz4);
        match self {
            // Looked up by key, never walked; absent keys are common.
            Self::Ipld | Self::Leaves | Self::Transactions | Self::Hashes => {
                table.set_bloom_filter(FILTER_BITS_PER_KEY, false)
            }
            Self::Blocks | Self::Receipts | Self::Changes => {
                options.set_enable_blob_files(true);
                options.set_min_blob_size(BLOB_BYTES_MIN);
                options.set_blob_compression_type(DBCompressionType::Lz4);
            }
            _ => {}
        }
        options.set_block_based_table_factory(&table);
        options.add_compact_on_deletion_collector_factory(DELETIONS_WINDOW, DELETIONS_WINDOW / 2, DELETIONS_RATIO);
        options
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
