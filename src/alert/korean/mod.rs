//! Every sentence that people read in an alert, in Korean. Of the same shape as the English folder;
//! the subjects of mails stay English.
//!
//! Formal style throughout. Names of settings, commands, permissions and AWS features stay as they
//! are written in consoles and files. No particle stands directly after a text from outside: its
//! form would depend on how that text ends.

mod activities;
mod deeds;
mod digests;
mod services;
mod steps;
mod uploads;
mod words;

/// Korean.
#[derive(Debug)]
pub(super) struct Korean;
