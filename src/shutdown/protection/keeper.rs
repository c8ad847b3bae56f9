//! Keeps us protected as the rule says, beside the work and without a word to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::rule::{Ask, Rule, Step};
use super::{ProtectError, Protection, ProtectionWatch, Protector};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, PROTECTED_MINUTES};

/// How long one call may take. The agent gives its own call of ECS 4 s (`ecs-agent/tmds` in
/// amazon-ecs-agent): longer, so that its answer is heard, and short enough for the end of a process.
const CALL: Duration = Duration::from_secs(5);

/// Asks for protection, and takes it back.
#[derive(Debug)]
pub struct Keeper {
    protector: Arc<dyn Protector>,
    protection: Protection,
    watch: Arc<dyn ProtectionWatch>,
    rule: Rule,
    /// The code of the failure that was said last, while nothing succeeded since.
    said: Option<&'static str>,
}

impl Keeper {
    /// Protects while something is held, for `most` in a row; zero never does.
    pub fn new(
        protector: Arc<dyn Protector>,
        most: Duration,
        protection: Protection,
        watch: Arc<dyn ProtectionWatch>,
    ) -> Self {
        Self {
            protector,
            protection,
            watch,
            rule: Rule::new(most),
            said: None,
        }
    }

    /// Runs until `ended`: after the work has drained. From `drain` on it asks for nothing more and
    /// lets go when nothing is in hand; what is held at the end is taken back by one last call.
    pub async fn run(mut self, drain: CancellationToken, ended: CancellationToken) {
        let mut work = self.protection.watch();
        loop {
            if drain.is_cancelled() {
                self.rule.drain();
            }
            let now = Instant::now();
            if ended.is_cancelled() {
                if self.rule.may_be_protected(now) {
                    self.call(Ask::Release).await;
                }
                return;
            }
            let busy = *work.borrow_and_update() > 0;
            let step = self.rule.step(now, busy);
            self.watch.protected(self.rule.is_protected(now));
            let until = match step {
                Step::Call(ask) => {
                    self.call(ask).await;
                    continue;
                }
                Step::Wait(until) => until,
            };
            let over = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The other end is ours too, so this never fails.
                _ = work.changed() => {}
                () = over => {}
                () = drain.cancelled(), if !drain.is_cancelled() => {}
                () = ended.cancelled() => {}
            }
        }
    }

    async fn call(&mut self, ask: Ask) {
        let made = Instant::now();
        let asking = async {
            match ask {
                Ask::Protect(minutes) => self.protector.protect(minutes).await,
                Ask::Release => self.protector.release().await,
            }
        };
        let late = || ProtectError::Unknown(format!("no answer within {} s", CALL.as_secs()));
        let result = timeout(CALL, asking).await.unwrap_or_else(|_| Err(late()));
        let now = Instant::now();
        self.rule.heard((made, now), ask, &result);
        let what = match ask {
            Ask::Protect(_) => "protect",
            Ask::Release => "release",
        };
        let result_code = result.as_ref().map_or_else(ProtectError::code, |()| "ok");
        self.watch.asked(what, result_code);
        self.watch.protected(self.rule.is_protected(now));
        match result {
            Ok(()) => {
                self.said = None;
                let minutes = match ask {
                    Ask::Protect(minutes) => minutes,
                    Ask::Release => 0,
                };
                tracing::debug!({ PROTECTED_MINUTES } = minutes, "task protection was set");
            }
            Err(error) => self.say(&error),
        }
    }

    /// Each kind of failure once, until something succeeds: protection spares people a delay, and
    /// its failing must not fill the log.
    fn say(&mut self, error: &ProtectError) {
        if self.said.replace(error.code()) == Some(error.code()) {
            return;
        }
        if *error == ProtectError::Blocked {
            tracing::info!("a deployment waits for this task: it is not protected for two minutes");
            return;
        }
        tracing::warn!(
            { ERROR_CODE } = error.code(),
            { ERROR_DETAIL } = %error,
            "task protection could not be set, and nothing else changes: a scale-in or a \
             deployment may stop this task between a removal and its alert"
        );
    }
}
