//! What is printed: lines for people, or one JSON object.

use std::io::{self, Write as _};

use fvm_shared::error::ExitCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tributary_primitives::{Hash32, raw_cid};
use tributary_relayer::chain::{Forecast, Receipt};
use tributary_relayer::errand::tell;

/// Names and values, in the order in which they are printed.
#[derive(Clone, Debug)]
pub struct Report {
    fields: Vec<(&'static str, Value)>,
    exit_code: ExitCode,
    returned: Vec<u8>,
    is_json: bool,
}

impl Report {
    /// A module that is an actor's code.
    #[must_use]
    pub fn checked(wasm: &[u8]) -> Self {
        let fields = vec![("code", json!(raw_cid(wasm).to_string())), ("bytes", json!(wasm.len()))];
        Self { fields, exit_code: ExitCode::OK, returned: Vec::new(), is_json: false }
    }

    /// A message that is in a block.
    #[must_use]
    pub fn of_message(hash: Hash32, receipt: Receipt, is_json: bool) -> Self {
        let Receipt { exit_code, gas_used, returned } = receipt;
        let transaction = ("transaction", json!(hash.to_string()));
        Self::of_outcome(vec![transaction], exit_code, gas_used, returned, is_json)
    }

    /// An answer to a question.
    #[must_use]
    pub fn of_query(forecast: Forecast, is_json: bool) -> Self {
        let Forecast { exit_code, gas_used, returned } = forecast;
        Self::of_outcome(Vec::new(), exit_code, gas_used, returned, is_json)
    }

    fn of_outcome(
        mut fields: Vec<(&'static str, Value)>,
        exit_code: ExitCode,
        gas_used: u64,
        returned: Vec<u8>,
        is_json: bool,
    ) -> Self {
        fields.extend([("exit_code", json!(exit_code.value())), ("gas_used", json!(gas_used))]);
        fields.push(("return", json!(format!("0x{}", hex::encode(&returned)))));
        // Links and byte strings have no JSON; whoever returns them reads the bytes.
        if let Ok(value) = fvm_ipld_encoding::from_slice::<Value>(&returned) {
            fields.push(("value", value));
        }
        Self { fields, exit_code, returned, is_json }
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, json!(value)));
        self
    }

    /// What was returned, if all went well and it is that.
    #[must_use]
    pub fn returned<T: DeserializeOwned>(&self) -> Option<T> {
        self.is_success().then(|| fvm_ipld_encoding::from_slice(&self.returned).ok()).flatten()
    }

    /// Whether it went well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit_code.is_success()
    }

    /// Prints it to standard output.
    ///
    /// # Errors
    /// What the system says.
    pub fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.is_json {
            let object: Map<_, _> =
                self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            return writeln!(out, "{}", Value::from(object));
        }
        for (name, value) in &self.fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "{name}: {value}")?;
        }
        if !self.is_success() {
            writeln!(io::stderr().lock(), "subnet-node: the message ended with {}", tell(self.exit_code))?;
        }
        Ok(())
    }
}
