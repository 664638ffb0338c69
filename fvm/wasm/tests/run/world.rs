//! A host in memory: a handful of actors, their blocks, and the real engine under `send`.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use cid::Cid;
use fvm_ipld_encoding::{DAG_CBOR, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use fvm_shared::error::ExitCode;
use fvm_shared::event::{ActorEvent, StampedEvent};
use multihash_codetable::{Code, MultihashDigest};
use tributary_primitives::EntryKey;
use tributary_wasm::{
    Access, CallStack, Engine, FirstAccess, GasTracker, Halt, Host, HostFatal, Invocation, InvocationOutcome,
    MessageContext, NetworkContext, NewActor, Purpose, RandomnessSource, Send, SendOutcome, SyscallError,
    SyscallRejected, invoke, prices,
};

/// The actor under test.
pub const ME: ActorID = 100;
/// An account.
pub const ALICE: ActorID = 101;
/// The sender of every message.
pub const ORIGIN: ActorID = 102;
/// The actor that tests install for `ME` to call.
pub const OTHER: ActorID = 103;
/// The epoch of the block in execution.
pub const NOW: ChainEpoch = 1_000;
/// Gas for those who are not counting.
pub const PLENTY: u64 = 10_000_000_000;
/// The manifest's number of accounts.
pub const ACCOUNT_TYPE: u32 = 4;

/// One engine for all tests: what it compiles, it keeps.
pub static ENGINE: LazyLock<Engine<World>> = LazyLock::new(|| Engine::new(NonZeroU32::new(4).unwrap(), None).unwrap());

/// A CID of nothing in particular.
pub fn cid_of(codec: u64, data: &[u8]) -> Cid {
    Cid::new_v1(codec, Code::Blake2b256.digest(data))
}

/// Alice's f4 address.
pub fn alice_f4() -> Address {
    Address::new_delegated(10, &[0xaa; 20]).unwrap()
}

/// The code of accounts.
pub fn account_code() -> Cid {
    cid_of(0x55, b"account")
}

/// The leaf that the first state root links to.
pub const LEAF: &[u8] = b"\x63abc";

/// The first state root of `ME`: a list of one link, to [`LEAF`].
pub fn first_root() -> (Cid, Vec<u8>) {
    let data = to_vec(&(cid_of(DAG_CBOR, LEAF),)).unwrap();
    (cid_of(DAG_CBOR, &data), data)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub code: Cid,
    pub root: Cid,
    pub balance: TokenAmount,
    pub delegated: Option<Address>,
}

/// What a reverted call undoes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub actors: BTreeMap<ActorID, Actor>,
    pub events: Vec<StampedEvent>,
    event_bytes: u64,
    pub entries: BTreeMap<(ActorID, EntryKey), Arc<[u8]>>,
    accessed: BTreeMap<ActorID, bool>,
    created: u64,
}

#[derive(Debug)]
pub struct World {
    pub state: State,
    pub blocks: HashMap<Cid, Arc<[u8]>>,
    pub codes: HashMap<Cid, Vec<u8>>,
    network: NetworkContext,
    message: MessageContext,
}

impl World {
    /// `ME` with this code, Alice and the origin, each with 1,000 atto.
    pub fn new(code: &[u8]) -> Self {
        let (root, root_data) = first_root();
        let mut world = Self {
            state: State::default(),
            blocks: HashMap::new(),
            codes: HashMap::new(),
            network: NetworkContext {
                epoch: NOW,
                timestamp: 1_700_000_000,
                base_fee: TokenAmount::from_atto(100),
                chain_id: 31_415,
                network_version: 28,
            },
            message: MessageContext { origin: ORIGIN, nonce: 7, gas_premium: TokenAmount::from_atto(3) },
        };
        world.blocks.insert(root, root_data.into());
        world.blocks.insert(cid_of(DAG_CBOR, LEAF), LEAF.into());
        world.install(ME, code);
        for (id, delegated) in [(ALICE, Some(alice_f4())), (ORIGIN, None)] {
            let balance = TokenAmount::from_atto(1_000);
            world.state.actors.insert(id, Actor { code: account_code(), root, balance, delegated });
        }
        for id in [ORIGIN, 1, 99] {
            world.state.accessed.insert(id, true);
        }
        world.state.accessed.insert(ME, false);
        world
    }

    /// Gives an actor this code and 1,000 atto.
    pub fn install(&mut self, id: ActorID, code: &[u8]) {
        let code_cid = cid_of(0x55, code);
        self.codes.insert(code_cid, code.to_vec());
        let (root, balance) = (first_root().0, TokenAmount::from_atto(1_000));
        let actor = Actor { code: code_cid, root, balance, delegated: None };
        self.state.actors.insert(id, actor);
    }

    /// Runs `ME` as the message's receiver.
    pub fn run(self, gas: u64) -> Ran {
        self.run_as(|_| {}, gas)
    }

    /// Runs `ME`, with a word in how it is called.
    pub fn run_as(self, change: impl FnOnce(&mut Invocation), gas: u64) -> Ran {
        let mut invocation = Invocation {
            receiver: ME,
            caller: ORIGIN,
            method: 2,
            value: TokenAmount::from_atto(5),
            params: None,
            read_only: false,
            stack: CallStack::bottom(),
        };
        change(&mut invocation);
        let mut gas = GasTracker::new(gas);
        let (world, outcome) = self.call(invocation, &mut gas);
        Ran { world, outcome, gas }
    }

    fn call(self, invocation: Invocation, gas: &mut GasTracker) -> (Self, Result<InvocationOutcome, Halt>) {
        let code_cid = self.state.actors[&invocation.receiver].code;
        let code = ENGINE.load(code_cid, &self.codes[&code_cid], Purpose::Block).unwrap().unwrap();
        invoke(&ENGINE, &code, self, gas, invocation)
    }

    fn deliver(mut self, send: Send, gas: &mut GasTracker) -> (Self, Result<SendOutcome, SyscallError>) {
        let to = match self.prepare(&send, gas) {
            Ok(to) => to,
            Err(why) => return (self, Err(why)),
        };
        if send.method == 0 || self.state.actors[&to].code == account_code() {
            let exit_code = ExitCode::OK;
            return (self, Ok(SendOutcome { exit_code, return_block: send.params }));
        }
        let Send { from, method, params, value, read_only, stack, .. } = send;
        let invocation = Invocation { receiver: to, caller: from, method, value, params, read_only, stack };
        let (world, outcome) = self.call(invocation, gas);
        let outcome = outcome
            .map_err(SyscallError::from)
            .map(|ended| SendOutcome { exit_code: ended.exit_code, return_block: ended.return_block });
        (world, outcome)
    }

    fn prepare(&mut self, send: &Send, gas: &mut GasTracker) -> Result<ActorID, SyscallError> {
        let reject = |number| SyscallError::from(SyscallRejected::new(number, "no"));
        let to = self.resolve_address(&send.to)?;
        let to = to.filter(|to| self.state.actors.contains_key(to));
        let to = to.ok_or_else(|| reject(ErrorNumber::NotFound))?;
        if send.value != TokenAmount::default() {
            gas.charge(prices::VALUE_TRANSFER)?;
            let from = self.state.actors.get_mut(&send.from).unwrap();
            if from.balance < send.value {
                return Err(reject(ErrorNumber::InsufficientFunds));
            }
            from.balance -= &send.value;
            self.state.actors.get_mut(&to).unwrap().balance += &send.value;
        }
        Ok(to)
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub world: World,
    pub outcome: Result<InvocationOutcome, Halt>,
    pub gas: GasTracker,
}

impl Ran {
    /// How it ended, if it neither ran out of gas nor met a broken host.
    pub fn exit_code(&self) -> u32 {
        self.outcome.as_ref().unwrap().exit_code.value()
    }

    /// The bytes it returned; it must have succeeded.
    pub fn returned(&self) -> Vec<u8> {
        let outcome = self.outcome.as_ref().unwrap();
        assert_eq!(outcome.exit_code, ExitCode::OK, "{:?}", outcome.message);
        outcome.return_block.as_ref().map(|block| block.data().to_vec()).unwrap_or_default()
    }
}

impl Host for World {
    fn network(&self) -> &NetworkContext {
        &self.network
    }

    fn message(&self) -> &MessageContext {
        &self.message
    }

    fn circulating_supply(&mut self) -> Result<TokenAmount, HostFatal> {
        Ok(TokenAmount::from_atto((1_u128 << 64) + 2))
    }

    fn tipset_cid(&mut self, epoch: ChainEpoch) -> Result<Option<Cid>, HostFatal> {
        Ok((epoch >= NOW - 10).then(|| cid_of(DAG_CBOR, &epoch.to_le_bytes())))
    }

    fn randomness(&mut self, source: RandomnessSource, epoch: ChainEpoch) -> Result<Option<[u8; 32]>, HostFatal> {
        let byte = if source == RandomnessSource::Chain { 0xc0 } else { 0xbe };
        Ok((epoch >= 0).then_some([byte; 32]))
    }

    fn first_access(&mut self, actor: ActorID, access: Access) -> FirstAccess {
        let before = self.state.accessed.get(&actor).copied();
        let update = access == Access::Update;
        self.state.accessed.insert(actor, update || before == Some(true));
        FirstAccess { lookup: before.is_none(), update: update && before != Some(true) }
    }

    fn resolve_address(&mut self, address: &Address) -> Result<Option<ActorID>, HostFatal> {
        Ok(if *address == alice_f4() { Some(ALICE) } else { address.id().ok() })
    }

    fn delegated_address(&mut self, actor: ActorID) -> Result<Option<Option<Address>>, HostFatal> {
        Ok(self.state.actors.get(&actor).map(|actor| actor.delegated))
    }

    fn code_cid(&mut self, actor: ActorID) -> Result<Option<Cid>, HostFatal> {
        Ok(self.state.actors.get(&actor).map(|actor| actor.code))
    }

    fn balance(&mut self, actor: ActorID) -> Result<Option<TokenAmount>, HostFatal> {
        Ok(self.state.actors.get(&actor).map(|actor| actor.balance.clone()))
    }

    fn state_root(&mut self, actor: ActorID) -> Result<Option<Cid>, HostFatal> {
        Ok(self.state.actors.get(&actor).map(|actor| actor.root))
    }

    fn set_state_root(&mut self, actor: ActorID, root: Cid) -> Result<(), HostFatal> {
        self.state.actors.get_mut(&actor).unwrap().root = root;
        Ok(())
    }

    fn entry(&mut self, actor: ActorID, key: &EntryKey) -> Result<Option<Arc<[u8]>>, HostFatal> {
        Ok(self.state.entries.get(&(actor, *key)).cloned())
    }

    fn set_entry(&mut self, actor: ActorID, key: EntryKey, value: Option<Arc<[u8]>>) -> Result<(), HostFatal> {
        match value {
            Some(value) => self.state.entries.insert((actor, key), value),
            None => self.state.entries.remove(&(actor, key)),
        };
        Ok(())
    }

    fn self_destruct(&mut self, actor: ActorID) -> Result<(), HostFatal> {
        self.state.actors.remove(&actor);
        Ok(())
    }

    fn builtin_type(&self, code: &Cid) -> Option<u32> {
        (*code == account_code()).then_some(ACCOUNT_TYPE)
    }

    fn builtin_code(&self, actor_type: u32) -> Option<Cid> {
        (actor_type == ACCOUNT_TYPE).then(account_code)
    }

    fn next_actor_address(&mut self) -> Address {
        Address::new_actor(&self.state.created.to_be_bytes())
    }

    fn create_actor(&mut self, actor: NewActor, gas: &mut GasTracker) -> Result<(), SyscallError> {
        gas.charge(prices::ACTOR_CREATE)?;
        self.state.created += 1;
        let (root, balance) = (first_root().0, TokenAmount::default());
        let created = Actor { code: actor.code, root, balance, delegated: actor.delegated_address };
        self.state.actors.insert(actor.id, created);
        Ok(())
    }

    fn block(&mut self, cid: &Cid) -> Result<Option<Arc<[u8]>>, HostFatal> {
        Ok(self.blocks.get(cid).cloned())
    }

    fn put_block(&mut self, cid: Cid, data: Arc<[u8]>) -> Result<(), HostFatal> {
        self.blocks.insert(cid, data);
        Ok(())
    }

    fn emit(&mut self, emitter: ActorID, event: ActorEvent, bytes: u64) {
        self.state.event_bytes += bytes;
        self.state.events.push(StampedEvent::new(emitter, event));
    }

    fn event_bytes(&mut self) -> u64 {
        self.state.event_bytes
    }

    fn send(self, send: Send, gas: &mut GasTracker) -> (Self, Result<SendOutcome, SyscallError>) {
        let before = self.state.clone();
        let (mut world, outcome) = self.deliver(send, gas);
        if !outcome.as_ref().is_ok_and(|outcome| outcome.exit_code.is_success()) {
            world.state = before;
        }
        (world, outcome)
    }
}
