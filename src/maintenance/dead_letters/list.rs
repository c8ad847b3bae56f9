//! Everything that lies in a dead-letter queue, without touching it.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{About, DeadLetters, Ended, Hold, Letter, Parked, Rules, Wanted};

/// What a look at a dead-letter queue found.
#[derive(Debug)]
pub struct Listed {
    /// Those that were wanted, as they came.
    pub letters: Vec<Letter>,
    /// All that were looked at.
    pub seen: usize,
    /// Why no more was looked at.
    pub ended: Ended,
    /// How many could not be given back: they come back by themselves within five minutes.
    pub hidden: usize,
}

/// Looks at everything, holds it for as long, and gives it back: also when it is told to stop, and
/// when the queue fails on the way. At most `limit` are listed.
///
/// Every receive counts: a message that was looked at has one receive more.
pub async fn list(
    queue: &dyn DeadLetters,
    wanted: &Wanted,
    rules: &Rules,
    (limit, now): (usize, Timestamp),
    stop: &CancellationToken,
    progress: &mut (dyn FnMut(usize) + Send),
) -> Listed {
    let mut hold = Hold::new(queue);
    let (mut letters, mut seen) = (Vec::new(), 0);
    let ended = 'reading: loop {
        let came = match hold.next(stop).await {
            Ok(came) => came,
            Err(ended) => break ended,
        };
        for parked in came {
            seen += 1;
            if !wanted.takes(&parked, now) {
                continue;
            }
            if letters.len() == limit {
                break 'reading Ended::Enough;
            }
            if parked.pointer.is_some() {
                if stop.is_cancelled() {
                    break 'reading Ended::Interrupted;
                }
                hold.keep().await;
            }
            let about = about(queue, &parked, rules).await;
            letters.push(Letter::new(&parked, queue.name(), about));
        }
        progress(seen);
    };
    Listed {
        letters,
        seen,
        ended,
        hidden: hold.give_back().await,
    }
}

/// A text that cannot be fetched is a fault of that one: the others are listed all the same.
async fn about(queue: &dyn DeadLetters, parked: &Parked, rules: &Rules) -> About {
    let of = |body| About::of(&parked.plan(body, &rules.options));
    let Some(pointer) = &parked.pointer else {
        return of(&parked.body);
    };
    match queue.fetch(pointer).await {
        Ok(fetched) => fetched.as_ref().map_or(About::Gone, of),
        Err(error) => About::Unknown {
            why: error.to_string(),
        },
    }
}
