//! What a run came to: counts by folder and by rule, and every failure.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::fork::{Fork, Rule};
use crate::judge::{Again, Verdict};

/// Entries by verdict.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// As published.
    pub passed: u64,
    /// Refused by a rule, as they should be.
    pub refused: u64,
    /// Published for an older fork.
    pub fork_differences: u64,
    /// Rules of our own.
    pub deviations: u64,
    /// Not explained.
    pub failed: u64,
}

impl Counts {
    /// All of them together.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.passed + self.refused + self.fork_differences + self.deviations + self.failed
    }

    fn count(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Refused(_) | Verdict::Capped(_) => &mut self.refused,
            Verdict::ForkDifference(_) => &mut self.fork_differences,
            Verdict::Deviation(_) => &mut self.deviations,
            Verdict::Failed(_) => &mut self.failed,
        } += 1;
    }

    fn to_json(self) -> Value {
        json!({
            "passed": self.passed,
            "refused": self.refused,
            "fork_differences": self.fork_differences,
            "deviations": self.deviations,
            "failed": self.failed,
        })
    }
}

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// File, test and entry.
    pub case: String,
    /// Why.
    pub why: String,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By folder, relative to what was asked for.
    pub folders: BTreeMap<String, Counts>,
    /// Entries that a rule explains; an entry that needs two rules counts for both.
    pub rules: BTreeMap<Rule, u64>,
    /// Of those above the gas cap: what is published came out at the cap too.
    pub capped_as_published: u64,
    /// Of those above the gas cap: what stock revm makes of it came out at the cap.
    pub capped_as_revm: u64,
    /// Tests of which no entry is of the fork asked for.
    pub tests_of_other_forks: u64,
    /// Files read.
    pub files: u64,
    /// Everything that is not explained, files that cannot be read among it.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Counts one entry of `folder`; `case` says which.
    pub fn count(&mut self, folder: &str, verdict: Verdict, case: impl FnOnce() -> String) {
        self.folders.entry(folder.to_owned()).or_default().count(&verdict);
        match verdict {
            Verdict::Passed => {}
            Verdict::Refused(rule) | Verdict::Deviation(rule) => self.explain(&[rule]),
            Verdict::ForkDifference(rules) => self.explain(&rules),
            Verdict::Capped(again) => {
                self.explain(&[Rule::GasCap]);
                *match again {
                    Again::AsPublished => &mut self.capped_as_published,
                    Again::AsRevm => &mut self.capped_as_revm,
                } += 1;
            }
            Verdict::Failed(why) => self.failures.push(Failure { case: case(), why }),
        }
    }

    fn explain(&mut self, rules: &[Rule]) {
        rules.iter().for_each(|rule| *self.rules.entry(*rule).or_default() += 1);
    }

    /// Takes another report's counts in.
    pub fn merge(&mut self, other: Self) {
        for (folder, counts) in other.folders {
            let sum = self.folders.entry(folder).or_default();
            *sum = add(*sum, counts);
        }
        other.rules.into_iter().for_each(|(rule, count)| *self.rules.entry(rule).or_default() += count);
        self.capped_as_published += other.capped_as_published;
        self.capped_as_revm += other.capped_as_revm;
        self.tests_of_other_forks += other.tests_of_other_forks;
        self.files += other.files;
        self.failures.extend(other.failures);
    }

    /// All folders together.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.folders.values().copied().fold(Counts::default(), add)
    }

    /// Whether something ran and nothing of it is unexplained.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failures.is_empty() && self.total().all() > 0
    }

    /// For a program to read.
    #[must_use]
    pub fn to_json(&self, fork: Fork) -> Value {
        let folders: BTreeMap<_, _> = self.folders.iter().map(|(folder, counts)| (folder, counts.to_json())).collect();
        let rules: BTreeMap<_, _> = self.rules.iter().map(|(rule, count)| (rule.to_string(), count)).collect();
        let failures: Vec<_> =
            self.failures.iter().map(|failure| json!({ "case": failure.case, "why": failure.why })).collect();
        json!({
            "fork": fork.name(),
            "files": self.files,
            "tests_of_other_forks": self.tests_of_other_forks,
            "total": self.total().to_json(),
            "folders": folders,
            "rules": rules,
            "capped": { "as_published": self.capped_as_published, "as_revm": self.capped_as_revm },
            "failures": failures,
        })
    }
}

fn add(one: Counts, other: Counts) -> Counts {
    Counts {
        passed: one.passed + other.passed,
        refused: one.refused + other.refused,
        fork_differences: one.fork_differences + other.fork_differences,
        deviations: one.deviations + other.deviations,
        failed: one.failed + other.failed,
    }
}

/// The table that a person reads. Failures are not in it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| folder | passed | refused by rule | fork difference | deviation | failed |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        for (folder, counts) in &self.folders {
            row(f, folder, counts)?;
        }
        row(f, "**all**", &self.total())?;
        writeln!(f, "\n| rule | entries | why |\n|---|---:|---|")?;
        for (rule, count) in &self.rules {
            let (name, why) = rule.text();
            writeln!(f, "| {name} | {count} | {why} |")?;
        }
        if self.capped_as_published + self.capped_as_revm > 0 {
            writeln!(
                f,
                "\nRun again with 2^24 gas: {} as published, {} as stock revm.",
                self.capped_as_published, self.capped_as_revm
            )?;
        }
        write!(f, "\n{} files; {} tests have no entry of this fork.", self.files, self.tests_of_other_forks)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, counts: &Counts) -> fmt::Result {
    let Counts { passed, refused, fork_differences, deviations, failed } = counts;
    writeln!(f, "| {name} | {passed} | {refused} | {fork_differences} | {deviations} | {failed} |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_adds_up_and_is_good_only_when_something_ran_and_nothing_failed() {
        let mut report = Report::default();
        assert!(!report.is_good(), "nothing ran");
        report.count("a", Verdict::Passed, String::new);
        report.count("a", Verdict::Capped(Again::AsPublished), String::new);
        report.count("b", Verdict::ForkDifference(vec![Rule::CalldataFloor, Rule::ModexpPrice]), String::new);
        report.count("b", Verdict::Deviation(Rule::NoBlobPrice), String::new);
        assert!(report.is_good());
        let mut other = Report::default();
        other.count("b", Verdict::Failed("why".into()), || "b/one".into());
        report.merge(other);
        assert!(!report.is_good());
        assert_eq!(report.total(), Counts { passed: 1, refused: 1, fork_differences: 1, deviations: 1, failed: 1 });
        let table = report.to_string();
        assert!(table.contains("| b | 0 | 0 | 1 | 1 | 1 |") && table.contains("| EIP-7623 | 1 |"), "{table}");
        assert_eq!(report.to_json(Fork::Osaka)["total"]["failed"], 1);
    }
}
