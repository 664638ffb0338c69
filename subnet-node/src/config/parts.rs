//! The settings as each part of the node wants them.

use std::time::Duration;

use tributary_fvm::Workers;
use tributary_gossip::GossipLimits;
use tributary_replica::mempool::{GAPPED_SHARE, MempoolLimits};
use tributary_rpc::RpcConfig;
use tributary_store::StoreConfig;

use super::{NodeConfig, StorageConfig};
use crate::history::law::{History, Keeping};

impl NodeConfig {
    /// As the RPC wants it.
    #[must_use]
    pub fn rpc(&self) -> RpcConfig {
        let rpc = &self.rpc;
        RpcConfig {
            listen: rpc.listen,
            sockets_max: rpc.sockets_max,
            idle_max: Duration::from_secs(rpc.idle_s.get()),
            stalled_max: Duration::from_secs(rpc.stalled_s.get()),
            connections_max: rpc.connections_max,
            websockets_max: rpc.websockets_max,
            websocket_calls_max: rpc.websocket_calls_max,
            websocket_ping_every: Duration::from_secs(rpc.websocket_ping_s.get()),
            subscriptions_max: rpc.subscriptions_max,
            subscription_blocks_behind_max: rpc.subscription_blocks_behind_max,
            request_bytes_max: rpc.request_bytes_max,
            response_bytes_max: rpc.response_bytes_max,
            batch_max: rpc.batch_max,
            reads_max: rpc.reads_max.get(),
            waiting_max: rpc.waiting_max,
            call_gas_max: rpc.call_gas_max,
            call_time_max: Duration::from_millis(rpc.call_time_max_ms.get()),
            client_requests_per_s: rpc.client_requests_per_s,
            client_requests_burst: rpc.client_requests_burst,
            client_connections_max: rpc.client_connections_max,
            client_subscriptions_max: rpc.client_subscriptions_max,
            client_header: rpc.client_header.clone(),
            methods_allowed: rpc.methods_allowed.clone(),
            methods_denied: rpc.methods_denied.clone(),
            traces_max: rpc.traces_max.get(),
            trace_steps_max: rpc.trace_steps_max,
            trace_time_max: Duration::from_secs(rpc.trace_time_s.get()),
            log_blocks_max: rpc.log_blocks_max,
            logs_max: rpc.logs_max,
            filters_max: rpc.filters_max,
            filter_idle_max: Duration::from_secs(rpc.filter_idle_s),
            cors_origins: rpc.cors_origins.clone(),
            allowed_hosts: rpc.allowed_hosts.clone(),
        }
    }

    /// As the proposer wants it.
    #[must_use]
    pub fn block_time_budget(&self) -> Option<Duration> {
        let budget = Duration::from_millis(self.consensus.block_time_budget_ms);
        (!budget.is_zero()).then_some(budget)
    }

    /// As the executor wants it.
    #[must_use]
    pub fn workers(&self) -> Workers {
        match self.execution.threads {
            0 => Workers::of_this_machine(),
            threads => Workers::new(threads),
        }
    }

    /// As the mempool wants it.
    #[must_use]
    pub const fn mempool(&self) -> MempoolLimits {
        MempoolLimits {
            transactions_max: self.mempool.transactions_max,
            bytes_max: self.mempool.bytes_max,
            per_sender_max: self.mempool.per_sender_max,
            gapped_per_sender_max: self.mempool.gapped_per_sender_max,
            gapped_max: self.mempool.transactions_max / GAPPED_SHARE,
            gapped_bytes_max: self.mempool.bytes_max / GAPPED_SHARE,
            lifetime_ms: self.mempool.lifetime_s.saturating_mul(1_000),
        }
    }

    /// As the law of history wants it, on a chain that cuts a checkpoint every `period` blocks.
    #[must_use]
    pub const fn keeping(&self, period: Option<u64>) -> Keeping {
        let StorageConfig { history, trees_every, .. } = self.storage;
        Keeping { history, period, recent: History::blocks_min(trees_every.get()) }
    }

    /// As the store wants it.
    #[must_use]
    pub fn store(&self) -> StoreConfig {
        StoreConfig {
            cache_bytes: self.storage.cache_bytes,
            write_buffer_bytes: self.storage.write_buffer_bytes,
            open_files_max: self.storage.open_files_max,
            ..StoreConfig::default()
        }
    }

    /// As the gossip wants it.
    #[must_use]
    pub fn gossip_limits(&self) -> GossipLimits {
        GossipLimits::default()
    }
}
