//! What we remember: one finding per piece of work, written before and after every act.

mod allowance;
mod case;
mod finding;
mod ledger;
mod page_mark;
mod settings;
mod switches;

pub(crate) use allowance::parse_allowance;
pub use allowance::{ALLOWANCE_VERSION, Allowance, Allowances, Content};
pub use case::{ActivityCase, Case, Judgement, ObjectCase, Reported, Subject, UploadedBy};
pub use finding::{Finding, Intent, SCHEMA_VERSION, State, Times, date_of};
pub use ledger::{Begun, Ledger, LedgerError, Page, Query};
pub(crate) use page_mark::PageMark;
pub use settings::{RawQuarantine, RawRecords};
pub use switches::{FleetBreaker, Halt, Opening, Positions, Switches};
