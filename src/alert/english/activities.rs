//! Security events in English.

use super::English;
use crate::alert::phrases::Activities;
use crate::alert::shown::number;
use crate::verdict::threat::Unassessed;

impl Activities for English {
    fn activity_title(
        &self,
        title: &str,
        rules: usize,
        count: u64,
        bucket: Option<&str>,
    ) -> String {
        let counted = match (count, rules) {
            (1, _) => title.to_owned(),
            (_, 0 | 1) => format!("{title} ({} events)", number(count)),
            (2, _) => format!("{title}, and 1 more event"),
            (_, _) => format!(
                "{title}, and {} more events",
                number(count.saturating_sub(1))
            ),
        };
        match bucket {
            Some(bucket) => format!("{counted}: bucket {bucket}"),
            None => counted,
        }
    }

    fn activity(&self, title: &str) -> String {
        format!("{title}.")
    }

    fn activities(&self, title: &str, rules: usize, count: u64) -> String {
        let count = number(count);
        if rules > 1 {
            format!("{count} security events happened within a short time; the gravest: {title}.")
        } else {
            format!("{title}, {count} times within a short time.")
        }
    }

    fn result(&self, error: Option<&str>) -> String {
        match error {
            Some(code) => format!("failed: {code}"),
            None => "succeeded".to_owned(),
        }
    }

    fn rules_only(&self, why: Option<Unassessed>) -> &'static str {
        match why {
            None | Some(Unassessed::NotAsked) => "rules only: no model was asked",
            Some(Unassessed::Unavailable) => "rules only: the model was unavailable",
            Some(Unassessed::Spent) => "rules only: the money for models is spent for today",
            Some(Unassessed::Unusable) => {
                "rules only: no model can be used until somebody fixes the settings or permissions"
            }
            Some(Unassessed::Refused) => "rules only: the model declined to answer",
            Some(Unassessed::Malformed) => "rules only: the model gave no usable answer",
        }
    }

    fn more_activities(&self, count: u64) -> String {
        format!("{} more", number(count))
    }

    fn left_alone(&self) -> &'static str {
        "Changed nothing: s3-warden reports security events and acts on none. There is nothing to \
         undo."
    }
}
