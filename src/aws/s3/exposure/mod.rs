//! Who can read an object: what its bucket lets through, and its own list of grants.
//!
//! A bucket is asked once in ten minutes, by one asker at a time: its public access block and, as far
//! as that does not settle it, whether its policy is public and its list of grants names everybody. A public bucket counts for all its objects, however narrow the grant: S3 calls it public
//! as a whole ("The meaning of 'public'", Amazon S3 User Guide). Only where grants of single objects
//! count is the object asked.
//!
//! Not seen: the block of the whole account or organisation, which would ask for rights beyond the
//! bucket; where only that one shuts the public out, a bucket is taken for public that is not.
//! Access points have policies of their own and are not asked either. What cannot be learnt is
//! unknown, and costs nothing but that one question until the answer is forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::Grant;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;

use super::S3Store;
use super::refusal::Refusal;
use crate::event::BucketName;
use crate::object::{Exposure, ObjectRef};
use crate::telemetry::vocabulary::{ERROR_DETAIL, OBJECT_BUCKET};

/// How long the answer of a bucket is believed. Longer would let a bucket that was opened look shut
/// for long; shorter would ask with every few uploads.
const BELIEVED: Duration = Duration::from_secs(600);

/// The same where S3 did not answer: a moment of trouble must not blind us for ten minutes.
const DOUBTED: Duration = Duration::from_secs(60);

/// How long a bucket is asked. Shorter than anybody waits for an exposure: an asker that goes away first
/// would leave no answer behind, and each upload would wait for the same silence anew.
const ASKED: Duration = Duration::from_secs(2);

/// Everybody, and everybody who has an account ("Access control list (ACL) overview").
const GROUPS: [&str; 2] = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
];

/// What a bucket lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    /// What holds for every object in it.
    exposure: Exposure,
    /// Whether grants of single objects count as well.
    grants_count: bool,
    /// How long this is believed.
    believed: Duration,
}

impl Reach {
    const fn known(exposure: Exposure, grants_count: bool) -> Self {
        Self {
            exposure,
            grants_count,
            believed: BELIEVED,
        }
    }

    const fn unknown(believed: Duration) -> Self {
        Self {
            exposure: Exposure::Unknown,
            grants_count: false,
            believed,
        }
    }
}

/// Where the answer of one bucket is kept; whoever asks holds the lock.
type Place = Arc<tokio::sync::Mutex<Option<(Instant, Reach)>>>;

/// What buckets let through, as far as it was asked.
#[derive(Debug, Default)]
pub(super) struct Reaches {
    known: Mutex<HashMap<BucketName, Place>>,
    /// Buckets of which it was said that they do not tell.
    told: Mutex<HashSet<BucketName>>,
}

impl Reaches {
    fn place(&self, bucket: &BucketName) -> Place {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(bucket.clone()).or_default())
    }

    /// Said once: the next upload would only say it again.
    fn tell(&self, bucket: &BucketName, grant: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(bucket.clone()) {
            tracing::info!(
                { OBJECT_BUCKET } = bucket.as_str(),
                { ERROR_DETAIL } =
                    format!("grant {grant} to our role (deploy/iam) to let it raise levels"),
                "whether objects are public is not told"
            );
        }
    }
}

/// An answer that did not come.
enum Silence {
    /// We may not ask, or the store knows no such question.
    Refused,
    /// It may come later.
    Trouble,
    /// Lists of grants are switched off: the owner of the bucket owns all objects in it.
    Off,
}

impl S3Store {
    pub(super) async fn exposure_of(&self, object: &ObjectRef) -> Exposure {
        let reach = self.reach(&object.bucket).await;
        if reach.exposure == Exposure::Public || !reach.grants_count {
            return reach.exposure;
        }
        match self.object_is_granted(object).await {
            Ok(true) => Exposure::Public,
            Ok(false) => reach.exposure,
            Err(_) => Exposure::Unknown,
        }
    }

    /// What a bucket lets through, from memory for a while. Those who come meanwhile wait for the
    /// one who asks; should that one be dropped, the next asks.
    async fn reach(&self, bucket: &BucketName) -> Reach {
        let place = self.reaches.place(bucket);
        let mut known = place.lock().await;
        if let Some((learnt, reach)) = *known
            && learnt.elapsed() < reach.believed
        {
            return reach;
        }
        let reach = match tokio::time::timeout(ASKED, self.ask_reach(bucket)).await {
            Ok(Ok(reach)) => reach,
            Ok(Err(Silence::Trouble)) | Err(_) => Reach::unknown(DOUBTED),
            Ok(Err(_)) => Reach::unknown(BELIEVED),
        };
        *known = Some((Instant::now(), reach));
        reach
    }

    async fn ask_reach(&self, bucket: &BucketName) -> Result<Reach, Silence> {
        let block = self.block(bucket).await?;
        let (policy, grants) = tokio::join!(
            async {
                match block.restricts_policies {
                    true => Ok(false),
                    false => self.policy_is_public(bucket).await,
                }
            },
            async {
                match block.ignores_grants {
                    true => Ok(false),
                    false => self.bucket_is_granted(bucket).await,
                }
            },
        );
        let grants_count = !block.ignores_grants;
        match (policy, grants) {
            (Ok(true), _) | (_, Ok(true)) => Ok(Reach::known(Exposure::Public, grants_count)),
            (Ok(false), Ok(false)) => Ok(Reach::known(Exposure::NotPublic, grants_count)),
            // A grant of the object itself is a fact all the same.
            (Err(Silence::Trouble), _) | (_, Err(Silence::Trouble)) => Ok(Reach {
                grants_count,
                ..Reach::unknown(DOUBTED)
            }),
            _ => Ok(Reach {
                grants_count,
                ..Reach::unknown(BELIEVED)
            }),
        }
    }

    async fn block(&self, bucket: &BucketName) -> Result<Block, Silence> {
        let ask = self.client.get_public_access_block();
        let ask = ask.bucket(bucket.as_str());
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        let answer = self.heard(bucket, "s3:GetBucketPublicAccessBlock", answer)?;
        let settings = answer.and_then(|it| it.public_access_block_configuration);
        Ok(settings.map_or(Block::default(), |it| {
            let on = |setting: Option<bool>| setting.unwrap_or_default();
            Block {
                ignores_grants: on(it.ignore_public_acls),
                restricts_policies: on(it.restrict_public_buckets),
            }
        }))
    }

    async fn policy_is_public(&self, bucket: &BucketName) -> Result<bool, Silence> {
        let ask = self.client.get_bucket_policy_status();
        let ask = ask.bucket(bucket.as_str());
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        match self.heard(bucket, "s3:GetBucketPolicyStatus", answer)? {
            Some(answer) => {
                let public = answer.policy_status.and_then(|it| it.is_public);
                // S3 says one or the other; a store that says neither has not looked.
                public.ok_or(Silence::Refused)
            }
            None => Ok(false),
        }
    }

    async fn bucket_is_granted(&self, bucket: &BucketName) -> Result<bool, Silence> {
        let ask = self.client.get_bucket_acl().bucket(bucket.as_str());
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        match self.heard(bucket, "s3:GetBucketAcl", answer) {
            Ok(answer) => Ok(answer.is_some_and(|it| to_everybody(it.grants()))),
            Err(Silence::Off) => Ok(false),
            Err(silence) => Err(silence),
        }
    }

    /// What is pinned by its tag alone is asked by its key: a newer object there may answer for it,
    /// which changes a level and nothing else.
    async fn object_is_granted(&self, object: &ObjectRef) -> Result<bool, Silence> {
        let (version, permission) = match &object.pin.version {
            Some(version) => (Some(version.as_str()), "s3:GetObjectVersionAcl"),
            None => (None, "s3:GetObjectAcl"),
        };
        let ask = self.client.get_object_acl();
        let ask = ask.bucket(object.bucket.as_str()).key(object.key.as_str());
        let ask = ask
            .set_version_id(version.map(str::to_owned))
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        match self.heard(&object.bucket, permission, ask.send().await) {
            Ok(Some(answer)) => Ok(to_everybody(answer.grants())),
            // Who could see what is gone by now is not known.
            Ok(None) => Err(Silence::Trouble),
            Err(Silence::Off) => Ok(false),
            Err(silence) => Err(silence),
        }
    }

    /// `None`: there is no such thing there.
    fn heard<T, E>(
        &self,
        bucket: &BucketName,
        permission: &str,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<Option<T>, Silence>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let error = match answer {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        // What other stores than S3 say to what they do not know.
        if matches!(error.code(), Some("NotImplemented" | "MethodNotAllowed")) {
            return Err(Silence::Refused);
        }
        if error.code() == Some("AccessControlListNotSupported") {
            return Err(Silence::Off);
        }
        match Refusal::of(permission, &error) {
            Refusal::Missing { .. } => Ok(None),
            Refusal::Denied(_) | Refusal::Unsaid => {
                self.reaches.tell(bucket, permission);
                Err(Silence::Refused)
            }
            _ => Err(Silence::Trouble),
        }
    }
}

/// What counts of the public access block of a bucket; off where it has none. Its other two settings
/// only refuse new policies and grants, and say nothing of those that are there.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    ignores_grants: bool,
    restricts_policies: bool,
}

/// Whether a list of grants names everybody. Any permission counts, as S3 counts: who may write the
/// list can grant the rest.
fn to_everybody(grants: &[Grant]) -> bool {
    grants
        .iter()
        .filter_map(|grant| grant.grantee()?.uri())
        .any(|group| GROUPS.contains(&group))
}

#[cfg(test)]
mod tests;
