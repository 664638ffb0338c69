//! A genesis document that breaks no rule, and the first state it gives.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::econ::TokenAmount;
use tributary_fvm::state::MemoryStore;
use tributary_fvm::{CronEntry, GenesisAccount, GenesisState, build_genesis_state};

use crate::canonical;
use crate::document::{Genesis, GenesisCronEntry, Seal};
use crate::time::GenesisTime;
use crate::verify::GenesisRejected;
use crate::words::Balance;

/// A verified document with its name and the root of its first state tree. Made by [`Genesis::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedGenesis {
    genesis: Genesis,
    time: GenesisTime,
    seal: Seal,
}

impl From<Balance> for TokenAmount {
    fn from(balance: Balance) -> Self {
        Self::from_atto(balance.0)
    }
}

impl SealedGenesis {
    /// Names a document that broke no rule and builds its first state tree in memory.
    pub(crate) fn new(mut genesis: Genesis, time: GenesisTime) -> Result<Self, GenesisRejected> {
        let genesis_id = canonical::genesis_id(&genesis, time);
        let state_root = build_genesis_state(&MemoryStore::default(), &first_state(&genesis))
            .map_err(|reason| GenesisRejected::NoState(reason.to_string()))?;
        let seal = Seal { genesis_id, state_root };
        genesis.seal = Some(seal);
        Ok(Self { genesis, time, seal })
    }

    /// The document, with its seal.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Time of the state before the first block.
    #[must_use]
    pub const fn time(&self) -> GenesisTime {
        self.time
    }

    /// The network's name in CIDs: two networks with one id are the same network.
    #[must_use]
    pub const fn genesis_id(&self) -> Cid {
        self.seal.genesis_id
    }

    /// Root of the state tree before the first block.
    #[must_use]
    pub const fn state_root(&self) -> Cid {
        self.seal.state_root
    }

    /// What the executor builds the first state tree from.
    #[must_use]
    pub fn first_state(&self) -> GenesisState {
        first_state(&self.genesis)
    }

    /// Writes the first state tree to `store`; its root is [`Self::state_root`].
    ///
    /// # Errors
    /// Those of the executor; with a document that was verified only the store's own.
    pub fn build_state(&self, store: &(impl Blockstore + Sync)) -> Result<Cid, tributary_fvm::GenesisRejected> {
        build_genesis_state(store, &self.first_state())
    }

    /// Tokens in existence at the start, attoTRB.
    #[must_use]
    pub fn supply(&self) -> TokenAmount {
        self.first_state().supply()
    }
}

fn first_state(genesis: &Genesis) -> GenesisState {
    let account = |account: &crate::document::GenesisAccount| GenesisAccount {
        address: account.address.address(),
        balance: account.balance.into(),
    };
    let entry = |entry: &GenesisCronEntry| CronEntry { receiver: entry.receiver.address(), method: entry.method };
    GenesisState {
        chain_name: genesis.chain_name.clone(),
        accounts: genesis.accounts.iter().map(account).collect(),
        code: genesis.code.iter().map(|code| code.wasm.clone()).collect(),
        cron: genesis.cron.iter().map(entry).collect(),
    }
}
