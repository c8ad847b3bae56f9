//! The models that may be asked, and what was learnt about each.
//!
//! Two things are remembered for as long as the process lives: in which form a model lets itself be
//! asked, and that it could not be used and why. A model that cannot be used is passed over while
//! another can be, and tried again every ten minutes, by one call: its end of life does not
//! pass, but a missing permission may be given.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::vocabulary::{ERROR_DETAIL, MODEL_FORM, MODEL_ID};

/// How long a model that could not be used is passed over.
const PASSED_OVER: Duration = Duration::from_secs(600);

/// In which form an answer is asked for, from the safest to the one that every model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A tool that the model is made to call.
    Tool,
    /// Text by a JSON schema that the service enforces.
    Schema,
    /// Text; the schema is told in words.
    Words,
}

impl Form {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Tool, Self::Schema, Self::Words];

    /// The next one to try, if there is one.
    pub(super) const fn next(self) -> Option<Self> {
        match self {
            Self::Tool => Some(Self::Schema),
            Self::Schema => Some(Self::Words),
            Self::Words => None,
        }
    }

    /// A stable word for logs and people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Schema => "schema",
            Self::Words => "words",
        }
    }
}

/// One model.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) model: String,
    learnt: Mutex<Learnt>,
}

#[derive(Debug)]
struct Learnt {
    form: Form,
    unusable: Option<Unusable>,
    answered: bool,
}

#[derive(Debug)]
struct Unusable {
    why: String,
    tried: Instant,
}

impl Candidate {
    fn new(model: String) -> Self {
        Self {
            model,
            learnt: Mutex::new(Learnt {
                form: Form::Tool,
                unusable: None,
                answered: false,
            }),
        }
    }

    /// The form in which it is asked now.
    pub(super) fn form(&self) -> Form {
        self.lock().form
    }

    /// It did not take this form: the next one, from now on.
    pub(super) fn refused(&self, form: Form) -> Option<Form> {
        let next = form.next()?;
        let mut learnt = self.lock();
        if learnt.form < next {
            tracing::info!(
                { MODEL_ID } = self.model,
                { MODEL_FORM } = next.as_str(),
                "model does not take a form of answer, asked in another"
            );
            learnt.form = next;
        }
        Some(learnt.form)
    }

    /// It cannot be used.
    pub(super) fn cannot(&self, why: &str) {
        let mut learnt = self.lock();
        if learnt.unusable.is_none() {
            tracing::warn!(
                { MODEL_ID } = self.model,
                { ERROR_DETAIL } = why,
                "model cannot be used"
            );
        }
        learnt.unusable = Some(Unusable {
            why: why.to_owned(),
            tried: Instant::now(),
        });
    }

    /// It answered, whatever it said.
    pub(super) fn can(&self) {
        let mut learnt = self.lock();
        learnt.answered = true;
        if learnt.unusable.take().is_some() {
            tracing::info!({ MODEL_ID } = self.model, "model can be used again");
        }
    }

    /// Whether it has ever answered: then a request that it does not take is that request's fault.
    pub(super) fn has_answered(&self) -> bool {
        self.lock().answered
    }

    /// Why it cannot be used, if it cannot.
    pub(super) fn why_not(&self) -> Option<String> {
        let learnt = self.lock();
        learnt
            .unusable
            .as_ref()
            .map(|unusable| unusable.why.clone())
    }

    /// Whether it is to be asked: it can be used, or its time has come to be tried again, by who
    /// asks this.
    fn due(&self) -> bool {
        match &mut self.lock().unusable {
            None => true,
            Some(unusable) if unusable.tried.elapsed() >= PASSED_OVER => {
                unusable.tried = Instant::now();
                true
            }
            Some(_) => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All models, in the order of preference; never empty.
#[derive(Debug)]
pub(super) struct Candidates(Vec<Candidate>);

impl Candidates {
    pub(super) fn new(models: &[String]) -> Self {
        Self(models.iter().cloned().map(Candidate::new).collect())
    }

    /// Who is to be asked now, in order. When none can be used all are: whoever can act may have
    /// acted, and there is nobody else to ask.
    pub(super) fn to_ask(&self) -> Vec<&Candidate> {
        let usable = self.0.iter().any(|candidate| candidate.why_not().is_none());
        let all = self.0.iter();
        all.filter(|candidate| !usable || candidate.due()).collect()
    }

    pub(super) fn all(&self) -> &[Candidate] {
        &self.0
    }

    /// Why none can be used, each by name.
    pub(super) fn why_none(&self) -> String {
        let each = self.0.iter().map(|candidate| {
            let why = candidate.why_not().unwrap_or_default();
            format!("{}: {why}", candidate.model)
        });
        each.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Candidates {
        Candidates::new(&["a", "b"].map(str::to_owned))
    }

    fn names(candidates: &Candidates) -> Vec<&str> {
        let asked = candidates.to_ask().into_iter();
        asked.map(|candidate| candidate.model.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_is_passed_over_and_tried_again_by_one() {
        let candidates = candidates();
        assert_eq!(names(&candidates), ["a", "b"]);
        candidates.0[0].cannot("no access");
        assert_eq!(names(&candidates), ["b"]);
        tokio::time::advance(PASSED_OVER).await;
        assert_eq!(names(&candidates), ["a", "b"]);
        assert_eq!(names(&candidates), ["b"], "one is enough to find out");
        candidates.0[0].can();
        assert_eq!(names(&candidates), ["a", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_none_can_be_used_all_are_asked() {
        let candidates = candidates();
        candidates.0[0].cannot("gone");
        candidates.0[1].cannot("no access");
        assert_eq!(names(&candidates), ["a", "b"]);
        assert_eq!(candidates.why_none(), "a: gone; b: no access");
    }

    #[test]
    fn a_form_that_was_refused_is_not_tried_again() {
        let candidates = candidates();
        let model = &candidates.0[0];
        assert_eq!(model.refused(Form::Tool), Some(Form::Schema));
        assert_eq!(model.form(), Form::Schema);
        // Somebody who asked before hears late; nobody climbs back up.
        assert_eq!(model.refused(Form::Schema), Some(Form::Words));
        assert_eq!(model.refused(Form::Tool), Some(Form::Words));
        assert_eq!(model.refused(Form::Words), None);
        assert_eq!(candidates.0[1].form(), Form::Tool);
    }
}
