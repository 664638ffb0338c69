//! What a block is to the executor: its environment in, its outcome out.

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::econ::TokenAmount;
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::receipt::Receipt;

/// Numbers of the executor that all nodes of a chain share: fixed by genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionParams {
    /// FVM gas that weighs as much in a block as one unit of Ethereum gas. At least 1.
    ///
    /// FVM gas is finer: a message that moves value takes about a million units where Ethereum's takes 21,000. The public
    /// estimate of 190 and our measurement of 597 units a unit bracket the usual choice, 500.
    pub fvm_gas_per_gas: u64,
    /// Tokens made at genesis, in attoTRB. Nothing mints later, so what circulates is this less what was burnt.
    pub genesis_supply: TokenAmount,
    /// Who may install WASM code.
    pub code_installer: CodeInstaller,
    /// FVM gas that each entry of the cron actor may use at the end of a block.
    pub cron_entry_gas: u64,
}

/// Who may install WASM code on a chain. Whoever may pays for it; anyone may make actors of what is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeInstaller {
    /// Nobody: the chain runs what genesis installed.
    Nobody,
    /// Anyone.
    Anyone,
    /// This actor alone: an account, or a multisig or contract that governs the chain.
    Actor(ActorID),
}

impl CodeInstaller {
    /// Whether this actor may.
    #[must_use]
    pub fn allows(self, actor: ActorID) -> bool {
        match self {
            Self::Nobody => false,
            Self::Anyone => true,
            Self::Actor(installer) => actor == installer,
        }
    }
}

/// The block in execution, as its transactions may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEnv {
    /// Its height; the first decided block is 1.
    pub height: Height,
    /// Its time, in seconds since the Unix epoch.
    pub timestamp_s: u64,
    /// Who proposed it and gets the tips: COINBASE.
    pub proposer: EthAddress,
    /// Base fee, in attoTRB per unit of block gas: BASEFEE. What the next one is: [`crate::fees::next_base_fee`].
    pub base_fee: u64,
    /// Block gas that its transactions may use together: GASLIMIT.
    pub gas_limit: u64,
    /// Chain id, as in EIP-155: CHAINID.
    pub chain_id: u64,
    /// Hash of the block before; zero for the first.
    pub previous_hash: Hash32,
    /// PREVRANDAO, and the FVM's randomness at this height. Known before the block is: no secret, no fair dice.
    pub prev_randao: Hash32,
}

/// What running a block's transactions gives, before the state's root is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRun {
    /// One for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// Block gas used by all of them.
    pub gas_used: u64,
    /// FVM gas that the cron actor's entries used, beside them.
    pub cron_gas_used: u64,
}

/// What executing a block gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOutcome {
    /// Root of the state after the block.
    pub state_root: Cid,
    /// One for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// Block gas used by all of them.
    pub gas_used: u64,
    /// FVM gas used by the cron actor's entries, beside the block's own gas.
    pub cron_gas_used: u64,
}
