//! `tributary send`: tokens to anybody, the chain's own or a contract's.

use alloy_primitives::U256;
use clap::Args;
use fvm_ipld_encoding::BytesSer;
use fvm_shared::METHOD_SEND;
use fvm_shared::address::Address;
use serde_json::json;
use tributary_primitives::{EthAddress, parse_address};

use super::balance::shown;
use super::sender::Sender;
use super::target::{Who, ethereum_name};
use crate::abi::Signature;
use crate::amount::{in_trb, parse_tokens, parse_trb};
use crate::hand_in::HandedIn;
use crate::node::Node;
use crate::report::Report;
use crate::submit::{Account, Deed, INVOKE_EVM};
use crate::trouble::{Kind, Trouble};

/// To whom, and how much.
#[derive(Args, Debug)]
pub struct SendArgs {
    /// To whom: an address (0x…, f0… to f4…), or a key of yours by its name, which stands for its Ethereum account, a BLS key's for its f3
    #[arg(value_name = "ADDRESS|KEY")]
    to: Who,
    /// How much: 1.5TRB, or attoTRB without a unit; of a contract's token 1.5, or 1000units of its smallest
    amount: String,
    /// The contract of the token that is sent, instead of the chain's own
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    token: Option<Address>,
    #[command(flatten)]
    sender: Sender,
}

/// What is sent.
enum What {
    /// attoTRB.
    Native(u128),
    /// Tokens of this contract, whose decimals tell how much the amount is.
    OfContract(Address),
}

impl SendArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn run(&self, is_json: bool, handed_in: &HandedIn) -> Result<(), Trouble> {
        // What can be refused here is refused before anybody is asked for a password.
        let what = match self.token {
            None => What::Native(parse_trb(&self.amount)?),
            Some(token) => What::OfContract(token),
        };
        let to = self.to.addresses(&self.sender.keyring)?[0];
        let account = self.sender.account_or(Account::Ethereum)?;
        let ready = self.sender.ready(is_json, handed_in).await?;
        let (deed, sent) = match what {
            What::Native(atto) => (transfer(&ready.node, account, &to, atto).await?, in_trb(atto)),
            What::OfContract(token) => {
                let token = ethereum_name(&ready.node, &token).await?;
                let to = ethereum_name(&ready.node, &to).await?;
                let units = token_units(&ready.node, token, &self.amount).await?;
                (call_contract(account, token, 0, token_transfer(to, units)), self.amount.clone())
            }
        };
        let told = ready.deliver_and_tell(&deed).await?;
        told.and(Report::new().with("to", shown(&to)).with("amount", sent)).print(is_json)
    }
}

/// A transfer of the chain's own tokens.
async fn transfer(node: &Node, account: Account, to: &Address, value: u128) -> Result<Deed, Trouble> {
    Ok(match account.messenger() {
        None => Deed::Ethereum { to: Some(ethereum_name(node, to).await?), value, input: Vec::new() },
        Some(by) => Deed::Fvm { by, to: *to, value, method: METHOD_SEND, params: Vec::new() },
    })
}

/// A call of a contract, from any account and by either kind of transaction.
#[must_use]
pub fn call_contract(account: Account, contract: EthAddress, value: u128, input: Vec<u8>) -> Deed {
    match account.messenger() {
        None => Deed::Ethereum { to: Some(contract), value, input },
        Some(by) => {
            let params = fvm_ipld_encoding::to_vec(&BytesSer(&input)).expect("a byte string has a CBOR form");
            Deed::Fvm { by, to: contract.to_address(), value, method: INVOKE_EVM, params }
        }
    }
}

fn token_transfer(to: EthAddress, units: U256) -> Vec<u8> {
    let transfer: Signature = "transfer(address,uint256)".parse().expect("a signature");
    transfer.encode(&[to.to_string(), units.to_string()]).expect("an address and a number")
}

/// An amount of a token, by its contract's decimals.
async fn token_units(node: &Node, token: EthAddress, amount: &str) -> Result<U256, Trouble> {
    let decimals = match amount.ends_with("units") {
        true => 0,
        false => token_decimals(node, token).await?,
    };
    Ok(parse_tokens(amount, decimals)?)
}

/// The decimals that a token's contract tells.
///
/// # Errors
/// [`Trouble`] for a contract that tells none, or no contract.
pub async fn token_decimals(node: &Node, token: EthAddress) -> Result<u8, Trouble> {
    let told = ask_contract(node, token, "decimals()(uint8)", &[]).await?;
    let decimals = told.first().and_then(|value| value.as_str()?.parse().ok());
    decimals.ok_or_else(|| {
        Trouble::new(Kind::Failed, format!("{token} tells no decimals: is it a token? Write the amount in units"))
    })
}

/// Asks a contract, for nothing; its values.
///
/// # Errors
/// Those of the node; an answer that does not fit.
pub async fn ask_contract(
    node: &Node,
    contract: EthAddress,
    signature: &str,
    arguments: &[String],
) -> Result<Vec<serde_json::Value>, Trouble> {
    let signature: Signature = signature.parse()?;
    let input = alloy_primitives::Bytes::from(signature.encode(arguments)?);
    let answer: alloy_primitives::Bytes =
        node.ask("eth_call", &[json!({ "to": contract, "input": input }), json!("latest")]).await?;
    Ok(signature.decode(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::Messenger;

    #[test]
    fn a_contract_is_called_from_every_account() {
        let contract = EthAddress([7; 20]);
        let input = token_transfer(EthAddress([1; 20]), U256::from(5));
        assert_eq!((input.len(), &input[..4]), (68, &[0xa9, 0x05, 0x9c, 0xbb][..]));
        let ethereum = call_contract(Account::Ethereum, contract, 3, input.clone());
        assert_eq!(ethereum, Deed::Ethereum { to: Some(contract), value: 3, input: input.clone() });
        for (account, messenger) in
            [(Account::F1, Messenger::F1), (Account::F410, Messenger::F410), (Account::F3, Messenger::F3)]
        {
            let Deed::Fvm { by, to, value, method, params } = call_contract(account, contract, 3, input.clone()) else {
                panic!("a message")
            };
            assert_eq!((by, to, value, method), (messenger, contract.to_address(), 3, 3_844_450_837));
            assert_eq!(params, [&[0x58, 68][..], &input].concat(), "a CBOR byte string");
        }
    }
}
