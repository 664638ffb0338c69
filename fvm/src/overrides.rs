//! What a call is to find otherwise than it is on the chain: accounts, and the block that it runs in.
//!
//! ```text
//! state after a block ─▶ accounts as the caller wants them ─▶ call, in a block as the caller wants it ─▶ forgotten
//! ```
//!
//! Both runtimes run on one state, and that is what changes: a contract and an actor see the same balance, code and storage. A state
//! that was changed so is a *draft*: no root is ever made of it, so nothing of it can reach the chain.
//!
//! Source: go-ethereum, `internal/ethapi/override`.

use std::collections::BTreeMap;

use fvm_shared::econ::TokenAmount;
use tributary_primitives::entry::ENTRY_VALUE_BYTES_MAX;
use tributary_primitives::{EntryKey, EthAddress, Hash32, Height};

use crate::block::BlockEnv;

/// All that a call is to find otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Accounts, in ascending order: so new ones get the same ids every time.
    pub accounts: AccountOverrides,
    /// The block.
    pub block: BlockOverrides,
}

/// Accounts, by Ethereum address.
pub type AccountOverrides = BTreeMap<EthAddress, AccountOverride>;

/// One account. What is `None` stays as it is; an account that is nobody's yet is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// What it has, in attoTRB; at most 2^256 less one.
    pub balance: Option<TokenAmount>,
    /// The nonce as Ethereum counts: of a contract its own, of anyone else the actor's.
    pub nonce: Option<u64>,
    /// Its code; empty for none, EIP-7702's designator for an account that delegates. No bound on its length: the caller sets one.
    pub code: Option<Vec<u8>>,
    /// Its storage.
    pub storage: StorageOverride,
    /// The root block of its state in DAG-CBOR, for an actor of installed code. What the block links to is as it is on the chain.
    pub state: Option<Vec<u8>>,
    /// Where the precompiled contract goes that this account is. Any that is otherwise at all is none any more: its own code runs.
    pub precompile_to: Option<EthAddress>,
    /// Its entries, for an actor of installed code: these, `None` for none, and all others as they are.
    pub entries: BTreeMap<EntryKey, Option<Vec<u8>>>,
}

/// An account's storage: slots and values, big-endian both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StorageOverride {
    /// As it is.
    #[default]
    Kept,
    /// These slots, and zero in all others.
    Only(BTreeMap<Hash32, Hash32>),
    /// These slots, and all others as they are.
    With(BTreeMap<Hash32, Hash32>),
}

/// The block that a call runs in. What is `None` is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// NUMBER, and the FVM's epoch. Which past blocks there are does not change with it.
    pub height: Option<Height>,
    /// TIMESTAMP, in seconds since the Unix epoch.
    pub timestamp_s: Option<u64>,
    /// COINBASE.
    pub proposer: Option<EthAddress>,
    /// BASEFEE, in attoTRB per unit of block gas. An Ethereum call that offers no price finds zero here, unless this says otherwise.
    pub base_fee: Option<u64>,
    /// GASLIMIT; the gas of an estimate and of an FVM message is held to it.
    pub gas_limit: Option<u64>,
    /// PREVRANDAO, and the FVM's randomness.
    pub prev_randao: Option<Hash32>,
}

impl Overrides {
    /// Whether everything is as on the chain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.block == BlockOverrides::default()
    }
}

impl AccountOverride {
    /// Whether it gives the account code, or storage.
    pub(crate) fn has_code_or_storage(&self) -> bool {
        self.code.is_some() || self.storage != StorageOverride::Kept
    }

    /// Whether it gives an actor state, or entries.
    pub(crate) fn has_state_or_entries(&self) -> bool {
        self.state.is_some() || !self.entries.is_empty()
    }
}

impl BlockOverrides {
    /// The block `env`, otherwise.
    #[must_use]
    pub fn on(&self, env: &BlockEnv) -> BlockEnv {
        BlockEnv {
            height: self.height.unwrap_or(env.height),
            timestamp_s: self.timestamp_s.unwrap_or(env.timestamp_s),
            proposer: self.proposer.unwrap_or(env.proposer),
            base_fee: self.base_fee.unwrap_or(env.base_fee),
            gas_limit: self.gas_limit.unwrap_or(env.gas_limit),
            prev_randao: self.prev_randao.unwrap_or(env.prev_randao),
            ..env.clone()
        }
    }
}

/// Why there is no call with these overrides. The caller's doing; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverridesRejected {
    /// A masked id that no actor has.
    #[error("account {0} is the id of an actor, and there is no such actor")]
    Nobody(EthAddress),
    /// A masked id of an actor that has an Ethereum address of its own.
    #[error("account {asked} is known to Ethereum as {own}; override that one")]
    OtherName {
        /// As asked for.
        asked: EthAddress,
        /// Its one Ethereum address.
        own: EthAddress,
    },
    /// Code or storage for an actor that is neither contract nor Ethereum account.
    #[error(
        "account {0} is an actor and no contract: its balance and nonce can be overridden, its code and storage cannot"
    )]
    Actor(EthAddress),
    /// State or entries for somebody without installed code.
    #[error("account {0} is no actor of installed code: it has no state and no entries that can be overridden")]
    NotInstalled(EthAddress),
    /// A state that no actor can have.
    #[error("account {account} cannot have this state: {why}")]
    State {
        /// Whose.
        account: EthAddress,
        /// What is wrong with it.
        why: String,
    },
    /// An entry that no actor can have.
    #[error("account {account} cannot have an entry of {bytes} bytes: at most {ENTRY_VALUE_BYTES_MAX} are allowed")]
    Entry {
        /// Whose.
        account: EthAddress,
        /// Bytes of its value.
        bytes: usize,
    },
    /// Somebody is to be moved who is no precompiled contract.
    #[error("account {0} is not a precompile")]
    NoPrecompile(EthAddress),
    /// A precompiled contract is to be moved to an account that is otherwise too.
    #[error("account {0} is already overridden")]
    Taken(EthAddress),
    /// A balance that no account can have.
    #[error("account {0} cannot have this balance: it must be from 0 to 2^256 - 1")]
    Balance(EthAddress),
    /// Code that begins as a delegation (EIP-7702) does, and is none.
    #[error("account {account} cannot have this code: {why}")]
    Code {
        /// Whose.
        account: EthAddress,
        /// What is wrong with it.
        why: String,
    },
    /// The call came to where no state of a chain could lead.
    #[error("the call cannot be run with these overrides: {0}")]
    Impossible(String),
}
