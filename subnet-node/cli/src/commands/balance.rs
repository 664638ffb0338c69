//! `tributary balance`: what somebody holds.

use alloy_primitives::U256;
use clap::Args;
use fvm_shared::address::Address;
use serde_json::{Value, json};
use tributary_primitives::{EthAddress, parse_address};

use super::keys::KeyringArgs;
use super::send::{ask_contract, token_decimals};
use super::target::{Who, ethereum_name};
use crate::amount::{in_decimals, in_trb};
use crate::node::{Node, NodeArgs};
use crate::report::{Report, print_all};
use crate::trouble::{Kind, Trouble};
use crate::wire::Actor;

/// Whose.
#[derive(Args, Debug)]
pub struct BalanceArgs {
    /// Whose: an address (0x…, f0… to f4…), or the name of a key, which is two accounts, a BLS key one
    #[arg(value_name = "ADDRESS|KEY")]
    who: Who,
    /// Of a contract's token, instead of the chain's own
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    token: Option<Address>,
    #[command(flatten)]
    keyring: KeyringArgs,
    #[command(flatten)]
    node: NodeArgs,
}

impl BalanceArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        let addresses = self.who.addresses(&self.keyring)?;
        let node = self.node.node()?;
        node.status().await?;
        let mut reports = Vec::new();
        match self.token {
            None => {
                for address in &addresses {
                    reports.push(native(&node, address).await?);
                }
            }
            Some(token) => {
                let token = ethereum_name(&node, &token).await?;
                for address in &addresses {
                    reports.extend(of_token(&node, token, address, addresses.len() > 1).await?);
                }
            }
        }
        print_all(&reports, is_json)
    }
}

/// An Ethereum account goes by its own name.
#[must_use]
pub fn shown(address: &Address) -> String {
    match EthAddress::from_address(address) {
        Some(ethereum) if ethereum.as_actor_id().is_none() => ethereum.to_string(),
        _ => address.to_string(),
    }
}

async fn native(node: &Node, address: &Address) -> Result<Report, Trouble> {
    let actor: Option<Actor> = node.ask("subnet_getActor", &[json!(address.to_string())]).await?;
    let atto: u128 = match &actor {
        Some(actor) => actor.balance.parse().map_err(|why| node.unreadable("subnet_getActor", &why))?,
        None => 0,
    };
    Ok(Report::new()
        .with("address", shown(address))
        .with("balance", in_trb(atto))
        .with("atto", atto.to_string())
        .with("id", actor.as_ref().map(|actor| actor.id.clone()))
        .with("nonce", actor.as_ref().map(|actor| actor.nonce))
        .with("actor", actor.map(|actor| actor.builtin.unwrap_or(actor.code.cid))))
}

/// What a contract says that somebody holds. Of several accounts, one that the contract cannot know of is passed over.
async fn of_token(
    node: &Node,
    token: EthAddress,
    holder: &Address,
    may_be_unknown: bool,
) -> Result<Option<Report>, Trouble> {
    let name = match ethereum_name(node, holder).await {
        Err(trouble) if trouble.kind == Kind::NotFound && may_be_unknown => return Ok(None),
        name => name?,
    };
    let held = ask_contract(node, token, "balanceOf(address)(uint256)", &[name.to_string()]).await?;
    let units = held.first().and_then(Value::as_str).and_then(|units| U256::from_str_radix(units, 10).ok());
    let units = units.unwrap_or_default();
    // Both are optional in the standard. Source: ERC-20.
    let decimals = token_decimals(node, token).await.ok();
    let symbol =
        ask_contract(node, token, "symbol()(string)", &[]).await.ok().and_then(|values| values.into_iter().next());
    let balance = decimals.map(|decimals| match symbol.as_ref().and_then(Value::as_str) {
        Some(symbol) => format!("{} {symbol}", in_decimals(units, decimals)),
        None => in_decimals(units, decimals),
    });
    let report = Report::new()
        .with("address", shown(holder))
        .with("token", token.to_string())
        .with("balance", balance)
        .with("units", units.to_string());
    Ok(Some(report))
}
