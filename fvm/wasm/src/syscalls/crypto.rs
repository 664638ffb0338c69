//! `crypto`: signatures and hashes. The price is charged before the work, by the size of the input.

use fvm_shared::address::{Address, Payload};
use fvm_shared::crypto::signature::{
    BLS_PUB_LEN, SECP_PUB_LEN, SECP_SIG_LEN, SECP_SIG_MESSAGE_HASH_SIZE, SignatureType,
};
use fvm_shared::error::ErrorNumber::IllegalArgument;
use multihash_codetable::{Code, MultihashDigest};
use tributary_crypto::{bls, secp};
use tributary_primitives::{BlsPublicKey, BlsSignature};
use wasmtime::Linker;

use super::{Answer, Context, Guest, value};
use crate::error::rejected;
use crate::host::Host;
use crate::memory::index;
use crate::prices;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "crypto",
            "verify_signature",
            |guest: Guest<'_, H>,
             result: u32,
             kind: u32,
             signature: u32,
             signature_len: u32,
             signer: u32,
             signer_len: u32,
             message: u32,
             message_len: u32| {
                value(guest, result, |context| {
                    let (signature, message) = ((signature, signature_len), (message, message_len));
                    verify_signature(context, kind, signature, (signer, signer_len), message)
                })
            },
        )?
        .func_wrap(
            "crypto",
            "verify_bls_aggregate",
            |guest: Guest<'_, H>,
             result: u32,
             signers: u32,
             signature: u32,
             keys: u32,
             messages: u32,
             message_lens: u32| {
                value(guest, result, |context| {
                    verify_bls_aggregate(context, signers, signature, keys, (messages, message_lens))
                })
            },
        )?
        .func_wrap(
            "crypto",
            "recover_secp_public_key",
            |guest: Guest<'_, H>, result: u32, digest: u32, signature: u32| {
                value(guest, result, |context| recover_secp_public_key(context, digest, signature))
            },
        )?
        .func_wrap(
            "crypto",
            "hash",
            |guest: Guest<'_, H>,
             result: u32,
             function: u64,
             data: u32,
             data_len: u32,
             digest: u32,
             digest_len: u32| {
                value(guest, result, |context| hash(context, function, (data, data_len), (digest, digest_len)))
            },
        )?;
    Ok(())
}

/// A check, as the guest reads it.
pub(super) const fn verdict(holds: bool) -> i32 {
    if holds { 0 } else { -1 }
}

fn verify_signature<H: Host>(
    context: &mut Context<'_, H>,
    kind: u32,
    (signature, signature_len): (u32, u32),
    (signer, signer_len): (u32, u32),
    (message, message_len): (u32, u32),
) -> Answer<i32> {
    let kind = match kind {
        1 => SignatureType::Secp256k1,
        2 => SignatureType::BLS,
        _ => return Err(rejected(IllegalArgument, format!("no signature has type {kind}"))),
    };
    let signature = context.memory.slice(signature, signature_len)?;
    let signer = context.memory.address(signer, signer_len)?;
    let message = context.memory.slice(message, message_len)?;
    context.running.gas.charge(prices::signature(kind, message.len()))?;
    if !matches!(signer.payload(), Payload::Secp256k1(_) | Payload::BLS(_)) {
        return Err(rejected(IllegalArgument, format!("{signer} is no key address")));
    }
    Ok(verdict(signature_holds(kind, signature, &signer, message)))
}

/// A signature of one kind never holds for a key of the other.
fn signature_holds(kind: SignatureType, signature: &[u8], signer: &Address, message: &[u8]) -> bool {
    match (kind, signer.payload()) {
        (SignatureType::Secp256k1, Payload::Secp256k1(_)) => secp_holds(signature, signer, message),
        (SignatureType::BLS, Payload::BLS(key)) => match signature.try_into() {
            Ok(signature) => bls::verify(&BlsPublicKey(*key), message, &BlsSignature(signature)),
            Err(_) => false,
        },
        _ => false,
    }
}

/// Filecoin signs the blake2b-256 of a message, and an f1 address is a hash of the key.
fn secp_holds(signature: &[u8], signer: &Address, message: &[u8]) -> bool {
    let digest = Code::Blake2b256.digest(message);
    let (Ok(digest), Ok(signature)) = (digest.digest().try_into(), signature.try_into()) else {
        return false;
    };
    secp::recover(digest, signature).is_some_and(|key| secp::f1_address(&key) == *signer)
}

fn verify_bls_aggregate<H: Host>(
    context: &mut Context<'_, H>,
    signers: u32,
    signature: u32,
    keys: u32,
    (messages, message_lens): (u32, u32),
) -> Answer<i32> {
    let signature = BlsSignature(context.memory.array(signature)?);
    let keys = context.memory.arrays::<BLS_PUB_LEN>(keys, signers)?;
    let lens = context.memory.arrays::<4>(message_lens, signers)?;
    let lens = || lens.iter().map(|len| u32::from_le_bytes(*len));
    let total = lens()
        .try_fold(0_u32, u32::checked_add)
        .ok_or_else(|| rejected(IllegalArgument, "the messages have more than 4 GiB"))?;
    let mut messages = context.memory.slice(messages, total)?;
    context.running.gas.charge(prices::bls_aggregate(keys.len(), messages.len()))?;

    let keys: Vec<_> = keys.iter().copied().map(BlsPublicKey).collect();
    let messages: Vec<_> = lens()
        .map(|len| {
            // The lengths add up to the whole.
            let (message, rest) = messages.split_at(index(len));
            messages = rest;
            message
        })
        .collect();
    Ok(verdict(bls::verify_aggregate(&keys, &messages, &signature)))
}

fn recover_secp_public_key<H: Host>(
    context: &mut Context<'_, H>,
    digest: u32,
    signature: u32,
) -> Answer<[u8; SECP_PUB_LEN]> {
    let digest = context.memory.array::<SECP_SIG_MESSAGE_HASH_SIZE>(digest)?;
    let signature = context.memory.array::<SECP_SIG_LEN>(signature)?;
    context.running.gas.charge(prices::SECP_RECOVER)?;
    secp::recover(digest, &signature).ok_or_else(|| rejected(IllegalArgument, "no key made this signature"))
}

/// Hash functions by multicodec, with their price in gas a byte. Source: ref-fvm 4.8 `hashing_cost`.
fn hash_function(code: u64) -> Option<(Code, u64)> {
    match code {
        0x12 => Some((Code::Sha2_256, 7)),
        0x1b => Some((Code::Keccak256, 33)),
        0x1053 => Some((Code::Ripemd160, 35)),
        0xb220 => Some((Code::Blake2b256, 10)),
        0xb240 => Some((Code::Blake2b512, 10)),
        _ => None,
    }
}

fn hash<H: Host>(
    context: &mut Context<'_, H>,
    function: u64,
    (data, data_len): (u32, u32),
    (out, out_len): (u32, u32),
) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    let data = context.memory.slice(data, data_len)?;
    let (function, per_byte) = hash_function(function)
        .ok_or_else(|| rejected(IllegalArgument, format!("hash function {function:#x} is unknown")))?;
    context.running.gas.charge(prices::hash(per_byte, data.len()))?;
    let hash = function.digest(data);
    // A shorter buffer gets the front of the digest.
    let digest = hash.digest();
    let digest = digest.get(..index(out_len)).unwrap_or(digest);
    Ok(context.memory.write(digest, out, out_len)?)
}
