//! What goes in and what comes out: lines of text with their places, and findings without values.
//!
//! A [`Hit`] says what kind of thing stands where and how sure that is. It has no field for the
//! thing itself, so no log, alert or test failure can repeat it.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use super::rows::Passage;
use crate::verdict::Category;

/// An upright rectangle in pixels of the picture that was read, origin at its top left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Bounds {
    /// The smallest rectangle that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let x = self.x.min(other.x);
        let y = self.y.min(other.y);
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }

    /// The right edge.
    #[must_use]
    pub fn right(self) -> f32 {
        self.x + self.width
    }

    /// The lower edge.
    #[must_use]
    pub fn bottom(self) -> f32 {
        self.y + self.height
    }
}

/// One piece of text as the reader found it: usually a line or a table cell.
#[derive(Clone, PartialEq)]
pub struct TextLine {
    /// What was read.
    pub text: String,
    /// The reader's mean certainty, 0 to 1.
    pub score: f32,
    /// Where.
    pub bounds: Bounds,
}

impl fmt::Debug for TextLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextLine")
            .field("chars", &self.text.chars().count())
            .field("score", &self.score)
            .field("bounds", &self.bounds)
            .finish()
    }
}

/// What was recognised. Closed, like the categories it maps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A payment card number.
    PaymentCard,
    /// An international bank account number.
    Iban,
    /// A social security number of the United States.
    UsSsn,
    /// A Korean resident or foreigner registration number.
    KoreanRrn,
    /// A German tax identification number.
    GermanTaxId,
    /// A German pension insurance number.
    GermanInsurance,
    /// A serial number of a German identity card.
    GermanIdNumber,
    /// The machine readable zone of a passport (ICAO 9303 TD3).
    PassportMrz,
    /// The machine readable zone of a card (ICAO 9303 TD1, TD2) or visa.
    IdMrz,
    /// A passport number behind its label.
    PassportNumber,
    /// A Korean driving licence number.
    LicenceNumber,
    /// A personal e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A date behind a label that says birth.
    LabelledDateOfBirth,
    /// An AWS access key id.
    AwsAccessKey,
    /// An AWS secret access key behind its label.
    AwsSecretKey,
    /// The head of a private key file.
    PrivateKey,
    /// A token whose form names its issuer.
    Token,
    /// A password or secret behind its label.
    Password,
    /// Title and field names of a passport.
    PassportWords,
    /// Title and field names of an identity card.
    IdCardWords,
    /// Title and field names of a driving licence.
    LicenceWords,
    /// Words of a medical record.
    HealthWords,
    /// A name behind a label or a form of address.
    LabelledName,
    /// A postal address.
    PostalAddress,
}

impl Kind {
    /// The category that alerts and policy know.
    #[must_use]
    pub const fn category(self) -> Category {
        match self {
            Self::PaymentCard => Category::FinancialCard,
            Self::Iban => Category::BankAccount,
            Self::UsSsn | Self::KoreanRrn | Self::GermanTaxId | Self::GermanInsurance => {
                Category::ResidentNumber
            }
            Self::GermanIdNumber | Self::IdMrz | Self::IdCardWords => Category::GovernmentId,
            Self::PassportMrz | Self::PassportNumber | Self::PassportWords => Category::Passport,
            Self::LicenceNumber | Self::LicenceWords => Category::DrivingLicence,
            Self::Email => Category::Email,
            Self::Phone => Category::Phone,
            Self::LabelledDateOfBirth => Category::DateOfBirth,
            Self::AwsAccessKey
            | Self::AwsSecretKey
            | Self::PrivateKey
            | Self::Token
            | Self::Password => Category::Credentials,
            Self::HealthWords => Category::Health,
            Self::LabelledName => Category::Name,
            Self::PostalAddress => Category::Address,
        }
    }
}

/// How much a hit proves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strength {
    /// Says something only next to other hints.
    Hint,
    /// Form and context agree, but nothing was computed that could have failed.
    Likely,
    /// A check digit, an exact form or a form with its own label: chance is as good as ruled out.
    SelfProving,
}

/// One thing that was recognised, without its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// What.
    pub kind: Kind,
    /// How sure.
    pub strength: Strength,
    /// Where, when it stands in one place.
    pub bounds: Option<Bounds>,
}

impl Hit {
    /// The category that alerts and policy know.
    #[must_use]
    pub const fn category(&self) -> Category {
        self.kind.category()
    }

    /// True when this hit alone settles the verdict, so that a reader may stop.
    #[must_use]
    pub fn is_self_proving(&self) -> bool {
        self.strength == Strength::SelfProving
    }
}

/// Everything recognised in one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// One entry per distinct thing, in reading order of the first sight of each.
    pub hits: Vec<Hit>,
    /// The text gives orders to whoever judges the picture.
    pub instructions_in_content: bool,
}

impl Findings {
    /// True when no further line can change that the picture is flagged with high confidence.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.hits.iter().any(Hit::is_self_proving)
    }
}

/// Collects hits and drops repetitions.
///
/// The same number is seen in its box, in its row and in the pair of rows; it counts once, with its
/// strongest reading. Values are compared by fingerprint, so nothing readable is kept.
#[derive(Default)]
pub(super) struct Sink {
    hits: Vec<Hit>,
    seen: HashMap<(Kind, u64), usize>,
}

impl Sink {
    /// Notes what stands at `range` of `passage`; `value` only tells repetitions apart.
    pub(super) fn add(
        &mut self,
        passage: &Passage,
        range: Range<usize>,
        kind: Kind,
        strength: Strength,
        value: &str,
    ) {
        self.note(kind, strength, value, passage.bounds(range));
    }

    /// Notes something that belongs to the picture as a whole.
    pub(super) fn add_everywhere(&mut self, kind: Kind, strength: Strength) {
        self.note(kind, strength, "", None);
    }

    fn note(&mut self, kind: Kind, strength: Strength, value: &str, bounds: Option<Bounds>) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let next = self.hits.len();
        let place = *self.seen.entry((kind, hasher.finish())).or_insert(next);
        match self.hits.get_mut(place) {
            Some(hit) => hit.strength = hit.strength.max(strength),
            None => self.hits.push(Hit {
                kind,
                strength,
                bounds,
            }),
        }
    }

    pub(super) fn into_hits(self) -> Vec<Hit> {
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_line_hides_its_text() {
        let line = TextLine {
            text: "kim@naver.com".into(),
            score: 0.9,
            bounds: Bounds::default(),
        };
        assert!(!format!("{line:?}").contains("kim"));
    }

    #[test]
    fn a_union_holds_both() {
        let a = Bounds {
            x: 0.0,
            y: 10.0,
            width: 5.0,
            height: 5.0,
        };
        let b = Bounds {
            x: 10.0,
            y: 0.0,
            width: 5.0,
            height: 5.0,
        };
        assert_eq!(
            a.union(b),
            Bounds {
                x: 0.0,
                y: 0.0,
                width: 15.0,
                height: 15.0
            }
        );
    }

    #[test]
    fn the_stronger_reading_stays() {
        let mut sink = Sink::default();
        sink.note(Kind::Phone, Strength::Hint, "1", None);
        sink.note(Kind::Phone, Strength::Likely, "1", None);
        sink.note(Kind::Phone, Strength::Hint, "2", None);
        let strengths: Vec<_> = sink.into_hits().iter().map(|hit| hit.strength).collect();
        assert_eq!(strengths, [Strength::Likely, Strength::Hint]);
    }
}
