//! `dlq list`: what was parked and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Queues, code_of, duration, reason, text};
use crate::commands::{Ink, Out, exit, shown};
use crate::maintenance::dead_letters::{
    self, About, DeadLetters, Ended, Letter, Listed, Rules, Wanted,
};

/// Show what was parked and why; changes nothing
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "To look at a message of SQS is to receive it: while this runs, messages are \
    hidden from others (for five minutes at most, should it be killed), and each has one receive \
    more afterwards. `moved by SQS` stands where the queue gave a message up by itself.\n\
    Exit codes: 0 done, 64 usage or configuration, 69 a queue cannot be reached or failed, 75 \
    interrupted, or more than can be held at once (100,000)."
)]
pub struct List {
    #[command(flatten)]
    pub(super) queues: Queues,
    /// Only those parked for this reason; may be given several times
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub reason: Vec<String>,
    /// Only those first sent at least so long ago, such as 90m, 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub older_than: Option<SignedDuration>,
    /// At most so many of each queue
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub limit: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl List {
    pub(super) async fn run(
        self,
        queues: &[Arc<dyn DeadLetters>],
        rules: &Rules,
        stop: &CancellationToken,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let wanted = Wanted {
            reasons: self.reason.iter().cloned().collect(),
            older_than: self.older_than,
            ..Wanted::default()
        };
        let now = Timestamp::now();
        let limit = usize::try_from(self.limit)?;
        let mut all: Vec<(&str, Listed)> = Vec::new();
        for queue in queues {
            let bar = out.bar(None, &format!("Looking at {}", shown(queue.name())));
            let mut progress = |seen: usize| bar.set_position(seen as u64);
            let bounds = (limit, now);
            let queue = &**queue;
            let listed =
                dead_letters::list(queue, &wanted, rules, bounds, stop, &mut progress).await;
            bar.finish_and_clear();
            all.push((queue.name(), listed));
        }
        if self.json {
            out.json(&described(&all))?;
        } else {
            tell(&mut out, &all, now)?;
        }
        Ok(all
            .iter()
            .map(|(_, listed)| code_of(&listed.ended))
            .max()
            .unwrap_or(exit::DONE))
    }
}

fn letters<'a>(all: &'a [(&str, Listed)]) -> impl Iterator<Item = &'a Letter> {
    all.iter().flat_map(|(_, listed)| &listed.letters)
}

/// How many of each reason, the most frequent first.
fn counts<'a>(all: &'a [(&str, Listed)]) -> Vec<(&'a str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for letter in letters(all) {
        *counts.entry(letter.reason.as_str()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// The sentences, each with its reason and how often it stands there.
fn reasons(all: &[(&str, Listed)]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for letter in letters(all) {
        let reason = (text::reason_alone(letter), text::error(letter));
        *counts.entry(reason).or_default() += 1;
    }
    counts.retain(|(_, why), _| !why.is_empty());
    counts
}

/// Why texts could not be fetched, each with how many it keeps from us.
fn unfetched<'a>(all: &'a [(&str, Listed)]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for letter in letters(all) {
        if let About::Unknown { why } = &letter.about {
            *counts.entry(why.as_str()).or_default() += 1;
        }
    }
    counts
}

fn tell(out: &mut Out, all: &[(&str, Listed)], now: Timestamp) -> anyhow::Result<()> {
    // Where there is but one queue, nobody asks which.
    let several = all.len() > 1;
    let rows: Vec<_> = letters(all)
        .map(|letter| {
            let queue = several.then(|| shown(&letter.queue));
            [
                Some(shown(&letter.id.0)),
                Some(text::reason(letter)),
                Some(text::age(letter.since, now)),
                queue,
                Some(text::about(&letter.about)),
            ]
            .into_iter()
            .flatten()
            .collect()
        })
        .collect();
    let count = rows.len();
    if count == 0 {
        // Only a queue that came to its end, and keeps none from us, is known to be empty.
        let empty =
            |(_, listed): &(&str, Listed)| matches!(listed.ended, Ended::Empty { elsewhere: 0 });
        out.line(match all.iter().map(|(_, listed)| listed.seen).sum() {
            0_usize if all.iter().all(empty) => "No dead letters.".to_owned(),
            0 => "None could be looked at.".to_owned(),
            seen => format!("None of {seen} dead letters is what was asked for."),
        })?;
    } else {
        let queue = several.then_some("Queue");
        let before = ["Message", "Reason", "Age"].into_iter().chain(queue);
        let header: Vec<_> = before.chain(["About"]).collect();
        out.table_of_ids(&header, rows)?;
        let counts: Vec<_> = counts(all)
            .into_iter()
            .map(|(reason, count)| format!("{} {count}", shown(reason)))
            .collect();
        let sum = format!("{count} in all: {}.", counts.join(", "));
        out.prose(Some(Ink::Strong), &sum)?;
        for ((reason, why), count) in reasons(all) {
            out.prose(None, &format!("  {count} x {reason}  {why}"))?;
        }
        for (why, count) in unfetched(all) {
            let sentence = format!("The text of {count} was not fetched: {}", shown(why));
            out.prose(Some(Ink::Warn), &sentence)?;
        }
        out.prose(
            None,
            "Once the cause is mended: `s3-warden dlq redrive --reason REASON --dry-run`, then \
             without --dry-run.",
        )?;
    }
    for (queue, listed) in all {
        let ink = match listed.ended {
            Ended::Failed(_) => Ink::Bad,
            _ => Ink::Warn,
        };
        for sentence in text::ending(&listed.ended, queue)
            .into_iter()
            .chain(text::hidden(listed.hidden))
        {
            out.prose(Some(ink), &sentence)?;
        }
    }
    Ok(())
}

fn described(all: &[(&str, Listed)]) -> serde_json::Value {
    let messages: Vec<_> = letters(all).map(text::described).collect();
    let counts: BTreeMap<_, _> = counts(all).into_iter().collect();
    let queues: Vec<_> = all
        .iter()
        .map(|(queue, listed)| text::queue(queue, listed.seen, listed.hidden, &listed.ended))
        .collect();
    json!({"messages": messages, "by_reason": counts, "queues": queues})
}
