//! What workers stand on: the state before the block's transactions, and what is named by what it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use revm::bytecode::Bytecode;
use revm::primitives::U256;

use super::cells::{Cell, Generation, Key};
use crate::error::StateFatal;
use crate::executor::State;
use crate::state::leaf::{Leaf, Reads};
use crate::state::overlay::beside::{Found, LEAVES_MAX};
use crate::state::{SharedStore, StateView};

/// The ground of one block.
pub(crate) struct Ground {
    /// Nobody writes to it while workers run; what it has read it remembers.
    state: Mutex<State>,
    /// Where it reads leaves, if it does.
    reads: Option<Reads>,
    store: SharedStore,
    blocks: RwLock<Map<Arc<[u8]>>>,
    codes: RwLock<Map<Bytecode>>,
}

type Map<V> = HashMap<Cid, V, foldhash::fast::RandomState>;

impl Ground {
    pub(super) fn new(state: State) -> Self {
        let (reads, store) = (state.reads().cloned(), state.store().clone());
        Self { state: Mutex::new(state), reads, store, blocks: RwLock::default(), codes: RwLock::default() }
    }

    pub(super) fn into_state(self) -> State {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with all at hand that the look-up of `leaf` needs: what has to be read is read while others use the state.
    fn state_with(&self, leaf: &Leaf) -> Result<MutexGuard<'_, State>, StateFatal> {
        let mut state = self.state();
        let Some(reads) = &self.reads else { return Ok(state) };
        for _ in 0..LEAVES_MAX {
            let Some(lacking) = state.lacks(leaf) else { break };
            drop(state);
            let found = Found::read(reads, &lacking)?;
            state = self.state();
            state.take_in(found);
        }
        Ok(state)
    }

    pub(super) fn bytecode(&self, cid: &Cid) -> Result<Bytecode, StateFatal> {
        if let Some(code) = self.codes.read().unwrap_or_else(PoisonError::into_inner).get(cid) {
            return Ok(code.clone());
        }
        let code = self.state().bytecode(cid)?;
        self.keep_code(*cid, code.clone());
        Ok(code)
    }

    pub(super) fn keep_code(&self, cid: Cid, code: Bytecode) {
        self.codes.write().unwrap_or_else(PoisonError::into_inner).insert(cid, code);
    }

    /// A block of state: one that a transaction has written, or a stored one.
    pub(super) fn block(&self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal> {
        if let Some(block) = self.blocks.read().unwrap_or_else(PoisonError::into_inner).get(cid) {
            return Ok(Some(Arc::clone(block)));
        }
        Ok(self.store.get(cid).map_err(StateFatal::tree)?.map(Arc::from))
    }

    pub(super) fn keep_blocks(&self, blocks: &[(Cid, Arc<[u8]>)]) {
        if !blocks.is_empty() {
            let blocks = blocks.iter().map(|(cid, block)| (*cid, Arc::clone(block)));
            self.blocks.write().unwrap_or_else(PoisonError::into_inner).extend(blocks);
        }
    }
}

impl tributary_parallel::Ground for Ground {
    type Key = Key;
    type Value = Cell;
    type Fatal = StateFatal;

    fn load(&self, key: &Key) -> Result<Cell, StateFatal> {
        Ok(match key {
            Key::Head(id) => Cell::Head(self.state_with(&Leaf::Actor(*id))?.head(*id)?),
            Key::Account(id) => {
                let (nonce, balance) = self.state_with(&Leaf::Actor(*id))?.money(*id)?.unwrap_or_default();
                Cell::Account(nonce, balance)
            }
            Key::Contract(id) => Cell::Contract(self.state_with(&Leaf::Contract(*id))?.contract(*id)?, Generation::MIN),
            Key::Slot(id, Generation::MIN, slot) => {
                Cell::Slot(self.state_with(&Leaf::Slot(*id, *slot))?.slot(*id, *slot)?)
            }
            Key::Slot(..) => Cell::Slot(U256::ZERO),
            Key::Entry(id, key) => Cell::Entry(self.state_with(&Leaf::Entry(*id, *key))?.entry(*id, key)?),
            Key::Name(address) => Cell::Name(self.state_with(&Leaf::Name(*address))?.resolve(address)?),
            Key::NextId => Cell::NextId(self.state().next_id()),
        })
    }
}
