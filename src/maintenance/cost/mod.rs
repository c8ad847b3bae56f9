//! What looking at pictures costs: arithmetic over the price table, the settings in force and what
//! was measured of the service; and the same for the hand-made workflow that it replaces.
//!
//! Everything is linear in the number of pictures but what stands by: the tasks that run whether
//! pictures come or not. The estimate leaves out what both ways have alike (storing the pictures,
//! sending them over networks) and what depends on the network around them (NAT gateways, endpoints).

mod rates;
mod service;
mod workflow;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use rates::{Rate, Rates, RatesError};
pub use service::{FLAGGED, PER_PICTURE, Requests, service, tokens};
pub use workflow::{TRANSITIONS, workflow};

use crate::model::Prices;
use crate::object::Limits;

/// Bytes of a stored picture that make a pixel, where nobody says how large it is: two bits, which
/// photos have as JPEG of usual quality. Pictures of text have fewer.
pub const BYTES_PER_PIXEL: f64 = 0.25;

/// Tokens of a verdict (`model.max_tokens` says the most that it may take).
pub const ANSWER_TOKENS: u64 = 200;

/// What has to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// How many pictures; at least 1.
    pub images: u64,
    /// How large each is, in pixels.
    pub pixels: (u32, u32),
    /// Which part of them is flagged, from 0 to 1.
    pub flagged: f64,
    /// The model, by its id, inference profile or ARN.
    pub model: String,
    /// Over how many days they come.
    pub days: u32,
    /// Subscriptions by mail to the topic of alerts.
    pub mails: u32,
    /// What runs.
    pub tasks: Tasks,
}

/// The tasks of a service on Fargate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tasks {
    /// How many run all the time; 0 where the service is scaled to none while nothing comes.
    pub count: u32,
    /// The processors of each.
    pub vcpu: f64,
    /// The memory of each, in GB.
    pub gb: f64,
    /// On ARM instead of x86.
    pub arm: bool,
}

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Tokens.
    Model,
    /// How news of a picture come.
    Queue,
    /// The steps between.
    Steps,
    /// Requests to S3.
    Storage,
    /// Processors and memory, as far as they work.
    Compute,
    /// Publishes and mails.
    Alerts,
    /// What is logged.
    Logs,
    /// What runs while nothing comes.
    Standby,
}

impl Item {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Model,
        Self::Queue,
        Self::Steps,
        Self::Storage,
        Self::Compute,
        Self::Alerts,
        Self::Logs,
        Self::Standby,
    ];
}

/// What everything costs, in US dollars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    each: Vec<(Item, f64)>,
    standby: f64,
}

impl Bill {
    /// What one item costs for so many pictures; standing by costs nothing more for more of them,
    /// and is not counted here.
    pub fn of(&self, item: Item, images: u64) -> f64 {
        let each = self.each.iter().filter(|(known, _)| *known == item);
        each.map(|(_, usd)| usd * images as f64).sum()
    }

    /// All items for so many pictures, without standing by.
    pub fn sum(&self, images: u64) -> f64 {
        self.each.iter().map(|(_, usd)| usd * images as f64).sum()
    }

    /// What standing by costs over the days of the workload, beside the work itself.
    pub const fn standby(&self) -> f64 {
        self.standby
    }
}

/// The picture of so many bytes that is assumed where nobody says how large it is: four to three,
/// at [`BYTES_PER_PIXEL`], and no larger than is decoded at all.
pub fn assumed_pixels(bytes: f64, limits: &Limits) -> (u32, u32) {
    let pixels = (bytes / BYTES_PER_PIXEL).min(limits.max_pixels as f64);
    // In steps of four by three, so that the shape is the same at every size.
    let step = (pixels / 12.0).sqrt().floor().clamp(1.0, 16_000.0) as u32;
    (4 * step, 3 * step)
}

/// What both estimates are made from.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// What services cost.
    pub rates: &'a Rates,
    /// What models cost.
    pub prices: &'a Prices,
    /// How pictures are cut and scaled before a model sees them.
    pub limits: &'a Limits,
}
