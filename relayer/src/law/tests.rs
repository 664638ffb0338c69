//! One view in which all is well and one change a row; then what holds from any view.

use proptest::prelude::*;
use tributary_checkpoint::Checkpoint;

use super::*;
use crate::fixture::Family;
use crate::limits::{WAIT_MAX, WAIT_MIN};

/// A parent that accepted period 1 of a child that certified period 2, and a relayer that sent nothing.
#[derive(Clone, Debug)]
struct Case {
    limits: Limits,
    parent: ParentView,
    child: ChildView,
    pending: Option<Submission>,
}

impl Case {
    fn good() -> Self {
        let family = Family::of(100);
        let parent = ParentView {
            seen_at: Duration::from_secs(1_000),
            subnet: family.subnet.parent().unwrap(),
            height: Height(500),
            base_fee: 100,
            nonce: 7,
            balance: TokenAmount::from_whole(1),
            registration: Some(family.registration()),
            latest: Some(family.accepted(1)),
        };
        let certificates = vec![family.certificate(1), family.certificate(2)];
        let child = ChildView { subnet: family.subnet.clone(), height: Height(25), certificates };
        Self { limits: Limits::default(), parent, child, pending: None }
    }

    /// The same, with a transaction for period 2 sent `seconds` and `blocks` ago.
    fn sent(seconds: u64, blocks: u64) -> Self {
        let good = Self::good();
        let submission = Submission {
            checkpoint_height: Height(20),
            nonce: good.parent.nonce,
            fees: Fees::quote(100),
            sent_at: good.parent.seen_at - Duration::from_secs(seconds),
            sent_at_height: Height(good.parent.height.0 - blocks),
            attempt: 1,
            fate: Fate::Sent,
        };
        Self { pending: Some(submission), ..good }
    }

    fn step(&self) -> Step {
        next_step(&self.limits, &self.parent, &self.child, self.pending.as_ref())
    }

    fn pending(&mut self) -> &mut Submission {
        self.pending.as_mut().unwrap()
    }

    /// The case with one change.
    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// A step without its values: which row decided.
fn row(step: &Step) -> &'static str {
    match step {
        Step::Submit { .. } => "submit",
        Step::Bump { .. } => "bump",
        Step::Resend => "resend",
        Step::Idle(_) => "idle",
        Step::Wait(_, Why::Unregistered(_)) => "unregistered",
        Step::Wait(_, Why::InFlight(_)) => "in flight",
        Step::Wait(_, Why::BackingOff(_)) => "backing off",
        Step::Wait(_, Why::Pausing) => "pausing",
        Step::Wait(_, Why::Refused(_)) => "refused",
        Step::Wait(_, Why::FeesTooHigh { .. }) => "fees too high",
        Step::Wait(_, Why::Underfunded { .. }) => "underfunded",
        Step::Halt(Halt::NotItsParent { .. }) => "not its parent",
        Step::Halt(Halt::OtherSubnet { .. }) => "other subnet",
        Step::Halt(Halt::Forked { .. }) => "forked",
    }
}

#[test]
fn each_row_of_the_table_decides_alone() {
    let family = Family::of(100);
    let forked = Checkpoint { state_root: family.accepted(2).cid, ..family.checkpoint(1) };
    let forked = family.certify_by(forked, &[0, 1, 2]);
    let forged = CheckpointCertificate { signature: family.certificate(1).signature, ..family.certificate(2) };
    let rows: Vec<(&str, Case)> = vec![
        ("submit", Case::good()),
        ("submit", Case::good().but(|case| case.parent.latest = None)),
        ("not its parent", Case::good().but(|case| case.parent.subnet = SubnetId::root(1))),
        ("not its parent", Case::good().but(|case| case.child.subnet = SubnetId::root(31_415))),
        ("unregistered", Case::good().but(|case| case.parent.registration = None)),
        ("other subnet", Case::good().but(|case| case.parent.registration = Some(Family::of(101).registration()))),
        ("forked", Case::good().but(|case| case.child.certificates = vec![forked])),
        ("idle", Case::good().but(|case| case.child.certificates.clear())),
        ("idle", Case::good().but(|case| case.parent.latest = Some(family.accepted(2)))),
        ("idle", Case::good().but(|case| case.parent.latest = Some(family.accepted(3)))),
        ("idle", Case::sent(0, 0).but(|case| case.parent.latest = Some(family.accepted(2)))),
        ("in flight", Case::sent(0, 0)),
        ("in flight", Case::sent(0, 100)),
        ("in flight", Case::sent(29, 2)),
        ("in flight", Case::sent(5, 0).but(|case| case.parent.nonce = 6)),
        ("bump", Case::sent(2, 3)),
        ("resend", Case::sent(30, 0)),
        ("in flight", Case::sent(29, 3).but(|case| case.limits.fee_cap_max = 210)),
        ("resend", Case::sent(30, 3).but(|case| case.limits.fee_cap_max = 210)),
        ("backing off", Case::sent(0, 0).but(|case| case.parent.nonce = 8)),
        ("backing off", Case::sent(3, 0).but(|case| (case.parent.nonce, case.pending().attempt) = (8, 3))),
        ("submit", Case::sent(4, 0).but(|case| (case.parent.nonce, case.pending().attempt) = (8, 3))),
        ("backing off", Case::sent(0, 0).but(|case| case.pending().fate = Fate::Refused)),
        ("submit", Case::sent(1, 0).but(|case| case.pending().fate = Fate::Refused)),
        (
            "pausing",
            Case::sent(0, 0).but(|case| (case.parent.nonce, case.pending().checkpoint_height) = (8, Height(10))),
        ),
        ("refused", Case::good().but(|case| case.child.certificates = vec![forged])),
        ("fees too high", Case::good().but(|case| case.parent.base_fee = case.limits.fee_cap_max)),
        ("underfunded", Case::good().but(|case| case.parent.balance = TokenAmount::from_atto(1))),
    ];
    for (number, (expected, case)) in rows.iter().enumerate() {
        assert_eq!(row(&case.step()), *expected, "row {number}");
    }
}

#[test]
fn a_submission_takes_the_next_nonce_and_counts_attempts() {
    let Step::Submit { certificate, nonce, fees, attempt } = Case::good().step() else { panic!("submits") };
    assert_eq!((certificate.checkpoint.height, nonce, fees, attempt), (Height(20), 7, Fees::quote(100), 1));
    let again = Case::sent(4, 0).but(|case| (case.parent.nonce, case.pending().attempt) = (8, 3)).step();
    assert!(matches!(again, Step::Submit { nonce: 8, attempt: 4, .. }), "{again:?}");
    // The last transaction carried period 1, and that is accepted: the next one starts afresh.
    let fresh = Case::sent(1, 0).but(|case| {
        (case.parent.nonce, case.pending().checkpoint_height, case.pending().attempt) = (8, Height(10), 5);
    });
    assert!(matches!(fresh.step(), Step::Submit { attempt: 1, .. }));
}

#[test]
fn a_bump_pays_an_eighth_more_within_the_bound_and_carries_the_best_of_the_day() {
    let stuck = Case::sent(2, 3).but(|case| case.child.certificates.push(Family::of(100).certificate(6)));
    let Step::Bump { certificate, fees } = stuck.step() else { panic!("bumps") };
    assert_eq!((certificate.checkpoint.height, fees), (Height(60), Fees { cap: 237, premium: 12 }));
    let dear = Case::sent(2, 3).but(|case| case.parent.base_fee = 1_000);
    assert!(matches!(dear.step(), Step::Bump { fees, .. } if fees == Fees::quote(1_000)));
    let bound = Case::sent(2, 3).but(|case| (case.parent.base_fee, case.limits.fee_cap_max) = (1_000, 240));
    assert!(matches!(bound.step(), Step::Bump { fees: Fees { cap: 240, .. }, .. }));
}

#[test]
fn waits_say_what_to_do() {
    for (case, advice) in [
        (Case::good().but(|case| case.parent.registration = None), "register the child"),
        (Case::good().but(|case| case.parent.base_fee = u128::MAX), "raise fee_cap_max"),
        (Case::good().but(|case| case.parent.balance = TokenAmount::from_atto(0)), "send it some"),
    ] {
        let Step::Wait(_, why) = case.step() else { panic!("waits") };
        assert!(why.to_string().contains(advice), "{why}");
    }
}

/// The transaction that is remembered after `step` was carried out at `parent`.
fn after(step: &Step, parent: &ParentView, pending: Option<&Submission>) -> Option<Submission> {
    let (at, height) = (parent.seen_at, parent.height);
    let sent = |checkpoint_height, nonce, fees, attempt| Submission {
        checkpoint_height,
        nonce,
        fees,
        sent_at: at,
        sent_at_height: height,
        attempt,
        fate: Fate::Sent,
    };
    match (step, pending) {
        (Step::Submit { certificate, nonce, fees, attempt }, _) => {
            Some(sent(certificate.checkpoint.height, *nonce, *fees, *attempt))
        }
        (Step::Bump { certificate, fees }, Some(last)) => {
            Some(sent(certificate.checkpoint.height, last.nonce, *fees, last.attempt))
        }
        (Step::Resend, Some(last)) => Some(Submission { sent_at: at, ..last.clone() }),
        (Step::Idle(_), _) => None,
        (_, pending) => pending.cloned(),
    }
}

fn acts(step: &Step) -> bool {
    matches!(step, Step::Submit { .. } | Step::Bump { .. } | Step::Resend)
}

fn any_submission() -> impl Strategy<Value = Submission> {
    (0..60u64, 0..5u64, 1..1_000u128, 900_000..1_000_100u64, 480..520u64, 0..40u32, any::<bool>()).prop_map(
        |(checkpoint_height, nonce, cap, sent_at_ms, sent_at_height, attempt, refused)| Submission {
            checkpoint_height: Height(checkpoint_height),
            nonce: nonce + 5,
            fees: Fees { cap, premium: cap.div_ceil(10) },
            sent_at: Duration::from_millis(sent_at_ms),
            sent_at_height: Height(sent_at_height),
            attempt,
            fate: if refused { Fate::Refused } else { Fate::Sent },
        },
    )
}

/// Any state of the chains around [`Case::good`]'s, at any of several times.
fn any_case() -> impl Strategy<Value = Case> {
    let registered = proptest::bool::weighted(0.9);
    let chains = (0..3u64, 0..5u64, 480..540u64, 0..310u128, 5..10u64, 50_000..2_000_000u128, registered);
    (chains, proptest::option::of(any_submission()), 999_000..1_100_000u64).prop_map(|(chains, pending, now_ms)| {
        let (accepted, certified, height, base_fee, nonce, balance, registered) = chains;
        let (family, good) = (Family::of(100), Case::good());
        let registration = good.parent.registration.clone().filter(|_| registered);
        let parent = ParentView {
            seen_at: Duration::from_millis(now_ms),
            height: Height(height),
            base_fee,
            nonce,
            balance: TokenAmount::from_atto(balance) * 1_000_000u64,
            latest: (accepted > 0).then(|| family.accepted(accepted)).filter(|_| registered),
            registration,
            ..good.parent
        };
        let certificates = (1..=certified).map(|number| family.certificate(number)).collect();
        let limits = Limits { fee_cap_max: 300, ..Limits::default() };
        Case { limits, parent, child: ChildView { certificates, ..good.child }, pending }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn from_any_view_no_two_acts_come_without_a_pause_between(first in any_case(), then in any_case(), later_ms in 0..1_000u64) {
        let step = first.step();
        prop_assert_eq!(&step, &first.step(), "the same views give the same step");
        if !acts(&step) {
            return Ok(());
        }
        // Whatever the chains show next, sooner than the pause nothing is sent.
        let pending = after(&step, &first.parent, first.pending.as_ref());
        let seen_at = first.parent.seen_at + Duration::from_millis(later_ms);
        let next = Case { parent: ParentView { seen_at, ..then.parent }, pending, ..then };
        prop_assert!(!acts(&next.step()), "{:?} after {:?}", next.step(), step);
    }

    #[test]
    fn every_wait_is_bounded_and_every_offer_is_within_the_bound(case in any_case()) {
        match case.step() {
            Step::Wait(wait, _) | Step::Idle(wait) => prop_assert!((WAIT_MIN..=WAIT_MAX).contains(&wait), "{wait:?}"),
            Step::Submit { fees, .. } => prop_assert!(fees.cap <= case.limits.fee_cap_max && fees.premium <= fees.cap),
            Step::Bump { fees, .. } => {
                let last = case.pending.as_ref().map(|pending| pending.fees);
                prop_assert!(last.is_some_and(|last| last.is_replaced_by(fees)));
                prop_assert!(fees.cap <= case.limits.fee_cap_max && fees.premium <= fees.cap);
            }
            Step::Resend => prop_assert!(case.pending.is_some()),
            Step::Halt(why) => prop_assert!(false, "{why}"),
        }
    }

    #[test]
    fn a_relayer_that_forgot_everything_sends_only_what_the_parent_would_accept(case in any_case()) {
        let forgetful = Case { pending: None, ..case };
        if let Step::Submit { certificate, nonce, attempt, .. } = forgetful.step() {
            prop_assert_eq!((nonce, attempt), (forgetful.parent.nonce, 1));
            prop_assert!(certificate.checkpoint.height > forgetful.parent.accepted_height());
        }
    }
}
