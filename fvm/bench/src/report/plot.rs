//! A picture: what a transaction costs in order, layer by layer, and what bare revm's execution costs beside it.

use std::fmt::Write as _;

use super::{Figures, hundredths};
use crate::measure::{Row, Runner};

const WIDTH: u64 = 760;
/// Where the bars start.
const LEFT: u64 = 170;
/// Room at the end of the longest bar for its number.
const RIGHT: u64 = 70;
const TOP: u64 = 56;
const ROW: u64 = 26;
const BAR: u64 = 16;

/// Grey in both, so that it reads on white and on black; the bars' colours are as far apart for eyes that see no red or no green.
///
/// Source: Okabe, Ito, "Color universal design".
const STYLE: &str = "\
text{font:13px sans-serif;fill:#57606a}\
.execute{fill:#0072b2}.root{fill:#e69f00}.recover{fill:#a9b1ba}\
.bare{stroke:#d55e00;stroke-width:3}\
@media(prefers-color-scheme:dark){text{fill:#b1bac4}.execute{fill:#56b4e9}.recover{fill:#6e7681}}";

/// Of the groups of one size, a bar each, in SVG.
#[must_use]
pub fn svg(title: &str, groups: &[Vec<Row>]) -> String {
    let bars: Vec<_> = groups.iter().filter_map(|rows| Bar::of(rows)).collect();
    let longest = bars.iter().map(Bar::nanos).max().unwrap_or(1).max(1);
    let height = TOP + ROW * u64::try_from(bars.len()).unwrap_or_default() + 8;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<text x=\"8\" y=\"18\">CPU µs a transaction, in order; {title}</text>\n{}",
        legend()
    );
    for (at, bar) in (0..).zip(&bars) {
        svg.push_str(&bar.draw(TOP + at * ROW, longest));
    }
    svg + "</svg>\n"
}

/// A workload's.
struct Bar {
    name: &'static str,
    /// CPU nanoseconds a transaction, and the layer.
    layers: [(u64, &'static str); 3],
    bare: Option<u64>,
}

impl Bar {
    fn of(rows: &[Row]) -> Option<Self> {
        let of = |runner| rows.iter().find(|row| row.runner == runner);
        let row = of(Runner::InOrder)?;
        let figures = Figures::of(row);
        let layers =
            [(figures.execute_cpu?, "execute"), (figures.root_cpu?, "root"), (figures.recover_cpu?, "recover")];
        Some(Self {
            name: row.workload.name(),
            layers,
            bare: of(Runner::Bare).and_then(|row| Figures::of(row).execute_cpu),
        })
    }

    fn nanos(&self) -> u64 {
        self.layers.iter().map(|(nanos, _)| nanos).sum()
    }

    fn draw(&self, y: u64, longest: u64) -> String {
        let scaled = |nanos: u64| nanos.saturating_mul(WIDTH - LEFT - RIGHT) / longest;
        let (mut svg, mut x, base) = (String::new(), LEFT, y + 13);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>", LEFT - 8, self.name);
        for (nanos, class) in self.layers {
            let width = scaled(nanos);
            let _ = writeln!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\"/>");
            x += width;
        }
        if let Some(x) = self.bare.map(|nanos| LEFT + scaled(nanos)) {
            let _ = writeln!(svg, "<path class=\"bare\" d=\"M{x} {}V{}\"/>", y - 3, y + BAR + 3);
        }
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{base}\">{}</text>", x + 6, hundredths(self.nanos() / 10));
        svg
    }
}

fn legend() -> String {
    let entry = |x: u64, class: &str, what: &str| {
        format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"30\" width=\"12\" height=\"12\"/><text x=\"{}\" y=\"41\">{what}</text>\n",
            x + 18
        )
    };
    entry(LEFT, "execute", "execute and apply")
        + &entry(LEFT + 150, "root", "state root")
        + &entry(LEFT + 260, "recover", "decode and recover")
        + &format!(
            "<path class=\"bare\" d=\"M{0} 28V44\"/><text x=\"{1}\" y=\"41\">bare revm</text>\n",
            LEFT + 420,
            LEFT + 428
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::measure::Size;
    use crate::workload::Workload;

    #[test]
    fn the_longest_bar_reaches_the_end_and_the_peer_is_where_it_costs() {
        let size = Size { accounts: 2, transactions: 1, warm_up: 0, blocks: 1 };
        let row = |runner, cpu: [u64; 3]| {
            let mut row = Row::new(Workload::EthTransfer, size, runner);
            let times = [&mut row.execute, &mut row.root, &mut row.recover];
            times.into_iter().zip(cpu).for_each(|(times, cpu)| times.push(Time { cpu, wall: cpu }));
            row
        };
        let svg = svg("a test", &[vec![row(Runner::InOrder, [1_000, 2_000, 7_000]), row(Runner::Bare, [500, 0, 0])]]);
        for part in ["width=\"52\"", "width=\"104\"", "width=\"364\"", "d=\"M196 53V75\"", ">10.00</text>"] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert!(svg.ends_with("</svg>\n"));
    }
}
