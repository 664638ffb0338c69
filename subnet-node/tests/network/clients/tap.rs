//! What a client's cases came to, out of their report in TAP.
//!
//! | line | case |
//! |---|---|
//! | `ok 1 - name` | passed |
//! | `not ok 1 - name` | failed |
//! | `not ok 1 - name # TODO why` | known to fail |
//! | `ok 1 - name # TODO why` | known to fail, and passes: the list of those is stale |
//! | `ok 1 - name # SKIP why` | skipped |
//! | `1..N` | there are N; without this line the report is cut |
//!
//! Everything else, and all that is indented, is for people.
//!
//! Source: the Test Anything Protocol, version 13.

use std::fmt::Write as _;

/// All cases of one client.
pub struct Report {
    cases: Vec<(String, Outcome)>,
    /// All that was said, for who looks for the cause.
    said: String,
    is_whole: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Known,
    Stale,
    Skipped,
}

impl Report {
    /// Reads a report, and keeps the rest of what was said.
    pub fn read(report: &str, complaints: &str) -> Self {
        let cases: Vec<_> = report.lines().filter_map(case).collect();
        let plan = report.lines().find_map(|line| line.strip_prefix("1..")?.trim().parse().ok());
        Self {
            is_whole: plan == Some(cases.len()) && !cases.is_empty(),
            cases,
            said: format!("{report}\n{complaints}"),
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|(_, other)| *other == outcome).count()
    }

    /// Passed, failed, known to fail, skipped. A stale entry is one that failed.
    pub fn counts(&self) -> [usize; 4] {
        let failed = self.count(Outcome::Failed) + self.count(Outcome::Stale);
        [self.count(Outcome::Passed), failed, self.count(Outcome::Known), self.count(Outcome::Skipped)]
    }

    /// Its row in `docs/clients.md`.
    pub fn row(&self, name: &str) -> String {
        let [passed, failed, known, skipped] = self.counts();
        format!("| {name} | {passed} | {failed} | {known} | {skipped} |")
    }

    /// The cases that a person must look at, and all that was said where there are any.
    pub fn faults(&self, client: &str) -> String {
        let mut told = String::new();
        for (name, outcome) in &self.cases {
            match outcome {
                Outcome::Failed => writeln!(told, "{client}: failed: {name}").unwrap(),
                Outcome::Stale => writeln!(told, "{client}: passes, though known to fail: {name}").unwrap(),
                Outcome::Passed | Outcome::Known | Outcome::Skipped => {}
            }
        }
        if !self.is_whole {
            writeln!(told, "{client}: the report is not whole").unwrap();
        }
        if told.is_empty() { told } else { format!("{}\n{told}", self.said) }
    }

    /// # Panics
    /// If a case failed that should not, passed that should not, or the report is cut.
    pub fn assert_good(&self) {
        let faults = self.faults("this client");
        assert!(faults.is_empty(), "{faults}");
    }
}

/// The case that a line tells of, if any.
fn case(line: &str) -> Option<(String, Outcome)> {
    let (is_good, rest) = match line.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok ")?),
    };
    let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_start();
    let rest = rest.strip_prefix("- ").unwrap_or(rest);
    let (name, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
    let outcome = match (directive.split_whitespace().next(), is_good) {
        (Some("SKIP"), _) => Outcome::Skipped,
        (Some("TODO"), true) => Outcome::Stale,
        (Some("TODO"), false) => Outcome::Known,
        (_, true) => Outcome::Passed,
        (_, false) => Outcome::Failed,
    };
    Some((name.to_owned(), outcome))
}

#[test]
fn a_report_is_read_line_by_line_and_a_cut_one_is_no_report() {
    let whole = "TAP version 13\n# Subtest: a\nok 1 - a\nnot ok 2 - b\n  ---\n  error: 'x'\nnot ok 3 - c # TODO not yet\n\
                 ok 4 - d # SKIP none\n    ok 1 - inner\nok 5 mocha says it so\n1..5\n# pass 2";
    let report = Report::read(whole, "");
    assert_eq!(report.counts(), [2, 1, 1, 1]);
    assert!(report.is_whole && report.faults("x").contains("x: failed: b"));
    assert_eq!(report.row("x"), "| x | 2 | 1 | 1 | 1 |");
    assert!(!Report::read("ok 1 - a\n1..2", "").is_whole, "a case is missing");
    assert!(!Report::read("ok 1 - a", "").is_whole, "no plan");
    assert!(!Report::read("1..0", "nothing ran").is_whole, "no case");
    let stale = Report::read("ok 1 - a # TODO later\n1..1", "");
    assert!(stale.faults("x").contains("passes, though known to fail: a"));
}
