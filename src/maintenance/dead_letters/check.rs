//! Whether sending a dead letter back is of any use, asked of the code that the worker asks.

use std::collections::BTreeSet;

use super::{About, Parked, Source};
use crate::event::{Body, BucketName, Job, Options, Plan};

/// What the service is set to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What may be planned.
    pub options: Options,
    /// The guarded buckets; empty where the settings at hand do not name them, and then buckets are
    /// not asked about.
    pub guarded: BTreeSet<BucketName>,
}

/// Why a dead letter stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// A stable word for it: that of the reason for which it would be parked again, or
    /// `not_guarded`, `other_queue`, `body_gone`.
    pub code: &'static str,
    /// A sentence: lowercase, no full stop.
    pub sentence: String,
}

/// What is known of a dead letter that is to be sent back.
#[derive(Clone, Debug)]
pub struct Checked<'s> {
    /// What it is about.
    pub about: About,
    /// Where it can be sent; `None` where that cannot even be forced.
    pub source: Option<&'s Source>,
    /// Why it had better stay.
    pub stay: Option<Stay>,
}

/// Asks of a dead letter with this text (`None`: its text is gone) where it can be sent, and whether
/// that is of any use.
pub fn check<'s>(
    parked: &Parked,
    body: Option<&Body>,
    sources: &'s [Source],
    rules: &Rules,
) -> Checked<'s> {
    let Some(body) = body else {
        let stay = Stay {
            code: "body_gone",
            sentence: "its text was too big for the queue and is not in the records bucket any \
                       more, or was changed there"
                .to_owned(),
        };
        return Checked {
            about: About::Gone,
            source: None,
            stay: Some(stay),
        };
    };
    let plan = parked.plan(body, &rules.options);
    let source = source(parked, sources);
    let stay = match source {
        Some(_) => useless(&plan, &rules.guarded),
        None => Some(Stay {
            code: "other_queue",
            sentence: format!(
                "it came from {}, which is not a queue of these settings: use those of its service",
                parked.source_queue.as_deref().unwrap_or_default()
            ),
        }),
    };
    Checked {
        about: About::of(&plan),
        source,
        stay,
    }
}

/// The queue that a message came from. Where nobody says which, it is the first: each takes every
/// kind of message.
fn source<'s>(parked: &Parked, sources: &'s [Source]) -> Option<&'s Source> {
    match &parked.source_queue {
        Some(arn) => sources.iter().find(|source| source.arn == *arn),
        None => sources.first(),
    }
}

fn useless(plan: &Plan, guarded: &BTreeSet<BucketName>) -> Option<Stay> {
    if let Some(reason) = plan.unreadable.first() {
        return Some(Stay {
            code: reason.code,
            sentence: format!("it would be parked again: {}", reason.detail),
        });
    }
    if plan.jobs.iter().any(|job| matches!(job, Job::Answer(_))) {
        return Some(Stay {
            code: "requests_disabled",
            sentence: "it would be parked again: no worker answers on-demand requests".to_owned(),
        });
    }
    let named: Vec<_> = plan.jobs.iter().filter_map(looked_at).collect();
    let only_looks = !named.is_empty() && named.len() == plan.jobs.len();
    let unknown = !guarded.is_empty() && named.iter().all(|bucket| !guarded.contains(*bucket));
    let first = named.first().filter(|_| only_looks && unknown)?;
    Some(Stay {
        code: "not_guarded",
        sentence: format!(
            "nobody guards {first}, so that it would be dropped: add the bucket to intake.buckets"
        ),
    })
}

/// The bucket of an object that is to be looked at.
fn looked_at(job: &Job) -> Option<&BucketName> {
    match job {
        Job::Inspect(upload) => Some(&upload.target.bucket),
        Job::Answer(_) | Job::Assess(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::{SOURCE, letter, news};
    use super::*;

    #[test]
    fn what_stays_says_why() {
        let rules = |enabled: bool, guarded: &[&str]| Rules {
            options: Options {
                requests_enabled: enabled,
                ..Options::default()
            },
            guarded: guarded
                .iter()
                .filter_map(|&name| BucketName::new(name))
                .collect(),
        };
        let sources = [Source {
            arn: SOURCE.to_owned(),
            url: "http://h/0/uploads".to_owned(),
        }];
        let stays = |body: &str, rules: &Rules, code: Option<&str>, says: &str| {
            let parked = letter("m", None, body);
            let checked = check(&parked, Some(&parked.body), &sources, rules);
            assert!(checked.source.is_some());
            let stay = checked.stay.as_ref();
            assert_eq!(stay.map(|stay| stay.code), code, "{body}");
            let sentence = stay.map(|stay| stay.sentence.as_str()).unwrap_or_default();
            assert!(sentence.contains(says), "{sentence}");
            assert!(!sentence.contains("4111"), "{sentence}");
        };
        let request =
            r#"{"s3-warden":"request","version":1,"kind":"inspect","bucket":"b","key":"k"}"#;
        stays(
            "4111",
            &rules(false, &[]),
            Some("unknown_envelope"),
            "parked again",
        );
        stays("no 4111", &rules(false, &[]), Some("not_json"), "not JSON");
        stays(
            r#"{"Records":[]}"#,
            &rules(false, &[]),
            Some("no_records"),
            "empty",
        );
        stays(
            request,
            &rules(false, &[]),
            Some("requests_disabled"),
            "nothing answers",
        );
        stays(
            request,
            &rules(true, &["b"]),
            Some("requests_disabled"),
            "no worker answers",
        );
        stays(&news("b", "k"), &rules(false, &[]), None, "");
        stays(&news("b", "k"), &rules(false, &["b"]), None, "");
        stays(
            &news("b", "k"),
            &rules(false, &["other"]),
            Some("not_guarded"),
            "b",
        );
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        stays(test, &rules(false, &["other"]), None, "");

        let mut stranger = letter("m", None, &news("b", "k"));
        stranger.source_queue = Some("arn:aws:sqs:us-east-1:1:other".to_owned());
        let checked = check(
            &stranger,
            Some(&stranger.body),
            &sources,
            &rules(false, &[]),
        );
        assert!(checked.source.is_none(), "cannot even be forced");
        assert_eq!(checked.stay.unwrap().code, "other_queue");
        stranger.source_queue = None;
        let checked = check(
            &stranger,
            Some(&stranger.body),
            &sources,
            &rules(false, &[]),
        );
        assert!(checked.source.is_some() && checked.stay.is_none());
    }
}
