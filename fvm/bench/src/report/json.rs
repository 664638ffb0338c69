//! Everything, for machines.

use serde_json::{Value, json};

use super::{Figures, Ratios, executions, runner, written};
use crate::clock::Times;
use crate::machine::Machine;
use crate::measure::{Row, Size};

/// The machine, and what was measured. Rows of one workload and size stand together.
#[must_use]
pub fn document(machine: &Machine, groups: &[Vec<Row>]) -> Value {
    let rows: Vec<_> = groups.iter().flat_map(|rows| rows.iter().map(|row| entry(row, rows))).collect();
    json!({ "machine": machine, "rows": rows })
}

fn entry(row: &Row, rows: &[Row]) -> Value {
    let (figures, ratios) = (Figures::of(row), Ratios::of(row, rows));
    let Size { accounts, transactions, warm_up, blocks } = row.size;
    json!({
        "workload": row.workload.name(),
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
