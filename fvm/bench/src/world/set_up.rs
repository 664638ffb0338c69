//! What the workloads need to be there. All of it is made by transactions, signed and run as any other; the first account sends them.
//! In a world that is [founded directly](Founding::Directly) the balances of the ERC-20 are set.

use alloy_primitives::{U256, keccak256};
use anyhow::{Context, Result};
use cid::Cid;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use tributary_genesis_code::{SCRIPT_ACTOR, TOKEN_ACTOR, counter_actor_cid};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, made_actor};
use tributary_primitives::{EthAddress, raw_cid};
use tributary_workloads::actors::{COUNTERS, KV_MINT, kv_amount};
use tributary_workloads::contract::{CREATE_GAS, HOLDING, created_by, number, word};
use tributary_workloads::pools::Pools;

use super::accounts::Unsigned;
use super::{Founding, Part, TOKEN_GAS, World};
use crate::ours::Ours;

/// Pools.
const POOLS: usize = 100;
/// Transactions in a block of the set-up.
const SET_UP_BLOCK: usize = 1_000;
/// Who sends all of it.
const FIRST: usize = 0;

/// Slots and values of the token's `_balances`, a mapping at slot 0, once the first of these holders, who has the whole supply, gave
/// each of the others its share. Source: Solidity's documentation, "Layout of State Variables in Storage".
pub(super) fn holdings(holders: impl Iterator<Item = EthAddress>) -> Vec<(U256, U256)> {
    let slot = |holder: EthAddress| U256::from_be_bytes(keccak256([word(&holder.0), number(0)].as_flattened()).0);
    let mut slots: Vec<_> = holders.map(|holder| (slot(holder), U256::from(HOLDING))).collect();
    let others = U256::from(slots.len().saturating_sub(1));
    if let Some((_, first)) = slots.first_mut() {
        *first = U256::from(u128::MAX) - others * U256::from(HOLDING);
    }
    slots
}

impl World {
    /// Makes these parts; the same part may be named again.
    pub(super) fn make(&mut self, parts: &[Part], ours: &mut Ours) -> Result<()> {
        if parts.contains(&Part::Token) {
            let transactions = self.make_token();
            self.run(&transactions, ours)?;
            ours.set_slots(self.places.token, self.token_slots())?;
        }
        if parts.contains(&Part::Pools) {
            let transactions = self.make_pools()?;
            self.run(&transactions, ours)?;
        }
        if parts.contains(&Part::Caller) {
            let (caller, transaction) = self.create(self.caller.bytecode().to_vec());
            self.places.caller = caller;
            self.run(&[transaction], ours)?;
        }
        if parts.contains(&Part::Counters) {
            self.places.counters = self.make_actors(counter_actor_cid(), COUNTERS, ours)?;
        }
        if parts.contains(&Part::KvToken) {
            let made = self.make_actors(raw_cid(TOKEN_ACTOR), 1, ours)?;
            self.places.kv_token = *made.first().context("one was made")?;
            self.mint(ours)?;
        }
        if parts.contains(&Part::Computer) {
            let made = self.make_actors(raw_cid(SCRIPT_ACTOR), 1, ours)?;
            self.places.computer = *made.first().context("one was made")?;
        }
        Ok(())
    }

    /// The first account deploys the token and gives each of the others its share, unless that is set.
    fn make_token(&mut self) -> Vec<Unsigned> {
        let (token, transaction) = self.create(self.token.bytecode().to_vec());
        self.places.token = token;
        let mut transactions = vec![transaction];
        let others = match self.founding {
            Founding::ByTransactions => 1..self.accounts.count(),
            Founding::Directly => 0..0,
        };
        for to in others {
            let call = self.token.transfer(self.accounts.eth_address(to), HOLDING);
            transactions.push(self.accounts.call(FIRST, token, call, TOKEN_GAS));
        }
        transactions
    }

    /// Two coins, all pools of the two, and everybody's share of both.
    fn make_pools(&mut self) -> Result<Vec<Unsigned>> {
        let (founder, nonce) = (self.accounts.eth_address(FIRST), self.accounts.eth_nonce(FIRST));
        let holders: Vec<_> = self.eth_addresses().collect();
        let (pools, steps) = Pools::founded_by(founder, nonce, POOLS, &holders)?;
        self.places.pools = Some(pools);
        let transactions =
            steps.into_iter().map(|step| self.accounts.ethereum(FIRST, step.to, U256::ZERO, step.input, step.gas));
        Ok(transactions.collect())
    }

    fn create(&mut self, code: Vec<u8>) -> (EthAddress, Unsigned) {
        let made = created_by(self.accounts.eth_address(FIRST), self.accounts.eth_nonce(FIRST));
        (made, self.accounts.ethereum(FIRST, None, U256::ZERO, code, CREATE_GAS))
    }

    /// Signs and runs Ethereum transactions, and keeps them for the peer.
    fn run(&mut self, transactions: &[Unsigned], ours: &mut Ours) -> Result<()> {
        let signed = self.accounts.sign(transactions)?;
        for block in signed.chunks(SET_UP_BLOCK) {
            ours.block(block)?;
        }
        self.set_up.extend(signed);
        Ok(())
    }

    /// Everybody's share of the token whose balances are entries.
    fn mint(&mut self, ours: &mut Ours) -> Result<()> {
        let token = Address::new_id(self.places.kv_token);
        let mut messages = vec![];
        for to in 0..self.accounts.count() {
            let params = kv_amount(self.accounts.f1_address(to), HOLDING);
            messages.push(self.accounts.message(FIRST, token, KV_MINT, params, 0));
        }
        let signed = self.accounts.sign(&messages)?;
        signed.chunks(SET_UP_BLOCK).try_for_each(|block| ours.block(block).map(drop))
    }

    fn make_actors(&mut self, code: Cid, count: usize, ours: &mut Ours) -> Result<Vec<ActorID>> {
        let params = to_vec(&ExecParams { code, params: RawBytes::default() })?;
        let init = Address::new_id(INIT_ID);
        let messages: Vec<_> =
            (0..count).map(|_| self.accounts.message(FIRST, init, EXEC, params.clone(), 0)).collect();
        let receipts = ours.block(&self.accounts.sign(&messages)?)?.receipts;
        let made = receipts.iter().map(|receipt| made_actor(&receipt.return_data).context("what the init actor said"));
        made.collect()
    }
}

#[cfg(test)]
mod tests {
    use tributary_fvm::state::{ReadState as _, StateTree};

    use super::*;
    use crate::workload::Workload;

    #[test]
    fn what_is_set_of_the_token_is_what_transfers_leave() {
        let storage = |founding| {
            let (world, ours) = World::of(20, &[Workload::Erc20], founding).unwrap();
            let (store, root) = ours.state();
            let tree = StateTree::load(std::sync::Arc::clone(store), root).unwrap();
            let id = tree.resolve(&world.token().to_address()).unwrap().unwrap();
            tree.actor(id).unwrap().unwrap().state
        };
        assert_eq!(storage(Founding::ByTransactions), storage(Founding::Directly));
    }
}
