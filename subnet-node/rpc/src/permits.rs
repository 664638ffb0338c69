//! What is asked before any method answers: is it served here, and may this client ask again so soon?
//!
//! ```text
//! request ─▶ its client asked too fast?                          ─▶ -32005
//!              │
//!              ├─ no method, or one that this node does not serve?  ─▶ -32601
//!              └─▶ the method
//! ```
//!
//! Requests of a batch pass one by one. A notification asks for nothing to be answered, so it goes no further; but it is counted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, ready};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, Notification, Request, RpcServiceT};
use jsonrpsee::types::ErrorObjectOwned;

use crate::clients::{Asker, Clients};
use crate::counters::Counters;
use crate::error::RpcRejected;
use crate::service::Service;

/// What stands after the namespace's name in a list of methods.
const ALL: &str = "_*";
/// The namespace that CometBFT's methods, whose names have none, are listed as.
const COMET: &str = "cometbft";

/// The methods that a node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    methods: BTreeSet<&'static str>,
    namespaces: BTreeSet<&'static str>,
}

impl Served {
    /// Those of `methods`, and of CometBFT's, that `allowed` lists, or all where it lists none, without those that `denied` lists. A list has names,
    /// and namespaces as in `eth_*`.
    ///
    /// # Errors
    /// An entry that lists nothing.
    pub fn new(
        methods: impl Iterator<Item = &'static str>,
        comet: impl Iterator<Item = &'static str>,
        allowed: &[String],
        denied: &[String],
    ) -> Result<Self, String> {
        let methods = methods.map(|name| (name.split('_').next().unwrap_or(name), name));
        let all: Vec<_> = methods.chain(comet.map(|name| (COMET, name))).collect();
        let listed = |entries: &[String]| {
            let mut listed = BTreeSet::new();
            for entry in entries {
                let namespace = entry.strip_suffix(ALL);
                let is_listed =
                    |(space, name): &&(&str, &'static str)| namespace.map_or(*name == entry, |one| *space == one);
                let found: Vec<_> = all.iter().filter(is_listed).map(|(_, name)| *name).collect();
                if found.is_empty() {
                    return Err(entry.clone());
                }
                listed.extend(found);
            }
            Ok(listed)
        };
        let allowed = if allowed.is_empty() { all.iter().map(|(_, name)| *name).collect() } else { listed(allowed)? };
        let methods = &allowed - &listed(denied)?;
        let of_served = all.iter().filter(|(space, name)| *space != COMET && methods.contains(name));
        let namespaces = of_served.map(|(space, _)| *space).collect();
        Ok(Self { methods, namespaces })
    }

    /// Whether a method of this name is served.
    pub fn has(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    /// The namespaces of which any method is served; CometBFT's methods are in none.
    pub const fn namespaces(&self) -> &BTreeSet<&'static str> {
        &self.namespaces
    }
}

/// What every request is held against.
pub struct Rules {
    pub served: Served,
    pub clients: Arc<Clients>,
    pub counters: Arc<Counters>,
}

impl Rules {
    /// # Errors
    /// [`RpcRejected::TooFast`], [`RpcRejected::NoMethod`].
    fn permit(&self, method: &str, asker: Option<&Asker>) -> Result<(), RpcRejected> {
        let permitted = self.clients.count_if_known(asker).and_then(|()| match self.served.has(method) {
            true => Ok(()),
            false => Err(RpcRejected::NoMethod(method.to_owned())),
        });
        if permitted.is_err() {
            self.counters.count(method, &permitted, Duration::ZERO);
        }
        permitted
    }
}

/// The service, for requests that are permitted.
#[derive(Clone)]
pub struct Permits<S> {
    service: S,
    rules: Arc<Rules>,
}

impl<S> Permits<S> {
    /// For requests that have their asker's name on them.
    pub const fn new(service: S, rules: Arc<Rules>) -> Self {
        Self { service, rules }
    }
}

impl<S> RpcServiceT for Permits<S>
where
    S: Service,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        match self.rules.permit(request.method_name(), request.extensions.get()) {
            Ok(()) => Either::Left(self.service.call(request)),
            Err(refused) => Either::Right(ready(MethodResponse::error(request.id(), ErrorObjectOwned::from(refused)))),
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        match self.rules.clients.count_if_known(notification.extensions.get()) {
            Ok(()) => Either::Left(self.service.notification(notification)),
            // Nobody waits for an answer, so nobody hears of a refusal.
            Err(_) => Either::Right(ready(MethodResponse::notification())),
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        // `Batches` stands in front, and takes a batch apart.
        self.service.batch(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(allowed: &[&str], denied: &[&str]) -> Result<Vec<&'static str>, String> {
        let entries = |entries: &[&str]| entries.iter().map(ToString::to_string).collect::<Vec<_>>();
        let methods = ["eth_call", "eth_chainId", "net_version"].into_iter();
        let served = Served::new(methods, ["status"].into_iter(), &entries(allowed), &entries(denied))?;
        Ok(served.methods.into_iter().collect())
    }

    #[test]
    fn lists_have_names_and_namespaces_and_what_is_denied_is_denied() {
        for (allowed, denied, expected) in [
            (&[][..], &[][..], &["eth_call", "eth_chainId", "net_version", "status"][..]),
            (&["eth_*"], &[], &["eth_call", "eth_chainId"]),
            (&["eth_call", "cometbft_*"], &[], &["eth_call", "status"]),
            (&[], &["eth_*", "status"], &["net_version"]),
            (&["eth_*"], &["eth_call"], &["eth_chainId"]),
        ] {
            assert_eq!(served(allowed, denied).unwrap(), expected, "{allowed:?} {denied:?}");
        }
    }

    #[test]
    fn an_entry_that_lists_nothing_is_named() {
        for entry in ["eth_cal", "eth*", "debug_*", "*", "", "status_*", "eth"] {
            assert_eq!(served(&[entry], &[]), Err(entry.to_owned()));
            assert_eq!(served(&[], &[entry]), Err(entry.to_owned()));
        }
    }
}
