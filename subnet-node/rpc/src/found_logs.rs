//! Logs that were found, as many as one answer may hold: a number of them, and their bytes.

use std::fmt;

use alloy_rpc_types_eth::Log;

use crate::config::RpcConfig;

/// Bytes of a log's JSON beside its data, whose bytes are two digits each. More than any has: four topics make some 700.
const LOG_BYTES: usize = 1_024;

/// Logs for one answer.
pub struct FoundLogs {
    logs: Vec<Log>,
    bytes: usize,
    logs_max: usize,
    bytes_max: usize,
}

/// An answer holds no more: the limit that one log more would be above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// So many logs.
    Logs(usize),
    /// So many bytes.
    Bytes(usize),
}

impl FoundLogs {
    /// None yet; at most `logs_max` of them, of `response_bytes_max`.
    pub fn new(config: &RpcConfig) -> Self {
        let bytes_max = usize::try_from(config.response_bytes_max).unwrap_or(usize::MAX);
        Self { logs: Vec::new(), bytes: 0, logs_max: config.logs_max, bytes_max }
    }

    /// Adds one. The first has always bytes enough, so that whoever comes back for the rest gets on.
    ///
    /// # Errors
    /// [`Full`]: it is not added.
    pub fn add(&mut self, log: Log) -> Result<(), Full> {
        let bytes = self.bytes + LOG_BYTES + log.data().data.len() * 2;
        if self.logs.len() >= self.logs_max {
            return Err(Full::Logs(self.logs_max));
        }
        if bytes > self.bytes_max && !self.logs.is_empty() {
            return Err(Full::Bytes(self.bytes_max));
        }
        self.bytes = bytes;
        self.logs.push(log);
        Ok(())
    }

    /// All of them, in the order they came.
    pub fn into_logs(self) -> Vec<Log> {
        self.logs
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logs(most) => write!(f, "max results {most}"),
            Self::Bytes(most) => write!(f, "max response size {most} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};

    use super::*;

    #[test]
    fn the_json_of_a_log_is_no_longer_than_is_counted() {
        let (hash, most) = (B256::repeat_byte(0xff), u64::MAX);
        let data = vec![0xff; 100];
        let log = Log {
            inner: alloy_primitives::Log::new_unchecked(Address::repeat_byte(0xff), vec![hash; 4], data.into()),
            block_hash: Some(hash),
            block_number: Some(most),
            block_timestamp: Some(most),
            transaction_hash: Some(hash),
            transaction_index: Some(most),
            log_index: Some(most),
            removed: false,
        };
        let json = serde_json::to_string(&log).unwrap();
        assert!(json.len() <= LOG_BYTES + 200, "{} bytes: {json}", json.len());
    }
}
