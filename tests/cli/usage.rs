//! Help, versions and wrong usage.

use super::kit::Home;

const COMMANDS: [&str; 10] = [
    "watch", "demo", "analyze", "explain", "restore", "doctor", "dlq", "cost", "config", "evaluate",
];

#[tokio::test]
async fn help_and_version_are_answers() {
    let home = Home::new();
    let help = home.run(&["--help"]).await.ended(0);
    for command in COMMANDS {
        assert!(help.out.contains(command), "{command}: {}", help.out);
        let own = home.run(&[command, "--help"]).await.ended(0);
        assert!(own.out.contains("Usage: s3-warden "), "{}", own.out);
        assert!(!own.out.contains('\u{1b}'), "colours in a pipe");
    }
    let version = home.run(&["--version"]).await.ended(0);
    assert_eq!(
        version.out,
        concat!("s3-warden ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[tokio::test]
async fn wrong_usage_is_64() {
    let home = Home::new();
    let wrong: [&[&str]; 10] = [
        &[],
        &["guard"],
        &["analyze"],
        &["watch"],
        &["explain"],
        &["dlq"],
        &["dlq", "redrive"],
        &["dlq", "redrive", "--all", "--reason", "not_json"],
        &["cost", "--images", "5"],
        &["watch", "inbox", "--enforc"],
    ];
    for arguments in wrong {
        let ran = home.run(arguments).await.ended(64);
        assert_eq!(ran.out, "", "{arguments:?}");
        assert!(ran.err.contains("Usage: "), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_log_level_that_cannot_be_read_is_one_sentence() {
    for given in ["s3_warden=loud", "verbose"] {
        let home = Home::new().with("WARDEN_LOG", given);
        let ran = home.run(&["analyze", "inbox"]).await;
        ran.refused(64, &["WARDEN_LOG", given, "info"]);
    }
}

#[tokio::test]
async fn labels_that_are_missing_or_wrong_are_one_sentence() {
    let home = Home::new();
    let evaluate = ["evaluate", "inbox"];
    home.run(&evaluate).await.refused(64, &["labels.json"]);
    let labels = home.at("inbox/labels.json");
    for wrong in ["{", "{\"file\": 1}", "[{\"file\": \"a.png\"}]"] {
        std::fs::write(&labels, wrong).unwrap();
        home.run(&evaluate).await.refused(64, &["labels.json"]);
    }
    home.run(&["evaluate", "nowhere"])
        .await
        .refused(64, &["nowhere"]);
}

#[tokio::test]
async fn dead_letters_need_a_queue() {
    let home = Home::new();
    home.run(&["dlq", "list"]).await.refused(64, &["queue.url"]);
    let events = ["dlq", "redrive", "--all", "--events"];
    home.run(&events).await.refused(64, &["queue.events_url"]);
}

#[tokio::test]
async fn an_estimate_of_nothing_or_of_the_impossible_is_refused() {
    let home = Home::new();
    for (images, kb, says) in [
        ("0", "300", "--images"),
        ("99999999999999999999", "300", "--images"),
        ("1.5", "300", "--images"),
        ("5", "0", "--avg-kb"),
        ("5", "nan", "--avg-kb"),
        ("5", "60000", "object.max_bytes"),
    ] {
        let arguments = ["cost", "--images", images, "--avg-kb", kb];
        let ran = home.run(&arguments).await.ended(64);
        assert!(ran.err.contains(says) && ran.out.is_empty(), "{}", ran.err);
    }
    let huge = [
        "cost",
        "--images",
        "5",
        "--avg-kb",
        "3",
        "--pixels",
        "20000x20000",
    ];
    home.run(&huge).await.refused(64, &["object.max_pixels"]);
    let most = ["cost", "--images", "1000000000000", "--avg-kb", "300"];
    let ran = home.run(&most).await.ended(0);
    assert!(ran.out.contains("1,000,000,000,000"), "{}", ran.out);
}
