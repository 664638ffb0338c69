//! The questions that can be proven, and answers on the page.

use cid::Cid;
use clap::Subcommand;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use tributary_chain::BlockTime;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::entry::ENTRY_KEY_BYTES_MAX;
use tributary_primitives::{EntryKey, EthAddress, Hash32, parse_address};
use tributary_witness::{ActorAt, EntryAt, Ipld, Question, SlotAt, StatePath, ValueAt};

use super::page::Page;
use super::past::Past;
use super::state::State;

/// What to prove.
#[derive(Debug, Subcommand)]
pub enum QuestionArgs {
    /// An actor, or that there is none.
    Actor {
        /// 0x…, f0…, f1…, f4….
        #[arg(value_parser = parse_address)]
        address: Address,
    },
    /// What lies at a path below an actor's state, or that nothing does.
    State {
        /// 0x…, f0…, f1…, f4….
        #[arg(value_parser = parse_address)]
        address: Address,
        /// Below the state, such as 2/0.
        #[arg(default_value = "")]
        path: StatePath,
    },
    /// A contract's storage slot; zero where there is nothing.
    Storage {
        /// The contract, 0x….
        #[arg(value_parser = parse_address)]
        address: Address,
        /// A number, or 0x and up to 64 hex digits.
        #[arg(value_parser = parse_slot)]
        slot: Hash32,
    },
    /// What an actor keeps under a key, or that it keeps nothing there.
    Entry {
        /// 0x…, f0…, f1…, f4….
        #[arg(value_parser = parse_address)]
        address: Address,
        /// 0x and hex digits, or the key as text.
        #[arg(value_parser = parse_entry_key)]
        key: EntryKey,
    },
}

/// Asks one question, of whoever can answer it.
pub trait Asker {
    /// The answer.
    ///
    /// # Errors
    /// Why there is none.
    fn ask<Q: Question>(&mut self, question: &Q) -> anyhow::Result<Q::Answer>;
}

impl QuestionArgs {
    /// The answer as the user asked for it; state is DAG-JSON in both forms.
    ///
    /// # Errors
    /// Those of `asker`.
    pub fn ask(&self, asker: &mut impl Asker, json: bool) -> anyhow::Result<String> {
        match self {
            Self::Actor { address } => match asker.ask(&ActorAt(*address))? {
                Some((id, actor)) => Ok(show_actor(id, &actor).say(json)),
                None if json => Ok("null".to_owned()),
                None => Ok(format!("no actor has the address {address}")),
            },
            Self::State { address, path } => {
                let question = ValueAt { actor: *address, path: path.clone() };
                match asker.ask(&question)? {
                    Some(value) => Ok(to_dag_json(&value)?),
                    None => Ok(format!("nothing is at {:?} below the state of {address}", path.to_string())),
                }
            }
            Self::Storage { address, slot } => {
                let question = SlotAt { contract: *address, slot: *slot };
                Ok(show_slot(&question, &asker.ask(&question)?).say(json))
            }
            Self::Entry { address, key } => {
                let question = EntryAt { actor: *address, key: *key };
                Ok(show_entry(&question, asker.ask(&question)?.as_deref()).say(json))
            }
        }
    }
}

/// What was looked for is not there.
#[derive(Debug, thiserror::Error)]
#[error("{what} {there}")]
pub struct Absent {
    what: String,
    there: String,
}

impl Absent {
    /// No such actor.
    #[must_use]
    pub fn actor(address: &Address, state: &State) -> Self {
        Self { what: format!("no actor has the address {address}"), there: state.to_string() }
    }

    /// No such actor, or nothing at the path.
    #[must_use]
    pub fn value(question: &ValueAt, state: &State) -> Self {
        let ValueAt { actor, path } = question;
        Self {
            what: format!("nothing is at {:?} below the state of {actor}", path.to_string()),
            there: state.to_string(),
        }
    }
}

/// The chain after a block.
#[must_use]
pub fn show_head(past: &Past) -> Page {
    let record = past.record();
    Page::default()
        .with("height", past.height().0)
        .with("hash", past.hash().to_string())
        .with("time", BlockTime::from_unix_nanos(record.time_ns).to_string())
        .with("chain", past.facts().rules.chain_id.as_str())
        .with("subnet", past.facts().subnet.to_string())
        .with("state_root", record.state_root.to_string())
        .with("receipts_root", record.receipts_root.to_string())
        .with("outbox_root", record.outbox_root.to_string())
        .with("next_app_hash", record.app_state().app_hash().0.to_string())
        .with("gas_used", record.gas_used)
        .with_unit("base_fee", record.base_fee, "attoTRB per gas")
        .with_unit("next_base_fee", record.next_base_fee, "attoTRB per gas")
        .with("last_checkpoint", record.last_checkpoint.map(|cid| cid.to_string()))
}

/// A state that came without a chain.
#[must_use]
pub fn show_root(root: &Cid) -> Page {
    Page::default().with("state_root", root.to_string())
}

/// An actor: what `subnet_getActor` tells of it.
#[must_use]
pub fn show_actor(id: ActorID, actor: &ActorState) -> Page {
    let own = actor.delegated_address.as_ref().and_then(EthAddress::from_address);
    Page::default()
        .with("id", Address::new_id(id).to_string())
        .with("code", actor.code.to_string())
        .with("builtin", BuiltinActor::from_code(&actor.code).map(BuiltinActor::name))
        .with("state", actor.state.to_string())
        .with("nonce", actor.sequence)
        .with_unit("balance", atto(&actor.balance), "attoTRB")
        .with("delegated_address", actor.delegated_address.map(|address| address.to_string()))
        .with("eth_address", own.unwrap_or_else(|| EthAddress::from_actor_id(id)).to_string())
}

fn atto(amount: &TokenAmount) -> String {
    amount.atto().to_string()
}

/// A storage slot.
#[must_use]
pub fn show_slot(question: &SlotAt, value: &Hash32) -> Page {
    Page::default()
        .with("contract", question.contract.to_string())
        .with("slot", question.slot.to_string())
        .with("value", value.to_string())
}

/// An entry; no value where there is none.
#[must_use]
pub fn show_entry(question: &EntryAt, value: Option<&[u8]>) -> Page {
    Page::default()
        .with("actor", question.actor.to_string())
        .with("key", question.key.to_string())
        .with("value", value.map(|value| format!("0x{}", hex::encode(value))))
}

/// IPLD as DAG-JSON: links `{"/": "CID"}`, bytes `{"/": {"bytes": "base64"}}`.
///
/// Source: "DAG-JSON", ipld.io/specs/codecs/dag-json/spec.
///
/// # Errors
/// For a float that JSON cannot hold.
pub fn to_dag_json(value: &Ipld) -> anyhow::Result<String> {
    Ok(String::from_utf8(serde_ipld_dagjson::to_vec(value)?)?)
}

/// A slot: a number, or `0x` and up to 64 hex digits.
///
/// # Errors
/// What a slot looks like.
pub fn parse_slot(text: &str) -> Result<Hash32, String> {
    let wrong = || "a slot is a number such as 3, or 0x and up to 64 hex digits".to_owned();
    let digits = match text.strip_prefix("0x") {
        Some(digits) => digits.to_owned(),
        None => format!("{:x}", text.parse::<u128>().map_err(|_| wrong())?),
    };
    if digits.is_empty() || digits.len() > 64 {
        return Err(wrong());
    }
    format!("0x{digits:0>64}").parse().map_err(|_| wrong())
}

/// A key of entries: `0x` and hex digits, or text.
///
/// # Errors
/// What a key looks like.
pub fn parse_entry_key(text: &str) -> Result<EntryKey, String> {
    let bytes = match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).ok(),
        None => Some(text.as_bytes().to_vec()),
    };
    let wrong = || format!("a key is 1 to {ENTRY_KEY_BYTES_MAX} bytes: text, or 0x and two hex digits for each");
    bytes.and_then(|bytes| EntryKey::new(&bytes)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_a_number_or_hex() {
        let slot = |last: u8| Hash32(std::array::from_fn(|at| if at == 31 { last } else { 0 }));
        for (text, expected) in [("3", 3), ("0x3", 3), ("0xff", 255), ("255", 255), ("0", 0)] {
            assert_eq!(parse_slot(text), Ok(slot(expected)), "{text}");
        }
        for bad in ["", "0x", "x", "-1", "0xg", &format!("0x{}", "0".repeat(65))] {
            assert!(parse_slot(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_text_or_hex() {
        for (text, expected) in [("k", &b"k"[..]), ("0x6b00", b"k\0"), ("0xFF", &[255]), ("6b", b"6b")] {
            assert_eq!(parse_entry_key(text).unwrap().as_bytes(), expected, "{text}");
        }
        for bad in ["", "0x", "0x6", "0xzz", &"k".repeat(65), &format!("0x{}", "6b".repeat(65))] {
            assert!(parse_entry_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dag_json_is_spelled_as_its_specification_says() {
        let cid = tributary_primitives::raw_cid(b"x");
        let value = Ipld::List(vec![Ipld::Link(cid), Ipld::Bytes(vec![1, 2]), Ipld::Integer(-1), Ipld::Null]);
        let expected = format!(r#"[{{"/":"{cid}"}},{{"/":{{"bytes":"AQI"}}}},-1,null]"#);
        assert_eq!(to_dag_json(&value).unwrap(), expected);
    }
}
