//! A state that could not be written to its location is saved beside the configuration.

use super::command_hints::quoted;
use crate::state::{Document, encode};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Saves a document beside the configuration; never overwrites an earlier file.
pub(super) fn rescue(document: &Document, beside: &Path) -> io::Result<PathBuf> {
    let bytes = encode(document).map_err(io::Error::other)?;
    let names =
        [format!("{}.errored-state.json", document.cluster), format!("{}.errored-state.{}.json", document.cluster, document.serial)];
    let mut last = Err(io::Error::other("no name is free"));
    for path in names.map(|name| beside.join(name)) {
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        last = written.map(|()| path);
        if !matches!(&last, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
            break;
        }
    }
    last
}

/// The command that restores a saved state; without a configuration, also what else that command needs.
pub(super) fn push_command(saved: &Path, bare: Option<&str>) -> String {
    let saved = quoted(&saved.display().to_string());
    match bare {
        None => format!("`domino-eks state push {saved}`"),
        Some(place) => format!(
            "`domino-eks state push {saved} -f FILE --state {}`; FILE is a configuration with the cluster's name and region, as `domino-eks init` writes one",
            quoted(place)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_a_saved_state_works_with_and_without_a_configuration() {
        let saved = Path::new("c.errored-state.json");
        assert_eq!(push_command(saved, None), "`domino-eks state push c.errored-state.json`");
        let bare = push_command(saved, Some(".domino-eks/c"));
        assert!(bare.starts_with("`domino-eks state push c.errored-state.json -f FILE --state .domino-eks/c`; FILE is "), "{bare}");
    }
}
