//! An analyst that follows a script.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use s3_warden::event::Activity;
use s3_warden::verdict::threat::{Analyst, AnalystError, Assessment, Floor, Unassessed};
use s3_warden::verdict::{Judge, Threat};

use crate::gate::Gate;

/// What happens to one question.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// This level, whatever the floor.
    Level(Threat),
    /// Nothing.
    Nothing(Unassessed),
    /// This level, when the gate opens.
    Later(Gate, Threat),
    Panic,
}

/// The analyst; unless told otherwise it finds everything harmless.
#[derive(Debug, Default)]
pub(crate) struct Script {
    turns: Mutex<VecDeque<Says>>,
    asked: AtomicUsize,
}

impl Script {
    /// The next questions, in order.
    pub(crate) fn then(&self, turns: impl IntoIterator<Item = Says>) {
        self.turns.lock().unwrap().extend(turns);
    }

    /// How many questions there were.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Analyst for Script {
    async fn assess(
        &self,
        _activity: &Activity,
        floor: &Floor,
    ) -> Result<Assessment, AnalystError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.turns.lock().unwrap().pop_front();
        let level = match next.unwrap_or(Says::Level(Threat::Low)) {
            Says::Level(level) => level,
            Says::Later(gate, level) => {
                gate.pass().await;
                level
            }
            Says::Nothing(why) => {
                return Err(AnalystError {
                    why,
                    message: "scripted".to_owned(),
                    cost_usd: 0.0,
                });
            }
            Says::Panic => panic!("the analyst panics"),
        };
        let judge = Judge {
            name: "scripted".to_owned(),
            version: "1".to_owned(),
        };
        // What a model says is taken as it comes: that it stays above the floor is not its doing.
        Ok(Assessment {
            threat: level,
            ..Assessment::judged(floor.clone(), level, judge)
        })
    }
}
