//! What we remember: one finding per piece of work, written before and after every act.

mod finding;
mod ledger;

pub use finding::{
    Finding, Intent, Judgement, SCHEMA_VERSION, State, Subject, Times, UploadedBy, date_of,
};
pub use ledger::{Begun, Ledger, LedgerError, Page, Query};
