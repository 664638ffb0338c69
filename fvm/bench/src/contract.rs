//! The token, as it was compiled: `contracts/Token.sol` and, beside it, `contracts/Token.json` with the compiler's version and settings.

use std::collections::BTreeMap;

use alloy_primitives::U256;
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
    transfer: Vec<u8>,
}

impl Token {
    /// The contract in this program.
    ///
    /// # Errors
    /// When the file is not what the compiler made.
    pub fn compiled() -> Result<Self> {
        let compiled: Compiled = serde_json::from_str(include_str!("../contracts/Token.json"))?;
        let transfer = compiled.methods.get("transfer(address,uint256)").context("the token has no transfer")?;
        let bytes = |text: &str| alloy_primitives::hex::decode(text).context("the token is not hex");
        Ok(Self { bytecode: bytes(&compiled.bytecode)?, transfer: bytes(transfer)? })
    }

    /// What creates it.
    #[must_use]
    pub fn bytecode(&self) -> &[u8] {
        &self.bytecode
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
        let token = Token::compiled().unwrap();
        let call = token.transfer(EthAddress([7; 20]), 3);
        assert_eq!(call[..4], keccak256("transfer(address,uint256)")[..4]);
        assert_eq!((call.len(), call[16], call[67]), (68, 7, 3));
        assert!(token.bytecode().len() > 1_000);
    }
}
