//! Runs work in a task of its own, which ends when nobody waits for it any more.
//!
//! A queue keeps a place that comes free for the first who waits in it, until that one looks. A task of its own looks at once; who waits for
//! it may look at nothing else for minutes, as a WebSocket does while it sends, and keeps nobody waiting by that.

use tokio::task::JoinSet;

/// What came of `work`; `None` when it panicked.
pub async fn aside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    // Ends what is in it when it is dropped.
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    tasks.join_next().await?.inspect_err(|panic| tracing::error!(%panic, "work for an answer panicked")).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures::poll;
    use tokio::sync::Semaphore;

    use super::*;

    /// Takes a place, and gives it back.
    async fn turn(queue: Arc<Semaphore>) {
        drop(queue.acquire().await.unwrap());
    }

    #[tokio::test]
    async fn who_is_not_looked_at_keeps_nobody_waiting() {
        let queue = Arc::new(Semaphore::new(0));
        let mut first = Box::pin(aside(turn(Arc::clone(&queue))));
        assert!(poll!(&mut first).is_pending(), "it waits, and is not looked at again");
        tokio::task::yield_now().await;
        queue.add_permits(1);
        let turn = tokio::time::timeout(Duration::from_secs(60), turn(queue)).await;
        turn.expect("the place that came free is taken and given back");
        first.await.unwrap();
    }

    #[tokio::test]
    async fn what_nobody_waits_for_ends() {
        let held = Arc::new(());
        let work = Arc::clone(&held);
        let mut aside = Box::pin(aside(async move {
            let _held = work;
            std::future::pending::<()>().await;
        }));
        assert!(poll!(&mut aside).is_pending());
        drop(aside);
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
