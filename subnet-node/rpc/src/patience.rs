//! How long a call may run: a clock that the executor, which has none, is told of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tributary_fvm::Leash;

/// A leash that is cut so long from now. Made within the server's runtime.
pub fn leash(length: Duration) -> Leash {
    let clock = Clock::new(length);
    Leash::new(length, move || clock.is_over())
}

/// Tells without asking the system, since it is asked with every jump. Stopped when nobody holds it any more.
struct Clock {
    is_over: Arc<AtomicBool>,
    running: AbortHandle,
}

impl Clock {
    fn new(length: Duration) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let running = tokio::spawn(async move {
            tokio::time::sleep(length).await;
            over.store(true, Ordering::Relaxed);
        });
        Self { is_over, running: running.abort_handle() }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.running.abort();
    }
}
