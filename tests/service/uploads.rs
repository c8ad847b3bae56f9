//! Every way in which an object comes to lie in a guarded bucket, and what becomes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::{LocalBoxFuture, join_all};
use serde_json::json;

use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, Listed, Put, clean, passport, picture};
use super::outcome;

/// Names that people and programs give; each has broken somebody's decoder.
const KEYS: [&str; 12] = [
    "plain.png",
    "with space and +plus.png",
    "100%.png",
    "%41%2Fencoded+already.png",
    "주민등록증 사본.png",
    "신분증 📷🙈.png",
    "a/deep/er/and/deep/est/path.png",
    "double//slash.png",
    "it's \"quoted\" & <tagged>.png",
    "semi;colon,comma=equals?query#hash.png",
    "(parentheses)*star!~'tick@at$.png",
    "no ending",
];

/// Larger than what is read, smaller than what would take long.
const MAX_BYTES: &str = "8388608";

/// The buckets of this ground.
struct Buckets {
    plain: String,
    kept: String,
    paused: String,
    late: String,
    told: String,
    ruled: String,
    quiet: String,
}

/// Uploads in every way, while a service runs, and checks what has become of all of it.
pub(crate) async fn every_way_in(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    let buckets = Buckets {
        plain: ground.bucket("plain", Versions::Never, Route::Raw).await,
        kept: ground.bucket("kept", Versions::Enabled, Route::Raw).await,
        paused: ground.bucket("paused", Versions::Enabled, Route::Raw).await,
        late: ground.bucket("late", Versions::Never, Route::Raw).await,
        told: ground.bucket("told", Versions::Never, Route::Topic).await,
        ruled: ground.bucket("ruled", Versions::Enabled, Route::Rule).await,
        quiet: ground.bucket("quiet", Versions::Enabled, Route::None).await,
    };
    let ground = ground;
    let (mut puts, markers) = before(&ground, &buckets).await;
    let service = ground
        .run(&[
            ("WARDEN_OBJECT__MAX_BYTES", MAX_BYTES),
            ("WARDEN_LIMITS__DELETIONS_PER_MINUTE", "10000"),
        ])
        .await;
    let scenarios: Vec<LocalBoxFuture<'_, Vec<Put>>> = vec![
        Box::pin(keys(&ground, &buckets.plain)),
        Box::pin(keys(&ground, &buckets.told)),
        Box::pin(keys(&ground, &buckets.ruled)),
        Box::pin(several_versions(&ground, &buckets.kept)),
        Box::pin(told_with_its_version(&ground, &buckets.quiet)),
        Box::pin(parts_and_copies(&ground, &buckets)),
        Box::pin(the_same_again(&ground, &buckets.plain)),
        Box::pin(the_same_again(&ground, &buckets.kept)),
        Box::pin(what_is_not_removed(&ground, &buckets.plain)),
        Box::pin(what_is_not_removed(&ground, &buckets.kept)),
        Box::pin(what_is_no_picture(&ground, &buckets.kept)),
    ];
    puts.extend(join_all(scenarios).await.into_iter().flatten());
    for put in puts.iter().filter(|put| put.fate == Fate::Removed) {
        ground.gone(put).await;
    }
    ground.settled().await;
    service.drain().await;
    outcome::check(&ground, &puts, &markers).await;
    let mut read = ground.wire.read().into_iter();
    let too_large = read.find(|object| object.contains("too large"));
    assert_eq!(too_large, None, "refused by its size, it is never read");
    ground
}

/// What was done while nobody ran: uploads, and the delete markers that users left.
async fn before(ground: &Ground, buckets: &Buckets) -> (Vec<Put>, BTreeSet<Listed>) {
    let late = &buckets.late;
    let mut puts = vec![
        ground
            .put(late, "before.png", passport(1), Fate::Removed)
            .await,
        ground
            .put(late, "before clean.png", clean(1), Fate::Left)
            .await,
    ];
    ground.version(late, Versions::Enabled).await;
    puts.push(
        ground
            .put(late, "after.png", passport(2), Fate::Removed)
            .await,
    );

    // Versions from before they were suspended stay; the one written since is judged.
    let paused = &buckets.paused;
    puts.push(ground.put(paused, "over.png", clean(2), Fate::Left).await);
    puts.push(
        ground
            .put(paused, "over too.png", passport(3), Fate::Removed)
            .await,
    );
    ground.version(paused, Versions::Suspended).await;
    puts.push(
        ground
            .put(paused, "over.png", passport(4), Fate::Removed)
            .await,
    );
    puts.push(
        ground
            .put(paused, "over too.png", clean(3), Fate::Left)
            .await,
    );
    puts.push(
        ground
            .put(paused, "alone.png", passport(5), Fate::Removed)
            .await,
    );

    // A marker hides the version and does not remove it: that is ours to do.
    let hidden = ground
        .put(&buckets.kept, "hidden.png", passport(6), Fate::Removed)
        .await;
    let marker = ground.delete(&hidden).await;
    puts.push(hidden);

    // Gone before anybody could look: nothing to do, nothing to say.
    let short = ground
        .put(
            &buckets.plain,
            "short-lived.png",
            passport(7),
            Fate::Removed,
        )
        .await;
    ground.delete(&short).await;
    // Where versions are suspended, S3 itself puts a marker where it removes what is current.
    let mut markers = BTreeSet::from([marker]);
    let replaced = |put: &&Put| put.bucket == *paused && put.fate == Fate::Removed;
    let replaced = puts.iter().filter(replaced);
    markers.extend(
        replaced
            .filter(|put| put.version == "null")
            .map(|put| put.marker("null")),
    );
    (puts, markers)
}

/// A passport under every kind of key, and a clean picture beside.
async fn keys(ground: &Ground, bucket: &str) -> Vec<Put> {
    let passports = KEYS.iter().zip(100..).map(async |(key, variant)| {
        ground
            .put(bucket, key, passport(variant), Fate::Removed)
            .await
    });
    let mut puts = join_all(passports).await;
    let long = format!("{}.png", "long/".repeat(200));
    puts.push(ground.put(bucket, &long, passport(99), Fate::Removed).await);
    puts.push(
        ground
            .put(bucket, "clean +한.png", clean(98), Fate::Left)
            .await,
    );
    puts
}

/// Of four versions of one key, exactly the two with personal data go.
async fn several_versions(ground: &Ground, bucket: &str) -> Vec<Put> {
    let mut puts = Vec::new();
    for (body, fate) in [
        (clean(10), Fate::Left),
        (passport(11), Fate::Removed),
        (clean(12), Fate::Left),
        (passport(13), Fate::Removed),
    ] {
        puts.push(ground.put(bucket, "four +versions%.png", body, fate).await);
    }
    puts
}

/// The same, told in the words of EventBridge, which names the version and quotes no key.
async fn told_with_its_version(ground: &Ground, bucket: &str) -> Vec<Put> {
    let puts = several_versions(ground, bucket).await;
    for put in &puts {
        let now = jiff::Timestamp::now().to_string();
        let object = json!({
            "key": put.key, "size": 1000, "etag": put.etag.trim_matches('"'),
            "version-id": put.version, "sequencer": "00660D72BB00E41",
        });
        let event = json!({
            "version": "0", "id": "970b8e84-f52e-4fa6-b701-d608dabbc5fb", "source": "aws.s3",
            "detail-type": "Object Created", "time": now, "region": "us-east-1",
            "detail": {
                "version": "0", "bucket": {"name": bucket}, "object": object,
                "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012",
                "source-ip-address": "1.2.3.4", "reason": "PutObject",
            },
        });
        ground.send(&event.to_string()).await;
    }
    puts
}

/// In parts, and copied from elsewhere.
async fn parts_and_copies(ground: &Ground, buckets: &Buckets) -> Vec<Put> {
    // Noise that hardly compresses: more than the five MiB of one part.
    let large = |variant: u32| json!({"$png": {"kind": "passport", "variant": variant, "width": 2800, "height": 2000}});
    // Nobody guards this one, so it stays as a source.
    let outside = ground.named("outside");
    ground
        .client
        .s3("create_bucket", json!({"Bucket": outside}))
        .await;
    let source = ground
        .put(&outside, "original.png", passport(20), Fate::Left)
        .await;
    let (in_parts, kept_in_parts, copied, kept_copy) = futures::join!(
        ground.upload(&buckets.plain, "in parts.png", large(21), Fate::Removed),
        ground.upload(&buckets.kept, "in parts.png", large(22), Fate::Removed),
        ground.copy(&source, &buckets.told, "copy of +1.png", Fate::Removed),
        ground.copy(&source, &buckets.kept, "copy of +1.png", Fate::Removed),
    );
    vec![in_parts, kept_in_parts, copied, kept_copy]
}

/// The same bytes under the same key, after they were removed: new work, an alert of its own.
async fn the_same_again(ground: &Ground, bucket: &str) -> Vec<Put> {
    let first = ground
        .put(bucket, "again.png", passport(30), Fate::Removed)
        .await;
    ground.gone(&first).await;
    let second = ground
        .put(bucket, "again.png", passport(30), Fate::Removed)
        .await;
    ground.gone(&second).await;
    vec![first, second]
}

/// What is flagged and stays is told and tagged, beside the owner's tags, where there is room.
async fn what_is_not_removed(ground: &Ground, bucket: &str) -> Vec<Put> {
    let ten: Vec<_> = (0..10).map(|n| format!("tag{n}=value{n}")).collect();
    let tagged = |key: &str, variant: u32, tagging: &str| {
        json!({
            "Bucket": bucket, "Key": key, "Body": picture("face", variant), "Tagging": tagging,
        })
    };
    let (face, full, doubtful) = futures::join!(
        ground.put_with(tagged("face.png", 40, "team=blue&stage=raw"), Fate::Told),
        ground.put_with(tagged("face full.png", 41, &ten.join("&")), Fate::Told),
        ground.put(bucket, "doubtful.png", picture("doubtful", 42), Fate::Told),
    );
    for (put, tags) in [
        (&face, vec!["s3-warden=flagged", "stage=raw", "team=blue"]),
        (&doubtful, vec!["s3-warden=flagged"]),
    ] {
        super::until::until("the verdict tag", async || {
            let now = ground.tags(put).await;
            (now == tags)
                .then_some(())
                .ok_or_else(|| format!("{now:?}"))
        })
        .await;
    }
    outcome::told(ground, &full).await;
    assert_eq!(
        ground.tags(&full).await,
        ten,
        "an owner's tag is never dropped"
    );
    vec![face, full, doubtful]
}

/// What cannot be looked into stays; it is told only where its name calls it a picture.
async fn what_is_no_picture(ground: &Ground, bucket: &str) -> Vec<Put> {
    let fixture = |name: &str| {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        json!({"$file": path})
    };
    let text = || json!({"$text": "Minutes of the meeting: nothing was decided."});
    let zeros = |length: u32| json!({"$zeros": length});
    let puts = [
        ("notes.txt", text(), Fate::Left),
        ("notes.png", text(), Fate::Told),
        ("empty.txt", zeros(0), Fate::Left),
        ("empty.png", zeros(0), Fate::Told),
        ("too large.png", zeros(9 << 20), Fate::Told),
        ("too large.bin", zeros(9 << 20), Fate::Left),
        (
            "from a phone.heic",
            fixture("heic/turned-grid.heic"),
            Fate::Left,
        ),
        ("damaged.jpg", fixture("files/truncated.jpg"), Fate::Told),
    ];
    let puts = puts.map(|(key, body, fate)| ground.put(bucket, key, body, fate));
    join_all(puts).await
}
