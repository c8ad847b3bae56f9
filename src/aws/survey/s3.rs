//! Buckets, asked of S3.

use aws_sdk_s3::types::{
    BucketVersioningStatus, Event, ExpirationStatus, FilterRule, FilterRuleName, LifecycleRule,
    NotificationConfigurationFilter, ObjectLockEnabled, ServerSideEncryption,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{AwsSurvey, failure};
use crate::aws::fault::Told;
use crate::event::BucketName;
use crate::maintenance::doctor::{
    Answer, Encryption, Expiry, Notifications, Public, Route, RouteKind, SurveyError, Versions,
};

/// Sorts an answer of S3.
pub(super) fn told<E>(call: &str, error: &SdkError<E, HttpResponse>) -> SurveyError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    failure(call, error, Told::Code)
}

/// Whether a denial is about a KMS key: its message says so, and is told to nobody.
pub(super) fn is_about_the_key<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    let kms = |text: Option<&str>| text.is_some_and(|it| it.to_ascii_lowercase().contains("kms"));
    kms(error.code()) || kms(error.message())
}

impl AwsSurvey {
    pub(super) async fn head(&self, bucket: &BucketName) -> Answer<Option<String>> {
        let ask = self.clients.s3.head_bucket().bucket(bucket.as_str());
        let answer = ask.send().await;
        let answer = answer.map_err(|error| told("s3:ListBucket", &error))?;
        Ok(answer.bucket_region().map(str::to_owned))
    }

    pub(super) async fn versioning(&self, bucket: &BucketName) -> Answer<Versions> {
        let ask = self.clients.s3.get_bucket_versioning();
        let answer = ask.bucket(bucket.as_str()).send().await;
        let answer = answer.map_err(|error| told("s3:GetBucketVersioning", &error))?;
        Ok(match answer.status() {
            Some(BucketVersioningStatus::Enabled) => Versions::Enabled,
            Some(_) => Versions::Suspended,
            None => Versions::Never,
        })
    }

    pub(super) async fn told(&self, bucket: &BucketName) -> Answer<Notifications> {
        let ask = self.clients.s3.get_bucket_notification_configuration();
        let ask = ask.bucket(bucket.as_str());
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        let answer = answer.map_err(|error| told("s3:GetBucketNotification", &error))?;
        let queues = answer.queue_configurations().iter();
        let queues =
            queues.map(|it| route(RouteKind::Queue, it.queue_arn(), it.events(), it.filter()));
        let topics = answer.topic_configurations().iter();
        let topics =
            topics.map(|it| route(RouteKind::Topic, it.topic_arn(), it.events(), it.filter()));
        let functions = answer.lambda_function_configurations().iter();
        let functions = functions.map(|it| {
            route(
                RouteKind::Function,
                it.lambda_function_arn(),
                it.events(),
                it.filter(),
            )
        });
        Ok(Notifications {
            routes: queues.chain(topics).chain(functions).collect(),
            event_bridge: answer.event_bridge_configuration().is_some(),
        })
    }

    pub(super) async fn lock(&self, bucket: &BucketName) -> Answer<Option<Option<u32>>> {
        let ask = self.clients.s3.get_object_lock_configuration();
        let ask = ask.bucket(bucket.as_str());
        let answer = match ask.set_expected_bucket_owner(self.owner()).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => {
                return Ok(None);
            }
            Err(error) => return Err(told("s3:GetBucketObjectLockConfiguration", &error)),
        };
        let Some(lock) = answer.object_lock_configuration() else {
            let what = "s3:GetBucketObjectLockConfiguration: an empty answer";
            return Err(SurveyError::Odd(what.to_owned()));
        };
        if lock.object_lock_enabled() != Some(&ObjectLockEnabled::Enabled) {
            return Ok(None);
        }
        let retention = lock.rule().and_then(|rule| rule.default_retention());
        let days = retention.and_then(|it| it.days().or(it.years().map(|years| years * 365)));
        Ok(Some(days.and_then(|days| u32::try_from(days).ok())))
    }

    pub(super) async fn is_public(&self, bucket: &BucketName) -> Answer<Public> {
        let ask = self.clients.s3.get_public_access_block();
        let blocked = match ask.bucket(bucket.as_str()).send().await {
            Ok(answer) => answer
                .public_access_block_configuration()
                .is_some_and(|it| {
                    [
                        it.block_public_acls(),
                        it.ignore_public_acls(),
                        it.block_public_policy(),
                        it.restrict_public_buckets(),
                    ]
                    .into_iter()
                    .all(|on| on == Some(true))
                }),
            Err(error) if error.code() == Some("NoSuchPublicAccessBlockConfiguration") => false,
            Err(error) => return Err(told("s3:GetBucketPublicAccessBlock", &error)),
        };
        let ask = self.clients.s3.get_bucket_policy_status();
        let by_policy = match ask.bucket(bucket.as_str()).send().await {
            Ok(answer) => answer
                .policy_status()
                .and_then(|status| status.is_public())
                .unwrap_or_default(),
            Err(error) if error.code() == Some("NoSuchBucketPolicy") => false,
            Err(error) => match loud(&error) {
                Some(is_public) => is_public,
                None => return Err(told("s3:GetBucketPolicyStatus", &error)),
            },
        };
        Ok(Public { blocked, by_policy })
    }

    pub(super) async fn encrypts(&self, bucket: &BucketName) -> Answer<Encryption> {
        let ask = self.clients.s3.get_bucket_encryption();
        let answer = match ask.bucket(bucket.as_str()).send().await {
            Ok(answer) => answer,
            Err(error)
                if error.code() == Some("ServerSideEncryptionConfigurationNotFoundError") =>
            {
                return Ok(Encryption::Off);
            }
            Err(error) => return Err(told("s3:GetEncryptionConfiguration", &error)),
        };
        let rules = answer.server_side_encryption_configuration();
        let rule = rules.and_then(|rules| rules.rules().first());
        let Some(default) = rule.and_then(|it| it.apply_server_side_encryption_by_default()) else {
            return Ok(Encryption::Off);
        };
        Ok(
            match (default.sse_algorithm(), default.kms_master_key_id()) {
                (ServerSideEncryption::Aes256, _) => Encryption::S3,
                (_, None) => Encryption::AwsKey,
                (_, Some(key)) if key.ends_with("alias/aws/s3") => Encryption::AwsKey,
                (_, Some(_)) => Encryption::OwnKey,
            },
        )
    }

    pub(super) async fn expiring(&self, bucket: &BucketName) -> Answer<Vec<Expiry>> {
        let ask = self.clients.s3.get_bucket_lifecycle_configuration();
        let answer = match ask.bucket(bucket.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(told("s3:GetLifecycleConfiguration", &error)),
        };
        let rules = answer.rules().iter();
        let enabled = rules.filter(|rule| rule.status() == &ExpirationStatus::Enabled);
        let ending = enabled.map(expiry);
        Ok(ending.filter(|it| it.current || it.noncurrent).collect())
    }
}

/// Whether a bucket is public, by an answer in capitals: the example of the API reference has them, and
/// the SDK does not read them.
fn loud<E>(error: &SdkError<E, HttpResponse>) -> Option<bool> {
    let body = error.raw_response()?.body().bytes()?;
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    let says = |word: &str| body.contains(&format!("<ispublic>{word}</ispublic>"));
    says("true")
        .then_some(true)
        .or(says("false").then_some(false))
}

fn expiry(rule: &LifecycleRule) -> Expiry {
    let filter = rule.filter();
    let both = filter.and_then(|filter| filter.and());
    // A rule has its prefix in one of three places, by its age and by what else it filters by.
    #[expect(deprecated, reason = "rules of before 2016 have it nowhere else")]
    let prefix = rule.prefix();
    let prefix = prefix
        .or_else(|| filter.and_then(|filter| filter.prefix()))
        .or_else(|| both.and_then(|both| both.prefix()));
    let ends = rule.expiration();
    let old_ones = rule.noncurrent_version_expiration();
    Expiry {
        prefix: prefix.unwrap_or_default().to_owned(),
        some: both.is_some()
            || filter.is_some_and(|filter| {
                filter.tag().is_some()
                    || filter.object_size_greater_than().is_some()
                    || filter.object_size_less_than().is_some()
            }),
        // What only clears markers away makes nothing end.
        current: ends.is_some_and(|it| it.days().is_some() || it.date().is_some()),
        // What keeps a number of them makes not all of them end.
        noncurrent: old_ones.is_some_and(|it| {
            it.noncurrent_days().is_some() && it.newer_noncurrent_versions().is_none()
        }),
    }
}

fn route(
    kind: RouteKind,
    arn: &str,
    events: &[Event],
    filter: Option<&NotificationConfigurationFilter>,
) -> Route {
    let rules = filter.and_then(|filter| filter.key());
    let rules = rules.map_or(&[][..], |key| key.filter_rules());
    // S3 takes the names in lower case and answers them with a capital, whatever its reference says.
    let is = |rule: &FilterRule, name: &FilterRuleName| {
        let told = rule.name().map(FilterRuleName::as_str);
        told.is_some_and(|told| told.eq_ignore_ascii_case(name.as_str()))
    };
    let named = |name: FilterRuleName| {
        let rule = rules.iter().find(|rule| is(rule, &name));
        let value = rule.and_then(|rule| rule.value());
        value.unwrap_or_default().to_owned()
    };
    Route {
        kind,
        arn: arn.to_owned(),
        events: events
            .iter()
            .map(|event| event.as_str().to_owned())
            .collect(),
        prefix: named(FilterRuleName::Prefix),
        suffix: named(FilterRuleName::Suffix),
    }
}
