//! The model files: embedded, or named by the configuration.
//!
//! This is the only file that embeds weights. Embedded bytes are read where they lie in the
//! executable: until the first picture they cost address space, not memory.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

const DETECTION: &[u8] = include_bytes!("../../../config/weights/ppocrv5_det.onnx");
const RECOGNITION: &[u8] = include_bytes!("../../../config/weights/ppocrv5_rec.onnx");
const DICTIONARY: &[u8] = include_bytes!("../../../config/weights/ppocr_keys_v5.txt");
const FACES: &[u8] = include_bytes!("../../../config/weights/seeta_fd_frontal_v1.0.bin");

/// Hashing 22 MB at every start would cost a tenth of a second; a test compares these with the files.
const SUMS: &str = include_str!("../../../config/weights/SHA256SUMS");

/// Where one file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The executable; the name is that of the vendored file.
    Embedded(&'static str),
    /// A file that the configuration names.
    File(PathBuf),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded(name) => write!(f, "embedded {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Which files make up the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Finds text: ONNX, DBNet.
    pub detection: Source,
    /// Reads text: ONNX, CTC.
    pub recognition: Source,
    /// The characters that `recognition` knows, one a line.
    pub dictionary: Source,
    /// Finds faces: SeetaFace.
    pub faces: Source,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            detection: Source::Embedded("ppocrv5_det.onnx"),
            recognition: Source::Embedded("ppocrv5_rec.onnx"),
            dictionary: Source::Embedded("ppocr_keys_v5.txt"),
            faces: Source::Embedded("seeta_fd_frontal_v1.0.bin"),
        }
    }
}

impl Weights {
    /// The embedded files, except where a path is given.
    #[must_use]
    pub fn or_files(
        detection: Option<&Path>,
        recognition: Option<&Path>,
        dictionary: Option<&Path>,
        faces: Option<&Path>,
    ) -> Self {
        let embedded = Self::default();
        let choose =
            |path: Option<&Path>, or: Source| path.map_or(or, |path| Source::File(path.to_owned()));
        Self {
            detection: choose(detection, embedded.detection),
            recognition: choose(recognition, embedded.recognition),
            dictionary: choose(dictionary, embedded.dictionary),
            faces: choose(faces, embedded.faces),
        }
    }

    /// Whether the executable holds all of them.
    #[must_use]
    pub fn all_embedded(&self) -> bool {
        self.sources()
            .iter()
            .all(|source| matches!(source, Source::Embedded(_)))
    }

    /// Eight hexadecimal digits that change when any of the files does.
    ///
    /// # Errors
    /// When a configured file cannot be read.
    pub fn short_hash(&self) -> Result<String, WeightsError> {
        let mut all = Sha256::new();
        for source in self.sources() {
            match source {
                Source::Embedded(name) => all.update(recorded_sum(name).unwrap_or(name)),
                Source::File(_) => all.update(hex::encode(Sha256::digest(read(source)?))),
            }
        }
        Ok(hex::encode(all.finalize()).chars().take(8).collect())
    }

    fn sources(&self) -> [&Source; 4] {
        [
            &self.detection,
            &self.recognition,
            &self.dictionary,
            &self.faces,
        ]
    }
}

/// The bytes of one file.
///
/// # Errors
/// When a configured file cannot be read.
pub(super) fn read(source: &Source) -> Result<Cow<'static, [u8]>, WeightsError> {
    match source {
        Source::Embedded(name) => Ok(Cow::Borrowed(embedded(name))),
        Source::File(path) => {
            std::fs::read(path)
                .map(Cow::Owned)
                .map_err(|error| WeightsError::Unreadable {
                    file: path.clone(),
                    error,
                })
        }
    }
}

fn embedded(name: &str) -> &'static [u8] {
    match name {
        "ppocrv5_det.onnx" => DETECTION,
        "ppocrv5_rec.onnx" => RECOGNITION,
        "ppocr_keys_v5.txt" => DICTIONARY,
        _ => FACES,
    }
}

fn recorded_sum(name: &str) -> Option<&'static str> {
    SUMS.lines().find_map(|line| {
        let (sum, file) = line.split_once("  ")?;
        (file == name).then_some(sum)
    })
}

/// The model files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// No such file, or no permission.
    #[error("cannot read the model file {}: make it readable, or leave its setting empty for the embedded one", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// Its bytes are no model that we can run.
    #[error("{file} is not a {what}: {why}")]
    NotAModel {
        /// Which file.
        file: String,
        /// What it should have been.
        what: &'static str,
        /// What the runtime says.
        why: String,
    },
    /// The recognition model and the dictionary are not of one kind.
    #[error(
        "{dictionary} does not fit {model}: the model tells {classes} classes apart and the dictionary has {lines} lines; it needs {classes} lines (first `blank`, last a space) or {} without those two: set local.recognition_model and local.dictionary to files of one release",
        classes.saturating_sub(2)
    )]
    Mismatch {
        /// The recognition model.
        model: String,
        /// The dictionary.
        dictionary: String,
        /// How many classes the model has.
        classes: usize,
        /// How many lines the dictionary has.
        lines: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendored_file_is_the_recorded_one() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/weights");
        let mut recorded = Vec::new();
        for line in SUMS.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            let bytes = std::fs::read(folder.join(name)).unwrap();
            assert_eq!(hex::encode(Sha256::digest(&bytes)), sum, "{name}");
            recorded.push(name.to_owned());
        }
        let written_here = ["README.md", "SHA256SUMS"];
        for entry in std::fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                recorded.contains(&name) || written_here.contains(&name.as_str()),
                "{name} has no line in SHA256SUMS"
            );
        }
    }

    #[test]
    fn embedded_bytes_are_those_of_their_own_name() {
        for source in Weights::default().sources() {
            let Source::Embedded(name) = source else {
                panic!("{source} is not embedded")
            };
            let bytes = read(source).unwrap();
            assert_eq!(
                Some(hex::encode(Sha256::digest(&bytes)).as_str()),
                recorded_sum(name)
            );
        }
    }

    #[test]
    fn another_file_gives_another_hash() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"a\nb\n").unwrap();
        let other = Weights::or_files(None, None, Some(file.path()), None);
        assert!(!other.all_embedded());
        assert_ne!(
            other.short_hash().unwrap(),
            Weights::default().short_hash().unwrap()
        );
        assert_eq!(Weights::default().short_hash().unwrap().len(), 8);
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = Weights::or_files(Some(Path::new("/no/such/model.onnx")), None, None, None);
        let error = missing.short_hash().unwrap_err().to_string();
        assert!(error.contains("/no/such/model.onnx"), "{error}");
    }
}
