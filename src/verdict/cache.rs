//! The same bytes are judged, and paid for, once.
//!
//! The prompt and the local detector see a picture and nothing of where it lies, so an answer
//! depends on the bytes and the judge alone. Only definite answers are kept; while one is being
//! found, others about the same bytes wait for it instead of asking again.

use quick_cache::sync::Cache;

use super::{DetectError, Detector, Judge, Judged, Opinion};
use crate::object::Prepared;

type Entry = (Judge, [u8; 32]);

/// Answers by judge and SHA-256 of the bytes.
#[derive(Debug)]
pub struct VerdictCache {
    answers: Cache<Entry, Judged>,
}

impl VerdictCache {
    /// Keeps at most `entries` answers (about 150 bytes each); 0 keeps none.
    pub fn new(entries: usize) -> Self {
        Self {
            answers: Cache::new(entries),
        }
    }

    /// The answer for a picture, asking `ask` only when nobody knows. The flag says whether it was
    /// known. Cancel safe: when the one who asks is dropped, another asks.
    pub async fn judge<F>(
        &self,
        detector: &dyn Detector,
        picture: &Prepared,
        ask: F,
    ) -> Result<(Judged, bool), DetectError>
    where
        F: Future<Output = Result<Judged, DetectError>>,
    {
        let entry = (detector.judge_name(), picture.sha256);
        match self.answers.get_value_or_guard_async(&entry).await {
            Ok(known) => Ok((known, true)),
            Err(guard) => {
                let judged = ask.await?;
                if matches!(judged.opinion, Opinion::Clean | Opinion::Flagged { .. }) {
                    // Full or already replaced: the answer stands, it is only not remembered.
                    let _not_kept = guard.insert(Judged {
                        cost_usd: 0.0,
                        ..judged.clone()
                    });
                }
                Ok((judged, false))
            }
        }
    }
}
