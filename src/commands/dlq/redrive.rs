//! `dlq redrive`: parked messages, sent back to the queues that they came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{ArgGroup, Args};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Queues, code_of, duration, reason, text};
use crate::commands::{Ink, Out, exit, shown};
use crate::maintenance::dead_letters::{
    self, DeadLetters, Fate, Letter, Order, Redriven, Rules, Wanted,
};

/// How many messages are shown one by one.
const SHOWN: usize = 50;

/// Send parked messages back to the queues that they came from
#[derive(Clone, Debug, Args)]
#[command(
    group = ArgGroup::new("which").required(true).multiple(true).args(["id", "reason", "all"]),
    after_help = "Each message is looked at first as the worker would: what would only be parked \
    again, or dropped, stays, unless --force. Then it is sent, and then removed: should this be \
    killed in between, a message lies in both queues, which costs one more look at its object and \
    removes or tells nothing twice. What stays is given back at the end; what is parked again \
    meanwhile is not sent again.\n\
    Exit codes: 0 done (also where messages stay for a reason), 64 usage or configuration, or an id \
    that is not there, 69 a \
    queue cannot be reached or some messages could not be sent, 75 interrupted, or more than can be \
    held at once (100,000)."
)]
pub struct Redrive {
    #[command(flatten)]
    pub(super) queues: Queues,
    /// The message with this id, as `dlq list` shows it; may be given several times
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    /// Those parked for this reason, such as `moved_by_sqs`; may be given several times
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub reason: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with_all = ["id", "reason"])]
    pub all: bool,
    /// Only those first sent at least so long ago, such as 90m, 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub older_than: Option<SignedDuration>,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
    /// How many are sent a second
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = rate)]
    pub per_second: f64,
    /// At most so many of each queue
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub limit: u64,
    /// Send back what would only be parked again, too
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn rate(written: &str) -> Result<f64, String> {
    let rate: f64 = written.parse().map_err(|_| "is no number".to_owned())?;
    if (0.01..=1_000.0).contains(&rate) {
        return Ok(rate);
    }
    Err("out of range; from 0.01 to 1000".to_owned())
}

impl Redrive {
    pub(super) async fn run(
        self,
        queues: &[Arc<dyn DeadLetters>],
        rules: &Rules,
        stop: &CancellationToken,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let order = Order {
            wanted: Wanted {
                ids: self.id.iter().cloned().collect(),
                reasons: self.reason.iter().cloned().collect(),
                older_than: self.older_than,
            },
            dry_run: self.dry_run,
            force: self.force,
            limit: usize::try_from(self.limit)?,
            per_second: self.per_second,
        };
        let now = Timestamp::now();
        let mut all: Vec<(&str, Redriven)> = Vec::new();
        for queue in queues {
            let queue = &**queue;
            let total = queue.backlog().await.ok().map(|backlog| backlog.waiting);
            let bar = out.bar(total, &format!("Going through {}", shown(queue.name())));
            let mut progress = |seen: usize| bar.set_position(seen as u64);
            let done = dead_letters::redrive(queue, &order, rules, now, stop, &mut progress).await;
            bar.finish_and_clear();
            all.push((queue.name(), done));
        }
        if self.json {
            out.json(&self.described(&all))?;
        } else {
            self.tell(&mut out, &all)?;
        }
        let failed = fates(&all).any(|(_, fate)| matches!(fate, Fate::Failed(_) | Fate::Twice(_)));
        let ended = all.iter().map(|(_, done)| code_of(&done.ended)).max();
        Ok(match ended.unwrap_or(exit::DONE) {
            exit::DONE if failed => exit::UNAVAILABLE,
            exit::DONE if !missing(&all).is_empty() => exit::USAGE,
            code => code,
        })
    }

    fn tell(&self, out: &mut Out, all: &[(&str, Redriven)]) -> anyhow::Result<()> {
        let mut rows: Vec<_> = fates(all)
            .filter(|(_, fate)| self.dry_run || *fate != &Fate::Sent)
            .map(|(letter, fate)| {
                vec![
                    shown(&letter.id.0),
                    text::reason(letter),
                    text::about(&letter.about),
                    self.said(fate),
                ]
            })
            .collect();
        let count = rows.len();
        rows.truncate(SHOWN);
        if !rows.is_empty() {
            out.table_of_ids(&["Message", "Reason", "About", "What happens"], rows)?;
        }
        if count > SHOWN {
            out.line(format!("and {} more (--json lists them)", count - SHOWN))?;
        }
        let counts = Counts::of(all);
        let sum = if self.dry_run {
            format!(
                "{} would be sent back, {} would stay. Nothing was changed.",
                counts.sent, counts.kept
            )
        } else {
            format!(
                "{} sent back, {} kept, {} failed.",
                counts.sent, counts.kept, counts.failed
            )
        };
        let ink = if counts.failed > 0 {
            Ink::Bad
        } else {
            Ink::Strong
        };
        out.prose(Some(ink), &sum)?;
        for (why, count) in kept_by_reason(all) {
            out.prose(None, &format!("  {count} x {why}"))?;
        }
        if counts.kept > 0 {
            let remedy = "Mend what the reasons name and redrive again, or use --force.";
            out.prose(Some(Ink::Faint), remedy)?;
        }
        if counts.twice > 0 {
            let sentence = format!(
                "{} of those sent back could not be removed here: they lie in both queues, and \
                 another redrive would send them again, which costs another look at their objects.",
                counts.twice
            );
            out.prose(Some(Ink::Warn), &sentence)?;
        }
        if counts.came_back > 0 {
            let sentence = format!(
                "{} of those sent back were parked again meanwhile, and were left here: look at \
                 their reasons with `s3-warden dlq list`.",
                counts.came_back
            );
            out.prose(Some(Ink::Warn), &sentence)?;
        }
        for id in missing(all) {
            let sentence = format!("No message {} was found.", shown(id));
            out.prose(Some(Ink::Warn), &sentence)?;
        }
        for (queue, done) in all {
            for sentence in text::ending(&done.ended, queue)
                .into_iter()
                .filter(|_| !self.found_all(done))
                .chain(text::hidden(done.hidden))
            {
                out.prose(Some(Ink::Warn), &sentence)?;
            }
        }
        Ok(())
    }

    /// Whether it ended because every id was found: then nothing is missing.
    fn found_all(&self, done: &Redriven) -> bool {
        let enough = matches!(done.ended, dead_letters::Ended::Enough);
        enough && !self.id.is_empty() && done.missing.is_empty()
    }

    fn said(&self, fate: &Fate) -> String {
        match fate {
            Fate::Sent if self.dry_run => "would be sent back".to_owned(),
            Fate::Sent => "sent back".to_owned(),
            Fate::Kept(stay) => format!("stays ({})", stay.code),
            Fate::Failed(why) => format!("failed: {}", shown(why)),
            Fate::Twice(why) => format!("sent back, and still here: {}", shown(why)),
        }
    }

    fn described(&self, all: &[(&str, Redriven)]) -> serde_json::Value {
        let messages: Vec<_> = fates(all)
            .map(|(letter, fate)| {
                let (word, code, detail) = match fate {
                    Fate::Sent => ("sent", None, None),
                    Fate::Kept(stay) => ("kept", Some(stay.code), Some(&stay.sentence)),
                    Fate::Failed(why) => ("failed", None, Some(why)),
                    Fate::Twice(why) => ("sent_not_removed", None, Some(why)),
                };
                let result = json!({"result": word, "code": code, "detail": detail});
                text::with(text::described(letter), result)
            })
            .collect();
        let queues: Vec<_> = all
            .iter()
            .map(|(queue, done)| text::queue(queue, done.seen, done.hidden, &done.ended))
            .collect();
        let counts = Counts::of(all);
        json!({
            "dry_run": self.dry_run,
            "sent": counts.sent,
            "kept": counts.kept,
            "failed": counts.failed,
            "sent_not_removed": counts.twice,
            "came_back": counts.came_back,
            "missing": missing(all),
            "messages": messages,
            "queues": queues,
        })
    }
}

fn fates<'a>(all: &'a [(&str, Redriven)]) -> impl Iterator<Item = (&'a Letter, &'a Fate)> {
    all.iter()
        .flat_map(|(_, done)| &done.letters)
        .map(|(letter, fate)| (letter, fate))
}

/// The ids that no queue has.
fn missing<'a>(all: &'a [(&str, Redriven)]) -> Vec<&'a str> {
    let Some((_, first)) = all.first() else {
        return Vec::new();
    };
    let nowhere = |id: &&String| all.iter().all(|(_, done)| done.missing.contains(*id));
    let missing = first.missing.iter().filter(nowhere);
    missing.map(String::as_str).collect()
}

fn kept_by_reason(all: &[(&str, Redriven)]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, fate) in fates(all) {
        if let Fate::Kept(stay) = fate {
            let why = format!("{}  {}", stay.code, shown(&stay.sentence));
            *counts.entry(why).or_default() += 1;
        }
    }
    counts
}

/// How many came to what.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Sent back, those included that lie in both queues.
    sent: usize,
    kept: usize,
    failed: usize,
    twice: usize,
    came_back: usize,
}

impl Counts {
    fn of(all: &[(&str, Redriven)]) -> Self {
        let mut counts = Self {
            came_back: all.iter().map(|(_, done)| done.came_back).sum(),
            ..Self::default()
        };
        for (_, fate) in fates(all) {
            match fate {
                Fate::Sent => counts.sent += 1,
                Fate::Kept(_) => counts.kept += 1,
                Fate::Failed(_) => counts.failed += 1,
                Fate::Twice(_) => {
                    counts.sent += 1;
                    counts.twice += 1;
                }
            }
        }
        counts
    }
}
