//! The mempool's hand: transactions come in from users and peers, and go out to peers and proposals.
//!
//! | comes from | admitted | refused | known |
//! |---|---|---|---|
//! | a user, by RPC | waits; published to peers; wakes consensus | told why | told so |
//! | a peer, by gossip | waits; forwarded; wakes consensus | malformed or wrongly signed: the peer is to blame | let go |
//! | a decided block | – | – | dropped |
//!
//! Whoever looks at all that waits does so in parts: `walk`.

mod walk;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fvm_shared::address::Address;
use tokio::sync::broadcast;
use tributary_consensus::Wake;
use tributary_fvm::intrinsic::gas_limits;
use tributary_gossip::GossipHandle;
use tributary_message::fvm::Claim;
use tributary_message::{FvmTransaction, Transaction, TransactionRejected};
use tributary_primitives::Hash32;
use tributary_replica::filling::Fill;
use tributary_replica::mempool::{BlockSpace, Mempool, MempoolLimits, MempoolRejected, Selection, SenderState};
use tributary_replica::recent::Recent;
use tributary_rpc::backend::{PoolBounds, PoolSize, Pooled, SubmitRejected};

use crate::ledger::{Head, Ledger, LedgerFatal};
use crate::metrics::Metrics;
use crate::recovery;
use walk::Seen;

/// Times that a proposer selects before it leaves out whom the pool is still unsure of. Once more is usual: after a block, those who
/// wait since before it and did not send in it.
const SELECTIONS_MAX: usize = 4;

/// Senders or transactions that the pool is told of, or shows, at once: short enough that nobody waits for it.
const AT_ONCE: usize = 256;

/// Bytes of transactions that were read lately: some forty thousand transfers, a few seconds' worth.
const RECENT_BYTES: usize = 32 << 20;

/// Arrivals that are remembered for who listens: some seconds' worth at full load, and a megabyte.
const ARRIVALS_KEPT: usize = 16_384;

/// The transactions that wait on this node.
pub struct Pool {
    mempool: Mutex<Mempool>,
    ledger: Arc<Ledger>,
    /// Never held together with the mempool.
    recent: Mutex<Recent>,
    gossip: GossipHandle,
    wake: Wake,
    metrics: Arc<Metrics>,
    arrivals: broadcast::Sender<Hash32>,
}

/// What became of a peer's transactions.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// At least one was new and waits.
    Fresh,
    /// None was new, or none could be admitted now.
    Stale,
    /// One was no transaction of this chain.
    Malformed,
}

impl Pool {
    /// An empty pool for this chain.
    #[must_use]
    pub fn new(
        limits: MempoolLimits,
        ledger: Arc<Ledger>,
        gossip: GossipHandle,
        wake: Wake,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mempool = Mutex::new(Mempool::new(limits, ledger.facts().mempool_rules()));
        let (recent, arrivals) = (Mutex::new(Recent::new(RECENT_BYTES)), broadcast::Sender::new(ARRIVALS_KEPT));
        Self { mempool, ledger, recent, gossip, wake, metrics, arrivals }
    }

    /// Takes users' transactions in, tells the peers and wakes consensus. What became of each stands at its position.
    ///
    /// # Errors
    /// [`LedgerFatal`]: this node must stop.
    pub fn submit(&self, raw: Vec<Vec<u8>>) -> Result<Vec<Result<Hash32, SubmitRejected>>, LedgerFatal> {
        let mut answers = self.read(&raw)?;
        let read: Vec<_> = answers.iter().flatten().cloned().collect();
        let mut admitted = self.admit(&read)?.into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
            if let Some(Err(why)) = admitted.next() {
                *answer = Err(why);
            }
        }
        let fresh: Vec<_> =
            raw.into_iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(raw, _)| raw.into()).collect();
        if !fresh.is_empty()
            && let Err(why) = self.gossip.publish_transactions(fresh)
        {
            // They wait here all the same, and this node proposes them when its turn comes.
            tracing::warn!(%why, "transactions not published");
        }
        Ok(answers.into_iter().map(|answer| answer.map(|transaction| transaction.hash())).collect())
    }

    /// Takes a peer's transactions in. Where one is no transaction, none is taken.
    ///
    /// # Errors
    /// [`LedgerFatal`]: this node must stop. What is the peer's fault is in the answer.
    pub fn receive(&self, raw: &[impl AsRef<[u8]>]) -> Result<Reception, LedgerFatal> {
        let read = self.read(raw)?;
        if read.iter().any(|read| matches!(read, Err(SubmitRejected::Transaction(_)))) {
            return Ok(Reception::Malformed);
        }
        let mut read: Vec<_> = read.into_iter().flatten().collect();
        let known = |mempool: &Mempool, transaction: &Transaction| mempool.get(&transaction.hash()).is_some();
        {
            let mempool = self.lock();
            read.retain(|transaction| !known(&mempool, transaction));
        }
        let mut reception = Reception::Stale;
        for admitted in self.admit(&read)? {
            match admitted {
                Ok(()) => reception = Reception::Fresh,
                Err(why) => tracing::debug!(%why, "a peer's transaction is not admitted"),
            }
        }
        Ok(reception)
    }

    /// Reads what users and peers hand in. Of what is costly to read its sender's nonce and balance are asked for first: who has nothing makes
    /// nobody work.
    fn read(&self, raw: &[impl AsRef<[u8]>]) -> Result<Vec<Result<Transaction, SubmitRejected>>, LedgerFatal> {
        let claims: Vec<_> = raw.iter().map(|raw| Transaction::costly(raw.as_ref())).collect();
        let mut refusals = vec![None; raw.len()];
        if claims.iter().any(Option::is_some) {
            let senders = self.ledger.senders(&self.ledger.head())?;
            for (refusal, claim) in refusals.iter_mut().zip(&claims) {
                let asked = claim.as_ref().map(|claim| Ok::<_, LedgerFatal>((claim, senders.of(&claim.from)?)));
                *refusal = asked.transpose()?.and_then(unpaid);
            }
        }
        let rest = raw.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none());
        let rest: Vec<_> = rest.map(|(raw, _)| raw.as_ref()).collect();
        let mut read = self.decode(&rest).into_iter();
        let answer = |refusal: Option<SubmitRejected>| match refusal {
            Some(why) => Some(Err(why)),
            None => read.next().map(|read| read.map_err(SubmitRejected::from)),
        };
        Ok(refusals.into_iter().filter_map(answer).collect())
    }

    /// Reads transactions, in order. What waits or was read lately is not read again: who signed is recovered once.
    ///
    /// Blocks the thread: 45 µs for each that is new, and 0.85 ms for a message from an f3, over the cores.
    pub fn decode(&self, raw: &[impl AsRef<[u8]>]) -> Vec<Result<Transaction, TransactionRejected>> {
        let hashes: Vec<_> = raw.iter().map(|raw| Transaction::hash_of(raw.as_ref())).collect();
        let mut known = self.known(&hashes);
        // Two spellings with one hash: no one knows such, and if there were, each would be read for itself.
        known.iter_mut().zip(raw).for_each(|(known, raw)| {
            known.take_if(|known| known.raw() != raw.as_ref());
        });
        let new: Vec<_> =
            raw.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(raw, _)| raw.as_ref()).collect();
        let decoded = recovery::decode_all(&new, self.ledger.facts().chain_id);
        self.metrics.recovered(decoded.len());
        {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            decoded.iter().flatten().for_each(|transaction| recent.remember(transaction.clone()));
        }
        let mut decoded = decoded.into_iter();
        let next = |known: Option<Transaction>| known.map(Ok).or_else(|| decoded.next());
        known.into_iter().filter_map(next).collect()
    }

    /// Those of `hashes` that wait or were read lately.
    fn known(&self, hashes: &[Hash32]) -> Vec<Option<Transaction>> {
        let mut known: Vec<_> = {
            let mempool = self.lock();
            hashes.iter().map(|hash| mempool.get(hash).cloned()).collect()
        };
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for (known, hash) in known.iter_mut().zip(hashes) {
            if known.is_none() {
                *known = recent.get(hash).cloned();
            }
        }
        known
    }

    /// Admits each that may wait. Their senders' states are read with the pool free, and it is held only for a few at once.
    fn admit(&self, transactions: &[Transaction]) -> Result<Vec<Result<(), SubmitRejected>>, LedgerFatal> {
        let head = self.ledger.head();
        let senders = self.ledger.senders(&head)?;
        let mut admitted = Vec::with_capacity(transactions.len());
        for transactions in transactions.chunks(AT_ONCE) {
            let state = |transaction: &Transaction| senders.of(&transaction.sender());
            let states = transactions.iter().map(state).collect::<Result<Vec<_>, _>>()?;
            let checked: Vec<_> = transactions.iter().map(check_gas).collect();
            let (now_ms, mut mempool) = (now_ms(), self.lock());
            for ((transaction, state), checked) in transactions.iter().zip(states).zip(checked) {
                let admit = |()| mempool.admit(transaction.clone(), state, head.height, now_ms).map_err(explain);
                admitted.push(checked.and_then(admit));
            }
        }
        self.tell(transactions.iter().zip(&admitted).filter(|(_, admitted)| admitted.is_ok()).map(|(new, _)| new));
        if admitted.iter().any(Result::is_ok) {
            self.wake.wake();
        }
        Ok(admitted)
    }

    /// Tells who listens of Ethereum transactions that wait since now.
    fn tell<'a>(&self, new: impl Iterator<Item = &'a Transaction>) {
        for transaction in new.filter(|transaction| matches!(transaction, Transaction::Ethereum(_))) {
            // That nobody listens is usual.
            let _ = self.arrivals.send(transaction.hash());
        }
    }

    /// Tells the hash of every Ethereum transaction that begins to wait.
    #[must_use]
    pub fn arrivals(&self) -> broadcast::Receiver<Hash32> {
        self.arrivals.subscribe()
    }

    /// Drops what the block of `head` with `transactions` used up or made void, and what waited too long.
    ///
    /// Cost: one look-up for each of the block's senders that still waits, and some more in turn. The pool is not held meanwhile.
    ///
    /// # Errors
    /// [`LedgerFatal`]; nothing is dropped.
    pub fn after_block(&self, head: &Head, transactions: &[Transaction]) -> Result<(), LedgerFatal> {
        let due = self.lock().due(transactions.iter().map(Transaction::sender));
        self.learn(head, &due)?;
        self.lock().expire(now_ms());
        Ok(())
    }

    /// What a proposer takes on top of `head` to fill a block to `fill`. None of it is void, as far as `head` says.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn select(&self, head: &Head, most: Fill, fill: Fill) -> Result<Vec<Transaction>, LedgerFatal> {
        let space = BlockSpace { most, fill, base_fee: head.record.next_base_fee.into() };
        let (Selection { mut transactions, unsure }, is_sure) = self.select_sure(head, space, usize::MAX)?;
        if !is_sure {
            let unsure: HashSet<_> = unsure.into_iter().collect();
            transactions.retain(|transaction| !unsure.contains(&transaction.sender()));
        }
        Ok(transactions)
    }

    /// Whether a block on top of `head` would hold anything.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn is_wanted(&self, head: &Head) -> Result<bool, LedgerFatal> {
        let whole = Fill { gas: self.ledger.facts().parameters.block_gas_limit, bytes: usize::MAX };
        let space = BlockSpace { most: whole, fill: whole, base_fee: head.record.next_base_fee.into() };
        let (selection, _) = self.select_sure(head, space, 1)?;
        Ok(!selection.transactions.is_empty())
    }

    /// Wakes consensus if a block on top of `head`, which is new, would hold anything, and says whether it would: see [`Self::is_wanted`].
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn wake_if_wanted(&self, head: &Head) -> Result<bool, LedgerFatal> {
        let is_wanted = self.is_wanted(head)?;
        if is_wanted {
            self.wake.wake();
        }
        Ok(is_wanted)
    }

    /// Selects, tells the pool of those it is unsure of, and selects again, until it is sure of all: each time what was void is gone.
    /// Whether it is, is the second answer.
    fn select_sure(&self, head: &Head, space: BlockSpace, most: usize) -> Result<(Selection, bool), LedgerFatal> {
        let mut selection = self.lock().select(space, head.height, most);
        for _ in 1..SELECTIONS_MAX {
            if selection.unsure.is_empty() {
                break;
            }
            self.learn(head, &selection.unsure)?;
            selection = self.lock().select(space, head.height, most);
        }
        let is_sure = selection.unsure.is_empty();
        Ok((selection, is_sure))
    }

    /// Tells the pool of these senders, after `head`'s block. It is held only while it is told of a few at once.
    fn learn(&self, head: &Head, senders: &[Address]) -> Result<(), LedgerFatal> {
        let states = self.ledger.senders(head)?;
        for senders in senders.chunks(AT_ONCE) {
            let read = |sender: &Address| Ok((*sender, states.of(sender)?));
            let learnt = senders.iter().map(read).collect::<Result<Vec<_>, LedgerFatal>>()?;
            let mut mempool = self.lock();
            learnt.iter().for_each(|(sender, state)| mempool.learn(sender, *state, head.height));
        }
        Ok(())
    }

    /// A transaction that waits.
    #[must_use]
    pub fn get(&self, hash: &Hash32) -> Option<Transaction> {
        self.lock().get(hash).cloned()
    }

    /// How long each of `transactions` that waits here had waited by so long `ago`; one that came later, not at all. Cost: two look-ups each.
    #[must_use]
    pub fn waits(&self, transactions: &[Transaction], ago: Duration) -> Vec<Duration> {
        let then_ms = now_ms().saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
        let mempool = self.lock();
        let arrived = transactions.iter().filter_map(|transaction| mempool.arrived_ms(&transaction.hash()));
        arrived.map(|arrived_ms| Duration::from_millis(then_ms.saturating_sub(arrived_ms))).collect()
    }

    /// The nonce after the sender's that wait without a gap from `next`.
    #[must_use]
    pub fn pending_nonce(&self, sender: &Address, next: u64) -> u64 {
        self.lock().pending_nonce(sender, next)
    }

    /// How many wait, and their bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let mempool = self.lock();
        (mempool.len(), mempool.bytes())
    }

    /// How many wait that can run next, and for one before them.
    #[must_use]
    pub fn counts(&self) -> PoolSize {
        let (pending, all) = {
            let mempool = self.lock();
            (mempool.pending(), mempool.len())
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        PoolSize { pending: count(pending), queued: count(all - pending) }
    }

    /// The Ethereum transactions that wait, of `sender` or of everyone, until one would not fit.
    #[must_use]
    pub fn pooled(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Pooled> {
        self.shown(sender, bounds, |transaction, is_pending| match transaction {
            Transaction::Ethereum(one) => Some(Pooled { transaction: Arc::clone(one), is_pending }),
            Transaction::Fvm(_) => None,
        })
    }

    /// The FVM messages that wait, of `sender` or of everyone, until one would not fit.
    #[must_use]
    pub fn pooled_messages(&self, sender: Option<&Address>, bounds: PoolBounds) -> Vec<Arc<FvmTransaction>> {
        self.shown(sender, bounds, |transaction, _| match transaction {
            Transaction::Fvm(one) => Some(Arc::clone(one)),
            Transaction::Ethereum(_) => None,
        })
    }

    /// What `pick` takes of those that wait, until one would not fit: of everyone the oldest, one sender's after the other's. Cost: a look at
    /// each, with the pool free for others in between.
    fn shown<T>(
        &self,
        sender: Option<&Address>,
        bounds: PoolBounds,
        pick: impl Fn(&Transaction, bool) -> Option<T>,
    ) -> Vec<T> {
        let (mut bytes, mut shown) = (0_usize, Vec::new());
        let see = |seen: &Seen| {
            let Some(one) = pick(&seen.transaction, seen.is_pending) else { return ControlFlow::Continue(()) };
            bytes = bytes.saturating_add(seen.transaction.raw().len());
            if bytes > bounds.bytes || shown.len() >= bounds.transactions {
                return ControlFlow::Break(());
            }
            shown.push((seen.transaction.sender(), seen.transaction.nonce(), one));
            ControlFlow::Continue(())
        };
        match sender {
            Some(sender) => walk::of(&self.mempool, sender, see),
            None => walk::everyone(&self.mempool, see),
        }
        by_sender(shown)
    }

    /// What waits, the oldest first, at most `bytes_max` of it, for a peer that just came.
    #[must_use]
    pub fn waiting(&self, bytes_max: usize) -> Vec<Vec<u8>> {
        let (mut left, mut waiting) = (bytes_max, Vec::new());
        walk::everyone(&self.mempool, |seen| {
            left = left.saturating_sub(seen.transaction.raw().len());
            if left == 0 {
                return ControlFlow::Break(());
            }
            waiting.push(seen.transaction.raw().to_vec());
            ControlFlow::Continue(())
        });
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, Mempool> {
        walk::hold(&self.mempool)
    }
}

/// One sender's after the other's, in the order of their first, each sender's in nonce order.
fn by_sender<T>(mut shown: Vec<(Address, u64, T)>) -> Vec<T> {
    let mut order = HashMap::new();
    for (sender, ..) in &shown {
        let next = order.len();
        order.entry(*sender).or_insert(next);
    }
    shown.sort_by_key(|(sender, nonce, _)| (order.get(sender).copied(), *nonce));
    shown.into_iter().map(|(.., one)| one).collect()
}

/// A gas limit with which the executor would only skip the transaction is refused here.
fn check_gas(transaction: &Transaction) -> Result<(), SubmitRejected> {
    let (gas, (needed, cap)) = (transaction.gas_limit(), gas_limits(transaction).into_inner());
    if gas < needed {
        return Err(SubmitRejected::IntrinsicGasTooLow { gas, needed });
    }
    if gas > cap {
        return Err(SubmitRejected::GasAboveCap { gas, cap });
    }
    Ok(())
}

/// Why a message need not even be read, if its sender is who it says.
fn unpaid((claim, sender): (&Claim, SenderState)) -> Option<SubmitRejected> {
    let (balance, cost) = (sender.balance, claim.cost_max.unwrap_or(u128::MAX));
    if claim.sequence < sender.nonce {
        return Some(SubmitRejected::NonceTooLow { next: sender.nonce, got: claim.sequence });
    }
    (cost > balance).then_some(SubmitRejected::InsufficientFunds { balance, queued: 0, cost })
}

fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// The mempool's refusals in the RPC's words.
fn explain(refusal: MempoolRejected) -> SubmitRejected {
    match refusal {
        MempoolRejected::Known(hash) => SubmitRejected::Known(hash),
        MempoolRejected::TooLarge { bytes, most } => TransactionRejected::TooLarge { bytes, most }.into(),
        MempoolRejected::GasAboveBlock { gas, block } => SubmitRejected::GasAboveBlock { gas, block },
        MempoolRejected::Underpriced { offered, needed } => SubmitRejected::Underpriced { offered, needed },
        MempoolRejected::NonceTooLow { next, got } => SubmitRejected::NonceTooLow { next, got },
        MempoolRejected::NonceTooHigh { next, got, max } => SubmitRejected::NonceTooHigh { next, got, max },
        MempoolRejected::InsufficientFunds { balance, queued, cost } => {
            SubmitRejected::InsufficientFunds { balance, queued, cost }
        }
        MempoolRejected::ReplacementUnderpriced { needed_cap, needed_tip } => {
            SubmitRejected::ReplacementUnderpriced { needed_cap, needed_tip }
        }
        MempoolRejected::PoolFull { transactions, .. } => SubmitRejected::PoolFull { transactions },
        MempoolRejected::TooManyGapped { missing, got, max } => SubmitRejected::TooManyGapped { missing, got, max },
        MempoolRejected::GappedFull { transactions, .. } => SubmitRejected::GappedFull { transactions },
        MempoolRejected::FutureReplacesPending => SubmitRejected::FutureReplacesPending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_any_order_is_shown_one_senders_after_the_others_each_in_nonce_order() {
        let [first, second, third] = [300, 100, 200].map(Address::new_id);
        let shown = [(first, 7), (second, 1), (first, 5), (third, 0), (second, 0), (first, 6)];
        let shown = shown.iter().map(|(sender, nonce)| (*sender, *nonce, (*sender, *nonce))).collect();
        let expected = [(first, 5), (first, 6), (first, 7), (second, 0), (second, 1), (third, 0)];
        assert_eq!(by_sender(shown), expected);
    }
}
