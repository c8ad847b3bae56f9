//! Puts what was quarantined back under its key, over nothing.
//!
//! The copy is read and compared first; it is written only where nothing lies (`If-None-Match: *`,
//! "How to prevent object overwrites with conditional writes", Amazon S3 User Guide), or over exactly
//! what was seen there where that becomes an older version; and what was written is read back by the
//! version or tag that S3 gave it. S3 makes no half copies: a kill leaves the copy alone, or both, and
//! a repeated call finds the same bytes in place.
//!
//! What comes back has the bucket's default encryption and no access list of its own: neither is kept
//! in the quarantine.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::TaggingDirective;

use super::bucket::Versioning;
use super::copy_source::copy_source;
use super::fetch::{Address, pinned};
use super::locate::size_of;
use super::origin::give_back;
use super::quarantine::{MOST_COPIED, Place, READ_BACK, hash, patient};
use super::refusal::Refusal;
use super::tags::without_ours;
use super::{NULL, S3Store, TRIES, timestamp};
use crate::aws::records::quoted;
use crate::event::{ETag, FindingId, Target};
use crate::object::{Kept, ObjectRef, Over, PutBack, Removed, Returned, Side, StoreError, Why};

const COPY: &str = "s3:PutObject (copy)";
const TAGS: &str = "s3:GetObjectTagging (quarantine)";
const LOOK: &str = "s3:GetObject";

/// What is kept, and is what was judged.
struct Copy {
    head: HeadObjectOutput,
    /// The owner's tags, where ours is among those of the copy.
    tags: Option<String>,
}

/// What lies under the key.
enum Lies {
    Nothing,
    /// The bytes that are to be put back.
    Same(ObjectRef),
    /// Something else, in a state that can be named.
    Other(ETag),
    /// Something that a delete marker hides, and that a write would replace.
    Hidden,
}

impl S3Store {
    pub(super) async fn kept_copy(&self, id: &FindingId) -> Result<Option<Kept>, StoreError> {
        let place = self.place(id)?;
        let head = self.head_kept(&place).await;
        let head = head.map_err(|refusal| unreadable(&place, refusal))?;
        Ok(head.map(|head| Kept {
            place: place.to_string(),
            size: size_of(&head),
            since: timestamp(head.last_modified()),
        }))
    }

    pub(super) async fn put_copy_back(&self, wanted: &PutBack) -> Result<Returned, StoreError> {
        let place = self.place(&wanted.id)?;
        for attempt in 0..TRIES {
            let (copy, over) = match self.looked(wanted, &place).await? {
                Ok(looked) => looked,
                Err(answer) => return Ok(answer),
            };
            match self.copy_back(wanted, &place, &copy, over.as_ref()).await {
                Ok(object) => return self.read_back(wanted, object).await,
                // Somebody has written there since we looked, or the copy is going: looked at anew.
                Err(Refusal::Differs | Refusal::Conflict | Refusal::Missing { .. }) => {
                    self.give_way(attempt).await;
                }
                Err(Refusal::Denied(why)) => {
                    let why = self.why_denied(&wanted.bucket, why).await;
                    return Ok(Returned::Denied(Side::Bucket, why));
                }
                Err(Refusal::Unsaid) => {
                    return Ok(Returned::Denied(Side::Bucket, Why::AccessDenied));
                }
                Err(Refusal::NoBucket) => return Err(no_bucket(wanted)),
                Err(other) => return Err(other.into_error(COPY)),
            }
        }
        Err(StoreError::Unavailable(format!(
            "{COPY}: the key was changed by others at each try"
        )))
    }

    pub(super) async fn would_put_copy_back(
        &self,
        wanted: &PutBack,
    ) -> Result<Option<Returned>, StoreError> {
        let place = self.place(&wanted.id)?;
        Ok(self.looked(wanted, &place).await?.err())
    }

    /// What is to be put back, and over what; or why it cannot be or need not be.
    async fn looked(
        &self,
        wanted: &PutBack,
        place: &Place<'_>,
    ) -> Result<Result<(Copy, Option<ETag>), Returned>, StoreError> {
        let copy = self
            .copy_as_judged(place, &wanted.sha256, wanted.size)
            .await?;
        let copy = match copy {
            Ok(copy) => copy,
            Err(answer) => return Ok(Err(answer)),
        };
        let lies = match self.lies(wanted, size_of(&copy.head)).await? {
            Ok(lies) => lies,
            Err(why) => return Ok(Err(Returned::Denied(Side::Bucket, why))),
        };
        Ok(match (lies, wanted.over) {
            (Lies::Nothing, _) => Ok((copy, None)),
            (Lies::Same(object), _) => Err(Returned::There(object)),
            (Lies::Hidden, _) => Err(Returned::WouldBeLost),
            (Lies::Other(_), Over::Nothing) => Err(Returned::Occupied),
            (Lies::Other(etag), Over::Version) => {
                if self.versioning_now(wanted).await? == Some(Versioning::Enabled) {
                    Ok((copy, Some(etag)))
                } else {
                    Err(Returned::WouldBeLost)
                }
            }
        })
    }

    /// The copy, if one is there. Answers to HEAD do not tell a bucket that is missing from an object
    /// that is, so the bucket is asked for then.
    async fn head_kept(&self, place: &Place<'_>) -> Result<Option<HeadObjectOutput>, Refusal> {
        let head = self.head_copy(place).await?;
        if head.is_none() {
            let asked = self.client.head_bucket().bucket(place.bucket).send().await;
            let refusal = asked
                .err()
                .map(|error| Refusal::of("s3:ListBucket", &error));
            if let Some(Refusal::Missing { .. } | Refusal::NoBucket) = refusal {
                return Err(Refusal::NoBucket);
            }
        }
        Ok(head)
    }

    pub(super) async fn end_copy(&self, id: &FindingId, sha256: &str) -> Result<bool, StoreError> {
        let place = self.place(id)?;
        let Ok(copy) = self.copy_as_judged(&place, sha256, None).await? else {
            return Ok(false);
        };
        let delete = self.client.delete_object().bucket(place.bucket);
        let delete = delete.key(&place.key);
        // Never both: the condition looks at the current version, whichever is named.
        let delete = match copy.head.version_id().filter(|version| *version != NULL) {
            Some(version) => delete.version_id(version),
            None => delete.set_if_match(copy.head.e_tag().map(str::to_owned)),
        };
        match delete.send().await {
            Ok(_) => Ok(true),
            Err(error) => match Refusal::of("s3:DeleteObject (quarantine)", &error) {
                Refusal::Missing { .. } => Ok(false),
                Refusal::Denied(_) | Refusal::Unsaid => Err(StoreError::Refused(format!(
                    "the copy may not be removed from bucket {}: grant s3:DeleteObject and \
                     s3:DeleteObjectVersion there, or leave it to the bucket's lifecycle",
                    place.bucket
                ))),
                other => Err(other.into_error("s3:DeleteObject (quarantine)")),
            },
        }
    }

    fn place(&self, id: &FindingId) -> Result<Place<'_>, StoreError> {
        self.place_of(id).ok_or_else(|| {
            let why = "no quarantine bucket is named; set quarantine.bucket as the service has it";
            StoreError::Refused(why.to_owned())
        })
    }

    /// What is kept, if it is what was judged.
    async fn copy_as_judged(
        &self,
        place: &Place<'_>,
        sha256: &str,
        judged: Option<u64>,
    ) -> Result<Result<Copy, Returned>, StoreError> {
        let denied = |why| Ok(Err(Returned::Denied(Side::Quarantine, why)));
        let head = match self.head_kept(place).await {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(Err(Returned::NothingKept)),
            Err(Refusal::Denied(why)) => return denied(why),
            Err(Refusal::Unsaid) => return denied(Why::AccessDenied),
            Err(other) => return Err(unreadable(place, other)),
        };
        if size_of(&head) > MOST_COPIED {
            return denied(Why::TooBigToCopy);
        }
        // Another length need not be read to be something else.
        if judged.is_some_and(|judged| judged != size_of(&head)) {
            return Ok(Err(Returned::CopyDiffers));
        }
        let version = head.version_id().map(str::to_owned);
        let get = self.client.get_object().bucket(place.bucket);
        let get = get.key(&place.key).set_version_id(version.clone());
        let body = match get.send().await {
            Ok(output) => output.body,
            Err(error) => match Refusal::of(READ_BACK, &error) {
                Refusal::Missing { .. } => return Ok(Err(Returned::NothingKept)),
                Refusal::Denied(why) => return denied(why),
                other => return Err(other.into_error(READ_BACK)),
            },
        };
        if hash(body).await? != sha256 {
            return Ok(Err(Returned::CopyDiffers));
        }
        let tags = self.client.get_object_tagging().bucket(place.bucket);
        let tags = tags.key(&place.key).set_version_id(version).send().await;
        match tags {
            Ok(tags) => Ok(Ok(Copy {
                tags: without_ours(tags.tag_set()),
                head,
            })),
            Err(error) => match Refusal::of(TAGS, &error) {
                Refusal::Missing { .. } => Ok(Err(Returned::NothingKept)),
                Refusal::Denied(why) => denied(why),
                other => Err(other.into_error(TAGS)),
            },
        }
    }

    /// What lies under the key now, or why that is not told.
    async fn lies(&self, wanted: &PutBack, size: u64) -> Result<Result<Lies, Why>, StoreError> {
        let (bucket, key) = (&wanted.bucket, &wanted.key);
        let target = bare(wanted);
        let head = match self.head(bucket, key, Address::default()).await {
            Err(Refusal::Unsaid) => Err(self.explain(&target, Address::default()).await),
            head => head,
        };
        let head = match head {
            Ok(head) => head,
            Err(Refusal::Missing { .. }) => {
                return Ok(Ok(if self.hides(wanted).await? {
                    Lies::Hidden
                } else {
                    Lies::Nothing
                }));
            }
            Err(Refusal::NoBucket) => return Err(no_bucket(wanted)),
            Err(Refusal::OwnersKey) => return Ok(Err(Why::KeyDenied)),
            Err(Refusal::Denied(why)) => return Ok(Err(self.why_denied(bucket, why).await)),
            Err(other) => return Err(other.into_error(LOOK)),
        };
        let object = pinned(&target, head.e_tag(), head.version_id())?;
        if size_of(&head) != size {
            return Ok(Ok(Lies::Other(object.pin.etag)));
        }
        let same = match self.hash_of(&object).await? {
            Ok(found) => found == wanted.sha256,
            // Gone or another since: whoever asks tries again.
            Err(Refusal::Missing { .. } | Refusal::Differs) => false,
            Err(Refusal::Denied(why)) => return Ok(Err(why)),
            Err(other) => return Err(other.into_error(LOOK)),
        };
        Ok(Ok(if same {
            Lies::Same(object)
        } else {
            Lies::Other(object.pin.etag)
        }))
    }

    /// Whether a delete marker covers something that a write would replace: where versioning is
    /// suspended, that is the version `null`.
    async fn hides(&self, wanted: &PutBack) -> Result<bool, StoreError> {
        let (bucket, key) = (&wanted.bucket, &wanted.key);
        if self.versioning_now(wanted).await? != Some(Versioning::Suspended) {
            return Ok(false);
        }
        let null = Address {
            version: Some(NULL),
            etag: None,
        };
        match self.head(bucket, key, null).await {
            Err(Refusal::Missing { .. }) => return Ok(false),
            Ok(_) | Err(Refusal::Denied(_) | Refusal::Unsaid | Refusal::OwnersKey) => {}
            Err(other) => return Err(other.into_error(LOOK)),
        }
        // Written since the first look it is not covered, and the condition of the copy meets it.
        let bare = self.head(bucket, key, Address::default()).await;
        Ok(matches!(bare, Err(Refusal::Missing { .. })))
    }

    /// Asked afresh: what is known may be a minute old, and a wrong answer would lose an object.
    async fn versioning_now(&self, wanted: &PutBack) -> Result<Option<Versioning>, StoreError> {
        self.versioning.forget(&wanted.bucket);
        let facts = self.facts(&wanted.bucket).await?;
        Ok(facts.map(|facts| facts.versioning))
    }

    /// One copy call: over nothing, or over exactly `over`.
    async fn copy_back(
        &self,
        wanted: &PutBack,
        place: &Place<'_>,
        copy: &Copy,
        over: Option<&ETag>,
    ) -> Result<ObjectRef, Refusal> {
        let version = copy.head.version_id();
        let call = self.client.copy_object().bucket(wanted.bucket.as_str());
        let call = call
            .key(wanted.key.as_str())
            .copy_source(copy_source(place.bucket, &place.key, version))
            .set_copy_source_if_match(copy.head.e_tag().map(str::to_owned))
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        let call = match over {
            None => call.if_none_match("*"),
            Some(etag) => call.if_match(quoted(etag)),
        };
        let call = match &copy.tags {
            None => call.tagging_directive(TaggingDirective::Copy),
            Some(tags) => call
                .tagging_directive(TaggingDirective::Replace)
                .tagging(tags),
        };
        let call = give_back(call, &copy.head).customize();
        let copied = match call.config_override(patient()).send().await {
            Ok(copied) => copied,
            Err(error) => return Err(Refusal::of(COPY, &error)),
        };
        let etag = copied.copy_object_result().and_then(|it| it.e_tag());
        pinned(&bare(wanted), etag, copied.version_id()).map_err(Refusal::Trouble)
    }

    /// Reads exactly what was written and compares it once more.
    async fn read_back(&self, wanted: &PutBack, object: ObjectRef) -> Result<Returned, StoreError> {
        match self.hash_of(&object).await? {
            Ok(found) if found == wanted.sha256 => Ok(Returned::Back(object)),
            Ok(_) => {
                let what = format!("{LOOK}: what was written is not what is kept");
                Err(match self.remove_object(&object).await? {
                    Removed::Removed | Removed::AlreadyGone => {
                        StoreError::Unavailable(format!("{what}; it was taken away again"))
                    }
                    Removed::Superseded => StoreError::Unavailable(format!(
                        "{what}; somebody has written something else there meanwhile"
                    )),
                    Removed::Blocked(_) => StoreError::Refused(format!(
                        "{what}, and it may not be removed: remove it from bucket {} by hand, then \
                         grant what deploy/iam/operator.json lists, and restore again",
                        wanted.bucket
                    )),
                })
            }
            Err(Refusal::Missing { .. } | Refusal::Differs) => Ok(Returned::Replaced),
            Err(Refusal::Denied(_) | Refusal::Unsaid) => Err(StoreError::Refused(format!(
                "it was put back, and may not be read to be compared: grant s3:GetObject and \
                 s3:GetObjectVersion on bucket {}, and restore it again",
                wanted.bucket
            ))),
            Err(other) => Err(other.into_error(LOOK)),
        }
    }

    /// SHA-256 of exactly this state.
    async fn hash_of(&self, object: &ObjectRef) -> Result<Result<String, Refusal>, StoreError> {
        let target = Target {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            pin: None,
        };
        let address = match &object.pin.version {
            Some(version) => Address {
                version: Some(version.as_str()),
                etag: None,
            },
            None => Address {
                version: None,
                etag: Some(&object.pin.etag),
            },
        };
        match self.get(&target, address, None).await {
            Ok(output) => hash(output.body).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

fn bare(wanted: &PutBack) -> Target {
    Target {
        bucket: wanted.bucket.clone(),
        key: wanted.key.clone(),
        pin: None,
    }
}

fn no_bucket(wanted: &PutBack) -> StoreError {
    StoreError::Refused(format!(
        "there is no bucket {} any more: create it, and restore again",
        wanted.bucket
    ))
}

/// Why the quarantine does not even tell what it has.
fn unreadable(place: &Place<'_>, refusal: Refusal) -> StoreError {
    let bucket = place.bucket;
    match refusal {
        Refusal::NoBucket => StoreError::Refused(format!(
            "there is no quarantine bucket {bucket}: correct quarantine.bucket"
        )),
        Refusal::Denied(_) | Refusal::Unsaid => StoreError::Refused(format!(
            "the quarantine bucket {bucket} may not be read: grant s3:GetObject on its objects and \
             s3:ListBucket to whoever restores (deploy/iam/operator.json), and the use of its key"
        )),
        other => other.into_error(READ_BACK),
    }
}
