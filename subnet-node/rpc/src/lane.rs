//! Bounds how much of one kind of work runs and waits at once.
//!
//! ```text
//! request ─▶ running + waiting full?  yes ─▶ Busy
//!                  │ no
//!                  ▼
//!            waits for one of `running` places ─▶ blocking thread ─▶ answer
//! ```
//!
//! Reads are on one, traces on another, since a trace may take seconds. Transactions go another way (`submissions`), so that a flood of
//! costly reads never keeps one out. Consensus, storage and gossip use neither.
//!
//! A job waits in a task of its own (`aside`): its caller need not look for the others to get on.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::aside::aside;
use crate::error::RpcRejected;

/// One kind of work, bounded.
#[derive(Clone, Debug)]
pub struct Lane {
    name: &'static str,
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Lane {
    /// At most `running` jobs at once, and `waiting` more that wait for them. `name` is the work's plural, for the refusal.
    pub fn new(name: &'static str, running: usize, waiting: usize) -> Self {
        let admitted = running.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self {
            name,
            admitted: Arc::new(Semaphore::new(admitted)),
            running: Arc::new(Semaphore::new(running.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Runs `job` on the blocking pool once there is a place.
    ///
    /// A caller that goes away while its job waits gives up its place; a job that runs keeps it to its end.
    ///
    /// # Errors
    /// [`RpcRejected::Busy`] when too many wait, [`RpcRejected::Internal`] when the job panicked.
    pub async fn run<T, J>(&self, job: J) -> Result<T, RpcRejected>
    where
        T: Send + 'static,
        J: FnOnce() -> Result<T, RpcRejected> + Send + 'static,
    {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| RpcRejected::Busy(self.name))?;
        let (name, running) = (self.name, Arc::clone(&self.running));
        let ran = aside(async move {
            let running = running.acquire_owned().await.map_err(|_| RpcRejected::Busy(name))?;
            let ran = tokio::task::spawn_blocking(move || {
                let _places = (admitted, running);
                job()
            });
            ran.await.unwrap_or_else(|panic| {
                tracing::error!(lane = name, %panic, "a request's answer panicked");
                Err(RpcRejected::DEFECT)
            })
        });
        ran.await.unwrap_or(Err(RpcRejected::DEFECT))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn what_neither_runs_nor_waits_is_refused_and_a_place_comes_free_again() {
        let lane = Lane::new("reads", 1, 1);
        let (release, held) = mpsc::channel::<()>();
        let job = move || held.recv().map_err(|_| RpcRejected::UnknownBlock);
        let first = tokio::spawn({
            let lane = lane.clone();
            async move { lane.run(job).await }
        });
        while lane.running.available_permits() == 1 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let lane = lane.clone();
            async move { lane.run(|| Ok(2)).await }
        });
        while lane.admitted.available_permits() == 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(lane.run(|| Ok(3)).await, Err(RpcRejected::Busy("reads")));
        release.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(()), Ok(2)));
        assert_eq!(lane.run(|| Ok(4)).await, Ok(4));
    }

    #[tokio::test]
    async fn a_caller_that_does_not_look_keeps_nobody_waiting_and_one_that_leaves_gives_up_its_place() {
        let lane = Lane::new("reads", 1, 2);
        let (release, held) = mpsc::channel::<()>();
        let mut first = Box::pin(lane.run(move || held.recv().map_err(|_| RpcRejected::UnknownBlock)));
        let (mut second, mut third) = (Box::pin(lane.run(|| Ok(2))), Box::pin(lane.run(|| Ok(3))));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        drop(third);
        while lane.admitted.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
        let fourth = tokio::time::timeout(Duration::from_secs(60), lane.run(|| Ok(4))).await;
        assert_eq!(fourth, Ok(Ok(4)), "the others are not looked at");
        assert_eq!((first.await, second.await), (Ok(()), Ok(2)));
    }

    #[tokio::test]
    async fn a_job_that_panics_costs_only_its_own_answer() {
        let lane = Lane::new("reads", 1, 0);
        let answer = lane.run::<(), _>(|| panic!("on purpose")).await;
        assert_eq!(answer, Err(RpcRejected::DEFECT));
        assert_eq!(lane.run(|| Ok(1)).await, Ok(1));
    }
}
