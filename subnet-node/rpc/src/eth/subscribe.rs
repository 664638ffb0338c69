//! Subscriptions as they are answered over HTTP. On a WebSocket the connection answers them: see `websocket::calls`.
//!
//! Source: go-ethereum, `rpc/handler.go`.

use crate::arguments::Anything;
use crate::error::RpcRejected;
use crate::node::Node;

/// `eth_subscribe`
pub fn subscribe(_: &Node, _: Anything) -> Result<(), RpcRejected> {
    Err(RpcRejected::NoNotifications)
}

/// `eth_unsubscribe`
pub fn unsubscribe(_: &Node, (_subscription,): (String,)) -> Result<(), RpcRejected> {
    Err(RpcRejected::NoSubscription)
}
