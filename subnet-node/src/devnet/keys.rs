//! The keys of a devnet's money. Everybody knows them.
//!
//! | keys | whose | has |
//! |---|---|---|
//! | [`DEVELOPMENT_SECRETS`] | yours: import one into a wallet | tokens on both networks, as `0x…` and as `f1…` |
//! | [`load_key`] | the demo load's, one sender each | tokens on the child, as `0x…` and as `f1…` |
//! | the relayer's | made afresh for each devnet, in `relayer/key.json` | tokens on the parent, as `f1…` |

use std::path::Path;

use tributary_crypto::SecpSecretKey;
use tributary_primitives::{Hash32, raw_cid};
use tributary_relayer::key::{KeyFileRejected, make_key, read_key};

/// The first ten keys of the mnemonic "test test test test test test test test test test test junk" at `m/44'/60'/0'/0/n`, which
/// Ethereum's development tools share.
///
/// **Never send anything of value to them**: on every public network others take it within seconds.
pub const DEVELOPMENT_SECRETS: [&str; 10] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
];

/// What is said wherever these keys are shown.
pub const WARNING: &str = "everybody knows these keys: use them on this devnet alone";

/// Senders that the load can have: each has one transaction on its way at a time.
pub const LOAD_KEYS: u16 = 64;

/// The key of one development account.
#[must_use]
pub fn development_key(secret: &str) -> SecpSecretKey {
    let bytes: Hash32 = secret.parse().expect("the table holds 32 bytes in hex");
    SecpSecretKey::from_bytes(&bytes.0).expect("the table holds keys")
}

/// All keys of [`DEVELOPMENT_SECRETS`].
#[must_use]
pub fn development_keys() -> Vec<SecpSecretKey> {
    DEVELOPMENT_SECRETS.into_iter().map(development_key).collect()
}

/// The key of one sender of the load: blake2b-256 of its name.
#[must_use]
pub fn load_key(number: u16) -> SecpSecretKey {
    let digest = raw_cid(format!("tributary devnet load {number}").as_bytes());
    let bytes = digest.hash().digest().try_into().expect("blake2b-256 gives 32 bytes");
    SecpSecretKey::from_bytes(&bytes).expect("a hash is a key but with a chance below 2^-127, and a test asks all")
}

/// Reads the relayer's key, or makes it when there is none.
///
/// # Errors
/// [`KeyFileRejected`], with the path.
pub fn relayer_key(path: &Path) -> Result<SecpSecretKey, KeyFileRejected> {
    if path.exists() { read_key(path) } else { make_key(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_accounts_are_those_of_the_mnemonic() {
        let addresses: Vec<_> = development_keys().iter().map(|key| key.eth_address().to_string()).collect();
        assert_eq!(
            addresses,
            [
                "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
                "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
                "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
                "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
                "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
                "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
                "0x976ea74026e726554db657fa54763abd0c3a0aa9",
                "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
                "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
                "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
            ]
        );
    }

    #[test]
    fn every_sender_of_the_load_has_an_address_of_its_own() {
        let addresses: std::collections::BTreeSet<_> =
            (0..LOAD_KEYS).map(|number| load_key(number).eth_address().0).collect();
        assert_eq!(addresses.len(), usize::from(LOAD_KEYS));
    }

    #[test]
    fn the_relayers_key_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.json");
        let made = relayer_key(&path).unwrap();
        assert_eq!(relayer_key(&path).unwrap().f1_address(), made.f1_address());
    }
}
