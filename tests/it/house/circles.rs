//! Files of a room do not use each other in circles. Who uses whom is read from the paths in the code: `use` declarations and
//! paths inside of functions, both followed through re-exports to the file that defines the thing.

use super::sources;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

/// A path as it stands in the code, by segments.
type Segments = Vec<String>;

/// A `use` declaration of one thing.
struct Import {
    path: Segments,
    /// The name under which it is used here; `*` for everything.
    name: String,
    is_reexport: bool,
}

/// A source file as a module.
struct Module {
    file: PathBuf,
    imports: Vec<Import>,
    /// Code without `use` declarations.
    code: String,
}

/// The modules of the crate, by their paths.
struct Tree(BTreeMap<Segments, Module>);

impl Tree {
    fn read() -> Self {
        let module = |(_, file, code): (String, PathBuf, String)| {
            let (imports, code) = split(&code);
            (path_of(&file), Module { file, imports, code })
        };
        Self(sources().into_iter().filter(|(room, ..)| room != "main").map(module).collect())
    }

    /// The module and what is left of the path, seen from a module; nothing for other crates and local names.
    fn walk<'a>(&self, from: &Segments, path: &'a [String]) -> Option<(Segments, &'a [String])> {
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (from.clone(), &path[1..]),
            "super" => (from.clone(), path),
            first => {
                let child: Segments = from.iter().cloned().chain([first.to_owned()]).collect();
                if self.0.contains_key(&child) { (from.clone(), path) } else { return None }
            }
        };
        while rest.first().is_some_and(|segment| segment == "super") {
            at.pop();
            rest = &rest[1..];
        }
        while let Some(segment) = rest.first() {
            let child: Segments = at.iter().cloned().chain([segment.clone()]).collect();
            if !self.0.contains_key(&child) {
                break;
            }
            at = child;
            rest = &rest[1..];
        }
        Some((at, rest))
    }

    /// The module that defines what a path names.
    fn resolve(&self, from: &Segments, path: &[String], depth: usize) -> Option<Segments> {
        assert!(depth < 20, "{path:?} leads in a circle");
        let (at, rest) = self.walk(from, path)?;
        let module = self.0.get(&at)?;
        let Some(item) = rest.first() else { return Some(at) };
        let reexport = module.imports.iter().find(|import| import.is_reexport && import.name == *item);
        if let Some(import) = reexport {
            let whole: Segments = import.path.iter().chain(&rest[1..]).cloned().collect();
            return self.resolve(&at, &whole, depth + 1);
        }
        let globs = module.imports.iter().filter(|import| import.is_reexport && import.name == "*");
        let defined = globs.filter_map(|glob| self.resolve(&at, &glob.path, depth + 1)).find(|other| self.defines(other, item));
        Some(defined.unwrap_or(at))
    }

    fn defines(&self, module: &Segments, item: &str) -> bool {
        let kinds = ["fn", "struct", "enum", "trait", "type", "const", "static"];
        kinds.iter().any(|kind| has_word(&self.0[module].code, &format!("{kind} {item}")))
    }

    /// Modules of the same room that a module uses.
    fn uses(&self, at: &Segments) -> BTreeSet<Segments> {
        let module = &self.0[at];
        let mut found: Vec<Segments> =
            module.imports.iter().filter(|import| !import.is_reexport).filter_map(|import| self.resolve(at, &import.path, 0)).collect();
        let aliases: BTreeMap<&str, &Segments> = module.imports.iter().map(|import| (import.name.as_str(), &import.path)).collect();
        for path in paths(&module.code) {
            let whole = match aliases.get(path[0].as_str()) {
                Some(alias) => alias.iter().chain(&path[1..]).cloned().collect(),
                None => path,
            };
            found.extend(self.resolve(at, &whole, 0));
        }
        // What a macro makes of the list of kinds uses every module that it declares.
        if module.code.contains("mod $module;") {
            found.extend(self.0.keys().filter(|other| other.len() == at.len() + 1 && other.starts_with(at)).cloned());
        }
        found.into_iter().filter(|other| other != at && other.first() == at.first()).collect()
    }
}

fn path_of(file: &std::path::Path) -> Segments {
    let text = file.with_extension("");
    let mut path: Segments = text.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod" || last == "lib") {
        path.pop();
    }
    path
}

fn has_word(code: &str, words: &str) -> bool {
    code.match_indices(words).any(|(at, _)| {
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !is_part(code[..at].chars().next_back()) && !is_part(code[at + words.len()..].chars().next())
    })
}

/// Takes the `use` declarations out of the code.
fn split(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let is_reexport = trimmed.starts_with("pub");
        let declared = if is_reexport { trimmed.split_once(" use ").map(|(_, tree)| tree) } else { trimmed.strip_prefix("use ") };
        let Some(tree) = declared.filter(|_| !trimmed.contains(" fn ")) else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().expect("a `use` that ends"));
        }
        expand(&[], tree.split(';').next().unwrap().trim(), is_reexport, &mut imports);
    }
    (imports, rest)
}

/// The single imports of a tree: `a::{b, c::*}`.
fn expand(before: &[String], tree: &str, is_reexport: bool, imports: &mut Vec<Import>) {
    if let Some((head, group)) = tree.split_once('{') {
        let heads = head.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
        let before: Segments = before.iter().cloned().chain(heads).collect();
        let inner = group.rsplit_once('}').expect("a closed group").0;
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    let part = inner[start..at].trim();
                    if !part.is_empty() {
                        expand(&before, part, is_reexport, imports);
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim().to_owned())));
    let mut path: Segments = before.iter().cloned().chain(path.split("::").map(|part| part.trim().to_owned())).collect();
    let last = path.last().cloned().unwrap();
    if last == "self" || last == "*" {
        path.pop();
    }
    let name = alias.unwrap_or(if last == "self" { path.last().cloned().unwrap() } else { last });
    imports.push(Import { path, name, is_reexport });
}

/// Every path of two segments or more.
fn paths(code: &str) -> Vec<Segments> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::") {
        let before = &code[..at];
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |last| last + 1);
        // The middle of a path was taken with its beginning; a visibility such as `pub(in crate::aws)` uses nothing.
        if start == at || before[..start].ends_with("::") || before[..start].ends_with("(in ") {
            continue;
        }
        let whole: String = code[start..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
        found.push(whole.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect());
    }
    found
}

/// The shortest way from a module back to itself.
fn circle(graph: &BTreeMap<Segments, BTreeSet<Segments>>, start: &Segments) -> Option<Vec<Segments>> {
    let mut ways = VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(way.last()?)? {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back(way.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

/// Files that use each other in circles, by groups; with the shortest way round in each, for people.
fn circles(tree: &Tree) -> BTreeMap<BTreeSet<String>, String> {
    let graph: BTreeMap<Segments, BTreeSet<Segments>> = tree.0.keys().map(|at| (at.clone(), tree.uses(at))).collect();
    let reached: BTreeMap<&Segments, BTreeSet<Segments>> = graph.keys().map(|at| (at, reachable(&graph, at))).collect();
    let file = |at: &Segments| tree.0[at].file.display().to_string();
    let mut found: BTreeMap<BTreeSet<String>, String> = BTreeMap::new();
    for (start, there) in &reached {
        let group: BTreeSet<&Segments> = there.iter().filter(|other| reached[other].contains(*start)).collect();
        let Some(way) = circle(&graph, start) else { continue };
        let shown = way.iter().chain(way.first()).map(file).collect::<Vec<_>>().join(" → ");
        let shortest = found.entry(group.into_iter().map(file).collect()).or_insert_with(|| shown.clone());
        if shown.len() < shortest.len() {
            *shortest = shown;
        }
    }
    found
}

/// Everything that a module uses, directly or not.
fn reachable(graph: &BTreeMap<Segments, BTreeSet<Segments>>, start: &Segments) -> BTreeSet<Segments> {
    let (mut open, mut seen) = (vec![start], BTreeSet::new());
    while let Some(at) = open.pop() {
        open.extend(graph[at].iter().filter(|next| seen.insert((*next).clone())));
    }
    seen
}

#[test]
fn files_of_a_room_do_not_use_each_other_in_circles() {
    let found: Vec<String> = circles(&Tree::read()).into_iter().map(|(files, way)| format!("{way}\n    of {files:?}")).collect();
    assert!(found.is_empty(), "circles of files:\n{}", found.join("\n"));
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let module = |(file, code): &(&str, &str)| {
        let (imports, code) = split(code);
        (path_of(file.as_ref()), Module { file: file.into(), imports, code })
    };
    Tree(files.iter().map(module).collect())
}

#[test]
fn circles_are_found_by_every_kind_of_path() {
    for (a, b) in [
        ("use super::b::B;", "use super::a::A;"),
        ("use super::{b::{self, B}, c};", "fn f() { crate::room::a::g() }"),
        ("use crate::room::B;", "fn f() { super::a::g() }"),
        ("use super::B as Other;", "use super::a;\nfn f() { a::g() }"),
    ] {
        let found = circles(&tree(&[("room/mod.rs", "mod a;\nmod b;\npub use b::{\n    B,\n};"), ("room/a.rs", a), ("room/b.rs", b)]));
        assert_eq!(found.into_values().collect::<Vec<_>>(), ["room/a.rs → room/b.rs → room/a.rs"], "{a} and {b}");
    }
    let parent = [("room/mod.rs", "mod a;\nuse a::A;\nstruct Room;"), ("room/a.rs", "use super::Room;")];
    assert_eq!(circles(&tree(&parent)).len(), 1, "a child that uses what its parent defines, which uses the child");
    let list = [("room/mod.rs", "macro_rules! m { () => { mod $module; } }\nfn all() {}"), ("room/a.rs", "fn f() { super::all() }")];
    assert_eq!(circles(&tree(&list)).len(), 1, "a kind that asks for all kinds");
}

#[test]
fn a_re_export_is_no_use() {
    let files =
        [("room/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::*;"), ("room/a.rs", "use super::B;"), ("room/b.rs", "struct B;")];
    assert!(circles(&tree(&files)).is_empty());
}
