//! Records that do not answer.

use async_trait::async_trait;
use jiff::Timestamp;
use s3_warden::alert::{Claim, Digests, Tally, Turn, Turns, Window};
use s3_warden::record::LedgerError;

#[derive(Debug)]
pub(crate) struct Gone;

fn gone<T>() -> Result<T, LedgerError> {
    Err(LedgerError::Unavailable("scripted".to_owned()))
}

#[async_trait]
impl Turns for Gone {
    async fn take(&self) -> Result<Turn, LedgerError> {
        gone()
    }
}

#[async_trait]
impl Digests for Gone {
    async fn write(&self, _: Window, _: &Tally) -> Result<(), LedgerError> {
        gone()
    }

    async fn windows(&self, _: Timestamp, _: Timestamp) -> Result<Vec<Window>, LedgerError> {
        gone()
    }

    async fn claim(&self, _: Window, _: Timestamp) -> Result<Claim, LedgerError> {
        gone()
    }

    async fn sum(&self, _: Window) -> Result<(u64, Tally), LedgerError> {
        gone()
    }

    async fn told(&self, _: Window, _: Timestamp) -> Result<(), LedgerError> {
        gone()
    }
}
