//! The quarantine of a folder: another folder, outside, private to the user.
//!
//! An object lies there as `<FindingId>`, with `<FindingId>.json` beside it that says where it came
//! from. The copy is on the disk, and was read back and compared, before the source goes; a kill in
//! between leaves both, and a repeated call finds the copy and removes the source.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::FolderError;
use super::root::tag_of;
use crate::event::{BucketName, ETag, FindingId, Key};
use crate::local::durable::{FILE_MODE, make_folder, remove_if_there, sync_folder};
use crate::telemetry::vocabulary::{ERROR_DETAIL, FINDING_ID};

/// What lies beside a quarantined object: enough to put it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) bucket: BucketName,
    pub(super) key: Key,
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) modified_at: Timestamp,
}

/// How a copy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// It was made now.
    Now,
    /// It was there, with the same bytes.
    Before,
    /// The source is not what was judged; nothing was kept.
    SourceDiffers,
    /// Under this id lies something else, or what was written did not read back the same.
    CopyDiffers,
}

#[derive(Debug)]
pub(super) struct Quarantine {
    folder: PathBuf,
}

impl Quarantine {
    /// Opens it, making the folder where it is not there yet.
    pub(super) fn open(folder: &Path, root: &Path) -> Result<Self, FolderError> {
        let failed = |error: &io::Error| FolderError::of(folder, error);
        // Looked at before it is made, so that nothing is made inside the guarded folder.
        let place = resolve(folder).map_err(|error| failed(&error))?;
        if place.starts_with(root) {
            return Err(FolderError::QuarantineInside {
                quarantine: folder.to_owned(),
                root: root.to_owned(),
            });
        }
        make_folder(&place).map_err(|error| failed(&error))?;
        Ok(Self { folder: place })
    }

    /// Where the copy of a finding lies.
    pub(super) fn place(&self, id: &FindingId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Whether the bytes of `pin` lie under the finding's id.
    pub(super) fn has(&self, pin: &ETag, id: &FindingId) -> io::Result<bool> {
        Ok(holds(&self.place(id), pin)? == Some(true))
    }

    /// Copies `source` under the finding's id if its bytes are those of `pin`.
    pub(super) fn copy(
        &self,
        mut source: &File,
        pin: &ETag,
        id: &FindingId,
        origin: &Origin,
    ) -> io::Result<Copied> {
        let place = self.place(id);
        if let Some(same) = holds(&place, pin)? {
            return Ok(if same {
                Copied::Before
            } else {
                Copied::CopyDiffers
            });
        }
        let part = self.folder.join(format!(".{id}.part"));
        let made = (|| {
            let mut copy = open_over(&part)?;
            source.seek(SeekFrom::Start(0))?;
            io::copy(&mut source, &mut copy)?;
            copy.sync_all()?;
            copy.seek(SeekFrom::Start(0))?;
            let found = tag_of(&copy)?;
            if found != *pin {
                source.seek(SeekFrom::Start(0))?;
                let same_source = tag_of(source)? == *pin;
                fs::remove_file(&part)?;
                return Ok(if same_source {
                    Copied::CopyDiffers
                } else {
                    Copied::SourceDiffers
                });
            }
            self.write_origin(id, origin)?;
            fs::rename(&part, &place)?;
            sync_folder(&self.folder)?;
            Ok(Copied::Now)
        })();
        if made.is_err() {
            self.take_back(id);
        }
        made
    }

    /// Removes a copy that was made in vain.
    pub(super) fn take_back(&self, id: &FindingId) {
        for name in [format!("{id}"), format!(".{id}.part"), format!("{id}.json")] {
            if let Err(error) = remove_if_there(&self.folder.join(name)) {
                tracing::warn!({ FINDING_ID } = %id, { ERROR_DETAIL } = %error, "a copy made in vain stays in the quarantine");
            }
        }
    }

    /// Removes half copies of a kill: their sources are still where they were.
    pub(super) fn recover(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name
                .to_str()
                .is_some_and(|name| name.starts_with('.') && name.ends_with(".part"))
            {
                remove_if_there(&entry.path())?;
            }
        }
        Ok(())
    }

    fn write_origin(&self, id: &FindingId, origin: &Origin) -> io::Result<()> {
        let part = self.folder.join(format!(".{id}.json.part"));
        let mut file = open_over(&part)?;
        file.write_all(&serde_json::to_vec_pretty(origin)?)?;
        file.sync_all()?;
        fs::rename(&part, self.folder.join(format!("{id}.json")))
    }
}

/// Whether the bytes of `pin` lie at `place`; `None` when nothing does.
fn holds(place: &Path, pin: &ETag) -> io::Result<Option<bool>> {
    match File::open(place) {
        Ok(file) => Ok(Some(tag_of(&file)? == *pin)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn open_over(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(path)
}

/// The canonical form of a path whose last parts may not be there yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = std::path::absolute(path)?;
            match (path.parent(), path.file_name()) {
                (Some(parent), Some(name)) => Ok(resolve(parent)?.join(name)),
                _ => Err(error),
            }
        }
        resolved => resolved,
    }
}
