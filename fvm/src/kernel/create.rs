//! New actors: what a send makes of an unknown address, and what the init actor asks for.

use fvm_ipld_encoding::to_vec;
use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber;
use fvm_shared::{ActorID, EMPTY_ARR_CID};
use tributary_primitives::actors::BuiltinActor;
use tributary_wasm::{Access, GasTracker, NewActor, SyscallError, prices};

use super::call::rejected;
use super::{Kernel, fatal};
use crate::journal::is_native;
use crate::native::account;
use crate::state::{ActorCode, ActorHead, StateView};

impl<V: StateView> Kernel<V> {
    /// The account of a key that nobody has sent to before.
    pub(super) fn make_account(&mut self, key: &Address, gas: &mut GasTracker) -> Result<ActorID, SyscallError> {
        let (state, block) = account::state_block(key);
        self.make(key, ActorHead { code: BuiltinActor::Account.into(), state, delegated: None }, gas).inspect(|_| {
            self.journal.put_block(state, block);
        })
    }

    /// A placeholder for an Ethereum address that nobody has sent to before.
    pub(super) fn make_placeholder(
        &mut self,
        address: &Address,
        gas: &mut GasTracker,
    ) -> Result<ActorID, SyscallError> {
        let code = BuiltinActor::Placeholder.into();
        self.make(address, ActorHead { code, state: EMPTY_ARR_CID, delegated: Some(*address) }, gas)
    }

    fn make(&mut self, address: &Address, head: ActorHead, gas: &mut GasTracker) -> Result<ActorID, SyscallError> {
        gas.charge(prices::ADDRESS_ASSIGN)?;
        gas.charge(prices::ACTOR_CREATE)?;
        let id = self.journal.take_id();
        self.journal.name(*address, id);
        self.journal.set_actor(id, Some(head));
        self.charge_access(id, Access::Update, gas)?;
        Ok(id)
    }

    /// The f2 address of the next actor that this message makes.
    ///
    /// Source: ref-fvm 4.8, `fvm/src/call_manager/default.rs`, `next_actor_address`.
    pub(crate) fn next_address(&self) -> Address {
        let origin = to_vec(&self.course.origin.address).expect("an address has a DAG-CBOR form");
        let nonce = self.course.origin.message.nonce;
        Address::new_actor(&[&origin[..], &nonce.to_be_bytes(), &self.course.created.to_be_bytes()].concat())
    }

    /// Makes the actor that the init actor asks for, or turns a placeholder into it.
    pub(crate) fn create(&mut self, new: NewActor, gas: &mut GasTracker) -> Result<(), SyscallError> {
        let code = ActorCode::from(new.code);
        if code.is(BuiltinActor::Placeholder) {
            return Err(rejected(ErrorNumber::Forbidden, "a placeholder is made by sending to its address"));
        }
        let state = match self.journal.actor(new.id).map_err(fatal)? {
            None => {
                gas.charge(prices::ACTOR_CREATE)?;
                EMPTY_ARR_CID
            }
            Some(old) if !old.code.is(BuiltinActor::Placeholder) => {
                return Err(rejected(ErrorNumber::Forbidden, "the actor exists"));
            }
            Some(old) if old.delegated != new.delegated_address => {
                return Err(rejected(ErrorNumber::Forbidden, "the placeholder has another f4 address"));
            }
            Some(old) => old.state,
        };
        self.charge_access(new.id, Access::Update, gas)?;
        self.course.created += 1;
        let is_native = is_native(code.builtin());
        self.journal.set_actor(new.id, Some(ActorHead { code, state, delegated: new.delegated_address }));
        if is_native {
            self.journal.mark_native(new.id).map_err(fatal)?;
        }
        Ok(())
    }
}
