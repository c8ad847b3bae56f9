//! Who we are and how late it is, both by AWS STS: whoever has credentials may ask it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use jiff::{SignedDuration, Timestamp};

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::clock::{Clock, SystemClock};
use crate::maintenance::doctor::{Answer, Asker, Skew, SurveyError};

const CALL: &str = "sts:GetCallerIdentity";

pub(super) async fn asker(clients: &Clients) -> Answer<Asker> {
    let answer = clients.sts.get_caller_identity().send().await;
    let answer = answer.map_err(|error| failure(CALL, &error, Told::Message))?;
    match (answer.account(), answer.arn()) {
        (Some(account), Some(arn)) => Ok(Asker {
            account: account.to_owned(),
            arn: arn.to_owned(),
        }),
        _ => Err(SurveyError::Odd(format!("{CALL}: no caller is named"))),
    }
}

/// When a request left, when its answer came, and what time AWS wrote on it.
#[derive(Clone, Copy, Debug)]
struct Times {
    sent: Timestamp,
    came: Timestamp,
    told: Timestamp,
}

/// Notes the times of each attempt; the last one counts.
#[derive(Clone, Debug, Default)]
struct Watch {
    sent: Arc<Mutex<Option<Timestamp>>>,
    times: Arc<Mutex<Option<Times>>>,
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "s3-warden-clock"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(SystemClock.now());
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let came = SystemClock.now();
        let sent = *self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let told = context.response().headers().get("date").and_then(parsed);
        if let (Some(sent), Some(told)) = (sent, told) {
            let times = Times { sent, came, told };
            *self.times.lock().unwrap_or_else(PoisonError::into_inner) = Some(times);
        }
        Ok(())
    }
}

/// The time of a header such as `Sun, 22 Nov 2026 12:00:00 GMT`.
fn parsed(header: &str) -> Option<Timestamp> {
    let time = DateTime::from_str(header, Format::HttpDate).ok()?;
    Timestamp::from_second(time.secs()).ok()
}

/// Taken from the answer, whatever it says: a clock that is far off is refused, and told the time.
pub(super) async fn skew(clients: &Clients) -> Answer<Skew> {
    let watch = Watch::default();
    let ask = clients.sts.get_caller_identity().customize();
    let answer = ask.interceptor(watch.clone()).send().await;
    let times = *watch.times.lock().unwrap_or_else(PoisonError::into_inner);
    match (times, answer) {
        (Some(times), _) => Ok(between(times)),
        (None, Err(error)) => Err(failure(CALL, &error, Told::Message)),
        (None, Ok(_)) => Err(SurveyError::Odd(format!("{CALL}: the answer has no date"))),
    }
}

/// AWS wrote the time somewhere on the way: half of it is the best guess, and half of it the most
/// by which that can be wrong.
fn between(times: Times) -> Skew {
    let half = times.came.duration_since(times.sent) / 2;
    let here = times.sent + half;
    // The header has whole seconds, cut off: on average half a second is missing.
    let there = times.told + SignedDuration::from_millis(500);
    Skew {
        ahead: here.duration_since(there),
        unsure: half,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_way_is_when_the_time_was_written() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let skew = between(Times {
            sent: at("2026-11-22T12:00:00Z"),
            came: at("2026-11-22T12:00:10Z"),
            told: parsed("Sun, 22 Nov 2026 11:58:00 GMT").unwrap(),
        });
        assert_eq!(skew.unsure, SignedDuration::from_secs(5));
        assert_eq!(skew.ahead, SignedDuration::from_millis(124_500));
        assert_eq!(parsed("yesterday"), None);
    }
}
