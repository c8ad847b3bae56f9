//! `watch`: the pipeline over a folder.

use super::kit::Home;

#[tokio::test]
async fn observing_keeps_and_enforcing_acts_on_the_same_records() {
    let home = Home::new();
    home.put("demo/terminal-deploy.png", "key.png");
    home.put("files/one-pixel.png", "dot.png");
    let observed = home
        .run(&["watch", "inbox", "--once", "--json"])
        .await
        .ended(0);
    let mut rows = observed.json();
    rows.sort_by_key(|row| row["key"].to_string());
    assert_eq!(
        (&rows[0]["verdict"], &rows[0]["deed"]),
        (&"clean".into(), &"kept".into())
    );
    assert_eq!(
        (&rows[1]["verdict"], &rows[1]["deed"]),
        (&"flagged".into(), &"observed only".into())
    );
    assert!(rows.len() == 2 && home.has("key.png"));

    let again = home.run(&["watch", "inbox", "--once"]).await.ended(0);
    let nothing = "0 looked at: 0 clean, 0 flagged, 0 undecided or unreadable; 0 removed; \
                   2 needed no look";
    assert!(again.out.contains(nothing), "{}", again.out);

    let enforce = [
        "watch",
        "inbox",
        "--once",
        "--json",
        "--enforce",
        "--quarantine",
        "kept",
    ];
    let rows = home.run(&enforce).await.ended(0).json();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["key"], &rows[0]["deed"]),
        (&"key.png".into(), &"quarantined".into())
    );
    assert!(!home.has("key.png") && home.has("dot.png"));
    let picture = std::fs::read(super::kit::fixture_at("demo/terminal-deploy.png")).unwrap();
    let kept = home.files("kept");
    assert!(
        kept.iter()
            .any(|(path, _)| std::fs::read(path).unwrap() == picture),
        "the quarantine holds the same bytes"
    );
    let told = home.run(&["explain", "inbox", "key.png"]).await.ended(0);
    assert!(told.out.contains("quarantined"), "{}", told.out);
}

#[tokio::test]
async fn what_is_wrong_with_a_place_is_one_sentence() {
    let home = Home::new();
    home.put("files/empty.png", "file.png");
    std::fs::create_dir(home.at("inbox/sub")).unwrap();
    std::os::unix::fs::symlink("inbox/sub", home.at("aside")).unwrap();
    let refusals: [(&[&str], &str); 7] = [
        (&["nowhere"], "no such folder"),
        (&["inbox/file.png"], "is a file, not a folder"),
        (
            &["inbox", "--state", "inbox/state"],
            "lies inside the guarded folder",
        ),
        (
            &["inbox", "--state", "aside/state"],
            "lies inside the guarded folder",
        ),
        (&["inbox", "--state", "inbox/file.png"], "--state"),
        (
            &["inbox", "--enforce", "--quarantine", "inbox/q"],
            "lies inside the guarded folder",
        ),
        (
            &["inbox", "--enforce", "--quarantine", "aside/q"],
            "lies inside the guarded folder",
        ),
    ];
    for (arguments, words) in refusals {
        let ran = home.run(&[&["watch", "--once"], arguments].concat()).await;
        ran.refused(64, &[words]);
    }
    assert!(!home.at("inbox/state").exists() && !home.at("inbox/sub/state").exists());
}

#[tokio::test]
async fn an_empty_folder_ends_at_once_with_a_sentence() {
    let home = Home::new();
    let ran = home.run(&["watch", "inbox", "--once"]).await.ended(0);
    assert!(ran.out.contains("0 looked at"), "{}", ran.out);
    assert_eq!(
        ran.out.matches("The local detector").count(),
        1,
        "{}",
        ran.out
    );
    let json = home
        .run(&["watch", "inbox", "--once", "--json"])
        .await
        .ended(0);
    assert_eq!((json.out.as_str(), json.err.as_str()), ("", ""));
}

#[tokio::test]
async fn names_that_cannot_be_keys_are_told() {
    use std::os::unix::ffi::OsStrExt;

    let home = Home::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff.png");
    std::fs::write(home.at("inbox").join(name), "x").unwrap();
    let ran = home.run(&["watch", "inbox", "--once"]).await.ended(0);
    assert!(
        ran.out
            .contains("1 not looked at: a name that is not UTF-8"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let home = Home::new();
    home.put("files/empty.png", "empty.png");
    let line = |state: &str| {
        format!("script -qec '\"$BIN\" watch inbox --once --state {state}' /dev/null")
    };
    let piped = home.run(&["watch", "inbox", "--once"]).await.ended(0);
    assert!(!piped.out.contains('\u{1b}'), "{}", piped.out);
    if home.shell("command -v script").await.code != Some(0) {
        // No pseudo-terminal without util-linux.
        return;
    }
    let terminal = home.shell(&line("one")).await.ended(0);
    assert!(
        terminal.out.contains("\u{1b}[33munreadable"),
        "{}",
        terminal.out
    );
    let plain = Home::new().with("NO_COLOR", "1");
    plain.put("files/empty.png", "empty.png");
    let terminal = plain.shell(&line("two")).await.ended(0);
    assert!(!terminal.out.contains("\u{1b}[33m"), "{}", terminal.out);
}
