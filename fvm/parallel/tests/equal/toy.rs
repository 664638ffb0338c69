//! A small machine: programs over numbered cells, run in order by twenty lines that know nothing of threads.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use tributary_parallel::{Block, Ground, Ran, Value, View, Write};

/// A cell's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

impl Value for Number {
    fn plus(&self, amount: &Self) -> Self {
        Self(self.0.wrapping_add(amount.0))
    }
}

/// One step of a program, over an accumulator.
#[derive(Clone, Debug)]
pub enum Step {
    /// Mixes a cell into the accumulator.
    Read(u8),
    /// Mixes into it the cell that the accumulator names.
    Follow,
    /// Sets a cell to the accumulator.
    Set(u8),
    /// Adds to a cell, unread.
    Add(u8, u64),
    /// Skips the next steps when the accumulator is odd.
    SkipIfOdd(u8),
    /// Undoes all and ends when the accumulator is a multiple of three.
    Revert,
    /// Panics on a guess when the accumulator is a multiple of five.
    Break,
    /// Lets others go first.
    Yield,
}

/// A transaction.
#[derive(Clone, Debug)]
pub struct Program {
    pub sender: u8,
    pub cost: u64,
    pub steps: Vec<Step>,
}

/// What it leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub accumulator: u64,
    pub cost: u64,
    pub ended: Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    Reverted,
    NoRoom,
}

/// A block of programs.
#[derive(Clone, Debug)]
pub struct Toy {
    pub programs: Vec<Program>,
    /// What all may cost together.
    pub budget: u64,
}

const CELLS: u8 = 12;

/// What a program sees and changes: the same for both ways to run it.
trait Cells {
    fn read(&mut self, key: u8) -> u64;
    fn is_guess(&self) -> bool;
}

/// Every cell before the block.
const fn before(key: u8) -> Number {
    Number(key as u64 * 1_000)
}

fn run(program: &Program, cells: &mut impl Cells) -> (Receipt, BTreeMap<u8, Write<Number>>) {
    let mut writes = BTreeMap::<u8, Write<Number>>::new();
    let (mut accumulator, mut skip) = (program.sender as u64, 0);
    let read =
        |cells: &mut dyn FnMut(u8) -> u64, writes: &mut BTreeMap<u8, Write<Number>>, key: u8| match writes.get(&key) {
            Some(Write::Set(value)) => value.0,
            Some(Write::Add(amount)) => cells(key).wrapping_add(amount.0),
            None => cells(key),
        };
    for step in &program.steps {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let mix = |accumulator: u64, value: u64| accumulator.wrapping_mul(31).wrapping_add(value);
        match step {
            Step::Read(key) => accumulator = mix(accumulator, read(&mut |key| cells.read(key), &mut writes, *key)),
            Step::Follow => {
                let key = (accumulator % u64::from(CELLS)) as u8;
                accumulator = mix(accumulator, read(&mut |key| cells.read(key), &mut writes, key));
            }
            Step::Set(key) => drop(writes.insert(*key, Write::Set(Number(accumulator)))),
            Step::Add(key, amount) => {
                let write = match writes.remove(key) {
                    Some(Write::Set(value)) => Write::Set(value.plus(&Number(*amount))),
                    Some(Write::Add(before)) => Write::Add(before.plus(&Number(*amount))),
                    None => Write::Add(Number(*amount)),
                };
                writes.insert(*key, write);
            }
            Step::SkipIfOdd(steps) if accumulator % 2 == 1 => skip = *steps,
            Step::Revert if accumulator % 3 == 0 => {
                return (Receipt { accumulator, cost: program.cost, ended: Ended::Reverted }, BTreeMap::new());
            }
            Step::Break if cells.is_guess() && accumulator % 5 == 0 => std::panic::resume_unwind(Box::new("a guess")),
            Step::Yield if cells.is_guess() => yield_now(),
            Step::SkipIfOdd(_) | Step::Revert | Step::Break | Step::Yield => {}
        }
    }
    (Receipt { accumulator, cost: program.cost, ended: Ended::Well }, writes)
}

#[cfg(shuttle)]
fn yield_now() {
    shuttle::thread::yield_now();
}

#[cfg(not(shuttle))]
fn yield_now() {
    std::thread::yield_now();
}

const fn no_room() -> Receipt {
    Receipt { accumulator: 0, cost: 0, ended: Ended::NoRoom }
}

impl Toy {
    /// The specification.
    pub fn in_order(&self) -> (Vec<Receipt>, BTreeMap<u8, u64>) {
        struct Plain(BTreeMap<u8, u64>);
        impl Cells for Plain {
            fn read(&mut self, key: u8) -> u64 {
                self.0.get(&key).copied().unwrap_or(before(key).0)
            }
            fn is_guess(&self) -> bool {
                false
            }
        }
        let (mut cells, mut spent) = (Plain(BTreeMap::new()), 0);
        let mut step = |program: &Program| {
            if spent + program.cost > self.budget {
                return no_room();
            }
            let (receipt, writes) = run(program, &mut cells);
            spent += receipt.cost;
            for (key, write) in writes {
                let value = match write {
                    Write::Set(value) => value.0,
                    Write::Add(amount) => cells.read(key).wrapping_add(amount.0),
                };
                cells.0.insert(key, value);
            }
            receipt
        };
        let receipts = self.programs.iter().map(&mut step).collect();
        (receipts, cells.0)
    }
}

/// What every block runs on.
pub struct Start;

impl Ground for Start {
    type Key = u8;
    type Value = Number;
    type Fatal = Infallible;

    fn load(&self, key: &u8) -> Result<Number, Infallible> {
        Ok(before(*key))
    }
}

struct Seen<'a>(&'a mut View<Start>, bool);

impl Cells for Seen<'_> {
    fn read(&mut self, key: u8) -> u64 {
        self.0.read(&key).unwrap_or_else(|never| match never {}).0
    }

    fn is_guess(&self) -> bool {
        self.1
    }
}

/// A receipt, and what was written.
pub type Output = (Receipt, Vec<(u8, Write<Number>)>);

impl Block for Toy {
    type Ground = Start;
    type Output = Output;
    type Tally = u64;
    type Worker = ();
    type Fatal = Infallible;

    fn len(&self) -> usize {
        self.programs.len()
    }

    fn after(&self, index: usize) -> Option<usize> {
        let sender = self.programs[index].sender;
        self.programs[..index].iter().rposition(|program| program.sender == sender)
    }

    fn worker(&self) {}

    fn run(
        &self,
        (): &mut (),
        index: usize,
        mut view: View<Start>,
        spent: Option<&u64>,
    ) -> Result<Ran<Self>, Infallible> {
        let program = &self.programs[index];
        if spent.is_some_and(|spent| spent + program.cost > self.budget) {
            return Ok(Ran { view, writes: Vec::new(), output: (no_room(), Vec::new()) });
        }
        let (receipt, writes) = run(program, &mut Seen(&mut view, spent.is_none()));
        let writes: Vec<_> = writes.into_iter().collect();
        Ok(Ran { view, writes: writes.clone(), output: (receipt, writes) })
    }

    fn fits(&self, spent: &u64, _: usize, output: &Self::Output) -> bool {
        spent + output.0.cost <= self.budget
    }

    fn count(&self, spent: &mut u64, output: &Self::Output) {
        *spent += output.0.cost;
    }
}

/// The cells after the outputs, one after the other.
pub fn fold(outputs: &[Output]) -> (Vec<Receipt>, BTreeMap<u8, u64>) {
    let mut cells = BTreeMap::new();
    for (_, writes) in outputs {
        for (key, write) in writes {
            let old = cells.get(key).copied().unwrap_or(before(*key).0);
            let new = match write {
                Write::Set(value) => value.0,
                Write::Add(amount) => old.wrapping_add(amount.0),
            };
            cells.insert(*key, new);
        }
    }
    (outputs.iter().map(|(receipt, _)| receipt.clone()).collect(), cells)
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..CELLS).prop_map(Step::Read),
        1 => Just(Step::Follow),
        4 => (0..CELLS).prop_map(Step::Set),
        3 => (0..CELLS, 1..100_u64).prop_map(|(key, amount)| Step::Add(key, amount)),
        1 => (1..3_u8).prop_map(Step::SkipIfOdd),
        1 => Just(Step::Revert),
        1 => Just(Step::Break),
        2 => Just(Step::Yield),
    ]
}

pub fn toy(programs: std::ops::Range<usize>) -> impl Strategy<Value = Toy> {
    let program = (0..6_u8, 1..10_u64, prop::collection::vec(step(), 0..8)).prop_map(|(sender, cost, steps)| Program {
        sender,
        cost,
        steps,
    });
    let budget = prop_oneof![3 => Just(u64::MAX / 2), 1 => 0..200_u64];
    (prop::collection::vec(program, programs), budget).prop_map(|(programs, budget)| Toy { programs, budget })
}
