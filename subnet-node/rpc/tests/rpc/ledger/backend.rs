//! The chain as the RPC sees it: its blocks and states, what waits, and what is taken in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cid::Cid;
use fvm_shared::address::Address;
use tokio::sync::{broadcast, watch};
use tributary_checkpoint::registration::ConfigurationNumber;
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_fvm::state::MemoryStore;
use tributary_fvm::trace::{TraceRejected, TraceRequest, Traced};
use tributary_message::{FvmTransaction, Transaction};
use tributary_primitives::{BlsPublicKey, EthAddress, Hash32, Height, VotingPower};
use tributary_rpc::backend::{
    Backend, BlockSummary, BlockView, Identity, PoolBounds, PoolSize, Pooled, ProveRejected, ReadUnavailable,
    StateView, SubmitRejected, SyncProgress, Tip, TransactionPosition, ValidatorView, ValidatorsView, Witnessed,
};
use tributary_rpc::logs_bloom;
use tributary_rpc::subnet::PROOF_WITNESS_BYTES_MAX;
use tributary_witness::{PartsOf, WitnessFatal, make};

use super::snapshot::Snapshot;
use super::{BASE_FEE_MIN, CHAIN_ID, Ledger, TOO_LARGE, fee_after};
use crate::machine::{FVM_GAS_PER_GAS, find};
use crate::traces::{limit_passed, trace_of};

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
            return Err(SubmitRejected::InsufficientFunds { balance, queued: 0, cost });
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
        let mut inner = self.lock();
        inner.looked_for.push(*hash);
        inner.waiting.iter().find(|transaction| transaction.hash() == *hash).cloned()
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
        Ok(Box::new(Snapshot { state, ledger: self, height, called_in: height }))
    }

    fn pending_state(&self) -> Result<Box<dyn StateView + '_>, ReadUnavailable> {
        let inner = self.lock();
        let height = inner.blocks.last().unwrap().height;
        let state = inner.states.last().unwrap().clone();
        Ok(Box::new(Snapshot { state, ledger: self, height, called_in: height.next() }))
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

pub(super) fn witnessed(trees: &MemoryStore, root: &Cid, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
    let is_too_large = question.path().is_some_and(|path| path.to_string() == TOO_LARGE);
    match make(trees, root, question) {
        Ok((parts, _)) if is_too_large => Ok(Witnessed { parts, witness: vec![0; PROOF_WITNESS_BYTES_MAX + 1] }),
        Ok((parts, witness)) => Ok(Witnessed { parts, witness }),
        Err(WitnessFatal::TooLong) => Err(ProveRejected::TooLong),
        Err(why) => Err(ProveRejected::Unreadable(why.to_string())),
    }
}
