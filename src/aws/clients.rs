//! One configuration, one HTTP client, one client per service.
//!
//! A client per call or per service without a shared HTTP client would mean TLS handshakes and
//! several pools. Connections idle for 25 s are given up: load balancers drop them silently later,
//! and a request on such a connection stalls. The SDK sets no time limits on calls by itself, so
//! every service gets its own: a call that never ends would hold its message for ever.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;

use super::bedrock::Bounded;

/// The name under which our calls show in CloudTrail and access logs.
const APP: &str = "s3-warden";

/// Idle connections are given up after this time.
const POOL_IDLE: Duration = Duration::from_secs(25);

/// A connection that takes longer is not coming.
const CONNECT: Duration = Duration::from_secs(3);

/// The longest poll of SQS is 20 s; the attempt has to outlive it.
const SQS_ATTEMPT: Duration = Duration::from_secs(30);

/// Reading or copying one object.
const S3_ATTEMPT: Duration = Duration::from_secs(60);

/// One publish, one question about a topic, one copy of an alert.
const SHORT_ATTEMPT: Duration = Duration::from_secs(10);

/// Reading or writing a record, for a person who waits.
const RECORD_ATTEMPT: Duration = Duration::from_secs(5);

/// All attempts of one call together, as a multiple of one: three attempts, and waits between.
const OPERATION: u32 = 3;

/// The clients of all services.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) s3: aws_sdk_s3::Client,
    /// Publishes, and asks once.
    pub(super) sns: aws_sdk_sns::Client,
    /// Asks about topics.
    pub(super) topics: aws_sdk_sns::Client,
    pub(super) bedrock: aws_sdk_bedrockruntime::Client,
    pub(super) sts: aws_sdk_sts::Client,
    #[cfg(feature = "securityhub")]
    pub(super) security_hub: aws_sdk_securityhub::Client,
    #[cfg(any(feature = "control-plane", feature = "eventbridge"))]
    pub(super) event_bridge: aws_sdk_eventbridge::Client,
    /// Asks about models and profiles.
    #[cfg(feature = "control-plane")]
    pub(super) models: aws_sdk_bedrock::Client,
    #[cfg(feature = "control-plane")]
    pub(super) quotas: aws_sdk_servicequotas::Client,
    region: String,
}

/// AWS cannot be reached with what the environment says.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody says which region.
    #[error("no AWS region is set: set AWS_REGION, or `region` in the profile")]
    NoRegion,
    /// The variable is there and empty.
    #[error("AWS_REGION is empty: give it a region, or unset it to take that of the profile")]
    EmptyRegion,
}

impl Clients {
    /// Clients from the usual AWS variables, profiles and roles. `path_style` puts bucket names
    /// into the path, which endpoints other than S3's own ask for; `model_timeout` bounds one call
    /// to a model. Nothing is called yet.
    ///
    /// # Errors
    /// No region is set, or an empty one.
    pub async fn connect(path_style: bool, model_timeout: Duration) -> Result<Self, ConnectError> {
        let http = HttpClient::new()
            .pool_idle_timeout(POOL_IDLE)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https();
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .app_name(AppName::new(APP).expect("the name has only allowed characters"))
            .retry_config(RetryConfig::standard())
            .load()
            .await;
        let region = shared.region().ok_or(ConnectError::NoRegion)?.to_string();
        if region.trim().is_empty() {
            return Err(ConnectError::EmptyRegion);
        }
        Ok(Self::of(&shared, region, path_style, model_timeout))
    }

    fn of(shared: &SdkConfig, region: String, path_style: bool, model_timeout: Duration) -> Self {
        let path_style = path_style || shared.endpoint_url().is_some();
        let sqs = aws_sdk_sqs::config::Builder::from(shared).timeout_config(within(SQS_ATTEMPT));
        let s3 = aws_sdk_s3::config::Builder::from(shared)
            .timeout_config(within(S3_ATTEMPT))
            .force_path_style(path_style);
        let sns = aws_sdk_sns::config::Builder::from(shared).timeout_config(within(SHORT_ATTEMPT));
        let sts = aws_sdk_sts::config::Builder::from(shared).timeout_config(within(SHORT_ATTEMPT));
        // A publish has a turn of the fleet, and the next attempt needs the next turn: the announcer
        // repeats.
        let publish = sns
            .clone()
            .retry_config(RetryConfig::standard().with_max_attempts(1));
        // Attempts are counted and paced by the limits of `model`: the SDK must not add its own.
        let bedrock = aws_sdk_bedrockruntime::config::Builder::from(shared)
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(model_timeout)
                    .operation_timeout(model_timeout)
                    .build(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .interceptor(Bounded);
        Self {
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sns: aws_sdk_sns::Client::from_conf(publish.build()),
            topics: aws_sdk_sns::Client::from_conf(sns.build()),
            bedrock: aws_sdk_bedrockruntime::Client::from_conf(bedrock.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            #[cfg(feature = "securityhub")]
            security_hub: aws_sdk_securityhub::Client::from_conf(
                aws_sdk_securityhub::config::Builder::from(shared)
                    .timeout_config(within(SHORT_ATTEMPT))
                    .build(),
            ),
            #[cfg(feature = "control-plane")]
            models: aws_sdk_bedrock::Client::from_conf(
                aws_sdk_bedrock::config::Builder::from(shared)
                    .timeout_config(within(SHORT_ATTEMPT))
                    .build(),
            ),
            #[cfg(feature = "control-plane")]
            quotas: aws_sdk_servicequotas::Client::from_conf(
                aws_sdk_servicequotas::config::Builder::from(shared)
                    .timeout_config(within(SHORT_ATTEMPT))
                    .build(),
            ),
            #[cfg(any(feature = "control-plane", feature = "eventbridge"))]
            event_bridge: aws_sdk_eventbridge::Client::from_conf(
                aws_sdk_eventbridge::config::Builder::from(shared)
                    .timeout_config(within(SHORT_ATTEMPT))
                    .build(),
            ),
            region,
        }
    }

    /// The same for the records of a person who waits at a terminal, and wants to hear soon that
    /// nothing answers: 15 s for a call to S3.
    #[must_use]
    pub fn for_records(&self) -> Self {
        let config = self.s3.config().to_builder();
        let config = config.timeout_config(within(RECORD_ATTEMPT));
        Self {
            s3: aws_sdk_s3::Client::from_conf(config.build()),
            ..self.clone()
        }
    }

    /// Clients for tests: everything but the model is answered at `endpoint`, with made-up
    /// credentials.
    pub async fn at_endpoint(endpoint: &str, bedrock_endpoint: Option<&str>) -> Self {
        let credentials =
            aws_sdk_s3::config::Credentials::new("test", "test", None, None, "made up");
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(HttpClient::new().build_http())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .endpoint_url(endpoint)
            .load()
            .await;
        let mut clients = Self::of(
            &shared,
            "us-east-1".to_owned(),
            true,
            Duration::from_secs(60),
        );
        if let Some(endpoint) = bedrock_endpoint {
            let config = clients.bedrock.config().to_builder().endpoint_url(endpoint);
            clients.bedrock = aws_sdk_bedrockruntime::Client::from_conf(config.build());
        }
        clients
    }

    /// The region of all calls.
    pub fn region(&self) -> &str {
        &self.region
    }
}

fn within(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * OPERATION)
        .build()
}
