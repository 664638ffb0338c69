//! The state as a transaction finds it ahead of its turn, and what it writes there.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_parallel::{View as Cells, Write};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EntryKey, raw_cid};

use super::cells::{Cell, Generation, Key};
use super::ground::Ground;
use crate::error::StateFatal;
use crate::journal::changes::{ActorChange, Changes, ContractChange, EntryChange};
use crate::state::contract::ContractHead;
use crate::state::{Actor, ActorHead, Map, StateView};

/// One transaction's view.
pub(crate) struct Speculation {
    cells: Cells<Ground>,
    codes: Codes,
}

/// EVM code that a worker has used in this block, each a copy of its own: see [`tributary_parallel::Value::apart`].
pub(super) type Codes = Map<Cid, Bytecode>;

type Writes = tributary_parallel::Writes<Ground>;

impl Speculation {
    pub(super) const fn new(cells: Cells<Ground>, codes: Codes) -> Self {
        Self { cells, codes }
    }

    pub(super) fn into_parts(self) -> (Cells<Ground>, Codes) {
        (self.cells, self.codes)
    }

    fn head_of(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        self.cells.read(&Key::Head(id))?.head()
    }

    fn contract_of(&mut self, id: ActorID) -> Result<(Option<Arc<ContractHead>>, Generation), StateFatal> {
        self.cells.read(&Key::Contract(id))?.contract()
    }

    /// The writes that these changes are: a cell that stays what it is, is not written. Blocks and code are there for others at once.
    pub(super) fn writes(&mut self, changes: &Changes) -> Result<Writes, StateFatal> {
        self.cells.ground().keep_blocks(&changes.blocks);
        let mut writes = Writes::new();
        for change in &changes.actors {
            self.write_actor(change, &mut writes)?;
        }
        for EntryChange { id, key, value } in &changes.entries {
            let (key, entry) = (Key::Entry(*id, *key), Cell::Entry(value.clone()));
            if self.cells.seen(&key) != Some(&entry) {
                writes.push((key, Write::Set(entry)));
            }
        }
        let credits = changes.credits.iter();
        writes.extend(credits.map(|(id, amount)| (Key::Account(*id), Write::Add(Cell::Credit(*amount)))));
        writes.extend(changes.names.iter().map(|(name, id)| (Key::Name(*name), Write::Set(Cell::Name(Some(*id))))));
        writes.extend(changes.next_id.map(|id| (Key::NextId, Write::Set(Cell::NextId(id)))));
        Ok(writes)
    }

    fn write_actor(&mut self, change: &ActorChange, writes: &mut Writes) -> Result<(), StateFatal> {
        let id = change.id;
        let (head, nonce, balance) = match &change.actor {
            Some(Actor { head, nonce, balance }) => (Some(head), *nonce, *balance),
            None => (None, 0, U256::ZERO),
        };
        let before = self.head_of(id)?;
        if before.as_ref() != head {
            writes.push((Key::Head(id), Write::Set(Cell::Head(head.cloned()))));
        }
        let (key, account) = (Key::Account(id), Cell::Account(nonce, balance));
        if self.cells.seen(&key) != Some(&account) {
            writes.push((key, Write::Set(account)));
        }
        match &change.contract {
            Some(contract) if may_have_code(head) => {
                let (was, generation) = self.contract_of(id)?;
                self.write_contract(id, was, generation, contract, writes);
            }
            _ if may_have_code(before.as_ref()) && !may_have_code(head) => {
                let (_, generation) = self.contract_of(id)?;
                writes.push((Key::Contract(id), Write::Set(Cell::Contract(None, generation))));
            }
            _ => {}
        }
        Ok(())
    }

    fn write_contract(
        &self,
        id: ActorID,
        was: Option<Arc<ContractHead>>,
        generation: Generation,
        change: &ContractChange,
        writes: &mut Writes,
    ) {
        let is_new = change.is_new || was.is_none();
        let generation = if is_new { generation + 1 } else { generation };
        // The storage's root is brought up to date when the block is flushed; nobody reads it before.
        let before = was.as_deref().filter(|_| !is_new).cloned().unwrap_or_else(|| ContractHead::empty(raw_cid(&[])));
        let mut head = ContractHead { nonce: change.nonce, ..before };
        if let Some((hash, code)) = &change.code {
            head.bytecode = raw_cid(&code.original_bytes());
            head.code_hash = hash.0;
            self.cells.ground().keep_code(head.bytecode, code.clone());
        }
        if is_new || was.as_deref() != Some(&head) {
            writes.push((Key::Contract(id), Write::Set(Cell::Contract(Some(Arc::new(head)), generation))));
        }
        let slots = change.slots.iter();
        writes.extend(slots.map(|(slot, value)| (Key::Slot(id, generation, *slot), Write::Set(Cell::Slot(*value)))));
    }
}

/// Whether an actor's kind is one under which the EVM may find code.
fn may_have_code(head: Option<&Arc<ActorHead>>) -> bool {
    let builtin = head.and_then(|head| head.code.builtin());
    matches!(builtin, Some(BuiltinActor::Evm | BuiltinActor::EthAccount))
}

impl StateView for Speculation {
    fn actor(&mut self, id: ActorID) -> Result<Option<Actor>, StateFatal> {
        let Some(head) = self.head_of(id)? else { return Ok(None) };
        let (nonce, balance) = self.cells.read(&Key::Account(id))?.account()?;
        Ok(Some(Actor { head, nonce, balance }))
    }

    fn head(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        self.head_of(id)
    }

    fn resolve(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        self.cells.read(&Key::Name(*address))?.name()
    }

    fn contract(&mut self, id: ActorID) -> Result<Option<Arc<ContractHead>>, StateFatal> {
        Ok(self.contract_of(id)?.0)
    }

    fn slot(&mut self, id: ActorID, slot: U256) -> Result<U256, StateFatal> {
        match self.contract_of(id)? {
            (Some(_), generation) => self.cells.read(&Key::Slot(id, generation, slot))?.slot(),
            (None, _) => Ok(U256::ZERO),
        }
    }

    fn entry(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, StateFatal> {
        self.cells.read(&Key::Entry(id, *key))?.entry()
    }

    fn bytecode(&mut self, cid: &Cid) -> Result<Bytecode, StateFatal> {
        if let Some(code) = self.codes.get(cid) {
            return Ok(code.clone());
        }
        let code = self.cells.ground().bytecode(cid)?;
        let own = Bytecode::new_raw_checked(code.original_bytes());
        let own = own.map_err(|why| StateFatal::malformed(cid, "EVM code", why))?;
        self.codes.insert(*cid, own.clone());
        Ok(own)
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal> {
        self.cells.ground().block(cid)
    }

    fn next_id(&mut self) -> ActorID {
        // The cell holds an id, and loading it reads nothing.
        self.cells.read(&Key::NextId).and_then(Cell::next_id).unwrap_or(ActorID::MAX)
    }
}
