//! What an answer of the parent's node is worth.
//!
//! | # | it says | the latest accepted checkpoint is from now on |
//! |---|---|---|
//! | 1 | that it is another network | refused: [`ToldRejected::OtherNetwork`] |
//! | 2 | that none is accepted | the one before |
//! | 3 | one that is not what this node cut at its height, without a quorum of this chain's validators | refused: [`ToldRejected::Forged`] |
//! | 4 | the same with a quorum | refused: [`ToldRejected::Forked`] |
//! | 5 | one that a quorum signed, where this node has nothing: it is behind, or keeps less | the one before |
//! | 6 | one that this node cut, above all that are certified here | the one before |
//! | 7 | one that this node cut | that one, if it is above the one before |
//!
//! The first row that fits decides. A signature is verified in rows 3 to 5 alone, so an answer that was seen before costs nothing.

use cid::Cid;
use tributary_checkpoint::{CertificateRejected, Checkpoint, CheckpointCertificate, Registration, is_certified};
use tributary_primitives::{BlsPublicKey, BlsSignature, Height, SubnetId};

/// What the parent's node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its own network.
    pub network: SubnetId,
    /// The latest certificate that this chain's actor there accepted.
    pub latest: Option<CheckpointCertificate>,
}

impl Told {
    /// Height of the checkpoint that it names; genesis if it names none.
    #[must_use]
    pub fn height(&self) -> Height {
        self.latest.as_ref().map_or(Height::GENESIS, |latest| latest.checkpoint.height)
    }
}

/// What this node knows itself.
#[derive(Clone, Debug)]
pub struct Here<'a> {
    /// This chain's name and its validators.
    pub registration: &'a Registration,
    /// What this node cut at the height that it is told; `None` where it has no block, keeps none, or cut none.
    pub cut: Option<&'a Checkpoint>,
    /// The latest checkpoint certified here; genesis before the first.
    pub certified: Height,
    /// The latest accepted one, as far as it was known.
    pub accepted: Option<Height>,
}

/// An answer that goes against what this node knows. It changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToldRejected {
    /// Another network is asked.
    #[error("it is a node of {found}, and the parent of {subnet} is another network: correct parent.rpc")]
    OtherNetwork {
        /// This chain.
        subnet: SubnetId,
        /// Who answered.
        found: SubnetId,
    },
    /// Nobody could have accepted this.
    #[error(
        "it says that checkpoint {found} at height {height} was accepted, which no parent accepts: {why}; ask another node"
    )]
    Forged {
        /// The height.
        height: Height,
        /// What it names. Boxed, as the others are: CIDs are large.
        found: Box<Cid>,
        /// Why not.
        why: Box<CertificateRejected>,
    },
    /// Validators signed two histories, or this node computed another one.
    #[error(
        "the parent accepted checkpoint {found} at height {height}, signed by a quorum, and this node cut {cut} there: this node is \
         wrong, or validators signed two histories; compare with other nodes, and credit nothing meanwhile"
    )]
    Forked {
        /// The height.
        height: Height,
        /// What the parent accepted.
        found: Box<Cid>,
        /// What this node cut.
        cut: Box<Cid>,
    },
}

/// The latest accepted checkpoint that is known from now on; `None` while none is. Never below the one before, nor above what is
/// certified here.
///
/// `verify` as for [`is_certified`]; it is asked at most once.
///
/// # Errors
/// [`ToldRejected`], one for each row of the table above that has one.
pub fn judge(
    told: &Told,
    here: &Here<'_>,
    verify: impl FnOnce(&[BlsPublicKey], &[u8], &BlsSignature) -> bool,
) -> Result<Option<Height>, ToldRejected> {
    let subnet = &here.registration.subnet;
    if subnet.parent().as_ref() != Some(&told.network) {
        return Err(ToldRejected::OtherNetwork { subnet: subnet.clone(), found: told.network.clone() });
    }
    let Some(latest) = &told.latest else { return Ok(here.accepted) };
    let height = latest.checkpoint.height;
    if here.cut != Some(&latest.checkpoint) {
        let found = Box::new(latest.checkpoint.cid());
        if let Err(why) = is_certified(here.registration, latest, verify) {
            return Err(ToldRejected::Forged { height, found, why: Box::new(why) });
        }
        return match here.cut {
            Some(cut) => Err(ToldRejected::Forked { height, found, cut: Box::new(cut.cid()) }),
            None => Ok(here.accepted),
        };
    }
    if height > here.certified {
        return Ok(here.accepted);
    }
    Ok(here.accepted.max(Some(height)))
}

#[cfg(test)]
mod tests;
