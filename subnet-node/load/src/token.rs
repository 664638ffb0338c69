//! The contract of the `erc20` workload: OpenZeppelin's ERC-20, as `fvm/bench` has it compiled.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde::Deserialize;
use tributary_primitives::EthAddress;

/// What the compiler made.
#[derive(Debug, Deserialize)]
struct Compiled {
    methods: BTreeMap<String, String>,
    bytecode: String,
}

/// The contract. Who creates it has 2^128 - 1 tokens.
#[derive(Clone, Debug)]
pub struct Token {
    bytecode: Vec<u8>,
    transfer: Vec<u8>,
}

impl Token {
    /// The contract in this program.
    ///
    /// # Panics
    /// Never: a test reads the file.
    #[must_use]
    pub fn compiled() -> Self {
        let json = include_str!("../../../fvm/bench/contracts/Token.json");
        let compiled: Compiled = serde_json::from_str(json).expect("a file of this program, and a test reads it");
        let bytes = |text: &str| hex::decode(text.trim_start_matches("0x")).expect("hex, and a test reads it");
        let transfer = bytes(&compiled.methods["transfer(address,uint256)"]);
        Self { bytecode: bytes(&compiled.bytecode), transfer }
    }

    /// What creates it.
    #[must_use]
    pub fn bytecode(&self) -> Vec<u8> {
        self.bytecode.clone()
    }

    /// The call `transfer(to, amount)`.
    #[must_use]
    pub fn transfer(&self, to: EthAddress, amount: u64) -> Vec<u8> {
        [&self.transfer[..], &[0; 12], &to.0, &U256::from(amount).to_be_bytes::<32>()].concat()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn a_transfer_is_the_method_and_two_words() {
        let call = Token::compiled().transfer(EthAddress([7; 20]), 3);
        assert_eq!(call[..4], keccak256("transfer(address,uint256)")[..4]);
        assert_eq!((call.len(), call[15], call[16], call[35], call[67]), (68, 0, 7, 7, 3));
        assert!(Token::compiled().bytecode().starts_with(&[0x60, 0x80]), "solc's prologue");
    }
}
