//! Not more dollars in a day (UTC) than the budget, over the whole fleet and over restarts.
//!
//! What the fleet has spent lies in an account outside of the process. This task reports its own
//! spending there every quarter of a minute and learns the sum; in between it adds what it has
//! spent since, and for calls under way the most that they can cost. So the budget can be passed by
//! what the other tasks spend in a quarter of a minute, and by no more.
//!
//! While the account cannot be read nothing is called: nobody would know how much is left. One
//! that was read is good for five minutes, so that a passing fault stops nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::model::{
    Meter, Model, ModelError, ModelReply, ModelRequest, Prices, Spending, SpendingError, Tokens,
    waiting,
};
use crate::telemetry::vocabulary::ERROR_DETAIL;

/// The name of the wait for the first report, as health and metrics show it.
const WAIT: &str = "budget_account";

/// How often own spending is reported. Longer, and a fleet overspends; shorter, and the account is
/// written for nothing.
const REPORT_EVERY: Duration = Duration::from_secs(15);

/// How long one report may take.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an account that was read is believed.
const BELIEVED: Duration = Duration::from_secs(300);

/// The next day has certainly begun when it has begun this long ago by our clock.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(1);

/// A decorator that refuses calls when the money of the day is spent.
#[derive(Debug)]
pub struct Budget {
    inner: Arc<dyn Model>,
    spending: Arc<dyn Spending>,
    limit_usd: f64,
    prices: Arc<Prices>,
    meter: Arc<dyn Meter>,
    clock: Arc<dyn Clock>,
    account: Mutex<Account>,
    /// Whether the first report has been tried.
    tried: watch::Sender<bool>,
    /// Money set aside was given back.
    returned: Notify,
}

#[derive(Debug)]
struct Account {
    day: Date,
    /// Spent by this task on that day.
    own: f64,
    /// The part of it that the sum below holds.
    reported: f64,
    /// Spent by all tasks on that day, and when we heard.
    fleet: Option<(f64, Instant)>,
    /// What calls under way can cost at most.
    reserved: f64,
    /// A day gone whose last spending is not reported yet.
    gone: Option<(Date, f64)>,
    /// Whether it was said that this day's money is spent.
    said: bool,
}

impl Account {
    fn of(day: Date) -> Self {
        Self {
            day,
            own: 0.0,
            reported: 0.0,
            fleet: None,
            reserved: 0.0,
            gone: None,
            said: false,
        }
    }

    /// Turns the page when another day has come. Of a new day it is known that nobody has spent
    /// anything yet, as well as the old one's sum was known.
    fn turn_to(&mut self, day: Date) {
        if day <= self.day {
            return;
        }
        let old = std::mem::replace(self, Self::of(day));
        self.fleet = old.fleet.map(|(_, heard)| (0.0, heard));
        self.reserved = old.reserved;
        self.gone = (old.own > old.reported)
            .then_some((old.day, old.own))
            .or(old.gone);
    }

    /// What is spent, if anybody knows; what calls under way may cost is not in it.
    fn sum(&self) -> Option<f64> {
        let (fleet, heard) = self.fleet?;
        let known = heard.elapsed() <= BELIEVED;
        known.then_some(fleet + (self.own - self.reported))
    }
}

impl Budget {
    /// A budget of `limit_usd` (above zero) a day. Calls wait until [`Budget::run`] has tried its
    /// first report: without it running they wait for ever.
    pub fn new(
        inner: Arc<dyn Model>,
        limit_usd: f64,
        spending: Arc<dyn Spending>,
        prices: Arc<Prices>,
        meter: Arc<dyn Meter>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let account = Account::of(day_of(clock.as_ref()));
        Self {
            inner,
            spending,
            limit_usd,
            prices,
            meter,
            clock,
            account: Mutex::new(account),
            tried: watch::Sender::new(false),
            returned: Notify::new(),
        }
    }

    /// Reports own spending at once, every 15 seconds, and a last time when asked to stop: cancel
    /// `stop` after the last call has ended.
    pub async fn run(&self, stop: CancellationToken) {
        let mut every = tokio::time::interval(REPORT_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            let stopped = tokio::select! {
                () = stop.cancelled() => true,
                _ = every.tick() => false,
            };
            let reported = self.report().await;
            match &reported {
                Ok(()) if failing => tracing::info!("account of spending is read again"),
                // Once, not every quarter of a minute.
                Err(error) if !failing => {
                    tracing::warn!({ ERROR_DETAIL } = %error, "spending not reported")
                }
                _ => {}
            }
            failing = reported.is_err();
            self.tried.send_replace(true);
            if stopped {
                return;
            }
        }
    }

    /// The part of the day's money that is spent, by all tasks as far as was last heard: above 1 where
    /// it was passed, and nothing before the account was read for the first time. For the rest of a
    /// day on which a call was refused it is 1 at least: what is left is less than a call may cost, and
    /// whoever was refused has put its work off to the next day. A smaller call that still fits does
    /// not bring that work back.
    pub fn spent_ratio(&self) -> Option<f64> {
        let account = self.today();
        let (fleet, _) = account.fleet?;
        let ratio = (fleet + account.own - account.reported).max(0.0) / self.limit_usd;
        Some(match account.said {
            true => ratio.max(1.0),
            false => ratio,
        })
    }

    async fn report(&self) -> Result<(), SpendingError> {
        let (gone, day, own) = {
            let account = self.today();
            (account.gone, account.day, account.own)
        };
        if let Some((day, own)) = gone {
            self.say(day, own).await?;
            self.lock().gone = None;
        }
        let total = self.say(day, own).await?;
        let mut account = self.lock();
        if account.day == day {
            account.reported = own;
            account.fleet = Some((total, Instant::now()));
        }
        Ok(())
    }

    async fn say(&self, day: Date, own: f64) -> Result<f64, SpendingError> {
        let report = self.spending.report(day, own);
        match tokio::time::timeout(REPORT_TIMEOUT, report).await {
            Ok(Ok(total)) if total.is_finite() => Ok(total.max(own)),
            Ok(Ok(_)) => Err(SpendingError("its sum is no number".to_owned())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SpendingError("no answer in time".to_owned())),
        }
    }

    /// Sets aside what a call can cost at most; `None` when only calls under way stand against it,
    /// which give back what they did not need.
    fn reserve(&self, usd: f64) -> Result<Option<Reservation<'_>>, ModelError> {
        let mut account = self.today();
        let Some(sum) = account.sum() else {
            return Err(ModelError::Unavailable(
                "the account of spending cannot be read, so nobody knows what is left of \
                 model.usd_per_day"
                    .to_owned(),
            ));
        };
        if sum + usd > self.limit_usd {
            let until = self.until_tomorrow(account.day);
            let first = !std::mem::replace(&mut account.said, true);
            drop(account);
            if first {
                self.meter.spent(sum, self.limit_usd);
            }
            return Err(ModelError::Spent { until });
        }
        if account.reserved > 0.0 && sum + account.reserved + usd > self.limit_usd {
            return Ok(None);
        }
        account.reserved += usd;
        Ok(Some(Reservation {
            budget: self,
            reserved: usd,
            spent: usd,
        }))
    }

    /// As [`Budget::reserve`], waiting for calls under way.
    async fn set_aside(&self, usd: f64) -> Result<Reservation<'_>, ModelError> {
        loop {
            // Listened to before the look, so that what is given back in between is not missed.
            let returned = self.returned.notified();
            if let Some(reservation) = self.reserve(usd)? {
                return Ok(reservation);
            }
            let (_, waited) = waiting(returned).await;
            self.meter.waited(WAIT, waited);
        }
    }

    fn until_tomorrow(&self, day: Date) -> Duration {
        let midnight = day
            .tomorrow()
            .and_then(|next| next.to_zoned(TimeZone::UTC))
            .map(|next| next.timestamp());
        let left = midnight.map(|midnight| midnight.duration_since(self.clock.now()));
        let left = left.ok().and_then(|left| Duration::try_from(left).ok());
        left.unwrap_or_default() + AFTER_MIDNIGHT
    }

    /// The account, on the page of today.
    fn today(&self) -> MutexGuard<'_, Account> {
        let day = day_of(self.clock.as_ref());
        let mut account = self.lock();
        account.turn_to(day);
        account
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn day_of(clock: &dyn Clock) -> Date {
    clock.now().to_zoned(TimeZone::UTC).date()
}

/// Money set aside for one call. A call that is abandoned is booked in full: nobody will hear
/// what it has cost.
struct Reservation<'a> {
    budget: &'a Budget,
    reserved: f64,
    spent: f64,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut account = self.budget.today();
        account.reserved = (account.reserved - self.reserved).max(0.0);
        account.own += self.spent;
        drop(account);
        self.budget.returned.notify_waiters();
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Model for Budget {
    async fn converse(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let mut tried = self.tried.subscribe();
        if !*tried.borrow_and_update() {
            let (_, waited) = waiting(tried.wait_for(|tried| *tried)).await;
            self.meter.waited(WAIT, waited);
        }
        let mut reservation = self.set_aside(self.prices.reservation_usd(request)).await?;
        let answer = self.inner.converse(request).await;
        reservation.spent = match &answer {
            Ok(reply) => reply.usage.usd,
            // What was sent may have been read, and charged for.
            Err(ModelError::Unavailable(_)) => {
                let tokens = Tokens {
                    input: self.prices.input_tokens(request),
                    output: 0,
                };
                self.prices.usd(&request.model, tokens)
            }
            Err(_) => 0.0,
        };
        answer
    }
}
