//! What goes wrong, where, and how often: one list that all decorators of one ground follow.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::gate::Gate;

/// One call of a port that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Fetch,
    Remove,
    Quarantine,
    Find,
    /// Listing what is open.
    Open,
    /// Asking what people have allowed.
    Allowed,
    Begin,
    /// `advance` to acted.
    Acted,
    /// `advance` to announced.
    Announced,
    Publish,
    Receive,
    /// Of the queue of events.
    ReceiveEvents,
    Extend,
    Ack,
    Park,
    /// Reading the switches.
    Switches,
    OpenBreaker,
    Tag,
}

/// On which side of the call: after it, the call was done and its answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The call fails, and may succeed later.
    Fail,
    /// The call is refused, until somebody acts.
    Refuse,
    /// The process ends here, as by a kill.
    Abort,
    /// The call waits.
    Hold(Gate),
}

/// The call is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injected {
    Failed,
    Refused,
}

#[derive(Debug)]
struct Rule {
    step: Step,
    when: When,
    left: usize,
    effect: Effect,
}

/// The list.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    begun: Mutex<HashMap<Step, usize>>,
}

impl Faults {
    /// From now on, for this many calls.
    pub(crate) fn on(&self, step: Step, when: When, times: usize, effect: Effect) {
        self.rules.lock().unwrap().push(Rule {
            step,
            when,
            left: times,
            effect,
        });
    }

    /// All calls of this kind fail until [`Faults::mend`].
    pub(crate) fn fail(&self, step: Step) {
        self.on(step, When::Before, usize::MAX, Effect::Fail);
    }

    /// All calls of this kind are refused until [`Faults::mend`].
    pub(crate) fn refuse(&self, step: Step) {
        self.on(step, When::Before, usize::MAX, Effect::Refuse);
    }

    /// All calls of this kind wait at the gate before they do anything.
    pub(crate) fn hold(&self, step: Step) -> Gate {
        let gate = Gate::shut();
        let effect = Effect::Hold(gate.clone());
        self.on(step, When::Before, usize::MAX, effect);
        gate
    }

    /// Calls of this kind go well from now on.
    pub(crate) fn mend(&self, step: Step) {
        self.rules.lock().unwrap().retain(|rule| rule.step != step);
    }

    /// How many calls of this kind were made.
    pub(crate) fn calls(&self, step: Step) -> usize {
        let begun = self.begun.lock().unwrap();
        begun.get(&step).copied().unwrap_or(0)
    }

    /// A decorator comes by.
    pub(crate) async fn meet(&self, step: Step, when: When) -> Result<(), Injected> {
        if when == When::Before {
            *self.begun.lock().unwrap().entry(step).or_default() += 1;
        }
        match self.next(step, when) {
            None => Ok(()),
            Some(Effect::Fail) => Err(Injected::Failed),
            Some(Effect::Refuse) => Err(Injected::Refused),
            Some(Effect::Abort) => std::process::abort(),
            Some(Effect::Hold(gate)) => {
                gate.pass().await;
                Ok(())
            }
        }
    }

    fn next(&self, step: Step, when: When) -> Option<Effect> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.step == step && rule.when == when && rule.left > 0)?;
        rule.left -= 1;
        Some(rule.effect.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn rules_fit_their_call_and_are_used_up() {
    let faults = Faults::default();
    faults.on(Step::Remove, When::After, 1, Effect::Fail);
    assert_eq!(faults.meet(Step::Remove, When::Before).await, Ok(()));
    assert_eq!(faults.meet(Step::Begin, When::After).await, Ok(()));
    assert_eq!(
        faults.meet(Step::Remove, When::After).await,
        Err(Injected::Failed)
    );
    assert_eq!(faults.meet(Step::Remove, When::After).await, Ok(()));
    faults.fail(Step::Begin);
    for _call in 0..3 {
        assert_eq!(
            faults.meet(Step::Begin, When::Before).await,
            Err(Injected::Failed)
        );
    }
    faults.mend(Step::Begin);
    assert_eq!(faults.meet(Step::Begin, When::Before).await, Ok(()));
    assert_eq!(
        (faults.calls(Step::Begin), faults.calls(Step::Remove)),
        (4, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_held_call_waits() {
    let faults = Faults::default();
    let gate = faults.hold(Step::Publish);
    let call = faults.meet(Step::Publish, When::Before);
    tokio::pin!(call);
    assert!(futures::poll!(&mut call).is_pending());
    gate.open();
    assert_eq!(call.await, Ok(()));
}
