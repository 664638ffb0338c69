//! The table of methods: a name, a lane, and the function that answers.
//!
//! A method is a plain function from the node and a tuple of arguments to a value; everything around it is done here, once:
//! reading the arguments, the lane, the blocking pool, the JSON, the count and the refusal.

use std::sync::Arc;
use std::time::Instant;

use jsonrpsee::RpcModule;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::arguments::Arguments;
use crate::counters::Counters;
use crate::error::RpcRejected;
use crate::lane::Lane;
use crate::node::Node;

/// A method that reads its arguments and answers in JSON.
type Answer = Arc<dyn Fn(&Node, Option<&str>) -> Result<Box<RawValue>, RpcRejected> + Send + Sync>;

/// Which lane a method takes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Read,
    Submission,
}

/// All methods, before they are served.
#[derive(Default)]
pub struct Methods(Vec<(&'static str, Kind, Answer)>);

impl Methods {
    /// A method that changes nothing.
    pub fn read<A, R>(&mut self, name: &'static str, answer: fn(&Node, A) -> Result<R, RpcRejected>)
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        self.0.push((name, Kind::Read, in_json(answer)));
    }

    /// A method that brings a transaction.
    pub fn submission<A, R>(&mut self, name: &'static str, answer: fn(&Node, A) -> Result<R, RpcRejected>)
    where
        A: Arguments + 'static,
        R: Serialize + 'static,
    {
        self.0.push((name, Kind::Submission, in_json(answer)));
    }

    /// The names, in the order of registration.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(name, ..)| *name)
    }

    /// Puts every method on its lane.
    pub fn into_module(self, node: Node, counters: &Arc<Counters>) -> RpcModule<Node> {
        let waiting = node.config.waiting_max;
        let reads = Lane::new("reads", node.config.reads_max, waiting);
        let submissions = Lane::new("submissions", node.config.submissions_max, waiting);
        let mut module = RpcModule::new(node);
        for (name, kind, answer) in self.0 {
            let lane = match kind {
                Kind::Read => reads.clone(),
                Kind::Submission => submissions.clone(),
            };
            let counters = Arc::clone(counters);
            let registered = module.register_async_method(name, move |parameters, node, _| {
                let (lane, counters, answer) = (lane.clone(), Arc::clone(&counters), Arc::clone(&answer));
                async move {
                    let started = Instant::now();
                    let answered = lane.run(move || answer(&node, parameters.as_str())).await;
                    counters.count(name, &answered, started.elapsed());
                    answered.map_err(ErrorObjectOwned::from)
                }
            });
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
    Arc::new(move |node, parameters| {
        let value = answer(node, A::read(parameters)?)?;
        to_raw_value(&value).map_err(|why| {
            tracing::error!(%why, "an answer has no JSON form");
            RpcRejected::Internal("the answer has no JSON form")
        })
    })
}
