//! `tributary call`: a question to a contract or an actor, which costs nothing and changes nothing.

use alloy_primitives::Bytes;
use clap::Args;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use serde_json::{Value, json};
use tributary_message::words::Method;
use tributary_primitives::parse_address;

use super::target::{Called, Callee, ethereum_name};
use crate::abi::Signature;
use crate::amount::parse_trb;
use crate::node::{Node, NodeArgs, quantity};
use crate::report::Report;
use crate::submit::{ask_message, tell};
use crate::trouble::{Kind, Trouble};
use crate::wire::MessageCall;

/// What to ask.
#[derive(Args, Debug)]
pub struct CallArgs {
    #[command(flatten)]
    call: Called,
    /// In whose name to ask [default: nobody's, or f00]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    from: Option<Address>,
    /// Tokens that would go along
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = parse_trb)]
    value: u128,
    /// Height of the block after which to ask [default: the latest]
    #[arg(long, value_name = "HEIGHT")]
    block: Option<u64>,
    #[command(flatten)]
    node: NodeArgs,
}

impl CallArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn run(&self, is_json: bool) -> Result<(), Trouble> {
        let node = self.node.node()?;
        // Whose answer it would be matters as much as who signs.
        if self.node.chain_id.is_some() {
            node.status().await?;
        }
        let report = match &self.call.callee {
            Callee::Function(function) => self.ask_contract(&node, function).await?,
            Callee::Method(method) => self.ask_actor(&node, *method).await?,
        };
        report.print(is_json)
    }

    async fn ask_contract(&self, node: &Node, function: &Signature) -> Result<Report, Trouble> {
        let input = Bytes::from(self.call.input(function)?);
        let to = ethereum_name(node, &self.call.to).await?;
        let mut request = json!({ "to": to, "input": input, "value": format!("{:#x}", self.value) });
        if let Some(from) = &self.from {
            request["from"] = json!(ethereum_name(node, from).await?);
        }
        let block = self.block.map_or_else(|| json!("latest"), quantity);
        let answer: Bytes = node.ask("eth_call", &[request, block]).await?;
        let values = function.decode(&answer)?;
        let values = if values.is_empty() { Value::Null } else { Value::from(values) };
        Ok(Report::new().with("values", values).with("return", answer.to_string()))
    }

    async fn ask_actor(&self, node: &Node, method: Method) -> Result<Report, Trouble> {
        let call = MessageCall {
            from: self.from.unwrap_or_else(|| Address::new_id(0)).to_string(),
            to: self.call.to.to_string(),
            method: method.number(),
            params: self.call.parameters()?.into(),
            value: self.value,
        };
        let outcome = ask_message(node, &call, self.block).await?;
        let code = ExitCode::new(outcome.exit_code);
        if !code.is_success() {
            let kind = if code == ExitCode::SYS_INVALID_RECEIVER { Kind::NotFound } else { Kind::Failed };
            return Err(Trouble::new(kind, format!("{}: {}", self.call.to, tell(code, &outcome.returned))));
        }
        Ok(returned(&outcome.returned).with("gas_used", outcome.gas_used))
    }
}

/// What a method returned: its bytes, and what they mean where they have a JSON form.
#[must_use]
pub fn returned(bytes: &Bytes) -> Report {
    // Links and byte strings have no JSON; whoever returns them reads the bytes.
    let value: Option<Value> = fvm_ipld_encoding::from_slice(bytes).ok();
    Report::new().with("value", value).with("return", bytes.to_string())
}
