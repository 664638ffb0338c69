//! Waits until somebody wants the program to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Listens for SIGTERM (a supervisor) and SIGINT (Ctrl-C). Made before anything that must be stopped gracefully.
#[derive(Debug)]
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
    /// Resolves when standard input ends; none when its end means nothing.
    stdin: Option<oneshot::Receiver<()>>,
}

impl StopSignal {
    /// Listens from now on.
    ///
    /// # Errors
    /// What the system says when a handler cannot be set.
    pub fn listen() -> io::Result<Self> {
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        Ok(Self { terminate: terminate?, interrupt: interrupt?, stdin: None })
    }

    /// Takes the end of standard input for a wish to stop too, if `follows`. What arrives before the end is passed over.
    ///
    /// A supervisor that holds the other end of a pipe so never leaves orphans: when it dies, however it dies, the pipe ends.
    ///
    /// # Errors
    /// What the system says when it has no thread for the waiting.
    pub fn or_when_stdin_closes(self, follows: bool) -> io::Result<Self> {
        if !follows {
            return Ok(self);
        }
        let (ended, ends) = oneshot::channel();
        // A thread of its own, which dies with the process: the runtime's stdin would keep the runtime from ending after a signal.
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            // An input that cannot be read has ended too, and when nobody waits the program stops already.
            drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
            ended.send(()).unwrap_or_default();
        })?;
        Ok(Self { stdin: Some(ends), ..self })
    }

    /// The name of the first wish that comes.
    pub async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = end_of(&mut self.stdin) => "end of standard input",
        }
    }
}

async fn end_of(stdin: &mut Option<oneshot::Receiver<()>>) {
    match stdin {
        // Resolves when the thread is done with standard input, whichever way.
        Some(ends) => drop(ends.await),
        None => std::future::pending().await,
    }
}
