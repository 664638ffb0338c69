//! How large the store is, as RocksDB counts it: for the node's metrics.

use crate::store::Store;
use crate::{Family, StoreFatal};

/// One family's size.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FamilySize {
    /// Which.
    pub family: Family,
    /// Bytes of its tables and value files on disk.
    pub disk_bytes: u64,
    /// Entries, estimated: an entry written twice and not merged yet counts twice.
    pub entries: u64,
}

/// The whole store's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSizes {
    /// Each family, in the order of [`Family::ALL`].
    pub families: Vec<FamilySize>,
    /// Memory for what was written and is not in tables yet, in bytes.
    pub write_buffer_bytes: u64,
    /// Memory for what was read, in bytes.
    pub cache_bytes: u64,
}

impl Store {
    /// Measures the store. Cost: a few counters for each family, no reads from disk.
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn sizes(&self) -> Result<StoreSizes, StoreFatal> {
        let mut sizes = StoreSizes {
            families: Vec::with_capacity(Family::ALL.len()),
            write_buffer_bytes: 0,
            cache_bytes: u64::try_from(self.cache().get_usage()).unwrap_or(u64::MAX),
        };
        for family in Family::ALL {
            let tables = self.property(family, "rocksdb.live-sst-files-size")?;
            let values = self.property(family, "rocksdb.live-blob-file-size")?;
            sizes.families.push(FamilySize {
                family,
                disk_bytes: tables.saturating_add(values),
                entries: self.property(family, "rocksdb.estimate-num-keys")?,
            });
            let buffer = self.property(family, "rocksdb.cur-size-all-mem-tables")?;
            sizes.write_buffer_bytes = sizes.write_buffer_bytes.saturating_add(buffer);
        }
        Ok(sizes)
    }

    pub(crate) fn property(&self, family: Family, name: &str) -> Result<u64, StoreFatal> {
        let value = self.database().property_int_value_cf(self.family(family), name);
        Ok(value.map_err(|source| StoreFatal::Read { family, source })?.unwrap_or(0))
    }
}
