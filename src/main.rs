//! The front door: arguments, telemetry, dispatch, exit code.

fn main() {}
