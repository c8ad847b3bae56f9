//! Whether objects of a guarded bucket can be read: one is, or a few are tried.

use aws_sdk_s3::types::{Object, ObjectStorageClass};

use super::AwsSurvey;
use super::s3::{is_about_the_key, told};
use crate::event::BucketName;
use crate::maintenance::doctor::{Answer, Read, SurveyError};

/// Objects that are looked at for some that can be read: folders and archives are passed over.
const LISTED: i32 = 20;

/// How many are tried: a first one may not be judged yet, or be an odd one.
const TRIED: usize = 5;

/// The tag of a verdict, and those of its values with which everybody may read, as in
/// `deploy/bucket-policy.json`.
const VERDICT: &str = "s3-warden";
const READABLE: [&str; 2] = ["clean", "allowed"];

const GET: &str = "s3:GetObject";

impl AwsSurvey {
    pub(super) async fn read_some(&self, bucket: &BucketName) -> Answer<Read> {
        let list = self.clients.s3.list_objects_v2().bucket(bucket.as_str());
        let list = list
            .max_keys(LISTED)
            .set_expected_bucket_owner(self.owner());
        let listed = list.send().await;
        let listed = listed.map_err(|error| told("s3:ListBucket", &error))?;
        let mut outcome = Ok(Read::Nothing);
        let mut denied = Vec::new();
        let mut gone = false;
        let readable = listed
            .contents()
            .iter()
            .filter(|object| can_be_read(object));
        for key in readable.filter_map(Object::key).take(TRIED) {
            match self.read_key(bucket, key).await {
                Ok(read @ Read::Done { .. }) => return Ok(read),
                Err(SurveyError::Denied { call }) if call == GET => denied.push(key),
                // Removed meanwhile: that says nothing of the others.
                Err(SurveyError::Missing { .. }) => gone = true,
                other => outcome = other,
            }
        }
        if denied.is_empty() && gone && outcome == Ok(Read::Nothing) {
            return Ok(Read::Gone);
        }
        if denied.is_empty() || outcome != Ok(Read::Nothing) {
            return outcome;
        }
        for key in denied {
            if self.may_be_read_by_all(bucket, key).await != Some(false) {
                return Err(SurveyError::Denied {
                    call: GET.to_owned(),
                });
            }
        }
        Ok(Read::NotJudged)
    }

    async fn read_key(&self, bucket: &BucketName, key: &str) -> Answer<Read> {
        let get = || {
            let get = self.clients.s3.get_object().bucket(bucket.as_str());
            let get = get.key(key).range("bytes=0-0");
            get.set_expected_bucket_owner(self.owner())
        };
        let read = match get().send().await {
            Ok(read) => read,
            Err(error) if is_about_the_key(&error) => return Ok(Read::KeyDenied),
            Err(error) => return Err(told(GET, &error)),
        };
        let Some(version) = read.version_id().filter(|version| *version != "null") else {
            return Ok(Read::Done { by_version: false });
        };
        match get().version_id(version).send().await {
            Ok(_) => Ok(Read::Done { by_version: true }),
            Err(error) => Err(told("s3:GetObjectVersion", &error)),
        }
    }

    /// Whether an object has a verdict with which nobody is kept from reading it; none: not known.
    async fn may_be_read_by_all(&self, bucket: &BucketName, key: &str) -> Option<bool> {
        let ask = self.clients.s3.get_object_tagging();
        let ask = ask.bucket(bucket.as_str()).key(key);
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        let answer = answer.ok()?;
        let mut tags = answer.tag_set().iter();
        Some(tags.any(|tag| tag.key() == VERDICT && READABLE.contains(&tag.value())))
    }
}

fn can_be_read(object: &Object) -> bool {
    let archived = matches!(
        object.storage_class(),
        Some(ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive)
    );
    object.size().unwrap_or_default() > 0 && !archived
}
