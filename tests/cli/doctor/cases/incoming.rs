//! Who asks, and what comes in: queues and guarded buckets.

use s3_warden::maintenance::doctor::Check;

use super::{Case, EAST, refuse, say, uploads_arn};
use crate::doctor::answers::{
    attributes, notifications, rule, s3, subscriptions, to_queue, versioning,
};
use crate::doctor::aws::{ACCOUNT, Twist};

pub(super) fn identity() -> Vec<Case> {
    let other = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
        <GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:user/x</Arn><UserId>AIDA</UserId>\
        <Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    vec![
        Case::new(Check::Account, "", "warning")
            .says("999999999999", "account of the service")
            .with(say("sts:GetCallerIdentity", "", other)),
        Case::new(Check::Caller, "", "problem")
            .says("trouble of its own", "AWS Health")
            .behind(&[Check::Account])
            .with(refuse("sts:GetCallerIdentity", "", 500, "InternalFailure")),
        Case::new(Check::Region, "", "problem")
            .says("the topic is in eu-west-1", "AWS_REGION")
            .set(
                "WARDEN_ALERTS__TOPIC_ARN",
                format!("arn:aws:sns:eu-west-1:{ACCOUNT}:alerts"),
            ),
        Case::new(Check::Clock, "", "warning")
            .says("s behind AWS", "NTP")
            .with(Twist::Clock(120)),
        Case::new(Check::Clock, "", "problem")
            .says("s ahead of AWS", "more than 5 minutes")
            .with(Twist::Clock(-400)),
    ]
}

pub(super) fn queues() -> Vec<Case> {
    let of = |name: &str, changed: &[(&str, &str)]| {
        say(
            "sqs:GetQueueAttributes",
            name,
            attributes(EAST, name, changed),
        )
    };
    let redrive = |count: &str| {
        format!(
            "{{\"deadLetterTargetArn\":\"{}-dead\",\"maxReceiveCount\":{count}}}",
            uploads_arn()
        )
    };
    let gives_up_to = |name: &str| {
        let arn = format!("arn:aws:sqs:{EAST}:{ACCOUNT}:{name}");
        format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":20}}")
    };
    let without_sns = serde_json::json!({"Statement": [{
        "Effect": "Allow", "Action": "sqs:SendMessage",
        "Principal": {"Service": ["s3.amazonaws.com", "events.amazonaws.com"]},
    }]});
    let without_sns = without_sns.to_string();
    let all = &[
        Check::Visibility,
        Check::Redrive,
        Check::DeadLetters,
        Check::Parked,
        Check::QueueKey,
        Check::QueuePolicy,
    ];
    let gone = "AWS.SimpleQueueService.NonExistentQueue";
    vec![
        Case::new(Check::Queue, "uploads", "problem")
            .says("not there", "queue.url")
            .behind(all)
            .with(refuse("sqs:GetQueueAttributes", "uploads", 400, gone)),
        Case::new(Check::Queue, "events", "problem")
            .says("not there", "queue.events_url")
            .behind(all)
            .with(refuse("sqs:GetQueueAttributes", "events", 400, gone)),
        Case::new(Check::Queue, "uploads", "problem")
            .says("FIFO", "standard queue")
            .with(of("uploads", &[("FifoQueue", "true")])),
        Case::new(Check::Queue, "uploads", "warning")
            .says("kept 60 s", "MessageRetentionPeriod to 345600")
            .with(of("uploads", &[("MessageRetentionPeriod", "60")])),
        Case::new(Check::Queue, "uploads", "warning")
            .says("held back for 900 s", "DelaySeconds")
            .with(of("uploads", &[("DelaySeconds", "900")])),
        Case::new(Check::Queue, "uploads", "problem")
            .says("asked too often", "in a minute")
            .behind(all)
            .with(refuse(
                "sqs:GetQueueAttributes",
                "uploads",
                400,
                "ThrottlingException",
            )),
        Case::new(Check::Queue, "uploads", "problem")
            .says("no queue is named", "in place of AWS")
            .behind(all)
            .with(say("sqs:GetQueueAttributes", "uploads", "{}")),
        Case::new(Check::Queue, "uploads", "problem")
            .says(
                "does not know sqs:GetQueueAttributes",
                "AWS_ENDPOINT_URL_SQS",
            )
            .behind(all)
            .with(refuse(
                "sqs:GetQueueAttributes",
                "uploads",
                404,
                "NoSuchThing",
            )),
        // Both as the service at its start refuses them.
        Case::new(Check::Redrive, "uploads", "problem")
            .says("the queue itself", "a dead-letter queue that nobody reads")
            .behind(&[Check::DeadLetters, Check::Parked])
            .with(of("uploads", &[("RedrivePolicy", &gives_up_to("uploads"))])),
        Case::new(Check::Redrive, "uploads", "problem")
            .says("the other queue", "in the redrive policy")
            .behind(&[Check::DeadLetters, Check::Parked])
            .with(of("uploads", &[("RedrivePolicy", &gives_up_to("events"))])),
        Case::new(Check::DeadLetters, "uploads", "problem")
            .says("dead.fifo: a FIFO queue", "queue.dead_letter_url")
            .with(say(
                "sqs:GetQueueUrl",
                "uploads-dead",
                "{\"QueueUrl\": \"http://sqs/111122223333/dead.fifo\"}",
            ))
            .with(say(
                "sqs:GetQueueAttributes",
                "dead.fifo",
                attributes(EAST, "uploads-dead", &[]),
            )),
        Case::new(Check::Region, "", "problem")
            .says("a queue is in eu-west-1", "AWS_REGION")
            .set(
                "WARDEN_QUEUE__URL",
                format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/uploads"),
            ),
        Case::new(Check::Visibility, "uploads", "warning")
            .says("12 h", "VisibilityTimeout to 120")
            .with(of("uploads", &[("VisibilityTimeout", "43200")])),
        Case::new(Check::Visibility, "events", "warning")
            .says("0 s", "VisibilityTimeout")
            .with(of("events", &[("VisibilityTimeout", "0")])),
        Case::new(Check::Redrive, "uploads", "problem")
            .says("no redrive policy", "maxReceiveCount 20")
            .behind(&[Check::DeadLetters, Check::Parked])
            .with(of("uploads", &[("RedrivePolicy", "")])),
        Case::new(Check::Redrive, "uploads", "problem")
            .says("maxReceiveCount is 3", "to 20")
            .with(of("uploads", &[("RedrivePolicy", &redrive("3"))])),
        Case::new(Check::DeadLetters, "uploads", "problem")
            .says("not there", "dead-letter queue")
            .behind(&[Check::Parked])
            .with(refuse("sqs:GetQueueUrl", "uploads-dead", 400, gone)),
        Case::new(Check::DeadLetters, "uploads", "warning")
            .says("4 d", "1209600")
            .with(of("uploads-dead", &[("MessageRetentionPeriod", "345600")])),
        Case::new(Check::DeadLetters, "events", "warning")
            .says("14 d", "expire on arrival")
            .with(of("events", &[("MessageRetentionPeriod", "1209600")])),
        Case::new(Check::Parked, "uploads", "warning")
            .says("7 messages", "s3-warden dlq list")
            .with(of("uploads-dead", &[("ApproximateNumberOfMessages", "7")])),
        Case::new(Check::QueueKey, "uploads", "problem")
            .says("alias/aws/sqs", "SqsManagedSseEnabled")
            .with(of("uploads", &[("KmsMasterKeyId", "alias/aws/sqs")])),
        Case::new(Check::QueueKey, "uploads", "not_checked")
            .says("not asked for", "kms:GenerateDataKey")
            .with(of("uploads", &[("KmsMasterKeyId", "alias/ours")])),
        Case::new(Check::QueuePolicy, "uploads", "problem")
            .says(
                "S3 for pictures, SNS for news, EventBridge for scans",
                "s3.amazonaws.com",
            )
            .with(of("uploads", &[("Policy", "")])),
        Case::new(Check::QueuePolicy, "uploads", "problem")
            .says("not let send: SNS for news", "sns.amazonaws.com")
            .with(of("uploads", &[("Policy", &without_sns)])),
    ]
}

pub(super) fn buckets() -> Vec<Case> {
    let told = |body: String| say("s3:GetBucketNotification", "pictures", body);
    let nobody = "deploy/notify.sh --queue-arn arn:aws:sqs:us-east-1:111122223333:uploads pictures";
    let off = rule(
        "scans",
        "DISABLED",
        &serde_json::json!({"source": ["aws.s3"]}),
    );
    let some = rule(
        "scans",
        "ENABLED",
        &serde_json::json!({
            "source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "in/"}]}},
        }),
    );
    let tagged = |key: &str, value: &str| {
        let tags = format!("<TagSet><Tag><Key>{key}</Key><Value>{value}</Value></Tag></TagSet>");
        say("s3:GetObjectTagging", "pictures", s3("Tagging", &tags))
    };
    let all = &[
        Check::Versioning,
        Check::Notifications,
        Check::NotificationScope,
        Check::ObjectLock,
        Check::ReadGrant,
    ];
    let lock = "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
        <Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule>";
    let scope = || Case::new(Check::NotificationScope, "pictures", "warning");
    vec![
        Case::new(Check::Bucket, "pictures", "problem")
            .says("not there", "intake.buckets")
            .behind(all)
            .with(refuse("s3:ListBucket", "pictures", 404, "NoSuchBucket")),
        Case::new(Check::Bucket, "pictures", "problem")
            .says("eu-west-1", "one service for each region")
            .with(Twist::Header(
                "s3:ListBucket",
                "pictures".to_owned(),
                "x-amz-bucket-region",
                "eu-west-1",
            )),
        Case::new(Check::Versioning, "pictures", "warning")
            .says("off", "put-bucket-versioning --bucket pictures")
            .with(say("s3:GetBucketVersioning", "pictures", versioning(""))),
        Case::new(Check::Versioning, "pictures", "warning")
            .says("suspended", "Status=Enabled")
            .with(say(
                "s3:GetBucketVersioning",
                "pictures",
                versioning("<Status>Suspended</Status>"),
            )),
        Case::new(Check::Notifications, "pictures", "problem")
            .says("tells nobody", nobody)
            .behind(&[Check::NotificationScope])
            .with(told(notifications(""))),
        Case::new(Check::Notifications, "pictures", "problem")
            .says("tells others", "what it tells others stays")
            .behind(&[Check::NotificationScope])
            .with(told(to_queue(
                "arn:aws:sqs:us-east-1:1:other",
                &["s3:ObjectCreated:*"],
                "",
            ))),
        Case::new(Check::Notifications, "drops", "problem")
            .says("tells others", "")
            .behind(&[Check::NotificationScope])
            .with(say(
                "sns:ListSubscriptionsByTopic",
                "news",
                subscriptions(&[]),
            )),
        Case::new(Check::Notifications, "scans", "problem")
            .says("no enabled rule", "")
            .behind(&[Check::NotificationScope])
            .with(say(
                "events:ListRuleNamesByTarget",
                "uploads",
                "{\"RuleNames\": []}",
            )),
        Case::new(Check::RulesEnabled, "", "problem")
            .says("switched off: scans", "aws events enable-rule --name scans")
            // That it is off is also why nothing of this bucket comes: the test below knows.
            .with(say("events:DescribeRule", "scans", off))
            .with(say(
                "s3:GetBucketNotification",
                "scans",
                to_queue(&uploads_arn(), &["s3:ObjectCreated:*"], ""),
            )),
        scope()
            .says("Post, Copy", "s3:ObjectCreated:*")
            .with(told(to_queue(
                &uploads_arn(),
                &[
                    "s3:ObjectCreated:Put",
                    "s3:ObjectCreated:CompleteMultipartUpload",
                ],
                "",
            ))),
        scope().says("in/*", "intake.prefixes").with(told(to_queue(
            &uploads_arn(),
            &["s3:ObjectCreated:*"],
            "in/",
        ))),
        // Some stores answer the name as it was put in.
        scope().says("in/*", "intake.prefixes").with(told(
            to_queue(&uploads_arn(), &["s3:ObjectCreated:*"], "in/")
                .replace("<Name>Prefix", "<Name>prefix"),
        )),
        Case::new(Check::NotificationScope, "scans", "warning")
            .says("detail.object.key", "intake.prefixes")
            .with(say("events:DescribeRule", "scans", some)),
        Case::new(Check::ReadGrant, "pictures", "not_checked")
            .says("none is judged", "deploy/bucket-policy.json")
            .with(refuse("s3:GetObject", "pictures", 403, "AccessDenied"))
            .with(tagged("other", "clean")),
        Case::new(Check::ReadGrant, "pictures", "problem")
            .says("s3:GetObject is denied", "deploy/iam/operator.json")
            .with(refuse("s3:GetObject", "pictures", 403, "AccessDenied"))
            .with(tagged("s3-warden", "clean")),
        Case::new(Check::ObjectLock, "pictures", "warning")
            .says("30 days", "cannot be removed")
            .with(say(
                "s3:GetBucketObjectLockConfiguration",
                "pictures",
                s3("ObjectLockConfiguration", lock),
            )),
        Case::new(Check::ObjectLock, "pictures", "problem")
            .says("an empty answer", "in place of AWS")
            .with(say("s3:GetBucketObjectLockConfiguration", "pictures", "")),
        Case::new(Check::ReadGrant, "pictures", "problem")
            .says("KMS key", "kms:Decrypt")
            .with(refuse("s3:GetObject", "pictures", 403, "KmsDenied")),
        Case::new(Check::ReadGrant, "pictures", "not_checked")
            .says("not there to read", "once more")
            .with(refuse("s3:GetObject", "pictures", 404, "NoSuchKey")),
        Case::new(Check::ReadGrant, "pictures", "not_checked")
            .says("no object", "upload one")
            .with(say(
                "s3:ListBucket",
                "pictures?list",
                s3("ListBucketResult", ""),
            )),
    ]
}
