//! Tests of the workflows against the world in memory, under paused time: what they decide, show, ask, do and verify.

mod applying;
mod decisions;
mod model;
mod site;
