//! Waiting for a condition outside of this process. The emulator's and the service's clocks are
//! real, so the only way is to look again; nothing ever waits for a time to pass.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Looking again costs a call or two.
const AGAIN: Duration = Duration::from_millis(100);

/// Nothing that a test waits for takes nearly so long, on a busy machine either.
const GENEROUS: Duration = Duration::from_secs(90);

/// Looks until `look` has what is wanted; its error says how things stand instead.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        let instead = match look().await {
            Ok(found) => return found,
            Err(instead) => instead,
        };
        assert!(
            began.elapsed() < GENEROUS,
            "waited in vain for: {what}\nas it stands: {instead}"
        );
        sleep(AGAIN).await;
    }
}
