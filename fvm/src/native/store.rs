//! The blocks of a built-in actor's state, each access paid for.
//!
//! | access | is paid as |
//! |---|---|
//! | a block is read | opening it, holding it and copying all its bytes |
//! | a block is written | holding it, hashing it and keeping it |
//!
//! Prices are those of the syscalls that a WASM actor would use for the same; the syscalls themselves and the scan for links are left
//! out, as there are none. What is charged depends on the actor's own blocks alone.

use std::cell::{Cell, RefCell};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::error::ExitCode;
use tributary_primitives::layout::BLOCK_BYTES_MAX;
use tributary_wasm::{Gas, GasTracker, OutOfGas, prices};

use super::Refusal;
use crate::error::StateFatal;
use crate::journal::Journal;
use crate::journal::blocks::Blocks;
use crate::kernel::fatal;
use crate::state::StateView;

/// The journal as a store that charges.
pub(super) struct Metered<'a, V: StateView> {
    blocks: Blocks<'a, V>,
    gas: RefCell<&'a mut GasTracker>,
    stopped: Cell<Option<Stopped>>,
}

/// Why an access did not happen, if it was not the node's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Stopped {
    #[error("the gas limit is reached")]
    OutOfGas,
    #[error("a block has at most {BLOCK_BYTES_MAX} bytes")]
    TooLarge,
}

impl<'a, V: StateView> Metered<'a, V> {
    pub(super) const fn of(journal: &'a mut Journal<V>, gas: &'a mut GasTracker) -> Self {
        Self { blocks: Blocks::of(journal), gas: RefCell::new(gas), stopped: Cell::new(None) }
    }

    /// What a tree over this store complained of, by whose fault it was.
    pub(super) fn refusal(&self, broken: StateFatal) -> Refusal {
        match self.stopped.get() {
            Some(Stopped::OutOfGas) => Refusal::Halt(OutOfGas.into()),
            Some(Stopped::TooLarge) => Refusal::Exit(ExitCode::USR_ILLEGAL_STATE),
            None => fatal(broken).into(),
        }
    }

    fn charge(&self, gas: Gas) -> anyhow::Result<()> {
        self.gas.borrow_mut().charge(gas).map_err(|OutOfGas| self.stop(Stopped::OutOfGas))
    }

    fn stop(&self, why: Stopped) -> anyhow::Error {
        self.stopped.set(Some(why));
        why.into()
    }
}

impl<V: StateView> Blockstore for Metered<'_, V> {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.charge(prices::BLOCK_OPEN)?;
        let block = self.blocks.get(cid)?;
        if let Some(block) = &block {
            self.charge(prices::block_open(size_of(block), 0) + prices::block_read(block.len()))?;
        }
        Ok(block)
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        if block.len() > BLOCK_BYTES_MAX {
            return Err(self.stop(Stopped::TooLarge));
        }
        self.charge(prices::block_create(size_of(block), 0) + prices::block_link(size_of(block)))?;
        self.blocks.put_keyed(cid, block)
    }
}

fn size_of(block: &[u8]) -> u32 {
    u32::try_from(block.len()).unwrap_or(u32::MAX)
}
