//! Verdict tags in buckets: beside those of the owner, and never on another state.

use s3_warden::object::{Mark, ObjectStore as _, Tagged};

use crate::store::{StoreBench as _, StoreGround as _, fetched_in, put_and_fetched};
use crate::store_s3::Buckets;

#[tokio::test]
async fn no_tag_of_the_owner_is_lost_and_the_eleventh_is_given_up() {
    let owners = |count: usize| -> Vec<(String, String)> {
        (0..count)
            .map(|n| (format!("o{n}"), "값 x".to_owned()))
            .collect()
    };
    for kind in [Buckets::Unversioned, Buckets::Versioned, Buckets::Suspended] {
        let bench = kind.make().await;
        for (count, expected) in [
            (0, Tagged::Tagged),
            (9, Tagged::Tagged),
            (10, Tagged::NoRoom),
        ] {
            let key = format!("k{count}");
            bench.put(&key, b"one").await;
            let mut tags = owners(count);
            if count > 0 {
                bench.set_tags(&key, &tags).await;
            }
            let (object, ..) = fetched_in(&bench.store, bench.bucket(), &key).await;
            let tagged = bench.store.tag(&object, Mark::Flagged).await.unwrap();
            assert_eq!(tagged, expected, "{kind:?} {count}");
            if expected == Tagged::Tagged {
                tags.push(("s3-warden".to_owned(), "flagged".to_owned()));
            }
            let mut found = bench.tags(&bench.bucket, &key).await;
            found.sort();
            tags.sort();
            assert_eq!(found, tags, "{kind:?} {count}");
        }
    }
}

#[tokio::test]
async fn a_tag_never_lands_on_another_state() {
    for kind in [
        Buckets::Unversioned,
        Buckets::Versioned,
        Buckets::EnabledAfterUpload,
    ] {
        let bench = kind.make().await;
        let object = put_and_fetched(&bench, "k", b"one").await;
        bench.put("k", b"two").await;
        let tagged = bench.store.tag(&object, Mark::Flagged).await.unwrap();
        let expected = if bench.keeps_replaced() {
            Tagged::Tagged
        } else {
            Tagged::Gone
        };
        assert_eq!(tagged, expected, "{kind:?}");
        let newer = bench.tags(&bench.bucket, "k").await;
        assert!(newer.is_empty(), "{kind:?}: {newer:?}");
        bench.store.remove(&object).await.unwrap();
        let tagged = bench.store.tag(&object, Mark::Flagged).await.unwrap();
        assert_eq!(tagged, Tagged::Gone, "{kind:?}");
    }
}
