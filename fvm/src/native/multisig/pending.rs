//! The transactions that wait for approvals: a HAMT from their numbers, as on Filecoin.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::address::Address;
use tributary_primitives::layout::BIT_WIDTH;

use super::words::{Transaction, TransactionId};
use crate::error::StateFatal;

/// The map, open for reading and writing.
pub(super) struct Pending<B>(Hamt<B, Transaction>);

impl<B: Blockstore> Pending<B> {
    pub(super) fn new(store: B) -> Self {
        Self(Hamt::new_with_bit_width(store, BIT_WIDTH))
    }

    pub(super) fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        Hamt::load_with_bit_width(root, store, BIT_WIDTH).map(Self).map_err(StateFatal::tree)
    }

    pub(super) fn get(&self, id: TransactionId) -> Result<Option<Transaction>, StateFatal> {
        Ok(self.0.get(&BytesKey(id.key())).map_err(StateFatal::tree)?.cloned())
    }

    pub(super) fn set(&mut self, id: TransactionId, transaction: Transaction) -> Result<(), StateFatal> {
        self.0.set(BytesKey(id.key()), transaction).map(drop).map_err(StateFatal::tree)
    }

    pub(super) fn remove(&mut self, id: TransactionId) -> Result<(), StateFatal> {
        self.0.delete(&BytesKey(id.key())).map(drop).map_err(StateFatal::tree)
    }

    /// Takes back what `signer` approved. Transactions that nobody else approves are gone. Cost: the whole map is read.
    pub(super) fn purge(&mut self, signer: &Address) -> Result<(), StateFatal> {
        let mut touched = Vec::new();
        for entry in self.0.iter() {
            let (key, transaction) = entry.map_err(StateFatal::tree)?;
            if transaction.approved.contains(signer) {
                touched.push((key.clone(), transaction.clone()));
            }
        }
        for (key, mut transaction) in touched {
            transaction.approved.retain(|approver| approver != signer);
            if transaction.approved.is_empty() {
                self.0.delete(&key).map_err(StateFatal::tree)?;
            } else {
                self.0.set(key, transaction).map_err(StateFatal::tree)?;
            }
        }
        Ok(())
    }

    /// Writes it and answers its root.
    pub(super) fn flush(&mut self) -> Result<Cid, StateFatal> {
        self.0.flush().map_err(StateFatal::tree)
    }
}
