//! From facts to rows: what is well, what is not, and what to do about it. Pure.
//!
//! One file for each area. A fact that is missing makes the row that asks for it red, and those that
//! depend on it say that they do: one cause shows as one problem.

mod buckets;
mod events;
mod identity;
mod judge;
mod limits;
mod own;
mod queues;
mod quotas;
#[cfg(test)]
mod tests;
mod topic;
mod ways;
mod written;

pub use events::unseen;

use super::ask::Facts;
use super::grants::policy_of;
use super::report::{Check, Row, Status};
use super::survey::{Answer, SurveyError};
use super::wanted::Wanted;

/// All rows.
pub fn rows(facts: &Facts, wanted: &Wanted) -> Vec<Row> {
    let scene = Scene {
        facts,
        wanted,
        who: facts.asker.as_ref().ok().map(|asker| asker.arn.as_str()),
    };
    let mut rows = Vec::new();
    identity::rows(&scene, &mut rows);
    queues::rows(&scene, &mut rows);
    buckets::rows(&scene, &mut rows);
    own::rows(&scene, &mut rows);
    topic::rows(&scene, &mut rows);
    judge::rows(&scene, &mut rows);
    quotas::rows(&scene, &mut rows);
    events::rows(&scene, &mut rows);
    limits::rows(&scene, &mut rows);
    rows
}

/// What every rule sees.
#[derive(Clone, Copy)]
struct Scene<'a> {
    facts: &'a Facts,
    wanted: &'a Wanted,
    who: Option<&'a str>,
}

/// Calls that the service makes too: where they are not known, it does not work.
const NEEDED: [&str; 5] = [
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
];

impl Scene<'_> {
    /// Whether our credentials are no good: then nothing else can be told.
    fn is_locked_out(&self) -> bool {
        matches!(self.facts.asker, Err(SurveyError::Credentials(_)))
    }

    /// The row of a question that was not answered. `missing` is what to do where the thing that was
    /// asked about is not there.
    fn failed(&self, check: Check, resource: &str, error: &SurveyError, missing: &str) -> Row {
        if self.is_locked_out() && check != Check::Caller && *error != SurveyError::NotBuilt {
            return Row::behind(check, resource, Check::Caller);
        }
        let who = self.who.unwrap_or("these credentials");
        let (status, finding, remedy) = match error {
            SurveyError::Denied { call } => {
                let policy = policy_of(check, call);
                let finding = format!("{call} is denied to {who}");
                let remedy = format!(
                    "grant {call} as in {policy}, and look for a denying bucket, key or \
                     organisation policy"
                );
                (Status::Problem, finding, remedy)
            }
            SurveyError::Missing { what } => (
                Status::Problem,
                format!("not there ({what})"),
                missing.to_owned(),
            ),
            SurveyError::Unreachable(why) => (
                Status::Problem,
                format!("no answer ({why})"),
                "check the way to AWS: route, endpoint, proxy, security group; then ask again"
                    .to_owned(),
            ),
            SurveyError::Throttled(why) => (
                Status::Problem,
                format!("asked too often ({why})"),
                "try again in a minute; where it stays so, others use up what the account may ask"
                    .to_owned(),
            ),
            SurveyError::Failing(why) => (
                Status::Problem,
                format!("it has trouble of its own ({why})"),
                "see AWS Health, or what answers in place of AWS; then ask again".to_owned(),
            ),
            SurveyError::Credentials(why) => (
                Status::Problem,
                format!("these credentials are no good ({why})"),
                "give the task a role, or set credentials and renew what has expired; a clock that is \
                 wrong spoils them too"
                    .to_owned(),
            ),
            SurveyError::Unknown { call, variable } => {
                let status = match NEEDED.contains(&call.as_str()) {
                    true => Status::Problem,
                    false => Status::NotChecked,
                };
                let remedy = match check {
                    Check::ConditionalWrites => format!(
                        "use a bucket on Amazon S3, or name a store by {variable} that honours \
                         If-None-Match and If-Match"
                    ),
                    _ => format!(
                        "name an endpoint by {variable} that has it (AWS_ENDPOINT_URL holds for all \
                         services), or look at it by hand"
                    ),
                };
                let finding = format!("what answers there does not know {call}");
                (status, finding, remedy)
            }
            SurveyError::Odd(what) => (
                Status::Problem,
                format!("an answer that says nothing: {what}"),
                "see what answers in place of AWS: a proxy, a portal, another endpoint; if it names a \
                 region, mend that"
                    .to_owned(),
            ),
            SurveyError::NotBuilt => (
                Status::NotChecked,
                "this program is built without the feature control-plane".to_owned(),
                "build it with `--features control-plane`, which is on by default".to_owned(),
            ),
        };
        Row::of(status, check, resource, finding, remedy)
    }
}

/// A row about a thing, or, where it tells nothing new, that it waits for `first`: the row that is about
/// the thing itself and could not be answered because of `cause`.
///
/// Each question is asked for itself, so that one right that is missing hides no other answer. Only of
/// what is not there, or says the same once more, nothing can be told.
fn after<T>(first: Check, cause: Option<&SurveyError>, answer: &Answer<T>, row: Row) -> Row {
    let waits = cause.is_some_and(|cause| tells_nothing_new(cause, answer.as_ref().err()));
    if waits {
        Row::behind(
            row.check,
            row.resource.as_deref().unwrap_or_default(),
            first,
        )
    } else {
        row
    }
}

fn tells_nothing_new(cause: &SurveyError, other: Option<&SurveyError>) -> bool {
    use SurveyError::{Denied, Failing, Missing, Odd, Throttled, Unreachable};
    match (cause, other) {
        (Missing { .. }, _) => true,
        (Denied { call: one }, Some(Denied { call: other })) => one == other,
        (Unreachable(_), Some(Unreachable(_)))
        | (Throttled(_), Some(Throttled(_)))
        | (Failing(_), Some(Failing(_)))
        | (Odd(_), Some(Odd(_))) => true,
        _ => false,
    }
}

/// Why nothing can be told of a bucket: what it was answered, or that it lies in another region.
fn cause_of(there: &Answer<Option<String>>, here: &str) -> Option<SurveyError> {
    match there {
        Err(error) => Some(error.clone()),
        Ok(Some(region)) if region != here => Some(SurveyError::Odd(region.clone())),
        Ok(_) => None,
    }
}

/// Seconds, as people say them.
fn lasting(seconds: u64) -> String {
    match seconds {
        day if day >= 86_400 && day % 86_400 == 0 => format!("{} d", day / 86_400),
        hour if hour >= 7200 && hour % 3600 == 0 => format!("{} h", hour / 3600),
        other => format!("{other} s"),
    }
}
