//! Whether the node follows the chain: `false` while it does, or how far it is behind.
//!
//! Source: go-ethereum, `eth/downloader/api.go`.

use std::sync::Arc;
use std::time::Duration;

use alloy_rpc_types_eth::{SyncInfo, SyncStatus};
use futures::StreamExt as _;
use futures::stream;
use serde::Serialize;
use tokio::time::interval;

use super::{Results, in_json};
use crate::eth;
use crate::node::Node;
use crate::websocket::Closing;

/// How often the node is asked: as often as it finds out.
const ASK_EVERY: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Syncing {
    syncing: bool,
    status: SyncInfo,
}

/// What is so now, and then every change.
pub fn changes(node: Arc<Node>) -> Results {
    let asked = stream::unfold(interval(ASK_EVERY), move |mut again| {
        let node = Arc::clone(&node);
        async move {
            again.tick().await;
            Some((eth::syncing(&node, ()).map_err(Closing::Unable), again))
        }
    });
    let mut before = None;
    let change = move |status: Result<SyncStatus, Closing>| {
        let result = status.map(|status| {
            let now = matches!(status, SyncStatus::Info(_));
            (before.replace(now) != Some(now)).then_some(status)
        });
        std::future::ready(result.transpose())
    };
    asked.filter_map(change).map(|status| told(status?)).boxed()
}

fn told(status: SyncStatus) -> Result<Arc<serde_json::value::RawValue>, Closing> {
    match status {
        SyncStatus::None => in_json(&false),
        SyncStatus::Info(status) => in_json(&Syncing { syncing: true, status: *status }),
    }
}
