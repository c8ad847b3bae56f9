//! Faces, by SeetaFace.
//!
//! A frontal detector: masks, strong profiles and faces on their side are not found. A face that is
//! missed costs less here than a page of text with a face that is not there, so the threshold is
//! high and nothing is enlarged.

use image::{DynamicImage, RgbImage};
use rustface::{ImageData, Model};

use super::raster::at_most;
use super::weights::{self, Source, WeightsError};

/// Long side at which a picture is searched, in pixels: the time goes with the area.
const LONG_SIDE: u32 = 800;
/// The window of the detector, and so the smallest face at that size, in pixels.
const MIN_FACE: u32 = 40;
/// Score of the last stage below which a window is no face.
const MIN_SCORE: f64 = 2.0;
/// Ratio between the sizes that are searched.
const PYRAMID: f32 = 0.8;
/// Pixels from one window to the next.
const STEP: u32 = 4;

/// Counts faces.
pub struct FaceFinder {
    model: Model,
}

impl std::fmt::Debug for FaceFinder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaceFinder").finish_non_exhaustive()
    }
}

impl FaceFinder {
    /// Loads the model.
    ///
    /// # Errors
    /// When the file cannot be read or is no model.
    pub fn load(source: &Source) -> Result<Self, WeightsError> {
        let bytes = weights::read(source)?;
        // The library panics on an unknown kind of classifier.
        let model = std::panic::catch_unwind(|| rustface::read_model(bytes.as_ref()));
        let why = match model {
            Ok(Ok(model)) => return Ok(Self { model }),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "unknown contents".to_owned(),
        };
        Err(WeightsError::NotAModel {
            file: source.to_string(),
            what: "SeetaFace model",
            why,
        })
    }

    /// How many upright faces there are. Blocks for some tenths of a second.
    #[must_use]
    pub fn count(&self, picture: &RgbImage) -> usize {
        let small = at_most(picture, LONG_SIDE);
        let (width, height) = small.dimensions();
        if width.min(height) < MIN_FACE {
            return 0;
        }
        let grey = DynamicImage::ImageRgb8(small.into_owned()).into_luma8();
        let mut detector = rustface::create_detector_with_model(self.model.clone());
        detector.set_min_face_size(MIN_FACE);
        detector.set_score_thresh(MIN_SCORE);
        detector.set_pyramid_scale_factor(PYRAMID);
        detector.set_slide_window_step(STEP, STEP);
        detector
            .detect(&ImageData::new(grey.as_raw(), width, height))
            .len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::raster::{Turn, turned};
    use super::super::weights::Weights;
    use super::*;

    fn finder() -> FaceFinder {
        FaceFinder::load(&Weights::default().faces).unwrap()
    }

    fn picture(name: &str) -> RgbImage {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo");
        image::open(folder.join(name)).unwrap().into_rgb8()
    }

    #[test]
    fn a_portrait_has_one_face_and_a_page_none() {
        let finder = finder();
        let portrait = picture("portrait.webp");
        assert_eq!(finder.count(&portrait), 1);
        assert_eq!(finder.count(&picture("invoice-2026-0418.png")), 0);
        // On its side it is not found: the reader's turn has to be tried.
        assert_eq!(finder.count(&turned(portrait, Turn::Quarter)), 0);
    }

    #[test]
    fn a_tiny_picture_has_none() {
        assert_eq!(finder().count(&RgbImage::new(39, 500)), 0);
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &[7; 64]).unwrap();
        let error = FaceFinder::load(&Source::File(file.path().to_owned())).unwrap_err();
        assert!(error.to_string().contains("SeetaFace"), "{error}");
    }
}
