//! What a call costs, in dollars and in tokens of quota, before and after it.
//!
//! One table by family holds prices, burndown factors and image tiers, because they change together
//! when a model is replaced. Before a call its tokens are estimated, a little too high: limits
//! give back what was not used. Afterwards the service's own count is what counts.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::id::{geography, is_of_family};
use super::{Ask, ModelRequest, Part, Tokens};

use crate::telemetry::vocabulary::MODEL_ID;

/// The table that is built in.
const EMBEDDED: &str = include_str!("../../config/prices.toml");

/// Bytes of text that make a token at least. Tokenizers of current models take about 3 bytes of
/// English and JSON, more than older ones, which took about 4.
const BYTES_PER_TOKEN: u64 = 3;

/// What a service adds by itself: the frame of a message, the instructions about tools.
const FRAME_TOKENS: u64 = 600;

/// The edge of the squares that images are counted in, in pixels.
const PATCH: f64 = 28.0;

/// How a family scales and counts images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageTier {
    /// At most 1568 pixels on an edge and 1568 tokens.
    Standard,
    /// At most 2576 pixels on an edge and 4784 tokens.
    High,
}

impl ImageTier {
    /// The longest edge in pixels; larger images are scaled down.
    pub const fn max_edge(self) -> u32 {
        match self {
            Self::Standard => 1568,
            Self::High => 2576,
        }
    }

    /// The most tokens that one image makes.
    pub const fn max_tokens(self) -> u64 {
        match self {
            Self::Standard => 1568,
            Self::High => 4784,
        }
    }

    /// Tokens of an image, in squares of 28 pixels after it was scaled down.
    ///
    /// ```
    /// use s3_warden::model::ImageTier;
    ///
    /// assert_eq!(ImageTier::Standard.tokens(1000, 1000), 36 * 36);
    /// assert_eq!(ImageTier::Standard.tokens(8000, 8000), 1568);
    /// ```
    pub fn tokens(self, width: u32, height: u32) -> u64 {
        let longest = f64::from(width.max(height).max(1));
        let scale = (f64::from(self.max_edge()) / longest).min(1.0);
        let squares = |edge: u32| (f64::from(edge) * scale / PATCH).ceil().max(1.0) as u64;
        (squares(width) * squares(height)).min(self.max_tokens())
    }
}

/// What the table says of one family.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// US dollars for a million tokens of input.
    pub input: f64,
    /// US dollars for a million tokens of output.
    pub output: f64,
    /// Tokens of quota that one token of output uses up.
    pub burndown: u32,
    /// How images are counted.
    pub images: ImageTier,
}

#[derive(Debug, Deserialize)]
struct Row {
    family: String,
    #[serde(flatten)]
    price: Price,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    regional_factor: f64,
    unknown: Price,
    model: Vec<Row>,
    /// What other services cost is read by those who ask for it.
    #[serde(default, rename = "services")]
    _services: Option<IgnoredAny>,
}

/// The price table.
#[derive(Debug)]
pub struct Prices {
    table: Table,
    /// Ids that were not found, each of which is told once.
    told: Mutex<BTreeSet<String>>,
}

/// A price table cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("price table {place} cannot be used: {why}; correct it, or leave model.prices empty")]
pub struct PricesError {
    place: String,
    why: String,
}

impl Prices {
    /// The table that is built in.
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED, "built in").expect("the embedded table is valid, as a test shows")
    }

    /// The table in a file, or the one built in where there is none.
    ///
    /// # Errors
    /// The file cannot be read or is no table of prices.
    pub fn load(file: Option<&Path>) -> Result<Self, PricesError> {
        let Some(file) = file else {
            return Ok(Self::embedded());
        };
        let place = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text, &place),
            Err(error) => Err(PricesError {
                place,
                why: error.to_string(),
            }),
        }
    }

    fn parse(text: &str, place: &str) -> Result<Self, PricesError> {
        let wrong = |why: String| PricesError {
            place: place.to_owned(),
            why,
        };
        let table: Table =
            toml::from_str(text).map_err(|error| wrong(error.message().to_owned()))?;
        let prices = table.model.iter().map(|row| &row.price);
        for price in prices.chain([&table.unknown]) {
            let counts = [price.input, price.output];
            if !counts.iter().all(|usd| usd.is_finite() && *usd >= 0.0) {
                return Err(wrong("a price is negative or no number".to_owned()));
            }
            if !(1..=100).contains(&price.burndown) {
                return Err(wrong("a burndown is not from 1 to 100".to_owned()));
            }
        }
        if !(table.regional_factor.is_finite() && table.regional_factor >= 1.0) {
            return Err(wrong("regional_factor is less than 1".to_owned()));
        }
        Ok(Self {
            table,
            told: Mutex::default(),
        })
    }

    /// What the table says of a model, by its id, inference profile or ARN. A family that is not
    /// listed gets the `unknown` entry, and a warning once.
    pub fn of(&self, model: &str) -> Price {
        let row = self
            .table
            .model
            .iter()
            .find(|row| is_of_family(model, &row.family));
        if row.is_none() {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.insert(model.to_owned()) {
                tracing::warn!(
                    { MODEL_ID } = model,
                    "price of the model not known, the dearest is assumed; set model.prices"
                );
            }
        }
        let price = row.map_or(self.table.unknown, |row| row.price);
        let factor = match geography(model).0 {
            Some("global") => 1.0,
            _ => self.table.regional_factor,
        };
        Price {
            input: price.input * factor,
            output: price.output * factor,
            ..price
        }
    }

    /// The price of a call's tokens, in US dollars.
    pub fn usd(&self, model: &str, tokens: Tokens) -> f64 {
        let price = self.of(model);
        (tokens.input as f64 * price.input + tokens.output as f64 * price.output) / 1e6
    }

    /// Tokens that the model will read of a request: text by its bytes, images by the family's
    /// tier. Rather too many than too few.
    pub fn input_tokens(&self, request: &ModelRequest) -> u64 {
        let tier = self.of(&request.model).images;
        let asked = match &request.ask {
            Ask::Tool {
                name,
                description,
                schema,
            } => name.len() + description.len() + schema.to_string().len(),
            Ask::Schema { name, schema } => name.len() + schema.to_string().len(),
            Ask::Text => 0,
        };
        let parts = request.parts.iter().map(|part| match part {
            Part::Text(text) => text_tokens(text.len()),
            Part::Image { width, height, .. } => tier.tokens(*width, *height),
        });
        let parts: u64 = parts.sum();
        FRAME_TOKENS + text_tokens(request.system.len()) + text_tokens(asked) + parts
    }

    /// Tokens of a text of so many bytes; rather too many than too few.
    pub fn text_tokens(bytes: usize) -> u64 {
        text_tokens(bytes)
    }

    /// The most dollars that a request can cost.
    pub fn reservation_usd(&self, request: &ModelRequest) -> f64 {
        let tokens = Tokens {
            input: self.input_tokens(request),
            output: request.max_tokens.into(),
        };
        self.usd(&request.model, tokens)
    }

    /// The most tokens of quota that a request of a model can use up, with so many images of the
    /// largest size and so many bytes of text in it.
    pub fn largest_request(
        &self,
        model: &str,
        images: u32,
        text_bytes: usize,
        max_tokens: u32,
    ) -> u64 {
        let price = self.of(model);
        FRAME_TOKENS
            + text_tokens(text_bytes)
            + u64::from(images) * price.images.max_tokens()
            + u64::from(max_tokens) * u64::from(price.burndown)
    }
}

fn text_tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ImageKind;

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output }
    }

    #[test]
    fn the_embedded_table_knows_the_families() {
        let prices = Prices::embedded();
        let million = tokens(1_000_000, 1_000_000);
        for (id, usd, burndown) in [
            ("global.anthropic.claude-haiku-5-5", 0.6, 10),
            ("us.anthropic.claude-haiku-5-5", 0.66, 10),
            ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", 6.6, 5),
            ("global.anthropic.claude-sonnet-5", 12.0, 10),
            ("global.anthropic.claude-opus-4-8", 30.0, 15),
        ] {
            let found = prices.usd(id, million);
            assert!((found - usd).abs() < 1e-9, "{id}: {found}");
            assert_eq!(prices.of(id).burndown, burndown, "{id}");
        }
    }

    #[test]
    fn an_unknown_model_is_as_dear_as_any() {
        let prices = Prices::embedded();
        let unknown = prices.of("somebody.new-model-v9:0");
        for row in &prices.table.model {
            assert!(unknown.input >= row.price.input, "{}", row.family);
            assert!(unknown.output >= row.price.output, "{}", row.family);
            assert!(unknown.burndown >= row.price.burndown, "{}", row.family);
        }
        assert_eq!(prices.told.lock().unwrap().len(), 1);
        prices.of("somebody.new-model-v9:0");
        assert_eq!(prices.told.lock().unwrap().len(), 1);
    }

    #[test]
    fn images_are_counted_by_tier() {
        for (tier, width, height, expected) in [
            (ImageTier::Standard, 28, 28, 1),
            (ImageTier::Standard, 29, 28, 2),
            (ImageTier::Standard, 1, 1, 1),
            (ImageTier::Standard, 0, 0, 1),
            (ImageTier::Standard, 1568, 1568, 1568),
            (ImageTier::High, 1568, 1568, 56 * 56),
            (ImageTier::High, 2576, 2576, 4784),
            (ImageTier::High, u32::MAX, 1, 92),
        ] {
            let found = tier.tokens(width, height);
            assert_eq!(found, expected, "{tier:?} {width} x {height}");
        }
    }

    #[test]
    fn a_request_is_estimated_by_all_its_parts() {
        let prices = Prices::embedded();
        let mut request = ModelRequest {
            model: "us.anthropic.claude-haiku-4-5".to_owned(),
            system: "x".repeat(300),
            parts: vec![Part::Text("x".repeat(31))],
            ask: Ask::Text,
            max_tokens: 1_000,
        };
        let text = FRAME_TOKENS + 100 + 11;
        assert_eq!(prices.input_tokens(&request), text);
        request.parts.push(Part::Image {
            kind: ImageKind::Png,
            bytes: bytes::Bytes::new(),
            width: 280,
            height: 280,
        });
        assert_eq!(prices.input_tokens(&request), text + 100);
        let most = prices.largest_request(&request.model, 1, 331, 1_000);
        assert!(most >= text + 100 + 5_000, "{most}");
        let usd = prices.reservation_usd(&request);
        let by_hand = ((text + 100) as f64 * 1.1 + 1_000.0 * 5.5) / 1e6;
        assert!((usd - by_hand).abs() < 1e-12, "{usd}");
    }

    #[test]
    fn a_bad_table_names_the_place_and_the_remedy() {
        for (change, with) in [
            ("burndown = 10", "burndown = 0"),
            ("input = 0.1", "input = -0.1"),
            ("input = 0.1", "input = inf"),
            ("images = \"high\"", "images = \"huge\""),
            ("regional_factor = 1.1", "regional_factor = 0.5"),
            ("[unknown]", "[unheard]"),
        ] {
            let text = EMBEDDED.replacen(change, with, 1);
            assert_ne!(text, EMBEDDED);
            let error = Prices::parse(&text, "p.toml").unwrap_err().to_string();
            assert!(error.contains("p.toml"), "{error}");
            assert!(error.contains("model.prices"), "{error}");
        }
        let nowhere = Path::new("/nowhere/prices.toml");
        assert!(Prices::load(Some(nowhere)).is_err());
        assert!(Prices::load(None).is_ok());
    }

    proptest! {
        #[test]
        fn an_image_never_makes_more_than_its_tier(width: u32, height: u32) {
            for tier in [ImageTier::Standard, ImageTier::High] {
                let tokens = tier.tokens(width, height);
                prop_assert!((1..=tier.max_tokens()).contains(&tokens));
            }
        }
    }
}
