//! The reference executor: a machine for each case, one engine for all.

use anyhow::Result;
use cid::Cid;
use cid::multihash::Multihash;
use fvm::call_manager::DefaultCallManager;
use fvm::engine::EnginePool;
use fvm::executor::{ApplyKind, ApplyRet, DefaultExecutor, Executor as _};
use fvm::externs::{Chain, Consensus, Externs, Rand};
use fvm::kernel::filecoin::DefaultFilecoinKernel;
use fvm::machine::{DefaultMachine, MachineContext, NetworkConfig};
use fvm::trace::ExecutionEvent;
use fvm_shared::chainid::ChainID;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::consensus::ConsensusFault;
use fvm_shared::message::Message;
use fvm_shared::version::NetworkVersion;
use tributary_message::FvmTransaction;
use tributary_primitives::hash::RAW;

use crate::case::Case;
use crate::outcome::{After, Outcome, Seen};
use crate::store::Store;
use crate::world::{self, CHAIN_ID, HEIGHT, PREVIOUS_HASH, RANDOMNESS, SharedWorld, TIMESTAMP_S};

/// Filecoin's kernel: every syscall there is, storage proofs among them.
type Kernel = DefaultFilecoinKernel<DefaultCallManager<DefaultMachine<Store, Node>>>;

/// Multihash code of SHA-256, by which blocks of our chain are named.
const SHA2_256: u64 = 0x12;

/// A message in a block.
#[derive(Clone, Debug)]
pub struct Included {
    /// What it says.
    pub message: Message,
    /// Bytes of it, signature and all: what it pays inclusion for.
    pub length: usize,
}

impl From<&FvmTransaction> for Included {
    fn from(signed: &FvmTransaction) -> Self {
        Self { message: signed.message().clone(), length: signed.raw().len() }
    }
}

/// The reference executor on a world. It needs 64 MiB of stack: see [`on_deep_stack`].
pub struct Reference {
    engine: EnginePool,
    network: NetworkConfig,
    world: SharedWorld,
}

impl Reference {
    /// An engine with the reference's own settings.
    ///
    /// # Errors
    /// When it cannot run here.
    pub fn new(world: SharedWorld) -> Result<Self> {
        let mut network = NetworkConfig::new(NetworkVersion::V21);
        network.chain_id(ChainID::from(CHAIN_ID)).override_actors(world.manifest);
        Ok(Self { engine: EnginePool::new((&network).into())?, network, world })
    }

    /// Runs a case from the world's state.
    ///
    /// # Errors
    /// When the machine refuses to go on: not for anything that a message does.
    pub fn run(&self, case: &Case) -> Result<Outcome> {
        let store = Store::over(&self.world.theirs);
        let (messages, root) = self.block(&store, &case.sign()?)?;
        let after = After::read(&store, world::read_actors(&store, &root)?)?;
        Ok(Outcome::Ran { messages: messages.into_iter().map(Seen::from).collect(), after })
    }

    /// Opens the state, runs the messages, flushes: what [`tributary_fvm::Executor::execute_block`] does.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn block(&self, store: &Store, messages: &[FvmTransaction]) -> Result<(Vec<ApplyRet>, Cid)> {
        let messages = messages.iter().map(Included::from).collect();
        let (outcomes, open) = self.run_on(store, &self.world.root, messages)?;
        Ok((outcomes, open.flush()?))
    }

    /// Opens the state under `root` and runs the messages.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn run_on(&self, store: &Store, root: &Cid, messages: Vec<Included>) -> Result<(Vec<ApplyRet>, OpenBlock)> {
        self.run_in(&self.context(root), store, messages)
    }

    /// The gas that the one message of a case has used after each of its charges, rounded up. Where a charge runs into the limit of a
    /// send, what the sums are after it is too much: the reference tells the price, not what was left to take.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn charges(&self, case: &Case) -> Result<Vec<u64>> {
        let store = Store::over(&self.world.theirs);
        let mut context = self.context(&self.world.root);
        context.tracing = true;
        let (outcomes, _) = self.run_in(&context, &store, case.sign()?.iter().map(Included::from).collect())?;
        let mut milligas = 0_u64;
        let mut used = Vec::new();
        for event in outcomes.into_iter().flat_map(|applied| applied.exec_trace) {
            if let ExecutionEvent::GasCharge(charge) = event {
                milligas += charge.total().as_milligas();
                used.push(milligas.div_ceil(1_000));
            }
        }
        Ok(used)
    }

    fn run_in(
        &self,
        context: &MachineContext,
        store: &Store,
        messages: Vec<Included>,
    ) -> Result<(Vec<ApplyRet>, OpenBlock)> {
        let machine = DefaultMachine::new(context, store.clone(), Node)?;
        let mut executor = DefaultExecutor::<Kernel>::new(self.engine.clone(), machine)?;
        let run = |included: Included| executor.execute_message(included.message, ApplyKind::Explicit, included.length);
        let outcomes = messages.into_iter().map(run).collect::<Result<Vec<_>>>()?;
        Ok((outcomes, OpenBlock(executor)))
    }

    fn context(&self, root: &Cid) -> MachineContext {
        let epoch = ChainEpoch::try_from(HEIGHT).expect("a height is no negative epoch");
        let mut context = self.network.for_epoch(epoch, TIMESTAMP_S, *root);
        context.circ_supply = self.world.supply.clone();
        context
    }
}

/// A block of the reference's whose messages have run.
pub struct OpenBlock(DefaultExecutor<Kernel>);

impl OpenBlock {
    /// Writes what changed; the new root.
    ///
    /// # Errors
    /// When the store does not take it.
    pub fn flush(mut self) -> Result<Cid> {
        self.0.flush()
    }
}

impl From<ApplyRet> for Seen {
    fn from(applied: ApplyRet) -> Self {
        let receipt = applied.msg_receipt;
        let note = applied.failure_info.map(|why| format!("({})", why.to_string().replace('\n', " ")));
        Self {
            exit_code: receipt.exit_code.value(),
            return_data: receipt.return_data.to_vec(),
            gas_used: receipt.gas_used,
            events: applied.events.into_iter().map(|event| (event.emitter, event.event.entries)).collect(),
            note: note.unwrap_or_default(),
        }
    }
}

/// What the reference asks its node: the same answers that our state holds.
struct Node;

impl Externs for Node {}

impl Rand for Node {
    fn get_chain_randomness(&self, _epoch: ChainEpoch) -> Result<[u8; 32]> {
        Ok(RANDOMNESS)
    }

    fn get_beacon_randomness(&self, _epoch: ChainEpoch) -> Result<[u8; 32]> {
        Ok(RANDOMNESS)
    }
}

impl Consensus for Node {
    fn verify_consensus_fault(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(Option<ConsensusFault>, i64)> {
        Ok((None, 0))
    }
}

impl Chain for Node {
    fn get_tipset_cid(&self, _epoch: ChainEpoch) -> Result<Cid> {
        Ok(Cid::new_v1(RAW, Multihash::wrap(SHA2_256, &PREVIOUS_HASH)?))
    }
}

/// Runs `work` with the stack that a thousand nested calls need.
///
/// # Panics
/// When the work does.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, work);
        thread.expect("a thread can be started").join().expect("the work does not panic")
    })
}
