//! An object of our own, written to try a bucket: whatever comes of it, it is removed again.
//!
//! Writing has its own bound, so that time is left to clean up; so has a wish to stop. A write
//! without an answer may have happened, so what was written is looked up, not remembered: by the
//! versions of a key that nobody else has.

use std::time::Duration;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder as Put;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::s3::told;
use crate::aws::task::TaskName;
use crate::event::OwnPlace;
use crate::maintenance::doctor::{Answer, SurveyError};

/// All writes of an attempt together, and all of its cleaning up.
const WRITING: Duration = Duration::from_secs(8);
const REMOVING: Duration = Duration::from_secs(6);

/// Looking up what was written; the rest of [`REMOVING`] is for removing it.
const LISTING: Duration = Duration::from_secs(3);

/// What an attempt holds: no bytes at all would not need a key everywhere.
const BODY: &[u8] = b"{}";

/// The version of what was written while versions were off.
const NULL: &str = "null";

pub(super) type PutAnswer = Result<PutObjectOutput, SdkError<PutObjectError, HttpResponse>>;

/// The object.
pub(super) struct Attempt<'a> {
    s3: &'a aws_sdk_s3::Client,
    bucket: &'a str,
    key: String,
    /// What writes were answered with; none: a bucket that never had versions.
    versions: Vec<Option<String>>,
    /// Writes that may have happened.
    unanswered: usize,
}

/// What is left of an attempt.
pub(super) struct Cleared {
    /// Whether what was answered as written was found, where that could be looked up.
    pub(super) seen: Answer<bool>,
    /// The object, where it stays or may come to lie there.
    pub(super) stays: Option<String>,
}

impl<'a> Attempt<'a> {
    /// At a key of its own below `folder`. Nothing is called yet.
    pub(super) fn new(s3: &'a aws_sdk_s3::Client, place: &'a OwnPlace, folder: &str) -> Self {
        Self {
            s3,
            bucket: place.bucket.as_str(),
            key: format!("{}{folder}{}.json", place.prefix, TaskName::random()),
            versions: Vec::new(),
            unanswered: 0,
        }
    }

    /// Writes once, under a condition: a second try of the SDK's would meet what the first has written.
    pub(super) async fn put(&mut self, condition: impl FnOnce(Put) -> Put) -> PutAnswer {
        let put = self.s3.put_object().bucket(self.bucket).key(&self.key);
        let put = condition(put.body(ByteStream::from_static(BODY)));
        let once = aws_sdk_s3::config::Builder::new()
            .retry_config(RetryConfig::standard().with_max_attempts(1));
        // Counted before: this may be dropped on the way.
        self.unanswered += 1;
        let answer = put.customize().config_override(once).send().await;
        let is_told = match &answer {
            Ok(put) => {
                self.versions.push(put.version_id().map(str::to_owned));
                true
            }
            Err(error) => is_unwritten(error),
        };
        if is_told {
            self.unanswered -= 1;
        }
        answer
    }

    /// Removes what was written, by its versions: else only a marker would come to lie on it.
    pub(super) async fn clear(self) -> Cleared {
        let stays = || Some(format!("s3://{}/{}", self.bucket, self.key));
        let late = || Cleared {
            seen: Err(SurveyError::Unreachable(format!(
                "s3:DeleteObject: no answer within {} s",
                REMOVING.as_secs()
            ))),
            stays: stays(),
        };
        let clearing = async {
            let listing = tokio::time::timeout(LISTING, self.listed()).await;
            let listed = listing.unwrap_or_else(|_| {
                let why = format!(
                    "s3:ListBucketVersions: no answer within {} s",
                    LISTING.as_secs()
                );
                Err(SurveyError::Unreachable(why))
            });
            let found: Vec<_> = listed.iter().flatten().cloned().collect();
            let mut known = self.versions.clone();
            known.sort_unstable();
            known.dedup();
            // In a bucket that never had versions, the only one is called so.
            let is_known = |id: &String| {
                known.contains(&Some(id.clone())) || id == NULL && known.contains(&None)
            };
            let news: Vec<_> = found.iter().filter(|id| !is_known(id)).cloned().collect();
            let accounted = self.unanswered == 0 || listed.is_ok() && news.len() >= self.unanswered;
            let mut all = known.clone();
            all.extend(news.into_iter().map(Some));
            if all.is_empty() && listed.is_err() && self.unanswered > 0 {
                // Removes what there is without versions, and leaves no marker where there are some.
                all.push(Some(NULL.to_owned()));
            }
            let gone = join_all(all.into_iter().map(|version| self.remove(version))).await;
            let all_gone = gone.into_iter().all(|gone| gone);
            Cleared {
                seen: listed.map(|found| known.is_empty() || !found.is_empty()),
                stays: if all_gone && accounted { None } else { stays() },
            }
        };
        let cleared = tokio::time::timeout(REMOVING, clearing).await;
        cleared.unwrap_or_else(|_| late())
    }

    async fn remove(&self, version: Option<String>) -> bool {
        let delete = self.s3.delete_object().bucket(self.bucket).key(&self.key);
        delete.set_version_id(version).send().await.is_ok()
    }

    /// The ids of all versions of our key, markers too.
    async fn listed(&self) -> Answer<Vec<String>> {
        let list = self.s3.list_object_versions().bucket(self.bucket);
        let listed = list.prefix(&self.key).send().await;
        let listed = listed.map_err(|error| told("s3:ListBucketVersions", &error))?;
        let versions = listed
            .versions()
            .iter()
            .map(|it| (it.key(), it.version_id()));
        let markers = listed.delete_markers().iter();
        let markers = markers.map(|it| (it.key(), it.version_id()));
        let ours = versions
            .chain(markers)
            .filter(|(key, _)| *key == Some(self.key.as_str()));
        Ok(ours.map(|(_, id)| id.unwrap_or(NULL).to_owned()).collect())
    }
}

/// Whether a write that failed has surely not happened: it was refused, or never sent. What fails at
/// the service's own fault, or has no answer, may be written all the same.
fn is_unwritten(error: &SdkError<PutObjectError, HttpResponse>) -> bool {
    if let Some(answer) = error.raw_response() {
        return (300..500).contains(&answer.status().as_u16());
    }
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        let io = it.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = it.source();
    }
    matches!(told("s3:PutObject", error), SurveyError::Credentials(_))
}

/// What writes of an attempt come to, within their bound, or until somebody wants us to stop.
pub(super) async fn within<T>(
    writes: impl Future<Output = Answer<T>>,
    stop: &CancellationToken,
) -> Answer<T> {
    tokio::select! {
        answer = tokio::time::timeout(WRITING, writes) => answer.unwrap_or_else(|_| {
            let why = format!("s3:PutObject: no answer within {} s", WRITING.as_secs());
            Err(SurveyError::Unreachable(why))
        }),
        () = stop.cancelled() => Err(SurveyError::Unreachable("stopped".to_owned())),
    }
}
