//! Answers of AWS, as its services write them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::aws::ACCOUNT;

pub(super) fn rule(name: &str, state: &str, pattern: &Value) -> String {
    json!({"Name": name, "State": state, "EventPattern": pattern.to_string()}).to_string()
}

pub(super) fn quotas(tokens: u64, requests: u64) -> String {
    let name = |kind: &str| {
        format!("Cross-region model inference {kind} per minute for Anthropic Claude Haiku 5.5")
    };
    json!({"Quotas": [
        {"QuotaName": name("tokens"), "Value": tokens},
        {"QuotaName": name("requests"), "Value": requests},
    ]})
    .to_string()
}

pub(super) fn profile(status: &str) -> String {
    let arn = "arn:aws:bedrock:us-east-2::foundation-model/m";
    json!({
        "inferenceProfileName": "n", "inferenceProfileArn": "a", "inferenceProfileId": "i",
        "models": [{"modelArn": arn}], "status": status, "type": "SYSTEM_DEFINED",
    })
    .to_string()
}

/// A queue in order, with these attributes in place of its own.
pub(super) fn attributes(region: &str, name: &str, changed: &[(&str, &str)]) -> String {
    let arn = format!("arn:aws:sqs:{region}:{ACCOUNT}:{name}");
    let mut all = json!({
        "QueueArn": arn, "VisibilityTimeout": "120", "MessageRetentionPeriod": "345600",
        "ApproximateNumberOfMessages": "3", "ApproximateNumberOfMessagesNotVisible": "0",
    });
    if name.ends_with("-dead") {
        all["MessageRetentionPeriod"] = "1209600".into();
        all["ApproximateNumberOfMessages"] = "0".into();
    } else {
        let dead = format!("{arn}-dead");
        let redrive = json!({"deadLetterTargetArn": dead, "maxReceiveCount": 20});
        all["RedrivePolicy"] = redrive.to_string().into();
        let policy = json!({"Statement": [{
            "Effect": "Allow", "Action": "sqs:SendMessage",
            "Principal": {"Service": [
                "s3.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com",
            ]},
        }]});
        all["Policy"] = policy.to_string().into();
    }
    for (name, value) in changed {
        all[*name] = (*value).into();
    }
    json!({"Attributes": all}).to_string()
}

pub(super) fn xml(action: &str, namespace: &str, fields: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{fields}</{action}Result>\
         </{action}Response>"
    )
}

const SNS: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

pub(super) fn topic(attributes: &str) -> String {
    let fields = format!("<Attributes>{attributes}</Attributes>");
    xml("GetTopicAttributes", SNS, &fields)
}

/// Subscriptions by protocol, endpoint and whether they are confirmed.
pub(super) fn subscriptions(all: &[(&str, &str, bool)]) -> String {
    let mut members = String::new();
    for (protocol, endpoint, confirmed) in all {
        let arn = if *confirmed {
            "arn:aws:sns:r:a:t:1"
        } else {
            "PendingConfirmation"
        };
        write!(
            members,
            "<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>{protocol}</Protocol>\
             <Endpoint>{endpoint}</Endpoint></member>"
        )
        .unwrap();
    }
    let fields = format!("<Subscriptions>{members}</Subscriptions>");
    xml("ListSubscriptionsByTopic", SNS, &fields)
}

pub(super) fn s3(element: &str, content: &str) -> String {
    format!("<{element} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{content}</{element}>")
}

pub(super) fn versioning(status: &str) -> String {
    s3("VersioningConfiguration", status)
}

pub(super) fn notifications(content: &str) -> String {
    s3("NotificationConfiguration", content)
}

pub(super) fn to_queue(arn: &str, events: &[&str], prefix: &str) -> String {
    let events: String = events
        .iter()
        .map(|it| format!("<Event>{it}</Event>"))
        .collect();
    let filter = match prefix {
        "" => String::new(),
        prefix => format!(
            "<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>{prefix}</Value></FilterRule>\
             </S3Key></Filter>"
        ),
    };
    notifications(&format!(
        "<QueueConfiguration><Id>1</Id><Queue>{arn}</Queue>{events}{filter}</QueueConfiguration>"
    ))
}

pub(super) fn to_topic(arn: &str) -> String {
    notifications(&format!(
        "<TopicConfiguration><Id>1</Id><Topic>{arn}</Topic><Event>s3:ObjectCreated:*</Event>\
         </TopicConfiguration>"
    ))
}

pub(super) fn listed(key: &str, modified: &str, size: u64) -> String {
    s3(
        "ListBucketResult",
        &format!(
            "<IsTruncated>false</IsTruncated><Contents><Key>{key}</Key>\
             <LastModified>{modified}</LastModified><Size>{size}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>"
        ),
    )
}

pub(super) fn listing(about: &str) -> String {
    match about {
        "records?list" => s3("ListBucketResult", "<IsTruncated>false</IsTruncated>"),
        _ => listed("some/key.png", "2026-01-01T00:00:00Z", 7),
    }
}

pub(super) fn public_block(on: bool) -> String {
    let names = [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ];
    let switches: String = names
        .iter()
        .map(|it| format!("<{it}>{on}</{it}>"))
        .collect();
    s3("PublicAccessBlockConfiguration", &switches)
}

pub(super) fn encryption(algorithm: &str, key: &str) -> String {
    let key = match key {
        "" => String::new(),
        key => format!("<KMSMasterKeyID>{key}</KMSMasterKeyID>"),
    };
    s3(
        "ServerSideEncryptionConfiguration",
        &format!(
            "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>\
             {key}</ApplyServerSideEncryptionByDefault></Rule>"
        ),
    )
}
