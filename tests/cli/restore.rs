//! `restore`: what a guarded folder has lost comes back, and stays.

use super::kit::{Home, fixture_at};

/// The picture that the tests lose, and its key.
const PICTURE: &str = "demo/terminal-deploy.png";
const KEY: &str = "a+b c%20/열쇠.png";

/// A home whose picture lies in the quarantine; with the id of its finding and its state's place.
async fn quarantined() -> (Home, String, String) {
    let home = Home::new();
    home.put(PICTURE, KEY);
    enforced(&home).await;
    assert!(!home.has(KEY));
    let kept = home.files("kept");
    let ids = kept
        .iter()
        .filter_map(|(path, _)| path.file_name()?.to_str());
    let id = ids.into_iter().find(|name| !name.contains('.')).unwrap();
    let states = home.files("xdg");
    let state = states
        .iter()
        .find(|(path, _)| path.ends_with("alerts.ndjson"));
    let state = state.unwrap().0.parent().unwrap();
    let state = state.to_str().unwrap().to_owned();
    (home, id.to_owned(), state)
}

async fn enforced(home: &Home) {
    let enforce = ["inbox", "--once", "--enforce", "--quarantine", "kept"];
    let enforce = [&["watch"], &enforce[..]].concat();
    home.run(&enforce).await.ended(0);
}

#[tokio::test]
async fn what_comes_back_is_left_alone_and_its_story_says_why() {
    let (home, id, state) = quarantined().await;
    let restore = [
        "restore",
        &id,
        "--reason",
        "no secret\u{1b}[2J",
        "--by",
        "jane",
        "--state",
        &state,
    ];
    let planned = home.run(&[&restore[..], &["--dry-run"]].concat()).await;
    let planned = planned.ended(0).out.clone();
    assert!(planned.contains("would     put it back"), "{planned}");
    assert!(planned.contains("Nothing was done"));
    assert!(!home.has(KEY));
    let told = home.run(&restore).await.ended(0);
    assert!(
        told.out.contains("Back, read back and compared"),
        "{}",
        told.out
    );
    assert!(told.out.contains("allowed by jane at "), "{}", told.out);
    assert!(!told.out.contains('\u{1b}'), "{:?}", told.out);
    let there = std::fs::read(home.at("inbox").join(KEY)).unwrap();
    assert_eq!(there, std::fs::read(fixture_at(PICTURE)).unwrap());
    enforced(&home).await;
    assert!(home.has(KEY), "judged again, and left alone");
    let story = home.run(&["explain", "inbox", KEY]).await.ended(0);
    for words in ["kept, as allowed", "allowed by jane at ", "quarantined"] {
        assert!(story.out.contains(words), "{words}: {}", story.out);
    }
    let json = home
        .run(&["explain", "--json", "inbox", KEY])
        .await
        .ended(0);
    assert!(json.json().iter().all(|it| it["allowance"]["by"] == "jane"));
    // The same under another name is nobody's leave.
    home.put(PICTURE, "other.png");
    enforced(&home).await;
    assert!(!home.has("other.png") && home.has(KEY));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_with_its_remedy() {
    let (home, id, state) = quarantined().await;
    let restore = async |more: &[&str]| {
        let known = ["restore", "--reason", "x", "--json"];
        home.run(&[&known, more].concat()).await
    };
    restore(&["12"])
        .await
        .refused(64, &["32 hexadecimal digits"]);
    restore(&[&id]).await.refused(64, &["--state"]);
    let nobody = "0".repeat(32);
    let unknown = restore(&[&nobody, "--state", &state]).await;
    unknown.refused(64, &["no finding", "--since"]);
    let elsewhere = restore(&[&id, "--state", "inbox"]).await;
    elsewhere.refused(64, &["not the state folder"]);
    home.put("files/one-pixel.png", KEY);
    let results = [(&[][..], "occupied"), (&["--overwrite"], "would_be_lost")];
    for (more, result) in results {
        for dry in [&["--dry-run"][..], &[]] {
            let arguments = [&[&id, "--state", &state], more, dry].concat();
            let ran = restore(&arguments).await.ended(2);
            assert_eq!(ran.json()[0]["result"], result);
        }
    }
    let long = "x".repeat(1_001);
    let written = ["restore", &id, "--state", &state, "--reason"];
    for (reason, says) in [(long.as_str(), "1000 characters"), ("\u{200b} ", "say why")] {
        let ran = home
            .run(&[&written[..], &[reason]].concat())
            .await
            .ended(64);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    std::fs::remove_file(home.at("inbox").join(KEY)).unwrap();
    // A folder knows states by their bytes alone: what took them a moment ago may do so again.
    for result in ["back", "already_there"] {
        let ran = restore(&[&id, "--state", &state, "--remove-copy"]).await;
        let answer = &ran.ended(2).json()[0];
        assert_eq!(
            (&answer["result"], &answer["copy_removed"]),
            (&result.into(), &false.into())
        );
    }
    let moved = restore(&[&id, "--state", &state, "--quarantine", "inbox/q"]).await;
    moved.refused(64, &["lies inside the guarded folder"]);
}

#[tokio::test]
async fn a_decision_that_is_revoked_counts_no_longer() {
    let (home, id, state) = quarantined().await;
    let decide = ["restore", &id, "--state", &state, "--reason", "x"];
    home.run(&decide).await.ended(0);
    let revoke = ["restore", &id, "--state", &state, "--revoke"];
    let planned = home.run(&[&revoke[..], &["--dry-run"]].concat()).await;
    assert!(planned.ended(0).out.contains("would     take this"));
    let told = home.run(&revoke).await.ended(0);
    assert!(told.out.contains("Revoked."), "{}", told.out);
    std::fs::remove_file(home.at("inbox").join(KEY)).unwrap();
    home.put(PICTURE, KEY);
    enforced(&home).await;
    assert!(!home.has(KEY), "uploaded again, it is taken again");
    let again = home.run(&[&revoke[..], &["--json"]].concat()).await;
    assert_eq!(again.ended(0).json()[0]["result"], "not_allowed");
    let both = home.run(&[&revoke[..], &["--reason", "x"]].concat()).await;
    assert_eq!(both.code, Some(64), "{both:?}");
}
