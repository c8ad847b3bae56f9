//! The `object` section of the settings: how much of an object is read and how it is cut.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Limits;
use super::limits::{MAX_PIECE_EDGE, MAX_PIECES};
use crate::settings::Problems;

/// `object` as written.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RawObject {
    /// `object.max_bytes`: objects longer than this many bytes are not read and come back as
    /// unreadable (too large). Default 52428800 (50 MiB).
    pub max_bytes: u64,
    /// `object.max_pixels`: pictures whose header claims more pixels (width times height) are not
    /// decoded. Default 100000000.
    pub max_pixels: u64,
    /// `object.max_edge`: the longest edge in pixels that a model is shown; larger pictures are
    /// scaled down or cut. Default 2576, the high-resolution tier of current models; 1568 is their
    /// standard tier and costs less.
    pub max_edge: u32,
    /// `object.max_tiles`: into how many overlapping tiles a long screenshot is cut at most.
    /// Default 8; a model takes 20 pictures in one request.
    pub max_tiles: u32,
    /// `object.max_frames`: how many frames of an animation, or pages of a TIFF, are looked at at
    /// most. Default 4; a model takes 20 pictures in one request.
    pub max_frames: u32,
    /// `object.decode_threads`: how many pictures are decoded at the same time. Default 0, one per
    /// processor core.
    pub decode_threads: u32,
}

impl Default for RawObject {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            max_bytes: 50 << 20,
            max_pixels: limits.max_pixels,
            max_edge: limits.max_edge,
            max_tiles: limits.max_tiles,
            max_frames: limits.max_frames,
            decode_threads: 0,
        }
    }
}

/// `object`, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectSettings {
    /// Objects longer than this many bytes are not read.
    pub max_bytes: u64,
    /// What a picture may cost and into what it is cut.
    pub limits: Limits,
    /// Pictures decoded at the same time; at least 1.
    pub decode_threads: usize,
}

/// Decoded pixels have 32-bit offsets in some decoders; above this they could not keep the limit.
const MOST_PIXELS: u64 = 250_000_000;

/// Nothing sensible is larger, and S3 could not copy it in one call either (5 GB).
const MOST_BYTES: u64 = 5_000_000_000;

/// More threads than this are a typing mistake.
const MOST_THREADS: u64 = 1_024;

impl RawObject {
    /// Checks the section; every mistake is noted, and `None` is returned where there was one.
    pub fn validate(self, problems: &mut Problems) -> Option<ObjectSettings> {
        let mut good = true;
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                problems.add(
                    format!("object.{key}"),
                    format!("is {value}; it must lie between {least} and {most}"),
                );
                good = false;
            }
        };
        within("max_bytes", self.max_bytes, 1, MOST_BYTES);
        within("max_pixels", self.max_pixels, 1, MOST_PIXELS);
        // Below 200 pixels models lose most text.
        within("max_edge", self.max_edge.into(), 200, MAX_PIECE_EDGE.into());
        within("max_tiles", self.max_tiles.into(), 1, MAX_PIECES.into());
        within("max_frames", self.max_frames.into(), 1, MAX_PIECES.into());
        within(
            "decode_threads",
            self.decode_threads.into(),
            0,
            MOST_THREADS,
        );
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        good.then(|| ObjectSettings {
            max_bytes: self.max_bytes,
            limits: Limits {
                max_pixels: self.max_pixels,
                max_edge: self.max_edge,
                max_tiles: self.max_tiles,
                max_frames: self.max_frames,
            },
            decode_threads: match self.decode_threads {
                0 => cores(),
                threads => threads as usize,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        let mut problems = Problems::new();
        let settings = RawObject::default().validate(&mut problems).unwrap();
        assert!(problems.is_empty());
        assert_eq!(settings.max_bytes, 52_428_800);
        assert_eq!(settings.limits, Limits::default());
        assert!(settings.decode_threads >= 1);
    }

    #[test]
    fn every_mistake_is_reported() {
        let raw = RawObject {
            max_bytes: 0,
            max_pixels: 0,
            max_edge: 9_000,
            max_tiles: 21,
            max_frames: 0,
            decode_threads: 5_000,
        };
        let mut problems = Problems::new();
        assert_eq!(raw.validate(&mut problems), None);
        let keys: Vec<_> = problems.into_vec().into_iter().map(|p| p.key).collect();
        let names = [
            "max_bytes",
            "max_pixels",
            "max_edge",
            "max_tiles",
            "max_frames",
            "decode_threads",
        ];
        assert_eq!(keys, names.map(|name| format!("object.{name}")));
    }

    #[test]
    fn a_part_of_the_section_is_enough() {
        let raw: RawObject = toml::from_str("max_edge = 1568\ndecode_threads = 3").unwrap();
        let settings = raw.validate(&mut Problems::new()).unwrap();
        assert_eq!(settings.limits.max_edge, 1568);
        assert_eq!(settings.decode_threads, 3);
    }
}
