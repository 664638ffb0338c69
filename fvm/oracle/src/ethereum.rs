//! Ethereum transactions as a node of Filecoin's hands them to the FVM.
//!
//! | transaction | message |
//! |---|---|
//! | to an address | `InvokeEVM` of the f410 actor there |
//! | without a receiver | `CreateExternal` of the Ethereum address manager |
//!
//! Parameters and return data are the bytes as one CBOR byte string, none at all for none. Gas price is zero here, so no fee moves.
//!
//! Source: FIP-0054, "Filecoin EVM runtime", and FIP-0055, "Supporting Ethereum accounts, addresses, and transactions".

use alloy_consensus::Transaction as _;
use anyhow::{Context, Result};
use fvm::executor::ApplyRet;
use fvm_ipld_encoding::{BytesDe, BytesSer, RawBytes, from_slice, to_vec};
use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_message::{EthereumTransaction, Transaction};
use tributary_primitives::actors::EAM_ID;

use crate::case::GAS;
use crate::outcome::Seen;
use crate::reference::Included;

const INVOKE_EVM: MethodNum = 3_844_450_837;
const CREATE_EXTERNAL: MethodNum = 4;
/// Bytes of a delegated signature: its type and Ethereum's.
const SIGNATURE: usize = 66;

/// The message that a transaction is or becomes.
///
/// # Errors
/// When it moves more than 2^128 - 1.
pub fn message(transaction: &Transaction) -> Result<Included> {
    match transaction {
        Transaction::Fvm(message) => Ok(Included::from(message.as_ref())),
        Transaction::Ethereum(transaction) => included(transaction),
    }
}

/// What became of it; what a call of Ethereum's returned is as Ethereum has it.
///
/// # Errors
/// When a call returned no byte string.
pub fn seen(transaction: &Transaction, applied: ApplyRet) -> Result<Seen> {
    let mut seen = Seen::from(applied);
    if let Transaction::Ethereum(transaction) = transaction {
        seen.return_data = returned(transaction, seen.return_data)?;
    }
    Ok(seen)
}

/// The message that an Ethereum transaction becomes.
fn included(transaction: &EthereumTransaction) -> Result<Included> {
    let input = transaction.envelope().input();
    let (to, method) = match transaction.to() {
        Some(to) => (to.to_address(), INVOKE_EVM),
        None => (Address::new_id(EAM_ID), CREATE_EXTERNAL),
    };
    let message = Message {
        version: 0,
        from: transaction.sender().to_address(),
        to,
        sequence: transaction.nonce(),
        value: TokenAmount::from_atto(u128::try_from(transaction.value()).context("a value is below 2^128")?),
        method_num: method,
        params: if input.is_empty() { RawBytes::default() } else { RawBytes::new(to_vec(&BytesSer(input))?) },
        gas_limit: GAS,
        gas_fee_cap: TokenAmount::default(),
        gas_premium: TokenAmount::default(),
    };
    let length = to_vec(&(&message, BytesSer(&[0; SIGNATURE])))?.len();
    Ok(Included { message, length })
}

/// What a call returned, out of its message's return data. What `CreateExternal` answers stays as it is.
fn returned(transaction: &EthereumTransaction, data: Vec<u8>) -> Result<Vec<u8>> {
    if data.is_empty() || transaction.to().is_none() {
        return Ok(data);
    }
    let BytesDe(bytes) = from_slice(&data).context("a contract returns a byte string")?;
    Ok(bytes)
}
