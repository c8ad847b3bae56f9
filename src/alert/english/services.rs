//! What the service says of itself, in English.

use super::{English, noun};
use crate::alert::Stopped;
use crate::alert::phrases::{ServiceKind, Services};
use crate::alert::shown::number;

impl Services for English {
    fn service_title(&self, kind: ServiceKind) -> &'static str {
        match kind {
            ServiceKind::Paused(Stopped::Uploads) => "s3-warden has stopped checking uploads",
            ServiceKind::Paused(Stopped::Events) => "s3-warden has stopped reading security events",
            ServiceKind::Paused(Stopped::Both) => {
                "s3-warden has stopped checking uploads and reading security events"
            }
            ServiceKind::BreakerOpen => "s3-warden has stopped removing files",
            ServiceKind::BudgetSpent => "Uploads wait: the budget of the day is spent",
            ServiceKind::Recovered => "s3-warden can send alerts again",
        }
    }

    fn paused(&self, stopped: Stopped, why: &str) -> String {
        let title = self.service_title(ServiceKind::Paused(stopped));
        format!("{title}: {why}.")
    }

    fn breaker_open(&self, limit_per_minute: u32) -> String {
        let limit = u64::from(limit_per_minute);
        format!(
            "s3-warden has stopped removing files: more than {} {} with personal data {} to be \
             removed within a minute, the most that limits.deletions_per_minute allows. What is \
             found from now on stays in place and is put on hold.",
            number(limit),
            noun(limit, "file", "files"),
            noun(limit, "was", "were"),
        )
    }

    fn budget_spent(&self, budget: Option<&str>, until: &str, events_flow: bool) -> String {
        let events = if events_flow {
            "Security events are reported all the same, by the rules alone."
        } else {
            "Security events that come on the same queue wait with them; with a queue of their own \
             (the setting queue.events_url) they would not."
        };
        let budget = budget.map(|budget| format!(" ({budget})"));
        format!(
            "The money for models is spent for today{}: uploads wait in the queue and are checked \
             from {until} on. {events}",
            budget.unwrap_or_default()
        )
    }

    fn recovered(&self, lasted: &str, failures: u32) -> String {
        let failures = u64::from(failures);
        format!(
            "For {lasted} no alerts could be sent ({} failed {}); now they can. What waited \
             follows.",
            number(failures),
            noun(failures, "attempt", "attempts"),
        )
    }

    fn service_step(&self, kind: ServiceKind) -> &'static str {
        match kind {
            ServiceKind::Paused(Stopped::Uploads) => {
                "Fix the cause named here. New uploads wait in the queue meanwhile and are checked \
                 afterwards; s3-warden goes on by itself once it can."
            }
            ServiceKind::Paused(Stopped::Events) => {
                "Fix the cause named here. Security events wait in their queue meanwhile and are \
                 reported afterwards; s3-warden goes on by itself once it can. Uploads are not \
                 concerned."
            }
            ServiceKind::Paused(Stopped::Both) => {
                "Fix the cause named here. New uploads and security events wait in their queues \
                 meanwhile and are dealt with afterwards; s3-warden goes on by itself once it can."
            }
            ServiceKind::BreakerOpen => {
                "Check now whether so many such files are to be expected. If they are, run \
                 `s3-warden breaker reset --apply-held`: what is on hold is removed, and so is what \
                 is found from then on; without --apply-held, what is on hold stays. If not, stop \
                 the uploads first. `s3-warden breaker status` lists what is on hold."
            }
            ServiceKind::BudgetSpent => {
                "If uploads must not wait so long, raise the setting model.usd_per_day; otherwise \
                 you need not do anything."
            }
            ServiceKind::Recovered => {
                "Look at the times in the alerts that come now: they may tell of what happened \
                 while none could be sent."
            }
        }
    }
}
