//! `config`, and how mistakes in the settings are told.

use super::kit::Home;

#[tokio::test]
async fn the_settings_in_force_name_their_origin() {
    let home = Home::new().with("WARDEN_LIMITS__CONCURRENCY", "3");
    std::fs::write(
        home.at("mine.toml"),
        "[policy]\nmode = \"observe\"\n[intake]\nbuckets = [\"a\"]\n",
    )
    .unwrap();
    let ran = home
        .run(&["--config", "mine.toml", "config"])
        .await
        .ended(0);
    for line in [
        "mode = \"observe\" # mine.toml:2",
        "concurrency = 3 # WARDEN_LIMITS__CONCURRENCY",
        "settle_millis = 500 # default",
    ] {
        assert!(ran.out.contains(line), "{line} is missing: {}", ran.out);
    }
    ran.out.parse::<toml::Table>().unwrap();
}

#[tokio::test]
async fn what_is_missing_is_told_beside_the_settings() {
    let ran = Home::new().run(&["config"]).await.ended(64);
    assert!(
        ran.out.contains("settle_millis = 500 # default"),
        "{}",
        ran.out
    );
    for key in ["intake.buckets", "policy.mode"] {
        assert!(ran.err.contains(key), "{key}: {}", ran.err);
    }
}

#[tokio::test]
async fn all_mistakes_are_reported_at_once() {
    let home = Home::new()
        .with("WARDEN_INTAKE__BUCKET", "a")
        .with("WARDEN_LIMIT__HELD", "1");
    std::fs::write(
        home.at("bad.toml"),
        "[object]\nmax_byte = 1\n[local]\nthreads = \"many\"\n",
    )
    .unwrap();
    let files = ["--config", "bad.toml", "--config", "none.toml"];
    for command in [&["config"][..], &["watch", "inbox"], &["analyze", "inbox"]] {
        let ran = home.run(&[&files, command].concat()).await.ended(64);
        for words in [
            "object.max_byte (bad.toml:2): no such setting; did you mean object.max_bytes",
            "local.threads (bad.toml:4): expected a whole number",
            "none.toml: cannot be read",
            "did you mean WARDEN_INTAKE__BUCKETS",
            "WARDEN_LIMIT__HELD",
        ] {
            assert!(ran.err.contains(words), "{words} is missing: {}", ran.err);
        }
        let missing = command == ["config"];
        assert_eq!(
            ran.err.contains("policy.mode: missing"),
            missing,
            "{}",
            ran.err
        );
    }
}

#[tokio::test]
async fn the_schema_knows_every_setting_with_a_description() {
    let home = Home::new()
        .with("WARDEN_POLICY__MODE", "observe")
        .with("WARDEN_INTAKE__BUCKETS", "a");
    let schema = home
        .run(&["config", "--schema"])
        .await
        .ended(0)
        .json_document();
    jsonschema::meta::validate(&schema).unwrap();
    let properties = |at: &serde_json::Value| {
        let place = match at.get("$ref").and_then(|name| name.as_str()) {
            Some(name) => schema["$defs"][name.rsplit('/').next().unwrap()].clone(),
            None => at.clone(),
        };
        place["properties"].as_object().unwrap().clone()
    };
    let shown: toml::Table = home.run(&["config"]).await.ended(0).out.parse().unwrap();
    let sections = properties(&schema);
    for (section, settings) in &shown {
        let known = properties(&sections[section]);
        for name in settings.as_table().unwrap().keys() {
            assert!(known.contains_key(name), "{section}.{name}");
        }
        for (name, setting) in known {
            let described = setting["description"]
                .as_str()
                .is_some_and(|d| !d.is_empty());
            assert!(described, "{section}.{name} has no description");
        }
    }
    assert!(shown.len() >= 6, "{shown:?}");
}
