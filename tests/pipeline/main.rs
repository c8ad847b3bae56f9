//! The promises of the worker, kept on real parts: a folder, a queue, records and alerts of this
//! machine, and the worker over them as the service builds it.
//!
//! Only the judge is scripted, and faults come in through decorators of ports. Time is paused: what
//! takes half an hour in the story takes none here.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as tests do; clippy only excuses the tests themselves"
)]

mod alerts;
mod allowing;
mod analyst;
mod applying;
mod assess_kill;
mod assessing;
mod bounds;
mod credentials;
mod deferring;
mod detector;
mod endpoint;
mod events;
mod faults;
mod faulty;
mod gate;
mod ground;
mod injection;
mod joined;
mod kill;
mod lanes;
mod leases;
mod minute;
mod modes;
mod overwrite;
mod pausing;
mod pictures;
mod promises;
mod protecting;
mod reactions;
mod running;
mod setup;
mod stopping;
mod sweeping;
mod switching;
mod tagged;
mod tagging;
mod vital;
mod watcher;
