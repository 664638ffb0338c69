//! The state as a transaction finds it: the block's own, or what is guessed of it ahead of its turn.
//!
//! One type for both, so that both run on the same engine, with the same compiled code.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_primitives::{EntryKey, EthAddress};

use super::State;
use super::parallel::Speculation;
use crate::call::Leash;
use crate::error::StateFatal;
use crate::state::contract::ContractHead;
use crate::state::{Actor, ActorHead, StateView};

/// A view of the state.
pub(crate) enum View {
    /// Of a transaction in its turn: what was read is remembered for the next.
    InOrder(State),
    /// Of a call, which ends when nobody waits for it any more.
    Held(State, Leash),
    /// Of a transaction on a worker: what was read is recorded, to be held against what is final.
    Ahead(Box<Speculation>),
}

impl View {
    /// The block's state back from a transaction that ran in its turn.
    pub(super) fn into_state(self) -> Result<State, StateFatal> {
        match self {
            Self::InOrder(state) | Self::Held(state, _) => Ok(state),
            Self::Ahead(_) => Err(StateFatal::Invariant("a transaction came back with another's view".to_owned())),
        }
    }
}

/// Asks whichever view there is.
macro_rules! ask {
    ($view:expr, $question:ident($($argument:expr),*)) => {
        match $view {
            Self::InOrder(state) => state.$question($($argument),*),
            Self::Held(_, leash) if leash.is_cut() => Err(StateFatal::CutOff),
            Self::Held(state, _) => state.$question($($argument),*),
            Self::Ahead(speculation) => speculation.$question($($argument),*),
        }
    };
}

impl StateView for View {
    fn actor(&mut self, id: ActorID) -> Result<Option<Actor>, StateFatal> {
        ask!(self, actor(id))
    }

    fn head(&mut self, id: ActorID) -> Result<Option<Arc<ActorHead>>, StateFatal> {
        ask!(self, head(id))
    }

    fn resolve(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        ask!(self, resolve(address))
    }

    fn resolve_ethereum(&mut self, address: EthAddress) -> Result<Option<ActorID>, StateFatal> {
        ask!(self, resolve_ethereum(address))
    }

    fn contract(&mut self, id: ActorID) -> Result<Option<Arc<ContractHead>>, StateFatal> {
        ask!(self, contract(id))
    }

    fn slot(&mut self, id: ActorID, slot: U256) -> Result<U256, StateFatal> {
        ask!(self, slot(id, slot))
    }

    fn entry(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, StateFatal> {
        ask!(self, entry(id, key))
    }

    fn bytecode(&mut self, cid: &Cid) -> Result<Bytecode, StateFatal> {
        ask!(self, bytecode(cid))
    }

    fn code(&mut self, id: ActorID, head: &ContractHead) -> Result<Bytecode, StateFatal> {
        ask!(self, code(id, head))
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, StateFatal> {
        ask!(self, block(cid))
    }

    fn next_id(&mut self) -> ActorID {
        match self {
            Self::InOrder(state) | Self::Held(state, _) => state.next_id(),
            Self::Ahead(speculation) => speculation.next_id(),
        }
    }

    fn leash(&self) -> Option<&Leash> {
        match self {
            Self::Held(_, leash) => Some(leash),
            Self::InOrder(_) | Self::Ahead(_) => None,
        }
    }
}
