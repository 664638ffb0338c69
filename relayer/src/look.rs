//! Looks at the two chains and makes the law's views of what they say.
//!
//! ```text
//! child:  status ─▶ parent: status ─▶ account (nonce) ─▶ registration, latest ─▶ child: latest certificate ─▶ those between
//! ```
//!
//! The order matters twice. The nonce is read before the latest accepted checkpoint, so that a nonce used up by us shows its
//! effect. The child's certificates are read last, so that the child is never seen behind what the parent accepted of it.

use fvm_shared::address::Address;
use tributary_checkpoint::{Accepted, CheckpointCertificate};
use tributary_primitives::Height;

use crate::chain::{Account, ChainUnavailable, ChildChain, ParentChain};
use crate::clock::Clock;
use crate::view::{CERTIFICATES_MAX, ChildView, Lag, ParentView};

/// Both chains at one look.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The parent.
    pub parent: ParentView,
    /// The child.
    pub child: ChildView,
    /// The parent's Ethereum chain id.
    pub chain_id: u64,
    /// Age of the oldest checkpoint that waits to be carried, in seconds; 0 if none waits.
    pub oldest_seconds: u64,
}

impl Sight {
    /// How far the parent is behind the child.
    #[must_use]
    pub fn lag(&self) -> Lag {
        let blocks = self.child.certified_height().0.saturating_sub(self.parent.accepted_height().0);
        Lag { blocks, seconds: self.oldest_seconds }
    }
}

/// A chain that could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Blind {
    /// The parent.
    #[error("the parent cannot be asked: {0}")]
    Parent(#[source] ChainUnavailable),
    /// The child.
    #[error("the child cannot be asked: {0}")]
    Child(#[source] ChainUnavailable),
}

/// Asks both chains what concerns `sender`; without one, its nonce and balance are left at zero. Six calls, eight when there is something to carry.
///
/// # Errors
/// [`Blind`] with the first chain that did not answer.
pub async fn look(
    parent: &impl ParentChain,
    child: &impl ChildChain,
    sender: Option<&Address>,
    clock: &impl Clock,
) -> Result<Sight, Blind> {
    let child_status = child.status().await.map_err(Blind::Child)?;
    let status = parent.status().await.map_err(Blind::Parent)?;
    let account = match sender {
        Some(sender) => parent.account(sender).await.map_err(Blind::Parent)?,
        None => Account::default(),
    };
    let (registration, latest) = match child_status.subnet.actor() {
        Some(actor) => {
            let registration = parent.registration(actor).await.map_err(Blind::Parent)?;
            let latest = match registration {
                Some(_) => parent.latest(actor).await.map_err(Blind::Parent)?,
                None => None,
            };
            (registration, latest)
        }
        None => (None, None),
    };
    let accepted_height = latest.as_ref().map_or(Height::GENESIS, |latest| latest.checkpoint.height);
    let certificates = offered(child, accepted_height).await.map_err(Blind::Child)?;
    let oldest_seconds = age_of_oldest(child, &certificates, accepted_height, clock).await.map_err(Blind::Child)?;
    let parent = ParentView {
        seen_at: clock.now(),
        subnet: status.subnet,
        height: status.height,
        base_fee: status.base_fee,
        nonce: account.nonce,
        balance: account.balance,
        registration,
        latest: latest.as_ref().map(|latest| Accepted::from(&latest.checkpoint)),
    };
    let child = ChildView { subnet: child_status.subnet, height: child_status.height, certificates };
    Ok(Sight { parent, child, chain_id: status.chain_id, oldest_seconds })
}

/// The latest certificate, and those from `accepted_height` on if it is above that.
async fn offered(
    child: &impl ChildChain,
    accepted_height: Height,
) -> Result<Vec<CheckpointCertificate>, ChainUnavailable> {
    let Some(latest) = child.latest_certificate().await? else { return Ok(Vec::new()) };
    if latest.checkpoint.height <= accepted_height {
        return Ok(vec![latest]);
    }
    let from = accepted_height.max(Height::FIRST);
    let mut offered = child.certificates(from, CERTIFICATES_MAX - 1).await?;
    offered.truncate(CERTIFICATES_MAX - 1);
    offered.push(latest);
    Ok(offered)
}

async fn age_of_oldest(
    child: &impl ChildChain,
    certificates: &[CheckpointCertificate],
    accepted_height: Height,
    clock: &impl Clock,
) -> Result<u64, ChainUnavailable> {
    let heights = certificates.iter().map(|certificate| certificate.checkpoint.height);
    let Some(oldest) = heights.filter(|height| *height > accepted_height).min() else { return Ok(0) };
    let made = child.block_seconds(oldest).await?;
    Ok(made.map_or(0, |made| clock.unix_seconds().saturating_sub(made)))
}
