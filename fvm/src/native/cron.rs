//! The cron actor: calls, at the end of every block, whom genesis lists.
//!
//! | number | method | who | parameters | returns |
//! |---|---|---|---|---|
//! | 1 | Constructor | | | refuses: genesis makes the one there is |
//! | 2 | EpochTick | system actor | none | nothing |
//!
//! The state is Filecoin's, `[[[receiver, method], …]]`, and never changes: genesis alone lists entries. `executor::tick` says when the
//! tick runs; this is what it does, in the order of the list:
//!
//! ```text
//! entry ─▶ called with no value and no parameters, under a gas limit of its own
//!            │ exit code other than 0, no such receiver, out of gas
//!            ▼
//!          undone and logged; the next entry is called all the same
//! ```
//!
//! Whoever wants to see what the entries would do asks the system actor's question: a call of method 2 from f00, which anyone may make
//! and which changes nothing.
//!
//! Source: filecoin-project/builtin-actors, `actors/cron/src/{lib,state}.rs`.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::to_vec;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use tributary_primitives::actors::{CRON_ID, SYSTEM_ID};
use tributary_primitives::cbor_cid;
use tributary_wasm::{Gas, GasTracker, Halt, Send, SendOutcome, SyscallError};

use super::store::Metered;
use super::{Answer, Refusal, unhandled};
use crate::error::StateFatal;
use crate::kernel::{Kernel, fatal};
use crate::state::{StateView, read_cbor, write_cbor};

/// Method number of `EpochTick`.
pub(crate) const EPOCH_TICK: MethodNum = 2;

/// Most entries of a chain: bounds what every block runs beside its transactions.
pub const CRON_ENTRIES_MAX: usize = 16;

/// Whom to call, and by which method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize_tuple, Deserialize_tuple)]
pub struct CronEntry {
    /// An actor's address.
    pub receiver: Address,
    /// Must do without parameters.
    pub method: MethodNum,
}

#[derive(Clone, Debug, Default, Serialize_tuple, Deserialize_tuple)]
struct State {
    entries: Vec<CronEntry>,
}

/// Writes the state with these entries.
pub(crate) fn write_state<B: Blockstore>(store: &B, entries: &[CronEntry]) -> Result<Cid, StateFatal> {
    write_cbor(store, &State { entries: entries.to_vec() })
}

/// The state that lists nobody.
pub(crate) fn idle_state() -> Cid {
    cbor_cid(&to_vec(&State::default()).expect("an empty list has a CBOR form"))
}

pub(super) fn invoke<V: StateView>(
    mut kernel: Box<Kernel<V>>,
    send: &Send,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Answer) {
    let entries = match entries(&mut kernel, send, gas) {
        Ok(entries) => entries,
        Err(refusal) => return (kernel, Err(refusal)),
    };
    for entry in entries {
        let (returned, called) = call(kernel, send, &entry, gas);
        kernel = returned;
        if let Err(halt) = called {
            return (kernel, Err(Refusal::Halt(halt)));
        }
    }
    (kernel, Ok(None))
}

/// The entries, for the system actor's tick.
fn entries<V: StateView>(kernel: &mut Kernel<V>, send: &Send, gas: &mut GasTracker) -> Result<Vec<CronEntry>, Refusal> {
    if send.method != EPOCH_TICK {
        return Err(unhandled().expect_err("to be unhandled is a refusal"));
    }
    if send.params.is_some() {
        return Err(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT));
    }
    if send.from != SYSTEM_ID {
        return Err(Refusal::Exit(ExitCode::USR_FORBIDDEN));
    }
    let head = kernel.journal().actor(CRON_ID).map_err(fatal)?;
    let head = head.ok_or_else(|| fatal(StateFatal::Invariant("the cron actor runs and is gone".to_owned())))?;
    let store = Metered::of(kernel.journal(), gas);
    let state: Result<State, _> = read_cbor(&store, &head.state, "cron actor state");
    state.map(|state| state.entries).map_err(|broken| store.refusal(broken))
}

/// Calls one entry. An error is the tick's own: its gas is used up, or the node is broken.
fn call<V: StateView>(
    kernel: Box<Kernel<V>>,
    send: &Send,
    entry: &CronEntry,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Result<(), Halt>) {
    let Some(stack) = send.stack.enter(0, 0) else { return (kernel, Ok(())) };
    let limit = Gas::new(kernel.course.cron_entry_gas());
    let CronEntry { receiver, method } = *entry;
    let to_entry = Send {
        from: CRON_ID,
        to: receiver,
        method,
        params: None,
        value: TokenAmount::default(),
        read_only: send.read_only,
        gas_limit: Some(limit),
        stack,
    };
    gas.push_limit(limit);
    let (kernel, called) = kernel.call(to_entry, gas);
    let used = gas.used().round_up();
    gas.pop_limit();
    let why = match called {
        Ok(SendOutcome { exit_code, .. }) if exit_code.is_success() => None,
        Ok(SendOutcome { exit_code, .. }) => Some(exit_code.to_string()),
        Err(SyscallError::Rejected(rejected)) => Some(rejected.to_string()),
        Err(SyscallError::Halt(Halt::OutOfGas(out))) if !gas.available().is_zero() => Some(out.to_string()),
        Err(SyscallError::Halt(halt)) => return (kernel, Err(halt)),
    };
    match why {
        None => tracing::trace!(%receiver, method, gas = used, "cron entry done"),
        Some(why) => tracing::debug!(%receiver, method, gas = used, why, "cron entry undone"),
    }
    (kernel, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryStore;

    #[test]
    fn the_state_is_filecoins() {
        let entry = CronEntry { receiver: Address::new_id(104), method: 2 };
        let bytes = to_vec(&State { entries: vec![entry.clone()] }).unwrap();
        assert_eq!(bytes, [0x81, 0x81, 0x82, 0x42, 0, 104, 2], "[[[f0104, 2]]]");
        let store = MemoryStore::default();
        assert_eq!(write_state(&store, &[]).unwrap(), idle_state());
        assert_eq!(write_state(&store, &[entry]).unwrap(), cbor_cid(&bytes));
    }
}
