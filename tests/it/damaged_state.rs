//! RUN-2: states that cannot be used. Each is refused with what is wrong, where, and what to do; nothing is changed in AWS
//! or in any file; and once the cause is mended the same command goes on.

use crate::harness::{
    APPLY, DESTROY, Emulator, SINGLE_ZONE, STATE_KEY, StateLocation, Workspace, account, changes, converged, files, refused, sealed,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LOOKING: [&[&str]; 5] = [&["plan"], &["status"], &["outputs"], &["state", "list"], &["state", "pull"]];
const WORKING: [&[&str]; 3] = [&APPLY, &DESTROY, &["state", "migrate", "elsewhere"]];

/// An applied cluster whose state, in a folder, is damaged and repaired again.
struct Bench {
    emulator: Emulator,
    workspace: Workspace,
    folder: PathBuf,
    whole: BTreeMap<PathBuf, Vec<u8>>,
}

impl Bench {
    fn new() -> Self {
        let emulator = account();
        let workspace = StateLocation::Folder.fresh(&emulator);
        workspace.run_soon(&APPLY).expect(0);
        let folder = workspace.path(&format!(".domino-eks/{SINGLE_ZONE}"));
        let whole = files(&workspace);
        Self { emulator, workspace, folder, whole }
    }

    fn document(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn text(&self) -> String {
        String::from_utf8(self.whole[&self.document()].clone()).unwrap()
    }

    /// The document with another value in it, and a checksum that fits.
    fn altered(&self, key: &str, value: Value) -> String {
        let mut state = serde_json::from_str::<Value>(&self.text()).unwrap()["state"].take();
        state[key] = value;
        sealed(&state)
    }

    /// Every command is refused with these texts, and no file and nothing in AWS is changed.
    #[track_caller]
    fn refuses(&self, commands: &[&[&str]], texts: &[&str]) {
        let (since, before) = (self.emulator.count(), files(&self.workspace));
        for command in commands {
            refused(self.workspace.run_soon(command), 1, texts);
            assert_eq!(files(&self.workspace), before, "{command:?}");
        }
        assert_eq!(changes(&self.emulator, since).len(), 0);
    }

    #[track_caller]
    fn refuses_all(&self, texts: &[&str]) {
        self.refuses(&LOOKING, texts);
        self.refuses(&WORKING, texts);
    }

    /// Replaces the text of the document.
    #[track_caller]
    fn with(&self, text: impl AsRef<[u8]>, texts: &[&str]) {
        fs::write(self.document(), text).unwrap();
        self.refuses_all(&[&[self.document().file_name().unwrap().to_str().unwrap()], texts].concat());
        self.mend();
    }

    /// Every file of the state as it was.
    fn mend(&self) {
        let gone = |path: &Path| if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        gone(&self.folder).unwrap();
        for (path, bytes) in self.whole.iter().filter(|(path, _)| path.starts_with(&self.folder)) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// With the state repaired, the same command succeeds.
    fn goes_on(self) {
        let since = self.emulator.count();
        self.workspace.run_soon(&APPLY).expect(0);
        assert_eq!(changes(&self.emulator, since).len(), 0);
        converged(&self.emulator, &self.workspace);
    }
}

#[test]
fn documents_that_are_damaged() {
    let bench = Bench::new();
    let text = bench.text();
    let recover = "domino-eks state recover";
    bench.with("", &["damaged", "it is empty", recover]);
    bench.with(&text[..text.len() / 2], &["damaged", "EOF", recover]);
    bench.with("hello\n", &["damaged", recover]);
    bench.with(b"\xff\xfe\x00\x00", &["damaged", recover]);
    bench.with("{}", &["damaged", "checksum", recover]);
    bench.with("[]", &["damaged", recover]);
    bench.with(r#"{"checksum": "00", "state": {"format_version": 2}}"#, &["damaged", "checksum does not match", recover]);
    bench.with(text.replace("us-west-2", "us-east-1"), &["checksum does not match; was it edited by hand?", recover]);
    bench.with(bench.altered("format_version", json!(0)), &["damaged", "no format version", recover]);
    bench.with(bench.altered("colour", json!("red")), &["damaged", "unknown field `colour`", recover]);
    bench.with(bench.altered("format_version", json!(9)), &["format 9", "newer than this version", "use the newer domino-eks"]);
    bench.with(r#"{"moved_to": "s3://there/now"}"#, &["was moved", "--state s3://there/now"]);
    bench.goes_on();
}

#[test]
fn states_of_something_else() {
    let bench = Bench::new();
    for (key, other) in [("account", "999999999999"), ("region", "eu-central-1"), ("partition", "aws-cn"), ("cluster", "another")] {
        fs::write(bench.document(), bench.altered(key, json!(other))).unwrap();
        let texts = [key, other, "nothing was changed"];
        bench.refuses(&LOOKING[..2], &texts);
        bench.refuses(&WORKING, &texts);
        bench.mend();
    }
    // A state of the same cluster with another lineage: the existing objects are not its own.
    fs::write(bench.document(), bench.altered("lineage", json!("2693aea3-eb53-4f28-9d86-f02a4b716755"))).unwrap();
    // It has records of its own, so the message must not suggest to rebuild it from tags.
    let destroy = format!("domino-eks destroy --cluster {SINGLE_ZONE} --region us-west-2 --lineage ");
    bench.refuses(&[&["plan"], &["status"], &APPLY, &DESTROY], &["this state does not know", "--state", &destroy, "EMPTY-FOLDER"]);
    bench.mend();
    bench.goes_on();
}

#[test]
fn files_beside_the_document() {
    let bench = Bench::new();
    let recover = "domino-eks state recover";
    fs::remove_file(bench.document()).unwrap();
    bench.refuses_all(&["state.json", "the document is missing", recover]);
    bench.mend();
    let oldest = fs::read_dir(bench.folder.join("backups")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    fs::copy(oldest, bench.document()).unwrap();
    fs::write(bench.folder.join("backups/00009999.json"), bench.text()).unwrap();
    bench.refuses_all(&["state.json", "serial 9999 was written here", "an older one was put", recover]);
    bench.mend();
    let journal = bench.folder.join("journal.ndjson");
    fs::write(&journal, "hello\n").unwrap();
    bench.refuses_all(&["journal.ndjson", "damaged", "line 1", recover]);
    bench.mend();
    fs::write(&journal, "{\"serial\":1,\"lineage\":\"2693aea3\",\"op\":\"gone\",\"address\":\"vpc/main\"}\n").unwrap();
    bench.refuses_all(&["journal belongs to another state", recover]);
    bench.mend();
    // A last line of the journal without its line break was never acknowledged, so it is ignored.
    fs::write(&journal, "{\"serial\":1,\"op\":\"go").unwrap();
    bench.workspace.run_soon(&["plan", "--detailed-exitcode"]).expect(0);
    bench.mend();
    bench.goes_on();
}

#[test]
fn places_that_are_no_files() {
    let bench = Bench::new();
    let aside = bench.workspace.path("aside.json");
    fs::rename(bench.document(), &aside).unwrap();
    std::os::unix::fs::symlink(&aside, bench.document()).unwrap();
    bench.refuses_all(&["state.json", "is a symbolic link", "put the file itself there"]);
    fs::remove_file(bench.document()).unwrap();
    fs::remove_file(&aside).unwrap();
    fs::create_dir(bench.document()).unwrap();
    bench.refuses_all(&["state.json", "directory", "check that the folder exists"]);
    bench.mend();
    fs::remove_dir_all(&bench.folder).unwrap();
    fs::write(&bench.folder, "a file").unwrap();
    bench.refuses_all(&[SINGLE_ZONE, "check that the folder exists"]);
    bench.mend();
    bench.goes_on();
}

/// The same damages for a state in a bucket.
#[test]
fn objects_that_are_damaged() {
    let emulator = account();
    let workspace = StateLocation::Bucket.fresh(&emulator);
    workspace.run_soon(&APPLY).expect(0);
    let text = workspace.run(&["state", "pull"]).expect(0).stdout;
    let put = |text: &str| {
        workspace.write("document", text);
        let file = workspace.path("document");
        emulator.aws(&format!("s3.put_object(Bucket='team-states', Key='{STATE_KEY}', Body=open('{}', 'rb').read())", file.display()));
        fs::remove_file(file).unwrap();
    };
    let altered = |key: &str, value: Value| {
        let mut state = serde_json::from_str::<Value>(&text).unwrap()["state"].take();
        state[key] = value;
        sealed(&state)
    };
    let place = format!("s3://team-states/{STATE_KEY}");
    for (bad, texts) in [
        (String::new(), &["damaged", "it is empty", "state recover"][..]),
        (text[..text.len() / 2].to_owned(), &["damaged", "state recover"]),
        (text.replace("us-west-2", "us-east-1"), &["edited by hand", "state recover"]),
        (altered("format_version", json!(9)), &["format 9", "newer"]),
        (r#"{"moved_to": "there"}"#.to_owned(), &["was moved", "--state there"]),
        (altered("account", json!("999999999999")), &["account", "999999999999", "nothing was changed"]),
    ] {
        put(&bad);
        let (since, before) = (emulator.count(), emulator.inventory());
        for command in LOOKING.iter().chain(&WORKING) {
            let run = refused(workspace.run_soon(command), 1, texts);
            assert!(texts.contains(&"account") || run.stderr.contains(&place), "{}", run.stderr);
        }
        assert_eq!(changes(&emulator, since).len(), 0);
        assert_eq!(emulator.inventory().len(), before.len());
        assert_eq!(workspace.files().len(), 1);
    }
    put(&text);
    let since = emulator.count();
    workspace.run_soon(&APPLY).expect(0);
    assert_eq!(changes(&emulator, since).len(), 0);
    converged(&emulator, &workspace);
}
