//! `network`: the block in execution and the ones before it.

use std::cmp::Ordering;

use fvm_shared::clock::ChainEpoch;
use fvm_shared::error::ErrorNumber::{IllegalArgument, LimitExceeded};
use fvm_shared::sys::out::network::NetworkContext;
use fvm_shared::version::NetworkVersion;
use wasmtime::Linker;

use super::vm::packed;
use super::{Answer, Context, Guest, amount, value};
use crate::error::rejected;
use crate::host::Host;
use crate::prices;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("network", "context", |guest: Guest<'_, H>, result: u32| value(guest, result, network_context))?
        .func_wrap("network", "total_fil_circ_supply", |guest: Guest<'_, H>, result: u32| {
            value(guest, result, |context| Ok(amount(&context.running.host().circulating_supply()?)?))
        })?
        .func_wrap(
            "network",
            "tipset_cid",
            |guest: Guest<'_, H>, result: u32, epoch: i64, out: u32, out_len: u32| {
                value(guest, result, |context| tipset_cid(context, epoch, out, out_len))
            },
        )?;
    Ok(())
}

fn network_context<H: Host>(context: &mut Context<'_, H>) -> Answer<NetworkContext> {
    let network = context.running.host().network();
    Ok(NetworkContext {
        epoch: network.epoch,
        timestamp: network.timestamp,
        base_fee: packed(amount(&network.base_fee)?),
        chain_id: network.chain_id,
        network_version: NetworkVersion::new(network.network_version),
    })
}

fn tipset_cid<H: Host>(context: &mut Context<'_, H>, epoch: ChainEpoch, out: u32, out_len: u32) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    let now = context.running.host().network().epoch;
    if epoch < 0 || epoch.cmp(&now) != Ordering::Less {
        return Err(rejected(IllegalArgument, format!("epoch {epoch} is not before {now}")));
    }
    context.running.gas.charge(prices::lookback(now.abs_diff(epoch)))?;
    let tipset = context.running.host().tipset_cid(epoch)?;
    let tipset = tipset.ok_or_else(|| rejected(LimitExceeded, format!("the block of epoch {epoch} is not known")))?;
    Ok(context.memory.write_cid(&tipset, out, out_len)?)
}
