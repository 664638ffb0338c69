//! The table of methods: a name, a way, and the function that answers.
//!
//! | way | for | goes |
//! |---|---|---|
//! | known | what the node has in memory | at once |
//! | read, trace | what it reads or runs | through the lane of such, whose places clients take in turns |
//! | submission | a transaction that is brought | with all that come at the same time |
//! | waits | a transaction that is waited for | the same way first, where it is brought |
//!
//! A method is a plain function from the node and a tuple of arguments to a value; everything around it is done here, once:
//! reading the arguments, the lane, the blocking pool, the JSON, the count and the refusal. A method that brings a transaction only says
//! how its bytes are written; one that waits for one also for how long, and which method tells what became of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonrpsee::RpcModule;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tributary_primitives::Hash32;

use crate::announcements::Announcements;
use crate::arguments::Arguments;
use crate::awaiting::{self, Awaited, Look, Waiter, Ways};
use crate::clients::{Asker, Client};
use crate::counters::Counters;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::node::Node;
use crate::room::Parameters;
use crate::submissions::Submissions;

/// A method that reads its arguments and answers who asks in JSON.
type Answer = Arc<dyn Fn(&Node, Client, Option<&str>) -> Result<Box<RawValue>, RpcRejected> + Send + Sync>;

/// Reads the transaction out of its arguments.
type Brought = Arc<dyn Fn(Option<&str>) -> Result<Vec<u8>, RpcRejected> + Send + Sync>;

/// A transaction's bytes or its name, and how long the caller waits for it.
pub type Patient<T> = (T, Duration);

/// Reads out of its arguments what is waited for, and how long.
type Waits = Arc<dyn Fn(Option<&str>) -> Result<Patient<Awaited>, RpcRejected> + Send + Sync>;

/// What a method does, and so which way it takes.
enum Kind {
    Known(Answer),
    Read(Answer),
    Trace(Answer),
    Submission(Brought),
    Waits(Waits, Look),
}

/// All methods, before they are served.
#[derive(Default)]
pub struct Methods(Vec<(&'static str, Kind)>);

impl Methods {
    /// A method that changes nothing, and answers from memory in no time: it waits for no place.
    pub fn known<A, R>(&mut self, name: &'static str, answer: fn(&Node, A) -> Result<R, RpcRejected>)
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        self.0.push((name, Kind::Known(in_json(answer))));
    }

    /// A method that changes nothing.
    pub fn read<A, R>(&mut self, name: &'static str, answer: fn(&Node, A) -> Result<R, RpcRejected>)
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        self.0.push((name, Kind::Read(in_json(answer))));
    }

    /// A method that changes nothing but what is kept for who asks.
    pub fn keep<A, R>(&mut self, name: &'static str, answer: fn(&Node, Client, A) -> Result<R, RpcRejected>)
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        let answer =
            move |node: &Node, client, parameters: Option<&str>| to_json(&answer(node, client, A::read(parameters)?)?);
        self.0.push((name, Kind::Read(Arc::new(answer))));
    }

    /// A method that changes nothing, and may take seconds.
    pub fn trace<A, R>(&mut self, name: &'static str, answer: fn(&Node, A) -> Result<R, RpcRejected>)
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        self.0.push((name, Kind::Trace(in_json(answer))));
    }

    /// A method that brings a transaction, and answers with its hash.
    pub fn submission<A>(&mut self, name: &'static str, raw: fn(A) -> Vec<u8>)
    where
        A: Arguments + 'static,
    {
        self.0.push((name, Kind::Submission(Arc::new(move |parameters| A::read(parameters).map(raw)))));
    }

    /// A method that brings a transaction, waits until it is in a block, and answers what `look` says of it then.
    pub fn awaited_submission<A, R>(
        &mut self,
        name: &'static str,
        brought: fn(A) -> Result<Patient<Vec<u8>>, RpcRejected>,
        look: fn(&Node, (Hash32,)) -> Result<Option<R>, RpcRejected>,
    ) where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        let waits: Waits = Arc::new(move |parameters| {
            let (raw, patience) = brought(A::read(parameters)?)?;
            Ok((Awaited::Brought(raw), patience))
        });
        self.0.push((name, Kind::Waits(waits, in_json_once_ran(look))));
    }

    /// A method that waits until a transaction is in a block, whoever brings it, and answers what `look` says of it then.
    pub fn wait<A, R>(
        &mut self,
        name: &'static str,
        named: fn(A) -> Result<Patient<Hash32>, RpcRejected>,
        look: fn(&Node, (Hash32,)) -> Result<Option<R>, RpcRejected>,
    ) where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        let waits: Waits = Arc::new(move |parameters| {
            let (hash, patience) = named(A::read(parameters)?)?;
            Ok((Awaited::Named(hash), patience))
        });
        self.0.push((name, Kind::Waits(waits, in_json_once_ran(look))));
    }

    /// The names, in the order of registration.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(name, _)| *name)
    }

    /// The names of those that bring transactions and do not wait for them.
    pub fn submissions(&self) -> Arc<[&'static str]> {
        let is_submission = |(_, kind): &&(&'static str, Kind)| matches!(kind, Kind::Submission(_));
        self.0.iter().filter(is_submission).map(|(name, _)| *name).collect()
    }

    /// Puts every method of the announced node on its way: those that read, to the lane `reads`, and those that take longer to `traces`.
    pub fn into_module(
        self,
        announcements: Arc<Announcements>,
        reads: &Lane,
        traces: &Lane,
        counters: &Arc<Counters>,
    ) -> RpcModule<Node> {
        let node = Arc::clone(announcements.node());
        let backend = Arc::clone(&node.backend);
        let submissions = Submissions::start(move |raw| backend.submit(raw), node.config.waiting_max);
        let ways = Ways::new(submissions.clone(), announcements);
        let mut module = RpcModule::from_arc(node);
        for (name, kind) in self.0 {
            let lane = if matches!(kind, Kind::Trace(_)) { traces } else { reads };
            let (lane, counters) = (lane.clone(), Arc::clone(counters));
            let (submissions, ways) = (submissions.clone(), ways.clone());
            let registered = match kind {
                Kind::Known(answer) => module.register_async_method(name, move |parameters, node, extensions| {
                    let started = Instant::now();
                    let answered = answer(&node, Asker::client_in(&extensions), parameters.as_str());
                    counters.count(name, &answered, started.elapsed());
                    std::future::ready(answered.map_err(ErrorObjectOwned::from))
                }),
                Kind::Read(answer) | Kind::Trace(answer) => {
                    module.register_async_method(name, move |parameters, node, extensions| {
                        let (lane, counters, answer) = (lane.clone(), Arc::clone(&counters), Arc::clone(&answer));
                        let client = Asker::client_in(&extensions);
                        async move {
                            let started = Instant::now();
                            let answered =
                                lane.run_for(client, move || answer(&node, client, parameters.as_str())).await;
                            counters.count(name, &answered, started.elapsed());
                            answered.map_err(ErrorObjectOwned::from)
                        }
                    })
                }
                Kind::Waits(waits, look) => module.register_async_method(name, move |parameters, _, extensions| {
                    let (ways, counters, look) = (ways.clone(), Arc::clone(&counters), Arc::clone(&look));
                    let waits = waits(parameters.as_str());
                    let waiter = Waiter {
                        client: Asker::client_in(&extensions),
                        parameters: Parameters::of(&extensions, parameters.as_str()),
                    };
                    async move {
                        let started = Instant::now();
                        let answered = match waits {
                            Ok((awaited, patience)) => awaiting::until_ran(ways, waiter, awaited, patience, look).await,
                            Err(refused) => Err(refused),
                        };
                        counters.count(name, &answered, started.elapsed());
                        answered.map_err(ErrorObjectOwned::from)
                    }
                }),
                Kind::Submission(brought) => module.register_async_method(name, move |parameters, _, _| {
                    let (submissions, counters) = (submissions.clone(), Arc::clone(&counters));
                    let brought = brought(parameters.as_str());
                    async move {
                        let started = Instant::now();
                        let answered = match brought {
                            Ok(raw) => submissions.submit(raw).await,
                            Err(refused) => Err(refused),
                        };
                        counters.count(name, &answered, started.elapsed());
                        answered.map_err(ErrorObjectOwned::from)
                    }
                }),
            };
            registered.expect("every name is registered once; a test holds it");
        }
        module
    }
}

fn in_json<A, R>(answer: fn(&Node, A) -> Result<R, RpcRejected>) -> Answer
where
    A: Arguments + 'static,
    R: Serialize + 'static,
{
    Arc::new(move |node, _, parameters| to_json(&answer(node, A::read(parameters)?)?))
}

fn in_json_once_ran<R: Serialize + 'static>(look: fn(&Node, (Hash32,)) -> Result<Option<R>, RpcRejected>) -> Look {
    Arc::new(move |node, hash| look(node, (hash,))?.as_ref().map(to_json).transpose())
}

/// A value as an answer holds it.
///
/// # Errors
/// [`RpcRejected::Internal`] for one without a JSON form: a defect.
pub fn to_json<R: Serialize>(value: &R) -> Result<Box<RawValue>, RpcRejected> {
    to_raw_value(value).map_err(|why| {
        tracing::error!(%why, "an answer has no JSON form");
        RpcRejected::Internal("the answer has no JSON form")
    })
}
