//! When the rule asks and when it lets go, told as stories of work in whole seconds.

use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use crate::shutdown::protection::ProtectError;
use crate::shutdown::protection::rule::{Ask, REST, Rule, SPACING, Step};

const MINUTE: u64 = 60;

/// What comes of a call, and whether ECS did as it was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Done,
    Blocked,
    Refused,
    Unreachable,
    LostBefore,
    LostAfter,
}

impl Fate {
    fn result(self) -> Result<(), ProtectError> {
        let why = String::new;
        match self {
            Self::Done => Ok(()),
            Self::Blocked => Err(ProtectError::Blocked),
            Self::Refused => Err(ProtectError::Refused(why())),
            Self::Unreachable => Err(ProtectError::Unreachable(why())),
            Self::LostBefore | Self::LostAfter => Err(ProtectError::Unknown(why())),
        }
    }
}

/// A call: when, what, and what came of it.
type Called = (u64, Ask, Fate);

struct Story {
    most: u64,
    work: Vec<Range<u64>>,
    drained_at: Option<u64>,
    until: u64,
}

impl Story {
    fn of(minutes: u64, work: impl IntoIterator<Item = Range<u64>>) -> Self {
        Self {
            most: minutes * MINUTE,
            work: work.into_iter().collect(),
            drained_at: None,
            until: 24 * 3600,
        }
    }

    /// Every call, each with the next of these fates, and done after the last of them.
    fn told(&self, fates: &[Fate]) -> Vec<Called> {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut rule = Rule::new(Duration::from_secs(self.most));
        let (mut second, mut calls) = (0, Vec::new());
        loop {
            assert!(calls.len() < 100_000, "it calls for ever");
            if self.drained_at.is_some_and(|drained| drained <= second) {
                rule.drain();
            }
            let busy = self.work.iter().any(|work| work.contains(&second));
            match rule.step(at(second), busy) {
                Step::Call(ask) => {
                    let fate = fates.get(calls.len()).copied().unwrap_or(Fate::Done);
                    calls.push((second, ask, fate));
                    let now = at(second);
                    rule.heard((now, now), ask, &fate.result());
                }
                Step::Wait(until) => {
                    let until = until.map(|until| (until - start).as_secs());
                    let changes = self.work.iter().flat_map(|work| [work.start, work.end]);
                    let next = changes.chain(self.drained_at).chain(until);
                    let Some(next) = next.filter(|next| *next > second).min() else {
                        return calls;
                    };
                    if next >= self.until {
                        return calls;
                    }
                    second = next;
                }
            }
        }
    }
}

#[track_caller]
fn check(story: &Story, fates: &[Fate], expected: &[(u64, Ask)]) {
    let calls = story.told(fates).into_iter();
    let calls: Vec<_> = calls.map(|(second, ask, _)| (second, ask)).collect();
    assert_eq!(calls, expected, "{:?}", story.work);
}

use Ask::{Protect, Release};

#[test]
fn a_flurry_costs_two_calls() {
    check(&Story::of(10, []), &[], &[]);
    check(&Story::of(0, Some(0..9000)), &[], &[]);
    check(
        &Story::of(10, Some(3..5)),
        &[],
        &[(3, Protect(10)), (20, Release)],
    );
    let flurry = (0..20).map(|number| number * 14..number * 14 + 1);
    check(
        &Story::of(10, flurry),
        &[],
        &[(0, Protect(10)), (19 * 14 + 1 + 15, Release)],
    );
    // Long work and nothing else: it lingers from its end.
    check(
        &Story::of(10, Some(0..300)),
        &[],
        &[(0, Protect(10)), (315, Release)],
    );
}

#[test]
fn a_load_without_gaps_rests_after_each_row() {
    let most = 10 * MINUTE;
    let mut story = Story::of(10, Some(0..9 * most));
    story.until = 3 * (most + REST.as_secs());
    let rows = (0..3).flat_map(|row| {
        let begins = row * (most + REST.as_secs());
        [(begins, Protect(10)), (begins + most, Release)]
    });
    let rows: Vec<_> = rows.collect();
    check(&story, &[], &rows);

    let mut short = Story::of(1, Some(0..9000));
    short.until = 400;
    check(
        &short,
        &[],
        &[
            (0, Protect(1)),
            (60, Release),
            (180, Protect(1)),
            (240, Release),
            (360, Protect(1)),
        ],
    );
}

#[test]
fn long_rows_are_renewed_and_never_run_over() {
    let mut story = Story::of(25, Some(0..9000));
    story.until = 1600;
    check(
        &story,
        &[],
        &[
            (0, Protect(10)),
            (480, Protect(10)),
            (960, Protect(9)),
            (1500, Release),
        ],
    );
    // Two days at the most: still in small steps.
    let mut days = Story::of(2880, Some(0..400_000));
    days.until = 2880 * MINUTE + 30;
    let calls = days.told(&[]);
    assert_eq!(calls.last().unwrap().1, Release);
    assert!(
        calls
            .iter()
            .all(|call| call.1 == Release || call.1 == Protect(10) || call.0 > 2870 * MINUTE)
    );
}

#[test]
fn short_gaps_do_not_begin_a_new_row() {
    // Released in the first gap; what is left of the row is asked for again, and no more.
    check(
        &Story::of(10, [0..540, 556..800]),
        &[],
        &[
            (0, Protect(10)),
            (555, Release),
            (560, Protect(1)),
            (600, Release),
            (720, Protect(10)),
            (815, Release),
        ],
    );
    // A gap as long as a rest does.
    check(
        &Story::of(10, [0..540, 675..700]),
        &[],
        &[
            (0, Protect(10)),
            (555, Release),
            (675, Protect(10)),
            (715, Release),
        ],
    );
}

#[test]
fn who_drains_asks_no_more_and_lets_go_early() {
    let mut story = Story::of(10, Some(0..100));
    story.drained_at = Some(30);
    check(&story, &[], &[(0, Protect(10)), (100, Release)]);
    let mut lingering = Story::of(10, Some(0..100));
    lingering.drained_at = Some(107);
    check(&lingering, &[], &[(0, Protect(10)), (107, Release)]);
    let mut late = Story::of(10, Some(50..100));
    late.drained_at = Some(40);
    check(&late, &[], &[]);
    let mut long = Story::of(25, Some(0..9000));
    long.drained_at = Some(100);
    check(&long, &[], &[(0, Protect(10))]);
}

#[test]
fn what_fails_is_tried_again_more_and_more_slowly() {
    use Fate::{Done, LostAfter, Refused, Unreachable};
    let mut story = Story::of(10, Some(0..200));
    story.until = 230;
    check(
        &story,
        &[Unreachable, Refused, Unreachable, Done],
        &[
            (0, Protect(10)),
            (5, Protect(10)),
            (15, Protect(10)),
            (35, Protect(10)),
            (215, Release),
        ],
    );
    // It may have arrived: asked again, and let go in any case.
    check(
        &Story::of(10, Some(0..2)),
        &[LostAfter],
        &[(0, Protect(10)), (17, Release)],
    );
    // What cannot be released lapses.
    let calls = Story::of(10, Some(0..2)).told(&[Done; 1]);
    assert_eq!(calls.len(), 2);
    let mut fates = vec![Done];
    fates.extend([Unreachable; 99]);
    let calls = Story::of(10, Some(0..2)).told(&fates);
    assert!(calls.len() < 10, "{calls:?}");
    assert!(calls.iter().all(|call| call.0 < 630), "{calls:?}");
}

#[test]
fn a_waiting_deployment_gets_its_rest() {
    use Fate::{Blocked, Done};
    let mut story = Story::of(10, Some(0..9000));
    story.until = 300;
    check(&story, &[Blocked], &[(0, Protect(10)), (120, Protect(10))]);
    let mut long = Story::of(30, Some(0..9000));
    long.until = 700;
    check(
        &long,
        &[Done, Blocked],
        &[
            (0, Protect(10)),
            (480, Protect(10)),
            (485, Release),
            (605, Protect(10)),
        ],
    );
}

/// How ECS sees it: from when until when the task cannot be taken.
fn taken_away(calls: &[Called], until: u64) -> Vec<Range<u64>> {
    let mut spans: Vec<Range<u64>> = Vec::new();
    for (second, ask, fate) in calls {
        if !matches!(fate, Fate::Done | Fate::LostAfter) {
            continue;
        }
        // What was protected until later is now protected until this.
        if let Some(last) = spans.last_mut() {
            last.end = last.end.min(*second);
        }
        if let Ask::Protect(minutes) = ask {
            spans.push(*second..(*second + u64::from(*minutes) * MINUTE).min(until));
        }
    }
    spans
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Done),
        1 => Just(Fate::Blocked),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Unreachable),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::LostAfter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the work and whatever fails: a deployment that waits gets a rest as long as any, at
    /// the latest when the longest row is over, rounded up to whole minutes.
    #[test]
    fn in_every_stretch_there_is_a_rest(
        minutes in 1_u64..40,
        work in prop::collection::vec((0_u64..400, 1_u64..900), 1..60),
        fates in prop::collection::vec(any_fate(), 0..80),
    ) {
        let mut end = 0;
        let work: Vec<_> = work.into_iter().map(|(gap, length)| {
            let begin = end + gap;
            end = begin + length;
            begin..end
        }).collect();
        let mut story = Story::of(minutes, work);
        story.until = end + 3600;
        let calls = story.told(&fates);
        for pair in calls.windows(2) {
            prop_assert!(pair[0].0 + SPACING.as_secs() <= pair[1].0, "{calls:?}");
        }
        let mut row: Option<Range<u64>> = None;
        for span in taken_away(&calls, u64::MAX) {
            row = match row {
                Some(row) if span.start < row.end + REST.as_secs() => Some(row.start..span.end),
                _ => Some(span),
            };
            let row = row.clone().unwrap();
            let length = row.end - row.start;
            prop_assert!(length <= (minutes + 1) * MINUTE, "{length}: {calls:?}");
        }
    }
}
