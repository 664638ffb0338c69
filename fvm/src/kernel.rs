//! Calls between actors of the FVM: one message in execution, as its actors see it.
//!
//! ```text
//! message ─▶ Kernel::call
//!              receiver   by any address; an unknown key or Ethereum address gets its account or placeholder
//!              value      moves
//!              method 0 ─▶ done
//!              code       built in ─▶ native actors      installed ─▶ tributary_wasm::invoke
//!                                        │ send                           │ send
//!                                        └───────────▶ Kernel::send ◀─────┘
//!                                                      checkpoint; undone unless the exit code is zero
//! ```
//!
//! The kernel is moved into each invocation and comes back out of it, as [`tributary_wasm::Host`] wants it.
//!
//! | module | does |
//! |---|---|
//! | `machine` | the engine, shared by all messages, and how many may run at once |
//! | `call` | a call, its receiver and its value |
//! | `create` | new actors |
//! | `host` | what a WASM actor may ask |

mod call;
mod create;
mod host;
mod machine;

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_primitives::Hash32;
use tributary_wasm::{Access, GasTracker, MessageContext, NetworkContext, SyscallError};

use crate::block::BlockEnv;
use crate::fees;
use crate::journal::Journal;
use crate::state::StateView;

pub(crate) use call::{Returned, exit_code_of};
pub(crate) use machine::{Machine, on_deep_stack};

/// The rules in force, as the FVM numbers them: prices and syscalls of network versions 21 to 29.
const NETWORK_VERSION: u32 = 21;

/// Actors whose look-up no message pays for.
///
/// Source: FIP-0055 and ref-fvm 4.8, `fvm/src/call_manager/state_access_tracker.rs`.
const PRELOADED: [ActorID; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 99];

/// One message in execution.
pub(crate) struct Kernel<V: StateView> {
    journal: Journal<V>,
    machine: Arc<Machine<V>>,
    network: NetworkContext,
    message: MessageContext,
    /// The address by which the sender signed: names the actors that this message makes.
    origin: Address,
    randomness: Hash32,
    /// Actors made so far; those of calls that reverted count too, so that no two get the same address.
    created: u64,
}

impl<V: StateView> Kernel<V> {
    /// A kernel for one message of `origin`, whose nonce the journal has not used up yet.
    pub(crate) fn new(machine: Arc<Machine<V>>, mut journal: Journal<V>, env: &BlockEnv, origin: Origin) -> Box<Self> {
        for id in PRELOADED {
            journal.own().first_access(id, Access::Read);
        }
        journal.own().first_access(origin.id, Access::Update);
        let network = NetworkContext {
            epoch: env.height.epoch(),
            timestamp: env.timestamp_s,
            base_fee: TokenAmount::from_atto(fees::fvm_base_fee(env.base_fee, machine.params().fvm_gas_per_gas)),
            chain_id: env.chain_id,
            network_version: NETWORK_VERSION,
        };
        let message = MessageContext { origin: origin.id, nonce: origin.nonce, gas_premium: origin.premium };
        let randomness = env.prev_randao;
        Box::new(Self { journal, machine, network, message, origin: origin.address, randomness, created: 0 })
    }

    /// The journal with all that the message did.
    pub(crate) fn into_journal(self) -> Journal<V> {
        self.journal
    }

    /// The journal.
    pub(crate) const fn journal(&mut self) -> &mut Journal<V> {
        &mut self.journal
    }

    /// Whether the init actor may make actors of this code.
    pub(crate) fn is_installed(&mut self, code: &Cid) -> Result<bool, SyscallError> {
        self.journal.view().is_installed(code).map_err(fatal)
    }

    /// Charges for an access of an actor, as far as it is the message's first.
    pub(crate) fn charge_access(
        &mut self,
        id: ActorID,
        access: Access,
        gas: &mut GasTracker,
    ) -> Result<(), SyscallError> {
        let first = self.journal.own().first_access(id, access);
        Ok(gas.charge(tributary_wasm::prices::access(first))?)
    }
}

/// Who sent the message.
pub(crate) struct Origin {
    pub(crate) id: ActorID,
    pub(crate) address: Address,
    pub(crate) nonce: u64,
    /// Per unit of FVM gas.
    pub(crate) premium: TokenAmount,
}

/// A broken state, on its way up through the runtime.
pub(crate) fn fatal(fatal: crate::error::StateFatal) -> SyscallError {
    tributary_wasm::HostFatal::from(fatal).into()
}
