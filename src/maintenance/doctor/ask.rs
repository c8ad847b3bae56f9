//! Puts all questions side by side, each with a bound of its own.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::survey::{
    Answer, Asker, Conditions, DeadLetters, DeliveryRule, Encryption, Expiry, Invocations,
    Notifications, Pending, Profile, Public, Queue, Quota, Read, RouteKind, Skew, Subscription,
    Survey, SurveyError, Topic, Trial, Tried, Versions, Written,
};
use super::wanted::Wanted;
use crate::event::{BucketName, OwnPlace};
use crate::record::Positions;

/// How long one question may take. Shorter, and a slow way out of a closed network would look like
/// none; longer, and whoever waits thinks that it hangs.
const BOUND: Duration = Duration::from_secs(15);

/// What was answered about a queue.
#[derive(Clone, Debug)]
pub struct QueueFacts {
    /// Its URL.
    pub url: String,
    /// The queue.
    pub queue: Answer<Queue>,
    /// Its dead letters, where it has some.
    pub dead_letters: Option<Answer<DeadLetters>>,
}

/// What was answered about a guarded bucket.
#[derive(Clone, Debug)]
pub struct GuardedFacts {
    /// Which one.
    pub bucket: BucketName,
    /// Its region.
    pub there: Answer<Option<String>>,
    /// Whether it keeps versions.
    pub versions: Answer<Versions>,
    /// Whom it tells.
    pub notifications: Answer<Notifications>,
    /// Who has subscribed to the topics that it tells.
    pub topics: BTreeMap<String, Answer<Vec<Subscription>>>,
    /// Whether objects can be locked.
    pub lock: Answer<Option<Option<u32>>>,
    /// How a read went.
    pub read: Answer<Read>,
}

/// What was answered about a bucket of our own.
#[derive(Clone, Debug)]
pub struct OwnFacts {
    /// Its region.
    pub there: Answer<Option<String>>,
    /// Whether it is closed.
    pub public: Answer<Public>,
    /// How it encrypts.
    pub encryption: Answer<Encryption>,
}

/// What was answered about the topic.
#[derive(Clone, Debug)]
pub struct TopicFacts {
    /// The topic itself.
    pub topic: Answer<Topic>,
    /// Its subscriptions.
    pub subscriptions: Answer<Vec<Subscription>>,
}

/// Everything that was answered.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Who asks.
    pub asker: Answer<Asker>,
    /// How far the clock is off.
    pub skew: Answer<Skew>,
    /// The queue of uploads.
    pub uploads: QueueFacts,
    /// The queue of security events, where it is another one.
    pub events: Option<QueueFacts>,
    /// The guarded buckets.
    pub guarded: Vec<GuardedFacts>,
    /// The quarantine, where there is one, with the rules by which it empties and a trial write.
    pub quarantine: Option<(OwnFacts, Answer<Vec<Expiry>>, Tried<Written>)>,
    /// The records' bucket.
    pub records: OwnFacts,
    /// Whether it keeps versions.
    pub records_versions: Answer<Versions>,
    /// Which conditions it honours.
    pub conditions: Tried<Conditions>,
    /// What is not at its end.
    pub pending: Answer<Pending>,
    /// How the switches stand.
    pub switches: Answer<Positions>,
    /// The topic.
    pub topic: TopicFacts,
    /// The profiles, in the order of the models.
    pub profiles: Vec<(String, Answer<Profile>)>,
    /// What the account keeps of what models are shown.
    pub invocations: Answer<Invocations>,
    /// How trying the model went.
    pub trial: Trial,
    /// The account's quotas.
    pub quotas: Answer<Vec<Quota>>,
    /// The rules that send to a queue of ours, by its URL.
    pub rules: BTreeMap<String, Answer<Vec<DeliveryRule>>>,
}

impl Facts {
    /// What was written to try and stays.
    pub fn left(&self) -> Vec<&str> {
        let quarantine = self.quarantine.as_ref();
        let quarantine = quarantine.and_then(|(.., written)| written.stays.as_deref());
        let records = self.conditions.stays.as_deref();
        quarantine.into_iter().chain(records).collect()
    }
}

/// Asks everything that the settings call for. `trial` is how trying the model goes, which is not
/// asked of a survey: it takes the same way as the service.
///
/// Once somebody wants us to `stop`, questions are dropped and what was written is removed; what is
/// answered then is worth nothing, but for what stays ([`Facts::left`]).
pub async fn ask(
    survey: &dyn Survey,
    wanted: &Wanted,
    trial: impl Future<Output = Trial>,
    now: Timestamp,
    stop: &CancellationToken,
) -> Facts {
    let uploads = queue(
        (survey, stop),
        &wanted.uploads_url,
        wanted.dead_letter_url.as_deref(),
    );
    let events = async {
        let url = wanted.events_url.as_deref()?;
        Some(queue((survey, stop), url, None).await)
    };
    let guarded = join_all(
        wanted
            .intake
            .buckets
            .iter()
            .map(|it| guarded(survey, it, stop)),
    );
    let profiles = wanted.models.iter().map(|id| async {
        let answer = bounded(stop, survey.profile(id)).await;
        (id.clone(), answer)
    });
    let urls = std::iter::once(&wanted.uploads_url).chain(&wanted.events_url);
    let rules = urls.map(|url| async {
        let answer = bounded(stop, survey.rules_to(&wanted.arn_of(url))).await;
        (url.clone(), answer)
    });
    let places = async {
        tokio::join!(
            own(survey, &wanted.records.bucket, stop),
            bounded(stop, survey.versions(&wanted.records.bucket)),
            survey.conditions(&wanted.records, stop),
            bounded(stop, survey.pending(&wanted.records, now)),
            bounded(stop, survey.switches(&wanted.records)),
            quarantine(survey, wanted.quarantine.as_ref(), stop),
        )
    };
    let judges = async {
        tokio::join!(
            join_all(profiles),
            bounded(stop, survey.invocations()),
            bounded(stop, survey.quotas()),
            join_all(rules),
            trial,
        )
    };
    let people = async {
        tokio::join!(
            bounded(stop, survey.asker()),
            bounded(stop, survey.skew()),
            bounded(stop, survey.topic(wanted.topic.as_str())),
            bounded(stop, survey.subscriptions(wanted.topic.as_str())),
        )
    };
    let (uploads, events, guarded, places, judges, people) = tokio::join!(
        Box::pin(uploads),
        Box::pin(events),
        guarded,
        Box::pin(places),
        Box::pin(judges),
        Box::pin(people),
    );
    let (records, records_versions, conditions, pending, switches, quarantine) = places;
    let (profiles, invocations, quotas, rules, trial) = judges;
    let (asker, skew, topic, subscriptions) = people;
    Facts {
        asker,
        skew,
        uploads,
        events,
        guarded,
        quarantine,
        records,
        records_versions,
        conditions,
        pending,
        switches,
        topic: TopicFacts {
            topic,
            subscriptions,
        },
        profiles,
        invocations,
        trial,
        quotas,
        rules: rules.into_iter().collect(),
    }
}

async fn bounded<T>(
    stop: &CancellationToken,
    question: impl Future<Output = Answer<T>>,
) -> Answer<T> {
    let late = || SurveyError::Unreachable(format!("none within {} s", BOUND.as_secs()));
    tokio::select! {
        answer = tokio::time::timeout(BOUND, question) => answer.unwrap_or_else(|_| Err(late())),
        () = stop.cancelled() => Err(SurveyError::Unreachable("stopped".to_owned())),
    }
}

async fn queue(
    (survey, stop): (&dyn Survey, &CancellationToken),
    url: &str,
    dead_letter_url: Option<&str>,
) -> QueueFacts {
    let queue = bounded(stop, survey.queue(url)).await;
    let arn = match &queue {
        Ok(queue) => queue.redrive.as_ref().map(|it| it.arn.as_str()),
        Err(_) => None,
    };
    let has_some = queue.is_ok() && (arn.is_some() || dead_letter_url.is_some());
    let dead_letters = match has_some {
        true => Some(bounded(stop, survey.dead_letters(arn, dead_letter_url)).await),
        false => None,
    };
    QueueFacts {
        url: url.to_owned(),
        queue,
        dead_letters,
    }
}

async fn guarded(
    survey: &dyn Survey,
    bucket: &BucketName,
    stop: &CancellationToken,
) -> GuardedFacts {
    let notifications = async {
        let answer = bounded(stop, survey.notifications(bucket)).await;
        let routes = answer.iter().flat_map(|told| &told.routes);
        let topics = routes.filter(|route| route.kind == RouteKind::Topic);
        let asked = topics.map(|route| async {
            let answer = bounded(stop, survey.subscriptions(&route.arn)).await;
            (route.arn.clone(), answer)
        });
        let topics = join_all(asked).await.into_iter().collect();
        (answer, topics)
    };
    let (there, versions, (notifications, topics), lock, read) = tokio::join!(
        bounded(stop, survey.bucket(bucket)),
        bounded(stop, survey.versions(bucket)),
        notifications,
        bounded(stop, survey.object_lock(bucket)),
        bounded(stop, survey.read_one(bucket)),
    );
    GuardedFacts {
        bucket: bucket.clone(),
        there,
        versions,
        notifications,
        topics,
        lock,
        read,
    }
}

async fn own(survey: &dyn Survey, bucket: &BucketName, stop: &CancellationToken) -> OwnFacts {
    let (there, public, encryption) = tokio::join!(
        bounded(stop, survey.bucket(bucket)),
        bounded(stop, survey.public(bucket)),
        bounded(stop, survey.encryption(bucket)),
    );
    OwnFacts {
        there,
        public,
        encryption,
    }
}

async fn quarantine(
    survey: &dyn Survey,
    place: Option<&OwnPlace>,
    stop: &CancellationToken,
) -> Option<(OwnFacts, Answer<Vec<Expiry>>, Tried<Written>)> {
    let place = place?;
    Some(tokio::join!(
        own(survey, &place.bucket, stop),
        bounded(stop, survey.lifecycle(&place.bucket)),
        survey.write_one(place, stop),
    ))
}
