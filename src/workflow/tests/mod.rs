//! Tests of the workflows on the world in memory.
