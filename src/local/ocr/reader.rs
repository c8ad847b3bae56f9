//! Reads a picture: finds lines, decides which way up they stand, spells them one by one.
//!
//! Spelling is most of the cost of a page, so lines come in the order in which identifiers are
//! likely, and the caller may stop at any of them. The networks know upright text only: a page that
//! lies on its side or stands on its head is noticed by the shape of its boxes or by how unsure the
//! first lines are, and is turned once.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use image::RgbImage;

use super::dictionary::Dictionary;
use super::find::find;
use super::geometry::Slanted;
use super::layout::{bounds, mostly_tall, slope, unlikeness};
use super::net::{Net, NetError, RtenNet, Tensor};
use super::raster::{Turn, at_most, cut, turned};
use super::spell::{HEIGHT, Spelled, spell};
use super::weights::{self, Source, Weights, WeightsError};
use crate::verdict::recognise::TextLine;

/// Lines are cut from the picture at no more than this long side: the letters of a page are sharp
/// enough, and memory stays bounded whatever was uploaded.
const WORKING_SIDE: u32 = 2560;
/// Smaller pictures hold no legible text, in pixels of the short side.
const MIN_SIDE: u32 = 12;
/// Lines that are read both ways to find out which way is up.
const SAMPLE: usize = 4;
/// Mean score of the sample at which nobody asks further. Lines read on their head stay below;
/// so do lines in a script that the model does not know.
const SURE: f32 = 0.85;
/// How much better the other way must read.
const MARGIN: f32 = 0.08;
/// Less sure than this is not text.
const MIN_SCORE: f32 = 0.4;

/// What was read.
#[derive(Debug)]
pub struct Reading {
    /// The lines, in the order in which they were read.
    pub lines: Vec<TextLine>,
    /// How the picture was turned before reading; bounds are those of the turned picture.
    pub turn: Turn,
    /// Whether the caller ended it.
    pub stopped: bool,
}

/// Finds and spells text.
#[derive(Debug)]
pub struct Reader {
    finder: Box<dyn Net>,
    speller: Box<dyn Net>,
    dictionary: Dictionary,
    /// The finder holds most of the memory while it runs: one picture at a time.
    finding: Mutex<()>,
}

impl Reader {
    /// Loads the networks: about a tenth of a second.
    ///
    /// # Errors
    /// When a file cannot be read, is no model, or model and dictionary are not of one kind.
    pub fn load(weights: &Weights) -> Result<Self, WeightsError> {
        let finder = network(&weights.detection, "text detection model")?;
        let speller = network(&weights.recognition, "text recognition model")?;
        let classes = classes(&speller).map_err(|error| WeightsError::NotAModel {
            file: weights.recognition.to_string(),
            what: "text recognition model",
            why: error.0,
        })?;
        let bytes = weights::read(&weights.dictionary)?;
        let text = String::from_utf8_lossy(&bytes);
        let dictionary =
            Dictionary::parse(&text, classes).map_err(|lines| WeightsError::Mismatch {
                model: weights.recognition.to_string(),
                dictionary: weights.dictionary.to_string(),
                classes,
                lines,
            })?;
        Ok(Self::new(Box::new(finder), Box::new(speller), dictionary))
    }

    fn new(finder: Box<dyn Net>, speller: Box<dyn Net>, dictionary: Dictionary) -> Self {
        Self {
            finder,
            speller,
            dictionary,
            finding: Mutex::new(()),
        }
    }

    /// A reader over other networks; every class after the blank is one of `letters`.
    #[cfg(test)]
    pub(in crate::local) fn over(
        finder: Box<dyn Net>,
        speller: Box<dyn Net>,
        letters: &str,
    ) -> Self {
        let classes = letters.lines().count() + 2;
        let dictionary = Dictionary::parse(letters, classes).expect("the classes were counted");
        Self::new(finder, speller, dictionary)
    }

    /// Reads a picture. Blocks for some seconds of one core.
    ///
    /// `seen` is called after every line with all lines so far; a break ends the reading.
    ///
    /// # Errors
    /// When a network cannot run this picture.
    pub fn read(
        &self,
        picture: &RgbImage,
        seen: &mut dyn FnMut(&[TextLine]) -> ControlFlow<()>,
    ) -> Result<Reading, NetError> {
        let mut reading = Reading {
            lines: Vec::new(),
            turn: Turn::Upright,
            stopped: false,
        };
        if picture.width().min(picture.height()) < MIN_SIDE {
            return Ok(reading);
        }
        let mut page = at_most(picture, WORKING_SIDE);
        let mut boxes = self.find(&page)?;
        let mut pass = if mostly_tall(&boxes) {
            Pass::TurnTo(self.side_up(&page, &boxes)?)
        } else {
            self.pass(&page, &boxes, true, seen)?
        };
        if let Pass::TurnTo(turn) = pass {
            page = Cow::Owned(turned(page.into_owned(), turn));
            boxes = self.find(&page)?;
            reading.turn = turn;
            pass = self.pass(&page, &boxes, false, seen)?;
        }
        if let Pass::Read { lines, stopped } = pass {
            reading.lines = lines;
            reading.stopped = stopped;
        }
        Ok(reading)
    }

    /// Spells the lines one by one. Where `doubting`, the first few must read better than on their
    /// head.
    fn pass(
        &self,
        page: &RgbImage,
        boxes: &[Slanted],
        doubting: bool,
        seen: &mut dyn FnMut(&[TextLine]) -> ControlFlow<()>,
    ) -> Result<Pass, NetError> {
        let slope = slope(boxes);
        let sample = boxes.get(..SAMPLE).unwrap_or(boxes);
        let mut lines = Vec::new();
        let mut sum = 0.0;
        for (at, found) in boxes.iter().enumerate() {
            let Spelled { text, score } = self.spell(page, found, Turn::Upright)?;
            if score >= MIN_SCORE && !text.trim().is_empty() {
                lines.push(TextLine {
                    text,
                    score,
                    bounds: bounds(found, slope),
                });
                if seen(&lines).is_break() {
                    return Ok(Pass::Read {
                        lines,
                        stopped: true,
                    });
                }
            }
            sum += score;
            if doubting && at + 1 == sample.len() {
                let mean = sum / sample.len() as f32;
                if mean < SURE && self.mean(page, sample, Turn::Half)? > mean + MARGIN {
                    return Ok(Pass::TurnTo(Turn::Half));
                }
            }
        }
        Ok(Pass::Read {
            lines,
            stopped: false,
        })
    }

    /// Which of the two turns brings a page that lies on its side upright.
    fn side_up(&self, page: &RgbImage, boxes: &[Slanted]) -> Result<Turn, NetError> {
        let tall: Vec<Slanted> = boxes.iter().copied().filter(Slanted::is_tall).collect();
        let sample = tall.get(..SAMPLE).unwrap_or(&tall);
        let right = self.mean(page, sample, Turn::Quarter)?;
        let left = self.mean(page, sample, Turn::ThreeQuarters)?;
        Ok(if right > left {
            Turn::Quarter
        } else {
            Turn::ThreeQuarters
        })
    }

    /// Mean score of some lines, each turned by itself.
    fn mean(&self, page: &RgbImage, sample: &[Slanted], turn: Turn) -> Result<f32, NetError> {
        let mut sum = 0.0;
        for found in sample {
            sum += self.spell(page, found, turn)?.score;
        }
        Ok(sum / sample.len().max(1) as f32)
    }

    /// The boxes of a page, those that look like identifiers first.
    fn find(&self, page: &RgbImage) -> Result<Vec<Slanted>, NetError> {
        let mut boxes = {
            let _alone = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
            find(self.finder.as_ref(), page)?
        };
        boxes.sort_by(|a, b| unlikeness(a).total_cmp(&unlikeness(b)));
        Ok(boxes)
    }

    fn spell(&self, page: &RgbImage, found: &Slanted, turn: Turn) -> Result<Spelled, NetError> {
        // A single line that runs upwards on a level page is read from its foot.
        let turn = match turn {
            Turn::Upright if found.is_tall() => Turn::Quarter,
            turn => turn,
        };
        let line = turned(cut(page, found), turn);
        spell(self.speller.as_ref(), &self.dictionary, &line)
    }
}

/// What one walk over the lines came to.
enum Pass {
    /// Read.
    Read { lines: Vec<TextLine>, stopped: bool },
    /// The page stands another way.
    TurnTo(Turn),
}

fn network(source: &Source, what: &'static str) -> Result<RtenNet, WeightsError> {
    RtenNet::load(weights::read(source)?).map_err(|error| WeightsError::NotAModel {
        file: source.to_string(),
        what,
        why: error.0,
    })
}

/// How many classes a recognition model tells apart: models do not state it, so it is tried out on
/// a grey line.
fn classes(speller: &dyn Net) -> Result<usize, NetError> {
    let (height, width) = (HEIGHT as usize, 64);
    let grey = Tensor {
        shape: vec![1, 3, height, width],
        data: vec![0.0; 3 * height * width],
    };
    match speller.run(grey)?.shape.as_slice() {
        [1, _, classes] if *classes > 2 => Ok(*classes),
        shape => Err(NetError(format!("its output has the shape {shape:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Finds `lines` bars, level or standing, whatever the picture shows.
    #[derive(Debug)]
    struct Bars {
        lines: usize,
        standing: bool,
    }

    impl Net for Bars {
        fn run(&self, input: Tensor) -> Result<Tensor, NetError> {
            let (rows, columns) = (input.shape[2], input.shape[3]);
            let mut data = vec![0.0; rows * columns];
            for (index, value) in data.iter_mut().enumerate() {
                let (row, column) = (index / columns, index % columns);
                let (across, along) = if self.standing {
                    (column, row)
                } else {
                    (row, column)
                };
                let bar = across / 20;
                if across % 20 < 8 && bar < self.lines && (20..120 + bar * 10).contains(&along) {
                    *value = 0.9;
                }
            }
            Ok(Tensor {
                shape: vec![1, 1, rows, columns],
                data,
            })
        }
    }

    /// Reads every line as `a`, brightness saying how surely, and counts.
    #[derive(Debug, Default)]
    struct Letters(Arc<AtomicUsize>);

    impl Net for Letters {
        fn run(&self, input: Tensor) -> Result<Tensor, NetError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let sure = (input.data[0] + 1.0) / 2.0;
            Ok(Tensor {
                shape: vec![1, 1, 3],
                data: vec![0.0, sure, 1.0 - sure],
            })
        }
    }

    fn reader(finder: Bars) -> (Reader, Arc<AtomicUsize>) {
        let spelled = Arc::new(AtomicUsize::new(0));
        let letters = Letters(Arc::clone(&spelled));
        (
            Reader::over(Box::new(finder), Box::new(letters), "a\n"),
            spelled,
        )
    }

    fn white() -> RgbImage {
        RgbImage::from_pixel(736, 736, image::Rgb([255; 3]))
    }

    #[test]
    fn a_break_ends_the_spelling() {
        let (reader, spelled) = reader(Bars {
            lines: 12,
            standing: false,
        });
        let mut calls = 0;
        let reading = reader.read(&white(), &mut |lines| {
            calls += 1;
            assert_eq!(lines.len(), calls);
            if calls == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let reading = reading.unwrap();
        assert!(reading.stopped);
        assert_eq!(reading.lines.len(), 3);
        assert_eq!(spelled.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn without_a_break_every_line_is_spelled_once() {
        let (reader, spelled) = reader(Bars {
            lines: 12,
            standing: false,
        });
        let reading = reader
            .read(&white(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert!(!reading.stopped);
        assert_eq!(reading.turn, Turn::Upright);
        assert_eq!(reading.lines.len(), 12);
        assert_eq!(spelled.load(Ordering::Relaxed), 12);
    }

    #[test]
    fn lines_that_look_like_identifiers_come_first() {
        let (reader, _) = reader(Bars {
            lines: 12,
            standing: false,
        });
        let reading = reader
            .read(&white(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        let far = |line: &TextLine| (line.bounds.width / line.bounds.height / 10.0).ln().abs();
        let order: Vec<f32> = reading.lines.iter().map(far).collect();
        assert!(order.is_sorted(), "{order:?}");
    }

    #[test]
    fn standing_lines_turn_the_page() {
        let (reader, _) = reader(Bars {
            lines: 12,
            standing: true,
        });
        let reading = reader
            .read(&white(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_ne!(reading.turn, Turn::Upright);
    }

    #[test]
    fn unsure_lines_are_dropped_and_a_speck_is_not_read() {
        let (reader, spelled) = reader(Bars {
            lines: 12,
            standing: false,
        });
        let dark = RgbImage::from_pixel(736, 736, image::Rgb([60; 3]));
        let reading = reader
            .read(&dark, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(reading.lines, []);
        let before = spelled.load(Ordering::Relaxed);
        let speck = RgbImage::new(11, 300);
        let reading = reader
            .read(&speck, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(reading.lines, []);
        assert_eq!(spelled.load(Ordering::Relaxed), before);
    }

    #[test]
    fn a_dictionary_of_another_model_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"a\nb\n").unwrap();
        let weights = Weights::or_files(None, None, Some(file.path()), None);
        let error = Reader::load(&weights).unwrap_err().to_string();
        assert!(
            error.contains(&file.path().display().to_string()),
            "{error}"
        );
        assert!(error.contains("ppocrv5_rec.onnx"), "{error}");
        assert!(
            error.contains("18385 classes") && error.contains("2 lines"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_model_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"hello").unwrap();
        let weights = Weights::or_files(Some(file.path()), None, None, None);
        let error = Reader::load(&weights).unwrap_err().to_string();
        assert!(error.contains("is not a text detection model"), "{error}");
    }
}
