//! Contracts as they were compiled: `contracts/*.sol` and, beside each, a file with its bytecode, the compiler's version and settings.

use std::collections::BTreeMap;

use alloy_primitives::{Address as EvmAddress, hex};
use fvm_shared::ActorID;
use serde::Deserialize;
use tributary_primitives::EthAddress;

use crate::actors::INCREMENT;

/// A file of a contract is not what the compiler made.
#[derive(Debug, thiserror::Error)]
pub enum ContractRejected {
    /// Not such a document.
    #[error("the compiler's file of a contract: {0}")]
    File(#[from] serde_json::Error),
    /// The bytecode or a selector.
    #[error("{contract}: not hex: {why}")]
    Hex {
        /// The contract.
        contract: String,
        /// What is wrong with it.
        why: hex::FromHexError,
    },
    /// No method of this signature.
    #[error("{contract} has no {method}")]
    Method {
        /// The contract.
        contract: String,
        /// The signature.
        method: String,
    },
}

type Result<T> = std::result::Result<T, ContractRejected>;

/// What every holder gets of a token or of a coin: more than it can ever send.
pub const HOLDING: u64 = 1 << 40;

/// Gas to create any of the contracts: more than it takes.
pub const CREATE_GAS: u64 = 3_000_000;

#[derive(Deserialize)]
struct Compiled {
    contract: String,
    methods: BTreeMap<String, String>,
    bytecode: String,
}

/// A contract: what creates it, and how its methods are called.
#[derive(Clone, Debug)]
pub struct Contract {
    name: String,
    bytecode: Vec<u8>,
    /// Selectors by signature.
    methods: BTreeMap<String, Vec<u8>>,
}

impl Contract {
    fn read(json: &str) -> Result<Self> {
        let Compiled { contract: name, methods, bytecode } = serde_json::from_str(json)?;
        let bytes = |text: &str| hex::decode(text).map_err(|why| ContractRejected::Hex { contract: name.clone(), why });
        let methods = methods.iter().map(|(method, selector)| Ok((method.clone(), bytes(selector)?)));
        let methods = methods.collect::<Result<_>>()?;
        Ok(Self { bytecode: bytes(&bytecode)?, methods, name })
    }

    /// One side of a pool.
    pub(crate) fn coin() -> Result<Self> {
        Self::read(include_str!("../../contracts/Coin.json"))
    }

    /// A constant-product pool of two coins.
    pub(crate) fn pool() -> Result<Self> {
        Self::read(include_str!("../../contracts/Pool.json"))
    }

    fn caller() -> Result<Self> {
        Self::read(include_str!("../../contracts/Caller.json"))
    }

    /// What creates it, with these arguments of its constructor.
    pub(crate) fn creation(&self, arguments: &[[u8; 32]]) -> Vec<u8> {
        [&self.bytecode[..], arguments.as_flattened()].concat()
    }

    /// A call of `method`, as `transfer(address,uint256)`, with these words.
    pub(crate) fn call(&self, method: &str, words: &[[u8; 32]]) -> Result<Vec<u8>> {
        let none = || ContractRejected::Method { contract: self.name.clone(), method: method.to_owned() };
        let selector = self.methods.get(method).ok_or_else(none)?;
        Ok([&selector[..], words.as_flattened()].concat())
    }
}

/// OpenZeppelin's ERC-20.
#[derive(Clone, Debug)]
pub struct Token(Contract);

/// The method that the workloads call.
const TRANSFER: &str = "transfer(address,uint256)";
/// The method of the caller.
const CALL: &str = "call(uint64,uint64)";

impl Token {
    /// The contract in this program. Who creates it has 2^128 - 1 tokens.
    ///
    /// # Errors
    /// When the file is not what the compiler made.
    pub fn compiled() -> Result<Self> {
        let token = Self(Contract::read(include_str!("../../contracts/Token.json"))?);
        token.call(TRANSFER, &[]).map(|_| token)
    }

    /// What creates it.
    #[must_use]
    pub fn bytecode(&self) -> &[u8] {
        &self.0.bytecode
    }

    /// A call of `method`, as `transfer(address,uint256)`, with these words.
    ///
    /// # Errors
    /// When the token has no such method.
    pub fn call(&self, method: &str, words: &[[u8; 32]]) -> Result<Vec<u8>> {
        self.0.call(method, words)
    }

    /// The call `transfer(to, amount)`.
    ///
    /// # Panics
    /// Never: [`Self::compiled`] has seen to it that there is a transfer.
    #[must_use]
    pub fn transfer(&self, to: EthAddress, amount: u64) -> Vec<u8> {
        self.call(TRANSFER, &[word(&to.0), number(amount)]).expect("the token has a transfer")
    }
}

/// The contract that calls actors.
#[derive(Clone, Debug)]
pub struct Caller(Contract);

impl Caller {
    /// The contract in this program.
    ///
    /// # Errors
    /// When the file is not what the compiler made.
    pub fn compiled() -> Result<Self> {
        let caller = Self(Contract::caller()?);
        caller.0.call(CALL, &[]).map(|_| caller)
    }

    /// What creates it.
    #[must_use]
    pub fn bytecode(&self) -> &[u8] {
        &self.0.bytecode
    }

    /// Has it call a counter's `Increment`. It reverts where that does not go well.
    ///
    /// # Panics
    /// Never: [`Self::compiled`] has seen to it that there is such a method.
    #[must_use]
    pub fn increment(&self, counter: ActorID) -> Vec<u8> {
        self.0.call(CALL, &[number(counter), number(INCREMENT)]).expect("the caller has a call")
    }
}

/// The contract that a transaction of `creator` with this nonce creates.
#[must_use]
pub fn created_by(creator: EthAddress, nonce: u64) -> EthAddress {
    EthAddress(EvmAddress::from(creator.0).create(nonce).into_array())
}

/// A number or an address as the ABI has it: right-aligned. Bytes beyond 32 are cut off the front.
#[must_use]
pub fn word(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().rev().zip(bytes.iter().rev()) {
        *to = *from;
    }
    word
}

/// A number as the ABI has it.
#[must_use]
pub fn number(number: u64) -> [u8; 32] {
    word(&number.to_be_bytes())
}

/// A list of addresses as the ABI has it: how many, then each.
pub fn list(addresses: &[EthAddress]) -> Vec<[u8; 32]> {
    let count = u64::try_from(addresses.len()).unwrap_or(u64::MAX);
    std::iter::once(number(count)).chain(addresses.iter().map(|address| word(&address.0))).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn a_method_is_called_by_the_hash_of_its_signature() {
        let token = Token::compiled().unwrap();
        for contract in [&token.0, &Contract::coin().unwrap(), &Contract::pool().unwrap(), &Contract::caller().unwrap()]
        {
            for (method, selector) in &contract.methods {
                assert_eq!(selector[..], keccak256(method)[..4], "{method}");
            }
            assert!(contract.bytecode.len() > 500);
        }
        assert!(token.call("mint(uint256)", &[]).is_err());
    }

    #[test]
    fn a_transfer_is_the_method_and_two_words() {
        let token = Token::compiled().unwrap();
        let call = token.transfer(EthAddress([7; 20]), 3);
        assert_eq!(call[..4], keccak256("transfer(address,uint256)")[..4]);
        assert_eq!((call.len(), call[16], call[67]), (68, 7, 3));
        assert!(token.bytecode().len() > 1_000);
    }
}
