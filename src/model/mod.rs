//! One call to a model, and nothing about what is asked.
//!
//! One [`Model::converse`] is one attempt and one charge. What is asked and how answers are read
//! stands in `verdict`; who carries the call in `aws`; the decorators of this room decide when it
//! may be made.

mod id;
pub mod limits;
mod meter;
mod port;
mod prices;
mod settings;
#[cfg(test)]
pub(crate) mod testing;
mod waits;

pub use id::geography;
pub use meter::{Answered, Meter, NoMeter};
pub use port::{
    Ask, Content, ImageKind, Model, ModelError, ModelReply, ModelRequest, Part, RequestFault,
    Spending, SpendingError, Stop, Tokens, Usage,
};
pub use prices::{ImageTier, Price, Prices, PricesError};
pub use settings::{ModelSettings, RawModel};
pub use waits::{Waits, unless_it_waits, waiting};
