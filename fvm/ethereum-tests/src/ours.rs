//! Our executor as a test sees it: a state put in, a block with one transaction, a state read back.
//!
//! ```text
//! pre ─▶ Changes ─▶ BlockState ─▶ root ─┐
//! transaction ─▶ bytes ─▶ decode ─▶ Executor::execute_block ─▶ root ─▶ every Ethereum account ─▶ Outcome
//! ```
//!
//! Nothing is run but what a node runs. A test takes for granted that the hash of a block before its own is keccak-256 of its
//! number in decimal; such hashes are written where our state keeps them (EIP-2935).

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256, keccak256};
use cid::Cid;
use fvm_shared::bigint::Sign;
use fvm_shared::econ::TokenAmount;
use revm::bytecode::Bytecode;
use tributary_fvm::journal::changes::{ActorChange, Changes, ContractChange};
use tributary_fvm::state::history::HISTORY_ADDRESS;
use tributary_fvm::state::{Actor, BlockState, MemoryStore, StateView};
use tributary_fvm::{
    BlockEnv, CodeInstaller, Event, ExecutionParams, Executor, ExecutorFatal, GenesisState, ReadState as _, StateFatal,
    StateTree, build_genesis_state,
};
use tributary_message::Transaction;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::alloc::{Account, Alloc, Outcome};
use crate::fixture::Env;
use crate::transaction::{Sent, Unsigned};

/// Hashes of past blocks that the EVM may ask for: `BLOCKHASH` reaches no farther.
const HASHES: u64 = 256;

/// Our executor cannot run a test: our own rule or this machine is broken.
#[derive(Debug, thiserror::Error)]
pub enum OursFatal {
    /// Genesis does not take an empty chain.
    #[error("no first state: {0}")]
    Genesis(#[from] tributary_fvm::GenesisRejected),
    /// The state does not take or give an account.
    #[error(transparent)]
    State(#[from] StateFatal),
    /// The block is not executed.
    #[error(transparent)]
    Executor(#[from] ExecutorFatal),
    /// An account of the test's has an address that stands for an actor here.
    #[error("account {0} of the test stands for an actor here; no such account can be")]
    ActorAddress(EthAddress),
    /// An amount in our state is no number of 256 bits.
    #[error("{0} holds an amount past 2^256 or below zero")]
    Amount(EthAddress),
}

/// An executor for any test.
///
/// # Errors
/// [`ExecutorFatal`] when the WASM engine cannot run on this machine.
pub fn executor() -> Result<Executor, ExecutorFatal> {
    // FVM messages alone go by the first two numbers, and no test sends one; its chain lists nobody for cron.
    let params = ExecutionParams {
        fvm_gas_per_gas: 500,
        genesis_supply: TokenAmount::default(),
        code_installer: CodeInstaller::Nobody,
        cron_entry_gas: 0,
    };
    Executor::new(params, None)
}

/// A test's state, in ours.
pub struct World<'a> {
    executor: &'a Executor,
    env: &'a Env,
    pre: &'a Alloc,
    store: Arc<MemoryStore>,
    root: Cid,
}

impl<'a> World<'a> {
    /// The state `pre` before the block `env`.
    ///
    /// # Errors
    /// [`OursFatal`] when our state does not take it.
    pub fn new(executor: &'a Executor, env: &'a Env, pre: &'a Alloc) -> Result<Self, OursFatal> {
        let masked =
            pre.0.keys().map(|address| EthAddress(address.0.0)).find(|address| address.as_actor_id().is_some());
        if let Some(address) = masked {
            return Err(OursFatal::ActorAddress(address));
        }
        let store = Arc::new(MemoryStore::default());
        let genesis = build_genesis_state(&*store, &GenesisState::default())?;
        let mut state = BlockState::load(Arc::clone(&store), &genesis)?;
        let changes = changes(&mut state, env, pre)?;
        state.apply(changes)?;
        let root = state.flush()?;
        Ok(Self { executor, env, pre, store, root })
    }

    /// What becomes of the transaction.
    ///
    /// # Errors
    /// [`OursFatal`] when the executor cannot go on, whatever the transaction.
    pub fn run(&self, sent: &Sent) -> Result<Outcome, OursFatal> {
        match Transaction::decode(&self.bytes(sent), self.env.chain_id) {
            Ok(transaction) => self.execute(transaction),
            Err(refusal) => Ok(Outcome::new(self.read(&self.root)?, &[], Some(refusal.to_string()))),
        }
    }

    /// What a node receives. A blob transaction that is not published is its type's byte: no more of it is ever looked at.
    fn bytes(&self, sent: &Sent) -> Vec<u8> {
        match sent {
            Sent::Signed(unsigned) => Unsigned::sign(unsigned, self.env.chain_id).unwrap_or_default(),
            Sent::Blob(raw) if raw.is_empty() => vec![0x03],
            Sent::Blob(raw) | Sent::Unwritable(raw) => raw.to_vec(),
        }
    }

    fn execute(&self, transaction: Transaction) -> Result<Outcome, OursFatal> {
        let block = block(self.env);
        let outcome = self.executor.execute_block(&self.store, &self.root, &block, &[transaction])?;
        let receipt = outcome.receipts.first();
        let logs: Vec<_> = receipt.iter().flat_map(|receipt| &receipt.events).map(log_of).collect();
        let refusal =
            receipt.filter(|receipt| receipt.skipped).map(|receipt| format!("skipped, {}", receipt.exit_code));
        Ok(Outcome::new(self.read(&outcome.state_root)?, &logs, refusal))
    }

    /// The Ethereum accounts of the state under `root`. What every state of ours has beside them is left out: actors without an
    /// Ethereum address of their own, and the contract of past hashes unless the test has it too.
    fn read(&self, root: &Cid) -> Result<Alloc, OursFatal> {
        let tree = StateTree::load(Arc::clone(&self.store), root)?;
        let mut found = Vec::new();
        tree.for_each_actor(|_, actor| {
            let address = actor.delegated_address.as_ref().and_then(EthAddress::from_address);
            found.extend(address.map(|address| (address, actor.balance.clone())));
        })?;
        let mut alloc = Alloc::default();
        for (address, balance) in found {
            let evm_address = Address::new(address.0);
            let account = account(&tree, address, &balance)?;
            let is_ours = address == HISTORY_ADDRESS && !self.pre.0.contains_key(&evm_address);
            // An empty account that a test starts with is there until a transaction touches it; ours is then a placeholder.
            if !is_ours && !account.is_empty() {
                alloc.0.insert(evm_address, account);
            }
        }
        Ok(alloc)
    }
}

fn account(
    tree: &StateTree<Arc<MemoryStore>>,
    address: EthAddress,
    balance: &TokenAmount,
) -> Result<Account, OursFatal> {
    let name = address.to_address();
    let mut storage = BTreeMap::new();
    tree.for_each_slot(&name, |slot, value| {
        storage.insert(U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0));
    })?;
    let balance = to_u256(balance).ok_or(OursFatal::Amount(address))?;
    Ok(Account { balance, nonce: tree.nonce(&name)?, code: tree.code(&name)?.into(), storage })
}

fn block(env: &Env) -> BlockEnv {
    let previous = env.number.saturating_sub(1);
    BlockEnv {
        height: Height(env.number),
        timestamp_s: env.timestamp_s,
        proposer: EthAddress(env.coinbase.0.0),
        base_fee: env.base_fee,
        gas_limit: env.gas_limit,
        chain_id: env.chain_id,
        previous_hash: Hash32(hash_of(previous).0),
        prev_randao: Hash32(env.random.0),
    }
}

/// The hash that tests give a block.
fn hash_of(number: u64) -> B256 {
    keccak256(number.to_string())
}

/// All that the test's state has, as if a transaction had made it.
fn changes(state: &mut BlockState<Arc<MemoryStore>>, env: &Env, pre: &Alloc) -> Result<Changes, StateFatal> {
    let (mut changes, mut next_id) = (Changes::default(), state.next_id());
    if let Some(id) = state.resolve(&HISTORY_ADDRESS.to_address())? {
        let numbers = env.number.saturating_sub(HASHES)..env.number;
        let slots = numbers.map(|number| (U256::from(number % HISTORY_WINDOW), hash_of(number).into())).collect();
        let contract = ContractChange { is_new: false, nonce: 1, code: None, slots };
        changes.actors.push(ActorChange { id, actor: state.actor(id)?, contract: Some(contract) });
    }
    for (address, account) in &pre.0 {
        let name = EthAddress(address.0.0).to_address();
        let id = match state.resolve(&name)? {
            Some(id) => id,
            None => {
                let id = next_id;
                changes.names.push((name, id));
                next_id += 1;
                id
            }
        };
        let (actor, contract) = actor_of(account, name);
        changes.actors.push(ActorChange { id, actor: Some(actor), contract });
    }
    Ok(Changes { next_id: Some(next_id), ..changes })
}

/// Slots of the contract of past hashes.
///
/// Source: EIP-2935, `HISTORY_SERVE_WINDOW`.
const HISTORY_WINDOW: u64 = 8191;

/// The actor that our state has for an Ethereum account: a contract if it has code, an Ethereum account if it sent, delegates
/// or has storage, a placeholder otherwise.
fn actor_of(account: &Account, name: fvm_shared::address::Address) -> (Actor, Option<ContractChange>) {
    let is_contract = !account.code.is_empty() && !is_delegation(&account.code);
    let has_head = !account.code.is_empty() || !account.storage.is_empty();
    let builtin = match () {
        () if is_contract => BuiltinActor::Evm,
        () if has_head || account.nonce > 0 => BuiltinActor::EthAccount,
        () => BuiltinActor::Placeholder,
    };
    let (head_nonce, nonce) = if is_contract { (account.nonce, 0) } else { (0, account.nonce) };
    let code = Bytecode::new_raw_checked(account.code.clone());
    let code = code.unwrap_or_else(|_| Bytecode::new_legacy(account.code.clone()));
    let contract = has_head.then(|| ContractChange {
        is_new: true,
        nonce: head_nonce,
        code: (!account.code.is_empty()).then(|| (keccak256(&account.code), code)),
        slots: account.storage.clone().into_iter().collect(),
    });
    let actor = Actor { nonce, balance: account.balance, ..Actor::new(builtin, Some(name)) };
    (actor, contract)
}

/// Source: EIP-7702, "Delegation indicator".
fn is_delegation(code: &Bytes) -> bool {
    code.len() == 23 && code.starts_with(&[0xef, 0x01, 0x00])
}

/// A contract's event as the log that it was.
///
/// Source: FIP-0054, "Logs".
fn log_of(event: &Event) -> Log {
    let entries = event.said.entries();
    let topics = entries.iter().filter(|entry| entry.key != "d").map(|entry| B256::from_slice(&entry.value)).collect();
    let data = entries.iter().find(|entry| entry.key == "d").map(|entry| Bytes::from(entry.value.clone()));
    Log { address: Address::new(event.address.0), data: LogData::new_unchecked(topics, data.unwrap_or_default()) }
}

fn to_u256(amount: &TokenAmount) -> Option<U256> {
    let (sign, bytes) = amount.atto().to_bytes_be();
    (sign != Sign::Minus).then(|| U256::try_from_be_slice(&bytes)).flatten()
}
