//! The host's side of the actor: blocks, BLS and events, each one syscall.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::CBOR;
use fvm_sdk as sdk;
use fvm_shared::address::Address;
use fvm_shared::crypto::signature::{Signature, SignatureType};
use fvm_shared::event::{ActorEvent, Entry, Flags};
use multihash_codetable::Code;
use serde::Serialize;
use tributary_checkpoint::{Accepted, actor::event};
use tributary_primitives::{BlsPublicKey, BlsSignature};

/// The blocks that this actor can reach.
pub struct HostBlocks;

impl Blockstore for HostBlocks {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        sdk::ipld::get(cid).map(Some).map_err(|number| anyhow::anyhow!("cannot read {cid}: {number}"))
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        let (hash, codec) = (cid.hash(), cid.codec());
        let written = put(hash.code(), u32::from(hash.size()), codec, block)?;
        anyhow::ensure!(written == *cid, "the host names the block {written}, not {cid}");
        Ok(())
    }

    // The default would hash in wasm first and then again on the host.
    fn put<D: AsRef<[u8]>>(&self, hash: Code, block: &fvm_ipld_blockstore::Block<D>) -> anyhow::Result<Cid> {
        const HASH_BYTES: u32 = 32;
        put(hash.into(), HASH_BYTES, block.codec, block.data.as_ref())
    }
}

fn put(hash: u64, hash_bytes: u32, codec: u64, block: &[u8]) -> anyhow::Result<Cid> {
    sdk::ipld::put(hash, hash_bytes, codec, block).map_err(|number| anyhow::anyhow!("cannot write a block: {number}"))
}

/// Whether `signature` by `key` over `message` holds. Bytes that are no key or no signature do not.
pub fn verify_one(key: &BlsPublicKey, message: &[u8], signature: &BlsSignature) -> bool {
    let signature = Signature { sig_type: SignatureType::BLS, bytes: signature.0.to_vec() };
    let signer = Address::new_bls(&key.0).expect("48 bytes are a BLS address");
    sdk::crypto::verify_signature(&signature, &signer, message).unwrap_or(false)
}

/// Whether one aggregate `signature` by all `keys` over `message` holds. Bytes that are no key or no signature do not.
pub fn verify_aggregate(keys: &[BlsPublicKey], message: &[u8], signature: &BlsSignature) -> bool {
    let flat: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    let (Ok(signers), Ok(message_bytes)) = (u32::try_from(keys.len()), u32::try_from(message.len())) else {
        return false;
    };
    #[expect(unsafe_code, reason = "the pointers are to slices alive until the call returns, with their lengths")]
    let answer = unsafe {
        syscall::bls_fast_aggregate_verify(
            signers,
            flat.as_ptr(),
            message.as_ptr(),
            message_bytes,
            signature.0.as_ptr(),
        )
    };
    answer == Ok(0)
}

/// This chain's own syscall, beside the FVM's. The name, the order and the units are the host's.
#[allow(unsafe_code, missing_docs, reason = "the macro declares foreign functions")]
mod syscall {
    fvm_sdk::sys::fvm_syscalls! {
        module = "tributary";

        /// Aggregates `signers` public keys of 48 bytes and checks one signature of 96 bytes over the message, with one
        /// pairing check. 0 if it holds, -1 if not.
        pub fn bls_fast_aggregate_verify(
            signers: u32,
            keys: *const u8,
            message: *const u8,
            message_bytes: u32,
            signature: *const u8,
        ) -> Result<i32>;
    }
}

/// Tells the world that `accepted` was accepted.
pub fn emit(accepted: &Accepted) -> Result<(), fvm_shared::error::ErrorNumber> {
    let event = ActorEvent {
        entries: vec![
            entry(event::TYPE_KEY, &event::CHECKPOINT_ACCEPTED),
            entry(event::HEIGHT_KEY, &accepted.height),
            entry(event::CID_KEY, &accepted.cid),
        ],
    };
    sdk::event::emit_event(&event)
}

fn entry(key: &str, value: &impl Serialize) -> Entry {
    let value = fvm_ipld_encoding::to_vec(value).expect("a text, a number or a CID");
    Entry { flags: Flags::FLAG_INDEXED_ALL, key: key.to_owned(), codec: CBOR, value }
}
