//! Programs that once failed, as the model printed them.

use super::ops::How::*;
use super::ops::Op::{self, *};
use super::ops::Program;

fn holds(graph: &[usize], ops: &[Op]) {
    let program = Program { graph: graph.to_vec(), ops: ops.to_vec() };
    if let Err(why) = super::outcome(&program) {
        panic!("{program:?}\n{why}");
    }
}

#[test]
fn a_cluster_that_is_not_visible_yet_is_not_forgotten_by_a_destroy() {
    holds(&[13], &[Apply(Stopped(2.0)), Lag(20), Destroy(Whole)]);
}

#[test]
fn a_group_that_is_not_visible_yet_is_not_forgotten_by_a_destroy() {
    holds(&[15], &[Apply(Stopped(2.0)), Lag(20), Destroy(Whole)]);
}

#[test]
fn a_token_does_not_outlive_what_a_dead_destroy_deleted() {
    holds(&[10, 12, 2], &[Apply(DiskFull(4)), Destroy(Dies(15))]);
}

#[test]
fn a_destroy_that_died_leaves_no_half_made_cluster_to_be_taken_for_ready() {
    holds(&[16, 9], &[Apply(Stopped(2.0)), Destroy(Dies(1)), Apply(Whole)]);
}

#[test]
fn a_destroy_that_died_before_its_call_makes_no_duplicate_of_what_shows_late() {
    holds(&[0], &[Lag(20), Apply(Whole), Destroy(Dies(1)), Apply(Whole)]);
}

#[test]
fn what_was_deleted_outside_a_moment_after_its_creation_is_made_anew_with_another_token() {
    holds(&[1, 15], &[Apply(Whole), Vanish(8), Apply(Whole)]);
    holds(&[1, 15], &[Apply(Whole), Vanish(3), Apply(Whole)]);
}

#[test]
fn a_token_does_not_outlive_the_cluster_that_its_request_named() {
    holds(&[16, 12], &[Apply(DiskFull(13)), Destroy(Stopped(2.0))]);
    holds(&[16, 15, 1], &[Apply(Dies(56)), Destroy(Stopped(2.0))]);
}
