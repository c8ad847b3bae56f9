//! No value that is read in a picture leaves the detector, at any log level, by any way.

use super::kit::Home;

/// What the two pictures show, in pieces, as a reader of text may hand it on in pieces.
const VALUES: [&str; 7] = [
    "DE68",
    "9917 7067",
    "99177067",
    "AKIA6MZF",
    "EK4B22YFLLUB",
    "MziAPCg8",
    "Mustermann",
];

#[tokio::test]
async fn no_value_leaves_the_detector() {
    let home = Home::new().with("WARDEN_LOG", "trace");
    home.put("demo/invoice-2026-0418.png", "invoice.png");
    home.put("demo/terminal-deploy.png", "terminal.png");
    let watch = ["watch", "inbox", "--enforce", "--once", "--json"];
    let ran = home.run(&watch).await.ended(0);
    let rows = ran.json();
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in &rows {
        assert_eq!(
            (&row["verdict"], &row["deed"]),
            (&"flagged".into(), &"deleted".into())
        );
        let (key, name) = (&row["key"], row["key"].as_str().unwrap());
        assert!(!home.has(name), "{key} is still there");
    }
    assert!(ran.err.contains("\"level\":\"TRACE\""), "logs were on");

    let told = home
        .run(&["explain", "--json", "inbox", "terminal.png"])
        .await;
    let mut sinks = home.files("xdg");
    assert!(
        sinks
            .iter()
            .any(|(path, text)| path.ends_with("alerts.ndjson") && !text.is_empty())
    );
    sinks.push(("standard output".into(), ran.out));
    sinks.push(("standard error".into(), ran.err));
    sinks.push(("explain".into(), told.ended(0).out));
    for (sink, text) in sinks {
        for value in VALUES {
            assert!(!text.contains(value), "{value} is in {}", sink.display());
        }
    }
}
