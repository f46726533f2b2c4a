//! How commands answer: text for people, JSON for programs.

use std::io::{self, Write as _};

use serde::Serialize;

#[derive(Clone, Copy, clap::Args)]
pub(super) struct Output {
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Output {
    /// Prints one of the two.
    pub(super) fn say(self, text: &str, json: &impl Serialize) -> anyhow::Result<()> {
        if self.json { print(&serde_json::to_string_pretty(json)?) } else { print(text) }
    }

    /// Prints a list; `none` where it is empty.
    pub(super) fn list<const N: usize, T: Serialize>(
        self,
        none: &str,
        head: [&str; N],
        listed: &[T],
        row: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<()> {
        if listed.is_empty() {
            return self.say(none, &listed);
        }
        self.say(&table(head, &listed.iter().map(row).collect::<Vec<_>>()), &listed)
    }
}

/// A reader that has read enough is no error: `keyturn key list | head`.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(head[column].len())
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    std::iter::once(line(head)).chain(rows).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let rows = [["a".to_owned(), "b".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(table(["X", "Y"], &rows), "X       Y\na       b\nlonger");
    }
}
