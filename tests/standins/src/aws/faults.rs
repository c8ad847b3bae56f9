//! What goes wrong on demand, by operation, and how often each operation was called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happens to a call instead of, or after, its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// An error, and nothing is done.
    Status {
        /// The HTTP status.
        status: u16,
        /// The error's code, such as `SlowDown`.
        code: String,
    },
    /// The work is done late.
    Delay {
        /// So many milliseconds.
        ms: u64,
    },
    /// The connection is closed, and nothing is done.
    HangUp,
    /// The work is done, and then the connection is closed: the caller can't know.
    DropAfter,
}

/// A mishap for the next calls of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The operation, such as `s3:GetObject`, or `*` for each.
    pub operation: String,
    /// For so many calls.
    pub times: u32,
    /// What happens.
    pub mishap: Mishap,
}

/// The troubles to come, and the calls so far.
#[derive(Debug, Default)]
pub(super) struct Desk {
    troubles: Vec<Trouble>,
    pub(super) calls: BTreeMap<String, u64>,
}

impl Desk {
    pub(super) fn add(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
    }

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Counts a call, and says what goes wrong with it.
    pub(super) fn call(&mut self, operation: &str) -> Option<Mishap> {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        self.troubles.retain(|trouble| trouble.times > 0);
        let hit =
            |trouble: &&mut Trouble| trouble.operation == "*" || trouble.operation == operation;
        let trouble = self.troubles.iter_mut().find(hit)?;
        trouble.times -= 1;
        Some(trouble.mishap.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_hit_their_operation_so_often() {
        let mut desk = Desk::default();
        desk.add(Trouble {
            operation: "s3:GetObject".to_owned(),
            times: 2,
            mishap: Mishap::HangUp,
        });
        assert_eq!(desk.call("s3:PutObject"), None);
        assert_eq!(desk.call("s3:GetObject"), Some(Mishap::HangUp));
        assert_eq!(desk.call("s3:GetObject"), Some(Mishap::HangUp));
        assert_eq!(desk.call("s3:GetObject"), None);
        assert_eq!(desk.calls["s3:GetObject"], 3);
    }
}
