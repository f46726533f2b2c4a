//! No file uses what uses it, across whatever others.

use std::collections::{BTreeMap, BTreeSet};

use super::{imports::Imports, source::rust_files};

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn files_do_not_import_each_other() {
    let circles = circles();
    let shown: Vec<_> = circles.iter().map(show).collect();
    assert!(circles.is_empty(), "{} circles:\n\n{}", circles.len(), shown.join("\n"));
}

/// Sets of files each of which uses, through others, all of the same set: their arrows. What a file
/// uses of the folder that it stands in is left out: a `mod.rs` and the files below it are one
/// thing in parts.
pub(crate) fn circles() -> Vec<Arrows> {
    let mut arrows = Imports::of(&rust_files("src")).between_files();
    for (from, to) in &mut arrows {
        to.retain(|to| !is_below(from, to));
    }
    let reach: Arrows =
        arrows.keys().map(|from| (from.clone(), reachable(&arrows, from))).collect();
    let in_circles = reach.iter().filter(|(from, reached)| reached.contains(*from));
    let sets: BTreeSet<BTreeSet<&String>> = in_circles
        .map(|(from, reached)| reached.iter().filter(|to| reach[*to].contains(from)).collect())
        .collect();
    sets.iter()
        .map(|set| {
            let within = |from: &String| {
                arrows[from].iter().filter(|to| set.contains(to)).cloned().collect()
            };
            set.iter().map(|from| ((*from).clone(), within(from))).collect()
        })
        .collect()
}

fn is_below(file: &str, folder: &str) -> bool {
    file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn reachable(arrows: &Arrows, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<_> = arrows.get(from).into_iter().flatten().collect();
    while let Some(file) = waiting.pop() {
        if reached.insert(file.clone()) {
            waiting.extend(arrows.get(file).into_iter().flatten());
        }
    }
    reached
}

fn show(circle: &Arrows) -> String {
    let line = |(from, to): (&String, &BTreeSet<String>)| {
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        format!("  {from} -> {}\n", to.join(", "))
    };
    circle.iter().map(line).collect()
}
