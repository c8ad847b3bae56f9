//! What every service can answer when it does not do what was asked, sorted once.
//!
//! Messages of S3 quote keys, so of S3 only code, status and request id are told ([`Told::Code`]).

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Codes by which services say that we ask too often or too much.
const THROTTLED: [&str; 18] = [
    "KMS.ThrottlingException",
    "KMSThrottling",
    "KMSThrottlingException",
    "KmsThrottled",
    "KmsThrottlingException",
    "ServiceQuotaExceededException",
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "OverLimit",
];

/// Codes by which services say that our credentials are no good (any more).
const CREDENTIALS: [&str; 13] = [
    "AuthFailure",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "MissingAuthenticationToken",
    "RequestExpired",
];

/// Codes by which services say that we may not.
const DENIED: [&str; 10] = [
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "KmsAccessDenied",
    "KmsAccessDeniedException",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "KMS.AccessDeniedException",
    "UnauthorizedOperation",
];

/// What stands for the code where an answer has none.
const UNKNOWN: &str = "unknown";

/// How much of an answer is told in errors and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Code, status, request id: the message may quote keys.
    Code,
    /// The message too.
    Message,
}

/// What went wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Too often.
    Throttled(String),
    /// No answer, not in time, or the service's own trouble.
    Unavailable(String),
    /// The credentials are no good.
    Credentials(String),
    /// We may not.
    Denied(String),
    /// Anything else that the service says about this very call, with its HTTP status and code.
    Answer {
        status: u16,
        code: String,
        text: String,
    },
}

impl Fault {
    /// Sorts what the SDK brings back. `call` names the operation as IAM does, for example
    /// `sqs:ReceiveMessage`.
    pub(super) fn of<E>(call: &str, error: &SdkError<E, HttpResponse>, told: Told) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(answered) => {
                let status = answered.raw().status().as_u16();
                let code = answered.err().code().unwrap_or(UNKNOWN).to_owned();
                let message = answered.err().message();
                let text = text(call, status, &code, message, answered.raw(), told);
                Self::sorted(status, code, text)
            }
            // The body could not be read as an answer: the status still tells whose fault it is.
            SdkError::ResponseError(answered) => {
                let status = answered.raw().status().as_u16();
                Self::Unavailable(format!("{call}: answer not understood (HTTP {status})"))
            }
            SdkError::TimeoutError(_) => Self::Unavailable(format!("{call}: no answer in time")),
            // Credentials that cannot be loaded come as a failed dispatch, like a connection.
            SdkError::DispatchFailure(failed) => {
                let error = failed.as_connector_error().map(|e| e as &dyn Error);
                Self::unsent(call, "no connection", error)
            }
            SdkError::ConstructionFailure(_) => {
                Self::unsent(call, "request not made", Error::source(error))
            }
            _ => Self::Unavailable(format!("{call}: failed")),
        }
    }

    /// The request never left: for want of credentials, or of anything else.
    fn unsent(call: &str, what: &str, error: Option<&(dyn Error + 'static)>) -> Self {
        let why = innermost(error);
        let credentials = chain(error).find_map(|e| e.downcast_ref::<CredentialsError>());
        match credentials {
            // Whoever hands them out is slow: that passes.
            Some(CredentialsError::ProviderTimedOut(_)) => {
                Self::Unavailable(format!("{call}: credentials did not come in time{why}"))
            }
            Some(_) => Self::Credentials(format!("{call}: no usable credentials{why}")),
            None => Self::Unavailable(format!("{call}: {what}{why}")),
        }
    }

    fn sorted(status: u16, code: String, text: String) -> Self {
        let code_is = |known: &[&str]| known.contains(&code.as_str());
        // Answers without a code (to HEAD, from something in between) tell by their status only.
        let bare = code == UNKNOWN;
        if code_is(&THROTTLED) || status == 429 {
            Self::Throttled(text)
        } else if code_is(&CREDENTIALS) || (bare && status == 401) {
            Self::Credentials(text)
        } else if code_is(&DENIED) || (bare && status == 403) {
            Self::Denied(text)
        } else if status >= 500 || code == "RequestTimeout" {
            Self::Unavailable(text)
        } else if bare && status < 300 {
            // A success that is not understood, from a proxy for example: nothing was answered.
            Self::Unavailable(format!("{text}: answer not understood"))
        } else {
            Self::Answer { status, code, text }
        }
    }

    /// Whether asking again later may help without anybody acting.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable(_))
    }

    /// The sentence, with the remedy where there is a general one.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Throttled(text) | Self::Unavailable(text) | Self::Answer { text, .. } => {
                text.clone()
            }
            Self::Credentials(text) => format!(
                "{text}; the AWS credentials are missing, wrong or expired: renew them, or mend \
                 the task role"
            ),
            Self::Denied(text) => format!(
                "{text}; grant this action to whoever makes the call (the service: \
                 deploy/iam/worker.json, operators: deploy/iam/operator.json), and look for a denying \
                 bucket, key or organisation policy"
            ),
        }
    }
}

fn text(
    call: &str,
    status: u16,
    code: &str,
    message: Option<&str>,
    raw: &HttpResponse,
    told: Told,
) -> String {
    let id = ["x-amzn-requestid", "x-amz-request-id"]
        .into_iter()
        .find_map(|header| raw.headers().get(header))
        .map(|id| format!(", request {id}"))
        .unwrap_or_default();
    let message = match (told, message) {
        (Told::Message, Some(message)) => {
            let short: String = message.chars().take(300).collect();
            format!(": {short}")
        }
        _ => String::new(),
    };
    format!("{call}: {code}{message} (HTTP {status}{id})")
}

/// What lies at the bottom of an error, as `: text`: the upper layers only say that something
/// failed.
fn innermost(error: Option<&(dyn Error + 'static)>) -> String {
    let last = chain(error).last();
    last.map(|error| format!(": {error}")).unwrap_or_default()
}

/// An error and what lies below it.
fn chain<'a>(
    error: Option<&'a (dyn Error + 'static)>,
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error, |error: &&'a (dyn Error + 'static)| (*error).source())
}

#[cfg(test)]
mod tests;
