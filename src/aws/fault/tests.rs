//! Faults as the SDK brings them, one protocol after the other.

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_sdk_sns::config::{Credentials, ProvideCredentials};

use super::*;
use crate::aws::Clients;
use crate::aws::scripted::{Answer, Scripted};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Throttled,
    Unavailable,
    Credentials,
    Denied,
    Answer,
}

fn kind(fault: &Fault) -> Kind {
    match fault {
        Fault::Throttled(_) => Kind::Throttled,
        Fault::Unavailable(_) => Kind::Unavailable,
        Fault::Credentials(_) => Kind::Credentials,
        Fault::Denied(_) => Kind::Denied,
        Fault::Answer { .. } => Kind::Answer,
    }
}

async fn clients(answer: Answer) -> (Clients, Scripted) {
    let service = Scripted::start([answer]).await;
    (service.clients().await, service)
}

/// SQS speaks JSON (awsJson 1.0), with the older code in a header.
async fn sqs(status: u16, code: &str) -> Fault {
    let body = format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"the message"}}"#);
    let (clients, _service) = clients(Answer::new(status, body)).await;
    let error = clients
        .sqs
        .receive_message()
        .queue_url("http://h/q")
        .send()
        .await;
    Fault::of("sqs:ReceiveMessage", &error.unwrap_err(), Told::Message)
}

/// SNS speaks the older query protocol, with XML.
async fn sns(status: u16, code: &str) -> Fault {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>the message</Message>\
         </Error><RequestId>r1</RequestId></ErrorResponse>"
    );
    let (clients, _service) = clients(Answer::new(status, body)).await;
    let error = clients
        .sns
        .publish()
        .topic_arn("t")
        .message("m")
        .send()
        .await;
    Fault::of("sns:Publish", &error.unwrap_err(), Told::Message)
}

/// S3 speaks REST with XML.
async fn s3(status: u16, code: &str) -> Fault {
    let body =
        format!("<Error><Code>{code}</Code><Message>the message names a key</Message></Error>");
    let answer = Answer::new(status, body).header("x-amz-request-id", "r1");
    let (clients, _service) = clients(answer).await;
    let error = clients
        .s3
        .get_object()
        .bucket("bucket")
        .key("k")
        .send()
        .await;
    Fault::of("s3:GetObject", &error.unwrap_err(), Told::Code)
}

/// Bedrock speaks REST with JSON, the code in a header.
async fn bedrock(status: u16, code: &str) -> Fault {
    let answer =
        Answer::new(status, r#"{"message":"the message"}"#).header("x-amzn-errortype", code);
    let (clients, _service) = clients(answer).await;
    let error = clients.bedrock.converse().model_id("m").send().await;
    Fault::of("bedrock:InvokeModel", &error.unwrap_err(), Told::Message)
}

#[tokio::test]
async fn answers_are_sorted_in_every_protocol() {
    fn check(fault: &Fault, expected: Kind) {
        assert_eq!(kind(fault), expected, "{fault:?}");
    }
    check(&sqs(400, "OverLimit").await, Kind::Throttled);
    check(&sqs(403, "ExpiredToken").await, Kind::Credentials);
    check(&sqs(403, "InvalidClientTokenId").await, Kind::Credentials);
    check(&sqs(400, "AccessDeniedException").await, Kind::Denied);
    check(&sqs(500, "InternalFailure").await, Kind::Unavailable);
    check(&sqs(400, "QueueDoesNotExist").await, Kind::Answer);
    check(&sns(400, "Throttled").await, Kind::Throttled);
    check(&sns(403, "SignatureDoesNotMatch").await, Kind::Credentials);
    check(&sns(403, "AuthorizationError").await, Kind::Denied);
    check(&sns(500, "InternalError").await, Kind::Unavailable);
    check(&sns(404, "NotFound").await, Kind::Answer);
    check(&s3(503, "SlowDown").await, Kind::Throttled);
    check(&s3(400, "ExpiredToken").await, Kind::Credentials);
    check(&s3(403, "InvalidAccessKeyId").await, Kind::Credentials);
    check(&s3(403, "AccessDenied").await, Kind::Denied);
    check(&s3(400, "RequestTimeout").await, Kind::Unavailable);
    check(&s3(403, "InvalidObjectState").await, Kind::Answer);
    check(&bedrock(429, "ThrottlingException").await, Kind::Throttled);
    check(
        &bedrock(403, "ExpiredTokenException").await,
        Kind::Credentials,
    );
    check(
        &bedrock(403, "UnrecognizedClientException").await,
        Kind::Credentials,
    );
    check(
        &bedrock(403, "InvalidSignatureException").await,
        Kind::Credentials,
    );
    check(&bedrock(403, "AccessDeniedException").await, Kind::Denied);
    check(
        &bedrock(503, "ServiceUnavailableException").await,
        Kind::Unavailable,
    );
    check(&bedrock(400, "ValidationException").await, Kind::Answer);
}

#[tokio::test]
async fn answers_without_a_code_tell_by_their_status() {
    async fn check(status: u16, expected: Kind) {
        let (clients, _service) = clients(Answer::new(status, "")).await;
        let error = clients
            .s3
            .head_object()
            .bucket("bucket")
            .key("k")
            .send()
            .await;
        let fault = Fault::of("s3:GetObject", &error.unwrap_err(), Told::Code);
        assert_eq!(kind(&fault), expected, "{fault:?}");
    }
    check(401, Kind::Credentials).await;
    check(403, Kind::Denied).await;
    check(412, Kind::Answer).await;
    check(429, Kind::Throttled).await;
    check(502, Kind::Unavailable).await;
}

#[tokio::test]
async fn a_message_is_told_only_where_it_may_be() {
    let told = s3(403, "AccessDenied").await.sentence();
    assert!(
        told.starts_with("s3:GetObject: AccessDenied (HTTP 403, request r1)"),
        "{told}"
    );
    assert!(!told.contains("names a key"), "{told}");
    let told = sns(403, "AuthorizationError").await.sentence();
    assert!(told.contains("the message"), "{told}");
}

#[tokio::test]
async fn an_answer_that_is_none_is_no_fault_of_ours() {
    let (clients, _service) = clients(Answer::new(200, "<html>a proxy's page")).await;
    let error = clients
        .sqs
        .receive_message()
        .queue_url("http://h/q")
        .send()
        .await
        .unwrap_err();
    let fault = Fault::of("sqs:ReceiveMessage", &error, Told::Message);
    assert_eq!(kind(&fault), Kind::Unavailable, "{fault:?}");
    assert!(!fault.sentence().contains("html"), "{fault:?}");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let (clients, service) = clients(Answer::new(200, "")).await;
    drop(service);
    let error = clients
        .sqs
        .receive_message()
        .queue_url("http://h/q")
        .send()
        .await
        .unwrap_err();
    let fault = Fault::of("sqs:ReceiveMessage", &error, Told::Message);
    assert_eq!(kind(&fault), Kind::Unavailable, "{fault:?}");
    assert!(fault.sentence().contains("no connection"), "{fault:?}");
}

/// Where credentials come from, or do not.
#[derive(Debug)]
struct Source(fn() -> CredentialsError);

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let result: Result<Credentials, CredentialsError> = Err((self.0)());
        future::ProvideCredentials::ready(result)
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_had_are_no_lost_connection() {
    async fn check(source: fn() -> CredentialsError, expected: Kind) {
        let (clients, service) = clients(Answer::new(200, "{}")).await;
        let config = clients
            .sqs
            .config()
            .to_builder()
            .credentials_provider(Source(source));
        let client = aws_sdk_sqs::Client::from_conf(config.build());
        let error = client
            .receive_message()
            .queue_url("http://h/q")
            .send()
            .await
            .unwrap_err();
        let fault = Fault::of("sqs:ReceiveMessage", &error, Told::Message);
        assert_eq!(kind(&fault), expected, "{fault:?}");
        assert!(service.asked().is_empty());
    }
    check(
        || CredentialsError::not_loaded("no profile"),
        Kind::Credentials,
    )
    .await;
    check(
        || CredentialsError::invalid_configuration("bad profile"),
        Kind::Credentials,
    )
    .await;
    check(
        || CredentialsError::provider_error("role refused"),
        Kind::Credentials,
    )
    .await;
    let slow = || CredentialsError::provider_timed_out(std::time::Duration::from_secs(5));
    check(slow, Kind::Unavailable).await;
}
