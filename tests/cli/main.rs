//! The commands as a user meets them: the binary as a child process, in an environment of its own,
//! with its output, its exit code and what it leaves on the disk.
//!
//! Nothing here sleeps: a test waits for a line or for the end of a process. Pictures that have to
//! be read take seconds without optimisation, so there are few.
#![cfg(feature = "local-detector")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do; clippy only excuses the tests themselves"
)]

mod analyze;
mod demo;
mod doctor;
mod explain;
mod healthcheck;
mod kit;
mod leaks;
mod restore;
mod settings;
mod signals;
mod usage;
mod watch;
