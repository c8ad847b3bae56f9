//! Pacing and adaptation.

use super::*;

#[tokio::test(start_paused = true)]
async fn requests_keep_to_the_share_of_the_task() {
    let model = paced(using(1, 1), "requests_per_minute = 240", 4, 1).unwrap();
    // A burst of ten seconds' worth, and then one a second.
    assert_eq!(calls(&model, 10).await, 0.0);
    let took = calls(&model, 30).await;
    assert!((29.5..30.5).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn what_was_estimated_too_high_is_not_lost() {
    // Estimated 600 and 1,250 of output, 5 times 1,000 at most; used 600 and 5 times 10.
    let used = 650.0;
    let section = "tokens_per_minute = 60000";
    let model = paced(using(600, 10), section, 1, 6_000).unwrap();
    let took = calls(&model, 500).await;
    let steady = (500.0 * used - 10_000.0) / 1_000.0;
    assert!(
        (steady - 10.0..steady + 2.0).contains(&took),
        "{took}, not {steady}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_estimated_too_low_is_paid_by_the_next() {
    // Used 600 and 5 times 1,000, of which a part is not expected at first.
    let section = "tokens_per_minute = 60000";
    let model = paced(using(600, 1_000), section, 1, 6_000).unwrap();
    let took = calls(&model, 50).await;
    let steady = (49.0 * 5_600.0 - 10_000.0) / 1_000.0;
    assert!(
        (steady - 6.0..steady + 6.0).contains(&took),
        "{took}, not {steady}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_was_turned_away_has_used_nothing() {
    let section = "tokens_per_minute = 6000";
    let fake = Fake::answering(Duration::ZERO, |_| {
        Err(ModelError::Throttled { after: None })
    });
    let model = paced(fake, section, 1, 6_000).unwrap();
    let started = Instant::now();
    for _ in 0..100 {
        assert!(model.converse(&request(MODEL)).await.is_err());
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_while_waiting_has_taken_nothing() {
    let section = "tokens_per_minute = 6000\nrequests_per_minute = 6";
    let model = paced(using(600, 10), section, 1, 6_000).unwrap();
    calls(&model, 1).await;
    let waits = Waits::default();
    let request = request(MODEL);
    let call = waits.count(model.converse(&request));
    assert!(tokio::time::timeout(SECOND * 5, call).await.is_err());
    assert_eq!(waits.total(), SECOND * 5);
    let took = calls(&model, 1).await;
    assert!(
        took <= 5.1,
        "the tokens of the one who went away are missing: {took}"
    );
}

#[test]
fn a_share_too_small_for_one_call_is_told_with_its_remedy() {
    let section = "tokens_per_minute = 60000";
    let error = paced(using(1, 1), section, 8, 7_501)
        .unwrap_err()
        .to_string();
    assert!(error.contains("model.tokens_per_minute"), "{error}");
    assert!(
        error.contains("8 tasks") && error.contains("7500"),
        "{error}"
    );
    assert!(paced(using(1, 1), section, 8, 7_500).is_ok());
}

#[tokio::test(start_paused = true)]
async fn throttling_slows_the_starts_and_nothing_else_does() {
    let meter = Arc::new(Told::default());
    let mut count = 0;
    let fake = Fake::answering(SECOND, move |_| {
        count += 1;
        match count {
            20 => Err(ModelError::Throttled { after: None }),
            n if n < 20 => Err(ModelError::Unavailable("slow".to_owned())),
            _ => Ok(reply(Stop::EndTurn, Vec::new(), 1, 1)),
        }
    });
    let model = Adaptive::new(fake, Arc::clone(&meter) as Arc<dyn Meter>);
    let started = Instant::now();
    let request = request(MODEL);
    join_all((0..20).map(|_| model.converse(&request))).await;
    assert_eq!(started.elapsed(), SECOND, "none waited for another");
    let took = calls(&model, 40).await;
    // Twenty in the first second were too many: about sixteen times 40 hundredths.
    assert!((2.0..6.0).contains(&took), "{took}");
    assert_eq!(meter.said("waited model_throttle"), 60);
}
