//! What the services around the model cost, from the same table as the models.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// The table that is built in.
const EMBEDDED: &str = include_str!("../../../config/prices.toml");

/// The price of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// US dollars for `per` units.
    pub usd: f64,
    /// How many units that is for; at least 1.
    pub per: u64,
    /// What is counted.
    pub unit: String,
    /// The page that says so.
    pub source: String,
    /// How it is known, where not from that page.
    #[serde(default)]
    pub note: Option<String>,
}

impl Rate {
    /// What so many units cost, in US dollars.
    pub fn of(&self, units: f64) -> f64 {
        self.usd * units / self.per as f64
    }
}

/// The prices of one Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each field is a thing that AWS names; the table says more"
)]
pub struct Rates {
    pub region: String,
    pub read: String,
    pub sqs_request: Rate,
    pub s3_put: Rate,
    pub s3_get: Rate,
    pub sns_publish: Rate,
    pub sns_mail: Rate,
    pub fargate_x86_vcpu: Rate,
    pub fargate_x86_gb: Rate,
    pub fargate_arm_vcpu: Rate,
    pub fargate_arm_gb: Rate,
    pub logs_gb: Rate,
    pub step_transition: Rate,
    pub lambda_request: Rate,
    pub lambda_gb_second: Rate,
    pub eventbridge_event: Rate,
    pub cloudtrail_data_event: Rate,
}

#[derive(Deserialize)]
struct Table {
    services: Option<Rates>,
}

/// A table of prices cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("price table {place} cannot be used: {why}; correct [services] in it, or leave it out")]
pub struct RatesError {
    place: String,
    why: String,
}

impl Rates {
    /// The prices that are built in.
    pub fn embedded() -> Self {
        let parsed = Self::parse(EMBEDDED, "built in");
        parsed
            .ok()
            .flatten()
            .expect("the embedded table is valid, as a test shows")
    }

    /// The prices in a file, or those built in where there is none, or none of services in it.
    ///
    /// # Errors
    /// The file cannot be read, or has wrong prices.
    pub fn load(file: Option<&Path>) -> Result<Self, RatesError> {
        let Some(file) = file else {
            return Ok(Self::embedded());
        };
        let place = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| RatesError {
            place: place.clone(),
            why: error.to_string(),
        })?;
        Ok(Self::parse(&text, &place)?.unwrap_or_else(Self::embedded))
    }

    fn parse(text: &str, place: &str) -> Result<Option<Self>, RatesError> {
        let wrong = |why: String| RatesError {
            place: place.to_owned(),
            why,
        };
        let table: Table =
            toml::from_str(text).map_err(|error| wrong(error.message().to_owned()))?;
        let all = table.services.iter().flat_map(Self::all);
        for rate in all {
            if !(rate.usd.is_finite() && rate.usd >= 0.0 && rate.per >= 1) {
                return Err(wrong(format!("the price of {} is none", rate.unit)));
            }
        }
        Ok(table.services)
    }

    fn all(&self) -> [&Rate; 15] {
        [
            &self.sqs_request,
            &self.s3_put,
            &self.s3_get,
            &self.sns_publish,
            &self.sns_mail,
            &self.fargate_x86_vcpu,
            &self.fargate_x86_gb,
            &self.fargate_arm_vcpu,
            &self.fargate_arm_gb,
            &self.logs_gb,
            &self.step_transition,
            &self.lambda_request,
            &self.lambda_gb_second,
            &self.eventbridge_event,
            &self.cloudtrail_data_event,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_prices_name_their_pages() {
        let rates = Rates::embedded();
        assert_eq!(rates.region, "us-east-1");
        for rate in rates.all() {
            assert!(
                rate.source.starts_with("https://aws.amazon.com/"),
                "{rate:?}"
            );
        }
        assert_eq!(Rates::load(None).unwrap(), rates);
    }

    #[test]
    fn a_bad_table_names_the_place_and_the_remedy() {
        for (change, with) in [
            ("usd = 0.40", "usd = -0.40"),
            ("usd = 0.40", "usd = nan"),
            ("per = 1_000_000", "per = 0"),
            ("[services.sqs_request]", "[services.sqs_call]"),
        ] {
            let text = EMBEDDED.replacen(change, with, 1);
            assert_ne!(text, EMBEDDED, "{change}");
            let error = Rates::parse(&text, "p.toml").unwrap_err().to_string();
            assert!(
                error.contains("p.toml") && error.contains("[services]"),
                "{error}"
            );
        }
        assert!(Rates::load(Some(Path::new("/nowhere/prices.toml"))).is_err());
        let of_models = EMBEDDED.split("[services]").next().unwrap();
        assert_eq!(Rates::parse(of_models, "p.toml").unwrap(), None);
    }
}
