//! What of the state transactions can collide in.
//!
//! | cell | holds | who writes it |
//! |---|---|---|
//! | head | code, state root and f4 address of an actor; nothing for no actor | who makes, deletes or upgrades it; a WASM actor with every new root |
//! | account | nonce and balance of an actor | its own transactions; whoever pays it by a contract. A plain transfer only *adds* to the receiver's |
//! | contract | code and nonce of a contract, and a generation | its making; its making others |
//! | slot | of a contract, in one generation | the contract |
//! | entry | what an actor keeps under one key | the actor |
//! | name | the actor behind an address that named nobody before the block | who makes that actor |
//! | next id | of the next new actor | who makes any |
//!
//! A contract made where slots lie already begins a new generation: the old slots have other names, and need not be cleared. Codes and
//! blocks of state are no cells: they are named by what they are.
//!
//! Fees are no cells either: they are folded in at the block's end, so nobody collides in the proposer's balance.

use std::sync::Arc;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::primitives::U256;
use tributary_parallel::Value;
use tributary_primitives::EntryKey;

use crate::error::StateFatal;
use crate::state::ActorHead;
use crate::state::contract::ContractHead;

/// Names a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Head(ActorID),
    Account(ActorID),
    Contract(ActorID),
    Slot(ActorID, Generation, U256),
    Entry(ActorID, EntryKey),
    Name(Address),
    NextId,
}

/// How often a contract was made at an actor within the block.
pub(crate) type Generation = u32;

/// What a cell holds, by the kind of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Head(Option<Arc<ActorHead>>),
    /// Nonce, and balance in attoTRB.
    Account(u64, U256),
    /// An amount on top of a balance.
    Credit(U256),
    Contract(Option<Arc<ContractHead>>, Generation),
    Slot(U256),
    Entry(Option<Arc<[u8]>>),
    Name(Option<ActorID>),
    NextId(ActorID),
}

impl Value for Cell {
    fn plus(&self, amount: &Self) -> Self {
        // What circulates is far below 2^256, and no transaction makes money.
        match (self, amount) {
            (Self::Account(nonce, balance), Self::Credit(more)) => Self::Account(*nonce, balance.wrapping_add(*more)),
            (Self::Credit(amount), Self::Credit(more)) => Self::Credit(amount.wrapping_add(*more)),
            _ => self.clone(),
        }
    }

    fn apart(&self) -> Self {
        match self {
            Self::Head(Some(head)) => Self::Head(Some(Arc::new(ActorHead::clone(head)))),
            Self::Contract(Some(head), generation) => {
                Self::Contract(Some(Arc::new(ContractHead::clone(head))), *generation)
            }
            other => other.clone(),
        }
    }
}

/// Reads a cell as what its name says it is.
macro_rules! read_as {
    ($name:ident, $variant:ident($($part:ident),+), $type:ty) => {
        impl Cell {
            pub(super) fn $name(self) -> Result<$type, StateFatal> {
                match self {
                    Self::$variant($($part),+) => Ok(($($part),+)),
                    other => Err(StateFatal::Invariant(format!("a cell holds {other:?} instead of a {}", stringify!($name)))),
                }
            }
        }
    };
}

read_as!(head, Head(head), Option<Arc<ActorHead>>);
read_as!(account, Account(nonce, balance), (u64, U256));
read_as!(slot, Slot(value), U256);
read_as!(entry, Entry(value), Option<Arc<[u8]>>);
read_as!(contract, Contract(head, generation), (Option<Arc<ContractHead>>, Generation));
read_as!(name, Name(id), Option<ActorID>);
read_as!(next_id, NextId(id), ActorID);
