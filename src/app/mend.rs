//! What operators use to give back what was taken by mistake, and to do what was held.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::future::BoxFuture;

use super::operator::{NO_MODEL, NO_RECORDS};
use super::state::{BUCKET_FILE, QUARANTINE_FILE};
use crate::alert::{AlertSettings, Announcer, AnnouncerParts};
use crate::aws::{
    Clients, S3Allowances, S3Digests, S3Ledger, S3Store, S3Switches, S3Turns, SnsNotifier,
    StsIdentity,
};
use crate::clock::SystemClock;
use crate::config::{Maintenance, Operator};
use crate::event::BucketName;
use crate::local::{FileAllowances, FolderStore};
use crate::maintenance::{Applier, Restorer};
use crate::record::{Allowances, Ledger};
use crate::retry::Jitter;

/// How long STS may take to say whose credentials are used. A closed network may have no way to it.
const ANSWER: Duration = Duration::from_secs(5);

/// What restores findings of the service.
#[derive(Debug)]
pub struct Restoring {
    /// Where findings are kept.
    pub records: Arc<dyn Ledger>,
    /// Who restores.
    pub restorer: Restorer,
    /// Whose credentials are used, as AWS says; `None` when it does not.
    pub caller: Option<String>,
}

/// What restores findings of the service.
///
/// # Errors
/// Nobody says where the records lie, or no region is set.
pub async fn restoring(settings: &Maintenance, path_style: bool) -> anyhow::Result<Restoring> {
    let records = settings.records.clone().context(NO_RECORDS)?;
    let clients = Clients::connect(path_style, NO_MODEL).await?;
    let store = Arc::new(store(settings, &clients));
    let clients = clients.for_records();
    let restorer = Restorer {
        allowances: Arc::new(S3Allowances::new(&clients, records.clone())),
        quarantine: Arc::clone(&store) as _,
        store,
    };
    let asked = tokio::time::timeout(ANSWER, StsIdentity::new(&clients).ask()).await;
    Ok(Restoring {
        records: Arc::new(S3Ledger::new(&clients, records)),
        restorer,
        caller: asked.ok().and_then(Result::ok).map(|caller| caller.arn),
    })
}

/// What restores findings of a guarded folder, whose state lies at `state`. `quarantine`, where
/// given, says where the quarantine is; else the state knows.
///
/// # Errors
/// It is no such state, or its folder or quarantine cannot be used.
pub fn restoring_folder(state: &Path, quarantine: Option<PathBuf>) -> anyhow::Result<Restorer> {
    let claim = std::fs::read_to_string(state.join(BUCKET_FILE)).with_context(|| {
        format!(
            "{} is not the state folder of a `watch`; name it with --state",
            state.display()
        )
    })?;
    let mut lines = claim.lines();
    let (bucket, folder) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let bucket = BucketName::new(bucket).context("the state folder names no bucket")?;
    let known = || {
        let noted = std::fs::read_to_string(state.join(QUARANTINE_FILE)).ok()?;
        noted.lines().next().map(PathBuf::from)
    };
    let quarantine = quarantine.or_else(known);
    let store = Arc::new(FolderStore::open(Path::new(folder), bucket, quarantine)?);
    Ok(Restorer {
        allowances: Arc::new(FileAllowances::new(state)),
        quarantine: Arc::clone(&store) as _,
        store,
    })
}

/// What people have allowed, of the service.
///
/// # Errors
/// Nobody says where the records lie, or no region is set.
pub async fn allowances(
    operator: &Operator,
    path_style: bool,
) -> anyhow::Result<Arc<dyn Allowances>> {
    let place = operator.records.clone().context(NO_RECORDS)?;
    let clients = Clients::connect(path_style, NO_MODEL).await?.for_records();
    Ok(Arc::new(S3Allowances::new(&clients, place)))
}

/// What people have allowed, of a guarded folder.
pub fn allowances_at(state: &Path) -> Arc<dyn Allowances> {
    Arc::new(FileAllowances::new(state))
}

/// What carries out what was held.
pub struct Applying {
    /// Who carries out.
    pub applier: Applier,
    /// The work of its announcer, to be run beside it.
    pub announcing: BoxFuture<'static, ()>,
}

impl std::fmt::Debug for Applying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Applying")
            .field("applier", &self.applier)
            .finish_non_exhaustive()
    }
}

/// What carries out what was held.
///
/// # Errors
/// Nobody says where the records lie or whom to tell, no region is set, or the topic cannot be used.
pub async fn applying(settings: &Maintenance, path_style: bool) -> anyhow::Result<Applying> {
    let records = settings.records.clone().context(NO_RECORDS)?;
    let topic = settings.topic.as_ref().context(
        "alerts.topic_arn: missing; give the ARN of the SNS topic that the service tells people \
         through: nothing is removed without telling",
    )?;
    let clients = Clients::connect(path_style, NO_MODEL).await?;
    let notifier = SnsNotifier::open(&clients, topic.as_str(), settings.alerts.chat)
        .await
        .context("alerts.topic_arn")?;
    let clock = Arc::new(SystemClock);
    let store = Arc::new(store(settings, &clients));
    let clients = clients.for_records();
    let turns = S3Turns::new(
        &clients,
        records.clone(),
        settings.alerts.max_per_minute,
        Arc::clone(&clock) as _,
    );
    let (announcer, announcing) = Announcer::new(AnnouncerParts {
        notifier: Arc::new(notifier),
        turns: Arc::new(turns),
        digests: Arc::new(S3Digests::new(&clients, records.clone())),
        // Digests are the service's: it counts what it does itself.
        settings: AlertSettings {
            digest: None,
            ..settings.alerts
        },
        // As if this were one task more, while turns are not to be had.
        fleet_size: settings.limits.fleet_size.saturating_add(1),
        clock: Arc::clone(&clock) as _,
        jitter: Jitter::random(),
        watch: Arc::new(()),
    });
    let quarantine = settings.quarantine.clone();
    Ok(Applying {
        applier: Applier {
            quarantine: Arc::clone(&store) as _,
            store,
            switches: Arc::new(S3Switches::new(&clients, records.clone())),
            guarded: settings.guarded.clone(),
            own: quarantine.into_iter().chain([records.clone()]).collect(),
            ledger: Arc::new(S3Ledger::new(&clients, records.clone())),
            allowances: Arc::new(S3Allowances::new(&clients, records)),
            announcer,
            clock,
        },
        announcing: Box::pin(announcing),
    })
}

fn store(settings: &Maintenance, clients: &Clients) -> S3Store {
    S3Store::new(
        clients,
        settings.aws.clone(),
        settings.quarantine.clone(),
        settings.object.max_bytes,
    )
}
