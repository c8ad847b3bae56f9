//! Help, versions and wrong usage.

use super::kit::Home;

const COMMANDS: [&str; 6] = ["watch", "demo", "analyze", "explain", "config", "evaluate"];

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
    let wrong: [&[&str]; 6] = [
        &[],
        &["guard"],
        &["analyze"],
        &["watch"],
        &["explain"],
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
    let home = Home::new().with("WARDEN_LOG", "s3_warden=loud");
    let ran = home.run(&["analyze", "inbox"]).await;
    ran.refused(64, &["s3_warden=loud"]);
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
