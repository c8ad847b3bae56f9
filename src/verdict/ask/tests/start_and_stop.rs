//! The trial at the start, the gate until it has ended, and waits that a stop ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::model::limits::Adaptive;

#[tokio::test(start_paused = true)]
async fn a_trial_learns_model_and_form() {
    let model = Fake::answering(Duration::ZERO, |request| match &request.ask {
        _ if request.model == "one" => Err(unusable(request, "no")),
        Ask::Tool { .. } => Err(rejected(RequestFault::ForcedTool)),
        _ => Ok(answer(request, &[])),
    });
    let detector = detector(Arc::clone(&model));
    let probed = detector.probe().await.unwrap();
    assert_eq!(
        probed,
        Probed {
            model: "two".to_owned(),
            form: Form::Schema,
            unusable: vec![("one".to_owned(), "no".to_owned())],
            undecided: None,
        }
    );
    judge(&detector).await.unwrap();
    assert_eq!(forms(&model), ["tool", "tool", "schema", "schema"]);
}

#[tokio::test(start_paused = true)]
async fn a_trial_without_a_verdict_says_so() {
    let model = Fake::answering(Duration::ZERO, |request| {
        let mut reply = answer(request, &[]);
        reply.stop = Stop::MaxTokens;
        Ok(reply)
    });
    let probed = detector(model).probe().await.unwrap();
    assert_eq!(probed.undecided, Some(UndecidedReason::Truncated));
}

#[tokio::test(start_paused = true)]
async fn the_gate_opens_when_the_trial_has_ended_however_it_ended() {
    let model = Fake::answering(Duration::ZERO, |request| Ok(answer(request, &[])));
    for dropped in [false, true] {
        let inner = Arc::new(detector(Arc::clone(&model)));
        let (gated, gate) = Gated::new(inner, CancellationToken::new());
        assert_eq!(gated.judge_name().name, "one");
        let waiting = judge(&gated);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(model.asked().is_empty() || dropped);
        if dropped {
            drop(gate);
        } else {
            gate.open();
        }
        assert_eq!(waiting.await.unwrap().opinion, Opinion::Clean);
        judge(&gated).await.unwrap();
    }
}

/// What came of a question, after how many seconds, that a stop met after 3; and how often it was
/// asked.
async fn stopped(
    takes: Duration,
    answering: impl FnMut(&ModelRequest) -> Result<ModelReply, ModelError> + Send + 'static,
) -> (Result<Opinion, &'static str>, f64, usize) {
    let fake = Fake::answering(takes, answering);
    let paced = Adaptive::new(Arc::clone(&fake) as Arc<dyn Model>, Arc::new(NoMeter));
    let stop = CancellationToken::new();
    let detector = ModelDetector::new(Arc::new(paced), &settings(), Jitter::fixed(1.0));
    let detector = detector.waiting_until(stop.clone());
    let began = Instant::now();
    let stopping = async {
        tokio::time::sleep(SECOND * 3).await;
        stop.cancel();
    };
    let asked = async {
        let judged = judge(&detector).await;
        (judged, began.elapsed().as_secs_f64())
    };
    let ((judged, seconds), ()) = futures::join!(asked, stopping);
    let judged = judged.map(|judged| judged.opinion);
    let judged = judged.map_err(|error| error.code());
    (judged, seconds, fake.asked().len())
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_waits_for_a_model_and_no_call() {
    let throttled = |_: &ModelRequest| Err(ModelError::Throttled { after: None });
    let (judged, seconds, asked) = stopped(Duration::ZERO, throttled).await;
    assert_eq!(judged, Err("detector_unavailable"));
    assert_eq!(seconds, 3.0);
    assert!(asked >= 2, "{asked}");
    let hinted = |_: &ModelRequest| {
        let after = Some(SECOND * 30);
        Err(ModelError::Throttled { after })
    };
    let left = stopped(Duration::ZERO, hinted).await;
    assert_eq!(left, (Err("detector_unavailable"), 3.0, 1));
    let answered = stopped(SECOND * 20, |request| Ok(answer(request, &[]))).await;
    assert_eq!(answered, (Ok(Opinion::Clean), 20.0, 1));
    // One under way that fails is not made again.
    let failed = |_: &ModelRequest| Err(ModelError::Unavailable("x".to_owned()));
    let failed = stopped(SECOND * 20, failed).await;
    assert_eq!(failed, (Err("detector_unavailable"), 20.0, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_at_the_gate_after_a_stop() {
    let model = Fake::saying([]);
    let stop = CancellationToken::new();
    let (gated, _gate) = Gated::new(Arc::new(detector(model)), stop.clone());
    let waiting = judge(&gated);
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    stop.cancel();
    let refused = tokio::time::timeout(SECOND, waiting).await;
    let refused = refused.expect("it waits no longer").unwrap_err();
    assert_eq!(refused.code(), "detector_unavailable");
}
