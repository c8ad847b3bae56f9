//! Nobody is judged before the model was tried.
//!
//! The service takes messages while it still finds out whether and how the model answers. Judgements
//! wait here until that is known, so that the first pictures do not each learn it for themselves,
//! at the price of a call, or are given back because a model was not granted that is not needed.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::model::{unless_it_waits, waiting};
use crate::object::Prepared;
use crate::verdict::{DetectError, Detector, Judge, Judged};

/// A detector that waits for its gate to open.
#[derive(Debug)]
pub struct Gated {
    inner: Arc<dyn Detector>,
    open: CancellationToken,
    stop: CancellationToken,
}

/// Holds the gate shut; dropping it opens the gate for good, also when its holder panics or is
/// cancelled: what a trial could not find out each judgement finds out itself.
#[derive(Debug)]
#[must_use = "dropped, it opens the gate"]
pub struct Gate {
    _opens: DropGuard,
}

impl Gate {
    /// Opens it, for good.
    pub fn open(self) {}
}

impl Gated {
    /// A detector behind a gate that is shut. Nothing waits there once `stop` is cancelled.
    pub fn new(inner: Arc<dyn Detector>, stop: CancellationToken) -> (Self, Gate) {
        let open = CancellationToken::new();
        let gate = Gate {
            _opens: open.clone().drop_guard(),
        };
        (Self { inner, open, stop }, gate)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Detector for Gated {
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError> {
        let opened = waiting(self.open.cancelled());
        if unless_it_waits(opened, &self.stop).await.is_none() {
            return Err(DetectError::Unavailable {
                message: "a stop was asked for before the model was tried".to_owned(),
                after: None,
            });
        }
        self.inner.judge(picture).await
    }

    fn judge_name(&self) -> Judge {
        self.inner.judge_name()
    }
}
