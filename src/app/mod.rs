//! The only builder: settings in, working parts out.
//!
//! Every adapter is named here and nowhere else, so that the rest of the house cannot tell on which
//! ground it stands.

mod copies;
mod ends;
#[cfg(feature = "local-detector")]
mod guarded;
mod judge;
#[cfg(feature = "local-detector")]
mod looker;
mod operator;
mod reach;
mod service;
mod state;
mod whoami;

#[cfg(feature = "local-detector")]
pub use guarded::{Guarded, Place, folder_at, guard};
#[cfg(feature = "local-detector")]
pub use looker::{LOCAL_BLIND_SPOTS, Looker};
pub use operator::{all, find_back, records, switches};
pub use reach::StartError;
pub use service::serve;
pub use state::{ALERTS_FILE, recorded, state_of, states_of};
