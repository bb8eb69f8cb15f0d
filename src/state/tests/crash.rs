//! The process ends between any two file operations, and the state still loads.
//!
//! The test binary runs itself again with one test, the child, which kills itself at its n-th crash point.

use super::*;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The crash point at which the child kills itself.
const AT: &str = "CRASH_AT";
/// The folder in which the child works.
const FOLDER: &str = "CRASH_FOLDER";
/// The file in which the child notes how many steps are durable.
const NOTE: &str = "noted";

/// A moment at which a child process of a test may kill itself.
pub(in crate::state) fn point() {
    static AT_POINT: OnceLock<Option<usize>> = OnceLock::new();
    static POINTS: AtomicUsize = AtomicUsize::new(0);
    let at = *AT_POINT.get_or_init(|| std::env::var(AT).ok()?.parse().ok());
    if at.is_some() && at == Some(POINTS.fetch_add(1, Ordering::SeqCst)) {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        loop {
            std::thread::park();
        }
    }
}

/// The settings of the child; `None` in the parent.
struct Child {
    folder: PathBuf,
    store: LocalStore,
}

impl Child {
    fn here() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os(FOLDER)?);
        Some(Self { store: LocalStore::new(folder.join("state")), folder })
    }

    fn begin(&self, document: Document) -> LocalWriter {
        self.store.begin(document, Arc::new(self.store.lock("apply").unwrap())).unwrap()
    }

    /// Notes that this many steps are durable.
    fn note(&self, steps: usize) {
        let unfinished = self.folder.join("unfinished");
        let mut file = fs::File::create(&unfinished).unwrap();
        std::io::Write::write_all(&mut file, steps.to_string().as_bytes()).unwrap();
        file.sync_all().unwrap();
        fs::rename(unfinished, self.folder.join(NOTE)).unwrap();
    }
}

/// Runs the child, killed at one crash point after the other, until it survives. After each death `check` is told how many steps were
/// durable, and what loads. Returns how often the child died.
fn die_at_every_point(child: &str, check: impl Fn(usize, Option<usize>, Result<Option<Document>, StateError>)) -> usize {
    for at in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("state::tests::crash::{child}"), "--nocapture"])
            .env(FOLDER, folder.path())
            .env(AT, at.to_string())
            .output()
            .unwrap();
        let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let died = !output.status.success();
        assert!(!died || output.status.signal() == Some(9), "point {at}: {}", said());
        let noted = fs::read_to_string(folder.path().join(NOTE)).ok().map(|text| text.parse().unwrap());
        let store = LocalStore::new(folder.path().join("state"));
        check(at, noted, store.load());
        next_run_works(at, &store);
        if !died {
            assert!(noted.is_some(), "the child did nothing: {}", said());
            return at;
        }
    }
    unreachable!()
}

/// After any crash the next run works, loses nothing, and removes temporary files.
fn next_run_works(at: usize, store: &LocalStore) {
    let loaded = match store.load() {
        Err(StateError::Moved { .. }) => return,
        loaded => loaded.unwrap().unwrap_or_else(document),
    };
    assert!(store.highest_serial() >= loaded.serial, "point {at}");
    let ended = store.begin(loaded.clone(), Arc::new(store.lock("apply").unwrap())).unwrap().finish().unwrap();
    assert_eq!(ended, Document { serial: loaded.serial + 2, ..loaded }, "point {at}");
    assert_eq!(store.load().unwrap(), Some(ended), "point {at}");
    let folder = store.path().with_file_name("");
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.starts_with('.')), "point {at}: {names:?}");
}

fn role(number: usize) -> (Address, Record) {
    (Address::new(Kind::IamRole, &format!("r{number:02}")), record(&number.to_string()))
}

fn entry(number: usize) -> Entry {
    let (address, record) = role(number);
    Entry::Recorded { address, record: Box::new(record) }
}

fn roles(count: usize) -> BTreeMap<Address, Record> {
    (0..count).map(role).collect()
}

/// The document that every child starts with.
fn beginning() -> Document {
    Document { lineage: "one".to_owned(), ..document() }
}

/// Runs with a few entries each, and a replacement by a document with one more.
#[tokio::test]
async fn child_that_runs() {
    let Some(child) = Child::here() else { return };
    let mut steps = 0;
    for (first, run) in [0..4, 4..7, 7..7].into_iter().enumerate() {
        let writer = child.begin(child.store.load().unwrap().unwrap_or_else(beginning));
        if first == 0 {
            child.note(0);
        }
        for number in run {
            writer.record(entry(number)).await.unwrap();
            steps = number + 1;
            child.note(steps);
        }
        assert_eq!(writer.finish().unwrap().resources, roles(steps));
    }
    let mut pushed = child.store.load().unwrap().unwrap();
    pushed.serial += 1;
    pushed.apply(entry(steps));
    child.store.replace(&pushed).unwrap();
    child.note(steps + 1);
}

#[test]
fn a_run_that_dies_anywhere_loses_nothing() {
    let deaths = die_at_every_point("child_that_runs", |at, noted, loaded| {
        let loaded = loaded.unwrap_or_else(|error| panic!("point {at}: {error}"));
        let Some(document) = loaded else {
            assert_eq!(noted, None, "point {at}: the state is lost");
            return;
        };
        // At most the step in progress is there beyond those that were noted as durable.
        let (durable, found) = (noted.unwrap_or(0), document.resources.len());
        assert!(found == durable || found == durable + 1, "point {at}: {found} of {durable}");
        assert_eq!(document.resources, roles(found), "point {at}");
        assert_eq!(document.lineage, "one");
    });
    assert!(deaths > 50, "only {deaths} points");
}

/// A run that was interrupted; its state is replaced by another one, which is moved away and back.
#[tokio::test]
async fn child_that_replaces() {
    let Some(child) = Child::here() else { return };
    let writer = child.begin(beginning());
    for number in 0..3 {
        writer.record(entry(number)).await.unwrap();
    }
    child.note(0);
    drop(writer);
    let mut other = Document { lineage: "two".to_owned(), serial: 2, ..document() };
    child.store.replace(&other).unwrap();
    child.note(1);
    let writer = child.begin(other);
    writer.record(entry(0)).await.unwrap();
    other = writer.document();
    child.note(2);
    drop(writer);
    child.store.mark_moved("s3://bucket").unwrap();
    child.note(3);
    other.serial = child.store.highest_serial() + 1;
    child.store.replace(&other).unwrap();
    child.note(4);
}

#[test]
fn a_replacement_that_dies_anywhere_leaves_the_one_or_the_other() {
    let deaths = die_at_every_point("child_that_replaces", |at, noted, loaded| {
        let found = match &loaded {
            Ok(Some(document)) if document.lineage == "one" => "one",
            Ok(Some(_)) => "two",
            Ok(None) => "nothing",
            Err(StateError::Moved { .. }) => "moved",
            Err(error) => panic!("point {at}: {error}"),
        };
        let allowed: &[&str] = match noted {
            None => &["nothing", "one"],
            Some(0) => &["one", "two"],
            Some(1) => &["two"],
            Some(2) => &["two", "moved"],
            Some(3) => &["moved", "two"],
            Some(_) => &["two"],
        };
        assert!(allowed.contains(&found), "point {at}: {found} after {noted:?}");
        let Ok(Some(document)) = loaded else { return };
        let count = document.resources.len();
        match (found, noted) {
            ("one", Some(_)) => assert_eq!(count, 3, "point {at}"),
            ("two", Some(2..)) => assert_eq!(count, 1, "point {at}"),
            _ => assert_eq!(document.resources, roles(count), "point {at}"),
        }
    });
    assert!(deaths > 40, "only {deaths} points");
}
