//! `rand`: randomness of the chain and of the beacon, from the host.

use fvm_shared::clock::ChainEpoch;
use fvm_shared::error::ErrorNumber::IllegalArgument;
use fvm_shared::randomness::RANDOMNESS_LENGTH;
use wasmtime::Linker;

use super::{Answer, Context, Guest, value};
use crate::error::rejected;
use crate::host::{Host, RandomnessSource};
use crate::prices;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("rand", "get_chain_randomness", |guest: Guest<'_, H>, result: u32, epoch: i64| {
            value(guest, result, |context| randomness(context, RandomnessSource::Chain, epoch))
        })?
        .func_wrap("rand", "get_beacon_randomness", |guest: Guest<'_, H>, result: u32, epoch: i64| {
            value(guest, result, |context| randomness(context, RandomnessSource::Beacon, epoch))
        })?;
    Ok(())
}

/// The future is `IllegalArgument`, as the sdk documents. (The reference takes a negative look-back for
/// a huge one and runs out of gas.)
fn randomness<H: Host>(
    context: &mut Context<'_, H>,
    source: RandomnessSource,
    epoch: ChainEpoch,
) -> Answer<[u8; RANDOMNESS_LENGTH]> {
    let now = context.running.host().network().epoch;
    if epoch > now {
        return Err(rejected(IllegalArgument, format!("epoch {epoch} is after {now}")));
    }
    let lookback = now.checked_sub(epoch).and_then(|lookback| u64::try_from(lookback).ok());
    let lookback = lookback.ok_or_else(|| rejected(IllegalArgument, format!("epoch {epoch} is no epoch")))?;
    context.running.gas.charge(prices::lookback(lookback))?;
    let randomness = context.running.host().randomness(source, epoch)?;
    randomness.ok_or_else(|| rejected(IllegalArgument, format!("epoch {epoch} has no randomness")))
}
