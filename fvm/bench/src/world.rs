//! The first state, and signed blocks on top of it.

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as AlloyAddress, Bytes, TxKind, U256};
use anyhow::{Context, Result, ensure};
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use fvm_shared::{ActorID, MethodNum};
use tributary_crypto::SecpSecretKey;
use tributary_fvm::state::MemoryStore;
use tributary_fvm::{GenesisAccount, GenesisState, build_genesis_state};
use tributary_genesis_code::{COUNTER_ACTOR, counter_actor_cid};
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::EthAddress;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, made_actor};

use crate::contract::Token;
use crate::ours::Ours;
use crate::workload::Workload;

/// EIP-155's.
pub const CHAIN_ID: u64 = 7;
/// What every account has, in attoTRB.
pub const BALANCE: u128 = 10_u128.pow(27);
/// What every holder has of the token.
const HOLDING: u64 = 1 << 40;
/// Counters, called in turn.
const COUNTERS: usize = 100;
/// Transactions in a block of the set-up.
const SET_UP_BLOCK: usize = 1_000;
/// `Increment` of the counter.
const INCREMENT: MethodNum = 2_922_929_132;
/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
const TOKEN_GAS: u64 = 100_000;
const CREATE_GAS: u64 = 3_000_000;
const FVM_GAS: u64 = 100_000_000;
const FVM_FEE_CAP: u64 = 10;
const FEE_CAP: u128 = 1_000_000_000;

/// A key with its two accounts, f1 and f410, and their next nonces.
struct Account {
    key: SecpSecretKey,
    fvm_nonce: u64,
    eth_nonce: u64,
}

/// Accounts, a token that each of them holds, counters; and what was signed so far.
pub struct World {
    accounts: Vec<Account>,
    token: Token,
    token_address: EthAddress,
    counters: Vec<ActorID>,
    /// Every Ethereum transaction of the set-up, for the peer.
    set_up: Vec<Transaction>,
    turn: usize,
    random: u64,
}

impl World {
    /// A world of `accounts` keys, and our executor on its state. Cost: some 100 µs a key.
    ///
    /// # Errors
    /// When a transaction of the set-up fails.
    pub fn new(accounts: usize) -> Result<(Self, Ours)> {
        ensure!(accounts >= 2, "a transfer needs two accounts");
        let accounts = (1..=u64::try_from(accounts)?).map(account).collect::<Result<Vec<_>>>()?;
        let store = Arc::new(MemoryStore::default());
        let genesis = genesis(&accounts);
        let root = build_genesis_state(&*store, &genesis)?;
        let mut ours = Ours::new(store, &root, genesis.supply())?;
        let token = Token::compiled()?;
        let token_address = created(accounts[0].key.eth_address());
        let mut world =
            Self { accounts, token, token_address, counters: vec![], set_up: vec![], turn: 0, random: 0x5eed };
        world.make_token(&mut ours)?;
        world.make_counters(&mut ours)?;
        Ok((world, ours))
    }

    /// What a chain starts from, the set-up not run.
    #[must_use]
    pub fn genesis(&self) -> GenesisState {
        genesis(&self.accounts)
    }

    /// Where the token is once the set-up has run.
    #[must_use]
    pub const fn token(&self) -> EthAddress {
        self.token_address
    }

    /// The f410 addresses of all accounts.
    pub fn eth_addresses(&self) -> impl Iterator<Item = EthAddress> + '_ {
        self.accounts.iter().map(|account| account.key.eth_address())
    }

    /// Ethereum transactions that a peer has to run before the first block.
    #[must_use]
    pub fn set_up(&self) -> &[Transaction] {
        &self.set_up
    }

    /// The next block.
    ///
    /// # Errors
    /// When a message cannot be signed.
    pub fn block(&mut self, workload: Workload, transactions: usize) -> Result<Vec<Transaction>> {
        (0..transactions).map(|_| self.transaction(workload)).collect()
    }

    fn transaction(&mut self, workload: Workload) -> Result<Transaction> {
        let from = self.turn % self.accounts.len();
        let counter = self.turn % self.counters.len().max(1);
        self.turn += 1;
        let to = self.draw(from);
        let key = &self.accounts[to].key;
        match workload {
            Workload::FvmTransfer => {
                let to = key.f1_address();
                self.message(from, to, 0, vec![], 1)
            }
            Workload::EthTransfer => {
                let to = key.eth_address();
                Ok(self.ethereum(from, Some(to), U256::from(1), vec![], TRANSFER_GAS))
            }
            Workload::Erc20 => {
                let call = self.token.transfer(key.eth_address(), 1);
                Ok(self.ethereum(from, Some(self.token_address), U256::ZERO, call, TOKEN_GAS))
            }
            Workload::Counter => {
                let counter = *self.counters.get(counter).context("there are counters")?;
                self.message(from, Address::new_id(counter), INCREMENT, vec![], 0)
            }
        }
    }

    /// Anybody but `from`.
    ///
    /// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
    fn draw(&mut self, from: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let others = self.accounts.len() - 1;
        let drawn = usize::try_from(mixed >> 32).unwrap_or_default() % others;
        if drawn < from { drawn } else { drawn + 1 }
    }

    fn message(&mut self, from: usize, to: Address, method: u64, params: Vec<u8>, value: u64) -> Result<Transaction> {
        let Account { key, fvm_nonce, .. } = &mut self.accounts[from];
        let message = Message {
            version: 0,
            from: key.f1_address(),
            to,
            sequence: *fvm_nonce,
            value: TokenAmount::from_atto(value),
            method_num: method,
            params: RawBytes::new(params),
            gas_limit: FVM_GAS,
            gas_fee_cap: TokenAmount::from_atto(FVM_FEE_CAP),
            gas_premium: TokenAmount::default(),
        };
        *fvm_nonce += 1;
        Ok(Transaction::Fvm(Arc::new(FvmTransaction::sign(message, key, CHAIN_ID)?)))
    }

    fn ethereum(&mut self, from: usize, to: Option<EthAddress>, value: U256, input: Vec<u8>, gas: u64) -> Transaction {
        let Account { key, eth_nonce, .. } = &mut self.accounts[from];
        let unsigned = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: *eth_nonce,
            gas_limit: gas,
            max_fee_per_gas: FEE_CAP,
            max_priority_fee_per_gas: 0,
            to: to.map_or(TxKind::Create, |to| TxKind::Call(AlloyAddress::from(to.0))),
            value,
            access_list: Default::default(),
            input: Bytes::from(input),
        };
        *eth_nonce += 1;
        Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, key)))
    }

    /// The first account deploys the token and gives each of the others its share.
    fn make_token(&mut self, ours: &mut Ours) -> Result<()> {
        let bytecode = self.token.bytecode().to_vec();
        let mut transactions = vec![self.ethereum(0, None, U256::ZERO, bytecode, CREATE_GAS)];
        for to in 1..self.accounts.len() {
            let call = self.token.transfer(self.accounts[to].key.eth_address(), HOLDING);
            transactions.push(self.ethereum(0, Some(self.token_address), U256::ZERO, call, TOKEN_GAS));
        }
        for block in transactions.chunks(SET_UP_BLOCK) {
            ours.block(block)?;
        }
        self.set_up = transactions;
        Ok(())
    }

    fn make_counters(&mut self, ours: &mut Ours) -> Result<()> {
        let params = to_vec(&ExecParams { code: counter_actor_cid(), params: RawBytes::default() })?;
        let messages = (0..COUNTERS)
            .map(|_| self.message(0, Address::new_id(INIT_ID), EXEC, params.clone(), 0))
            .collect::<Result<Vec<_>>>()?;
        for receipt in ours.block(&messages)?.receipts {
            self.counters.push(made_actor(&receipt.return_data).context("what the init actor answered")?);
        }
        Ok(())
    }
}

fn account(number: u64) -> Result<Account> {
    let mut secret = [0; 32];
    secret[24..].copy_from_slice(&number.to_be_bytes());
    let key = SecpSecretKey::from_bytes(&secret).context("a small number is a secret key")?;
    Ok(Account { key, fvm_nonce: 0, eth_nonce: 0 })
}

fn genesis(accounts: &[Account]) -> GenesisState {
    let addresses = accounts.iter().flat_map(|Account { key, .. }| [key.f1_address(), key.eth_address().to_address()]);
    let balance = TokenAmount::from_atto(BALANCE);
    let accounts = addresses.map(|address| GenesisAccount { address, balance: balance.clone() }).collect();
    GenesisState {
        chain_name: "bench".to_owned(),
        accounts,
        code: vec![COUNTER_ACTOR.to_vec()],
        ..GenesisState::default()
    }
}

/// The contract that the account's first transaction creates.
fn created(account: EthAddress) -> EthAddress {
    EthAddress(AlloyAddress::from(account.0).create(0).into_array())
}
