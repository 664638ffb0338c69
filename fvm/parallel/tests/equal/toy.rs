//! A small machine: programs over numbered cells.
//!
//! | module | holds |
//! |---|---|
//! | `order` | the programs of a block one after the other: the specification |
//! | `block` | the same as a block for threads |
//! | `lanes` | the same in lanes |
//! | `draw` | programs at random |

mod block;
mod draw;
mod lanes;
mod order;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tributary_parallel::{Value, Write};

pub use self::block::{Output, Start};
pub use self::draw::toy;
pub use self::lanes::check_lanes;
pub use self::order::fold;

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
    /// Asks for a cell that cannot be read, on a guess or not, when the accumulator is a multiple of four.
    Fail,
    /// Panics, on a guess or not, when the accumulator is a multiple of seven.
    Die,
    /// Lets others go first.
    Yield,
    /// Asks the test, wherever there are threads.
    #[cfg_attr(shuttle, allow(dead_code, reason = "no test that asks runs in a model"))]
    Ask(Hook),
}

/// What a test does in the middle of a program: it is told whether this is a guess, and says whether the program goes on.
#[derive(Clone)]
pub struct Hook(pub Arc<dyn Fn(bool) -> Result<(), Halt> + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the test's")
    }
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

/// Why a program cannot go on. No receipt says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A cell cannot be read.
    Lost,
    /// It panics.
    Dies,
}

/// How a block ends that does not get to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At this transaction.
    Failed(usize),
    /// In a panic.
    Died,
}

impl Halt {
    const fn at(self, index: usize) -> Stop {
        match self {
            Self::Lost => Stop::Failed(index),
            Self::Dies => Stop::Died,
        }
    }
}

/// A block of programs.
#[derive(Clone, Debug)]
pub struct Toy {
    pub programs: Vec<Program>,
    /// What all may cost together.
    pub budget: u64,
}

/// Cells that can be read.
const CELLS: u8 = 12;

/// One that cannot.
const LOST: u8 = CELLS;

/// Every cell before the block.
const fn before(key: u8) -> Result<Number, Halt> {
    if key == LOST { Err(Halt::Lost) } else { Ok(Number(key as u64 * 1_000)) }
}

/// What a program sees: the same for both ways to run it.
trait Cells {
    fn read(&mut self, key: u8) -> Result<u64, Halt>;
    fn is_guess(&self) -> bool;
    fn ask(&self, hook: &Hook) -> Result<(), Halt>;
}

type Writes = BTreeMap<u8, Write<Number>>;

fn run(program: &Program, cells: &mut impl Cells) -> Result<(Receipt, Writes), Halt> {
    let mut writes = Writes::new();
    let (mut accumulator, mut skip) = (program.sender as u64, 0);
    for step in &program.steps {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        match step {
            Step::Read(key) => accumulator = mix(accumulator, read(*key, &writes, cells)?),
            Step::Follow => {
                let key = (accumulator % u64::from(CELLS)) as u8;
                accumulator = mix(accumulator, read(key, &writes, cells)?);
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
                return Ok((Receipt { accumulator, cost: program.cost, ended: Ended::Reverted }, Writes::new()));
            }
            Step::Break if cells.is_guess() && accumulator % 5 == 0 => return Err(Halt::Dies),
            Step::Fail if accumulator % 4 == 0 => accumulator = mix(accumulator, cells.read(LOST)?),
            Step::Die if accumulator % 7 == 0 => return Err(Halt::Dies),
            Step::Yield if cells.is_guess() => yield_now(),
            Step::Ask(hook) => cells.ask(hook)?,
            Step::SkipIfOdd(_) | Step::Revert | Step::Break | Step::Fail | Step::Die | Step::Yield => {}
        }
    }
    Ok((Receipt { accumulator, cost: program.cost, ended: Ended::Well }, writes))
}

const fn mix(accumulator: u64, value: u64) -> u64 {
    accumulator.wrapping_mul(31).wrapping_add(value)
}

/// A cell as the program itself has left it.
fn read(key: u8, writes: &Writes, cells: &mut impl Cells) -> Result<u64, Halt> {
    Ok(match writes.get(&key) {
        Some(Write::Set(value)) => value.0,
        Some(Write::Add(amount)) => cells.read(key)?.wrapping_add(amount.0),
        None => cells.read(key)?,
    })
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
