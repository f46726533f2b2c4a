//! Documents, help, the description of the API and errors use the words of the field.

use std::{fs, path::PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::source::{Source, is_test, rust_files};

/// Each makes a reader stop. `docs/DEVELOPING.md` says what to write instead.
const BANNED: &[&str] = &[
    "whoever",
    "whomever",
    "somebody",
    "nobody",
    "anybody",
    "for ever",
    "those who",
    "is no more",
    "good no more",
    "works no more",
    "rule of trust",
    "rules of trust",
    "burnt",
];

/// Where documentation comments are shown to users: as help, as the description of the API, as
/// comments of the example settings.
const SHOWN: &[&str] = &["src/cli/", "src/http/api/", "src/config/settings.rs"];

const DOCUMENTS: &[&str] = &["docs", "CHANGELOG.md", "README.md", "SECURITY.md"];

#[test]
fn documents_use_no_banned_word() {
    let mut found = Vec::new();
    for path in DOCUMENTS.iter().flat_map(|place| documents(PathBuf::from(place))) {
        let text = fs::read_to_string(&path).unwrap();
        // The list of these words, with what to write instead.
        let text = text.split("\n## Words\n").next().unwrap_or_default();
        for (line, number) in text.lines().zip(1..) {
            found.extend(banned(line).map(|word| format!("{}:{number}: {word}", path.display())));
        }
    }
    assert!(found.is_empty(), "{} banned words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_users_read_uses_no_banned_word() {
    let mut found = Vec::new();
    for source in rust_files("src") {
        for (line, text) in texts(&source) {
            found.extend(banned(&text).map(|word| format!("{source}:{line}: {word}")));
        }
    }
    assert!(found.is_empty(), "{} banned words:\n{}", found.len(), found.join("\n"));
}

fn documents(place: PathBuf) -> Vec<PathBuf> {
    if !place.is_dir() {
        return vec![place];
    }
    let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let inside = entries.flat_map(documents);
    inside.filter(|path| path.extension().is_some_and(|it| it == "md" || it == "json")).collect()
}

fn banned(text: &str) -> impl Iterator<Item = &'static str> {
    let text = text.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric();
    BANNED.iter().copied().filter(move |word| {
        text.match_indices(word).any(|(at, _)| {
            !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
        })
    })
}

/// The texts of a file, with their lines: what programs say, and comments that are shown.
fn texts(source: &Source) -> Vec<(usize, String)> {
    let place = source.to_string();
    let is_shown = SHOWN.iter().any(|shown| place.starts_with(shown));
    let mut texts = Texts { is_shown, found: Vec::new() };
    for item in source.items() {
        texts.visit_item(&item);
    }
    texts.found
}

struct Texts {
    is_shown: bool,
    found: Vec<(usize, String)>,
}

impl Texts {
    /// Texts in what a macro is given.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    self.found.push((literal.span().start().line, literal.to_string()));
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => (),
            }
        }
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") && !self.is_shown => (),
            syn::Meta::List(list) if list.path.is_ident("expect") => (),
            syn::Meta::List(list) => self.tokens(list.tokens.clone()),
            syn::Meta::Path(_) | syn::Meta::NameValue(_) => {
                visit::visit_attribute(self, attribute);
            }
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.found.push((text.span().start().line, text.value()));
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}
