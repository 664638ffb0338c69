//! Who sends. The keys follow from a number alone, so that a second run finds the money of the first.

use cid::Cid;
use fvm_shared::address::Address;
use tributary_crypto::SecpSecretKey;
use tributary_primitives::{EthAddress, raw_cid};

use crate::words::Kind;

/// One sender.
#[derive(Clone, Debug)]
pub struct Account {
    /// What it signs with.
    pub key: SecpSecretKey,
    /// Its Ethereum account.
    pub eth: EthAddress,
    /// Its f1 account.
    pub f1: Address,
}

impl Account {
    /// The account of a key. Cost: 40 µs.
    #[must_use]
    pub fn of(key: SecpSecretKey) -> Self {
        Self { eth: key.eth_address(), f1: key.f1_address(), key }
    }

    /// Its address as transactions of this kind have it.
    #[must_use]
    pub fn address(&self, kind: Kind) -> Address {
        match kind {
            Kind::Ethereum => self.eth.to_address(),
            Kind::Fvm => self.f1,
        }
    }
}

/// The first `count` senders. Everybody can know their keys: what they hold is anybody's.
#[must_use]
pub fn senders(count: u32) -> Vec<Account> {
    (0..count).map(|number| Account::of(sender_key(number))).collect()
}

fn sender_key(number: u32) -> SecpSecretKey {
    let digest: Cid = raw_cid(format!("tributary load sender {number}").as_bytes());
    let bytes = digest.hash().digest().try_into().expect("blake2b-256 gives 32 bytes");
    SecpSecretKey::from_bytes(&bytes).expect("a hash is a key but with a chance below 2^-127")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_sender_has_an_address_of_its_own_and_keeps_it() {
        let addresses: BTreeSet<_> = senders(200).iter().map(|account| account.eth.0).collect();
        assert_eq!(addresses.len(), 200);
        assert_eq!(senders(3)[2].eth, senders(5)[2].eth);
    }
}
