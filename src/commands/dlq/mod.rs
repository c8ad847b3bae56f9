//! `dlq list`, `dlq redrive`: what was parked and why; sent back once its cause is mended.

mod list;
mod redrive;
mod text;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::{Out, Refusal, Surroundings};
use crate::app::{self, StartError, Which};
use crate::config::{Maintenance, Sources};
use crate::maintenance::dead_letters::{Ended, Rules};
use crate::shutdown;

/// Look at what was parked, and send it back once its cause is mended
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Needed: queue.url or queue.events_url, as the service has them; records.bucket \
    for messages that were too big for the queue; intake.buckets and requests.enabled, where \
    messages are to be checked against them.\n\
    Exit codes: 0 done, 64 usage or configuration, 69 a queue cannot be reached or failed, 75 \
    interrupted, or more than can be held at once (100,000)."
)]
pub struct Dlq {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Show what was parked and why; changes nothing
    List(list::List),
    /// Send parked messages back to the queues that they came from
    Redrive(redrive::Redrive),
}

/// Whose dead letters.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Queues {
    /// Only those of the queue of uploads (`queue.url`)
    #[arg(long, conflicts_with = "events")]
    uploads: bool,
    /// Only those of the queue of security events (`queue.events_url`)
    #[arg(long)]
    events: bool,
}

impl Queues {
    fn which(self) -> Which {
        match (self.uploads, self.events) {
            (true, _) => Which::Uploads,
            (false, true) => Which::Events,
            (false, false) => Which::All,
        }
    }
}

impl Dlq {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        out: Out,
    ) -> anyhow::Result<u8> {
        let settings = Maintenance::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let queues = match &self.what {
            What::List(list) => list.queues,
            What::Redrive(redrive) => redrive.queues,
        };
        // From here on an interruption gives back what is held.
        let stop = stop()?;
        let path_style = surroundings.path_style();
        let queues = app::dead_letters(&settings, queues.which(), path_style)
            .await
            .map_err(|error| match error {
                StartError::Settings(_) => Refusal::usage(error),
                StartError::Unreachable(_) => Refusal::unavailable(error),
            })?;
        let rules = Rules {
            options: settings.requests,
            guarded: settings.guarded,
        };
        let token = &stop.tokens.drain;
        let work = async {
            match self.what {
                What::List(list) => list.run(&queues, &rules, token, out).await,
                What::Redrive(redrive) => redrive.run(&queues, &rules, token, out).await,
            }
        };
        tokio::select! {
            done = work => done,
            // Whoever cannot wait leaves it to the queue to give back what is held.
            () = stop.tokens.now.cancelled() => Ok(super::exit::DRAINED_LATE),
        }
    }
}

/// Listens to signals as long as it lives.
struct Stop {
    tokens: shutdown::Tokens,
    _listening: JoinSet<()>,
}

fn stop() -> std::io::Result<Stop> {
    let signals = shutdown::signals()?;
    let tokens = shutdown::Tokens::default();
    let heard = tokens.clone();
    let mut listening = JoinSet::new();
    listening.spawn(async move { shutdown::conduct(signals, &heard).await });
    Ok(Stop {
        tokens,
        _listening: listening,
    })
}

/// A length of time as people write it: a whole number and `s`, `m`, `h` or `d`.
fn duration(written: &str) -> Result<SignedDuration, String> {
    let wrong = || "write a number and s, m, h or d, such as 90m or 2d".to_owned();
    let unit = written.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number = written.strip_suffix(unit).unwrap_or_default();
    let number: u32 = number.parse().map_err(|_| wrong())?;
    Ok(SignedDuration::from_secs(i64::from(number) * seconds))
}

/// A reason as `dlq list` shows it: a word.
fn reason(written: &str) -> Result<String, String> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !written.is_empty() && written.chars().all(word) {
        return Ok(written.to_owned());
    }
    Err("write a reason as `dlq list` shows it, such as not_json or moved_by_sqs".to_owned())
}

/// Whether reading ended otherwise than with the end of the queue or with what was asked for, as an
/// exit code.
fn code_of(ended: &Ended) -> u8 {
    match ended {
        Ended::Empty { .. } | Ended::Enough => super::exit::DONE,
        Ended::Full | Ended::Interrupted => super::exit::DRAINED_LATE,
        Ended::Failed(_) => super::exit::UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::QueueError;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let check = |written: &str, seconds: Option<i64>| {
            let read = duration(written).ok().map(|length| length.as_secs());
            assert_eq!(read, seconds, "{written:?}");
        };
        check("90s", Some(90));
        check("5m", Some(300));
        check("2h", Some(7_200));
        check("3d", Some(259_200));
        check("4294967295d", Some(4_294_967_295 * 86_400));
        for wrong in [
            "",
            "5",
            "d",
            "-1h",
            "1.5h",
            "1w",
            "2 d",
            "99999999999d",
            "5分",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn whoever_did_not_see_all_does_not_say_done() {
        let failed = Ended::Failed(QueueError::Unavailable("OverLimit".to_owned()));
        for (ended, code) in [
            (Ended::Empty { elsewhere: 3 }, 0),
            (Ended::Enough, 0),
            (Ended::Full, 75),
            (Ended::Interrupted, 75),
            (failed, 69),
        ] {
            assert_eq!(code_of(&ended), code, "{ended:?}");
        }
    }

    #[test]
    fn reasons_are_words() {
        for (written, good) in [
            ("not_json", true),
            ("moved_by_sqs", true),
            ("", false),
            ("Moved by SQS", false),
            ("a\u{1b}[2J", false),
        ] {
            assert_eq!(reason(written).is_ok(), good, "{written:?}");
        }
    }
}
