//! Receipts, once all has landed: a block may hold a transaction that changed nothing.

use alloy_primitives::U64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_primitives::Hash32;

use crate::client::{Client, ClientUnavailable};
use crate::words::{Kind, Signed};

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
    #[serde(rename = "ExitCode")]
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
pub async fn check(client: &mut Client, transactions: &[&Signed]) -> Result<Checked, ClientUnavailable> {
    let mut checked = Checked::default();
    for kind in Kind::ALL {
        let of_kind = transactions.iter().filter(|signed| signed.kind == kind);
        let hashes: Vec<_> = of_kind.map(|signed| signed.hash).collect();
        let params = hashes.iter().map(|hash| json!([hash])).collect();
        let receipts: Vec<Option<Receipt>> = client.ask_all(kind.receipt_method(), params).await?;
        for (receipt, hash) in receipts.iter().zip(&hashes) {
            checked.receipts += 1;
            if !receipt.as_ref().is_some_and(Receipt::is_success) {
                checked.failed += 1;
                checked.first_failed.get_or_insert(*hash);
            }
        }
    }
    Ok(checked)
}

/// At most `most` of `all`, evenly spread, the first among them. Where what they do comes again after `cycle` of them, a sample has as
/// much of each.
#[must_use]
pub fn sample<T: Copy>(all: &[T], most: usize, cycle: usize) -> Vec<T> {
    let (apart, cycle) = (all.len().div_ceil(most.max(1)).max(1), cycle.max(1));
    // One more than whole cycles: each place of a cycle has its turn.
    let step = (apart - 1).div_ceil(cycle) * cycle + 1;
    all.iter().step_by(step).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all() {
        for (count, most, cycle, expected) in [
            (0, 3, 1, vec![]),
            (2, 3, 1, vec![0, 1]),
            (3, 3, 1, vec![0, 1, 2]),
            (7, 3, 1, vec![0, 3, 6]),
            (4, 0, 1, vec![0]),
            (8, 4, 2, vec![0, 3, 6]),
            (8, 4, 0, vec![0, 2, 4, 6]),
        ] {
            assert_eq!(sample(&(0..count).collect::<Vec<_>>(), most, cycle), expected);
        }
    }

    #[test]
    fn a_sample_has_as_much_of_everything_that_comes_in_turn() {
        for cycle in 1..6 {
            for most in [50, 100, 300] {
                let sample = sample(&(0..3_000).collect::<Vec<_>>(), most, cycle);
                let of = |place| sample.iter().filter(|number| **number % cycle == place).count();
                assert!(sample.len() <= most && (1..cycle).all(|place| of(0) - of(place) <= 1), "{most} by {cycle}");
            }
        }
    }

    #[test]
    fn a_receipt_of_either_kind_tells_whether_it_went_well() {
        for (json, is_success) in [
            (r#"{"status":"0x1"}"#, true),
            (r#"{"status":"0x0"}"#, false),
            (r#"{"ExitCode":0}"#, true),
            (r#"{"ExitCode":16}"#, false),
            ("{}", false),
        ] {
            assert_eq!(serde_json::from_str::<Receipt>(json).unwrap().is_success(), is_success, "{json}");
        }
    }
}
