//! A call that is run to see what it would do, and is then forgotten.

use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use tributary_primitives::{EthAddress, Hash32};

use crate::receipt::Event;

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
    /// Most Ethereum gas to use; `None`: as much as one transaction may. Held to the block's limit.
    pub gas_limit: Option<u64>,
    /// What it pays for ahead (EIP-2930).
    pub access_list: Vec<AccessedAccount>,
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
