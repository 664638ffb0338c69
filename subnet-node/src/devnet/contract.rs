//! The small Solidity contract of the load, as it was compiled: `contracts/Tally.sol` and, beside it, `contracts/Tally.json` with
//! the compiler's version and settings.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde::Deserialize;

/// What the compiler made.
#[derive(Debug, Deserialize)]
struct Compiled {
    methods: BTreeMap<String, String>,
    bytecode: String,
}

/// A compiled contract.
#[derive(Clone, Debug)]
pub struct Tally {
    bytecode: Vec<u8>,
    bring: Vec<u8>,
}

impl Tally {
    /// The contract in this program.
    #[must_use]
    pub fn compiled() -> Self {
        let json = include_str!("../../contracts/Tally.json");
        let compiled: Compiled = serde_json::from_str(json).expect("a file of this program, and a test reads it");
        let bytes = |text: &str| hex::decode(text.trim_start_matches("0x")).expect("hex, and a test reads it");
        Self { bytecode: bytes(&compiled.bytecode), bring: bytes(&compiled.methods["bring(uint256)"]) }
    }

    /// What creates it.
    #[must_use]
    pub fn bytecode(&self) -> Vec<u8> {
        self.bytecode.clone()
    }

    /// The call `bring(amount)`.
    #[must_use]
    pub fn bring(&self, amount: u64) -> Vec<u8> {
        [&self.bring[..], &U256::from(amount).to_be_bytes::<32>()].concat()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn the_compiled_contract_is_there_and_its_method_is_the_sources() {
        let tally = Tally::compiled();
        assert!(tally.bytecode().starts_with(&[0x60, 0x80]), "solc's prologue");
        assert_eq!(tally.bring(3)[..4], keccak256("bring(uint256)")[..4]);
        assert_eq!((tally.bring(3).len(), tally.bring(3)[35]), (36, 3));
        assert!(include_str!("../../contracts/Tally.sol").contains("function bring(uint256 amount) external"));
    }
}
