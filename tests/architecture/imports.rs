//! Which file uses what another file defines: `use` items and paths, followed through re-exports.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use syn::visit::{self, Visit};

use super::source::{Source, is_test};

/// A path inside the crate: `["store", "engine"]`.
type Place = Vec<String>;

/// Names in a path; no path of ours has as many.
const LONGEST: usize = 16;

/// What one file names and defines.
#[derive(Default)]
struct File {
    children: BTreeSet<String>,
    defined: BTreeSet<String>,
    /// What a name stands for here: a path as it is written.
    imported: BTreeMap<String, Place>,
    /// What `*` is imported from.
    globs: Vec<Place>,
    /// The paths that its code names.
    named: BTreeSet<Place>,
}

pub(crate) struct Imports {
    files: BTreeMap<Place, File>,
}

impl Imports {
    /// `lib.rs` and `main.rs` stand above all others and are left out.
    pub(crate) fn of(sources: &[Source]) -> Self {
        let inner = sources.iter().filter(|source| !["lib", "main"].contains(&source.module()));
        let files = inner.map(|source| {
            let mut file = File::default();
            for item in source.items() {
                file.visit_item(&item);
            }
            (split(&source.place()), file)
        });
        let mut files: BTreeMap<_, _> = files.collect();
        let top = files.keys().filter(|place| place.len() == 1).map(|place| place[0].clone());
        files.insert(Place::new(), File { children: top.collect(), ..File::default() });
        Self { files }
    }

    /// For each file, by its place, the others whose definitions it uses.
    pub(crate) fn between_files(&self) -> BTreeMap<String, BTreeSet<String>> {
        let named = self.files.iter().map(|(place, file)| {
            let paths = file.imported.values().chain(&file.named).chain(&file.globs);
            let used = paths.filter_map(|path| self.home(place, path, &mut HashSet::new()));
            let used = used.filter(|home| home != place && !home.is_empty());
            (place.join("/"), used.map(|home| home.join("/")).collect())
        });
        named.collect()
    }

    /// The file that defines what this path means in this file; `None`: it is of a library.
    fn home(&self, at: &Place, path: &Place, seen: &mut HashSet<(Place, Place)>) -> Option<Place> {
        // A library of the name of what is imported from it grows a path without end.
        if path.len() > LONGEST || !seen.insert((at.clone(), path.clone())) {
            return None;
        }
        let mut place = at.clone();
        let mut rest = path.as_slice();
        match rest.first()?.as_str() {
            "crate" => (place, rest) = (Place::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while let Some(("super", others)) = rest.split_first().map(|(a, b)| (a.as_str(), b))
                {
                    place.pop()?;
                    rest = others;
                }
            }
            _ => (),
        }
        while let Some((name, others)) = rest.split_first() {
            let file = self.files.get(&place)?;
            if file.children.contains(name) {
                place.push(name.clone());
                rest = others;
            } else if file.defined.contains(name) {
                return Some(place);
            } else if let Some(meant) = file.imported.get(name) {
                let meant: Place = meant.iter().chain(others).cloned().collect();
                return self.home(&place, &meant, seen);
            } else {
                let mut through = file.globs.iter().filter_map(|glob| {
                    let meant: Place = glob.iter().chain(rest).cloned().collect();
                    self.home(&place, &meant, seen)
                });
                return through.next();
            }
        }
        Some(place)
    }
}

fn split(place: &str) -> Place {
    place.split('/').map(str::to_owned).collect()
}

impl File {
    fn import(&mut self, tree: &syn::UseTree, before: &Place) {
        let with = |name: &syn::Ident| {
            let mut path = before.clone();
            path.push(name.to_string());
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.imported.insert(last, before.clone());
            }
            syn::UseTree::Name(name) => {
                self.imported.insert(name.ident.to_string(), with(&name.ident));
            }
            syn::UseTree::Rename(renamed) if renamed.rename == "_" => {
                self.named.insert(with(&renamed.ident));
            }
            syn::UseTree::Rename(renamed) => {
                self.imported.insert(renamed.rename.to_string(), with(&renamed.ident));
            }
            syn::UseTree::Glob(_) => self.globs.push(before.clone()),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, before));
            }
        }
    }

    fn define(&mut self, name: &syn::Ident) {
        self.defined.insert(name.to_string());
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Mod(item) if is_test(&item.attrs) => return,
            syn::Item::Mod(item) if item.content.is_none() => {
                self.children.insert(item.ident.to_string());
            }
            syn::Item::Use(item) => self.import(&item.tree, &Place::new()),
            syn::Item::Const(item) => self.define(&item.ident),
            syn::Item::Enum(item) => self.define(&item.ident),
            syn::Item::Fn(item) => self.define(&item.sig.ident),
            syn::Item::Macro(item) => item.ident.iter().for_each(|name| self.define(name)),
            syn::Item::Static(item) => self.define(&item.ident),
            syn::Item::Struct(item) => self.define(&item.ident),
            syn::Item::Trait(item) => self.define(&item.ident),
            syn::Item::Type(item) => self.define(&item.ident),
            _ => (),
        }
        visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names = path.segments.iter().map(|segment| segment.ident.to_string());
            self.named.insert(names.collect());
        }
        visit::visit_path(self, path);
    }
}
