//! Looking at files without a pipeline.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::event::{BucketName, Key, Target};
use crate::local::{FolderStore, LocalDetector};
use crate::object::Preparer;
use crate::verdict::{Detector, Inspector, InspectorLimits};

/// What every command that judges locally says once.
pub const LOCAL_BLIND_SPOTS: &str = "The local detector reads machine-checkable data and frontal faces. It does not see names, \
     most addresses, handwriting, or Korean text (numbers beside it are read): \
     \"clean\" means that nothing it can check was found.";

/// The bucket that stands for a folder that is only looked at.
const LOOKED_AT: &str = "folder";

/// Looks at files without a pipeline.
#[derive(Debug)]
pub struct Looker {
    pub(super) preparer: Preparer,
    pub(super) detector: Arc<dyn Detector>,
    pub(super) limits: InspectorLimits,
    at_once: usize,
}

impl Looker {
    /// A looker with the local detector.
    ///
    /// # Errors
    /// The detector's models do not fit each other, or cannot be read.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            preparer: Preparer::new(&config.object),
            detector: Arc::new(LocalDetector::new(&config.local)?),
            limits: inspector_limits(config),
            at_once: config.local.threads.get(),
        })
    }

    /// An inspector over a folder.
    ///
    /// # Errors
    /// The folder cannot be opened.
    pub fn over(&self, folder: &Path) -> anyhow::Result<Inspector> {
        let bucket = BucketName::new(LOOKED_AT).expect("the name is not empty");
        let store = FolderStore::open(folder, bucket, None)?;
        let detector = Arc::clone(&self.detector);
        Ok(Inspector::new(
            Arc::new(store),
            self.preparer.clone(),
            detector,
            self.limits,
        ))
    }

    /// The target that stands for a file below the folder.
    pub fn target(key: String) -> Target {
        Target {
            bucket: BucketName::new(LOOKED_AT).expect("the name is not empty"),
            key: Key::new(key),
            pin: None,
        }
    }

    /// How many files are worth looking at side by side.
    pub fn at_once(&self) -> usize {
        self.at_once
    }
}

fn inspector_limits(config: &Config) -> InspectorLimits {
    InspectorLimits {
        max_bytes: config.object.max_bytes,
        // More judgements than threads would only wait for one another with their memory held.
        concurrency: config.limits.concurrency.min(config.local.threads.get()),
        memory_bytes: config.limits.memory_bytes,
        processing: config.limits.processing,
        cache_entries: config.limits.cache_entries,
    }
}
