//! Who answers a call of a contract.
//!
//! | callee | empty call data | call data |
//! |---|---|---|
//! | precompiled contract | runs | runs |
//! | contract, account, placeholder | the EVM's business | the EVM's business |
//! | any other actor: WASM, system, init | value moves, no code runs (method 0) | its method `InvokeEVM` gets the data |
//! | the same, by `DELEGATECALL` or `CALLCODE` | revert | revert |
//! | masked id that is nobody's one Ethereum address | revert: `no actor has this address` | the same |
//!
//! An actor takes call data of at most a block's size. Refusals are reverts with Solidity's `Error(string)`, so a contract can catch them and a wallet shows them.
//!
//! Source of `InvokeEVM`: FIP-0054, "InvokeEVM"; FRC-0042 for its number.

use std::collections::BTreeMap;

use fvm_ipld_encoding::{BytesSer, CBOR};
use fvm_shared::address::Address;
use revm::context::Cfg;
use revm::context_interface::ContextTr;
use revm::handler::{EthPrecompiles, PrecompileProvider};
use revm::interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{AddressSet, Bytes, U256};
use tributary_primitives::EthAddress;
use tributary_wasm::{BLOCK_BYTES_MAX, Block, Send};

use super::crossing::{bytes_of, cross, refuse};
use super::{EvmContext, SPEC, call_actor, evm_address};
use crate::error::StateFatal;
use crate::journal::Callee;
use crate::kernel::fatal;
use crate::money;
use crate::state::StateView;

/// Most bytes of call data that an actor gets: a block's, less the head of a byte string.
const CALL_DATA_BYTES_MAX: usize = BLOCK_BYTES_MAX - 5;

/// Number of the method by which actors are called like contracts.
pub(crate) const INVOKE_EVM: u64 = 3_844_450_837;

/// Ethereum's precompiled contracts, those that call actors, and the gate to actors that are not contracts.
pub(super) struct Precompiles(EthPrecompiles);

impl Precompiles {
    pub(super) fn new(spec: SpecId) -> Self {
        Self(EthPrecompiles::new(spec))
    }

    /// What the precompiled contract answers whose code is called; `None` if it is none's.
    fn answer<V: StateView>(
        &mut self,
        context: &mut EvmContext<V>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        match self.0.run(context, inputs)? {
            Some(result) => Ok(Some(result)),
            None => call_actor::run(context, inputs),
        }
    }
}

/// All precompiled contracts by name: Ethereum's by those of EIP-7910, and those that reach actors.
#[must_use]
pub fn precompiled_contracts() -> BTreeMap<String, EthAddress> {
    let ethereums = EthPrecompiles::new(SPEC).precompiles.inner().iter();
    let ethereums = ethereums.map(|(address, one)| (one.id().name(), *address));
    ethereums.chain(call_actor::ALL).map(|(name, address)| (name.to_owned(), EthAddress(address.0.0))).collect()
}

/// Whether this is one of Ethereum's precompiled contracts, which are warm in every transaction.
pub(crate) fn is_ethereums(address: EthAddress) -> bool {
    EthPrecompiles::new(SPEC).contains(&evm_address(address))
}

/// Whether calls of this address run no code of the state, unless a question wants it otherwise.
pub(crate) fn is_precompiled(address: EthAddress) -> bool {
    is_ethereums(address) || call_actor::is_one(evm_address(address))
}

impl<V: StateView> PrecompileProvider<EvmContext<V>> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <<EvmContext<V> as ContextTr>::Cfg as Cfg>::Spec) -> bool {
        PrecompileProvider::<EvmContext<V>>::set_spec(&mut self.0, spec)
    }

    fn run(&mut self, context: &mut EvmContext<V>, inputs: &CallInputs) -> Result<Option<InterpreterResult>, String> {
        // Contracts that call each other need not jump.
        if context.journaled_state.is_cut_off() {
            return Err(StateFatal::CutOff.to_string());
        }
        let place = inputs.bytecode_address;
        let answer = match context.journaled_state.own().precompile_at(place) {
            None => None,
            Some(answering) if answering == place => self.answer(context, inputs)?,
            Some(moved) => self.answer(context, &CallInputs { bytecode_address: moved, ..inputs.clone() })?,
        };
        if let Some(result) = answer {
            return Ok(Some(result));
        }
        let is_own = inputs.bytecode_address == inputs.target_address;
        Ok(match context.journaled_state.callee(inputs.bytecode_address) {
            Callee::Evm => None,
            Callee::Nobody => Some(refuse(inputs, "no actor has this address")),
            Callee::Actor if !is_own => Some(refuse(inputs, "an actor does not run in another's name")),
            Callee::Actor if inputs.input.is_empty() => Some(arrived(inputs)),
            Callee::Actor => Some(invoke_evm(context, inputs)?),
        })
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.0.warm_addresses()
    }
}

/// Value arrived, and nothing else was asked.
fn arrived(inputs: &CallInputs) -> InterpreterResult {
    InterpreterResult::new(InstructionResult::Stop, Bytes::new(), Gas::new(inputs.gas_limit))
}

/// Hands the call data to the actor, whose value the EVM has moved already.
fn invoke_evm<V: StateView>(context: &mut EvmContext<V>, inputs: &CallInputs) -> Result<InterpreterResult, String> {
    // Tokens of a chain are fewer; only on a state that somebody made up can there be as many.
    if inputs.value.get() > U256::from(u128::MAX) {
        return Ok(refuse(inputs, "no actor takes 2^128 or more"));
    }
    if inputs.input.len() > CALL_DATA_BYTES_MAX {
        return Ok(refuse(inputs, "the call data is longer than a block may be"));
    }
    let (from, to) = (EthAddress(inputs.caller.0.0), EthAddress(inputs.bytecode_address.0.0));
    let crossed = cross(context, inputs, |mut kernel, data, stack, gas| {
        let params = fvm_ipld_encoding::to_vec(&BytesSer(data)).expect("bytes have a CBOR form");
        let params = Block::new(CBOR, params).expect("CBOR that fits a block is one");
        let ids = kernel.journal().id_of(from).and_then(|from| Ok((from, kernel.journal().id_of(to)?)));
        let (from, receiver) = match ids {
            Ok(ids) => ids,
            Err(broken) => return (kernel, Err(fatal(broken))),
        };
        let send = Send {
            from,
            to: Address::new_id(receiver),
            method: INVOKE_EVM,
            params: Some(params),
            value: money::to_tokens(inputs.value.get()),
            read_only: inputs.is_static,
            gas_limit: None,
            stack,
        };
        kernel.run_in_frame(receiver, send, gas)
    });
    match crossed {
        Some(crossed) => crossed.end(bytes_of),
        None => Ok(refuse(inputs, "the call stack is too deep")),
    }
}
