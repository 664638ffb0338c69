//! Rows as a table in Markdown, which also reads well as it is.

use super::{Figures, Ratios, executions, hundredths, runner, written};
use crate::measure::{Row, Runner, Size};

/// Its columns, and how wide they are.
const COLUMNS: [(&str, usize); 15] = [
    ("workload", 21),
    ("runner", 9),
    ("execute µs", 10),
    ("root µs", 7),
    ("recover µs", 10),
    ("executed/s", 10),
    ("with root/s", 11),
    ("from bytes/s", 12),
    ("Mgas/s", 6),
    ("p50 ms", 7),
    ("p99 ms", 7),
    ("runs", 5),
    ("bytes", 6),
    ("of revm", 7),
    ("of in order", 11),
];

/// The two lines on top.
#[must_use]
pub fn head() -> String {
    let rule = COLUMNS.iter().enumerate().map(|(at, (_, width))| match at {
        0 | 1 => "-".repeat(*width),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    format!(
        "{}\n{}",
        line(COLUMNS.map(|(name, _)| name.to_owned())),
        format_args!("|{}|", rule.collect::<Vec<_>>().join("|"))
    )
}

/// One line a row; all rows of one workload and size together.
#[must_use]
pub fn lines(rows: &[Row]) -> String {
    rows.iter().map(|row| line(cells(row, rows))).collect::<Vec<_>>().join("\n")
}

/// What is the same for all rows of a size.
#[must_use]
pub fn title(size: Size) -> String {
    let Size { accounts, transactions, warm_up, blocks } = size;
    format!(
        "{accounts} accounts of each kind, blocks of {transactions}: {blocks} that count after {warm_up} to warm up"
    )
}

fn cells(row: &Row, rows: &[Row]) -> [String; 15] {
    let (figures, ratios) = (Figures::of(row), Ratios::of(row, rows));
    let is_ours = row.runner != Runner::Bare;
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let micros = |nanos: Option<u64>| nanos.map(|nanos| hundredths(nanos / 10)).unwrap_or_default();
    let ratio = |ratio: Option<u64>| ratio.map(hundredths).unwrap_or_default();
    let name = if row.runner == Runner::InOrder { row.workload.name() } else { "" };
    let given_up = if row.given_up > 0 { "*" } else { "" };
    [
        name.to_owned(),
        runner(row.runner),
        micros(figures.execute_cpu),
        micros(figures.root_cpu),
        micros(figures.recover_cpu),
        number(figures.executed),
        number(figures.committed),
        number(figures.from_bytes),
        number(figures.gas.map(|gas| gas / 1_000_000)),
        micros(figures.block_p50.map(|nanos| nanos / 1_000)),
        micros(figures.block_p99.map(|nanos| nanos / 1_000)),
        format!("{}{given_up}", hundredths(executions(row))),
        if is_ours { written(row).to_string() } else { String::new() },
        ratio(ratios.of_bare),
        ratio(ratios.of_in_order),
    ]
}

fn line(cells: [String; 15]) -> String {
    let cells = cells.iter().zip(COLUMNS).enumerate().map(|(at, (cell, (_, width)))| match at {
        0 | 1 => format!("{cell:width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("|{}|", cells.collect::<Vec<_>>().join("|"))
}
