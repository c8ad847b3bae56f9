//! Why something was denied, where S3 says no more than that it was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::types::{ObjectLockLegalHoldStatus, Payer};
use jiff::Timestamp;

use super::find::Seat;
use super::{S3Store, timestamp};
use crate::event::BucketName;
use crate::object::{StoreError, Why};

/// So many denied reads of a bucket, with none between that succeeded, are no longer the matter of
/// single objects: a permission or a key is missing, and going on would acknowledge everything that
/// waits as unread. Fewer would let a few odd objects stop the service; more lose more of the queue.
const STREAK: u32 = 5;

/// Reads that were denied one after another, per bucket. Never forgotten with time: a slow bucket
/// may be as locked as a busy one.
#[derive(Debug, Default)]
pub(super) struct Streaks(Mutex<HashMap<BucketName, u32>>);

impl Streaks {
    /// One more; how many it is now.
    fn grows(&self, bucket: &BucketName) -> u32 {
        let mut streaks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let streak = streaks.entry(bucket.clone()).or_default();
        *streak = streak.saturating_add(1);
        *streak
    }

    /// Something was read.
    pub(super) fn ends(&self, bucket: &BucketName) {
        let mut streaks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streaks.remove(bucket);
    }
}

impl S3Store {
    /// The reason behind a denied read, unless it is one too many in a row.
    ///
    /// # Errors
    /// `Refused` with the remedy from the fifth denial on, until a read succeeds.
    pub(super) async fn why_unread(
        &self,
        bucket: &BucketName,
        why: Why,
    ) -> Result<Why, StoreError> {
        let why = self.why_denied(bucket, why).await;
        if !matches!(why, Why::AccessDenied | Why::KeyDenied) || self.streaks.grows(bucket) < STREAK
        {
            return Ok(why);
        }
        let remedy = if why == Why::KeyDenied {
            "grant kms:Decrypt on the keys of its objects to our role (deploy/iam), and look for a \
             disabled key or a denying key policy"
        } else {
            "grant s3:GetObject and s3:GetObjectVersion on its objects to our role (deploy/iam), \
             and look for a denying bucket or organisation policy"
        };
        Err(StoreError::Refused(format!(
            "bucket {bucket} denied {STREAK} reads or more in a row: {remedy}"
        )))
    }

    /// The reason behind a plain denial of anything in a bucket, as far as the bucket tells. Asked
    /// after a denial only, and then for a while not again.
    pub(super) async fn why_denied(&self, bucket: &BucketName, why: Why) -> Why {
        if why != Why::AccessDenied {
            return why;
        }
        let known = match self.denials.get(bucket) {
            Some(known) => known,
            None => {
                let found = self.ask_why_denied(bucket).await;
                self.denials.learn(bucket, found);
                found
            }
        };
        known.unwrap_or(why)
    }

    async fn ask_why_denied(&self, bucket: &BucketName) -> Option<Why> {
        if self.is_anothers(bucket).await {
            return Some(Why::OtherOwner);
        }
        if self.settings.request_payer {
            return None;
        }
        let ask = self.client.get_bucket_request_payment();
        let answer = ask.bucket(bucket.as_str()).send().await;
        // Not being told is no answer: the denial stays what it was.
        let payer = answer.ok()?.payer().cloned();
        (payer == Some(Payer::Requester)).then_some(Why::RequesterPays)
    }

    /// Whether a bucket answers us, but not as the property of the account that has to own it.
    pub(super) async fn is_anothers(&self, bucket: &BucketName) -> bool {
        let Some(owner) = self.owner() else {
            return false;
        };
        let ask = || self.client.head_bucket().bucket(bucket.as_str());
        let as_owned = ask().expected_bucket_owner(owner).send().await;
        let at_all = ask().send().await;
        as_owned.is_err() && at_all.is_ok()
    }

    /// Why a delete was denied.
    pub(super) async fn why_kept(&self, bucket: &BucketName, seat: &Seat, why: Why) -> Why {
        if why != Why::AccessDenied {
            return why;
        }
        // Told only to those who may know; the words of the denial are read before.
        if is_locked(seat, Timestamp::now()) {
            return Why::Locked;
        }
        let asks_for_factor = match self.facts(bucket).await {
            Ok(facts) => facts.is_some_and(|facts| facts.mfa_delete),
            Err(_) => false,
        };
        if asks_for_factor && seat.version.is_some() {
            return Why::MfaRequired;
        }
        self.why_denied(bucket, why).await
    }
}

fn is_locked(seat: &Seat, now: Timestamp) -> bool {
    let head = &seat.head;
    let hold = head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On);
    let until = head.object_lock_retain_until_date();
    let retained = head.object_lock_mode().is_some()
        && until.is_some_and(|until| timestamp(Some(until)) > now);
    hold || retained
}
