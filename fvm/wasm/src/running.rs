//! One invocation while it runs: what a wasmtime store holds, and the hand-over of gas to the guest.
//!
//! ```text
//!                 tracker (host side)                counter (a global of the guest)
//! before the guest runs:   available ─── refill ───▶ milligas left
//! guest runs:                                        counts down; below zero it traps
//! at a syscall or the end: charge ◀──── settle ────  what is gone since
//! ```

use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use fvm_shared::{ActorID, MethodNum};
use wasmtime::{AsContextMut, Global, Memory, ResourceLimiter, Val};

use crate::error::{Halt, HostFatal, SyscallError, SyscallRejected};
use crate::gas::{Gas, GasTracker};
use crate::host::{Access, Host, NewActor, Send, SendOutcome};
use crate::instrument::TABLE_ELEMENT_BYTES;
use crate::prices;
use crate::registry::BlockRegistry;
use crate::stack::{CallStack, INSTANCE_MEMORY_BYTES_MAX};

/// What is known of the call itself.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    pub(crate) receiver: ActorID,
    pub(crate) caller: ActorID,
    pub(crate) method: MethodNum,
    pub(crate) value: TokenAmount,
    pub(crate) read_only: bool,
    pub(crate) stack: CallStack,
}

/// What an invocation holds while it runs.
pub(crate) struct Running<H> {
    /// Away only while a callee runs: this store's guest is then inside `send`.
    host: Option<H>,
    pub(crate) gas: GasTracker,
    pub(crate) registry: BlockRegistry,
    pub(crate) call: CallContext,
    pub(crate) limits: Limits,
    guest: Option<Guest>,
    /// What the guest's counter was last set to.
    refilled: Gas,
}

/// The parts of an instance that syscalls need.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) memory: Memory,
    pub(crate) gas: Global,
    pub(crate) stack: Global,
}

impl<H: Host> Running<H> {
    pub(crate) fn new(host: H, gas: GasTracker, registry: BlockRegistry, call: CallContext) -> Self {
        let mut limits = Limits::new(call.stack.memory_bytes_left());
        // Parameters are held by who sends them; which links they open is kept here.
        limits.hold(registry.bytes_of_links());
        Self { host: Some(host), gas, registry, call, limits, guest: None, refilled: Gas::ZERO }
    }

    /// The host, the gas and the open blocks, when the invocation is over.
    pub(crate) fn into_parts(self) -> (H, GasTracker, BlockRegistry) {
        (self.host.expect(HOST_IS_HERE), self.gas, self.registry)
    }

    pub(crate) fn host(&mut self) -> &mut H {
        self.host.as_mut().expect(HOST_IS_HERE)
    }

    /// Gives the host away for a call and takes it back.
    pub(crate) fn send(&mut self, send: Send) -> Result<SendOutcome, SyscallError> {
        let host = self.host.take().expect(HOST_IS_HERE);
        let (host, outcome) = host.send(send, &mut self.gas);
        self.host = Some(host);
        outcome
    }

    /// Has an actor created, the host charging for it.
    pub(crate) fn create_actor(&mut self, actor: NewActor) -> Result<(), SyscallError> {
        self.host.as_mut().expect(HOST_IS_HERE).create_actor(actor, &mut self.gas)
    }

    /// Pays for what of an access is the message's first.
    pub(crate) fn access(&mut self, actor: ActorID, access: Access) -> Result<(), Halt> {
        let first = self.host().first_access(actor, access);
        Ok(self.gas.charge(prices::access(first))?)
    }

    pub(crate) fn set_guest(&mut self, guest: Guest) {
        self.guest = Some(guest);
    }

    /// The guest's parts. Fatal before instantiation, which no syscall can see: start functions are
    /// refused at load.
    pub(crate) fn guest(&self) -> Result<Guest, HostFatal> {
        self.guest.ok_or_else(|| HostFatal(anyhow::anyhow!("a syscall before instantiation")))
    }
}

/// Why the host is present wherever it is asked for.
const HOST_IS_HERE: &str = "the host is away only inside `Running::send`, which puts it back";

/// Charges what the guest has used since its counter was last set.
pub(crate) fn settle<H: Host>(mut store: impl AsContextMut<Data = Running<H>>) -> Result<(), Halt> {
    let counter = store.as_context().data().guest()?.gas;
    let left = counter.get(&mut store).i64().ok_or_else(|| fatal("the gas counter is no i64"))?;
    let mut store = store.as_context_mut();
    let running = store.data_mut();
    let left_or_debt = Gas::from_milligas(left.unsigned_abs());
    // Below zero: all there was, and the debt, so that the charge fails.
    let used = if left < 0 { running.refilled + left_or_debt } else { running.refilled - left_or_debt };
    running.refilled = running.refilled - used;
    Ok(running.gas.charge(used)?)
}

/// Sets the guest's counter to what is available.
pub(crate) fn refill<H: Host>(mut store: impl AsContextMut<Data = Running<H>>) -> Result<(), Halt> {
    let mut context = store.as_context_mut();
    let running = context.data_mut();
    let available = running.gas.available();
    running.refilled = available;
    let counter = running.guest()?.gas;
    let milligas = available.as_milligas().cast_signed();
    counter.set(&mut context, Val::I64(milligas)).map_err(|why| fatal(why.to_string()))?;
    Ok(())
}

/// Stack elements the guest has in use.
pub(crate) fn stack_elements<H: Host>(mut store: impl AsContextMut<Data = Running<H>>) -> Result<u32, Halt> {
    let height = store.as_context().data().guest()?.stack;
    let height = height.get(&mut store).i32().ok_or_else(|| fatal("the stack height is no i32"))?;
    Ok(height.cast_unsigned())
}

fn fatal(why: impl std::fmt::Display) -> Halt {
    Halt::Fatal(HostFatal(anyhow::anyhow!("{why}")))
}

/// As wasmtime 48 says that a memory would have more than its type lets any have: 4 GiB.
const BEYOND_THE_TYPE: &str = "memory growth exceeds memory type's limits";

/// Memory, tables and open blocks of one call, within what the call stack has left.
pub(crate) struct Limits {
    bytes_left: u64,
    bytes_used: u64,
    refused: bool,
}

impl Limits {
    pub(crate) fn new(bytes_left: u64) -> Self {
        Self { bytes_left, bytes_used: 0, refused: false }
    }

    /// Refuses a block that counts for so many bytes, which there is no room for.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), SyscallRejected> {
        if self.bytes_used.saturating_add(bytes) <= self.bytes_left {
            return Ok(());
        }
        Err(SyscallRejected::new(ErrorNumber::LimitExceeded, "the calls of the message hold as many bytes as they may"))
    }

    /// What counts for so many bytes is held from here on, whether there was room for it or not.
    pub(crate) fn hold(&mut self, bytes: u64) {
        self.bytes_used = self.bytes_used.saturating_add(bytes);
    }

    /// Bytes in use.
    pub(crate) fn bytes_used(&self) -> u64 {
        self.bytes_used
    }

    /// Whether a wish was ever refused: then a failed instantiation is the actor's doing.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused
    }

    fn grow(&mut self, current: usize, desired: usize, unit: u64) -> bool {
        let wish = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
        let used = self.bytes_used.saturating_add(wish.saturating_mul(unit));
        let granted = used <= self.bytes_left;
        if granted {
            self.bytes_used = used;
        }
        granted
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = u64::try_from(desired).unwrap_or(u64::MAX);
        let granted = bytes <= INSTANCE_MEMORY_BYTES_MAX
            && maximum.is_none_or(|maximum| desired <= maximum)
            && self.grow(current, desired, 1);
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= crate::engine::TABLE_ELEMENTS_MAX
            && maximum.is_none_or(|maximum| desired <= maximum)
            && self.grow(current, desired, u64::from(TABLE_ELEMENT_BYTES));
        self.refused |= !granted;
        Ok(granted)
    }

    /// What was granted can fail by the machine alone: it has the addresses, and not the memory. Asked too for a memory that no type could have,
    /// before it is asked to grow: the one thing that no machine has.
    fn memory_grow_failed(&mut self, why: wasmtime::Error) -> wasmtime::Result<()> {
        if why.to_string() == BEYOND_THE_TYPE {
            Ok(())
        } else {
            Err(why.context("memory that was granted is not there"))
        }
    }

    fn table_grow_failed(&mut self, why: wasmtime::Error) -> wasmtime::Result<()> {
        Err(why.context("elements of a table that were granted are not there"))
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn memory_grows_within_the_instance_the_declaration_and_the_call_stack() {
        let mut limits = Limits::new(600 << 20);
        assert!(limits.memory_growing(0, 100 * MIB, None).unwrap());
        assert!(!limits.memory_growing(100 * MIB, 513 * MIB, None).unwrap());
        assert!(!limits.memory_growing(100 * MIB, 200 * MIB, Some(150 * MIB)).unwrap());
        assert!(limits.memory_growing(100 * MIB, 512 * MIB, None).unwrap());
        assert_eq!(limits.bytes_used(), 512 << 20);
        assert!(!limits.grow(0, 89 * MIB, 1));
        assert!(limits.grow(0, 88 * MIB, 1));
    }

    #[test]
    fn a_table_element_counts_eight_bytes() {
        let mut limits = Limits::new(80);
        assert!(limits.table_growing(0, 10, None).unwrap());
        assert!(!limits.has_refused());
        assert!(!limits.table_growing(10, 11, None).unwrap());
        assert!(limits.has_refused());
    }
}
