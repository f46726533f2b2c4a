//! The Rust files of this repository: where each stands, its text, and what of it is no test.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Source {
    /// Where it stands under `src`: `store/engine`, and `store` for `store/mod.rs`.
    pub(crate) fn place(&self) -> String {
        let path = self.path.strip_prefix("src").unwrap().with_extension("");
        let path = if path.ends_with("mod") { path.parent().unwrap() } else { &path };
        path.to_str().unwrap().to_owned()
    }

    /// The first segment of its place.
    pub(crate) fn module(&self) -> &str {
        let first = self.path.iter().nth(1).unwrap().to_str().unwrap();
        first.trim_end_matches(".rs")
    }

    /// How many `super::` lead from it to the crate.
    pub(crate) fn depth(&self) -> usize {
        self.place().split('/').count()
    }

    /// The text without its comments, which may mention what code must not use.
    pub(crate) fn code(&self) -> String {
        let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
        self.text.lines().map(code).collect()
    }

    /// The text before the tests.
    pub(crate) fn before_tests(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// The items that are no tests.
    pub(crate) fn items(&self) -> Vec<syn::Item> {
        let file = syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{self}: {error}"));
        file.items.into_iter().filter(|item| !is_test(attributes(item))).collect()
    }
}

/// Every Rust file below a folder of this repository, or of another copy of it that is to be counted.
pub(crate) fn rust_files(folder: &str) -> Vec<Source> {
    let root = env::var_os("KEYTURN_COUNTED").map(PathBuf::from).unwrap_or_default();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_owned();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "{}: no Rust files", Path::new(folder).display());
    found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Whether the attributes keep an item out of the program.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Of a name in code, or `*`.
pub(crate) fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '*'
}
