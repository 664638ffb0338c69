//! Whom a command is about: what is called, and who an address is to a contract.

use std::str::FromStr;

use clap::Args;
use fvm_shared::address::Address;
use serde_json::json;
use tributary_message::words::{Method, Params, WordRejected};
use tributary_primitives::{EthAddress, parse_address};

use super::keys::KeyringArgs;
use crate::abi::{AbiRejected, Signature};
use crate::keys::KeyName;
use crate::node::Node;
use crate::trouble::{Kind, Trouble};

/// What is called: a contract's function, or an actor's method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// By its Solidity signature.
    Function(Signature),
    /// By its number, or its name (FRC-0042).
    Method(Method),
}

/// Why a text is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalleeRejected {
    /// It has a parenthesis.
    #[error(transparent)]
    Function(#[from] AbiRejected),
    /// It has none.
    #[error("{0}; a contract's function is written with its types, as in 'transfer(address,uint256)'")]
    Method(#[from] WordRejected),
}

impl FromStr for Callee {
    type Err = CalleeRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.contains('(') {
            true => Ok(Self::Function(text.parse()?)),
            false => Ok(Self::Method(text.parse()?)),
        }
    }
}

/// Whom to call, what, and with what.
#[derive(Args, Clone, Debug)]
pub struct Called {
    /// The contract or actor: 0x…, f410…, f0…, f2…
    #[arg(value_parser = parse_address)]
    pub to: Address,
    /// A function, as in 'balanceOf(address)(uint256)'; or a method, by number or by its name (FRC-0042), as in Increment
    #[arg(value_name = "FUNCTION|METHOD")]
    pub callee: Callee,
    /// The function's arguments, one word each; lists as `[1,2]`, tuples as `(1,2)`
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// The method's parameters
    #[arg(long, value_name = "JSON|0xHEX")]
    pub params: Option<Params>,
}

impl Called {
    /// The function's call data.
    ///
    /// # Errors
    /// For arguments that do not fit, and parameters that are none of a function's.
    pub fn input(&self, function: &Signature) -> Result<Vec<u8>, Trouble> {
        match self.params {
            Some(_) => Err(Trouble::usage(
                "a contract's function takes its arguments as words; --params are of an actor's method",
            )),
            None => Ok(function.encode(&self.arguments)?),
        }
    }

    /// The method's parameters, in CBOR.
    ///
    /// # Errors
    /// For words that are none of a method's.
    pub fn parameters(&self) -> Result<Vec<u8>, Trouble> {
        match self.arguments.is_empty() {
            true => Ok(self.params.clone().unwrap_or_default().into_bytes()),
            false => Err(Trouble::usage(
                "an actor's method takes its parameters by --params; words are of a contract's function",
            )),
        }
    }
}

/// An account of somebody, or a key of one's own, which is one account or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By an address.
    Address(Address),
    /// By the name of a key that is kept here.
    Key(KeyName),
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (parse_address(text), text.parse()) {
            (Ok(address), _) => Ok(Self::Address(address)),
            // An address with a typing error is not a key that nobody made.
            (Err(why), _) if text.starts_with("0x") => Err(why.to_string()),
            (Err(_), Ok(name)) => Ok(Self::Key(name)),
            (Err(why), Err(_)) => Err(why.to_string()),
        }
    }
}

impl Who {
    /// All their addresses: of a key its Ethereum account, then its f1; of a BLS key its f3.
    ///
    /// # Errors
    /// [`Kind::Key`] for a key that is not there, or whose file tells no address.
    pub fn addresses(&self, keyring: &KeyringArgs) -> Result<Vec<Address>, Trouble> {
        let name = match self {
            Self::Address(address) => return Ok(vec![*address]),
            Self::Key(name) => name,
        };
        let addresses = keyring.keyring()?.sealed(name)?.accounts().addresses();
        let silent = || Trouble::new(Kind::Key, format!("the file of {name} tells no address; import it anew"));
        if addresses.is_empty() { Err(silent()) } else { Ok(addresses) }
    }
}

/// How Ethereum names whoever has this address: by itself, or by its id, which it must have got here.
///
/// # Errors
/// [`Kind::NotFound`] for an address without an Ethereum name that nobody used yet.
pub async fn ethereum_name(node: &Node, address: &Address) -> Result<EthAddress, Trouble> {
    if let Some(name) = EthAddress::from_address(address) {
        return Ok(name);
    }
    let id: Option<String> = node.ask("subnet_resolve", &[json!(address.to_string())]).await?;
    let id = id.and_then(|id| parse_address(&id).ok()).and_then(|id| id.id().ok());
    id.map(EthAddress::from_actor_id).ok_or_else(|| {
        Trouble::new(
            Kind::NotFound,
            format!(
                "nobody is at {address} yet, and an Ethereum transaction cannot name it; a message can: --as f1 or --as f410"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parenthesis_tells_a_function_from_a_method() {
        assert!(matches!("total()(uint256)".parse(), Ok(Callee::Function(_))));
        let number = |text: &str| match text.parse::<Callee>() {
            Ok(Callee::Method(method)) => method.number(),
            other => panic!("{other:?}"),
        };
        assert_eq!((number("2"), number("Increment")), (2, 2_922_929_132));
        let refusal = "total".parse::<Callee>().unwrap_err().to_string();
        assert!(refusal.contains("is no method") && refusal.contains("with its types"), "{refusal}");
    }

    #[test]
    fn who_is_an_address_or_a_key_and_a_typing_error_is_neither() {
        assert!(matches!("0x70997970c51812dc3a010c7d01b50e0d17dc79c8".parse(), Ok(Who::Address(_))));
        assert!(matches!("f0101".parse(), Ok(Who::Address(_))));
        assert_eq!("alice".parse(), Ok(Who::Key("alice".parse().unwrap())));
        for text in ["0x1234", "", "a b"] {
            assert!(text.parse::<Who>().is_err(), "{text}");
        }
    }
}
