//! Going down in order: signals become two tokens.
//!
//! The first SIGINT or SIGTERM (or whoever else cancels [`Tokens::drain`]) stops the intake; what
//! has begun is finished, by the deadline that the worker keeps. With a second signal
//! [`Tokens::now`] is cancelled: what is still open is left to the queue and the sweeper. Both
//! signals mean the same, because a terminal sends one and a container runtime the other.
//!
//! The signals come in as a stream, so that a test can pull them.
//!
//! [`protection`] asks whoever runs us not to choose this very moment.

pub mod protection;
mod settings;

pub use settings::{EcsSettings, RawEcs};

use futures::stream::{self, Stream, StreamExt};
use tokio::signal::unix::{self, SignalKind};
use tokio_util::sync::CancellationToken;

use crate::telemetry::vocabulary::SHUTDOWN_CAUSE;

/// A wish of the outside world that the process should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: a container runtime or an init system.
    Terminate,
}

/// What the parts of the process listen to. Clones listen to the same tokens.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Take nothing new; finish what has begun.
    pub drain: CancellationToken,
    /// Leave at once. Never cancelled before `drain`.
    pub now: CancellationToken,
}

/// The signals of this process, from the moment of the call on.
///
/// # Errors
/// The operating system does not let us listen.
pub fn signals() -> std::io::Result<impl Stream<Item = Signal> + Unpin + Send> {
    let interrupt = unix::signal(SignalKind::interrupt())?;
    let terminate = unix::signal(SignalKind::terminate())?;
    let events = stream::unfold((interrupt, terminate), |(mut int, mut term)| async move {
        let signal = tokio::select! {
            Some(()) = int.recv() => Signal::Interrupt,
            Some(()) = term.recv() => Signal::Terminate,
            else => return None,
        };
        Some((signal, (int, term)))
    });
    Ok(events.boxed())
}

/// Turns signals into tokens: the first drains, the second means now.
///
/// So does the first after somebody else began to drain. Returns after that; a process that has
/// drained before drops this future. The end of the stream is no signal.
pub async fn conduct<S>(mut signals: S, tokens: &Tokens)
where
    S: Stream<Item = Signal> + Unpin,
{
    tokio::select! {
        // A drain that has begun already leaves the signal to be the second.
        biased;
        () = tokens.drain.cancelled() => {}
        signal = next(&mut signals) => {
            tracing::info!(
                { SHUTDOWN_CAUSE } = ?signal,
                "draining: what has begun is finished; a second signal stops at once",
            );
            tokens.drain.cancel();
        }
    }
    let signal = next(&mut signals).await;
    tracing::warn!({ SHUTDOWN_CAUSE } = ?signal, "stopping before all is drained");
    tokens.now.cancel();
}

/// The next signal; waits for ever when there will be none.
async fn next<S: Stream<Item = Signal> + Unpin>(signals: &mut S) -> Signal {
    match signals.next().await {
        Some(signal) => signal,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const A_DAY: Duration = Duration::from_secs(86_400);

    #[tokio::test(start_paused = true)]
    async fn one_signal_drains_and_no_more() {
        for signal in [Signal::Interrupt, Signal::Terminate] {
            let tokens = Tokens::default();
            let signals = stream::iter([signal]).chain(stream::pending());
            let waited = tokio::time::timeout(A_DAY, conduct(signals, &tokens)).await;
            assert!(waited.is_err() && tokens.drain.is_cancelled() && !tokens.now.is_cancelled());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_means_now() {
        let tokens = Tokens::default();
        conduct(
            stream::iter([Signal::Terminate, Signal::Interrupt]),
            &tokens,
        )
        .await;
        assert!(tokens.drain.is_cancelled() && tokens.now.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_signal_nothing_happens() {
        let tokens = Tokens::default();
        let waited = tokio::time::timeout(A_DAY, conduct(stream::empty(), &tokens)).await;
        assert!(waited.is_err() && !tokens.drain.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_after_the_process_began_to_drain_means_now() {
        let tokens = Tokens::default();
        tokens.drain.cancel();
        conduct(stream::iter([Signal::Terminate]), &tokens).await;
        assert!(tokens.now.is_cancelled());
    }

    #[tokio::test]
    async fn the_signals_of_the_process_are_heard() {
        let mut heard = signals().unwrap();
        for (name, want) in [("TERM", Signal::Terminate), ("INT", Signal::Interrupt)] {
            let kill = format!("kill -{name} {}", std::process::id());
            let sent = std::process::Command::new("sh")
                .args(["-c", &kill])
                .status();
            assert!(sent.unwrap().success());
            assert_eq!(heard.next().await, Some(want));
        }
    }
}
