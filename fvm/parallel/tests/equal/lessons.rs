//! What went wrong in other executors, one test each.
//!
//! | elsewhere | here |
//! |---|---|
//! | what skips validation does not | `threads::credits_to_one_cell_do_not_collide` |
//! | a hot cell costs as much as the block is long | `hot` |
//! | orders that few machines show | `models.rs` by loom, `schedules` by shuttle |
//! | accounts' codes, storage and money | `fvm/src/executor/tests/parallel/lessons.rs` |

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stops::meeting;
use crate::threads::{block, check, settings};
use crate::toy::{Halt, Hook, Program, Step, Toy, check_lanes};

fn toy(programs: impl IntoIterator<Item = (u8, Vec<Step>)>) -> Toy {
    let programs = programs.into_iter().map(|(sender, steps)| Program { sender, cost: 1, steps });
    Toy { programs: programs.collect(), budget: u64::MAX / 2 }
}

/// The last transaction was executed on a stale read, nobody had looked yet, and the block was called done. Source:
/// cosmos/cosmos-sdk, pull request 26583.
#[test]
fn an_update_is_not_lost_when_the_last_to_be_executed_read_what_is_stale() {
    let meeting = meeting(2);
    let count = |sender| (sender, vec![Step::Read(0), meeting.clone(), Step::Set(0)]);
    let stats = check(&toy([count(1), count(2)]), settings(2, 2));
    assert_eq!((stats.speculated, stats.repeated), (2, 1));
}

/// Guesses and order ran side by side, and who came first had the other called off before anybody knew that it had failed: nothing was left
/// to fall back on. Source: 0xPolygon/bor, review of pull request 2210.
#[test]
fn when_no_guess_comes_to_anything_the_block_is_what_it_is_in_order() {
    let fails = Step::Ask(Hook(Arc::new(|is_guess| if is_guess { Err(Halt::Lost) } else { Ok(()) })));
    for breaks in [Step::Break, fails] {
        let steps = vec![breaks, Step::Read(2), Step::Set(2)];
        let broken = block(300, |index| Program { sender: (index % 50) as u8 * 5, cost: 1, steps: steps.clone() });
        let stats = check(&broken, settings(3, 8));
        assert!(stats.is_closed, "{stats:?}");
    }
}

/// A transaction that wrote elsewhere when it ran again left behind what it wrote first, marked as about to be written, and its reader
/// waited for ever. Source: flashbots/op-rbuilder, pull request 349.
#[test]
fn a_cell_that_only_a_wrong_guess_wrote_keeps_nobody_waiting() {
    let meeting = meeting(2);
    let writes_if_even = vec![Step::Read(0), meeting.clone(), Step::SkipIfOdd(1), Step::Set(1), Step::Set(2)];
    let reads = |sender| (sender, vec![Step::Read(1), Step::Read(2), Step::Set(3)]);
    let moved = toy([(3, vec![meeting, Step::Set(0)]), (2, writes_if_even), reads(4), reads(5)]);
    let (_, cells) = moved.in_order().expect("nothing stops it");
    assert_eq!(cells.keys().copied().collect::<Vec<_>>(), [0, 2, 3], "in its turn the second skips cell 1");
    check(&moved, settings(2, 2));
}

/// Transactions aborted each other over and over, until a cap on how often was added. Source: aptos-labs/aptos-core, pull request 14422.
#[test]
fn nobody_runs_more_than_twice_whoever_depends_on_whom() {
    let runs: Arc<[AtomicUsize]> = (0..500).map(|_| AtomicUsize::new(0)).collect();
    let counted = |index: usize| {
        let runs = Arc::clone(&runs);
        Step::Ask(Hook(Arc::new(move |_| {
            runs[index].fetch_add(1, Ordering::SeqCst);
            Ok(())
        })))
    };
    // Each reads what the one before it sets, and sets a cell that others read.
    let knot = block(500, |index| {
        let cell = (index % 12) as u8;
        let steps = vec![counted(index), Step::Read(cell), Step::Yield, Step::Follow, Step::Set((cell + 1) % 12)];
        Program { sender: (index % 250) as u8, cost: 1, steps }
    });
    check(&knot, settings(4, 64));
    let often: Vec<_> =
        runs.iter().map(|runs| runs.load(Ordering::SeqCst)).filter(|runs| !matches!(runs, 1..=2)).collect();
    assert_eq!(often, [0; 0]);
}

/// Cells went by a hash of 64 bits that a stranger can choose. Source: risechain/pevm, `MemoryLocationHash` in
/// `crates/pevm/src/lib.rs`.
#[test]
fn cells_whose_names_have_the_same_hash_stay_apart() {
    // The names 0, 3, 6 and 9 do.
    let moves = |sender, from, to| (sender, vec![Step::Read(from), Step::Set(to)]);
    let moved = toy([moves(1, 0, 3), moves(2, 6, 9), moves(3, 3, 6), moves(4, 9, 0), moves(5, 0, 9)]);
    check(&moved, settings(3, 8));
    let (own, other) = ([Step::Read(0), Step::Set(3)], [Step::Read(6), Step::Set(9)]);
    let strangers = toy([&own, &other, &own, &other].map(|steps| (1, steps.to_vec())));
    assert_eq!(check_lanes(&strangers, &[0, 1, 0, 1]), (4, vec![]));
}
