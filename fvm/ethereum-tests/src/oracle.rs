//! Stock revm over its own database in memory: what Ethereum does with a test, said by somebody else's state.
//!
//! It shares the EVM's instructions and precompiled contracts with our executor, and nothing of what is ours: state, journal,
//! fees, receipts. So it cannot tell whether revm is right, which the published roots do; it tells what a published root
//! would be in another fork, by running the fork's rules or by undoing one rule of Osaka at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use alloy_primitives::{Address, TxKind, U256, keccak256};
use revm::bytecode::Bytecode;
use revm::context::either::Either;
use revm::context::result::EVMError;
use revm::context::{BlockEnv, CfgEnv, Context, TxEnv};
use revm::context_interface::cfg::gas_params::GasId;
use revm::database::in_memory_db::AccountState;
use revm::database::{CacheDB, EmptyDB};
use revm::handler::EthPrecompiles;
use revm::interpreter::Instruction;
use revm::precompile::{Precompiles, u64_to_address};
use revm::primitives::eip4844::{BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN, BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE};
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{DatabaseCommit, ExecuteEvm, MainBuilder, MainContext};
use tributary_crypto::SecpSecretKey;

use crate::alloc::{Account, Alloc, Outcome};
use crate::fixture::Env;
use crate::fork::{Fork, Rule};
use crate::transaction::Unsigned;

/// Where EIP-2537's precompiled contracts are.
const BLS: std::ops::RangeInclusive<u64> = 0x0b..=0x11;
/// Where EIP-7951's is.
const P256: u64 = 0x100;
/// Where modular exponentiation is.
const MODEXP: u64 = 0x05;
/// `CLZ`.
const CLZ: u8 = 0x1e;

/// Rules that a run follows.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The fork's.
    pub fork: Fork,
    /// Without these of them.
    pub undone: BTreeSet<Rule>,
    /// EIP-4844's excess of blob gas, whatever the block says: ours has no blobs and no price for them.
    pub excess_blob_gas: Option<u64>,
}

impl Rules {
    /// All of a fork's.
    #[must_use]
    pub const fn of(fork: Fork) -> Self {
        Self { fork, undone: BTreeSet::new(), excess_blob_gas: None }
    }
}

/// The EVM stopped for a reason that is no transaction's.
#[derive(Debug, thiserror::Error)]
#[error("stock revm cannot go on: {0}")]
pub struct OracleFatal(String);

/// What becomes of the transaction.
///
/// # Errors
/// [`OracleFatal`] when revm itself cannot go on.
pub fn run(env: &Env, pre: &Alloc, unsigned: &Unsigned, rules: &Rules) -> Result<Outcome, OracleFatal> {
    let mut database = database(pre);
    let mut cfg = CfgEnv::new_with_spec(spec(rules.fork));
    cfg.chain_id = env.chain_id;
    if rules.undone.contains(&Rule::CalldataFloor) {
        cfg.gas_params.override_gas([(GasId::tx_floor_cost_per_token(), 0), (GasId::tx_floor_cost_base_gas(), 0)]);
    }
    let context = Context::mainnet().with_db(&mut database).with_block(block(env, rules)).with_cfg(cfg);
    let mut evm = context.build_mainnet();
    evm.precompiles = EthPrecompiles { precompiles: precompiles(rules), spec: spec(rules.fork) };
    if rules.undone.contains(&Rule::CountLeadingZeros) {
        evm.instruction.insert_instruction(CLZ, Instruction::unknown(), 0);
    }
    match evm.transact(transaction(env, unsigned)) {
        Ok(done) => {
            let logs = done.result.logs().to_vec();
            drop(evm);
            database.commit(done.state);
            Ok(Outcome::new(alloc(&database), &logs, None))
        }
        Err(EVMError::Transaction(why)) => Ok(Outcome::new(pre.clone(), &[], Some(why.to_string()))),
        Err(other) => Err(OracleFatal(other.to_string())),
    }
}

const fn spec(fork: Fork) -> SpecId {
    match fork {
        Fork::Cancun => SpecId::CANCUN,
        Fork::Prague => SpecId::PRAGUE,
        Fork::Osaka => SpecId::OSAKA,
    }
}

fn block(env: &Env, rules: &Rules) -> BlockEnv {
    let mut block = BlockEnv {
        number: U256::from(env.number),
        beneficiary: env.coinbase,
        timestamp: U256::from(env.timestamp_s),
        gas_limit: env.gas_limit,
        basefee: env.base_fee,
        difficulty: U256::ZERO,
        prevrandao: Some(env.random),
        ..BlockEnv::default()
    };
    let fraction = match rules.fork {
        Fork::Cancun => BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN,
        Fork::Prague | Fork::Osaka => BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
    };
    block.set_blob_excess_gas_and_price(rules.excess_blob_gas.unwrap_or(env.excess_blob_gas), fraction);
    block
}

fn transaction(env: &Env, unsigned: &Unsigned) -> TxEnv {
    let caller =
        SecpSecretKey::from_bytes(&unsigned.key.0).map(|key| Address::new(key.eth_address().0)).unwrap_or_default();
    TxEnv {
        tx_type: unsigned.kind(),
        caller,
        gas_limit: unsigned.gas_limit,
        gas_price: unsigned.fees.most(),
        kind: unsigned.to.map_or(TxKind::Create, TxKind::Call),
        value: unsigned.value,
        data: unsigned.data.clone(),
        nonce: unsigned.nonce,
        chain_id: Some(env.chain_id),
        access_list: unsigned.access_list.clone().unwrap_or_default(),
        gas_priority_fee: unsigned.fees.tip(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: unsigned.authorizations.iter().flatten().cloned().map(Either::Left).collect(),
    }
}

/// The fork's precompiled contracts without those of undone rules. Made once for each set of rules: revm keeps them for ever.
fn precompiles(rules: &Rules) -> &'static Precompiles {
    static MADE: Mutex<BTreeMap<(Fork, BTreeSet<Rule>), &'static Precompiles>> = Mutex::new(BTreeMap::new());
    let key = (rules.fork, rules.undone.clone());
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    made.entry(key).or_insert_with(|| Box::leak(Box::new(without(rules))))
}

fn without(rules: &Rules) -> Precompiles {
    let all = EthPrecompiles::new(spec(rules.fork)).precompiles;
    let is_gone = |address: &Address| {
        let bls = rules.undone.contains(&Rule::BlsPrecompiles) && BLS.map(u64_to_address).any(|bls| bls == *address);
        bls || rules.undone.contains(&Rule::P256Precompile) && *address == u64_to_address(P256)
    };
    let mut kept = Precompiles::default();
    kept.extend(all.inner().values().filter(|precompile| !is_gone(precompile.address())).cloned());
    if rules.undone.contains(&Rule::ModexpPrice) {
        kept.extend(Precompiles::berlin().get(&u64_to_address(MODEXP)).cloned());
    }
    kept
}

fn database(pre: &Alloc) -> CacheDB<EmptyDB> {
    let mut database = CacheDB::new(EmptyDB::default());
    for (address, account) in &pre.0 {
        let code = Bytecode::new_raw_checked(account.code.clone());
        let code = code.unwrap_or_else(|_| Bytecode::new_legacy(account.code.clone()));
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: keccak256(&account.code),
            account_id: None,
            code: Some(code),
        };
        database.insert_account_info(*address, info);
        if let Some(cached) = database.cache.accounts.get_mut(address) {
            cached.storage.extend(account.storage.iter().map(|(slot, value)| (*slot, *value)));
        }
    }
    database
}

fn alloc(database: &CacheDB<EmptyDB>) -> Alloc {
    let mut alloc = Alloc::default();
    for (address, cached) in &database.cache.accounts {
        let code = database.cache.contracts.get(&cached.info.code_hash).map(Bytecode::original_bytes);
        let storage = cached.storage.iter().filter(|(_, value)| !value.is_zero()).map(|(slot, value)| (*slot, *value));
        let account = Account {
            balance: cached.info.balance,
            nonce: cached.info.nonce,
            code: code.unwrap_or_default(),
            storage: storage.collect(),
        };
        if cached.account_state != AccountState::NotExisting && !account.is_empty() {
            alloc.0.insert(*address, account);
        }
    }
    alloc
}
