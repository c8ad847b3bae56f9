//! s3-warden: every object that lands in a guarded bucket is looked at; what holds personal data
//! is removed, exactly that version and nothing else; and people read one clear message about it.
//!
//! The rooms stand in the order in which data flows. A room sees the rooms left of it, never those
//! to its right; `local` and `aws` adapters see the rooms left of `worker` and never one another.

pub mod settings;

pub mod clock;
pub mod retry;
pub mod telemetry;

pub mod shutdown;

pub mod event;

pub mod model;

pub mod object;

pub mod verdict;

pub mod action;

pub mod record;

pub mod alert;

pub mod maintenance;

pub mod worker;

pub mod aws;

pub mod local;

pub mod ops;

pub mod config;

pub mod app;

pub mod commands;
