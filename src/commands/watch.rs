//! `watch DIR`: the pipeline with a folder as its bucket.

use std::path::PathBuf;

use clap::Args;
use tokio::task::JoinSet;

use super::view::{self, Tally};
use super::{Ink, Out, Refusal, Surroundings, exit, joined, shown};
use crate::app::{self, Place};
use crate::clock::SystemClock;
use crate::config::{Config, Sources};
use crate::shutdown;
use crate::worker::Drained;

/// Guard a folder as if it were a bucket; observes unless --enforce
#[derive(Clone, Debug, Args)]
pub struct Watch {
    /// The folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Remove what holds personal data; without it, look and tell only
    #[arg(long)]
    pub enforce: bool,
    /// Move what would be deleted into this folder instead; it must lie outside of DIR
    #[arg(long, value_name = "DIR")]
    pub quarantine: Option<PathBuf>,
    /// Where findings and alerts are kept [default: a folder of its own under
    /// ~/.local/state/s3-warden]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Leave when everything that is there has been looked at
    #[arg(long)]
    pub once: bool,
    /// Print one JSON object per line and object
    #[arg(long)]
    pub json: bool,
}

/// The settings of a guarded folder: its name is the bucket, and the mode comes from the command
/// line alone, so that no file turns enforcement on behind somebody's back.
pub(super) fn settings(sources: Sources, place: &Place, enforce: bool) -> Sources {
    let (mode, asked_by) = if enforce {
        ("enforce", "--enforce")
    } else {
        ("observe", "watch")
    };
    let sources = sources.option("policy.mode", mode, asked_by).option(
        "intake.buckets",
        vec![place.bucket.clone()],
        "DIR",
    );
    match &place.quarantine {
        Some(quarantine) => sources
            .option("policy.removal", "quarantine", "--quarantine")
            .option(
                "local.quarantine",
                quarantine.to_string_lossy().into_owned(),
                "--quarantine",
            ),
        None => sources,
    }
}

impl Watch {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let place = self.place(surroundings)?;
        let config = Config::load(settings(sources, &place, self.enforce))
            .map_err(|errors| Refusal::settings(&errors))?;
        let (observer, hear, mut seen) = view::eyes();
        let guarded = app::guard(&config, &place, observer, hear, SystemClock)
            .await
            .map_err(Refusal::usage)?;
        // Listened to before anything is said: who reads that it runs may stop it.
        let signals = shutdown::signals()?;
        if !self.json {
            self.greet(&place, &mut out)?;
        }

        let tokens = shutdown::Tokens::default();
        let progress = guarded.progress();
        let idle = guarded.idle();
        let mut running = JoinSet::new();
        running.spawn(guarded.run(tokens.drain.clone(), tokens.now.clone()));
        let mut beside = JoinSet::new();
        let listened = tokens.clone();
        beside.spawn(async move { shutdown::conduct(signals, &listened).await });
        if self.once {
            let (idle, stop) = (idle, tokens.drain.clone());
            beside.spawn(async move {
                idle.await;
                stop.cancel();
            });
        }

        let bar = out.bar(self.once.then_some(0), "looked at");
        let mut ended = None;
        let mut tally = Tally::default();
        while let Some(next) = seen.recv().await {
            bar.set_length(progress.borrow().queued);
            if matches!(
                next,
                view::Seen::Looked(_) | view::Seen::Acted(_) | view::Seen::PassedOver
            ) {
                bar.inc(1);
            }
            tally.count(&next);
            if let Err(error) = view::show(&mut out, &bar, &next, self.json) {
                // Nobody reads any more. What has begun is finished all the same.
                tokens.drain.cancel();
                ended = Some(error);
            }
        }
        bar.finish_and_clear();
        let drained = match running.join_next().await {
            Some(drained) => joined(drained)?,
            None => Drained::Clean,
        };
        if let Some(error) = ended {
            return Err(error.into());
        }
        if !self.json {
            out.line(tally.sentence())?;
            let unnameable = progress.borrow().unnameable;
            if unnameable > 0 {
                let note = format!(
                    "{unnameable} not looked at: a name that is not UTF-8 cannot be a key; rename the file"
                );
                out.line(out.paint(Ink::Warn, &note))?;
            }
        }
        Ok(match drained {
            Drained::Clean => exit::DONE,
            Drained::Late => exit::DRAINED_LATE,
        })
    }

    fn greet(&self, place: &Place, out: &mut Out) -> anyhow::Result<()> {
        let mode = if self.enforce {
            out.paint(Ink::Bad, "enforcing: what holds personal data is removed")
        } else {
            out.paint(Ink::Good, "observing: nothing is removed (--enforce does)")
        };
        out.line(format!(
            "Guarding {} as bucket {}, {mode}.",
            place.folder.display(),
            shown(&place.bucket)
        ))?;
        out.line(format!("Findings and alerts: {}", place.state.display()))?;
        if let Some(quarantine) = place.quarantine.as_ref().filter(|_| self.enforce) {
            out.line(format!("What is removed goes to: {}", quarantine.display()))?;
        }
        out.prose(Some(Ink::Faint), app::LOCAL_BLIND_SPOTS)?;
        if !self.once {
            out.line(out.paint(Ink::Faint, "Ctrl-C stops, finishing what has begun."))?;
        }
        Ok(out.line("")?)
    }

    fn place(&self, surroundings: &Surroundings) -> Result<Place, Refusal> {
        let folder = app::folder_at(&self.folder).map_err(Refusal::usage)?;
        let bucket = folder.file_name().map_or_else(
            || "root".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        let state = match &self.state {
            Some(state) => state.clone(),
            None => app::state_of(
                surroundings.variable("XDG_STATE_HOME"),
                surroundings.variable("HOME"),
                &folder,
            )
            .ok_or_else(|| {
                Refusal::usage("neither XDG_STATE_HOME nor HOME is set: name a place with --state")
            })?,
        };
        Ok(Place {
            folder,
            bucket,
            state,
            quarantine: self.quarantine.clone(),
        })
    }
}
