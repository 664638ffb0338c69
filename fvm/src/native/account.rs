//! The account actor: stands for a key.
//!
//! Source: filecoin-project/builtin-actors, `actors/account/src/lib.rs`; FIP-0035 for `AuthenticateMessage`.

use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{strict_bytes, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::crypto::signature::SignatureType;
use fvm_shared::error::ExitCode;
use multihash_codetable::{Code, MultihashDigest};
use tributary_crypto::{bls, secp};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{BlsPublicKey, BlsSignature, cbor_cid};
use tributary_wasm::{GasTracker, Send, SyscallError, prices};

use super::{Answer, FIRST_EXPORTED_METHOD, Refusal, cbor, params, unhandled};
use crate::error::StateFatal;
use crate::kernel::{Kernel, fatal};
use crate::state::{Actor, StateView};

const PUBKEY_ADDRESS: u64 = 2;
const AUTHENTICATE_MESSAGE: u64 = 2_643_134_072;

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
struct AccountState {
    address: Address,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
struct AuthenticateMessageParams {
    #[serde(with = "strict_bytes")]
    signature: Vec<u8>,
    #[serde(with = "strict_bytes")]
    message: Vec<u8>,
}

/// The state of the account of `key`, and its CID.
pub(crate) fn state_block(key: &Address) -> (Cid, Arc<[u8]>) {
    let block = to_vec(&AccountState { address: *key }).expect("an address has a DAG-CBOR form");
    (cbor_cid(&block), Arc::from(block))
}

/// The account of `key`, with nothing; its state is stored.
pub(crate) fn actor<B: Blockstore>(store: &B, key: &Address) -> Result<Actor, StateFatal> {
    let (state, block) = state_block(key);
    store.put_keyed(&state, &block).map_err(StateFatal::tree)?;
    let mut actor = Actor::new(BuiltinActor::Account, None);
    Arc::make_mut(&mut actor.head).state = state;
    Ok(actor)
}

pub(super) fn invoke<V: StateView>(
    kernel: &mut Kernel<V>,
    receiver: ActorID,
    send: &Send,
    gas: &mut GasTracker,
) -> Answer {
    match send.method {
        PUBKEY_ADDRESS => cbor(&address_of(kernel, receiver)?),
        AUTHENTICATE_MESSAGE => authenticate(address_of(kernel, receiver)?, params(send)?, gas),
        exported if exported >= FIRST_EXPORTED_METHOD => Ok(None),
        _ => unhandled(),
    }
}

fn address_of<V: StateView>(kernel: &mut Kernel<V>, id: ActorID) -> Result<Address, Refusal> {
    let broken = |broken| Refusal::from(fatal(broken));
    let head = kernel.journal().actor(id).map_err(broken)?;
    let root = head.ok_or(Refusal::Exit(ExitCode::USR_ILLEGAL_STATE))?.state;
    let block = kernel.journal().block(&root).map_err(broken)?;
    let block = block.ok_or_else(|| StateFatal::missing(&root)).map_err(broken)?;
    let state: Result<AccountState, _> = fvm_ipld_encoding::from_slice(&block);
    state.map(|state| state.address).map_err(|_| Refusal::Exit(ExitCode::USR_ILLEGAL_STATE))
}

/// Answers true for the account's own signature over the message; aborts for any other.
fn authenticate(address: Address, params: AuthenticateMessageParams, gas: &mut GasTracker) -> Answer {
    let AuthenticateMessageParams { signature, message } = params;
    let is_signed = match address.payload() {
        Payload::Secp256k1(_) => {
            charge_signature(SignatureType::Secp256k1, &message, gas)?;
            is_signed_by_secp(&address, &signature, &message)
        }
        Payload::BLS(key) => {
            charge_signature(SignatureType::BLS, &message, gas)?;
            <[u8; 96]>::try_from(signature)
                .is_ok_and(|signature| bls::verify(&BlsPublicKey(*key), &message, &BlsSignature(signature)))
        }
        _ => false,
    };
    if is_signed { cbor(&true) } else { Err(Refusal::Exit(ExitCode::USR_ILLEGAL_ARGUMENT)) }
}

fn charge_signature(kind: SignatureType, message: &[u8], gas: &mut GasTracker) -> Result<(), Refusal> {
    gas.charge(prices::signature(kind, message.len())).map_err(|out| SyscallError::from(out).into())
}

fn is_signed_by_secp(address: &Address, signature: &[u8], message: &[u8]) -> bool {
    let Ok(signature) = <&[u8; 65]>::try_from(signature) else { return false };
    let digest = Code::Blake2b256.digest(message);
    let digest: [u8; 32] = digest.digest().try_into().expect("blake2b-256 gives 32 bytes");
    secp::recover(digest, signature).is_some_and(|key| secp::f1_address(&key) == *address)
}

#[cfg(test)]
mod tests {
    use tributary_crypto::SecpSecretKey;

    use super::*;

    #[test]
    fn an_account_authenticates_its_own_signature_alone() {
        let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
        let digest: [u8; 32] = Code::Blake2b256.digest(b"pay").digest().try_into().unwrap();
        let signature = key.sign(digest).to_vec();
        let other = SecpSecretKey::from_bytes(&[8; 32]).unwrap().f1_address();
        let answer = |address, signature: &[u8], message: &[u8]| {
            let params = AuthenticateMessageParams { signature: signature.to_vec(), message: message.to_vec() };
            authenticate(address, params, &mut GasTracker::new(10_000_000)).is_ok()
        };
        assert!(answer(key.f1_address(), &signature, b"pay"));
        assert!(!answer(other, &signature, b"pay"), "another account");
        assert!(!answer(key.f1_address(), &signature, b"pat"), "another message");
        assert!(!answer(key.f1_address(), &signature[..64], b"pay"), "a byte is missing");
        assert!(!answer(Address::new_id(99), &signature, b"pay"), "an account without a key");
    }

    #[test]
    fn a_verification_that_nobody_pays_is_not_done() {
        let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
        let params = AuthenticateMessageParams { signature: vec![0; 65], message: vec![] };
        let answer = authenticate(key.f1_address(), params, &mut GasTracker::new(1));
        assert!(matches!(answer, Err(Refusal::Halt(_))));
    }
}
