//! The contracts of the ports, as tests that every adapter passes.
//!
//! One suite per port, each a list of named checks, run on every ground that has the port. A ground
//! makes the adapter, looks behind it, and lets time go by: by moving tokio's paused clock for the
//! adapters of one machine, by waiting for those of AWS, which run on an emulator (`tests/emulator.sh`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as tests do; clippy only excuses the tests themselves"
)]

mod allowances;
mod digests;
mod disk_full;
mod kit;
mod ledger;
mod ledger_kill;
mod ledger_s3;
mod model;
mod notifier;
mod put_back;
mod put_back_s3;
mod queue;
mod queue_sqs;
mod scripted_s3;
mod source;
mod spending;
mod store;
mod store_denials;
mod store_exposure;
mod store_folder;
mod store_refusals;
mod store_s3;
mod store_tags;
mod switches;
mod turns;
