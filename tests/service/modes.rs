//! What the policy changes: observing, the quarantine, the verdict tag.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, Put, clean, passport, picture};
use super::outcome;
use super::until::until;

/// Observing changes nothing but the verdict tag, and tells all the same.
pub(crate) async fn observing(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    let plain = ground.bucket("plain", Versions::Never, Route::Raw).await;
    let kept = ground.bucket("kept", Versions::Enabled, Route::Raw).await;
    let ground = ground;
    let service = ground.run(&[("WARDEN_POLICY__MODE", "observe")]).await;
    let puts = futures::join!(
        ground.put(&plain, "passport.png", passport(1), Fate::Told),
        ground.put(&kept, "passport.png", passport(2), Fate::Told),
        ground.put(&kept, "clean.png", clean(3), Fate::Left),
    );
    let puts = [puts.0, puts.1, puts.2];
    for put in puts.iter().filter(|put| put.fate == Fate::Told) {
        let finding = outcome::told(&ground, put).await;
        assert_eq!(finding["outcome"]["code"], "observed", "{finding:#}");
        assert_eq!(finding["decision"]["action"], "delete", "{finding:#}");
        tagged(&ground, put, &["s3-warden=flagged"]).await;
    }
    ground.settled().await;
    service.drain().await;
    outcome::check(&ground, &puts, &BTreeSet::new()).await;
    assert_eq!(ground.tags(&puts[2]).await, Vec::<String>::new());
    let removals = ground.wire.needed().into_iter();
    let removals = removals.filter(|it| it.resource.contains("/passport.png"));
    let removals: Vec<_> = removals.filter(|it| it.action.contains("Delete")).collect();
    assert!(removals.is_empty(), "{removals:?}");
    ground
}

/// What is removed lies in the quarantine, named by its finding; what is locked stays, and leaves no
/// copy there. Every object has its tag.
pub(crate) async fn moving_to_quarantine(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    let kept = ground.bucket("kept", Versions::Enabled, Route::Raw).await;
    let locked = ground.bucket("locked", Versions::Locked, Route::Raw).await;
    let ground = ground;
    let service = ground
        .run(&[
            ("WARDEN_POLICY__REMOVAL", "quarantine"),
            ("WARDEN_POLICY__TAG", "all"),
            ("WARDEN_QUARANTINE__BUCKET", &ground.quarantine),
            ("WARDEN_QUARANTINE__PREFIX", "held/"),
        ])
        .await;
    let key = "여권 + scan.png";
    let described = json!({
        "Bucket": kept, "Key": key, "Body": passport(1), "ContentType": "image/png",
        "Metadata": {"uploaded-by": "the portal"}, "Tagging": "team=blue",
    });
    let puts = futures::join!(
        ground.put_with(described, Fate::Removed),
        ground.put(&kept, "clean.png", clean(2), Fate::Left),
        ground.put(&kept, "face.png", picture("face", 3), Fate::Told),
        ground.put(&kept, "notes.txt", json!({"$text": "minutes"}), Fate::Left),
        ground.put_with(retained(&locked), Fate::Told),
    );
    let puts = [puts.0, puts.1, puts.2, puts.3, puts.4];
    ground.gone(&puts[0]).await;
    tagged(&ground, &puts[1], &["s3-warden=clean"]).await;
    tagged(&ground, &puts[2], &["s3-warden=flagged"]).await;
    ground.settled().await;
    service.drain().await;
    outcome::check(&ground, &puts, &BTreeSet::new()).await;
    is_quarantined(&ground, &puts[0]).await;
    let blocked = outcome::told(&ground, &puts[4]).await;
    let reason = json!({"code": "blocked", "why": "locked"});
    assert_eq!(blocked["outcome"], reason, "{blocked:#}");
    ground
}

/// A quarantine that keeps versions keeps none of a copy that was made in vain.
pub(crate) async fn copying_in_vain(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    let locked = ground.bucket("locked", Versions::Locked, Route::Raw).await;
    let ground = ground;
    ground.version(&ground.quarantine, Versions::Enabled).await;
    let service = ground
        .run(&[
            ("WARDEN_POLICY__REMOVAL", "quarantine"),
            ("WARDEN_QUARANTINE__BUCKET", &ground.quarantine),
        ])
        .await;
    let put = ground.put_with(retained(&locked), Fate::Told).await;
    let blocked = outcome::told(&ground, &put).await;
    assert_eq!(blocked["outcome"]["code"], "blocked", "{blocked:#}");
    ground.settled().await;
    service.drain().await;
    outcome::check(&ground, &[put], &BTreeSet::new()).await;
    let held = ground.versions(&ground.quarantine).await;
    assert!(held.is_empty(), "{held:?}");
    ground
}

/// A passport under retention.
fn retained(bucket: &str) -> Value {
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    json!({
        "Bucket": bucket, "Key": "locked.png", "Body": passport(4),
        "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until.to_string(),
    })
}

/// The copy is what was judged, and leads back to where it came from.
async fn is_quarantined(ground: &Ground, put: &Put) {
    let findings = ground.findings().await;
    let finding = findings.iter().find(|finding| put.is_subject_of(finding));
    let finding = finding.unwrap();
    assert_eq!(finding["outcome"]["code"], "quarantined", "{finding:#}");
    let held = ground.keys(&ground.quarantine, "").await;
    assert_eq!(held.len(), 1, "{held:?}");
    let id = outcome::id(finding);
    assert!(
        held[0].starts_with("held/") && held[0].contains(&id),
        "{held:?}"
    );
    let copy = json!({"Bucket": ground.quarantine, "Key": held[0]});
    let copy = ground.client.s3("get_object", copy).await;
    assert_eq!(copy["Body"]["sha256"], finding["subject"]["sha256"]);
    assert_eq!(copy["ContentType"], "image/png");
    let metadata = &copy["Metadata"];
    assert_eq!(metadata["uploaded-by"], "the portal", "{metadata}");
    assert_eq!(
        metadata["s3-warden-bucket"],
        put.bucket.as_str(),
        "{metadata}"
    );
    assert_eq!(
        metadata["s3-warden-version"],
        put.version.as_str(),
        "{metadata}"
    );
    let copied = Put {
        bucket: ground.quarantine.clone(),
        key: held[0].clone(),
        version: "null".to_owned(),
        ..put.clone()
    };
    assert_eq!(ground.tags(&copied).await, ["team=blue"]);
}

/// Waits until an object has these tags.
async fn tagged(ground: &Ground, put: &Put, tags: &[&str]) {
    until(&format!("{} is tagged", put.key), async || {
        let now = ground.tags(put).await;
        (now == tags)
            .then_some(())
            .ok_or_else(|| format!("{now:?}"))
    })
    .await;
}
