//! Tests of the remote store on a bucket in memory, under paused time.
