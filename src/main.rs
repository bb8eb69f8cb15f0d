//! The binary: runs the library and returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    domino_eks::main()
}
