//! The detector that needs nothing but this machine.
//!
//! It reads text, looks for what a machine can check in it, and looks for faces. It cannot see
//! names, most addresses, handwriting or Hangul, so "nothing found" is a setting, not a fact.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use image::RgbImage;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::ocr::{FaceFinder, NetError, Reader, Turn, Weights, WeightsError, turned};
use super::settings::{LocalSettings, NothingFound};
use crate::object::{Piece, Prepared};
use crate::telemetry::vocabulary::{ERROR_CODE, STEP};
use crate::verdict::recognise::{self, Findings, TextLine, opinion, recognise};
use crate::verdict::{DetectError, Detector, Judge, Judged, Opinion, UndecidedReason};

/// Judges pictures on this machine.
///
/// The models are loaded by the first picture, unless the configuration names files: those are
/// tried at once, so that a mistake is told at the start.
#[derive(Debug)]
pub struct LocalDetector {
    weights: Weights,
    engine: OnceCell<Arc<Engine>>,
    permits: Arc<Semaphore>,
    nothing_found: NothingFound,
    judge: Judge,
}

impl LocalDetector {
    /// A detector with these settings.
    ///
    /// # Errors
    /// When a configured model cannot be read, is none, or does not fit its dictionary. The text
    /// names the files and what to do.
    pub fn new(settings: &LocalSettings) -> Result<Self, WeightsError> {
        let weights = Weights::or_files(
            settings.detection_model.as_deref(),
            settings.recognition_model.as_deref(),
            settings.dictionary.as_deref(),
            settings.face_model.as_deref(),
        );
        let engine = if weights.all_embedded() {
            OnceCell::new()
        } else {
            OnceCell::new_with(Some(Arc::new(Engine::load(&weights)?)))
        };
        let version = format!(
            "{}+{}.{}",
            env!("CARGO_PKG_VERSION"),
            weights.short_hash()?,
            recognise::VERSION
        );
        Ok(Self {
            weights,
            engine,
            permits: Arc::new(Semaphore::new(settings.threads.get())),
            nothing_found: settings.nothing_found,
            judge: Judge {
                name: "local".to_owned(),
                version,
            },
        })
    }

    async fn engine(&self) -> Result<Arc<Engine>, DetectError> {
        let load = || async {
            let weights = self.weights.clone();
            let loaded = spawn_blocking(move || Engine::load(&weights)).await;
            match loaded {
                Ok(Ok(engine)) => Ok(Arc::new(engine)),
                Ok(Err(error)) => Err(DetectError::Unusable(error.to_string())),
                Err(_) => Err(DetectError::Unusable(
                    "the local models do not load".to_owned(),
                )),
            }
        };
        self.engine.get_or_try_init(load).await.map(Arc::clone)
    }
}

#[async_trait]
impl Detector for LocalDetector {
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| unavailable("the local detector is closed"))?;
        let engine = self.engine().await?;

        let gone = CancellationToken::new();
        let _when_dropped = gone.clone().drop_guard();
        let pieces = picture.pieces.clone();
        let looking = spawn_blocking(move || {
            // The core is ours until the work has ended, also when nobody waits any more.
            let _permit = permit;
            engine.look(&pieces, &gone)
        });
        let looked = match looking.await {
            Ok(opinion) => opinion,
            Err(error) if error.is_panic() => {
                tracing::warn!(
                    { ERROR_CODE } = "local_detector_panicked",
                    "picture not judged"
                );
                Opinion::Undecided(UndecidedReason::Malformed)
            }
            Err(_) => return Err(unavailable("the process is going down")),
        };
        let opinion = match (looked, self.nothing_found) {
            (Opinion::Clean, NothingFound::Undecided) => {
                Opinion::Undecided(UndecidedReason::NothingFound)
            }
            (opinion, _) => opinion,
        };
        Ok(Judged::free(opinion, self.judge.clone()))
    }

    fn judge_name(&self) -> Judge {
        self.judge.clone()
    }
}

fn unavailable(message: &str) -> DetectError {
    DetectError::Unavailable {
        message: message.to_owned(),
        after: None,
    }
}

/// The loaded models.
#[derive(Debug)]
struct Engine {
    reader: Reader,
    faces: FaceFinder,
}

/// What was seen in the pieces so far.
#[derive(Default)]
struct Seen {
    findings: Findings,
    faces: usize,
}

impl Engine {
    fn load(weights: &Weights) -> Result<Self, WeightsError> {
        Ok(Self {
            reader: Reader::load(weights)?,
            faces: FaceFinder::load(&weights.faces)?,
        })
    }

    /// Looks at the pieces in turn, until one of them settles the question.
    fn look(&self, pieces: &[Piece], gone: &CancellationToken) -> Opinion {
        let mut seen = Seen::default();
        let mut failed = false;
        for piece in pieces {
            if gone.is_cancelled() || seen.findings.is_settled() {
                break;
            }
            let looked = match piece.decode() {
                Ok(picture) => self
                    .look_at(picture, gone, &mut seen)
                    .map_err(|_| "inference"),
                Err(_) => Err("decoding"),
            };
            if let Err(step) = looked {
                tracing::warn!(
                    { ERROR_CODE } = "local_detector_failed",
                    { STEP } = step,
                    "piece not judged"
                );
                failed = true;
            }
        }
        match opinion(&seen.findings, seen.faces) {
            Opinion::Clean if failed => Opinion::Undecided(UndecidedReason::Malformed),
            opinion => opinion,
        }
    }

    fn look_at(
        &self,
        picture: RgbImage,
        gone: &CancellationToken,
        seen: &mut Seen,
    ) -> Result<(), NetError> {
        let mut enough = |lines: &[TextLine]| {
            let worth = lines.last().is_some_and(|line| may_identify(&line.text));
            if gone.is_cancelled() || worth && recognise(lines).is_settled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let reading = self.reader.read(&picture, &mut enough)?;
        let found = recognise(&reading.lines);
        seen.findings.hits.extend(found.hits);
        seen.findings.instructions_in_content |= found.instructions_in_content;
        if !gone.is_cancelled() {
            let upright = self.faces.count(&picture);
            seen.faces += match reading.turn {
                turn if turn != Turn::Upright && upright == 0 => {
                    self.faces.count(&turned(picture, turn))
                }
                _ => upright,
            };
        }
        Ok(())
    }
}

/// Whether a line can hold something that proves itself: recognisers are asked only then before the
/// page has been read to its end.
fn may_identify(text: &str) -> bool {
    text.contains(['@', '<']) || text.chars().filter(char::is_ascii_alphanumeric).count() >= 8
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::num::NonZeroUsize;
    use std::path::{Path, PathBuf};
    use std::sync::Barrier;

    use bytes::Bytes;
    use image::DynamicImage;

    use super::super::ocr::{Net, Tensor};
    use super::*;
    use crate::object::{Format, Limits, Media, Part, prepare};
    use crate::verdict::Category;

    fn settings(nothing_found: NothingFound) -> LocalSettings {
        LocalSettings {
            nothing_found,
            threads: NonZeroUsize::MIN,
            detection_model: None,
            recognition_model: None,
            dictionary: None,
            face_model: None,
            quarantine: None,
            settle: std::time::Duration::from_millis(1),
        }
    }

    fn piece(bytes: Vec<u8>) -> Piece {
        Piece {
            media: Media::Png,
            bytes: Bytes::from(bytes),
            width: 1,
            height: 1,
            part: Part::Whole,
            untouched: true,
        }
    }

    fn picture(pieces: Vec<Piece>) -> Prepared {
        Prepared {
            format: Format::Png,
            sha256: [0; 32],
            width: 1,
            height: 1,
            pieces,
        }
    }

    fn fixture(name: &str) -> Piece {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo");
        prepared(std::fs::read(folder.join(name)).unwrap())
    }

    /// The one piece of a picture, made as the object room makes it.
    fn prepared(bytes: Vec<u8>) -> Piece {
        let made = prepare(&Bytes::from(bytes), &Limits::default()).unwrap();
        made.pieces.into_iter().next().unwrap()
    }

    fn encoded(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    }

    fn blank() -> Piece {
        prepared(encoded(&DynamicImage::ImageRgb8(RgbImage::from_pixel(
            64,
            64,
            image::Rgb([200; 3]),
        ))))
    }

    #[tokio::test]
    async fn nothing_found_is_what_the_settings_say() {
        for (setting, expected) in [
            (NothingFound::Clean, Opinion::Clean),
            (
                NothingFound::Undecided,
                Opinion::Undecided(UndecidedReason::NothingFound),
            ),
        ] {
            let detector = LocalDetector::new(&settings(setting)).unwrap();
            assert_eq!(
                detector
                    .judge(&picture(vec![blank()]))
                    .await
                    .unwrap()
                    .opinion,
                expected
            );
        }
    }

    #[tokio::test]
    async fn a_portrait_is_a_face() {
        let detector = LocalDetector::new(&settings(NothingFound::Clean)).unwrap();
        let opinion = detector
            .judge(&picture(vec![blank(), fixture("portrait.webp")]))
            .await
            .map(|judged| judged.opinion);
        let Ok(Opinion::Flagged { categories, .. }) = opinion else {
            panic!("{opinion:?}")
        };
        assert!(categories.contains(&Category::Face), "{categories:?}");
    }

    #[tokio::test]
    async fn an_account_is_found_and_no_thread_is_left_taken() {
        let detector = LocalDetector::new(&settings(NothingFound::Clean)).unwrap();
        let invoice = picture(vec![fixture("invoice-2026-0418.png")]);
        let judged = detector.judge(&invoice).await;
        let opinion = judged.map(|judged| judged.opinion);
        let Ok(Opinion::Flagged { categories, .. }) = opinion else {
            panic!("{opinion:?}")
        };
        assert!(
            categories.contains(&Category::BankAccount),
            "{categories:?}"
        );
        assert_eq!(detector.permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_decoded_is_never_clean() {
        let detector = LocalDetector::new(&settings(NothingFound::Clean)).unwrap();
        let damaged = picture(vec![blank(), piece(b"\x89PNG\r\n\x1a\n".to_vec())]);
        let opinion = detector.judge(&damaged).await.unwrap().opinion;
        assert_eq!(opinion, Opinion::Undecided(UndecidedReason::Malformed));
    }

    #[tokio::test]
    async fn models_are_loaded_by_the_first_picture() {
        let detector = LocalDetector::new(&settings(NothingFound::Clean)).unwrap();
        assert!(!detector.engine.initialized());
        detector.judge(&picture(vec![blank()])).await.unwrap();
        assert!(detector.engine.initialized());
    }

    /// What the finding network does with a picture.
    #[derive(Clone, Debug)]
    enum Fault {
        Panic,
        Fail,
        /// Says that it has begun, then waits until it may go on.
        Wait(Arc<(Barrier, Barrier)>),
    }

    impl Net for Fault {
        fn run(&self, _input: Tensor) -> Result<Tensor, NetError> {
            match self {
                Self::Panic => panic!("a bug in the runtime"),
                Self::Fail => {}
                Self::Wait(barriers) => {
                    barriers.0.wait();
                    barriers.1.wait();
                }
            }
            Err(NetError("no".to_owned()))
        }
    }

    fn faulty(fault: &Fault) -> LocalDetector {
        let net = || Box::new(fault.clone());
        let engine = Engine {
            reader: Reader::over(net(), net(), "a\n"),
            faces: FaceFinder::load(&Weights::default().faces).unwrap(),
        };
        LocalDetector {
            engine: OnceCell::new_with(Some(Arc::new(engine))),
            ..LocalDetector::new(&settings(NothingFound::Clean)).unwrap()
        }
    }

    #[tokio::test]
    async fn a_failure_inside_is_undecided_and_the_next_picture_is_judged() {
        let undecided = Opinion::Undecided(UndecidedReason::Malformed);
        for fault in [Fault::Panic, Fault::Fail] {
            let detector = faulty(&fault);
            for _ in 0..2 {
                assert_eq!(
                    detector
                        .judge(&picture(vec![blank()]))
                        .await
                        .unwrap()
                        .opinion,
                    undecided
                );
            }
        }
    }

    #[tokio::test]
    async fn a_dropped_judgement_keeps_its_core_until_it_ends_and_starts_nothing_more() {
        let barriers = Arc::new((Barrier::new(2), Barrier::new(2)));
        let detector = faulty(&Fault::Wait(Arc::clone(&barriers)));
        // A second piece would wait at barriers where nobody comes.
        let two = picture(vec![blank(), blank()]);
        let mut judging = detector.judge(&two);
        let begun = spawn_blocking({
            let barriers = Arc::clone(&barriers);
            move || barriers.0.wait()
        });
        tokio::select! {
            biased;
            begun = begun => { begun.unwrap(); }
            _ = &mut judging => panic!("judged without its network"),
        }
        drop(judging);
        assert_eq!(detector.permits.available_permits(), 0);
        barriers.1.wait();
        drop(detector.permits.acquire().await.unwrap());
    }

    #[test]
    fn a_configured_file_is_tried_at_once() {
        let missing = PathBuf::from("/no/such/detection.onnx");
        let settings = LocalSettings {
            detection_model: Some(missing),
            ..settings(NothingFound::Clean)
        };
        let error = LocalDetector::new(&settings).unwrap_err().to_string();
        assert!(error.contains("/no/such/detection.onnx"), "{error}");
    }

    #[test]
    fn the_judge_names_its_weights_and_recognisers() {
        let detector = LocalDetector::new(&settings(NothingFound::Clean)).unwrap();
        let Judge { name, version } = detector.judge_name();
        assert_eq!(name, "local");
        let hash = Weights::default().short_hash().unwrap();
        assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
        assert!(version.contains(&hash), "{version}");
    }
}
