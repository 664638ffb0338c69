//! Runs transactions that are said to have nothing to do with each other in lanes, and holds the lanes against each other after.
//!
//! ```text
//! lane 0: ─ 0 ─── 2 ─ 3 ────── 7 ─▶ cells ┐   is there a cell that two lanes touched, and one of them wrote?
//! lane 1: ─── 1 ────── 4 ─ 5 ─ 6 ─▶ cells ┴─▶   no  ─▶ all is as it is in order
//!                                               yes ─▶ all before the second of the two is; the rest is for the caller to run
//! ```
//!
//! In its lane a transaction finds what those before it there left, as it would if the block ran in order. So there is nothing to
//! record, publish or wait for, and a cell costs a look into a map that nobody else sees: what a transaction costs in order, and a
//! little. A guess that is wrong costs what comes after it.
//!
//! | two lanes have of a cell | |
//! |---|---|
//! | one value, read by both | fine |
//! | amounts added by both, read by none | fine: they add up in any order |
//! | anything else | a collision, from the later of the two first times on |

mod lane;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use self::lane::Lane;
use crate::run::{NOBODY_ELSE, spawn};
use crate::sync::{Arc, thread};
use crate::view::{Sight, View};
use crate::{Block, Ran};

/// Collisions that are told; a lane can have as many as it has cells.
const COLLISIONS_MAX: usize = 1_024;

/// What lanes came to.
pub struct Lanes<B: Block> {
    /// What the first transactions left behind, in order: all of them, or as many as are surely what they are in order.
    pub outputs: Vec<B::Output>,
    /// All of these counted.
    pub tally: B::Tally,
    /// What the block ran on, unchanged.
    pub ground: B::Ground,
    /// How many transactions were run.
    pub ran: usize,
    /// Transactions of two lanes that met in a cell, for some of the cells where any did.
    pub collisions: Vec<[usize; 2]>,
}

/// Runs each of `lanes`, indices of transactions in ascending order, each in one lane, on a thread of its own. A transaction in no lane,
/// or one that panics or fails, is for the caller to run, and so are all after it.
///
/// Until all lanes are over an output of each transaction is held, and of each lane the cells that it touched: a block, where running
/// ahead holds a window.
///
/// # Panics
/// When a thread cannot be had.
pub fn in_lanes<B: Block>(
    block: &B,
    ground: B::Ground,
    lanes: &[Vec<usize>],
    stack_bytes: usize,
    mut tally: B::Tally,
) -> Lanes<B> {
    let ground = Arc::new(ground);
    let mut done: Vec<Option<Done<B>>> = lanes.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for (done, lane) in done.iter_mut().zip(lanes) {
            let ground = Arc::clone(&ground);
            spawn(scope, stack_bytes, move || *done = Some(run(block, ground, lane)));
        }
    });
    let done: Vec<_> = done.into_iter().flatten().collect();
    let ran = done.iter().map(|done| done.outputs.len()).sum();
    let (cells, outputs): (Vec<_>, Vec<_>) = done.into_iter().map(|done| (done.lane, done.outputs)).unzip();
    let (good, collisions) = judge(&cells);
    drop(cells);
    let outputs = commit(block, outputs, good, &mut tally);
    Lanes { outputs, tally, ground: Arc::into_inner(ground).expect(NOBODY_ELSE), ran, collisions }
}

/// What a lane came to.
struct Done<B: Block> {
    /// The cells that its transactions touched. None for a lane that broke: nobody knows what it touched.
    lane: Option<Lane<B::Ground>>,
    outputs: Vec<(usize, B::Output)>,
}

fn run<B: Block>(block: &B, ground: Arc<B::Ground>, turns: &[usize]) -> Done<B> {
    let mut worker = block.worker();
    let mut lane = Lane::new(ground, turns.len());
    let mut outputs = Vec::with_capacity(turns.len());
    for index in turns {
        let view = View(Sight::Lane(lane.at(*index)));
        let ran = catch_unwind(AssertUnwindSafe(|| block.run(&mut worker, *index, view, None)));
        let Ok(Ok(Ran { view: View(Sight::Lane(after)), writes, output })) = ran else {
            return Done { lane: None, outputs: Vec::new() };
        };
        lane = after;
        writes.into_iter().for_each(|(key, write)| lane.write(key, write));
        outputs.push((*index, output));
    }
    Done { lane: Some(lane), outputs }
}

/// The first transaction that may not be what it is in order, and who collided.
fn judge<G: crate::Ground>(lanes: &[Option<Lane<G>>]) -> (usize, Vec<[usize; 2]>) {
    let (mut good, mut collisions) = (usize::MAX, Vec::new());
    for (number, one) in lanes.iter().enumerate() {
        for other in &lanes[number + 1..] {
            let (Some(one), Some(other)) = (one, other) else { continue };
            one.meet(other, |from, who| {
                good = good.min(from);
                if collisions.len() < COLLISIONS_MAX {
                    collisions.push(who);
                }
            });
        }
    }
    (good, collisions)
}

/// The outputs before `good`, each counted, up to one that is missing or does not fit.
fn commit<B: Block>(
    block: &B,
    lanes: Vec<Vec<(usize, B::Output)>>,
    good: usize,
    tally: &mut B::Tally,
) -> Vec<B::Output> {
    let mut lanes: Vec<_> = lanes.into_iter().map(|outputs| outputs.into_iter().peekable()).collect();
    let mut outputs = Vec::with_capacity(block.len().min(good));
    while outputs.len() < block.len().min(good) {
        let index = outputs.len();
        let next = lanes.iter_mut().find_map(|lane| lane.next_if(|(turn, _)| *turn == index));
        let Some((_, output)) = next.filter(|(_, output)| block.fits(tally, index, output)) else { break };
        block.count(tally, &output);
        outputs.push(output);
    }
    outputs
}
