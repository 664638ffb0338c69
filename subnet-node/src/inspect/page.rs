//! Names and values in a fixed order: as lines for people, as one object for programs.

use serde_json::{Map, Value};

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Page(Vec<Row>);

#[derive(Clone, Debug)]
struct Row {
    name: &'static str,
    value: Value,
    unit: &'static str,
}

impl Page {
    /// Adds a value under its name, which is the JSON key.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.with_unit(name, value, "")
    }

    /// The same, for a number that people read with its unit.
    #[must_use]
    pub fn with_unit(mut self, name: &'static str, value: impl Into<Value>, unit: &'static str) -> Self {
        self.0.push(Row { name, value: value.into(), unit });
        self
    }

    /// As the user asked for it.
    #[must_use]
    pub fn say(&self, json: bool) -> String {
        if json { self.json().to_string() } else { self.lines() }
    }

    /// One object.
    #[must_use]
    pub fn json(&self) -> Value {
        Value::Object(self.0.iter().map(|row| (row.name.to_owned(), row.value.clone())).collect::<Map<_, _>>())
    }

    /// A line for each value, the names in a column.
    fn lines(&self) -> String {
        let width = self.0.iter().map(|row| row.name.len()).max().unwrap_or_default();
        let line = |row: &Row| {
            let line = format!("{:width$}  {} {}", row.name.replace('_', " "), row.text(), row.unit);
            line.trim_end().to_owned()
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// All of it in one line.
    #[must_use]
    pub fn line(&self) -> String {
        self.0.iter().map(Row::text).collect::<Vec<_>>().join("  ")
    }
}

impl Row {
    fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Null => "none".to_owned(),
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_columns_and_programs_get_an_object() {
        let page = Page::default().with("id", "f0100").with_unit("base_fee", 7, "attoTRB").with("f4", Value::Null);
        assert_eq!(page.say(false), "id        f0100\nbase fee  7 attoTRB\nf4        none");
        assert_eq!(page.json(), serde_json::json!({ "id": "f0100", "base_fee": 7, "f4": null }));
    }
}
