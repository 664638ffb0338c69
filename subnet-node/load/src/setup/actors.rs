//! Actors, and the contract that calls them.

use cid::Cid;
use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::{ActorID, MethodNum};
use serde::Deserialize;
use serde_json::json;
use tributary_primitives::Hash32;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::init::{EXEC, ExecParams, made_actor};
use tributary_workloads::actors::{COUNTERS, DO_SCRIPT, INCREMENT, KV_MINT, KV_TRANSFER, computation, kv_amount};
use tributary_workloads::contract::{Caller, HOLDING};

use super::{Actors, Ready, Setup, SetupUnavailable, call, hex_of, nonces_of};
use crate::accounts::Account;
use crate::client::Client;
use crate::fees::Fees;
use crate::sign::{Deed, Terms, message};
use crate::words::Kind;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GasNeeded {
    gas_limit: u64,
    base_fee: u64,
}

#[derive(Deserialize)]
struct MessageReceipt {
    #[serde(rename = "Return")]
    return_data: String,
}

impl Setup<'_> {
    /// Makes the counters; what their calls are and the gas they need.
    pub(super) async fn counters(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let actors = self.make_counters(senders).await?;
        let gas = self.message_gas(&senders[0], actors[0], INCREMENT, &[]).await?;
        Ok((Deed::Count { actors }, gas))
    }

    /// Makes the actor that computes.
    pub(super) async fn computer(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let code = self.codes()?.script;
        let actor = self.make("the actor that computes", code, 1).await?[0];
        let params = computation();
        let gas = self.message_gas(&senders[0], actor, DO_SCRIPT, &params).await?;
        Ok((Deed::Compute { actor, params }, gas))
    }

    /// Makes the token whose balances are entries, and gives some to every sender.
    pub(super) async fn kv_token(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let code = self.codes()?.token;
        let actor = self.make("the token whose balances are entries", code, 1).await?[0];
        let gifts = senders.iter().map(|sender| kv_amount(sender.f1, HOLDING)).collect();
        self.tell("tokens for the senders", actor, KV_MINT, gifts).await?;
        let transfer = kv_amount(senders[1 % senders.len()].f1, 1);
        let gas = self.message_gas(&senders[0], actor, KV_TRANSFER, &transfer).await?;
        Ok((Deed::KvTransfer { actor }, gas))
    }

    /// Makes the counters, and the contract that calls them.
    pub(super) async fn caller(&mut self, senders: &[Account]) -> Ready<(Deed, u64)> {
        let (actors, caller) = (self.make_counters(senders).await?, Caller::compiled()?);
        let contract = self.create("the contract that calls", caller.bytecode().to_vec()).await?;
        let gas = self.estimate(call(senders[0].eth, contract, &caller.increment(actors[0]))).await?;
        Ok((Deed::Cross { contract, caller, actors }, gas))
    }

    async fn make_counters(&mut self, senders: &[Account]) -> Ready<Vec<ActorID>> {
        let code = self.codes()?.counter;
        self.make("counters", code, senders.len().min(COUNTERS)).await
    }

    fn codes(&self) -> Ready<Actors> {
        self.network.actors.ok_or_else(|| SetupUnavailable::NoActors(self.network.name.clone()))
    }

    /// `count` actors of this code.
    async fn make(&mut self, what: &'static str, code: Cid, count: usize) -> Ready<Vec<ActorID>> {
        let params = to_vec(&ExecParams { code, params: RawBytes::default() }).expect("a CID and no bytes");
        let hashes = self.tell(what, INIT_ID, EXEC, vec![params; count]).await?;
        let params = hashes.iter().map(|hash| json!([hash])).collect();
        let receipts: Vec<MessageReceipt> = self.client.ask_all(Kind::Fvm.receipt_method(), params).await?;
        let actor = |receipt: &MessageReceipt| made_actor(&hex::decode(receipt.return_data.get(2..)?).ok()?);
        let actors: Option<Vec<ActorID>> = receipts.iter().map(actor).collect();
        actors.ok_or(SetupUnavailable::NoActor)
    }

    /// Sends a message of the purse's for each of these parameters, all of which need as much gas as the first, and waits until each is in
    /// a block and went well.
    async fn tell(
        &mut self,
        what: &'static str,
        to: ActorID,
        method: MethodNum,
        params: Vec<Vec<u8>>,
    ) -> Ready<Vec<Hash32>> {
        let (purse, to) = (self.purse().clone(), Address::new_id(to));
        let Some(first) = params.first() else { return Ok(Vec::new()) };
        let needed = estimate(&mut self.client, purse.f1, to, method, first).await?;
        let fees = Fees { cap: u128::from(needed.base_fee.max(1)).saturating_mul(1_000), tip: 0 };
        let terms = Terms { chain_id: self.chain_id, gas: needed.gas_limit * 3 / 2, fees };
        let nonce = nonces_of(&mut self.client, Kind::Fvm, std::slice::from_ref(&purse)).await?[0];
        let one = |(params, nonce)| message(terms, &purse.key, nonce, to, method, params);
        let all = params.into_iter().zip(nonce..).map(one).collect::<Result<Vec<_>, _>>()?;
        self.confirm(what, all).await
    }

    /// Gas for this message, with a quarter to spare.
    async fn message_gas(&mut self, from: &Account, to: ActorID, method: MethodNum, params: &[u8]) -> Ready<u64> {
        let needed = estimate(&mut self.client, from.f1, Address::new_id(to), method, params).await?;
        Ok(needed.gas_limit.saturating_add(needed.gas_limit / 4))
    }
}

/// A million times today's: the senders of a network that was started for this have more than enough.
pub(super) async fn fvm_fees(client: &mut Client, sender: &Account) -> Ready<Fees> {
    let needed = estimate(client, sender.f1, sender.f1, 0, &[]).await?;
    Ok(Fees { cap: u128::from(needed.base_fee.max(1)).saturating_mul(1_000_000), tip: 0 })
}

async fn estimate(
    client: &mut Client,
    from: Address,
    to: Address,
    method: MethodNum,
    params: &[u8],
) -> Ready<GasNeeded> {
    let call = json!({"from": from.to_string(), "to": to.to_string(), "method": method, "params": hex_of(params)});
    Ok(client.ask("subnet_estimateMessageGas", json!([call])).await?)
}
