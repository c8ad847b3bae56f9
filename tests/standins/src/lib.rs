//! What the tests of s3-warden run against, all over loopback and on free ports.
//!
//! - [`agent`] is that of Amazon ECS: task protection, and which task we are.
//! - [`aws`] is S3, SQS, SNS and STS in memory, fast, with faults on demand.
//! - [`bedrock`] answers Converse and `InvokeModel` by looking at the pixels that it receives, and
//!   misbehaves on demand.
//! - [`pictures`] is the language in which tests paint what it shall see.
//! - [`mod@bench`] measures the service between the stand-ins.
//! - [`serve`] and [`client`] are the HTTP that they share.

pub mod agent;
pub mod aws;
pub mod bedrock;
pub mod bench;
pub mod client;
pub mod pictures;
pub mod serve;
