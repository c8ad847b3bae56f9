//! The doctor's questions, asked of AWS. Translation only: what an answer means is decided in
//! `maintenance::doctor`.
//!
//! One file for each service. Of S3 only codes are told, since its messages quote keys.

mod attempt;
#[cfg(feature = "control-plane")]
mod bedrock;
#[cfg(feature = "control-plane")]
mod event_bridge;
mod identity;
mod own;
#[cfg(feature = "control-plane")]
mod quotas;
mod read;
mod s3;
mod sns;
mod sqs;
#[cfg(not(feature = "control-plane"))]
mod unbuilt;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Told};
use super::{AwsSettings, Clients};
use crate::event::{BucketName, OwnPlace};
use crate::maintenance::doctor::{
    Answer, Asker, Conditions, DeadLetters, DeliveryRule, Encryption, Expiry, Invocations,
    Notifications, Pending, Profile, Public, Queue, Quota, Read, Skew, Subscription, Survey,
    SurveyError, Topic, Tried, Versions, Written,
};
use crate::record::Positions;

/// Asks AWS.
#[derive(Clone, Debug)]
pub struct AwsSurvey {
    clients: Clients,
    settings: AwsSettings,
}

impl AwsSurvey {
    /// Nothing is called yet.
    pub fn new(clients: &Clients, settings: AwsSettings) -> Self {
        Self {
            clients: clients.clone(),
            settings,
        }
    }

    /// The account that has to own a guarded bucket, as requests take it.
    fn owner(&self) -> Option<String> {
        self.settings.expected_bucket_owner.clone()
    }
}

/// Codes by which services say that a thing is not there; S3 and Bedrock say it by a status of 404.
const MISSING: [&str; 5] = [
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
];

/// Codes by which endpoints other than AWS's own say that they do not have a call.
const UNKNOWN: [&str; 6] = [
    "InvalidAction",
    "MethodNotAllowed",
    "NotImplemented",
    "UnknownOperation",
    "UnknownOperationException",
    "UnsupportedOperation",
];

/// Where a service is asked, where not at AWS, by the front of its actions. Another one,
/// `AWS_ENDPOINT_URL`, holds for all.
const ENDPOINTS: [(&str, &str); 7] = [
    ("bedrock:", "AWS_ENDPOINT_URL_BEDROCK"),
    ("events:", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    ("s3:", "AWS_ENDPOINT_URL_S3"),
    ("servicequotas:", "AWS_ENDPOINT_URL_SERVICE_QUOTAS"),
    ("sns:", "AWS_ENDPOINT_URL_SNS"),
    ("sqs:", "AWS_ENDPOINT_URL_SQS"),
    ("sts:", "AWS_ENDPOINT_URL_STS"),
];

/// Sorts what the SDK brings back; `call` is the action as IAM names it.
fn failure<E>(call: &str, error: &SdkError<E, HttpResponse>, told: Told) -> SurveyError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let fault = Fault::of(call, error, told);
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    if is_unknown(call, &fault, status) {
        let known = ENDPOINTS.iter().find(|(front, _)| call.starts_with(front));
        return SurveyError::Unknown {
            call: call.to_owned(),
            variable: known.map_or("AWS_ENDPOINT_URL", |(_, variable)| variable),
        };
    }
    match fault {
        Fault::Denied(_) => SurveyError::Denied {
            call: call.to_owned(),
        },
        Fault::Throttled(why) => SurveyError::Throttled(why),
        Fault::Unavailable(why) => match status {
            Some(500..) => SurveyError::Failing(why),
            Some(_) => SurveyError::Odd(why),
            None => SurveyError::Unreachable(why),
        },
        Fault::Answer { code, text, .. } if MISSING.contains(&code.as_str()) => {
            SurveyError::Missing { what: text }
        }
        Fault::Answer {
            status: 404, text, ..
        } => SurveyError::Missing { what: text },
        Fault::Answer { status: 301, .. } => {
            SurveyError::Odd(format!("{call}: the bucket lies in another region"))
        }
        Fault::Answer { text, .. } => SurveyError::Odd(text),
        Fault::Credentials(why) => SurveyError::Credentials(why),
    }
}

/// Whether what answered has no such call: by its code, or by a bare status. Services of AWS say with
/// a code that a thing is not there; only to HEAD, which asks for a bucket, S3 says it without.
fn is_unknown(call: &str, fault: &Fault, status: Option<u16>) -> bool {
    match (fault, status) {
        (Fault::Answer { .. } | Fault::Unavailable(_), Some(405 | 501)) => true,
        (Fault::Answer { code, .. }, _) if UNKNOWN.contains(&code.as_str()) => true,
        (Fault::Answer { code, .. }, Some(404)) if call.starts_with("s3:") => {
            code == "unknown" && call != "s3:ListBucket"
        }
        (Fault::Answer { code, .. }, Some(404)) => !MISSING.contains(&code.as_str()),
        _ => false,
    }
}

#[async_trait]
impl Survey for AwsSurvey {
    async fn asker(&self) -> Answer<Asker> {
        identity::asker(&self.clients).await
    }

    async fn skew(&self) -> Answer<Skew> {
        identity::skew(&self.clients).await
    }

    async fn queue(&self, url: &str) -> Answer<Queue> {
        sqs::queue(&self.clients, url).await
    }

    async fn dead_letters(&self, arn: Option<&str>, url: Option<&str>) -> Answer<DeadLetters> {
        sqs::dead_letters(&self.clients, arn, url).await
    }

    async fn bucket(&self, bucket: &BucketName) -> Answer<Option<String>> {
        self.head(bucket).await
    }

    async fn versions(&self, bucket: &BucketName) -> Answer<Versions> {
        self.versioning(bucket).await
    }

    async fn notifications(&self, bucket: &BucketName) -> Answer<Notifications> {
        self.told(bucket).await
    }

    async fn object_lock(&self, bucket: &BucketName) -> Answer<Option<Option<u32>>> {
        self.lock(bucket).await
    }

    async fn read_one(&self, bucket: &BucketName) -> Answer<Read> {
        self.read_some(bucket).await
    }

    async fn public(&self, bucket: &BucketName) -> Answer<Public> {
        self.is_public(bucket).await
    }

    async fn encryption(&self, bucket: &BucketName) -> Answer<Encryption> {
        self.encrypts(bucket).await
    }

    async fn lifecycle(&self, bucket: &BucketName) -> Answer<Vec<Expiry>> {
        self.expiring(bucket).await
    }

    async fn write_one(&self, place: &OwnPlace, stop: &CancellationToken) -> Tried<Written> {
        self.write_some(place, stop).await
    }

    async fn conditions(&self, place: &OwnPlace, stop: &CancellationToken) -> Tried<Conditions> {
        self.try_conditions(place, stop).await
    }

    async fn pending(&self, place: &OwnPlace, now: Timestamp) -> Answer<Pending> {
        self.open(place, now).await
    }

    async fn switches(&self, place: &OwnPlace) -> Answer<Positions> {
        self.positions(place).await
    }

    async fn topic(&self, arn: &str) -> Answer<Topic> {
        sns::topic(&self.clients, arn).await
    }

    async fn subscriptions(&self, arn: &str) -> Answer<Vec<Subscription>> {
        sns::subscriptions(&self.clients, arn).await
    }

    async fn profile(&self, id: &str) -> Answer<Profile> {
        #[cfg(feature = "control-plane")]
        use bedrock::profile;
        #[cfg(not(feature = "control-plane"))]
        use unbuilt::profile;
        profile(&self.clients, id).await
    }

    async fn invocations(&self) -> Answer<Invocations> {
        #[cfg(feature = "control-plane")]
        use bedrock::invocations;
        #[cfg(not(feature = "control-plane"))]
        use unbuilt::invocations;
        invocations(&self.clients).await
    }

    async fn quotas(&self) -> Answer<Vec<Quota>> {
        #[cfg(feature = "control-plane")]
        use quotas::quotas;
        #[cfg(not(feature = "control-plane"))]
        use unbuilt::quotas;
        quotas(&self.clients).await
    }

    async fn rules_to(&self, queue_arn: &str) -> Answer<Vec<DeliveryRule>> {
        #[cfg(feature = "control-plane")]
        use event_bridge::rules_to;
        #[cfg(not(feature = "control-plane"))]
        use unbuilt::rules_to;
        rules_to(&self.clients, queue_arn).await
    }
}
