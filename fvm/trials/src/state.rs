//! The state tree and contract storage against maps.
//!
//! The bytes are changes: actors set and deleted, addresses named, slots set. After each the overlay answers as the model; at each
//! flush the tree, read anew from its root, holds what the model holds; at the end the same contents, set at once in another order,
//! give the same root.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use alloy_primitives::U256;
use arbitrary::{Arbitrary, Unstructured};
use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use tributary_fvm::journal::changes::{ActorChange, Changes, ContractChange};
use tributary_fvm::state::{Actor, BlockState, StateTree, StateView as _};
use tributary_primitives::actors::{BuiltinActor, INIT_ID};
use tributary_primitives::{Hash32, cbor_cid};

use crate::world::{Layered, World};

/// Where the ids of the trial's actors start: past those of the world. So many are used, far enough apart to grow the tree.
const FIRST_ID: ActorID = 1_000;
const ID_STEP: ActorID = 7_919;

type State = BlockState<Arc<Layered>>;

/// One change.
#[derive(Arbitrary, Debug)]
enum Change {
    Set { actor: u8, balance: u64, nonce: u8, state: u8 },
    Delete { actor: u8 },
    Contract { actor: u8, is_new: bool, nonce: u8, slots: Vec<(Slot, u8)> },
    Name { name: u8, actor: u8 },
    Flush,
}

/// A slot: small numbers share nodes of the tree's edge, spread ones branch at its top, twins part at the last bits.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Slot {
    Small(u8),
    Spread(u8),
    Twin(u8),
}

impl Slot {
    fn number(self) -> U256 {
        match self {
            Self::Small(slot) => U256::from(slot),
            Self::Spread(slot) => U256::from_be_bytes(alloy_primitives::keccak256([slot]).0),
            Self::Twin(slot) => U256::MAX - U256::from(slot),
        }
    }
}

/// What the tree should hold.
#[derive(Clone, Default)]
struct Model {
    actors: BTreeMap<ActorID, (Actor, Option<Contract>)>,
    names: BTreeMap<Address, ActorID>,
}

#[derive(Clone, Default)]
struct Contract {
    nonce: u64,
    slots: BTreeMap<U256, U256>,
}

struct Trial {
    store: Arc<Layered>,
    start: Cid,
    root: Cid,
    state: State,
    model: Model,
}

/// The target.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let changes = Vec::<Change>::arbitrary(&mut input).unwrap_or_default();
    let World { store, root, .. } = World::new();
    let state = State::load(Arc::clone(&store), &root).unwrap();
    let mut trial = Trial { store, start: root, root, state, model: Model::default() };
    for change in changes.iter().take(200) {
        trial.change(change);
    }
    trial.flush();
    trial.rebuild();
}

fn id_of(actor: u8) -> ActorID {
    FIRST_ID + ActorID::from(actor % 48) * ID_STEP
}

fn name_of(name: u8) -> Address {
    Address::new_actor(&[name])
}

fn one(id: ActorID, actor: Option<Actor>, contract: Option<ContractChange>) -> Changes {
    Changes { actors: vec![ActorChange { id, actor, contract }], ..Changes::default() }
}

impl Trial {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Set { actor, balance, nonce, state } => self.set(id_of(*actor), *balance, *nonce, *state),
            Change::Delete { actor } => {
                let id = id_of(*actor);
                self.model.actors.remove(&id);
                self.state.apply(one(id, None, None)).unwrap();
                assert_eq!(self.state.actor(id).unwrap(), None);
            }
            Change::Contract { actor, is_new, nonce, slots } => self.contract(id_of(*actor), *is_new, *nonce, slots),
            Change::Name { name, actor } => {
                let name = name_of(*name);
                // An address names one actor for ever.
                if let Entry::Vacant(entry) = self.model.names.entry(name) {
                    let names = vec![(name, *entry.insert(id_of(*actor)))];
                    self.state.apply(Changes { names, ..Changes::default() }).unwrap();
                }
                assert_eq!(self.state.resolve(&name).unwrap(), self.model.names.get(&name).copied());
            }
            Change::Flush => self.flush(),
        }
    }

    fn set(&mut self, id: ActorID, balance: u64, nonce: u8, state: u8) {
        let mut actor = Actor::new(BuiltinActor::Account, None);
        Arc::make_mut(&mut actor.head).state = cbor_cid(&[state]);
        (actor.nonce, actor.balance) = (nonce.into(), U256::from(balance));
        // Whatever was there, was deleted before: no contract turns into an account.
        if self.model.actors.get(&id).is_some_and(|(_, contract)| contract.is_some()) {
            self.state.apply(one(id, None, None)).unwrap();
        }
        self.model.actors.insert(id, (actor.clone(), None));
        self.state.apply(one(id, Some(actor.clone()), None)).unwrap();
        assert_eq!(self.state.actor(id).unwrap(), Some(actor));
        assert_eq!(self.state.slot(id, U256::ZERO).unwrap(), U256::ZERO, "an account has no storage");
    }

    fn contract(&mut self, id: ActorID, is_new: bool, nonce: u8, slots: &[(Slot, u8)]) {
        let old = self.model.actors.get(&id).and_then(|(_, contract)| contract.clone());
        let is_new = is_new || old.is_none();
        let mut contract = if is_new { Contract::default() } else { old.unwrap_or_default() };
        let actor = match self.state.actor(id).unwrap() {
            Some(actor) if !is_new => actor,
            _ => Actor::new(BuiltinActor::Evm, None),
        };
        let slots: BTreeMap<U256, U256> =
            slots.iter().map(|(slot, value)| (slot.number(), U256::from(*value))).collect();
        contract.nonce = nonce.into();
        contract.slots.extend(&slots);
        contract.slots.retain(|_, value| !value.is_zero());
        let change = ContractChange { is_new, nonce: contract.nonce, code: None, slots };
        self.state.apply(one(id, Some(actor.clone()), Some(change))).unwrap();
        for (slot, value) in &contract.slots {
            assert_eq!(self.state.slot(id, *slot).unwrap(), *value, "slot {slot} of {id}");
        }
        assert_eq!(self.state.slot(id, U256::from(777)).unwrap(), U256::ZERO);
        self.model.actors.insert(id, (actor, Some(contract)));
    }

    /// Writes, reads anew, and compares everything. Every other time the state goes on from what is stored, else from what it has at
    /// hand.
    fn flush(&mut self) {
        self.root = self.state.flush().unwrap();
        if self.root.hash().digest()[0].is_multiple_of(2) {
            self.state = State::load(Arc::clone(&self.store), &self.root).unwrap();
        }
        let tree = StateTree::load(Arc::clone(&self.store), &self.root).unwrap();
        let mut found = BTreeMap::new();
        tree.for_each_actor(|id, actor| drop((id >= FIRST_ID).then(|| found.insert(id, actor.clone())))).unwrap();
        assert!(found.keys().eq(self.model.actors.keys()), "other actors than were set");
        for (id, (actor, contract)) in &self.model.actors {
            let found = &found[id];
            // What a contract's state is, its storage says.
            let state = if contract.is_some() { found.state } else { actor.head.state };
            assert_eq!(*found, ActorState { state, ..ActorState::from(actor) }, "actor {id}");
            self.compare(&tree, *id, contract.clone().unwrap_or_default());
        }
        for name in 0..=u8::MAX {
            assert_eq!(tree.resolve(&name_of(name)).unwrap(), self.model.names.get(&name_of(name)).copied());
        }
    }

    fn compare(&self, tree: &StateTree<Arc<Layered>>, id: ActorID, contract: Contract) {
        let mut slots = BTreeMap::new();
        let address = Address::new_id(id);
        let number = |word: Hash32| U256::from_be_bytes(word.0);
        tree.for_each_slot(&address, |slot, value| {
            slots.insert(number(slot), number(value));
        })
        .unwrap();
        assert_eq!(slots, contract.slots, "storage of {id}");
        for (slot, value) in &contract.slots {
            assert_eq!(number(tree.storage(&address, &Hash32(slot.to_be_bytes())).unwrap()), *value);
        }
    }

    /// The same contents, set at once and backwards, on the state the trial started from.
    fn rebuild(&self) {
        let mut changes = Changes::default();
        for (id, (actor, contract)) in self.model.actors.iter().rev() {
            let contract = contract.clone().map(|Contract { nonce, slots }| ContractChange {
                is_new: true,
                nonce,
                code: None,
                slots,
            });
            changes.actors.push(ActorChange { id: *id, actor: Some(actor.clone()), contract });
        }
        changes.names = self.model.names.iter().rev().map(|(name, id)| (*name, *id)).collect();
        let mut state = State::load(Arc::clone(&self.store), &self.start).unwrap();
        assert!(state.actor(INIT_ID).unwrap().is_some());
        state.apply(changes).unwrap();
        assert_eq!(state.flush().unwrap(), self.root, "the root depends on history");
    }
}
