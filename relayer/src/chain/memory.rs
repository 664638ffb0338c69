//! A parent and its children in memory, and a clock that moves only when somebody waits.
//!
//! The parent decodes real transactions, keeps one waiting transaction for each nonce, replaces it only for an eighth more, and
//! judges certificates with the production law. Faults are switched on by the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_checkpoint::{Accepted, CheckpointCertificate, Registration, Standing, judge};
use tributary_crypto::bls::fast_aggregate_verify;
use tributary_message::FvmTransaction;
use tributary_primitives::{Hash32, Height, SubnetId};

use super::{Account, Answer, ChainStatus, ChainUnavailable, ChildChain, Delivery, Forecast, ParentChain, Receipt};
use crate::clock::Clock;
use crate::fees::Fees;
use crate::fixture::Family;
use crate::view::Moment;

pub const CHAIN_ID: u64 = 31_415;
/// FVM gas of every submission.
pub const GAS: u64 = 20_000_000;

/// Everything there is.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

pub struct State {
    pub now: Moment,
    pub height: Height,
    pub base_fee: u128,
    pub pool: BTreeMap<(Vec<u8>, u64), FvmTransaction>,
    pub accounts: BTreeMap<Vec<u8>, Account>,
    pub children: BTreeMap<ActorID, Child>,
    pub receipts: BTreeMap<Hash32, Receipt>,
    /// Answers of the parent that will not come.
    pub parent_outages: u32,
    /// Transactions that will get lost after they were taken.
    pub losses: u32,
    /// Answers to `send` that will get lost after the transaction was taken.
    pub lost_answers: u32,
    /// Whether the parent makes blocks when time passes.
    pub makes_blocks: bool,
    /// Every call that was answered.
    pub calls: u64,
}

pub struct Child {
    pub family: Family,
    pub certificates: Vec<CheckpointCertificate>,
    pub accepted: Vec<CheckpointCertificate>,
    pub outages: u32,
}

impl Child {
    pub fn registration(&self) -> Registration {
        self.family.registration()
    }

    /// Cuts and certifies the next checkpoint.
    pub fn certify_next(&mut self) {
        let number = u64::try_from(self.certificates.len()).unwrap() + 1;
        self.certificates.push(self.family.certificate(number));
    }

    pub fn accepted_height(&self) -> Height {
        self.accepted.last().map_or(Height::GENESIS, |certificate| certificate.checkpoint.height)
    }

    pub fn is_carried(&self) -> bool {
        self.accepted.last() == self.certificates.last()
    }

    fn judge(&self, certificate: &CheckpointCertificate) -> ExitCode {
        let registration = self.registration();
        let latest = self.accepted.last().map(|latest| Accepted::from(&latest.checkpoint));
        let standing = Standing { registration: &registration, latest: latest.as_ref(), same_height: None };
        judge(standing, certificate, fast_aggregate_verify).map_or_else(|why| why.exit_code(), |_| ExitCode::OK)
    }
}

impl World {
    /// A parent with these children's actors, and nothing certified yet.
    pub fn with_children(actors: &[ActorID]) -> Self {
        let child = |actor: &ActorID| {
            let family = Family::of(*actor);
            (*actor, Child { family, certificates: Vec::new(), accepted: Vec::new(), outages: 0 })
        };
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            height: Height(1),
            base_fee: 100,
            pool: BTreeMap::new(),
            accounts: BTreeMap::new(),
            children: actors.iter().map(child).collect(),
            receipts: BTreeMap::new(),
            parent_outages: 0,
            losses: 0,
            lost_answers: 0,
            makes_blocks: true,
            calls: 0,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn fund(&self, address: &Address) {
        let account = Account { nonce: 0, balance: TokenAmount::from_whole(1_000) };
        self.lock().accounts.insert(address.to_bytes(), account);
    }

    pub fn child(&self, actor: ActorID) -> ChildNode {
        ChildNode { world: self.clone(), actor }
    }

    pub fn accepted_height(&self, actor: ActorID) -> u64 {
        self.lock().children[&actor].accepted_height().0
    }

    fn ask(&self) -> Answer<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if state.parent_outages > 0 {
            state.parent_outages -= 1;
            return Err(silence("parent"));
        }
        state.calls += 1;
        Ok(state)
    }
}

fn silence(who: &str) -> ChainUnavailable {
    ChainUnavailable::NoAnswer { url: who.to_owned(), method: "any", why: "switched off".to_owned() }
}

impl State {
    /// The parent's next block: every waiting transaction whose turn it is and that pays the base fee.
    pub fn make_block(&mut self) {
        self.height = self.height.next();
        let mut waiting = std::mem::take(&mut self.pool);
        while let Some(key) = waiting.keys().find(|key| self.is_next(key, &waiting)).cloned() {
            let transaction = waiting.remove(&key).unwrap();
            let exit_code = self.execute(transaction.message());
            let account = self.accounts.get_mut(&key.0).unwrap();
            account.nonce += 1;
            account.balance -= TokenAmount::from_atto(self.base_fee) * GAS;
            self.receipts.insert(transaction.hash(), Receipt { exit_code, gas_used: GAS, returned: Vec::new() });
        }
        waiting.retain(|(sender, nonce), _| *nonce >= self.accounts[sender].nonce);
        self.pool = waiting;
    }

    fn is_next(&self, key: &(Vec<u8>, u64), waiting: &BTreeMap<(Vec<u8>, u64), FvmTransaction>) -> bool {
        self.accounts[&key.0].nonce == key.1 && waiting[key].fee_cap() >= self.base_fee
    }

    fn execute(&mut self, message: &Message) -> ExitCode {
        let child = self.children.get_mut(&message.to.id().unwrap()).unwrap();
        let certificate: CheckpointCertificate = message.params.deserialize().unwrap();
        let exit_code = child.judge(&certificate);
        if exit_code.is_success() {
            child.accepted.push(certificate);
        }
        exit_code
    }

    fn take(&mut self, transaction: FvmTransaction) -> Delivery {
        let message = transaction.message();
        let key = (message.from.to_bytes(), message.sequence);
        let next = self.accounts.get(&key.0).map_or(0, |account| account.nonce);
        if message.sequence < next {
            return Delivery::Refused(format!("nonce too low: next nonce {next}"));
        }
        let fees = |transaction: &FvmTransaction| Fees { cap: transaction.fee_cap(), premium: transaction.premium() };
        if let Some(waiting) = self.pool.get(&key) {
            if *waiting == transaction {
                return Delivery::Taken;
            }
            if !fees(waiting).is_replaced_by(fees(&transaction)) {
                return Delivery::Refused("replacement transaction underpriced".to_owned());
            }
        }
        if self.losses > 0 {
            self.losses -= 1;
            self.pool.remove(&key);
        } else {
            self.pool.insert(key, transaction);
        }
        Delivery::Taken
    }
}

impl ParentChain for World {
    async fn status(&self) -> Answer<ChainStatus> {
        let state = self.ask()?;
        let (height, base_fee) = (state.height, state.base_fee);
        Ok(ChainStatus { subnet: SubnetId::root(CHAIN_ID), chain_id: CHAIN_ID, height, base_fee })
    }

    async fn account(&self, address: &Address) -> Answer<Account> {
        Ok(self.ask()?.accounts.get(&address.to_bytes()).cloned().unwrap_or_default())
    }

    async fn registration(&self, actor: ActorID) -> Answer<Option<Registration>> {
        Ok(self.ask()?.children.get(&actor).map(Child::registration))
    }

    async fn latest(&self, actor: ActorID) -> Answer<Option<CheckpointCertificate>> {
        Ok(self.ask()?.children[&actor].accepted.last().cloned())
    }

    async fn forecast(&self, message: &Message) -> Answer<Forecast> {
        let state = self.ask()?;
        let child = &state.children[&message.to.id().unwrap()];
        let exit_code = child.judge(&message.params.deserialize().unwrap());
        Ok(Forecast { exit_code, gas_used: GAS, returned: Vec::new() })
    }

    async fn send(&self, raw: &[u8]) -> Answer<Delivery> {
        let mut state = self.ask()?;
        let delivery = state.take(FvmTransaction::decode(raw, CHAIN_ID).unwrap());
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(silence("parent"));
        }
        Ok(delivery)
    }

    async fn receipt(&self, hash: Hash32) -> Answer<Option<Receipt>> {
        Ok(self.ask()?.receipts.get(&hash).cloned())
    }
}

/// A node of one child.
pub struct ChildNode {
    world: World,
    actor: ActorID,
}

impl ChildNode {
    fn ask<T>(&self, read: impl FnOnce(&Child) -> T) -> Answer<T> {
        let mut state = self.world.lock();
        state.calls += 1;
        let child = state.children.get_mut(&self.actor).unwrap();
        if child.outages > 0 {
            child.outages -= 1;
            return Err(silence("child"));
        }
        Ok(read(child))
    }
}

impl ChildChain for ChildNode {
    async fn status(&self) -> Answer<ChainStatus> {
        self.ask(|child| ChainStatus {
            subnet: child.family.subnet.clone(),
            chain_id: 1,
            height: child.certificates.last().map_or(Height::GENESIS, |last| last.checkpoint.height.next()),
            base_fee: 0,
        })
    }

    async fn latest_certificate(&self) -> Answer<Option<CheckpointCertificate>> {
        self.ask(|child| child.certificates.last().cloned())
    }

    async fn certificates(&self, from: Height, limit: usize) -> Answer<Vec<CheckpointCertificate>> {
        self.ask(|child| {
            let above = child.certificates.iter().filter(|certificate| certificate.checkpoint.height >= from);
            above.take(limit).cloned().collect()
        })
    }

    async fn block_seconds(&self, height: Height) -> Answer<Option<u64>> {
        self.ask(|_| Some(height.0))
    }
}

impl Clock for World {
    fn now(&self) -> Moment {
        self.lock().now
    }

    fn unix_seconds(&self) -> u64 {
        1_000 + self.lock().now.as_secs()
    }

    /// Time passes, and with it the parent's next block. Others get their turn meanwhile.
    async fn sleep(&self, wait: Duration) {
        {
            let mut state = self.lock();
            state.now += wait;
            if state.makes_blocks {
                state.make_block();
            }
        }
        tokio::task::yield_now().await;
    }
}
