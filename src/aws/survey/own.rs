//! Places of our own, tried: an object is written and removed again.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::AwsSurvey;
use super::s3::{is_about_the_key, told};
use crate::aws::task::TaskName;
use crate::event::OwnPlace;
use crate::maintenance::doctor::{Answer, Conditions, Pending, SurveyError, Written};
use crate::record::{FleetBreaker, Halt, Positions};

/// In the quarantine, under this prefix lies nothing but trials.
const TRIAL: &str = ".s3-warden-probe/";

/// Among the records, under this one: `TryConditionalWrites` of `deploy/iam/doctor.json`.
const TRIED: &str = "probe/";

/// What no object of ours has as its tag.
const OTHER: &str = "\"00000000000000000000000000000000\"";

/// Every call of a service ends within minutes, and so does a finding.
const OLD: SignedDuration = SignedDuration::from_mins(10);

/// What a trial holds: no bytes at all would not need a key everywhere.
const BODY: &[u8] = b"{}";

impl AwsSurvey {
    pub(super) async fn write_some(&self, place: &OwnPlace) -> Answer<Written> {
        let key = format!("{}{TRIAL}{}", place.prefix, TaskName::random());
        let bucket = place.bucket.as_str();
        let put = self.clients.s3.put_object().bucket(bucket).key(&key);
        let put = put.body(ByteStream::from_static(BODY)).send().await;
        let version = match put {
            Ok(put) => put.version_id,
            Err(error) if is_about_the_key(&error) => return Ok(Written::KeyDenied),
            Err(error) => return Err(told("s3:PutObject", &error)),
        };
        let versioned = is_version(version.as_deref());
        match self.remove(bucket, &key, &[version]).await {
            true => Ok(Written::Done { versioned }),
            false => Ok(Written::Stays { versioned }),
        }
    }

    pub(super) async fn try_conditions(&self, place: &OwnPlace) -> Answer<Conditions> {
        let key = format!("{}{TRIED}{}.json", place.prefix, TaskName::random());
        let bucket = place.bucket.as_str();
        let put = || {
            let put = self.clients.s3.put_object().bucket(bucket).key(&key);
            put.body(ByteStream::from_static(BODY))
        };
        let first = put().if_none_match("*").send().await;
        let first = first.map_err(|error| told("s3:PutObject", &error))?;
        let again = put().if_none_match("*").send().await;
        let over_other = put().if_match(OTHER).send().await;
        // Whatever came of it, our object does not stay.
        let mut versions = vec![first.version_id];
        let more = [&again, &over_other].into_iter().flatten();
        versions.extend(more.map(|put| put.version_id.clone()));
        let removed = self.remove(bucket, &key, &versions).await;
        Ok(Conditions {
            none_match: kept_out("s3:PutObject", again)?,
            // Such a write needs both rights ("How to prevent object overwrites with conditional
            // writes", Amazon S3 User Guide), and the first has been seen.
            matches: kept_out("s3:GetObject", over_other)?,
            stays: !removed,
        })
    }

    /// Removes what was written, by its versions where it has some: else only a marker would come to
    /// lie on it. Answers whether all of it is gone.
    async fn remove(&self, bucket: &str, key: &str, versions: &[Option<String>]) -> bool {
        let mut gone = true;
        for version in versions {
            let version = version.clone().filter(|id| is_version(Some(id)));
            let delete = self.clients.s3.delete_object().bucket(bucket).key(key);
            gone &= delete.set_version_id(version).send().await.is_ok();
        }
        gone
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
