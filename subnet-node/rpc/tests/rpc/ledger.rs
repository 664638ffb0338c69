//! A chain in memory that answers the RPC. Blocks are made when a test says so.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cid::Cid;
use fvm_shared::address::Address;
use tokio::sync::{broadcast, watch};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_fvm::call::{
    Accessed, AccessedAccount, CallOutcome, CallRequest, EthereumCall, GasEstimate, Leash, SignedAuthorization,
};
use tributary_fvm::fees::next_base_fee;
use tributary_fvm::simulation::{CallInvalid, Simulated, SimulatedBlock, SimulationRejected};
use tributary_fvm::state::MemoryStore;
use tributary_fvm::trace::{TraceCallRejected, TraceRejected, TraceRequest, Traced};
use tributary_fvm::{Overrides, OverridesRejected, TracedCall};
use tributary_message::{FvmTransaction, Transaction};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{BlsPublicKey, EthAddress, Hash32, Height, SubnetId, VotingPower, cbor_cid};
use tributary_rpc::backend::{
    ActorView, Backend, BlockSummary, BlockView, CallRejected, ChainParameters, Draft, Executed, Identity, PoolBounds,
    PoolSize, Pooled, ProveRejected, Ran, ReadUnavailable, SimulateRejected, StateView, SubmitRejected, SyncProgress,
    Tip, TransactionPosition, ValidatorView, ValidatorsView, Witnessed,
};
use tributary_rpc::logs_bloom;
use tributary_rpc::subnet::PROOF_WITNESS_BYTES_MAX;
use tributary_witness::{PartsOf, WitnessFatal, make};

use crate::machine::{CODE, FVM_GAS_PER_GAS, GAS, LOOPER, State, actor, call, find, first_state, run};
use crate::traces::{limit_passed, trace_of, trace_of_call};

pub const CHAIN_ID: u64 = 31_415;
pub const BLOCK_GAS_LIMIT: u64 = 30_000_000;
pub const BASE_FEE_MIN: u64 = 1_000;
/// When the chain began: 2023-11-14, half a second past a whole one.
const GENESIS_NS: u64 = 1_700_000_000_500_000_000;

/// A path to what takes a larger witness than is sent.
pub const TOO_LARGE: &str = "too/large";

/// Gas that comes back to every simulated call.
pub const REFUND: u64 = 4_800;

/// Arrivals that are remembered.
pub const ARRIVALS_KEPT: usize = 8;

pub struct Ledger {
    identity: Identity,
    heads: watch::Sender<Height>,
    arrivals: broadcast::Sender<Hash32>,
    inner: Mutex<Inner>,
}

struct Inner {
    blocks: Vec<Arc<BlockView>>,
    states: Vec<State>,
    waiting: Vec<Transaction>,
    certificates: Vec<CheckpointCertificate>,
    /// Of every checkpoint, and of the states that were given a root.
    trees: MemoryStore,
    /// Of states whose parts can be read.
    roots: BTreeMap<Height, Cid>,
    finalized: Option<Height>,
    oldest_state: Height,
    oldest_block: Height,
    /// Blocks that were read since this was last asked.
    read: Vec<Height>,
    syncing: Option<SyncProgress>,
    /// What the last call was to find otherwise.
    overrides: Overrides,
    /// The block that it ran in.
    called_in: Height,
    /// What the last call's accounts let others do.
    authorizations: Vec<SignedAuthorization>,
    /// Blocks that were simulated, all of them.
    simulated: Vec<SimulatedBlock>,
    /// Whether transactions end differently when they are run again.
    forgets: bool,
}

impl Ledger {
    /// A subnet at genesis where each of `rich` has 1,000 tokens.
    pub fn new(rich: &[Address]) -> Self {
        Self::of(SubnetId::root(CHAIN_ID).child(100).unwrap(), rich)
    }

    /// The same with another place in the hierarchy.
    pub fn of(subnet: SubnetId, rich: &[Address]) -> Self {
        let parameters = ChainParameters {
            block_gas_limit: BLOCK_GAS_LIMIT,
            base_fee_min: BASE_FEE_MIN,
            fvm_gas_per_gas: FVM_GAS_PER_GAS,
            checkpoint_period: 2,
        };
        let identity = Identity {
            client_version: "subnet-node/test".to_owned(),
            subnet,
            chain_name: "ledger-1".to_owned(),
            chain_id: CHAIN_ID,
            genesis: cbor_cid(b"genesis"),
            parameters,
        };
        let inner = Inner {
            blocks: vec![Arc::new(block(Height::GENESIS, Hash32::default(), BASE_FEE_MIN, vec![]))],
            states: vec![first_state(rich)],
            waiting: vec![],
            certificates: vec![],
            trees: MemoryStore::default(),
            roots: BTreeMap::new(),
            finalized: None,
            oldest_state: Height::GENESIS,
            oldest_block: Height::GENESIS,
            read: vec![],
            syncing: None,
            overrides: Overrides::default(),
            called_in: Height::GENESIS,
            authorizations: vec![],
            simulated: vec![],
            forgets: false,
        };
        let (heads, arrivals) = (watch::Sender::new(Height::GENESIS), broadcast::Sender::new(ARRIVALS_KEPT));
        Self { identity, heads, arrivals, inner: Mutex::new(inner) }
    }

    /// Makes a block of everything that waits and returns its hash.
    pub fn make_block(&self) -> Hash32 {
        let mut inner = self.lock();
        let (parent, mut state) = (Arc::clone(inner.blocks.last().unwrap()), inner.states.last().unwrap().clone());
        let base_fee = fee_after(&parent);
        let executed = std::mem::take(&mut inner.waiting).into_iter().map(|transaction| Executed {
            raw: transaction.raw().to_vec(),
            receipt: run(&mut state, &transaction, base_fee),
        });
        let made = block(parent.height.next(), parent.hash, base_fee, executed.collect());
        let (hash, height) = (made.hash, made.height);
        inner.blocks.push(Arc::new(made));
        inner.states.push(state);
        self.heads.send_replace(height);
        hash
    }

    /// What the last call was to find otherwise.
    pub fn overrides(&self) -> Overrides {
        self.lock().overrides.clone()
    }

    /// The height of the block that the last call ran in.
    pub fn called_in(&self) -> u64 {
        self.lock().called_in.0
    }

    /// What the last Ethereum call brought.
    pub fn authorizations(&self) -> Vec<SignedAuthorization> {
        self.lock().authorizations.clone()
    }

    /// Blocks that were simulated since this was last asked.
    pub fn simulated(&self) -> Vec<SimulatedBlock> {
        std::mem::take(&mut self.lock().simulated)
    }

    /// Heights of the blocks that were read since this was last asked, in order.
    pub fn blocks_read(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().read).into_iter().map(|height| height.0).collect()
    }

    /// Returns once so many wait for blocks.
    pub async fn listened_to_by(&self, count: usize) {
        while self.heads.receiver_count() < count {
            tokio::task::yield_now().await;
        }
    }

    /// How many transactions wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub fn certify(&self, certificate: CheckpointCertificate) {
        self.lock().certificates.push(certificate);
    }

    /// What checkpoints are proven by from now on.
    pub fn keep_trees(&self, trees: MemoryStore) {
        self.lock().trees = trees;
    }

    /// What the parts of the state after the block at `height` are read by from now on.
    pub fn root_at(&self, height: u64, root: Cid) {
        self.lock().roots.insert(Height(height), root);
    }

    pub fn finalize(&self, height: u64) {
        self.lock().finalized = Some(Height(height));
    }

    pub fn prune_states_below(&self, height: u64) {
        self.lock().oldest_state = Height(height);
    }

    pub fn prune_blocks_below(&self, height: u64) {
        self.lock().oldest_block = Height(height);
    }

    pub fn fall_behind(&self, progress: SyncProgress) {
        self.lock().syncing = Some(progress);
    }

    pub fn forget_how_transactions_ended(&self) {
        self.lock().forgets = true;
    }

    pub fn catch_up(&self) {
        self.lock().syncing = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

impl Inner {
    fn block_at(&self, height: Height) -> Result<Option<Arc<BlockView>>, ReadUnavailable> {
        if height < self.oldest_block {
            return Err(ReadUnavailable::BlockNotKept { height, oldest: self.oldest_block });
        }
        Ok(self.blocks.iter().find(|block| block.height == height).cloned())
    }
}

fn fee_after(block: &BlockView) -> u64 {
    next_base_fee(block.base_fee, block.gas_used, block.gas_limit, BASE_FEE_MIN)
}

fn block(height: Height, parent_hash: Hash32, base_fee: u64, transactions: Vec<Executed>) -> BlockView {
    let seal = cbor_cid(&[&height.0.to_be_bytes()[..], &parent_hash.0].concat());
    BlockView {
        height,
        hash: Hash32(seal.hash().digest().try_into().unwrap()),
        parent_hash,
        time_ns: GENESIS_NS + height.0 * 400_000_000,
        proposer: EthAddress([0xbb; 20]),
        prev_randao: Hash32([0x44; 32]),
        state_root: cbor_cid(&height.0.to_be_bytes()),
        transactions_root: Hash32([0x11; 32]),
        receipts_root: Hash32([0x22; 32]),
        base_fee,
        gas_limit: BLOCK_GAS_LIMIT,
        gas_used: transactions.iter().map(|executed| executed.receipt.gas_used).sum(),
        bytes: 500,
        transactions,
    }
}

impl Ledger {
    /// What waits, each sender's in nonce order, and whether no nonce from the sender's next one on is missing before it.
    fn in_order(&self) -> Vec<(Transaction, bool)> {
        let inner = self.lock();
        let mut waiting = inner.waiting.clone();
        waiting.sort_by_key(|one| (one.sender().to_bytes(), one.nonce()));
        let mut next = BTreeMap::new();
        let told = waiting.into_iter().map(|one| {
            let first = || find(inner.states.last().unwrap(), &one.sender()).map_or(0, |actor| actor.nonce);
            let expected = next.entry(one.sender()).or_insert_with(first);
            let is_pending = *expected == one.nonce();
            *expected += u64::from(is_pending);
            (one, is_pending)
        });
        told.collect()
    }

    fn admit(&self, raw: &[u8]) -> Result<Hash32, SubmitRejected> {
        let transaction = Transaction::decode(raw, CHAIN_ID)?;
        let mut inner = self.lock();
        let sender = find(inner.states.last().unwrap(), &transaction.sender()).cloned();
        let (next, balance) = sender.map_or((0, 0), |actor| (actor.nonce, actor.balance.atto().try_into().unwrap()));
        let (hash, got, cost) = (transaction.hash(), transaction.nonce(), transaction.cost_max().unwrap_or(u128::MAX));
        let offered = transaction.fee_cap(FVM_GAS_PER_GAS);
        if inner.waiting.iter().any(|one| one.hash() == hash) {
            return Err(SubmitRejected::Known(hash));
        }
        if got < next {
            return Err(SubmitRejected::NonceTooLow { next, got });
        }
        if offered < BASE_FEE_MIN.into() {
            return Err(SubmitRejected::Underpriced { offered, needed: BASE_FEE_MIN.into() });
        }
        if cost > balance {
            return Err(SubmitRejected::InsufficientFunds { balance, cost });
        }
        if matches!(transaction, Transaction::Ethereum(_)) {
            let _ = self.arrivals.send(hash);
        }
        inner.waiting.push(transaction);
        Ok(hash)
    }
}

impl Backend for Ledger {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn tip(&self) -> Tip {
        let inner = self.lock();
        let block = inner.blocks.last().unwrap();
        Tip {
            height: block.height,
            hash: block.hash,
            time_ns: block.time_ns,
            gas_used: block.gas_used,
            gas_limit: block.gas_limit,
            base_fee: block.base_fee,
            next_base_fee: fee_after(block),
        }
    }

    fn heads(&self) -> watch::Receiver<Height> {
        self.heads.subscribe()
    }

    fn finalized(&self) -> Option<Height> {
        self.lock().finalized
    }

    fn block_at(&self, height: Height) -> Result<Option<Arc<BlockView>>, ReadUnavailable> {
        self.lock().read.push(height);
        self.lock().block_at(height)
    }

    fn summary_at(&self, height: Height) -> Result<Option<BlockSummary>, ReadUnavailable> {
        let block = self.lock().block_at(height)?;
        Ok(block.map(|block| BlockSummary {
            base_fee: block.base_fee,
            gas_limit: block.gas_limit,
            gas_used: block.gas_used,
            logs_bloom: logs_bloom(block.transactions.iter().map(|executed| &executed.receipt)),
        }))
    }

    fn height_of(&self, hash: &Hash32) -> Result<Option<Height>, ReadUnavailable> {
        Ok(self.lock().blocks.iter().find(|block| block.hash == *hash).map(|block| block.height))
    }

    fn position_of(&self, hash: &Hash32) -> Result<Option<TransactionPosition>, ReadUnavailable> {
        let inner = self.lock();
        Ok(inner.blocks.iter().rev().find_map(|block| {
            let index = block.transactions.iter().position(|executed| executed.hash() == *hash)?;
            Some(TransactionPosition { height: block.height, index })
        }))
    }

    fn pending_transaction(&self, hash: &Hash32) -> Option<Transaction> {
        self.lock().waiting.iter().find(|transaction| transaction.hash() == *hash).cloned()
    }

    fn arrivals(&self) -> broadcast::Receiver<Hash32> {
        self.arrivals.subscribe()
    }

    fn pending_nonce(&self, sender: &Address, next: u64) -> u64 {
        let inner = self.lock();
        let waits = |nonce| inner.waiting.iter().any(|one| one.sender() == *sender && one.nonce() == nonce);
        (next..).find(|nonce| !waits(*nonce)).unwrap()
    }

    fn pool_size(&self) -> PoolSize {
        let mut size = PoolSize::default();
        for (_, is_pending) in self.in_order() {
            *(if is_pending { &mut size.pending } else { &mut size.queued }) += 1;
        }
        size
    }

    fn pooled(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Pooled> {
        let shown = self.in_order().into_iter().filter_map(|(one, is_pending)| match one {
            Transaction::Ethereum(transaction) => Some(Pooled { transaction, is_pending }),
            Transaction::Fvm(_) => None,
        });
        let is_wanted = |one: &Pooled| sender.is_none_or(|sender| *sender == one.transaction.sender().to_address());
        shown.filter(is_wanted).take(bounds.transactions).collect()
    }

    fn pooled_messages(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Arc<FvmTransaction>> {
        let shown = self.in_order().into_iter().filter_map(|(one, _)| match one {
            Transaction::Fvm(message) => Some(message),
            Transaction::Ethereum(_) => None,
        });
        let is_wanted = |one: &Arc<FvmTransaction>| sender.is_none_or(|sender| *sender == one.message().from);
        shown.filter(is_wanted).take(bounds.transactions).collect()
    }

    fn state_at(&self, height: Height) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        let inner = self.lock();
        if height < inner.oldest_state {
            return Err(ReadUnavailable::StateNotKept { height, oldest: inner.oldest_state });
        }
        let state = inner.states[usize::try_from(height.0).unwrap()].clone();
        Ok(Box::new(Snapshot(state, self, height, height)))
    }

    fn pending_state(&self) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        let inner = self.lock();
        let height = inner.blocks.last().unwrap().height;
        Ok(Box::new(Snapshot(inner.states.last().unwrap().clone(), self, height, height.next())))
    }

    fn replay(
        &self,
        height: Height,
        positions: Range<usize>,
        request: &TraceRequest,
    ) -> Result<Result<Vec<Traced>, TraceRejected>, ReadUnavailable> {
        let inner = self.lock();
        let before = height.previous().unwrap();
        if before < inner.oldest_state {
            return Err(ReadUnavailable::StateNotKept { height: before, oldest: inner.oldest_state });
        }
        if let Some(limit) = limit_passed(request) {
            return Ok(Err(limit));
        }
        let block = inner.blocks.iter().find(|block| block.height == height).unwrap();
        let traced = block.transactions[positions].iter().map(|executed| {
            let mut receipt = executed.receipt.clone();
            receipt.gas_used += u64::from(inner.forgets);
            let ran = Transaction::decode(&executed.raw, CHAIN_ID).unwrap();
            let trace = (!receipt.skipped).then(|| trace_of(request.wanted, &ran, &receipt));
            Traced { receipt, trace }
        });
        Ok(Ok(traced.collect()))
    }

    fn submit(&self, raw: Vec<Vec<u8>>) -> Vec<Result<Hash32, SubmitRejected>> {
        raw.iter().map(|raw| self.admit(raw)).collect()
    }

    fn syncing(&self) -> Option<SyncProgress> {
        self.lock().syncing
    }

    fn peers(&self) -> u64 {
        3
    }

    fn validators_at(&self, height: Height) -> Result<Option<ValidatorsView>, ReadUnavailable> {
        let validator = |position: u8| ValidatorView {
            consensus_key: [position; 32],
            checkpoint_key: BlsPublicKey([position; 48]),
            reward_address: EthAddress([position; 20]),
            power: VotingPower(10),
        };
        let validators = (0..4).map(validator).collect();
        let known = height <= self.tip().height.next();
        Ok(known.then_some(ValidatorsView { configuration: ConfigurationNumber::FIRST, validators }))
    }

    fn latest_certificate(&self) -> Result<Option<CheckpointCertificate>, ReadUnavailable> {
        Ok(self.lock().certificates.last().cloned())
    }

    fn certificates(&self, from: Height, limit: usize) -> Result<Vec<CheckpointCertificate>, ReadUnavailable> {
        let inner = self.lock();
        let from_there = inner.certificates.iter().filter(|certificate| certificate.checkpoint.height >= from);
        Ok(from_there.take(limit).cloned().collect())
    }

    /// What is at the path [`TOO_LARGE`] takes more bytes than are sent.
    fn prove(&self, checkpoint: &Checkpoint, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        let inner = self.lock();
        let height = checkpoint.height;
        if height < inner.oldest_state {
            return Err(ReadUnavailable::StateNotKept { height, oldest: inner.oldest_state }.into());
        }
        witnessed(&inner.trees, &checkpoint.state_root, question)
    }
}

fn witnessed(trees: &MemoryStore, root: &Cid, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
    let is_too_large = question.path().is_some_and(|path| path.to_string() == TOO_LARGE);
    match make(trees, root, question) {
        Ok((parts, _)) if is_too_large => Ok(Witnessed { parts, witness: vec![0; PROOF_WITNESS_BYTES_MAX + 1] }),
        Ok((parts, witness)) => Ok(Witnessed { parts, witness }),
        Err(WitnessFatal::TooLong) => Err(ProveRejected::TooLong),
        Err(why) => Err(ProveRejected::Unreadable(why.to_string())),
    }
}

/// A state, the block that it is after, and the one that calls run in.
struct Snapshot<'a>(State, &'a Ledger, Height, Height);

impl Snapshot<'_> {
    /// Remembers where the call ran and what it was to find otherwise; there is no actor with an id from 4,000 on, and a price must reach the
    /// least base fee.
    fn begin(&self, request: &CallRequest, overrides: &Overrides) -> Result<(), tributary_fvm::CallRejected> {
        self.1.lock().overrides = overrides.clone();
        self.1.lock().called_in = self.3;
        if let CallRequest::Ethereum(one) = request
            && one.pays()
        {
            too_cheap(one, BASE_FEE_MIN)?;
        }
        let is_nobody = |account: &&EthAddress| account.as_actor_id().is_some_and(|id| id >= 4_000);
        let nobody = overrides.accounts.keys().find(is_nobody);
        nobody.map_or(Ok(()), |account| Err(OverridesRejected::Nobody(*account).into()))
    }

    fn outcome(&self, request: &CallRequest) -> CallOutcome {
        match request {
            CallRequest::Ethereum(one) => {
                self.1.lock().authorizations.clone_from(&one.authorizations);
                let to = one.to.map(|to| to.to_address());
                call(&self.0, to.as_ref(), &one.input, one.gas_limit.unwrap())
            }
            CallRequest::Fvm(one) => {
                call(&self.0, Some(&one.to), &one.params, one.gas_limit.unwrap() / FVM_GAS_PER_GAS)
            }
        }
    }
}

fn too_cheap(call: &EthereumCall, base_fee: u64) -> Result<(), CallInvalid> {
    let fee = call.max_fee_per_gas;
    if fee < base_fee.into() { Err(CallInvalid::Fee { sender: call.from, fee, base_fee }) } else { Ok(()) }
}

/// Runs until the leash is cut; how long it was.
fn wait_for(leash: &Leash) -> Duration {
    while !leash.is_cut() {
        std::thread::yield_now();
    }
    leash.length()
}

impl StateView for Snapshot<'_> {
    fn actor(&self, address: &Address) -> Result<Option<ActorView>, ReadUnavailable> {
        Ok(find(&self.0, address).cloned())
    }

    fn parts(&self, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        let inner = self.1.lock();
        witnessed(&inner.trees, &inner.roots[&self.2], question)
    }

    fn eth_code(&self, address: &EthAddress) -> Result<Vec<u8>, ReadUnavailable> {
        let evm = BuiltinActor::Evm.code();
        let is_contract = find(&self.0, &address.to_address()).is_some_and(|actor| actor.code == evm);
        Ok(if is_contract { CODE.to_vec() } else { vec![] })
    }

    fn eth_nonce(&self, address: &EthAddress) -> Result<u64, ReadUnavailable> {
        Ok(find(&self.0, &address.to_address()).map_or(0, |actor| actor.nonce))
    }

    fn eth_storage(&self, _: &EthAddress, slot: &[u8; 32]) -> Result<[u8; 32], ReadUnavailable> {
        Ok(*slot)
    }

    fn call(&self, request: &CallRequest, overrides: &Overrides, leash: &Leash) -> Result<CallOutcome, CallRejected> {
        self.begin(request, overrides)?;
        let to = match request {
            CallRequest::Ethereum(one) => one.to.map(|to| to.to_address()),
            CallRequest::Fvm(one) => Some(one.to),
        };
        if to == Some(LOOPER.to_address()) {
            return Err(tributary_fvm::CallRejected::CutOff(wait_for(leash)).into());
        }
        Ok(self.outcome(request))
    }

    fn trace_call(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        trace: &TraceRequest,
    ) -> Result<Result<TracedCall, TraceCallRejected>, ReadUnavailable> {
        if let Err(why) = self.begin(request, overrides) {
            return Ok(Err(why.into()));
        }
        if let Some(limit) = limit_passed(trace) {
            return Ok(Err(limit.into()));
        }
        let outcome = self.outcome(request);
        let CallRequest::Ethereum(one) = request else { panic!("messages are not traced before they ran") };
        let is_begun = one.gas_limit.unwrap() >= GAS;
        let trace = is_begun.then(|| trace_of_call(trace.wanted, one, &outcome));
        Ok(Ok((outcome, trace)))
    }

    fn estimate_gas(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<GasEstimate, CallRejected> {
        let outcome = self.call(request, overrides, leash)?;
        let needed = if matches!(request, CallRequest::Fvm(_)) { GAS * FVM_GAS_PER_GAS } else { GAS };
        Ok(if outcome.exit_code.is_success() { GasEstimate::Enough(needed) } else { GasEstimate::Never(outcome) })
    }

    /// The call's own list, and slot 7 of the receiver.
    fn access_list(
        &self,
        request: &EthereumCall,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<Accessed, CallRejected> {
        let outcome = self.call(&CallRequest::Ethereum(request.clone()), overrides, leash)?;
        let reached = request.to.map(|address| AccessedAccount { address, slots: vec![Hash32([7; 32])] });
        Ok(Accessed { list: request.access_list.iter().cloned().chain(reached).collect(), outcome })
    }

    fn draft(&self) -> Result<Box<dyn Draft<'_> + '_>, ReadUnavailable> {
        Ok(Box::new(Rehearsal { state: self.0.clone(), ledger: self.1 }))
    }
}

/// Blocks that are forgotten. With validation a nonce must be the sender's next, and a price reach the base fee.
struct Rehearsal<'a> {
    state: State,
    ledger: &'a Ledger,
}

impl<'a> Draft<'a> for Rehearsal<'a> {
    fn run(self: Box<Self>, block: &SimulatedBlock, leash: &Leash) -> Result<Ran<'a>, SimulateRejected> {
        let Self { mut state, ledger } = *self;
        ledger.lock().simulated.push(block.clone());
        let mut results = Vec::new();
        for one in &block.calls {
            if one.call.to == Some(LOOPER) {
                return Err(SimulationRejected::CutOff(wait_for(leash)).into());
            }
            let sender = actor(&mut state, &one.call.from.to_address(), BuiltinActor::EthAccount);
            let (next, nonce) = (sender.nonce, one.nonce.unwrap_or(sender.nonce));
            if block.validation && nonce > next {
                let why = CallInvalid::NonceTooHigh { sender: one.call.from, got: nonce, next };
                return Err(SimulationRejected::from(why).into());
            }
            sender.nonce += 1;
            if block.validation && one.call.pays() {
                too_cheap(&one.call, block.env.base_fee).map_err(SimulationRejected::from)?;
            }
            let gas_limit = one.call.gas_limit.unwrap_or(block.env.gas_limit).min(block.gas_max);
            let to = one.call.to.map(|to| to.to_address());
            let outcome = call(&state, to.as_ref(), &one.call.input, gas_limit);
            let max_gas_used = outcome.gas_used + REFUND;
            results.push(Simulated { nonce, gas_limit, max_gas_used, contract: None, outcome });
        }
        Ok((Box::new(Self { state, ledger }), results))
    }
}
