//! Learning who we are, beside everything else.
//!
//! What we cause ourselves is told apart by our role's id, which STS knows. A closed network may have
//! no endpoint for it, so nobody waits for the answer: until it is there, our own calls are looked at
//! like a stranger's, which may tell people too much and never too little.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::aws::StsIdentity;
use crate::telemetry::vocabulary::ERROR_DETAIL;
use crate::verdict::threat::Ourselves;

/// One question with the SDK's attempts: longer, and it is not answered.
const ANSWER: Duration = Duration::from_secs(5);

/// How long until the next question.
const AGAIN: Duration = Duration::from_secs(60);

/// Asks until there is an answer, and tells `ourselves` as soon as they are there.
pub(super) async fn learn(
    sts: StsIdentity,
    ourselves: oneshot::Receiver<Arc<Ourselves>>,
    ended: CancellationToken,
) {
    let mut said = false;
    let caller = loop {
        let why = match tokio::time::timeout(ANSWER, sts.ask()).await {
            Ok(Ok(caller)) => break caller,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ANSWER.as_secs()),
        };
        if !std::mem::replace(&mut said, true) {
            tracing::warn!(
                { ERROR_DETAIL } = why,
                "who we are is not known yet: until it is, what we do ourselves is assessed like \
                 anybody's; allow the way to AWS STS"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = ended.cancelled() => return,
        }
    };
    // Without a service that started, nobody wants to know.
    if let Ok(ourselves) = ourselves.await {
        ourselves.learn(caller);
        tracing::info!("who we are is known");
    }
}
