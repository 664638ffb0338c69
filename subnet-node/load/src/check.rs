//! Receipts, once all has landed: a block may hold a transaction that changed nothing.

use alloy_primitives::U64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_primitives::Hash32;

use crate::client::{Client, ClientUnavailable};
use crate::words::Kind;

/// What the receipts say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How many were looked at.
    pub receipts: u64,
    /// Those that are not there, or say that nothing but the fee changed.
    pub failed: u64,
    /// The first of them.
    pub first_failed: Option<Hash32>,
}

/// A receipt of either kind, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Receipt {
    /// Ethereum's: 1 where it went well.
    status: Option<U64>,
    /// Ours: 0 where it went well.
    exit_code: Option<u32>,
}

impl Receipt {
    fn is_success(&self) -> bool {
        self.status == Some(U64::ONE) || self.exit_code == Some(0)
    }
}

/// Looks at the receipts of these transactions.
///
/// # Errors
/// [`ClientUnavailable`].
pub async fn check(client: &mut Client, kind: Kind, hashes: &[Hash32]) -> Result<Checked, ClientUnavailable> {
    let params = hashes.iter().map(|hash| json!([hash])).collect();
    let receipts: Vec<Option<Receipt>> = client.ask_all(kind.receipt_method(), params).await?;
    let failed = receipts.iter().zip(hashes).filter(|(receipt, _)| !receipt.as_ref().is_some_and(Receipt::is_success));
    let failed: Vec<_> = failed.map(|(_, hash)| *hash).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Ok(Checked { receipts: count(hashes.len()), failed: count(failed.len()), first_failed: failed.first().copied() })
}

/// At most `most` of `all`, evenly spread, the first among them.
#[must_use]
pub fn sample<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    all.iter().step_by(all.len().div_ceil(most.max(1)).max(1)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all() {
        for (count, most, expected) in
            [(0, 3, vec![]), (2, 3, vec![0, 1]), (3, 3, vec![0, 1, 2]), (7, 3, vec![0, 3, 6]), (4, 0, vec![0])]
        {
            assert_eq!(sample(&(0..count).collect::<Vec<_>>(), most), expected);
        }
    }

    #[test]
    fn a_receipt_of_either_kind_tells_whether_it_went_well() {
        for (json, is_success) in [
            (r#"{"status":"0x1"}"#, true),
            (r#"{"status":"0x0"}"#, false),
            (r#"{"exit_code":0}"#, true),
            (r#"{"exit_code":16}"#, false),
            ("{}", false),
        ] {
            assert_eq!(serde_json::from_str::<Receipt>(json).unwrap().is_success(), is_success, "{json}");
        }
    }
}
