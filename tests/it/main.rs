//! The whole binary against the local AWS: one test binary, because each one links the AWS SDK.

mod account;
mod applied;
mod bad_bucket;
mod bad_state;
mod change;
mod emulator;
mod faults;
mod full_disk;
mod home;
mod house;
mod life;
mod lifecycle;
mod locks;
mod output;
mod points;
mod recover;
mod refuse;
mod seeds;
mod state_commands;
mod survive;
mod sweep;
mod teardown;
mod twins;
mod variants;
mod what;
mod workspace;
