//! The binary: exit code, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    domino_eks::main()
}
