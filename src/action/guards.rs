//! The last questions before an act: pure, asked again for every act.
//!
//! A decision may be old when it is carried out: an intent that a crash left behind is finished by
//! another process, perhaps under other settings. So the guards ask what holds **now**, beside what
//! held when it was decided. They go by bucket and prefix alone: tags, user agents and metadata can
//! be forged by whoever uploads, and exempt nothing. Whether the lease is still ours is asked by the
//! worker, which holds it.

use std::collections::BTreeSet;

use super::{Action, Decision, Mode};
use crate::event::{BucketName, OwnPlace};
use crate::object::ObjectRef;

/// What the guards say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Act.
    Go,
    /// Do not.
    Refuse(Refusal),
}

/// Why an act is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The decision asks for nothing.
    NothingToDo,
    /// It would remove, and the mode is, or was when it was decided, `observe`.
    Observing,
    /// Nothing was read, so nothing is pinned: there is no state that could be acted on.
    NotPinned,
    /// The bucket is not among those guarded.
    NotGuarded,
    /// It lies where the service itself writes.
    OwnWrite,
}

impl Refusal {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Observing => "observing",
            Self::NotPinned => "not_pinned",
            Self::NotGuarded => "not_guarded",
            Self::OwnWrite => "own_write",
        }
    }
}

/// The guards, with what holds now.
#[derive(Clone, Debug)]
pub struct Guards {
    mode: Mode,
    guarded: BTreeSet<BucketName>,
    own: Vec<OwnPlace>,
}

impl Guards {
    /// `guarded` is the explicit list; empty guards nothing, it never stands for all.
    pub fn new(
        mode: Mode,
        guarded: impl IntoIterator<Item = BucketName>,
        own: impl IntoIterator<Item = OwnPlace>,
    ) -> Self {
        Self {
            mode,
            guarded: guarded.into_iter().collect(),
            own: own.into_iter().collect(),
        }
    }

    /// Whether `decision` may be carried out on `object`.
    pub fn before(&self, decision: &Decision, object: Option<&ObjectRef>) -> Gate {
        let observing = self.mode == Mode::Observe || decision.mode == Mode::Observe;
        if decision.action == Action::Keep {
            return Gate::Refuse(Refusal::NothingToDo);
        }
        let Some(object) = object else {
            return Gate::Refuse(Refusal::NotPinned);
        };
        if !self.guarded.contains(&object.bucket) {
            return Gate::Refuse(Refusal::NotGuarded);
        }
        if self
            .own
            .iter()
            .any(|own| own.covers(&object.bucket, &object.key))
        {
            return Gate::Refuse(Refusal::OwnWrite);
        }
        if decision.action.removes() && observing {
            return Gate::Refuse(Refusal::Observing);
        }
        Gate::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Tell;
    use crate::event::{ETag, Key, ObjectPin};

    fn object(bucket: &str, key: &str) -> ObjectRef {
        ObjectRef {
            bucket: BucketName::new(bucket).unwrap(),
            key: Key::new(key),
            pin: ObjectPin {
                version: None,
                etag: ETag::new("e").unwrap(),
            },
        }
    }

    fn decision(action: Action, mode: Mode) -> Decision {
        Decision {
            action,
            mode,
            tell: Tell::Now,
            rule: "rule".to_owned(),
            policy: "hash".to_owned(),
        }
    }

    #[track_caller]
    fn check(now: Mode, decision: &Decision, object: Option<&ObjectRef>, wanted: Gate) {
        let bucket = |name| BucketName::new(name).unwrap();
        let own = OwnPlace {
            bucket: bucket("in"),
            prefix: "warden/".to_owned(),
        };
        let guards = Guards::new(now, [bucket("in")], [own]);
        assert_eq!(guards.before(decision, object), wanted);
    }

    #[test]
    fn only_what_is_enforced_then_and_now_is_removed() {
        use Mode::{Enforce, Observe};
        let here = object("in", "a.png");
        let observing = Gate::Refuse(Refusal::Observing);
        for action in [Action::Delete, Action::Quarantine] {
            let ask = |now, then, wanted| check(now, &decision(action, then), Some(&here), wanted);
            ask(Enforce, Enforce, Gate::Go);
            ask(Observe, Enforce, observing);
            ask(Enforce, Observe, observing);
            ask(Observe, Observe, observing);
        }
        check(
            Observe,
            &decision(Action::Tag, Observe),
            Some(&here),
            Gate::Go,
        );
    }

    #[test]
    fn nothing_is_done_outside_the_guarded_place() {
        for action in [Action::Delete, Action::Quarantine, Action::Tag] {
            let ask = |object: Option<&ObjectRef>, why| {
                let decision = decision(action, Mode::Enforce);
                check(Mode::Enforce, &decision, object, Gate::Refuse(why));
            };
            ask(None, Refusal::NotPinned);
            ask(Some(&object("other", "a.png")), Refusal::NotGuarded);
            ask(Some(&object("in", "warden/a.png")), Refusal::OwnWrite);
        }
        let keep = decision(Action::Keep, Mode::Enforce);
        let wanted = Gate::Refuse(Refusal::NothingToDo);
        check(Mode::Enforce, &keep, Some(&object("in", "a")), wanted);
    }

    #[test]
    fn an_empty_list_guards_nothing() {
        let guards = Guards::new(Mode::Enforce, [], []);
        let gate = guards.before(
            &decision(Action::Delete, Mode::Enforce),
            Some(&object("in", "a")),
        );
        assert_eq!(gate, Gate::Refuse(Refusal::NotGuarded));
    }
}
