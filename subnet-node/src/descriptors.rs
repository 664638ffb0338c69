//! Open files and connections: each is a file descriptor, and a process is often started with fewer of them than it may have.
//!
//! | who | takes at most | by |
//! |---|---|---|
//! | the store | tables kept open | `storage.open_files_max` |
//! | JSON-RPC | connections | `rpc.sockets_max` |
//! | consensus | connections | [`CONSENSUS_MAX`] |
//! | gossip | connections | [`GossipLimits`](tributary_gossip::GossipLimits) |
//! | health and metrics | connections | [`http::CONNECTIONS_MAX`] |
//! | all else | logs, listeners, files that are read whole | [`OTHERS_MAX`] |
//!
//! Who runs out of them refuses users first, and then cannot open its own tables, which stops the node.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tributary_service::http;

use crate::config::NodeConfig;

/// Connections of the engine, two hundred each way. Source: malachite `network/src/behaviour.rs`, four times its fifty peers.
pub const CONSENSUS_MAX: u64 = 400;
/// The store's logs and locks, the write-ahead log of consensus, listeners, the runtime's own, compiled actors that are read.
pub const OTHERS_MAX: u64 = 64;

/// Raises this process's limit to what the system allows it, and says so; warns if that is still less than it may need.
pub fn raise(config: &NodeConfig) {
    let before = getrlimit(Resource::Nofile);
    let most = Rlimit { current: before.maximum, maximum: before.maximum };
    if let Err(why) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%why, "the limit of open files and connections stays as it is");
    }
    let limit = getrlimit(Resource::Nofile).current;
    let needed = needed(config);
    tracing::info!(before = %shown(before.current), now = %shown(limit), needed, "limit of open files and connections");
    if let Some(advice) = advice(limit, needed) {
        tracing::warn!("{advice}");
    }
}

/// As many as a node with these settings may have open at once.
#[must_use]
pub fn needed(config: &NodeConfig) -> u64 {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let taken: [u64; 6] = [
        config.storage.open_files_max.into(),
        number(config.rpc.sockets_max),
        CONSENSUS_MAX,
        config.gossip_limits().connections_max.into(),
        number(http::CONNECTIONS_MAX),
        OTHERS_MAX,
    ];
    taken.into_iter().fold(0, u64::saturating_add)
}

/// What to do where that is more than the limit, which `None` says there is none.
#[must_use]
pub fn advice(limit: Option<u64>, needed: u64) -> Option<String> {
    let limit = limit.filter(|limit| *limit < needed)?;
    Some(format!(
        "this process may have {limit} files and connections open at once, and with its settings it may come to need {needed}: users are \
         then refused, and the store may stop the node. Raise the hard limit (`ulimit -Hn {needed}`, LimitNOFILE={needed} of a systemd \
         unit, `ulimits` of a container), or lower rpc.sockets_max or storage.open_files_max"
    ))
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting as it is by default.
    fn config() -> NodeConfig {
        let empty = tempfile::NamedTempFile::new().unwrap();
        NodeConfig::load(empty.path(), &[]).unwrap()
    }

    #[test]
    fn every_setting_that_takes_descriptors_is_counted() {
        let usual = needed(&config());
        assert_eq!(usual, 512 + 384 + 400 + 64 + 32 + 64);
        let mut more = config();
        more.rpc.sockets_max += 1_000;
        assert_eq!(needed(&more), usual + 1_000);
        more.storage.open_files_max += 10;
        assert_eq!(needed(&more), usual + 1_010);
        more.rpc.sockets_max = usize::MAX;
        assert_eq!(needed(&more), u64::MAX);
    }

    #[test]
    fn whoever_has_too_few_is_told_how_many_and_what_to_do() {
        for enough in [None, Some(1_456), Some(u64::MAX)] {
            assert_eq!(advice(enough, 1_456), None, "{enough:?}");
        }
        let told = advice(Some(1_455), 1_456).unwrap();
        for part in ["may have 1455", "need 1456", "ulimit -Hn 1456", "LimitNOFILE=1456", "rpc.sockets_max"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn the_limit_goes_up_to_what_the_system_allows() {
        raise(&config());
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current, now.maximum);
    }
}
