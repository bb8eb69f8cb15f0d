//! What a run says to people.

use super::workspace::Run;

/// A message for people: an error, these texts, a hint, and no dump of Rust values.
#[track_caller]
pub(crate) fn refused(run: Run, code: i32, texts: &[&str]) -> Run {
    let run = run.expect(code);
    for text in texts.iter().chain(&["error", "hint: "]) {
        assert!(run.stderr.contains(text), "`{text}` is not in: {}", run.stderr);
    }
    for debug in ["Some(", "None", "Err(", "Ok(", "panicked", "unwrap", "RUST_BACKTRACE", "SdkError", "Unhandled"] {
        assert!(!run.stderr.contains(debug), "`{debug}` in: {}", run.stderr);
    }
    run
}

/// All of these texts are in what was said.
#[track_caller]
pub(crate) fn says(run: Run, texts: &[&str]) -> Run {
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not in: {}", run.stderr);
    }
    run
}
