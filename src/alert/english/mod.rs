//! Every sentence that people read in an alert, in English.
//!
//! All of it is built from closed vocabularies: nothing that a model wrote gets here. Written for
//! people who know their bucket and not this program. The subjects of mails come from here whatever
//! the language of an alert.

mod activities;
mod deeds;
mod digests;
mod services;
mod steps;
mod uploads;
mod words;

/// English.
#[derive(Debug)]
pub(super) struct English;

/// A noun in the number that it is counted in.
const fn noun(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
