//! What comes again, what must not wait, and what must not grow, under paused time.

use std::collections::BTreeSet;
use std::time::Duration;

use s3_warden::alert::{Alert, AlertKind};
use s3_warden::event::BucketName;
use s3_warden::record::{Finding, Reported};
use s3_warden::verdict::{Category, Confidence, Threat};
use tokio::time::sleep;

use crate::announcer::{Bench, deleted, settle};
use crate::carrier::{Carrier, Step};
use crate::finding::{Act, Sample, flagged};
use crate::storm::slow;

const SECOND: Duration = Duration::from_secs(1);

fn alerts(bench: &Bench) -> Vec<Alert> {
    let accepted = bench.carrier.accepted().into_iter();
    accepted.map(|(_, alert, _)| alert).collect()
}

/// Every finding is told, each once, and the counts say so.
#[track_caller]
fn check_told_once(bench: &Bench, findings: usize) {
    let alerts = alerts(bench);
    let count: u64 = alerts.iter().map(|alert| alert.count).sum();
    let ids: Vec<_> = alerts.iter().flat_map(|alert| &alert.finding_ids).collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    let found = (count, ids.len(), distinct.len());
    assert_eq!(found, (findings as u64, findings, findings));
}

#[tokio::test(start_paused = true)]
async fn what_comes_again_while_others_wait_is_told_once() {
    // The carrier fails for longer than anybody waits.
    let mut bench = Bench::new(Carrier::following(vec![Step::Fail; 30]));
    for number in 0..3 {
        bench.submit_many("in", number, 1);
        sleep(100 * SECOND).await;
    }
    let mut held = 0;
    while let Some(answer) = bench.answers.join_next().await {
        let (number, _, answer) = answer.unwrap();
        if answer.is_err() {
            held += 1;
            bench.submit_many("in", number, 1);
        }
    }
    assert!(held >= 3, "nobody waited too long: {held}");
    check_told_once(&bench, 3);
}

#[tokio::test(start_paused = true)]
async fn a_finding_that_waits_already_gets_one_more_waiter() {
    let mut bench = Bench::new(Carrier::following([Step::Fail]));
    bench.submit(0, &deleted("in", 1));
    settle().await;
    bench.submit(1, &deleted("in", 2));
    bench.submit(2, &deleted("in", 1));
    let answers = bench.answered().await;
    assert!(
        answers.iter().all(|(.., answer)| answer.is_ok()),
        "{answers:?}"
    );
    check_told_once(&bench, 2);
    // Also while it is with the carrier.
    let mut bench = Bench::new(Carrier::always(Step::Hang));
    bench.submit(0, &deleted("in", 1));
    settle().await;
    bench.submit(1, &deleted("in", 1));
    sleep(29 * SECOND).await;
    assert_eq!(bench.carrier.attempts().len(), 1);
    let announcer = bench.announcer.clone().unwrap();
    bench.answers.abort_all();
    while bench.answers.join_next().await.is_some() {}
    let soon = tokio::time::Instant::now() + 2 * SECOND;
    let flushed = announcer.flush(soon).await;
    assert_eq!(
        flushed,
        s3_warden::alert::Flushed::All,
        "nothing else waited"
    );
}

fn act(number: usize, level: Threat) -> Finding {
    let known = Act::default();
    Act {
        id: format!("event-{number}").leak(),
        reported: Reported {
            bucket: BucketName::new(format!("bucket-{number}")),
            ..known.reported
        },
        level,
        ..Act::default()
    }
    .finding()
}

#[tokio::test(start_paused = true)]
async fn buckets_that_events_make_up_share_an_alert_beyond_fifty() {
    let mut bench = Bench::new(Carrier::default());
    for number in 0..120 {
        bench.submit(number, &act(number as usize, Threat::High));
    }
    let answers = bench.answered().await;
    assert!(answers.iter().all(|(.., answer)| answer.is_ok()));
    check_told_once(&bench, 120);
    let alerts = alerts(&bench);
    assert_eq!(alerts.len(), 51);
    let shared: Vec<_> = alerts.iter().filter(|alert| alert.count > 1).collect();
    assert_eq!(shared.len(), 1);
    assert_eq!((shared[0].count, &shared[0].s3_bucket), (70, &None));
    assert_eq!(
        alerts.iter().filter(|it| it.s3_bucket.is_some()).count(),
        50
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_critical_waits_behind_nothing_aged() {
    let mut bench = slow(1);
    bench.submit(0, &deleted("first", 0));
    settle().await;
    for (number, bucket) in (1..).zip(["m1", "m2", "m3", "m4"]) {
        let medium = Sample {
            bucket,
            sequencer: number,
            verdict: flagged(&[Category::Face], Confidence::Medium),
            ..Sample::default()
        };
        bench.submit(number, &medium.finding());
    }
    // Those that are left by now have waited for more than half of their time.
    sleep(180 * SECOND).await;
    assert_eq!(bench.carrier.counts().len(), 3);
    bench.submit(5, &act(5, Threat::Critical));
    sleep(20 * SECOND).await;
    let told = alerts(&bench);
    assert_eq!(told.len(), 4);
    assert_eq!(told[3].threat_level, Threat::Critical);
}

fn recovered(bench: &Bench) -> Vec<Alert> {
    let mut alerts = alerts(bench);
    alerts.retain(|alert| alert.kind == AlertKind::Recovered);
    alerts
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_last_while_nothing_is_sent() {
    // One failure, or a row of them from 0 to 71.5 s, given up, and the next alert an hour later.
    for (failures, expected) in [(1, None), (9, Some(71))] {
        let mut bench = Bench::new(Carrier::following(vec![Step::Fail; failures]));
        bench.submit(0, &deleted("in", 1));
        sleep(if failures == 1 {
            SECOND / 4
        } else {
            80 * SECOND
        })
        .await;
        assert_eq!(bench.carrier.attempts().len(), failures);
        bench.answers.abort_all();
        sleep(3_000 * SECOND).await;
        bench.submit(1, &deleted("other", 2));
        sleep(10 * SECOND).await;
        let told = recovered(&bench);
        let lasted = told.first().map(|alert| {
            let lasted = alert.ends_at.unwrap() - alert.happened_at.unwrap();
            lasted.total(jiff::Unit::Second).unwrap() as u64
        });
        assert_eq!(lasted, expected, "{failures} failures");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_lasts_while_something_waits_for_another_try() {
    let mut bench = Bench::new(Carrier::hanging_for("stuck"));
    bench.submit(0, &deleted("stuck", 1));
    sleep(100 * SECOND).await;
    bench.submit(1, &deleted("in", 2));
    sleep(100 * SECOND).await;
    assert_eq!(recovered(&bench), [], "it still fails");
    bench.answered().await;
    bench.submit(2, &deleted("in", 3));
    sleep(10 * SECOND).await;
    assert_eq!(recovered(&bench).len(), 1);
}
