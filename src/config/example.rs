//! The text of `keyturn.example.toml`.

use std::fmt::Write;

use toml::Table;

use super::settings::{SECTIONS, Settings};

const PREAMBLE: &str = "\
# Every setting of keyturn with its default. Copy what you change to keyturn.toml.
#
# The environment wins over the file: KEYTURN_DATABASE__URL sets `url` of [database], and
# KEYTURN_DATABASE__URL_FILE names a file to read it from. Lists are written with commas: a,b.
";

pub(super) fn example() -> String {
    let defaults = defaults();
    let mut text = PREAMBLE.to_owned();
    for section in SECTIONS {
        let mut values = &defaults;
        if !section.name.is_empty() {
            write!(text, "\n[{}]", section.name).expect("a string takes everything");
            values = defaults[section.name].as_table().expect("a section is a table");
        }
        for setting in section.settings {
            text.push('\n');
            for line in setting.about {
                writeln!(text, "#{line}").expect("a string takes everything");
            }
            let value = &values[setting.name];
            writeln!(text, "#{} = {value}", setting.name).expect("a string takes everything");
        }
    }
    text
}

/// What every setting is when no one says, as a file would say it.
pub(super) fn defaults() -> Table {
    Table::try_from(Settings::default()).expect("settings are what TOML can hold")
}
