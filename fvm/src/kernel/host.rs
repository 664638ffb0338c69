//! What a WASM actor may ask: the kernel as [`tributary_wasm::Host`].

use std::sync::Arc;

use cid::Cid;
use cid::multihash::Multihash;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::event::ActorEvent;
use fvm_shared::randomness::RANDOMNESS_LENGTH;
use revm::primitives::U256;
use tributary_primitives::actors::{BURNT_FUNDS_ID, BuiltinActor};
use tributary_primitives::hash::RAW;
use tributary_primitives::{EntryKey, Height};
use tributary_wasm::{
    Access, FirstAccess, GasTracker, Host, HostFatal, MessageContext, NetworkContext, NewActor, RandomnessSource, Send,
    SendOutcome, SyscallError,
};

use super::{BlockContext, Kernel};
use crate::state::StateView;
use crate::{fees, money};

/// Multihash code of SHA-256, by which blocks of this chain are named.
const SHA2_256: u64 = 0x12;

impl<V: StateView> Host for Box<Kernel<V>> {
    fn network(&self) -> &NetworkContext {
        &self.course.block.network
    }

    fn message(&self) -> &MessageContext {
        &self.course.origin.message
    }

    fn circulating_supply(&mut self) -> Result<TokenAmount, HostFatal> {
        let burnt = self.journal.balance(BURNT_FUNDS_ID)?;
        Ok(fees::circulating_supply(&self.course.machine.params().genesis_supply, &money::to_tokens(burnt)))
    }

    /// The block's hash as the digest of a raw CID.
    fn tipset_cid(&mut self, epoch: ChainEpoch) -> Result<Option<Cid>, HostFatal> {
        let Ok(height) = u64::try_from(epoch) else { return Ok(None) };
        let now = self.journal.now();
        let hash = self.journal.view().block_hash(Height(height), now)?;
        let cid = |hash: [u8; 32]| Multihash::wrap(SHA2_256, &hash).map(|digest| Cid::new_v1(RAW, digest));
        hash.map(|hash| cid(hash.0)).transpose().map_err(|why| HostFatal(why.into()))
    }

    /// The current block's, from either source; none of the past is kept.
    fn randomness(
        &mut self,
        _source: RandomnessSource,
        epoch: ChainEpoch,
    ) -> Result<Option<[u8; RANDOMNESS_LENGTH]>, HostFatal> {
        let BlockContext { env, network } = self.course.block.as_ref();
        Ok((epoch == network.epoch).then_some(env.prev_randao.0))
    }

    fn first_access(&mut self, actor: ActorID, access: Access) -> FirstAccess {
        self.journal.own().first_access(actor, access)
    }

    fn resolve_address(&mut self, address: &Address) -> Result<Option<ActorID>, HostFatal> {
        Ok(self.journal.resolve(address)?)
    }

    fn delegated_address(&mut self, actor: ActorID) -> Result<Option<Option<Address>>, HostFatal> {
        Ok(self.journal.actor(actor)?.map(|head| head.delegated))
    }

    fn code_cid(&mut self, actor: ActorID) -> Result<Option<Cid>, HostFatal> {
        Ok(self.journal.actor(actor)?.map(|head| *head.code.cid()))
    }

    fn balance(&mut self, actor: ActorID) -> Result<Option<TokenAmount>, HostFatal> {
        if self.journal.actor(actor)?.is_none() {
            return Ok(None);
        }
        // Held to what an actor can be told; more there is only on a state that somebody made up.
        let balance = self.journal.balance(actor)?.min(U256::from(u128::MAX));
        Ok(Some(money::to_tokens(balance)))
    }

    fn state_root(&mut self, actor: ActorID) -> Result<Option<Cid>, HostFatal> {
        Ok(self.journal.actor(actor)?.map(|head| head.state))
    }

    fn set_state_root(&mut self, actor: ActorID, root: Cid) -> Result<(), HostFatal> {
        Ok(self.set_state(actor, root)?)
    }

    fn entry(&mut self, actor: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, HostFatal> {
        Ok(self.journal.entry(actor, key)?)
    }

    fn set_entry(&mut self, actor: ActorID, key: EntryKey, value: Option<Arc<[u8]>>) -> Result<(), HostFatal> {
        self.journal.own().set_entry(actor, key, value);
        Ok(())
    }

    fn self_destruct(&mut self, actor: ActorID) -> Result<(), HostFatal> {
        if self.journal.actor(actor)?.is_some() {
            let address = self.journal.eth_address(actor)?;
            let (_, rest) = self.journal.nonce_and_balance(address)?;
            self.journal.take(address, rest)?;
            self.journal.set_actor(actor, None);
        }
        Ok(())
    }

    fn builtin_type(&self, code: &Cid) -> Option<u32> {
        u32::try_from(BuiltinActor::from_code(code)?.number()).ok()
    }

    fn builtin_code(&self, actor_type: u32) -> Option<Cid> {
        Some(BuiltinActor::from_number(i32::try_from(actor_type).ok()?)?.code())
    }

    fn next_actor_address(&mut self) -> Address {
        self.next_address()
    }

    fn create_actor(&mut self, actor: NewActor, gas: &mut GasTracker) -> Result<(), SyscallError> {
        self.create(actor, gas)
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, HostFatal> {
        Ok(self.journal.block(cid)?)
    }

    fn put_block(&mut self, cid: Cid, data: Arc<[u8]>) -> Result<(), HostFatal> {
        self.journal.put_block(cid, data);
        Ok(())
    }

    fn emit(&mut self, emitter: ActorID, event: ActorEvent, bytes: u64) {
        self.journal.emit(emitter, event, bytes);
    }

    fn event_bytes(&mut self) -> u64 {
        self.journal.own().event_bytes()
    }

    fn send(self, send: Send, gas: &mut GasTracker) -> (Self, Result<SendOutcome, SyscallError>) {
        self.call(send, gas)
    }
}
