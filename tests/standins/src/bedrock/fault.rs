//! Errors as Bedrock words them: a status, a type in a header, and a message in the body.

use serde_json::json;

use super::behaviour::Behaviour;
use crate::serve::{self, Reply};

/// An error of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    /// A request that can never be right.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// The error that a behaviour answers each request with, if it is of that sort.
    pub(super) fn of(behaviour: &Behaviour) -> Option<Self> {
        let (status, code, message) = match behaviour {
            Behaviour::Throttle => (
                429,
                "ThrottlingException",
                "Too many requests, please wait before trying again.",
            ),
            Behaviour::NotReady => (
                429,
                "ModelNotReadyException",
                "The model is not ready for inference. Wait and try your request again.",
            ),
            Behaviour::ServerError => (
                500,
                "InternalServerException",
                "The system encountered an unexpected error during processing. Try your request again.",
            ),
            Behaviour::Unavailable => (
                503,
                "ServiceUnavailableException",
                "Bedrock is unable to process your request.",
            ),
            Behaviour::ModelError => (
                424,
                "ModelErrorException",
                "The model encountered an unexpected error while processing the request.",
            ),
            Behaviour::ModelTimeout => (
                408,
                "ModelTimeoutException",
                "Model has timed out in processing the request. Try your request again.",
            ),
            Behaviour::Invalid => (
                400,
                "ValidationException",
                "The model returned the following errors: Could not process image",
            ),
            Behaviour::EndOfLife => (
                404,
                "ResourceNotFoundException",
                "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
            ),
            Behaviour::NotGranted => (
                403,
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
            ),
            Behaviour::FormMissing => (
                404,
                "ResourceNotFoundException",
                "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model.",
            ),
            Behaviour::ExpiredCredentials => (
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            _ => return None,
        };
        Some(Self::new(status, code, message))
    }

    /// As the wire carries it. The address behind the type is what AWS sends, too; clients cut it
    /// off at the colon.
    pub(super) fn reply(&self) -> Reply {
        let mut body = json!({ "message": self.message });
        if let (424, Some(body)) = (self.status, body.as_object_mut()) {
            body.insert("originalStatusCode".to_owned(), json!(500));
            body.insert("resourceName".to_owned(), json!("stand-in"));
        }
        let mut reply = serve::json(self.status, &body);
        let kind = format!(
            "{}:http://internal.amazon.com/coral/com.amazon.bedrock/",
            self.code
        );
        serve::set_header(&mut reply, "x-amzn-errortype", &kind);
        reply
    }
}
