//! What is due, what differs, and who was wrong.
//!
//! ```text
//! the check of one block                         a dump that was run again
//!   could not be run?      yes ─▶ Unavailable      threads and in order agree?      no ─▶ Divided
//!   outcome as committed?  yes ─▶ Sound            as the node committed?           no ─▶ LiveWrong
//!                          no  ─▶ Diverged         as the node's check found?       no ─▶ CheckWrong
//!                                                                                  yes ─▶ Sound
//! ```

use std::fmt;
use std::num::NonZeroU64;

use tributary_fvm::{BlockOutcome, Receipt};
use tributary_primitives::Height;

use super::words::{Attempt, ReplayUnavailable};

/// Whether a block is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its number has not come.
    No,
    /// It should be, but another one is being checked.
    Skipped,
    /// Now.
    Now,
}

/// Whether the block at `height` is checked, when every `every`th is.
#[must_use]
pub const fn due(height: Height, every: NonZeroU64, is_busy: bool) -> Due {
    match (height.0 % every.get(), is_busy) {
        (0, false) => Due::Now,
        (0, true) => Due::Skipped,
        _ => Due::No,
    }
}

/// What the check of one block found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The same outcome.
    Sound,
    /// Nothing: it could not be run.
    Unavailable(ReplayUnavailable),
    /// Another outcome.
    Diverged(Differences),
}

/// Judges a block that the node made `live` of, and running it in order `checked`, unless it was `unavailable` for that.
#[must_use]
pub fn judge(live: &BlockOutcome, checked: &Attempt, unavailable: Option<ReplayUnavailable>) -> Finding {
    match (checked, unavailable) {
        (Ok(checked), _) if checked == live => Finding::Sound,
        // A transaction may ask for a block that nobody has, and go on: that speaks against no outcome that was made.
        (Ok(_), Some(ReplayUnavailable::Missing(_)) | None) | (Err(_), None) => {
            Finding::Diverged(differences(Ok(live), checked.as_ref()))
        }
        (_, Some(why)) => Finding::Unavailable(why),
    }
}

/// Who was wrong, as far as running a dump again can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody.
    Sound,
    /// The node, when it committed the block: threads and in order agree on another outcome.
    LiveWrong,
    /// The node's check: threads and in order agree on what was committed.
    CheckWrong,
    /// Threads and in order do not agree here either.
    Divided,
}

/// Judges a dump: what was committed, what the check found, and what came out here, in order and on threads; runs on
/// threads that agree with it may be left out.
#[must_use]
pub fn verdict(live: &BlockOutcome, checked: &Attempt, in_order: &Attempt, on_threads: &[Attempt]) -> Verdict {
    if on_threads.iter().any(|attempt| !agree(attempt, in_order)) {
        Verdict::Divided
    } else if in_order.as_ref() != Ok(live) {
        Verdict::LiveWrong
    } else if !agree(checked, in_order) {
        Verdict::CheckWrong
    } else {
        Verdict::Sound
    }
}

/// The same outcome, or none on either side: why there is none may be worded by whichever thread met it.
#[must_use]
pub fn agree(one: &Attempt, other: &Attempt) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one == other,
        (one, other) => one.is_err() && other.is_err(),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sound => "nothing is wrong: threads and in order agree with the dump",
            Self::LiveWrong => "the dump's live outcome is wrong: threads and in order agree on another",
            Self::CheckWrong => {
                "the dump's in-order outcome is wrong: threads and in order agree with what was committed"
            }
            Self::Divided => "threads and in order do not agree",
        })
    }
}

/// Where two outcomes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences(Vec<Difference>);

/// One place where they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, such as `state_root` or `receipts[3].gas_used`.
    pub what: String,
    /// There, in the one.
    pub one: String,
    /// In the other.
    pub other: String,
}

/// Characters of a value that are told; return data may be long.
const VALUE_CHARS_MAX: usize = 80;

/// An attempt, looked at.
pub type Seen<'a> = Result<&'a BlockOutcome, &'a String>;

/// Where two attempts differ: root, gas, and of the receipts the first that does, field by field.
#[must_use]
pub fn differences(one: Seen<'_>, other: Seen<'_>) -> Differences {
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(_), Err(_)) => return Differences(Vec::new()),
        (one, other) => return Differences(vec![Difference::of("outcome", &existence(one), &existence(other))]),
    };
    let numbers = [
        ("state_root", one.state_root.to_string(), other.state_root.to_string()),
        ("gas_used", one.gas_used.to_string(), other.gas_used.to_string()),
        ("cron_gas_used", one.cron_gas_used.to_string(), other.cron_gas_used.to_string()),
        ("receipts", one.receipts.len().to_string(), other.receipts.len().to_string()),
    ];
    let numbers = numbers.iter().filter(|(_, one, other)| one != other);
    let numbers = numbers.map(|(what, one, other)| Difference::of(what, one, other));
    let receipts = one.receipts.iter().zip(&other.receipts).enumerate().find(|(_, (one, other))| one != other);
    let fields = receipts.into_iter().flat_map(|(index, (one, other))| {
        let both = fields(one).into_iter().zip(fields(other)).filter(|(one, other)| one != other);
        both.map(move |((field, one), (_, other))| Difference::of(&format!("receipts[{index}].{field}"), &one, &other))
    });
    Differences(numbers.chain(fields).collect())
}

fn existence(attempt: Seen<'_>) -> String {
    attempt.map_or_else(|why| format!("none: {why}"), |_| "there is one".to_owned())
}

/// A receipt, field by field.
fn fields(receipt: &Receipt) -> [(&'static str, String); 9] {
    let Receipt {
        transaction,
        exit_code,
        gas_used,
        fvm_gas_used,
        effective_gas_price,
        return_data,
        contract,
        events,
        skipped,
    } = receipt;
    [
        ("transaction", transaction.to_string()),
        ("exit_code", exit_code.value().to_string()),
        ("gas_used", gas_used.to_string()),
        ("fvm_gas_used", fvm_gas_used.to_string()),
        ("effective_gas_price", effective_gas_price.atto().to_string()),
        ("return_data", hex::encode(return_data)),
        ("contract", contract.map_or_else(|| "none".to_owned(), |contract| contract.to_string())),
        ("events", format!("{events:?}")),
        ("skipped", skipped.to_string()),
    ]
}

impl Differences {
    /// One by one.
    #[must_use]
    pub fn all(&self) -> &[Difference] {
        &self.0
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

impl Difference {
    fn of(what: &str, one: &str, other: &str) -> Self {
        Self { what: what.to_owned(), one: cut(one), other: cut(other) }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} / {}", self.what, self.one, self.other)
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use fvm_shared::error::ExitCode;
    use tributary_primitives::{Hash32, cbor_cid};

    use super::*;

    fn outcome() -> BlockOutcome {
        let receipt = |byte| Receipt { skipped: false, ..Receipt::skipped(Hash32([byte; 32]), ExitCode::OK) };
        let receipts = vec![receipt(1), receipt(2)];
        BlockOutcome { state_root: cbor_cid(b"after"), receipts, gas_used: 42_000, cron_gas_used: 7 }
    }

    #[test]
    fn every_kth_block_is_due_and_one_is_checked_at_a_time() {
        let every = |every| NonZeroU64::new(every).unwrap();
        for (height, k, is_busy, expected) in [
            (1, 1, false, Due::Now),
            (1, 1, true, Due::Skipped),
            (7, 3, false, Due::No),
            (7, 3, true, Due::No),
            (9, 3, false, Due::Now),
            (9, 3, true, Due::Skipped),
        ] {
            assert_eq!(due(Height(height), every(k), is_busy), expected, "{height}, every {k}");
        }
    }

    #[test]
    fn each_fault_of_an_outcome_is_found_under_its_name() {
        type Fault = fn(&mut BlockOutcome);
        let rows: [(&str, Fault); 8] = [
            ("state_root", |outcome| outcome.state_root = cbor_cid(b"other")),
            ("gas_used: 42000 / 1", |outcome| outcome.gas_used = 1),
            ("cron_gas_used: 7 / 8", |outcome| outcome.cron_gas_used = 8),
            ("receipts: 2 / 1", |outcome| drop(outcome.receipts.pop())),
            ("receipts[1].exit_code: 0 / 33", |outcome| outcome.receipts[1].exit_code = ExitCode::new(33)),
            ("receipts[0].gas_used: 0 / 9", |outcome| outcome.receipts[0].gas_used = 9),
            ("receipts[1].return_data:  / 05", |outcome| outcome.receipts[1].return_data = vec![5]),
            ("receipts[0].skipped: false / true", |outcome| outcome.receipts[0].skipped = true),
        ];
        assert_eq!(judge(&outcome(), &Ok(outcome()), None), Finding::Sound);
        for (name, fault) in rows {
            let mut checked = outcome();
            fault(&mut checked);
            let Finding::Diverged(found) = judge(&outcome(), &Ok(checked), None) else {
                panic!("{name} was not found")
            };
            assert!(found.all().len() == 1 && found.to_string().starts_with(name), "{found} is not {name}");
        }
    }

    #[test]
    fn state_that_cannot_be_read_is_no_fault_unless_an_outcome_came_of_it() {
        let missing = || Some(ReplayUnavailable::Missing(Box::new(cbor_cid(b"gone"))));
        let none = || Err("the EVM cannot go on".to_owned());
        let other = BlockOutcome { gas_used: 1, ..outcome() };
        assert_eq!(judge(&outcome(), &none(), missing()), Finding::Unavailable(missing().unwrap()));
        assert_eq!(judge(&outcome(), &Ok(outcome()), missing()), Finding::Sound);
        assert!(matches!(judge(&outcome(), &Ok(other.clone()), missing()), Finding::Diverged(_)));
        let stopping = judge(&outcome(), &Ok(other), Some(ReplayUnavailable::Stopping));
        assert_eq!(stopping, Finding::Unavailable(ReplayUnavailable::Stopping));
        let Finding::Diverged(found) = judge(&outcome(), &none(), None) else { panic!("an outcome that is none") };
        assert_eq!(found.to_string(), "outcome: there is one / none: the EVM cannot go on");
    }

    #[test]
    fn the_verdict_on_a_dump_follows_the_table() {
        let good = || Ok(outcome());
        let bad = || Ok(BlockOutcome { gas_used: 1, ..outcome() });
        let none = |why: &str| Err(why.to_owned());
        let live = outcome();
        for (checked, in_order, on_threads, expected) in [
            (good(), good(), vec![good(), good()], Verdict::Sound),
            (bad(), bad(), vec![bad(), bad()], Verdict::LiveWrong),
            (good(), bad(), vec![bad()], Verdict::LiveWrong),
            (none("a"), none("b"), vec![none("c")], Verdict::LiveWrong),
            (bad(), good(), vec![good()], Verdict::CheckWrong),
            (none("a"), good(), vec![good()], Verdict::CheckWrong),
            (bad(), bad(), vec![bad(), good()], Verdict::Divided),
            (bad(), good(), vec![none("a")], Verdict::Divided),
            (bad(), none("a"), vec![good()], Verdict::Divided),
        ] {
            assert_eq!(verdict(&live, &checked, &in_order, &on_threads), expected, "{checked:?}, {in_order:?}");
        }
    }

    #[test]
    fn a_long_value_is_told_in_part() {
        let difference = Difference::of("return_data", &"ß".repeat(81), &"ß".repeat(80));
        assert_eq!((difference.one.chars().count(), difference.other.chars().count()), (81, 80));
        assert!(difference.one.ends_with('…'));
    }
}
