//! Whatever is forged, only our own role doing our own work is ours.

use serde_json::{Value, json};

use super::*;
use crate::event::{BucketName, Detail, Identity, Key, OwnPlace};

mod uses;

const US: &str = "arn:aws:sts::111122223333:assumed-role/warden/task-1";

fn place(bucket: &str, prefix: &str) -> OwnPlace {
    OwnPlace {
        bucket: BucketName::new(bucket).unwrap(),
        prefix: prefix.to_owned(),
    }
}

fn scope() -> OwnScope {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    OwnScope {
        buckets: [BucketName::new("guarded").unwrap()].into(),
        records: Some(place("records", "warden/")),
        quarantine: Some(place("kept", "")),
        queues: texts(&[
            "https://sqs.eu-west-1.amazonaws.com/111122223333/uploads",
            "events",
        ]),
        dead_letters: texts(&["arn:aws:sqs:eu-west-1:111122223333:uploads-dead"]),
        topic: Some("arn:aws:sns:eu-west-1:111122223333:alerts".to_owned()),
        models: texts(&[
            "us.anthropic.claude-haiku-5-5",
            "anthropic.claude-haiku-4-5-v1:0",
        ]),
        event_bus: Some("arn:aws:events:eu-west-1:111122223333:event-bus/security".to_owned()),
        security_hub: true,
        tasks: Some("arn:aws:ecs:eu-west-1:111122223333:task/warden/".to_owned()),
    }
}

fn ourselves(scope: OwnScope, arn: &str, user_id: &str) -> Ourselves {
    let ourselves = Ourselves::new(scope);
    ourselves.learn(Caller::from_identity("111122223333", arn, user_id));
    ourselves
}

/// How CloudTrail writes a session of our role.
fn our_session() -> Value {
    json!({
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:task-1", "arn": US,
        "accountId": "111122223333",
        "sessionContext": {"sessionIssuer": {
            "type": "Role", "principalId": "AROAEXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:role/services/warden", "userName": "warden",
        }},
    })
}

fn our_session_but(pointer: &str, value: Value) -> Value {
    let mut who = our_session();
    *who.pointer_mut(pointer).unwrap() = value;
    who
}

fn activity(who: Value, service: &str, name: &str, parameters: Value) -> Activity {
    let text = |name: &str| parameters.get(name).and_then(Value::as_str);
    let (bucket, key) = (text("bucketName"), text("key"));
    Activity {
        identity: Identity::CloudTrail {
            event_id: "e-1".to_owned(),
        },
        happened_at: jiff::Timestamp::UNIX_EPOCH,
        kind: ActivityKind::ApiCall,
        source: format!("{service}.amazonaws.com"),
        name: name.to_owned(),
        account: None,
        region: None,
        actor: None,
        ip: None,
        error: None,
        severity: None,
        bucket: bucket.and_then(BucketName::new),
        key: key.map(Key::new),
        detail: Detail::new(json!({
            "userIdentity": who,
            "userAgent": "[aws-sdk-rust/1.3 app/s3-warden]",
            "requestParameters": parameters,
        })),
    }
}

fn read_by(who: Value) -> Activity {
    activity(
        who,
        "s3",
        "GetObject",
        json!({"bucketName": "guarded", "key": "a.png"}),
    )
}

#[track_caller]
fn check_caller(who: Value, expected: Relation) {
    let us = ourselves(scope(), US, "AROAEXAMPLE:task-1");
    assert_eq!(us.relation(&read_by(who.clone())), expected, "{who}");
}

#[track_caller]
fn check(service: &str, name: &str, parameters: Value, expected: Relation) {
    let us = ourselves(scope(), US, "AROAEXAMPLE:task-1");
    let call = activity(our_session(), service, name, parameters);
    assert_eq!(
        us.relation(&call),
        expected,
        "{service} {name} {:?}",
        call.detail.value()
    );
}

#[test]
fn only_the_issuer_of_the_session_tells_us() {
    check_caller(our_session(), Relation::Ours);
    // Another task of the fleet.
    check_caller(
        our_session_but("/principalId", json!("AROAEXAMPLE:task-2")),
        Relation::Ours,
    );
    let issuer = |field: &str, value: Value| {
        our_session_but(&format!("/sessionContext/sessionIssuer/{field}"), value)
    };
    // The same name, session, ARN and user agent, and another role.
    check_caller(
        issuer("principalId", json!("AROAOTHER")),
        Relation::Stranger,
    );
    // The same name of a role in another account.
    let mut elsewhere = issuer("accountId", json!("444455556666"));
    elsewhere["sessionContext"]["sessionIssuer"]["principalId"] = json!("AROAOTHER");
    check_caller(elsewhere, Relation::Stranger);
    check_caller(
        issuer("accountId", json!("444455556666")),
        Relation::Stranger,
    );
    // A role of another name or partition under our id contradicts itself.
    check_caller(
        issuer("arn", json!("arn:aws:iam::111122223333:role/other")),
        Relation::Unknown,
    );
    check_caller(
        issuer("arn", json!("arn:aws-cn:iam::111122223333:role/warden")),
        Relation::Unknown,
    );
    check_caller(
        issuer("arn", json!("arn:aws:iam::444455556666:role/warden")),
        Relation::Unknown,
    );
    check_caller(issuer("type", json!("IAMUser")), Relation::Unknown);
}

#[test]
fn what_a_caller_writes_itself_proves_nothing() {
    let forged = [
        // A user whose name is our ARN, or who has a session of our session's name.
        json!({"type": "IAMUser", "principalId": "AIDAOTHER", "accountId": "111122223333",
               "arn": format!("arn:aws:iam::111122223333:user/{US}"), "userName": US}),
        json!({"type": "FederatedUser", "principalId": "111122223333:task-1", "arn": US,
               "accountId": "111122223333"}),
        json!({"type": "SAMLUser", "principalId": "AROAEXAMPLE:task-1", "userName": "AROAEXAMPLE:task-1"}),
        json!({"type": "AssumedRole", "principalId": "AROAOTHER:AROAEXAMPLE", "arn": US,
               "accountId": "111122223333", "sessionContext": {"sessionIssuer": {
                   "type": "Role", "principalId": "AROAOTHER", "accountId": "111122223333",
                   "arn": "arn:aws:iam::111122223333:role/other", "userName": "warden"}}}),
        // A service on its own, whoever it says that it works for.
        json!({"type": "AWSService", "invokedBy": "warden.amazonaws.com", "principalId": "AROAEXAMPLE"}),
        json!({"type": "Root", "principalId": "111122223333", "arn": US, "accountId": "111122223333"}),
        json!({"type": "AWSAccount", "principalId": "AROAOTHER:AROAEXAMPLE", "accountId": "111122223333"}),
        json!({"type": "AWSAccount", "principalId": "AROAEXAMPLE:task-1", "accountId": "444455556666"}),
    ];
    for who in forged {
        check_caller(who, Relation::Stranger);
    }
}

#[test]
fn what_is_not_told_is_not_ours() {
    let mut bare = our_session();
    bare.as_object_mut().unwrap().remove("sessionContext");
    check_caller(bare, Relation::Unknown);
    check_caller(
        our_session_but("/sessionContext/sessionIssuer", json!(US)),
        Relation::Unknown,
    );
    check_caller(
        our_session_but("/sessionContext/sessionIssuer/principalId", json!(null)),
        Relation::Unknown,
    );
    check_caller(our_session_but("/type", json!(7)), Relation::Unknown);
    check_caller(
        json!({"arn": US, "accountId": "111122223333"}),
        Relation::Unknown,
    );
    check_caller(json!(US), Relation::Unknown);
    // Nobody has asked AWS yet.
    let unlearned = Ourselves::new(scope());
    assert_eq!(
        unlearned.relation(&read_by(our_session())),
        Relation::Unknown
    );
    // The root user has no id that is ours alone.
    let root = ourselves(scope(), "arn:aws:iam::111122223333:root", "111122223333");
    let who = json!({"type": "Root", "principalId": "111122223333", "accountId": "111122223333"});
    assert_eq!(root.relation(&read_by(who)), Relation::Unknown);
    // An empty answer, as some emulators give it, is nobody.
    let nobody = ourselves(scope(), US, "");
    let who = our_session_but("/sessionContext/sessionIssuer/principalId", json!(""));
    assert_eq!(nobody.relation(&read_by(who)), Relation::Unknown);
}

#[test]
fn users_other_partitions_and_other_accounts_are_told_too() {
    let user = "arn:aws-cn:iam::111122223333:user/services/warden";
    let us = ourselves(scope(), user, "AIDAEXAMPLE");
    let who = |arn: &str, id: &str| json!({"type": "IAMUser", "principalId": id, "arn": arn, "accountId": "111122223333"});
    assert_eq!(
        us.relation(&read_by(who(user, "AIDAEXAMPLE"))),
        Relation::Ours
    );
    assert_eq!(
        us.relation(&read_by(who(user, "AIDAOTHER"))),
        Relation::Stranger
    );
    let other = user.replace("services/", "");
    assert_eq!(
        us.relation(&read_by(who(&other, "AIDAEXAMPLE"))),
        Relation::Stranger
    );
    assert_eq!(us.relation(&read_by(our_session())), Relation::Stranger);

    // As the owner of a bucket in another account sees our role; and a role without a session.
    for kind in ["AWSAccount", "Role"] {
        let who =
            json!({"type": kind, "principalId": "AROAEXAMPLE:task-1", "accountId": "111122223333"});
        check_caller(who, Relation::Ours);
    }
    let gov = US.replace("arn:aws:", "arn:aws-us-gov:");
    let us = ourselves(scope(), &gov, "AROAEXAMPLE:task-1");
    let issuer = json!("arn:aws-us-gov:iam::111122223333:role/warden");
    let who = our_session_but("/sessionContext/sessionIssuer/arn", issuer);
    assert_eq!(us.relation(&read_by(who)), Relation::Ours);
}

#[test]
fn the_first_answer_of_who_we_are_stays() {
    let us = ourselves(scope(), US, "AROAEXAMPLE:task-1");
    us.learn(Caller::from_identity(
        "444455556666",
        "arn:aws:iam::444455556666:user/x",
        "AIDAX",
    ));
    assert_eq!(us.caller().unwrap().account, "111122223333");
}
