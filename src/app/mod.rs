//! The only builder: settings in, working parts out.
//!
//! Every adapter is named here and nowhere else, so that the rest of the house cannot tell on which
//! ground it stands.

mod copies;
mod dead_letters;
mod doctor;
mod ends;
#[cfg(feature = "local-detector")]
mod guarded;
mod judge;
#[cfg(feature = "local-detector")]
mod looker;
mod mend;
mod operator;
mod protecting;
mod reach;
mod service;
mod state;
mod whoami;

pub use dead_letters::{Which, dead_letters};
pub use doctor::{Examined, Viewpoint, examine};
#[cfg(feature = "local-detector")]
pub use guarded::{Guarded, Place, folder_at, guard};
#[cfg(feature = "local-detector")]
pub use looker::{LOCAL_BLIND_SPOTS, Looker};
pub use mend::{
    Applying, Restoring, allowances, allowances_at, applying, restoring, restoring_folder,
};
pub use operator::{all, find_back, records, switches};
pub use protecting::{AGENT_ADDRESS, Given, METADATA_ADDRESS};
pub use reach::StartError;
pub use service::serve;
pub use state::{ALERTS_FILE, recorded, state_of, states_of};
