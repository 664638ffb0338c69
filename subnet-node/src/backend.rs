//! What the RPC asks, answered from the ledger, the pool and the certificates.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use cid::Cid;
use fvm_shared::address::Address;
use tokio::sync::{broadcast, watch};
use tributary_chain::Block;
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_fvm::simulation::SimulatedBlock;
use tributary_fvm::{
    Accessed, BlockEnv, CallOutcome, CallRequest, EthereumCall, GasEstimate, Leash, Overrides, ReadState, StateTree,
    TraceCallRejected, TraceRejected, TraceRequest, Traced, TracedCall,
};
use tributary_message::{FvmTransaction, Transaction};
use tributary_primitives::{EthAddress, Hash32, Height};
use tributary_rpc::backend::{
    ActorView, BlockSummary, BlockView, ChainParameters, Draft, Executed, Identity, PoolBounds, PoolSize, Pooled,
    ProveRejected, Ran, SimulateRejected, SyncProgress, Tip, TransactionPosition, ValidatorView, ValidatorsView,
    Witnessed,
};
use tributary_rpc::{Backend, CallRejected, ReadUnavailable, StateView, SubmitRejected};
use tributary_store::Family;
use tributary_witness::{PartsOf, WitnessFatal, make};

use crate::facts::ChainFacts;
use crate::halt::Halt;
use crate::ledger::past::{PastStore, PastUnavailable};
use crate::ledger::record::Record;
use crate::ledger::{Head, Ledger, LedgerFatal};
use crate::parent::Acceptance;
use crate::pool::Pool;
use crate::status::Status;

/// This node, as the RPC sees it.
pub struct NodeBackend {
    identity: Identity,
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    status: Arc<Status>,
    acceptance: Acceptance,
    /// How long a state is waited for that is to be made.
    patience: Duration,
    halt: Halt,
}

impl NodeBackend {
    /// Answers from these. Who asks for a past state that is to be made waits for it as long as `patience`.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        pool: Arc<Pool>,
        status: Arc<Status>,
        acceptance: Acceptance,
        patience: Duration,
        halt: Halt,
    ) -> Self {
        Self { identity: identity_of(ledger.facts()), ledger, pool, status, acceptance, patience, halt }
    }

    /// The node stops, and its last line is the cause; a caller learns only that this node is broken.
    fn broken<E: Error + Send + Sync + 'static>(&self) -> impl Fn(E) -> ReadUnavailable {
        |why| {
            self.halt.because(why);
            ReadUnavailable::Broken
        }
    }

    /// Refuses a block that is not kept; the base has its record always. Asked after a read: what is kept then was there whole.
    fn check_block(&self, height: Height) -> Result<(), ReadUnavailable> {
        let store = self.ledger.store();
        let (oldest, base) = (store.kept().map_err(self.broken())?.blocks, store.base().map_err(self.broken())?);
        if height >= oldest || Some(height) == base {
            return Ok(());
        }
        Err(ReadUnavailable::BlockNotKept { height, oldest })
    }

    /// Refuses a state that is not kept.
    fn check_state(&self, height: Height) -> Result<(), ReadUnavailable> {
        let store = self.ledger.store();
        if store.keeps_state(height).map_err(self.broken())? {
            return Ok(());
        }
        Err(ReadUnavailable::StateNotKept { height, oldest: store.kept().map_err(self.broken())?.states })
    }

    /// The state after the block at `height` cannot be read: since it went meanwhile, or because this node is broken.
    fn unreadable<E: Error + Send + Sync + 'static>(&self, height: Height) -> impl Fn(E) -> ReadUnavailable {
        move |why| self.check_state(height).err().unwrap_or_else(|| self.broken()(why))
    }

    fn view(&self, height: Height) -> Result<Option<BlockView>, LedgerFatal> {
        let Some(record) = self.ledger.record_at(height)? else { return Ok(None) };
        let facts = self.ledger.facts();
        let view = BlockView {
            height,
            hash: facts.genesis_hash(),
            parent_hash: Hash32::default(),
            time_ns: record.time_ns,
            proposer: record.proposer,
            prev_randao: record.randomness,
            state_root: record.state_root,
            transactions_root: Hash32::default(),
            receipts_root: record.receipts_root,
            base_fee: record.base_fee,
            gas_limit: facts.parameters.block_gas_limit,
            gas_used: record.gas_used,
            bytes: 0,
            transactions: Vec::new(),
        };
        let (Some((bytes, block)), Some(certificate), Some(receipts)) =
            (self.ledger.block_at(height)?, self.ledger.certificate_at(height)?, self.ledger.receipts_at(height)?)
        else {
            return Ok(Some(view));
        };
        let hash = |hash: Option<tributary_chain::tendermint::Hash>| {
            Hash32(hash.and_then(|hash| hash.as_bytes().try_into().ok()).unwrap_or_default())
        };
        let parent = block.header.last_block_id.map(|id| id.hash);
        let executed = block.transactions.into_iter().zip(receipts).map(|(raw, receipt)| Executed { raw, receipt });
        Ok(Some(BlockView {
            hash: certificate.block.hash,
            parent_hash: parent.map_or(facts.genesis_hash(), |parent| hash(Some(parent))),
            transactions_root: hash(block.header.data_hash),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            transactions: executed.collect(),
            ..view
        }))
    }
}

fn identity_of(facts: &ChainFacts) -> Identity {
    Identity {
        client_version: concat!("subnet-node/", env!("CARGO_PKG_VERSION")).to_owned(),
        subnet: facts.subnet.clone(),
        chain_name: facts.rules.chain_id.as_str().to_owned(),
        chain_id: facts.chain_id,
        genesis: facts.genesis_id,
        parameters: ChainParameters {
            block_gas_limit: facts.parameters.block_gas_limit,
            base_fee_min: facts.parameters.base_fee_min,
            fvm_gas_per_gas: facts.parameters.fvm_gas_per_gas,
            checkpoint_period: facts.checkpoint_period().unwrap_or(0),
        },
    }
}

impl Backend for NodeBackend {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn tip(&self) -> Tip {
        let head = self.ledger.head();
        Tip {
            height: head.height,
            hash: head.hash,
            time_ns: head.record.time_ns,
            gas_used: head.record.gas_used,
            gas_limit: self.ledger.facts().parameters.block_gas_limit,
            base_fee: head.record.base_fee,
            next_base_fee: head.record.next_base_fee,
        }
    }

    fn heads(&self) -> watch::Receiver<Height> {
        self.ledger.heads()
    }

    fn finalized(&self) -> Option<Height> {
        self.acceptance.height()
    }

    fn block_at(&self, height: Height) -> Result<Option<Arc<BlockView>>, ReadUnavailable> {
        if height > self.ledger.head().height {
            return Ok(None);
        }
        let view = self.view(height).map_err(self.broken())?.map(Arc::new);
        self.check_block(height)?;
        Ok(view)
    }

    fn summary_at(&self, height: Height) -> Result<Option<BlockSummary>, ReadUnavailable> {
        if height > self.ledger.head().height {
            return Ok(None);
        }
        let record = self.ledger.record_at(height).map_err(self.broken())?;
        self.check_block(height)?;
        Ok(record.map(|Record { base_fee, gas_used, logs_bloom, .. }| BlockSummary {
            base_fee,
            gas_limit: self.ledger.facts().parameters.block_gas_limit,
            gas_used,
            logs_bloom,
        }))
    }

    fn height_of(&self, block: &Hash32) -> Result<Option<Height>, ReadUnavailable> {
        let height = self.ledger.store().height_of(block).map_err(self.broken())?;
        Ok(height.filter(|height| self.check_block(*height).is_ok()))
    }

    fn position_of(&self, transaction: &Hash32) -> Result<Option<TransactionPosition>, ReadUnavailable> {
        let Some(place) = self.ledger.store().transaction(transaction).map_err(self.broken())? else { return Ok(None) };
        // The batch with the index is on disk an instant before the head moves: what is not executed for readers is not there.
        let visible = place.height <= self.ledger.head().height && self.check_block(place.height).is_ok();
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        Ok(visible.then_some(TransactionPosition { height: place.height, index }))
    }

    fn pending_transaction(&self, transaction: &Hash32) -> Option<Transaction> {
        self.pool.get(transaction)
    }

    fn arrivals(&self) -> broadcast::Receiver<Hash32> {
        self.pool.arrivals()
    }

    fn pending_nonce(&self, sender: &Address, next: u64) -> u64 {
        self.pool.pending_nonce(sender, next)
    }

    fn pool_size(&self) -> PoolSize {
        self.pool.counts()
    }

    fn pooled(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Pooled> {
        self.pool.pooled(sender, bounds)
    }

    fn pooled_messages(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Arc<FvmTransaction>> {
        self.pool.pooled_messages(sender, bounds)
    }

    fn state_at(&self, height: Height) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        let head = self.ledger.head();
        let head = if height == head.height { head } else { self.head_at(height)? };
        Ok(Box::new(self.state_after(head, Vantage::Own)?))
    }

    fn pending_state(&self) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        Ok(Box::new(self.state_after(self.ledger.head(), Vantage::Next)?))
    }

    fn replay(
        &self,
        height: Height,
        positions: Range<usize>,
        request: &TraceRequest,
    ) -> Result<Result<Vec<Traced>, TraceRejected>, ReadUnavailable> {
        let (block, transactions) = self.past_block(height)?;
        // Genesis has no transactions, so nobody asks for what is before it.
        let before = height.previous().unwrap_or(Height::GENESIS);
        let parent = self.past_head(before)?;
        let env = self.ledger.env(&parent, &block.header);
        // By trees: a whole block may look further than leaves lead.
        let (trees, executor) = (self.trees(before, &parent.record.state_root)?, self.ledger.executor());
        let state = executor.open(&trees, &parent.record.state_root).map_err(self.unreadable(before))?;
        let replayed = self.ledger.executor().replay(state, &env, &transactions, positions, request);
        replayed.map_err(self.unreadable(before))
    }

    fn submit(&self, raw: Vec<Vec<u8>>) -> Vec<Result<Hash32, SubmitRejected>> {
        let count = raw.len();
        self.pool.submit(raw).unwrap_or_else(|why| {
            let broken = SubmitRejected::Unavailable(self.broken()(why));
            vec![Err(broken); count]
        })
    }

    fn syncing(&self) -> Option<SyncProgress> {
        self.status.syncing()
    }

    fn peers(&self) -> u64 {
        self.status.peers()
    }

    fn validators_at(&self, height: Height) -> Result<Option<ValidatorsView>, ReadUnavailable> {
        if height > self.ledger.head().height.next() {
            return Ok(None);
        }
        let view = |validator: &tributary_genesis::GenesisValidator| ValidatorView {
            consensus_key: validator.consensus_key.0,
            checkpoint_key: validator.bls_key,
            reward_address: validator.tip_address(),
            power: validator.power,
        };
        let validators = self.ledger.facts().registered.iter().map(view).collect();
        Ok(Some(ValidatorsView { configuration: ConfigurationNumber::FIRST, validators }))
    }

    fn latest_certificate(&self) -> Result<Option<CheckpointCertificate>, ReadUnavailable> {
        let height = self.ledger.head().height;
        let latest = self.ledger.store().latest_checkpoint(height).map_err(self.broken())?;
        latest.map(|(height, bytes)| self.read_certificate(height, &bytes)).transpose()
    }

    fn certificates(&self, from: Height, limit: usize) -> Result<Vec<CheckpointCertificate>, ReadUnavailable> {
        let heights = from..self.ledger.head().height.next();
        let entries = self.ledger.store().range(Family::Checkpoints, heights, limit).map_err(self.broken())?;
        entries.into_iter().map(|(height, bytes)| self.read_certificate(height, &bytes)).collect()
    }

    fn prove(&self, checkpoint: &Checkpoint, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        self.witnessed(checkpoint.height, &checkpoint.state_root, question)
    }
}

impl NodeBackend {
    fn state_after(&self, head: Arc<Head>, vantage: Vantage) -> Result<State<'_>, ReadUnavailable> {
        let (height, root) = (head.height, &head.record.state_root);
        let trees = head.leaves.is_none().then(|| self.trees(height, root)).transpose()?;
        let state: Box<dyn ReadState + Send + Sync> = match &trees {
            Some(trees) => Box::new(StateTree::load(Arc::clone(trees), root).map_err(self.unreadable(height))?),
            None => self.ledger.state(&head).map_err(self.unreadable(height))?,
        };
        Ok(State { node: self, head, trees, state, vantage })
    }

    /// Where the state after the block at `height`, which has this root, is read by its trees.
    fn trees(&self, height: Height, root: &Cid) -> Result<PastStore, ReadUnavailable> {
        self.ledger.past().at(height, root, self.patience).map_err(|why| match why {
            PastUnavailable::Late { height, patience } => ReadUnavailable::StateNotMade { height, patience },
            PastUnavailable::Fatal(why) => self.unreadable(height)(why),
        })
    }

    /// The answer to `question` about the state after the block at `height`, which has this root, and the witness for it.
    fn witnessed(&self, height: Height, root: &Cid, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        self.check_state(height)?;
        let trees = self.trees(height, root)?;
        let (parts, witness) = make(&trees, root, question).map_err(|why| match why {
            WitnessFatal::TooLong => ProveRejected::TooLong,
            WitnessFatal::Store(why) => self.unreadable(height)(WitnessFatal::Store(why)).into(),
            // A path leads wherever an actor's blocks do: what it wrote is not this node's fault.
            unreadable @ (WitnessFatal::Missing(_) | WitnessFatal::Malformed(_)) => match self.check_state(height) {
                Ok(()) => ProveRejected::Unreadable(unreadable.to_string()),
                Err(gone) => gone.into(),
            },
        })?;
        Ok(Witnessed { parts, witness })
    }

    /// The head as it was after the block at `height`, which is below the real one: of the last blocks with the leaves of the state.
    fn head_at(&self, height: Height) -> Result<Arc<Head>, ReadUnavailable> {
        match self.ledger.recent(height) {
            Some(head) => self.check_state(height).map(|()| head),
            None => self.past_head(height).map(Arc::new),
        }
    }

    /// The same of any block, without leaves.
    fn past_head(&self, height: Height) -> Result<Head, ReadUnavailable> {
        let record = self.ledger.record_at(height).map_err(self.broken())?;
        let certificate = self.ledger.certificate_at(height).map_err(self.broken())?;
        self.check_state(height)?;
        let oldest = self.ledger.store().kept().map_err(self.broken())?.states;
        let record = record.ok_or(ReadUnavailable::StateNotKept { height, oldest })?;
        let hash =
            certificate.as_ref().map_or(self.ledger.facts().genesis_hash(), |certificate| certificate.block.hash);
        Ok(Head { height, hash, record, certificate, leaves: None })
    }

    /// The block at `height` with its transactions, which were found good when it was decided.
    fn past_block(&self, height: Height) -> Result<(Block, Vec<Transaction>), ReadUnavailable> {
        let block = self.ledger.block_at(height).map_err(self.broken())?;
        self.check_block(height)?;
        let oldest = self.ledger.store().kept().map_err(self.broken())?.blocks;
        let (_, block) = block.ok_or(ReadUnavailable::BlockNotKept { height, oldest })?;
        let chain_id = self.ledger.facts().chain_id;
        let decode = |raw: &Vec<u8>| Transaction::decode(raw, chain_id);
        let damaged = |why: tributary_message::TransactionRejected| LedgerFatal::Damaged {
            what: "a transaction of the block",
            height,
            why: why.to_string(),
        };
        let transactions = block.transactions.iter().map(decode).collect::<Result<_, _>>();
        Ok((block, transactions.map_err(damaged).map_err(self.broken())?))
    }

    fn read_certificate(&self, height: Height, bytes: &[u8]) -> Result<CheckpointCertificate, ReadUnavailable> {
        let damaged = |why: fvm_ipld_encoding::Error| LedgerFatal::Damaged {
            what: "the checkpoint certificate",
            height,
            why: why.to_string(),
        };
        fvm_ipld_encoding::from_slice(bytes).map_err(damaged).map_err(self.broken())
    }
}

/// The block that calls on a state find themselves in.
#[derive(Copy, Clone)]
enum Vantage {
    /// The state's own, after its last transaction.
    Own,
    /// The one that comes next, as far as it is known.
    Next,
}

/// The state after one block.
struct State<'a> {
    node: &'a NodeBackend,
    head: Arc<Head>,
    /// What is read, if not leaves.
    trees: Option<PastStore>,
    state: Box<dyn ReadState + Send + Sync>,
    vantage: Vantage,
}

impl State<'_> {
    /// The same state, to run a call on.
    fn open(&self) -> Result<tributary_fvm::State, LedgerFatal> {
        let ledger = &self.node.ledger;
        match &self.trees {
            Some(trees) => Ok(ledger.executor().open(trees, &self.head.record.state_root)?),
            None => ledger.open_state(&self.head),
        }
    }

    /// What calls run in.
    fn env(&self) -> Result<BlockEnv, ReadUnavailable> {
        let ledger = &self.node.ledger;
        match self.vantage {
            Vantage::Own => ledger.own_env(&self.head, &*self.state).map_err(self.node.unreadable(self.head.height)),
            Vantage::Next => Ok(ledger.pending_env(&self.head)),
        }
    }
}

impl StateView for State<'_> {
    fn actor(&self, address: &Address) -> Result<Option<ActorView>, ReadUnavailable> {
        let actor = self.state.actor_at(address).map_err(self.node.unreadable(self.head.height))?;
        Ok(actor.map(|(id, actor)| ActorView {
            id,
            code: actor.code,
            state: actor.state,
            nonce: actor.sequence,
            balance: actor.balance,
            delegated: actor.delegated_address,
        }))
    }

    fn parts(&self, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        self.node.witnessed(self.head.height, &self.head.record.state_root, question)
    }

    fn eth_code(&self, address: &EthAddress) -> Result<Vec<u8>, ReadUnavailable> {
        self.state.code(&address.to_address()).map_err(self.node.unreadable(self.head.height))
    }

    fn eth_nonce(&self, address: &EthAddress) -> Result<u64, ReadUnavailable> {
        self.state.nonce(&address.to_address()).map_err(self.node.unreadable(self.head.height))
    }

    fn eth_storage(&self, address: &EthAddress, slot: &[u8; 32]) -> Result<[u8; 32], ReadUnavailable> {
        Ok(self.state.storage(&address.to_address(), &Hash32(*slot)).map_err(self.node.unreadable(self.head.height))?.0)
    }

    fn call(&self, request: &CallRequest, overrides: &Overrides, leash: &Leash) -> Result<CallOutcome, CallRejected> {
        let ledger = &self.node.ledger;
        let state = self.open().map_err(self.node.unreadable(self.head.height))?;
        let called = ledger.executor().call(state, &self.env()?, overrides, request, leash);
        Ok(called.map_err(self.node.unreadable(self.head.height))??)
    }

    fn trace_call(
        &self,
        call: &CallRequest,
        overrides: &Overrides,
        request: &TraceRequest,
    ) -> Result<Result<TracedCall, TraceCallRejected>, ReadUnavailable> {
        let ledger = &self.node.ledger;
        let state = self.open().map_err(self.node.unreadable(self.head.height))?;
        let traced = ledger.executor().trace_call(state, &self.env()?, overrides, call, request);
        traced.map_err(self.node.unreadable(self.head.height))
    }

    fn estimate_gas(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<GasEstimate, CallRejected> {
        let ledger = &self.node.ledger;
        let open = || self.open();
        let estimated = ledger.executor().estimate_gas(open, &self.env()?, overrides, request, leash);
        Ok(estimated.map_err(self.node.unreadable(self.head.height))??)
    }

    fn access_list(
        &self,
        request: &EthereumCall,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<Accessed, CallRejected> {
        let ledger = &self.node.ledger;
        let open = || self.open();
        let listed = ledger.executor().access_list(open, &self.env()?, overrides, request, leash);
        Ok(listed.map_err(self.node.unreadable(self.head.height))??)
    }

    fn draft(&self) -> Result<Box<dyn Draft<'_> + '_>, ReadUnavailable> {
        let (node, height) = (self.node, self.head.height);
        let state = self.open().map_err(node.unreadable(height))?;
        Ok(Box::new(StateDraft { node, height, state }))
    }
}

/// The state after one block, and after blocks that were simulated on it.
struct StateDraft<'a> {
    node: &'a NodeBackend,
    height: Height,
    state: tributary_fvm::State,
}

impl<'a> Draft<'a> for StateDraft<'a> {
    fn run(self: Box<Self>, block: &SimulatedBlock, leash: &Leash) -> Result<Ran<'a>, SimulateRejected> {
        let Self { node, height, state } = *self;
        let ran = node.ledger.executor().simulate(state, block, leash).map_err(node.unreadable(height))?;
        let (state, results) = ran?;
        Ok((Box::new(Self { node, height, state }), results))
    }
}
