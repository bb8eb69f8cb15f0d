//! Random programs of applies, stops, kills, faults, edits and lost states, with the invariants that hold after each step
//! (docs/design-rules.md, "Invariants"): P1 convergence, P2 nothing twice or unknown, P3 nothing left and nothing of others
//! touched, P4 order, P5 plans change nothing, P8 recovery, P9 only what is planned, P10 data, P11 stops, P12 limits.
//!
//! `MODEL_CASES` sets the number of programs, `PROPTEST_RNG_SEED` which ones: CI sets a fixed seed, other runs try new programs.
//! A program that fails is printed as a test that can be pasted into `found.rs`.

mod end;
mod found;
mod graph;
mod left;
mod machine;
mod ops;

use crate::resource::Service;
use machine::Machine;
use ops::{Program, Theme, programs};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

const CASES: u32 = 10_000;

const SERVICES: &[Service] =
    &[Service::Ec2, Service::Iam, Service::Eks, Service::AutoScaling, Service::Efs, Service::S3, Service::Kms, Service::Logs];

/// Runs a program; what went wrong, with the step and the log of its last run.
fn outcome(program: &Program) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut machine = Machine::new(program);
        for op in &program.ops {
            machine.step(*op).await.map_err(|why| format!("{why}\nat {op:?}, after\n{}", machine.lab.log.text()))?;
        }
        machine.end().await.map_err(|why| format!("{why}\nat the end, after\n{}", machine.lab.log.text()))
    })
}

/// Tests of the same theme differ in `part`, because with the same seed they would try the same programs.
fn holds_for_all(theme: Theme, part: u64, share: u32) {
    let cases = std::env::var("MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let defaults = Config::default();
    let rng_seed = match defaults.rng_seed {
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed.wrapping_add(part)),
        RngSeed::Random => RngSeed::Random,
    };
    let config = Config { cases: cases * share / 100, failure_persistence: None, max_shrink_iters: 4_000, rng_seed, ..defaults };
    let result = TestRunner::new(config).run(&programs(theme), |program| outcome(&program).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, program)) => panic!("{program:?}\n{why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn interrupted_runs_lose_nothing() {
    holds_for_all(Theme::Interruptions, 0, 20);
}

#[test]
fn interrupted_runs_lose_nothing_again() {
    holds_for_all(Theme::Interruptions, 1, 20);
}

#[test]
fn edits_and_drift_are_followed() {
    holds_for_all(Theme::Changes, 0, 20);
}

#[test]
fn lost_and_old_states_are_survived() {
    holds_for_all(Theme::States, 0, 20);
}

#[test]
fn used_clusters_are_torn_down() {
    holds_for_all(Theme::Leftovers, 0, 20);
}
