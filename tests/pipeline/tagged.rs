//! A store with tags over one without, and on request with versions as well: one for each state.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use s3_warden::event::{FindingId, Target, VersionId};
use s3_warden::object::{
    Exposure, Fetched, Located, Mark, ObjectRef, ObjectStore, Removed, StoreError, Tagged,
};

/// Which tags were set, and how the store answers.
#[derive(Debug, Default)]
pub(crate) struct TagBook {
    set: Mutex<Vec<(String, Mark)>>,
    answer: Mutex<Option<Tagged>>,
    versioned: AtomicBool,
    known: AtomicBool,
}

impl TagBook {
    /// Keys and tags, sorted.
    pub(crate) fn set(&self) -> Vec<(String, Mark)> {
        let mut set = self.set.lock().unwrap().clone();
        set.sort_by_key(|(key, mark)| (key.clone(), mark.as_str()));
        set
    }

    /// The store knows tags.
    pub(crate) fn are_known(&self) {
        self.known.store(true, Ordering::SeqCst);
    }

    /// The keys' objects have versions.
    pub(crate) fn with_versions(&self) {
        self.versioned.store(true, Ordering::SeqCst);
    }

    /// Every tag is answered so, and not set.
    pub(crate) fn answers(&self, answer: Tagged) {
        *self.answer.lock().unwrap() = Some(answer);
    }
}

/// The store.
#[derive(Debug)]
pub(crate) struct Tagging<P> {
    inner: P,
    book: Arc<TagBook>,
}

impl<P> Tagging<P> {
    pub(crate) fn new(inner: P, book: &Arc<TagBook>) -> Self {
        Self {
            inner,
            book: Arc::clone(book),
        }
    }

    fn version(&self, object: &mut ObjectRef) {
        if self.book.versioned.load(Ordering::SeqCst) {
            let name = format!("v{}", object.pin.etag.as_str().trim_matches('"'));
            object.pin.version = VersionId::new(name);
        }
    }
}

/// The same object for a store that has no versions.
fn plain(object: &ObjectRef) -> ObjectRef {
    let mut object = object.clone();
    object.pin.version = None;
    object
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: ObjectStore> ObjectStore for Tagging<P> {
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        let mut fetched = self.inner.fetch(target, cap).await?;
        if let Fetched::Body { object, .. } = &mut fetched {
            self.version(object);
        }
        Ok(fetched)
    }

    async fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        let mut located = self.inner.locate(target).await?;
        if let Located::There { object, .. } = &mut located {
            self.version(object);
        }
        Ok(located)
    }

    async fn remove(&self, object: &ObjectRef) -> Result<Removed, StoreError> {
        self.inner.remove(&plain(object)).await
    }

    async fn quarantine(
        &self,
        object: &ObjectRef,
        id: &FindingId,
        sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        self.inner.quarantine(&plain(object), id, sha256).await
    }

    async fn tag(&self, object: &ObjectRef, mark: Mark) -> Result<Tagged, StoreError> {
        // Its answer is that it knows none; what goes wrong on the way there does go wrong.
        let unsupported = self.inner.tag(&plain(object), mark).await?;
        if !self.book.known.load(Ordering::SeqCst) {
            return Ok(unsupported);
        }
        let answer = *self.book.answer.lock().unwrap();
        if let Some(answer) = answer {
            return Ok(answer);
        }
        let key = object.key.as_str().to_owned();
        self.book.set.lock().unwrap().push((key, mark));
        Ok(Tagged::Tagged)
    }

    async fn exposure(&self, object: &ObjectRef) -> Exposure {
        self.inner.exposure(&plain(object)).await
    }
}
