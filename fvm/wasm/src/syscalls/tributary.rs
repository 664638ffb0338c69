//! `tributary`: what this network adds to the FVM's syscalls. Those of entries are in [`entries`].
//!
//! `bls_fast_aggregate_verify` checks a checkpoint's certificate: one signature of many signers over one
//! message. Keys are added first, so the cost grows by an addition a signer and not by a pairing. Sound
//! only for keys whose possession was proved; that is the calling actor's duty.

mod entries;

use fvm_shared::crypto::signature::BLS_PUB_LEN;
use tributary_crypto::bls;
use tributary_primitives::{BlsPublicKey, BlsSignature};
use wasmtime::Linker;

use super::crypto::verdict;
use super::{Answer, Context, Guest, value};
use crate::host::Host;
use crate::prices;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "tributary",
        "bls_fast_aggregate_verify",
        |guest: Guest<'_, H>, result: u32, signers: u32, keys: u32, message: u32, message_len: u32, signature: u32| {
            value(guest, result, |context| {
                bls_fast_aggregate_verify(context, (signers, keys), (message, message_len), signature)
            })
        },
    )?;
    entries::link(linker)
}

fn bls_fast_aggregate_verify<H: Host>(
    context: &mut Context<'_, H>,
    (signers, keys): (u32, u32),
    (message, message_len): (u32, u32),
    signature: u32,
) -> Answer<i32> {
    let keys = context.memory.arrays::<BLS_PUB_LEN>(keys, signers)?;
    let message = context.memory.slice(message, message_len)?;
    let signature = BlsSignature(context.memory.array(signature)?);
    context.running.gas.charge(prices::bls_fast_aggregate(keys.len(), message.len()))?;
    let keys: Vec<_> = keys.iter().copied().map(BlsPublicKey).collect();
    Ok(verdict(bls::fast_aggregate_verify(&keys, message, &signature)))
}
