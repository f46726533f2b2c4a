//! Settings from the environment: `KEYTURN_DATABASE__URL` is `database.url`, and
//! `KEYTURN_DATABASE__URL_FILE` names a file that holds it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs,
    path::PathBuf,
};

use toml::{Table, Value};

use super::{error::ConfigError, service_links::is_service_link};

const PREFIX: &str = "KEYTURN_";

/// The level of the log where no setting says it, as in other Rust programs.
const RUST_LOG: &str = "RUST_LOG";

/// A section, empty outside any, and the name of a setting in it.
type Place = (String, String);

/// Puts the variables over what `table` says. What a setting is by default tells how its variable
/// is read: text as it stands, a number, `true` or `false`, or a list with commas between. Gives the
/// files that hold values.
pub(super) fn overlay(
    table: &mut Table,
    defaults: &Table,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Vec<PathBuf>, ConfigError> {
    let mut files = Vec::new();
    let mut set: BTreeMap<Place, String> = BTreeMap::new();
    let mut rust_log = None;
    let ours = variables.filter(|(variable, text)| {
        if variable == RUST_LOG && !text.is_empty() {
            rust_log = Some(text.clone());
        }
        variable.starts_with(PREFIX)
    });
    // In order, so that of two mistakes the same one is always reported.
    for (variable, text) in ours.collect::<BTreeMap<_, _>>() {
        if is_service_link(&variable, &text) {
            continue;
        }
        let (place, value) = read(defaults, &variable, text, &mut files)?;
        match set.entry(place.clone()) {
            Entry::Occupied(first) => {
                let (setting, one) = (dotted(&place), first.get().clone());
                return Err(ConfigError::SetTwice { setting, one, other: variable });
            }
            Entry::Vacant(free) => free.insert(variable),
        };
        insert(table, place, value);
    }
    if let Some(level) = rust_log {
        let log = table.entry("log").or_insert_with(|| Value::Table(Table::new()));
        let log = log.as_table_mut().expect("the file was checked: a section is a table");
        log.entry("level").or_insert(Value::String(level));
    }
    Ok(files)
}

fn read(
    defaults: &Table,
    variable: &str,
    text: String,
    files: &mut Vec<PathBuf>,
) -> Result<(Place, Value), ConfigError> {
    let name = variable[PREFIX.len()..].to_ascii_lowercase();
    let (section, setting) = name.split_once("__").unwrap_or(("", name.as_str()));
    let place = (section.to_owned(), setting.to_owned());
    let wrong = |place: &Place, expected| ConfigError::WrongVariable {
        variable: variable.to_owned(),
        setting: dotted(place),
        expected,
    };
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(wrong(&place, "UTF-8"));
    }
    if let Some(default) = find(defaults, &place) {
        let value = parse(default, text).map_err(|expected| wrong(&place, expected))?;
        return Ok((place, value));
    }
    let named = setting.strip_suffix("_file").map(|setting| (place.0.clone(), setting.to_owned()));
    if let Some(place) = named
        && let Some(Value::String(_)) = find(defaults, &place)
    {
        files.push(PathBuf::from(&text));
        return Ok((place, Value::String(contents(variable, text)?)));
    }
    Err(ConfigError::UnknownVariable {
        variable: variable.to_owned(),
        setting: dotted(&place),
        nearest: nearest(defaults, variable),
    })
}

/// The variable that was probably meant.
fn nearest(defaults: &Table, variable: &str) -> String {
    let inner = |(section, value): (&String, &Value)| match value {
        Value::Table(settings) => {
            settings.keys().map(|name| format!("{section}__{name}")).collect()
        }
        _ => vec![section.clone()],
    };
    let known = defaults.iter().flat_map(inner);
    let known = known.map(|name| format!("{PREFIX}{}", name.to_ascii_uppercase()));
    let meant = variable.strip_suffix("_FILE").unwrap_or(variable).to_ascii_uppercase();
    let nearest = known.min_by_key(|known| strsim::damerau_levenshtein(known, &meant));
    nearest.expect("there are settings")
}

fn find<'a>(defaults: &'a Table, (section, setting): &Place) -> Option<&'a Value> {
    let table = match section.as_str() {
        "" => defaults,
        section => defaults.get(section)?.as_table()?,
    };
    table.get(setting).filter(|value| !value.is_table())
}

fn insert(table: &mut Table, (section, setting): Place, value: Value) {
    if section.is_empty() {
        table.insert(setting, value);
        return;
    }
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    let section = section.as_table_mut().expect("the file was checked: a section is a table");
    section.insert(setting, value);
}

fn parse(default: &Value, text: String) -> Result<Value, &'static str> {
    match default {
        Value::Integer(_) => {
            let number: u32 = text.trim().parse().map_err(|_| "a whole number")?;
            Ok(Value::Integer(number.into()))
        }
        Value::Boolean(_) => {
            text.trim().parse().map(Value::Boolean).map_err(|_| "`true` or `false`")
        }
        Value::Array(_) => {
            if text.trim() == "[]" {
                return Ok(Value::Array(Vec::new()));
            }
            let items: Vec<_> = text.split(',').map(str::trim).collect();
            if items.contains(&"") {
                return Err("items with commas between them, none of them blank, or `[]` for none");
            }
            Ok(Value::Array(items.into_iter().map(Value::from).collect()))
        }
        _ => Ok(Value::String(text)),
    }
}

/// The text of a file without the line end that editors and `echo` add.
fn contents(variable: &str, path: String) -> Result<String, ConfigError> {
    let path = PathBuf::from(path);
    let mut text = fs::read_to_string(&path).map_err(|source| ConfigError::UnreadableValue {
        variable: variable.to_owned(),
        path,
        source,
    })?;
    let kept = text
        .strip_suffix('\n')
        .map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    text.truncate(kept.len());
    Ok(text)
}

fn dotted((section, setting): &Place) -> String {
    if section.is_empty() { setting.clone() } else { format!("{section}.{setting}") }
}
