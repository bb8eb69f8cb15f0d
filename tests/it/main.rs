//! The whole binary against the local AWS: one test binary, because each one links the AWS SDK.

mod emulator;
mod lifecycle;
mod workspace;
