//! What a person and a program read of the runs.

use tributary_primitives::Hash32;

use super::*;
use crate::agreement::{Mark, Seen};
use crate::figures::Latency;

fn run(network: &str, round: u32, tps: u64, p50_us: u64) -> Run {
    let latency = Some(Latency { p50_us, ..Latency::default() });
    Run {
        network: network.to_owned(),
        round,
        client_version: "client/1".to_owned(),
        chain_id: 7,
        pace: Pace::Closed { in_flight: 9 },
        ended: Ended::Landed,
        figures: Figures { submitted: 5, confirmed: 5, tps: Hundredths(tps), latency, ..Figures::default() },
        checked: Checked { receipts: 5, ..Checked::default() },
        ..Run::default()
    }
}

#[test]
fn networks_are_compared_by_the_medians_of_their_rounds() {
    let runs = vec![
        run("ours", 1, 30_000, 20),
        run("peer", 1, 10_000, 10),
        run("ours", 2, 90_000, 60),
        run("peer", 2, 11_000, 90),
        run("ours", 3, 20_000, 30),
        run("peer", 3, 40_000, 40),
    ];
    let ratio = Ratio {
        network: "ours".to_owned(),
        peer: "peer".to_owned(),
        tps: Hundredths(272),
        latency_p50: Hundredths(75),
    };
    let report = Report::of(runs);
    assert_eq!(report.ratios, [ratio]);
    assert!(report.table().ends_with("\nours beside peer: 2.72 times the rate, 0.75 times the p50 latency\n"));
    assert_eq!(Report::of(vec![run("ours", 1, 1, 1)]).ratios, []);
}

#[test]
fn the_table_has_a_column_for_each_run_and_lines_of_one_length() {
    let table = Report::of(vec![run("ours", 1, 12_345, 1_500), run("a longer name", 1, 1, 1)]).table();
    let (table, _) = table.split_once("\n\n").unwrap();
    let lengths: std::collections::BTreeSet<_> = table.lines().map(|line| line.chars().count()).collect();
    assert_eq!(lengths.len(), 1, "{table}");
    for expected in ["ours 1", "a longer name 1", "123.45", "1.5 ms", "5 of 5", "closed, 9 in flight"] {
        assert!(table.contains(expected), "{expected} in {table}");
    }
}

#[test]
fn a_program_finds_numbers_where_a_person_does() {
    let json: serde_json::Value = serde_json::from_str(&Report::of(vec![run("ours", 1, 12_345, 9)]).json()).unwrap();
    let run = &json["runs"][0];
    assert!(run["agreement"].is_null(), "there is nobody to agree with");
    assert_eq!((&run["tps"], &run["latency"]["p50_us"]), (&123.45.into(), &9.into()));
    assert_eq!((&run["loop"], &run["in_flight"], &run["ended"]), (&"closed".into(), &9.into(), &"landed".into()));
    assert_eq!((&run["confirmed"], &run["checked"]["failed"]), (&5.into(), &0.into()));
}

#[test]
fn a_run_is_clean_only_if_all_that_was_sent_went_well() {
    let clean = run("ours", 1, 1, 1);
    assert!(clean.is_clean());
    let figures = |change: fn(&mut Figures)| {
        let mut run = clean.clone();
        change(&mut run.figures);
        run
    };
    for unclean in [
        Run { errors: 1, ..clean.clone() },
        Run { ended: Ended::Stalled, ..clean.clone() },
        Run { checked: Checked { failed: 1, ..Checked::default() }, ..clean.clone() },
        Run { agreement: Some(Agreement::of(9, vec![Seen { node: "a".to_owned(), block: None }])), ..clean.clone() },
        figures(|figures| figures.unconfirmed = 1),
        figures(|figures| figures.confirmed = 0),
    ] {
        assert!(!unclean.is_clean(), "{unclean:?}");
        assert!(!Report::of(vec![clean.clone(), unclean]).is_clean());
    }
}

#[test]
fn nodes_that_agree_are_counted_and_leave_a_run_clean() {
    let block = Some(Mark { hash: Hash32([1; 32]), state_root: Hash32([2; 32]) });
    let seen = |node: &str| Seen { node: node.to_owned(), block };
    let run = Run { agreement: Some(Agreement::of(9, vec![seen("a"), seen("b")])), ..run("ours", 1, 1, 1) };
    assert!(run.is_clean());
    let report = Report::of(vec![run]);
    assert!(report.table().contains(" 2 of 2, at block 9 |"), "{}", report.table());
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let agreement = &json["runs"][0]["agreement"];
    assert_eq!((&agreement["agree"], &agreement["height"]), (&true.into(), &9.into()));
    assert_eq!(agreement["nodes"][1]["block"]["state_root"], Hash32([2; 32]).to_string());
}

#[test]
fn what_went_wrong_is_told_with_its_first_cause() {
    let refusal = crate::answer::Refusal { code: -32_000, message: "no | money".to_owned() };
    let silence = Some("connection reset".to_owned());
    let trouble =
        Trouble { retried: 1, unanswered: 2, refused: 3, first_refusal: Some(refusal), first_silence: silence };
    let table = Report::of(vec![run("ours", 1, 1, 1).with_trouble(&trouble)]).table();
    for expected in ["3: no / money (code -32000)", "2: connection reset"] {
        assert!(table.contains(expected), "{expected} in {table}");
    }
}
