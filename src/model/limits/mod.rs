//! Decorators of [`Model`] that decide when a call may be made, and count it.
//!
//! They stand in one order, which [`limited`] keeps; from the one who asks to the service:
//!
//! 1. [`Budget`] refuses at once when the money is spent, before anything is waited for, and reads
//!    the price that stands further in has put to the answer.
//! 2. [`Paced`] waits for room in the account's quota. It stands outside of the next, so that
//!    waiting for a known limit does not look like a slow service.
//! 3. [`Adaptive`] waits for its turn at the rate that the service has shown to take, and hears of
//!    every throttling first.
//! 4. [`Metered`] measures the call alone, without any waiting, and prices it.
//! 5. The adapter, which makes the call, with its timeout.
//!
//! All waits are counted as such (see [`waiting`](crate::model::waiting)), are named to the
//! [`Meter`], and end when the future is dropped. Nothing here tries again: whoever asked does, by
//! asking again through all of them.

mod adaptive;
mod aimd;
mod bucket;
mod budget;
mod metered;
mod paced;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;

pub use adaptive::Adaptive;
pub use budget::Budget;
pub use metered::Metered;
pub use paced::{PaceError, Paced};

use crate::clock::Clock;
use crate::model::{Meter, Model, ModelSettings, Prices, Spending};

/// What the limits need to know and whom they ask.
#[derive(Clone, Debug)]
pub struct Scope {
    /// How many tasks share the account's quota.
    pub fleet_size: NonZeroU32,
    /// The most tokens of quota that one call can take, see
    /// [`Prices::largest_request`](crate::model::Prices::largest_request).
    pub largest: u64,
    /// What calls cost.
    pub prices: Arc<Prices>,
    /// Who is told of them.
    pub meter: Arc<dyn Meter>,
    /// The account of what was spent.
    pub spending: Arc<dyn Spending>,
    /// The time of day, by which days end.
    pub clock: Arc<dyn Clock>,
}

/// A model with its limits.
#[derive(Clone, Debug)]
pub struct Limited {
    /// To be asked.
    pub model: Arc<dyn Model>,
    /// To be [run](Budget::run) beside it; `None` where there is no budget.
    pub budget: Option<Arc<Budget>>,
}

/// Puts the limits of the settings round an adapter, in their order.
///
/// # Errors
/// A limit is too small for the largest call.
pub fn limited(
    adapter: Arc<dyn Model>,
    settings: &ModelSettings,
    scope: &Scope,
) -> Result<Limited, PaceError> {
    let meter = || Arc::clone(&scope.meter);
    let prices = || Arc::clone(&scope.prices);
    let metered: Arc<dyn Model> = Arc::new(Metered::new(adapter, prices(), meter()));
    let adaptive: Arc<dyn Model> = Arc::new(Adaptive::new(metered, meter()));
    let paced: Arc<dyn Model> = Arc::new(Paced::new(
        adaptive,
        settings,
        scope.fleet_size,
        scope.largest,
        prices(),
        meter(),
    )?);
    let Some(usd_per_day) = settings.usd_per_day else {
        return Ok(Limited {
            model: paced,
            budget: None,
        });
    };
    let budget = Arc::new(Budget::new(
        paced,
        usd_per_day,
        Arc::clone(&scope.spending),
        prices(),
        meter(),
        Arc::clone(&scope.clock),
    ));
    Ok(Limited {
        model: Arc::clone(&budget) as Arc<dyn Model>,
        budget: Some(budget),
    })
}
