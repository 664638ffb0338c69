//! The state tree and contract storage against maps.
//!
//! The bytes are changes: actors set and deleted, addresses named, slots and entries set. After each the overlay answers as the model; at each
//! flush the tree, read anew from its root, holds what the model holds; at the end the same contents, set at once in another order,
//! give the same root.
//!
//! A second state takes the same changes, which reads leaves and writes its trees only now and then: its roots are the same, its
//! leaves are those of the tree, and from the last trees that it wrote the leaves that changed since then lead to the last root.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex};

use alloy_primitives::U256;
use arbitrary::{Arbitrary, Unstructured};
use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use tributary_fvm::ReadState as _;
use tributary_fvm::journal::changes::{ActorChange, Changes, ContractChange, EntryChange};
use tributary_fvm::state::{Actor, BlockState, LeafChanges, Leaves, Settled, StateTree, StateView as _};
use tributary_primitives::actors::{BuiltinActor, INIT_ID};
use tributary_primitives::entry::ENTRY_VALUE_BYTES_MAX;
use tributary_primitives::{EntryKey, Hash32, cbor_cid};

use crate::world::{Layered, World};

/// Where the ids of the trial's actors start: past those of the world. So many are used, far enough apart to grow the tree.
const FIRST_ID: ActorID = 1_000;
const ID_STEP: ActorID = 7_919;

type State = BlockState<Arc<Layered>>;

/// One change.
#[derive(Arbitrary, Debug)]
enum Change {
    Set {
        actor: u8,
        balance: u64,
        nonce: u8,
        state: u8,
    },
    Delete {
        actor: u8,
    },
    Contract {
        actor: u8,
        is_new: bool,
        nonce: u8,
        slots: Vec<(Slot, u8)>,
    },
    /// From 192 on no name, but an entry, so that older seeds mean what they meant.
    Name {
        name: u8,
        actor: u8,
    },
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
    entries: BTreeMap<(ActorID, EntryKey), Vec<u8>>,
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
    flat: Flat,
    model: Model,
}

/// The state by its leaves.
struct Flat {
    store: Arc<Layered>,
    state: State,
    leaves: Arc<MemoryLeaves>,
    /// Root of the last trees that were written, and the leaves that changed since then.
    saved: Cid,
    since: Vec<LeafChanges>,
}

#[derive(Default)]
struct MemoryLeaves(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Leaves for MemoryLeaves {
    fn leaf(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }
}

impl MemoryLeaves {
    fn apply(&self, changes: &LeafChanges) {
        let mut leaves = self.0.lock().unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => leaves.insert(key.clone(), value.clone()),
                None => leaves.remove(key),
            };
        }
    }
}

/// All leaves of the state under `root`.
fn leaves_of(store: &Arc<Layered>, root: &Cid) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut leaves = BTreeMap::new();
    let tree = StateTree::load(Arc::clone(store), root).unwrap();
    tree.for_each_leaf(|key, value| {
        assert_eq!(leaves.insert(key, value), None, "a leaf twice");
        Ok(())
    })
    .unwrap();
    leaves
}

impl Flat {
    fn new() -> Self {
        let World { store, root, .. } = World::new();
        let leaves = Arc::new(MemoryLeaves(Mutex::new(leaves_of(&store, &root))));
        let state = State::with_leaves(Arc::clone(&store), &root, leaves.clone()).unwrap();
        Self { store, state, leaves, saved: root, since: Vec::new() }
    }

    /// As a block does; `root` is what the other state came to.
    fn flush(&mut self, root: &Cid) {
        let Settled { root: found, leaves } = self.state.settle().unwrap();
        assert_eq!(found, *root, "leaves lead elsewhere than trees");
        assert!(leaves.is_sorted_by(|(a, _), (b, _)| a < b), "a leaf twice, or out of order");
        self.leaves.apply(&leaves);
        self.since.push(leaves);
        self.state.forget();
        match root.hash().digest()[1] % 4 {
            0 => self.save(root),
            // Lost, and made again from what was written.
            1 => self.recover(root),
            _ => {}
        }
    }

    fn save(&mut self, root: &Cid) {
        self.state.save().unwrap();
        assert_eq!(leaves_of(&self.store, root), *self.leaves.0.lock().unwrap(), "other leaves than the tree's");
        (self.saved, self.since) = (*root, Vec::new());
    }

    fn recover(&mut self, root: &Cid) {
        self.state = State::load(Arc::clone(&self.store), &self.saved).unwrap();
        self.since.iter().for_each(|changes| self.state.apply_leaves(changes).unwrap());
        assert_eq!(self.state.settle().unwrap().root, *root, "what changed leads elsewhere");
        self.state.read_leaves(self.leaves.clone());
    }
}

/// The target.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let changes = Vec::<Change>::arbitrary(&mut input).unwrap_or_default();
    let World { store, root, .. } = World::new();
    let state = State::load(Arc::clone(&store), &root).unwrap();
    let mut trial = Trial { store, start: root, root, state, flat: Flat::new(), model: Model::default() };
    for change in changes.iter().take(200) {
        trial.change(change);
    }
    trial.flush();
    trial.rebuild();
    trial.flat.recover(&trial.root);
    trial.flat.save(&trial.root);
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
    /// To both.
    fn apply(&mut self, changes: &Changes) {
        self.state.apply(changes.clone()).unwrap();
        self.flat.state.apply(changes.clone()).unwrap();
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Set { actor, balance, nonce, state } => self.set(id_of(*actor), *balance, *nonce, *state),
            Change::Delete { actor } => {
                let id = id_of(*actor);
                self.model.actors.remove(&id);
                self.apply(&one(id, None, None));
                assert_eq!(self.state.actor(id).unwrap(), None);
            }
            Change::Contract { actor, is_new, nonce, slots } => self.contract(id_of(*actor), *is_new, *nonce, slots),
            Change::Name { name: key @ 192.., actor } => self.entry(id_of(*actor), *key, *actor / 48),
            Change::Name { name, actor } => {
                let name = name_of(*name);
                // An address names one actor for ever.
                if let Entry::Vacant(entry) = self.model.names.entry(name) {
                    let names = vec![(name, *entry.insert(id_of(*actor)))];
                    self.apply(&Changes { names, ..Changes::default() });
                }
                assert_eq!(self.state.resolve(&name).unwrap(), self.model.names.get(&name).copied());
            }
            Change::Flush => self.flush(),
        }
    }

    /// One of 64 keys, of several lengths; the value too has one of several.
    fn entry(&mut self, id: ActorID, key: u8, length: u8) {
        let key = EntryKey::new(&vec![key; 1 + usize::from(key % 64)]).unwrap();
        let value = [None, Some(0), Some(1), Some(40), Some(ENTRY_VALUE_BYTES_MAX), None][usize::from(length)];
        let value = value.map(|length| vec![length.to_le_bytes()[0]; length]);
        match &value {
            Some(value) => self.model.entries.insert((id, key), value.clone()),
            None => self.model.entries.remove(&(id, key)),
        };
        let change = EntryChange { id, key, value: value.clone().map(Arc::from) };
        self.apply(&Changes { entries: vec![change], ..Changes::default() });
        for state in [&mut self.state, &mut self.flat.state] {
            assert_eq!(state.entry(id, &key).unwrap().as_deref(), value.as_deref(), "entry {key} of {id}");
            assert_eq!(state.entry(id + 1, &key).unwrap(), None, "entries of nobody");
        }
    }

    fn set(&mut self, id: ActorID, balance: u64, nonce: u8, state: u8) {
        let mut actor = Actor::new(BuiltinActor::Account, None);
        Arc::make_mut(&mut actor.head).state = cbor_cid(&[state]);
        (actor.nonce, actor.balance) = (nonce.into(), U256::from(balance));
        // Whatever was there, was deleted before: no contract turns into an account.
        if self.model.actors.get(&id).is_some_and(|(_, contract)| contract.is_some()) {
            self.apply(&one(id, None, None));
        }
        self.model.actors.insert(id, (actor.clone(), None));
        self.apply(&one(id, Some(actor.clone()), None));
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
        let slots = slots.into_iter().collect();
        let change = ContractChange { is_new, nonce: contract.nonce, code: None, slots };
        self.apply(&one(id, Some(actor.clone()), Some(change)));
        for (slot, value) in &contract.slots {
            for state in [&mut self.state, &mut self.flat.state] {
                assert_eq!(state.slot(id, *slot).unwrap(), *value, "slot {slot} of {id}");
            }
        }
        for state in [&mut self.state, &mut self.flat.state] {
            assert_eq!(state.slot(id, U256::from(777)).unwrap(), U256::ZERO);
        }
        self.model.actors.insert(id, (actor, Some(contract)));
    }

    /// Writes, reads anew, and compares everything. Every other time the state goes on from what is stored, else from what it has at
    /// hand.
    fn flush(&mut self) {
        self.root = self.state.flush().unwrap();
        self.flat.flush(&self.root);
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
        for ((id, key), value) in &self.model.entries {
            assert_eq!(tree.entry(*id, key).unwrap().as_ref(), Some(value), "entry {key} of {id}");
        }
        let entries = leaves_of(&self.store, &self.root).into_keys().filter(|key| key[0] == 5).count();
        assert_eq!(entries, self.model.entries.len(), "entries of which nobody knows");
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
                slots: slots.into_iter().collect(),
            });
            changes.actors.push(ActorChange { id: *id, actor: Some(actor.clone()), contract });
        }
        changes.names = self.model.names.iter().rev().map(|(name, id)| (*name, *id)).collect();
        let entries = self.model.entries.iter().rev();
        let entry = |((id, key), value): (&(ActorID, EntryKey), &Vec<u8>)| EntryChange {
            id: *id,
            key: *key,
            value: Some(Arc::from(&value[..])),
        };
        changes.entries = entries.map(entry).collect();
        let mut state = State::load(Arc::clone(&self.store), &self.start).unwrap();
        assert!(state.actor(INIT_ID).unwrap().is_some());
        state.apply(changes).unwrap();
        assert_eq!(state.flush().unwrap(), self.root, "the root depends on history");
    }
}
