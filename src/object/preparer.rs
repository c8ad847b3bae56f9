//! Decoding off the async threads, a bounded number at a time.
//!
//! Decoding takes whole cores for up to seconds. On the runtime's own threads it would stop
//! heartbeats and polls; unbounded on the blocking pool it would start hundreds of decodes at once
//! and take their memory together.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{Limits, ObjectSettings, Prepared, Unreadable, prepare};

/// Prepares pictures on the blocking pool. Clones share the bound.
#[derive(Clone, Debug)]
pub struct Preparer {
    threads: Arc<Semaphore>,
    limits: Limits,
}

impl Preparer {
    /// A preparer with the limits and the number of threads of these settings.
    pub fn new(settings: &ObjectSettings) -> Self {
        Self {
            threads: Arc::new(Semaphore::new(settings.decode_threads.max(1))),
            limits: settings.limits,
        }
    }

    /// The limits in use.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Waits for a free thread and makes a picture ready, see [`prepare`](prepare()).
    ///
    /// Cancel safe: while it waits, dropping it costs nothing; a decode that has begun runs to its
    /// end and keeps its place until then, so that the bound holds.
    ///
    /// # Errors
    /// What is wrong with the object.
    pub async fn prepare(&self, bytes: Bytes) -> Result<Prepared, Unreadable> {
        let threads = Arc::clone(&self.threads);
        let permit = threads
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let limits = self.limits;
        let work = spawn_blocking(move || {
            let prepared = prepare(&bytes, &limits);
            drop(permit);
            prepared
        });
        match work.await {
            Ok(prepared) => prepared,
            Err(error) if error.is_panic() => Err(Unreadable::Damaged),
            // The runtime is going down and has not begun the work: there is no answer, and whoever
            // waits for one is being dropped as well.
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::RawObject;
    use crate::settings::Problems;

    fn preparer(decode_threads: u32) -> Preparer {
        let raw = RawObject {
            decode_threads,
            ..RawObject::default()
        };
        Preparer::new(&raw.validate(&mut Problems::new()).unwrap())
    }

    #[tokio::test]
    async fn no_more_run_than_there_are_threads() {
        let preparer = preparer(1);
        let held = Arc::clone(&preparer.threads).try_acquire_owned().unwrap();
        let mut waiting = Box::pin(preparer.prepare(Bytes::new()));
        assert!(futures::poll!(&mut waiting).is_pending());
        tokio::task::yield_now().await;
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(held);
        assert_eq!(waiting.await.unwrap_err(), Unreadable::Empty);
        assert_eq!(preparer.threads.available_permits(), 1);
    }

    #[tokio::test]
    async fn the_answer_is_that_of_prepare() {
        let answer = preparer(2).prepare(Bytes::from_static(b"%PDF-1.7")).await;
        let expected = Unreadable::Unsupported(crate::object::Format::Pdf);
        assert_eq!(answer.unwrap_err(), expected);
    }
}
