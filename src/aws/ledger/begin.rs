//! Begins a finding: marker first, then the intent, each only over what was there.

use super::findings::Findings;
use super::layout::finding_key;
use crate::aws::records::{TRIES, contended};
use crate::record::{Begun, Intent, LedgerError, State};

impl Findings {
    pub(super) async fn begin(&self, intent: Intent) -> Result<Begun, LedgerError> {
        let id = intent.finding().id;
        let date = intent.finding().date();
        let marker = self.mark(intent.finding()).await?;
        for attempt in 0..TRIES {
            // Most intents are new: nothing is read unless something turns out to be there.
            if let Some(etag) = self.write(intent.finding(), None).await? {
                self.remember(intent.finding(), etag, Some(marker));
                return Ok(Begun::Fresh(intent));
            }
            let Some((earlier, etag)) = self.read(&id, date).await? else {
                self.records.give_way(attempt).await;
                continue;
            };
            if intent.reopens(&earlier) {
                let again = intent.clone().after(&earlier);
                let marker = self.mark(again.finding()).await?;
                if let Some(etag) = self.write(again.finding(), Some(&etag)).await? {
                    self.remember(again.finding(), etag, Some(marker));
                    return Ok(Begun::Fresh(again));
                }
                self.records.give_way(attempt).await;
                continue;
            }
            self.remember(&earlier, etag, Some(marker.clone()));
            if earlier.state == State::Announced {
                self.unmark(&id, earlier.revision, Some(marker)).await?;
            }
            return Ok(match earlier.clone().into_intent() {
                Some(intent) => Begun::Resumed(intent),
                None => Begun::Finished(earlier),
            });
        }
        Err(contended(&finding_key(&id, date)))
    }
}
