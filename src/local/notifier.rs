//! Alerts on one machine: a line in a file for programs, a text for whoever sits at the terminal.
//!
//! The file is what makes an alert accepted; the text is shown after that and may be lost with the
//! terminal. This room does not print: the sink is brought by the command.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::durable::{FILE_MODE, make_folder, parent_of, sync_parent};
use crate::alert::{Alert, Notifier, NotifyError, PublicationId};

/// Shows one alert to a person.
pub type AlertSink = Box<dyn Fn(&Alert) + Send + Sync>;

/// Appends alerts to a file, one JSON object per line, and shows each.
pub struct TerminalNotifier {
    book: Arc<Mutex<Book>>,
    sink: AlertSink,
}

#[derive(Debug)]
struct Book {
    file: File,
    /// Whole lines in it.
    lines: u64,
    /// Their length in bytes.
    length: u64,
}

impl fmt::Debug for TerminalNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalNotifier")
            .field("book", &self.book)
            .finish_non_exhaustive()
    }
}

impl TerminalNotifier {
    /// Opens the file, or makes it; half a line that a kill left at its end was never accepted and
    /// is cut off. Blocks for a moment.
    pub fn open(path: &Path, sink: AlertSink) -> Result<Self, NotifyError> {
        let book = Book::open(path).map_err(|error| {
            let refused = error.kind() == io::ErrorKind::PermissionDenied;
            let why = format!(
                "the alert file {} cannot be opened: {error}",
                path.display()
            );
            if refused {
                NotifyError::Refused(why)
            } else {
                NotifyError::Unavailable(why)
            }
        })?;
        Ok(Self {
            book: Arc::new(Mutex::new(book)),
            sink,
        })
    }
}

#[async_trait]
impl Notifier for TerminalNotifier {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let mut line = serde_json::to_vec(alert).map_err(|error| {
            NotifyError::Refused(format!("the alert cannot be written as JSON: {error}"))
        })?;
        line.push(b'\n');
        let book = Arc::clone(&self.book);
        let written = tokio::task::spawn_blocking(move || {
            let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
            book.append(&line)
        })
        .await
        .map_err(|_panic| NotifyError::Unavailable(crate::local::PANICKED.to_owned()))?;
        let id = written.map_err(|error| {
            NotifyError::Unavailable(format!("the alert file cannot be written: {error}"))
        })?;
        (self.sink)(alert);
        Ok(id)
    }
}

impl Book {
    fn open(path: &Path) -> io::Result<Self> {
        make_folder(parent_of(path))?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(path)?;
        sync_parent(path)?;
        let (lines, length) = whole_lines(&file)?;
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        Ok(Self {
            file,
            lines,
            length,
        })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<PublicationId> {
        let written = self
            .file
            .write_all(line)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What was not accepted must not be read; nor may half of it spoil the next line.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.lines += 1;
        self.length += line.len() as u64;
        let mut digest = hex::encode(Sha256::digest(line));
        digest.truncate(8);
        Ok(PublicationId(format!("{}-{digest}", self.lines)))
    }
}

/// How many whole lines a file has, and how many bytes those take.
fn whole_lines(mut file: &File) -> io::Result<(u64, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let (mut lines, mut length) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok((lines, length));
        }
        lines += 1;
        length += count as u64;
    }
}
