//! The whole binary against the local AWS: one test binary, because each one links the AWS SDK.

mod harness;

mod adding_a_kind;
mod api_faults;
mod applied_resources;
mod configuration_changes;
mod configuration_variants;
mod crash_sweep;
mod damaged_state;
mod duplicates;
mod full_disk;
mod house;
mod interrupted_runs;
mod lifecycle;
mod locks;
mod output;
mod refusals;
mod state_bucket_errors;
mod state_commands;
mod state_recovery;
mod teardown;
mod teardown_aws;
mod teardown_incomplete;
mod teardown_names;
mod teardown_pace;
mod teardown_refuse;
