//! Tests of the workflows on the world in memory, under paused time: what is decided, said, asked, done and verified.

mod applying;
mod decisions;
mod model;
mod site;
