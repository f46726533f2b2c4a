//! How commands answer: text for people, JSON for programs.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    ops::ControlFlow,
};

use serde::Serialize;

use crate::domain::{deceives, printable, printable_lines};

#[derive(Clone, Copy, clap::Args)]
pub(super) struct Output {
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Output {
    /// Prints one of the two.
    pub(super) fn say(self, text: &str, json: &impl Serialize) -> anyhow::Result<()> {
        if self.json { print(&to_json(json)?) } else { print(text) }
    }

    /// For programs, where people are told otherwise.
    pub(super) fn only_json(self, json: &impl Serialize) -> anyhow::Result<()> {
        if self.json { self.say("", json) } else { Ok(()) }
    }

    /// Prints a list; `none` where it is empty.
    pub(super) fn list<const N: usize, T: Serialize>(
        self,
        none: &'static str,
        head: [&'static str; N],
        listed: &[T],
        row: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<()> {
        let mut listing = self.listing(none, head);
        match listing.page(listed, row)? {
            ControlFlow::Continue(()) => listing.end(),
            ControlFlow::Break(()) => Ok(()),
        }
    }

    /// A list that is printed page by page, and never held whole.
    pub(super) fn listing<const N: usize>(
        self,
        none: &'static str,
        head: [&'static str; N],
    ) -> Listing<N> {
        let widths = head.map(|cell| cell.chars().count());
        Listing { json: self.json, none, head, widths, is_begun: false }
    }
}

/// A list that is being printed.
pub(super) struct Listing<const N: usize> {
    json: bool,
    none: &'static str,
    head: [&'static str; N],
    /// Of the columns, as far as is known: they only grow.
    widths: [usize; N],
    is_begun: bool,
}

impl<const N: usize> Listing<N> {
    /// Prints some more of it. Breaks where the reader has read enough.
    pub(super) fn page<T: Serialize>(
        &mut self,
        listed: &[T],
        row: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<ControlFlow<()>> {
        if listed.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let text = if self.json {
            self.elements(listed)?
        } else {
            self.lines(&listed.iter().map(row).collect::<Vec<_>>())
        };
        self.is_begun = true;
        write(&text)
    }

    /// Ends it, or says that there is nothing.
    pub(super) fn end(self) -> anyhow::Result<()> {
        let text = match (self.json, self.is_begun) {
            (true, true) => "\n]\n",
            (true, false) => "[]\n",
            (false, true) => return Ok(()),
            (false, false) => return print(self.none),
        };
        write(text).map(drop)
    }

    fn elements<T: Serialize>(&self, listed: &[T]) -> anyhow::Result<String> {
        let mut text = String::new();
        for (place, element) in listed.iter().enumerate() {
            text += if self.is_begun || place > 0 { ",\n  " } else { "[\n  " };
            text += &to_json(element)?.replace('\n', "\n  ");
        }
        Ok(text)
    }

    fn lines(&mut self, rows: &[[String; N]]) -> String {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let head = (!self.is_begun).then(|| self.line(&self.head.map(str::to_owned)));
        head.into_iter().chain(rows.iter().map(|row| self.line(row))).collect()
    }

    fn line(&self, cells: &[String; N]) -> String {
        let cells = cells.iter().zip(self.widths);
        // Free text may have several lines, a table's cell has one.
        let cells =
            cells.map(|(cell, width)| format!("{:width$}", printable(&cell.replace('\n', " "))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    }
}

/// Ends with one line end. What would control the terminal is escaped.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    write(&format!("{}\n", printable_lines(text.trim_end()))).map(drop)
}

/// JSON that is safe to look at: only a string can hold what deceives, and there it is escaped.
fn to_json(value: &impl Serialize) -> anyhow::Result<String> {
    let mut text = String::new();
    for c in serde_json::to_string_pretty(value)?.chars() {
        if c != '\n' && deceives(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(text, "\\u{unit:04x}")?;
            }
        } else {
            text.push(c);
        }
    }
    Ok(text)
}

/// A reader that has read enough is no error: `keyturn key list | head`.
pub(super) fn write(text: &str) -> anyhow::Result<ControlFlow<()>> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        done => Ok(ControlFlow::Continue(done?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells_and_grows_page_by_page() {
        let mut listing = Output { json: false }.listing("none", ["X", "Y"]);
        let rows = [["a", "b"], ["longer", ""]].map(|row| row.map(str::to_owned));

        let first = listing.lines(&rows[..1]);
        listing.is_begun = true;
        let second = listing.lines(&rows);

        assert_eq!(first, "X  Y\na  b\n");
        assert_eq!(second, "a       b\nlonger\n");
    }

    #[test]
    fn fx_10_no_output_controls_a_terminal() {
        let said = "a\u{1b}[2J\u{9b}\u{202e}b";
        let mut listing = Output { json: false }.listing("none", ["X"]);

        let json = to_json(&[said]).unwrap();
        let line = listing.lines(&[[said.to_owned()]]);

        assert!(!json.contains(|c| c != '\n' && deceives(c)), "{json:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [said]);
        assert_eq!(line, "X\na\\u{1b}[2J\\u{9b}\\u{202e}b\n");
    }

    #[test]
    fn pages_of_json_are_one_array() {
        let mut listing = Output { json: true }.listing("none", ["X"]);
        let things = [serde_json::json!({ "a": [1] }), serde_json::json!("b")];

        let mut text = listing.elements(&things[..1]).unwrap();
        listing.is_begun = true;
        text += &listing.elements(&things).unwrap();

        let whole: serde_json::Value = serde_json::from_str(&(text + "\n]\n")).unwrap();
        assert_eq!(whole, serde_json::json!([things[0], things[0], things[1]]));
    }
}
