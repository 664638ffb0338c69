//! Making a witness, and verifying one.
//!
//! ```text
//! file
//!   ├─ too large?                          yes ─▶ TooLarge
//!   ├─ CARv1, one root?                    no  ─▶ Archive
//!   ├─ our root?                           no  ─▶ OtherRoot
//!   ├─ for every block the question needs:
//!   │    ├─ one left?                      no  ─▶ Missing
//!   │    ├─ fewer than 256 before it?      no  ─▶ TooManyBlocks
//!   │    ├─ its bytes hash to its CID?     no  ─▶ Archive
//!   │    ├─ the one needed now?            no  ─▶ Duplicate, Unexpected
//!   │    └─ what its place demands?        no  ─▶ Malformed
//!   ├─ anything left?                      yes ─▶ Duplicate, Unused
//!   └─ the answer
//! ```
//!
//! So one question about one state has one witness, to the byte.

use std::collections::HashMap;
use std::io;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::block::bytes_max;
use crate::car::{CarReader, CarRejected, CarWriter};
use crate::node::NodeRejected;
use crate::question::{Blocks, Question};

/// Most bytes of a witness: one module of the largest kind, and room for the way to it.
pub const WITNESS_BYTES_MAX: usize = 16 << 20;
/// Most blocks of a witness: three maps of 52 levels, and one block for each segment of a path. An entry lies below five, none of which
/// ever has 52 levels: keys that share so many bits of their hashes are not to be found.
pub const BLOCKS_MAX: usize = 256;

/// Why a witness proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum WitnessRejected {
    /// More bytes than any witness has. Nothing of it was read.
    #[error("the witness has {0} bytes; at most {WITNESS_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// Not a CARv1 of state blocks.
    #[error(transparent)]
    Archive(#[from] CarRejected),
    /// It speaks of another state.
    #[error("the witness is about state root {found}, not {expected}")]
    OtherRoot {
        /// The root in its header.
        found: Box<Cid>,
        /// The one that is trusted.
        expected: Box<Cid>,
    },
    /// More blocks than any witness has.
    #[error("the witness has more than {BLOCKS_MAX} blocks")]
    TooManyBlocks,
    /// A block on the way is not in it.
    #[error("the witness lacks block {0}")]
    Missing(Box<Cid>),
    /// Another block stands where one on the way should.
    #[error("the witness has block {found} where the question leads to {expected}; was it made for another question?")]
    Unexpected {
        /// The block there.
        found: Box<Cid>,
        /// The block on the way.
        expected: Box<Cid>,
    },
    /// A block for the second time.
    #[error("the witness has block {0} twice")]
    Duplicate(Box<Cid>),
    /// A block that the question does not lead to.
    #[error("the witness has block {0}, which the question does not lead to")]
    Unused(Box<Cid>),
    /// A block is not what its place in the state demands, or has too many items.
    #[error(transparent)]
    Malformed(#[from] NodeRejected),
}

/// Why this store gives no answer, and no witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessFatal {
    /// A block that the root reaches is not in the store.
    #[error("state block {0} is missing from the store; restore the data folder or sync it again")]
    Missing(Box<Cid>),
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Store(anyhow::Error),
    /// A block is not what its place in the state demands, or has too many items.
    #[error(transparent)]
    Malformed(#[from] NodeRejected),
    /// The way is longer than a witness may be.
    #[error(
        "the answer takes more than {BLOCKS_MAX} blocks, or {WITNESS_BYTES_MAX} bytes; no witness may be that long"
    )]
    TooLong,
}

/// The answer, and the witness for it. Cost: the blocks on the way are read once each. Memory: as in [`verify`].
///
/// # Errors
/// [`WitnessFatal`].
pub fn make<Q: Question, B: Blockstore>(
    store: &B,
    root: &Cid,
    question: &Q,
) -> Result<(Q::Answer, Vec<u8>), WitnessFatal> {
    let mut recorder = Recorder { store, known: HashMap::new(), order: Vec::new(), bytes: 0 };
    let answer = question.ask(&mut recorder, root)?;
    let witness = recorder.write(root).expect("writing to memory does not fail");
    if witness.len() > WITNESS_BYTES_MAX {
        return Err(WitnessFatal::TooLong);
    }
    Ok((answer, witness))
}

/// The answer alone, from a store that is trusted.
///
/// # Errors
/// [`WitnessFatal`].
pub fn read<Q: Question, B: Blockstore>(store: &B, root: &Cid, question: &Q) -> Result<Q::Answer, WitnessFatal> {
    question.ask(&mut Recorder { store, known: HashMap::new(), order: Vec::new(), bytes: 0 }, root)
}

/// The answer that `witness` proves to whoever trusts `root`.
///
/// Cost: one hash over the witness. Memory, at most: twice its bytes, and one block as IPLD, of [`ITEMS_MAX`](crate::ITEMS_MAX) items.
///
/// # Errors
/// [`WitnessRejected`]: the first fault in the file's order.
pub fn verify<Q: Question>(root: &Cid, witness: &[u8], question: &Q) -> Result<Q::Answer, WitnessRejected> {
    if witness.len() > WITNESS_BYTES_MAX {
        return Err(WitnessRejected::TooLarge(witness.len()));
    }
    let (car, found) = CarReader::open(witness)?;
    if found != *root {
        return Err(WitnessRejected::OtherRoot { found: found.into(), expected: (*root).into() });
    }
    let mut checked = Checked { car, known: HashMap::new() };
    let answer = question.ask(&mut checked, root)?;
    checked.finish()?;
    Ok(answer)
}

/// Reads a store, and remembers which blocks and in which order.
struct Recorder<'a, B> {
    store: &'a B,
    known: HashMap<Cid, Vec<u8>>,
    order: Vec<Cid>,
    bytes: usize,
}

impl<B> Recorder<'_, B> {
    fn write(&self, root: &Cid) -> io::Result<Vec<u8>> {
        let mut car = CarWriter::new(Vec::new(), root)?;
        self.order.iter().try_for_each(|cid| car.block(cid, &self.known[cid]))?;
        Ok(car.into_inner())
    }
}

impl<B: Blockstore> Blocks for Recorder<'_, B> {
    type Refused = WitnessFatal;

    fn block(&mut self, cid: &Cid) -> Result<Vec<u8>, WitnessFatal> {
        if let Some(known) = self.known.get(cid) {
            return Ok(known.clone());
        }
        let block = self.store.get(cid).map_err(WitnessFatal::Store)?;
        let block = block.ok_or_else(|| WitnessFatal::Missing(Box::new(*cid)))?;
        self.bytes += block.len();
        if self.order.len() == BLOCKS_MAX || block.len() > bytes_max(cid) || self.bytes > WITNESS_BYTES_MAX {
            return Err(WitnessFatal::TooLong);
        }
        self.order.push(*cid);
        self.known.insert(*cid, block.clone());
        Ok(block)
    }
}

/// Reads a witness: the next block must be the one asked for.
struct Checked<'a> {
    car: CarReader<&'a [u8]>,
    known: HashMap<Cid, Vec<u8>>,
}

impl Blocks for Checked<'_> {
    type Refused = WitnessRejected;

    fn block(&mut self, cid: &Cid) -> Result<Vec<u8>, WitnessRejected> {
        if let Some(known) = self.known.get(cid) {
            return Ok(known.clone());
        }
        let Some((found, block)) = self.car.block()? else { return Err(WitnessRejected::Missing(Box::new(*cid))) };
        if self.known.len() == BLOCKS_MAX {
            return Err(WitnessRejected::TooManyBlocks);
        }
        if found != *cid {
            return Err(match self.known.contains_key(&found) {
                true => WitnessRejected::Duplicate(found.into()),
                false => WitnessRejected::Unexpected { found: found.into(), expected: (*cid).into() },
            });
        }
        self.known.insert(found, block.clone());
        Ok(block)
    }
}

impl Checked<'_> {
    fn finish(mut self) -> Result<(), WitnessRejected> {
        match self.car.block()? {
            None => Ok(()),
            Some((found, _)) if self.known.contains_key(&found) => Err(WitnessRejected::Duplicate(found.into())),
            Some((found, _)) => Err(WitnessRejected::Unused(found.into())),
        }
    }
}

#[cfg(test)]
mod tests;
