//! What gas costs.
//!
//! The base fee is the chain's; the tip suggested is what others paid lately: of the last 20 blocks' transactions, the tip that
//! 60 % of them stayed at or below. Nobody competes for an empty block, so with no transactions the suggestion is zero.
//!
//! Source: go-ethereum, `eth/gasprice` (blocks and percentile are its defaults).

use std::sync::Mutex;
use std::time::Instant;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U128;
use alloy_rpc_types_eth::FeeHistory;
use serde::{Deserialize, Deserializer};
use tributary_primitives::Height;

use crate::backend::{BlockView, Executed};
use crate::convert::price;
use crate::error::RpcRejected;
use crate::node::Node;

/// Blocks that a suggested tip is taken from.
const TIP_BLOCKS: u64 = 20;
/// The suggested tip is at or above this many hundredths of the tips paid.
const TIP_PERCENT: usize = 60;
/// Most blocks of a fee history: go-ethereum's `maxHeaderFeeHistory`.
const HISTORY_BLOCKS_MAX: u64 = 1_024;
/// Most percentiles of a fee history: go-ethereum's `maxQueryLimit`.
const PERCENTILES_MAX: usize = 100;

/// The lowest price of blob gas.
///
/// Source: EIP-4844, `MIN_BASE_FEE_PER_BLOB_GAS`.
const BLOB_BASE_FEE: u64 = 1;

/// The tip suggested at a height, kept until the next block.
#[derive(Debug, Default)]
pub struct TipCache(Mutex<Option<(Height, u128)>>);

/// `eth_gasPrice`: the suggested tip above the base fee, of the latest block or of the next, whichever is higher. A transaction pays the next
/// block's, and an estimate of it that offers this price finds the latest one's.
pub fn gas_price(node: &Node, (): ()) -> Result<U128, RpcRejected> {
    let (suggested, tip) = (suggested_tip(node)?, node.backend.tip());
    Ok(U128::from(suggested.saturating_add(tip.base_fee.max(tip.next_base_fee).into())))
}

/// `eth_baseFee`: the next block's.
pub fn base_fee(node: &Node, (): ()) -> Result<U128, RpcRejected> {
    Ok(U128::from(node.backend.tip().next_base_fee))
}

/// `eth_maxPriorityFeePerGas`: the suggested tip.
pub fn max_priority_fee(node: &Node, (): ()) -> Result<U128, RpcRejected> {
    suggested_tip(node).map(U128::from)
}

/// `eth_blobBaseFee`: there are no blobs, so their price stays the lowest there is; the instruction BLOBBASEFEE answers the same.
pub fn blob_base_fee(_: &Node, (): ()) -> Result<U128, RpcRejected> {
    Ok(U128::from(BLOB_BASE_FEE))
}

/// Reads up to 20 blocks, once for each new tip.
fn suggested_tip(node: &Node) -> Result<u128, RpcRejected> {
    let newest = node.backend.tip().height;
    // A panic elsewhere leaves at worst an old suggestion.
    let lock = || node.tip_cache.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((height, tip)) = *lock()
        && height == newest
    {
        return Ok(tip);
    }
    let mut tips = Vec::new();
    let oldest = newest.0.saturating_sub(TIP_BLOCKS - 1);
    for height in oldest..=newest.0 {
        let Some(block) = node.backend.block_at(Height(height))? else { break };
        tips.extend(paying(node, &block).map(|(tip, _)| tip));
    }
    let tip = percentile_of(tips);
    *lock() = Some((newest, tip));
    Ok(tip)
}

/// The tip that [`TIP_PERCENT`] of `tips` stay at or below; zero of none.
fn percentile_of(mut tips: Vec<u128>) -> u128 {
    tips.sort_unstable();
    let rank = tips.len().saturating_sub(1) * TIP_PERCENT / 100;
    tips.get(rank).copied().unwrap_or_default()
}

/// Tip per unit of block gas, and gas used, of each transaction that ran.
fn paying<'a>(node: &Node, block: &'a BlockView) -> impl Iterator<Item = (u128, u64)> + use<'a> {
    let base_fee = u128::from(block.base_fee);
    let fvm_gas_per_gas = u128::from(node.backend.identity().parameters.fvm_gas_per_gas);
    let paid = move |executed: &Executed| {
        let per_gas = price(&executed.receipt.effective_gas_price);
        if executed.is_ethereum() { per_gas } else { per_gas.saturating_mul(fvm_gas_per_gas) }
    };
    let ran = block.transactions.iter().filter(|executed| !executed.receipt.skipped);
    ran.map(move |executed| (paid(executed).saturating_sub(base_fee), executed.receipt.gas_used))
}

/// A number of blocks: hex as everywhere, or a plain number, as go-ethereum reads it.
#[derive(Clone, Copy, Debug)]
pub struct BlockCount(u64);

impl<'de> Deserialize<'de> for BlockCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, or a hex string with 0x prefix of at most 64 bits")]
        enum Spelling {
            Hex(alloy_primitives::U64),
            Plain(u64),
        }
        Ok(Self(match Spelling::deserialize(deserializer)? {
            Spelling::Hex(number) => number.to(),
            Spelling::Plain(number) => number,
        }))
    }
}

/// `eth_feeHistory`
pub fn history(
    node: &Node,
    (count, newest, percentiles): (BlockCount, BlockNumberOrTag, Option<Vec<f64>>),
) -> Result<FeeHistory, RpcRejected> {
    // Of none there are no rewards, not empty lists of them.
    let percentiles = percentiles.filter(|percentiles| !percentiles.is_empty());
    check(percentiles.as_deref().unwrap_or_default())?;
    let (tip, newest) = (node.backend.tip(), node.height_of(newest)?);
    if newest > tip.height {
        return Err(RpcRejected::BeyondTip { asked: newest, tip: tip.height });
    }
    let count = count.0.min(HISTORY_BLOCKS_MAX).min(newest.0.saturating_add(1));
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let (began, oldest) = (Instant::now(), newest.0 + 1 - count);
    let mut history =
        FeeHistory { oldest_block: oldest, reward: percentiles.as_ref().map(|_| Vec::new()), ..FeeHistory::default() };
    for height in oldest..=newest.0 {
        if height > oldest && node.is_over(began) {
            return Err(too_long(node, height - oldest));
        }
        let summary = node.backend.summary_at(Height(height))?.ok_or(RpcRejected::UnknownBlock)?;
        history.base_fee_per_gas.push(summary.base_fee.into());
        history.base_fee_per_blob_gas.push(BLOB_BASE_FEE.into());
        history.gas_used_ratio.push(share(summary.gas_used, summary.gas_limit));
        history.blob_gas_used_ratio.push(0.0);
        if let (Some(rewards), Some(percentiles)) = (&mut history.reward, &percentiles) {
            let block = node.backend.block_at(Height(height))?.ok_or(RpcRejected::UnknownBlock)?;
            rewards.push(rewards_at(paying(node, &block).collect(), block.gas_used, percentiles));
        }
    }
    let after = if newest == tip.height { None } else { node.backend.summary_at(newest.next())? };
    history.base_fee_per_gas.push(after.map_or(tip.next_base_fee, |summary| summary.base_fee).into());
    history.base_fee_per_blob_gas.push(BLOB_BASE_FEE.into());
    Ok(history)
}

fn too_long(node: &Node, fitting: u64) -> RpcRejected {
    let most = node.config.call_time_max;
    RpcRejected::AboveLimit(format!("query exceeds max time {most:?}, retry with a count of {fitting}"))
}

/// In go-ethereum's words (`eth/gasprice/feehistory.go`).
fn check(percentiles: &[f64]) -> Result<(), RpcRejected> {
    if percentiles.len() > PERCENTILES_MAX {
        return Err(RpcRejected::BadPercentile(format!("over the query limit {PERCENTILES_MAX}")));
    }
    if let Some(outside) = percentiles.iter().find(|percentile| !(0.0..=100.0).contains(*percentile)) {
        return Err(RpcRejected::BadPercentile(format!("{outside:.6}")));
    }
    let mut pairs = percentiles.array_windows().enumerate();
    if let Some((at, [before, after])) = pairs.find(|(_, [before, after])| after <= before) {
        return Err(RpcRejected::BadPercentile(format!("#{at}:{before:.6} >= #{}:{after:.6}", at + 1)));
    }
    Ok(())
}

/// For each percentile the least tip such that transactions tipping no more used that share of the block's gas.
fn rewards_at(mut paying: Vec<(u128, u64)>, gas_used: u64, percentiles: &[f64]) -> Vec<u128> {
    paying.sort_unstable();
    let mut cheapest = paying.iter();
    let mut reached = (0, 0_u64);
    let reward = |percentile: &f64| {
        let threshold = part(gas_used, *percentile);
        while reached.1 < threshold || reached == (0, 0) {
            let Some((tip, gas)) = cheapest.next() else { break };
            reached = (*tip, reached.1.saturating_add(*gas));
        }
        reached.0
    };
    percentiles.iter().map(reward).collect()
}

/// `part / whole`, as the JSON has it. Only shown, never computed with.
#[expect(clippy::as_conversions, clippy::float_arithmetic, reason = "a share in JSON is a floating-point number")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// That many hundredths of `whole`, rounded down.
#[expect(
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "the caller names percentiles as floating-point numbers"
)]
fn part(whole: u64, percentile: f64) -> u64 {
    (whole as f64 * percentile / 100.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_tip_is_what_three_in_five_stayed_below() {
        assert_eq!(percentile_of(vec![]), 0);
        assert_eq!(percentile_of(vec![7]), 7);
        assert_eq!(percentile_of(vec![9, 1, 3, 7, 5]), 5);
        assert_eq!(percentile_of((1..=100).collect()), 60);
    }

    #[test]
    fn rewards_are_weighted_by_gas() {
        let paying = vec![(5, 10), (1, 80), (9, 10)];
        assert_eq!(rewards_at(paying, 100, &[0.0, 50.0, 80.0, 85.0, 100.0]), [1, 1, 1, 5, 9]);
        assert_eq!(rewards_at(vec![], 0, &[0.0, 100.0]), [0, 0], "an empty block");
        assert_eq!(rewards_at(vec![(0, 21_000), (4, 21_000)], 42_000, &[10.0, 90.0]), [0, 4]);
    }

    #[test]
    fn each_bad_percentile_is_refused_for_its_own_reason() {
        assert_eq!(check(&[0.0, 50.0, 100.0]), Ok(()));
        for (percentiles, reason) in [
            (vec![-0.5], "-0.500000"),
            (vec![100.5], "100.500000"),
            (vec![f64::NAN], "NaN"),
            (vec![10.0, 50.0, 50.0], "#1:50.000000 >= #2:50.000000"),
            (vec![1.0; 101], "over the query limit 100"),
        ] {
            let refusal = check(&percentiles).unwrap_err();
            let sentence = format!("invalid reward percentile: {reason}");
            assert_eq!((refusal.code(), refusal.to_string()), (-32000, sentence), "{reason}");
        }
    }
}
