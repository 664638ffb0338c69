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
//! The kernel is moved into each invocation and comes back out of it, as [`tributary_wasm::Host`] wants it. When the EVM runs, the journal
//! and the [`Course`] go there, and meet again in a kernel when a contract calls an actor: see `evm::crossing`.
//!
//! | module | does |
//! |---|---|
//! | `machine` | the engine, shared by all messages, and how many may run at once |
//! | `call` | a call, its receiver and its value |
//! | `create` | new actors |
//! | `host` | what a WASM actor may ask |
//! | `installed` | the code that actors are made of |
//! | `traced` | calls, as a tracer is told of them |

mod call;
mod create;
mod host;
mod installed;
mod machine;
mod traced;

use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_primitives::EthAddress;
use tributary_wasm::{Access, GasTracker, MessageContext, NetworkContext, SyscallError};

use crate::block::BlockEnv;
use crate::error::StateFatal;
use crate::fees;
use crate::journal::Journal;
use crate::state::{ActorHead, StateView};

pub(crate) use call::{Returned, exit_code_of, rejected};
#[cfg(test)]
pub(crate) use machine::QUERIES_MAX;
pub(crate) use machine::{Machine, on_deep_stack};

/// The rules in force, as the FVM numbers them: prices and syscalls of network versions 21 to 29.
const NETWORK_VERSION: u32 = 21;

/// One message in execution, with what it changed so far.
pub(crate) struct Kernel<V: StateView> {
    pub(crate) journal: Journal<V>,
    pub(crate) course: Course<V>,
}

/// One message in execution, apart from what it changes: goes with the journal from runtime to runtime.
pub(crate) struct Course<V: StateView> {
    machine: Arc<Machine<V>>,
    block: Arc<BlockContext>,
    origin: Origin,
    /// Actors made so far; those of calls that reverted count too, so that no two get the same address.
    created: u64,
}

/// The block in execution: the same for all its messages.
pub(crate) struct BlockContext {
    env: BlockEnv,
    /// As WASM actors see it.
    network: NetworkContext,
}

impl BlockContext {
    /// The block `env` on a chain with this much FVM gas in a unit of Ethereum's.
    pub(crate) fn new(env: BlockEnv, fvm_gas_per_gas: u64) -> Self {
        let network = NetworkContext {
            epoch: env.height.epoch(),
            timestamp: env.timestamp_s,
            base_fee: TokenAmount::from_atto(fees::fvm_base_fee(env.base_fee, fvm_gas_per_gas)),
            chain_id: env.chain_id,
            network_version: NETWORK_VERSION,
        };
        Self { env, network }
    }

    /// The block.
    pub(crate) const fn env(&self) -> &BlockEnv {
        &self.env
    }
}

/// Who sent the message.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Nonce and premium per unit of FVM gas among it.
    pub(crate) message: MessageContext,
    /// The address by which the sender signed: names the actors that this message makes.
    pub(crate) address: Address,
    /// What contracts see as the sender.
    pub(crate) eth_address: EthAddress,
    /// What the message pays, in attoTRB per unit of Ethereum's gas.
    pub(crate) gas_price: u128,
}

impl<V: StateView> Course<V> {
    pub(crate) const fn new(machine: Arc<Machine<V>>, block: Arc<BlockContext>, origin: Origin) -> Self {
        Self { machine, block, origin, created: 0 }
    }

    /// The block in execution.
    pub(crate) fn env(&self) -> &BlockEnv {
        self.block.env()
    }

    /// Who sent the message.
    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// FVM gas in a unit of Ethereum's.
    pub(crate) fn fvm_gas_per_gas(&self) -> u64 {
        self.machine.params().fvm_gas_per_gas
    }

    /// FVM gas that a cron entry may use.
    pub(crate) fn cron_entry_gas(&self) -> u64 {
        self.machine.params().cron_entry_gas
    }
}

impl<V: StateView> Kernel<V> {
    /// A kernel for one message, whose nonce the journal has not used up yet.
    pub(crate) fn new(mut journal: Journal<V>, course: Course<V>) -> Box<Self> {
        journal.own().set_origin(course.origin.message.origin);
        Box::new(Self { journal, course })
    }

    /// The journal with all that the message did.
    pub(crate) fn into_journal(self) -> Journal<V> {
        self.journal
    }

    /// The journal.
    pub(crate) const fn journal(&mut self) -> &mut Journal<V> {
        &mut self.journal
    }

    /// Gives an actor that runs a new state. The state that it has is no change, and takes no memory.
    pub(crate) fn set_state(&mut self, actor: ActorID, root: Cid) -> Result<(), StateFatal> {
        let head = self.journal.actor(actor)?;
        let head = head.ok_or_else(|| StateFatal::Invariant(format!("actor {actor} runs and does not exist")))?;
        if head.state == root {
            return Ok(());
        }
        self.journal.set_actor(actor, Some(ActorHead { state: root, ..ActorHead::clone(&head) }));
        Ok(())
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

/// A broken state, on its way up through the runtime.
pub(crate) fn fatal(fatal: StateFatal) -> SyscallError {
    tributary_wasm::HostFatal::from(fatal).into()
}
