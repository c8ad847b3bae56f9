//! Dead letters: what was parked and why, in memory and, where wanted, in a file.
//!
//! The file holds bodies, since a letter without its body could not be sent again; it is private
//! to the user. A letter is on the disk before its message leaves the queue.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::event::{Body, Delivery, MessageId};
use crate::local::durable::{FILE_MODE, make_folder, parent_of, sync_parent};
use crate::retry::Reason;
use crate::telemetry::vocabulary::ERROR_DETAIL;

/// How many letters stay in memory where a file holds them all.
const KEPT_BESIDE_A_FILE: usize = 1_000;

/// A message that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The message.
    pub id: MessageId,
    /// Why; `None` when the queue itself gave it up, its receives being used up.
    pub reason: Option<Reason>,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was given up.
    pub parked_at: Timestamp,
    /// What it says.
    pub body: Body,
}

impl DeadLetter {
    pub(super) fn of(delivery: &Delivery, reason: Option<&Reason>, now: Timestamp) -> Self {
        Self {
            id: delivery.id.clone(),
            reason: reason.cloned(),
            receive_count: delivery.receive_count,
            sent_at: delivery.sent_at,
            parked_at: now,
            body: delivery.body.clone(),
        }
    }
}

/// One line of the file.
#[derive(Serialize)]
struct Line<'a> {
    message_id: &'a str,
    reason: Option<&'a str>,
    detail: Option<&'a str>,
    receive_count: u32,
    sent_at: Timestamp,
    parked_at: Timestamp,
    body: &'a str,
}

#[derive(Debug)]
pub(super) struct DeadLetters {
    path: Option<PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    file: Option<File>,
    newest: VecDeque<DeadLetter>,
    count: u64,
}

impl DeadLetters {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            inner: Mutex::default(),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.inner().count
    }

    pub(super) fn newest(&self) -> Vec<DeadLetter> {
        self.inner().newest.iter().cloned().collect()
    }

    /// Keeps a letter; with a file, it is on the disk on `Ok`. Blocks.
    pub(super) fn append(&self, letter: DeadLetter) -> io::Result<()> {
        let mut inner = self.inner();
        if let Some(path) = &self.path {
            let mut file = match inner.file.take() {
                Some(file) => file,
                None => open(path)?,
            };
            write(&mut file, &letter)?;
            inner.file = Some(file);
            if inner.newest.len() == KEPT_BESIDE_A_FILE {
                inner.newest.pop_front();
            }
        }
        inner.newest.push_back(letter);
        inner.count += 1;
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> io::Result<File> {
    make_folder(parent_of(path))?;
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(FILE_MODE)
        .open(path)?;
    sync_parent(path)?;
    Ok(file)
}

fn write(file: &mut File, letter: &DeadLetter) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Line {
        message_id: &letter.id.0,
        reason: letter.reason.as_ref().map(|reason| reason.code),
        detail: letter.reason.as_ref().map(|reason| reason.detail.as_str()),
        receive_count: letter.receive_count,
        sent_at: letter.sent_at,
        parked_at: letter.parked_at,
        body: letter.body.as_str(),
    })?;
    line.push(b'\n');
    let before = file.metadata()?.len();
    file.write_all(&line)
        .and_then(|()| file.sync_data())
        // Half a line would spoil the next one.
        .inspect_err(|_| match file.set_len(before) {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!({ ERROR_DETAIL } = %error, "half a dead letter stays in the file")
            }
        })
}
