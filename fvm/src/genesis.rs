//! The first state: built-in actors, funded accounts, installed code, the contract of past block hashes.
//!
//! | id | actor | state |
//! |---|---|---|
//! | 0 | system | manifest, installed code |
//! | 1 | init | address map, next id, chain name |
//! | 2 | reward | none |
//! | 3 | cron | its entries |
//! | 10 | Ethereum address manager | none |
//! | 99 | burnt funds | an account that only receives |
//! | 100 … | the genesis accounts in the given order, then the history contract (EIP-2935) | |

use std::collections::{BTreeSet, HashSet};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::METHOD_CONSTRUCTOR;
use fvm_shared::address::{Address, Payload, Protocol};
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use revm::bytecode::Bytecode;
use tributary_primitives::actors::{
    BURNT_FUNDS_ID, BuiltinActor, CRON_ID, EAM_ID, FIRST_USER_ID, INIT_ID, REWARD_ID, SYSTEM_ID,
};
pub use tributary_primitives::layout::CODE_BYTES_MAX;
use tributary_primitives::{EthAddress, raw_cid};

use crate::error::StateFatal;
use crate::journal::changes::{ActorChange, Changes, ContractChange};
use crate::money;
pub use crate::native::cron::{CRON_ENTRIES_MAX, CronEntry};
use crate::native::{account, cron};
use crate::state::history::{HISTORY_ADDRESS, history_code};
use crate::state::leaf::encode;
use crate::state::{Actor, BlockState, StateTree, system};

/// What the first state holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenesisState {
    /// The chain's name, kept in the init actor.
    pub chain_name: String,
    /// Who has money; ids are given in this order from 100.
    pub accounts: Vec<GenesisAccount>,
    /// WASM modules that the init actor may execute; each is named by [`raw_cid`] of its bytes.
    pub code: Vec<Vec<u8>>,
    /// Whom the cron actor calls at the end of every block, in this order. At most [`CRON_ENTRIES_MAX`].
    pub cron: Vec<CronEntry>,
}

/// An account that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisAccount {
    /// An f1, f3 or f410 address.
    pub address: Address,
    /// What it has, in attoTRB.
    pub balance: TokenAmount,
}

/// Why there is no such first state.
#[derive(Debug, thiserror::Error)]
pub enum GenesisRejected {
    /// An address that names no account.
    #[error("genesis account {0}: an account has an f1, f3 or f410 (0x…) address")]
    NoAccountAddress(Address),
    /// The same address twice.
    #[error("genesis account {0} is listed twice")]
    ListedTwice(Address),
    /// A balance below zero, or all of them together above 2^128.
    #[error("genesis account {0}: its balance is negative, or all balances together exceed 2^128 attoTRB")]
    BadBalance(Address),
    /// A module that is too large.
    #[error("installed code {0} has {1} bytes; at most {CODE_BYTES_MAX} are allowed")]
    CodeTooLarge(Cid, usize),
    /// Too many cron entries.
    #[error("{0} cron entries; at most {CRON_ENTRIES_MAX} are allowed")]
    TooManyCronEntries(usize),
    /// A cron entry that could never do anything.
    #[error(
        "cron entry {}.{}: the receiver must be an actor's address (f0 from {FIRST_USER_ID} on, f2 or f410), the method 2 or more",
        .0.receiver, .0.method
    )]
    BadCronEntry(CronEntry),
    /// The store does not take it.
    #[error(transparent)]
    State(#[from] StateFatal),
}

impl GenesisState {
    /// All that genesis makes, in attoTRB.
    #[must_use]
    pub fn supply(&self) -> TokenAmount {
        self.accounts.iter().map(|account| &account.balance).sum()
    }
}

/// Writes the first state to `store` and answers its root.
///
/// # Errors
/// [`GenesisRejected`]: the first fault, before anything is written but blocks that nothing names.
pub fn build_genesis_state<B: Blockstore + Sync>(store: &B, genesis: &GenesisState) -> Result<Cid, GenesisRejected> {
    check_accounts(&genesis.accounts)?;
    check_cron(&genesis.cron)?;
    let installed = install(store, &genesis.code)?;
    let mut tree = StateTree::new(store, genesis.chain_name.clone(), FIRST_USER_ID);
    let system = ActorState { state: system::write(store, &installed)?, ..empty(BuiltinActor::System) };
    let cron = ActorState { state: cron::write_state(store, &genesis.cron)?, ..empty(BuiltinActor::Cron) };
    let burnt_funds = ActorState::from(&account::actor(store, &Address::new_id(BURNT_FUNDS_ID))?);
    let singletons = [
        (SYSTEM_ID, system),
        (INIT_ID, empty(BuiltinActor::Init)),
        (EAM_ID, empty(BuiltinActor::EthereumAddressManager)),
        (REWARD_ID, empty(BuiltinActor::Reward)),
        (CRON_ID, cron),
        (BURNT_FUNDS_ID, burnt_funds),
    ];
    for (id, actor) in singletons {
        tree.set_actors([(id, Some(encode(&actor)?))])?;
    }
    let mut state = BlockState::over(tree);
    state.apply(accounts(store, &genesis.accounts)?)?;
    Ok(state.flush()?)
}

fn empty(actor: BuiltinActor) -> ActorState {
    ActorState::new_empty(actor.code(), None)
}

fn check_accounts(accounts: &[GenesisAccount]) -> Result<(), GenesisRejected> {
    let mut seen = HashSet::from([HISTORY_ADDRESS.to_address()]);
    let mut total = 0u128;
    for GenesisAccount { address, balance } in accounts {
        let is_key = matches!(address.protocol(), Protocol::Secp256k1 | Protocol::BLS);
        let is_ethereum = address.protocol() == Protocol::Delegated && EthAddress::from_address(address).is_some();
        if !is_key && !is_ethereum {
            return Err(GenesisRejected::NoAccountAddress(*address));
        }
        if !seen.insert(*address) {
            return Err(GenesisRejected::ListedTwice(*address));
        }
        let sum = u128::try_from(balance.atto()).ok().and_then(|balance| total.checked_add(balance));
        total = sum.ok_or(GenesisRejected::BadBalance(*address))?;
    }
    Ok(())
}

fn check_cron(entries: &[CronEntry]) -> Result<(), GenesisRejected> {
    if entries.len() > CRON_ENTRIES_MAX {
        return Err(GenesisRejected::TooManyCronEntries(entries.len()));
    }
    match entries.iter().find(|entry| !is_of_an_actor(&entry.receiver) || entry.method <= METHOD_CONSTRUCTOR) {
        Some(entry) => Err(GenesisRejected::BadCronEntry(entry.clone())),
        None => Ok(()),
    }
}

/// Whether an address can be of an actor that runs code: no key's, no built-in actor's, no masked id.
fn is_of_an_actor(address: &Address) -> bool {
    match address.payload() {
        Payload::ID(id) => *id >= FIRST_USER_ID,
        Payload::Actor(_) => true,
        Payload::Delegated(_) => EthAddress::from_address(address).is_some(),
        Payload::Secp256k1(_) | Payload::BLS(_) => false,
    }
}

fn install<B: Blockstore + Sync>(store: &B, modules: &[Vec<u8>]) -> Result<BTreeSet<Cid>, GenesisRejected> {
    let mut installed = BTreeSet::new();
    for module in modules {
        let cid = raw_cid(module);
        if module.len() > CODE_BYTES_MAX {
            return Err(GenesisRejected::CodeTooLarge(cid, module.len()));
        }
        store.put_keyed(&cid, module).map_err(StateFatal::tree)?;
        installed.insert(cid);
    }
    Ok(installed)
}

/// The accounts and the history contract, as if a transaction had made them.
fn accounts<B: Blockstore + Sync>(store: &B, accounts: &[GenesisAccount]) -> Result<Changes, StateFatal> {
    let mut changes = Changes::default();
    for GenesisAccount { address, balance } in accounts {
        let actor = match address.protocol() {
            // First use makes an Ethereum account of it, as of every address that only ever received.
            Protocol::Delegated => Actor::new(BuiltinActor::Placeholder, Some(*address)),
            _ => account::actor(store, address)?,
        };
        let balance = money::to_u256(balance).unwrap_or_default();
        add(&mut changes, *address, Actor { balance, ..actor }, None);
    }
    let history = HISTORY_ADDRESS.to_address();
    let actor = Actor::new(BuiltinActor::Evm, Some(history));
    let code = Bytecode::new_legacy(history_code());
    let contract = ContractChange { is_new: true, nonce: 1, code: Some((code.hash_slow(), code)), slots: Vec::new() };
    add(&mut changes, history, actor, Some(contract));
    Ok(changes)
}

fn add(changes: &mut Changes, address: Address, actor: Actor, contract: Option<ContractChange>) {
    let id = changes.next_id.unwrap_or(FIRST_USER_ID);
    changes.next_id = Some(id + 1);
    changes.names.push((address, id));
    changes.actors.push(ActorChange { id, actor: Some(actor), contract });
}
