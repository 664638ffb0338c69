//! `tributary invoke`: calls a contract or an actor by a transaction.

use clap::Args;
use serde_json::Value;

use super::call::returned;
use super::send::call_contract;
use super::sender::{Sender, told};
use super::target::{Called, Callee, ethereum_name};
use crate::amount::parse_trb;
use crate::hand_in::HandedIn;
use crate::report::Report;
use crate::submit::{Account, Deed};
use crate::trouble::Trouble;

/// What to call.
#[derive(Args, Debug)]
pub struct InvokeArgs {
    #[command(flatten)]
    call: Called,
    /// Tokens that go along: 1.5TRB, or attoTRB without a unit
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = parse_trb)]
    value: u128,
    #[command(flatten)]
    sender: Sender,
}

impl InvokeArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn run(&self, is_json: bool, handed_in: &HandedIn) -> Result<(), Trouble> {
        let (deed, ready) = match &self.call.callee {
            Callee::Function(function) => {
                let input = self.call.input(function)?;
                let account = self.sender.account_or(Account::Ethereum)?;
                let ready = self.sender.ready(is_json, handed_in).await?;
                let to = ethereum_name(&ready.node, &self.call.to).await?;
                (call_contract(account, to, self.value, input), ready)
            }
            Callee::Method(method) => {
                let by = self.sender.account_or(Account::F1)?.messenger().ok_or_else(|| {
                    Trouble::usage(
                        "an Ethereum transaction calls no method by number: leave out --as, or say --as f1 or --as f410",
                    )
                })?;
                let params = self.call.parameters()?;
                let deed = Deed::Fvm { by, to: self.call.to, value: self.value, method: method.number(), params };
                (deed, self.sender.ready(is_json, handed_in).await?)
            }
        };
        let (submitted, found) = ready.deliver(&deed).await?;
        let came_back = found.receipt.as_ref().map(|receipt| match &self.call.callee {
            // A message that calls a contract gets the answer as CBOR.
            Callee::Function(function) => {
                let answer = match deed {
                    Deed::Ethereum { .. } => receipt.returned.to_vec(),
                    Deed::Fvm { .. } => fvm_ipld_encoding::from_slice::<fvm_ipld_encoding::BytesDe>(&receipt.returned)
                        .map_or_else(|_| Vec::new(), |bytes| bytes.0),
                };
                let values = function.decode(&answer).ok().filter(|values| !values.is_empty());
                let answer = alloy_primitives::Bytes::from(answer);
                Report::new().with("values", values.map(Value::from)).with("return", answer.to_string())
            }
            Callee::Method(_) => returned(&receipt.returned),
        });
        told(&submitted).and(found.report()).and(came_back.unwrap_or_default()).print(is_json)
    }
}
