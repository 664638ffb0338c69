//! The state both executors start from, to the byte.
//!
//! | id | actor |
//! |---|---|
//! | 0–99 | as our genesis makes them |
//! | [`ALICE`], [`BOB`] | f1 accounts, who send |
//! | [`DAVE`] | an f3 account, who sends too |
//! | [`ERIN`] | a placeholder: an f410 address that only received, until it sends |
//! | 104 | the history contract (EIP-2935), which the reference only keeps |
//! | [`FIRST`], [`SECOND`], [`THIRD`] | the test actor, three times |
//! | [`LOST`] | the test actor; its state's block is not stored |
//! | [`COUNTER`] | the counter that ships |
//! | 300 … | modules of [`crate::rows::modules`] |
//!
//! Our genesis writes the state and the actors under test are put into its tree, so ids and CIDs are equal by construction. The
//! reference gets it unchanged: built-in actors' code CIDs are identity CIDs over their names, and under each its store holds a
//! stand-in of a few instructions. A manifest with Filecoin's numbering goes in by the reference's `builtin_actors_override`.

use std::sync::Arc;

use anyhow::{Context, Result};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{CborStore, DAG_CBOR};
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use fvm_shared::state::{ActorState, StateRoot};
use multihash_codetable::{Code, MultihashDigest};
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_fvm::{GenesisAccount, GenesisState, build_genesis_state};
use tributary_genesis_code::{COUNTER_ACTOR, SCRIPT_ACTOR};
use tributary_message::{FvmRejected, FvmTransaction};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::raw_cid;

use crate::bundle::Bundle;
use crate::rows::modules;
use crate::store::{Base, Store};

/// An f1 account: sends unless a case says otherwise.
pub const ALICE: ActorID = 100;
/// Another f1 account.
pub const BOB: ActorID = 101;
/// An f3 account.
pub const DAVE: ActorID = 102;
/// A placeholder.
pub const ERIN: ActorID = 103;
/// The contract of past block hashes: only ours writes to it.
pub const HISTORY: ActorID = 104;
/// The test actor.
pub const FIRST: ActorID = 200;
/// The test actor again.
pub const SECOND: ActorID = 201;
/// And again.
pub const THIRD: ActorID = 202;
/// The test actor, its state lost.
pub const LOST: ActorID = 203;
/// The counter.
pub const COUNTER: ActorID = 204;
/// The first of the modules.
pub const MODULES: ActorID = 300;

/// What each account and each actor under test has, in attoTRB.
pub const BALANCE: u64 = 1_000_000;
/// Height, and so epoch, of every case's block.
pub const HEIGHT: u64 = 1_000;
/// Time of the block.
pub const TIMESTAMP_S: u64 = 1_700_000_000;
/// EIP-155's.
pub const CHAIN_ID: u64 = 7;
/// Hash of the block before.
pub const PREVIOUS_HASH: [u8; 32] = [0x11; 32];
/// The block's randomness.
pub const RANDOMNESS: [u8; 32] = [0x22; 32];

/// Bits of a key that a node takes: of the state tree, and of the init actor's address map.
pub const BIT_WIDTH: u32 = 5;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// [`ALICE`].
    Alice,
    /// [`BOB`].
    Bob,
    /// A key without an actor.
    Nobody,
    /// [`DAVE`].
    Dave,
    /// [`ERIN`].
    Erin,
}

impl Who {
    /// The secret number.
    const fn seed(self) -> [u8; 32] {
        let seed = match self {
            Self::Alice => 1,
            Self::Bob => 2,
            Self::Nobody => 3,
            Self::Dave => 4,
            Self::Erin => 5,
        };
        [seed; 32]
    }

    /// The secp256k1 key of the secret number; dave has no account of it.
    #[must_use]
    pub fn key(self) -> SecpSecretKey {
        SecpSecretKey::from_bytes(&self.seed()).expect("small numbers are secret keys")
    }

    /// The address it sends from: f3 of dave, f410 of erin, f1 of all others.
    #[must_use]
    pub fn address(self) -> Address {
        match self {
            Self::Dave => dave().f3_address(),
            Self::Erin => self.key().eth_address().to_address(),
            Self::Alice | Self::Bob | Self::Nobody => self.key().f1_address(),
        }
    }

    /// The message, signed as its sender signs.
    ///
    /// # Errors
    /// When a field is out of bounds.
    pub fn sign(self, message: Message) -> Result<FvmTransaction, FvmRejected> {
        match self {
            Self::Dave => FvmTransaction::sign_bls(message, &dave(), CHAIN_ID),
            Self::Erin => FvmTransaction::sign_delegated(message, &self.key(), CHAIN_ID),
            Self::Alice | Self::Bob | Self::Nobody => FvmTransaction::sign(message, &self.key(), CHAIN_ID),
        }
    }
}

/// The key of [`DAVE`].
#[must_use]
pub fn dave() -> BlsSecretKey {
    BlsSecretKey::from_bytes(&Who::Dave.seed()).expect("a small number is a secret key")
}

/// The address of [`DAVE`].
#[must_use]
pub fn dave_address() -> Address {
    Who::Dave.address()
}

/// The address of [`ERIN`].
#[must_use]
pub fn erin_address() -> Address {
    Who::Erin.address()
}

/// What both sides start from.
pub struct World {
    /// Our store's blocks.
    pub ours: Base,
    /// The reference's: the same, and stand-ins for built-in actors.
    pub theirs: Base,
    /// The state both start from.
    pub root: Cid,
    /// Version and CID of the reference's manifest.
    pub manifest: Cid,
    /// All tokens.
    pub supply: TokenAmount,
    /// State of [`HISTORY`] before any case.
    pub history: Cid,
}

impl World {
    /// The standard world.
    ///
    /// # Errors
    /// When a module of [`modules`] does not parse, or genesis refuses its accounts.
    pub fn new() -> Result<Self> {
        let mut under_test =
            vec![(FIRST, SCRIPT_ACTOR.to_vec()), (SECOND, SCRIPT_ACTOR.to_vec()), (THIRD, SCRIPT_ACTOR.to_vec())];
        under_test.extend([(LOST, SCRIPT_ACTOR.to_vec()), (COUNTER, COUNTER_ACTOR.to_vec())]);
        for (id, (_, text)) in (MODULES..).zip(modules::MODULES) {
            under_test.push((id, wat::parse_str(text).with_context(|| format!("module of actor {id}"))?));
        }
        let account = |address| GenesisAccount { address, balance: TokenAmount::from_atto(BALANCE) };
        let standard = [Who::Alice.address(), Who::Bob.address(), dave_address(), erin_address()];
        let accounts = standard.into_iter().map(account).collect();
        let genesis = GenesisState { chain_name: "oracle".to_owned(), accounts, ..GenesisState::default() };
        Self::with(&genesis, &under_test)
    }

    /// The world that a genesis of four accounts says.
    ///
    /// # Errors
    /// When genesis refuses its accounts, or they are not four: [`HISTORY`] comes after them.
    pub fn of(genesis: &GenesisState) -> Result<Self> {
        Self::with(genesis, &[])
    }

    /// A world whose state is in `blocks` already.
    ///
    /// # Errors
    /// When a stand-in does not parse.
    pub fn around(blocks: Vec<(Cid, Vec<u8>)>, root: Cid, supply: TokenAmount) -> Result<Self> {
        let store = Store::default();
        for (cid, block) in blocks {
            store.put_keyed(&cid, &block)?;
        }
        let ours = store.clone().into_base();
        let manifest = put_stand_ins(&store)?;
        Ok(Self { ours, theirs: store.into_base(), root, manifest, supply, history: root })
    }

    /// The genesis that both may start from, its built-in actors run by Filecoin's. For the reference alone: code CIDs differ from ours.
    ///
    /// # Errors
    /// When genesis refuses its accounts.
    pub fn of_filecoin(bundle: &Bundle, genesis: &GenesisState) -> Result<Self> {
        let store = Store::over(bundle.blocks());
        let root = build_genesis_state(&store, genesis)?;
        let mut actors = read_actors(&store, &root)?;
        recode(&mut actors, |code| bundle.code_for(code))?;
        let root = put_root(&store, &root, &mut actors)?;
        let (theirs, manifest) = (store.into_base(), bundle.manifest());
        Ok(Self { ours: Base::default(), theirs, root, manifest, supply: genesis.supply(), history: root })
    }

    /// A genesis with these actors under test. Each of them has [`BALANCE`].
    fn with(genesis: &GenesisState, under_test: &[(ActorID, Vec<u8>)]) -> Result<Self> {
        let store = Store::default();
        let root = build_genesis_state(&store, genesis)?;
        let root = put_actors(&store, &root, under_test)?;
        let actors = BALANCE * u64::try_from(under_test.len())?;
        let supply = genesis.supply() + TokenAmount::from_atto(actors);
        let history = read_actors(&store, &root)?.get(&key_of(HISTORY))?.context("there is a history contract")?.state;
        let ours = store.clone().into_base();
        let manifest = put_stand_ins(&store)?;
        Ok(Self { ours, theirs: store.into_base(), root, manifest, supply, history })
    }
}

fn put_actors(store: &Store, root: &Cid, under_test: &[(ActorID, Vec<u8>)]) -> Result<Cid> {
    let mut actors = read_actors(store, root)?;
    for (id, wasm) in under_test {
        let code = raw_cid(wasm);
        store.put_keyed(&code, wasm)?;
        let state = if *id == LOST { lost() } else { store.put_cbor(&(0u64,), Code::Blake2b256)? };
        let balance = TokenAmount::from_atto(BALANCE);
        actors.set(key_of(*id), ActorState { code, state, balance, sequence: 0, delegated_address: None })?;
    }
    put_root(store, root, &mut actors)
}

/// The state root `old` over other actors.
fn put_root(store: &Store, old: &Cid, actors: &mut Hamt<Store, ActorState>) -> Result<Cid> {
    let old: StateRoot = store.get_cbor(old)?.context("the state root was written just now")?;
    let root = StateRoot { actors: actors.flush()?, ..old };
    store.put_cbor(&root, Code::Blake2b256)
}

/// A CID whose block nobody has.
fn lost() -> Cid {
    Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(b"lost"))
}

/// Puts a module under each built-in actor's code CID; answers the manifest's.
///
/// The reference numbers built-in actors by position, so names that this network does not have keep their places.
fn put_stand_ins(store: &Store) -> Result<Cid> {
    let manifest: Vec<(String, Cid)> = (1..=16)
        .map(|number| match BuiltinActor::from_number(number) {
            Some(actor) => (actor.name().to_owned(), actor.code()),
            None => (format!("none-{number}"), raw_cid(format!("none-{number}").as_bytes())),
        })
        .collect();
    let account = BuiltinActor::Account.code();
    for (_, code) in &manifest {
        let text = if *code == account { modules::ACCOUNT } else { modules::ACCEPTS_ALL };
        store.put_keyed(code, &wat::parse_str(text)?)?;
    }
    let manifest = store.put_cbor(&manifest, Code::Blake2b256)?;
    store.put_cbor(&(1u32, manifest), Code::Blake2b256)
}

/// The tree of actors under a state root.
///
/// # Errors
/// When a block is missing.
pub fn read_actors<S: Blockstore + Clone>(store: &S, root: &Cid) -> Result<Hamt<S, ActorState>> {
    let state: StateRoot = store.get_cbor(root)?.context("the state root is not stored")?;
    Ok(Hamt::load_with_bit_width(&state.actors, store.clone(), BIT_WIDTH)?)
}

/// Gives actors other code, where there is other code for theirs.
///
/// # Errors
/// When a block is missing.
pub fn recode(actors: &mut Hamt<Store, ActorState>, other: impl Fn(&Cid) -> Option<Cid>) -> Result<()> {
    let mut changed = Vec::new();
    actors.for_each(|key, actor| {
        changed.extend(other(&actor.code).map(|code| (key.clone(), ActorState { code, ..actor.clone() })));
        Ok(())
    })?;
    for (key, actor) in changed {
        actors.set(key, actor)?;
    }
    Ok(())
}

/// An actor's key in the tree.
#[must_use]
pub fn key_of(id: ActorID) -> BytesKey {
    BytesKey(Address::new_id(id).to_bytes())
}

/// Shared by all cases.
pub type SharedWorld = Arc<World>;
