//! A call that is run to see what it would do, and is then forgotten.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use tributary_primitives::{EthAddress, Hash32};

use crate::overrides::OverridesRejected;
use crate::receipt::Event;
use crate::simulation::CallInvalid;

/// An account's word that another's code runs in its name from now on (EIP-7702).
pub use revm::context::transaction::SignedAuthorization;

/// Held by whoever asks for a call, with all its runs: what runs on it ends once it is cut, and is forgotten. By default it never is.
///
/// A call looks at it with every look at the state, and a contract with every call and every jump too. Between two looks lies what a WASM
/// actor computes without asking anything, which its gas bounds, and one precompiled contract.
#[derive(Clone, Default)]
pub struct Leash {
    length: Duration,
    is_cut: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Leash {
    /// One that is cut as soon as `is_cut` says so, which is asked at every look: it must be cheap, and stay with what it said. How long that
    /// is meant to take is told with the refusal; nothing here has a clock.
    #[must_use]
    pub fn new(length: Duration, is_cut: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { length, is_cut: Some(Arc::new(is_cut)) }
    }

    /// Whether it is cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut.as_ref().is_some_and(|is_cut| is_cut())
    }

    /// How long it was meant to be.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.length
    }
}

impl fmt::Debug for Leash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leash").field("length", &self.length).field("is_cut", &self.is_cut()).finish()
    }
}

/// Why there is no outcome of a call. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallRejected {
    /// No state can be as its caller wants it.
    #[error(transparent)]
    Overrides(#[from] OverridesRejected),
    /// It offers a price for its gas that the block does not take, or that its sender cannot pay.
    #[error(transparent)]
    Invalid(#[from] CallInvalid),
    /// It ran for longer than its [`Leash`] was.
    #[error("the call was cut off after {0:?}")]
    CutOff(Duration),
}

/// A call on a known state. Nobody signs it, and nonces do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallRequest {
    /// As an Ethereum transaction.
    Ethereum(EthereumCall),
    /// As an FVM message.
    Fvm(FvmCall),
}

/// As `eth_call` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EthereumCall {
    /// Who calls; anyone may be named.
    pub from: EthAddress,
    /// The receiver; `None` makes a contract.
    pub to: Option<EthAddress>,
    /// Value to move, in attoTRB. The caller must have it.
    pub value: TokenAmount,
    /// Call data, or the contract's init code.
    pub input: Vec<u8>,
    /// Most Ethereum gas to use, be it more than a block has: no bound but the caller's. `None`: as much as one transaction may, and the block. An
    /// estimate is held to that.
    pub gas_limit: Option<u64>,
    /// Most it pays for a unit of gas, in attoTRB; zero for a call that pays nothing, and finds no base fee.
    pub max_fee_per_gas: u128,
    /// Most of it that is a tip.
    pub max_priority_fee_per_gas: u128,
    /// What it pays for ahead (EIP-2930).
    pub access_list: Vec<AccessedAccount>,
    /// Who lets another's code run in its name from this call on (EIP-7702). With any, there is a receiver. No bound on how many: the
    /// caller sets one. Cost of each in every run: 26 µs, to find out who signed it.
    pub authorizations: Vec<SignedAuthorization>,
}

impl EthereumCall {
    /// Whether it offers anything for its gas.
    #[must_use]
    pub const fn pays(&self) -> bool {
        self.max_fee_per_gas > 0 || self.max_priority_fee_per_gas > 0
    }
}

/// An account of an access list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessedAccount {
    /// The account.
    pub address: EthAddress,
    /// Slots of its storage, big-endian.
    pub slots: Vec<Hash32>,
}

/// As a message of the FVM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FvmCall {
    /// Who calls; an actor that exists.
    pub from: Address,
    /// The receiver.
    pub to: Address,
    /// Method number; 0 moves value and runs no code.
    pub method: MethodNum,
    /// Parameters, DAG-CBOR; empty for none.
    pub params: Vec<u8>,
    /// Value to move, in attoTRB. The caller must have it.
    pub value: TokenAmount,
    /// Most FVM gas to use; `None`: as much as a block holds. Held to the block's limit.
    pub gas_limit: Option<u64>,
}

/// What the call would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// Zero, or why it would change nothing.
    pub exit_code: ExitCode,
    /// Block gas it would use.
    pub gas_used: u64,
    /// The same in FVM gas; zero for an Ethereum call.
    pub fvm_gas_used: u64,
    /// What it would return: also a contract's reason for reverting.
    pub return_data: Vec<u8>,
    /// What it would emit.
    pub events: Vec<Event>,
}

/// What a call reaches, and what it does with that paid for ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accessed {
    /// Ascending by account and slot, each once.
    pub list: Vec<AccessedAccount>,
    /// What the call would do with this list.
    pub outcome: CallOutcome,
}

/// What a transaction needs to do what the call does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GasEstimate {
    /// The least gas limit that is enough: in Ethereum gas for an Ethereum call, in FVM gas for an FVM message.
    Enough(u64),
    /// It would not go well with any gas limit that a block allows; here is how it ends.
    Never(CallOutcome),
}
