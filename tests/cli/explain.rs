//! `explain`: what is recorded about one object.

use super::kit::Home;

#[tokio::test]
async fn what_was_seen_can_be_explained_by_its_plain_name() {
    let home = Home::new();
    home.put("files/one-pixel.png", "clean/one.png");
    home.put("files/empty.png", "it's $HOME.png");
    home.put("files/document.pdf", "-서류 +%20.pdf");
    let watch = home.run(&["watch", "inbox", "--once"]).await.ended(0);
    assert!(watch.out.contains("3 looked at: 1 clean"), "{}", watch.out);

    for (key, verdict) in [
        ("clean/one.png", "clean"),
        ("it's $HOME.png", "unreadable (empty)"),
        ("-서류 +%20.pdf", "unreadable (unsupported: PDF)"),
    ] {
        let told = home.run(&["explain", "--", "inbox", key]).await.ended(0);
        assert!(told.out.contains(key), "{}", told.out);
        assert!(
            told.out.contains(&format!("verdict    {verdict}")),
            "{}",
            told.out
        );
        let json = home
            .run(&["explain", "--json", "--", "inbox", key])
            .await
            .ended(0);
        assert_eq!(json.json()[0]["subject"]["key"], key);
    }

    let none = home.run(&["explain", "inbox", "other.png"]).await.ended(2);
    assert!(
        none.out.contains("Nothing is recorded about other.png"),
        "{}",
        none.out
    );
    let none = home.run(&["explain", "--json", "inbox", "other.png"]).await;
    assert_eq!(none.ended(2).out, "");
}

#[tokio::test]
async fn the_command_in_an_alert_works_when_it_is_copied() {
    let home = Home::new();
    let key = "a 'b' \"c\" $(d) `e` & 정산.png";
    home.put("files/empty.png", key);
    home.run(&["watch", "inbox", "--once"]).await.ended(0);
    let alerts = home.files("xdg");
    let alerts = alerts
        .iter()
        .find(|(path, _)| path.ends_with("alerts.ndjson"));
    let alert: s3_warden::alert::Alert =
        serde_json::from_str(alerts.unwrap().1.lines().next().unwrap()).unwrap();
    let body = s3_warden::alert::body(&alert);
    let command = body.split("s3-warden explain ").nth(1).expect(&body);
    let command = command.lines().next().unwrap();
    let told = home
        .shell(&format!("\"$BIN\" explain {command}"))
        .await
        .ended(0);
    assert!(told.out.contains("unreadable (empty)"), "{}", told.out);
}

#[tokio::test]
async fn a_place_without_records_is_one_sentence() {
    let home = Home::new();
    let explain = ["explain", "inbox", "a.png"];
    home.run(&explain).await.refused(64, &["inbox", "--state"]);
    let nowhere = ["explain", "inbox", "a.png", "--state", "nowhere"];
    home.run(&nowhere).await.refused(64, &["nowhere"]);

    std::fs::create_dir_all(home.at("second/inbox")).unwrap();
    home.run(&["watch", "inbox", "--once"]).await.ended(0);
    home.run(&["watch", "second/inbox", "--once"])
        .await
        .ended(0);
    home.run(&explain)
        .await
        .refused(64, &["several", "--state"]);
}

#[tokio::test]
async fn a_finding_is_found_by_its_id_alone() {
    let home = Home::new();
    home.put("files/empty.png", "empty.png");
    home.run(&["watch", "inbox", "--once", "--state", "state"])
        .await
        .ended(0);
    let about = [
        "explain",
        "--json",
        "--state",
        "state",
        "inbox",
        "empty.png",
    ];
    let finding = home.run(&about).await.ended(0).json();
    let id = finding[0]["id"].as_str().unwrap();
    let told = home
        .run(&["explain", "--state", "state", id])
        .await
        .ended(0);
    assert!(told.out.contains("empty.png"), "{}", told.out);
    assert!(told.out.contains(id), "{}", told.out);

    let other = "0123456789abcdef0123456789abcdef";
    let none = home.run(&["explain", "--state", "state", other]).await;
    let none = none.ended(2);
    assert!(none.out.contains(other), "{}", none.out);
    home.run(&["explain", "--state", "state", "inbox"])
        .await
        .refused(64, &["finding", "key"]);
    home.run(&["explain", other])
        .await
        .refused(64, &["records.bucket", "--state"]);
}
