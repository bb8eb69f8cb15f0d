//! The progress of a run as plain lines.

use crate::engine::{Event, LeftBehind, Verb};

/// Turns events into lines.
#[derive(Debug, Default)]
pub struct PlainProgress {
    steps: usize,
    ended: usize,
}

/// `1h02m`, `9m05s` or `12s`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole % 3600 / 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// `creating`, `changing`, …
pub(crate) fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "creating",
        Verb::Update => "changing",
        Verb::Delete => "deleting",
        Verb::Retain => "keeping",
        Verb::Adopt => "taking over",
        Verb::Replace => "replacing",
        Verb::Blocked | Verb::NoChange => "checking",
    }
}

fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "created",
        Verb::Update => "changed",
        Verb::Delete => "deleted",
        Verb::Retain => "kept",
        Verb::Adopt => "taken over",
        Verb::Replace => "replaced",
        Verb::Blocked | Verb::NoChange => "checked",
    }
}

/// What a failed step leaves behind.
pub fn left_behind_text(left: LeftBehind) -> &'static str {
    match left {
        LeftBehind::Nothing => "nothing was created",
        LeftBehind::Recorded => "what exists is recorded in the state",
        LeftBehind::Unknown => "it may exist; the next run looks for it",
    }
}

impl PlainProgress {
    /// The line of an event, if it has one; short steps have one only at their end.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::RunStarted { steps, expected_seconds } => {
                self.steps = *steps;
                Some(format!("{steps} steps, about {} along the critical path", clock(*expected_seconds as f64)))
            }
            Event::StepStarted { address, action, expected_seconds, .. } if *expected_seconds >= 30 => {
                Some(format!("        {address}: {}, usually {}", doing(*action), clock(*expected_seconds as f64)))
            }
            Event::StepStarted { .. } | Event::StepCreated { .. } => None,
            Event::StepWaiting { address, why } => Some(format!("        {address}: {why}")),
            Event::Cleared { address, id, held } => Some(format!("        {address}: deleted {id}, left by Kubernetes, which held {held}")),
            Event::StepDone { address, action: Verb::Retain, .. } => Some(self.ended(&format!("{address}: kept"))),
            Event::StepDone { address, action, seconds } => {
                Some(self.ended(&format!("{address}: {} in {}", done(*action), clock(*seconds))))
            }
            Event::StepFailed { address, action, error, left } => {
                Some(self.ended(&format!("{address}: failed while {}: {error}; {}", doing(*action), left_behind_text(*left))))
            }
            Event::StepSkipped { address, because } => Some(self.ended(&format!("{address}: skipped, because {because} failed"))),
            Event::Stopping => Some("stopping: nothing new is started; interrupt again to leave at once".to_owned()),
            Event::RunFinished { done, failed, skipped, seconds, expected_seconds, .. } => Some(format!(
                "{done} done, {failed} failed, {skipped} not started, in {} (critical path {})",
                clock(*seconds),
                clock(*expected_seconds as f64)
            )),
        }
    }

    fn ended(&mut self, text: &str) -> String {
        self.ended += 1;
        format!("{:>3}/{} {text}", self.ended, self.steps)
    }
}
