//! Bounds how much of one kind of work runs and waits at once, and lets those who ask take turns.
//!
//! ```text
//! request ─▶ running and waiting full, or its client's share of the waiting?  yes ─▶ Busy
//!                  │ no
//!                  ▼
//!            waits for one of `running` places (`turns`) ─▶ blocking thread ─▶ answer
//! ```
//!
//! Reads are on one, traces on another, since a trace may take seconds. Transactions go another way (`submissions`), so that a flood of
//! costly reads never keeps one out. Consensus, storage and gossip use neither.
//!
//! A job waits in a task of its own (`aside`): its caller need not look for the others to get on.

mod turns;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::aside::aside;
use crate::clients::Client;
use crate::error::RpcRejected;

use turns::{Came, Ticket, Turns};

/// One kind of work, bounded.
#[derive(Clone, Debug)]
pub struct Lane {
    name: &'static str,
    queue: Queue,
}

/// Who runs and who waits; those that wait are given the place of one that ran.
#[derive(Clone, Debug)]
struct Queue(Arc<Mutex<Turns<oneshot::Sender<Place>>>>);

impl Lane {
    /// At most `running` jobs at once, and `waiting` more that wait for them. `name` is the work's plural, for the refusal.
    pub fn new(name: &'static str, running: usize, waiting: usize) -> Self {
        Self { name, queue: Queue(Arc::new(Mutex::new(Turns::new(running, waiting)))) }
    }

    /// Runs `job`, which is no client's, as [`Self::run_for`].
    ///
    /// # Errors
    /// As [`Self::run_for`].
    pub async fn run<T, J>(&self, job: J) -> Result<T, RpcRejected>
    where
        T: Send + 'static,
        J: FnOnce() -> Result<T, RpcRejected> + Send + 'static,
    {
        self.run_for(Client::NOBODY, job).await
    }

    /// Runs `job` on the blocking pool once it is its turn among those of `client`, and its client's among all.
    ///
    /// A caller that goes away while its job waits gives up its place; a job that runs keeps it to its end.
    ///
    /// # Errors
    /// [`RpcRejected::Busy`] when too many wait, [`RpcRejected::Internal`] when the job panicked.
    pub async fn run_for<T, J>(&self, client: Client, job: J) -> Result<T, RpcRejected>
    where
        T: Send + 'static,
        J: FnOnce() -> Result<T, RpcRejected> + Send + 'static,
    {
        let (name, turn) = (self.name, self.queue.come(client).ok_or(RpcRejected::Busy(self.name))?);
        let ran = aside(async move {
            let place = turn.came().await.ok_or(RpcRejected::DEFECT)?;
            let ran = tokio::task::spawn_blocking(move || {
                let _place = place;
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

impl Queue {
    /// Whole after every use, so a thread that panicked elsewhere harms nothing here.
    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<Place>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when too many wait.
    fn come(&self, client: Client) -> Option<Turn> {
        let (given, place) = oneshot::channel();
        let came = self.turns().come(client, || given);
        match came {
            Came::Runs => Some(Turn::Now(Place(self.clone()))),
            Came::Waits(ticket) => Some(Turn::Later(Waiting { queue: self.clone(), client, ticket, place })),
            Came::Refused => None,
        }
    }
}

/// When a job runs.
enum Turn {
    Now(Place),
    Later(Waiting),
}

impl Turn {
    /// Once it may run. Never `None`: whoever waits is given a place or leaves.
    async fn came(self) -> Option<Place> {
        match self {
            Self::Now(place) => Some(place),
            Self::Later(mut waiting) => (&mut waiting.place).await.ok(),
        }
    }
}

/// A job that waits, until this is dropped.
struct Waiting {
    queue: Queue,
    client: Client,
    ticket: Ticket,
    place: oneshot::Receiver<Place>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.turns().leave(self.client, self.ticket);
    }
}

/// One of those that run, until this is dropped. Then it is the next one's.
#[derive(Debug)]
struct Place(Queue);

impl Drop for Place {
    fn drop(&mut self) {
        let next = self.0.turns().done();
        if let Some(next) = next {
            // Who left just now drops it in turn.
            let _ = next.send(Self(self.0.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::Poll;
    use std::time::Duration;

    use futures::poll;

    use super::*;

    fn client(last: u8) -> Client {
        Client::at([192, 0, 2, last].into())
    }

    /// Waits until `held` says so.
    fn once(held: mpsc::Receiver<()>) -> impl FnOnce() -> Result<(), RpcRejected> {
        move || held.recv().map_err(|_| RpcRejected::UnknownBlock)
    }

    #[tokio::test]
    async fn what_neither_runs_nor_waits_is_refused_and_a_place_comes_free_again() {
        let lane = Lane::new("reads", 1, 1);
        let (release, held) = mpsc::channel();
        let (mut first, mut second) = (Box::pin(lane.run(once(held))), Box::pin(lane.run(|| Ok(2))));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        assert_eq!(lane.run(|| Ok(3)).await, Err(RpcRejected::Busy("reads")));
        release.send(()).unwrap();
        assert_eq!((first.await, second.await), (Ok(()), Ok(2)));
        assert_eq!(lane.run(|| Ok(4)).await, Ok(4));
    }

    #[tokio::test]
    async fn who_asks_for_much_delays_another_by_one_job() {
        let lane = Lane::new("reads", 1, 100);
        let ((release, held), (done, order)) = (mpsc::channel(), mpsc::channel());
        let mut running = Box::pin(lane.run_for(client(1), once(held)));
        assert!(poll!(&mut running).is_pending());
        let jobs = [1; 20].into_iter().chain([2]).zip(0..).map(|(last, number)| {
            let done = done.clone();
            lane.run_for(client(last), move || done.send(number).map_err(|_| RpcRejected::UnknownBlock))
        });
        let mut jobs = Box::pin(futures::future::join_all(jobs));
        assert!(poll!(&mut jobs).is_pending());
        release.send(()).unwrap();
        assert!(jobs.await.iter().all(Result::is_ok));
        assert_eq!(order.try_iter().take(3).collect::<Vec<_>>(), [0, 20, 1]);
        running.await.unwrap();
    }

    #[tokio::test]
    async fn a_caller_that_does_not_look_keeps_nobody_waiting_and_one_that_leaves_gives_up_its_place() {
        let lane = Lane::new("reads", 1, 4);
        let (release, held) = mpsc::channel();
        let mut first = Box::pin(lane.run(once(held)));
        let (mut second, mut third) = (Box::pin(lane.run(|| Ok(2))), Box::pin(lane.run(|| Ok(3))));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        assert_eq!(lane.run(|| Ok(4)).await, Err(RpcRejected::Busy("reads")));
        drop(third);
        let four = || Box::pin(lane.run(|| Ok(4)));
        let mut fourth = four();
        while poll!(&mut fourth) == Poll::Ready(Err(RpcRejected::Busy("reads"))) {
            tokio::task::yield_now().await;
            fourth = four();
        }
        release.send(()).unwrap();
        let fourth = tokio::time::timeout(Duration::from_secs(60), fourth).await;
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
