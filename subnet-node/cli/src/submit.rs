//! A transaction, from what it shall do to its bytes: nonce, gas, fees, signature. [`hand_in`](crate::hand_in) brings them to a node;
//! which account sends what is in [`account`].
//!
//! What would fail is not sent: the node is asked first, for nothing.

pub mod account;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as EvmAddress, Bytes, TxKind, U64, U256};
use clap::Args;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use serde_json::{Value, json};
use tributary_crypto::SecpSecretKey;
use tributary_message::EthereumTransaction;
use tributary_primitives::{EthAddress, Hash32};

pub use account::{Account, Messenger};

use account::{Pen, ethereum_key};

use crate::abi::revert_reason;
use crate::hand_in::{HandedIn, Signed};
use crate::keys::key::Key;
use crate::node::{Node, NodeUnavailable};
use crate::trouble::{Kind, Trouble};
use crate::wire::{MessageCall, Outcome, Status};

/// The part of the base fee that is tipped where the node suggests nothing. Above zero, so that a replacement can offer more.
const TIP_PART: u128 = 10;
/// Method number of a contract's call, as FVM messages make it. Source: FRC-0042, `InvokeEVM`.
pub const INVOKE_EVM: u64 = 3_844_450_837;
/// Exit code of a contract that reverted. Source: builtin-actors, `actors/evm`.
const EVM_REVERTED: ExitCode = ExitCode::new(33);

/// What a transaction offers, where its sender knows better than the node.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Nonce, to replace a transaction that waits [default: the next one, those waiting counted]
    #[arg(long, value_name = "NUMBER", help_heading = "Terms")]
    pub nonce: Option<u64>,
    /// Most gas: Ethereum's, or the FVM's for a message [default: what it takes, and a quarter more]
    #[arg(long, value_name = "GAS", help_heading = "Terms", value_parser = clap::value_parser!(u64).range(1..))]
    pub gas_limit: Option<u64>,
    /// Most attoTRB for a unit of that gas [default: twice the base fee, and the tip]
    #[arg(long, value_name = "ATTO", help_heading = "Terms")]
    pub fee_cap: Option<u128>,
    /// attoTRB of it for the proposer [default: what the node suggests]
    #[arg(long, value_name = "ATTO", help_heading = "Terms")]
    pub tip: Option<u128>,
}

/// What a transaction shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// From the Ethereum account.
    Ethereum {
        /// Whom; nobody to make a contract.
        to: Option<EthAddress>,
        /// attoTRB.
        value: u128,
        /// Call data.
        input: Vec<u8>,
    },
    /// By an FVM message.
    Fvm {
        /// From which account.
        by: Messenger,
        /// Whom.
        to: Address,
        /// attoTRB.
        value: u128,
        /// Which method.
        method: u64,
        /// With what, in CBOR.
        params: Vec<u8>,
    },
}

impl Deed {
    /// Whose it is.
    #[must_use]
    pub const fn account(&self) -> Account {
        match self {
            Self::Ethereum { .. } => Account::Ethereum,
            Self::Fvm { by, .. } => by.account(),
        }
    }
}

/// A transaction that a node took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its name.
    pub hash: Hash32,
    /// Who sent it.
    pub from: String,
    /// Its nonce.
    pub nonce: u64,
}

/// Signs what does `deed` and hands it in.
///
/// # Errors
/// [`Trouble`]: nothing was taken, unless `handed_in` tells otherwise.
pub async fn submit(
    node: &Node,
    status: &Status,
    key: &Key,
    deed: &Deed,
    terms: &Terms,
    handed_in: &HandedIn,
) -> Result<Submitted, Trouble> {
    let submitted = match deed {
        Deed::Ethereum { to, value, input } => {
            ethereum(node, status, ethereum_key(key)?, (*to, *value, input), terms, handed_in).await
        }
        Deed::Fvm { by, to, value, method, params } => {
            fvm(node, status, by.pen(key)?, (*to, *value, *method, params), terms, handed_in).await
        }
    };
    submitted.map_err(|trouble| named(trouble, deed.account(), key))
}

/// Whoever cannot pay is told which of the key's accounts it was.
fn named(trouble: Trouble, account: Account, key: &Key) -> Trouble {
    match (trouble.kind, account.address(key)) {
        (Kind::Funds, Some(address)) => Trouble { message: format!("{address}: {}", trouble.message), ..trouble },
        _ => trouble,
    }
}

async fn ethereum(
    node: &Node,
    status: &Status,
    key: &SecpSecretKey,
    (to, value, input): (Option<EthAddress>, u128, &[u8]),
    terms: &Terms,
    handed_in: &HandedIn,
) -> Result<Submitted, Trouble> {
    let from = key.eth_address();
    let gas_limit = match terms.gas_limit {
        Some(gas) => gas,
        None => {
            let mut request = json!({ "from": from, "value": hex_number(value), "input": Bytes::from(input.to_vec()) });
            if let Some(to) = to {
                request["to"] = json!(to);
            }
            let least: U64 = node.ask("eth_estimateGas", &[request]).await?;
            // A plain transfer takes what it takes; a contract may find another state by the time it runs.
            if input.is_empty() && to.is_some() { least.to() } else { with_room(least.to()) }
        }
    };
    let suggested = match terms.tip {
        Some(tip) => tip,
        None => node.ask::<U256>("eth_maxPriorityFeePerGas", &[]).await?.saturating_to(),
    };
    let (cap, tip) = offer(terms, status.base_fee, suggested)?;
    let nonce = match terms.nonce {
        Some(nonce) => nonce,
        None => node.ask::<U64>("eth_getTransactionCount", &[json!(from), json!("pending")]).await?.to(),
    };
    let unsigned = TxEip1559 {
        chain_id: status.chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas: cap,
        max_priority_fee_per_gas: tip,
        to: to.map_or(TxKind::Create, |to| TxKind::Call(EvmAddress::from(to.0))),
        value: U256::from(value),
        access_list: Default::default(),
        input: Bytes::from(input.to_vec()),
    };
    let signed = EthereumTransaction::sign(unsigned, key);
    let (hash, raw) = (signed.hash(), signed.raw());
    handed_in.hand_in(node, Signed { method: "eth_sendRawTransaction", raw, hash, nonce }).await?;
    Ok(Submitted { hash, from: from.to_string(), nonce })
}

async fn fvm(
    node: &Node,
    status: &Status,
    pen: Pen<'_>,
    (to, value, method, params): (Address, u128, u64, &[u8]),
    terms: &Terms,
    handed_in: &HandedIn,
) -> Result<Submitted, Trouble> {
    let from = pen.address();
    let gas_limit = match terms.gas_limit {
        Some(gas) => gas,
        None => {
            let call = MessageCall {
                from: from.to_string(),
                to: to.to_string(),
                method,
                params: params.to_vec().into(),
                value,
            };
            let outcome = ask_message(node, &call, None).await?;
            if outcome.exit_code != ExitCode::OK.value() {
                return Err(would_fail(&outcome));
            }
            with_room(outcome.gas_used)
        }
    };
    let (cap, tip) = offer(terms, status.fvm_base_fee, (status.fvm_base_fee / TIP_PART).max(1))?;
    let nonce = match terms.nonce {
        Some(nonce) => nonce,
        None => node.ask("subnet_nonce", &[json!(from.to_string())]).await?,
    };
    let message = Message {
        version: 0,
        from,
        to,
        sequence: nonce,
        value: TokenAmount::from_atto(value),
        method_num: method,
        params: RawBytes::new(params.to_vec()),
        gas_limit,
        gas_fee_cap: TokenAmount::from_atto(cap),
        gas_premium: TokenAmount::from_atto(tip),
    };
    let signed = pen.sign(message, status.chain_id);
    let signed = signed.map_err(|why| Trouble::usage(format!("it cannot be signed: {why}")))?;
    let (hash, raw) = (signed.hash(), signed.raw());
    handed_in.hand_in(node, Signed { method: "subnet_sendMessage", raw, hash, nonce }).await?;
    Ok(Submitted { hash, from: from.to_string(), nonce })
}

/// What a message would do, on the latest state or the one after a height.
///
/// # Errors
/// Those of the node; how it would end is no error.
pub async fn ask_message(node: &Node, call: &MessageCall, height: Option<u64>) -> Result<Outcome, NodeUnavailable> {
    let mut params = vec![serde_json::to_value(call).expect("texts and numbers have a JSON form")];
    params.extend(height.map(Value::from));
    node.ask("subnet_call", &params).await
}

fn with_room(gas: u64) -> u64 {
    gas.saturating_add(gas / 4)
}

/// Fee cap and tip. The fee doubles within six full blocks at most; what is not needed is not paid. Source: EIP-1559.
fn offer(terms: &Terms, base_fee: u128, suggested: u128) -> Result<(u128, u128), Trouble> {
    let cap =
        terms.fee_cap.unwrap_or_else(|| base_fee.saturating_mul(2).saturating_add(terms.tip.unwrap_or(suggested)));
    match terms.tip.unwrap_or(suggested.min(cap)) {
        tip if tip <= cap => Ok((cap, tip)),
        tip => {
            Err(Trouble::usage(format!("the tip, {tip}, is above the fee cap, {cap}: lower --tip or raise --fee-cap")))
        }
    }
}

fn hex_number(number: u128) -> String {
    format!("{number:#x}")
}

/// What a message would end with; nothing was sent.
fn would_fail(outcome: &Outcome) -> Trouble {
    let code = ExitCode::new(outcome.exit_code);
    let kind = match code {
        ExitCode::SYS_SENDER_INVALID | ExitCode::SYS_SENDER_STATE_INVALID | ExitCode::SYS_INSUFFICIENT_FUNDS => {
            Kind::Funds
        }
        ExitCode::SYS_INVALID_RECEIVER => Kind::NotFound,
        _ => Kind::Failed,
    };
    Trouble::new(kind, format!("it would fail with {}; nothing was sent", tell(code, &outcome.returned)))
}

/// An exit code in words, with the contract's reason where it gave one.
#[must_use]
pub fn tell(code: ExitCode, returned: &[u8]) -> String {
    let why = match code {
        ExitCode::SYS_SENDER_INVALID => "the sender is no account here: it never got tokens",
        ExitCode::SYS_SENDER_STATE_INVALID => "the sender cannot pay, or its nonce is used up",
        ExitCode::SYS_ILLEGAL_INSTRUCTION => "the actor trapped",
        ExitCode::SYS_INVALID_RECEIVER => "there is no such actor",
        ExitCode::SYS_INSUFFICIENT_FUNDS => "the sender does not have the value",
        ExitCode::SYS_OUT_OF_GAS => "out of gas: give it more by --gas-limit",
        ExitCode::USR_ILLEGAL_ARGUMENT => "illegal argument",
        ExitCode::USR_NOT_FOUND => "not found",
        ExitCode::USR_FORBIDDEN => "forbidden",
        ExitCode::USR_INSUFFICIENT_FUNDS => "insufficient funds",
        ExitCode::USR_ILLEGAL_STATE => "illegal state",
        ExitCode::USR_SERIALIZATION => "the parameters are not what the method takes",
        ExitCode::USR_UNHANDLED_MESSAGE => "the actor has no such method",
        EVM_REVERTED => {
            let reason = revert_reason(returned).map_or_else(String::new, |reason| format!(" with {reason:?}"));
            return format!("exit code 33: the contract reverted{reason}");
        }
        _ => return format!("exit code {}", code.value()),
    };
    format!("exit code {}: {why}", code.value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key::KeyKind;

    #[test]
    fn the_offer_lets_the_base_fee_double_and_never_tips_more_than_it_offers() {
        let terms = |fee_cap, tip| Terms { fee_cap, tip, ..Terms::default() };
        for (terms, base_fee, suggested, offered) in [
            (terms(None, None), 100, 7, (207, 7)),
            (terms(None, None), 0, 0, (0, 0)),
            (terms(None, None), u128::MAX, 1, (u128::MAX, 1)),
            (terms(None, Some(50)), 100, 7, (250, 50)),
            (terms(Some(5), None), 100, 7, (5, 5)),
            (terms(Some(5), Some(5)), 100, 7, (5, 5)),
        ] {
            assert_eq!(offer(&terms, base_fee, suggested), Ok(offered), "{terms:?}");
        }
        assert_eq!(offer(&terms(Some(5), Some(6)), 100, 7).unwrap_err().kind, Kind::Usage);
        assert_eq!((with_room(21_000), with_room(u64::MAX)), (26_250, u64::MAX));
    }

    #[test]
    fn an_exit_code_is_told_in_words_and_has_its_kind() {
        let outcome =
            |exit_code, returned: &[u8]| Outcome { exit_code, returned: returned.to_vec().into(), gas_used: 1 };
        for (code, kind, says) in [
            (1, Kind::Funds, "never got tokens"),
            (5, Kind::NotFound, "no such actor"),
            (6, Kind::Funds, "does not have the value"),
            (7, Kind::Failed, "--gas-limit"),
            (18, Kind::Failed, "forbidden"),
            (22, Kind::Failed, "no such method"),
            (21, Kind::Failed, "parameters"),
            (33, Kind::Failed, "reverted; nothing"),
            (99, Kind::Failed, "exit code 99; nothing was sent"),
        ] {
            let trouble = would_fail(&outcome(code, &[]));
            assert!(trouble.kind == kind && trouble.message.contains(says), "{code}: {trouble:?}");
        }
    }

    #[test]
    fn who_cannot_pay_is_told_which_account_it_was() {
        for (kind, account) in [(KeyKind::Secp256k1, Account::F1), (KeyKind::Bls, Account::F3)] {
            let key = Key::from_bytes(kind, &[7; 32]).unwrap();
            let poor = named(Trouble::new(Kind::Funds, "insufficient funds"), account, &key);
            assert!(poor.message.starts_with(&account.address(&key).unwrap()), "{poor}");
            let other = named(Trouble::new(Kind::Failed, "no"), account, &key);
            assert_eq!(other.message, "no");
        }
    }
}
