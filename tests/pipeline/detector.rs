//! A judge that follows a script, and after it goes by the colour of the picture.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use s3_warden::object::Prepared;
use s3_warden::verdict::{
    Category, Confidence, DetectError, Detector, Judge, Judged, Opinion, Threat, UndecidedReason,
};

use crate::gate::Gate;
use crate::pictures::Hue;

/// What happens to one judgement.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// It may be had later.
    Unavailable(Option<Duration>),
    /// All are to wait for so long.
    Spent(Duration),
    /// It may be had when somebody has acted.
    Unusable,
    Panic,
    /// It waits at the gate and then ends in a panic.
    WaitAndPanic(Gate),
    /// It waits at the gate and is then given.
    Wait(Gate),
    /// It is given.
    Answer,
}

/// The judge. Clones of the `Arc` follow one script.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    turns: Mutex<VecDeque<Turn>>,
    otherwise: Mutex<Option<Turn>>,
    asked: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Scripted {
    /// The next judgements, in order; then it goes by colour again.
    pub(crate) fn then(&self, turns: impl IntoIterator<Item = Turn>) {
        self.turns.lock().unwrap().extend(turns);
    }

    /// Every judgement beyond the script, until said otherwise.
    pub(crate) fn always(&self, turn: Turn) {
        *self.otherwise.lock().unwrap() = Some(turn);
    }

    /// How many judgements were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many were under way at once, at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn turn(&self) -> Turn {
        let scripted = self.turns.lock().unwrap().pop_front();
        let turn = scripted.or_else(|| self.otherwise.lock().unwrap().clone());
        turn.unwrap_or(Turn::Answer)
    }
}

/// Counts one judgement for as long as it is there: one that is given up is not under way.
struct Running<'a>(&'a Scripted);

impl<'a> Running<'a> {
    fn of(judge: &'a Scripted) -> Self {
        let now = judge.now.fetch_add(1, Ordering::SeqCst) + 1;
        judge.most.fetch_max(now, Ordering::SeqCst);
        Self(judge)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Detector for Scripted {
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _running = Running::of(self);
        match self.turn() {
            Turn::Unavailable(after) => {
                let message = "the script says so".to_owned();
                return Err(DetectError::Unavailable { message, after });
            }
            Turn::Spent(until) => return Err(DetectError::Spent { until }),
            Turn::Unusable => return Err(DetectError::Unusable("the script says so".to_owned())),
            Turn::Panic => panic!("the script says so"),
            Turn::WaitAndPanic(gate) => {
                gate.pass().await;
                panic!("the script says so");
            }
            Turn::Wait(gate) => gate.pass().await,
            Turn::Answer => {}
        }
        let pixels = picture.pieces[0].decode().unwrap();
        Ok(Judged::free(opinion(Hue::of(&pixels)), self.judge_name()))
    }

    fn judge_name(&self) -> Judge {
        Judge {
            name: "scripted".to_owned(),
            version: "1".to_owned(),
        }
    }
}

fn opinion(hue: Hue) -> Opinion {
    let flagged = |category| Opinion::Flagged {
        categories: [category].into(),
        confidence: Confidence::High,
        threat: Threat::High,
    };
    match hue {
        Hue::Red => flagged(Category::Passport),
        Hue::Blue => flagged(Category::Face),
        Hue::Green => Opinion::Clean,
        Hue::Yellow => Opinion::Undecided(UndecidedReason::NothingFound),
    }
}
