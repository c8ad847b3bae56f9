//! A `watch` that runs: what arrives meanwhile, who may run beside it, and how it ends.

use std::io::Write;

use super::kit::Home;

/// Said when the folder is opened and signals are listened to.
const RUNS: &str = "Ctrl-C stops";

#[tokio::test]
async fn what_comes_while_it_runs_is_found_whole() {
    let home = Home::new();
    let mut watch = home.start(&["watch", "inbox"]);
    watch.says(RUNS).await;
    home.put("files/empty.png", "moved-in.png");
    watch.says("moved-in.png  empty").await;
    // In pieces: it is taken when it has stopped growing.
    let mut file = std::fs::File::create(home.at("inbox/in-pieces.pdf")).unwrap();
    for piece in ["%PD", "F-1", ".7\n"] {
        file.write_all(piece.as_bytes()).unwrap();
        file.sync_all().unwrap();
    }
    drop(file);
    watch.says("in-pieces.pdf  unsupported: PDF").await;
    home.put("files/drawing.svg", "moved-in.png");
    watch.says("moved-in.png  unsupported: SVG").await;

    let told = home
        .run(&["explain", "inbox", "in-pieces.pdf"])
        .await
        .ended(0);
    assert!(
        told.out.contains("unsupported: PDF"),
        "while it runs: {}",
        told.out
    );
    let second = home.run(&["watch", "inbox"]).await;
    second.refused(64, &["another process"]);

    watch.signal("TERM").await;
    let (status, said) = watch.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("3 looked at: 0 clean"), "{said}");
}

#[tokio::test]
async fn what_has_begun_is_finished_after_ctrl_c() {
    let home = Home::new().with("WARDEN_LOCAL__THREADS", "1");
    home.put("files/one-pixel.png", "a.png");
    home.put("files/plain.gif", "b.gif");
    let mut watch = home.start(&["watch", "inbox"]);
    watch.says(" kept  ").await;
    watch.signal("INT").await;
    let (status, said) = watch.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
    let rest = home.run(&["watch", "inbox", "--once"]).await.ended(0);
    // Whatever the first run did not begin, the second does; together they look once at each.
    let looks = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("clean  "))
            .count()
    };
    assert_eq!(looks(&said) + looks(&rest.out), 2, "{said}\n{}", rest.out);
}

#[tokio::test]
async fn a_second_signal_leaves_at_once() {
    let home = Home::new()
        .with("WARDEN_LOCAL__THREADS", "1")
        .with("WARDEN_LOG", "info");
    home.put("files/one-pixel.png", "a.png");
    // One judgement at a time: when the first is told, the others have begun and wait.
    for name in ["b.png", "c.png", "d.png"] {
        home.put("demo/terminal-deploy.png", name);
        let bytes = std::fs::OpenOptions::new()
            .append(true)
            .open(home.at("inbox").join(name));
        // Other bytes each, so that none is known from the other.
        bytes.unwrap().write_all(name.as_bytes()).unwrap();
    }
    let mut watch = home.start(&["watch", "inbox"]);
    watch.says(" kept  ").await;
    watch.signal("TERM").await;
    watch.says("draining: what has begun is finished").await;
    watch.signal("TERM").await;
    let (status, said) = watch.end().await;
    assert_eq!(status.code(), Some(75), "{said}");
}

#[tokio::test]
async fn a_kill_loses_nothing_and_repeats_no_finding() {
    let home = Home::new();
    home.put("files/empty.png", "first.png");
    home.put("files/one-pixel.png", "second.png");
    let mut watch = home.start(&["watch", "inbox"]);
    watch.says("first.png  empty").await;
    watch.signal("KILL").await;
    assert_eq!(watch.end().await.0.code(), None);

    home.put("files/document.pdf", "third.pdf");
    home.run(&["watch", "inbox", "--once"]).await.ended(0);
    for key in ["first.png", "second.png", "third.pdf"] {
        let told = home
            .run(&["explain", "--json", "inbox", key])
            .await
            .ended(0);
        assert_eq!(told.json().len(), 1, "{key}: {}", told.out);
        assert_eq!(told.json()[0]["state"], "announced", "{key}");
    }
}

#[tokio::test]
async fn a_folder_that_goes_away_is_one_sentence() {
    let home = Home::new();
    home.put("files/empty.png", "seen.png");
    let mut watch = home.start(&["watch", "inbox"]);
    watch.says("seen.png  empty").await;
    std::fs::remove_dir_all(home.at("inbox")).unwrap();
    let (status, said) = watch.end().await;
    assert_eq!(status.code(), Some(69), "{said}");
    assert!(
        said.contains("inbox is gone; start again when it is back"),
        "{said}"
    );
}
