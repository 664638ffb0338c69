//! The peer for Ethereum transactions: revm as it comes, over maps in memory. It keeps no receipts, no root and no history, so it is
//! what a simple executor cannot be faster than.

use alloy_consensus::Transaction as _;
use anyhow::{Context as _, Result, ensure};
use revm::context::{BlockEnv, CfgEnv, Context, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, TxKind, U256};
use revm::state::AccountInfo;
use revm::{ExecuteCommitEvm, MainBuilder, MainContext, MainnetEvm};
use tributary_message::{EthereumTransaction, Transaction};

use crate::clock::{Time, timed};
use crate::ours::{BASE_FEE, PROPOSER, TIMESTAMP_S};
use crate::world::{BALANCE, CHAIN_ID, World};

type Database = CacheDB<EmptyDB>;

/// revm and its database.
pub struct Bare {
    evm: MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, Database>>,
}

impl Bare {
    /// On a world's first state, its set-up run.
    ///
    /// # Errors
    /// When a transaction of the set-up fails.
    pub fn new(world: &World) -> Result<Self> {
        let mut database = Database::default();
        for address in world.eth_addresses() {
            let account = AccountInfo { balance: U256::from(BALANCE), ..AccountInfo::default() };
            database.insert_account_info(Address::new(address.0), account);
        }
        let mut bare = Self::over(database);
        bare.block(world.set_up())?;
        let token = Address::new(world.token().0);
        for (slot, value) in world.token_slots() {
            bare.evm.ctx.journaled_state.database.insert_account_storage(token, slot, value)?;
        }
        Ok(bare)
    }

    /// Another one that is where this one is.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::over(self.evm.ctx.journaled_state.database.clone())
    }

    fn over(database: Database) -> Self {
        let context = Context::mainnet().with_db(database).with_block(BlockEnv {
            number: U256::from(1),
            timestamp: U256::from(TIMESTAMP_S),
            beneficiary: Address::new(PROPOSER.0),
            basefee: BASE_FEE,
            gas_limit: u64::MAX,
            ..BlockEnv::default()
        });
        let context = context.modify_cfg_chained(|cfg| {
            cfg.chain_id = CHAIN_ID;
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
        });
        Self { evm: context.build_mainnet() }
    }

    /// Runs a block; gas a transaction, and the time of all.
    ///
    /// # Errors
    /// When a transaction is not Ethereum's, or does not do well.
    pub fn block(&mut self, transactions: &[Transaction]) -> Result<(Vec<u64>, Time)> {
        let (gas, nanos): (Result<Vec<_>>, _) =
            timed(|| transactions.iter().map(|transaction| self.run(transaction)).collect());
        Ok((gas?, nanos))
    }

    fn run(&mut self, transaction: &Transaction) -> Result<u64> {
        let Transaction::Ethereum(transaction) = transaction else { anyhow::bail!("revm runs no FVM messages") };
        let result = self.evm.transact_commit(transaction_env(transaction)).context("revm")?;
        ensure!(result.is_success(), "a transaction failed: {result:?}");
        Ok(result.tx_gas_used())
    }
}

fn transaction_env(transaction: &EthereumTransaction) -> TxEnv {
    let envelope = transaction.envelope();
    TxEnv {
        tx_type: 2,
        caller: Address::new(transaction.sender().0),
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        gas_priority_fee: Some(0),
        kind: transaction.to().map_or(TxKind::Create, |to| TxKind::Call(Address::new(to.0))),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: transaction.nonce(),
        chain_id: Some(CHAIN_ID),
        ..TxEnv::default()
    }
}
