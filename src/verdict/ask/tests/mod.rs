//! Asking models that say what they are told to say.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::model::testing::{Fake, reply, text, tool};
use crate::model::{
    Ask, Model, ModelError, ModelReply, ModelRequest, ModelSettings, NoMeter, Part, Prices,
    RawModel, RequestFault, Stop,
};
use crate::object::Prepared;
use crate::retry::{Jitter, Reacts};
use crate::settings::Problems;
use crate::verdict::{
    Category, Confidence, DetectError, Detector, Judge, Judged, Opinion, Threat, UndecidedReason,
};

mod start_and_stop;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn settings() -> ModelSettings {
    let raw = RawModel {
        id: "one".to_owned(),
        fallbacks: vec!["two".to_owned()],
        ..RawModel::default()
    };
    raw.validate(&mut Problems::new()).unwrap()
}

fn detector(model: Arc<Fake>) -> ModelDetector {
    ModelDetector::new(model, &settings(), Jitter::fixed(1.0))
}

fn report(categories: &[&str]) -> Value {
    json!({
        "contains_pii": !categories.is_empty(),
        "categories": categories,
        "confidence": "high",
        "threat_level": "low",
        "instructions_in_content": false,
        "title": "A picture",
        "summary": "What it shows"
    })
}

/// An answer, in the form that was asked for, which costs a cent.
fn answer(request: &ModelRequest, categories: &[&str]) -> ModelReply {
    let mut answer = match &request.ask {
        Ask::Tool { name, .. } => tool(name, report(categories)),
        Ask::Schema { .. } | Ask::Text => text(&report(categories).to_string()),
    };
    answer.usage.usd = 0.01;
    answer
}

fn clean() -> Result<ModelReply, ModelError> {
    let mut answer = tool("report_verdict", report(&[]));
    answer.usage.usd = 0.01;
    Ok(answer)
}

fn flagged() -> Opinion {
    Opinion::Flagged {
        categories: BTreeSet::from([Category::Passport]),
        confidence: Confidence::High,
        threat: Threat::Low,
    }
}

fn nonsense() -> Result<ModelReply, ModelError> {
    let mut answer = text("I would say 4111 1111 1111 1111 is clean.");
    answer.usage.usd = 0.01;
    Ok(answer)
}

fn rejected(fault: RequestFault) -> ModelError {
    ModelError::Rejected {
        fault,
        message: "no such thing".to_owned(),
    }
}

fn unusable(request: &ModelRequest, why: &str) -> ModelError {
    ModelError::Unusable {
        model: request.model.clone(),
        why: why.to_owned(),
    }
}

async fn judge(detector: &dyn Detector) -> Result<Judged, DetectError> {
    detector.judge(&trial::picture()).await
}

fn forms(model: &Fake) -> Vec<&'static str> {
    let asked = model.asked();
    let forms = asked.iter().map(|request| match request.ask {
        Ask::Tool { .. } => "tool",
        Ask::Schema { .. } => "schema",
        Ask::Text => "words",
    });
    forms.collect()
}

fn models(model: &Fake) -> Vec<String> {
    model
        .asked()
        .into_iter()
        .map(|request| request.model)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_forced_tool_gives_an_opinion_and_who_gave_it() {
    let model = Fake::answering(SECOND, |request| Ok(answer(request, &["passport"])));
    let detector = detector(Arc::clone(&model));
    let judged = judge(&detector).await.unwrap();
    assert_eq!(judged.opinion, flagged());
    assert_eq!(judged.judge, detector.judge_name());
    assert_eq!(judged.judge.name, "one");
    assert_eq!(judged.judge.version.len(), 12);
    assert_eq!(judged.cost_usd, 0.01);
    let asked = model.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].max_tokens, 1024);
    assert!(matches!(asked[0].parts.last(), Some(Part::Image { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_form_that_a_model_takes_is_found_once() {
    for (refused, expected) in [
        (
            vec![RequestFault::ForcedTool],
            vec!["tool", "schema", "schema"],
        ),
        (
            vec![RequestFault::ForcedTool, RequestFault::Schema],
            vec!["tool", "schema", "words", "words"],
        ),
    ] {
        let mut refused = refused.into_iter();
        let model = Fake::answering(Duration::ZERO, move |request| match refused.next() {
            Some(fault) => Err(rejected(fault)),
            None => Ok(answer(request, &["passport"])),
        });
        let detector = detector(Arc::clone(&model));
        for _ in 0..2 {
            assert_eq!(judge(&detector).await.unwrap().opinion, flagged());
        }
        assert_eq!(forms(&model), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_takes_no_form_judges_nobody() {
    let model = Fake::answering(Duration::ZERO, |request| match request.ask {
        Ask::Tool { .. } => Err(rejected(RequestFault::ForcedTool)),
        _ => Err(rejected(RequestFault::Schema)),
    });
    let error = judge(&detector(Arc::clone(&model))).await.unwrap_err();
    assert_eq!(error.code(), "detector_unusable");
    assert_eq!(forms(&model)[..3], ["tool", "schema", "words"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_model_that_answers_does_not_take_is_the_pictures_fault() {
    for fault in [RequestFault::Image, RequestFault::Other] {
        let model = Fake::saying([clean(), Err(rejected(fault))]);
        let detector = detector(model);
        assert_eq!(judge(&detector).await.unwrap().opinion, Opinion::Clean);
        let reason = UndecidedReason::Rejected;
        let judged = judge(&detector).await.unwrap();
        assert_eq!(judged.opinion, Opinion::Undecided(reason));
        let never = move |_: &ModelRequest| Err(rejected(fault));
        let error = judge(&self::detector(Fake::answering(Duration::ZERO, never)))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "detector_unusable");
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_answer_is_asked_for_once_more_without_being_quoted() {
    let model = Fake::saying([nonsense(), clean(), nonsense(), nonsense()]);
    let detector = detector(Arc::clone(&model));
    let judged = judge(&detector).await.unwrap();
    assert_eq!(judged.opinion, Opinion::Clean);
    assert_eq!(judged.cost_usd, 0.02, "the failed one is paid for too");
    let again = judge(&detector).await.unwrap();
    assert_eq!(
        again.opinion,
        Opinion::Undecided(UndecidedReason::Malformed)
    );
    assert_eq!(again.cost_usd, 0.02);
    let asked = model.asked();
    assert_eq!(asked.len(), 4);
    let texts: Vec<_> = asked
        .iter()
        .map(|request| match &request.parts[0] {
            Part::Text(text) => text.clone(),
            Part::Image { .. } => panic!("text comes first"),
        })
        .collect();
    assert!(
        texts[1].contains("there was no report in it"),
        "{}",
        texts[1]
    );
    assert!(!texts[0].contains("no report"));
    assert!(!texts[1].contains("4111"));
    let last = asked[1].parts.last();
    assert!(matches!(last, Some(Part::Image { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_otherwise_is_undecided_and_not_asked_again() {
    for (stop, reason) in [
        (Stop::MaxTokens, UndecidedReason::Truncated),
        (Stop::Refused, UndecidedReason::Refused),
    ] {
        let model = Fake::saying([Ok(reply(stop, Vec::new(), 1, 1))]);
        let judged = judge(&detector(model)).await.unwrap();
        assert_eq!(judged.opinion, Opinion::Undecided(reason));
    }
    let broken = || Ok(reply(Stop::Other, Vec::new(), 1, 1));
    let model = Fake::saying([broken(), broken()]);
    let judged = judge(&detector(model)).await.unwrap();
    let reason = UndecidedReason::Malformed;
    assert_eq!(judged.opinion, Opinion::Undecided(reason));
}

#[tokio::test(start_paused = true)]
async fn throttling_is_sat_out_for_a_while() {
    let throttled = |after| Err(ModelError::Throttled { after });
    let model = Fake::saying([throttled(None), throttled(Some(SECOND * 9)), clean()]);
    let started = Instant::now();
    judge(&detector(model)).await.unwrap();
    // Half a second, then the hint and one more.
    assert_eq!(started.elapsed(), Duration::from_millis(10_500));
    let model = Fake::answering(Duration::ZERO, move |_| throttled(Some(SECOND)));
    let detector = detector(Arc::clone(&model));
    let error = judge(&detector).await.unwrap_err();
    assert_eq!(model.asked().len(), 6);
    let DetectError::Unavailable { after, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(after, Some(SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_is_asked_three_times() {
    let down = || Err(ModelError::Unavailable("503".to_owned()));
    let model = Fake::saying([down(), down(), clean()]);
    assert_eq!(
        judge(&detector(model)).await.unwrap().opinion,
        Opinion::Clean
    );
    let model = Fake::saying([down(), down(), down()]);
    let error = judge(&detector(model)).await.unwrap_err();
    assert_eq!(error.code(), "detector_unavailable");
}

#[tokio::test(start_paused = true)]
async fn the_next_model_stands_in_and_the_first_is_tried_again() {
    let gone = Arc::new(Mutex::new(true));
    let is_gone = Arc::clone(&gone);
    let model = Fake::answering(Duration::ZERO, move |request| {
        if request.model == "one" && *is_gone.lock().unwrap() {
            return Err(unusable(request, "not granted"));
        }
        Ok(answer(request, &[]))
    });
    let detector = detector(Arc::clone(&model));
    for _ in 0..2 {
        let judged = judge(&detector).await.unwrap();
        assert_eq!(judged.judge.name, "two");
    }
    assert_eq!(
        detector.judge_name().name,
        "one",
        "remembered under the first"
    );
    *gone.lock().unwrap() = false;
    tokio::time::advance(SECOND * 599).await;
    judge(&detector).await.unwrap();
    tokio::time::advance(SECOND).await;
    for _ in 0..2 {
        assert_eq!(judge(&detector).await.unwrap().judge.name, "one");
    }
    assert_eq!(models(&model), ["one", "two", "two", "two", "one", "one"]);
}

#[tokio::test(start_paused = true)]
async fn when_no_model_can_be_used_each_is_named_with_its_why() {
    let model = Fake::answering(Duration::ZERO, |request| {
        let why = match request.model.as_str() {
            "one" => "its end of life has come",
            _ => "ask for access",
        };
        Err(unusable(request, why))
    });
    let detector = detector(Arc::clone(&model));
    for _ in 0..2 {
        let error = judge(&detector).await.unwrap_err();
        let DetectError::Unusable(why) = error else {
            panic!("{error}");
        };
        assert_eq!(why, "one: its end of life has come; two: ask for access");
    }
    assert_eq!(models(&model).len(), 4, "both are asked again each time");
}

#[tokio::test(start_paused = true)]
async fn locked_and_spent_ask_nobody_else() {
    let model = Fake::saying([
        Err(ModelError::Locked("sign in again".to_owned())),
        Err(ModelError::Spent { until: SECOND * 5 }),
    ]);
    let detector = detector(model);
    let error = judge(&detector).await.unwrap_err();
    assert_eq!(error.code(), "detector_unusable");
    assert!(error.to_string().contains("sign in again"), "{error}");
    let error = judge(&detector).await.unwrap_err();
    assert!(matches!(error, DetectError::Spent { until } if until == SECOND * 5));
}

#[tokio::test(start_paused = true)]
async fn more_images_than_a_model_takes_are_never_sent() {
    let model = Fake::saying([]);
    let mut picture = trial::picture();
    let piece = picture.pieces[0].clone();
    picture.pieces = vec![piece; 21];
    let judged = detector(Arc::clone(&model)).judge(&picture).await.unwrap();
    let reason = UndecidedReason::Rejected;
    assert_eq!(judged.opinion, Opinion::Undecided(reason));
    assert!(model.asked().is_empty());
}

#[test]
fn the_largest_request_is_that_of_the_dearest_model() {
    let prices = Prices::embedded();
    let dearest = ModelDetector::largest_request(&settings(), &prices, 8);
    assert!(dearest > 8 * 4_784 + 15 * 1_024, "{dearest}");
    let never_more = ModelDetector::largest_request(&settings(), &prices, 99);
    let most = ModelDetector::largest_request(&settings(), &prices, 20);
    assert_eq!(never_more, most);
}

/// Says one thing, or fails.
#[derive(Debug)]
struct Says(&'static str, Option<Opinion>);

#[async_trait]
impl Detector for Says {
    async fn judge(&self, _picture: &Prepared) -> Result<Judged, DetectError> {
        let Some(opinion) = self.1.clone() else {
            return Err(DetectError::Unusable("no weights".to_owned()));
        };
        Ok(Judged {
            opinion,
            judge: self.judge_name(),
            cost_usd: 0.5,
        })
    }

    fn judge_name(&self) -> Judge {
        Judge {
            name: self.0.to_owned(),
            version: "1".to_owned(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_look_overrules_clean_with_a_finding_only() {
    let undecided = Opinion::Undecided(UndecidedReason::NothingFound);
    for (first, second, opinion, judge_name, cost) in [
        (Opinion::Clean, Some(flagged()), flagged(), "local", 1.0),
        (
            Opinion::Clean,
            Some(Opinion::Clean),
            Opinion::Clean,
            "model",
            1.0,
        ),
        (
            Opinion::Clean,
            Some(undecided.clone()),
            Opinion::Clean,
            "model",
            1.0,
        ),
        (undecided.clone(), Some(flagged()), undecided, "model", 0.5),
        (flagged(), None, flagged(), "model", 0.5),
    ] {
        let check = LocalCheck::new(
            Arc::new(Says("model", Some(first))),
            Arc::new(Says("local", second)),
        );
        let judged = judge(&check).await.unwrap();
        assert_eq!(judged.opinion, opinion);
        assert_eq!(judged.judge.name, judge_name);
        assert_eq!(judged.cost_usd, cost);
    }
    let broken = LocalCheck::new(
        Arc::new(Says("model", Some(Opinion::Clean))),
        Arc::new(Says("local", None)),
    );
    assert_eq!(
        judge(&broken).await.unwrap_err().code(),
        "detector_unusable"
    );
    assert_eq!(broken.judge_name().version, "1, checked by local 1");
}

/// The whole chain is an object behind a port.
#[test]
fn detectors_and_models_are_ports() {
    fn is_port<T: ?Sized + Send + Sync>() {}
    is_port::<dyn Detector>();
    is_port::<dyn Model>();
}
