//! What people have allowed, in files of the state folder: `allow/<digest>.json`, laid out as in a
//! bucket.
//!
//! A command writes one while a worker runs on the same folder. A file gets its name by a link once
//! its bytes are on the disk, and a link never replaces anything: no lock is needed, and readers see
//! a whole decision or none.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::durable::{create_private, make_folder, remove_if_there, sync_folder};
use crate::record::{Allowance, Allowances, Content, LedgerError, parse_allowance};

/// The decisions in a folder.
#[derive(Clone, Debug)]
pub struct FileAllowances {
    folder: Arc<PathBuf>,
}

impl FileAllowances {
    /// The decisions of a state folder. Nothing is made before the first decision.
    pub fn new(state: &Path) -> Self {
        Self {
            folder: Arc::new(state.join("allow")),
        }
    }

    async fn blocking<R: Send + 'static>(
        &self,
        step: impl FnOnce(&Path) -> Result<R, LedgerError> + Send + 'static,
    ) -> Result<R, LedgerError> {
        let folder = Arc::clone(&self.folder);
        match tokio::task::spawn_blocking(move || step(&folder)).await {
            Ok(result) => result,
            Err(_panic) => Err(LedgerError::Unavailable(super::PANICKED.to_owned())),
        }
    }
}

#[async_trait]
impl Allowances for FileAllowances {
    async fn allow(&self, allowance: &Allowance) -> Result<Allowance, LedgerError> {
        let allowance = allowance.clone();
        self.blocking(move |folder| {
            let place = place_of(folder, &allowance.content);
            match write(folder, &place, &allowance) {
                Ok(()) => Ok(allowance),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let stands = read(folder, &allowance.content)?;
                    // Found by its name, and gone at the next look: somebody takes it away.
                    stands.ok_or_else(|| failed(&place, &io::ErrorKind::NotFound.into()))
                }
                Err(error) => Err(failed(&place, &error)),
            }
        })
        .await
    }

    async fn find(&self, content: &Content) -> Result<Option<Allowance>, LedgerError> {
        let content = content.clone();
        self.blocking(move |folder| read(folder, &content)).await
    }

    async fn revoke(&self, content: &Content) -> Result<Option<Allowance>, LedgerError> {
        let content = content.clone();
        self.blocking(move |folder| {
            let Some(allowance) = read(folder, &content)? else {
                return Ok(None);
            };
            let place = place_of(folder, &content);
            let removed = remove_if_there(&place).and_then(|_| sync_folder(folder));
            removed.map_err(|error| failed(&place, &error))?;
            Ok(Some(allowance))
        })
        .await
    }
}

fn write(folder: &Path, place: &Path, allowance: &Allowance) -> io::Result<()> {
    make_folder(folder)?;
    // Of this process and content alone; what a kill leaves is never read, and goes the next time.
    let digest = allowance.content.digest();
    let thread = std::thread::current().id();
    let part = folder.join(format!(".{digest}.{}.{thread:?}", std::process::id()));
    remove_if_there(&part)?;
    let written = (|| {
        let mut file = create_private(&part)?;
        file.write_all(&serde_json::to_vec_pretty(allowance)?)?;
        file.sync_all()?;
        // Unlike a rename, it never replaces what is there.
        fs::hard_link(&part, place)
    })();
    remove_if_there(&part)?;
    // Also where it was there already: whoever wrote it may not have flushed its name yet.
    sync_folder(folder)?;
    written
}

fn read(folder: &Path, content: &Content) -> Result<Option<Allowance>, LedgerError> {
    let place = place_of(folder, content);
    let bytes = match fs::read(&place) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&place, &error)),
    };
    let name = format!("allow/{}.json", content.digest());
    parse_allowance(&bytes, content, &name).map(Some)
}

fn place_of(folder: &Path, content: &Content) -> PathBuf {
    folder.join(format!("{}.json", content.digest()))
}

fn failed(path: &Path, error: &io::Error) -> LedgerError {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            LedgerError::Refused(format!(
                "{path} cannot be used ({error}); give this user the right to read and write there"
            ))
        }
        _ => LedgerError::Unavailable(format!("{path} cannot be used: {error}")),
    }
}
