//! A place where work stops until the test lets it go on.

use tokio::sync::watch;

/// Shut when made; everybody who comes waits until it is opened, and may be waited for. Clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    came: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(crate) fn shut() -> Self {
        Self {
            came: watch::Sender::new(0),
            open: watch::Sender::new(false),
        }
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        self.came.send_modify(|came| *came += 1);
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
    }

    /// Waits until this many have come, in all.
    pub(crate) async fn reached_by(&self, count: usize) {
        let mut came = self.came.subscribe();
        came.wait_for(|came| *came >= count).await.unwrap();
    }

    /// How many have come, in all.
    pub(crate) fn came(&self) -> usize {
        *self.came.borrow()
    }

    /// Lets everybody go on, now and later.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_holds_until_it_is_opened() {
    let gate = Gate::shut();
    let first = gate.pass();
    tokio::pin!(first);
    assert!(futures::poll!(&mut first).is_pending());
    gate.reached_by(1).await;
    gate.open();
    first.await;
    gate.pass().await;
    assert_eq!(gate.came(), 2);
}
