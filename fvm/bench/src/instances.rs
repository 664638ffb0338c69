//! What a call of an actor costs, by how its instance gets its memory: engines that differ in that alone take turns in one process.
//!
//! ```text
//! each round ─▶ each way, beginning with another one every time ─▶ calls: an instance is made, the method runs on it, it is cleared
//! ```
//!
//! The method reads and writes: what is saved when an instance is made may have to be paid when its pages are first touched, or
//! when they are cleared for the next one, and all of it is in what is measured.

mod world;

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use fvm_shared::error::ExitCode;
use tributary_primitives::raw_cid;
use tributary_wasm::{Allocation, Code, Engine, Gas, GasTracker, Invocation, NATIVE_STACK_BYTES, Purpose, invoke};

use self::world::{Actor, World};
use crate::clock::{Cost, timed};

/// Calls of one way before it is another's turn.
pub const CALLS: usize = 2_000;

/// Gas of a call, of which neither method needs a hundredth.
const GAS: u64 = 10_000_000_000;

/// Every way, the node's first.
const WAYS: [(Allocation, &str); 4] = [
    (Allocation::NODES, "slots, data copied"),
    (Allocation { is_pooled: true, has_images: true }, "slots, copy-on-write"),
    (Allocation { is_pooled: false, has_images: false }, "mmap, data copied"),
    (Allocation { is_pooled: false, has_images: true }, "mmap, copy-on-write"),
];

/// What a call costs in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is called.
    pub call: &'static str,
    /// How the instance gets its memory.
    pub way: &'static str,
    /// CPU time of a call.
    pub cost: Cost,
    /// How many times as long as the node's way takes, in hundredths.
    pub hundredths: u64,
    /// Of a call: the same in every way, or the ways would do different things.
    pub gas: Gas,
}

/// The token's `Transfer` and the checkpoint actor's `LatestCheckpoint`, so many calls in each of so many rounds.
///
/// Cost: some seconds to compile, then 50 µs a call and way at most.
///
/// # Errors
/// When an engine does not start, a call does not go well, or the ways do not agree.
pub fn compare(rounds: usize, calls: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for actor in [Actor::token()?, Actor::checkpoint()?] {
        rows.extend(compare_on(&actor, rounds, calls)?);
    }
    Ok(rows)
}

/// One way to call one actor.
struct Way<'a> {
    actor: &'a Actor,
    engine: Engine<Box<World>>,
    code: Arc<Code<Box<World>>>,
    world: Option<Box<World>>,
    nanos: Vec<u64>,
    gas: Gas,
}

impl<'a> Way<'a> {
    fn new(actor: &'a Actor, allocation: Allocation) -> Result<Self> {
        let engine = Engine::allocating(NonZeroU32::MIN, None, allocation)?;
        let code = engine.load(raw_cid(actor.wasm), actor.wasm, Purpose::Block)??;
        Ok(Self { actor, engine, code, world: Some(Box::new(actor.world())), nanos: Vec::new(), gas: Gas::ZERO })
    }

    fn call(&mut self, invocation: Invocation) -> Result<()> {
        let mut gas = GasTracker::new(GAS);
        let world = self.world.take().context("an earlier call failed")?;
        let (world, outcome) = invoke(&self.engine, &self.code, world, &mut gas, invocation);
        let outcome = outcome?;
        ensure!(outcome.exit_code == ExitCode::OK, "{} ended with {outcome:?}", self.actor.call);
        (self.world, self.gas) = (Some(world), gas.used());
        Ok(())
    }

    fn round(&mut self, calls: usize) -> Result<()> {
        let invocations = vec![self.actor.invocation()?; calls];
        let (done, time) = timed(|| invocations.into_iter().try_for_each(|invocation| self.call(invocation)));
        self.nanos.push(time.cpu);
        done
    }
}

fn compare_on(actor: &Actor, rounds: usize, calls: usize) -> Result<Vec<Row>> {
    let ways = WAYS.iter().map(|(allocation, _)| Way::new(actor, *allocation)).collect::<Result<Vec<_>>>()?;
    let ways = on_deep_stack(move || take_turns(ways, rounds, calls))?;
    let costs: Option<Vec<_>> = ways.iter().map(|way| Cost::of(&way.nanos, calls)).collect();
    let costs = costs.context("there are rounds and calls")?;
    let row = |((name, way), cost): ((&'static str, &Way<'_>), &Cost)| Row {
        call: actor.call,
        way: name,
        cost: *cost,
        hundredths: costs[0].hundredths_of(cost),
        gas: way.gas,
    };
    let rows: Vec<_> = WAYS.map(|(_, name)| name).into_iter().zip(&ways).zip(&costs).map(row).collect();
    ensure!(rows.iter().all(|row| row.gas == rows[0].gas), "gas depends on where memory comes from: {rows:?}");
    Ok(rows)
}

fn take_turns(mut ways: Vec<Way<'_>>, rounds: usize, calls: usize) -> Result<Vec<Way<'_>>> {
    let count = ways.len();
    // Slots are touched and maps are filled before it counts.
    ways.iter_mut().try_for_each(|way| way.round(calls))?;
    ways.iter_mut().for_each(|way| way.nanos.clear());
    for round in 0..rounds {
        (0..count).try_for_each(|turn| ways[(round + turn) % count].round(calls))?;
    }
    Ok(ways)
}

/// A call of an actor needs more stack than a thread has by itself.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(NATIVE_STACK_BYTES).spawn_scoped(scope, work)?;
        thread.join().expect("calls do not panic")
    })
}

/// The rows as a table: microseconds of a call, the median of all rounds and their spread.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| call | memory of an instance | a call | times the node's |\n|---|---|---|---|");
    for Row { call, way, cost, hundredths, .. } in rows {
        let _ = write!(text, "\n| {call} | {way} | {cost} | {}.{:02} |", hundredths / 100, hundredths % 100);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_does_the_same_and_the_nodes_is_what_all_are_measured_by() {
        let rows = compare(2, 3).unwrap();
        let ways: Vec<_> = rows.iter().map(|row| (row.call, row.way)).collect();
        let of = |call| WAYS.map(|(_, way)| (call, way));
        assert_eq!(ways, [of("token `Transfer`"), of("checkpoint actor `LatestCheckpoint`")].concat());
        assert_eq!((rows[0].hundredths, rows[4].hundredths), (100, 100));
        assert!(rows.iter().all(|row| row.cost.least > 0 && row.gas > Gas::ZERO));
        assert_ne!(rows[0].gas, rows[4].gas, "the actors do different things");
        assert_eq!(table(&rows).lines().count(), 2 + 8);
    }

    #[test]
    fn a_transfer_leaves_what_it_moved() {
        let actor = Actor::token().unwrap();
        let mut way = Way::new(&actor, Allocation::NODES).unwrap();
        let left = on_deep_stack(move || {
            way.round(3)?;
            Ok(way.world.context("it comes back")?.balances())
        });
        assert_eq!(left.unwrap(), [u64::MAX / 2 - 3, 3]);
    }
}
