//! What `docs/adding-a-kind.md` says is done to a copy of the sources, which then compiles: a kind is two files and one entry.
//!
//! Only our own crate is compiled, twice, and only its types are checked: some ten seconds of a processor each. Its dependencies
//! are those that this very test was built with; `cargo check` would compile all AWS crates anew wherever nobody has run
//! `cargo clippy` before.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const LIST: &str = "src/resource/list.rs";
const PURE_HALF: &str = "src/resource/kinds/ecr_repository.rs";
const AWS_HALF: &str = "src/aws/resource/ecr_repository.rs";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blocks of the page, each with the path in its heading.
fn blocks() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("docs/adding-a-kind.md")).unwrap();
    let sections = page.split("\n### `").skip(1);
    let block = |section: &str| {
        let (path, rest) = section.split_once('`').unwrap();
        let (_, fenced) = rest.split_once("```").unwrap();
        let (block, _) = fenced.split_once("\n```").unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        (path.to_owned(), format!("{block}\n"))
    };
    sections.map(block).collect()
}

/// Puts the added lines of a difference behind the line that they follow.
fn patched(text: &str, difference: &str) -> String {
    let context: Vec<&str> = difference.lines().filter_map(|line| line.strip_prefix(' ')).collect();
    let added: Vec<&str> = difference.lines().filter_map(|line| line.strip_prefix('+')).collect();
    let last = context.last().expect("a line to be found by");
    assert_eq!(text.matches(&format!("{last}\n")).count(), 1, "`{last}` stands once in the list");
    text.replacen(&format!("{last}\n"), &format!("{last}\n{}\n", added.join("\n")), 1)
}

/// A copy of the sources with what the page adds.
fn with_toy() -> TempDir {
    let copy = TempDir::new().unwrap();
    for folder in ["src", "policies", "profiles"] {
        copy_folder(&root().join(folder), &copy.path().join(folder));
    }
    let blocks = blocks();
    let paths: Vec<&str> = blocks.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [LIST, PURE_HALF, AWS_HALF], "one list and two files");
    for (path, block) in &blocks {
        let file = copy.path().join(path);
        assert_eq!(file.exists(), path == LIST, "{path}");
        let text = if path == LIST { patched(&fs::read_to_string(&file).unwrap(), block) } else { block.clone() };
        fs::write(file, text).unwrap();
    }
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let output = command.args(arguments).args(["--offline", "--locked"]).current_dir(root()).env("CARGO_TARGET_DIR", target()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `--extern NAME=FILE` for each of our dependencies, as it was built.
fn dependencies() -> Vec<String> {
    let built = cargo(&["build", "--lib", "--message-format", "json"]);
    let artifacts: Vec<Value> = built.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let version = Command::new("rustc").arg("-vV").current_dir(root()).output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--filter-platform", host])).unwrap();
    let resolved = &metadata["resolve"];
    let ours = resolved["nodes"].as_array().unwrap().iter().find(|node| node["id"] == resolved["root"]).unwrap();
    let file_of = |package: &Value| {
        let is_library = |artifact: &&Value| {
            let kinds = artifact["target"]["kind"].as_array();
            artifact["package_id"] == *package && kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib" || kind == "proc-macro"))
        };
        let files = artifacts.iter().find(is_library)?["filenames"].as_array()?;
        files.iter().filter_map(Value::as_str).find(|file| !file.ends_with(".rmeta")).map(str::to_owned)
    };
    let all = ours["deps"].as_array().unwrap().iter();
    // Dependencies of tests are not built for the library.
    all.filter_map(|one| Some(format!("--extern={}={}", one["name"].as_str()?, file_of(&one["pkg"])?))).collect()
}

/// Checks the types of the copy.
fn check(copy: &Path, dependencies: &[String]) -> Output {
    let mut rustc = Command::new("rustc");
    rustc.args(["--crate-name", "domino_eks", "--crate-type", "lib", "--edition", "2024", "--emit", "metadata", "--out-dir", "out"]);
    rustc.arg("-L").arg(format!("dependency={}", target().join("debug/deps").display())).args(dependencies).arg("src/lib.rs");
    rustc.current_dir(copy).env("CARGO_PKG_VERSION", env!("CARGO_PKG_VERSION")).output().unwrap()
}

/// Takes everything from the first of these to the second out of a file of the copy.
fn leave_out(copy: &Path, path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(copy.join(path)).unwrap();
    let (before, rest) = text.split_once(from).unwrap_or_else(|| panic!("{path} has no `{from}`"));
    let (_, after) = rest.split_once(to).unwrap();
    fs::write(copy.join(path), format!("{before}{after}")).unwrap();
}

#[test]
fn a_kind_is_one_entry_and_two_files_and_the_compiler_names_what_it_forgot() {
    let copy = with_toy();
    let dependencies = dependencies();
    let whole = check(copy.path(), &dependencies);
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    leave_out(copy.path(), PURE_HALF, "        headline: ", "\n");
    leave_out(copy.path(), AWS_HALF, "        protection: ", "\n");
    leave_out(copy.path(), AWS_HALF, "    async fn change_tags(", "\n    }\n");
    let half = check(copy.path(), &dependencies);
    let errors = String::from_utf8_lossy(&half.stderr);
    assert!(!half.status.success());
    for named in ["missing field `headline`", "missing field `protection`", "missing: `change_tags`"] {
        assert!(errors.contains(named), "{named} is not in:\n{errors}");
    }
    let elsewhere = errors.lines().filter(|line| line.trim_start().starts_with("--> ") && !line.contains("ecr_repository.rs"));
    assert_eq!(elsewhere.collect::<Vec<_>>(), [""; 0], "only the two files of the kind are at fault");
}
