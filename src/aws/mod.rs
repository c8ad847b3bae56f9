//! The adapters for AWS, and the only code that names an SDK.
//!
//! One configuration and one HTTP client serve all of them ([`Clients`]); what every service can
//! answer is sorted in one place (`fault`); types of the SDK stop here.

mod agent;
mod allowances;
mod bedrock;
mod caller;
mod clients;
#[cfg(any(feature = "securityhub", feature = "eventbridge"))]
mod copies;
mod digests;
mod fault;
mod ledger;
mod parked;
mod records;
mod s3;
mod settings;
mod sns;
mod spending;
mod sqs;
mod survey;
mod switches;
mod task;
mod turns;

#[cfg(test)]
mod scripted;

pub use agent::{AgentAddressError, EcsAgent};
pub use allowances::S3Allowances;
pub use bedrock::BedrockModel;
pub use caller::{IdentityError, StsIdentity};
pub use clients::{Clients, ConnectError};
#[cfg(feature = "eventbridge")]
pub use copies::EventBus;
#[cfg(feature = "securityhub")]
pub use copies::SecurityHub;
pub use digests::S3Digests;
pub use ledger::S3Ledger;
pub use parked::S3Overflow;
pub use s3::{BucketFacts, ProbeError, S3Store, Versioning};
pub use settings::{AwsSettings, RawAws};
pub use sns::SnsNotifier;
pub use spending::S3Spending;
pub use sqs::{SqsDeadLetters, SqsQueue};
pub use survey::AwsSurvey;
pub use switches::S3Switches;
pub use turns::S3Turns;
