//! Sending dead letters back to where they came from.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{About, DeadLetters, Ended, Hold, Letter, Parked, Rules, Source, Stay, Wanted, check};
use crate::event::{Body, EntryError, MessageId, QueueError, Receipt};

/// How many are under way at once. A pair of calls takes some 20 ms, so that this makes a few
/// hundred a second, which is more than anybody should let loose on a worker that was just mended.
const AT_ONCE: usize = 10;

/// After so many failures in a row it is the queue and not the messages.
const FAILURES_IN_A_ROW: usize = 3;

/// What is to be sent back, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which.
    pub wanted: Wanted,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Send back what would be parked again, too.
    pub force: bool,
    /// At most so many.
    pub limit: usize,
    /// How many a second; more than 0.
    pub per_second: f64,
}

/// What became of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was sent back; or would be, where nothing is to be changed.
    Sent,
    /// It stays, for this reason.
    Kept(Stay),
    /// It could not be sent, and stays.
    Failed(String),
    /// It was sent back, and could not be removed: it lies in both queues.
    Twice(String),
}

/// What sending back came to.
#[derive(Debug)]
pub struct Redriven {
    /// Every message that was meant, and what became of it.
    pub letters: Vec<(Letter, Fate)>,
    /// Ids that were asked for, and did not come.
    pub missing: BTreeSet<String>,
    /// How many of those sent were parked again before this ended; they are left where they are.
    pub came_back: usize,
    /// All that were looked at.
    pub seen: usize,
    /// Why no more was looked at.
    pub ended: Ended,
    /// How many could not be given back: they come back by themselves within five minutes.
    pub hidden: usize,
}

/// Sends back what is wanted, as fast as it is wanted; holds the rest, and gives it back at the end.
///
/// Each message is sent before it is removed: who is killed in between leaves it in both queues. Where
/// nothing can be removed, nothing more is sent, so until a first one was removed they go one by one.
/// What comes back while this goes on is not sent again: a worker that parks as fast as this sends
/// would keep it going for ever.
pub async fn redrive(
    queue: &dyn DeadLetters,
    order: &Order,
    rules: &Rules,
    now: Timestamp,
    stop: &CancellationToken,
    progress: &mut (dyn FnMut(usize) + Send),
) -> Redriven {
    let mut run = Run {
        queue,
        order,
        hold: Hold::new(queue),
        letters: Vec::new(),
        missing: order.wanted.ids.clone(),
        sent: BTreeSet::new(),
        came_back: 0,
        going: 0,
        failures: 0,
        doubled: 0,
        removes: false,
        turn: Instant::now(),
    };
    let mut seen = 0;
    let ended = loop {
        if run.is_enough() {
            break Ended::Enough;
        }
        let came = match run.hold.next(stop).await {
            Ok(came) => came,
            Err(ended) => break ended,
        };
        seen += came.len();
        let (back, mut came): (Vec<_>, Vec<_>) =
            came.into_iter().partition(|parked| run.has_sent(parked));
        run.came_back += back.len();
        came.retain(|parked| order.wanted.takes(parked, now));
        if let Err(ended) = run.send_back(came, rules, stop).await {
            break ended;
        }
        progress(seen);
    };
    Redriven {
        letters: run.letters,
        missing: run.missing,
        came_back: run.came_back,
        seen,
        ended,
        hidden: run.hold.give_back().await,
    }
}

struct Run<'a> {
    queue: &'a dyn DeadLetters,
    order: &'a Order,
    hold: Hold<'a>,
    letters: Vec<(Letter, Fate)>,
    missing: BTreeSet<String>,
    /// The ids under which messages were sent.
    sent: BTreeSet<MessageId>,
    came_back: usize,
    /// How many were sent, or would be.
    going: usize,
    /// How many failed in a row.
    failures: usize,
    /// How many in a row were sent and could not be removed.
    doubled: usize,
    /// Whether one was removed.
    removes: bool,
    /// When the next may be sent.
    turn: Instant,
}

/// A message that is on its way.
struct Going<'s> {
    letter: Letter,
    body: Body,
    source: &'s Source,
    redriven: u32,
}

impl<'a> Run<'a> {
    fn is_enough(&self) -> bool {
        let all_found = !self.order.wanted.ids.is_empty() && self.missing.is_empty();
        self.going >= self.order.limit || all_found
    }

    /// Whether a message is one that this run has sent: SQS moves a message under its id, and the
    /// worker notes it. Times would not tell: our clock is not that of the queue.
    fn has_sent(&self, parked: &Parked) -> bool {
        let original = parked.original_id.clone().map(MessageId);
        self.sent.contains(&parked.id) || original.is_some_and(|id| self.sent.contains(&id))
    }

    async fn send_back(
        &mut self,
        came: Vec<Parked>,
        rules: &Rules,
        stop: &CancellationToken,
    ) -> Result<(), Ended> {
        let mut going = Vec::new();
        for parked in came {
            if self.going + going.len() >= self.order.limit {
                break;
            }
            if let Some(id) = self.order.wanted.id_of(&parked) {
                self.missing.remove(id);
            }
            let fetched = match self.text(&parked, stop).await? {
                Ok(fetched) => fetched,
                Err(why) => {
                    let about = About::Unknown { why: why.clone() };
                    let letter = Letter::new(&parked, self.queue.name(), about);
                    self.letters.push((letter, Fate::Failed(why)));
                    continue;
                }
            };
            let sources: &'a [Source] = self.queue.sources();
            let checked = check(&parked, fetched.as_ref(), sources, rules);
            let letter = Letter::new(&parked, self.queue.name(), checked.about);
            let source = match (checked.source, checked.stay) {
                (Some(source), None) => source,
                (Some(source), Some(_)) if self.order.force => source,
                (_, stay) => {
                    let stay = stay.expect("what cannot be sent has a reason");
                    self.letters.push((letter, Fate::Kept(stay)));
                    continue;
                }
            };
            going.extend(fetched.map(|body| Going {
                letter,
                body,
                source,
                redriven: parked.redriven.saturating_add(1),
            }));
        }
        if self.order.dry_run {
            self.going += going.len();
            let would = going.into_iter().map(|going| (going.letter, Fate::Sent));
            self.letters.extend(would);
            return Ok(());
        }
        self.send_paced(going, stop).await
    }

    /// The text of a message, `None` where it is gone, or why it cannot be had: the others may go
    /// all the same.
    async fn text(
        &mut self,
        parked: &Parked,
        stop: &CancellationToken,
    ) -> Result<Result<Option<Body>, String>, Ended> {
        let Some(pointer) = &parked.pointer else {
            return Ok(Ok(Some(parked.body.clone())));
        };
        if stop.is_cancelled() {
            return Err(Ended::Interrupted);
        }
        self.hold.keep().await;
        let fetched = self.queue.fetch(pointer).await;
        Ok(fetched.map_err(|error| error.to_string()))
    }

    /// Sends in turns, each as large as its second allows.
    async fn send_paced(
        &mut self,
        mut going: Vec<Going<'a>>,
        stop: &CancellationToken,
    ) -> Result<(), Ended> {
        while !going.is_empty() {
            let most = if self.removes { AT_ONCE } else { 1 };
            let in_a_turn = (self.order.per_second as usize).clamp(1, most);
            let rest = going.split_off(in_a_turn.min(going.len()));
            let turn = std::mem::replace(&mut going, rest);
            self.wait(stop).await?;
            let pause = turn.len() as f64 / self.order.per_second;
            self.turn = Instant::now() + Duration::from_secs_f64(pause);
            self.send(turn).await?;
        }
        Ok(())
    }

    /// Waits for the next turn, with everything that is held kept.
    async fn wait(&mut self, stop: &CancellationToken) -> Result<(), Ended> {
        loop {
            self.hold.keep().await;
            let soon = Instant::now() + Duration::from_secs(10);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Ended::Interrupted),
                () = tokio::time::sleep_until(self.turn.min(soon)) => {}
            }
            if self.turn <= Instant::now() {
                return Ok(());
            }
        }
    }

    async fn send(&mut self, turn: Vec<Going<'a>>) -> Result<(), Ended> {
        let queue = self.queue;
        let sending = turn.into_iter().map(|going| {
            let receipt = self.hold.receipt(&going.letter.id);
            async move {
                let fate = one(queue, &going, receipt).await;
                (going.letter, fate)
            }
        });
        let mut ended = Ok(());
        for (letter, fate) in join_all(sending).await {
            let fate = match fate {
                Ok((fate, id)) => {
                    self.sent.extend(id);
                    fate
                }
                Err(error) => {
                    self.failures += 1;
                    let why = error.to_string();
                    let hopeless = matches!(error, QueueError::Refused(_));
                    if hopeless || self.failures >= FAILURES_IN_A_ROW {
                        ended = Err(Ended::Failed(error));
                    }
                    self.letters.push((letter, Fate::Failed(why)));
                    continue;
                }
            };
            if matches!(fate, Fate::Sent | Fate::Twice(_)) {
                self.failures = 0;
                self.going += 1;
                self.hold.done(&letter.id, fate == Fate::Sent);
            }
            match &fate {
                Fate::Sent => (self.doubled, self.removes) = (0, true),
                Fate::Twice(why) => {
                    self.doubled += 1;
                    if self.doubled >= FAILURES_IN_A_ROW {
                        let why = format!("nothing can be removed here, so no more is sent: {why}");
                        ended = Err(Ended::Failed(QueueError::Unavailable(why)));
                    }
                }
                _ => {}
            }
            self.letters.push((letter, fate));
        }
        ended
    }
}

/// Sends one message, then removes it; answers also the id under which it was sent.
async fn one(
    queue: &dyn DeadLetters,
    going: &Going<'_>,
    receipt: Option<Receipt>,
) -> Result<(Fate, Option<MessageId>), QueueError> {
    let Some(receipt) = receipt else {
        let why = "somebody else has received it meanwhile; look again later".to_owned();
        return Ok((Fate::Failed(why), None));
    };
    let id = queue
        .send(going.source, &going.body, going.redriven)
        .await?;
    let removed = queue.remove(std::slice::from_ref(&receipt)).await;
    let fate = match removed.into_iter().next() {
        Some(Ok(())) => Fate::Sent,
        Some(Err(EntryError::Gone)) => Fate::Twice(EntryError::Gone.to_string()),
        Some(Err(error)) => Fate::Twice(error.to_string()),
        None => Fate::Twice("no answer about its removal".to_owned()),
    };
    Ok((fate, Some(id)))
}
