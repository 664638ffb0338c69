//! What answers requests of JSON-RPC, and what is put in front of it ([`permits`](crate::permits), [`batches`](crate::batches)), over HTTP and
//! WebSockets alike.

use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::RpcServiceT;

/// jsonrpsee's trait, with each answer a [`MethodResponse`].
pub trait Service:
    RpcServiceT<MethodResponse = MethodResponse, BatchResponse = MethodResponse, NotificationResponse = MethodResponse>
    + Send
    + Sync
    + 'static
{
}

impl<S> Service for S where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Send
        + Sync
        + 'static
{
}
