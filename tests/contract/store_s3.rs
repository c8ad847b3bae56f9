//! Buckets of the emulator as grounds for the contract of `object::ObjectStore`, and what only a
//! bucket has: versions, delete markers, tags.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, Tag, Tagging, VersioningConfiguration};
use s3_warden::aws::{AwsSettings, S3Store, Versioning};
use s3_warden::event::{BucketName, EventPin, FindingId, OwnPlace, Target};
use s3_warden::object::{
    Fetched, Located, Mark, ObjectRef, ObjectStore, Quarantine, Removed, Tagged,
};
use tokio::sync::Mutex;

use crate::kit::{Emulator, Ground, id_of};
use crate::store::{StoreBench, StoreGround, fetched_in, put_and_fetched, sha256};

pub(crate) const PREFIX: &str = "held/";

/// How the buckets of a ground keep versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buckets {
    Unversioned,
    Versioned,
    Suspended,
    /// Versioning is turned on after each upload of a new key.
    EnabledAfterUpload,
}

impl Ground for Buckets {
    async fn advance(&self, by: std::time::Duration) {
        Emulator.advance(by).await;
    }
}

pub(crate) struct BucketBench {
    pub(crate) kind: Buckets,
    pub(crate) client: Client,
    pub(crate) bucket: BucketName,
    pub(crate) quarantine: BucketName,
    pub(crate) store: S3Store,
    /// Keys that were written.
    written: Mutex<Vec<String>>,
}

impl StoreGround for Buckets {
    type Bench = BucketBench;

    async fn make(&self) -> BucketBench {
        let client = client().await;
        let name = async |what: &str| {
            let name = Emulator::name(what);
            client.create_bucket().bucket(&name).send().await.unwrap();
            BucketName::new(name).unwrap()
        };
        let (bucket, quarantine) = (name("inbox").await, name("held").await);
        let place = OwnPlace {
            bucket: quarantine.clone(),
            prefix: PREFIX.to_owned(),
        };
        let clients = Emulator::clients().await;
        let store = S3Store::new(&clients, AwsSettings::default(), Some(place), 1_000);
        let bench = BucketBench {
            kind: *self,
            client,
            bucket,
            quarantine,
            store,
            written: Mutex::new(Vec::new()),
        };
        match self {
            Self::Unversioned | Self::EnabledAfterUpload => {}
            Self::Versioned => bench.set_versioning(true).await,
            Self::Suspended => {
                bench.set_versioning(true).await;
                bench.set_versioning(false).await;
            }
        }
        bench
    }
}

pub(crate) async fn client() -> Client {
    let config = aws_sdk_s3::config::Builder::from(&Emulator::sdk().await);
    Client::from_conf(config.force_path_style(true).build())
}

impl BucketBench {
    pub(crate) async fn set_versioning(&self, enabled: bool) {
        let status = if enabled {
            BucketVersioningStatus::Enabled
        } else {
            BucketVersioningStatus::Suspended
        };
        let versioning = VersioningConfiguration::builder().status(status).build();
        let put = self.client.put_bucket_versioning();
        let put = put.bucket(self.bucket.as_str());
        put.versioning_configuration(versioning)
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn put_plainly(&self, key: &str, bytes: &[u8]) -> Option<String> {
        let put = self.client.put_object().bucket(self.bucket.as_str());
        let put = put.key(key).body(ByteStream::from(bytes.to_vec()));
        let put = put.metadata("team", "hr").content_type("image/png");
        put.send().await.unwrap().version_id().map(str::to_owned)
    }

    /// Ids of the versions of a key and of its delete markers.
    pub(crate) async fn versions(&self, key: &str) -> (Vec<String>, Vec<String>) {
        let list = self.client.list_object_versions();
        let list = list.bucket(self.bucket.as_str()).prefix(key);
        let listed = list.send().await.unwrap();
        let versions = listed.versions().iter();
        let versions = versions.filter(|it| it.key() == Some(key));
        let markers = listed.delete_markers().iter();
        let markers = markers.filter(|it| it.key() == Some(key));
        (
            versions
                .map(|it| it.version_id().unwrap().to_owned())
                .collect(),
            markers
                .map(|it| it.version_id().unwrap().to_owned())
                .collect(),
        )
    }

    pub(crate) async fn set_tags(&self, key: &str, tags: &[(String, String)]) {
        let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
        let tags = tags.iter().map(|it| tag(it).unwrap()).collect();
        let set = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        let put = self.client.put_object_tagging();
        let put = put.bucket(self.bucket.as_str()).key(key).tagging(set);
        put.send().await.unwrap();
    }

    pub(crate) async fn tags(&self, bucket: &BucketName, key: &str) -> Vec<(String, String)> {
        let get = self.client.get_object_tagging();
        let got = get.bucket(bucket.as_str()).key(key).send().await.unwrap();
        let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
        got.tag_set().iter().map(pair).collect()
    }

    async fn read(&self, bucket: &BucketName, key: &str, version: Option<&str>) -> Option<Vec<u8>> {
        let get = self.client.get_object().bucket(bucket.as_str()).key(key);
        let got = get.set_version_id(version.map(str::to_owned)).send().await;
        let body = got.ok()?.body.collect().await.unwrap();
        Some(body.to_vec())
    }
}

impl StoreBench for BucketBench {
    fn has_versions(&self) -> bool {
        self.kind == Buckets::Versioned
    }

    fn adds_versions(&self) -> bool {
        matches!(self.kind, Buckets::Versioned | Buckets::EnabledAfterUpload)
    }

    fn keeps_replaced(&self) -> bool {
        matches!(self.kind, Buckets::Versioned | Buckets::EnabledAfterUpload)
    }

    fn bucket(&self) -> BucketName {
        self.bucket.clone()
    }

    fn store(&self) -> &dyn ObjectStore {
        &self.store
    }

    fn back(&self) -> &dyn Quarantine {
        &self.store
    }

    async fn spoil(&self, id: &FindingId, bytes: &[u8]) {
        let put = self.client.put_object().bucket(self.quarantine.as_str());
        let put = put.key(format!("{PREFIX}{id}"));
        put.body(ByteStream::from(bytes.to_vec()))
            .send()
            .await
            .unwrap();
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        if self.kind != Buckets::EnabledAfterUpload {
            self.put_plainly(key, bytes).await;
            return;
        }
        let mut written = self.written.lock().await;
        let new = !written.iter().any(|it| it == key) || self.states(key).await.is_empty();
        if new && !written.is_empty() {
            self.set_versioning(false).await;
        }
        self.put_plainly(key, bytes).await;
        self.set_versioning(true).await;
        written.push(key.to_owned());
    }

    async fn delete(&self, key: &str) {
        let delete = self.client.delete_object();
        let delete = delete.bucket(self.bucket.as_str()).key(key);
        delete.send().await.unwrap();
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.read(&self.bucket, key, None).await
    }

    async fn states(&self, key: &str) -> Vec<Vec<u8>> {
        let mut states = Vec::new();
        for version in self.versions(key).await.0 {
            states.extend(self.read(&self.bucket, key, Some(&version)).await);
        }
        states
    }

    async fn quarantined(&self, id: &FindingId) -> Option<Vec<u8>> {
        self.read(&self.quarantine, &format!("{PREFIX}{id}"), None)
            .await
    }
}

/// What an event from before there were versions means.
fn meant(object: &ObjectRef) -> Target {
    Target {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        pin: Some(EventPin::ETag(object.pin.etag.clone())),
    }
}

#[tokio::test]
async fn no_other_version_is_touched_wherever_the_judged_one_lies() {
    let bench = Buckets::Versioned.make().await;
    let first = put_and_fetched(&bench, "k", b"one").await;
    let second = put_and_fetched(&bench, "k", b"two").await;
    bench.delete("k").await;
    let (versions, markers) = bench.versions("k").await;
    assert_eq!((versions.len(), markers.len()), (2, 1));
    let removed = bench.store.remove(&second).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    let left = bench.versions("k").await;
    let first = first.pin.version.unwrap();
    assert_eq!(left, (vec![first.as_str().to_owned()], markers));
}

#[tokio::test]
async fn what_a_marker_covers_is_read_and_removed_by_its_name() {
    let bench = Buckets::Unversioned.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.set_versioning(true).await;
    bench.delete("k").await;
    assert_eq!(bench.get("k").await, None);
    assert_eq!(bench.states("k").await, [b"one".to_vec()]);
    let meant = meant(&object);
    let read = bench.store.fetch(&meant, 1_000).await.unwrap();
    assert!(matches!(&read, Fetched::Body { object: read, .. } if *read == object));
    let (_, markers) = bench.versions("k").await;
    let removed = bench.store.remove(&object).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    assert_eq!(bench.versions("k").await, (vec![], markers));
}

#[tokio::test]
async fn what_a_version_with_the_same_bytes_covers_is_read_and_removed() {
    let bench = Buckets::Unversioned.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.set_versioning(true).await;
    let newer = bench.put_plainly("k", b"one").await.unwrap();
    let meant = meant(&object);
    let located = bench.store.locate(&meant).await.unwrap();
    assert!(matches!(&located, Located::There { object: it, .. } if *it == object));
    let read = bench.store.fetch(&meant, 1_000).await.unwrap();
    assert!(matches!(&read, Fetched::Body { object: it, .. } if *it == object));
    bench.store.remove(&object).await.unwrap();
    assert_eq!(bench.versions("k").await, (vec![newer], vec![]));
    // Nothing lies under it any more: now the event means what is there.
    let read = bench.store.fetch(&meant, 1_000).await.unwrap();
    assert!(matches!(&read, Fetched::Body { object: it, .. } if it.pin.version.is_some()));
}

#[tokio::test]
async fn versioning_that_is_turned_on_is_seen_by_the_next_read() {
    let bench = Buckets::Unversioned.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let buckets = [bench.bucket()];
    bench.store.probe(&buckets, false, false).await.unwrap();
    bench.set_versioning(true).await;
    bench.put_plainly("k", b"newer").await;
    let meant = meant(&object);
    let read = bench.store.fetch(&meant, 1_000).await.unwrap();
    assert!(matches!(&read, Fetched::Body { object: it, .. } if *it == object));
}

#[tokio::test]
async fn versioning_that_is_turned_on_between_look_and_delete_hides_nothing() {
    for older in [false, true] {
        let bench = Buckets::Unversioned.make().await;
        let object = put_and_fetched(&bench, "k", b"one").await;
        let other = put_and_fetched(&bench, "other", b"two").await;
        // Now the store believes that the bucket keeps no versions.
        let removed = bench.store.remove(&other).await.unwrap();
        assert_eq!(removed, Removed::Removed);
        bench.set_versioning(true).await;
        if older {
            bench.put_plainly("k", b"newer").await;
        }
        let removed = bench.store.remove(&object).await.unwrap();
        assert_eq!(removed, Removed::Removed);
        let newer: Vec<Vec<u8>> = older.then(|| b"newer".to_vec()).into_iter().collect();
        assert_eq!(bench.states("k").await, newer);
        let (_, markers) = bench.versions("k").await;
        assert!(markers.is_empty(), "a marker of ours is left: {markers:?}");
    }
}

#[tokio::test]
async fn a_suspended_bucket_loses_the_judged_state_and_keeps_the_older_ones() {
    let bench = Buckets::Versioned.make().await;
    let older = bench.put_plainly("k", b"older").await.unwrap();
    bench.set_versioning(false).await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    assert_eq!(object.pin.version, None);
    assert_eq!(bench.versions("k").await.0.len(), 2);
    let removed = bench.store.remove(&object).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    assert_eq!(bench.versions("k").await.0, [older]);
    let again = bench.store.remove(&object).await.unwrap();
    assert_eq!(again, Removed::AlreadyGone);
}

#[tokio::test]
async fn a_covered_state_in_a_suspended_bucket_is_removed() {
    let bench = Buckets::Unversioned.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.set_versioning(true).await;
    let newer = bench.put_plainly("k", b"newer").await.unwrap();
    bench.set_versioning(false).await;
    let removed = bench.store.remove(&object).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    assert_eq!(bench.versions("k").await, (vec![newer], vec![]));
    assert_eq!(bench.get("k").await.as_deref(), Some(&b"newer"[..]));
}

#[tokio::test]
async fn keys_that_a_path_would_resolve_are_taken_as_they_are() {
    let bench = Buckets::Versioned.make().await;
    for key in [
        "/lead", "../up", "a/../b", "a//b", "a/", "./x", "%2e%2e/y", "a b/",
    ] {
        let object = put_and_fetched(&bench, key, key.as_bytes()).await;
        let tagged = bench.store.tag(&object, Mark::Flagged).await.unwrap();
        assert_eq!(tagged, Tagged::Tagged, "{key}");
        let (id, hash) = (id_of(key), sha256(key.as_bytes()));
        let moved = bench.store.quarantine(&object, &id, Some(&hash)).await;
        assert_eq!(moved.unwrap(), Removed::Removed, "{key}");
        assert!(bench.states(key).await.is_empty(), "{key}");
        assert_eq!(bench.quarantined(&id).await.unwrap(), key.as_bytes());
    }
}

#[tokio::test]
async fn a_copy_carries_what_the_owner_said_and_where_it_is_from() {
    let bench = Buckets::Versioned.make().await;
    bench.put("여권/a b.png", b"one").await;
    let tags = vec![("project".to_owned(), "x".to_owned())];
    bench.set_tags("여권/a b.png", &tags).await;
    let (object, ..) = fetched_in(&bench.store, bench.bucket(), "여권/a b.png").await;
    let (id, hash) = (id_of("k"), sha256(b"one"));
    let moved = bench.store.quarantine(&object, &id, Some(&hash)).await;
    assert_eq!(moved.unwrap(), Removed::Removed);
    let key = format!("{PREFIX}{id}");
    let head = bench.client.head_object().bucket(bench.quarantine.as_str());
    let head = head.key(&key).send().await.unwrap();
    assert_eq!(head.content_type(), Some("image/png"));
    let said = head.metadata().unwrap();
    assert_eq!(said["team"], "hr");
    assert_eq!(said["s3-warden-bucket"], bench.bucket.as_str());
    assert_eq!(said["s3-warden-key"], "%EC%97%AC%EA%B6%8C/a%20b.png");
    assert_eq!(
        said["s3-warden-version"],
        object.pin.version.unwrap().as_str()
    );
    assert_eq!(bench.tags(&bench.quarantine, &key).await, tags);
}

#[tokio::test]
async fn a_kill_between_copy_and_removal_is_finished_by_a_repetition() {
    for kind in [Buckets::Unversioned, Buckets::Versioned] {
        let bench = kind.make().await;
        let object = put_and_fetched(&bench, "k", b"one").await;
        // The state that such a kill leaves: both are there.
        let put = bench.client.put_object().bucket(bench.quarantine.as_str());
        let put = put.key(format!("{PREFIX}{}", id_of("k")));
        let body = ByteStream::from_static(b"one");
        put.body(body).send().await.unwrap();
        let (id, hash) = (id_of("k"), sha256(b"one"));
        let moved = bench.store.quarantine(&object, &id, Some(&hash)).await;
        assert_eq!(moved.unwrap(), Removed::Removed);
        assert!(bench.states("k").await.is_empty());
        assert_eq!(bench.quarantined(&id).await.unwrap(), b"one");
    }
}

#[tokio::test]
async fn a_bucket_that_is_gone_has_nothing_left_and_a_missing_quarantine_stops() {
    let bench = Buckets::Versioned.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let delete = bench.client.delete_bucket();
    delete
        .bucket(bench.quarantine.as_str())
        .send()
        .await
        .unwrap();
    let error = bench
        .store
        .quarantine(&object, &id_of("k"), Some("00"))
        .await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains(bench.quarantine.as_str()), "{error}");
    assert!(error.contains("quarantine.bucket"), "{error}");
    let other = BucketName::new(Emulator::name("never-made")).unwrap();
    let mut gone = object;
    gone.bucket = other.clone();
    let target = Target {
        bucket: other,
        key: gone.key.clone(),
        pin: None,
    };
    let read = bench.store.fetch(&target, 10).await.unwrap();
    assert!(matches!(read, Fetched::Missing), "{read:?}");
    let removed = bench.store.remove(&gone).await.unwrap();
    assert_eq!(removed, Removed::AlreadyGone);
    gone.pin.version = None;
    let removed = bench.store.remove(&gone).await.unwrap();
    assert_eq!(removed, Removed::AlreadyGone);
}

#[tokio::test]
async fn the_probe_says_what_buckets_are_and_names_what_is_wrong() {
    let plain = Buckets::Unversioned.make().await;
    let kept = Buckets::Versioned.make().await;
    let buckets = [plain.bucket(), kept.bucket()];
    let facts = plain.store.probe(&buckets, true, false).await.unwrap();
    let versioning: Vec<_> = facts.iter().map(|it| it.versioning).collect();
    assert_eq!(versioning, [Versioning::Never, Versioning::Enabled]);
    let missing = BucketName::new(Emulator::name("missing")).unwrap();
    let all = [plain.bucket(), kept.bucket(), missing.clone()];
    let wrong = plain.store.probe(&all, true, true).await.unwrap_err();
    let texts: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains(plain.bucket.as_str()) && texts[0].contains("policy.tag"));
    assert!(texts[1].contains(missing.as_str()) && texts[1].contains("intake.buckets"));
    let own = [plain.quarantine.clone()];
    let wrong = plain.store.probe(&own, true, false).await.unwrap_err();
    assert!(wrong[0].to_string().contains("guarded itself"), "{wrong:?}");
}
