//! A folder as an unversioned bucket.
//!
//! A key is a path below the folder, with `/` between its parts. The tag of an object is the
//! SHA-256 of its bytes, so that a pin names content, and nothing but that content is removed.
//! Links are not followed, and what is not an ordinary file is not an object. Another file system
//! that is mounted inside can be read, but not removed from: that takes a rename.

mod error;
mod locate;
mod put_back;
mod quarantine;
mod root;
mod staging;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::fs::{Stat, fstat};
use rustix::io::Errno;

pub use error::FolderError;
use locate::{Absent, Named, pinned};
use quarantine::{Copied, Origin, Quarantine};
pub(in crate::local) use root::STAGING;
use root::{Barrier, Root, Seat, tag_of, tag_of_bytes};
use staging::Staging;
pub use staging::{Recovered, Stranded};

use crate::event::{BucketName, FindingId, Target};
use crate::object::{
    Exposure, Facts, Fetched, Kept, Located, Mark, ObjectRef, ObjectStore, PutBack, Removed,
    Returned, StoreError, Tagged, Why,
};
use crate::telemetry::vocabulary::{ERROR_DETAIL, OBJECT_KEY_DIGEST};

/// A folder as an unversioned bucket.
#[derive(Clone, Debug)]
pub struct FolderStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: Root,
    bucket: BucketName,
    quarantine: Option<Quarantine>,
    /// Opened, and locked, by the first that needs it: who only reads leaves no trace.
    staging: Mutex<Option<Arc<Staging>>>,
}

impl FolderStore {
    /// Opens `root` as the bucket named `bucket`. `quarantine`, where given, must lie outside; it
    /// is made if it is not there. Blocks for a moment.
    pub fn open(
        root: &Path,
        bucket: BucketName,
        quarantine: Option<PathBuf>,
    ) -> Result<Self, FolderError> {
        let root = Root::open(root)?;
        let quarantine = quarantine
            .map(|folder| Quarantine::open(&folder, root.path()))
            .transpose()?;
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                bucket,
                quarantine,
                staging: Mutex::new(None),
            }),
        })
    }

    /// The folder itself, absolute and without links, so that it has one name. Blocks for a moment.
    ///
    /// # Errors
    /// It is not there, is no folder, or may not be read.
    pub fn resolve(path: &Path) -> Result<PathBuf, FolderError> {
        let failed = |error: io::Error| FolderError::of(path, &error);
        let folder = path.canonicalize().map_err(failed)?;
        // Looking into it finds a file in place of a folder, and a missing permission.
        folder.read_dir().map_err(failed)?;
        Ok(folder)
    }

    /// Puts back what a kill left between capture and removal. To be called once, before the first
    /// removal; the ledger's intents are finished afterwards and remove it again.
    pub async fn recover(&self) -> Result<Recovered, FolderError> {
        let inner = Arc::clone(&self.inner);
        let path = self.inner.root.path().to_owned();
        let done = tokio::task::spawn_blocking(move || inner.recover()).await;
        done.unwrap_or_else(|_panic| {
            Err(FolderError::Failed {
                path,
                why: crate::local::PANICKED.to_owned(),
            })
        })
    }

    /// Runs one step where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || step(&inner)).await {
            Ok(result) => result,
            Err(_panic) => Err(StoreError::Unavailable(crate::local::PANICKED.to_owned())),
        }
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        let target = target.clone();
        self.blocking(move |inner| inner.fetch(&target, cap)).await
    }

    async fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        let target = target.clone();
        self.blocking(move |inner| inner.locate(&target)).await
    }

    async fn remove(&self, object: &ObjectRef) -> Result<Removed, StoreError> {
        let object = object.clone();
        self.blocking(move |inner| inner.remove(&object)).await
    }

    /// The tag of an object is the hash of its bytes here, so the copy is compared with that.
    async fn quarantine(
        &self,
        object: &ObjectRef,
        id: &FindingId,
        _sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        let (object, id) = (object.clone(), *id);
        self.blocking(move |inner| inner.quarantine(&object, &id))
            .await
    }

    async fn tag(&self, _object: &ObjectRef, _mark: Mark) -> Result<Tagged, StoreError> {
        Ok(Tagged::Unsupported)
    }

    /// Who can read a file is for the machine to say, and nothing that this store would know.
    async fn exposure(&self, _object: &ObjectRef) -> Exposure {
        Exposure::Unknown
    }
}

#[async_trait]
impl crate::object::Quarantine for FolderStore {
    fn place(&self, id: &FindingId) -> Option<String> {
        let quarantine = self.inner.quarantine.as_ref()?;
        Some(quarantine.place(id).display().to_string())
    }

    async fn would_put_back(&self, wanted: &PutBack) -> Result<Option<Returned>, StoreError> {
        let wanted = wanted.clone();
        self.blocking(move |inner| inner.would_put_back(&wanted))
            .await
    }

    async fn kept(&self, id: &FindingId) -> Result<Option<Kept>, StoreError> {
        let id = *id;
        self.blocking(move |inner| inner.kept(&id)).await
    }

    async fn put_back(&self, wanted: &PutBack) -> Result<Returned, StoreError> {
        let wanted = wanted.clone();
        self.blocking(move |inner| inner.put_back(&wanted)).await
    }

    async fn end(&self, id: &FindingId, sha256: &str) -> Result<bool, StoreError> {
        let (id, sha256) = (*id, sha256.to_owned());
        self.blocking(move |inner| inner.end(&id, &sha256)).await
    }
}

impl Inner {
    fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        let Named { wanted, file, stat } = match self.named(target)? {
            Ok(named) => named,
            Err(Absent::Missing) => return Ok(Fetched::Missing),
            Err(Absent::Denied(why)) => return Ok(Fetched::Denied(why)),
        };
        let size = size_of(&stat);
        if size > cap {
            return Ok(Fetched::TooLarge(size));
        }
        let bytes = read_bounded(&file, size, cap).map_err(|error| unavailable("read", &error))?;
        let after = fstat(&file).map_err(|errno| unavailable("read", &errno.into()))?;
        let Some(bytes) = bytes else {
            return Ok(Fetched::TooLarge(size_of(&after)));
        };
        if changed(&stat, &after) {
            // Part old, part new: bytes that were never an object.
            let why = "the file is being written; it is read again later";
            return Err(StoreError::Unavailable(why.to_owned()));
        }
        let etag = tag_of_bytes(&bytes);
        if wanted.is_some_and(|wanted| *wanted != etag) {
            return Ok(Fetched::Superseded);
        }
        Ok(Fetched::Body {
            object: pinned(target, etag),
            facts: Facts {
                size: bytes.len() as u64,
                content_type: None,
                modified_at: modified_at(&stat),
            },
            bytes: bytes.into(),
        })
    }

    fn remove(&self, object: &ObjectRef) -> Result<Removed, StoreError> {
        let (seat, file, _) = match self.judged(object)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        // Compared at its place first: what is not ours to remove never leaves its name.
        let tag = tag_of(&file).map_err(|error| unavailable("read", &error))?;
        if tag != object.pin.etag {
            return Ok(Removed::Superseded);
        }
        self.remove_captured(object, &seat)
    }

    fn quarantine(&self, object: &ObjectRef, id: &FindingId) -> Result<Removed, StoreError> {
        let Some(quarantine) = &self.quarantine else {
            let why = "no quarantine folder is set; set one, or let flagged objects be deleted";
            return Err(StoreError::Refused(why.to_owned()));
        };
        let moved = self.move_to(quarantine, object, id)?;
        if matches!(moved, Removed::AlreadyGone | Removed::Superseded) {
            // Killed between the removal and its record, an earlier try has left the copy.
            let kept = quarantine.has(&object.pin.etag, id);
            if kept.map_err(|error| unavailable("found in the quarantine", &error))? {
                return Ok(Removed::Removed);
            }
        }
        Ok(moved)
    }

    fn move_to(
        &self,
        quarantine: &Quarantine,
        object: &ObjectRef,
        id: &FindingId,
    ) -> Result<Removed, StoreError> {
        let (seat, file, stat) = match self.judged(object)? {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        let origin = Origin {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            sha256: object.pin.etag.as_str().to_owned(),
            size: size_of(&stat),
            modified_at: modified_at(&stat),
        };
        let copied = quarantine
            .copy(&file, &object.pin.etag, id, &origin)
            .map_err(|error| unavailable("copied to the quarantine", &error))?;
        match copied {
            Copied::Now | Copied::Before => {}
            Copied::SourceDiffers => return Ok(Removed::Superseded),
            Copied::CopyDiffers => return Ok(Removed::Blocked(Why::CopyDiffers)),
        }
        let removed = self.remove_captured(object, &seat);
        // After an error the source may be gone all the same (a failed flush after the unlink): the
        // copy stays, and the next try finds it.
        match removed {
            // The copy is what was judged, and that does not lie under its key any more.
            Ok(Removed::Superseded) => Ok(Removed::Removed),
            // A copy from before may be the only one left; one of our own is not.
            Ok(Removed::Blocked(why)) if copied == Copied::Now => {
                quarantine.take_back(id);
                Ok(Removed::Blocked(why))
            }
            removed => removed,
        }
    }

    /// Opens what lies under the object's key, or says why nothing is to be removed there.
    fn judged<'k>(
        &self,
        object: &'k ObjectRef,
    ) -> Result<Result<(Seat<'k>, File, Stat), Removed>, StoreError> {
        if object.bucket != self.bucket {
            return Ok(Err(Removed::Blocked(Why::NotAFile)));
        }
        if object.pin.version.is_some() {
            return Ok(Err(Removed::Superseded));
        }
        let found = self.root.seat(&object.key).and_then(|seat| {
            let (file, stat) = seat.open()?;
            Ok((seat, file, stat))
        });
        match found {
            Ok(found) => Ok(Ok(found)),
            Err(Barrier::Missing) => Ok(Err(Removed::AlreadyGone)),
            Err(Barrier::Refused(why)) => Ok(Err(Removed::Blocked(why))),
            Err(Barrier::Failed(error)) => Err(unavailable("read", &error)),
        }
    }

    /// Captures the file, and deletes it if it is what was judged.
    fn remove_captured(&self, object: &ObjectRef, seat: &Seat<'_>) -> Result<Removed, StoreError> {
        let staging = match self.staging(true) {
            Ok(Some(staging)) => staging,
            Ok(None) => return unready(Errno::NOENT, self.root.path()),
            Err(errno) => return unready(errno, self.root.path()),
        };
        let captured = match staging.prepare(&object.key) {
            Ok(captured) => captured,
            Err(errno) => {
                // Should somebody have removed our folder, the next call makes it again.
                *self.staging_slot() = None;
                return unready(errno, self.root.path());
            }
        };
        if let Err(errno) = captured.take(seat) {
            return barred(errno);
        }
        let found = captured.open().and_then(|file| Ok(tag_of(&file)?));
        let removed = match found {
            Ok(tag) if tag == object.pin.etag => match captured.delete(seat) {
                Ok(()) => return Ok(Removed::Removed),
                Err(errno) => barred(errno),
            },
            Ok(_) | Err(Barrier::Missing | Barrier::Refused(_)) => Ok(Removed::Superseded),
            Err(Barrier::Failed(error)) => Err(unavailable("read", &error)),
        };
        let key = &object.key;
        match captured.put_back(&seat.parent, seat.name) {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                { OBJECT_KEY_DIGEST } = %key.digest(),
                "a file was replaced while it was compared; the one before it stays in {STAGING}"
            ),
            Err(errno) => tracing::error!(
                { OBJECT_KEY_DIGEST } = %key.digest(),
                { ERROR_DETAIL } = %errno,
                "a captured file could not be put back; it stays in {STAGING} until the next start"
            ),
        }
        removed
    }

    fn recover(&self) -> Result<Recovered, FolderError> {
        let path = self.root.path();
        if let Some(quarantine) = &self.quarantine {
            quarantine
                .recover()
                .map_err(|error| FolderError::of(path, &error))?;
        }
        let failed = |errno: Errno| match errno {
            Errno::WOULDBLOCK => FolderError::Busy(path.to_owned()),
            errno => FolderError::of(path, &errno.into()),
        };
        match self.staging(false).map_err(failed)? {
            Some(staging) => staging.recover(&self.root).map_err(failed),
            None => Ok(Recovered::default()),
        }
    }

    fn staging(&self, create: bool) -> Result<Option<Arc<Staging>>, Errno> {
        let mut staging = self.staging_slot();
        if staging.is_none() {
            *staging = Staging::open(&self.root, create)?.map(Arc::new);
        }
        Ok(staging.clone())
    }

    fn staging_slot(&self) -> MutexGuard<'_, Option<Arc<Staging>>> {
        self.staging.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an error at the object's own place means.
fn barred(errno: Errno) -> Result<Removed, StoreError> {
    match Barrier::from(errno) {
        Barrier::Missing => Ok(Removed::AlreadyGone),
        Barrier::Refused(why) => Ok(Removed::Blocked(why)),
        Barrier::Failed(error) => Err(unavailable("removed", &error)),
    }
}

/// What an error at our own place means. Never that the object is gone.
fn unready(errno: Errno, root: &Path) -> Result<Removed, StoreError> {
    match Barrier::from(errno) {
        Barrier::Refused(Why::AccessDenied) => Ok(Removed::Blocked(Why::AccessDenied)),
        // Something that is no folder of ours lies in its place, and will until somebody acts.
        _ if matches!(errno, Errno::NOTDIR | Errno::LOOP | Errno::EXIST) => {
            Ok(Removed::Blocked(Why::NotAFile))
        }
        _ if errno == Errno::WOULDBLOCK => {
            let why = FolderError::Busy(root.to_owned()).to_string();
            Err(StoreError::Refused(why))
        }
        _ => Err(unavailable("captured", &errno.into())),
    }
}

/// Reads at most `cap` bytes; `None` when there are more, as of a file that grows.
fn read_bounded(file: &File, size: u64, cap: u64) -> io::Result<Option<Vec<u8>>> {
    let room = usize::try_from(size.min(cap).saturating_add(1)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(room)
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    file.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= cap).then_some(bytes))
}

fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn changed(before: &Stat, after: &Stat) -> bool {
    let state = |stat: &Stat| {
        let modified = (stat.st_mtime, stat.st_mtime_nsec);
        (stat.st_size, modified)
    };
    state(before) != state(after)
}

fn modified_at(stat: &Stat) -> Timestamp {
    let nanos = i32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Timestamp::new(stat.st_mtime, nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn unavailable(doing: &str, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("a file could not be {doing}: {error}"))
}
