//! Ethereum addresses, and how they stand for actors.
//!
//! | Ethereum address | Filecoin address | who |
//! |---|---|---|
//! | `0x…` (20 bytes) | `f410…` = f4, namespace 10 (the Ethereum address manager) | accounts and contracts of Ethereum |
//! | `0xff` + 11 zero bytes + id (8 bytes, big-endian) | `f0` + id | any other actor, "masked" |
//!
//! Source: FIP-0054, "Filecoin EVM runtime", and FIP-0055, "Supporting Ethereum accounts, addresses, and transactions".

use std::fmt;
use std::str::FromStr;

use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::actors::EAM_ID;
use crate::hash::{HexRejected, parse_hex, write_hex};

/// A 20-byte Ethereum address. In text `0x` and 40 lower-case hex digits.
#[derive(Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EthAddress(pub [u8; 20]);

/// First byte of a masked actor id, followed by eleven zero bytes.
const MASK: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl EthAddress {
    /// The address that stands for actor `id`, which has no Ethereum address of its own.
    #[must_use]
    pub fn from_actor_id(id: ActorID) -> Self {
        let mut bytes = [0; 20];
        bytes[..12].copy_from_slice(&MASK);
        bytes[12..].copy_from_slice(&id.to_be_bytes());
        Self(bytes)
    }

    /// The actor id that a masked address stands for; `None` for any other address.
    #[must_use]
    pub fn as_actor_id(&self) -> Option<ActorID> {
        let id = self.0.strip_prefix(&MASK)?;
        Some(ActorID::from_be_bytes(id.try_into().expect("20 bytes less 12 are 8")))
    }

    /// The Filecoin address: f0 for a masked id, f410 otherwise.
    #[must_use]
    pub fn to_address(&self) -> Address {
        match self.as_actor_id() {
            Some(id) => Address::new_id(id),
            None => Address::new_delegated(EAM_ID, &self.0).expect("20 bytes are within f4's 54"),
        }
    }

    /// The Ethereum address of an f410 or f0 address; `None` for every other kind.
    #[must_use]
    pub fn from_address(address: &Address) -> Option<Self> {
        match address.payload() {
            Payload::ID(id) => Some(Self::from_actor_id(*id)),
            Payload::Delegated(delegated) if delegated.namespace() == EAM_ID => {
                let address = Self(delegated.subaddress().try_into().ok()?);
                // A masked id is never a delegated address: one actor, one Ethereum address.
                address.as_actor_id().is_none().then_some(address)
            }
            _ => None,
        }
    }
}

impl fmt::Display for EthAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for EthAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EthAddress {
    type Err = HexRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

/// In JSON `0x` and hex, in DAG-CBOR a byte string.
impl Serialize for EthAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::hash::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for EthAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::hash::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_one_of_the_two_kinds_and_comes_back() {
        for address in [EthAddress([0x11; 20]), EthAddress::from_actor_id(100), EthAddress::from_actor_id(u64::MAX)] {
            assert_eq!(EthAddress::from_address(&address.to_address()), Some(address));
        }
        assert_eq!(EthAddress::from_actor_id(100).to_address(), Address::new_id(100));
        assert_eq!(EthAddress::from_address(&Address::new_secp256k1(&[4; 65]).unwrap()), None);
    }

    #[test]
    fn a_masked_id_wrapped_as_f410_is_no_second_name_for_the_actor() {
        let wrapped = Address::new_delegated(EAM_ID, &EthAddress::from_actor_id(100).0).unwrap();
        assert_eq!(EthAddress::from_address(&wrapped), None);
    }
}
