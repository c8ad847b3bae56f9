//! Words that mean one thing.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::object::{Format, Unreadable, Why};

/// A kind of personal data. Closed: alerts, policy and metrics know these and no others.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A state-issued identity document that is none of the following.
    GovernmentId,
    /// A passport.
    Passport,
    /// A driving licence.
    DrivingLicence,
    /// A number of a person in a state's register (Korean RRN, US SSN).
    ResidentNumber,
    /// A payment card.
    FinancialCard,
    /// A bank account.
    BankAccount,
    /// Health.
    Health,
    /// A face.
    Face,
    /// A name.
    Name,
    /// A postal address.
    Address,
    /// A telephone number.
    Phone,
    /// A personal e-mail address.
    Email,
    /// A date of birth.
    DateOfBirth,
    /// A signature.
    Signature,
    /// Keys, passwords, tokens.
    Credentials,
    /// Anything else that is personal.
    Other,
}

impl Category {
    /// All of them, in the order of the model's contract.
    pub const ALL: [Self; 16] = [
        Self::GovernmentId,
        Self::Passport,
        Self::DrivingLicence,
        Self::ResidentNumber,
        Self::FinancialCard,
        Self::BankAccount,
        Self::Health,
        Self::Face,
        Self::Name,
        Self::Address,
        Self::Phone,
        Self::Email,
        Self::DateOfBirth,
        Self::Signature,
        Self::Credentials,
        Self::Other,
    ];

    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GovernmentId => "government_id",
            Self::Passport => "passport",
            Self::DrivingLicence => "driving_licence",
            Self::ResidentNumber => "resident_number",
            Self::FinancialCard => "financial_card",
            Self::BankAccount => "bank_account",
            Self::Health => "health",
            Self::Face => "face",
            Self::Name => "name",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::DateOfBirth => "date_of_birth",
            Self::Signature => "signature",
            Self::Credentials => "credentials",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure the judge is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A guess.
    Low,
    /// Probably.
    Medium,
    /// As good as certain.
    High,
}

impl Confidence {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How bad it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Threat {
    /// Worth knowing.
    Low,
    /// Look at it this week.
    Medium,
    /// Look at it today.
    High,
    /// Look at it now.
    Critical,
}

impl Threat {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Threat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why there is no answer although the picture could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UndecidedReason {
    /// The picture holds text that gives orders to whoever judges it.
    InstructionsInContent,
    /// The answer contradicts itself.
    Contradiction,
    /// The local detector found nothing and is set not to call that clean.
    NothingFound,
    /// The judge refused to answer.
    Refused,
    /// The answer was not well formed.
    Malformed,
    /// The answer was cut off by the longest length that is allowed.
    Truncated,
    /// The judge does not take the picture.
    Rejected,
}

impl UndecidedReason {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InstructionsInContent => "instructions_in_content",
            Self::Contradiction => "contradiction",
            Self::NothingFound => "nothing_found",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Rejected => "rejected",
        }
    }
}

/// Why an object could not be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreadableReason {
    /// A format that is not looked into; which one, as its first bytes tell.
    Unsupported(Format),
    /// The bytes are not whole, or contradict themselves.
    Damaged,
    /// No bytes at all.
    Empty,
    /// More bytes than `object.max_bytes`.
    TooLarge,
    /// More pixels than `object.max_pixels`, by its own header.
    TooManyPixels,
    /// The store does not let us read it.
    Denied(Why),
}

impl From<Unreadable> for UnreadableReason {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Unsupported(format) => Self::Unsupported(format),
            Unreadable::Damaged => Self::Damaged,
            Unreadable::Empty => Self::Empty,
            Unreadable::TooManyPixels => Self::TooManyPixels,
        }
    }
}

impl UnreadableReason {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported",
            Self::Damaged => "damaged",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::TooManyPixels => "too_many_pixels",
            Self::Denied(_) => "denied",
        }
    }
}

/// What came out of looking at one object. There is no default, and only a well-formed,
/// uncontradicted answer is `Clean`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Looked at; nothing found.
    Clean,
    /// Personal data.
    Flagged {
        /// Which kinds; never empty.
        categories: BTreeSet<Category>,
        /// How sure.
        confidence: Confidence,
    },
    /// Looked at; no answer.
    Undecided {
        /// Why.
        reason: UndecidedReason,
    },
    /// Could not be looked at.
    Unreadable {
        /// Why.
        reason: UnreadableReason,
    },
    /// Nothing is there.
    Missing,
    /// Something newer is there, which has its own event.
    Superseded,
}

impl Verdict {
    /// The word of the contract.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Flagged { .. } => "flagged",
            Self::Undecided { .. } => "undecided",
            Self::Unreadable { .. } => "unreadable",
            Self::Missing => "missing",
            Self::Superseded => "superseded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_the_object_keep_their_codes() {
        let reasons = [
            Unreadable::Unsupported(Format::Pdf),
            Unreadable::Damaged,
            Unreadable::Empty,
            Unreadable::TooManyPixels,
        ];
        for reason in reasons {
            assert_eq!(UnreadableReason::from(reason).code(), reason.code());
        }
    }

    #[test]
    fn every_word_is_the_serialised_one() {
        for category in Category::ALL {
            let json = serde_json::to_value(category).unwrap();
            assert_eq!(json, category.as_str());
        }
        assert_eq!(
            serde_json::to_value(Threat::Critical).unwrap(),
            Threat::Critical.as_str()
        );
        assert_eq!(
            serde_json::to_value(Confidence::Low).unwrap(),
            Confidence::Low.as_str()
        );
    }
}
