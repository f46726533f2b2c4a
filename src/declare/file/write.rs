//! Writes a state as a file that declares it, with comments for its editors.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::declare::{State, Thing};

const HEAD: &str = "\
# What keyturn is to look like. `keyturn apply FILE --plan` shows what would change,
# `keyturn apply FILE` changes it, all or nothing. Nothing is ever deleted or revoked by it.
# A field that you take out stays as it is; of a new thing it is the default.
# docs/DECLARATIVE.md says more.
";

const OPERATORS: &str = "
# The organization that runs the server: it manages resources, signing keys, users and new trees.
[server]
";

const ORGANIZATIONS: &str = "\
# Organizations, by their names from the root down. A disabled one stops the keys of all below it.
";

const ROLES: &str = "\
# Roles beside viewer, manager and owner. Each counts in its organization and all below it.
";

const RESOURCES: &str = "\
# The servers that take tokens, and the scopes that they know.
";

const USERS: &str = "\
# People. New ones have no password.
";

const MEMBERS: &str = "\
# Who has which role in which organization and all below it.
";

const KEYS: &str = "\
# API keys that are not revoked. Secrets are never in this file: to make a key, add a [[key]] with
# `write_secret_to = \"FILE\"`, a new file, relative to this one, that gets the secret of the new key.
# Without `expires` a new key lives as long as is configured.
";

const CLIENTS: &str = "\
# OAuth clients: programs with a name of their own. Their secrets are never in this file, either: a
# new one that has a secret needs `write_secret_to`, too.
";

const TRUSTS: &str = "\
# Rules by which tokens of others are trusted: CI jobs, workloads. Without `jwks` and `jwks_uri` the
# issuer's keys are where its metadata says.
";

/// Always the same text for the same state.
pub fn write(state: &State) -> String {
    let mut text = HEAD.to_owned();
    if let Some(resource) = &state.default_resource {
        text += "\n# Meant where a request for a token names no resource.\n";
        line(&mut text, "default_resource", resource.as_str().into());
    }
    if let Some(path) = &state.operators {
        text += OPERATORS;
        line(&mut text, "operators", path.to_string().into());
    }
    tables(&mut text, ORGANIZATIONS, &state.organizations);
    tables(&mut text, ROLES, &state.roles);
    tables(&mut text, RESOURCES, &state.resources);
    tables(&mut text, USERS, &state.users);
    tables(&mut text, MEMBERS, &state.members);
    tables(&mut text, KEYS, &state.api_keys);
    tables(&mut text, CLIENTS, &state.clients);
    tables(&mut text, TRUSTS, &state.trusts);
    text
}

fn tables<T: Thing>(text: &mut String, about: &str, things: &BTreeMap<T::Name, T>) {
    if things.is_empty() {
        return;
    }
    *text += "\n";
    *text += about;
    for (position, (name, thing)) in things.iter().enumerate() {
        *text += if position > 0 { "\n[[" } else { "[[" };
        *text += T::KIND;
        *text += "]]\n";
        for (field, value) in T::identity(name).into_iter().chain(thing.fields()) {
            line(text, field, value);
        }
    }
}

fn line(text: &mut String, field: &str, value: Value) {
    let value: toml::Value = serde_json::from_value(value).expect("JSON without null is TOML");
    *text += field;
    *text += " = ";
    *text += &value.to_string();
    *text += "\n";
}
