//! Who can read an object, as an emulator of S3 tells it. It says nothing of policies, so what no
//! list of grants settles stays unknown there; that part is checked against a scripted S3.

use aws_sdk_s3::types::{
    BucketCannedAcl, ObjectCannedAcl, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration,
};
use s3_warden::aws::{AwsSettings, S3Store};
use s3_warden::object::{Exposure, ObjectRef, ObjectStore};

use crate::kit::Emulator;
use crate::scripted_s3::{ScriptedS3, refuses, says};
use crate::store::{StoreGround, put_and_fetched};
use crate::store_refusals;
use crate::store_s3::{BucketBench, Buckets};

/// A versioned bucket in which grants are not switched off.
async fn bench() -> BucketBench {
    let bench = Buckets::Versioned.make().await;
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::ObjectWriter)
        .build()
        .unwrap();
    let rules = OwnershipControls::builder().rules(rule).build().unwrap();
    let put = bench.client.put_bucket_ownership_controls();
    let put = put.bucket(bench.bucket.as_str()).ownership_controls(rules);
    put.send().await.unwrap();
    bench
}

/// Asks with a store that remembers nothing.
async fn exposure(object: &ObjectRef) -> Exposure {
    let clients = Emulator::clients().await;
    let store = S3Store::new(&clients, AwsSettings::default(), None, 1_000);
    store.exposure(object).await
}

#[tokio::test]
async fn a_grant_to_everybody_opens_exactly_the_version_that_has_it() {
    let bench = bench().await;
    let older = put_and_fetched(&bench, "k", b"one").await;
    let newer = put_and_fetched(&bench, "k", b"two").await;
    let put = bench.client.put_object_acl().bucket(bench.bucket.as_str());
    let put = put.key("k").acl(ObjectCannedAcl::PublicRead);
    let version = older.pin.version.as_ref().unwrap().as_str();
    put.version_id(version).send().await.unwrap();
    assert_eq!(exposure(&older).await, Exposure::Public);
    assert_eq!(exposure(&newer).await, Exposure::Unknown);
}

#[tokio::test]
async fn a_public_bucket_opens_all_of_it_until_its_access_block_shuts_it() {
    let bench = bench().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    assert_eq!(exposure(&object).await, Exposure::Unknown);
    let put = bench.client.put_bucket_acl().bucket(bench.bucket.as_str());
    let put = put.acl(BucketCannedAcl::PublicRead);
    put.send().await.unwrap();
    assert_eq!(exposure(&object).await, Exposure::Public);
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let put = bench.client.put_public_access_block();
    let put = put.bucket(bench.bucket.as_str());
    let put = put.public_access_block_configuration(block);
    put.send().await.unwrap();
    assert_eq!(exposure(&object).await, Exposure::NotPublic);
}

#[tokio::test]
async fn what_is_gone_is_unknown_and_no_error() {
    let bench = bench().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.store.remove(&object).await.unwrap();
    assert_eq!(exposure(&object).await, Exposure::Unknown);
}

#[tokio::test]
async fn every_question_names_the_owner_and_that_about_the_object_agrees_to_pay() {
    let s3 = ScriptedS3::start(|asked| match asked.query.contains("acl") {
        true => says(
            200,
            &[],
            "<AccessControlPolicy><AccessControlList/></AccessControlPolicy>",
        ),
        false => refuses(asked, 404, "NoSuchBucketPolicy", ""),
    })
    .await;
    let settings = AwsSettings {
        expected_bucket_owner: Some("123456789012".to_owned()),
        request_payer: true,
    };
    let store = store_refusals::store(&s3, settings).await;
    let exposure = store.exposure(&store_refusals::object(Some("v1"))).await;
    assert_eq!(exposure, Exposure::NotPublic);
    let asked = s3.asked();
    assert_eq!(
        asked.len(),
        4,
        "block, policy, grants, grants of the object"
    );
    for asked in &asked {
        let owner = asked.header("x-amz-expected-bucket-owner");
        assert_eq!(owner, Some("123456789012"), "{asked:?}");
    }
    let of_object = asked.last().unwrap();
    assert!(of_object.query.contains("versionId=v1"), "{of_object:?}");
    assert_eq!(of_object.header("x-amz-request-payer"), Some("requester"));
}
