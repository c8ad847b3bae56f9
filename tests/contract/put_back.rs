//! The contract of `object::Quarantine`: what was moved there comes back, over nothing.

use std::fs;

use s3_warden::event::{FindingId, Key};
use s3_warden::object::{Over, PutBack, Quarantine as _, Removed, Returned};

use crate::kit::{Local, id_of, suite};
use crate::store::{
    FolderBench, ODD_KEYS, StoreBench, StoreGround, fetched_in, put_and_fetched, sha256,
};

/// All checks on one ground.
macro_rules! put_back_suite {
    ($module:ident, $ground:expr) => {
        suite!(
            $module,
            $ground,
            tokio::test,
            [
                what_is_put_back_is_what_was_taken,
                any_unicode_key_comes_back,
                put_back_twice_it_lies_there,
                what_lies_there_now_is_left_alone,
                what_lies_there_becomes_an_older_version_or_stays,
                without_a_copy_nothing_happens,
                a_copy_that_is_not_what_was_judged_stays_where_it_is,
                a_copy_is_ended_only_if_it_is_what_was_judged,
                many_at_once_put_it_back_once,
                what_replaced_it_after_the_move_leaves_the_copy_alone,
            ]
        );
    };
}

put_back_suite!(local, crate::kit::Local);
put_back_suite!(emulator_unversioned, crate::store_s3::Buckets::Unversioned);
put_back_suite!(emulator_versioned, crate::store_s3::Buckets::Versioned);
put_back_suite!(emulator_suspended, crate::store_s3::Buckets::Suspended);
put_back_suite!(
    emulator_enabled_after_upload,
    crate::store_s3::Buckets::EnabledAfterUpload
);

/// Moves new bytes to the quarantine.
pub(crate) async fn taken(bench: &impl StoreBench, key: &str, bytes: &[u8]) -> PutBack {
    let object = put_and_fetched(bench, key, bytes).await;
    let (id, sha256) = (id_of(key), sha256(bytes));
    let moved = bench.store().quarantine(&object, &id, Some(&sha256)).await;
    assert_eq!(moved.unwrap(), Removed::Removed);
    PutBack {
        id,
        bucket: bench.bucket(),
        key: Key::new(key),
        sha256,
        size: u64::try_from(bytes.len()).ok(),
        over: Over::Nothing,
    }
}

/// Puts it back, and expects what was foretold.
async fn foretold(bench: &impl StoreBench, wanted: &PutBack) -> Returned {
    let would = bench.back().would_put_back(wanted).await.unwrap();
    let returned = bench.back().put_back(wanted).await.unwrap();
    match &would {
        None => assert!(matches!(returned, Returned::Back(_)), "{returned:?}"),
        Some(would) => assert_eq!(*would, returned),
    }
    returned
}

async fn what_is_put_back_is_what_was_taken(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = taken(&bench, "a/k.png", b"one").await;
    let kept = bench.back().kept(&wanted.id).await.unwrap().unwrap();
    assert_eq!(kept.size, 3);
    assert!(kept.place.ends_with(&wanted.id.to_string()), "{kept:?}");
    assert_eq!(bench.back().place(&wanted.id), Some(kept.place));
    let Returned::Back(object) = foretold(&bench, &wanted).await else {
        panic!("it is not back");
    };
    let (found, bytes, _) = fetched_in(bench.store(), bench.bucket(), "a/k.png").await;
    assert_eq!((found, bytes), (object, b"one".to_vec()));
    // The copy stays: it is ended by itself or by somebody.
    assert_eq!(bench.quarantined(&wanted.id).await.unwrap(), b"one");
}

async fn any_unicode_key_comes_back(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let more = ["a+b c%20.txt", "deep/er/still/k"];
    for key in ODD_KEYS.into_iter().chain(more) {
        let wanted = taken(&bench, key, key.as_bytes()).await;
        let returned = bench.back().put_back(&wanted).await.unwrap();
        assert!(matches!(returned, Returned::Back(_)), "{key}: {returned:?}");
        assert_eq!(bench.get(key).await.unwrap(), key.as_bytes(), "{key}");
    }
}

async fn put_back_twice_it_lies_there(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    let Returned::Back(first) = bench.back().put_back(&wanted).await.unwrap() else {
        panic!("it is not back");
    };
    for over in [Over::Nothing, Over::Version] {
        let again = PutBack {
            over,
            ..wanted.clone()
        };
        let returned = foretold(&bench, &again).await;
        assert_eq!(returned, Returned::There(first.clone()));
    }
    assert_eq!(bench.states("k").await, [b"one".to_vec()]);
}

async fn what_lies_there_now_is_left_alone(ground: &impl StoreGround) {
    let bench = ground.make().await;
    for (key, other) in [
        ("same length", &b"two"[..]),
        ("longer", b"another"),
        ("empty", b""),
    ] {
        let wanted = taken(&bench, key, b"one").await;
        bench.put(key, other).await;
        let returned = foretold(&bench, &wanted).await;
        assert_eq!(returned, Returned::Occupied, "{key}");
        assert_eq!(bench.states(key).await, [other.to_vec()], "{key}");
        assert_eq!(bench.quarantined(&wanted.id).await.unwrap(), b"one");
    }
}

async fn what_lies_there_becomes_an_older_version_or_stays(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = PutBack {
        over: Over::Version,
        ..taken(&bench, "k", b"one").await
    };
    bench.put("k", b"two").await;
    let returned = foretold(&bench, &wanted).await;
    if bench.adds_versions() {
        assert!(matches!(returned, Returned::Back(_)), "{returned:?}");
        assert_eq!(bench.get("k").await.unwrap(), b"one");
        let mut states = bench.states("k").await;
        states.sort_unstable();
        assert_eq!(states, [b"one".to_vec(), b"two".to_vec()]);
    } else {
        assert_eq!(returned, Returned::WouldBeLost);
        assert_eq!(bench.states("k").await, [b"two".to_vec()]);
    }
}

async fn without_a_copy_nothing_happens(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = PutBack {
        id: id_of("never"),
        bucket: bench.bucket(),
        key: Key::new("never"),
        sha256: sha256(b"one"),
        size: Some(3),
        over: Over::Nothing,
    };
    let back = bench.back();
    assert_eq!(back.kept(&wanted.id).await.unwrap(), None);
    let returned = back.put_back(&wanted).await.unwrap();
    assert_eq!(returned, Returned::NothingKept);
    assert!(!back.end(&wanted.id, &wanted.sha256).await.unwrap());
    assert_eq!(bench.get("never").await, None);
}

async fn a_copy_that_is_not_what_was_judged_stays_where_it_is(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    for bytes in [&b"two"[..], b"one and more", b""] {
        bench.spoil(&wanted.id, bytes).await;
        let returned = foretold(&bench, &wanted).await;
        assert_eq!(returned, Returned::CopyDiffers);
        assert_eq!(bench.get("k").await, None);
        let ended = bench.back().end(&wanted.id, &wanted.sha256).await;
        assert!(!ended.unwrap(), "it is nobody's to end");
        assert_eq!(bench.quarantined(&wanted.id).await.unwrap(), bytes);
    }
}

async fn a_copy_is_ended_only_if_it_is_what_was_judged(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    let ended = bench.back().end(&wanted.id, &sha256(b"two")).await.unwrap();
    assert!(!ended && bench.quarantined(&wanted.id).await.is_some());
    for expected in [true, false] {
        let ended = bench.back().end(&wanted.id, &wanted.sha256).await.unwrap();
        assert_eq!(ended, expected);
        assert_eq!(bench.quarantined(&wanted.id).await, None);
    }
}

async fn many_at_once_put_it_back_once(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    let calls = (0..4).map(|_| bench.back().put_back(&wanted));
    let answers = futures::future::join_all(calls).await;
    // Somebody who meets another at work may be told to try again; nobody does harm.
    let fits = |answer: &Result<Returned, _>| {
        matches!(answer, Ok(Returned::Back(_) | Returned::There(_)) | Err(_))
    };
    assert!(answers.iter().all(fits), "{answers:?}");
    let back = answers.iter().any(|it| matches!(it, Ok(Returned::Back(_))));
    assert!(back, "{answers:?}");
    assert_eq!(bench.get("k").await.unwrap(), b"one");
    let returned = bench.back().put_back(&wanted).await.unwrap();
    assert!(matches!(returned, Returned::There(_)), "{returned:?}");
}

/// Carried out twice, with something else uploaded in between: what was judged is in the quarantine,
/// and stays there.
async fn what_replaced_it_after_the_move_leaves_the_copy_alone(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let (id, sha256) = (id_of("k"), sha256(b"one"));
    let moved = async || {
        let moved = bench.store().quarantine(&object, &id, Some(&sha256)).await;
        moved.unwrap()
    };
    assert_eq!(moved().await, Removed::Removed);
    bench.put("k", b"two").await;
    for _ in 0..2 {
        assert_eq!(moved().await, Removed::Removed);
        assert_eq!(bench.quarantined(&id).await.unwrap(), b"one");
        assert_eq!(bench.states("k").await, [b"two".to_vec()]);
    }
    // Another copy is nobody's proof.
    bench.spoil(&id, b"two").await;
    assert_ne!(moved().await, Removed::Removed);
    assert_eq!(bench.states("k").await, [b"two".to_vec()]);
}

/// The name under which bytes are written before they get the object's.
fn part(bench: &FolderBench, id: &FindingId) -> std::path::PathBuf {
    bench
        .path(".s3-warden-staging")
        .join(format!("restore-{id}"))
}

/// What a restore leaves that is killed before it gives the bytes their name: a second one finishes.
#[tokio::test]
async fn a_folder_killed_before_the_name_is_finished_by_a_second_run() {
    let bench = Local.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    fs::write(part(&bench, &wanted.id), b"on").unwrap();
    let returned = bench.store.put_back(&wanted).await.unwrap();
    assert!(matches!(returned, Returned::Back(_)), "{returned:?}");
    assert_eq!(bench.get("k").await.unwrap(), b"one");
    assert!(!part(&bench, &wanted.id).exists());
}

/// Killed behind it, the object has a second name of ours. Whatever comes of the object, nothing is
/// ever written through that name, and the next start removes it.
#[tokio::test]
async fn a_folder_killed_behind_the_name_never_harms_the_object() {
    let bench = Local.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    bench.store.put_back(&wanted).await.unwrap();
    fs::hard_link(bench.path("k"), part(&bench, &wanted.id)).unwrap();
    let returned = bench.store.put_back(&wanted).await.unwrap();
    assert!(matches!(returned, Returned::There(_)), "{returned:?}");
    fs::rename(bench.path("k"), bench.path("elsewhere")).unwrap();
    let returned = bench.store.put_back(&wanted).await.unwrap();
    assert!(matches!(returned, Returned::Back(_)), "{returned:?}");
    assert_eq!(bench.get("elsewhere").await.unwrap(), b"one");
    fs::hard_link(bench.path("k"), part(&bench, &wanted.id)).unwrap();
    let FolderBench { home, store } = bench;
    drop(store);
    let store = FolderBench::open(&home);
    store.recover().await.unwrap();
    let bench = FolderBench { home, store };
    assert!(!part(&bench, &wanted.id).exists());
    assert_eq!(bench.get("k").await.unwrap(), b"one");
}

/// What is no file of ours is never gone through or replaced.
#[tokio::test]
async fn a_folder_is_never_left_by_a_link() {
    use s3_warden::object::{Side, Why};
    let bench = Local.make().await;
    let outside = bench.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let through = taken(&bench, "sub/k", b"one").await;
    fs::remove_dir(bench.path("sub")).unwrap();
    std::os::unix::fs::symlink(&outside, bench.path("sub")).unwrap();
    let returned = bench.store.put_back(&through).await.unwrap();
    let refused = Returned::Denied(Side::Bucket, Why::NotAFile);
    assert_eq!(returned, refused);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let onto = taken(&bench, "link", b"two").await;
    std::os::unix::fs::symlink(outside.join("x"), bench.path("link")).unwrap();
    let returned = bench.store.put_back(&onto).await.unwrap();
    assert_eq!(returned, Returned::Occupied);
    assert!(!outside.join("x").exists());
}

/// The folders on the way are made again.
#[tokio::test]
async fn a_folder_that_is_gone_is_made_again() {
    let bench = Local.make().await;
    let wanted = taken(&bench, "a/b/k", b"one").await;
    fs::remove_dir_all(bench.path("a")).unwrap();
    let returned = bench.store.put_back(&wanted).await.unwrap();
    assert!(matches!(returned, Returned::Back(_)), "{returned:?}");
    assert_eq!(bench.get("a/b/k").await.unwrap(), b"one");
}
