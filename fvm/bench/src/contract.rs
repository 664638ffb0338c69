//! The token, as it was compiled: `contracts/Token.sol` and, beside it, `contracts/Token.json` with the compiler's version and settings.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use tributary_primitives::EthAddress;

#[derive(Deserialize)]
struct Compiled {
    methods: BTreeMap<String, String>,
    bytecode: String,
}

/// OpenZeppelin's ERC-20.
#[derive(Clone, Debug)]
pub struct Token {
    bytecode: Vec<u8>,
    /// Selectors by signature.
    methods: BTreeMap<String, Vec<u8>>,
}

/// The method that the workload calls.
const TRANSFER: &str = "transfer(address,uint256)";

impl Token {
    /// The contract in this program.
    ///
    /// # Errors
    /// When the file is not what the compiler made.
    pub fn compiled() -> Result<Self> {
        let compiled: Compiled = serde_json::from_str(include_str!("../contracts/Token.json"))?;
        let bytes = |text: &str| alloy_primitives::hex::decode(text).context("the token is not hex");
        let methods = compiled.methods.iter().map(|(method, selector)| Ok((method.clone(), bytes(selector)?)));
        let token = Self { bytecode: bytes(&compiled.bytecode)?, methods: methods.collect::<Result<_>>()? };
        token.call(TRANSFER, &[]).map(|_| token)
    }

    /// What creates it.
    #[must_use]
    pub fn bytecode(&self) -> &[u8] {
        &self.bytecode
    }

    /// A call of `method`, as `transfer(address,uint256)`, with these words.
    ///
    /// # Errors
    /// When the token has no such method.
    pub fn call(&self, method: &str, words: &[[u8; 32]]) -> Result<Vec<u8>> {
        let selector = self.methods.get(method).with_context(|| format!("the token has no {method}"))?;
        Ok([&selector[..], words.as_flattened()].concat())
    }

    /// The call `transfer(to, amount)`.
    ///
    /// # Panics
    /// Never: [`Self::compiled`] has seen to it that there is a transfer.
    #[must_use]
    pub fn transfer(&self, to: EthAddress, amount: u64) -> Vec<u8> {
        self.call(TRANSFER, &[word(&to.0), word(&amount.to_be_bytes())]).expect("the token has a transfer")
    }
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

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn a_method_is_called_by_the_hash_of_its_signature() {
        let token = Token::compiled().unwrap();
        for (method, selector) in &token.methods {
            assert_eq!(selector[..], keccak256(method)[..4], "{method}");
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
