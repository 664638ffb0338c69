//! Receipts of new blocks: of all transactions, or of some.
//!
//! | a block | is told by |
//! |---|---|
//! | with receipts that are wanted | a list of them, in order |
//! | with more than a MiB, or than an answer may have | several lists, one after the other |
//! | without any | nothing |
//!
//! Source: go-ethereum, `eth/filters/api.go`, `TransactionReceipts`; `eth/filters/filter.go`, `filterReceipts`.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use tributary_primitives::Hash32;

use super::in_json;
use crate::announcements::Words;
use crate::error::RpcRejected;
use crate::websocket::Closing;

/// Most transactions that a subscription names: go-ethereum's `maxTxHashes`.
const HASHES_MAX: usize = 200;

/// Most bytes of a list, unless one receipt alone has more: who reads slowly holds one, outside every room.
pub const LIST_BYTES_MAX: usize = 1 << 20;

/// Which transactions' receipts are asked for, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    transaction_hashes: Option<Vec<Hash32>>,
}

/// The transactions whose receipts are wanted; all, if it names none.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted(BTreeSet<Hash32>);

impl Wanted {
    /// Those that `query`, the parameter at `position`, asks for.
    ///
    /// # Errors
    /// [`RpcRejected`] for more than [`HASHES_MAX`] hashes.
    pub fn of(query: Query, position: usize) -> Result<Self, RpcRejected> {
        let hashes = query.transaction_hashes.unwrap_or_default();
        if hashes.len() > HASHES_MAX {
            let sentence = "exceed max number of transaction hashes allowed per transactionReceipts subscription";
            return Err(RpcRejected::argument(position, format!("{sentence}: at most {HASHES_MAX}")));
        }
        Ok(Self(hashes.into_iter().collect()))
    }

    /// How much there is to keep of it: its hashes, but one at least.
    pub fn weight(&self) -> usize {
        self.0.len().max(1)
    }

    /// Whether a block with these transactions, of both kinds, may have a receipt that is wanted. Cost: a look-up for each hash.
    pub fn may_be_in(&self, transactions: &HashSet<Hash32>) -> bool {
        if self.0.is_empty() {
            return !transactions.is_empty();
        }
        self.0.iter().any(|hash| transactions.contains(hash))
    }

    fn wants(&self, transaction: &Hash32) -> bool {
        self.0.is_empty() || self.0.contains(transaction)
    }
}

/// The lists that tell of a block's receipts, each made when it is asked for, of `bytes_max` bytes at most unless one receipt alone has more.
pub fn lists(
    receipts: Arc<Words>,
    wanted: Arc<Wanted>,
    bytes_max: usize,
) -> impl Iterator<Item = Result<Arc<RawValue>, Closing>> + Send {
    let mut next = 0;
    std::iter::from_fn(move || {
        let (mut list, mut bytes): (Vec<&RawValue>, usize) = (Vec::new(), 0);
        while let Some((transaction, receipt)) = receipts.get(next) {
            if wanted.wants(transaction) {
                // A bracket or a comma before each, and a bracket at the end.
                let with_it = bytes.saturating_add(receipt.get().len()).saturating_add(1);
                if !list.is_empty() && with_it >= bytes_max {
                    break;
                }
                bytes = with_it;
                list.push(receipt);
            }
            next += 1;
        }
        (!list.is_empty()).then(|| in_json(&list))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> Hash32 {
        Hash32([byte; 32])
    }

    /// The lists that tell of four transactions' receipts: 1, 2 and 3, named as they are, and 44444, named 4.
    fn told(named: &[u8], bytes_max: usize) -> Vec<String> {
        let receipts = [(1, "1"), (2, "2"), (3, "3"), (4, "44444")]
            .map(|(byte, json)| (hash(byte), RawValue::from_string(json.to_owned()).unwrap()));
        let query = Query { transaction_hashes: Some(named.iter().copied().map(hash).collect()) };
        let wanted = Arc::new(Wanted::of(query, 1).unwrap());
        lists(Arc::new(receipts.into()), wanted, bytes_max).map(|list| list.unwrap().get().to_owned()).collect()
    }

    #[test]
    fn those_that_are_wanted_are_told_in_lists_that_are_no_larger_than_may_be() {
        for (named, bytes_max, expected) in [
            (&[][..], usize::MAX, &["[1,2,3,44444]"][..]),
            (&[3, 2, 3, 9], usize::MAX, &["[2,3]"]),
            (&[9], usize::MAX, &[]),
            (&[], 7, &["[1,2,3]", "[44444]"]),
            (&[], 6, &["[1,2]", "[3]", "[44444]"]),
            (&[4, 1], 0, &["[1]", "[44444]"]),
        ] {
            assert_eq!(told(named, bytes_max), expected, "{named:?} {bytes_max}");
        }
    }

    #[test]
    fn a_block_without_a_transaction_that_is_wanted_is_not_looked_into() {
        let of = |named: &[u8]| Wanted(named.iter().copied().map(hash).collect());
        let block = HashSet::from([hash(1), hash(2)]);
        for (named, may) in [(&[][..], true), (&[7, 2], true), (&[7], false)] {
            assert_eq!(of(named).may_be_in(&block), may, "{named:?}");
            assert!(!of(named).may_be_in(&HashSet::new()), "an empty block has none for anybody");
        }
    }
}
