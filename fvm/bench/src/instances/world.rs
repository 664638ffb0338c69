//! A world of one actor, in memory: as much of it as the two methods ask for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::Result;
use cid::Cid;
use fvm_ipld_encoding::{CBOR, to_vec};
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use fvm_shared::event::ActorEvent;
use fvm_shared::{ActorID, MethodNum};
use tributary_genesis_code::{CHECKPOINT_ACTOR, TOKEN_ACTOR};
use tributary_primitives::{EntryKey, cbor_cid, raw_cid};
use tributary_wasm::{
    Access, Block, CallStack, FirstAccess, GasTracker, Host, HostFatal, Invocation, MessageContext, NetworkContext,
    NewActor, RandomnessSource, Send, SendOutcome, SyscallError, SyscallRejected,
};

const ACTOR: ActorID = 100;
const FROM: ActorID = 101;
const TO: ActorID = 102;

/// Hashes of the methods' names, as FRC-0042 says.
const TRANSFER: MethodNum = 80_475_954;
const LATEST_CHECKPOINT: MethodNum = 3_351_908_393;

/// What the sender has at first: no number of calls is as much.
const BALANCE: u64 = u64::MAX / 2;

/// An actor, and the call of it that is measured.
pub(super) struct Actor {
    pub(super) call: &'static str,
    pub(super) wasm: &'static [u8],
    method: MethodNum,
    params: Vec<u8>,
    state: Vec<u8>,
}

impl Actor {
    /// Reads two entries and sets them.
    pub(super) fn token() -> Result<Self> {
        let params = to_vec(&(Address::new_id(TO), 1_u64))?;
        let call = "token `Transfer`";
        Ok(Self { call, wasm: TOKEN_ACTOR, method: TRANSFER, params, state: vec![0x80] })
    }

    /// Reads the block of its state and answers with one of its own.
    pub(super) fn checkpoint() -> Result<Self> {
        let some = cbor_cid(&[0x80]);
        let (call, state) = ("checkpoint actor `LatestCheckpoint`", to_vec(&(some, None::<Cid>, some))?);
        Ok(Self { call, wasm: CHECKPOINT_ACTOR, method: LATEST_CHECKPOINT, params: Vec::new(), state })
    }

    pub(super) fn invocation(&self) -> Result<Invocation> {
        let params = (!self.params.is_empty()).then(|| Block::new(CBOR, self.params.as_slice())).transpose()?;
        Ok(Invocation {
            receiver: ACTOR,
            caller: FROM,
            method: self.method,
            value: TokenAmount::default(),
            params,
            read_only: false,
            stack: CallStack::bottom(),
        })
    }

    pub(super) fn world(&self) -> World {
        let root = cbor_cid(&self.state);
        World {
            network: NetworkContext {
                epoch: 1,
                timestamp: 1_700_000_000,
                base_fee: TokenAmount::default(),
                chain_id: 1,
                network_version: 21,
            },
            message: MessageContext { origin: FROM, nonce: 0, gas_premium: TokenAmount::default() },
            code: raw_cid(self.wasm),
            root,
            blocks: HashMap::from([(root, Arc::from(self.state.as_slice()))]),
            entries: BTreeMap::from_iter(key(FROM).map(|key| (key, Arc::from(BALANCE.to_be_bytes().as_slice())))),
        }
    }
}

/// The token's key for a balance.
fn key(holder: ActorID) -> Option<EntryKey> {
    EntryKey::new(&[b"b", &holder.to_be_bytes()[..]].concat())
}

/// The actor's state, and the message.
pub(super) struct World {
    network: NetworkContext,
    message: MessageContext,
    code: Cid,
    root: Cid,
    blocks: HashMap<Cid, Arc<[u8]>>,
    entries: BTreeMap<EntryKey, Arc<[u8]>>,
}

#[cfg(test)]
impl World {
    /// What the sender of the transfers has, and their receiver.
    pub(super) fn balances(&self) -> [u64; 2] {
        [FROM, TO].map(|holder| {
            let held = self.entries.get(&key(holder).unwrap()).unwrap();
            u64::from_be_bytes(held[..].try_into().unwrap())
        })
    }
}

impl Host for Box<World> {
    fn network(&self) -> &NetworkContext {
        &self.network
    }

    fn message(&self) -> &MessageContext {
        &self.message
    }

    fn circulating_supply(&mut self) -> Result<TokenAmount, HostFatal> {
        Ok(TokenAmount::default())
    }

    fn tipset_cid(&mut self, _: ChainEpoch) -> Result<Option<Cid>, HostFatal> {
        Ok(None)
    }

    fn randomness(&mut self, _: RandomnessSource, _: ChainEpoch) -> Result<Option<[u8; 32]>, HostFatal> {
        Ok(None)
    }

    fn first_access(&mut self, _: ActorID, _: Access) -> FirstAccess {
        FirstAccess::default()
    }

    fn resolve_address(&mut self, address: &Address) -> Result<Option<ActorID>, HostFatal> {
        Ok(address.id().ok())
    }

    fn delegated_address(&mut self, _: ActorID) -> Result<Option<Option<Address>>, HostFatal> {
        Ok(Some(None))
    }

    fn code_cid(&mut self, _: ActorID) -> Result<Option<Cid>, HostFatal> {
        Ok(Some(self.code))
    }

    fn balance(&mut self, _: ActorID) -> Result<Option<TokenAmount>, HostFatal> {
        Ok(Some(TokenAmount::default()))
    }

    fn state_root(&mut self, _: ActorID) -> Result<Option<Cid>, HostFatal> {
        Ok(Some(self.root))
    }

    fn set_state_root(&mut self, _: ActorID, root: Cid) -> Result<(), HostFatal> {
        self.root = root;
        Ok(())
    }

    fn entry(&mut self, _: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, HostFatal> {
        Ok(self.entries.get(key).cloned())
    }

    fn set_entry(&mut self, _: ActorID, key: EntryKey, value: Option<Arc<[u8]>>) -> Result<(), HostFatal> {
        match value {
            Some(value) => self.entries.insert(key, value),
            None => self.entries.remove(&key),
        };
        Ok(())
    }

    fn self_destruct(&mut self, _: ActorID) -> Result<(), HostFatal> {
        Ok(())
    }

    fn builtin_type(&self, _: &Cid) -> Option<u32> {
        None
    }

    fn builtin_code(&self, _: u32) -> Option<Cid> {
        None
    }

    fn next_actor_address(&mut self) -> Address {
        Address::new_actor(&[])
    }

    fn create_actor(&mut self, _: NewActor, _: &mut GasTracker) -> Result<(), SyscallError> {
        Err(nobody())
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, HostFatal> {
        Ok(self.blocks.get(cid).cloned())
    }

    fn put_block(&mut self, cid: Cid, data: Arc<[u8]>) -> Result<(), HostFatal> {
        self.blocks.insert(cid, data);
        Ok(())
    }

    fn emit(&mut self, _: ActorID, _: ActorEvent, _: u64) {}

    fn event_bytes(&mut self) -> u64 {
        0
    }

    fn send(self, _: Send, _: &mut GasTracker) -> (Self, Result<SendOutcome, SyscallError>) {
        (self, Err(nobody()))
    }
}

fn nobody() -> SyscallError {
    SyscallRejected::new(ErrorNumber::NotFound, "there is no other actor in this world").into()
}
