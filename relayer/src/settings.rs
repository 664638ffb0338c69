//! What an operator chooses, from flags and from a file, checked.
//!
//! Flags and file have the same names (`--fee-cap-max`, `fee_cap_max`); a flag wins over the file, the file over the default.
//! A name that is not known is refused, so a typing error never turns into a default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use hyper::Uri;
use serde::Deserialize;

use crate::limits::{Limits, WAIT_MAX, WAIT_MIN};

/// Most children of one relayer: each holds a task and a connection.
pub const CHILDREN_MAX: usize = 64;
/// Longest time a call may be given.
pub const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Most bytes of a configuration file.
const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// Choices as they come: all optional, nothing checked.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choices {
    /// JSON-RPC URL of the parent chain's node.
    #[arg(long, value_name = "URL", env = "RELAYER_PARENT")]
    pub parent: Option<String>,
    /// JSON-RPC URL of a child chain's node; give it once for each child.
    #[arg(long = "child", value_name = "URL", env = "RELAYER_CHILDREN", value_delimiter = ',')]
    pub children: Vec<String>,
    /// Key that pays on the parent; `relayer new-key FILE` makes one.
    #[arg(long, value_name = "FILE", env = "RELAYER_KEY")]
    pub key: Option<PathBuf>,
    /// Serve /metrics and /health on this address, such as 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS", env = "RELAYER_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Milliseconds between two looks when nothing is to be done [default: 1000]
    #[arg(long, value_name = "MS")]
    pub poll_ms: Option<u64>,
    /// Shortest milliseconds between two transactions for one child, and the first back-off [default: 1000]
    #[arg(long, value_name = "MS")]
    pub pause_ms: Option<u64>,
    /// Milliseconds before something that stays wrong is tried again; the longest back-off [default: 30000]
    #[arg(long, value_name = "MS")]
    pub patience_ms: Option<u64>,
    /// Parent blocks that may pass a transaction by before it offers more [default: 3]
    #[arg(long, value_name = "BLOCKS")]
    pub stuck_blocks: Option<u64>,
    /// Most to offer, in attoTRB per FVM gas [default: 1000000000]
    #[arg(long, value_name = "ATTO")]
    pub fee_cap_max: Option<u64>,
    /// Most FVM gas to reserve for a transaction [default: 500000000]
    #[arg(long, value_name = "GAS")]
    pub gas_limit: Option<u64>,
    /// Milliseconds a node has to answer a call [default: 10000]
    #[arg(long, value_name = "MS")]
    pub request_timeout_ms: Option<u64>,
}

/// Choices that were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The parent's node.
    pub parent: Endpoint,
    /// The children's nodes; at least one, at most [`CHILDREN_MAX`], none twice.
    pub children: Vec<Endpoint>,
    /// The key that pays.
    pub key: Option<PathBuf>,
    /// Where metrics and health are served.
    pub listen: Option<SocketAddr>,
    /// The law's numbers.
    pub limits: Limits,
    /// Time a node has to answer. At most [`REQUEST_TIMEOUT_MAX`].
    pub request_timeout: Duration,
}

/// A node's URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    name: String,
}

/// What is wrong with the choices.
#[derive(Debug, thiserror::Error)]
pub enum SettingsRejected {
    /// The file cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// The file is no configuration.
    #[error("{path} is no configuration: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line and what is wrong with it.
        why: String,
    },
    /// Something must be chosen.
    #[error("{0} is missing: give --{0} or set it in the configuration file")]
    Missing(&'static str),
    /// Not a URL of a node.
    #[error("{url:?} is no URL of a node: {why}; it looks like http://127.0.0.1:8545")]
    BadUrl {
        /// What was given, cut short.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// One node twice.
    #[error("{0} is given twice")]
    Twice(String),
    /// More children than one relayer takes.
    #[error("{0} children; one relayer takes at most {CHILDREN_MAX}: run another for the rest")]
    TooManyChildren(usize),
    /// A number out of bounds.
    #[error("{name} is {found}; it must be from {least} to {most}")]
    OutOfBounds {
        /// Which.
        name: &'static str,
        /// What was given.
        found: u64,
        /// Least.
        least: u64,
        /// Most.
        most: u64,
    },
}

impl Choices {
    /// The choices in the TOML file at `path`.
    ///
    /// # Errors
    /// [`SettingsRejected`] with the line at fault.
    pub fn read(path: &Path) -> Result<Self, SettingsRejected> {
        use std::io::Read as _;
        let unreadable = |why| SettingsRejected::Unreadable { path: path.to_owned(), why };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(CONFIG_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
        toml::from_str(&text).map_err(|why| SettingsRejected::Malformed { path: path.to_owned(), why: why.to_string() })
    }

    /// These choices, and `other`'s where there is none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            parent: self.parent.or(other.parent),
            children: if self.children.is_empty() { other.children } else { self.children },
            key: self.key.or(other.key),
            listen: self.listen.or(other.listen),
            poll_ms: self.poll_ms.or(other.poll_ms),
            pause_ms: self.pause_ms.or(other.pause_ms),
            patience_ms: self.patience_ms.or(other.patience_ms),
            stuck_blocks: self.stuck_blocks.or(other.stuck_blocks),
            fee_cap_max: self.fee_cap_max.or(other.fee_cap_max),
            gas_limit: self.gas_limit.or(other.gas_limit),
            request_timeout_ms: self.request_timeout_ms.or(other.request_timeout_ms),
        }
    }

    /// The choices as settings, with defaults for what was not chosen.
    ///
    /// # Errors
    /// [`SettingsRejected`] with the choice at fault.
    pub fn check(self) -> Result<Settings, SettingsRejected> {
        let parent = Endpoint::parse(&self.parent.ok_or(SettingsRejected::Missing("parent"))?)?;
        let children = endpoints(&self.children)?;
        let default = Limits::default();
        let waits = (millis(WAIT_MIN), millis(WAIT_MAX));
        let pause = duration("pause_ms", self.pause_ms, default.pause, waits)?;
        let limits = Limits {
            poll: duration("poll_ms", self.poll_ms, default.poll, waits)?,
            pause,
            patience: duration("patience_ms", self.patience_ms, default.patience.max(pause), (millis(pause), waits.1))?,
            stuck_blocks: within("stuck_blocks", self.stuck_blocks.unwrap_or(default.stuck_blocks), (1, 10_000))?,
            fee_cap_max: self
                .fee_cap_max
                .map_or(Ok(default.fee_cap_max), |cap| within("fee_cap_max", cap, (1, u64::MAX)).map(u128::from))?,
            gas_limit: within("gas_limit", self.gas_limit.unwrap_or(default.gas_limit), (1, 1 << 62))?,
        };
        let timeouts = (millis(WAIT_MIN), millis(REQUEST_TIMEOUT_MAX));
        let request_timeout =
            duration("request_timeout_ms", self.request_timeout_ms, Duration::from_secs(10), timeouts)?;
        Ok(Settings { parent, children, key: self.key, listen: self.listen, limits, request_timeout })
    }
}

impl Endpoint {
    /// A node's URL: http or https, with a host.
    ///
    /// # Errors
    /// [`SettingsRejected::BadUrl`].
    pub fn parse(url: &str) -> Result<Self, SettingsRejected> {
        let bad = |why: &str| SettingsRejected::BadUrl { url: url.chars().take(64).collect(), why: why.to_owned() };
        let uri: Uri = url.parse().map_err(|why: hyper::http::uri::InvalidUri| bad(&why.to_string()))?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
        let scheme = scheme.ok_or_else(|| bad("it must start with http:// or https://"))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self { url: url.to_owned(), name: format!("{scheme}://{host}{port}") })
    }

    /// The whole URL, with whatever secret is in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL for logs and labels: scheme, host and port. Users, paths and queries may hold secrets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// The children's nodes, with a number behind names that are not unique.
fn endpoints(urls: &[String]) -> Result<Vec<Endpoint>, SettingsRejected> {
    if urls.is_empty() {
        return Err(SettingsRejected::Missing("child"));
    }
    if urls.len() > CHILDREN_MAX {
        return Err(SettingsRejected::TooManyChildren(urls.len()));
    }
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for url in urls {
        let mut endpoint = Endpoint::parse(url)?;
        if endpoints.iter().any(|other| other.url == endpoint.url) {
            return Err(SettingsRejected::Twice(endpoint.name));
        }
        if endpoints.iter().any(|other| other.name == endpoint.name) {
            endpoint.name = format!("{}#{}", endpoint.name, endpoints.len() + 1);
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn within(name: &'static str, found: u64, (least, most): (u64, u64)) -> Result<u64, SettingsRejected> {
    match found {
        found if (least..=most).contains(&found) => Ok(found),
        found => Err(SettingsRejected::OutOfBounds { name, found, least, most }),
    }
}

fn duration(
    name: &'static str,
    chosen_ms: Option<u64>,
    default: Duration,
    bounds_ms: (u64, u64),
) -> Result<Duration, SettingsRejected> {
    within(name, chosen_ms.unwrap_or_else(|| millis(default)), bounds_ms).map(Duration::from_millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Choices {
        Choices {
            parent: Some("http://parent:8545".into()),
            children: vec!["http://child:8545".into()],
            ..Choices::default()
        }
    }

    #[test]
    fn what_is_not_chosen_has_its_default() {
        let settings = good().check().unwrap();
        assert_eq!((settings.limits, settings.request_timeout), (Limits::default(), Duration::from_secs(10)));
        assert_eq!(settings.parent.name(), "http://parent:8545");
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file: Choices =
            toml::from_str("parent = \"http://file:1\"\nchildren = [\"http://c:1\"]\npoll_ms = 200").unwrap();
        let flags = Choices { parent: Some("http://flag:1".into()), ..Choices::default() };
        let settings = flags.or(file).check().unwrap();
        assert_eq!((settings.parent.name(), settings.limits.poll.as_millis()), ("http://flag:1", 200));
    }

    #[test]
    fn each_bad_choice_is_refused_for_its_own_reason() {
        let many: Vec<String> = (0..65).map(|port| format!("http://child:{port}")).collect();
        for (choices, reason) in [
            (Choices { parent: None, ..good() }, "parent is missing"),
            (Choices { children: vec![], ..good() }, "child is missing"),
            (Choices { children: many, ..good() }, "65 children"),
            (Choices { children: vec!["http://c:1".into(), "http://c:1".into()], ..good() }, "given twice"),
            (Choices { parent: Some("ws://parent".into()), ..good() }, "must start with http"),
            (Choices { parent: Some("parent:8545".into()), ..good() }, "no URL of a node"),
            (Choices { parent: Some(String::new()), ..good() }, "no URL of a node"),
            (Choices { poll_ms: Some(99), ..good() }, "from 100 to 600000"),
            (Choices { patience_ms: Some(999), ..good() }, "from 1000 to 600000"),
            (Choices { stuck_blocks: Some(0), ..good() }, "stuck_blocks is 0"),
            (Choices { gas_limit: Some(0), ..good() }, "gas_limit is 0"),
            (Choices { fee_cap_max: Some(0), ..good() }, "fee_cap_max is 0"),
            (Choices { request_timeout_ms: Some(60_001), ..good() }, "from 100 to 60000"),
        ] {
            let refusal = choices.check().unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
        }
        assert!(toml::from_str::<Choices>("pol_ms = 1").is_err(), "an unknown name");
    }

    #[test]
    fn secrets_in_a_url_are_not_shown() {
        let endpoint = Endpoint::parse("https://user:secret@node.example:8545/secret?key=secret").unwrap();
        assert_eq!(
            (endpoint.name(), format!("{endpoint:?}").as_str()),
            ("https://node.example:8545", "https://node.example:8545")
        );
        let twins = endpoints(&["http://c:1/a".into(), "http://c:1/b".into()]).unwrap();
        assert_eq!(twins[1].name(), "http://c:1#2");
    }
}
