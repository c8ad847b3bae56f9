//! The service's own bounds, against what it runs in.

use std::time::Duration;

use super::Scene;
use crate::maintenance::doctor::report::{Check, Row, Status};

/// Fargate stops a container 120 s after it was asked to end; the last calls take 15 s.
const LONGEST_DRAIN: Duration = Duration::from_secs(105);

/// What the service takes besides the pictures that it looks at.
const BESIDES: u64 = 256 << 20;

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    rows.push(drain(scene.wanted.drain));
    rows.push(memory(scene.wanted.memory_bytes, scene.wanted.memory_there));
}

fn drain(drain: Duration) -> Row {
    let finding = format!("limits.drain_seconds is {}", drain.as_secs());
    if drain <= LONGEST_DRAIN {
        return Row::ok(Check::Drain, "", finding);
    }
    Row::of(
        Status::Warning,
        Check::Drain,
        "",
        finding,
        "set limits.drain_seconds to 105 or less: Fargate ends a container 120 s after it was asked \
         to stop",
    )
}

fn memory(planned: u64, there: Option<u64>) -> Row {
    let check = Check::Memory;
    let mib = |bytes: u64| bytes >> 20;
    let Some(there) = there else {
        return Row::of(
            Status::NotChecked,
            check,
            "",
            format!(
                "limits.memory_bytes is {} MiB; how much the service's container has is not seen \
                 from here",
                mib(planned)
            ),
            format!(
                "give the task at least {} MiB",
                mib(planned.saturating_add(BESIDES))
            ),
        );
    };
    let finding = format!(
        "limits.memory_bytes is {} MiB, and this place has {} MiB",
        mib(planned),
        mib(there)
    );
    let needed = planned.saturating_add(BESIDES);
    if needed <= there {
        return Row::ok(check, "", finding);
    }
    let status = if planned >= there {
        Status::Problem
    } else {
        Status::Warning
    };
    let fitting = mib(there.saturating_sub(BESIDES)) << 20;
    Row::of(
        status,
        check,
        "",
        finding,
        format!(
            "give the task at least {} MiB, or set limits.memory_bytes to {fitting} or less",
            mib(needed)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_fit_into_what_there_is() {
        let memory = |planned: u64, there| memory(planned << 20, there).status;
        let mib = |n: u64| Some(n << 20);
        assert_eq!(memory(512, mib(2048)), Status::Ok);
        assert_eq!(memory(512, mib(768)), Status::Ok);
        assert_eq!(memory(512, mib(767)), Status::Warning);
        assert_eq!(memory(512, mib(512)), Status::Problem);
        assert_eq!(memory(512, None), Status::NotChecked);
        assert_eq!(drain(Duration::from_secs(105)).status, Status::Ok);
        assert_eq!(drain(Duration::from_secs(106)).status, Status::Warning);
    }
}
