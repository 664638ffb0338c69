//! What the store has of a height, read back.

use tributary_chain::CommitCertificate;
use tributary_fvm::Receipt;
use tributary_primitives::Height;
use tributary_store::{Store, StoreFatal};

use super::record::{Record, decode_certificate, decode_receipts};
use super::{Head, LedgerFatal};

/// The chain's end in `store`.
pub(crate) fn load_head(store: &Store) -> Result<Head, LedgerFatal> {
    let tip = store.tip()?.ok_or(StoreFatal::NoBase)?;
    let missing = |what| LedgerFatal::Damaged { what, height: tip.height, why: "it is missing".to_owned() };
    let record = read_record(store, tip.height)?.ok_or_else(|| missing("the record"))?;
    let certificate = read_certificate(store, tip.height)?;
    if certificate.is_none() && tip.height != Height::GENESIS {
        return Err(missing("the commit certificate"));
    }
    Ok(Head { height: tip.height, hash: tip.block_hash, record, certificate, leaves: Some(store.snapshot()) })
}

/// What is known after the block at `height`; `None` where the store has nothing.
pub(crate) fn read_record(store: &Store, height: Height) -> Result<Option<Record>, LedgerFatal> {
    let Some(bytes) = store.app(height)? else { return Ok(None) };
    Record::from_cbor(&bytes).map(Some).map_err(|why| LedgerFatal::Damaged { what: "the record", height, why })
}

/// Who decided the block at `height`; `None` where the store has nothing.
pub(crate) fn read_certificate(store: &Store, height: Height) -> Result<Option<CommitCertificate>, LedgerFatal> {
    let Some(bytes) = store.certificate(height)? else { return Ok(None) };
    let damaged = |why| LedgerFatal::Damaged { what: "the commit certificate", height, why };
    decode_certificate(&bytes).map(Some).map_err(damaged)
}

/// What became of the transactions of the block at `height`; `None` where the store has nothing.
pub(crate) fn read_receipts(store: &Store, height: Height) -> Result<Option<Vec<Receipt>>, LedgerFatal> {
    let Some(bytes) = store.receipts(height)? else { return Ok(None) };
    decode_receipts(&bytes).map(Some).map_err(|why| LedgerFatal::Damaged { what: "the receipts", height, why })
}
