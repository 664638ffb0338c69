//! How the cost of a transaction grows with the state and with the block: a line of Markdown for each workload and size.

use super::{Figures, hundredths, keys};
use crate::measure::{Row, Runner, SetUp};

/// Its columns, and how wide they are.
const COLUMNS: [(&str, usize); 11] = [
    ("workload", 21),
    ("accounts", 9),
    ("block", 6),
    ("warm-up", 7),
    ("execute µs", 10),
    ("root µs", 8),
    ("keys", 6),
    ("root µs a key", 13),
    ("both µs", 8),
    ("bare revm µs", 12),
    ("MiB", 6),
];

/// What is the same for all sizes, and the two lines on top.
#[must_use]
pub fn head(blocks: usize) -> String {
    let rule = COLUMNS.iter().enumerate().map(|(at, (_, width))| match at {
        0 => "-".repeat(*width),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    format!(
        "CPU µs a transaction, in order: the middle one of {blocks} blocks, after those that warm up\n\n{}\n|{}|",
        line(COLUMNS.map(|(name, _)| name.to_owned())),
        rule.collect::<Vec<_>>().join("|")
    )
}

/// The line of one workload at one size, of all its rows.
#[must_use]
pub fn lines(rows: &[Row]) -> String {
    let in_order = rows.iter().filter(|row| row.runner == Runner::InOrder);
    in_order.map(|row| line(cells(row, rows))).collect::<Vec<_>>().join("\n")
}

/// What a set-up took.
#[must_use]
pub fn set_up(set_up: &SetUp) -> String {
    let SetUp { accounts, time, peak_kib } = set_up;
    let seconds = hundredths(time.wall / 10_000_000);
    format!("{accounts} accounts set up in {seconds} s, at most {} MiB", peak_kib.unwrap_or_default() / 1_024)
}

fn cells(row: &Row, rows: &[Row]) -> [String; 11] {
    let bare = rows.iter().find(|row| row.runner == Runner::Bare).map(Figures::of).unwrap_or_default();
    let ours = Figures::of(row);
    let both = ours.execute_cpu.zip(ours.root_cpu).map(|(execute, root)| execute + root);
    let micros = |nanos: Option<u64>| nanos.map(|nanos| hundredths(nanos / 10)).unwrap_or_default();
    [
        row.workload.name().to_owned(),
        row.size.accounts.to_string(),
        row.size.transactions.to_string(),
        row.size.warm_up.to_string(),
        micros(ours.execute_cpu),
        micros(ours.root_cpu),
        keys(row).to_string(),
        micros(ours.root_cpu_per_key),
        micros(both),
        micros(bare.execute_cpu),
        row.peak_kib.map(|kib| (kib / 1_024).to_string()).unwrap_or_default(),
    ]
}

fn line(cells: [String; 11]) -> String {
    let cells = cells.iter().zip(COLUMNS).enumerate().map(|(at, (cell, (_, width)))| match at {
        0 => format!("{cell:width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("|{}|", cells.collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::measure::Size;
    use crate::workload::Workload;

    #[test]
    fn a_line_has_both_layers_and_the_peer() {
        let size = Size { accounts: 1_000_000, transactions: 10, warm_up: 3, blocks: 1 };
        let mut ours = Row { peak_kib: Some(2_048), ..Row::new(Workload::Erc20, size, Runner::InOrder) };
        let mut bare = Row::new(Workload::Erc20, size, Runner::Bare);
        ours.execute.push(Time { cpu: 100_000, wall: 1 });
        ours.root.push(Time { cpu: 55_000, wall: 1 });
        ours.keys = 20;
        bare.execute.push(Time { cpu: 40_000, wall: 1 });
        let said = lines(&[ours, bare]);
        let cells: Vec<_> = said.split('|').map(str::trim).collect();
        assert_eq!(
            cells[1..12],
            ["ERC-20, at random", "1000000", "10", "3", "10.00", "5.50", "20", "2.75", "15.50", "4.00", "2"]
        );
        let widths: Vec<_> = head(1).lines().skip(2).chain([&*said]).map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    }
}
