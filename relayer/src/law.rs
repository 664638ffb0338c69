//! Decides what a relayer does next for one child.
//!
//! | # | the chains | the last transaction | step |
//! |---|---|---|---|
//! | 1 | the child names another parent | any | [`Halt::NotItsParent`] |
//! | 2 | no such actor on the parent | any | wait: [`Why::Unregistered`] |
//! | 3 | the parent's actor judges another subnet | any | [`Halt::OtherSubnet`] |
//! | 4 | a quorum signed another checkpoint than the accepted one | any | [`Halt::Forked`] |
//! | 5 | nothing above the latest accepted checkpoint | any | [`Step::Idle`] |
//! | 6 | something to carry | sent a moment ago | wait: [`Why::InFlight`] |
//! | 7 | blocks went by without it | not in a block, fees may rise | [`Step::Bump`] |
//! | 8 | [`Limits::patience`] went by | not in a block | [`Step::Resend`] |
//! | 9 | its effect is not there | in a block, or refused | wait: [`Why::BackingOff`], longer each time |
//! |   | its effect is there, and more to carry | a moment ago | wait: [`Why::Pausing`] |
//! | 10 | the parent would refuse all there is | none | wait: [`Why::Refused`] |
//! | 11 | base fee above the bound | none | wait: [`Why::FeesTooHigh`] |
//! | 12 | balance below the cost | none | wait: [`Why::Underfunded`] |
//! | 13 | all is well | none | [`Step::Submit`] |
//!
//! The first row that fits decides. Rows 6 to 9 do not ask who carried what: an accepted checkpoint is success whoever
//! brought it, and row 5 or a higher accepted height then passes over them.
//!
//! The law has no clock and no memory. It acts (rows 7, 8 and 13) only when [`Limits::pause`] has passed since the last act, so
//! a loop over steps cannot spin whatever the chains answer. Patience is counted in the parent's blocks where a higher fee
//! could help, and in time where it could not: a chain that stands still is not moved by money.

use std::time::Duration;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::econ::TokenAmount;
use tributary_checkpoint::{CertificateRejected, CheckpointCertificate};
use tributary_primitives::{Height, SubnetId};

use crate::choice::{Choice, choose, find_fork};
use crate::fees::Fees;
use crate::limits::Limits;
use crate::view::{ChildView, Fate, ParentView, Submission};

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this certificate in a transaction of its own.
    Submit {
        /// What to carry.
        certificate: Box<CheckpointCertificate>,
        /// The nonce to use up.
        nonce: u64,
        /// What to offer.
        fees: Fees,
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// Send this certificate, today's best, in place of the last transaction: same nonce, higher fees.
    Bump {
        /// What to carry.
        certificate: Box<CheckpointCertificate>,
        /// What to offer now.
        fees: Fees,
    },
    /// Send the last transaction again as it was.
    Resend,
    /// Look again after this long.
    Wait(Duration, Why),
    /// Nothing to carry; look again after this long. The last transaction may be forgotten.
    Idle(Duration),
    /// Stop: only a person can help.
    Halt(Halt),
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The child's actor is not there.
    #[error("actor f0{0} is not a checkpoint actor on the parent: register the child there")]
    Unregistered(ActorID),
    /// A transaction is on its way.
    #[error("checkpoint {0} is on its way to the parent")]
    InFlight(Height),
    /// The last transaction did its work a moment ago, and there is more to carry.
    #[error("a checkpoint was just accepted; the next one follows")]
    Pausing,
    /// The last attempt had no effect.
    #[error("attempt {0} had no effect; the next one comes later")]
    BackingOff(u32),
    /// The parent would refuse what the child offers.
    #[error("the parent would refuse what the child offers: {0}")]
    Refused(CertificateRejected),
    /// The parent is dearer than allowed.
    #[error(
        "the parent's base fee is {base_fee} attoTRB per FVM gas; the bound is {cap_max}: raise fee_cap_max or wait"
    )]
    FeesTooHigh {
        /// Base fee now.
        base_fee: u128,
        /// The bound.
        cap_max: u128,
    },
    /// The sender cannot pay.
    #[error("the sender holds {balance} TRB and needs {cost}: send it some on the parent")]
    Underfunded {
        /// What the sender holds.
        balance: TokenAmount,
        /// What the transaction may cost.
        cost: TokenAmount,
    },
}

/// Why a relayer stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The two URLs are not parent and child.
    #[error("the child is {child}, which is no child of {parent}: check the two URLs")]
    NotItsParent {
        /// The parent's name, as it says.
        parent: SubnetId,
        /// The child's name, as it says.
        child: SubnetId,
    },
    /// The actor at the child's id was registered for another subnet.
    #[error("the parent's actor judges {registered}, not {child}: register the child anew")]
    OtherSubnet {
        /// The subnet in the registration.
        registered: SubnetId,
        /// The child's name, as it says.
        child: SubnetId,
    },
    /// Validators signed two histories.
    #[error(
        "a quorum of the child's validators signed two checkpoints at height {height}: the parent accepted {accepted}, the \
         child holds {found}; keep both certificates, they prove who signed twice"
    )]
    Forked {
        /// The height.
        height: Height,
        /// What the parent accepted.
        accepted: Cid,
        /// What the child's node holds.
        found: Cid,
    },
}

/// The next step for one child. The same views give the same step.
///
/// `pending` is the last transaction sent for this child, unless an [`Step::Idle`] came after it.
///
/// Cost: 1 ms when there is a certificate to judge, next to nothing otherwise.
#[must_use]
pub fn next_step(limits: &Limits, parent: &ParentView, child: &ChildView, pending: Option<&Submission>) -> Step {
    let registration = match standing_of(limits, parent, child) {
        Ok(registration) => registration,
        Err(step) => return *step,
    };
    if child.certified_height() <= parent.accepted_height() {
        return Step::Idle(limits.poll);
    }
    let choice = || choose(registration, parent.latest.as_ref(), &child.certificates);
    let attempt = match pending.map_or(Ok(1), |submission| follow_up(limits, parent, submission, choice)) {
        Ok(attempt) => attempt,
        Err(step) => return *step,
    };
    match choice() {
        Choice::Nothing => Step::Idle(limits.poll),
        Choice::Refused(why) => Step::Wait(limits.patience, Why::Refused(why)),
        Choice::Carry(certificate) => offer(limits, parent, certificate, attempt),
    }
}

/// Rows 1 to 4: whether these two chains are parent and child.
fn standing_of<'a>(
    limits: &Limits,
    parent: &'a ParentView,
    child: &ChildView,
) -> Result<&'a tributary_checkpoint::Registration, Box<Step>> {
    let halt = |why| Err(Box::new(Step::Halt(why)));
    let Some(actor) = child.subnet.actor().filter(|_| child.subnet.parent().as_ref() == Some(&parent.subnet)) else {
        return halt(Halt::NotItsParent { parent: parent.subnet.clone(), child: child.subnet.clone() });
    };
    let Some(registration) = &parent.registration else {
        return Err(Box::new(Step::Wait(limits.patience, Why::Unregistered(actor))));
    };
    if registration.subnet != child.subnet {
        return halt(Halt::OtherSubnet { registered: registration.subnet.clone(), child: child.subnet.clone() });
    }
    let fork = parent.latest.as_ref().and_then(|latest| {
        let other = find_fork(registration, latest, &child.certificates)?;
        Some(Halt::Forked { height: latest.height, accepted: latest.cid, found: other.checkpoint.cid() })
    });
    fork.map_or(Ok(registration), halt)
}

/// Rows 6 to 9: what the last transaction asks for. `Ok` with the number of the next attempt when it is done with.
fn follow_up<'a>(
    limits: &Limits,
    parent: &ParentView,
    submission: &Submission,
    choice: impl FnOnce() -> Choice<'a>,
) -> Result<u32, Box<Step>> {
    let waited = parent.seen_at.saturating_sub(submission.sent_at);
    if submission.fate == Fate::Sent && parent.nonce <= submission.nonce {
        return Err(Box::new(in_flight(limits, parent, submission, waited, choice)));
    }
    let took_effect = parent.accepted_height() >= submission.checkpoint_height;
    let (rest, why, next) = if took_effect {
        (limits.pause, Why::Pausing, 1)
    } else {
        let attempt = submission.attempt;
        (limits.backoff(attempt), Why::BackingOff(attempt), attempt.saturating_add(1))
    };
    match rest.checked_sub(waited) {
        None | Some(Duration::ZERO) => Ok(next),
        Some(rest) => Err(Box::new(Step::Wait(limits.bounded(rest), why))),
    }
}

/// Rows 6 to 8: a transaction that is in no block yet.
fn in_flight<'a>(
    limits: &Limits,
    parent: &ParentView,
    submission: &Submission,
    waited: Duration,
    choice: impl FnOnce() -> Choice<'a>,
) -> Step {
    let wait = limits.pause.saturating_sub(waited).max(limits.poll);
    let wait = Step::Wait(limits.bounded(wait), Why::InFlight(submission.checkpoint_height));
    if waited < limits.pause {
        return wait;
    }
    let blocks = parent.height.0.saturating_sub(submission.sent_at_height.0);
    if blocks >= limits.stuck_blocks {
        let fees = submission.fees.bumped(Fees::quote(parent.base_fee)).at_most(limits.fee_cap_max);
        return match choice() {
            Choice::Carry(certificate) if submission.fees.is_replaced_by(fees) => {
                Step::Bump { certificate: Box::new(certificate.clone()), fees }
            }
            // At the bound there is nothing more to offer, but a node may have lost the transaction.
            _ if waited >= limits.patience => Step::Resend,
            _ => wait,
        };
    }
    if waited >= limits.patience { Step::Resend } else { wait }
}

/// Rows 11 to 13: whether `certificate` can be paid for.
fn offer(limits: &Limits, parent: &ParentView, certificate: &CheckpointCertificate, attempt: u32) -> Step {
    if parent.base_fee >= limits.fee_cap_max {
        let (base_fee, cap_max) = (parent.base_fee, limits.fee_cap_max);
        return Step::Wait(limits.patience, Why::FeesTooHigh { base_fee, cap_max });
    }
    let fees = Fees::quote(parent.base_fee).at_most(limits.fee_cap_max);
    let cost = TokenAmount::from_atto(fees.cap) * limits.gas_limit;
    if parent.balance < cost {
        return Step::Wait(limits.patience, Why::Underfunded { balance: parent.balance.clone(), cost });
    }
    Step::Submit { certificate: Box::new(certificate.clone()), nonce: parent.nonce, fees, attempt }
}

#[cfg(test)]
mod tests;
