//! What all messages share: parameters, the WASM engine with its compiled code, and room to run.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use cid::Cid;
use tributary_wasm::{Code, CodeRejected, Engine, HostFatal, Loaded, NATIVE_STACK_BYTES};

use super::Kernel;
use crate::block::ExecutionParams;
use crate::error::{ExecutorFatal, StateFatal};
use crate::journal::Journal;
use crate::state::StateView;

/// Queries that run at once; each may have a full stack of open calls. More wait, and a block waits for none of them. Each reserves half
/// a TiB of addresses, no memory, and so does each of a block's workers.
pub(crate) const QUERIES_MAX: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");

/// Compiled code of an actor.
type SharedCode<V> = Arc<Code<Box<Kernel<V>>>>;

/// Parameters and engine.
pub(crate) struct Machine<V: StateView> {
    params: ExecutionParams,
    engine: Engine<Box<Kernel<V>>>,
    queries: Room,
    blocks: Room,
}

impl<V: StateView> Machine<V> {
    /// A machine for one block on `workers` threads, and [`QUERIES_MAX`] queries beside it.
    pub(crate) fn new(params: ExecutionParams, code_cache: Option<&Path>, workers: u32) -> Result<Self, ExecutorFatal> {
        let messages = QUERIES_MAX.saturating_add(workers);
        let engine = Engine::new(messages, code_cache).map_err(|why| HostFatal(why.into()))?;
        Ok(Self { params, engine, queries: Room::new(QUERIES_MAX.get()), blocks: Room::new(1) })
    }

    pub(crate) const fn params(&self) -> &ExecutionParams {
        &self.params
    }

    pub(super) const fn engine(&self) -> &Engine<Box<Kernel<V>>> {
        &self.engine
    }

    /// The code of an actor, compiled on first use. Inner error: installed code that is no actor.
    pub(super) fn code(
        &self,
        journal: &mut Journal<V>,
        cid: &Cid,
    ) -> Result<Result<SharedCode<V>, CodeRejected>, StateFatal> {
        let purpose = journal.purpose();
        if let Some(code) = self.engine.get(cid, purpose) {
            return Ok(Ok(code));
        }
        let wasm = journal.block(cid)?.ok_or_else(|| StateFatal::missing(cid))?;
        self.engine.load(*cid, &wasm, purpose).map_err(|refused| StateFatal::refused(&refused))
    }

    pub(crate) fn check_code(&self, wasm: &[u8]) -> Loaded<()> {
        self.engine.check(wasm)
    }

    /// Waits until fewer than [`QUERIES_MAX`] run. Every one ends: its gas is bounded.
    pub(crate) fn enter_query(&self) -> Place<'_> {
        self.queries.enter()
    }

    /// Waits until no other block runs.
    pub(crate) fn enter_block(&self) -> Place<'_> {
        self.blocks.enter()
    }
}

/// Counts who is in.
struct Room {
    free: Mutex<u32>,
    left: Condvar,
}

/// Held by who is in.
pub(crate) struct Place<'a>(&'a Room);

impl Room {
    const fn new(places: u32) -> Self {
        Self { free: Mutex::new(places), left: Condvar::new() }
    }

    fn enter(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.left.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}

/// Runs `work` with the native stack that a full stack of calls needs. Cost: a thread, about 30 µs; of the 384 MiB only what is
/// touched is ever resident.
pub(crate) fn on_deep_stack<T: Send>(
    work: impl FnOnce() -> Result<T, ExecutorFatal> + Send,
) -> Result<T, ExecutorFatal> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("executor".into()).stack_size(NATIVE_STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work);
        let thread = thread.map_err(|why| ExecutorFatal::Thread(why.to_string()))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_enters_a_full_room_before_somebody_leaves() {
        let room = Room::new(1);
        let place = room.enter();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(room.enter()));
            assert!(!waiting.is_finished());
            drop(place);
        });
        assert_eq!(*room.free.lock().unwrap(), 1);
    }
}
