//! The rules of the house: every requirement has its test, and every room uses only what it may.

mod circles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Requirements that are built and tested now.
const NOW: [&str; 25] = [
    "NET-1", "NET-2", "NET-3", "NET-4", "NET-5", "EKS-1", "EKS-2", "EKS-3", "POOL-1", "POOL-2", "POOL-3", "POOL-4", "POOL-5", "POOL-6",
    "POOL-7", "POOL-8", "POOL-9", "EFS-1", "S3-1", "IAM-1", "IAM-2", "RUN-1", "RUN-2", "RUN-3", "RUN-4",
];
/// Requirements that come later, in whole or in the rest.
const LATER: [&str; 7] = ["BLK-1", "ECR-1", "IAM-3", "OUT-1", "OUT-2", "OUT-3", "RUN-5"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rows of the table in `docs/requirements.md`, by cells.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/requirements.md")).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ID ") && !line.starts_with("|--"));
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What stands in backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_requirement_has_a_test_that_exists() {
    let mut covered = BTreeSet::new();
    let mut later = BTreeSet::new();
    for row in rows() {
        let [id, _, tests, files] = row.as_slice() else { panic!("not four cells: {row:?}") };
        if tests.starts_with("later") {
            later.insert(id.clone());
            continue;
        }
        covered.insert(id.clone());
        let files: Vec<&str> = quoted(files);
        assert!(!quoted(tests).is_empty(), "{id} names no test");
        for test in quoted(tests) {
            let (module, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("{id}: `{test}` has no module"));
            let file = files.iter().find(|file| file.trim_end_matches(".rs").replace('/', "::").ends_with(module));
            let file = file.unwrap_or_else(|| panic!("{id}: no file of `{test}`"));
            let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{id}: {file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{id}: there is no test `{name}` in {file}");
        }
    }
    assert_eq!(covered, NOW.map(str::to_owned).into());
    assert_eq!(later, LATER.map(str::to_owned).into());
}

/// Every source file outside test folders: its room, its path, and its code without tests and comments.
fn sources() -> Vec<(String, PathBuf, String)> {
    let without_comments = |code: &str| code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    documented_sources().into_iter().map(|(room, path, code)| (room, path, without_comments(&code))).collect()
}

/// The same with comments.
fn documented_sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(root().join("src")).unwrap().to_owned();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let room = relative.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
                found.push((room, relative, code.to_owned()));
            }
        }
    }
    found
}

/// What each room may use, from the table in `src/lib.rs`; `None` is everything.
fn permitted() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("//! | [`"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let uses = (cells[3] != "all").then(|| quoted(cells[3]).into_iter().map(str::to_owned).collect());
        (quoted(cells[1])[0].to_owned(), uses)
    })
    .collect()
}

#[test]
fn rooms_use_only_what_they_may() {
    let permitted = permitted();
    for (room, path, code) in sources().into_iter().filter(|(room, ..)| room != "main" && room != "lib") {
        let Some(uses) = permitted.get(&room).unwrap_or_else(|| panic!("{room} is not in the table of src/lib.rs")) else { continue };
        for other in permitted.keys().filter(|other| **other != room && code.contains(&format!("crate::{other}"))) {
            assert!(uses.contains(other), "{} uses {other}", path.display());
        }
        assert!(room == "aws" || !code.contains("aws_sdk_") && !code.contains("aws_config"), "{} names the AWS SDK", path.display());
    }
}

#[test]
fn pure_rooms_do_no_input_and_output() {
    for (room, path, code) in sources() {
        if ["blueprint", "config", "report", "resource"].contains(&room.as_str()) {
            for word in
                ["std::fs", "std::process", "std::env", "std::io", "tokio", "std::net::Tcp", "std::net::Udp", "std::time", "async fn"]
            {
                assert!(!code.contains(word), "{} uses {word}", path.display());
            }
        }
        if path != Path::new("cli/printer.rs") {
            // The log for developers has a writer of its own.
            let code = code.replace("with_writer(std::io::stderr)", "");
            for word in ["print!(", "println!(", "eprint!(", "eprintln!(", "io::stdout", "io::stderr", "dbg!("] {
                assert!(!code.contains(word), "{} prints: {word}", path.display());
            }
        }
    }
}

/// Names of kinds that a code spells out: `Kind::Vpc`, but not `Kind::ALL`.
fn kinds_named(code: &str) -> Vec<&str> {
    let after = code.match_indices("Kind::").filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    let names = after.map(|(at, found)| {
        let rest = &code[at + found.len()..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    });
    names.filter(|name| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)).collect()
}

#[test]
fn the_engine_knows_no_kind() {
    assert_eq!(kinds_named("Kind::ALL FailureKind::Busy Kind::from_name Kind::Vpc"), ["Vpc"]);
    let is_tabled = |path: &Path| ["engine", "report/plan_text.rs", "report/plan_json.rs"].iter().any(|one| path.starts_with(one));
    for (_, path, code) in sources().into_iter().filter(|(_, path, _)| is_tabled(path)) {
        let named = kinds_named(&code);
        assert!(named.is_empty(), "{} names {named:?}: make what it decides by them a fact of the kind", path.display());
    }
}

/// Lines of all files that git knows below these folders, with their file and number.
fn lines_of(folders: &[&str]) -> Vec<(String, usize, String)> {
    let listed = std::process::Command::new("git").arg("ls-files").args(folders).current_dir(root()).output().unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    let texts = files.lines().filter_map(|file| Some((file.to_owned(), fs::read_to_string(root().join(file)).ok()?)));
    texts
        .flat_map(|(file, text)| {
            text.lines().enumerate().map(|(number, line)| (file.clone(), number + 1, line.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn what_comments_cite_is_in_the_repository() {
    let headings = |page: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(root().join(page)).unwrap();
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
    };
    let (facts, rules) = (headings("docs/aws.md"), headings("docs/design-rules.md"));
    let mut cited = 0;
    let lines = lines_of(&["src", "tests", "docs", "CONTRIBUTING.md", "README.md"]);
    // This file has the patterns themselves.
    for (file, number, line) in lines.into_iter().filter(|(file, ..)| file != "tests/it/house.rs") {
        for gone in ["aws-facts", "reference/engines", "engines §"] {
            assert!(!line.contains(gone), "{file}:{number} cites `{gone}`, which is not in the repository");
        }
        for section in line.split("docs/aws.md, \"").skip(1).filter_map(|rest| rest.split_once('"')) {
            assert!(facts.contains(section.0), "{file}:{number}: docs/aws.md has no section `{}`", section.0);
            cited += 1;
        }
        for rule in line.split("docs/design-rules.md, rule ").skip(1) {
            let rule: String = rule.chars().take_while(char::is_ascii_digit).collect();
            let is_there =
                rules.iter().any(|heading| heading.starts_with(&format!("{rule}.")) || heading.starts_with(&format!("Rule {rule}")));
            assert!(is_there, "{file}:{number}: docs/design-rules.md has no rule {rule}");
            cited += 1;
        }
    }
    assert!(cited > 20, "only {cited} citations were found");
}

#[test]
fn what_other_rooms_use_is_documented() {
    for (_, path, code) in documented_sources() {
        let lines: Vec<&str> = code.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let item = line.trim_start().strip_prefix("pub ").filter(|item| !item.starts_with("use ") && !item.starts_with("mod "));
            let Some(item) = item else { continue };
            // Attributes, of one line or of several, stand between the comment and the item.
            let mut above = lines[..number].iter().rev().map(|line| line.trim()).skip_while(|line| line.starts_with("#["));
            let mut before = above.next().unwrap_or_default();
            if before.ends_with(")]") {
                before = above.by_ref().skip_while(|line| !line.starts_with("#[")).find(|line| !line.starts_with("#[")).unwrap_or_default();
            }
            assert!(before.starts_with("///"), "{}: `{item}` has no comment", path.display());
        }
    }
}
