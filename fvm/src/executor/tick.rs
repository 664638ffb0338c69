//! The block's last call: the system actor tells the cron actor that a block ends.
//!
//! ```text
//! last transaction ─▶ does cron list anybody?   no ─▶ nothing happens, nothing is written
//!                       yes ─▶ f00 calls EpochTick of f03 ─▶ changes kept ─▶ fees ─▶ flush
//! ```
//!
//! Nobody signed this call: it takes no nonce and no fee, and it has no receipt, for receipts are of transactions. So events of what it
//! calls are dropped; who must be heard keeps it in its state. Its gas comes on top of the block's and is told in the block's outcome. Where
//! the FVM asks for a nonce, as in naming a new actor, it finds the height: so no two blocks name the same actor.
//!
//! Every node runs it as part of the block, so whatever executes a block does the same.

use std::sync::Arc;

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use revm::primitives::U256;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::{BuiltinActor, CRON_ID, SYSTEM_ID};
use tributary_wasm::{CallStack, GasTracker, MessageContext, Send};

use super::view::View;
use crate::block::BlockEnv;
use crate::error::{ExecutorFatal, StateFatal};
use crate::journal::Journal;
use crate::journal::changes::Changes;
use crate::kernel::{BlockContext, Course, Kernel, Machine, Origin, exit_code_of};
use crate::native::cron::{self, CRON_ENTRIES_MAX};
use crate::state::StateView as _;

/// FVM gas for the tick itself: its invocation, and reading a list of sixteen entries, ten times over.
const TICK_GAS: u64 = 10_000_000;

/// What the tick leaves behind.
#[derive(Default)]
pub(super) struct Ticked {
    pub(super) changes: Changes,
    /// What actors that deleted themselves held, in attoTRB.
    pub(super) burnt: U256,
    /// In FVM gas.
    pub(super) gas_used: u64,
}

/// Runs the tick, if anybody is to be called.
pub(super) fn tick(
    machine: &Arc<Machine<View>>,
    mut view: View,
    env: &BlockEnv,
) -> Result<(View, Option<Ticked>), ExecutorFatal> {
    if !is_due(&mut view)? {
        return Ok((view, None));
    }
    let system = Address::new_id(SYSTEM_ID);
    let origin = Origin {
        message: MessageContext { origin: SYSTEM_ID, nonce: env.height.0, gas_premium: TokenAmount::default() },
        address: system,
        eth_address: EthAddress::from_actor_id(SYSTEM_ID),
        gas_price: 0,
    };
    let entries = u64::try_from(CRON_ENTRIES_MAX).unwrap_or(u64::MAX);
    let mut gas = GasTracker::new(machine.params().cron_entry_gas.saturating_mul(entries).saturating_add(TICK_GAS));
    let block = Arc::new(BlockContext::new(env.clone(), machine.params().fvm_gas_per_gas));
    let course = Course::new(Arc::clone(machine), block, origin);
    let kernel = Kernel::new(Journal::over(view, env.height), course);
    let (kernel, ended) = kernel.call(epoch_tick(), &mut gas);
    let exit_code = match ended {
        Ok(outcome) => outcome.exit_code,
        Err(error) => exit_code_of(error)?,
    };
    if !exit_code.is_success() {
        return Err(ExecutorFatal::Invariant(format!("the cron actor's tick ended with exit code {exit_code}")));
    }
    let mut journal = kernel.into_journal();
    let finished = journal.finish()?;
    let gas_used = gas.used().round_up();
    tracing::debug!(height = %env.height, gas_used, "cron ticked");
    Ok((finished.view, Some(Ticked { changes: finished.changes, burnt: finished.vanished, gas_used })))
}

/// Whether the cron actor lists anybody. Cost: one look at its head; its state is not read.
fn is_due(view: &mut View) -> Result<bool, StateFatal> {
    let head = view.head(CRON_ID)?;
    Ok(head.is_some_and(|head| head.code.is(BuiltinActor::Cron) && head.state != cron::idle_state()))
}

fn epoch_tick() -> Send {
    Send {
        from: SYSTEM_ID,
        to: Address::new_id(CRON_ID),
        method: cron::EPOCH_TICK,
        params: None,
        value: TokenAmount::default(),
        read_only: false,
        gas_limit: None,
        stack: CallStack::bottom(),
    }
}
