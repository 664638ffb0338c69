//! Programs in lanes, held against the specification.

use tributary_parallel::in_lanes;

use super::{Start, Toy, fold};

const STACK_BYTES: usize = 1 << 20;

/// Runs a block in the lanes that `lane_of` names, holds what came out against the specification, and says how many transactions
/// that was and who collided.
pub fn check_lanes(block: &Toy, lane_of: &[usize]) -> (usize, Vec<[usize; 2]>) {
    let mut lanes = vec![Vec::new(); 1 + lane_of.iter().max().copied().unwrap_or_default()];
    lane_of.iter().enumerate().for_each(|(index, lane)| lanes[*lane].push(index));
    let done = in_lanes(block, Start, &lanes, STACK_BYTES, 0);
    let good = done.outputs.len();
    let in_order = Toy { programs: block.programs[..good].to_vec(), ..block.clone() }.in_order();
    assert_eq!(Ok(fold(&done.outputs)), in_order, "{lane_of:?}");
    assert_eq!(done.tally, done.outputs.iter().map(|(receipt, _)| receipt.cost).sum::<u64>());
    assert!(good <= done.ran && done.ran <= block.programs.len());
    (good, done.collisions)
}
