//! The first state, and signed blocks on top of it.
//!
//! | module | holds |
//! |---|---|
//! | [`accounts`] | keys, their nonces, and what they sign |
//! | `set_up` | what the workloads need to be there: a token, pools, actors |

pub mod accounts;
mod set_up;

use std::sync::Arc;

use alloy_primitives::U256;
use anyhow::{Context, Result, ensure};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_fvm::state::MemoryStore;
use tributary_fvm::{GenesisAccount, GenesisState, build_genesis_state};
use tributary_genesis_code::{COUNTER_ACTOR, SCRIPT_ACTOR, TOKEN_ACTOR};
use tributary_message::Transaction;
use tributary_primitives::EthAddress;
use tributary_workloads::actors::{DO_SCRIPT, INCREMENT, KV_TRANSFER, computation, kv_amount};
use tributary_workloads::contract::{Caller, Token};
use tributary_workloads::pairs::Chooser;
use tributary_workloads::pools::Pools;

use self::accounts::{Accounts, Unsigned};
use crate::ours::Ours;
use crate::workload::{Deed, Part, Workload};

/// EIP-155's.
pub const CHAIN_ID: u64 = 7;
/// What every account has, in attoTRB.
pub const BALANCE: u128 = 10_u128.pow(27);
/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
const TOKEN_GAS: u64 = 100_000;
const SWAP_GAS: u64 = 300_000;
const CROSS_GAS: u64 = 1_000_000;

/// How a world comes to its first state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Founding {
    /// Each key has an f1 and an f410 account; everything else is made by transactions.
    ByTransactions,
    /// For large states: each key has an f410 account only, and what it holds of the ERC-20 is set, as transfers would have left it.
    Directly,
}

/// Accounts, and what the workloads need; and what was signed so far.
pub struct World {
    founding: Founding,
    accounts: Accounts,
    places: Places,
    /// Every Ethereum transaction of the set-up, for the peer.
    set_up: Vec<Transaction>,
    modules: Vec<Vec<u8>>,
    token: Token,
    caller: Caller,
    /// Parameters of the computer.
    script: Vec<u8>,
    turn: usize,
    chooser: Chooser,
}

/// Where everything is.
#[derive(Default)]
struct Places {
    token: EthAddress,
    pools: Option<Pools>,
    caller: EthAddress,
    counters: Vec<ActorID>,
    computer: ActorID,
    kv_token: ActorID,
}

impl World {
    /// A world with a token and counters, and our executor on its state.
    ///
    /// # Errors
    /// As for [`Self::of`].
    pub fn new(accounts: usize) -> Result<(Self, Ours)> {
        Self::of(accounts, &[Workload::Erc20, Workload::Counter], Founding::ByTransactions)
    }

    /// A world of `accounts` keys for these workloads, and our executor on its state. Cost: some 50 µs a key, 50 more with a token by
    /// transactions.
    ///
    /// # Errors
    /// When a transaction of the set-up fails.
    pub fn of(accounts: usize, workloads: &[Workload], founding: Founding) -> Result<(Self, Ours)> {
        ensure!(accounts >= 2, "a transfer needs two accounts");
        let parts: Vec<_> = workloads.iter().flat_map(|workload| workload.parts()).copied().collect();
        let mut modules = vec![COUNTER_ACTOR.to_vec()];
        modules.extend(parts.contains(&Part::Computer).then(|| SCRIPT_ACTOR.to_vec()));
        modules.extend(parts.contains(&Part::KvToken).then(|| TOKEN_ACTOR.to_vec()));
        let mut world = Self {
            founding,
            accounts: Accounts::new(accounts)?,
            places: Places::default(),
            set_up: vec![],
            modules,
            token: Token::compiled()?,
            caller: Caller::compiled()?,
            script: computation(),
            turn: 0,
            chooser: Chooser::new(accounts),
        };
        let store = Arc::new(MemoryStore::default());
        let genesis = world.genesis();
        let root = build_genesis_state(&*store, &genesis)?;
        let mut ours = Ours::new(store, &root, genesis.supply())?;
        world.make(&parts, &mut ours)?;
        world.accounts.remember();
        Ok((world, ours))
    }

    /// What a chain starts from, the set-up not run.
    #[must_use]
    pub fn genesis(&self) -> GenesisState {
        let balance = TokenAmount::from_atto(BALANCE);
        let account = |address| GenesisAccount { address, balance: balance.clone() };
        let accounts = match self.founding {
            Founding::ByTransactions => self.accounts.addresses().map(account).collect(),
            Founding::Directly => self.eth_addresses().map(|address| account(address.to_address())).collect(),
        };
        GenesisState { chain_name: "bench".to_owned(), accounts, code: self.modules.clone(), ..GenesisState::default() }
    }

    /// Where the token is once the set-up has run.
    #[must_use]
    pub const fn token(&self) -> EthAddress {
        self.places.token
    }

    /// The f410 addresses of all accounts.
    pub fn eth_addresses(&self) -> impl Iterator<Item = EthAddress> + '_ {
        self.accounts.eth_addresses()
    }

    /// Ethereum transactions that a peer has to run before the first block.
    #[must_use]
    pub fn set_up(&self) -> &[Transaction] {
        &self.set_up
    }

    /// Slots of the token that were set and not made by transactions: a peer has to set them after [`Self::set_up`].
    #[must_use]
    pub fn token_slots(&self) -> Vec<(U256, U256)> {
        match self.founding {
            Founding::ByTransactions => vec![],
            Founding::Directly if self.set_up.is_empty() => vec![],
            Founding::Directly => set_up::holdings(self.eth_addresses()),
        }
    }

    /// Forgets all blocks: the next one follows the set-up, and is drawn as the first one was.
    pub fn rewind(&mut self) {
        self.accounts.rewind();
        (self.turn, self.chooser) = (0, Chooser::new(self.accounts.count()));
    }

    /// The next block. Signed on all cores.
    ///
    /// # Errors
    /// When a message cannot be signed.
    pub fn block(&mut self, workload: Workload, transactions: usize) -> Result<Vec<Transaction>> {
        let block = (0..transactions).map(|_| self.transaction(workload)).collect::<Result<Vec<_>>>()?;
        self.accounts.sign(&block)
    }

    fn transaction(&mut self, workload: Workload) -> Result<Unsigned> {
        let turn = self.turn;
        self.turn += 1;
        let (from, to) = self.chooser.pair(workload.pairs(), turn);
        let counter = self.places.counters.get(turn % self.places.counters.len().max(1));
        let counter = counter.copied().context("there are counters");
        let Places { token, caller, computer, kv_token, .. } = self.places;
        let to = (self.accounts.f1_address(to), self.accounts.eth_address(to));
        let script = || self.script.clone();
        Ok(match workload.deed(turn) {
            Deed::FvmTransfer => self.accounts.message(from, to.0, 0, vec![], 1),
            Deed::EthTransfer => self.accounts.ethereum(from, Some(to.1), U256::from(1), vec![], TRANSFER_GAS),
            Deed::Erc20 => self.accounts.call(from, token, self.token.transfer(to.1, 1), TOKEN_GAS),
            Deed::Swap(pools) => self.swap(from, pools)?,
            Deed::Count => self.accounts.message(from, Address::new_id(counter?), INCREMENT, vec![], 0),
            Deed::KvTransfer => {
                self.accounts.message(from, Address::new_id(kv_token), KV_TRANSFER, kv_amount(to.0, 1), 0)
            }
            Deed::Compute => self.accounts.message(from, Address::new_id(computer), DO_SCRIPT, script(), 0),
            Deed::Cross => self.accounts.call(from, caller, self.caller.increment(counter?), CROSS_GAS),
        })
    }

    fn swap(&mut self, from: usize, among: usize) -> Result<Unsigned> {
        let pools = self.places.pools.as_ref().context("there are pools")?;
        let (pool, call) = pools.swap(among, |bound| self.chooser.below(bound));
        Ok(self.accounts.call(from, pool, call, SWAP_GAS))
    }
}
