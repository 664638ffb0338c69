//! Rows as a table in Markdown, which also reads well as it is.

use super::{Figures, Ratios, executions, hundredths, runner, written};
use crate::measure::{Row, Runner, Size};

/// Its columns, and how wide they are.
const COLUMNS: [(&str, usize); 16] = [
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
    ("MiB", 5),
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

fn cells(row: &Row, rows: &[Row]) -> [String; 16] {
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
        if row.runner == Runner::InOrder { number(row.peak_kib.map(|kib| kib / 1_024)) } else { String::new() },
    ]
}

fn line(cells: [String; 16]) -> String {
    let cells = cells.iter().zip(COLUMNS).enumerate().map(|(at, (cell, (_, width)))| match at {
        0 | 1 => format!("{cell:width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("|{}|", cells.collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::workload::Workload;

    #[test]
    fn a_row_says_what_was_measured() {
        let size = Size { accounts: 2, transactions: 10, warm_up: 1, blocks: 2 };
        let mut ours = Row::new(Workload::Erc20, size, Runner::InOrder);
        let mut bare = Row::new(Workload::Erc20, size, Runner::Bare);
        for cpu in [100_000, 120_000] {
            ours.execute.push(Time { cpu, wall: 200_000 });
            ours.root.push(Time { cpu: 50_000, wall: 300_000 });
            ours.recover.push(Time { cpu: 400_000, wall: 500_000 });
            bare.execute.push(Time { cpu: cpu / 2, wall: 50_000 });
        }
        (ours.gas, ours.executions, ours.given_up, ours.written_bytes) = (800_000, 25, 1, 10_000);
        let said = lines(&[ours, bare]);
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let (ours, bare) = said.split_once('\n').unwrap();
        assert_eq!(
            cells(ours)[2..16],
            [
                "in order", "10.00", "5.00", "40.00", "50000", "20000", "10000", "2000", "0.50", "0.50", "1.25*",
                "500", "0.50", ""
            ]
        );
        assert_eq!(cells(bare)[1..8], ["", "bare revm", "5.00", "", "", "200000", ""]);
        let widths: Vec<_> = head().lines().chain(said.lines()).map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    }
}
