//! Whatever is submitted and however the carrier fails: nothing is lost, nobody is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use s3_warden::alert::{AlertSettings, TellError};
use s3_warden::clock::TokioClock;
use s3_warden::local::MemoryTurns;
use tokio::time::{Instant, sleep};

use crate::announcer::{Bench, deleted};
use crate::carrier::{Carrier, Step};
use crate::storm::check_rate;

const BUCKETS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
struct Submission {
    after: Duration,
    bucket: &'static str,
}

fn submissions() -> impl Strategy<Value = Vec<Submission>> {
    let one = (0..4000_u64, prop::sample::select(BUCKETS.to_vec())).prop_map(|(millis, bucket)| {
        Submission {
            after: Duration::from_millis(millis),
            bucket,
        }
    });
    prop::collection::vec(one, 1..60)
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Accept),
        4 => Just(Step::Fail),
        1 => Just(Step::Refuse),
        2 => Just(Step::Hang),
        1 => Just(Step::Panic),
    ];
    prop::collection::vec(step, 0..120)
}

async fn run(submissions: Vec<Submission>, script: Vec<Step>, per_minute: u32) {
    let clock = TokioClock::starting_at(Timestamp::UNIX_EPOCH);
    let turns = MemoryTurns::new(per_minute, Arc::new(clock));
    let mut bench = Bench::with(Carrier::following(script), |parts| {
        parts.turns = Arc::new(turns);
    });
    let mut submitted = BTreeMap::new();
    for (number, submission) in submissions.iter().enumerate() {
        sleep(submission.after).await;
        let number = number as u64;
        let finding = deleted(submission.bucket, number);
        submitted.insert(number, (finding.id.to_string(), Instant::now()));
        bench.submit(number, &finding);
    }
    bench.end().await;
    check_rate(bench.carrier.attempts(), per_minute as usize);
    let accepted = bench.carrier.accepted();
    while let Some(answer) = bench.answers.join_next().await {
        let (number, at, answer) = answer.unwrap();
        let (finding, since) = submitted.remove(&number).expect("answered once");
        match answer {
            Ok(publication) => {
                let covering = accepted.iter().find(|(.., id)| *id == publication);
                let (_, alert, _) = covering.expect("it was accepted");
                assert!(alert.finding_ids.contains(&finding), "not covered");
            }
            Err(TellError::HeldTooLong | TellError::Refused(_)) => {
                assert_eq!(at - since, AlertSettings::default().max_hold);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(submitted.is_empty(), "never answered: {submitted:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_is_lost_and_nobody_is_forgotten(
        submissions in submissions(),
        script in script(),
        per_minute in prop::sample::select(vec![1, 6, 60]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(submissions, script, per_minute));
    }
}
