//! How the parts of a run end.
//!
//! A worker without its announcer would go on and tell nobody: every finding would wait, go back, and
//! wait again. So the run ends with whichever of the two breaks first, and is started anew.

use std::time::Duration;

use anyhow::Context;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// What last calls may still take once somebody said to stop at once.
const HURRIED: Duration = Duration::from_millis(500);

/// Waits for the worker; a panic in it, or in the announcer before, goes on in us. May be dropped
/// and called again.
///
/// # Errors
/// One of them was ended from outside.
pub(super) async fn worked<T: 'static>(
    working: &mut JoinSet<T>,
    announcing: &mut JoinSet<()>,
) -> anyhow::Result<T> {
    loop {
        tokio::select! {
            ended = working.join_next() => {
                return finished(ended.context("the worker was started")?);
            }
            // It ends in peace when the worker, which ends now too, has let go of it.
            Some(ended) = announcing.join_next() => finished(ended)?,
        }
    }
}

/// Waits for the last calls of a run for so long, or half a second once `now` is cancelled; whether
/// they came to their end.
pub(super) async fn last_calls(
    calls: impl Future,
    longest: Duration,
    now: &CancellationToken,
) -> bool {
    let hurried = async {
        now.cancelled().await;
        tokio::time::sleep(HURRIED).await;
    };
    tokio::select! {
        biased;
        _ = calls => true,
        () = tokio::time::sleep(longest) => false,
        () = hurried => false,
    }
}

fn finished<T>(ended: Result<T, JoinError>) -> anyhow::Result<T> {
    match ended {
        Ok(value) => Ok(value),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => anyhow::bail!("a part of the service was ended from outside"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, pending, ready};
    use std::panic::AssertUnwindSafe;

    use futures::FutureExt;

    use super::*;

    /// What is left when they end so: the worker's value, or the panic's text.
    async fn check(
        worker: impl Future<Output = u8> + Send + 'static,
        announcer: impl Future<Output = ()> + Send + 'static,
    ) -> Result<u8, &'static str> {
        let (mut working, mut announcing) = (JoinSet::new(), JoinSet::new());
        working.spawn(worker);
        announcing.spawn(announcer);
        let ended = AssertUnwindSafe(worked(&mut working, &mut announcing));
        match ended.catch_unwind().await {
            Ok(value) => Ok(value.unwrap()),
            Err(panic) => Err(*panic.downcast::<&'static str>().unwrap()),
        }
    }

    #[tokio::test]
    async fn whichever_breaks_first_ends_the_run() {
        assert_eq!(
            check(pending(), async { panic!("mute") }).await,
            Err("mute")
        );
        assert_eq!(
            check(async { panic!("lame") }, pending()).await,
            Err("lame")
        );
        assert_eq!(check(ready(7), pending()).await, Ok(7));
        let later = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(check(later, ready(())).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn last_calls_are_cut_when_somebody_says_now() {
        let now = CancellationToken::new();
        let long = Duration::from_secs(5);
        let began = tokio::time::Instant::now();
        assert!(last_calls(ready(()), long, &now).await);
        assert!(!last_calls(pending::<()>(), long, &now).await);
        assert_eq!(began.elapsed(), long);
        now.cancel();
        assert!(!last_calls(pending::<()>(), long, &now).await);
        assert_eq!(began.elapsed(), long + HURRIED);
        assert!(last_calls(ready(()), long, &now).await);
    }
}
