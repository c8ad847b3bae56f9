//! The four services in memory as their callers meet them: over HTTP.

use bytes::Bytes;
use hyper::{Request, Response};
use s3_warden_standins::aws::{Aws, Mishap, Versioning};
use s3_warden_standins::client::Client;
use serde_json::{Value, json};

/// One call of S3: method, path with query, headers, body.
async fn s3(aws: &Aws, call: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    let (method, path) = call.split_once(' ').expect("a call is a method and a path");
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", aws.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::from(body.to_owned()));
    let request = request.expect("the test writes good requests");
    let answer = Client::default().send(request).await;
    answer.expect("the stand-in answers")
}

async fn sqs(aws: &Aws, operation: &str, body: Value) -> Result<Value, String> {
    let request = Request::post(aws.url())
        .header("x-amz-target", format!("AmazonSQS.{operation}"))
        .body(Bytes::from(body.to_string()));
    let request = request.expect("the test writes good requests");
    let answer = Client::default().send(request).await?;
    Ok(serde_json::from_slice(answer.body()).expect("SQS speaks JSON"))
}

#[tokio::test]
async fn versions_conditions_and_tags_are_those_of_s3() {
    let aws = Aws::start().await;
    aws.bucket("kept", Versioning::Enabled);
    let (etag, version) = aws.put("kept", "a b", "one").unwrap();
    let got = s3(&aws, "GET /kept/a%20b", &[], "").await;
    assert_eq!(got.headers()["etag"], format!("\"{etag}\"").as_str());
    assert_eq!(got.headers()["x-amz-version-id"], version.as_str());
    assert_eq!(got.body(), "one");
    let marked = s3(&aws, "DELETE /kept/a%20b", &[], "").await;
    assert_eq!(marked.headers()["x-amz-delete-marker"], "true");
    assert_eq!(s3(&aws, "GET /kept/a%20b", &[], "").await.status(), 404);
    assert_eq!(aws.readable("kept", "a b").len(), 1, "only hidden");
    let path = format!("DELETE /kept/a%20b?versionId={version}");
    assert_eq!(s3(&aws, &path, &[], "").await.status(), 204);
    assert!(aws.readable("kept", "a b").is_empty());

    aws.bucket("plain", Versioning::Off);
    let create = [("if-none-match", "*")];
    assert_eq!(s3(&aws, "PUT /plain/k", &create, "1").await.status(), 200);
    assert_eq!(s3(&aws, "PUT /plain/k", &create, "2").await.status(), 412);
    let other = [("if-match", "\"other\"")];
    for call in ["GET /plain/k", "DELETE /plain/k", "PUT /plain/k"] {
        assert_eq!(s3(&aws, call, &other, "").await.status(), 412, "{call}");
    }
    let tags = "<Tagging><TagSet><Tag><Key>k</Key><Value>&lt;</Value></Tag></TagSet></Tagging>";
    assert_eq!(
        s3(&aws, "PUT /plain/k?tagging", &[], tags).await.status(),
        200
    );
    let told = s3(&aws, "GET /plain/k?tagging", &[], "").await;
    let told = String::from_utf8_lossy(told.body()).into_owned();
    assert!(told.contains("<Key>k</Key><Value>&lt;</Value>"), "{told}");
    let framed = [("content-encoding", "aws-chunked")];
    let body = "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:zz==\r\n\r\n";
    assert_eq!(s3(&aws, "PUT /plain/f", &framed, body).await.status(), 200);
    assert_eq!(aws.readable("plain", "f"), ["abcde"]);
}

#[tokio::test]
async fn a_message_is_leased_comes_back_and_ends_among_the_dead() {
    let aws = Aws::start().await;
    let (url, dead) = aws.queue_with_dead_letters("work", 2);
    let poll = json!({"QueueUrl": url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 10,
        "MessageSystemAttributeNames": ["ApproximateReceiveCount"]});
    let waiting = sqs(&aws, "ReceiveMessage", poll.clone());
    let sending = async { aws.send("work", "hello") };
    let (first, ()) = tokio::join!(waiting, sending);
    let first = first.unwrap()["Messages"][0].clone();
    assert_eq!(first["Body"], "hello");
    assert_eq!(aws.depth("work"), (0, 1));
    let release = |message: &Value| json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0});
    let ended = sqs(&aws, "ChangeMessageVisibility", release(&first)).await;
    assert_eq!(ended.unwrap(), json!({}));
    let second = sqs(&aws, "ReceiveMessage", poll.clone()).await.unwrap();
    let second = &second["Messages"][0];
    assert_eq!(second["Attributes"]["ApproximateReceiveCount"], "2");
    // The older handle deletes nothing.
    let delete = json!({"QueueUrl": url, "Entries": [
        {"Id": "old", "ReceiptHandle": first["ReceiptHandle"]}, {"Id": "junk", "ReceiptHandle": "x"}]});
    let deleted = sqs(&aws, "DeleteMessageBatch", delete).await.unwrap();
    assert_eq!(deleted["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(aws.depth("work"), (0, 1));
    sqs(&aws, "ChangeMessageVisibility", release(second))
        .await
        .unwrap();
    let no_wait = json!({"QueueUrl": url});
    assert_eq!(
        sqs(&aws, "ReceiveMessage", no_wait).await.unwrap(),
        json!({})
    );
    assert_eq!((aws.depth("work"), aws.depth("work-dlq")), ((0, 0), (1, 0)));
    assert!(dead.ends_with("/work-dlq"));
}

#[tokio::test]
async fn topics_take_what_sns_takes() {
    let aws = Aws::start().await;
    let topic = aws.topic("alerts");
    let publish = |fields: String| {
        let body = format!("Action=Publish&TopicArn={topic}&{fields}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let aws = &aws;
        async move { s3(aws, "POST /", &headers, &body).await.status().as_u16() }
    };
    let good = "Message=m&Subject=s&MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value.StringValue=x";
    assert_eq!(publish(good.to_owned()).await, 200);
    assert_eq!(publish("Message=m&Subject=a%0Ab".to_owned()).await, 400);
    let long = format!("Message=m&Subject={}", "x".repeat(100));
    assert_eq!(publish(long).await, 400);
    let structured = "MessageStructure=json&Message={}".to_owned();
    assert_eq!(publish(structured).await, 400);
    let published = aws.published();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].attributes["kind"], "x");
}

#[tokio::test]
async fn calls_go_wrong_as_ordered_and_are_counted() {
    let aws = Aws::start().await;
    aws.bucket("b", Versioning::Off);
    let slow_down = Mishap::Status {
        status: 503,
        code: "SlowDown".to_owned(),
    };
    aws.trouble("s3:PutObject", 1, slow_down);
    assert_eq!(s3(&aws, "PUT /b/k", &[], "1").await.status(), 503);
    assert!(aws.keys("b").is_empty());
    let queue = aws.queue("q");
    let send = json!({"QueueUrl": queue, "MessageBody": "m"});
    aws.trouble("sqs:SendMessage", 1, Mishap::HangUp);
    assert!(sqs(&aws, "SendMessage", send.clone()).await.is_err());
    assert_eq!(aws.depth("q"), (0, 0));
    aws.trouble("sqs:SendMessage", 1, Mishap::DropAfter);
    assert!(sqs(&aws, "SendMessage", send.clone()).await.is_err());
    assert_eq!(aws.depth("q"), (1, 0), "the work was done");
    sqs(&aws, "SendMessage", send).await.unwrap();
    assert_eq!(aws.calls()["sqs:SendMessage"], 3);
}
