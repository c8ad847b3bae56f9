//! What S3 says of a bucket and an object, and what follows from it.

use std::time::Duration;

use crate::aws::scripted::{Answer, Scripted};
use crate::aws::{AwsSettings, S3Store};
use crate::event::{BucketName, ETag, Key, ObjectPin, VersionId};
use crate::object::{Exposure, ObjectRef, ObjectStore};

fn object(version: Option<&str>) -> ObjectRef {
    ObjectRef {
        bucket: BucketName::new("inbox").unwrap(),
        key: Key::new("jane doe.png"),
        pin: ObjectPin {
            version: version.and_then(VersionId::new),
            etag: ETag::new("0123").unwrap(),
        },
    }
}

/// A public access block: what ignores grants, what restricts policies.
fn block(ignores_grants: bool, restricts_policies: bool) -> Answer {
    Answer::new(
        200,
        format!(
            "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
             <IgnorePublicAcls>{ignores_grants}</IgnorePublicAcls>\
             <BlockPublicPolicy>true</BlockPublicPolicy>\
             <RestrictPublicBuckets>{restricts_policies}</RestrictPublicBuckets>\
             </PublicAccessBlockConfiguration>"
        ),
    )
}

fn policy(public: bool) -> Answer {
    let body = format!("<PolicyStatus><IsPublic>{public}</IsPublic></PolicyStatus>");
    Answer::new(200, body)
}

/// A list of grants: the owner's, and one to a group.
fn grants(group: Option<&str>) -> Answer {
    const XSI: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let group = group.map_or(String::new(), |group| {
        format!(
            "<Grant><Grantee {XSI} xsi:type=\"Group\"><URI>{group}</URI></Grantee>\
             <Permission>READ</Permission></Grant>"
        )
    });
    Answer::new(
        200,
        format!(
            "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList>\
             <Grant><Grantee {XSI} xsi:type=\"CanonicalUser\"><ID>1</ID></Grantee>\
             <Permission>FULL_CONTROL</Permission></Grant>{group}\
             </AccessControlList></AccessControlPolicy>"
        ),
    )
}

fn refused(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    Answer::new(status, body)
}

const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const ANYBODY_WITH_AN_ACCOUNT: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOGS: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// What a path asks for, without names of the SDK's own.
fn question(path: &str) -> &'static str {
    for (mark, question) in [
        ("publicAccessBlock", "block"),
        ("policyStatus", "policy"),
        ("acl&versionId=v1", "object, this version"),
        ("jane%20doe.png?acl", "object"),
        ("acl", "grants"),
    ] {
        if path.contains(mark) {
            return question;
        }
    }
    "something else"
}

/// The answers go to the questions in the order in which they are asked; those about policy and
/// grants come side by side, so both get an answer that fits either.
async fn asked(version: Option<&str>, answers: Vec<Answer>) -> (Exposure, Vec<&'static str>) {
    let service = Scripted::start(answers).await;
    let clients = service.clients().await;
    let store = S3Store::new(&clients, AwsSettings::default(), None, 1_000);
    let exposure = store.exposure(&object(version)).await;
    let mut questions: Vec<_> = service
        .asked()
        .iter()
        .map(|it| question(&it.path))
        .collect();
    questions.sort_unstable();
    (exposure, questions)
}

async fn check(answers: Vec<Answer>, exposure: Exposure, questions: &[&str]) {
    let found = asked(None, answers).await;
    assert_eq!((found.0, found.1.as_slice()), (exposure, questions));
}

#[tokio::test]
async fn a_block_that_shuts_out_grants_and_policies_needs_no_other_answer() {
    check(vec![block(true, true)], Exposure::NotPublic, &["block"]).await;
}

#[tokio::test]
async fn a_policy_makes_a_bucket_public_where_it_is_not_restricted() {
    let asks = ["block", "policy"];
    check(
        vec![block(true, false), policy(true)],
        Exposure::Public,
        &asks,
    )
    .await;
    let none = refused(404, "NoSuchBucketPolicy");
    check(vec![block(true, false), none], Exposure::NotPublic, &asks).await;
    check(
        vec![block(true, false), policy(false)],
        Exposure::NotPublic,
        &asks,
    )
    .await;
}

#[tokio::test]
async fn grants_of_the_bucket_count_where_they_are_not_ignored() {
    for group in [EVERYBODY, ANYBODY_WITH_AN_ACCOUNT] {
        let answers = vec![block(false, true), grants(Some(group))];
        check(answers, Exposure::Public, &["block", "grants"]).await;
    }
    let answers = vec![block(false, true), grants(Some(LOGS)), grants(None)];
    check(answers, Exposure::NotPublic, &["block", "grants", "object"]).await;
}

#[tokio::test]
async fn grants_of_the_object_count_where_the_bucket_is_shut() {
    let asks = ["block", "grants", "object"];
    let answers = vec![block(false, true), grants(None), grants(Some(EVERYBODY))];
    check(answers, Exposure::Public, &asks).await;
    let gone = refused(404, "NoSuchKey");
    check(
        vec![block(false, true), grants(None), gone],
        Exposure::Unknown,
        &asks,
    )
    .await;
    let off = || refused(400, "AccessControlListNotSupported");
    check(
        vec![block(false, true), off(), off()],
        Exposure::NotPublic,
        &asks,
    )
    .await;
}

#[tokio::test]
async fn exactly_the_judged_version_is_asked() {
    let answers = vec![block(false, true), grants(None), grants(Some(EVERYBODY))];
    let (exposure, questions) = asked(Some("v1"), answers).await;
    assert_eq!(exposure, Exposure::Public);
    assert_eq!(questions, ["block", "grants", "object, this version"]);
}

#[tokio::test]
async fn a_bucket_without_a_block_is_asked_everything() {
    let none = refused(404, "NoSuchPublicAccessBlockConfiguration");
    // The same answer to both questions, which come side by side.
    let nothing = || refused(404, "NoSuchBucketPolicy");
    let answers = vec![none, nothing(), nothing(), grants(None)];
    let asks = ["block", "grants", "object", "policy"];
    check(answers, Exposure::NotPublic, &asks).await;
}

#[tokio::test]
async fn who_may_not_ask_knows_nothing() {
    let denied = || refused(403, "AccessDenied");
    check(vec![denied()], Exposure::Unknown, &["block"]).await;
    let odd = refused(501, "NotImplemented");
    check(vec![odd], Exposure::Unknown, &["block"]).await;
    let odd = Answer::new(200, "<PolicyStatus/>");
    let asks = ["block", "policy"];
    check(vec![block(true, false), odd], Exposure::Unknown, &asks).await;
    let answers = vec![block(true, false), denied()];
    check(answers, Exposure::Unknown, &["block", "policy"]).await;
    let answers = vec![block(false, true), grants(None), denied()];
    check(answers, Exposure::Unknown, &["block", "grants", "object"]).await;
    // What one says is a fact, whatever the other keeps to itself.
    let answers = vec![block(false, true), denied(), grants(Some(EVERYBODY))];
    check(answers, Exposure::Public, &["block", "grants", "object"]).await;
    let answers = vec![block(false, true), denied(), grants(None)];
    check(answers, Exposure::Unknown, &["block", "grants", "object"]).await;
}

#[tokio::test]
async fn a_bucket_is_asked_once_in_a_while_and_by_one_at_a_time() {
    let service = Scripted::start([block(true, true), block(true, false), policy(true)]).await;
    let clients = service.clients().await;
    let store = S3Store::new(&clients, AwsSettings::default(), None, 1_000);
    let object = object(None);
    let all = futures::future::join_all((0..5).map(|_| store.exposure(&object))).await;
    assert_eq!(all, [Exposure::NotPublic; 5]);
    assert_eq!(service.asked().len(), 1);
    // The clock is paused for the moment only: a real connection does not wait for it.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(590)).await;
    assert_eq!(store.exposure(&object).await, Exposure::NotPublic);
    tokio::time::advance(Duration::from_secs(20)).await;
    tokio::time::resume();
    assert_eq!(store.exposure(&object).await, Exposure::Public);
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn trouble_is_forgotten_sooner_than_a_refusal() {
    let trouble = refused(500, "InternalError");
    let service = Scripted::start([trouble, block(true, true)]).await;
    let clients = service.clients().await;
    let store = S3Store::new(&clients, AwsSettings::default(), None, 1_000);
    let object = object(None);
    assert_eq!(store.exposure(&object).await, Exposure::Unknown);
    assert_eq!(store.exposure(&object).await, Exposure::Unknown);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert_eq!(store.exposure(&object).await, Exposure::NotPublic);
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn a_silence_is_remembered_though_the_asker_goes_away() {
    // Connections are taken by the system and never answered.
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let clients = crate::aws::Clients::at_endpoint(&endpoint, Some(&endpoint)).await;
    let store = S3Store::new(&clients, AwsSettings::default(), None, 1_000);
    tokio::time::pause();
    let object = object(None);
    // As long as the inspector waits.
    let ask = || tokio::time::timeout(Duration::from_secs(3), store.exposure(&object));
    assert_eq!(ask().await.unwrap(), Exposure::Unknown);
    let started = tokio::time::Instant::now();
    for _ in 0..3 {
        assert_eq!(ask().await.unwrap(), Exposure::Unknown);
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(ask().await.unwrap(), Exposure::Unknown);
    assert!(started.elapsed() > Duration::from_secs(60), "asked again");
}
