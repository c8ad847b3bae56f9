//! `restore FINDING`: gives back what was taken by mistake, and remembers that it may stay.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::restore_text::{
    DECIDED_BEFORE, Described, REMEMBERED, REVOKED, copy_trouble, decision, headline, is_tagged,
    keeping, nothing_kept, result_code, tagging, trouble,
};
use super::{Ink, Out, Refusal, Surroundings, exit, reason};
use crate::action::Tagging;
use crate::app;
use crate::config::{Maintenance, Sources};
use crate::event::FindingId;
use crate::maintenance::{RestoreError, Restored, Restorer, Wish, restorable};
use crate::object::{Kept, Over, Returned};
use crate::record::{Allowance, Content, Finding, Query, date_of};

/// Put a quarantined object back, and remember that exactly these bytes may lie under this key
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The decision is remembered first, then the copy is put back where nothing lies, and \
    read back. The service then leaves it alone; other bytes under the key are judged as ever. The \
    quarantine keeps its copy until its lifecycle or --remove-copy ends it. A restore that was interrupted is finished \
    by running it again. --revoke takes the decision back: what lies there stays, and these bytes are \
    judged again when they are next uploaded.\n\
    Exit codes: 0 done, 2 not restored, 64 usage or configuration, 69 something needed cannot be \
    reached."
)]
pub struct Restore {
    /// The id of the finding, as alerts name it
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// Why it may be there, for those who ask later
    #[arg(long, value_name = "TEXT", required_unless_present = "revoke", value_parser = reason)]
    pub reason: Option<String>,
    /// Who decides [default: the user of this terminal]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only remember the decision: for what was deleted (its owner can then upload it again), and for
    /// what was never taken away
    #[arg(long, conflicts_with_all = ["overwrite", "remove_copy"])]
    pub allow_only: bool,
    /// Put it over what lies under the key now, which becomes an older version; only where the bucket
    /// keeps versions
    #[arg(long)]
    pub overwrite: bool,
    /// Remove the copy from the quarantine once the object is back; where it has no version of its own,
    /// not before half an hour has passed since the decision
    #[arg(long)]
    pub remove_copy: bool,
    /// Where the findings of a guarded folder lie; those of the service lie in records.bucket
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Where the quarantine of that folder is, when it was moved
    #[arg(long, value_name = "DIR", requires = "state")]
    pub quarantine: Option<PathBuf>,
    /// Take the decision back that a restore has left: nothing is moved
    #[arg(long, conflicts_with_all = ["reason", "by", "allow_only", "overwrite", "remove_copy"])]
    pub revoke: bool,
    /// The earliest day on which the event may have happened (UTC) [default: 95 days ago]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub since: Option<Date>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Restore {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let id: FindingId = self.finding.parse().map_err(|_| {
            Refusal::usage("give the id of a finding: 32 hexadecimal digits, as alerts name it")
        })?;
        let settings = Maintenance::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let (finding, restorer, caller) = match &self.state {
            Some(state) => self.of_folder(state, &id).await?,
            None => self.of_service(&settings, surroundings, &id).await?,
        };
        let content = restorable(&finding, self.allow_only || self.revoke)
            .map_err(|why| Refusal::usage(format!("finding {id}: {why}")))?;
        if self.revoke {
            return self
                .take_back(&finding, &restorer, &content, &mut out)
                .await;
        }
        let (known, kept) = if self.allow_only {
            let known = restorer.allowances.find(&content).await;
            (known.map_err(Refusal::unavailable)?, None)
        } else {
            let looked = restorer.look(&finding, &content).await;
            looked.map_err(refused)?
        };
        let place = restorer.quarantine.place(&id);
        if kept.is_none() && !self.allow_only {
            return self.not_kept(&finding, known.as_ref(), place.as_deref(), &mut out);
        }
        let over = if self.overwrite {
            Over::Version
        } else {
            Over::Nothing
        };
        if self.dry_run {
            let would = if self.allow_only {
                None
            } else {
                let would = restorer.would(&finding, &content, over).await;
                would.map_err(refused)?
            };
            let stands = (known.as_ref(), kept.as_ref());
            return self.plan(&finding, stands, would.as_ref(), &mut out);
        }
        let wish = Wish {
            by: self.by.clone().unwrap_or_else(|| surroundings.user()),
            caller,
            why: self.reason.clone().unwrap_or_default(),
            allow_only: self.allow_only,
            over,
            end_copy: self.remove_copy,
            tag: settings.tag != Tagging::Off,
        };
        let restored = restorer
            .restore(&finding, content, &wish, Timestamp::now())
            .await
            .map_err(|error| match error {
                RestoreError::Store(error) => {
                    Refusal::unavailable(format!("{error}; {REMEMBERED}"))
                }
                error => refused(error),
            })?;
        let stands = (known.is_some(), kept.as_ref(), place.as_deref());
        self.tell(&finding, &restored, stands, &mut out)
    }

    async fn of_folder(
        &self,
        state: &std::path::Path,
        id: &FindingId,
    ) -> anyhow::Result<(Finding, Restorer, Option<String>)> {
        let restorer =
            app::restoring_folder(state, self.quarantine.clone()).map_err(plain_usage)?;
        let query = Query {
            from: self.since,
            ..Query::default()
        };
        let found = app::recorded(state, query).await.map_err(Refusal::usage)?;
        let found = found.into_iter().find(|finding| finding.id == *id);
        let finding = found.ok_or_else(|| unknown(id, &state.display().to_string()))?;
        Ok((finding, restorer, None))
    }

    async fn of_service(
        &self,
        settings: &Maintenance,
        surroundings: &Surroundings,
        id: &FindingId,
    ) -> anyhow::Result<(Finding, Restorer, Option<String>)> {
        let Some(place) = &settings.records else {
            return Err(Refusal::usage(
                "nobody says where findings lie: name the bucket with those of the service as \
                 records.bucket, or the place of those of a folder with --state DIR",
            )
            .into());
        };
        if settings.quarantine.is_none() && !self.allow_only && !self.revoke {
            return Err(Refusal::usage(
                "quarantine.bucket: missing; name the bucket that the service moves objects to",
            )
            .into());
        }
        let restoring = app::restoring(settings, surroundings.path_style())
            .await
            .map_err(Refusal::usage)?;
        // A clock that runs ahead dates an event tomorrow.
        let latest = date_of(Timestamp::now()).saturating_add(1.days());
        let found = app::find_back(&*restoring.records, id, latest, self.since)
            .await
            .map_err(Refusal::unavailable)?;
        let at = format!("s3://{}/{}", place.bucket, place.prefix);
        let finding = found.ok_or_else(|| unknown(id, &at))?;
        Ok((finding, restoring.restorer, restoring.caller))
    }

    async fn take_back(
        &self,
        finding: &Finding,
        restorer: &Restorer,
        content: &Content,
        out: &mut Out,
    ) -> anyhow::Result<u8> {
        let stood = if self.dry_run {
            restorer.allowances.find(content).await
        } else {
            restorer.allowances.revoke(content).await
        };
        let stood = stood.map_err(Refusal::unavailable)?;
        if self.json {
            let result = match (&stood, self.dry_run) {
                (None, _) => "not_allowed",
                (Some(_), true) => "would_revoke",
                (Some(_), false) => "revoked",
            };
            out.json(&Described {
                dry_run: self.dry_run,
                ..Described::of(finding, stood.as_ref(), None, result)
            })?;
            return Ok(exit::DONE);
        }
        headline(finding, out)?;
        let Some(stood) = stood else {
            out.line("No decision about it stands: there is nothing to take back.")?;
            return Ok(exit::DONE);
        };
        out.prose(None, &format!("  decided   {}", decision(&stood)))?;
        if self.dry_run {
            out.line("  would     take this decision back")?;
            out.line(out.paint(Ink::Faint, "Nothing was done (--dry-run)."))?;
        } else {
            out.line(out.paint(Ink::Good, "Revoked."))?;
            out.prose(None, REVOKED)?;
        }
        Ok(exit::DONE)
    }

    fn plan(
        &self,
        finding: &Finding,
        (known, kept): (Option<&Allowance>, Option<&Kept>),
        would: Option<&Returned>,
        out: &mut Out,
    ) -> anyhow::Result<u8> {
        let code = match would {
            None | Some(Returned::There(_)) => exit::DONE,
            Some(_) => exit::UNSURE,
        };
        if self.json {
            let result = match would {
                None if self.allow_only => "would_allow",
                None => "would_be_back",
                Some(would) => result_code(would),
            };
            out.json(&Described {
                dry_run: true,
                ..Described::of(finding, known, kept, result)
            })?;
            return Ok(code);
        }
        headline(finding, out)?;
        if let Some(known) = known {
            out.prose(None, &format!("  decided   {}", decision(known)))?;
        } else {
            out.line("  would     remember that exactly these bytes may lie under this key")?;
        }
        if let Some(kept) = kept {
            out.prose(None, &format!("  kept      {}", keeping(kept)))?;
            match would {
                None => out.line("  would     put it back, and read it back")?,
                Some(Returned::There(_)) => {
                    out.line("  would     put nothing back: the same bytes lie there already")?;
                }
                Some(other) => {
                    let place = Some(kept.place.as_str());
                    out.prose(Some(Ink::Bad), &trouble(finding, other, place))?;
                }
            }
        }
        out.line(out.paint(Ink::Faint, "Nothing was done (--dry-run)."))?;
        Ok(code)
    }

    fn not_kept(
        &self,
        finding: &Finding,
        known: Option<&Allowance>,
        place: Option<&str>,
        out: &mut Out,
    ) -> anyhow::Result<u8> {
        if self.json {
            out.json(&Described {
                looked_at: place,
                dry_run: self.dry_run,
                ..Described::of(finding, known, None, result_code(&Returned::NothingKept))
            })?;
        } else {
            headline(finding, out)?;
            if let Some(known) = known {
                out.prose(None, &format!("  decided   {}", decision(known)))?;
            }
            out.prose(Some(Ink::Bad), &nothing_kept(place))?;
        }
        Ok(exit::UNSURE)
    }

    fn tell(
        &self,
        finding: &Finding,
        restored: &Restored,
        (decided_before, kept, place): (bool, Option<&Kept>, Option<&str>),
        out: &mut Out,
    ) -> anyhow::Result<u8> {
        let returned = restored.returned.as_ref();
        let done = returned.is_none_or(|it| matches!(it, Returned::Back(_) | Returned::There(_)));
        let code = if done && restored.copy_trouble.is_none() {
            exit::DONE
        } else {
            exit::UNSURE
        };
        if self.json {
            let object = match returned {
                Some(Returned::Back(object) | Returned::There(object)) => Some(&object.pin),
                _ => None,
            };
            let result = returned.map_or("allowed", result_code);
            out.json(&Described {
                object,
                copy_removed: restored.copy_ended,
                copy_trouble: restored.copy_trouble.as_ref().map(copy_trouble),
                tagged: restored.tagged.as_ref().map(is_tagged),
                ..Described::of(finding, Some(&restored.allowance), kept, result)
            })?;
            return Ok(code);
        }
        headline(finding, out)?;
        out.prose(
            None,
            &format!("  decided   {}", decision(&restored.allowance)),
        )?;
        if decided_before {
            out.prose(Some(Ink::Faint), DECIDED_BEFORE)?;
        }
        match returned {
            None => {
                out.line(out.paint(Ink::Good, "Allowed: the service leaves these bytes alone."))?
            }
            Some(Returned::Back(object)) => {
                let version = object.pin.version.as_ref();
                let version = version.map(|version| format!(", version {}", version.as_str()));
                out.line(out.paint(
                    Ink::Good,
                    &format!(
                        "Back, read back and compared{}.",
                        version.unwrap_or_default()
                    ),
                ))?;
            }
            Some(Returned::There(_)) => {
                out.line(out.paint(Ink::Good, "The same bytes lie there already."))?;
            }
            Some(other) => out.prose(Some(Ink::Bad), &trouble(finding, other, place))?,
        }
        if let Some((ink, words)) = tagging(restored) {
            out.prose(Some(ink), words)?;
        }
        match (&restored.copy_trouble, kept) {
            _ if restored.copy_ended => out.line("The copy is removed from the quarantine.")?,
            (Some(trouble), Some(kept)) => {
                let line = format!("The copy stays ({}): {}", kept.place, copy_trouble(trouble));
                out.prose(Some(Ink::Warn), &line)?;
            }
            (None, Some(kept)) if done => out.prose(
                Some(Ink::Faint),
                &format!(
                    "The quarantine keeps its copy, until its lifecycle or --remove-copy ends it: {}",
                    kept.place
                ),
            )?,
            _ => {}
        }
        Ok(code)
    }
}

fn unknown(id: &FindingId, place: &str) -> Refusal {
    Refusal::usage(format!(
        "no finding {id} is recorded (records: {place}); check the id, or give the day of its event \
         with --since"
    ))
}

fn refused(error: RestoreError) -> Refusal {
    Refusal::unavailable(error)
}

fn plain_usage(error: anyhow::Error) -> Refusal {
    Refusal::usage(format!("{error:#}"))
}
