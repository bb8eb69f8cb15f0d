//! Text and JSON of plans, status, outputs and progress. Pure functions: they print nothing.

mod notes;
mod notice;
mod outputs;
mod plan_json;
mod plan_text;
mod progress;
mod status;
mod style;
mod teardown_text;
mod verification;

#[cfg(test)]
mod tests;

pub use notes::notes;
pub use notice::{Volume, duplicate_warnings, notice_lines};
pub use outputs::outputs;
pub use plan_json::plan_json;
pub use plan_text::plan_text;
pub use progress::{PlainProgress, clock, left_behind_text};
pub use status::{status, status_text};
pub use teardown_text::{Choice, teardown_text};
pub use verification::{empty_teardown_report, teardown_report, verification_lines};
