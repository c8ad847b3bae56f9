//! Personal data in text that was read from a picture: pure recognisers, no IO.
//!
//! Lines of text with their places go in, [`Findings`] come out. Each recogniser sits in its own
//! file and demands what its kind of identifier offers: a check digit, an exact form, a label next
//! to it. What only looks like an identifier (order numbers, article numbers, time stamps) is at
//! most a [`Strength::Hint`], and a hint alone flags nothing: see [`opinion`] for the table.
//!
//! No value that was matched leaves this module, in no field, message or debug output.
//!
//! What it cannot see: names and addresses without a label, anything without a fixed form, and
//! whatever the reader of the picture did not read.
//!
//! ```
//! use s3_warden::verdict::recognise::{Bounds, Kind, TextLine, recognise};
//!
//! let line = TextLine {
//!     text: "IBAN: DE89 3704 0044 O532 0130 00".to_owned(),
//!     score: 0.97,
//!     bounds: Bounds { x: 10.0, y: 20.0, width: 400.0, height: 18.0 },
//! };
//! let findings = recognise(&[line]);
//! assert_eq!(findings.hits[0].kind, Kind::Iban);
//! assert!(findings.is_settled());
//! ```

mod birth;
#[cfg(test)]
mod bulk;
mod card;
mod credentials;
mod document;
mod email;
mod finding;
mod fold;
mod german;
mod iban;
mod instructions;
mod judge;
mod mrz;
mod person;
mod phone;
mod rows;
mod rrn;
mod ssn;
#[cfg(test)]
mod testing;
mod vocabulary;

pub use finding::{Bounds, Findings, Hit, Kind, Strength, TextLine};
pub use instructions::gives_orders;
pub use judge::opinion;

use finding::Sink;
use rows::Page;

/// Raised whenever the same text may be answered otherwise than before: verdicts that are kept name
/// it, and are not taken over from another version.
pub const VERSION: &str = "1";
/// Lines looked at; the rest of a denser picture is left unread. With [`MAX_CHARS`] it bounds the
/// time that hostile text can cost.
pub const MAX_LINES: usize = 200;
/// Characters of a line that are looked at.
pub const MAX_CHARS: usize = 500;
/// Lines read with less certainty than this are noise, as from a picture that lies on its side.
pub const MIN_SCORE: f32 = 0.3;

/// Recognises personal data in `lines`, in whatever order they come.
///
/// Deterministic; the time that it takes is bounded by [`MAX_LINES`] and [`MAX_CHARS`].
#[must_use]
pub fn recognise(lines: &[TextLine]) -> Findings {
    let page = Page::new(lines);
    let mut sink = Sink::default();
    for passage in &page.passages {
        card::find(&page, passage, &mut sink);
        iban::find(passage, &mut sink);
        rrn::find(passage, &mut sink);
        ssn::find(passage, &mut sink);
        german::find(passage, &mut sink);
        mrz::find(&page, passage, &mut sink);
        email::find(passage, &mut sink);
        phone::find(passage, &mut sink);
        birth::find(passage, &mut sink);
        credentials::find(passage, &mut sink);
        document::find(passage, &mut sink);
        person::find(passage, &mut sink);
    }
    document::find_titles(&page, &mut sink);
    person::find_health(&page, &mut sink);
    Findings {
        hits: sink.into_hits(),
        instructions_in_content: instructions::present(&page),
    }
}
