//! What S3 says instead of doing what it was asked, sorted by what it means for one object.
//!
//! Only what holds for all objects alike (credentials, region) refuses the whole service. An answer
//! that we do not know is tried again: one odd object must not stop the others.
//!
//! Codes: "Error responses" in the Amazon S3 API reference. Messages are read, never told: they
//! quote keys.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::fault::{Fault, Told};
use crate::object::{StoreError, Why};

/// What S3 says instead.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Nothing is there. `marker`: a delete marker is.
    Missing { marker: bool },
    /// There is no such bucket.
    NoBucket,
    /// The condition does not hold.
    Differs,
    /// Somebody changes the same thing at this moment.
    Conflict,
    /// For good.
    Denied(Why),
    /// Encrypted with a key that only its owner has (SSE-C): of this object alone.
    OwnersKey,
    /// Denied without a word: answers to HEAD have no body.
    Unsaid,
    /// The service's trouble, not the object's.
    Trouble(StoreError),
}

/// The parts of an answer that count.
#[derive(Clone, Copy, Debug)]
struct Said<'a> {
    status: u16,
    /// Absent in answers to HEAD.
    code: Option<&'a str>,
    message: &'a str,
    marker: bool,
}

impl Refusal {
    pub(super) fn of<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let fault = Fault::of(call, error, Told::Code);
        let SdkError::ServiceError(answered) = error else {
            return Self::trouble(fault);
        };
        let headers = answered.raw().headers();
        let said = Said {
            status: answered.raw().status().as_u16(),
            // What the SDK makes of an answer to HEAD that has no body.
            code: answered.err().code().filter(|code| *code != "NotFound"),
            message: answered.err().message().unwrap_or_default(),
            marker: headers.get("x-amz-delete-marker") == Some("true"),
        };
        match (&fault, sorted(said)) {
            (Fault::Throttled(_) | Fault::Unavailable(_) | Fault::Credentials(_), _) => {
                Self::trouble(fault)
            }
            (_, Some(refusal)) => refusal,
            (_, None) => Self::trouble(fault),
        }
    }

    fn trouble(fault: Fault) -> Self {
        let text = fault.sentence();
        Self::Trouble(match fault {
            Fault::Credentials(_) => StoreError::Refused(text),
            _ => StoreError::Unavailable(text),
        })
    }

    /// What it means where none of the answers about the object itself was to be expected.
    pub(super) fn into_error(self, call: &str) -> StoreError {
        match self {
            Self::Trouble(error) => error,
            other => StoreError::Unavailable(format!("{call}: unexpected answer ({other:?})")),
        }
    }
}

fn sorted(said: Said<'_>) -> Option<Refusal> {
    let code = said.code.unwrap_or_default();
    let message = said.message.to_ascii_lowercase();
    let says = |word: &str| message.contains(word);
    Some(match (said.status, code) {
        (_, "NoSuchBucket") => Refusal::NoBucket,
        (_, "InvalidObjectState") => Refusal::Denied(Why::Archived),
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            Refusal::Trouble(StoreError::Refused(
                "the bucket lies in another region than this service: set AWS_REGION to the region \
                 of the guarded buckets, and run one service for each region"
                    .to_owned(),
            ))
        }
        (404, _) => Refusal::Missing {
            marker: said.marker,
        },
        // A version that is a delete marker.
        (405, _) if said.marker || code == "MethodNotAllowed" => Refusal::Missing { marker: true },
        (412, _) | (_, "PreconditionFailed") => Refusal::Differs,
        (409, _) => Refusal::Conflict,
        // No object can have such a name, or such a version.
        (_, "KeyTooLongError" | "InvalidURI") => Refusal::Missing { marker: false },
        (400, "InvalidArgument") if says("version id") => Refusal::Missing { marker: false },
        (_, code) if code.starts_with("KMS.") => Refusal::Denied(Why::KeyDenied),
        (400 | 403, _) if says("kms") => Refusal::Denied(Why::KeyDenied),
        (400, "InvalidRequest") if says("server side encryption") => Refusal::OwnersKey,
        (400, "InvalidRequest") if says("copy source is larger") => {
            Refusal::Denied(Why::TooBigToCopy)
        }
        (400 | 403, _) if says("object lock") || says("worm protected") => {
            Refusal::Denied(Why::Locked)
        }
        (403, _) if says("mfa") => Refusal::Denied(Why::MfaRequired),
        (403, _) if says("requester pays") => Refusal::Denied(Why::RequesterPays),
        (400 | 403, "") => Refusal::Unsaid,
        (403, _) => Refusal::Denied(Why::AccessDenied),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, message: &str, expected: &str) {
        let said = Said {
            status,
            code: (!code.is_empty()).then_some(code),
            message,
            marker: false,
        };
        let sorted = sorted(said).map(|refusal| format!("{refusal:?}"));
        let sorted = sorted.unwrap_or_else(|| "None".to_owned());
        assert!(sorted.starts_with(expected), "{code}: {sorted}");
    }

    #[test]
    fn every_refusal_is_its_own_outcome() {
        check(404, "NoSuchKey", "", "Missing { marker: false }");
        check(404, "NoSuchVersion", "", "Missing");
        check(404, "", "", "Missing");
        check(404, "NoSuchBucket", "", "NoBucket");
        check(405, "MethodNotAllowed", "", "Missing { marker: true }");
        check(405, "", "", "None");
        check(412, "PreconditionFailed", "", "Differs");
        check(412, "", "", "Differs");
        check(409, "ConditionalRequestConflict", "", "Conflict");
        check(409, "OperationAborted", "", "Conflict");
        check(400, "KeyTooLongError", "", "Missing");
        check(
            400,
            "InvalidArgument",
            "Invalid version id specified",
            "Missing",
        );
        check(400, "InvalidArgument", "something else", "None");
        check(301, "PermanentRedirect", "", "Trouble(Refused");
        check(403, "InvalidObjectState", "", "Denied(Archived)");
        check(403, "AccessDenied", "Access Denied", "Denied(AccessDenied)");
        check(403, "AllAccessDisabled", "", "Denied(AccessDenied)");
        check(403, "", "", "Unsaid");
        check(400, "", "", "Unsaid");
        let kms = "User: arn:aws:sts::1:r is not authorized to perform: kms:Decrypt on resource";
        check(403, "AccessDenied", kms, "Denied(KeyDenied)");
        check(400, "KMS.DisabledException", "", "Denied(KeyDenied)");
        let own_key = "The object was stored using a form of Server Side Encryption. The correct \
                       parameters must be provided to retrieve the object.";
        check(400, "InvalidRequest", own_key, "OwnersKey");
        let locked = "Access Denied because object protected by object lock.";
        check(403, "AccessDenied", locked, "Denied(Locked)");
        let mfa = "Mfa Authentication must be used for this request";
        check(403, "AccessDenied", mfa, "Denied(MfaRequired)");
        let large = "The specified copy source is larger than the maximum allowable size for a \
                     copy source: 5368709120";
        check(400, "InvalidRequest", large, "Denied(TooBigToCopy)");
        check(418, "Teapot", "", "None");
    }
}
