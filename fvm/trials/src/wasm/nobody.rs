//! A host that no one can make: for an engine that checks and meters, and runs nothing.

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::event::ActorEvent;
use tributary_primitives::EntryKey;
use tributary_wasm::{
    Access, FirstAccess, GasTracker, Host, HostFatal, MessageContext, NetworkContext, NewActor, RandomnessSource, Send,
    SendOutcome, SyscallError,
};

/// Has no values.
pub(super) enum Nobody {}

impl Host for Nobody {
    fn network(&self) -> &NetworkContext {
        match *self {}
    }

    fn message(&self) -> &MessageContext {
        match *self {}
    }

    fn circulating_supply(&mut self) -> Result<TokenAmount, HostFatal> {
        match *self {}
    }

    fn tipset_cid(&mut self, _: ChainEpoch) -> Result<Option<Cid>, HostFatal> {
        match *self {}
    }

    fn randomness(&mut self, _: RandomnessSource, _: ChainEpoch) -> Result<Option<[u8; 32]>, HostFatal> {
        match *self {}
    }

    fn first_access(&mut self, _: ActorID, _: Access) -> FirstAccess {
        match *self {}
    }

    fn resolve_address(&mut self, _: &Address) -> Result<Option<ActorID>, HostFatal> {
        match *self {}
    }

    fn delegated_address(&mut self, _: ActorID) -> Result<Option<Option<Address>>, HostFatal> {
        match *self {}
    }

    fn code_cid(&mut self, _: ActorID) -> Result<Option<Cid>, HostFatal> {
        match *self {}
    }

    fn balance(&mut self, _: ActorID) -> Result<Option<TokenAmount>, HostFatal> {
        match *self {}
    }

    fn state_root(&mut self, _: ActorID) -> Result<Option<Cid>, HostFatal> {
        match *self {}
    }

    fn set_state_root(&mut self, _: ActorID, _: Cid) -> Result<(), HostFatal> {
        match *self {}
    }

    fn entry(&mut self, _: ActorID, _: &EntryKey) -> Result<Option<Arc<[u8]>>, HostFatal> {
        match *self {}
    }

    fn set_entry(&mut self, _: ActorID, _: EntryKey, _: Option<Arc<[u8]>>) -> Result<(), HostFatal> {
        match *self {}
    }

    fn self_destruct(&mut self, _: ActorID) -> Result<(), HostFatal> {
        match *self {}
    }

    fn builtin_type(&self, _: &Cid) -> Option<u32> {
        match *self {}
    }

    fn builtin_code(&self, _: u32) -> Option<Cid> {
        match *self {}
    }

    fn next_actor_address(&mut self) -> Address {
        match *self {}
    }

    fn create_actor(&mut self, _: NewActor, _: &mut GasTracker) -> Result<(), SyscallError> {
        match *self {}
    }

    fn block(&mut self, _: &Cid) -> Result<Option<Arc<[u8]>>, HostFatal> {
        match *self {}
    }

    fn put_block(&mut self, _: Cid, _: Arc<[u8]>) -> Result<(), HostFatal> {
        match *self {}
    }

    fn emit(&mut self, _: ActorID, _: ActorEvent, _: u64) {
        match *self {}
    }

    fn event_bytes(&mut self) -> u64 {
        match *self {}
    }

    fn send(self, _: Send, _: &mut GasTracker) -> (Self, Result<SendOutcome, SyscallError>) {
        match self {}
    }
}
