//! Says that transactions wait for a block.

use tokio::sync::watch;

/// Ends a held height early. Cheap to clone and to ring; ringing while nothing is held is forgotten once the application is asked for the
/// next height, since it then says itself whether transactions wait.
#[derive(Clone, Debug)]
pub struct Wake(watch::Sender<u64>);

impl Wake {
    /// A bell that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Rings.
    pub fn wake(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Default for Wake {
    fn default() -> Self {
        Self::new()
    }
}
