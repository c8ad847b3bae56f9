//! Whose fault it is when a model says nothing.
//!
//! A model that fails for everybody is waited for, however long: its pictures are good. One that
//! fails for a single picture while it answers about others would be asked about it again and again,
//! at a price each time. So failures are counted by picture, beside the answers about others.

use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;

/// Pictures that are remembered; the failures of one that is forgotten are counted from the start.
const REMEMBERED: usize = 1_000;

/// Rounds of tries that may fail before a picture is suspected.
const ROUNDS: u32 = 3;

/// Answers about other pictures meanwhile that make it the picture's fault.
const ANSWERS: u64 = 5;

/// What failed, and how much was answered since.
#[derive(Debug)]
pub(super) struct Silence {
    answers: AtomicU64,
    /// By SHA-256 of the bytes: rounds that failed, and the answers when the first did.
    failed: Cache<[u8; 32], (u32, u64)>,
}

impl Default for Silence {
    fn default() -> Self {
        Self {
            answers: AtomicU64::new(0),
            failed: Cache::new(REMEMBERED),
        }
    }
}

impl Silence {
    /// A picture was answered about.
    pub(super) fn broken(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// A round of tries has failed for this picture: whether it is its fault.
    pub(super) fn is_the_pictures(&self, sha256: &[u8; 32]) -> bool {
        let answers = self.answers.load(Ordering::Relaxed);
        let (rounds, first) = self.failed.get(sha256).unwrap_or((0, answers));
        let rounds = rounds + 1;
        let its_fault = rounds >= ROUNDS && answers.saturating_sub(first) >= ANSWERS;
        if its_fault {
            self.failed.remove(sha256);
        } else {
            self.failed.insert(*sha256, (rounds, first));
        }
        its_fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_suspected_only_while_others_are_answered() {
        let silence = Silence::default();
        for _round in 0..100 {
            assert!(
                !silence.is_the_pictures(&[1; 32]),
                "the model fails for all"
            );
        }
        for _answer in 0..5 {
            silence.broken();
        }
        assert!(!silence.is_the_pictures(&[2; 32]), "one round is none");
        assert!(silence.is_the_pictures(&[1; 32]));
        assert!(!silence.is_the_pictures(&[1; 32]), "counted from the start");
    }
}
