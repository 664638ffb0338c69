//! Brings transactions to the node, those that come at the same time together.
//!
//! ```text
//! request ─▶ a place in the queue?  not in time ─▶ Busy
//!                  │ yes
//!                  ▼
//!            all that wait, up to 256 ─▶ one thread ─▶ an answer for each
//! ```
//!
//! While some are taken in, the next gather: few at a time when few come, many when many do. What a hand-over costs (a look at the
//! head, a message to the peers) is so shared, and the node may recover their senders on all its cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tributary_primitives::Hash32;

use crate::backend::SubmitRejected;
use crate::error::RpcRejected;

/// Most transactions that are taken in together.
const TOGETHER_MAX: usize = 256;

/// How long a transaction waits for a place in the queue.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(1);

/// A transaction on its way to the node.
struct Submission {
    raw: Vec<u8>,
    answer: oneshot::Sender<Result<Hash32, SubmitRejected>>,
}

/// Where transactions are handed over. The thread behind it ends with the last clone.
#[derive(Clone, Debug)]
pub struct Submissions(mpsc::Sender<Submission>);

impl Submissions {
    /// Begins to hand transactions to `submit`, which answers for each at its position, with at most `waiting` that wait.
    pub fn start<S>(submit: S, waiting: usize) -> Self
    where
        S: Fn(Vec<Vec<u8>>) -> Vec<Result<Hash32, SubmitRejected>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(waiting.max(1));
        let thread = thread::Builder::new().name("submissions".to_owned());
        thread.spawn(move || take_in(waiting, submit)).expect("a thread can be had");
        Self(queue)
    }

    /// Brings one. A caller that goes away while it waits leaves it: it is taken in all the same.
    ///
    /// # Errors
    /// [`RpcRejected::Busy`] when too many wait, [`RpcRejected::Submit`], [`RpcRejected::Internal`] when the node panicked.
    pub async fn submit(&self, raw: Vec<u8>) -> Result<Hash32, RpcRejected> {
        let (answer, answered) = oneshot::channel();
        let submission = Submission { raw, answer };
        let placed = self.0.send_timeout(submission, PLACE_WAIT_MAX).await;
        placed.map_err(|_| RpcRejected::Busy("submissions"))?;
        let answer = answered.await.map_err(|_| RpcRejected::DEFECT)?;
        Ok(answer?)
    }
}

/// Until nobody can bring any more.
fn take_in(
    mut queue: mpsc::Receiver<Submission>,
    submit: impl Fn(Vec<Vec<u8>>) -> Vec<Result<Hash32, SubmitRejected>>,
) {
    let mut together = Vec::with_capacity(TOGETHER_MAX);
    while queue.blocking_recv_many(&mut together, TOGETHER_MAX) > 0 {
        let (raw, answers): (Vec<_>, Vec<_>) =
            together.drain(..).map(|submission| (submission.raw, submission.answer)).unzip();
        // What a panic leaves behind, callers of the backend would meet on any thread.
        match catch_unwind(AssertUnwindSafe(|| submit(raw))) {
            // Who went away needs no answer.
            Ok(submitted) => answers.into_iter().zip(submitted).for_each(|(answer, submitted)| {
                let _ = answer.send(submitted);
            }),
            Err(_) => tracing::error!("taking transactions in panicked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc as blocking};

    use super::*;

    fn hash_of(raw: &[u8]) -> Hash32 {
        Hash32([raw[0]; 32])
    }

    #[tokio::test]
    async fn what_comes_while_others_are_taken_in_is_taken_in_together() {
        let (release, held) = blocking::channel::<()>();
        let groups = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&groups);
        let submissions = Submissions::start(
            move |raw| {
                seen.lock().unwrap().push(raw.len());
                held.recv().unwrap();
                raw.iter().map(|raw| Ok(hash_of(raw))).collect()
            },
            8,
        );
        let bring = |byte: u8| {
            let submissions = submissions.clone();
            tokio::spawn(async move { submissions.submit(vec![byte]).await })
        };
        let first = bring(1);
        while groups.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let others = [2, 3, 4].map(bring);
        while submissions.0.capacity() > 5 {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(hash_of(&[1])));
        for (byte, other) in [2, 3, 4].into_iter().zip(others) {
            assert_eq!(other.await.unwrap(), Ok(hash_of(&[byte])));
        }
        assert_eq!(*groups.lock().unwrap(), [1, 3]);
    }

    #[tokio::test]
    async fn a_panic_costs_only_the_answers_of_those_taken_in_together() {
        let answer = |raw: Vec<Vec<u8>>| raw.iter().map(|raw| Ok(hash_of(raw))).collect();
        let submit = move |raw: Vec<Vec<u8>>| if raw[0] == [0] { panic!("on purpose") } else { answer(raw) };
        let submissions = Submissions::start(submit, 8);
        let broken = Err(RpcRejected::DEFECT);
        assert_eq!(submissions.submit(vec![0]).await, broken);
        assert_eq!(submissions.submit(vec![1]).await, Ok(hash_of(&[1])));
    }
}
