//! A test as it stands in its file, and the cases that it holds.
//!
//! ```text
//! file ─▶ tests by name ─▶ env, pre, transaction, post
//!                                        │          └─ fork ─▶ entries: indexes, hash, logs (, state, expectException)
//!                                        └─ lists of data, gas limits and values; an entry's indexes choose one of each
//! ```
//!
//! Numbers are hexadecimal of any width, with leading zeros, and may be too wide on purpose: those of the transaction are
//! read as they are and judged when it is built.
//!
//! Source: ethereum-tests.readthedocs.io, "General State Tests"; execution-spec-tests, "State test fixtures", which add
//! `config`, `authorizationList` and the whole state after the transaction.

mod raw;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};

use crate::alloc::Alloc;
use crate::transaction::Sent;

/// Chain id of a test that names none.
const MAINNET: u64 = 1;

/// Why a file is no state test.
#[derive(Debug, thiserror::Error)]
pub enum FixtureRejected {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is not JSON of this form.
    #[error("is no state test: {0}")]
    Malformed(#[from] serde_json::Error),
    /// An entry chooses what the transaction does not list.
    #[error("test {0} chooses data, gas or value that its transaction does not list")]
    BadIndex(String),
    /// A number of the environment or the state is too wide.
    #[error("test {0}: {1} is too wide")]
    TooWide(String, &'static str),
}

/// One test: a state, a block, and what becomes of some transactions.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name in the file.
    pub name: String,
    /// The block.
    pub env: Env,
    /// The state before.
    pub pre: Arc<Alloc>,
    /// What is expected, by fork.
    pub entries: BTreeMap<String, Vec<Entry>>,
}

/// The block that a test's transactions run in.
#[derive(Clone, Debug)]
pub struct Env {
    /// COINBASE.
    pub coinbase: Address,
    /// GASLIMIT.
    pub gas_limit: u64,
    /// NUMBER.
    pub number: u64,
    /// TIMESTAMP, in seconds since the Unix epoch.
    pub timestamp_s: u64,
    /// BASEFEE, in wei.
    pub base_fee: u64,
    /// PREVRANDAO.
    pub random: B256,
    /// EIP-4844's excess of blob gas.
    pub excess_blob_gas: u64,
    /// CHAINID.
    pub chain_id: u64,
}

/// One transaction and what is expected of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which of data, gas limit and value, as in `d0g1v0`.
    pub label: String,
    /// The transaction.
    pub sent: Sent,
    /// What is expected.
    pub expected: Expected,
}

/// What is published of an entry.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The Merkle Patricia root after the transaction.
    pub root: B256,
    /// keccak-256 of the RLP of its logs.
    pub logs: B256,
    /// Why the transaction is not valid, if it is not.
    pub exception: Option<String>,
    /// The whole state after it, where that is published.
    pub state: Option<Alloc>,
}

/// Every test of a file, by name.
///
/// # Errors
/// [`FixtureRejected`]: one fault and none of the file's tests counts.
pub fn read(path: &Path) -> Result<Vec<Test>, FixtureRejected> {
    parse(&std::fs::read(path)?)
}

/// Every test of a file's content, by name.
///
/// # Errors
/// [`FixtureRejected`], as [`read`].
pub fn parse(json: &[u8]) -> Result<Vec<Test>, FixtureRejected> {
    let suite: BTreeMap<String, raw::Test> = serde_json::from_slice(json)?;
    suite.into_iter().map(|(name, test)| convert(name, test)).collect()
}

fn convert(name: String, test: raw::Test) -> Result<Test, FixtureRejected> {
    let wide = |what: &'static str| FixtureRejected::TooWide(name.clone(), what);
    let chain_id = test.config.and_then(|config| config.chain_id).map_or(Some(MAINNET), |id| id.to_u64());
    let chain_id = chain_id.ok_or_else(|| wide("chain id"))?;
    let env = test.env.convert(chain_id).ok_or_else(|| wide("env"))?;
    let pre = raw::alloc(test.pre).ok_or_else(|| wide("pre"))?;
    let mut entries = BTreeMap::new();
    for (fork, posts) in test.post {
        let posts = posts.into_iter().map(|post| {
            let sent = test.transaction.choose(&post.indexes, post.txbytes.as_ref());
            let sent = sent.ok_or_else(|| FixtureRejected::BadIndex(name.clone()))?;
            let state = match post.state {
                Some(state) => Some(raw::alloc(state).ok_or_else(|| wide("post state"))?),
                None => None,
            };
            let expected = Expected { root: post.hash, logs: post.logs, exception: post.exception, state };
            Ok(Entry { label: post.indexes.label(), sent, expected })
        });
        entries.insert(fork, posts.collect::<Result<Vec<_>, FixtureRejected>>()?);
    }
    Ok(Test { name, env, pre: Arc::new(pre), entries })
}

/// What `txbytes` names, or else no transaction at all.
pub(crate) fn bytes_or_none(txbytes: Option<&Bytes>) -> Bytes {
    txbytes.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"t": {
        "env": {"currentCoinbase": "0x00000000000000000000000000000000000000aa", "currentGasLimit": "0x0fffff",
            "currentNumber": "0x01", "currentTimestamp": "0x03e8", "currentBaseFee": "0x0a", "currentRandom": "0x020000"},
        "pre": {"0x00000000000000000000000000000000000000bb":
            {"balance": "0x0100", "nonce": "0x", "code": "0x00", "storage": {"0x00": "0x01", "0x01": "0x00"}}},
        "transaction": {"data": ["0x", "0x01"], "gasLimit": ["0x5208"], "value": ["0x00", "0x:bigint 0x10"], "gasPrice": "0x0a",
            "nonce": "0x00", "secretKey": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8",
            "sender": "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b", "to": ""},
        "post": {"Osaka": [{"indexes": {"data": 1, "gas": 0, "value": 0},
            "hash": "0x0000000000000000000000000000000000000000000000000000000000000001",
            "logs": "0x0000000000000000000000000000000000000000000000000000000000000002"}]}}}"#;

    #[test]
    fn a_test_is_read_with_its_numbers_of_any_width() {
        let tests = parse(GOOD.as_bytes()).unwrap();
        let (test, entry) = (&tests[0], &tests[0].entries["Osaka"][0]);
        assert_eq!((test.env.gas_limit, test.env.base_fee, test.env.chain_id), (0xf_ffff, 10, 1));
        assert_eq!(entry.label, "d1g0v0");
        let Sent::Signed(transaction) = &entry.sent else { panic!("{:?}", entry.sent) };
        assert_eq!((transaction.data.len(), transaction.gas_limit, transaction.to), (1, 21_000, None));
        assert_eq!(test.pre.0.values().next().unwrap().storage.len(), 1, "a zero is no slot");
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        for (from, to, reason) in [
            ("\"data\": 1", "\"data\": 2", "chooses data"),
            ("\"0x0100\"", "\"0x:bigint 0x1\"", "pre is too wide"),
            ("\"0x0fffff\"", "\"0x10000000000000000\"", "env is too wide"),
            ("\"post\"", "\"past\"", "post"),
        ] {
            let bad = GOOD.replace(from, to);
            assert!(parse(bad.as_bytes()).unwrap_err().to_string().contains(reason), "{from}");
        }
    }

    #[test]
    fn a_value_that_is_too_wide_makes_no_transaction() {
        let wide = GOOD.replace("\"value\": 0}", "\"value\": 1}");
        assert!(matches!(parse(wide.as_bytes()).unwrap()[0].entries["Osaka"][0].sent, Sent::Unwritable(_)));
    }
}
