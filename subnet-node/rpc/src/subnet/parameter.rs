//! The parameters of the `subnet_` namespace, read strictly.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tributary_fvm::call::FvmCall;
use tributary_primitives::entry::ENTRY_KEY_BYTES_MAX;
use tributary_primitives::{EntryKey, Hash32, cbor_cid_of, parse_address};
use tributary_witness::{PartsOf, StatePath};

use super::view::{EstimatedMessage, SignedFields, atto};
use crate::hex_bytes::{self, HexBytes, Slot};

/// An address of any kind: `f0…` to `f4…`, or `0x…` for the one it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyAddress(pub Address);

impl<'de> Deserialize<'de> for AnyAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_address(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// A way below an actor's state, as in `2/0`; empty, or left out, for all of its root block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub StatePath);

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A signed transaction: `0x` and hex, or base64 as Filecoin's tools write bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTransaction(pub Vec<u8>);

impl<'de> Deserialize<'de> for RawTransaction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// Bytes in either spelling. What begins with `0x` is hex: in base64 it would begin with a byte that begins no transaction and no CBOR of any method.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    if text.starts_with("0x") {
        return hex_bytes::parse(text);
    }
    BASE64.decode(text).map_err(|why| format!("neither 0x and hex nor base64: {why}"))
}

/// Parameters of a method: `0x` and hex, or base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct MethodParams(Vec<u8>);

impl<'de> Deserialize<'de> for MethodParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// A transaction of either kind by its hash, or a message by its CID, as Filecoin's tools name it: the hash is that CID's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageName(pub Hash32);

impl<'de> Deserialize<'de> for MessageName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with("0x") {
            return text.parse().map(Self).map_err(D::Error::custom);
        }
        let cid: Cid = text.parse().map_err(|why| D::Error::custom(format!("neither 0x and hex nor a CID: {why}")))?;
        match <[u8; 32]>::try_from(cid.hash().digest()) {
            Ok(digest) if cbor_cid_of(&digest) == cid => Ok(Self(Hash32(digest))),
            _ => Err(D::Error::custom("no message has such a CID: it is version 1, DAG-CBOR, blake2b-256")),
        }
    }
}

/// A message that nobody signed, to be tried: in the names of Filecoin's messages, or in this namespace's own. As there, a gas limit of 0 is as good
/// as none, and so is a fee cap of 0.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageCall {
    #[serde(alias = "From")]
    from: AnyAddress,
    #[serde(alias = "To")]
    to: AnyAddress,
    #[serde(default, alias = "Method")]
    method: u64,
    #[serde(default, alias = "Params")]
    params: Option<MethodParams>,
    #[serde(default, alias = "Value")]
    value: Atto,
    #[serde(default, alias = "GasLimit")]
    gas_limit: Option<u64>,
    #[serde(default, alias = "Nonce")]
    nonce: u64,
    #[serde(default, alias = "GasFeeCap")]
    gas_fee_cap: Atto,
    #[serde(default, alias = "GasPremium")]
    gas_premium: Atto,
    // What else Filecoin's tools write of a message, and nothing here depends on.
    #[serde(default, rename = "Version")]
    _version: Option<u64>,
    #[serde(default, rename = "CID")]
    _cid: Option<Value>,
}

impl MessageCall {
    /// The call, held to `gas_max` FVM gas.
    pub fn into_call(self, gas_max: u64) -> FvmCall {
        FvmCall {
            from: self.from.0,
            to: self.to.0,
            method: self.method,
            params: self.params.unwrap_or_default().0,
            value: self.value.0,
            gas_limit: Some(self.gas_limit.filter(|gas| *gas > 0).unwrap_or(gas_max).min(gas_max)),
        }
    }

    /// The message with this gas limit. Where it offers no price, one that is enough while `base_fee`, of a unit of FVM gas, no more than doubles.
    pub fn estimated(self, gas_limit: u64, base_fee: u64) -> EstimatedMessage {
        let (mut cap, premium) = (self.gas_fee_cap.0, self.gas_premium.0);
        if cap == TokenAmount::default() {
            cap = TokenAmount::from_atto(u128::from(base_fee) * 2);
            cap += &premium;
        }
        let message = SignedFields {
            version: 0,
            to: self.to.0.to_string(),
            from: self.from.0.to_string(),
            nonce: self.nonce,
            value: atto(&self.value.0),
            gas_limit,
            gas_fee_cap: atto(&cap),
            gas_premium: atto(&premium),
            method: self.method,
            params: HexBytes(self.params.unwrap_or_default().0),
        };
        EstimatedMessage { message, base_fee }
    }
}

/// What to prove beside the actor itself. All of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofParts {
    /// Storage slots of the contract.
    #[serde(default)]
    slots: Vec<Slot>,
    /// Keys of the actor's entries.
    #[serde(default)]
    entries: Vec<HexBytes>,
    /// Below the actor's state, as in `2/0`; empty for all of its root block.
    #[serde(default)]
    path: Option<String>,
}

impl ProofParts {
    /// The question about these parts of `actor`.
    ///
    /// # Errors
    /// What is no key or path, or too much.
    pub fn of(self, actor: Address) -> Result<PartsOf, String> {
        let key = |bytes: HexBytes| {
            let wrong = || format!("a key has 1 to {ENTRY_KEY_BYTES_MAX} bytes, not {}", bytes.0.len());
            EntryKey::new(&bytes.0).ok_or_else(wrong)
        };
        let slots = self.slots.iter().map(|slot| Hash32(slot.0)).collect();
        let entries = self.entries.into_iter().map(key).collect::<Result<_, _>>()?;
        let path = self.path.map(|path| path.parse::<StatePath>().map_err(|why| format!("path: {why}"))).transpose()?;
        PartsOf::new(actor, slots, entries, path).map_err(|why| why.to_string())
    }
}

/// An amount in attoTRB: a decimal string, since JSON's numbers are too short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Atto(pub(super) TokenAmount);

/// Digits of 2^128, the greatest amount that a message may move.
const ATTO_DIGITS_MAX: usize = 39;

impl<'de> Deserialize<'de> for Atto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_decimal = (1..=ATTO_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_decimal {
            return Err(D::Error::custom("an amount is a decimal string of attoTRB, of at most 39 digits"));
        }
        BigInt::from_str(&text).map(|atto| Self(TokenAmount::from_atto(atto))).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_may_be_hex_or_base64() {
        let read = |text: &str| serde_json::from_str::<RawTransaction>(&format!("{text:?}"));
        assert_eq!(read("0x820102").unwrap(), RawTransaction(vec![0x82, 1, 2]));
        assert_eq!(read("ggEC").unwrap(), RawTransaction(vec![0x82, 1, 2]));
        assert!(read("0x8").unwrap_err().to_string().contains("odd length"));
        assert!(read("gg!C").unwrap_err().to_string().contains("neither 0x and hex nor base64"));
    }

    #[test]
    fn a_message_goes_by_its_hash_or_by_its_cid() {
        let read = |text: &str| serde_json::from_str::<MessageName>(&format!("{text:?}"));
        let hash = Hash32([7; 32]);
        let cid = cbor_cid_of(&hash.0);
        for text in [hash.to_string(), cid.to_string()] {
            assert_eq!(read(&text).unwrap(), MessageName(hash), "{text}");
        }
        let raw = Cid::new_v1(0x55, *cid.hash()).to_string();
        for (text, reason) in [
            ("0x12", "hex of 2 digits where 64 are needed"),
            ("", "neither 0x and hex nor a CID"),
            ("bafy", "neither 0x and hex nor a CID"),
            (raw.as_str(), "no message has such a CID"),
            ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "no message has such a CID"),
        ] {
            let refusal = read(text).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_call_is_read_strictly_and_held_to_the_gas_allowed() {
        let read = |text: &str| serde_json::from_str::<MessageCall>(text);
        let call = read(r#"{"from":"f0100","to":"f01","value":"5","gas_limit":900}"#).unwrap().into_call(500);
        let expected = FvmCall {
            from: Address::new_id(100),
            to: Address::new_id(1),
            method: 0,
            params: vec![],
            value: TokenAmount::from_atto(5),
            gas_limit: Some(500),
        };
        assert_eq!(call, expected);
        for (text, reason) in [
            (r#"{"to":"f01"}"#, "missing field `from`"),
            (r#"{"from":"f0100","to":"f01","data":"0x"}"#, "unknown field `data`"),
            (r#"{"from":"f0100","to":"f01","value":"-5"}"#, "decimal string of attoTRB"),
            (r#"{"from":"f0100","to":"f01","value":""}"#, "decimal string of attoTRB"),
            (r#"{"from":"f0100","to":"f01","value":"1000000000000000000000000000000000000000"}"#, "at most 39 digits"),
            (r#"{"from":"f0100","to":"f01","params":"00"}"#, "neither 0x and hex nor base64"),
            (r#"{"from":"f0100","From":"f0100","to":"f01"}"#, "duplicate field `from`"),
            (r#"{"From":"f0100","To":"f01","GasPrice":"1"}"#, "unknown field `GasPrice`"),
        ] {
            assert!(read(text).unwrap_err().to_string().contains(reason), "{text}");
        }
    }

    #[test]
    fn a_call_may_be_a_message_as_filecoins_tools_write_it() {
        let read = |text: &str| serde_json::from_str::<MessageCall>(text).unwrap();
        let theirs = read(
            r#"{"Version":0,"To":"f01","From":"f0100","Nonce":7,"Value":"5","GasLimit":400,"GasFeeCap":"9","GasPremium":"3","Method":2,
                "Params":"ggEC","CID":{"/":"bafy"}}"#,
        );
        let ours = r#"{"from":"f0100","to":"f01","nonce":7,"value":"5","gas_limit":400,"gas_fee_cap":"9","gas_premium":"3","method":2,"params":"0x820102"}"#;
        assert_eq!(theirs.clone().into_call(500), read(ours).into_call(500));
        assert_eq!(theirs.clone().estimated(300, 4), read(ours).estimated(300, 4));
        let EstimatedMessage { message, base_fee } = theirs.estimated(300, 4);
        assert_eq!((message.nonce, message.gas_limit, base_fee), (7, 300, 4));
        assert_eq!((message.gas_fee_cap.as_str(), message.gas_premium.as_str()), ("9", "3"), "as it was offered");
        assert_eq!(message.params, HexBytes(vec![0x82, 1, 2]));

        let unset = read(r#"{"To":"f01","From":"f0100","GasLimit":0,"GasFeeCap":"0","GasPremium":"3","Params":null}"#);
        let call = unset.clone().into_call(500);
        assert_eq!((call.gas_limit, call.params), (Some(500), vec![]));
        assert_eq!(unset.estimated(300, 4).message.gas_fee_cap, "11", "twice the base fee, and the premium");
    }
}
