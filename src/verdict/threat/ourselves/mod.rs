//! What we have caused ourselves, and what others do in our name.
//!
//! Only who called counts, as AWS has checked it: the unique id of the role or user, which no two
//! ever share. What a caller writes itself, such as a user agent, a session's name or a tag, proves
//! nothing and is never looked at.

mod caller;
mod scope;

use std::sync::OnceLock;

pub use caller::Caller;
pub use scope::OwnScope;

use caller::Known;
use scope::Use;

use crate::event::{Activity, ActivityKind};

/// Who caused an activity, as far as we are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Somebody else.
    Stranger,
    /// We did, doing what we do.
    Ours,
    /// Our role or user, doing something that we never do.
    Misuse,
    /// It cannot be told: we do not know who we are, or the record does not say who called or what
    /// it was done to. To be treated like a stranger's.
    Unknown,
}

/// Who we are and what we work on.
#[derive(Debug, Default)]
pub struct Ourselves {
    places: OwnScope,
    caller: OnceLock<Caller>,
}

impl Ourselves {
    /// What we work on. Who we are is learned later, from AWS; see [`Self::learn`].
    pub fn new(places: OwnScope) -> Self {
        Self {
            places,
            caller: OnceLock::new(),
        }
    }

    /// Learns who we are. A role keeps its id for as long as the service runs, so only the first
    /// answer counts.
    pub fn learn(&self, caller: Caller) {
        drop(self.caller.set(caller));
    }

    /// Who we are, once it is known.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    /// Whether we have caused an activity. Pure; never panics.
    pub fn relation(&self, activity: &Activity) -> Relation {
        // What a service does by itself is nobody's call.
        if activity.kind == ActivityKind::ServiceEvent {
            return Relation::Stranger;
        }
        let Some(who) = activity.principal() else {
            return Relation::Unknown;
        };
        let known = self
            .caller
            .get()
            .map_or(Known::Untold, |caller| caller.is(&who));
        match (known, self.places.use_of(activity)) {
            (Known::Us, Use::Own) => Relation::Ours,
            // A call that was refused may leave out what it was about.
            (Known::Us, Use::Untold) if activity.error.is_some() => Relation::Unknown,
            // AWS calls KMS for us, and does not always say what for.
            (Known::Us, Use::Untold) if who.invoked_by.is_some() => Relation::Unknown,
            (Known::Us, Use::Foreign | Use::Untold) => Relation::Misuse,
            (Known::Other, _) => Relation::Stranger,
            (Known::Untold, _) => Relation::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
