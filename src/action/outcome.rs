//! How an action ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::object::{Removed, Why};

/// How an action ended. Every one of them is final for its decision; what may be taken up again
/// under another decision is said by
/// [`Outcome::is_left_by_circumstance`] and [`Outcome::is_left_by_policy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was to be done.
    Kept,
    /// It would have been removed, but the mode is `observe`.
    Observed,
    /// The verdict tag was set.
    Tagged,
    /// The verdict tag was wanted and could not be set; nothing else was to be done.
    TagFailed,
    /// Exactly the judged state was deleted.
    Deleted,
    /// Exactly the judged state was moved to the quarantine.
    Quarantined,
    /// It was gone when we came: by us (before a crash) or replaced meanwhile.
    AlreadyGone,
    /// Other bytes lie under the key now; they were not touched and have an event of their own.
    Superseded,
    /// The store refused; the source is untouched.
    Blocked {
        /// Why.
        why: Why,
    },
    /// The breaker is open: announced, not acted on.
    Held,
}

impl Outcome {
    /// What the store's answer to a removal means; `quarantine`: it was to be moved there.
    pub const fn of_removal(removed: Removed, quarantine: bool) -> Self {
        match removed {
            Removed::Removed if quarantine => Self::Quarantined,
            Removed::Removed => Self::Deleted,
            Removed::AlreadyGone => Self::AlreadyGone,
            Removed::Superseded => Self::Superseded,
            Removed::Blocked(why) => Self::Blocked { why },
        }
    }

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Observed => "observed",
            Self::Tagged => "tagged",
            Self::TagFailed => "tag_failed",
            Self::Deleted => "deleted",
            Self::Quarantined => "quarantined",
            Self::AlreadyGone => "already_gone",
            Self::Superseded => "superseded",
            Self::Blocked { .. } => "blocked",
            Self::Held => "held",
        }
    }

    /// Whether only circumstances kept a wanted removal from being done: the mode, the breaker, a
    /// refusal, or that it was not found in its place. Met again, it is tried again.
    pub const fn is_left_by_circumstance(self) -> bool {
        matches!(
            self,
            Self::Observed | Self::Held | Self::Blocked { .. } | Self::AlreadyGone
        )
    }

    /// Whether the policy wanted the object left in place; another policy may want otherwise.
    pub const fn is_left_by_policy(self) -> bool {
        matches!(self, Self::Kept | Self::Tagged | Self::TagFailed)
    }
}
