//! An actor as the executor has it in hand: what the tree keeps of it, its balance in the EVM's spelling.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use fvm_shared::{ActorID, EMPTY_ARR_CID};
use revm::primitives::U256;
use tributary_primitives::actors::BuiltinActor;

use crate::error::StateFatal;
use crate::money;

/// An actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// All but nonce and balance: read by many, changed by few.
    pub head: Arc<ActorHead>,
    /// The nonce of the next message from it.
    pub nonce: u64,
    /// What it has, in attoTRB.
    pub balance: U256,
}

/// An actor without balance and nonce, which revm's half of a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorHead {
    /// What runs it.
    pub code: ActorCode,
    /// The root of its state.
    pub state: Cid,
    /// Its f4 address, if it has one.
    pub delegated: Option<Address>,
}

/// What runs an actor: asked for at every step, so the name in it is read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorCode {
    cid: Cid,
    builtin: Option<BuiltinActor>,
}

impl ActorCode {
    /// The code's CID.
    #[must_use]
    pub const fn cid(&self) -> &Cid {
        &self.cid
    }

    /// Which built-in actor it is; `None` for installed code.
    #[must_use]
    pub const fn builtin(&self) -> Option<BuiltinActor> {
        self.builtin
    }

    /// Whether it is this built-in actor.
    #[must_use]
    pub fn is(&self, builtin: BuiltinActor) -> bool {
        self.builtin == Some(builtin)
    }
}

impl From<Cid> for ActorCode {
    fn from(cid: Cid) -> Self {
        Self { cid, builtin: BuiltinActor::from_code(&cid) }
    }
}

impl From<BuiltinActor> for ActorCode {
    fn from(builtin: BuiltinActor) -> Self {
        Self { cid: builtin.code(), builtin: Some(builtin) }
    }
}

impl Actor {
    /// A new one of built-in code, with nothing.
    #[must_use]
    pub fn new(code: BuiltinActor, delegated: Option<Address>) -> Self {
        let head = ActorHead { code: code.into(), state: EMPTY_ARR_CID, delegated };
        Self { head: Arc::new(head), nonce: 0, balance: U256::ZERO }
    }

    /// The one that the tree has under `id`.
    ///
    /// # Errors
    /// [`StateFatal`] for a balance below zero or above 2^256, which no block writes.
    pub(crate) fn read(id: ActorID, actor: ActorState) -> Result<Self, StateFatal> {
        let balance = money::to_u256(&actor.balance);
        let balance = balance.ok_or_else(|| StateFatal::Invariant(format!("actor {id} has a negative balance")))?;
        let head = ActorHead { code: actor.code.into(), state: actor.state, delegated: actor.delegated_address };
        Ok(Self { head: Arc::new(head), nonce: actor.sequence, balance })
    }
}

/// As the tree keeps it.
impl From<&Actor> for ActorState {
    fn from(Actor { head, nonce, balance }: &Actor) -> Self {
        Self {
            code: *head.code.cid(),
            state: head.state,
            sequence: *nonce,
            balance: money::to_tokens(*balance),
            delegated_address: head.delegated,
        }
    }
}
