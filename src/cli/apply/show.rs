//! How a plan is shown: what is made, what becomes what, and what no one has named.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::secret_files::SecretFiles;
use crate::declare::{Field, Plan, Planned};

pub(super) struct Shown {
    pub(super) changes: Vec<Change>,
    unnamed: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Change {
    #[serde(flatten)]
    planned: Planned,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_file: Option<String>,
}

impl Shown {
    pub(super) fn new(plan: &Plan, files: &SecretFiles) -> Self {
        let change = |planned: Planned| {
            let secret_file = files.of(&planned.thing).map(|path| path.display().to_string());
            Change { planned, secret_file }
        };
        let changes = plan.list().into_iter().map(change).collect();
        Self { changes, unnamed: plan.unnamed.clone() }
    }

    /// `done` is the name under which the changes stand.
    pub(super) fn json(&self, done: &str) -> Value {
        json!({ done: self.changes, "unnamed": self.unnamed })
    }

    pub(super) fn as_plan(&self) -> String {
        let last = if self.changes.is_empty() { "There is nothing to change." } else { "" };
        self.text(last)
    }

    pub(super) fn as_done(&self) -> String {
        match self.changes.len() {
            0 => self.text("There is nothing to change."),
            _ => self.text(&format!("Done: {}.", self.count())),
        }
    }

    /// `1 change`.
    pub(super) fn count(&self) -> String {
        counted(self.changes.len(), "change")
    }

    fn text(&self, last: &str) -> String {
        let mut text: String = self.changes.iter().map(Change::text).collect();
        for thing in &self.unnamed {
            let _ = writeln!(text, "? {thing} is there, not in the file, and stays as it is");
        }
        if !text.is_empty() && !last.is_empty() {
            text.push('\n');
        }
        text + last
    }
}

impl Change {
    fn text(&self) -> String {
        let Planned { action, thing, fields, .. } = &self.planned;
        let sign = if *action == "make" { '+' } else { '~' };
        let mut text = format!("{sign} {thing}\n");
        for Field { name, from, to } in fields {
            let to = plain(to);
            let _ = match from {
                Some(from) => writeln!(text, "    {name}: {} → {to}", plain(from)),
                None => writeln!(text, "    {name}: {to}"),
            };
        }
        if let Some(path) = &self.secret_file {
            let _ = writeln!(text, "    its secret goes to {path}");
        }
        text
    }
}

/// A value without its quotes and brackets; line ends do not break the list.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.replace('\n', " "),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
