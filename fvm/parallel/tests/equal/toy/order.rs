//! The specification: one program after the other, by lines that know nothing of threads.

use std::collections::BTreeMap;

use tributary_parallel::Write;

use super::{Cells, Halt, Hook, Number, Output, Program, Receipt, Stop, Toy, before, no_room, run};

/// What a block comes to: receipts, and the cells written.
pub type Left = (Vec<Receipt>, BTreeMap<u8, u64>);

/// The cells in order.
struct Plain(BTreeMap<u8, u64>);

impl Cells for Plain {
    fn read(&mut self, key: u8) -> Result<u64, Halt> {
        self.0.get(&key).map_or_else(|| before(key).map(|number| number.0), |value| Ok(*value))
    }

    fn is_guess(&self) -> bool {
        false
    }

    fn ask(&self, _: &Hook) -> Result<(), Halt> {
        Ok(())
    }
}

impl Plain {
    fn write(&mut self, key: u8, write: Write<Number>) -> Result<(), Halt> {
        let value = match write {
            Write::Set(value) => value.0,
            Write::Add(amount) => self.read(key)?.wrapping_add(amount.0),
        };
        self.0.insert(key, value);
        Ok(())
    }
}

impl Toy {
    /// The specification.
    pub fn in_order(&self) -> Result<Left, Stop> {
        let (mut cells, mut spent) = (Plain(BTreeMap::new()), 0);
        let mut step = |program: &Program| {
            if spent + program.cost > self.budget {
                return Ok(no_room());
            }
            let (receipt, writes) = run(program, &mut cells)?;
            spent += receipt.cost;
            writes.into_iter().try_for_each(|(key, write)| cells.write(key, write))?;
            Ok(receipt)
        };
        let numbered = self.programs.iter().enumerate();
        let receipts = numbered.map(|(index, program)| step(program).map_err(|halt: Halt| halt.at(index)));
        let receipts = receipts.collect::<Result<_, _>>()?;
        Ok((receipts, cells.0))
    }
}

/// What these outputs come to, one after the other.
pub fn fold(outputs: &[Output]) -> Left {
    let mut cells = Plain(BTreeMap::new());
    for (_, writes) in outputs {
        let mut writes = writes.iter().cloned();
        writes.try_for_each(|(key, write)| cells.write(key, write)).expect("nobody writes to what cannot be read");
    }
    (outputs.iter().map(|(receipt, _)| receipt.clone()).collect(), cells.0)
}
