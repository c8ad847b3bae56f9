//! The doctor over an AWS in which everything is in order, but for one thing at a time.
//!
//! Each case changes one answer or one setting, and exactly the row that is about it may turn red;
//! rows that depend on it say so. Every check needs a case.

mod answers;
mod aws;
mod cases;
mod iam;
mod trials;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use s3_warden::maintenance::doctor::Check;
use s3_warden_standins::bedrock::Bedrock;
use serde_json::Value;

use aws::{ACCOUNT, Aws, Call, ROLE, Twist};
use cases::{Case, cases};

use super::kit::{Home, Ran};

/// How many run side by side.
const AT_ONCE: usize = 4;

/// What a row is about, and how it came out.
type Rows = BTreeMap<(String, String), String>;

/// A doctor's visit: its process, what was asked, and the home that it ran in.
struct Visit {
    ran: Ran,
    calls: BTreeSet<Call>,
    /// What it has written and not removed.
    left: BTreeSet<String>,
    /// Whether a model was called.
    asked_model: bool,
}

/// The settings of a service that lies in a region.
fn home(endpoint: &str, bedrock: &str, region: &str, settings: &[(&str, String)]) -> Home {
    let topic = format!("arn:aws:sns:{region}:{ACCOUNT}:alerts");
    let own = [
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", region.to_owned()),
        // As in a task: only there the memory is the service's.
        (
            "ECS_CONTAINER_METADATA_URI_V4",
            "http://127.0.0.1:9".to_owned(),
        ),
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.to_owned()),
        ("WARDEN_QUEUE__URL", format!("http://sqs/{ACCOUNT}/uploads")),
        (
            "WARDEN_QUEUE__EVENTS_URL",
            format!("http://sqs/{ACCOUNT}/events"),
        ),
        ("WARDEN_ALERTS__TOPIC_ARN", topic),
        ("WARDEN_ALERTS__CHAT", "true".to_owned()),
        ("WARDEN_RECORDS__BUCKET", "records".to_owned()),
        ("WARDEN_QUARANTINE__BUCKET", "vault".to_owned()),
        ("WARDEN_INTAKE__BUCKETS", "pictures,scans,drops".to_owned()),
        ("WARDEN_POLICY__MODE", "enforce".to_owned()),
        ("WARDEN_MODEL__FALLBACKS", String::new()),
        ("WARDEN_MODEL__REQUESTS_PER_MINUTE", "500".to_owned()),
        ("WARDEN_MODEL__TOKENS_PER_MINUTE", "2000000".to_owned()),
    ];
    let own = own
        .into_iter()
        .fold(Home::new(), |home, (name, value)| home.with(name, &value));
    settings
        .iter()
        .fold(own, |home, (name, value)| home.with(name, value))
}

async fn visit(
    region: &str,
    twists: Vec<Twist>,
    settings: &[(&str, String)],
    arguments: &[&str],
) -> Visit {
    let aws = Aws::start(region, twists).await;
    let bedrock = Bedrock::start().await;
    let home = home(&aws.url(), &bedrock.url(), region, settings);
    let ran = home.run(arguments).await;
    Visit {
        ran,
        calls: aws.calls(),
        left: aws.left(),
        asked_model: !bedrock.requests().is_empty(),
    }
}

/// What is never tried, because it would be seen: people get alerts, and objects are somebody's.
const NEVER_TRIED: [Check; 2] = [Check::RemoveGrant, Check::Publish];

const ASKED: &[&str] = &["doctor", "--json", "--call-model"];

async fn in_order() -> Visit {
    visit("us-east-1", Vec::new(), &[], ASKED).await
}

fn rows(report: &Value) -> Rows {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = report["rows"].as_array().unwrap().iter();
    let rows = rows.map(|row| {
        (
            (text(row, "check"), text(row, "resource")),
            text(row, "status"),
        )
    });
    rows.collect()
}

/// The rows of `now` that are no longer well.
fn changed(before: &Rows, now: &Rows) -> Rows {
    let changed = now
        .iter()
        .filter(|(row, status)| *status != "ok" && before.get(*row) != Some(*status));
    changed
        .map(|(row, status)| (row.clone(), status.clone()))
        .collect()
}

#[tokio::test]
async fn where_everything_is_in_order_every_row_is_ok() {
    let visit = in_order().await;
    let report = visit.ran.ended(0).json_document();
    for row in report["rows"].as_array().unwrap() {
        if NEVER_TRIED.iter().any(|check| row["check"] == check.name()) {
            assert_eq!(row["status"], "not_checked", "{row}");
            continue;
        }
        assert_eq!(row["status"], "ok", "{row}");
        assert_eq!(row["remedy"], Value::Null, "{row}");
    }
    let shown: BTreeSet<_> = rows(&report).into_keys().map(|(check, _)| check).collect();
    let all: BTreeSet<_> = Check::ALL.iter().map(|it| it.name().to_owned()).collect();
    assert_eq!(shown, all, "every check has a row");
    assert_eq!(report["as"], ROLE);
    assert_eq!(
        report["counts"]["ok"],
        report["rows"].as_array().unwrap().len() - NEVER_TRIED.len()
    );
    let settings = report["settings"].as_str().unwrap();
    assert!(
        settings.starts_with("those of this container: "),
        "{settings}"
    );
    assert!(report["checked_at"].is_string());
    assert!(visit.asked_model);
    // What is left on a bucket without versions has another way out.
    let plain = self::visit("us-east-1", vec![Twist::Unversioned], &[], ASKED).await;
    let mut calls = visit.calls;
    calls.extend(plain.calls);
    iam::check(&calls);
}

#[tokio::test]
async fn what_is_wrong_turns_its_own_row_red_and_no_other() {
    let visit = in_order().await;
    let report = visit.ran.ended(0).json_document();
    let before = rows(&report);
    let denied = stream::iter(visit.calls).map(|call| is_denied(call, &before));
    let denied: Vec<_> = denied.buffer_unordered(AT_ONCE).collect().await;
    let twisted = stream::iter(cases()).map(|case| is_twisted(case, &before));
    let twisted: Vec<_> = twisted.buffer_unordered(AT_ONCE).collect().await;
    let red: BTreeSet<_> = denied.into_iter().chain(twisted).flatten().collect();
    let tried = Check::ALL
        .iter()
        .filter(|check| !NEVER_TRIED.contains(check));
    let names = tried.map(|check| check.name());
    let missing: Vec<_> = names.filter(|name| !red.contains(*name)).collect();
    assert!(missing.is_empty(), "no case turns these red: {missing:?}");
}

/// A call that is denied is told with who was refused and which policy grants it. Answers the checks
/// that turned red.
async fn is_denied(call: Call, before: &Rows) -> Vec<String> {
    let action: &'static str = String::leak(call.action.clone());
    let twist = Twist::Refuse(action, call.about.clone(), 403, "AccessDenied");
    let visit = visit("us-east-1", vec![twist], &[], ASKED).await;
    let report = visit.ran.json_document();
    let changed = changed(before, &rows(&report));
    // Whether a topic of the buckets' owner passes news on is not ours to know, and not called fine.
    if call.about == "news" {
        let named = |check: Check| (check.name().to_owned(), "drops".to_owned());
        let waits = [Check::Notifications, Check::NotificationScope].map(named);
        let waits = waits.into_iter().map(|row| (row, "not_checked".to_owned()));
        assert_eq!(changed, waits.collect(), "{call:?}");
        return Vec::new();
    }
    // That one of ours is left behind in the quarantine is no denial of the service's work.
    let expected = match call.action.as_str() {
        "s3:DeleteObject" | "s3:DeleteObjectVersion" => "warning",
        _ => "problem",
    };
    let red: Vec<_> = changed.iter().filter(|(_, it)| *it == expected).collect();
    assert_eq!(red.len(), 1, "{call:?}: {changed:#?}");
    let behind = changed.values().filter(|it| *it == "not_checked").count();
    assert_eq!(behind + 1, changed.len(), "{call:?}: {changed:#?}");
    assert_eq!(visit.ran.code, Some(i32::from(expected == "problem")));
    for row in report["rows"].as_array().unwrap() {
        let (finding, remedy) = (row["finding"].as_str().unwrap(), row["remedy"].as_str());
        match row["status"].as_str().unwrap() {
            "problem" => {
                let who = if action.starts_with("sts:") {
                    "these credentials"
                } else {
                    ROLE
                };
                assert!(
                    finding.contains(&format!("{action} is denied to {who}")),
                    "{row}"
                );
                assert!(remedy.unwrap().contains("deploy/iam/"), "{row}");
            }
            "not_checked" => {
                let by_itself = NEVER_TRIED.iter().any(|it| row["check"] == it.name());
                assert!(by_itself || finding.starts_with("depends on "), "{row}");
            }
            _ => {}
        }
    }
    red.into_iter()
        .map(|((check, _), _)| check.clone())
        .collect()
}

async fn is_twisted(case: Case, before: &Rows) -> Vec<String> {
    let settings: Vec<_> = case.settings.clone();
    let visit = visit(case.region, case.twists.clone(), &settings, case.arguments).await;
    let problem = case.status == "problem";
    let ran = visit.ran.ended(i32::from(problem));
    let report = ran.json_document();
    let changed = changed(before, &rows(&report));
    let mut expected = Rows::new();
    let named = |check: &Check| (check.name().to_owned(), case.resource.to_owned());
    expected.insert(named(&case.check), case.status.to_owned());
    for (check, resource) in case.also {
        let row = (check.name().to_owned(), (*resource).to_owned());
        expected.insert(row, "not_checked".to_owned());
    }
    for check in case.behind {
        // What depends on a thing of its own is about the same thing.
        let at = before
            .keys()
            .find(|(name, at)| name == check.name() && (at == case.resource || at.is_empty()));
        let at = at.map_or("", |(_, at)| at.as_str());
        expected.insert(
            (check.name().to_owned(), at.to_owned()),
            "not_checked".to_owned(),
        );
    }
    assert_eq!(changed, expected, "{case:#?}");
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| {
        row["check"] == case.check.name()
            && row["resource"].as_str().unwrap_or_default() == case.resource
    });
    let row = row.unwrap();
    assert!(
        row["finding"].as_str().unwrap().contains(case.finding),
        "{row}"
    );
    assert!(
        row["remedy"].as_str().unwrap().contains(case.remedy),
        "{row}"
    );
    let said = report.to_string();
    assert!(!said.contains("example.com"), "an address: {said}");
    assert!(!said.contains("some/key"), "a key: {said}");
    match case.status {
        "not_checked" => Vec::new(),
        _ => vec![case.check.name().to_owned()],
    }
}

#[tokio::test]
async fn without_credentials_there_is_one_problem() {
    let expired =
        |action, about: &str| Twist::Refuse(action, about.to_owned(), 403, "ExpiredToken");
    let calls = in_order().await.calls;
    let twists = calls.into_iter().map(|call| {
        let action: &'static str = String::leak(call.action);
        expired(action, &call.about)
    });
    let visit = visit("us-east-1", twists.collect(), &[], &["doctor", "--json"]).await;
    let report = visit.ran.ended(1).json_document();
    assert_eq!(report["counts"]["problem"], 1, "{report:#}");
    let rows = report["rows"].as_array().unwrap();
    let problem = rows.iter().find(|row| row["status"] == "problem").unwrap();
    assert_eq!(problem["check"], "caller");
    let finding = problem["finding"].as_str().unwrap();
    assert!(
        finding.contains("these credentials are no good"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_person_reads_one_screen() {
    let twist = Twist::Refuse(
        "s3:GetBucketNotification",
        "scans".to_owned(),
        403,
        "AccessDenied",
    );
    let visit = visit("us-east-1", vec![twist], &[], &["doctor"]).await;
    let ran = visit.ran.ended(1);
    for words in [
        "Guarded buckets\n",
        "  ok           bucket (pictures): there, in us-east-1\n",
        "  problem      notifications (scans): s3:GetBucketNotification is denied to",
        "               -> grant s3:GetBucketNotification as in deploy/iam/doctor.json",
        "  not checked  model_call: no model was called\n",
        "4 not checked. Mend the problems, then ask again with `s3-warden doctor`.\n",
    ] {
        assert!(ran.out.contains(words), "{words:?}:\n{}", ran.out);
    }
    let first = ran.out.lines().next().unwrap();
    assert!(
        first.starts_with("Settings: those of this container: "),
        "{first}"
    );
    let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(&format!("Rights: those of {ROLE}.")),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains('\u{1b}'), "colours in a pipe");
    assert_eq!(ran.err, "");
}

#[tokio::test]
async fn settings_that_are_wrong_are_told_before_anything_is_asked() {
    let missing = [("WARDEN_POLICY__MODE", "remove".to_owned())];
    let visit = visit("us-east-1", Vec::new(), &missing, &["doctor"]).await;
    assert_eq!(visit.calls, BTreeSet::new());
    visit.ran.refused(64, &["policy.mode"]);
    let ran = Home::new().run(&["doctor", "--json"]).await.ended(64);
    for word in [
        "queue.url",
        "alerts.topic_arn",
        "records.bucket",
        "intake.buckets",
        "policy.mode",
    ] {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
}

#[tokio::test]
async fn what_was_removed_never_lies_among_the_records() {
    let check = async |records: &str, removed: &str, refused: bool| {
        let settings = [
            ("WARDEN_QUARANTINE__BUCKET", "records".to_owned()),
            ("WARDEN_RECORDS__PREFIX", records.to_owned()),
            ("WARDEN_QUARANTINE__PREFIX", removed.to_owned()),
        ];
        let ran = visit("us-east-1", Vec::new(), &settings, &["doctor"])
            .await
            .ran;
        match refused {
            true => ran.refused(64, &["quarantine.bucket", "choose another bucket"]),
            false => assert_ne!(ran.code, Some(64), "{ran:?}"),
        }
    };
    check("", "", true).await;
    check("", "held/", true).await;
    check("warden/", "warden/held/", true).await;
    check("warden/", "held/", false).await;
}

#[tokio::test]
async fn where_nothing_answers_every_row_says_so() {
    let dead = "http://127.0.0.1:9";
    let home = home(dead, dead, "us-east-1", &[]);
    let ran = home.run(&["doctor", "--json"]).await.ended(1);
    let report = ran.json_document();
    assert_eq!(report["as"], Value::Null);
    // What was never sent cannot stay.
    assert!(!ran.out.contains("may stay"), "{}", ran.out);
    for row in report["rows"].as_array().unwrap() {
        let (finding, status) = (
            row["finding"].as_str().unwrap(),
            row["status"].as_str().unwrap(),
        );
        match status {
            "problem" => assert!(finding.contains("no connection"), "{row}"),
            "not_checked" => {
                let alone = ["model_call", "remove_grant", "publish"];
                let by_itself = alone.contains(&row["check"].as_str().unwrap());
                assert!(by_itself || finding.starts_with("depends on "), "{row}");
            }
            // What needs no answer of anybody.
            _ => {
                let alone = ["region", "geography", "drain", "memory"];
                assert!(alone.contains(&row["check"].as_str().unwrap()), "{row}");
            }
        }
    }
}
