//! Blocks that are run to see what would become of them: `eth_simulateV1`.
//!
//! ```text
//! blocks as asked ─▶ in order, gaps filled ─▶ each: its environment ─▶ draft ─▶ results ─▶ its hash, and the next one's fee
//! ```
//!
//! | bound | of |
//! |---|---|
//! | [`BLOCKS_MAX`] | blocks, those that fill gaps among them |
//! | [`CALLS_MAX`] | calls of all blocks |
//! | `call_gas_max` | gas of all calls together |
//! | `call_time_max` | the time of all calls together |
//! | `response_bytes_max` | what all calls return and emit, as the answer writes it: counted while they run |
//! | as for a call | accounts, slots and code of each block's overrides |
//!
//! Source: go-ethereum, `internal/ethapi/simulate.go`, for the order, the defaults and the codes.

use std::collections::VecDeque;

use alloy_eips::BlockId;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::simulate::SimulatedBlock as Answer;
use serde::Deserialize;
use tributary_fvm::fees::next_base_fee;
use tributary_fvm::simulation::{CallInvalid, Simulated, SimulatedBlock, SimulatedCall, SimulationRejected};
use tributary_fvm::{AccountOverrides, BlockEnv, BlockOverrides};
use tributary_primitives::{Hash32, Height};

use super::call;
use super::overrides::{BlockOverridesJson, StateOverrides};
use crate::backend::{BlockView, SimulateRejected};
use crate::convert::simulated;
use crate::error::RpcRejected;
use crate::node::Node;

/// Most blocks of one simulation.
const BLOCKS_MAX: u64 = 256;
/// Most calls of one simulation.
const CALLS_MAX: usize = 1_024;
/// Seconds from one block to the next, unless told.
const BLOCK_SECONDS: u64 = 1;

// The execution API's codes.
const NONCE_TOO_LOW: i32 = -38010;
const NONCE_TOO_HIGH: i32 = -38011;
const BASE_FEE: i32 = -38012;
const INTRINSIC_GAS: i32 = -38013;
const FUNDS: i32 = -38014;
const BLOCK_GAS: i32 = -38015;
const BLOCK_NUMBER: i32 = -38020;
const BLOCK_TIME: i32 = -38021;
const INIT_CODE: i32 = -38025;
const LIMIT: i32 = -38026;
const INVALID: i32 = -32602;

/// What to simulate.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Simulation {
    #[serde(default)]
    block_state_calls: Vec<Block>,
    #[serde(default)]
    trace_transfers: bool,
    #[serde(default)]
    validation: bool,
    #[serde(default)]
    return_full_transactions: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Block {
    block_overrides: Option<BlockOverridesJson>,
    state_overrides: Option<StateOverrides>,
    calls: Option<Vec<TransactionRequest>>,
}

/// A block in its place, its environment not yet complete.
#[derive(Debug, Default, PartialEq, Eq)]
struct Planned {
    height: Height,
    timestamp_s: u64,
    block: BlockOverrides,
    accounts: AccountOverrides,
    calls: Vec<SimulatedCall>,
}

/// `eth_simulateV1`
pub fn simulate(node: &Node, (simulation, block): (Simulation, Option<BlockId>)) -> Result<Vec<Answer>, RpcRejected> {
    let leash = node.leash();
    let Simulation { block_state_calls, trace_transfers, validation, return_full_transactions } = simulation;
    check_size(&block_state_calls)?;
    let base = node.block_by_id(block.unwrap_or_default())?.ok_or(RpcRejected::UnknownBlock)?;
    let chain_id = node.backend.identity().chain_id;
    let blocks = block_state_calls.into_iter().map(|block| read(block, chain_id)).collect::<Result<Vec<_>, _>>()?;
    let planned = in_order(base.height, base.unix_seconds(), blocks)?;

    let state = node.backend.state_at(base.height)?;
    let mut draft = state.draft()?;
    let mut parent = Parent::of(&base);
    let mut gas_used: u64 = 0;
    let mut bytes_left = usize::try_from(node.config.response_bytes_max).unwrap_or(usize::MAX);
    let mut answers = Vec::with_capacity(planned.len());
    for Planned { height, timestamp_s, block, accounts, calls } in planned {
        let base_fee_min = node.backend.identity().parameters.base_fee_min;
        let next = BlockEnv {
            height,
            timestamp_s,
            // Without validation nobody pays a fee, so there is none, unless one is wanted.
            base_fee: if validation { parent.next_base_fee(base_fee_min) } else { 0 },
            previous_hash: parent.hash,
            ..parent.env(chain_id)
        };
        let gas_max = node.config.call_gas_max.saturating_sub(gas_used);
        let (env, bytes_max) = (block.on(&next), bytes_left);
        let block = SimulatedBlock { env, accounts, calls, validation, trace_transfers, gas_max, bytes_max };
        let (after, results) = draft.run(&block, &leash)?;
        draft = after;
        bytes_left = results.iter().map(Simulated::bytes).fold(bytes_left, usize::saturating_sub);
        let block_gas_used = results.iter().map(|one| one.outcome.gas_used).sum::<u64>();
        gas_used = gas_used.saturating_add(block_gas_used);
        let answer = simulated::block(&block, results, return_full_transactions);
        parent = Parent { hash: Hash32(answer.inner.header.hash.0), env: block.env, gas_used: block_gas_used };
        answers.push(answer);
    }
    Ok(answers)
}

/// What a block takes from the one before.
struct Parent {
    hash: Hash32,
    env: BlockEnv,
    gas_used: u64,
}

impl Parent {
    fn of(block: &BlockView) -> Self {
        let env = BlockEnv {
            height: block.height,
            timestamp_s: block.unix_seconds(),
            proposer: block.proposer,
            base_fee: block.base_fee,
            gas_limit: block.gas_limit,
            chain_id: 0,
            previous_hash: block.parent_hash,
            prev_randao: block.prev_randao,
        };
        Self { hash: block.hash, env, gas_used: block.gas_used }
    }

    fn next_base_fee(&self, floor: u64) -> u64 {
        next_base_fee(self.env.base_fee, self.gas_used, self.env.gas_limit, floor)
    }

    fn env(&self, chain_id: u64) -> BlockEnv {
        BlockEnv { chain_id, ..self.env.clone() }
    }
}

fn check_size(blocks: &[Block]) -> Result<(), RpcRejected> {
    let calls = blocks.iter().filter_map(|block| block.calls.as_ref()).map(Vec::len).sum::<usize>();
    if blocks.is_empty() {
        return Err(RpcRejected::argument(0, "empty input: there is no block to simulate"));
    }
    if u64::try_from(blocks.len()).is_ok_and(|blocks| blocks > BLOCKS_MAX) {
        return Err(too_many_blocks());
    }
    if calls > CALLS_MAX {
        return Err(limit(format!("too many calls: {calls}; at most {CALLS_MAX} are simulated")));
    }
    Ok(())
}

/// A block in our words, not yet in its place.
fn read(block: Block, chain_id: u64) -> Result<Planned, RpcRejected> {
    let calls = block.calls.unwrap_or_default().into_iter().map(|request| simulated_call(request, chain_id));
    Ok(Planned {
        block: block.block_overrides.unwrap_or_default().read(0)?,
        accounts: block.state_overrides.unwrap_or_default().read(0)?,
        calls: calls.collect::<Result<_, _>>()?,
        ..Planned::default()
    })
}

fn simulated_call(request: TransactionRequest, chain_id: u64) -> Result<SimulatedCall, RpcRejected> {
    let (nonce, gas_limit) = (request.nonce, request.gas);
    let call = tributary_fvm::EthereumCall { gas_limit, ..call::ethereum_call(request, chain_id)? };
    Ok(SimulatedCall { call, nonce })
}

/// Gives each block its height and its time, and fills the gaps between heights with empty blocks.
fn in_order(base: Height, base_s: u64, blocks: Vec<Planned>) -> Result<VecDeque<Planned>, RpcRejected> {
    let (mut height, mut timestamp_s) = (base, base_s);
    let mut planned = VecDeque::with_capacity(blocks.len());
    for block in blocks {
        let wanted = block.block.height.unwrap_or_else(|| height.next());
        if wanted <= height {
            let message = format!("block numbers must be in order: {wanted} <= {height}");
            return Err(RpcRejected::Simulation { code: BLOCK_NUMBER, message });
        }
        if wanted.0 - base.0 > BLOCKS_MAX {
            return Err(too_many_blocks());
        }
        while height.next() < wanted {
            (height, timestamp_s) = (height.next(), timestamp_s.saturating_add(BLOCK_SECONDS));
            planned.push_back(Planned { height, timestamp_s, ..Planned::default() });
        }
        let at_s = block.block.timestamp_s.unwrap_or_else(|| timestamp_s.saturating_add(BLOCK_SECONDS));
        if at_s <= timestamp_s {
            let message = format!("block timestamps must be in order: {at_s} <= {timestamp_s}");
            return Err(RpcRejected::Simulation { code: BLOCK_TIME, message });
        }
        (height, timestamp_s) = (wanted, at_s);
        planned.push_back(Planned { height, timestamp_s, ..block });
    }
    Ok(planned)
}

fn too_many_blocks() -> RpcRejected {
    limit(format!("too many blocks: at most {BLOCKS_MAX} are simulated"))
}

const fn limit(message: String) -> RpcRejected {
    RpcRejected::Simulation { code: LIMIT, message }
}

impl From<SimulateRejected> for RpcRejected {
    fn from(rejected: SimulateRejected) -> Self {
        match rejected {
            SimulateRejected::Unavailable(why) => why.into(),
            SimulateRejected::Simulation(SimulationRejected::Overrides(why)) => Self::argument(0, why),
            SimulateRejected::Simulation(SimulationRejected::Call(why)) => {
                Self::Simulation { code: code_of(&why), message: why.to_string() }
            }
            SimulateRejected::Simulation(SimulationRejected::CutOff(after)) => {
                limit(RpcRejected::OutOfTime(after).to_string())
            }
            SimulateRejected::Simulation(why @ SimulationRejected::TooLarge) => limit(why.to_string()),
        }
    }
}

/// Source: ethereum/execution-apis, `eth_simulateV1`; go-ethereum, `internal/ethapi/errors.go`.
const fn code_of(why: &CallInvalid) -> i32 {
    match why {
        CallInvalid::NonceTooLow { .. } => NONCE_TOO_LOW,
        CallInvalid::NonceTooHigh { .. } => NONCE_TOO_HIGH,
        CallInvalid::IntrinsicGas { .. } => INTRINSIC_GAS,
        CallInvalid::Funds { .. } => FUNDS,
        CallInvalid::BlockGas { .. } => BLOCK_GAS,
        CallInvalid::InitCode(_) => INIT_CODE,
        CallInvalid::AllGas(_) => LIMIT,
        CallInvalid::Fee { .. } => BASE_FEE,
        CallInvalid::Tip { .. } | CallInvalid::Rule(_) => INVALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(number: Option<u64>, time: Option<u64>) -> Planned {
        let block = BlockOverrides { height: number.map(Height), timestamp_s: time, ..BlockOverrides::default() };
        Planned { block, ..Planned::default() }
    }

    fn ordered(blocks: Vec<Planned>) -> Result<Vec<(u64, u64)>, String> {
        let planned = in_order(Height(10), 1_000, blocks).map_err(|refusal| format!("{} {refusal}", refusal.code()))?;
        Ok(planned.iter().map(|block| (block.height.0, block.timestamp_s)).collect())
    }

    #[test]
    fn blocks_follow_on_each_other_and_gaps_are_filled() {
        for (blocks, expected) in [
            (vec![asked(None, None)], vec![(11, 1_001)]),
            (vec![asked(None, Some(2_000)), asked(None, None)], vec![(11, 2_000), (12, 2_001)]),
            (vec![asked(Some(13), None), asked(None, None)], vec![(11, 1_001), (12, 1_002), (13, 1_003), (14, 1_004)]),
            (vec![asked(Some(12), Some(1_002))], vec![(11, 1_001), (12, 1_002)]),
        ] {
            assert_eq!(ordered(blocks), Ok(expected));
        }
        assert_eq!(ordered(vec![asked(Some(266), None)]).map(|blocks| blocks.len()), Ok(256));
    }

    #[test]
    fn blocks_out_of_order_are_refused_by_number_or_time() {
        for (blocks, refusal) in [
            (vec![asked(Some(10), None)], "-38020 block numbers must be in order: 10 <= 10"),
            (vec![asked(Some(12), None), asked(Some(11), None)], "-38020 block numbers must be in order: 11 <= 12"),
            (vec![asked(None, Some(1_000))], "-38021 block timestamps must be in order: 1000 <= 1000"),
            (vec![asked(Some(12), Some(1_001))], "-38021 block timestamps must be in order: 1001 <= 1001"),
            (vec![asked(Some(267), None)], "-38026 too many blocks: at most 256 are simulated"),
        ] {
            assert_eq!(ordered(blocks), Err(refusal.to_owned()));
        }
    }
}
