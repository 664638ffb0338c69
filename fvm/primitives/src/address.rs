//! Addresses as people write them: one reading for genesis, JSON-RPC and every command.
//!
//! | text | is |
//! |---|---|
//! | `f0…`, `f1…`, `f2…`, `f3…`, `f4…` | the Filecoin address of that kind; its checksum must fit |
//! | `0x` and 40 hex digits of either case | an Ethereum address: `f410…`, or `f0…` where it masks an actor's id |
//!
//! `t…` is how Filecoin's test networks spell the same bytes. It is refused, so that an address has one spelling in a text.

use fvm_shared::address::{Address, Network};

use crate::EthAddress;
use crate::hash::HexRejected;

/// Most characters of a refused text that are shown again.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRejected {
    /// Starts with `0x` and is no Ethereum address.
    #[error("{text:?} is no Ethereum address: {why}")]
    NotEthereum {
        /// The text, cut short.
        text: String,
        /// What is wrong.
        why: HexRejected,
    },
    /// A test network's spelling of an address.
    #[error("{text:?} is spelled as on a test network; this chain's addresses start with f")]
    TestNetwork {
        /// The text, cut short.
        text: String,
    },
    /// Neither of these, and no Filecoin address.
    #[error("{text:?} is no address such as f0100, f1…, f2…, f3…, f410f… or 0x…: {why}")]
    NotFilecoin {
        /// The text, cut short.
        text: String,
        /// What is wrong.
        why: String,
    },
}

/// The address in a text.
///
/// # Errors
/// [`AddressRejected`], which shows at most 80 characters of the text.
pub fn parse_address(text: &str) -> Result<Address, AddressRejected> {
    if text.starts_with("0x") {
        let address = text.parse::<EthAddress>().map(|address| address.to_address());
        return address.map_err(|why| AddressRejected::NotEthereum { text: shown(text), why });
    }
    Network::Mainnet.parse_address(text).map_err(|why| match Network::Testnet.parse_address(text) {
        Ok(_) => AddressRejected::TestNetwork { text: shown(text) },
        Err(_) => AddressRejected::NotFilecoin { text: shown(text), why: why.to_string() },
    })
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_every_kind_is_read() {
        let contract = EthAddress([0x11; 20]);
        let key = Address::new_secp256k1(&[4; 65]).unwrap();
        let actor = Address::new_actor(b"actor");
        let bls = Address::new_bls(&[7; 48]).unwrap();
        let other_namespace = Address::new_delegated(32, b"name").unwrap();
        for (text, address) in [
            ("f0100".to_owned(), Address::new_id(100)),
            (key.to_string(), key),
            (actor.to_string(), actor),
            (bls.to_string(), bls),
            (other_namespace.to_string(), other_namespace),
            (contract.to_address().to_string(), contract.to_address()),
            (contract.to_string(), contract.to_address()),
            (format!("0x{}", "Ab".repeat(20)), EthAddress([0xab; 20]).to_address()),
            (EthAddress::from_actor_id(7).to_string(), Address::new_id(7)),
        ] {
            assert_eq!(parse_address(&text), Ok(address), "{text}");
        }
    }

    #[test]
    fn each_text_that_is_no_address_is_refused_for_its_own_reason() {
        let key = Address::new_secp256k1(&[4; 65]).unwrap().to_string();
        let mistyped = format!("{}{}", &key[..key.len() - 1], if key.ends_with('a') { 'b' } else { 'a' });
        for (text, reason) in [
            ("", "is no address such as f0100"),
            ("100", "is no address such as f0100"),
            ("alice", "is no address such as f0100"),
            ("f5abc", "protocol"),
            ("f0-1", "payload"),
            (&mistyped, "hecksum"),
            ("t0100", "is spelled as on a test network"),
            ("0x11", "hex of 2 digits where 40"),
            (&format!("0x{}", "g".repeat(40)), "no digit"),
            ("0X1111111111111111111111111111111111111111", "is no address such as"),
        ] {
            let refusal = parse_address(text).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("{text:?} is ")) && refusal.contains(reason), "{refusal}");
        }
    }

    #[test]
    fn a_refusal_is_short_however_long_the_text() {
        for start in ["f1", "0x"] {
            let text = start.repeat(10_000);
            assert!(parse_address(&text).unwrap_err().to_string().len() < 300);
        }
    }
}
