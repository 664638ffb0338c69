//! Messages to run, and hands to write them with.

use anyhow::{Context, Result};
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_message::FvmTransaction;
use tributary_script::{Op, Params, Script, SendOp};

use crate::world::{FIRST, Who};

/// Gas for a message whose limit is not the point.
pub const GAS: u64 = 10_000_000_000;
/// Codec of a script.
pub const CBOR: u64 = 0x51;
/// Codec of bytes.
pub const RAW: u64 = 0x55;
/// Codec of state.
pub const DAG_CBOR: u64 = 0x71;
/// The hash that names state.
pub const BLAKE2B_256: u64 = 0xb220;
/// A send's gas limit that is none.
pub const NO_LIMIT: u64 = u64::MAX;

/// A message, before it has a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who sends.
    pub from: Who,
    /// To whom.
    pub to: Address,
    /// Method number.
    pub method: u64,
    /// Parameters, CBOR.
    pub params: Vec<u8>,
    /// Value, in attoTRB.
    pub value: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Added to the nonce it should have.
    pub nonce_gap: u64,
}

/// Messages that run in one block, from the standard world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Names it in reports and in [`crate::wanted`].
    pub name: String,
    /// In order.
    pub messages: Vec<Asked>,
}

impl Case {
    /// One message.
    pub fn one(name: impl Into<String>, message: Asked) -> Self {
        Self { name: name.into(), messages: vec![message] }
    }

    /// The first test actor runs these ops.
    pub fn ops(name: impl Into<String>, ops: impl IntoIterator<Item = Op>) -> Self {
        Self::one(name, Asked::script(FIRST, ops))
    }

    /// The messages signed.
    ///
    /// # Errors
    /// When a field is out of bounds.
    pub fn sign(&self) -> Result<Vec<FvmTransaction>> {
        let mut signed: Vec<FvmTransaction> = Vec::with_capacity(self.messages.len());
        for (at, asked) in self.messages.iter().enumerate() {
            let before = self.messages[..at].iter().filter(|other| other.from == asked.from).count();
            signed.push(asked.sign(u64::try_from(before)?).with_context(|| self.name.clone())?);
        }
        Ok(signed)
    }
}

impl Asked {
    /// From alice, with enough gas.
    #[must_use]
    pub fn to(to: Address, method: u64, params: Vec<u8>) -> Self {
        Self { from: Who::Alice, to, method, params, value: 0, gas_limit: GAS, nonce_gap: 0 }
    }

    /// An actor runs these ops.
    pub fn script(actor: ActorID, ops: impl IntoIterator<Item = Op>) -> Self {
        let params = to_vec(&Script(ops.into_iter().collect())).expect("a script encodes");
        Self::to(Address::new_id(actor), 2, params)
    }

    /// The message signed, for the account's `nonce`.
    ///
    /// # Errors
    /// When a field is out of bounds.
    pub fn sign(&self, nonce: u64) -> Result<FvmTransaction> {
        let message = Message {
            version: 0,
            from: self.from.address(),
            to: self.to,
            sequence: nonce + self.nonce_gap,
            value: TokenAmount::from_atto(self.value),
            method_num: self.method,
            params: RawBytes::new(self.params.clone()),
            gas_limit: self.gas_limit,
            gas_fee_cap: TokenAmount::default(),
            gas_premium: TokenAmount::default(),
        };
        Ok(self.from.sign(message)?)
    }
}

/// A send of a script, read back.
pub fn call(actor: ActorID, ops: impl IntoIterator<Item = Op>) -> SendOp {
    let params = Params::Script(Script(ops.into_iter().collect()));
    SendOp { params, method: 2, read: true, ..transfer(Address::new_id(actor), 0) }
}

/// A send of value alone.
#[must_use]
pub fn transfer(to: Address, value: u64) -> SendOp {
    SendOp {
        to: to.to_bytes().into(),
        method: 0,
        params: Params::Block(0),
        value: (0, value),
        gas_limit: NO_LIMIT,
        flags: 0,
        read: false,
    }
}
