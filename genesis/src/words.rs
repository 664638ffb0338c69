//! The words of a genesis document that are not a number or a text.

use std::fmt;
use std::str::FromStr;

use fvm_shared::address::{Address, Payload};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_crypto::bls;
use tributary_primitives::actors::FIRST_USER_ID;
use tributary_primitives::address::AddressRejected;
use tributary_primitives::hash::{HexRejected, parse_hex, write_hex};
use tributary_primitives::{BlsPublicKey, EthAddress, hash, parse_address};

/// An ed25519 public key: 32 bytes, `0x` and hex in text. Signs blocks.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsensusPublicKey(pub [u8; 32]);

impl ConsensusPublicKey {
    /// Whether the bytes are a point of the curve.
    #[must_use]
    pub fn is_a_key(&self) -> bool {
        ed25519_consensus::VerificationKey::try_from(self.0).is_ok()
    }
}

impl fmt::Display for ConsensusPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for ConsensusPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConsensusPublicKey {
    type Err = HexRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

impl Serialize for ConsensusPublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hash::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for ConsensusPublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hash::deserialize(deserializer).map(Self)
    }
}

/// Who holds an account: an Ethereum address (`0x…`, the same as `f410f…`), or the address of a secp256k1 key (`f1…`) or of a BLS key
/// (`f3…`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountAddress(Address);

/// Why a text is no account's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRejected {
    /// No address at all.
    #[error(transparent)]
    Address(#[from] AddressRejected),
    /// An address, but not of a key that could sign.
    #[error("{0:?} is no account: an account has an address 0x…, f410f…, f1… or f3…")]
    NotAnAccount(String),
    /// An f3 address of bytes that are no key: what it held would be nobody's for ever.
    #[error("{0:?} is no account: its 48 bytes are no BLS public key, so nobody could sign for it")]
    NotABlsKey(String),
}

/// Why a text is no address of an actor that the chain may call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActorRejected {
    /// No address at all.
    #[error(transparent)]
    Address(#[from] AddressRejected),
    /// An address, but of a key or of a built-in actor.
    #[error("{0:?} is no actor that can be called: name it by 0x…, f410f…, f2…, or f0… from f0{FIRST_USER_ID} on")]
    NotAnActor(String),
}

/// At most this much of a text is shown in a refusal. An f3 address has 86.
const SHOWN_CHARACTERS_MAX: usize = 96;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}

/// An Ethereum address has one spelling, whichever it is read from.
fn write_address(address: &Address, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match EthAddress::from_address(address) {
        Some(ethereum) if ethereum.as_actor_id().is_none() => write!(f, "{ethereum}"),
        _ => write!(f, "{address}"),
    }
}

impl AccountAddress {
    /// As the executor knows it: f1, f3 or f410.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0
    }
}

impl From<EthAddress> for AccountAddress {
    /// A masked id address stays one; the document's rules refuse it when it is read back.
    fn from(address: EthAddress) -> Self {
        Self(address.to_address())
    }
}

impl FromStr for AccountAddress {
    type Err = AccountRejected;

    /// Cost: of an f3 40 µs, for its key.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = parse_address(text)?;
        match address.payload() {
            Payload::BLS(key) if !bls::is_a_key(&BlsPublicKey(*key)) => Err(AccountRejected::NotABlsKey(shown(text))),
            Payload::Secp256k1(_) | Payload::BLS(_) => Ok(Self(address)),
            Payload::Delegated(_) if EthAddress::from_address(&address).is_some() => Ok(Self(address)),
            Payload::Delegated(_) | Payload::ID(_) | Payload::Actor(_) => {
                Err(AccountRejected::NotAnAccount(shown(text)))
            }
        }
    }
}

impl fmt::Display for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_address(&self.0, f)
    }
}

impl Serialize for AccountAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An actor that the chain itself may call: by Ethereum address (`0x…`, the same as `f410f…`), by the address it got when it was made
/// (`f2…`), or by id (`f0…`). Nobody need be there yet.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActorAddress(Address);

impl ActorAddress {
    /// As the executor knows it.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0
    }
}

impl From<EthAddress> for ActorAddress {
    fn from(address: EthAddress) -> Self {
        Self(address.to_address())
    }
}

impl FromStr for ActorAddress {
    type Err = ActorRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = parse_address(text)?;
        let is_actor = match address.payload() {
            Payload::ID(id) => *id >= FIRST_USER_ID,
            Payload::Actor(_) => true,
            Payload::Delegated(_) => EthAddress::from_address(&address).is_some(),
            Payload::Secp256k1(_) | Payload::BLS(_) => false,
        };
        if is_actor { Ok(Self(address)) } else { Err(ActorRejected::NotAnActor(shown(text))) }
    }
}

impl fmt::Display for ActorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_address(&self.0, f)
    }
}

impl Serialize for ActorAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActorAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A number of attoTRB (10^-18 TRB), below 2^128: a decimal text in JSON, where numbers end at 2^53.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Balance(pub u128);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountRejected {
    /// Not a whole number of attoTRB.
    #[error("{0:?} is not a whole number of attoTRB below 2^128, without sign or leading zero")]
    NotAtto(String),
    /// Not a decimal number of TRB.
    #[error("{0:?} is not an amount like 1000, 1.5TRB or 250TRB (at most 18 decimals, below 2^128 attoTRB)")]
    NotTrb(String),
}

/// attoTRB in one TRB.
const TRB: u128 = 1_000_000_000_000_000_000;

impl Balance {
    /// Reads what a person types: attoTRB (`1000`), or TRB with up to 18 decimals (`1.5TRB`).
    ///
    /// # Errors
    /// [`AmountRejected`] for anything else.
    pub fn from_typed(text: &str) -> Result<Self, AmountRejected> {
        let Some(trb) = text.strip_suffix("TRB").or_else(|| text.strip_suffix("trb")) else { return text.parse() };
        let read = || {
            let (whole, decimals) = trb.trim_end().split_once('.').unwrap_or((trb.trim_end(), "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(decimals) || decimals.len() > 18 {
                return None;
            }
            let whole = whole.parse::<u128>().ok()?.checked_mul(TRB)?;
            format!("{decimals:0<18}").parse::<u128>().ok()?.checked_add(whole)
        };
        read().map(Self).ok_or_else(|| AmountRejected::NotTrb(text.chars().take(80).collect()))
    }
}

impl FromStr for Balance {
    type Err = AmountRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let balance = text.parse().ok().map(Self).filter(|balance| balance.to_string() == text);
        balance.ok_or_else(|| AmountRejected::NotAtto(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Balance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Balance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_spelling_whichever_it_is_read_from() {
        let ethereum: AccountAddress = "0x52908400098527886E0F7030069857D2E4169EE7".parse().unwrap();
        assert_eq!(ethereum.to_string(), "0x52908400098527886e0f7030069857d2e4169ee7");
        assert_eq!(ethereum.address().to_string().parse::<AccountAddress>(), Ok(ethereum), "the f410 form");
        let secp = "f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy";
        assert_eq!(secp.parse::<AccountAddress>().unwrap().to_string(), secp);
        let bls = "f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa";
        assert_eq!(bls.parse::<AccountAddress>().unwrap().to_string(), bls);
    }

    #[test]
    fn each_address_that_is_no_account_is_refused_for_its_own_reason() {
        for (text, reason) in [
            ("0x1234", "is no Ethereum address"),
            ("0xff00000000000000000000000000000000000064", "is no account"),
            ("f0100", "is no account"),
            ("f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i", "is no account"),
            ("t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy", "as on a test network"),
            (
                "t3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa",
                "as on a test network",
            ),
            // A letter in its middle is another.
            ("f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7vea7chbmew4uqiwakzvb6r6gquvt3xvksa", "hecksum"),
            // 47 bytes under a checksum that fits.
            ("f3qaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaapvvf5tq", "invalid length"),
            // No point of the curve, one outside the subgroup, and the one at infinity.
            (
                "f3qaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaadml7l57a",
                "no BLS public key",
            ),
            (
                "f3qaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaj4kjrj2a",
                "no BLS public key",
            ),
            (
                "f3yaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaby2smx7a",
                "no BLS public key",
            ),
            ("alice", "is no address"),
        ] {
            let refusal = text.parse::<AccountAddress>().unwrap_err().to_string();
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
    }

    #[test]
    fn an_actor_is_named_by_any_address_but_a_keys() {
        for text in ["0x52908400098527886e0f7030069857d2e4169ee7", "f0100", "f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i"]
        {
            assert_eq!(text.parse::<ActorAddress>().unwrap().to_string(), text);
        }
        let masked: ActorAddress = "0xff00000000000000000000000000000000000064".parse().unwrap();
        assert_eq!(masked.to_string(), "f0100");
        for (text, reason) in [
            ("f099", "from f0100 on"),
            ("0xff00000000000000000000000000000000000003", "from f0100 on"),
            ("f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy", "is no actor that can be called"),
            ("0x1234", "is no Ethereum address"),
            ("cron", "is no address"),
        ] {
            let refusal = text.parse::<ActorAddress>().unwrap_err().to_string();
            assert!(refusal.contains(reason), "{text}: {refusal}");
        }
    }

    #[test]
    fn amounts_are_atto_or_carry_their_unit() {
        for (typed, atto) in
            [("0", 0), ("1000", 1_000), ("1TRB", TRB), ("1.5TRB", 3 * TRB / 2), ("0.000000000000000001 trb", 1)]
        {
            assert_eq!(Balance::from_typed(typed), Ok(Balance(atto)), "{typed}");
        }
        for typed in [
            "",
            "-1",
            "+1",
            "01",
            "1.5",
            "TRB",
            ".5TRB",
            "1.TRB",
            "1.0000000000000000001TRB",
            "340282366920938463464TRB",
        ] {
            assert!(Balance::from_typed(typed).is_err(), "{typed}");
        }
        assert_eq!(u128::MAX.to_string().parse(), Ok(Balance(u128::MAX)));
    }
}
