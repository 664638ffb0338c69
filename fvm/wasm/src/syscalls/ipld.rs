//! `ipld`: blocks of state, opened, created, read and linked by handle.

use cid::Cid;
use fvm_shared::error::ErrorNumber::{IllegalArgument, IllegalCid, IllegalCodec, LimitExceeded};
use fvm_shared::sys::BlockId;
use fvm_shared::sys::out::ipld::{IpldOpen, IpldStat};
use multihash_codetable::{Code, MultihashDigest};
use wasmtime::Linker;

use super::{Answer, Context, Guest, value};
use crate::block::{BLOCK_BYTES_MAX, Block, CODECS, bytes_without_links};
use crate::error::{HostFatal, rejected};
use crate::host::Host;
use crate::links::{BLAKE2B_256, BLAKE2B_256_BYTES};
use crate::memory::index;
use crate::prices;
use crate::running::Running;

pub(super) fn link<H: Host>(linker: &mut Linker<Running<H>>) -> wasmtime::Result<()> {
    linker
        .func_wrap("ipld", "block_open", |guest: Guest<'_, H>, result: u32, cid: u32| {
            value(guest, result, |context| block_open(context, cid))
        })?
        .func_wrap("ipld", "block_create", |guest: Guest<'_, H>, result: u32, codec: u64, data: u32, len: u32| {
            value(guest, result, |context| block_create(context, codec, data, len))
        })?
        .func_wrap(
            "ipld",
            "block_read",
            |guest: Guest<'_, H>, result: u32, block: u32, offset: u32, out: u32, out_len: u32| {
                value(guest, result, |context| block_read(context, block, offset, out, out_len))
            },
        )?
        .func_wrap("ipld", "block_stat", |guest: Guest<'_, H>, result: u32, block: u32| {
            value(guest, result, |context| block_stat(context, block))
        })?
        .func_wrap(
            "ipld",
            "block_link",
            |guest: Guest<'_, H>, result: u32, block: u32, hash: u64, hash_len: u32, out: u32, out_len: u32| {
                value(guest, result, |context| block_link(context, block, (hash, hash_len), (out, out_len)))
            },
        )?;
    Ok(())
}

/// Asks for room twice: before the links are looked for, and once it is known how many there are. Those of one block are few enough
/// to be found first: it has at most [`BLOCK_BYTES_MAX`], and a link takes 43 of them.
fn block_open<H: Host>(context: &mut Context<'_, H>, cid: u32) -> Answer<IpldOpen> {
    let cid = context.memory.cid(cid)?;
    let running = &mut *context.running;
    running.gas.charge(prices::BLOCK_OPEN)?;
    running.registry.check_reachable(&cid)?;
    let data = running
        .host()
        .block(&cid)?
        .ok_or_else(|| HostFatal(anyhow::anyhow!("block {cid} is reachable from the state and is not stored")))?;
    running.limits.check_room(bytes_without_links(u32::try_from(data.len()).unwrap_or(u32::MAX)))?;
    let block = Block::opened(cid.codec(), data, &mut running.gas)?;
    running.gas.charge(prices::block_open(block.size(), block.links().len()))?;
    let (codec, size) = (block.codec(), block.size());
    let bytes = block.bytes_opened();
    running.limits.check_room(bytes)?;
    let id = running.registry.put_reachable(block)?;
    running.limits.hold(bytes);
    Ok(IpldOpen { codec, id, size })
}

/// Refuses for its size and codec before anything is done with the bytes; asks for room as [`block_open`].
fn block_create<H: Host>(context: &mut Context<'_, H>, codec: u64, data: u32, len: u32) -> Answer<BlockId> {
    let data = context.memory.slice(data, len)?;
    if data.len() > BLOCK_BYTES_MAX {
        return Err(rejected(LimitExceeded, "a block has at most 1 MiB"));
    }
    if !CODECS.contains(&codec) {
        return Err(rejected(IllegalCodec, format!("codec {codec:#x} is not allowed")));
    }
    let running = &mut *context.running;
    running.limits.check_room(bytes_without_links(len))?;
    let block = Block::made(codec, data, &mut running.gas)?;
    let bytes = block.bytes_held();
    running.limits.check_room(bytes)?;
    let id = running.registry.put_checked(block)?;
    running.limits.hold(bytes);
    Ok(id)
}

/// Answers the block's size less the end of the buffer: above zero, more is left; below, so much less
/// was read than asked for.
fn block_read<H: Host>(
    context: &mut Context<'_, H>,
    block: BlockId,
    offset: u32,
    out: u32,
    out_len: u32,
) -> Answer<i32> {
    let buffer = context.memory.slice_mut(out, out_len)?;
    let end = offset
        .checked_add(out_len)
        .and_then(|end| i32::try_from(end).ok())
        .ok_or_else(|| rejected(IllegalArgument, "offset and length exceed 2³¹"))?;
    let block = context.running.registry.get(block)?;
    let size = i32::try_from(block.size()).map_err(|_| rejected(LimitExceeded, "the block has 2 GiB or more"))?;
    let rest = block.data().get(index(offset)..).unwrap_or_default();
    let read = rest.len().min(buffer.len());
    context.running.gas.charge(prices::block_read(read))?;
    buffer[..read].copy_from_slice(&rest[..read]);
    Ok(size - end)
}

fn block_stat<H: Host>(context: &mut Context<'_, H>, block: BlockId) -> Answer<IpldStat> {
    let block = context.running.registry.get(block)?;
    Ok(IpldStat { codec: block.codec(), size: block.size() })
}

fn block_link<H: Host>(
    context: &mut Context<'_, H>,
    block: BlockId,
    (hash, hash_len): (u64, u32),
    (out, out_len): (u32, u32),
) -> Answer<u32> {
    context.memory.check(out, out_len)?;
    if hash != BLAKE2B_256 || hash_len != u32::from(BLAKE2B_256_BYTES) {
        return Err(rejected(IllegalCid, "state is named by 32 bytes of blake2b"));
    }
    let running = &mut *context.running;
    let block = running.registry.get(block)?.clone();
    running.gas.charge(prices::block_link(block.size()))?;
    let cid = Cid::new_v1(block.codec(), Code::Blake2b256.digest(block.data()));
    running.host().put_block(cid, block.data().clone())?;
    running.registry.mark_reachable(cid);
    Ok(context.memory.write_cid(&cid, out, out_len)?)
}
