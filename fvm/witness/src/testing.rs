//! Made-up states, written with Filecoin's own maps.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_ipld_kamt::{AsHashedKey, Config, HashedKey, Kamt};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::{ActorState, StateInfo0, StateRoot, StateTreeVersion};
use serde::Serialize;
use tributary_primitives::actors::{BuiltinActor, INIT_ID};
use tributary_primitives::layout::{BIT_WIDTH, ContractHead, InitState};
use tributary_primitives::{EthAddress, Hash32, cbor_cid, raw_cid};

/// What a state holds, told twice: in blocks, and in plain maps.
pub struct World {
    pub store: MemoryBlockstore,
    pub root: Cid,
    pub actors: BTreeMap<ActorID, ActorState>,
    pub slots: BTreeMap<[u8; 32], [u8; 32]>,
}

/// The one contract of a world.
pub const CONTRACT: EthAddress = EthAddress([0xcc; 20]);
pub const CONTRACT_ID: ActorID = 100;

/// The address of actor `id`, which is above 100.
pub fn name(id: ActorID) -> Address {
    let mut bytes = [0xaa; 20];
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    EthAddress(bytes).to_address()
}

pub fn put<T: Serialize>(store: &MemoryBlockstore, value: &T) -> Cid {
    let bytes = fvm_ipld_encoding::to_vec(value).unwrap();
    let cid = cbor_cid(&bytes);
    store.put_keyed(&cid, &bytes).unwrap();
    cid
}

impl World {
    /// The contract with `slots`, and accounts with these ids above 100 and balances.
    pub fn of(accounts: &BTreeMap<ActorID, u64>, slots: &BTreeMap<[u8; 32], [u8; 32]>) -> Self {
        let store = MemoryBlockstore::default();
        store.put_keyed(&raw_cid(b"code"), b"code").unwrap();
        let head = ContractHead { bytecode: raw_cid(b"code"), ..ContractHead::empty(storage(&store, slots)) };
        let contract = ActorState {
            state: put(&store, &head),
            ..ActorState::new_empty(BuiltinActor::Evm.code(), Some(CONTRACT.to_address()))
        };
        let mut actors = BTreeMap::from([(CONTRACT_ID, contract)]);
        let mut names = BTreeMap::from([(CONTRACT.to_address().to_bytes(), CONTRACT_ID)]);
        for (id, balance) in accounts {
            let balance = TokenAmount::from_atto(*balance);
            let account = ActorState::new_empty(BuiltinActor::EthAccount.code(), Some(name(*id)));
            actors.insert(*id, ActorState { balance, ..account });
            names.insert(name(*id).to_bytes(), *id);
        }
        let init = InitState { address_map: hamt(&store, &names), next_id: 1000, network_name: "test".to_owned() };
        let init = ActorState { state: put(&store, &init), ..ActorState::new_empty(BuiltinActor::Init.code(), None) };
        actors.insert(INIT_ID, init);
        let by_key = actors.iter().map(|(id, actor)| (Address::new_id(*id).to_bytes(), actor.clone())).collect();
        let state = StateRoot {
            version: StateTreeVersion::V5,
            actors: hamt(&store, &by_key),
            info: put(&store, &StateInfo0::default()),
        };
        Self { root: put(&store, &state), store, actors, slots: slots.clone() }
    }

    /// Twenty accounts, and a contract with twenty slots.
    pub fn small() -> Self {
        let word = |low: u8| {
            let mut word = [0; 32];
            word[31] = low;
            word
        };
        Self::of(&(101..121).map(|id| (id, id)).collect(), &(1..=20).map(|low| (word(low), word(low * 2))).collect())
    }
}

/// The root of a map of Filecoin's with these entries.
pub fn hamt<V: Serialize + serde::de::DeserializeOwned + PartialEq + Clone>(
    store: &MemoryBlockstore,
    entries: &BTreeMap<Vec<u8>, V>,
) -> Cid {
    let mut map = Hamt::<_, V>::new_with_bit_width(store, BIT_WIDTH);
    for (key, value) in entries {
        map.set(BytesKey(key.clone()), value.clone()).unwrap();
    }
    map.flush().unwrap()
}

/// A word as it lies in storage: without leading zeros.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd)]
struct Word([u8; 32]);

impl Serialize for Word {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        serializer.serialize_bytes(&self.0[zeros..])
    }
}

impl<'de> serde::Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("nothing is read back here"))
    }
}

struct AsItself;

impl AsHashedKey<Word, 32> for AsItself {
    fn as_hashed_key(key: &Word) -> Cow<'_, HashedKey<32>> {
        Cow::Borrowed(&key.0)
    }
}

fn storage(store: &MemoryBlockstore, slots: &BTreeMap<[u8; 32], [u8; 32]>) -> Cid {
    let config = Config { bit_width: BIT_WIDTH, min_data_depth: 0, max_array_width: 1 };
    let mut map = Kamt::<_, Word, Word, AsItself>::new_with_config(store, config);
    for (slot, value) in slots {
        map.set(Word(*slot), Word(*value)).unwrap();
    }
    map.flush().unwrap()
}

/// The slot as a question.
pub fn slot(bytes: [u8; 32]) -> crate::SlotAt {
    crate::SlotAt { contract: CONTRACT.to_address(), slot: Hash32(bytes) }
}
