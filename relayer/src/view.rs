//! What a relayer sees of two chains, and what it remembers of its own last transaction.
//!
//! ```text
//! parent chain ──look──▶ ParentView ┐
//! child chain  ──look──▶ ChildView  ├─▶ next_step ─▶ Step
//! last transaction ────▶ Submission ┘
//! ```
//!
//! Views are rebuilt from the chains at every look. A [`Submission`] is remembered in memory only: a relayer that forgets it
//! asks the chains, makes the same transaction with the same nonce again, and the parent knows it already.

use std::time::Duration;

use fvm_shared::econ::TokenAmount;
use tributary_checkpoint::{Accepted, CheckpointCertificate, Registration};
use tributary_primitives::{Height, SubnetId};

use crate::fees::Fees;

/// A point in time: how long the relayer's clock has run. Never goes back.
pub type Moment = Duration;

/// The parent chain, as far as one child and one sender matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentView {
    /// When this was seen.
    pub seen_at: Moment,
    /// The parent's own name.
    pub subnet: SubnetId,
    /// Its latest block.
    pub height: Height,
    /// Base fee of its next block, attoTRB per FVM gas.
    pub base_fee: u128,
    /// The sender's next nonce, by the latest block's state.
    pub nonce: u64,
    /// The sender's balance.
    pub balance: TokenAmount,
    /// What is registered with the child's actor; `None` if there is no such actor.
    pub registration: Option<Registration>,
    /// The latest checkpoint accepted of the child. Read after [`Self::nonce`], so that a transaction that used up its
    /// nonce shows its effect here.
    pub latest: Option<Accepted>,
}

impl ParentView {
    /// Height of the latest accepted checkpoint; genesis before the first.
    #[must_use]
    pub fn accepted_height(&self) -> Height {
        self.latest.as_ref().map_or(Height::GENESIS, |latest| latest.height)
    }
}

/// The child chain, as far as its checkpoints matter. Nothing here is trusted: a certificate is judged before it is paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildView {
    /// The child's name, as it says.
    pub subnet: SubnetId,
    /// Its latest block.
    pub height: Height,
    /// Certificates at and above the latest accepted height, in any order; at most [`CERTIFICATES_MAX`].
    pub certificates: Vec<CheckpointCertificate>,
}

/// Most certificates looked at in one step. About 500 bytes each; a relayer that was away longer takes several steps.
pub const CERTIFICATES_MAX: usize = 64;

impl ChildView {
    /// Height of the highest certificate seen; genesis if there is none.
    #[must_use]
    pub fn certified_height(&self) -> Height {
        let heights = self.certificates.iter().map(|certificate| certificate.checkpoint.height);
        heights.max().unwrap_or(Height::GENESIS)
    }
}

/// The last transaction this relayer sent for a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Height of the checkpoint it carries.
    pub checkpoint_height: Height,
    /// The sender's nonce it uses up.
    pub nonce: u64,
    /// What it pays.
    pub fees: Fees,
    /// When it was last sent.
    pub sent_at: Moment,
    /// The parent's height when its fees were chosen.
    pub sent_at_height: Height,
    /// Which attempt at this carriage it is, from 1.
    pub attempt: u32,
    /// What the parent's node answered.
    pub fate: Fate,
}

/// What became of a transaction when it was handed to the parent's node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Taken, known already, or no answer came: it may be in the pool.
    Sent,
    /// Not taken: it is in no pool because of us.
    Refused,
}

/// How far the parent is behind the child.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Child blocks between the latest accepted checkpoint and the highest certificate.
    pub blocks: u64,
    /// Age of the oldest checkpoint that waits to be carried, by its block's time; 0 if none waits.
    pub seconds: u64,
}
