//! How far the parent holds this chain: asked of a node of the parent, and believed as far as this node can tell.
//!
//! ```text
//! node of the parent ──subnet_status, subnet_call──▶ follow ─▶ law ─▶ Acceptance ─▶ backend: `finalized`, `accepted`
//!                          every second                 └─▶ log, metrics: what goes against this chain
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`law`] | what an answer is worth |
//! | [`follow`] | asks, and asks again |
//!
//! Only a checkpoint that this node cut and holds a certificate of, or of a later one, counts. So a node of the parent that lies can make an
//! acceptance come early or not at all, and nothing else: whoever credits by it names a node of its own. Nothing is kept over a restart;
//! the first answer tells it again.

pub mod follow;
pub mod law;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fvm_shared::ActorID;
use tributary_primitives::{Height, SubnetId};
use tributary_relayer::chain::rpc::NodeClient;
use tributary_relayer::settings::{Endpoint, SettingsRejected};

use self::follow::ANSWER_TIMEOUT;
use crate::config::ParentConfig;

/// The latest checkpoint that the parent accepted, as far as this node knows. Only ever rises. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Acceptance(Arc<AtomicU64>);

impl Acceptance {
    /// Its height; `None` while none is known.
    #[must_use]
    pub fn height(&self) -> Option<Height> {
        // Genesis is no checkpoint, so 0 is free.
        Some(Height(self.0.load(Ordering::Acquire))).filter(|height| *height > Height::GENESIS)
    }

    fn rise(&self, height: Height) {
        self.0.fetch_max(height.0, Ordering::AcqRel);
    }
}

/// Where the parent is asked, and for what.
#[derive(Debug)]
pub struct Parent {
    node: NodeClient,
    /// Of its URL what may be shown.
    name: String,
    /// The actor there that judges this chain's checkpoints.
    actor: ActorID,
}

/// Why the parent cannot be followed as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum ParentRejected {
    /// A chain that has none.
    #[error("parent.rpc is set, and {0} is a root, which has no parent: leave the setting empty")]
    Root(SubnetId),
    /// No URL that could be asked.
    #[error("parent.rpc: {0}")]
    Url(#[from] SettingsRejected),
}

impl Parent {
    /// The parent of `subnet`; `None` if the node is not to follow it. Asks nothing yet.
    ///
    /// # Errors
    /// [`ParentRejected`].
    pub fn of(subnet: &SubnetId, config: &ParentConfig) -> Result<Option<Self>, ParentRejected> {
        if config.rpc.is_empty() {
            return Ok(None);
        }
        let actor = subnet.actor().ok_or_else(|| ParentRejected::Root(subnet.clone()))?;
        let endpoint = Endpoint::parse(&config.rpc)?;
        let node = NodeClient::new(&endpoint, ANSWER_TIMEOUT)?;
        Ok(Some(Self { node, name: endpoint.name().to_owned(), actor }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_only_rises() {
        let acceptance = Acceptance::default();
        assert_eq!(acceptance.height(), None);
        for (told, known) in [(20, 20), (10, 20), (30, 30)] {
            acceptance.clone().rise(Height(told));
            assert_eq!(acceptance.height(), Some(Height(known)));
        }
    }

    #[test]
    fn a_root_and_a_url_of_nothing_are_refused_by_the_setting() {
        let root = SubnetId::root(7);
        let child = root.child(100).unwrap();
        let of = |subnet, rpc: &str| Parent::of(subnet, &ParentConfig { rpc: rpc.to_owned() });
        assert!(of(&root, "").unwrap().is_none() && of(&child, "").unwrap().is_none());
        assert_eq!(of(&child, "http://parent:8545/key").unwrap().unwrap().name, "http://parent:8545");
        for (subnet, rpc, reason) in [
            (&root, "http://parent:8545", "parent.rpc is set, and /r7 is a root"),
            (&child, "parent:8545", "parent.rpc: \"parent:8545\" is no URL of a node"),
        ] {
            let refusal = of(subnet, rpc).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
        }
    }
}
