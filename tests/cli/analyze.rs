//! `analyze`: one answer for every file, whatever it is called and whatever it is.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use super::kit::{Home, Ran, fixture_at};

/// Verdict and reason by target.
fn answers(ran: &Ran) -> BTreeMap<String, (String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = ran.json();
    for row in &rows {
        assert!(
            row["millis"].is_u64() && row["categories"].is_array(),
            "{row}"
        );
        assert!(row.get("confidence").is_some(), "{row}");
    }
    rows.iter()
        .map(|row| {
            let answer = (text(&row["verdict"]).unwrap(), text(&row["reason"]));
            (text(&row["target"]).unwrap(), answer)
        })
        .collect()
}

async fn check(home: &Home, targets: &[&str], code: i32, want: &[(&str, &str, Option<&str>)]) {
    let ran = home
        .run(&[&["analyze", "--json", "--"], targets].concat())
        .await;
    let ran = ran.ended(code);
    let mut expected = BTreeMap::new();
    for (target, verdict, reason) in want {
        let answer = ((*verdict).to_owned(), reason.map(str::to_owned));
        expected.insert((*target).to_owned(), answer);
    }
    assert_eq!(answers(&ran), expected, "{targets:?}");
    assert_eq!(ran.out.lines().count(), want.len(), "one line a file");
}

#[tokio::test]
async fn every_kind_of_file_has_its_answer() {
    let home = Home::new();
    for fixture in [
        "empty.png",
        "html-named.png",
        "document.pdf",
        "drawing.svg",
        "magic-only.avif",
        "magic-only.heic",
        "bomb-50000x50000.png",
        "truncated.png",
    ] {
        home.put(&format!("files/{fixture}"), fixture);
    }
    let before = home.files("inbox");
    let unsupported = |name| Some(name);
    let want = [
        (
            "inbox/bomb-50000x50000.png",
            "unreadable",
            Some("too_many_pixels"),
        ),
        (
            "inbox/document.pdf",
            "unreadable",
            unsupported("unsupported: PDF"),
        ),
        (
            "inbox/drawing.svg",
            "unreadable",
            unsupported("unsupported: SVG"),
        ),
        ("inbox/empty.png", "unreadable", Some("empty")),
        (
            "inbox/html-named.png",
            "unreadable",
            unsupported("unsupported: HTML"),
        ),
        (
            "inbox/magic-only.avif",
            "unreadable",
            unsupported("unsupported: AVIF"),
        ),
        ("inbox/magic-only.heic", "unreadable", Some("damaged")),
        ("inbox/truncated.png", "unreadable", Some("damaged")),
    ];
    check(&home, &["inbox"], 2, &want).await;
    assert_eq!(home.files("inbox"), before, "it only looks");
    assert!(!home.at("xdg").exists(), "it keeps no records");
}

#[tokio::test]
async fn every_name_is_reported() {
    let home = Home::new();
    let names = ["a b+%20.png", "사진/주민.png", "new\nline.png", "-x.png"];
    for name in names {
        home.put("files/empty.png", name);
    }
    let mut want: Vec<_> = names.iter().map(|name| format!("inbox/{name}")).collect();
    want.push("inbox/\u{fffd}.png".to_owned());
    std::fs::write(home.at("inbox").join(OsStr::from_bytes(b"\xff.png")), "x").unwrap();
    let want: Vec<_> = want
        .iter()
        .map(|target| match target.contains('\u{fffd}') {
            true => (target.as_str(), "unreadable", Some("its name is not UTF-8")),
            false => (target.as_str(), "unreadable", Some("empty")),
        })
        .collect();
    check(&home, &["inbox"], 2, &want).await;

    // A name of control characters does not break the table's lines either.
    let table = home.run(&["analyze", "inbox"]).await.ended(2);
    assert!(table.out.contains("inbox/new\\nline.png"), "{}", table.out);
    assert!(table.out.contains("5 looked at: 0 clean"), "{}", table.out);
}

#[tokio::test]
async fn links_pipes_and_what_is_not_there() {
    let home = Home::new();
    home.put("files/empty.png", "in.png");
    std::fs::write(home.at("outside.pdf"), "%PDF-1.7").unwrap();
    symlink("../outside.pdf", home.at("inbox/link.pdf")).unwrap();
    symlink("nowhere", home.at("inbox/dangling")).unwrap();
    symlink("inbox", home.at("folder-link")).unwrap();
    home.shell("mkfifo inbox/pipe && mkdir empty")
        .await
        .ended(0);

    let denied = Some("denied: not an ordinary file");
    let inside = |folder: &'static str| {
        [
            (format!("{folder}/dangling"), "unreadable", denied),
            (format!("{folder}/in.png"), "unreadable", Some("empty")),
            (format!("{folder}/link.pdf"), "unreadable", denied),
            (format!("{folder}/pipe"), "unreadable", denied),
        ]
    };
    for folder in ["inbox", "folder-link"] {
        let want = inside(folder);
        let want = want
            .each_ref()
            .map(|(target, verdict, why)| (target.as_str(), *verdict, *why));
        check(&home, &[folder], 2, &want).await;
    }
    // What is named is meant, also through a link.
    let want = [
        ("inbox/link.pdf", "unreadable", Some("unsupported: PDF")),
        ("inbox/pipe", "unreadable", denied),
        ("inbox/dangling", "missing", None),
        ("inbox/in.png/", "missing", None),
        ("none/at/all.png", "missing", None),
    ];
    check(&home, &want.map(|(target, ..)| target), 2, &want).await;
    check(&home, &["empty"], 0, &[]).await;
}

#[tokio::test]
async fn clean_flagged_and_too_large_have_their_codes() {
    let home = Home::new();
    for name in ["plain.bmp", "plain.gif", "plain.tiff", "one-pixel.png"] {
        home.put(&format!("files/{name}"), name);
    }
    let clean = |name| (name, "clean", None);
    let want = [
        clean("inbox/one-pixel.png"),
        clean("inbox/plain.bmp"),
        clean("inbox/plain.gif"),
        clean("inbox/plain.tiff"),
    ];
    check(&home, &["inbox"], 0, &want).await;

    std::fs::copy(fixture_at("demo/terminal-deploy.png"), home.at("key.png")).unwrap();
    // Sparse: it takes no room on the disk, and may take none in memory.
    let huge = std::fs::File::create(home.at("huge.png")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let both = ["analyze", "--json", "huge.png", "key.png"];
    let ran = home.run(&both).await.ended(1);
    let rows = ran.json();
    assert_eq!(
        (&rows[0]["verdict"], &rows[0]["reason"]),
        (&"unreadable".into(), &"too_large".into())
    );
    assert_eq!(rows[1]["verdict"], "flagged");
    assert_eq!(rows[1]["categories"], serde_json::json!(["credentials"]));
    assert!(rows[1]["confidence"].is_string(), "{rows:?}");
}

#[tokio::test]
async fn a_folder_that_may_not_be_read_is_no_clean_folder() {
    let home = Home::new();
    std::fs::create_dir(home.at("inbox/closed")).unwrap();
    let closed = home.at("inbox/closed");
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&closed).is_ok() {
        // The superuser may read everything: there is nothing to see.
        return;
    }
    let why = Some("denied: no permission");
    check(&home, &["inbox"], 2, &[("inbox/closed", "unreadable", why)]).await;
    home.run(&["watch", "inbox/closed"])
        .await
        .refused(64, &["no permission"]);
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_it_quietly() {
    let home = Home::new();
    for number in 0..50 {
        home.put("files/empty.png", &format!("{number}.png"));
    }
    let ran = home
        .shell("\"$BIN\" analyze --json inbox | head -n 1")
        .await
        .ended(0);
    assert_eq!((ran.json().len(), ran.err.as_str()), (1, ""));
}
