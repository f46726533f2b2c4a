//! How large the source is, by one fixed way of counting; `./figures` prints it.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use syn::visit::{self, Visit};

use super::{
    circles::circles,
    source::{Source, is_test, rust_files},
};

/// Lines without tests; a longer file is not read at once.
const LONGEST_FILE: usize = 300;
const MEDIAN: usize = 120;
/// Lines from `fn` to its closing brace.
const LONGEST_FUNCTION: usize = 60;

#[test]
fn a_file_is_short() {
    let mut lengths = Vec::new();
    for source in rust_files("src") {
        let length = source.before_tests().lines().count();
        assert!(length <= LONGEST_FILE, "{source}: {length} lines are too many to read at once");
        lengths.push(length);
    }
    let median = median(lengths);
    assert!(median <= MEDIAN, "half of the source files have more than {median} lines");
}

#[test]
fn a_function_is_short() {
    let long: Vec<_> = rust_files("src")
        .iter()
        .flat_map(functions)
        .filter(|(_, lines)| *lines > LONGEST_FUNCTION)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(
        long.is_empty(),
        "a function has at most {LONGEST_FUNCTION} lines:\n{}",
        long.join("\n")
    );
}

/// Not a check: `./figures` asks for it.
#[test]
#[ignore = "prints what ./figures shows"]
fn figures() {
    let sources = rust_files("src");
    let lengths: Vec<_> = sources.iter().map(|it| it.before_tests().lines().count()).collect();
    let (name, longest) = sources.iter().flat_map(functions).max_by_key(|it| it.1).unwrap();
    let circles = circles();
    println!("source files      {}", sources.len());
    println!("lines             {}", lengths.iter().sum::<usize>());
    println!("largest file      {}", lengths.iter().max().unwrap());
    println!("median file       {}", median(lengths));
    println!("longest function  {longest} ({name})");
    println!("templates         {}", templates());
    println!(
        "circles           {} ({} files)",
        circles.len(),
        circles.iter().map(BTreeMap::len).sum::<usize>()
    );
}

/// Lines of all files below `templates`.
fn templates() -> usize {
    let root = env::var_os("KEYTURN_COUNTED").map(PathBuf::from).unwrap_or_default();
    let Ok(folder) = fs::read_dir(root.join("templates")) else { return 0 };
    let texts = folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default());
    texts.map(|text| text.lines().count()).sum()
}

fn median(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths[lengths.len() / 2]
}

/// The functions of a file with their lengths, tests excluded.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let mut found = Functions { place: source.to_string(), found: Vec::new() };
    for item in source.items() {
        found.visit_item(&item);
    }
    found.found
}

struct Functions {
    place: String,
    found: Vec<(String, usize)>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let end = block.brace_token.span.close().end();
        let lines = end.line + 1 - signature.fn_token.span.start().line;
        self.found.push((format!("{}: {}", self.place, signature.ident), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}
