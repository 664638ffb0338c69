//! Transactions as they begin to wait.

use futures::stream::{self, Stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tributary_primitives::Hash32;

use crate::websocket::Closing;

/// Those that `arrivals` tells of. Ends when it does.
pub fn from_now(arrivals: broadcast::Receiver<Hash32>) -> impl Stream<Item = Result<Hash32, Closing>> + Send {
    stream::try_unfold(arrivals, |mut arrivals| async move {
        match arrivals.recv().await {
            Ok(hash) => Ok(Some((hash, arrivals))),
            Err(RecvError::Lagged(transactions)) => Err(Closing::Missed { transactions }),
            Err(RecvError::Closed) => Ok(None),
        }
    })
}
