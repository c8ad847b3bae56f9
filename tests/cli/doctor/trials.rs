//! What doctor tries for itself: objects of ours, which never stay, and a picture shown to a model.

use std::collections::BTreeSet;

use s3_warden_standins::bedrock::{Bedrock, Behaviour};

use super::aws::{Aws, Call, Twist};
use super::{ASKED, home, visit};

#[tokio::test]
async fn nothing_of_ours_stays_whatever_becomes_of_a_write() {
    let put = |about: &str| Twist::Lost("s3:PutObject", about.to_owned());
    let second = || Twist::Hangs("s3:PutObject", "records/probe".to_owned(), 2);
    let null = || {
        let at = "records/probe".to_owned();
        Twist::Header("s3:PutObject", at, "x-amz-version-id", "null")
    };
    for (twists, check, stays) in [
        (vec![], None, ""),
        // Versions are off again: without its id, a marker would come to lie on it.
        (vec![Twist::Unversioned, null()], None, ""),
        (vec![put("vault")], Some("quarantine_write"), ""),
        (vec![put("records/probe")], Some("conditional_writes"), ""),
        // It may still come to be written.
        (
            vec![second()],
            Some("conditional_writes"),
            "s3://records/probe/",
        ),
    ] {
        let visit = visit("us-east-1", twists.clone(), &[], ASKED).await;
        assert_eq!(visit.left, BTreeSet::new(), "{twists:?}");
        let marks = Call {
            action: "s3:DeleteObject".to_owned(),
            about: "records/probe".to_owned(),
        };
        assert!(!visit.calls.contains(&marks), "{twists:?}");
        let report = visit.ran.ended(i32::from(check.is_some())).json_document();
        let Some(check) = check else { continue };
        let rows = report["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["check"] == check).unwrap();
        assert_eq!(row["status"], "problem", "{row}");
        let finding = row["finding"].as_str().unwrap();
        assert_eq!(finding.contains("may stay"), !stays.is_empty(), "{row}");
        assert!(finding.contains(stays), "{row}");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_named() {
    let hangs = Twist::Hangs("s3:DeleteObject", "vault".to_owned(), 1);
    let visit = visit("us-east-1", vec![hangs], &[], ASKED).await;
    let left: Vec<_> = visit.left.iter().collect();
    let report = visit.ran.ended(0).json_document();
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["check"] == "quarantine_write");
    let row = row.unwrap();
    assert_eq!(row["status"], "warning", "{row}");
    let [path] = left.as_slice() else {
        panic!("{left:?}")
    };
    assert!(
        row["finding"]
            .as_str()
            .unwrap()
            .contains(&format!("s3:/{path}")),
        "{row}"
    );
}

#[tokio::test]
async fn a_signal_stops_the_questions_and_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let second = Twist::Hangs("s3:PutObject", "records/probe".to_owned(), 2);
        let aws = Aws::start("us-east-1", vec![second]).await;
        let bedrock = Bedrock::start().await;
        let home = home(&aws.url(), &bedrock.url(), "us-east-1", &[]);
        let doctor = home.start(ASKED);
        aws.hangs().await;
        assert!(aws.left().iter().any(|path| path.contains("/probe/")));
        doctor.signal(signal).await;
        let (status, said) = doctor.end().await;
        assert_eq!(status.code(), Some(75), "{said}");
        // The quarantine's may have been on its way too.
        let stays = said.split_once("this may stay: ").map(|(_, stays)| stays);
        let names = stays.is_some_and(|stays| stays.contains("s3://records/probe/"));
        assert!(names, "{said}");
        assert_eq!(aws.left(), BTreeSet::new(), "{said}");
    }
}

#[tokio::test]
async fn a_model_that_gives_no_verdict_is_told_and_not_called_fine() {
    for (behaviour, words) in [
        (Behaviour::Guardrail, "no verdict: refused"),
        (Behaviour::Truncate, "no verdict: truncated"),
        (Behaviour::NotGranted, "bedrock:InvokeModel"),
        (Behaviour::ExpiredCredentials, "expired"),
    ] {
        let aws = Aws::start("us-east-1", Vec::new()).await;
        let bedrock = Bedrock::start().await;
        bedrock.behave(behaviour.clone());
        let home = home(&aws.url(), &bedrock.url(), "us-east-1", &[]);
        let ran = home.run(ASKED).await;
        let report = ran.json_document();
        let rows = report["rows"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["check"] == "model_call")
            .unwrap();
        let undecided = words.starts_with("no verdict");
        let status = if undecided { "warning" } else { "problem" };
        assert_eq!(row["status"], status, "{behaviour:?}: {row}");
        assert!(row["finding"].as_str().unwrap().contains(words), "{row}");
        // All of it is in the report.
        assert_eq!(ran.err, "", "{behaviour:?}");
    }
}
