//! Looks at both chains, each at a pace of its own: a parent that answers slowly does not make the child's blocks seem late.

use std::future::Future;
use std::time::Duration;

use fvm_shared::ActorID;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::node::{Node, NodeUnavailable};
use super::watch::{ChildSight, ParentSight};

/// From one look to the next: what times of checkpoints are exact to, when the node answers at once.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Time without an answer after which a chain is given up.
pub const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Sights that wait to be taken; then the looking waits.
const WAITING_MAX: usize = 16;

/// What was seen of one chain.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Of the child.
    Child(ChildSight),
    /// Of the parent.
    Parent(ParentSight),
}

/// Looks until it is dropped.
#[derive(Debug)]
pub struct Looks {
    sights: mpsc::Receiver<Result<Sight, NodeUnavailable>>,
    _tasks: JoinSet<()>,
}

impl Looks {
    /// Looks at `parent`, on which `actor` judges checkpoints, and at `child`.
    #[must_use]
    pub fn start(parent: Node, child: Node, actor: ActorID) -> Self {
        let (found, sights) = mpsc::channel(WAITING_MAX);
        let mut tasks = JoinSet::new();
        let at_parent = move || {
            let parent = parent.clone();
            async move { at_parent(&parent, actor).await }
        };
        let at_child = move || {
            let child = child.clone();
            async move { at_child(&child).await }
        };
        tasks.spawn(look(at_parent, found.clone()));
        tasks.spawn(look(at_child, found));
        Self { sights, _tasks: tasks }
    }

    /// The next sight.
    ///
    /// # Errors
    /// The last complaint of a chain that has not answered for [`SILENCE_MAX`].
    pub async fn next(&mut self) -> Result<Sight, NodeUnavailable> {
        self.sights.recv().await.expect("both tasks look as long as this value lives, or tell why not")
    }
}

async fn look<F>(at: impl Fn() -> F, found: mpsc::Sender<Result<Sight, NodeUnavailable>>)
where
    F: Future<Output = Result<Sight, NodeUnavailable>>,
{
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answered = Instant::now();
    loop {
        turns.tick().await;
        let sight = at().await;
        match &sight {
            Ok(_) => answered = Instant::now(),
            Err(_) if answered.elapsed() < SILENCE_MAX => continue,
            Err(_) => {}
        }
        // Nobody takes it any more, or a complaint was the last word: either way there is nothing left to look for.
        let is_complaint = sight.is_err();
        if found.send(sight).await.is_err() || is_complaint {
            return;
        }
    }
}

async fn at_parent(parent: &Node, actor: ActorID) -> Result<Sight, NodeUnavailable> {
    let (status, accepted) = tokio::try_join!(parent.status(), parent.accepted(actor))?;
    Ok(Sight::Parent(ParentSight { height: status.height, accepted }))
}

async fn at_child(child: &Node) -> Result<Sight, NodeUnavailable> {
    let status = child.status().await?;
    Ok(Sight::Child(ChildSight { height: status.height, certified: status.certified_height }))
}
