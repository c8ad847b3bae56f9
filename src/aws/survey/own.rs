//! Places of our own, tried: an object is written and removed again.

use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::AwsSurvey;
use super::attempt::{Attempt, Cleared, within};
use super::s3::{is_about_the_key, told};
use crate::event::OwnPlace;
use crate::maintenance::doctor::{Answer, Conditions, Pending, SurveyError, Tried, Written};
use crate::record::{FleetBreaker, Halt, Positions};

/// In the quarantine, under this prefix lies nothing but trials.
const TRIAL: &str = ".s3-warden-probe/";

/// Among the records, under this one: `TryConditionalWrites` of `deploy/iam/doctor.json`.
const TRIED: &str = "probe/";

/// What no object of ours has as its tag.
const OTHER: &str = "\"00000000000000000000000000000000\"";

/// Every call of a service ends within minutes, and so does a finding.
const OLD: SignedDuration = SignedDuration::from_mins(10);

impl AwsSurvey {
    pub(super) async fn write_some(
        &self,
        place: &OwnPlace,
        stop: &CancellationToken,
    ) -> Tried<Written> {
        let mut attempt = Attempt::new(&self.clients.s3, place, TRIAL);
        let writes = async {
            match attempt.put(|put| put).await {
                Ok(put) => Ok(Written::Done {
                    versioned: is_version(put.version_id()),
                }),
                Err(error) if is_about_the_key(&error) => Ok(Written::KeyDenied),
                Err(error) => Err(told("s3:PutObject", &error)),
            }
        };
        let answer = within(writes, stop).await;
        tried(answer, attempt.clear().await)
    }

    pub(super) async fn try_conditions(
        &self,
        place: &OwnPlace,
        stop: &CancellationToken,
    ) -> Tried<Conditions> {
        let mut attempt = Attempt::new(&self.clients.s3, place, TRIED);
        let writes = async {
            let first = attempt.put(|put| put.if_none_match("*")).await;
            first.map_err(|error| told("s3:PutObject", &error))?;
            let again = attempt.put(|put| put.if_none_match("*")).await;
            let over_other = attempt.put(|put| put.if_match(OTHER)).await;
            Ok(Conditions {
                none_match: kept_out("s3:PutObject", again)?,
                // Such a write needs both rights ("How to prevent object overwrites with conditional
                // writes", Amazon S3 User Guide), and the first has been seen.
                matches: kept_out("s3:GetObject", over_other)?,
            })
        };
        let answer = within(writes, stop).await;
        tried(answer, attempt.clear().await)
    }

    pub(super) async fn open(&self, place: &OwnPlace, now: Timestamp) -> Answer<Pending> {
        let list = self.clients.s3.list_objects_v2();
        let list = list.bucket(place.bucket.as_str());
        let list = list.prefix(format!("{}pending/", place.prefix));
        let listed = list.send().await;
        let listed = listed.map_err(|error| told("s3:ListBucket", &error))?;
        let is_old = |object: &&aws_sdk_s3::types::Object| {
            let written = object.last_modified().map_or(0, |time| time.secs());
            let written = Timestamp::from_second(written).unwrap_or(Timestamp::MAX);
            now.duration_since(written) > OLD
        };
        Ok(Pending {
            count: listed.contents().len(),
            more: listed.is_truncated().unwrap_or_default(),
            old: listed.contents().iter().filter(is_old).count(),
        })
    }

    pub(super) async fn positions(&self, place: &OwnPlace) -> Answer<Positions> {
        let (halt, breaker) = tokio::join!(
            self.switch::<Option<Halt>>(place, "control/halt.json"),
            self.switch::<FleetBreaker>(place, "control/breaker.json"),
        );
        Ok(Positions {
            halt: halt?,
            breaker: breaker?,
        })
    }

    /// A switch; what was never set stands at its default.
    async fn switch<T: DeserializeOwned + Default>(
        &self,
        place: &OwnPlace,
        key: &str,
    ) -> Answer<T> {
        let get = self.clients.s3.get_object().bucket(place.bucket.as_str());
        let answer = get.key(format!("{}{key}", place.prefix)).send().await;
        let answer = match answer.map_err(|error| told("s3:GetObject", &error)) {
            Ok(answer) => answer,
            Err(SurveyError::Missing { .. }) => return Ok(T::default()),
            Err(error) => return Err(error),
        };
        let body = answer.body.collect().await;
        let body = body.map_err(|_error| SurveyError::Unreachable(format!("{key} broke off")))?;
        serde_json::from_slice(&body.into_bytes())
            .map_err(|_error| SurveyError::Odd(format!("{key} cannot be read")))
    }
}

/// What an attempt comes to. What was not found after it was written was not written: something in
/// between has answered. A store that cannot list versions is believed.
fn tried<T>(answer: Answer<T>, cleared: Cleared) -> Tried<T> {
    let answer = match (answer, cleared.seen) {
        (Ok(_), Ok(false)) => Err(SurveyError::Odd(
            "s3:PutObject was answered, and nothing was written".to_owned(),
        )),
        // Cleaning up without an answer is no answer about what was tried.
        (Ok(value), Ok(true) | Err(SurveyError::Unknown { .. } | SurveyError::Unreachable(_))) => {
            Ok(value)
        }
        (Ok(_), Err(error)) => Err(error),
        (Err(error), _) => Err(error),
    };
    Tried {
        answer,
        stays: cleared.stays,
    }
}

/// Whether this is the id of a version: where versions were turned off again, there is a word for it.
fn is_version(id: Option<&str>) -> bool {
    id.is_some_and(|id| id != "null")
}

/// Whether a write that had to be kept out was.
fn kept_out<T, E>(right: &str, write: Result<T, SdkError<E, HttpResponse>>) -> Answer<bool>
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
{
    match write {
        Ok(_) => Ok(false),
        Err(error) => match error.raw_response().map(|raw| raw.status().as_u16()) {
            Some(409 | 412) => Ok(true),
            _ => Err(told(right, &error)),
        },
    }
}
