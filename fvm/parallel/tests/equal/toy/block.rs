//! Programs as a block for threads.

use std::hash::{Hash, Hasher};

use tributary_parallel::{Block, Ground, Ran, View, Write};

use super::{Cells, Halt, Hook, Number, Receipt, Stop, Toy, before, no_room, run};

/// Names a cell. Every third has the same hash: a name is a name, and no digest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u8);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 % 3).hash(state);
    }
}

/// What every block runs on.
pub struct Start;

impl Ground for Start {
    type Key = Key;
    type Value = Number;
    type Fatal = Halt;

    fn load(&self, key: &Key) -> Result<Number, Halt> {
        before(key.0)
    }
}

struct Seen<'a>(&'a mut View<Start>, bool);

impl Cells for Seen<'_> {
    fn read(&mut self, key: u8) -> Result<u64, Halt> {
        self.0.read(&Key(key)).map(|number| number.0)
    }

    fn is_guess(&self) -> bool {
        self.1
    }

    fn ask(&self, hook: &Hook) -> Result<(), Halt> {
        (hook.0)(self.1)
    }
}

/// A receipt, and what was written.
pub type Output = (Receipt, Vec<(u8, Write<Number>)>);

impl Block for Toy {
    type Ground = Start;
    type Output = Output;
    type Tally = u64;
    type Worker = ();
    type Fatal = Stop;

    fn len(&self) -> usize {
        self.programs.len()
    }

    fn after(&self, index: usize) -> Option<usize> {
        let sender = self.programs[index].sender;
        self.programs[..index].iter().rposition(|program| program.sender == sender)
    }

    fn worker(&self) {}

    fn run(&self, (): &mut (), index: usize, mut view: View<Start>, spent: Option<&u64>) -> Result<Ran<Self>, Stop> {
        let program = &self.programs[index];
        if spent.is_some_and(|spent| spent + program.cost > self.budget) {
            return Ok(Ran { view, writes: Vec::new(), output: (no_room(), Vec::new()) });
        }
        match run(program, &mut Seen(&mut view, spent.is_none())) {
            Ok((receipt, writes)) => {
                let writes: Vec<_> = writes.into_iter().collect();
                let keyed = writes.iter().map(|(key, write)| (Key(*key), write.clone())).collect();
                Ok(Ran { view, writes: keyed, output: (receipt, writes) })
            }
            Err(Halt::Dies) => std::panic::resume_unwind(Box::new("a program that dies")),
            Err(halt) => Err(halt.at(index)),
        }
    }

    fn fits(&self, spent: &u64, _: usize, output: &Output) -> bool {
        spent + output.0.cost <= self.budget
    }

    fn count(&self, spent: &mut u64, output: &Output) {
        *spent += output.0.cost;
    }
}
