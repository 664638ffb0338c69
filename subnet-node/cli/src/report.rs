//! What is printed when all went well: lines for people, or JSON for programs.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

use crate::trouble::Trouble;

/// Names and values, in the order in which they are printed. What has no value is told to programs alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report(Vec<(&'static str, Value)>);

impl Report {
    /// With nothing to tell yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// With all fields of another one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let object: Map<_, _> = self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Value::from(object)
    }

    /// One line a field.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let shown = self.0.iter().filter(|(_, value)| !value.is_null());
        shown.map(|(name, value)| format!("{name}: {}\n", plain(value))).collect()
    }

    /// All on one line, without names: for what comes again and again.
    #[must_use]
    pub fn to_line(&self) -> String {
        let shown = self.0.iter().filter(|(_, value)| !value.is_null());
        shown.map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join("  ")
    }

    /// Prints lines, or one JSON object.
    ///
    /// # Errors
    /// Those of standard output.
    pub fn print(&self, is_json: bool) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        match is_json {
            true => writeln!(out, "{}", self.to_json())?,
            false => write!(out, "{}", self.to_lines())?,
        }
        Ok(out.flush()?)
    }

    /// Prints one line, of words or of JSON, at once.
    ///
    /// # Errors
    /// Those of standard output.
    pub fn print_line(&self, is_json: bool) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        match is_json {
            true => writeln!(out, "{}", self.to_json())?,
            false => writeln!(out, "{}", self.to_line())?,
        }
        Ok(out.flush()?)
    }
}

/// Prints several: a block of lines each with an empty line between, or one JSON list.
///
/// # Errors
/// Those of standard output.
pub fn print_all(reports: &[Report], is_json: bool) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    match is_json {
        true => writeln!(out, "{}", Value::from(reports.iter().map(Report::to_json).collect::<Vec<_>>()))?,
        false => write!(out, "{}", reports.iter().map(Report::to_lines).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(out.flush()?)
}

/// Says to people what goes on meanwhile, on standard error. Programs are told nothing.
pub fn note(is_json: bool, said: &str) {
    if !is_json {
        // Whoever closed standard error does not want to know.
        drop(writeln!(io::stderr().lock(), "{said}"));
    }
}

/// A text stands bare, a list of plain values with commas, the rest as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(|value| !value.is_array() && !value.is_object()) => {
            list.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_get_lines_and_programs_get_everything() {
        let report = Report::new()
            .with("name", "alice")
            .with("height", 7)
            .with("missing", Value::Null)
            .with("list", json!(["a", 1]))
            .with("deep", json!([["a"]]));
        assert_eq!(report.to_lines(), "name: alice\nheight: 7\nlist: a, 1\ndeep: [[\"a\"]]\n");
        assert_eq!(report.to_line(), "name alice  height 7  list a, 1  deep [[\"a\"]]");
        let expected = json!({"name": "alice", "height": 7, "missing": null, "list": ["a", 1], "deep": [["a"]]});
        assert_eq!(report.to_json(), expected);
    }
}
