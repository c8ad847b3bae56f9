//! Copies of alerts to other services of AWS: findings into Security Hub, events onto a bus of
//! EventBridge. Each is built only with its feature, since its SDK is heavy and few want it.
//!
//! Nothing hangs on a copy: the topic of SNS is what makes an alert told. What these two publish
//! comes back to EventBridge (a bus of the account, and `Security Hub Findings - Imported`), and
//! nothing that we take in reads those: our queues carry uploads, calls in CloudTrail and findings of
//! GuardDuty, told apart by source and detail type, and anything else is parked. A rule that sends
//! our own events to our own queue would fill its dead-letter queue and cause no alert.

#[cfg(feature = "securityhub")]
mod asff;
#[cfg(feature = "eventbridge")]
mod event_bus;
#[cfg(feature = "securityhub")]
mod security_hub;

#[cfg(feature = "eventbridge")]
pub use event_bus::EventBus;
#[cfg(feature = "securityhub")]
pub use security_hub::SecurityHub;

use super::fault::Fault;
use crate::alert::NotifyError;

/// A whole call failed.
fn sorted(fault: &Fault, remedy: &str) -> NotifyError {
    let sentence = fault.sentence();
    match fault.is_passing() {
        true => NotifyError::Unavailable(sentence),
        false => NotifyError::Refused(format!("{sentence}{remedy}")),
    }
}

/// One entry of a call that succeeded failed. Of an answer's words only the code is told: the rest
/// may quote what was sent.
fn entry_failed(call: &str, code: Option<&str>) -> NotifyError {
    let code = code.unwrap_or("unknown");
    let sentence = format!("{call}: {code}, in an answer of success");
    let passes = ["Internal", "Throttl", "TooMany", "ServiceUnavailable"];
    match passes.iter().any(|word| code.contains(word)) {
        true => NotifyError::Unavailable(sentence),
        false => NotifyError::Refused(sentence),
    }
}
