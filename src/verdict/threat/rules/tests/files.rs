//! What a file of rules may say, and what is said about one that cannot be used.

use super::*;

/// A rule that is right, to be changed.
const RIGHT: &str = r#"
[[rule]]
id = "one"
source = "s3.amazonaws.com"
name = ["GetObject", "Put*"]
level = "high"
title = { en = "Title", ko = "제목" }
next_step = { en = "Act.", ko = "조치하십시오." }
when = [{ at = "/a", equals = "x" }]
show = { a = "/a" }
"#;

fn lines(text: &str) -> Vec<String> {
    match Rules::parse(text, "rules.toml") {
        Ok(_) => Vec::new(),
        Err(RulesError::Wrong { problems, .. }) => {
            problems.iter().map(ToString::to_string).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

/// The right rule with a part replaced, and what is said of it.
#[track_caller]
fn check(part: &str, by: &str, expected: &[&str]) {
    assert!(RIGHT.contains(part), "{part}");
    let found = lines(&RIGHT.replace(part, by));
    assert_eq!(found, expected, "{by}");
}

#[test]
fn every_mistake_is_named_with_rule_field_and_remedy() {
    check("id", "id", &[]);
    check(
        "id = \"one\"",
        "",
        &["rule number 1 id: is missing; write it"],
    );
    check(
        "\"one\"",
        "\"One-1\"",
        &["rule `One-1` id: has other than lowercase letters, digits and `_`; leave them out"],
    );
    check(
        "\"Put*\"",
        "\"Pu*t\"",
        &["rule `one` name: has a star elsewhere than at its end; put it there or list the names"],
    );
    check(
        "\"s3.amazonaws.com\"",
        "[]",
        &["rule `one` source: is missing or no text; write one text, or a list of texts"],
    );
    check(
        "\"high\"",
        "\"grave\"",
        &[
            "rule `one` level: is missing or unknown; choose one of `low`, `medium`, `high`, `critical`",
        ],
    );
    check(
        "level = \"high\"",
        "level = \"high\"\nfailed = 7\nlevle = 1",
        &[
            "rule `one` failed: is missing or unknown; choose one of `lower`, `same`, `lowest`, `ignore`",
            "rule `one` levle: is not known; known here are failed, id, level, name, next_step, show, source, title, when",
        ],
    );
    check(
        "en = \"Title\", ko = \"제목\"",
        "en = \"Títle\", ko = \"Títle\", fr = \"Titre\"",
        &[
            "rule `one` title en: has other than printable ASCII; subjects of mails take no other",
            "rule `one` title ko: is the same as `en`; translate it",
            "rule `one` title fr: is not known; known here are en, ko",
        ],
    );
    check(
        "title = { en = \"Title\", ko = \"제목\" }",
        &format!("title = {{ en = \"{}\" }}", "x".repeat(71)),
        &[
            "rule `one` title ko: is missing; write it",
            "rule `one` title en: is too long; write at most 70 characters",
        ],
    );
    check(
        "\"Act.\"",
        "\"\"\"Act.\nNow.\"\"\"",
        &["rule `one` next_step en: is empty or has line breaks; write one line"],
    );
    check(
        "show = { a = \"/a\" }",
        "show = { a = \"a\", b = 7 }",
        &[
            "rule `one` show.a: is no JSON pointer; write it like \"/requestParameters/bucketName\"",
            "rule `one` show.b: is no JSON pointer; write it like \"/requestParameters/bucketName\"",
        ],
    );
}

#[test]
fn every_mistake_in_a_condition_is_named() {
    let condition = "{ at = \"/a\", equals = \"x\" }";
    let when = |by: &str, expected: &[&str]| check(condition, by, expected);
    when(
        "{ not = { any = [{ at = [\"/a\", \"/b\"], absent = true }, { cross_account = true }] } }",
        &[],
    );
    when("{ at = \"/a\", any_of = [\"x\", 1, true] }", &[]);
    when(
        "7",
        &["rule `one` when[0]: is no condition; write it as { at = \"..\", .. }"],
    );
    when(
        "{ at = \"a\", equals = 1.5 }",
        &[
            "rule `one` when[0] at: has no JSON pointer; write it like \"/requestParameters/bucketName\"",
            "rule `one` when[0] equals: is no text, flag or whole number; write one of these",
        ],
    );
    when(
        "{ equals = 1 }",
        &["rule `one` when[0] at: is missing or no text; write one text, or a list of texts"],
    );
    when(
        "{ at = \"/a\", matches = \".*\" }",
        &[
            "rule `one` when[0] at: is not tested; add one of equals, any_of, contains, present, \
             absent, at_least, is_public_cidr or policy",
            "rule `one` when[0] matches: is not known; known here are absent, any, any_of, at, \
             at_least, contains, cross_account, equals, is_public_cidr, not, policy, present",
        ],
    );
    when(
        "{ at = \"/a\", equals = 1, present = true }",
        &[
            "rule `one` when[0] present: is not known; known here are absent, any, at, \
             cross_account, equals, not",
        ],
    );
    when(
        "{ at = \"/a\", present = false }, { at = \"/b\", at_least = -1 }",
        &[
            "rule `one` when[0] present: is not `true`; write `true`, inside of `not` for the opposite",
            "rule `one` when[1] at_least: is no whole number from 0; write one",
        ],
    );
    when(
        "{ any = [{ at = \"/a\", policy = \"open\" }, { not = 7 }] }",
        &[
            "rule `one` when[0] any[0] policy: is missing or unknown; choose one of `open_to_anyone`, `allows_everything`",
            "rule `one` when[0] any[1] not: is no condition; write it as { at = \"..\", .. }",
        ],
    );
    let deep = format!("{}{condition}{}", "{ not = ".repeat(9), " }".repeat(9));
    let found = lines(&RIGHT.replace(condition, &deep));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("lies too deep; take `any` and `not` apart into several rules"));
}

#[test]
fn the_file_as_a_whole_is_checked_too() {
    assert_eq!(
        lines(&format!("{RIGHT}{}", RIGHT.replace("one", "two"))),
        [""; 0]
    );
    assert_eq!(
        lines(&format!("{RIGHT}{RIGHT}")),
        ["rule `one` id: stands twice; give each rule an id of its own"]
    );
    let none = "file rule: is missing; write one [[rule]] for each rule";
    assert_eq!(lines(""), [none]);
    assert_eq!(
        lines("rule = 7\nrules = 1"),
        [none, "file rules: is not known; known here are rule"]
    );
    assert_eq!(
        lines("rule = [7]"),
        ["rule number 1: is no table; write it as [[rule]]"]
    );
    let broken = lines("[[rule]\nid = 'secret'");
    assert!(
        broken[0].starts_with("file: is no TOML: ") && !broken[0].contains("secret"),
        "{broken:?}"
    );
}

#[test]
fn a_file_is_named_in_what_is_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let error = Rules::load(Some(&path)).unwrap_err().to_string();
    assert!(
        error.contains("mine.toml cannot be read; correct threats.rules"),
        "{error}"
    );
    std::fs::write(
        &path,
        RIGHT.replace("\"high\"", "1").replace("\"Act.\"", "2"),
    )
    .unwrap();
    let error = Rules::load(Some(&path)).unwrap_err().to_string();
    for part in [
        "mine.toml cannot be used: ",
        "rule `one` level: ",
        "; rule `one` next_step en: ",
    ] {
        assert!(error.contains(part), "{error}");
    }
    std::fs::write(&path, RIGHT).unwrap();
    let own = Rules::load(Some(&path)).unwrap();
    assert_eq!(own.rules.len(), 1);
    assert_ne!(own.hash(), Rules::builtin().hash());
    assert_eq!(Rules::load(None).unwrap().hash(), Rules::builtin().hash());
}

#[test]
fn the_hash_is_the_beginning_of_sha_256() {
    let rules = Rules::parse(RIGHT, "x").unwrap();
    let whole = hex::encode(sha2::Sha256::digest(RIGHT.as_bytes()));
    assert_eq!(rules.hash().len(), 12);
    assert!(whole.starts_with(rules.hash()));
}
