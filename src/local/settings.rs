//! The settings of the adapters for one machine.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;

/// More would only wait for one another: detection of text runs for one picture at a time.
const MAX_THREADS: usize = 64;

/// Ten minutes: longer, and an upload would seem to be overlooked.
const MAX_SETTLE_MILLIS: u64 = 600_000;

/// What the local detector answers when it has found nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NothingFound {
    /// Clean.
    #[default]
    Clean,
    /// Undecided: it cannot see names, most addresses, handwriting, nor any script but Latin,
    /// Chinese and Japanese.
    Undecided,
}

/// The `local` section as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RawLocal {
    /// What it means when the local detector finds nothing: `clean` (the default), or `undecided`,
    /// since it sees only what a machine can check.
    pub nothing_found: NothingFound,
    /// How many pictures are read at the same time, each on one core; default 2.
    #[schemars(range(min = 1, max = 64))]
    pub threads: usize,
    /// An ONNX file that finds text, of the PP-OCR detection family; empty (the default) means the
    /// embedded PP-OCRv5 mobile model.
    pub detection_model: String,
    /// An ONNX file that reads text, of the PP-OCR recognition family, such as the Korean one;
    /// empty (the default) means the embedded model for Latin, Chinese and Japanese. Set it
    /// together with `local.dictionary`.
    pub recognition_model: String,
    /// The characters of `local.recognition_model`, one a line; empty (the default) means the
    /// embedded ones.
    pub dictionary: String,
    /// A SeetaFace file that finds faces; empty (the default) means the embedded one.
    pub face_model: String,
    /// A folder that removed objects of a guarded folder are moved to; empty (the default) means
    /// that there is none. `policy.removal = "quarantine"` needs it.
    pub quarantine: String,
    /// A file in a guarded folder is taken when it has not changed for this long, in milliseconds;
    /// default 500.
    #[schemars(range(min = 1, max = 600_000))]
    pub settle_millis: u64,
}

impl Default for RawLocal {
    fn default() -> Self {
        Self {
            nothing_found: NothingFound::default(),
            threads: 2,
            detection_model: String::new(),
            recognition_model: String::new(),
            dictionary: String::new(),
            face_model: String::new(),
            quarantine: String::new(),
            settle_millis: 500,
        }
    }
}

impl RawLocal {
    /// Checks the section and notes every mistake; `None` when there was one.
    ///
    /// Whether the files can be read is not asked here: the detector asks when it is built.
    pub fn validate(self, problems: &mut Problems) -> Option<LocalSettings> {
        let threads =
            NonZeroUsize::new(self.threads).filter(|threads| threads.get() <= MAX_THREADS);
        if threads.is_none() {
            problems.add("local.threads", format!("must be from 1 to {MAX_THREADS}"));
        }
        let pair = self.recognition_model.is_empty() == self.dictionary.is_empty();
        if !pair {
            problems.add(
                "local.dictionary",
                "a recognition model reads only with its own dictionary; set `local.recognition_model` and `local.dictionary` together",
            );
        }
        let settles = (1..=MAX_SETTLE_MILLIS).contains(&self.settle_millis);
        if !settles {
            problems.add(
                "local.settle_millis",
                format!("must be from 1 to {MAX_SETTLE_MILLIS}"),
            );
        }
        let file = |written: String| (!written.is_empty()).then(|| PathBuf::from(written));
        threads
            .filter(|_| pair && settles)
            .map(|threads| LocalSettings {
                nothing_found: self.nothing_found,
                threads,
                detection_model: file(self.detection_model),
                recognition_model: file(self.recognition_model),
                dictionary: file(self.dictionary),
                face_model: file(self.face_model),
                quarantine: file(self.quarantine),
                settle: Duration::from_millis(self.settle_millis),
            })
    }
}

/// The `local` section, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// What to answer when nothing is found.
    pub nothing_found: NothingFound,
    /// How many pictures at the same time.
    pub threads: NonZeroUsize,
    /// Finds text; `None` for the embedded one, here as below.
    pub detection_model: Option<PathBuf>,
    /// Reads text.
    pub recognition_model: Option<PathBuf>,
    /// Its characters.
    pub dictionary: Option<PathBuf>,
    /// Finds faces.
    pub face_model: Option<PathBuf>,
    /// Where removed objects of a guarded folder go; `None` where there is no quarantine.
    pub quarantine: Option<PathBuf>,
    /// A file is taken when it has not changed for this long.
    pub settle: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section in TOML, and the mistakes in it.
    #[track_caller]
    fn check(section: &str, expected: &[&str]) -> Option<LocalSettings> {
        let raw: RawLocal = toml::from_str(section).unwrap();
        let mut problems = Problems::new();
        let valid = raw.validate(&mut problems);
        let keys: Vec<_> = problems
            .iter()
            .map(|problem| problem.key.as_str())
            .collect();
        assert_eq!(keys, expected, "{section}");
        assert_eq!(valid.is_some(), expected.is_empty(), "{section}");
        valid
    }

    #[test]
    fn nothing_said_means_embedded_and_clean() {
        let settings = check("", &[]).unwrap();
        assert_eq!(settings.nothing_found, NothingFound::Clean);
        assert_eq!(settings.threads.get(), 2);
        assert_eq!(settings.recognition_model, None);
    }

    #[test]
    fn another_language_takes_both_files() {
        let both = "recognition_model = 'ko.onnx'\ndictionary = 'ko.txt'";
        let settings = check(both, &[]).unwrap();
        assert_eq!(settings.dictionary, Some(PathBuf::from("ko.txt")));
        check("recognition_model = 'ko.onnx'", &["local.dictionary"]);
        check("dictionary = 'ko.txt'", &["local.dictionary"]);
    }

    #[test]
    fn every_mistake_is_noted() {
        check(
            "threads = 0\ndictionary = 'ko.txt'",
            &["local.threads", "local.dictionary"],
        );
        check("threads = 65", &["local.threads"]);
        check("nothing_found = 'clean'", &[]);
    }
}
