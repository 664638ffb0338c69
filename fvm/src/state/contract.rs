//! A contract's storage, as Filecoin's EVM actor lays it out; the head above it is `tributary_primitives::layout`'s.
//!
//! Storage is a KAMT: 32 children a node, no values above depth 0, one value a bucket; keys hash to themselves (32 bytes,
//! big-endian); keys and values are byte strings without leading zeros; a zero value is no entry.
//!
//! Source: filecoin-project/builtin-actors, `actors/evm/src/interpreter/system.rs`.

use std::borrow::Cow;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::strict_bytes;
use fvm_ipld_kamt::{AsHashedKey, Config, HashedKey, Kamt};
use revm::primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_primitives::layout::BIT_WIDTH;
pub use tributary_primitives::layout::ContractHead;

use crate::error::StateFatal;

/// A slot or a value, in its storage spelling.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) struct Word(pub(crate) U256);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.to_be_bytes_trimmed_vec())
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = strict_bytes::deserialize(deserializer)?;
        U256::try_from_be_slice(&bytes)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a word of more than 32 bytes"))
    }
}

/// Keys are spread as they are: a contract's slots are hashes already, or few.
#[derive(Debug)]
pub(crate) struct SlotAsKey;

impl AsHashedKey<Word, 32> for SlotAsKey {
    fn as_hashed_key(key: &Word) -> Cow<'_, HashedKey<32>> {
        Cow::Owned(key.0.to_be_bytes())
    }
}

/// A contract's storage.
pub(crate) struct Storage<B> {
    kamt: Kamt<B, Word, Word, SlotAsKey>,
}

impl<B: Blockstore> Storage<B> {
    fn config() -> Config {
        Config { bit_width: BIT_WIDTH, min_data_depth: 0, max_array_width: 1 }
    }

    pub(crate) fn new(store: B) -> Self {
        Self { kamt: Kamt::new_with_config(store, Self::config()) }
    }

    pub(crate) fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        let kamt = Kamt::load_with_config(root, store, Self::config()).map_err(StateFatal::tree)?;
        Ok(Self { kamt })
    }

    pub(crate) fn get(&self, slot: U256) -> Result<U256, StateFatal> {
        Ok(self.kamt.get(&Word(slot)).map_err(StateFatal::tree)?.map_or(U256::ZERO, |word| word.0))
    }

    pub(crate) fn set(&mut self, slot: U256, value: U256) -> Result<(), StateFatal> {
        if value.is_zero() {
            self.kamt.delete(&Word(slot)).map_err(StateFatal::tree)?;
        } else {
            self.kamt.set(Word(slot), Word(value)).map_err(StateFatal::tree)?;
        }
        Ok(())
    }

    /// Calls `visit` with every slot that is not zero, in ascending order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(U256, U256)) -> Result<(), StateFatal> {
        let each = |slot: &Word, value: &Word| {
            visit(slot.0, value.0);
            Ok(())
        };
        self.kamt.for_each(each).map_err(StateFatal::tree)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kamt.is_empty()
    }

    pub(crate) fn flush(&mut self) -> Result<Cid, StateFatal> {
        self.kamt.flush().map_err(StateFatal::tree)
    }
}
