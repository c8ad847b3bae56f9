//! One thing that is wrong for each row, and how the row has to come out.

mod incoming;
mod outgoing;
mod own;

use s3_warden::maintenance::doctor::Check;

use super::ASKED;
use super::aws::{ACCOUNT, Twist};

/// A thing that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The row that shows it.
    pub(crate) check: Check,
    pub(crate) resource: &'static str,
    pub(crate) status: &'static str,
    /// Words of it.
    pub(crate) finding: &'static str,
    pub(crate) remedy: &'static str,
    /// Rows that depend on it.
    pub(crate) behind: &'static [Check],
    /// The same of other things.
    pub(crate) also: &'static [(Check, &'static str)],
    pub(crate) twists: Vec<Twist>,
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) region: &'static str,
    pub(crate) arguments: &'static [&'static str],
}

const EAST: &str = "us-east-1";

impl Case {
    fn new(check: Check, resource: &'static str, status: &'static str) -> Self {
        Self {
            check,
            resource,
            status,
            finding: "",
            remedy: "",
            behind: &[],
            also: &[],
            twists: Vec::new(),
            settings: Vec::new(),
            region: EAST,
            arguments: ASKED,
        }
    }

    fn says(mut self, finding: &'static str, remedy: &'static str) -> Self {
        (self.finding, self.remedy) = (finding, remedy);
        self
    }

    fn behind(mut self, behind: &'static [Check]) -> Self {
        self.behind = behind;
        self
    }

    fn also(mut self, also: &'static [(Check, &'static str)]) -> Self {
        self.also = also;
        self
    }

    fn with(mut self, twist: Twist) -> Self {
        self.twists.push(twist);
        self
    }

    fn set(mut self, name: &'static str, value: impl ToString) -> Self {
        self.settings.push((name, value.to_string()));
        self
    }
}

fn say(action: &'static str, about: &str, body: impl Into<String>) -> Twist {
    Twist::Say(action, about.to_owned(), body.into())
}

fn refuse(action: &'static str, about: &str, status: u16, code: &'static str) -> Twist {
    Twist::Refuse(action, about.to_owned(), status, code)
}

fn uploads_arn() -> String {
    format!("arn:aws:sqs:{EAST}:{ACCOUNT}:uploads")
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = incoming::identity();
    cases.extend(incoming::queues());
    cases.extend(incoming::buckets());
    cases.extend(own::quarantine());
    cases.extend(own::records());
    cases.extend(outgoing::alerts());
    cases.extend(outgoing::models());
    cases.extend(outgoing::events());
    cases.extend([
        Case::new(Check::Drain, "", "warning")
            .says("200", "105 or less")
            .set("WARDEN_LIMITS__DRAIN_SECONDS", 200),
        Case::new(Check::Memory, "", "problem")
            .says("limits.memory_bytes is 1048576 MiB", "limits.memory_bytes")
            .set("WARDEN_LIMITS__MEMORY_BYTES", 1_u64 << 40),
        Case::new(Check::Memory, "", "not_checked")
            .says("not seen from here", "give the task at least")
            .set("ECS_CONTAINER_METADATA_URI_V4", ""),
    ]);
    cases
}
