//! Logs: one line an event, to standard error, so that standard output stays the program's own.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How log lines look.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    #[default]
    Human,
    /// One JSON object a line, for a collector.
    Json,
}

/// The filter is no filter of `tracing`.
#[derive(Debug, thiserror::Error)]
#[error("log filter {filter:?} is no list like info,tributary_rpc=debug: {why}")]
pub struct FilterRejected {
    filter: String,
    why: ParseError,
}

/// Starts logging what `filter` lets through, as in `info` or `info,tributary_rpc=debug`. Call once.
///
/// # Errors
/// [`FilterRejected`]. A second call changes nothing.
pub fn start(format: LogFormat, filter: &str) -> Result<(), FilterRejected> {
    let parsed = EnvFilter::try_new(filter).map_err(|why| FilterRejected { filter: filter.to_owned(), why })?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(parsed).with_ansi(colours).with_writer(std::io::stderr);
    // An error means that logging was started before, as several tests of one process do.
    let _started_before = match format {
        LogFormat::Human => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_named() {
        let refusal = start(LogFormat::Human, "tributary=loud").unwrap_err().to_string();
        assert!(refusal.contains("tributary=loud"), "{refusal}");
        start(LogFormat::Json, "info,tributary_rpc=debug").unwrap();
    }
}
