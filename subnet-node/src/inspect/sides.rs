//! The two states of a comparison: each after a block or under a root, in one directory or in two.
//!
//! | in a home | in what `import` made |
//! |---|---|
//! | after any block whose state is kept, by its height or by its root | the one there, by its root |

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use serde_json::Value;
use tributary_primitives::Height;
use tributary_store::Buffered;

use super::At;
use super::imported::{self, ImportedRejected};
use super::past::Past;
use crate::ledger::past::PastStore;

/// Which state, as it was asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one after a block.
    After(Height),
    /// The one under a root.
    Under(Cid),
}

impl Side {
    /// A number, or a CID.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::After(height) => height.0.into(),
            Self::Under(root) => root.to_string().into(),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(height) => write!(f, "block {height}"),
            Self::Under(root) => write!(f, "state {root}"),
        }
    }
}

/// A state to compare: a block's height, or a state root.
///
/// # Errors
/// What it looks like.
pub fn parse_side(text: &str) -> Result<Side, String> {
    if let Ok(height) = text.parse() {
        return Ok(Side::After(Height(height)));
    }
    text.parse()
        .map(Side::Under)
        .map_err(|_| "a state is a block's height, such as 12, or a state root, bafy…".to_owned())
}

/// Where the states are.
#[derive(Clone, Debug)]
pub struct Sides {
    /// The earlier, and the later if that has no directory of its own: a home, or what `import` made.
    pub home: PathBuf,
    /// The directory of the later one.
    pub to_home: Option<PathBuf>,
}

impl Sides {
    /// The roots of the two states, and a store with all nodes of both.
    ///
    /// # Errors
    /// What is wrong with a directory; a node that runs there; a state that it does not have.
    pub fn open(&self, [from, to]: [&Side; 2]) -> anyhow::Result<([Cid; 2], Either)> {
        match self.to_home.as_ref().filter(|other| **other != self.home) {
            None => {
                let (roots, store) = open(&self.home, [from, to])?;
                Ok((roots, Either(Arc::clone(&store), store)))
            }
            Some(other) => {
                let ([before], first) = open(&self.home, [from])?;
                let ([after], second) = open(other, [to])?;
                Ok(([before, after], Either(first, second)))
            }
        }
    }
}

/// The roots of these states of one directory, and a store with all their nodes.
fn open<const N: usize>(home: &Path, sides: [&Side; N]) -> anyhow::Result<([Cid; N], PastStore)> {
    let at = At { home: home.to_owned(), height: None };
    if let Some((store, root)) = imported::open(&at)? {
        sides.iter().try_for_each(|side| is_there(home, &root, side))?;
        return Ok(([root; N], Arc::new(Buffered::new(store))));
    }
    let past = Past::open(&at)?;
    let mut states = [(Height::GENESIS, Cid::default()); N];
    for (state, side) in states.iter_mut().zip(sides) {
        *state = match side {
            Side::After(height) => (*height, past.at(*height)?.state_root),
            Side::Under(root) => (past.height_of(root)?, *root),
        };
    }
    let store = past.trees_of(&states)?;
    Ok((states.map(|(_, root)| root), store))
}

/// Whether the one state of a directory without a chain, which has this root, is the one asked for.
fn is_there(home: &Path, root: &Cid, side: &Side) -> Result<(), ImportedRejected> {
    let path = home.to_owned();
    match side {
        Side::After(_) => Err(ImportedRejected::NoChain(path)),
        Side::Under(asked) if asked == root => Ok(()),
        Side::Under(asked) => {
            Err(ImportedRejected::OtherState { path, found: Box::new(*root), asked: Box::new(*asked) })
        }
    }
}

/// Two stores as one, for reading: a block is the same in both.
#[derive(Debug)]
pub struct Either(PastStore, PastStore);

impl Blockstore for Either {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        match self.0.get(cid)? {
            None => self.1.get(cid),
            found => Ok(found),
        }
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("{cid} is not written: states are compared, not changed")
    }
}

#[cfg(test)]
mod tests {
    use tributary_primitives::cbor_cid;

    use super::*;

    #[test]
    fn a_state_is_named_by_a_height_or_by_a_root() {
        let root = cbor_cid(b"root");
        assert_eq!(parse_side("12"), Ok(Side::After(Height(12))));
        assert_eq!(parse_side(&root.to_string()), Ok(Side::Under(root)));
        for bad in ["", "-1", "bafy", "0x12", "18446744073709551616"] {
            assert!(parse_side(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (Side::After(Height(12)).json(), Side::Under(root).json()),
            (12_u64.into(), root.to_string().into())
        );
    }

    #[test]
    fn what_was_imported_has_one_state_which_has_no_height() {
        let (root, other) = (cbor_cid(b"root"), cbor_cid(b"other"));
        let there = |side| is_there(Path::new("copy"), &root, &side).map_err(|why| why.to_string());
        assert_eq!(there(Side::Under(root)), Ok(()));
        assert!(there(Side::After(Height(1))).unwrap_err().contains("no blocks"));
        let refusal = there(Side::Under(other)).unwrap_err();
        assert!(refusal.contains(&format!("holds the state {root}, not {other}")), "{refusal}");
    }
}
