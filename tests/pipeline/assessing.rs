//! What happened in the account is assessed once, told by how bad it is, and told again only when
//! it is worse.

use std::time::Duration;

use s3_warden::alert::AlertKind;
use s3_warden::record::{Finding, State};
use s3_warden::verdict::Threat;
use s3_warden::verdict::threat::{Analyze, Unassessed};
use serde_json::json;
use tokio::time::sleep;

use crate::analyst::Says;
use crate::events::{buckets_listed, call, guardduty, malware_found, root_signs_in, trail_stopped};
use crate::faults::{Effect, Step, When};
use crate::gate::Gate;
use crate::ground::Ground;
use crate::running::soon;
use crate::watcher::Seen;

fn ground() -> Ground {
    Ground::new(|setup| setup.events_apart = true)
}

/// The one finding, told once, and nothing parked.
async fn told_once(ground: &Ground) -> Finding {
    let finding = ground.the_finding().await;
    ground.assert_all_told_once().await;
    assert!(ground.events.dead_letters().is_empty());
    finding
}

#[tokio::test(start_paused = true)]
async fn each_kind_is_told() {
    let happened = [
        trail_stopped("e-1"),
        root_signs_in("e-2"),
        guardduty("g-1", 1, 8.0),
        malware_found("m-1", "in/a.png"),
    ];
    for event in happened {
        let ground = ground();
        ground.tell(&event).await;
        ground.start().await.finish().await;
        let finding = told_once(&ground).await;
        let case = finding.activity().unwrap();
        assert!(case.assessment.threat >= Threat::High, "{event}");
        assert_eq!(finding.decision.rule, case.assessment.floor.rule);
        assert!(!finding.decision.policy.is_empty(), "the rules' hash");
        let alerts = ground.alerts();
        assert_eq!(alerts[0].kind, AlertKind::Threat);
        assert_eq!(alerts[0].finding_id, Some(finding.id.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn they_come_by_the_queue_of_uploads_where_they_have_none() {
    let ground = Ground::new(|_| {});
    ground.tell(&trail_stopped("e-1")).await;
    ground.start().await.finish().await;
    told_once(&ground).await;
}

#[tokio::test(start_paused = true)]
async fn what_no_rule_speaks_of_is_passed_over_unless_all_is_wanted() {
    let ground = ground();
    ground.tell(&buckets_listed("e-1")).await;
    let worker = ground.start().await;
    worker.until(Seen::PassedOver("unremarkable"), 1).await;
    worker.finish().await;
    assert!(ground.findings().await.is_empty());
    assert_eq!(ground.analyst.asked(), 0);

    let ground = Ground::new(|setup| {
        setup.events_apart = true;
        setup.threats.analyze = Analyze::All;
    });
    ground.tell(&buckets_listed("e-1")).await;
    ground.start().await.finish().await;
    let finding = ground.the_finding().await;
    assert_eq!(finding.threat(), Threat::Low);
    assert_eq!(finding.publication, None, "remembered only");
    assert!(ground.alerts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_model_may_raise_a_level_and_never_lowers_it() {
    let ground = ground();
    ground.analyst.then([Says::Level(Threat::Critical)]);
    ground.tell(&guardduty("g-1", 1, 5.0)).await;
    ground.start().await.finish().await;
    assert_eq!(told_once(&ground).await.threat(), Threat::Critical);

    let ground = self::ground();
    ground.analyst.then([Says::Level(Threat::Low)]);
    ground.tell(&guardduty("g-1", 1, 8.0)).await;
    ground.start().await.finish().await;
    assert_eq!(told_once(&ground).await.threat(), Threat::High, "gullible");
}

#[tokio::test(start_paused = true)]
async fn where_no_model_answers_the_rules_speak_alone_and_say_so() {
    for why in [
        Unassessed::Unavailable,
        Unassessed::Spent,
        Unassessed::Unusable,
        Unassessed::Refused,
        Unassessed::Malformed,
    ] {
        let ground = ground();
        ground.analyst.then([Says::Nothing(why)]);
        ground.tell(&guardduty("g-1", 1, 8.0)).await;
        ground.start().await.finish().await;
        let finding = told_once(&ground).await;
        assert_eq!(finding.threat(), Threat::High);
        let event = ground.alerts().remove(0).event.unwrap();
        assert_eq!(event.unassessed, Some(why));
    }
    let ground = ground();
    ground.analyst.then([Says::Panic]);
    ground.tell(&guardduty("g-1", 1, 8.0)).await;
    ground.start().await.finish().await;
    told_once(&ground).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_event_is_told_once() {
    // Again after it was told, and found worse: the same record is no news.
    let ground = ground();
    ground.tell(&trail_stopped("e-1")).await;
    let worker = ground.start().await;
    worker.idle().await;
    ground.analyst.then([Says::Level(Threat::Critical)]);
    ground.tell(&trail_stopped("e-1")).await;
    worker.until(Seen::PassedOver("already_settled"), 1).await;
    worker.finish().await;
    told_once(&ground).await;
    assert_eq!(ground.analyst.asked(), 1);

    // Twice at once.
    let ground = self::ground();
    let gate = Gate::shut();
    ground
        .analyst
        .then([Says::Later(gate.clone(), Threat::High)]);
    ground.tell(&trail_stopped("e-1")).await;
    ground.tell(&trail_stopped("e-1")).await;
    let worker = ground.start().await;
    soon(gate.reached_by(1)).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(ground.events.stats().in_flight, 2);
    gate.open();
    worker.finish().await;
    told_once(&ground).await;
    assert_eq!(ground.analyst.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_tasks_that_find_the_same_event_differently_bad_tell_it_once() {
    // Each takes one: they ask at the same time, before either has written anything.
    let ground = Ground::new(|setup| {
        setup.events_apart = true;
        setup.limits.held = 1;
    });
    let (mild, grave) = (Gate::shut(), Gate::shut());
    ground.analyst.then([
        Says::Later(mild.clone(), Threat::High),
        Says::Later(grave.clone(), Threat::Critical),
    ]);
    ground.tell(&trail_stopped("e-1")).await;
    ground.tell(&trail_stopped("e-1")).await;
    let [one, other] = ground.start_two().await;
    soon(mild.reached_by(1)).await;
    soon(grave.reached_by(1)).await;
    mild.open();
    sleep(Duration::from_secs(30)).await;
    grave.open();
    one.finish().await;
    other.finish().await;
    told_once(&ground).await;
}

/// Levels of the alerts that were sent about one GuardDuty finding.
async fn told_levels(revisions: &[(u8, f64)]) -> Vec<Threat> {
    let ground = ground();
    let worker = ground.start().await;
    for (revision, severity) in revisions {
        ground.tell(&guardduty("g-1", *revision, *severity)).await;
        worker.idle().await;
    }
    worker.finish().await;
    let finding = ground.the_finding().await;
    let worst = ground.alerts().iter().map(|alert| alert.threat_level).max();
    assert_eq!(worst.unwrap_or(Threat::Low), finding.threat());
    let alerts = ground.alerts().into_iter();
    alerts.map(|alert| alert.threat_level).collect()
}

#[tokio::test(start_paused = true)]
async fn an_update_is_told_only_when_it_is_worse() {
    use Threat::{Critical, High, Medium};

    assert_eq!(told_levels(&[(1, 5.0), (2, 5.0)]).await, [Medium]);
    assert_eq!(told_levels(&[(1, 5.0), (2, 2.0)]).await, [Medium]);
    assert_eq!(told_levels(&[(1, 5.0), (2, 8.9)]).await, [Medium, High]);
    assert_eq!(
        told_levels(&[(1, 5.0), (2, 8.0), (3, 7.0), (4, 9.0)]).await,
        [Medium, High, Critical]
    );
    // Out of order: the worse is told once, whenever it comes.
    assert_eq!(told_levels(&[(2, 8.0), (1, 5.0)]).await, [High]);
    assert_eq!(told_levels(&[(2, 5.0), (1, 8.0)]).await, [Medium, High]);
    // What was only remembered becomes news.
    assert_eq!(told_levels(&[(1, 2.0), (2, 2.0)]).await, []);
    assert_eq!(told_levels(&[(1, 2.0), (2, 8.0)]).await, [High]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_not_worse_asks_no_model() {
    let ground = ground();
    ground.analyst.then([Says::Level(Threat::High)]);
    ground.tell(&guardduty("g-1", 1, 5.0)).await;
    let worker = ground.start().await;
    worker.idle().await;
    ground.analyst.then([Says::Level(Threat::Critical)]);
    ground.tell(&guardduty("g-1", 2, 7.5)).await;
    worker.finish().await;
    assert_eq!(ground.analyst.asked(), 1, "the model had said as much");
    assert_eq!(told_once(&ground).await.threat(), Threat::High);
}

#[tokio::test(start_paused = true)]
async fn a_worse_update_is_not_swallowed_by_the_one_before_it() {
    let ground = ground();
    let gate = Gate::shut();
    ground
        .analyst
        .then([Says::Later(gate.clone(), Threat::Low)]);
    ground.tell(&guardduty("g-1", 1, 5.0)).await;
    let worker = ground.start().await;
    soon(gate.reached_by(1)).await;
    ground.tell(&guardduty("g-1", 2, 8.0)).await;
    sleep(Duration::from_secs(5)).await;
    gate.open();
    worker.finish().await;
    let levels: Vec<_> = ground
        .alerts()
        .iter()
        .map(|alert| alert.threat_level)
        .collect();
    assert_eq!(levels, [Threat::Medium, Threat::High]);
    assert_eq!(ground.the_finding().await.threat(), Threat::High);
}

#[tokio::test(start_paused = true)]
async fn a_worse_update_follows_what_a_killed_task_left_untold() {
    for step in [Step::Acted, Step::Publish] {
        let ground = ground();
        let held = ground.faults.hold(step);
        ground.tell(&guardduty("g-1", 1, 5.0)).await;
        let worker = ground.start().await;
        soon(held.reached_by(1)).await;
        worker.now.cancel();
        worker.stop().await;
        ground.faults.mend(step);
        held.open();
        // The message of the first is lost: only the records know of it, and the second comes.
        let ground = ground.without_messages();
        ground.tell(&guardduty("g-1", 2, 8.0)).await;
        ground.start().await.finish().await;
        let levels: Vec<_> = ground
            .alerts()
            .iter()
            .map(|alert| alert.threat_level)
            .collect();
        assert_eq!(levels.last(), Some(&Threat::High), "{step:?}");
        assert_eq!(ground.the_finding().await.threat(), Threat::High);
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_fail_are_asked_again_and_nothing_is_lost() {
    for step in [Step::Find, Step::Begin, Step::Acted, Step::Announced] {
        for when in [When::Before, When::After] {
            let ground = ground();
            ground.faults.on(step, when, 3, Effect::Fail);
            ground.tell(&trail_stopped("e-1")).await;
            ground.start().await.finish().await;
            let told = ground.told();
            assert!(!told.is_empty(), "{step:?} {when:?}: silent");
            // Only an announcement whose record was lost is made again.
            let twice = step == Step::Announced;
            assert!(told.len() == 1 || twice, "{step:?} {when:?}: {told:?}");
            assert_eq!(ground.the_finding().await.state, State::Announced);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_understood_is_parked_with_a_reason() {
    let no_id = call("", "s3.amazonaws.com", "PutBucketAcl", &json!({}));
    let version = trail_stopped("e-1").replace("1.11", "2.0");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (event, code) in [
        (no_id, "missing_field"),
        (version, "unsupported_version"),
        (deep, "too_deep"),
        (
            "{\"detail-type\": \"GuardDuty Finding\"}".to_owned(),
            "missing_field",
        ),
        (
            "{\"detail-type\": \"AWS API Call via CloudTrail\", \"detail\": \"\\ud800\"}"
                .to_owned(),
            "not_json",
        ),
    ] {
        let ground = ground();
        ground.tell(&event).await;
        ground.start().await.finish().await;
        let letters = ground.events.dead_letters();
        let codes: Vec<_> = letters
            .iter()
            .map(|letter| letter.reason.as_ref().map_or("none", |reason| reason.code))
            .collect();
        assert_eq!(codes, [code], "{:.120}", event);
        assert!(ground.findings().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn odd_records_are_told_for_what_they_are() {
    let huge = "x".repeat(250_000);
    let odd = [
        // As much as EventBridge brings.
        call(
            "e-1",
            "cloudtrail.amazonaws.com",
            "StopLogging",
            &json!({"name": huge}),
        ),
        // Nobody is named, nothing is known of the place.
        json!({
            "detail-type": "AWS API Call via CloudTrail",
            "detail": {
                "eventID": "e-1", "eventSource": "cloudtrail.amazonaws.com",
                "eventName": "StopLogging",
            },
        })
        .to_string(),
        call(
            "e-1",
            "cloudtrail.amazonaws.com",
            "StopLogging",
            &json!({"name": "a\u{0}b\u{202e}"}),
        ),
        call(
            "e-1\u{0}",
            "cloudtrail.amazonaws.com",
            "StopLogging",
            &json!([[[[17]]]]),
        ),
    ];
    for event in odd {
        let ground = ground();
        ground.tell(&event).await;
        ground.start().await.finish().await;
        let finding = told_once(&ground).await;
        assert!(finding.threat() >= Threat::Medium, "{:.200}", event);
    }
}

#[tokio::test(start_paused = true)]
async fn a_level_that_a_model_raised_survives_meeting_another_revision() {
    let ground = Ground::new(|setup| {
        setup.events_apart = true;
        setup.limits.held = 1;
    });
    let (mild, grave) = (Gate::shut(), Gate::shut());
    ground.analyst.then([
        Says::Later(mild.clone(), Threat::Low),
        Says::Later(grave.clone(), Threat::High),
    ]);
    let publishing = ground.faults.hold(Step::Publish);
    ground.tell(&guardduty("g-1", 1, 5.0)).await;
    ground.tell(&guardduty("g-1", 2, 5.0)).await;
    let [one, other] = ground.start_two().await;
    soon(mild.reached_by(1)).await;
    soon(grave.reached_by(1)).await;
    // The first is written down and not told yet when the second is found to be worse.
    mild.open();
    soon(publishing.reached_by(1)).await;
    grave.open();
    sleep(Duration::from_secs(5)).await;
    publishing.open();
    one.finish().await;
    other.finish().await;
    assert_eq!(ground.the_finding().await.threat(), Threat::High);
    let levels: Vec<_> = ground
        .alerts()
        .iter()
        .map(|alert| alert.threat_level)
        .collect();
    assert_eq!(levels.last(), Some(&Threat::High), "{levels:?}");
    let grave = levels.iter().filter(|level| **level == Threat::High);
    assert_eq!(grave.count(), 1, "{levels:?}");
    assert_eq!(ground.analyst.asked(), 2, "each once");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_another_too_long_is_nobodys_fault() {
    let ground = Ground::new(|setup| {
        setup.events_apart = true;
        setup.limits.held_at_most = Duration::from_secs(100);
    });
    let publishing = ground.faults.hold(Step::Publish);
    ground.tell(&trail_stopped("e-1")).await;
    ground.tell(&trail_stopped("e-1")).await;
    let worker = ground.start().await;
    soon(publishing.reached_by(1)).await;
    sleep(Duration::from_secs(250)).await;
    assert_eq!(
        worker.seen.count(Seen::Paused),
        0,
        "{:?}",
        worker.seen.all()
    );
    publishing.open();
    worker.finish().await;
    // The alert that was held went out as well, so it may be told twice; it is never lost.
    assert_eq!(ground.the_finding().await.state, State::Announced);
}
