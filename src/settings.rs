//! How settings are checked: all mistakes are gathered, then reported together.
//!
//! Every room turns its raw settings into valid ones and notes here what it could not take. A
//! message names the setting and the remedy; it never repeats a value that may be secret.

use std::fmt;

/// One mistake in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, dotted as in the file: `limits.concurrency`.
    pub key: String,
    /// What is wrong and what to do: lowercase, no full stop.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// The mistakes found so far, in the order in which they were found.
///
/// ```
/// use s3_warden::settings::Problems;
///
/// let mut problems = Problems::new();
/// problems.add("limits.concurrency", "must be 1 or more");
/// problems.add("intake.buckets", "name at least one bucket");
/// let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
/// assert_eq!(lines[0], "limits.concurrency: must be 1 or more");
/// assert_eq!(lines.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a mistake.
    pub fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            key: key.into(),
            message: message.into(),
        });
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes, in order.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// Walks the mistakes, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
