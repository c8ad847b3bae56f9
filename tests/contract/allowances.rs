//! The contract of `record::Allowances`.

use std::fs;

use s3_warden::aws::S3Allowances;
use s3_warden::event::{BucketName, Key, OwnPlace};
use s3_warden::local::FileAllowances;
use s3_warden::record::{ALLOWANCE_VERSION, Allowance, Allowances, Content, LedgerError};

use crate::kit::{Emulator, Ground, Local, at, bucket, id_of, suite};
use crate::ledger::records_place;

/// A ground that has decisions.
pub(crate) trait AllowancesGround: Ground {
    type Bench: AllowancesBench;
    /// Nothing was decided yet.
    async fn make(&self) -> Self::Bench;
}

/// Decisions, those of another process, and a way round both.
pub(crate) trait AllowancesBench: Send + Sync {
    fn allowances(&self) -> &dyn Allowances;
    /// The same decisions, as another process has them.
    async fn other(&self) -> Box<dyn Allowances>;
    /// Writes over what lies under a name.
    async fn overwrite(&self, name: &str, bytes: &[u8]);
}

pub(crate) struct FolderBench {
    home: tempfile::TempDir,
    allowances: FileAllowances,
}

impl AllowancesGround for Local {
    type Bench = FolderBench;

    async fn make(&self) -> FolderBench {
        let home = tempfile::tempdir().unwrap();
        let allowances = FileAllowances::new(home.path());
        FolderBench { home, allowances }
    }
}

impl AllowancesBench for FolderBench {
    fn allowances(&self) -> &dyn Allowances {
        &self.allowances
    }

    async fn other(&self) -> Box<dyn Allowances> {
        Box::new(FileAllowances::new(self.home.path()))
    }

    async fn overwrite(&self, name: &str, bytes: &[u8]) {
        fs::write(self.home.path().join(name), bytes).unwrap();
    }
}

pub(crate) struct BucketBench {
    place: OwnPlace,
    allowances: S3Allowances,
}

impl AllowancesGround for Emulator {
    type Bench = BucketBench;

    async fn make(&self) -> BucketBench {
        let place = records_place().await;
        let allowances = S3Allowances::new(&Self::clients().await, place.clone());
        BucketBench { place, allowances }
    }
}

impl AllowancesBench for BucketBench {
    fn allowances(&self) -> &dyn Allowances {
        &self.allowances
    }

    async fn other(&self) -> Box<dyn Allowances> {
        let clients = Emulator::clients().await;
        Box::new(S3Allowances::new(&clients, self.place.clone()))
    }

    async fn overwrite(&self, name: &str, bytes: &[u8]) {
        let config = aws_sdk_s3::config::Builder::from(&Emulator::sdk().await);
        let client = aws_sdk_s3::Client::from_conf(config.force_path_style(true).build());
        let put = client.put_object().bucket(self.place.bucket.as_str());
        let put = put.key(format!("{}{name}", self.place.prefix));
        put.body(bytes.to_vec().into()).send().await.unwrap();
    }
}

/// All checks on one ground.
macro_rules! allowances_suite {
    ($module:ident, $ground:expr) => {
        suite!(
            $module,
            $ground,
            tokio::test,
            [
                nothing_is_allowed_that_nobody_allowed,
                what_is_allowed_is_seen_by_others,
                the_first_decision_stays,
                only_these_bytes_under_this_key_are_allowed,
                any_unicode_key_can_be_allowed,
                many_at_once_agree_on_one,
                what_is_revoked_is_allowed_no_longer,
                what_cannot_be_read_is_no_answer,
            ]
        );
    };
}

allowances_suite!(local, crate::kit::Local);
allowances_suite!(emulator, crate::kit::Emulator);

fn content(key: &str) -> Content {
    Content {
        bucket: bucket(),
        key: Key::new(key),
        sha256: "ab".repeat(32),
    }
}

fn allowance(content: Content, by: &str) -> Allowance {
    Allowance {
        schema_version: ALLOWANCE_VERSION,
        finding: id_of(content.key.as_str()),
        content,
        by: by.to_owned(),
        caller: Some("arn:aws:iam::111122223333:user/jane".to_owned()),
        why: "a sample of nobody".to_owned(),
        at: at("2026-08-22T10:00:00Z"),
    }
}

async fn nothing_is_allowed_that_nobody_allowed(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let found = bench.allowances().find(&content("k")).await.unwrap();
    assert_eq!(found, None);
}

async fn what_is_allowed_is_seen_by_others(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let allowance = allowance(content("k"), "jane");
    let stands = bench.allowances().allow(&allowance).await.unwrap();
    assert_eq!(stands, allowance);
    let other = bench.other().await;
    let found = other.find(&content("k")).await.unwrap();
    assert_eq!(found, Some(allowance));
}

async fn the_first_decision_stays(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let first = allowance(content("k"), "jane");
    bench.allowances().allow(&first).await.unwrap();
    let other = bench.other().await;
    for by in ["jane", "joe"] {
        let again = allowance(content("k"), by);
        assert_eq!(other.allow(&again).await.unwrap(), first);
    }
    let found = bench.allowances().find(&content("k")).await.unwrap();
    assert_eq!(found, Some(first));
}

async fn only_these_bytes_under_this_key_are_allowed(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let allowed = allowance(content("a/k"), "jane");
    bench.allowances().allow(&allowed).await.unwrap();
    let others = [
        content("a/K"),
        content("a/k/"),
        Content {
            sha256: "cd".repeat(32),
            ..content("a/k")
        },
        Content {
            bucket: BucketName::new("other").unwrap(),
            ..content("a/k")
        },
    ];
    for other in others {
        let found = bench.allowances().find(&other).await.unwrap();
        assert_eq!(found, None, "{other:?}");
    }
}

async fn any_unicode_key_can_be_allowed(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    for key in ["a+b c%20.txt", "신분증/여권 1.jpg", "folder/", "\0\n\"", ""] {
        let allowance = allowance(content(key), "jane");
        bench.allowances().allow(&allowance).await.unwrap();
        let found = bench.allowances().find(&content(key)).await.unwrap();
        assert_eq!(found, Some(allowance));
    }
}

async fn many_at_once_agree_on_one(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let other = bench.other().await;
    let names: Vec<_> = (0..8).map(|n| format!("person {n}")).collect();
    let wishes: Vec<_> = names.iter().map(|by| allowance(content("k"), by)).collect();
    let calls = wishes.iter().enumerate().map(|(n, wish)| {
        if n % 2 == 0 {
            bench.allowances().allow(wish)
        } else {
            other.allow(wish)
        }
    });
    let stands = futures::future::try_join_all(calls).await.unwrap();
    let found = other.find(&content("k")).await.unwrap().unwrap();
    assert!(stands.iter().all(|stands| *stands == found), "{stands:#?}");
    assert!(wishes.contains(&found));
}

async fn what_is_revoked_is_allowed_no_longer(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let revoked = bench.allowances().revoke(&content("k")).await.unwrap();
    assert_eq!(revoked, None, "nobody allowed it");
    let other_key = allowance(content("other"), "jane");
    bench.allowances().allow(&other_key).await.unwrap();
    let first = allowance(content("k"), "jane");
    bench.allowances().allow(&first).await.unwrap();
    let other = bench.other().await;
    let revoked = other.revoke(&content("k")).await.unwrap();
    assert_eq!(revoked, Some(first), "it answers what was ended");
    let again = other.revoke(&content("k")).await.unwrap();
    assert_eq!(again, None);
    let found = bench.allowances().find(&content("k")).await.unwrap();
    assert_eq!(found, None);
    let found = bench.allowances().find(&content("other")).await.unwrap();
    assert_eq!(found, Some(other_key), "the others stay");
    let anew = allowance(content("k"), "joe");
    let stands = bench.allowances().allow(&anew).await.unwrap();
    assert_eq!(stands, anew, "it can be allowed anew, by somebody else");
}

async fn what_cannot_be_read_is_no_answer(ground: &impl AllowancesGround) {
    let bench = ground.make().await;
    let allowed = allowance(content("k"), "jane");
    bench.allowances().allow(&allowed).await.unwrap();
    let name = format!("allow/{}.json", content("k").digest());
    let other = serde_json::to_vec(&allowance(content("other"), "jane")).unwrap();
    for bytes in [&b"{}"[..], b"", &other] {
        bench.overwrite(&name, bytes).await;
        let found = bench.allowances().find(&content("k")).await;
        assert!(
            matches!(found, Err(LedgerError::Corrupt { .. })),
            "{found:?}"
        );
        let again = bench.allowances().allow(&allowed).await;
        assert!(again.is_err(), "nor is it written over: {again:?}");
        let revoked = bench.allowances().revoke(&content("k")).await;
        assert!(
            matches!(revoked, Err(LedgerError::Corrupt { .. })),
            "nor ended: {revoked:?}"
        );
    }
}
