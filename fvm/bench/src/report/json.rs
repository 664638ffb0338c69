//! Everything, for machines.

use serde_json::{Value, json};

use super::{Figures, Ratios, executions, keys, runner, written};
use crate::clock::Times;
use crate::machine::Machine;
use crate::measure::{Row, SetUp, Size};

/// The machine, what the set-ups took, and what was measured. Rows of one workload and size stand together.
#[must_use]
pub fn document(machine: &Machine, set_ups: &[SetUp], groups: &[Vec<Row>]) -> Value {
    let rows: Vec<_> = groups.iter().flat_map(|rows| rows.iter().map(|row| entry(row, rows))).collect();
    let set_ups: Vec<_> = set_ups.iter().map(set_up).collect();
    json!({ "machine": machine, "set_ups": set_ups, "rows": rows })
}

fn set_up(set_up: &SetUp) -> Value {
    let SetUp { accounts, time, peak_kib } = set_up;
    json!({ "accounts": accounts, "cpu_ns": time.cpu, "wall_ns": time.wall, "peak_memory_kib": peak_kib })
}

fn entry(row: &Row, rows: &[Row]) -> Value {
    let (figures, ratios) = (Figures::of(row), Ratios::of(row, rows));
    let Size { accounts, transactions, warm_up, blocks } = row.size;
    json!({
        "workload": row.workload.option(),
        "runner": runner(row.runner),
        "accounts": accounts,
        "block_transactions": transactions,
        "warm_up_blocks": warm_up,
        "blocks": blocks,
        "layers": {
            "execute": layer(&row.execute),
            "root": layer(&row.root),
            "recover": layer(&row.recover),
        },
        "transactions_per_s": {
            "executed": figures.executed,
            "with_root": figures.committed,
            "from_bytes": figures.from_bytes,
        },
        "gas_per_s": figures.gas,
        "block_gas": row.gas / u64::try_from(blocks).unwrap_or(u64::MAX).max(1),
        "executions_per_100_transactions": executions(row),
        "blocks_given_up": row.given_up,
        "written_bytes_per_transaction": written(row),
        "changed_keys": keys(row),
        "root_cpu_ns_per_key": figures.root_cpu_per_key,
        "peak_memory_kib": row.peak_kib,
        "bare_revm_cpu_hundredths": ratios.of_bare,
        "in_order_wall_hundredths": ratios.of_in_order,
    })
}

/// Nanoseconds of a block; nothing for a layer that the runner has not.
fn layer(times: &Times) -> Option<Value> {
    let at = |percentile| Some(json!({ "cpu_ns": times.cpu(percentile)?, "wall_ns": times.wall(percentile)? }));
    Some(json!({ "least": at(1)?, "p50": at(50)?, "p99": at(99)?, "most": at(100)? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::measure::Runner;
    use crate::workload::Workload;

    #[test]
    fn a_layer_that_the_runner_has_not_is_null() {
        let size = Size { accounts: 2, transactions: 10, warm_up: 1, blocks: 1 };
        let mut bare = Row::new(Workload::Swap10, size, Runner::Bare);
        bare.execute.push(Time { cpu: 1_000, wall: 2_000 });
        let document = document(&Machine::this(), &[], &[vec![bare]]);
        let row = &document["rows"][0];
        assert_eq!((row["workload"].as_str(), row["runner"].as_str()), (Some("swap-10"), Some("bare revm")));
        assert_eq!(row["layers"]["execute"]["p99"], json!({ "cpu_ns": 1_000, "wall_ns": 2_000 }));
        assert!(row["layers"]["root"].is_null() && row["transactions_per_s"]["with_root"].is_null());
        assert_eq!(row["transactions_per_s"]["executed"], json!(5_000_000));
        assert!(document["machine"]["cores"].as_u64().is_some_and(|cores| cores > 0));
    }
}
