//! A document as a table for people or JSON for programs, and the table of chain parameters.

use std::io::Write;
use std::path::Path;

use fvm_shared::econ::TokenAmount;
use tributary_primitives::VotingPower;

use crate::document::Genesis;
use crate::file;
use crate::parameters::PARAMETERS;

/// Prints the document at `path`.
pub(super) fn document(path: &Path, json: bool, output: &mut impl Write) -> anyhow::Result<()> {
    let genesis = file::read(path)?;
    if json { as_json(&genesis, output) } else { as_table(&genesis, output) }
}

/// The document's own JSON with the code's bytes replaced by their number: programs that show it need no megabyte of base64.
fn as_json(genesis: &Genesis, output: &mut impl Write) -> anyhow::Result<()> {
    let mut json = serde_json::to_value(genesis)?;
    let entries = json.get_mut("code").and_then(serde_json::Value::as_array_mut);
    for (entry, code) in entries.into_iter().flatten().zip(&genesis.code) {
        if let Some(fields) = entry.as_object_mut() {
            fields.remove("wasm");
            fields.insert("wasm_bytes".to_owned(), code.wasm.len().into());
        }
    }
    Ok(writeln!(output, "{}", serde_json::to_string_pretty(&json)?)?)
}

fn as_table(genesis: &Genesis, output: &mut impl Write) -> anyhow::Result<()> {
    let or = |value: Option<String>, none: &str| value.unwrap_or_else(|| none.to_owned());
    let rows = [
        ("chain name", genesis.chain_name.clone()),
        ("chain id", genesis.chain_id.to_string()),
        ("subnet", genesis.subnet.to_string()),
        ("parent", or(genesis.parent.as_ref().map(ToString::to_string), "none, this is a root")),
        ("genesis time", or(genesis.genesis_time.map(|time| time.to_string()), "when it is sealed")),
        ("genesis id", or(genesis.seal.map(|seal| seal.genesis_id.to_string()), "a draft: not sealed")),
        ("state root", or(genesis.seal.map(|seal| seal.state_root.to_string()), "a draft: not sealed")),
    ];
    for (name, value) in rows {
        writeln!(output, "{name:<14}{value}")?;
    }
    validators(genesis, output)?;
    accounts(genesis, output)?;
    writeln!(output, "\ncode ({})", genesis.code.len())?;
    for code in &genesis.code {
        writeln!(output, "  {:<12}{:>9} bytes  {}", code.name, code.wasm.len(), code.cid)?;
    }
    cron(genesis, output)?;
    writeln!(output, "\nparameters")?;
    for (row, value) in PARAMETERS.iter().zip(genesis.parameters.values()) {
        let mark = if value == row.default { "" } else { "  (changed)" };
        writeln!(output, "  {:<28}{value:>14} {}{mark}", row.name, row.unit)?;
    }
    Ok(())
}

fn validators(genesis: &Genesis, output: &mut impl Write) -> anyhow::Result<()> {
    let total: VotingPower = genesis.validators.iter().map(|validator| validator.power).sum();
    writeln!(output, "\nvalidators ({}, power {total})", genesis.validators.len())?;
    for validator in &genesis.validators {
        let name = validator.name.as_deref().unwrap_or("-");
        writeln!(output, "  {name:<12}{:>12}  {}", validator.power, validator.consensus_key)?;
    }
    Ok(())
}

fn accounts(genesis: &Genesis, output: &mut impl Write) -> anyhow::Result<()> {
    /// A table of more is no longer read by people; `--json` has all.
    const SHOWN_MAX: usize = 32;
    let amount = |atto: u128| TokenAmount::from_atto(atto);
    let supply: TokenAmount = genesis.accounts.iter().map(|account| amount(account.balance.0)).sum();
    writeln!(output, "\naccounts ({}, supply {supply} TRB)", genesis.accounts.len())?;
    for account in genesis.accounts.iter().take(SHOWN_MAX) {
        writeln!(output, "  {:<43} {} TRB", account.address.to_string(), amount(account.balance.0))?;
    }
    match genesis.accounts.len().checked_sub(SHOWN_MAX) {
        Some(more @ 1..) => Ok(writeln!(output, "  and {more} more (--json shows all)")?),
        _ => Ok(()),
    }
}

/// Left out when nobody is called.
fn cron(genesis: &Genesis, output: &mut impl Write) -> anyhow::Result<()> {
    if genesis.cron.is_empty() {
        return Ok(());
    }
    writeln!(output, "\ncron ({})", genesis.cron.len())?;
    for entry in &genesis.cron {
        writeln!(output, "  {:<44}method {}", entry.receiver.to_string(), entry.method)?;
    }
    Ok(())
}

/// Prints the table of chain parameters: what each counts, its bounds, its default and why.
pub(super) fn parameters(output: &mut impl Write) -> anyhow::Result<()> {
    for row in PARAMETERS {
        writeln!(output, "{}  [{}]  {} to {}, default {}", row.name, row.unit, row.min, row.max, row.default)?;
        writeln!(output, "    {}\n", row.reason)?;
    }
    Ok(())
}
