//! Precompiled contracts, and calls that leave the EVM.
//!
//! | callee | empty call data | call data |
//! |---|---|---|
//! | precompiled contract | runs | runs |
//! | contract, account, placeholder | the EVM's business | the EVM's business |
//! | any other actor: WASM, system, init | value moves, no code runs (method 0) | revert: `actor is not an EVM contract` |
//! | masked id that is nobody's one Ethereum address | revert: `no actor has this address` | the same |
//!
//! Both refusals are reverts with Solidity's `Error(string)`, so a contract can catch them and a wallet shows them. Running WASM
//! actors from here needs the two runtimes to share one meter and one call stack; until then a call that cannot
//! be run is refused before anything else happens.

use revm::context::Cfg;
use revm::context_interface::ContextTr;
use revm::handler::{EthPrecompiles, PrecompileProvider};
use revm::interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{AddressSet, Bytes, U256};

use super::EvmContext;
use crate::journal::Callee;
use crate::state::StateView;

/// First four bytes of Solidity's `Error(string)`.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];

/// Ethereum's precompiled contracts, and the gate to actors that are not contracts.
pub(super) struct Precompiles(EthPrecompiles);

impl Precompiles {
    pub(super) fn new(spec: SpecId) -> Self {
        Self(EthPrecompiles::new(spec))
    }
}

impl<V: StateView> PrecompileProvider<EvmContext<V>> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <<EvmContext<V> as ContextTr>::Cfg as Cfg>::Spec) -> bool {
        PrecompileProvider::<EvmContext<V>>::set_spec(&mut self.0, spec)
    }

    fn run(&mut self, context: &mut EvmContext<V>, inputs: &CallInputs) -> Result<Option<InterpreterResult>, String> {
        if let Some(result) = self.0.run(context, inputs)? {
            return Ok(Some(result));
        }
        let is_plain = inputs.input.is_empty() && inputs.bytecode_address == inputs.target_address;
        Ok(match context.journaled_state.callee(inputs.bytecode_address) {
            Callee::Evm => None,
            Callee::Actor if is_plain => Some(end(inputs, InstructionResult::Stop, Bytes::new())),
            Callee::Actor => Some(refuse(inputs, "actor is not an EVM contract")),
            Callee::Nobody => Some(refuse(inputs, "no actor has this address")),
        })
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.0.warm_addresses()
    }
}

fn refuse(inputs: &CallInputs, why: &str) -> InterpreterResult {
    end(inputs, InstructionResult::Revert, Bytes::from(error_string(why)))
}

/// Ends the call with all its gas left.
fn end(inputs: &CallInputs, result: InstructionResult, output: Bytes) -> InterpreterResult {
    InterpreterResult::new(result, output, Gas::new(inputs.gas_limit))
}

/// Solidity's `Error(string)`: selector, offset, length, bytes padded to a word.
fn error_string(why: &str) -> Vec<u8> {
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let mut data = [&ERROR_SELECTOR[..], &word(32), &word(why.len()), why.as_bytes()].concat();
    data.resize(4 + 64 + why.len().next_multiple_of(32), 0);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_solidity_writes_it() {
        let data = error_string("no");
        assert_eq!(data.len(), 4 + 96);
        assert_eq!(
            (data[..4].to_vec(), data[35], data[67], &data[68..71]),
            (ERROR_SELECTOR.to_vec(), 32, 2, &b"no\0"[..])
        );
    }
}
