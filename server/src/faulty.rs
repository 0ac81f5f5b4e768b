//! The binary `sphere-faults`: sphere, but it can be asked to do wrong. Only built with the feature `faults`, for the checker.

#[path = "main.rs"]
mod program;

fn main() -> std::process::ExitCode {
    program::main()
}
