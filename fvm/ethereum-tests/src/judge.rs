//! Judges one entry: is what our executor did what is published, or by which named rule is it not?
//!
//! ```text
//! entry
//!   ├─ a blob transaction?               we refuse it, nothing changes ─▶ refused: no blobs
//!   ├─ more than 128 KiB?                we refuse it, nothing changes ─▶ refused: 128 KiB
//!   ├─ more gas than 2^24, older fork?   we refuse it, nothing changes; stock revm in the fork gives what is published;
//!   │                                    with 2^24 ours = published, or = stock revm in Osaka ─▶ refused: EIP-7825
//!   ├─ ours = published?                                               ─▶ passed
//!   ├─ ours = stock revm in Osaka?
//!   │    ├─ = published with later rules undone?                       ─▶ fork difference: the rules that matter
//!   │    ├─ storage without code before, and stock revm in the fork ≠ published? ─▶ deviation: EIP-7610
//!   │    └─ neither                                                    ─▶ failed
//!   ├─ ours = stock revm in Osaka with the least blob price?           ─▶ deviation: no blob price
//!   ├─ ours = stock revm in Osaka, but for a proposer it destroyed?    ─▶ deviation: tips at the end
//!   └─ neither                                                         ─▶ failed, with the first difference
//! ```
//!
//! A refusal that should have been none, or none where one should be, is a failure in every row.

use tributary_fvm::TRANSACTION_GAS_MAX;
use tributary_message::ETHEREUM_BYTES_MAX;

use crate::alloc::{Alloc, Outcome};
use crate::fixture::{Entry, Env, Expected, Test};
use crate::fork::{Fork, Rule};
use crate::oracle::{self, OracleFatal, Rules};
use crate::ours::{OursFatal, World};
use crate::transaction::{Sent, Unsigned};

/// What an entry came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// State and logs are what is published.
    Passed,
    /// The executor takes no such transaction; state and logs show that it did not.
    Refused(Rule),
    /// Refused for its gas limit; with the most that a transaction may have it was run again.
    Capped(Again),
    /// What is published is of an older fork; without these rules it is what we did.
    ForkDifference(Vec<Rule>),
    /// A rule of our own.
    Deviation(Rule),
    /// Nothing explains it.
    Failed(String),
}

/// What a transaction came to with less gas than it asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// What is published all the same.
    AsPublished,
    /// What stock revm makes of it in Osaka.
    AsRevm,
}

/// The run cannot go on: not a test's doing.
#[derive(Debug, thiserror::Error)]
pub enum JudgeFatal {
    /// Our executor stopped.
    #[error(transparent)]
    Ours(#[from] OursFatal),
    /// Stock revm stopped.
    #[error(transparent)]
    Oracle(#[from] OracleFatal),
}

/// Judges `entry`, published for `fork`.
///
/// Cost: one block, one more above the gas cap; where it is not as published one run of stock revm and, for an older fork, one for
/// each later rule.
///
/// # Errors
/// [`JudgeFatal`] when either executor stops: a bug, and the entry's failure.
pub fn judge(world: &World<'_>, test: &Test, entry: &Entry, fork: Fork) -> Result<Verdict, JudgeFatal> {
    let ours = world.run(&entry.sent)?;
    let refused = |rule| refused(&test.pre, &ours, rule);
    let unsigned = match &entry.sent {
        Sent::Blob(_) => return Ok(refused(Rule::NoBlobs)),
        Sent::Unwritable(_) if is_as_published(&ours, &entry.expected) => return Ok(Verdict::Passed),
        Sent::Unwritable(_) => {
            return Ok(Verdict::Failed("a transaction that cannot be written changed the state".into()));
        }
        Sent::Signed(unsigned) => unsigned,
    };
    let case = Case { env: &test.env, pre: &test.pre, expected: &entry.expected, fork };
    if unsigned.sign(test.env.chain_id).is_some_and(|raw| raw.len() > ETHEREUM_BYTES_MAX) {
        return Ok(refused(Rule::TransactionBytes));
    }
    if unsigned.gas_limit <= TRANSACTION_GAS_MAX || fork == Fork::Osaka {
        return case.judge(&ours, unsigned);
    }
    match refused(Rule::GasCap) {
        Verdict::Refused(_) => case.judge_capped(world, unsigned),
        failed => Ok(failed),
    }
}

fn refused(pre: &Alloc, ours: &Outcome, rule: Rule) -> Verdict {
    if ours.refusal.is_some() && ours.alloc == *pre {
        return Verdict::Refused(rule);
    }
    Verdict::Failed(format!("{rule} should have refused it and left the state as it was"))
}

fn is_as_published(ours: &Outcome, expected: &Expected) -> bool {
    let is_refused = ours.refusal.is_some() == expected.exception.is_some();
    let is_state = expected.state.as_ref().is_none_or(|state| *state == ours.alloc);
    is_refused && is_state && (ours.root, ours.logs) == (expected.root, expected.logs)
}

/// What a transaction is judged by.
struct Case<'a> {
    env: &'a Env,
    pre: &'a Alloc,
    expected: &'a Expected,
    fork: Fork,
}

impl Case<'_> {
    fn judge(&self, ours: &Outcome, unsigned: &Unsigned) -> Result<Verdict, JudgeFatal> {
        if is_as_published(ours, self.expected) {
            return Ok(Verdict::Passed);
        }
        let osaka = Rules::of(Fork::Osaka);
        let by_revm = self.run(unsigned, &osaka)?;
        if !ours.is_same_as(&by_revm) {
            let without_price = self.run(unsigned, &Rules { excess_blob_gas: Some(0), ..osaka })?;
            return Ok(match () {
                () if ours.is_same_as(&without_price) => Verdict::Deviation(Rule::NoBlobPrice),
                () if self.is_tip_of_the_destroyed(ours, &by_revm) => Verdict::Deviation(Rule::TipsAtTheEnd),
                () => self.failed(ours, &by_revm),
            });
        }
        if let Some(rules) = self.later_rules(unsigned)? {
            return Ok(Verdict::ForkDifference(rules));
        }
        let is_revm_good = self.is_published(unsigned, &Rules::of(self.fork))?;
        Ok(self.by_storage_or_failed(ours, &by_revm, is_revm_good))
    }

    fn judge_capped(&self, world: &World<'_>, unsigned: &Unsigned) -> Result<Verdict, JudgeFatal> {
        let capped = Unsigned { gas_limit: TRANSACTION_GAS_MAX, ..unsigned.clone() };
        let ours = world.run(&Sent::Signed(Box::new(capped.clone())))?;
        if is_as_published(&ours, self.expected) {
            return Ok(Verdict::Capped(Again::AsPublished));
        }
        let by_revm = self.run(&capped, &Rules::of(Fork::Osaka))?;
        if !ours.is_same_as(&by_revm) {
            return Ok(self.failed(&ours, &by_revm));
        }
        // Only the cap may make the difference: the same revm without it, in the test's fork, gives what is published.
        match self.is_published(unsigned, &Rules::of(self.fork))? {
            true => Ok(Verdict::Capped(Again::AsRevm)),
            false => Ok(self.by_storage_or_failed(&ours, &by_revm, false)),
        }
    }

    /// Ours is as stock revm; whether the latter gives what is published in the test's fork tells whose the difference is.
    fn by_storage_or_failed(&self, ours: &Outcome, by_revm: &Outcome, is_revm_good: bool) -> Verdict {
        let has_orphans = self.pre.0.values().any(|account| account.code.is_empty() && !account.storage.is_empty());
        let is_revms = has_orphans && !is_revm_good;
        if is_revms { Verdict::Deviation(Rule::StorageWithoutCode) } else { self.failed(ours, by_revm) }
    }

    /// Whether all that differs is that the proposer, destroyed in Ethereum with its tip, has the tip and nothing else.
    fn is_tip_of_the_destroyed(&self, ours: &Outcome, by_revm: &Outcome) -> bool {
        let mut others = ours.alloc.clone();
        let proposer = others.0.remove(&self.env.coinbase);
        let is_bare = proposer.is_some_and(|account| account.nonce == 0 && account.code.is_empty());
        is_bare && others == by_revm.alloc && ours.logs == by_revm.logs
    }

    /// The fewest rules of Osaka, found one by one, without which stock revm gives what is published; `None` when undoing all of
    /// them does not.
    fn later_rules(&self, unsigned: &Unsigned) -> Result<Option<Vec<Rule>>, OracleFatal> {
        let mut rules = Rules { undone: self.fork.later_rules().iter().copied().collect(), ..Rules::of(Fork::Osaka) };
        if rules.undone.is_empty() || !self.is_published(unsigned, &rules)? {
            return Ok(None);
        }
        for rule in self.fork.later_rules() {
            rules.undone.remove(rule);
            if !self.is_published(unsigned, &rules)? {
                rules.undone.insert(*rule);
            }
        }
        Ok(Some(rules.undone.into_iter().collect()))
    }

    fn is_published(&self, unsigned: &Unsigned, rules: &Rules) -> Result<bool, OracleFatal> {
        Ok(is_as_published(&self.run(unsigned, rules)?, self.expected))
    }

    fn run(&self, unsigned: &Unsigned, rules: &Rules) -> Result<Outcome, OracleFatal> {
        oracle::run(self.env, self.pre, unsigned, rules)
    }

    /// Says what is wrong, by the published state if there is one, by stock revm's otherwise.
    fn failed(&self, ours: &Outcome, by_revm: &Outcome) -> Verdict {
        let (whose, state) = match &self.expected.state {
            Some(state) => ("published", state),
            None => ("revm's", &by_revm.alloc),
        };
        let what = match ours.alloc.difference(state) {
            Some(difference) => format!("by the {whose} state, {difference}"),
            None if ours.logs != self.expected.logs => {
                format!("logs hash is {}, should be {}", ours.logs, self.expected.logs)
            }
            None => format!("state root is {}, should be {}", ours.root, self.expected.root),
        };
        let refusal = |outcome: &Outcome| outcome.refusal.clone().unwrap_or_else(|| "runs".to_owned());
        let asked = self.expected.exception.as_deref().unwrap_or("runs");
        Verdict::Failed(format!("{what} (ours: {}; revm: {}; published: {asked})", refusal(ours), refusal(by_revm)))
    }
}
