//! Contracts, and what the senders hold of them.

use serde_json::json;
use tributary_primitives::EthAddress;
use tributary_workloads::contract::{HOLDING, Token, created_by};
use tributary_workloads::pools::Pools;

use super::{Ready, Setup, call, hex_of};
use crate::accounts::Account;
use crate::sign::{Deed, Terms, invoke};

impl Setup<'_> {
    /// Creates the token and gives some to every sender; what its transfers are and the gas they need.
    pub(super) async fn token(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let (token, purse) = (Token::compiled()?, self.purse().clone());
        let contract = self.create("the token's contract", token.bytecode().to_vec()).await?;

        let gas = self.estimate(call(purse.eth, contract, &token.transfer(senders[0].eth, HOLDING))).await?;
        let (terms, nonce) = self.purse_terms(gas).await?;
        let gift = |(sender, nonce): (&Account, u64)| {
            invoke(terms, &purse.key, nonce, Some(contract), token.transfer(sender.eth, HOLDING))
        };
        let gifts = senders.iter().zip(nonce..).map(gift).collect();
        self.confirm("tokens for the senders", gifts).await?;

        let to = senders[1 % senders.len()].eth;
        let gas = self.estimate(call(senders[0].eth, contract, &token.transfer(to, 1))).await?;
        Ok((Deed::Erc20 { contract, token }, gas))
    }

    /// Creates `count` pools and gives every sender of both coins; what swaps are and the gas they need.
    pub(super) async fn pools(&mut self, senders: &[Account], count: usize) -> Ready<(Deed, u64)> {
        let purse = self.purse().clone();
        let holders: Vec<_> = senders.iter().map(|sender| sender.eth).collect();
        let nonce = self.client.nonces(&[purse.eth]).await?[0];
        let (pools, steps) = Pools::founded_by(purse.eth, nonce, count, &holders)?;
        let dearest = steps.iter().map(|step| step.gas).max().unwrap_or_default();
        let (terms, nonce) = self.purse_terms(dearest).await?;
        let signed = steps
            .into_iter()
            .zip(nonce..)
            .map(|(step, nonce)| invoke(Terms { gas: step.gas, ..terms }, &purse.key, nonce, step.to, step.input));
        self.confirm("the pools", signed.collect()).await?;

        // The larger number has more digits to read and to write.
        let (pool, swap) = pools.swap(count, |bound| bound - 1);
        let gas = self.estimate(call(senders[0].eth, pool, &swap)).await?;
        Ok((Deed::Swap { pools }, gas))
    }

    /// Creates a contract.
    pub(super) async fn create(&mut self, what: &'static str, code: Vec<u8>) -> Ready<EthAddress> {
        let purse = self.purse().clone();
        let gas = self.estimate(json!({"from": purse.eth.to_string(), "data": hex_of(&code)})).await?;
        let (terms, nonce) = self.purse_terms(gas).await?;
        self.confirm(what, vec![invoke(terms, &purse.key, nonce, None, code)]).await?;
        Ok(created_by(purse.eth, nonce))
    }
}
