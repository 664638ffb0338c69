//! Names at hand: which id is behind an address.
//!
//! Nearly every address is a key's (f1) or Ethereum's (f410), of twenty bytes. They have a table of their own, in which one takes 40 bytes
//! and is found by comparing three words; an [`Address`] has room for the longest there is, and takes 96.

use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use tributary_primitives::EthAddress;

use crate::state::Map;

/// Ids by address; an address that has none is remembered too.
#[derive(Default)]
pub(super) struct Names {
    short: Map<Short, Option<ActorID>>,
    long: Map<Address, Option<ActorID>>,
}

/// An address of twenty bytes, and which kind it is.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
struct Short(u64, u64, u64);

impl Short {
    fn of(address: &Address) -> Option<Self> {
        match address.payload() {
            Payload::Secp256k1(bytes) => Some(Self::new(1, bytes)),
            Payload::Actor(bytes) => Some(Self::new(2, bytes)),
            Payload::Delegated(_) => EthAddress::from_address(address).map(Self::ethereum),
            Payload::ID(_) | Payload::BLS(_) => None,
        }
    }

    fn ethereum(address: EthAddress) -> Self {
        Self::new(4, &address.0)
    }

    fn new(kind: u64, bytes: &[u8; 20]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = *bytes;
        let last = u32::from_le_bytes([q, r, s, t]);
        Self(
            u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            u64::from_le_bytes([i, j, k, l, m, n, o, p]),
            kind << 32 | u64::from(last),
        )
    }
}

impl Names {
    /// The same as [`Self::get`] for the f410 address of an Ethereum address that masks no id.
    pub(super) fn get_ethereum(&self, address: EthAddress) -> Option<Option<ActorID>> {
        self.short.get(&Short::ethereum(address)).copied()
    }

    /// What is known of an address; inner `None` when nobody has it.
    pub(super) fn get(&self, address: &Address) -> Option<Option<ActorID>> {
        match Short::of(address) {
            Some(short) => self.short.get(&short),
            None => self.long.get(address),
        }
        .copied()
    }

    pub(super) fn insert(&mut self, address: Address, id: Option<ActorID>) {
        match Short::of(&address) {
            Some(short) => self.short.insert(short, id),
            None => self.long.insert(address, id),
        };
    }

    /// How many are at hand.
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_the_same_bytes_are_different_names() {
        let bytes = [7; 20];
        let addresses = [
            Address::new_secp256k1(&[7; 65]).unwrap(),
            Address::new_actor(&bytes),
            Address::new_bls(&[7; 48]).unwrap(),
            Address::new_delegated(10, &bytes).unwrap(),
            Address::new_delegated(11, &bytes).unwrap(),
            Address::new_delegated(10, &bytes[..19]).unwrap(),
            Address::from_bytes(&[[1].as_slice(), &bytes].concat()).unwrap(),
            Address::from_bytes(&[[2].as_slice(), &bytes].concat()).unwrap(),
        ];
        let mut names = Names::default();
        for (id, address) in (100..).zip(&addresses) {
            assert_eq!(names.get(address), None, "{address}");
            names.insert(*address, Some(id));
        }
        names.insert(addresses[0], None);
        assert_eq!(names.get(&addresses[0]), Some(None));
        for (id, address) in (101..).zip(&addresses[1..]) {
            assert_eq!(names.get(address), Some(Some(id)), "{address}");
        }
        assert_eq!(names.get_ethereum(EthAddress(bytes)), Some(Some(103)));
        assert_eq!(names.len(), addresses.len());
    }

    #[test]
    fn every_byte_counts() {
        let mut names = Names::default();
        for place in 0..20 {
            let mut bytes = [0; 20];
            bytes[place] = 1;
            names.insert(EthAddress(bytes).to_address(), Some(1));
        }
        assert_eq!(names.len(), 20);
    }
}
